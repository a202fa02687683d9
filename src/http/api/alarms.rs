//! What somebody should look at.

use super::super::extract::{PageQuery, Query, last_of_full};
use super::super::problem::Problem;
use super::super::state::Service;
use crate::access::{Caller, Permission};
use axum::extract::State;
use serde::Serialize;
use uuid::Uuid;

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

/// `GET /api/v1/alarms`
pub(in super::super) async fn list(
    State(service): State<Service>,
    caller: Caller,
    Query(query): Query<PageQuery<Uuid>>,
) -> Result<axum::Json<PageBody>, Problem> {
    caller.require(Permission::ReadChecks)?;
    let limit = query.limit()?;
    let mut tx = service.store.read().await?;
    let alarms = tx.alarms(&caller.agency, query.before, limit).await?;
    let next = last_of_full(&alarms, limit).map(|alarm| alarm.id);
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
