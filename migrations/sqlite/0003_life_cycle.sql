-- The life cycle whole: what kind of decision it was and who confirmed it, the result that a new one
-- replaces, and the requests that wait for a second person.

ALTER TABLE results ADD COLUMN predecessor_id TEXT;
CREATE UNIQUE INDEX results_by_predecessor ON results (predecessor_id) WHERE predecessor_id IS NOT NULL;

-- Rows from before have no kind: they say it by where they led, and are never changed.
ALTER TABLE status_changes ADD COLUMN kind TEXT NOT NULL DEFAULT '';
ALTER TABLE status_changes ADD COLUMN confirmed_by TEXT;

-- data and pdf are what a replacement is to be issued from; they are erased when the request is settled.
CREATE TABLE change_requests (
    id TEXT PRIMARY KEY NOT NULL,
    result_id TEXT NOT NULL REFERENCES results (id),
    agency_code TEXT NOT NULL,
    kind TEXT NOT NULL,
    until TEXT,
    reason TEXT NOT NULL,
    decision TEXT NOT NULL,
    authority TEXT NOT NULL,
    data TEXT,
    pdf BLOB,
    asked_by TEXT NOT NULL,
    asked_at INTEGER NOT NULL,
    expires_at INTEGER NOT NULL,
    state TEXT NOT NULL,
    settled_by TEXT,
    settled_at INTEGER,
    settled_because TEXT,
    ask_salt BLOB NOT NULL,
    ask_leaf_index INTEGER NOT NULL UNIQUE REFERENCES log_entries (leaf_index),
    settle_salt BLOB,
    settle_leaf_index INTEGER REFERENCES log_entries (leaf_index)
) STRICT;

-- One result waits for one decision at a time.
CREATE UNIQUE INDEX change_requests_waiting ON change_requests (result_id) WHERE state = 'waiting';
CREATE INDEX change_requests_by_agency ON change_requests (agency_code, id);
