-- Nothing looks results up by dossier alone; every new result paid for it with a page more.
DROP INDEX results_by_dossier;
