//! The register: SQLite or PostgreSQL behind one text of SQL, and the files of the documents.
//!
//! This is the only folder that names sqlx. Every statement is a constant above the one method that runs
//! it; every method is one of [`Tx`], so what belongs together is written together or not at all. Domain
//! types go in, domain types come out; rows never leave their file.
//!
//! ```text
//! store.run(|mut tx| async move {        begins, commits what comes back, tries again if another
//!     let index = tx.append_leaf(&leaf).await?.index;        transaction was in the way
//!     tx.change_status(&StatusChange { leaf_index: index, .. }).await?;
//!     Ok((tx, index))
//! }).await
//! ```
//!
//! **Invariants:** an acknowledged transaction is on the disk (`synchronous = FULL`); leaf indexes have no
//! gap; log entries, status changes, checks and audit lines are never changed; a number, a result code and
//! a place in a status list are given once.
//!
//! The order in which a transaction takes locks is: counter, result, log head. The log head is the one row
//! that all writers share, so append leaves last.

mod accounts;
mod agencies;
mod alarms;
mod answers;
mod audit;
mod backend;
mod change_requests;
mod checks;
mod column;
mod copy;
mod counters;
pub mod documents;
mod error;
mod jobs;
mod keys;
mod log;
mod publications;
mod reader;
mod recorder;
mod results;
mod rows;
mod status_changes;
mod status_lists;
mod wal;

pub use accounts::{Account, ApiKey};
pub use agencies::{Agency, Seal};
pub use alarms::Alarm;
pub use answers::Answer;
pub use audit::AuditEntry;
pub use change_requests::{ChangeRequest, RequestState, Settlement, Submission};
pub use checks::{Check, CheckEntry, CheckQuery, Place, RecordedCheck, Seen};
pub use error::{Conflict, Contention, DatabaseFault, Outage, StoreError};
pub use jobs::{Job, NewJob};
pub use keys::{Key, Purpose, TypeScope};
pub use log::{Appended, Leaf, StoredLeaf};
pub use publications::Publication;
pub use reader::{Decided, Entry, Reader};
pub use recorder::Recorder;
pub use results::{Issued, Standing, StoredResult};
pub use status_changes::StatusChange;
pub use status_lists::StatusListRegister;

use backend::Backend;
use sqlx::any::AnyPoolOptions;
use sqlx::pool::PoolConnection;
use sqlx::{Any, AnyConnection, AnyPool, Connection as _, Transaction};
use std::hash::{BuildHasher as _, RandomState};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// Connections to PostgreSQL, or readers of SQLite.
const CONNECTIONS: u32 = 10;

/// How often [`Store::run`] tries before it gives the contention to its caller.
pub const ATTEMPTS: u32 = 10;

/// How long somebody waits for a free connection: longer than any transaction of ours takes.
const ACQUIRE: Duration = Duration::from_secs(10);

/// How long [`Store::run`] goes on trying: callers wait for half a minute at most.
const TRYING: Duration = Duration::from_secs(8);

/// The register. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Store {
    backend: Backend,
    /// SQLite has one writer; waiting for it in the pool's queue is fair, waiting for its lock is not.
    writers: AnyPool,
    readers: AnyPool,
    /// Whether the last attempt to write failed for no fault of its own.
    failing: Arc<AtomicBool>,
    /// What [`Self::run`] has committed.
    commits: Arc<AtomicU64>,
}

impl Store {
    /// Opens `sqlite:///path/to/file` (made if missing) or `postgres://…` and brings its tables up to date.
    ///
    /// # Errors
    /// [`StoreError::Url`] for other databases and for SQLite in memory, which no two connections share;
    /// [`StoreError::Migration`] when the tables were changed by somebody else.
    pub async fn open(url: &str) -> Result<Self, StoreError> {
        sqlx::any::install_default_drivers();
        // sqlx asks for the provider of the process in one of its ways (`verify-ca`); another one is as good.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let (backend, url) = Backend::of(url)?;
        let (writers, readers) = match backend {
            Backend::Sqlite => {
                // A file does not hang up: asking before each use would only cost a change of thread.
                let writers = pool(1, backend.on_connect_writer()).test_before_acquire(false);
                let writers = writers.connect(&url).await?;
                let readers = pool(CONNECTIONS, backend.on_connect_reader());
                let readers = readers.test_before_acquire(false);
                (writers, readers.connect_lazy(&url)?)
            }
            Backend::Postgres => {
                let pool = pool(CONNECTIONS, backend.on_connect_writer());
                let pool = pool.connect(&url).await?;
                (pool.clone(), pool)
            }
        };
        backend.migrate(&writers).await?;
        let store = Self {
            backend,
            writers,
            readers,
            failing: Arc::default(),
            commits: Arc::default(),
        };
        Ok(store)
    }

    /// Runs `work` in a transaction and commits it. When another transaction was in the way, `work` runs
    /// again from the start, at most [`ATTEMPTS`] times: it must not do anything outside the transaction
    /// that cannot be done twice.
    ///
    /// `work` hands the transaction back with what it found; on an error everything is undone.
    ///
    /// # Errors
    /// Those of `work` and of the commit.
    pub async fn run<T, E, F, W>(&self, mut work: F) -> Result<T, E>
    where
        F: FnMut(Tx) -> W,
        W: Future<Output = Result<(Tx, T), E>>,
        E: std::error::Error + From<StoreError> + 'static,
    {
        let begun = Instant::now();
        let mut attempt = 1;
        loop {
            let done = self.attempt(&mut work).await;
            let again = attempt < ATTEMPTS && begun.elapsed() < TRYING;
            match done {
                Err(error) if again && error::is_contention(&error) => {
                    tokio::time::sleep(pause(attempt)).await;
                    attempt += 1;
                }
                done => {
                    match &done {
                        Ok(_) => self.failing.store(false, Ordering::Relaxed),
                        Err(error) if error::is_outage(error) => {
                            self.failing.store(true, Ordering::Relaxed);
                        }
                        Err(_) => {}
                    }
                    return done;
                }
            }
        }
    }

    async fn attempt<T, E, F, W>(&self, work: &mut F) -> Result<T, E>
    where
        F: FnMut(Tx) -> W,
        W: Future<Output = Result<(Tx, T), E>>,
        E: From<StoreError>,
    {
        let (tx, found) = work(self.begin().await?).await?;
        tx.commit().await?;
        self.committed();
        Ok(found)
    }

    /// Begins a transaction. It is undone when dropped; [`Self::run`] also tries again.
    ///
    /// # Errors
    /// When no connection is free in time.
    pub async fn begin(&self) -> Result<Tx, StoreError> {
        let begun = self.writers.begin_with(self.backend.begin()).await;
        let transaction = begun.map_err(|error| self.backend.not_begun(error))?;
        Ok(Tx { transaction })
    }

    /// Begins a transaction that sees one moment of the register and cannot write. Nothing to commit.
    ///
    /// # Errors
    /// When no connection is free in time.
    pub async fn read(&self) -> Result<Tx, StoreError> {
        let begun = self.readers.begin_with(self.backend.begin_read()).await;
        let transaction = begun.map_err(|error| self.backend.not_begun(error))?;
        Ok(Tx { transaction })
    }

    /// A connection for single questions, each answered from a moment of its own.
    async fn reading(&self) -> Result<PoolConnection<Any>, StoreError> {
        let acquired = self.readers.acquire().await;
        acquired.map_err(|error| self.backend.not_begun(error))
    }

    /// Asks the database something that only a migrated one can answer: for `/readyz`. It also writes if
    /// the last attempt to write failed.
    ///
    /// # Errors
    /// When it does not answer or cannot write.
    pub async fn ping(&self) -> Result<(), StoreError> {
        self.read().await?.log_size().await?;
        if !self.failing.load(Ordering::Relaxed) {
            return Ok(());
        }
        self.run(|mut tx| async move {
            tx.take_log_head().await?;
            Ok((tx, ()))
        })
        .await
    }

    /// What the database is set to that lets it forget what it has acknowledged; nothing in a sound one.
    ///
    /// # Errors
    /// When it does not answer.
    pub async fn forgetful(&self) -> Result<Vec<&'static str>, StoreError> {
        let mut connection = self.writers.acquire().await?;
        self.backend.forgetful(&mut connection).await
    }

    /// Connections to the database: in use, idle.
    #[must_use]
    pub fn connections(&self) -> (u64, u64) {
        let pools: &[&AnyPool] = match self.backend {
            Backend::Sqlite => &[&self.writers, &self.readers],
            Backend::Postgres => &[&self.writers],
        };
        pools.iter().fold((0, 0), |(used, idle), pool| {
            let free = u64::try_from(pool.num_idle()).unwrap_or(u64::MAX);
            let taken = u64::from(pool.size()).saturating_sub(free);
            (used + taken, idle + free)
        })
    }

    /// Waits until every connection is given back and closes them.
    pub async fn close(&self) {
        self.readers.close().await;
        self.writers.close().await;
    }
}

/// 1 to 2, 2 to 4, 4 to 8 … at most 256 ms: the other one has committed by then. Not the same for all who
/// met, or they would meet again.
fn pause(attempt: u32) -> Duration {
    let longest = 1_000_u64 << attempt.min(8);
    let drawn = RandomState::new().hash_one(attempt) % (longest / 2);
    Duration::from_micros(longest / 2 + drawn)
}

fn pool(connections: u32, on_connect: &'static [&'static str]) -> AnyPoolOptions {
    AnyPoolOptions::new()
        .max_connections(connections)
        .acquire_timeout(ACQUIRE)
        // A commit that failed for want of room leaves sqlx's SQLite connection counting a transaction that
        // SQLite has ended; it would refuse every later one.
        .before_acquire(|connection, _| {
            let usable = !connection.is_in_transaction();
            Box::pin(async move { Ok(usable) })
        })
        .after_connect(move |connection, _| {
            Box::pin(async move {
                for statement in on_connect {
                    sqlx::query(*statement).execute(&mut *connection).await?;
                }
                Ok(())
            })
        })
}

/// A transaction. Its methods stand in the file of what they are about. Dropped without
/// [`Tx::commit`] it is undone.
#[derive(Debug)]
pub struct Tx {
    transaction: Transaction<'static, Any>,
}

impl Tx {
    /// Makes it last.
    ///
    /// # Errors
    /// [`StoreError::Contended`] where the database finds out only now.
    pub async fn commit(self) -> Result<(), StoreError> {
        Ok(self.transaction.commit().await?)
    }

    fn connection(&mut self) -> &mut AnyConnection {
        &mut self.transaction
    }
}
