//! What happens to a result after it was issued: suspension, reinstatement, revocation.
//!
//! A decision is one transaction: the standing, the line that says who decided what and why, the leaf of
//! the log, the audit line, the job that publishes the status list. It is visible at the next scan.

use crate::access::{Caller, Forbidden, Permission};
use crate::clock::{Clock, UnixTime};
use crate::id::ResultId;
use crate::store::{
    AuditEntry, NewJob, Standing, StatusChange, Store, StoreError, StoredResult, Tx,
};
use crate::tlog;
use ring::rand::{SecureRandom as _, SystemRandom};
use serde_json::json;
use std::sync::Arc;
use time::Date;
use uuid::Uuid;

/// What is decided.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Move {
    /// Thu hồi: for good.
    Revoke,
    /// Tạm đình chỉ, tước quyền sử dụng có thời hạn: until the end of a day.
    Suspend {
        /// The last day of the suspension.
        until: Date,
    },
    /// Ends a suspension before its day.
    Reinstate,
}

impl Move {
    fn target(self) -> Standing {
        match self {
            Self::Revoke => Standing::Revoked,
            Self::Suspend { .. } => Standing::Suspended,
            Self::Reinstate => Standing::Valid,
        }
    }

    fn until(self) -> Option<Date> {
        match self {
            Self::Suspend { until } => Some(until),
            Self::Revoke | Self::Reinstate => None,
        }
    }

    /// The moves that the law knows from a standing.
    fn is_possible_from(self, standing: Standing) -> bool {
        match self {
            Self::Revoke => matches!(standing, Standing::Valid | Standing::Suspended),
            Self::Suspend { .. } => standing == Standing::Valid,
            Self::Reinstate => standing == Standing::Suspended,
        }
    }

    fn action(self) -> &'static str {
        match self {
            Self::Revoke => "result.revoke",
            Self::Suspend { .. } => "result.suspend",
            Self::Reinstate => "result.reinstate",
        }
    }
}

/// Why it is decided, and by whom.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Grounds {
    /// In words that the public page shows.
    pub reason: String,
    /// Number of the decision.
    pub decision: String,
    /// Who decided.
    pub authority: String,
}

impl Grounds {
    /// Grounds with every part in NFC, none empty, none longer than a page can show.
    ///
    /// # Errors
    /// [`LifecycleError::Grounds`] names the part.
    pub fn new(reason: &str, decision: &str, authority: &str) -> Result<Self, LifecycleError> {
        let part = |name: &'static str, text: &str, max: usize| {
            use unicode_normalization::UnicodeNormalization as _;
            let text: String = text.trim().nfc().collect();
            let fits = (1..=max).contains(&text.chars().count());
            if fits && !text.chars().any(|c| c.is_control() && c != '\n') {
                Ok(text)
            } else {
                Err(LifecycleError::Grounds(name))
            }
        };
        Ok(Self {
            reason: part("reason", reason, 500)?,
            decision: part("decision", decision, 100)?,
            authority: part("authority", authority, 200)?,
        })
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

/// Why a status could not be changed.
#[derive(Debug, thiserror::Error)]
pub enum LifecycleError {
    /// No result has this look-up code.
    #[error("no result has this look-up code")]
    Unknown,
    /// Not this caller.
    #[error(transparent)]
    Forbidden(#[from] Forbidden),
    /// From here this move does not exist.
    #[error("a result that is {} cannot be moved so", .0.name())]
    NotPossible(Standing),
    /// The last day of a suspension lies before today.
    #[error("the suspension would end before it begins")]
    UntilPast,
    /// A part of the grounds is empty or too long.
    #[error("{0} is missing or too long")]
    Grounds(&'static str),
    /// The register failed.
    #[error("the register failed")]
    Store(#[from] StoreError),
}

impl LifecycleError {
    /// The stable code where the request is at fault; `None` where the installation is.
    #[must_use]
    pub fn code(&self) -> Option<&'static str> {
        match self {
            Self::Unknown => Some("result/unknown"),
            Self::NotPossible(_) => Some("result/not-possible"),
            Self::UntilPast => Some("result/until-past"),
            Self::Grounds(_) => Some("field/missing"),
            Self::Forbidden(_) | Self::Store(_) => None,
        }
    }
}

/// Changes the standing of results.
#[derive(Clone)]
pub struct Lifecycle {
    store: Store,
    clock: Arc<dyn Clock>,
}

impl Lifecycle {
    /// Decisions are written to `store`.
    #[must_use]
    pub fn new(store: Store, clock: Arc<dyn Clock>) -> Self {
        Self { store, clock }
    }

    /// Decides for a caller of the issuing agency.
    ///
    /// # Errors
    /// [`LifecycleError`].
    pub async fn decide(
        &self,
        caller: &Caller,
        id: ResultId,
        moved: Move,
        grounds: &Grounds,
    ) -> Result<Decided, LifecycleError> {
        self.store
            .run(async |mut tx: Tx| {
                let stored = tx.result(&id).await?.ok_or(LifecycleError::Unknown)?;
                caller.require_at(Permission::ChangeStatus, &stored.issued.agency)?;
                let now = self.clock.now();
                let decided = write(&mut tx, &stored, &caller.account, moved, grounds, now).await?;
                Ok((tx, decided))
            })
            .await
    }
}

async fn write(
    tx: &mut Tx,
    stored: &StoredResult,
    actor: &str,
    moved: Move,
    grounds: &Grounds,
    now: UnixTime,
) -> Result<Decided, LifecycleError> {
    let id = stored.issued.id;
    let from = stored.standing_at(now);
    if !moved.is_possible_from(from) {
        return Err(LifecycleError::NotPossible(from));
    }
    if moved.until().is_some_and(|until| until < now.local_date()) {
        return Err(LifecycleError::UntilPast);
    }
    let mut salt = [0; tlog::SALT];
    SystemRandom::new()
        .fill(&mut salt)
        .map_err(|_| StoreError::Missing("randomness"))?;
    let record = json!({
        "result": id.to_string(),
        "to": moved.target().name(),
        "until": moved.until().map(crate::clock::iso_date),
        "reason": grounds.reason,
        "decision": grounds.decision,
        "authority": grounds.authority,
        "actor": actor,
        "at": now.seconds(),
    });
    let agency = tx
        .agency(&stored.issued.agency)
        .await?
        .ok_or(StoreError::Missing("agency"))?;
    let leaf = tlog::Leaf::new(
        tlog::Kind::StatusChanged,
        now,
        &agency.issuer,
        &salt,
        record.to_string().as_bytes(),
    );
    tx.enqueue(&NewJob::publish_status_list(stored.issued.list, now))
        .await?;
    if let Some(until) = moved.until() {
        let over = UnixTime::end_of(until).plus(1);
        tx.enqueue(&NewJob::publish_status_list(stored.issued.list, over))
            .await?;
    }
    tx.append_audit(&AuditEntry {
        id: Uuid::now_v7(),
        at: now,
        actor: actor.to_owned(),
        action: moved.action().to_owned(),
        subject: Some(stored.issued.row.to_string()),
        detail: "{}".to_owned(),
    })
    .await?;
    let appended = tx.append_leaf(&leaf).await?;
    tx.change_status(&StatusChange {
        id: Uuid::now_v7(),
        result: id,
        from: stored.standing,
        to: moved.target(),
        effective_at: now,
        until: moved.until(),
        successor: None,
        reason: grounds.reason.clone(),
        decision: grounds.decision.clone(),
        authority: grounds.authority.clone(),
        actor: actor.to_owned(),
        at: now,
        salt,
        leaf_index: appended.index,
    })
    .await?;
    Ok(Decided {
        id,
        standing: moved.target(),
        leaf_index: appended.index,
        leaf_hash: appended.hash,
    })
}
