//! Changing the status of results, and what was changed.

use super::super::extract::Json;
use super::super::problem::{Problem, ProblemField};
use super::super::state::Service;
use super::change_requests::RequestBody;
use super::{Id, LogPlace};
use crate::access::Caller;
use crate::clock::{iso_date, parse_iso_date};
use crate::digest::hex;
use crate::id::ResultId;
use crate::lifecycle::{Decided, Entry, Grounds, LifecycleError, Move, Outcome};
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse as _, Response};
use axum::routing::{self, MethodRouter};
use serde::{Deserialize, Serialize};

/// Why, by which decision, by whom.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Change {
    pub(super) reason: String,
    pub(super) decision: String,
    pub(super) authority: String,
}

impl Change {
    pub(super) fn grounds(&self) -> Result<Grounds, LifecycleError> {
        Grounds::new(&self.reason, &self.decision, &self.authority)
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(in super::super) struct Suspension {
    reason: String,
    decision: String,
    authority: String,
    until: String,
}

#[derive(Serialize)]
pub(super) struct Changed {
    id: String,
    status: &'static str,
    log: LogPlace,
}

impl From<Decided> for Changed {
    fn from(decided: Decided) -> Self {
        Self {
            id: decided.id.to_string(),
            status: decided.standing.name(),
            log: LogPlace::new(decided.leaf_index, decided.leaf_hash),
        }
    }
}

/// `POST /api/v1/results/{id}/…` of a move that needs its grounds and nothing else.
pub(in super::super) fn post(moved: Move) -> MethodRouter<Service> {
    routing::post(
        async move |State(service): State<Service>,
                    caller: Caller,
                    Id(id): Id,
                    Json(body): Json<Change>| {
            decide(&service, &caller, id, moved, &body).await
        },
    )
}

/// `POST /api/v1/results/{id}/suspension`
pub(in super::super) async fn suspend(
    State(service): State<Service>,
    caller: Caller,
    Id(id): Id,
    Json(body): Json<Suspension>,
) -> Result<Response, Problem> {
    let until = parse_iso_date(&body.until).map_err(|_| {
        let field = ProblemField {
            field: "until".to_owned(),
            code: "field/not-a-date",
        };
        Problem::new(StatusCode::UNPROCESSABLE_ENTITY, "request/shape").fields(vec![field])
    })?;
    let change = Change {
        reason: body.reason,
        decision: body.decision,
        authority: body.authority,
    };
    decide(&service, &caller, id, Move::Suspend { until }, &change).await
}

/// In effect: 200. Waiting for a second person: 202.
async fn decide(
    service: &Service,
    caller: &Caller,
    id: ResultId,
    moved: Move,
    change: &Change,
) -> Result<Response, Problem> {
    let grounds = change.grounds()?;
    let outcome = service
        .lifecycle
        .decide(caller, id, moved, &grounds)
        .await?;
    Ok(match outcome {
        Outcome::Decided(decided) => axum::Json(Changed::from(decided)).into_response(),
        Outcome::Waits(request) => RequestBody::from(*request).accepted(),
    })
}

#[derive(Serialize)]
pub(in super::super) struct History {
    id: String,
    changes: Vec<HistoryEntry>,
}

#[derive(Serialize)]
struct HistoryEntry {
    kind: &'static str,
    at: String,
    from: &'static str,
    to: &'static str,
    reason: String,
    decision: String,
    authority: String,
    until: Option<String>,
    successor: Option<String>,
    actor: String,
    confirmed_by: Option<String>,
    log: LogPlace,
    record: String,
    salt: String,
}

/// `GET /api/v1/results/{id}/history`
pub(in super::super) async fn history(
    State(service): State<Service>,
    caller: Caller,
    Id(id): Id,
) -> Result<axum::Json<History>, Problem> {
    let entries = service.lifecycle.history(&caller, id).await?;
    let changes = entries.into_iter().map(|entry| {
        let Entry {
            change,
            record,
            leaf_hash,
        } = entry;
        HistoryEntry {
            kind: change.kind.name(),
            at: change.effective_at.rfc3339(),
            from: change.from.name(),
            to: change.to.name(),
            reason: change.reason,
            decision: change.decision,
            authority: change.authority,
            until: change.until.map(iso_date),
            successor: change.successor.map(|id| id.to_string()),
            actor: change.actor,
            confirmed_by: change.confirmed_by,
            log: LogPlace::new(change.leaf_index, leaf_hash),
            record,
            salt: hex(&change.salt),
        }
    });
    Ok(axum::Json(History {
        id: id.to_string(),
        changes: changes.collect(),
    }))
}
