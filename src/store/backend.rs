//! What differs between SQLite and PostgreSQL; no other file knows which of them it speaks to.

use super::error::{Contention, Outage, StoreError};
use sqlx::error::DatabaseError;
use sqlx::migrate::{MigrateError, Migration, Migrator};
use sqlx::{AnyConnection, AnyPool, AssertSqlSafe, Row as _, SqlSafeStr as _};
use std::time::Duration;

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Backend {
    Sqlite,
    Postgres,
}

impl Backend {
    /// Which database a URL means, and the URL to open it with.
    pub(super) fn of(url: &str) -> Result<(Self, String), StoreError> {
        match url.split_once(':') {
            Some(("postgres" | "postgresql", _)) => Ok((Self::Postgres, url.to_owned())),
            Some(("sqlite", rest)) => {
                if rest.contains(":memory:") || rest.contains("mode=memory") {
                    return Err(StoreError::Url);
                }
                let url = match rest.split_once('?') {
                    Some((_, parameters)) if parameters.contains("mode=") => url.to_owned(),
                    Some(_) => format!("{url}&mode=rwc"),
                    None => format!("{url}?mode=rwc"),
                };
                Ok((Self::Sqlite, url))
            }
            _ => Err(StoreError::Url),
        }
    }

    /// SQLite takes its write lock at once; a read that later turns into a write may fail for good.
    pub(super) fn begin(self) -> &'static str {
        match self {
            Self::Sqlite => "BEGIN IMMEDIATE",
            Self::Postgres => "BEGIN",
        }
    }

    /// One moment of the whole register; on PostgreSQL the default level would see a later one with each
    /// statement.
    pub(super) fn begin_read(self) -> &'static str {
        match self {
            Self::Sqlite => "BEGIN",
            Self::Postgres => "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY",
        }
    }

    pub(super) fn on_connect_writer(self) -> &'static [&'static str] {
        match self {
            // FULL: what was acknowledged survives a power cut. The busy time-out is for other processes.
            Self::Sqlite => &[
                "PRAGMA busy_timeout = 5000",
                "PRAGMA journal_mode = WAL",
                "PRAGMA synchronous = FULL",
                "PRAGMA foreign_keys = ON",
                // Pages: 32 MiB. Usually readers bring the log in long before (`wal.rs`).
                "PRAGMA wal_autocheckpoint = 8192",
            ],
            // A transaction that hangs must not hold the log head for ever.
            Self::Postgres => &[
                "SET lock_timeout = '10s'",
                "SET idle_in_transaction_session_timeout = '60s'",
                // Whatever the server's default: what was acknowledged is on the disk. The stricter values
                // of replicated servers stay.
                "SELECT set_config('synchronous_commit', 'on', false)
                 WHERE current_setting('synchronous_commit', true) = 'off'",
            ],
        }
    }

    pub(super) fn on_connect_reader(self) -> &'static [&'static str] {
        match self {
            Self::Sqlite => &[
                "PRAGMA busy_timeout = 5000",
                "PRAGMA query_only = ON",
                // For what it brings from the log into the file.
                "PRAGMA synchronous = FULL",
            ],
            Self::Postgres => self.on_connect_writer(),
        }
    }

    /// What brings commits from a log of the program's own into its file, without anybody's waiting for it.
    pub(super) fn bring_in(self) -> Option<&'static str> {
        match self {
            Self::Sqlite => Some("PRAGMA wal_checkpoint(PASSIVE)"),
            Self::Postgres => None,
        }
    }

    /// Settings under which a commit is acknowledged before it is on the disk.
    pub(super) async fn forgetful(
        self,
        connection: &mut AnyConnection,
    ) -> Result<Vec<&'static str>, StoreError> {
        let settings: &[(&str, &str, &[&str])] = match self {
            Self::Sqlite => &[
                // 2 is FULL, 3 EXTRA (sqlite.org/pragma.html#pragma_synchronous)
                (
                    "synchronous",
                    "SELECT CAST(synchronous AS TEXT) FROM pragma_synchronous",
                    &["2", "3"],
                ),
                (
                    "journal_mode",
                    "SELECT journal_mode FROM pragma_journal_mode",
                    &["wal"],
                ),
            ],
            Self::Postgres => &[
                (
                    "synchronous_commit",
                    "SELECT current_setting('synchronous_commit', true)",
                    &["on", "local", "remote_write", "remote_apply"],
                ),
                ("fsync", "SELECT current_setting('fsync', true)", &["on"]),
                (
                    "full_page_writes",
                    "SELECT current_setting('full_page_writes', true)",
                    &["on"],
                ),
            ],
        };
        let mut forgetful = Vec::new();
        for (name, sql, sound) in settings {
            let row = sqlx::query(*sql).fetch_one(&mut *connection).await?;
            let value: Option<String> = row.try_get(0)?;
            // Engines that speak PostgreSQL's language and have no such setting have no such danger.
            if value.is_some_and(|value| !sound.contains(&value.as_str())) {
                forgetful.push(*name);
            }
        }
        Ok(forgetful)
    }

    /// Why no transaction could be begun. SQLite's one writer is had in time unless others keep it;
    /// PostgreSQL's connections are, unless it is out of reach.
    pub(super) fn not_begun(self, error: sqlx::Error) -> StoreError {
        match (self, error) {
            (Self::Sqlite, sqlx::Error::PoolTimedOut) => StoreError::Contended(Contention::Busy),
            (_, error) => error.into(),
        }
    }

    /// Brings the tables up to date. Without sqlx's lock, which is an advisory one that not every
    /// PostgreSQL-compatible engine has: a migration and its line in `_sqlx_migrations` are one transaction,
    /// so of two servers that start at once the slower one fails, waits and finds everything done.
    pub(super) async fn migrate(self, pool: &AnyPool) -> Result<(), StoreError> {
        let mut migrator = match self {
            Self::Sqlite => sqlx::migrate!("migrations/sqlite"),
            Self::Postgres => sqlx::migrate!("migrations/postgres"),
        };
        migrator.set_locking(false);
        let mut with_triggers = true;
        let mut wait = Duration::from_millis(50);
        loop {
            match migrator.run(pool).await {
                Err(MigrateError::ExecuteMigration(error, _))
                    if with_triggers && is_not_supported(&error) =>
                {
                    tracing::warn!(
                        "this database has no triggers; the program alone keeps its tables append-only"
                    );
                    with_triggers = false;
                    migrator = without_triggers(&migrator);
                }
                Err(MigrateError::Execute(_) | MigrateError::ExecuteMigration(..))
                    if wait < MIGRATION_WAIT =>
                {
                    tokio::time::sleep(wait).await;
                    wait *= 2;
                }
                done => return Ok(done?),
            }
        }
    }
}

/// The longest pause before a migration that failed is tried again; all of them take six seconds.
const MIGRATION_WAIT: Duration = Duration::from_secs(4);

/// Where the part of a migration begins that an engine without triggers leaves out.
const TRIGGERS: &str = "\n-- Append-only tables.";

/// The same migrations under the same checksums, without their triggers.
fn without_triggers(migrator: &Migrator) -> Migrator {
    let tables = migrator.iter().map(|migration| {
        let (tables, _) = migration
            .sql
            .as_str()
            .split_once(TRIGGERS)
            .unwrap_or((migration.sql.as_str(), ""));
        Migration {
            sql: AssertSqlSafe(tables.to_owned()).into_sql_str(),
            ..migration.clone()
        }
    });
    let mut migrator = Migrator::with_migrations(tables.collect());
    migrator.set_locking(false);
    migrator
}

/// Whether the engine does not know the statement: feature_not_supported, syntax_error, undefined_object (no
/// such language).
fn is_not_supported(error: &sqlx::Error) -> bool {
    let code = error.as_database_error().and_then(DatabaseError::code);
    code.is_some_and(|code| matches!(&*code, "0A000" | "42601" | "42704"))
}

/// What a code of the database says about other transactions being in the way. SQLSTATE has five
/// characters and SQLite's extended result codes at most four digits, so they cannot be taken for each
/// other.
pub(super) fn contention(code: &str) -> Option<Contention> {
    // sqlite.org/rescode.html: the low byte of an extended code is the primary one.
    const SQLITE_BUSY: u32 = 5;
    const SQLITE_LOCKED: u32 = 6;
    match code {
        "40001" => Some(Contention::Serialization),
        "40P01" => Some(Contention::Deadlock),
        // lock_not_available
        "55P03" => Some(Contention::Busy),
        _ if code.len() == 5 => None,
        _ => {
            let primary = code.parse::<u32>().ok()? & 0xff;
            matches!(primary, SQLITE_BUSY | SQLITE_LOCKED).then_some(Contention::Busy)
        }
    }
}

/// What a code of the database says about its being out of order.
pub(super) fn outage(code: &str) -> Option<Outage> {
    // sqlite.org/rescode.html
    const SQLITE_PERM: u32 = 3;
    const SQLITE_READONLY: u32 = 8;
    const SQLITE_IOERR: u32 = 10;
    const SQLITE_FULL: u32 = 13;
    const SQLITE_CANTOPEN: u32 = 14;
    if code.len() == 5 {
        // postgresql.org/docs/current/errcodes-appendix.html
        return match code.split_at(2) {
            // disk_full
            ("53", "100") => Some(Outage::Full),
            // Classes connection exception, insufficient resources, system error; shutdowns; standbys.
            ("08" | "53" | "58", _) | ("57", "P01" | "P02" | "P03" | "P05") | ("25", "006") => {
                Some(Outage::Unavailable)
            }
            _ => None,
        };
    }
    match code.parse::<u32>().ok()? & 0xff {
        SQLITE_FULL => Some(Outage::Full),
        SQLITE_PERM | SQLITE_READONLY | SQLITE_IOERR | SQLITE_CANTOPEN => Some(Outage::Unavailable),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sqlite_file_is_made_unless_the_url_says_otherwise() {
        assert_eq!(
            Backend::of("sqlite:///var/lib/dauso/register.db").unwrap(),
            (
                Backend::Sqlite,
                "sqlite:///var/lib/dauso/register.db?mode=rwc".into()
            )
        );
        assert_eq!(
            Backend::of("sqlite://a.db?mode=rw").unwrap().1,
            "sqlite://a.db?mode=rw"
        );
    }

    #[test]
    fn a_database_in_memory_and_other_databases_are_refused() {
        for url in [
            "sqlite::memory:",
            "sqlite://a?mode=memory",
            "mysql://x/y",
            "a.db",
        ] {
            assert!(matches!(Backend::of(url), Err(StoreError::Url)), "{url}");
        }
    }

    #[test]
    fn codes_of_both_databases_are_told_apart() {
        for (code, expected) in [
            ("40001", Some(Contention::Serialization)),
            ("40P01", Some(Contention::Deadlock)),
            ("55P03", Some(Contention::Busy)),
            // unique_violation; 23505 & 0xff is 209, 53253 & 0xff would be 5
            ("23505", None),
            ("53253", None),
            // SQLITE_BUSY_SNAPSHOT, SQLITE_LOCKED_SHAREDCACHE, SQLITE_CONSTRAINT_UNIQUE
            ("517", Some(Contention::Busy)),
            ("262", Some(Contention::Busy)),
            ("2067", None),
        ] {
            assert_eq!(contention(code), expected, "{code}");
        }
    }

    #[test]
    fn a_database_that_is_out_of_order_is_told_from_one_that_refuses() {
        for (code, expected) in [
            ("53100", Some(Outage::Full)),
            ("53300", Some(Outage::Unavailable)),
            ("57P01", Some(Outage::Unavailable)),
            ("25006", Some(Outage::Unavailable)),
            ("08006", Some(Outage::Unavailable)),
            // query_canceled, unique_violation
            ("57014", None),
            ("23505", None),
            // SQLITE_FULL, SQLITE_IOERR_WRITE, SQLITE_READONLY_DBMOVED, SQLITE_CONSTRAINT_UNIQUE
            ("13", Some(Outage::Full)),
            ("778", Some(Outage::Unavailable)),
            ("1032", Some(Outage::Unavailable)),
            ("2067", None),
        ] {
            assert_eq!(outage(code), expected, "{code}");
        }
    }
}
