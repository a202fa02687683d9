-- Finds the checks whose personal parts are to be erased, without reading all of them.
CREATE INDEX checks_to_erase ON checks (received_at) WHERE salt IS NOT NULL;
