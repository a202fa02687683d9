//! The register, on SQLite and on PostgreSQL: every body runs on both.

mod accounts;
mod answers;
mod checks;
mod counters;
mod documents;
mod forward;
mod jobs;
mod log;
mod publications;
mod reader;
mod results;
mod samples;
mod schema;
mod serializable;
mod staging;
mod tls;
mod transactions;
mod wal;
