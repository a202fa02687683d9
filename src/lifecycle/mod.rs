//! What happens to a result after it was issued: revocation, recall, suspension, reinstatement,
//! cancellation, surrender, erratum; and, together with `issuance`, replacement.
//!
//! A decision is one transaction: the standing, the line that says who decided what and why, the leaf of
//! the log, the audit line, the job that publishes the status list. It is visible at the next scan. Which
//! decisions are possible when, [`moves`] says. Where the type asks for four eyes a decision waits for a
//! second person first ([`Lifecycle::confirm`], [`Lifecycle::reject`]).

mod error;
mod four_eyes;
mod grounds;
mod history;
pub mod moves;

pub use error::LifecycleError;
pub use four_eyes::{Answerer, Ask, WAITS, answerable, ask, confirmed, grounds_of};
pub use grounds::Grounds;
pub use history::Entry;

use crate::access::{Caller, Permission};
use crate::catalogue::{Catalogue, ChangeKind};
use crate::clock::{Clock, UnixTime};
use crate::id::ResultId;
use crate::store::{
    AuditEntry, ChangeRequest, Leaf, NewJob, Standing, StatusChange, Store, StoreError,
    StoredResult, Tx,
};
use crate::tlog;
use ring::rand::{SecureRandom as _, SystemRandom};
use serde_json::json;
use std::sync::Arc;
use time::Date;
use uuid::Uuid;

/// What is decided. A replacement is not among these: it comes with the result that takes the place.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Move {
    /// Thu hồi: for good.
    Revoke,
    /// Thu hồi văn bản: the agency takes its own document back.
    Recall,
    /// Tạm đình chỉ, tước quyền sử dụng có thời hạn: until the end of a day.
    Suspend {
        /// The last day of the suspension.
        until: Date,
    },
    /// Ends a suspension before its day.
    Reinstate,
    /// Hủy hiệu lực: void from the start.
    Cancel,
    /// Nộp lại.
    Surrender,
    /// Đính chính: a notice; moves nothing.
    Correct,
}

impl Move {
    /// What kind of change it is.
    #[must_use]
    pub fn kind(self) -> ChangeKind {
        match self {
            Self::Revoke => ChangeKind::Revocation,
            Self::Recall => ChangeKind::Recall,
            Self::Suspend { .. } => ChangeKind::Suspension,
            Self::Reinstate => ChangeKind::Reinstatement,
            Self::Cancel => ChangeKind::Cancellation,
            Self::Surrender => ChangeKind::Surrender,
            Self::Correct => ChangeKind::Erratum,
        }
    }

    fn until(self) -> Option<Date> {
        match self {
            Self::Suspend { until } => Some(until),
            _ => None,
        }
    }
}

/// What was decided and where the log says so.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Decided {
    /// The result.
    pub id: ResultId,
    /// How it stands now.
    pub standing: Standing,
    /// Place of the leaf.
    pub leaf_index: u64,
    /// Its hash.
    pub leaf_hash: crate::digest::Sha256,
}

/// What came of a decision.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Outcome {
    /// It is in effect.
    Decided(Decided),
    /// It waits for a second person.
    Waits(Box<ChangeRequest>),
}

/// A decision that is about to be written.
#[derive(Clone, Copy, Debug)]
pub struct Decision<'a> {
    /// What kind it is.
    pub kind: ChangeKind,
    /// Last day of a suspension.
    pub until: Option<Date>,
    /// The result that takes the place: look-up code and row id.
    pub successor: Option<(ResultId, Uuid)>,
    /// Why.
    pub grounds: &'a Grounds,
    /// Account that entered it.
    pub actor: &'a str,
    /// Account that confirmed it.
    pub confirmed_by: Option<&'a str>,
}

/// Changes the standing of results.
#[derive(Clone)]
pub struct Lifecycle {
    store: Store,
    catalogue: Arc<Catalogue>,
    clock: Arc<dyn Clock>,
}

impl Lifecycle {
    /// Decisions are written to `store`; `catalogue` says which need a second person.
    #[must_use]
    pub fn new(store: Store, catalogue: Arc<Catalogue>, clock: Arc<dyn Clock>) -> Self {
        Self {
            store,
            catalogue,
            clock,
        }
    }

    /// Decides for a caller of the issuing agency, or asks a second person where the type wants that.
    ///
    /// # Errors
    /// [`LifecycleError`].
    pub async fn decide(
        &self,
        caller: &Caller,
        id: ResultId,
        moved: Move,
        grounds: &Grounds,
    ) -> Result<Outcome, LifecycleError> {
        self.store
            .run(async |mut tx: Tx| {
                let stored = tx.result(&id).await?.ok_or(LifecycleError::Unknown)?;
                caller.require_at(Permission::ChangeStatus, &stored.issued.agency)?;
                let now = self.clock.now();
                let kind = moved.kind();
                let outcome = if self.asks_for_four_eyes(&stored, kind) {
                    let wanted = Ask {
                        kind,
                        until: moved.until(),
                        grounds,
                        actor: &caller.account,
                        submission: None,
                    };
                    Outcome::Waits(Box::new(ask(&mut tx, &stored, &wanted, now).await?))
                } else {
                    let decision = Decision {
                        kind,
                        until: moved.until(),
                        successor: None,
                        grounds,
                        actor: &caller.account,
                        confirmed_by: None,
                    };
                    Outcome::Decided(write(&mut tx, &stored, &decision, now).await?)
                };
                Ok((tx, outcome))
            })
            .await
    }

    /// Whether a second person must confirm such a change. Of a type that is not in the catalogue any more
    /// nobody knows; then he must.
    #[must_use]
    pub fn asks_for_four_eyes(&self, stored: &StoredResult, kind: ChangeKind) -> bool {
        self.catalogue
            .by_code(&stored.issued.result_type)
            .is_none_or(|known| known.four_eyes.contains(&kind))
    }
}

/// Where such a change leads now.
///
/// # Errors
/// [`LifecycleError::NotPossible`], [`LifecycleError::UntilPast`].
pub fn require_possible(
    stored: &StoredResult,
    kind: ChangeKind,
    until: Option<Date>,
    now: UnixTime,
) -> Result<Standing, LifecycleError> {
    let from = stored.standing_at(now);
    let to = moves::after(kind, from).ok_or(LifecycleError::NotPossible(from))?;
    if until.is_some_and(|until| until < now.local_date()) {
        return Err(LifecycleError::UntilPast);
    }
    Ok(to)
}

/// Writes a decision: everything that belongs to it.
///
/// # Errors
/// [`LifecycleError`].
pub async fn write(
    tx: &mut Tx,
    stored: &StoredResult,
    decision: &Decision<'_>,
    now: UnixTime,
) -> Result<Decided, LifecycleError> {
    let to = require_possible(stored, decision.kind, decision.until, now)?;
    let agency = tx
        .agency(&stored.issued.agency)
        .await?
        .ok_or(StoreError::Missing("agency"))?;
    let mut change = StatusChange {
        id: Uuid::now_v7(),
        result: stored.issued.id,
        kind: decision.kind,
        from: stored.standing,
        // An erratum leaves even a suspension as it is stored.
        to: match decision.kind {
            ChangeKind::Erratum => stored.standing,
            _ => to,
        },
        effective_at: now,
        until: decision.until,
        successor: decision.successor.map(|(id, _)| id),
        reason: decision.grounds.reason.clone(),
        decision: decision.grounds.decision.clone(),
        authority: decision.grounds.authority.clone(),
        actor: decision.actor.to_owned(),
        confirmed_by: decision.confirmed_by.map(str::to_owned),
        at: now,
        salt: salt()?,
        leaf_index: 0,
    };
    let leaf = tlog::Leaf::new(
        tlog::Kind::StatusChanged,
        now,
        &agency.issuer,
        &change.salt,
        history::record(&change).to_string().as_bytes(),
    );
    if decision.kind != ChangeKind::Erratum {
        tx.enqueue(&NewJob::publish_status_list(stored.issued.list, now))
            .await?;
    }
    if let Some(until) = decision.until {
        let over = UnixTime::end_of(until).plus(1);
        tx.enqueue(&NewJob::publish_status_list(stored.issued.list, over))
            .await?;
    }
    let detail = json!({
        "from": change.from.name(),
        "to": change.to.name(),
        "until": decision.until.map(crate::clock::iso_date),
        "reason": change.reason,
        "decision": change.decision,
        "authority": change.authority,
        "successor": decision.successor.map(|(_, row)| row.to_string()),
        "confirmed_by": change.confirmed_by,
    });
    tx.append_audit(&AuditEntry {
        id: Uuid::now_v7(),
        at: now,
        actor: change.actor.clone(),
        action: action(decision.kind).to_owned(),
        subject: Some(stored.issued.row.to_string()),
        detail: detail.to_string(),
    })
    .await?;
    change.leaf_index = tx.append_leaf(&Leaf::from(&leaf)).await?;
    tx.change_status(&change).await?;
    Ok(Decided {
        id: stored.issued.id,
        standing: to,
        leaf_index: change.leaf_index,
        leaf_hash: leaf.hash(),
    })
}

/// The word of the audit.
fn action(kind: ChangeKind) -> &'static str {
    match kind {
        ChangeKind::Revocation => "result.revoke",
        ChangeKind::Recall => "result.recall",
        ChangeKind::Suspension => "result.suspend",
        ChangeKind::Reinstatement => "result.reinstate",
        ChangeKind::Cancellation => "result.cancel",
        ChangeKind::Replacement => "result.supersede",
        ChangeKind::Surrender => "result.surrender",
        ChangeKind::Erratum => "result.correct",
    }
}

fn salt() -> Result<[u8; tlog::SALT], StoreError> {
    let mut salt = [0; tlog::SALT];
    SystemRandom::new()
        .fill(&mut salt)
        .map_err(|_| StoreError::Missing("randomness"))?;
    Ok(salt)
}
