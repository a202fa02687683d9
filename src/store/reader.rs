//! Group reads: while one transaction reads, those who ask wait together and are answered by the next one.
//!
//! A read costs a round trip to the database, for SQLite a change of thread, several times over; shared by
//! all who wait, the register can be asked for every check. Whoever asks is answered from a moment after he
//! asked: nothing is kept between two transactions.

use super::accounts::Term;
use super::{Agency, Key, StatusChange, Store, StoreError, StoredResult};
use crate::access::Caller;
use crate::clock::UnixTime;
use crate::digest::Sha256;
use crate::id::ResultId;
use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;
use tokio::sync::{mpsc, oneshot};

/// Questions that may wait before further callers have to.
const QUEUE: usize = 4_096;

/// Questions that one transaction answers: enough to share it well, few enough that nobody waits for long.
const TOGETHER: usize = 256;

/// Answers questions about the register. Cheap to clone; it ends when the last clone is dropped.
#[derive(Clone, Debug)]
pub struct Reader {
    queue: mpsc::Sender<Question>,
}

/// All that the register knows of a result, at one moment.
#[derive(Clone, Debug)]
pub struct Entry {
    /// The result.
    pub result: StoredResult,
    /// Who issued it.
    pub agency: Agency,
    /// What was decided about it, the oldest first.
    pub changes: Vec<StatusChange>,
}

type Answer<T> = oneshot::Sender<Result<T, StoreError>>;

#[derive(Debug)]
enum Question {
    Caller(Sha256, UnixTime, Answer<Option<Caller>>),
    Result(ResultId, Answer<Option<Entry>>),
    Keys(Answer<Arc<Vec<Key>>>),
}

impl Reader {
    /// Starts the one task that reads. Must be called within a tokio runtime.
    #[must_use]
    pub fn start(store: Store) -> Self {
        let (queue, waiting) = mpsc::channel(QUEUE);
        tokio::spawn(read(store, waiting));
        Self { queue }
    }

    /// Whoever holds the key with this digest at a moment: see [`super::Tx::caller`].
    ///
    /// # Errors
    /// When the register fails.
    pub async fn caller(&self, key: Sha256, at: UnixTime) -> Result<Option<Caller>, StoreError> {
        self.ask(|answer| Question::Caller(key, at, answer)).await
    }

    /// The result with a look-up code.
    ///
    /// # Errors
    /// When the register fails.
    pub async fn result(&self, id: ResultId) -> Result<Option<Entry>, StoreError> {
        self.ask(|answer| Question::Result(id, answer)).await
    }

    /// Every key, also the retired ones.
    ///
    /// # Errors
    /// When the register fails.
    pub async fn keys(&self) -> Result<Arc<Vec<Key>>, StoreError> {
        self.ask(Question::Keys).await
    }

    async fn ask<T>(&self, question: impl FnOnce(Answer<T>) -> Question) -> Result<T, StoreError> {
        let (answer, answered) = oneshot::channel();
        let queued = self.queue.send(question(answer)).await;
        queued.map_err(|_| StoreError::Closing)?;
        answered.await.map_err(|_| StoreError::Closing)?
    }
}

async fn read(store: Store, mut waiting: mpsc::Receiver<Question>) {
    let mut questions = Vec::new();
    while waiting.recv_many(&mut questions, TOGETHER).await > 0 {
        match Answers::read(&store, &questions).await {
            Ok(answers) => questions
                .drain(..)
                .for_each(|question| answers.give(question)),
            Err(error) => {
                let error = Arc::new(error);
                for question in questions.drain(..) {
                    refuse(question, StoreError::Together(Arc::clone(&error)));
                }
            }
        }
    }
}

/// What one transaction saw.
struct Answers {
    callers: HashMap<Sha256, (Caller, Term)>,
    results: HashMap<ResultId, StoredResult>,
    changes: HashMap<ResultId, Vec<StatusChange>>,
    agencies: HashMap<String, Agency>,
    keys: Arc<Vec<Key>>,
}

impl Answers {
    async fn read(store: &Store, questions: &[Question]) -> Result<Self, StoreError> {
        let (mut digests, mut ids, mut keys) = (BTreeSet::new(), BTreeSet::new(), false);
        for question in questions {
            match question {
                Question::Caller(digest, ..) => drop(digests.insert(*digest)),
                Question::Result(id, _) => drop(ids.insert(*id)),
                Question::Keys(_) => keys = true,
            }
        }
        let (digests, ids) = (Vec::from_iter(digests), Vec::from_iter(ids));
        let mut tx = store.read().await?;
        let results = tx.results_with(&ids).await?;
        let mut changes: HashMap<_, Vec<_>> = HashMap::new();
        for change in tx.status_changes_of(&ids).await? {
            changes.entry(change.result).or_default().push(change);
        }
        let mut agencies = HashMap::new();
        for result in &results {
            let code = &result.issued.agency;
            if !agencies.contains_key(code) {
                let agency = tx.agency(code).await?;
                let agency = agency.ok_or(StoreError::Missing("agency"))?;
                agencies.insert(code.clone(), agency);
            }
        }
        Ok(Self {
            callers: tx.callers(&digests).await?,
            results: results
                .into_iter()
                .map(|result| (result.issued.id, result))
                .collect(),
            changes,
            agencies,
            keys: Arc::new(if keys { tx.keys().await? } else { Vec::new() }),
        })
    }

    fn entry(&self, id: &ResultId) -> Option<Entry> {
        let result = self.results.get(id)?.clone();
        Some(Entry {
            agency: self.agencies.get(&result.issued.agency)?.clone(),
            changes: self.changes.get(id).cloned().unwrap_or_default(),
            result,
        })
    }

    /// Answers; whoever asked may have hung up.
    fn give(&self, question: Question) {
        match question {
            Question::Caller(digest, at, answer) => {
                let found = self.callers.get(&digest);
                let found = found.filter(|(_, term)| term.holds(at));
                drop(answer.send(Ok(found.map(|(caller, _)| caller.clone()))));
            }
            Question::Result(id, answer) => drop(answer.send(Ok(self.entry(&id)))),
            Question::Keys(answer) => drop(answer.send(Ok(Arc::clone(&self.keys)))),
        }
    }
}

fn refuse(question: Question, error: StoreError) {
    match question {
        Question::Caller(.., answer) => drop(answer.send(Err(error))),
        Question::Result(_, answer) => drop(answer.send(Err(error))),
        Question::Keys(answer) => drop(answer.send(Err(error))),
    }
}
