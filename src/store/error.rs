//! What can go wrong in the register. Facts and names only: no values of rows, which may be personal.

use super::backend;
use sqlx::error::DatabaseError;
use std::error::Error;
use std::fmt;
use std::sync::Arc;

/// Why the register did not do it.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// Something that may exist once exists already, or is not what the caller took it to be.
    #[error("{0}")]
    Conflict(Conflict),

    /// Another transaction was in the way. [`super::Store::run`] has tried again; the caller may later.
    #[error("another transaction was in the way")]
    Contended(#[source] Contention),

    /// What should be changed is not there.
    #[error("there is no such {0}")]
    Missing(&'static str),

    /// A column holds what this program never writes.
    #[error("column {0} holds what this program never writes")]
    Corrupt(&'static str),

    /// Not `sqlite://` with a file or `postgres://`.
    #[error("the database URL is neither sqlite:// with a file nor postgres://")]
    Url,

    /// The tables could not be brought up to date.
    #[error("the tables could not be brought up to date")]
    Migration(#[source] Box<sqlx::migrate::MigrateError>),

    /// Several requests were written together and failed together.
    #[error(transparent)]
    Together(Arc<Self>),

    /// The register is being closed.
    #[error("the register is being closed")]
    Closing,

    /// The database failed.
    #[error("the database failed")]
    Database(#[source] DatabaseFault),
}

/// What stands in the way of a change, for good.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub enum Conflict {
    /// The code or the issuer code of the agency is taken.
    #[error("the code of the agency is taken")]
    Agency,
    /// The key is known.
    #[error("the key is known")]
    Key,
    /// The id or the login of the account is taken.
    #[error("the login is taken")]
    Login,
    /// The API key is known.
    #[error("the API key is known")]
    ApiKey,
    /// The status list exists.
    #[error("the status list exists")]
    StatusList,
    /// The look-up code is taken.
    #[error("the look-up code is taken")]
    ResultId,
    /// The agency has given this number for this type in this year.
    #[error("the number is given")]
    Number,
    /// The result code (`…-KQn`) is taken.
    #[error("the result code is taken")]
    ResultCode,
    /// The place in the status list is taken: draw another.
    #[error("the place in the status list is taken")]
    StatusIndex,
    /// The result waits for another decision, or this one is settled.
    #[error("another decision about the result waits, or this one is settled")]
    ChangeRequest,
    /// The result's status is no longer the one the change starts from.
    #[error("the status of the result has changed meanwhile")]
    Standing,
    /// Another check was recorded under this id.
    #[error("another check has this id")]
    CheckId,
    /// Another request was answered under this idempotency key.
    #[error("another request had this idempotency key")]
    IdempotencyKey,
    /// The job was claimed by somebody else since, or is done.
    #[error("the job belongs to somebody else")]
    Job,
    /// What is published is newer, or has the same version and other bytes.
    #[error("what is published is newer")]
    Version,
}

/// How another transaction was in the way. It stands in the chain of sources of every error that is worth
/// another try.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub enum Contention {
    /// SQLSTATE 40001.
    #[error("serialization failure")]
    Serialization,
    /// SQLSTATE 40P01.
    #[error("deadlock")]
    Deadlock,
    /// A lock was not had in time: SQLSTATE 55P03, SQLITE_BUSY.
    #[error("busy")]
    Busy,
    /// The same thing was written by another transaction between looking and writing.
    #[error("written by another transaction meanwhile")]
    Overtaken,
}

/// What the database said. It shows the message only: the detail that PostgreSQL adds quotes values.
#[derive(thiserror::Error)]
#[error("{0}")]
pub struct DatabaseFault(sqlx::Error);

impl fmt::Debug for DatabaseFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "DatabaseFault({self})")
    }
}

impl StoreError {
    /// Whether the database refused a statement, rather than being out of reach or busy.
    pub(super) fn is_refusal(&self) -> bool {
        matches!(self, Self::Database(fault) if fault.0.as_database_error().is_some())
    }
}

impl From<sqlx::Error> for StoreError {
    fn from(error: sqlx::Error) -> Self {
        let code = error.as_database_error().and_then(DatabaseError::code);
        match code.and_then(|code| backend::contention(&code)) {
            Some(contention) => Self::Contended(contention),
            None => Self::Database(DatabaseFault(error)),
        }
    }
}

impl From<sqlx::migrate::MigrateError> for StoreError {
    fn from(error: sqlx::migrate::MigrateError) -> Self {
        Self::Migration(Box::new(error))
    }
}

/// Whether an error comes from another transaction being in the way, however it is wrapped.
pub(super) fn is_contention(error: &(dyn Error + 'static)) -> bool {
    error.is::<Contention>() || error.source().is_some_and(is_contention)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, thiserror::Error)]
    enum Wrapped {
        #[error(transparent)]
        Transparent(#[from] StoreError),
    }

    #[test]
    fn contention_is_seen_through_the_errors_of_use_cases() {
        let contended = || StoreError::Contended(Contention::Deadlock);
        assert!(is_contention(&contended()));
        assert!(is_contention(&Wrapped::from(contended())));
        let conflict = StoreError::Conflict(Conflict::Number);
        assert!(!is_contention(&Wrapped::from(conflict)));
    }
}
