//! Group commit for checks: while one transaction is being written, those who arrive wait together and go
//! into the next one. Every caller is answered only when his check is on the disk.
//!
//! A sync to disk takes the time of some hundred rows; shared by all who wait, it is what lets every check
//! be logged.

use super::{CheckEntry, Conflict, RecordedCheck, Store, StoreError};
use crate::metrics::Metrics;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{mpsc, oneshot};
use tokio::time::{Instant, sleep_until};

/// Requests that may wait before further callers have to.
const QUEUE: usize = 4_096;

/// Checks in one transaction: enough to share a sync well, few enough that nobody else waits for long.
const TOGETHER: usize = 1_024;

/// Transactions begin at least this far apart: under load more checks share one, and none waits longer.
const APART: Duration = Duration::from_millis(3);

/// Records checks. Cheap to clone; it ends when the last clone is dropped and all are answered.
#[derive(Clone, Debug)]
pub struct Recorder {
    queue: mpsc::Sender<Request>,
}

/// What became of each check of a request: see [`super::Tx::record_checks`].
type Answers = Vec<Result<RecordedCheck, Conflict>>;

#[derive(Debug)]
struct Request {
    entries: Vec<CheckEntry>,
    answer: oneshot::Sender<Result<Answers, StoreError>>,
}

impl Recorder {
    /// Starts the one task that writes. Must be called within a tokio runtime.
    #[must_use]
    pub fn start(store: Store, metrics: Metrics) -> Self {
        let (queue, waiting) = mpsc::channel(QUEUE);
        tokio::spawn(write(store, metrics, waiting));
        Self { queue }
    }

    /// Records the checks of one request, all of them or none, and answers when they are on the disk.
    ///
    /// # Errors
    /// [`StoreError::Together`] when the register failed for everybody; [`StoreError::Closing`] when the
    /// program ends.
    pub async fn record(&self, entries: Vec<CheckEntry>) -> Result<Answers, StoreError> {
        let (answer, answered) = oneshot::channel();
        let request = Request { entries, answer };
        let queued = self.queue.send(request).await;
        queued.map_err(|_| StoreError::Closing)?;
        answered.await.map_err(|_| StoreError::Closing)?
    }
}

async fn write(store: Store, metrics: Metrics, mut waiting: mpsc::Receiver<Request>) {
    let mut begun = Instant::now();
    while let Some(first) = waiting.recv().await {
        sleep_until(begun + APART).await;
        begun = Instant::now();
        let mut checks = first.entries.len();
        let mut requests = vec![first];
        while checks < TOGETHER {
            let Ok(next) = waiting.try_recv() else { break };
            checks += next.entries.len();
            requests.push(next);
        }
        match write_together(&store, &metrics, &requests).await {
            Ok(mut answers) => {
                for request in requests {
                    let others = answers.split_off(request.entries.len().min(answers.len()));
                    answer(request, Ok(std::mem::replace(&mut answers, others)));
                }
            }
            Err(error) => match <[Request; 1]>::try_from(requests) {
                Ok([only]) => answer(only, Err(error)),
                // One of them holds something that the database does not take: the others need not suffer.
                Err(several) if error.is_refusal() => {
                    for request in several {
                        let one = std::slice::from_ref(&request);
                        let alone = write_together(&store, &metrics, one).await;
                        answer(request, alone);
                    }
                }
                Err(several) => {
                    let error = Arc::new(error);
                    for request in several {
                        answer(request, Err(StoreError::Together(error.clone())));
                    }
                }
            },
        }
    }
}

async fn write_together(
    store: &Store,
    metrics: &Metrics,
    requests: &[Request],
) -> Result<Answers, StoreError> {
    let entries: Vec<&CheckEntry> = requests.iter().flat_map(|r| &r.entries).collect();
    let entries = entries.as_slice();
    let answers = store
        .run(|mut tx| async move {
            let answers = tx.record_checks(entries).await?;
            Ok::<_, StoreError>((tx, answers))
        })
        .await?;
    metrics.recorded(answers.iter().filter(|answer| answer.is_ok()).count());
    Ok(answers)
}

fn answer(request: Request, answers: Result<Answers, StoreError>) {
    // Whoever asked may have hung up; his checks are recorded all the same.
    drop(request.answer.send(answers));
}
