-- The register. Same tables and columns as migrations/postgres (tests/it/store/schema.rs compares them).
--
-- Times are Unix seconds, days are ISO 8601 text, digests are 32 bytes, JSON and words are text. Every id
-- is made by the program.

CREATE TABLE agencies (
    code TEXT PRIMARY KEY NOT NULL,
    issuer TEXT NOT NULL UNIQUE,
    symbol TEXT NOT NULL,
    name_vi TEXT NOT NULL,
    name_en TEXT NOT NULL,
    parent TEXT,
    phone TEXT,
    seal_image BLOB,
    seal_diameter_tenths_mm INTEGER,
    created_at INTEGER NOT NULL
) STRICT;

CREATE TABLE keys (
    fingerprint BLOB PRIMARY KEY NOT NULL,
    agency_code TEXT REFERENCES agencies (code),
    purpose TEXT NOT NULL,
    algorithm TEXT NOT NULL,
    spki BLOB NOT NULL,
    chain_pem TEXT NOT NULL,
    not_before INTEGER NOT NULL,
    not_after INTEGER NOT NULL,
    file TEXT NOT NULL,
    types TEXT NOT NULL,
    retired_at INTEGER
) STRICT;

CREATE INDEX keys_by_agency ON keys (agency_code, purpose);

CREATE TABLE accounts (
    id TEXT PRIMARY KEY NOT NULL,
    login TEXT NOT NULL UNIQUE,
    display_name TEXT NOT NULL,
    role TEXT NOT NULL,
    agency_code TEXT NOT NULL REFERENCES agencies (code),
    password_hash TEXT,
    created_at INTEGER NOT NULL,
    disabled_at INTEGER
) STRICT;

CREATE INDEX accounts_by_agency ON accounts (agency_code);

CREATE TABLE api_keys (
    digest BLOB PRIMARY KEY NOT NULL,
    account_id TEXT NOT NULL REFERENCES accounts (id),
    label TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    expires_at INTEGER,
    revoked_at INTEGER
) STRICT;

CREATE INDEX api_keys_by_account ON api_keys (account_id);

CREATE TABLE status_lists (
    number INTEGER PRIMARY KEY NOT NULL,
    capacity INTEGER NOT NULL,
    issuer TEXT NOT NULL REFERENCES agencies (issuer),
    created_at INTEGER NOT NULL
) STRICT;

CREATE INDEX status_lists_by_issuer ON status_lists (issuer, number);

CREATE TABLE counters (
    agency_code TEXT NOT NULL,
    result_type TEXT NOT NULL,
    year INTEGER NOT NULL,
    next_number INTEGER NOT NULL,
    PRIMARY KEY (agency_code, result_type, year)
) STRICT;

CREATE TABLE results (
    id TEXT PRIMARY KEY NOT NULL,
    row_id TEXT NOT NULL UNIQUE,
    agency_code TEXT NOT NULL REFERENCES agencies (code),
    result_type TEXT NOT NULL,
    type_number INTEGER NOT NULL,
    year INTEGER NOT NULL,
    number INTEGER,
    number_text TEXT NOT NULL,
    dossier_code TEXT NOT NULL,
    result_code TEXT NOT NULL UNIQUE,
    issue_date TEXT NOT NULL,
    valid_from TEXT NOT NULL,
    valid_to TEXT,
    data TEXT NOT NULL,
    credential BLOB NOT NULL,
    kid TEXT NOT NULL,
    list_number INTEGER NOT NULL REFERENCES status_lists (number),
    list_index INTEGER NOT NULL,
    status TEXT NOT NULL,
    status_until TEXT,
    successor_id TEXT,
    issued_at INTEGER NOT NULL,
    issued_by TEXT NOT NULL,
    source_document BLOB,
    document BLOB,
    catalogue_version TEXT NOT NULL,
    salt BLOB NOT NULL,
    leaf_index INTEGER NOT NULL UNIQUE,
    UNIQUE (agency_code, result_type, year, number),
    UNIQUE (agency_code, result_type, year, number_text),
    UNIQUE (list_number, list_index)
) STRICT;

CREATE INDEX results_by_agency ON results (agency_code, row_id);
CREATE INDEX results_by_dossier ON results (dossier_code);
CREATE INDEX results_not_valid ON results (list_number) WHERE status <> 'valid';

CREATE TABLE result_plates (
    plate TEXT NOT NULL,
    result_id TEXT NOT NULL REFERENCES results (id),
    PRIMARY KEY (plate, result_id)
) STRICT;

CREATE TABLE log_head (
    id INTEGER PRIMARY KEY NOT NULL CHECK (id = 1),
    size INTEGER NOT NULL
) STRICT;

INSERT INTO log_head (id, size) VALUES (1, 0);

CREATE TABLE log_entries (
    leaf_index INTEGER PRIMARY KEY NOT NULL,
    kind TEXT NOT NULL,
    leaf BLOB NOT NULL,
    leaf_hash BLOB NOT NULL,
    at INTEGER NOT NULL
) STRICT;

CREATE TABLE status_changes (
    id TEXT PRIMARY KEY NOT NULL,
    result_id TEXT NOT NULL REFERENCES results (id),
    from_status TEXT NOT NULL,
    to_status TEXT NOT NULL,
    effective_at INTEGER NOT NULL,
    until TEXT,
    successor_id TEXT,
    reason TEXT NOT NULL,
    decision TEXT NOT NULL,
    authority TEXT NOT NULL,
    actor TEXT NOT NULL,
    at INTEGER NOT NULL,
    salt BLOB NOT NULL,
    leaf_index INTEGER NOT NULL UNIQUE REFERENCES log_entries (leaf_index)
) STRICT;

CREATE INDEX status_changes_by_result ON status_changes (result_id, leaf_index);

CREATE TABLE checks (
    id TEXT PRIMARY KEY NOT NULL,
    content BLOB NOT NULL,
    account_id TEXT NOT NULL,
    agency_code TEXT NOT NULL,
    result_id TEXT,
    result_agency_code TEXT,
    scanned BLOB NOT NULL,
    verdict TEXT NOT NULL,
    report TEXT NOT NULL,
    seen TEXT NOT NULL,
    finding TEXT,
    note TEXT,
    latitude_e7 INTEGER,
    longitude_e7 INTEGER,
    accuracy_m INTEGER,
    device_time INTEGER NOT NULL,
    received_at INTEGER NOT NULL,
    salt BLOB,
    leaf_index INTEGER NOT NULL UNIQUE REFERENCES log_entries (leaf_index),
    signed INTEGER NOT NULL
) STRICT;

CREATE INDEX checks_by_agency ON checks (agency_code, leaf_index);
CREATE INDEX checks_by_result_agency ON checks (result_agency_code, leaf_index);
CREATE INDEX checks_by_result ON checks (result_id, leaf_index);

CREATE TABLE alarms (
    id TEXT PRIMARY KEY NOT NULL,
    agency_code TEXT NOT NULL,
    kind TEXT NOT NULL,
    result_id TEXT,
    check_id TEXT,
    detail TEXT NOT NULL,
    at INTEGER NOT NULL
) STRICT;

CREATE INDEX alarms_by_agency ON alarms (agency_code, id);

CREATE TABLE audit (
    id TEXT PRIMARY KEY NOT NULL,
    at INTEGER NOT NULL,
    actor TEXT NOT NULL,
    action TEXT NOT NULL,
    subject TEXT,
    detail TEXT NOT NULL
) STRICT;

CREATE INDEX audit_by_subject ON audit (subject, id);

CREATE TABLE answers (
    account_id TEXT NOT NULL,
    idempotency_key TEXT NOT NULL,
    request BLOB NOT NULL,
    status INTEGER NOT NULL,
    body TEXT NOT NULL,
    at INTEGER NOT NULL,
    PRIMARY KEY (account_id, idempotency_key)
) STRICT;

CREATE INDEX answers_by_time ON answers (at);

CREATE TABLE jobs (
    id TEXT PRIMARY KEY NOT NULL,
    kind TEXT NOT NULL,
    payload TEXT NOT NULL,
    run_at INTEGER NOT NULL,
    attempts INTEGER NOT NULL,
    locked_until INTEGER,
    state TEXT NOT NULL,
    last_error TEXT
) STRICT;

CREATE INDEX jobs_by_turn ON jobs (state, run_at, id);

CREATE TABLE publications (
    name TEXT PRIMARY KEY NOT NULL,
    version INTEGER NOT NULL,
    content BLOB NOT NULL,
    signed_at INTEGER NOT NULL
) STRICT;

-- Append-only tables. The program never changes their rows; the triggers say so to everybody else.

CREATE TRIGGER log_entries_keep BEFORE UPDATE ON log_entries
BEGIN SELECT RAISE(ABORT, 'log_entries is append-only'); END;
CREATE TRIGGER log_entries_stay BEFORE DELETE ON log_entries
BEGIN SELECT RAISE(ABORT, 'log_entries is append-only'); END;

CREATE TRIGGER audit_keep BEFORE UPDATE ON audit
BEGIN SELECT RAISE(ABORT, 'audit is append-only'); END;
CREATE TRIGGER audit_stay BEFORE DELETE ON audit
BEGIN SELECT RAISE(ABORT, 'audit is append-only'); END;

CREATE TRIGGER status_changes_keep BEFORE UPDATE ON status_changes
BEGIN SELECT RAISE(ABORT, 'status_changes is append-only'); END;
CREATE TRIGGER status_changes_stay BEFORE DELETE ON status_changes
BEGIN SELECT RAISE(ABORT, 'status_changes is append-only'); END;

-- A check may lose its personal parts (note, place, salt) when the law wants them erased, nothing else.
CREATE TRIGGER checks_keep BEFORE UPDATE OF
    id, content, account_id, agency_code, result_id, result_agency_code, scanned, verdict, report, seen,
    finding, device_time, received_at, leaf_index, signed ON checks
BEGIN SELECT RAISE(ABORT, 'checks is append-only'); END;
CREATE TRIGGER checks_erase_only BEFORE UPDATE OF note, latitude_e7, longitude_e7, accuracy_m, salt ON checks
WHEN NEW.note IS NOT NULL OR NEW.latitude_e7 IS NOT NULL OR NEW.longitude_e7 IS NOT NULL
    OR NEW.accuracy_m IS NOT NULL OR NEW.salt IS NOT NULL
BEGIN SELECT RAISE(ABORT, 'checks is append-only'); END;
CREATE TRIGGER checks_stay BEFORE DELETE ON checks
BEGIN SELECT RAISE(ABORT, 'checks is append-only'); END;
