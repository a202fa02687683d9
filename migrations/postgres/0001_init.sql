-- The register. Same tables and columns as migrations/sqlite (tests/it/store/schema.rs compares them).
--
-- Times are Unix seconds, days are ISO 8601 text, digests are 32 bytes, JSON and words are text. Every id
-- is made by the program.

CREATE TABLE agencies (
    code TEXT PRIMARY KEY,
    issuer TEXT NOT NULL UNIQUE,
    symbol TEXT NOT NULL,
    name_vi TEXT NOT NULL,
    name_en TEXT NOT NULL,
    parent TEXT,
    phone TEXT,
    seal_image BYTEA,
    seal_diameter_tenths_mm BIGINT,
    created_at BIGINT NOT NULL
);

CREATE TABLE keys (
    fingerprint BYTEA PRIMARY KEY,
    agency_code TEXT REFERENCES agencies (code),
    purpose TEXT NOT NULL,
    algorithm TEXT NOT NULL,
    spki BYTEA NOT NULL,
    chain_pem TEXT NOT NULL,
    not_before BIGINT NOT NULL,
    not_after BIGINT NOT NULL,
    file TEXT NOT NULL,
    types TEXT NOT NULL,
    retired_at BIGINT
);

CREATE INDEX keys_by_agency ON keys (agency_code, purpose);

CREATE TABLE accounts (
    id TEXT PRIMARY KEY,
    login TEXT NOT NULL UNIQUE,
    display_name TEXT NOT NULL,
    role TEXT NOT NULL,
    agency_code TEXT NOT NULL REFERENCES agencies (code),
    password_hash TEXT,
    created_at BIGINT NOT NULL,
    disabled_at BIGINT
);

CREATE INDEX accounts_by_agency ON accounts (agency_code);

CREATE TABLE api_keys (
    digest BYTEA PRIMARY KEY,
    account_id TEXT NOT NULL REFERENCES accounts (id),
    label TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    expires_at BIGINT,
    revoked_at BIGINT
);

CREATE INDEX api_keys_by_account ON api_keys (account_id);

CREATE TABLE status_lists (
    number BIGINT PRIMARY KEY,
    capacity BIGINT NOT NULL,
    issuer TEXT NOT NULL REFERENCES agencies (issuer),
    created_at BIGINT NOT NULL
);

CREATE INDEX status_lists_by_issuer ON status_lists (issuer, number);

CREATE TABLE counters (
    agency_code TEXT NOT NULL,
    result_type TEXT NOT NULL,
    year BIGINT NOT NULL,
    next_number BIGINT NOT NULL,
    PRIMARY KEY (agency_code, result_type, year)
);

CREATE TABLE results (
    id TEXT PRIMARY KEY,
    row_id TEXT NOT NULL UNIQUE,
    agency_code TEXT NOT NULL REFERENCES agencies (code),
    result_type TEXT NOT NULL,
    type_number BIGINT NOT NULL,
    year BIGINT NOT NULL,
    number BIGINT,
    number_text TEXT NOT NULL,
    dossier_code TEXT NOT NULL,
    result_code TEXT NOT NULL UNIQUE,
    issue_date TEXT NOT NULL,
    valid_from TEXT NOT NULL,
    valid_to TEXT,
    data TEXT NOT NULL,
    credential BYTEA NOT NULL,
    kid TEXT NOT NULL,
    list_number BIGINT NOT NULL REFERENCES status_lists (number),
    list_index BIGINT NOT NULL,
    status TEXT NOT NULL,
    status_until TEXT,
    successor_id TEXT,
    issued_at BIGINT NOT NULL,
    issued_by TEXT NOT NULL,
    source_document BYTEA,
    document BYTEA,
    catalogue_version TEXT NOT NULL,
    salt BYTEA NOT NULL,
    leaf_index BIGINT NOT NULL UNIQUE,
    UNIQUE (agency_code, result_type, year, number),
    UNIQUE (agency_code, result_type, year, number_text),
    UNIQUE (list_number, list_index)
);

CREATE INDEX results_by_agency ON results (agency_code, row_id);
CREATE INDEX results_by_dossier ON results (dossier_code);
CREATE INDEX results_not_valid ON results (list_number) WHERE status <> 'valid';

CREATE TABLE result_plates (
    plate TEXT NOT NULL,
    result_id TEXT NOT NULL REFERENCES results (id),
    PRIMARY KEY (plate, result_id)
);

CREATE TABLE log_head (
    id BIGINT PRIMARY KEY CHECK (id = 1),
    size BIGINT NOT NULL
);

INSERT INTO log_head (id, size) VALUES (1, 0);

CREATE TABLE log_entries (
    leaf_index BIGINT PRIMARY KEY,
    kind TEXT NOT NULL,
    leaf BYTEA NOT NULL,
    leaf_hash BYTEA NOT NULL,
    at BIGINT NOT NULL
);

CREATE TABLE status_changes (
    id TEXT PRIMARY KEY,
    result_id TEXT NOT NULL REFERENCES results (id),
    from_status TEXT NOT NULL,
    to_status TEXT NOT NULL,
    effective_at BIGINT NOT NULL,
    until TEXT,
    successor_id TEXT,
    reason TEXT NOT NULL,
    decision TEXT NOT NULL,
    authority TEXT NOT NULL,
    actor TEXT NOT NULL,
    at BIGINT NOT NULL,
    salt BYTEA NOT NULL,
    leaf_index BIGINT NOT NULL UNIQUE REFERENCES log_entries (leaf_index)
);

CREATE INDEX status_changes_by_result ON status_changes (result_id, leaf_index);

CREATE TABLE checks (
    id TEXT PRIMARY KEY,
    content BYTEA NOT NULL,
    account_id TEXT NOT NULL,
    agency_code TEXT NOT NULL,
    result_id TEXT,
    result_agency_code TEXT,
    scanned BYTEA NOT NULL,
    verdict TEXT NOT NULL,
    report TEXT NOT NULL,
    seen TEXT NOT NULL,
    finding TEXT,
    note TEXT,
    latitude_e7 BIGINT,
    longitude_e7 BIGINT,
    accuracy_m BIGINT,
    device_time BIGINT NOT NULL,
    received_at BIGINT NOT NULL,
    salt BYTEA,
    leaf_index BIGINT NOT NULL UNIQUE REFERENCES log_entries (leaf_index),
    signed BIGINT NOT NULL
);

CREATE INDEX checks_by_agency ON checks (agency_code, leaf_index);
CREATE INDEX checks_by_result_agency ON checks (result_agency_code, leaf_index);
CREATE INDEX checks_by_result ON checks (result_id, leaf_index);

CREATE TABLE alarms (
    id TEXT PRIMARY KEY,
    agency_code TEXT NOT NULL,
    kind TEXT NOT NULL,
    result_id TEXT,
    check_id TEXT,
    detail TEXT NOT NULL,
    at BIGINT NOT NULL
);

CREATE INDEX alarms_by_agency ON alarms (agency_code, id);

CREATE TABLE audit (
    id TEXT PRIMARY KEY,
    at BIGINT NOT NULL,
    actor TEXT NOT NULL,
    action TEXT NOT NULL,
    subject TEXT,
    detail TEXT NOT NULL
);

CREATE INDEX audit_by_subject ON audit (subject, id);

CREATE TABLE answers (
    account_id TEXT NOT NULL,
    idempotency_key TEXT NOT NULL,
    request BYTEA NOT NULL,
    status BIGINT NOT NULL,
    body TEXT NOT NULL,
    at BIGINT NOT NULL,
    PRIMARY KEY (account_id, idempotency_key)
);

CREATE INDEX answers_by_time ON answers (at);

CREATE TABLE jobs (
    id TEXT PRIMARY KEY,
    kind TEXT NOT NULL,
    payload TEXT NOT NULL,
    run_at BIGINT NOT NULL,
    attempts BIGINT NOT NULL,
    locked_until BIGINT,
    state TEXT NOT NULL,
    last_error TEXT
);

CREATE INDEX jobs_by_turn ON jobs (state, run_at, id);

CREATE TABLE publications (
    name TEXT PRIMARY KEY,
    version BIGINT NOT NULL,
    content BYTEA NOT NULL,
    signed_at BIGINT NOT NULL
);

-- Append-only tables. The program never changes their rows; the triggers say so to everybody else. For an
-- engine without triggers this part can be left out.

CREATE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '% is append-only', TG_TABLE_NAME;
END
$$;

CREATE TRIGGER log_entries_keep BEFORE UPDATE OR DELETE OR TRUNCATE ON log_entries
FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

CREATE TRIGGER audit_keep BEFORE UPDATE OR DELETE OR TRUNCATE ON audit
FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

CREATE TRIGGER status_changes_keep BEFORE UPDATE OR DELETE OR TRUNCATE ON status_changes
FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

-- A check may lose its personal parts (note, place, salt) when the law wants them erased, nothing else.
CREATE TRIGGER checks_keep BEFORE UPDATE OF
    id, content, account_id, agency_code, result_id, result_agency_code, scanned, verdict, report, seen,
    finding, device_time, received_at, leaf_index, signed ON checks
FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TRIGGER checks_erase_only BEFORE UPDATE OF note, latitude_e7, longitude_e7, accuracy_m, salt ON checks
FOR EACH ROW WHEN (NEW.note IS NOT NULL OR NEW.latitude_e7 IS NOT NULL OR NEW.longitude_e7 IS NOT NULL
    OR NEW.accuracy_m IS NOT NULL OR NEW.salt IS NOT NULL)
EXECUTE FUNCTION refuse_change();
CREATE TRIGGER checks_stay BEFORE DELETE OR TRUNCATE ON checks
FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
