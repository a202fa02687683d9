//! Issuing and reading results.

use super::super::extract::JsonOrForm;
use super::super::pieces::Pieces;
use super::super::problem::Problem;
use super::super::state::Service;
use super::{Id, LogPlace, unknown_result};
use crate::access::{Caller, Permission};
use crate::clock::iso_date;
use crate::digest::Sha256;
use crate::issuance::{Once, Outcome, Receipt, Request};
use crate::qr::{Symbol, render};
use crate::store::StoredResult;
use crate::store::documents::Opened;
use axum::body::Body;
use axum::extract::{FromRequest, Request as HttpRequest, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use serde_json::{Map, Value};

/// Pixels of a module in a PNG for screens and printers alike.
const PIXELS_PER_MODULE: u32 = 8;

/// What `POST /api/v1/results` carries: JSON, or a form with `data` and `pdf`.
pub(in super::super) struct Submission {
    pub(super) data: Map<String, Value>,
    pub(super) pdf: Option<Vec<u8>>,
}

impl<S: Send + Sync> FromRequest<S> for Submission {
    type Rejection = Problem;

    async fn from_request(request: HttpRequest, state: &S) -> Result<Self, Problem> {
        Ok(match JsonOrForm::from_request(request, state).await? {
            JsonOrForm::Json(data) => Self { data, pdf: None },
            JsonOrForm::Form(mut form) => Self {
                data: form.take_json("data")?,
                pdf: form.take("pdf"),
            },
        })
    }
}

#[derive(Serialize)]
struct IssuedBody {
    id: String,
    result_code: String,
    number: String,
    qr_text: String,
    url: String,
    pdf: Option<String>,
    log: LogPlace,
}

/// `POST /api/v1/results`
pub(in super::super) async fn create(
    State(service): State<Service>,
    caller: Caller,
    headers: HeaderMap,
    submission: Submission,
) -> Result<Response, Problem> {
    let once = once(&headers, &submission, b"")?;
    let request = Request {
        data: submission.data,
        pdf: submission.pdf.map(Into::into),
        once,
    };
    Ok(issued(service.issuer.issue(&caller, request).await?))
}

/// The answer to a request that issued something, now or before.
pub(super) fn issued(outcome: Outcome) -> Response {
    let (status, body) = match outcome {
        Outcome::Issued(receipt) => answer(&receipt),
        Outcome::Replayed(answer) => (answer.status, answer.body.expose().clone()),
    };
    let status = StatusCode::from_u16(status).unwrap_or(StatusCode::CREATED);
    (status, [(header::CONTENT_TYPE, "application/json")], body).into_response()
}

/// The answer to a request that issued something; kept for its repetition.
fn answer(receipt: &Receipt) -> (u16, String) {
    let id = receipt.id.to_string();
    let body = IssuedBody {
        url: format!("/api/v1/results/{id}"),
        pdf: receipt
            .document
            .map(|_| format!("/api/v1/results/{id}/pdf")),
        id,
        result_code: receipt.result_code.clone(),
        number: receipt.number.clone(),
        qr_text: receipt.qr_text.clone(),
        log: LogPlace::new(receipt.leaf_index, receipt.leaf_hash),
    };
    (
        StatusCode::CREATED.as_u16(),
        serde_json::to_string(&body).unwrap_or_default(),
    )
}

/// What makes a repetition harmless; `about` is what the request says besides data and PDF.
pub(super) fn once(
    headers: &HeaderMap,
    submission: &Submission,
    about: &[u8],
) -> Result<Option<Once>, Problem> {
    let Some(key) = headers.get("idempotency-key") else {
        return Ok(None);
    };
    let fits = |key: &&str| {
        (1..=64).contains(&key.len())
            && key
                .bytes()
                .all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_'))
    };
    let refused = || Problem::new(StatusCode::BAD_REQUEST, "request/idempotency-key");
    let key = key.to_str().ok().filter(fits).ok_or_else(refused)?;
    // serde_json's maps are sorted, so the same data has the same digest however it was ordered.
    let data = serde_json::to_vec(&submission.data).unwrap_or_default();
    let pdf = Sha256::of(submission.pdf.as_deref().unwrap_or_default());
    Ok(Some(Once {
        key: key.to_owned(),
        request: Sha256::of_parts(&[&Sha256::of(&data).0, &pdf.0, about]),
        answer,
    }))
}

#[derive(Serialize)]
pub(in super::super) struct ResultBody {
    id: String,
    r#type: String,
    agency_code: String,
    status: &'static str,
    issued_at: String,
    data: Value,
    qr_text: String,
    pdf: Option<String>,
    predecessor: Option<String>,
    successor: Option<String>,
    history: Vec<ChangeBody>,
}

#[derive(Serialize)]
struct ChangeBody {
    kind: &'static str,
    at: String,
    from: &'static str,
    to: &'static str,
    reason: String,
    decision: String,
    authority: String,
    until: Option<String>,
}

/// `GET /api/v1/results/{id}`
pub(in super::super) async fn read(
    State(service): State<Service>,
    caller: Caller,
    Id(id): Id,
) -> Result<axum::Json<ResultBody>, Problem> {
    let mut tx = service.store.read().await?;
    let stored = tx.result(&id).await?.ok_or_else(unknown_result)?;
    caller.require_at(Permission::ReadResult, &stored.issued.agency)?;
    let changes = tx.status_changes(&id).await?;
    let history = changes.into_iter().map(|change| ChangeBody {
        kind: change.kind.name(),
        at: change.effective_at.rfc3339(),
        from: change.from.name(),
        to: change.to.name(),
        reason: change.reason,
        decision: change.decision,
        authority: change.authority,
        until: change.until.map(iso_date),
    });
    Ok(axum::Json(ResultBody {
        id: id.to_string(),
        status: stored.standing_at(service.clock.now()).name(),
        issued_at: stored.issued.issued_at.rfc3339(),
        data: serde_json::from_str(stored.issued.data.expose()).unwrap_or_default(),
        qr_text: qr_text(&service, &stored)?,
        pdf: stored
            .issued
            .document
            .map(|_| format!("/api/v1/results/{id}/pdf")),
        predecessor: stored.issued.predecessor.map(|id| id.to_string()),
        successor: stored.successor.map(|id| id.to_string()),
        r#type: stored.issued.result_type,
        agency_code: stored.issued.agency,
        history: history.collect(),
    }))
}

/// `GET /api/v1/results/{id}/pdf`
pub(in super::super) async fn pdf(
    State(service): State<Service>,
    caller: Caller,
    Id(id): Id,
) -> Result<Response, Problem> {
    let stored = readable(&service, &caller, Id(id)).await?;
    let none = || Problem::new(StatusCode::NOT_FOUND, "result/no-pdf");
    let name = stored.issued.document.ok_or_else(none)?;
    let body = match service.documents.open(name).await?.ok_or_else(none)? {
        Opened::Memory(bytes) => Body::from(bytes),
        Opened::File(held, length) => Body::new(Pieces::of(held, length)),
    };
    let mut response = file(body, "application/pdf");
    let disposition = format!("attachment; filename=\"{}.pdf\"", stored.issued.result_code);
    if let Ok(value) = HeaderValue::from_str(&disposition) {
        response
            .headers_mut()
            .insert(header::CONTENT_DISPOSITION, value);
    }
    Ok(response)
}

/// `GET /api/v1/results/{id}/qr.svg`
pub(in super::super) async fn svg(
    State(service): State<Service>,
    caller: Caller,
    Id(id): Id,
) -> Result<Response, Problem> {
    let stored = readable(&service, &caller, Id(id)).await?;
    let symbol = symbol(&service, &stored)?;
    Ok(file(
        render::svg(&symbol, &id.grouped()).into_bytes(),
        "image/svg+xml",
    ))
}

/// `GET /api/v1/results/{id}/qr.png`
pub(in super::super) async fn png(
    State(service): State<Service>,
    caller: Caller,
    Id(id): Id,
) -> Result<Response, Problem> {
    let stored = readable(&service, &caller, Id(id)).await?;
    let symbol = symbol(&service, &stored)?;
    Ok(file(render::png(&symbol, PIXELS_PER_MODULE), "image/png"))
}

async fn readable(service: &Service, caller: &Caller, Id(id): Id) -> Result<StoredResult, Problem> {
    let mut tx = service.store.read().await?;
    let stored = tx.result(&id).await?.ok_or_else(unknown_result)?;
    caller.require_at(Permission::ReadResult, &stored.issued.agency)?;
    Ok(stored)
}

fn qr_text(service: &Service, stored: &StoredResult) -> Result<String, Problem> {
    service
        .issuer
        .qr_text(&stored.issued)
        .map_err(|error| Problem::internal(&error))
}

fn symbol(service: &Service, stored: &StoredResult) -> Result<Symbol, Problem> {
    Symbol::for_issue(&qr_text(service, stored)?).map_err(|error| Problem::internal(&error))
}

fn file(body: impl Into<Body>, kind: &'static str) -> Response {
    let headers = [
        (header::CONTENT_TYPE, kind),
        (header::CACHE_CONTROL, "private, no-store"),
    ];
    (headers, body.into()).into_response()
}
