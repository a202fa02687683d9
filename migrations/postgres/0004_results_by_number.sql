-- Results are looked up by the number that is printed on them, whoever issued them.
CREATE INDEX results_by_number ON results (number_text, row_id);
