//! Jobs that run after a decision, and what must be looked after from time to time.
//!
//! A job was written in the transaction of its decision; it runs until it is done, may run twice, and is
//! put aside after too many failures for a person to look at.

use crate::clock::Clock;
use crate::lifecycle::{Lifecycle, LifecycleError};
use crate::publication::{PublishError, Publisher};
use crate::store::{Job, NewJob, Store, StoreError, Tx};
use crate::trust::TrustBundle;
use crate::verification::Verifier;
use std::future::Future;
use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;

/// How long the worker rests when there is nothing to do.
const REST: Duration = Duration::from_millis(250);

/// Seconds for which a job belongs to who took it.
const LOCK: i64 = 60;

/// Failures after which a job is put aside.
const ATTEMPTS: u32 = 10;

/// Rests between two looks at the trust bundle.
const BUNDLE_EVERY: u32 = 40;

/// Rests between two times of tidying up: about an hour.
const TIDY_EVERY: u32 = 14_400;

/// Seconds after which the answer to a request with an `Idempotency-Key` is forgotten: a week, so that
/// whoever was offline over a holiday may still repeat his request.
const ANSWERS_KEPT: i64 = 7 * 86_400;

/// Runs jobs, and keeps the verifier's trust bundle fresh.
#[derive(Clone)]
pub struct Worker {
    store: Store,
    publisher: Publisher,
    verifier: Verifier,
    lifecycle: Lifecycle,
    clock: Arc<dyn Clock>,
    check_details_days: NonZeroU32,
}

/// Why a job was not done.
#[derive(Debug, thiserror::Error)]
enum JobError {
    #[error("no such kind of job")]
    UnknownKind,
    #[error("the payload is not that of its kind")]
    Payload,
    #[error(transparent)]
    Publish(#[from] PublishError),
    #[error(transparent)]
    Lifecycle(#[from] LifecycleError),
}

impl Worker {
    /// A worker over these parts.
    #[must_use]
    pub fn new(
        store: Store,
        publisher: Publisher,
        verifier: Verifier,
        lifecycle: Lifecycle,
        clock: Arc<dyn Clock>,
        check_details_days: NonZeroU32,
    ) -> Self {
        Self {
            store,
            publisher,
            verifier,
            lifecycle,
            clock,
            check_details_days,
        }
    }

    /// Works until `stop` is ready.
    pub async fn run(self, stop: impl Future<Output = ()>) {
        tokio::pin!(stop);
        let mut rests = 0_u32;
        loop {
            if rests.is_multiple_of(BUNDLE_EVERY) {
                self.refresh_trust().await;
            }
            if rests.is_multiple_of(TIDY_EVERY)
                && let Err(error) = self.tidy().await
            {
                tracing::warn!(error.cause = %error, "what is due could not be erased");
            }
            match self.work_once().await {
                Ok(true) => continue,
                Ok(false) => {}
                Err(error) => tracing::warn!(error.cause = %error, "no job could be taken"),
            }
            rests = rests.wrapping_add(1);
            tokio::select! {
                () = &mut stop => return,
                () = tokio::time::sleep(REST) => {}
            }
        }
    }

    /// Takes one job and does it; `false` when none is due.
    ///
    /// # Errors
    /// [`StoreError`] when the register fails.
    pub async fn work_once(&self) -> Result<bool, StoreError> {
        let now = self.clock.now();
        let taken = self
            .store
            .run(|mut tx: Tx| async move {
                let job = tx.claim_job(now, now.plus(LOCK)).await?;
                Ok::<_, StoreError>((tx, job))
            })
            .await?;
        let Some(job) = taken else { return Ok(false) };
        let done = self.perform(&job).await;
        let failed = done.err().map(|error| error.to_string());
        let ended = self
            .store
            .run(|mut tx: Tx| {
                let (job, failed) = (&job, failed.as_deref());
                async move {
                    match failed {
                        None => tx.finish_job(job).await?,
                        Some(error) if job.attempts >= ATTEMPTS => {
                            tracing::error!(job.id = %job.id, "a job was put aside");
                            tx.bury_job(job, error).await?;
                        }
                        Some(error) => {
                            let wait = i64::from(2_u32.saturating_pow(job.attempts));
                            tx.retry_job(job, now.plus(wait), error).await?;
                        }
                    }
                    Ok::<_, StoreError>((tx, ()))
                }
            })
            .await;
        match ended {
            // Somebody else took it after our time was up; that one's word counts.
            Err(StoreError::Conflict(crate::store::Conflict::Job)) => Ok(true),
            ended => ended.map(|()| true),
        }
    }

    async fn perform(&self, job: &Job) -> Result<(), JobError> {
        match job.kind.as_str() {
            NewJob::PUBLISH_STATUS_LIST => {
                let list = job.payload.parse().map_err(|_| JobError::Payload)?;
                self.publisher.publish_status_list(list).await?;
                Ok(())
            }
            NewJob::EXPIRE_CHANGE_REQUEST => {
                let request = job.payload.parse().map_err(|_| JobError::Payload)?;
                self.lifecycle.expire(request).await?;
                Ok(())
            }
            _ => Err(JobError::UnknownKind),
        }
    }

    /// Forgets old answers, and erases the personal parts of old checks. Every server does it; what one has
    /// done the next one does not find.
    ///
    /// # Errors
    /// [`StoreError`] when the register fails.
    pub async fn tidy(&self) -> Result<(), StoreError> {
        let now = self.clock.now();
        let checks_before = now.plus(-i64::from(self.check_details_days.get()) * 86_400);
        let (answers, checks) = self
            .store
            .run(|mut tx: Tx| async move {
                let answers = tx.forget_answers(now.plus(-ANSWERS_KEPT)).await?;
                let checks = tx.erase_check_details(checks_before).await?;
                Ok::<_, StoreError>((tx, (answers, checks)))
            })
            .await?;
        if answers + checks > 0 {
            tracing::info!(
                answers,
                checks,
                "old answers forgotten, details of old checks erased"
            );
        }
        Ok(())
    }

    /// Has the bundle made anew if it must be, and hands it to the verifier.
    pub async fn refresh_trust(&self) {
        match self.publisher.bundle().await {
            Ok(publication) => match TrustBundle::open(&publication.content, None) {
                Ok(bundle) => self.verifier.trust(bundle),
                Err(error) => tracing::error!(error.cause = %error, "our own bundle does not open"),
            },
            Err(error) => tracing::error!(error.cause = %error, "the trust bundle cannot be made"),
        }
    }
}
