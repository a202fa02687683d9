//! Inspectors' checks.

use super::super::extract::{Json, PageQuery, Query, last_of_full};
use super::super::problem::Problem;
use super::super::state::Service;
use super::{Id, json, unknown_result};
use crate::access::{Caller, Permission};
use crate::clock::UnixTime;
use crate::digest::Sha256;
use crate::inspection::{Record, Recorded, Refused};
use crate::private::Private;
use crate::report::Verdict;
use crate::store::{Check, CheckQuery, Place, Seen};
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use uuid::Uuid;

/// One check or many.
#[derive(Deserialize)]
#[serde(untagged)]
pub(in super::super) enum Batch {
    Many(Vec<Value>),
    One(Value),
}

#[derive(Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
struct CheckBody {
    id: String,
    scanned: String,
    device_time: String,
    r#match: String,
    #[serde(default)]
    finding: Option<String>,
    #[serde(default)]
    note: Option<String>,
    #[serde(default)]
    place: Option<PlaceBody>,
    #[serde(default)]
    shown: Option<ShownBody>,
}

/// What the device showed, which may know less or more than the service.
#[derive(Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
struct ShownBody {
    verdict: String,
    list_issued_at: Option<String>,
    server_time_floor: Option<String>,
}

impl ShownBody {
    /// As it is recorded; short, since it has only what it may have.
    fn record(self) -> Result<Value, Problem> {
        let moment = |text: Option<String>| match text {
            Some(text) => UnixTime::parse_rfc3339(&text)
                .map(|at| Some(at.rfc3339()))
                .map_err(|_| shape()),
            None => Ok(None),
        };
        let verdicts = [Verdict::Valid, Verdict::Invalid, Verdict::Undetermined];
        if !verdicts.iter().any(|one| one.name() == self.verdict) {
            return Err(shape());
        }
        Ok(serde_json::json!({
            "verdict": self.verdict,
            "list_issued_at": moment(self.list_issued_at)?,
            "server_time_floor": moment(self.server_time_floor)?,
        }))
    }
}

#[derive(Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
struct PlaceBody {
    lat: f64,
    lon: f64,
    accuracy_m: f64,
}

/// `POST /api/v1/checks`
pub(in super::super) async fn record(
    State(service): State<Service>,
    caller: Caller,
    Json(batch): Json<Batch>,
) -> Result<Response, Problem> {
    match batch {
        Batch::One(check) => {
            let answers = answer(&service, &caller, vec![check]).await?;
            Ok(json(answers.concat()))
        }
        Batch::Many(checks) if checks.is_empty() => Err(shape()),
        Batch::Many(checks) => {
            let answers = answer(&service, &caller, checks).await?;
            Ok(json(format!("[{}]", answers.join(","))))
        }
    }
}

async fn answer(
    service: &Service,
    caller: &Caller,
    checks: Vec<Value>,
) -> Result<Vec<String>, Problem> {
    let records: Vec<Record> = checks
        .into_iter()
        .map(record_of)
        .collect::<Result<_, _>>()?;
    let recorded = service.inspection.record(caller, &records).await?;
    Ok(records
        .iter()
        .zip(recorded)
        .map(|(record, outcome)| check_answer(record, outcome))
        .collect())
}

/// One answer (`CheckAnswer` in openapi.yaml). Its report goes out as the text that was recorded.
fn check_answer(record: &Record, outcome: Result<Recorded, Refused>) -> String {
    let id = record.id;
    match outcome {
        Ok(Recorded {
            verdict,
            report,
            leaf_index,
            leaf_hash,
            ..
        }) => format!(
            r#"{{"id":"{id}","verdict":"{verdict}","report":{report},"log":{{"index":{leaf_index},"leaf":"{}"}}}}"#,
            leaf_hash.hex()
        ),
        Err(refused) => format!(r#"{{"id":"{id}","refused":"{}"}}"#, refused.code()),
    }
}

fn shape() -> Problem {
    Problem::new(StatusCode::UNPROCESSABLE_ENTITY, "request/shape")
}

fn record_of(check: Value) -> Result<Record, Problem> {
    // serde_json's maps are sorted: one check has one digest.
    let content = Sha256::of(check.to_string().as_bytes());
    let body: CheckBody = serde_json::from_value(check).map_err(|_| shape())?;
    let place = body.place.as_ref().map(place_of).transpose()?;
    Ok(Record {
        id: Uuid::parse_str(&body.id).map_err(|_| shape())?,
        scanned: Private::new(body.scanned),
        device_time: UnixTime::parse_rfc3339(&body.device_time).map_err(|_| shape())?,
        seen: Seen::parse(&body.r#match).ok_or_else(shape)?,
        finding: body.finding,
        note: body.note.map(Private::new),
        place,
        shown: body.shown.map(ShownBody::record).transpose()?,
        content,
    })
}

/// Degrees in the ten-millionths that the register keeps.
#[expect(
    clippy::cast_possible_truncation,
    reason = "checked to lie within the range of degrees"
)]
#[expect(clippy::cast_sign_loss, reason = "checked to be no less than zero")]
fn place_of(body: &PlaceBody) -> Result<Place, Problem> {
    let inside = |value: f64, limit: f64| value.is_finite() && value.abs() <= limit;
    if !inside(body.lat, 90.0)
        || !inside(body.lon, 180.0)
        || !(0.0..=100_000.0).contains(&body.accuracy_m)
    {
        return Err(shape());
    }
    Ok(Place {
        latitude_e7: (body.lat * 1e7).round() as i32,
        longitude_e7: (body.lon * 1e7).round() as i32,
        accuracy_m: body.accuracy_m.round() as u32,
    })
}

#[derive(Serialize)]
pub(in super::super) struct PageBody {
    checks: Vec<CheckLine>,
    next: Option<u64>,
}

#[derive(Serialize)]
struct CheckLine {
    id: String,
    result: Option<String>,
    verdict: &'static str,
    r#match: &'static str,
    finding: Option<String>,
    device_time: String,
    received_at: String,
    signed: bool,
    log_index: u64,
}

impl PageBody {
    fn of(checks: Vec<Check>, limit: u32) -> Self {
        let next = last_of_full(&checks, limit).map(|check| check.leaf_index);
        let lines = checks.into_iter().map(|check| CheckLine {
            id: check.id.to_string(),
            result: check.result.map(|id| id.to_string()),
            verdict: check.verdict.name(),
            r#match: check.seen.name(),
            finding: check.finding,
            device_time: check.device_time.rfc3339(),
            received_at: check.received_at.rfc3339(),
            signed: check.signed,
            log_index: check.leaf_index,
        });
        Self {
            checks: lines.collect(),
            next,
        }
    }
}

/// `GET /api/v1/checks`
pub(in super::super) async fn list(
    State(service): State<Service>,
    caller: Caller,
    Query(query): Query<PageQuery<u64>>,
) -> Result<axum::Json<PageBody>, Problem> {
    caller.require(Permission::ReadChecks)?;
    let limit = query.limit()?;
    let mut tx = service.store.read().await?;
    let checks = tx
        .checks(&CheckQuery {
            agency: caller.agency,
            account: None,
            received: None,
            before: query.before,
            limit,
        })
        .await?;
    Ok(axum::Json(PageBody::of(checks, limit)))
}

/// `GET /api/v1/results/{id}/checks`
pub(in super::super) async fn of_result(
    State(service): State<Service>,
    caller: Caller,
    Id(id): Id,
    Query(query): Query<PageQuery<u64>>,
) -> Result<axum::Json<PageBody>, Problem> {
    let limit = query.limit()?;
    let mut tx = service.store.read().await?;
    let stored = tx.result(&id).await?.ok_or_else(unknown_result)?;
    caller.require_at(Permission::ReadChecks, &stored.issued.agency)?;
    let checks = tx.checks_of_result(&id, query.before, limit).await?;
    Ok(axum::Json(PageBody::of(checks, limit)))
}
