//! Group reads: while one group is answered, those who ask wait together and are answered as the next one.
//!
//! A read costs a round trip to the database, for SQLite a change of thread, several times over; shared by
//! all who wait, the register can be asked for every check. Whoever asks is answered from a moment after he
//! asked. Results are remembered, and forgotten when something was decided about them: every group asks first
//! what was decided since the last one ([`Remembered`]).

use super::accounts::{Term, callers};
use super::keys::keys;
use super::status_changes::{DECISIONS, Decision, decisions_from, last_decision};
use super::{Agency, Key, StatusChange, Store, StoreError, StoredResult, Tx};
use crate::access::Caller;
use crate::clock::UnixTime;
use crate::digest::Sha256;
use crate::id::ResultId;
use sqlx::pool::PoolConnection;
use sqlx::{Any, AnyConnection};
use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::sync::{mpsc, oneshot};

/// Questions that may wait before further callers have to.
const QUEUE: usize = 4_096;

/// Questions that are answered together: enough to share it well, few enough that nobody waits for long.
const TOGETHER: usize = 256;

/// Groups begin at least this far apart: under load more of those who ask share one, and none waits longer.
const APART: Duration = Duration::from_millis(1);

/// Results that are remembered: some ten megabytes.
const KEPT: usize = 4_096;

/// How old names and telephone numbers of agencies may be; nothing else may be old.
const AGENCY: Duration = Duration::from_secs(1);

/// Answers questions about the register. Cheap to clone; it ends when the last clone is dropped.
#[derive(Clone, Debug)]
pub struct Reader {
    queue: mpsc::Sender<Question>,
}

/// All that the register knows of a result, at one moment. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Entry {
    /// The result, as it stands.
    pub decided: Arc<Decided>,
    /// Who issued it.
    pub agency: Arc<Agency>,
}

/// A result and what was decided about it.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Decided {
    /// The result.
    pub result: StoredResult,
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
    let (mut questions, mut remembered) = (Vec::new(), Remembered::default());
    let mut connection = None;
    let mut begun = tokio::time::Instant::now();
    while let Some(first) = waiting.recv().await {
        tokio::time::sleep_until(begun + APART).await;
        begun = tokio::time::Instant::now();
        questions.push(first);
        while questions.len() < TOGETHER
            && let Ok(next) = waiting.try_recv()
        {
            questions.push(next);
        }
        match Answers::read(&store, &mut connection, &mut remembered, &questions).await {
            Ok(answers) => questions
                .drain(..)
                .for_each(|question| answers.give(question)),
            Err(error) => {
                (connection, remembered) = (None, Remembered::default());
                let error = Arc::new(error);
                for question in questions.drain(..) {
                    refuse(question, StoreError::Together(Arc::clone(&error)));
                }
            }
        }
        // Giving a connection back and taking it again costs as much as a question.
        if waiting.is_empty() {
            connection = None;
        }
    }
}

/// Results as they stand after the last decision that is known.
///
/// What was issued never changes, and its standing only by a decision. Decisions are never changed and have
/// their places in the log in the order in which they were committed, whichever server made them: whoever
/// knows the last one has missed nothing before it.
#[derive(Default)]
struct Remembered {
    results: HashMap<ResultId, Arc<Decided>>,
    agencies: HashMap<String, (Arc<Agency>, Instant)>,
    last: Option<Decision>,
}

impl Remembered {
    /// Forgets the results about which something was decided since the last time.
    async fn catch_up(&mut self, connection: &mut AnyConnection) -> Result<(), StoreError> {
        let from = self.last.map_or(0, |last| last.leaf_index);
        let decisions = decisions_from(connection, from).await?;
        let all = decisions.len() < DECISIONS;
        // A database that lost its last transactions, and whoever stands in for it, have another last one.
        let same = self.last.is_none() || decisions.first() == self.last.as_ref();
        if all && same {
            for decision in &decisions {
                if self.last != Some(*decision) {
                    self.results.remove(&decision.result);
                }
            }
            self.last = decisions.last().copied().or(self.last);
        } else {
            self.results.clear();
            self.last = last_decision(connection).await?;
        }
        Ok(())
    }

    /// The result with a look-up code, if it is remembered with its agency.
    fn entry(&self, id: &ResultId) -> Option<Entry> {
        let decided = self.results.get(id)?;
        let (agency, read) = self.agencies.get(&decided.result.issued.agency)?;
        (read.elapsed() < AGENCY).then(|| Entry {
            decided: Arc::clone(decided),
            agency: Arc::clone(agency),
        })
    }

    /// Reads what is not remembered of some results; gives back those that there are.
    async fn read(&mut self, tx: &mut Tx, ids: &[ResultId]) -> Result<Vec<Entry>, StoreError> {
        if self.results.len() + ids.len() > KEPT {
            self.results.clear();
        }
        let unknown = ids.iter().filter(|id| !self.results.contains_key(id));
        let unknown: Vec<ResultId> = unknown.copied().collect();
        let mut changes: HashMap<_, Vec<_>> = HashMap::new();
        for change in tx.status_changes_of(&unknown).await? {
            changes.entry(change.result).or_default().push(change);
        }
        for result in tx.results_with(&unknown).await? {
            let id = result.issued.id;
            let changes = changes.remove(&id).unwrap_or_default();
            let decided = Arc::new(Decided { result, changes });
            self.results.insert(id, decided);
        }
        let mut agencies: HashMap<&str, Arc<Agency>> = HashMap::new();
        let mut entries = Vec::with_capacity(ids.len());
        for decided in ids.iter().filter_map(|id| self.results.get(id)) {
            let code = decided.result.issued.agency.as_str();
            if !agencies.contains_key(code) {
                let agency = tx.agency(code).await?;
                let agency = Arc::new(agency.ok_or(StoreError::Missing("agency"))?);
                let read = (Arc::clone(&agency), Instant::now());
                self.agencies.insert(code.to_owned(), read);
                agencies.insert(code, agency);
            }
            entries.extend(agencies.get(code).map(|agency| Entry {
                decided: Arc::clone(decided),
                agency: Arc::clone(agency),
            }));
        }
        Ok(entries)
    }
}

/// What one group is told.
struct Answers {
    callers: HashMap<Sha256, (Caller, Term)>,
    results: HashMap<ResultId, Entry>,
    keys: Arc<Vec<Key>>,
}

impl Answers {
    async fn read(
        store: &Store,
        connection: &mut Option<PoolConnection<Any>>,
        remembered: &mut Remembered,
        questions: &[Question],
    ) -> Result<Self, StoreError> {
        let (mut digests, mut ids, mut with_keys) = (BTreeSet::new(), BTreeSet::new(), false);
        for question in questions {
            match question {
                Question::Caller(digest, ..) => drop(digests.insert(*digest)),
                Question::Result(id, _) => drop(ids.insert(*id)),
                Question::Keys(_) => with_keys = true,
            }
        }
        let (digests, ids) = (Vec::from_iter(digests), Vec::from_iter(ids));
        let held = match connection {
            Some(held) => held,
            None => connection.insert(store.reading().await?),
        };
        let callers = callers(held, &digests).await?;
        let keys = if with_keys {
            Arc::new(keys(held).await?)
        } else {
            Arc::default()
        };
        if !ids.is_empty() {
            remembered.catch_up(held).await?;
        }
        let known: Option<Vec<Entry>> = ids.iter().map(|id| remembered.entry(id)).collect();
        let entries = if let Some(known) = known {
            known
        } else {
            // Never two connections at once: there may be only one.
            *connection = None;
            remembered.read(&mut store.read().await?, &ids).await?
        };
        let results = entries
            .into_iter()
            .map(|entry| (entry.decided.result.issued.id, entry))
            .collect();
        Ok(Self {
            callers,
            results,
            keys,
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
            Question::Result(id, answer) => drop(answer.send(Ok(self.results.get(&id).cloned()))),
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
