//! Changing the status of results.

use super::super::extract::Json;
use super::super::problem::{Problem, ProblemField};
use super::super::state::Service;
use super::{Id, LogPlace};
use crate::access::Caller;
use crate::clock::parse_iso_date;
use crate::lifecycle::{Decided, Grounds, Move};
use axum::extract::State;
use axum::http::StatusCode;
use serde::{Deserialize, Serialize};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(in super::super) struct Change {
    reason: String,
    decision: String,
    authority: String,
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
pub(in super::super) struct Changed {
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

/// `POST /api/v1/results/{id}/revocation`
pub(in super::super) async fn revoke(
    State(service): State<Service>,
    caller: Caller,
    Id(id): Id,
    Json(body): Json<Change>,
) -> Result<axum::Json<Changed>, Problem> {
    let grounds = Grounds::new(&body.reason, &body.decision, &body.authority)?;
    let decided = service
        .lifecycle
        .decide(&caller, id, Move::Revoke, &grounds)
        .await?;
    Ok(axum::Json(decided.into()))
}

/// `POST /api/v1/results/{id}/suspension`
pub(in super::super) async fn suspend(
    State(service): State<Service>,
    caller: Caller,
    Id(id): Id,
    Json(body): Json<Suspension>,
) -> Result<axum::Json<Changed>, Problem> {
    let grounds = Grounds::new(&body.reason, &body.decision, &body.authority)?;
    let until = parse_iso_date(&body.until).map_err(|_| {
        let field = ProblemField {
            field: "until".to_owned(),
            code: "field/not-a-date",
        };
        Problem::new(StatusCode::UNPROCESSABLE_ENTITY, "request/shape").fields(vec![field])
    })?;
    let moved = Move::Suspend { until };
    let decided = service
        .lifecycle
        .decide(&caller, id, moved, &grounds)
        .await?;
    Ok(axum::Json(decided.into()))
}

/// `POST /api/v1/results/{id}/reinstatement`
pub(in super::super) async fn reinstate(
    State(service): State<Service>,
    caller: Caller,
    Id(id): Id,
    Json(body): Json<Change>,
) -> Result<axum::Json<Changed>, Problem> {
    let grounds = Grounds::new(&body.reason, &body.decision, &body.authority)?;
    let decided = service
        .lifecycle
        .decide(&caller, id, Move::Reinstate, &grounds)
        .await?;
    Ok(axum::Json(decided.into()))
}
