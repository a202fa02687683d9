//! Decisions that wait for a second person: asked by one account, confirmed or rejected by another of the
//! same agency, never by the same.

use super::grounds::part;
use super::{Decided, Decision, Grounds, Lifecycle, LifecycleError, require_possible, salt, write};
use crate::access::{Caller, Permission};
use crate::catalogue::ChangeKind;
use crate::clock::{UnixTime, iso_date};
use crate::digest::Sha256;
use crate::store::{
    AuditEntry, ChangeRequest, Conflict, Leaf, NewJob, RequestState, Settlement, StoreError,
    StoredResult, Submission, Tx,
};
use crate::tlog;
use serde_json::{Value as Json, json};
use time::Date;
use uuid::Uuid;

/// Seconds for which a request waits: a week, so that a holiday does not end it and a forgotten one does.
pub const WAITS: i64 = 7 * 86_400;

/// Who writes the lines about requests that nobody answered.
const NOBODY: &str = "system";

/// What is asked for.
#[derive(Clone, Copy, Debug)]
pub struct Ask<'a> {
    /// What kind of change.
    pub kind: ChangeKind,
    /// Last day of a suspension.
    pub until: Option<Date>,
    /// Why.
    pub grounds: &'a Grounds,
    /// Account that asks.
    pub actor: &'a str,
    /// What a replacement is to be issued from.
    pub submission: Option<&'a Submission>,
}

/// Who answers a request, and when.
#[derive(Clone, Copy, Debug)]
pub struct Answerer<'a> {
    /// The caller.
    pub caller: &'a Caller,
    /// Now.
    pub now: UnixTime,
}

/// Writes down a request, with its leaf, its audit line, and the job that ends it when nobody answers.
///
/// # Errors
/// [`LifecycleError`]; what is not possible is refused at once.
pub async fn ask(
    tx: &mut Tx,
    stored: &StoredResult,
    ask: &Ask<'_>,
    now: UnixTime,
) -> Result<ChangeRequest, LifecycleError> {
    require_possible(stored, ask.kind, ask.until, now)?;
    if let Some(earlier) = tx.waiting_request(&stored.issued.id).await? {
        if earlier.expires_at > now {
            return Err(LifecycleError::Waiting);
        }
        expire(tx, &earlier, now).await?;
    }
    let mut request = ChangeRequest {
        id: Uuid::now_v7(),
        result: stored.issued.id,
        agency: stored.issued.agency.clone(),
        kind: ask.kind,
        until: ask.until,
        reason: ask.grounds.reason.clone(),
        decision: ask.grounds.decision.clone(),
        authority: ask.grounds.authority.clone(),
        asked_by: ask.actor.to_owned(),
        asked_at: now,
        expires_at: now.plus(WAITS),
        ask_salt: salt()?,
        ask_leaf_index: 0,
        state: RequestState::Waiting,
        settled_by: None,
        settled_at: None,
        settled_because: None,
        settle_leaf_index: None,
    };
    let submitted = ask.submission.map(|submission| {
        let pdf = submission.pdf.as_ref().map(|pdf| Sha256::of(pdf.expose()));
        json!({
            "data": Sha256::of(submission.data.expose().as_bytes()).hex(),
            "pdf": pdf.map(|digest| digest.hex()),
        })
    });
    let record = json!({
        "request": request.id.to_string(),
        "result": request.result.to_string(),
        "kind": request.kind.name(),
        "until": request.until.map(iso_date),
        "reason": request.reason,
        "decision": request.decision,
        "authority": request.authority,
        "submission": submitted,
        "actor": request.asked_by,
        "at": now.seconds(),
        "expires_at": request.expires_at.seconds(),
    });
    tx.enqueue(&NewJob::expire_change_request(
        request.id,
        request.expires_at,
    ))
    .await?;
    let detail = json!({
        "request": request.id.to_string(),
        "kind": request.kind.name(),
        "until": request.until.map(iso_date),
        "reason": request.reason,
        "decision": request.decision,
        "authority": request.authority,
    });
    audit(
        tx,
        "change-request.ask",
        &request.asked_by,
        stored.issued.row,
        detail,
        now,
    )
    .await?;
    let kind = tlog::Kind::ChangeRequested;
    request.ask_leaf_index = log(tx, &request, kind, &request.ask_salt, &record, now).await?;
    tx.add_change_request(&request, ask.submission)
        .await
        .map_err(|error| match error {
            StoreError::Conflict(Conflict::ChangeRequest) => LifecycleError::Waiting,
            other => other.into(),
        })?;
    Ok(request)
}

/// The request that somebody wants to answer, if he may and it still waits.
///
/// # Errors
/// [`LifecycleError`].
pub async fn answerable(
    tx: &mut Tx,
    who: Answerer<'_>,
    id: Uuid,
) -> Result<ChangeRequest, LifecycleError> {
    let request = tx.change_request(id).await?;
    let request = request.ok_or(LifecycleError::UnknownRequest)?;
    who.caller
        .require_at(Permission::ConfirmChange, &request.agency)?;
    if request.state == RequestState::Expired
        || request.state == RequestState::Waiting && request.expires_at <= who.now
    {
        return Err(LifecycleError::Expired);
    }
    if request.state != RequestState::Waiting {
        return Err(LifecycleError::Settled(request.state));
    }
    if request.asked_by == who.caller.account {
        return Err(LifecycleError::SamePerson);
    }
    Ok(request)
}

/// Writes down that a request was confirmed, beside the change that it asked for.
///
/// # Errors
/// [`LifecycleError::Settled`] when somebody was faster.
pub async fn confirmed(
    tx: &mut Tx,
    who: Answerer<'_>,
    request: &ChangeRequest,
    decided: &Decided,
) -> Result<(), LifecycleError> {
    let row = row_of(tx, request).await?;
    let detail = json!({"request": request.id.to_string(), "kind": request.kind.name()});
    let actor = &who.caller.account;
    audit(tx, "change-request.confirm", actor, row, detail, who.now).await?;
    let how = Settlement {
        state: RequestState::Confirmed,
        by: Some(actor.clone()),
        at: who.now,
        because: None,
        salt: None,
        leaf_index: decided.leaf_index,
    };
    settle(tx, request, &how).await
}

impl Lifecycle {
    /// Does what another account asked for. A replacement is issued, not only decided: see
    /// `Issuer::confirm`.
    ///
    /// # Errors
    /// [`LifecycleError`].
    pub async fn confirm(&self, caller: &Caller, id: Uuid) -> Result<Decided, LifecycleError> {
        self.store
            .run(async |mut tx: Tx| {
                let now = self.clock.now();
                let who = Answerer { caller, now };
                let request = answerable(&mut tx, who, id).await?;
                let stored = tx.result(&request.result).await?;
                let stored = stored.ok_or(LifecycleError::Unknown)?;
                let grounds = grounds_of(&request);
                let decision = Decision {
                    kind: request.kind,
                    until: request.until,
                    successor: None,
                    grounds: &grounds,
                    actor: &request.asked_by,
                    confirmed_by: Some(&caller.account),
                };
                let decided = write(&mut tx, &stored, &decision, now).await?;
                confirmed(&mut tx, who, &request, &decided).await?;
                Ok((tx, decided))
            })
            .await
    }

    /// Refuses what another account asked for.
    ///
    /// # Errors
    /// [`LifecycleError`].
    pub async fn reject(
        &self,
        caller: &Caller,
        id: Uuid,
        reason: &str,
    ) -> Result<ChangeRequest, LifecycleError> {
        let reason = part("reason", reason, 500)?;
        self.store
            .run(async |mut tx: Tx| {
                let now = self.clock.now();
                let request = answerable(&mut tx, Answerer { caller, now }, id).await?;
                let by = Some(caller.account.clone());
                let state = RequestState::Rejected;
                close(&mut tx, &request, state, by, Some(reason.clone()), now).await?;
                let settled = tx.change_request(id).await?;
                Ok((tx, settled.ok_or(LifecycleError::UnknownRequest)?))
            })
            .await
    }

    /// Ends a request that nobody answered in time; one that was answered stays as it is.
    ///
    /// # Errors
    /// When the register fails.
    pub async fn expire(&self, id: Uuid) -> Result<(), LifecycleError> {
        self.store
            .run(async |mut tx: Tx| {
                let now = self.clock.now();
                if let Some(request) = tx.change_request(id).await? {
                    let waits = request.state == RequestState::Waiting;
                    if waits && request.expires_at <= now {
                        expire(&mut tx, &request, now).await?;
                    }
                }
                Ok((tx, ()))
            })
            .await
    }

    /// The request with an id, for a reader of its agency.
    ///
    /// # Errors
    /// [`LifecycleError`].
    pub async fn request(
        &self,
        caller: &Caller,
        id: Uuid,
    ) -> Result<ChangeRequest, LifecycleError> {
        let found = self.store.read().await?.change_request(id).await?;
        let request = found.ok_or(LifecycleError::UnknownRequest)?;
        caller.require_at(Permission::ReadResult, &request.agency)?;
        Ok(request)
    }

    /// A page of the requests that wait at the caller's agency, the newest first.
    ///
    /// # Errors
    /// [`LifecycleError`].
    pub async fn waiting(
        &self,
        caller: &Caller,
        before: Option<Uuid>,
        limit: u32,
    ) -> Result<Vec<ChangeRequest>, LifecycleError> {
        caller.require(Permission::ReadResult)?;
        let mut tx = self.store.read().await?;
        let now = self.clock.now();
        Ok(tx
            .waiting_requests(&caller.agency, now, before, limit)
            .await?)
    }
}

/// The grounds that a request brought.
#[must_use]
pub fn grounds_of(request: &ChangeRequest) -> Grounds {
    Grounds {
        reason: request.reason.clone(),
        decision: request.decision.clone(),
        authority: request.authority.clone(),
    }
}

async fn expire(tx: &mut Tx, request: &ChangeRequest, now: UnixTime) -> Result<(), LifecycleError> {
    close(tx, request, RequestState::Expired, None, None, now).await
}

/// Ends a request without the change, with its own leaf and audit line.
async fn close(
    tx: &mut Tx,
    request: &ChangeRequest,
    state: RequestState,
    by: Option<String>,
    because: Option<String>,
    now: UnixTime,
) -> Result<(), LifecycleError> {
    let row = row_of(tx, request).await?;
    let action = match state {
        RequestState::Rejected => "change-request.reject",
        _ => "change-request.expire",
    };
    let detail = json!({
        "request": request.id.to_string(),
        "kind": request.kind.name(),
        "because": because,
    });
    audit(
        tx,
        action,
        by.as_deref().unwrap_or(NOBODY),
        row,
        detail,
        now,
    )
    .await?;
    let salt = salt()?;
    let record = json!({
        "request": request.id.to_string(),
        "state": state.name(),
        "by": by,
        "because": because,
        "at": now.seconds(),
    });
    let kind = tlog::Kind::ChangeRequestClosed;
    let leaf_index = log(tx, request, kind, &salt, &record, now).await?;
    let how = Settlement {
        state,
        by,
        at: now,
        because,
        salt: Some(salt),
        leaf_index,
    };
    settle(tx, request, &how).await
}

async fn settle(
    tx: &mut Tx,
    request: &ChangeRequest,
    how: &Settlement,
) -> Result<(), LifecycleError> {
    let settled = tx.settle_change_request(request.id, how).await;
    settled.map_err(|error| match error {
        StoreError::Conflict(Conflict::ChangeRequest) => LifecycleError::Settled(how.state),
        other => other.into(),
    })
}

/// The audit names results by their row ids.
async fn row_of(tx: &mut Tx, request: &ChangeRequest) -> Result<Uuid, LifecycleError> {
    let stored = tx.result(&request.result).await?;
    Ok(stored.ok_or(LifecycleError::Unknown)?.issued.row)
}

async fn audit(
    tx: &mut Tx,
    action: &str,
    actor: &str,
    row: Uuid,
    detail: Json,
    now: UnixTime,
) -> Result<(), StoreError> {
    tx.append_audit(&AuditEntry {
        id: Uuid::now_v7(),
        at: now,
        actor: actor.to_owned(),
        action: action.to_owned(),
        subject: Some(row.to_string()),
        detail: detail.to_string(),
    })
    .await
}

async fn log(
    tx: &mut Tx,
    request: &ChangeRequest,
    kind: tlog::Kind,
    salt: &[u8; tlog::SALT],
    record: &Json,
    now: UnixTime,
) -> Result<u64, LifecycleError> {
    let agency = tx.agency(&request.agency).await?;
    let agency = agency.ok_or(StoreError::Missing("agency"))?;
    let record = record.to_string();
    let leaf = tlog::Leaf::new(kind, now, &agency.issuer, salt, record.as_bytes());
    Ok(tx.append_leaf(&Leaf::from(&leaf)).await?)
}
