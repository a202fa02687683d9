//! What somebody should look at.

use super::super::extract::Query;
use super::super::problem::Problem;
use super::super::state::Service;
use crate::access::{Caller, Permission};
use axum::extract::State;
use axum::http::StatusCode;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(in super::super) struct PageQuery {
    before: Option<Uuid>,
    limit: Option<u32>,
}

#[derive(Serialize)]
pub(in super::super) struct PageBody {
    alarms: Vec<AlarmLine>,
    next: Option<Uuid>,
}

#[derive(Serialize)]
struct AlarmLine {
    id: Uuid,
    kind: String,
    result: Option<String>,
    check: Option<Uuid>,
    at: String,
}

/// Alarms on one page, unless asked otherwise, and at most.
const PAGE: u32 = 50;
const LARGEST_PAGE: u32 = 200;

/// `GET /api/v1/alarms`
pub(in super::super) async fn list(
    State(service): State<Service>,
    caller: Caller,
    Query(query): Query<PageQuery>,
) -> Result<axum::Json<PageBody>, Problem> {
    caller.require(Permission::ReadChecks)?;
    let limit = query.limit.unwrap_or(PAGE);
    if !(1..=LARGEST_PAGE).contains(&limit) {
        return Err(Problem::new(StatusCode::BAD_REQUEST, "request/query"));
    }
    let mut tx = service.store.read().await?;
    let alarms = tx.alarms(&caller.agency, query.before, limit).await?;
    let full = u32::try_from(alarms.len()).is_ok_and(|count| count == limit);
    let next = alarms.last().filter(|_| full).map(|alarm| alarm.id);
    let lines = alarms.into_iter().map(|alarm| AlarmLine {
        id: alarm.id,
        kind: alarm.kind,
        result: alarm.result.map(|id| id.to_string()),
        check: alarm.check,
        at: alarm.at.rfc3339(),
    });
    Ok(axum::Json(PageBody {
        alarms: lines.collect(),
        next,
    }))
}
