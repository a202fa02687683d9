//! What is to be done after a transaction: written with it, claimed by one worker at a time, safe to run
//! twice.
//!
//! ```text
//! enqueue ─► queued ─claim─► locked ─finish─► gone
//!              ▲                ├──retry──► queued, later
//!              └─lock runs out──┤
//!                               └──bury───► buried, for a person to look at
//! ```
//!
//! A worker that was slower than its lock has lost the job: what it reports is refused
//! ([`Conflict::Job`]), because the count of attempts has moved on.

use super::column::{Columns, bigint};
use super::{Conflict, Contention, StoreError, Tx};
use crate::clock::UnixTime;
use sqlx::any::AnyRow;
use uuid::Uuid;

/// A job to enqueue.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct NewJob {
    /// Made by the program (UUIDv7).
    pub id: Uuid,
    /// Which worker does it.
    pub kind: String,
    /// What it needs to know: ids, as JSON.
    pub payload: String,
    /// Not before this moment.
    pub run_at: UnixTime,
}

impl NewJob {
    /// Kind of the job that publishes a status list.
    pub const PUBLISH_STATUS_LIST: &'static str = "publish-status-list";

    /// Kind of the job that ends a change request which nobody answered.
    pub const EXPIRE_CHANGE_REQUEST: &'static str = "expire-change-request";

    /// Publishes a status list once `run_at` has come; the payload is the list's number.
    #[must_use]
    pub fn publish_status_list(list: u32, run_at: UnixTime) -> Self {
        Self {
            id: Uuid::now_v7(),
            kind: Self::PUBLISH_STATUS_LIST.to_owned(),
            payload: list.to_string(),
            run_at,
        }
    }

    /// Ends a change request that still waits once `run_at` has come; the payload is its id.
    #[must_use]
    pub fn expire_change_request(request: Uuid, run_at: UnixTime) -> Self {
        Self {
            id: Uuid::now_v7(),
            kind: Self::EXPIRE_CHANGE_REQUEST.to_owned(),
            payload: request.to_string(),
            run_at,
        }
    }
}

/// A job that its holder has to do.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Job {
    /// Its id.
    pub id: Uuid,
    /// Which worker does it.
    pub kind: String,
    /// What it needs to know.
    pub payload: String,
    /// How often it was claimed, this time included.
    pub attempts: u32,
}

const ENQUEUE: &str = "
    INSERT INTO jobs (id, kind, payload, run_at, attempts, state) VALUES ($1, $2, $3, $4, 0, 'queued')";

/// Some, so that whoever lost the first one to another server need not look again.
const DUE: &str = "
    SELECT id, kind, payload, attempts FROM jobs
    WHERE state = 'queued' AND run_at <= $1 AND (locked_until IS NULL OR locked_until <= $1)
    ORDER BY run_at, id LIMIT 16";

/// Every claim counts an attempt, so a job with the count that was seen has not been claimed since.
const CLAIM: &str = "
    UPDATE jobs SET locked_until = $3, attempts = attempts + 1
    WHERE id = $1 AND attempts = $2 AND state = 'queued'";

const FINISH: &str = "DELETE FROM jobs WHERE id = $1 AND attempts = $2 AND state = 'queued'";

const RETRY: &str = "
    UPDATE jobs SET locked_until = NULL, run_at = $3, last_error = $4
    WHERE id = $1 AND attempts = $2 AND state = 'queued'";

const BURY: &str = "
    UPDATE jobs SET locked_until = NULL, state = 'buried', last_error = $3
    WHERE id = $1 AND attempts = $2 AND state = 'queued'";

const WAITING: &str = "SELECT COUNT(*) AS jobs FROM jobs WHERE state = 'queued'";

const BURIED: &str = "SELECT COUNT(*) AS jobs FROM jobs WHERE state = 'buried'";

impl Tx {
    /// Writes down a job.
    pub async fn enqueue(&mut self, job: &NewJob) -> Result<(), StoreError> {
        sqlx::query(ENQUEUE)
            .bind(job.id.to_string())
            .bind(&job.kind)
            .bind(&job.payload)
            .bind(job.run_at.seconds())
            .execute(self.connection())
            .await?;
        Ok(())
    }

    /// Takes the job that has waited longest and locks it against others. Commit before doing it.
    ///
    /// # Errors
    /// [`Contention::Overtaken`] when others took everything that was due meanwhile.
    pub async fn claim_job(
        &mut self,
        now: UnixTime,
        locked_until: UnixTime,
    ) -> Result<Option<Job>, StoreError> {
        let query = sqlx::query(DUE).bind(now.seconds());
        let rows = query.fetch_all(self.connection()).await?;
        for row in &rows {
            let due = read(row)?;
            let claimed = sqlx::query(CLAIM)
                .bind(due.id.to_string())
                .bind(bigint(due.attempts.into()))
                .bind(locked_until.seconds())
                .execute(self.connection())
                .await?;
            if claimed.rows_affected() == 1 {
                return Ok(Some(Job {
                    attempts: due.attempts.saturating_add(1),
                    ..due
                }));
            }
        }
        if rows.is_empty() {
            Ok(None)
        } else {
            Err(StoreError::Contended(Contention::Overtaken))
        }
    }

    /// The job is done.
    ///
    /// # Errors
    /// [`Conflict::Job`] when somebody else has it by now.
    pub async fn finish_job(&mut self, job: &Job) -> Result<(), StoreError> {
        let query = sqlx::query(FINISH)
            .bind(job.id.to_string())
            .bind(bigint(job.attempts.into()));
        still_held(query.execute(self.connection()).await?.rows_affected())
    }

    /// The job failed and runs again later. `error` is a code, without personal data.
    ///
    /// # Errors
    /// [`Conflict::Job`] when somebody else has it by now.
    pub async fn retry_job(
        &mut self,
        job: &Job,
        run_at: UnixTime,
        error: &str,
    ) -> Result<(), StoreError> {
        let query = sqlx::query(RETRY)
            .bind(job.id.to_string())
            .bind(bigint(job.attempts.into()))
            .bind(run_at.seconds())
            .bind(error);
        still_held(query.execute(self.connection()).await?.rows_affected())
    }

    /// The job failed for good: it stays for a person to look at.
    ///
    /// # Errors
    /// [`Conflict::Job`] when somebody else has it by now.
    pub async fn bury_job(&mut self, job: &Job, error: &str) -> Result<(), StoreError> {
        let query = sqlx::query(BURY)
            .bind(job.id.to_string())
            .bind(bigint(job.attempts.into()))
            .bind(error);
        still_held(query.execute(self.connection()).await?.rows_affected())
    }

    /// How many jobs wait or are being done.
    pub async fn waiting_jobs(&mut self) -> Result<u64, StoreError> {
        let row = sqlx::query(WAITING).fetch_one(self.connection()).await?;
        Columns(&row).number("jobs")
    }

    /// How many jobs failed for good.
    pub async fn buried_jobs(&mut self) -> Result<u64, StoreError> {
        let row = sqlx::query(BURIED).fetch_one(self.connection()).await?;
        Columns(&row).number("jobs")
    }
}

fn still_held(rows: u64) -> Result<(), StoreError> {
    match rows {
        0 => Err(StoreError::Conflict(Conflict::Job)),
        _ => Ok(()),
    }
}

fn read(row: &AnyRow) -> Result<Job, StoreError> {
    let row = Columns(row);
    Ok(Job {
        id: row.uuid("id")?,
        kind: row.text("kind")?,
        payload: row.text("payload")?,
        attempts: row.number("attempts")?,
    })
}
