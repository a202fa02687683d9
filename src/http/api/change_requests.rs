//! Changes that wait for a second person (four eyes).

use super::super::extract::{Json, PageQuery, Query, last_of_full};
use super::super::problem::Problem;
use super::super::state::Service;
use super::results::issued;
use super::status::Changed;
use crate::access::Caller;
use crate::clock::{UnixTime, iso_date};
use crate::issuance::Confirmed;
use crate::store::{ChangeRequest, RequestState};
use axum::extract::{FromRequestParts, Path, State};
use axum::http::StatusCode;
use axum::http::request::Parts;
use axum::response::{IntoResponse as _, Response};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// The id of a request in the path. A misspelled one is none: 404.
pub(in super::super) struct RequestId(Uuid);

impl<S: Send + Sync> FromRequestParts<S> for RequestId {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let path = Path::<String>::from_request_parts(parts, state).await;
        let read = |text: String| {
            let id = Uuid::try_parse(&text).ok()?;
            (id.to_string() == text).then_some(id)
        };
        path.ok()
            .and_then(|Path(text)| read(text))
            .map(Self)
            .ok_or_else(|| Problem::new(StatusCode::NOT_FOUND, "change-request/unknown"))
    }
}

/// A request, as people of its agency see it. What a replacement is to be issued from is not shown.
#[derive(Serialize)]
pub(in super::super) struct RequestBody {
    request: String,
    id: String,
    kind: &'static str,
    state: &'static str,
    until: Option<String>,
    reason: String,
    decision: String,
    authority: String,
    asked_by: String,
    asked_at: String,
    expires_at: String,
    settled_by: Option<String>,
    settled_at: Option<String>,
    settled_because: Option<String>,
    log_index: u64,
    settled_log_index: Option<u64>,
}

impl From<ChangeRequest> for RequestBody {
    fn from(request: ChangeRequest) -> Self {
        Self {
            request: request.id.to_string(),
            id: request.result.to_string(),
            kind: request.kind.name(),
            state: request.state.name(),
            until: request.until.map(iso_date),
            reason: request.reason,
            decision: request.decision,
            authority: request.authority,
            asked_by: request.asked_by,
            asked_at: request.asked_at.rfc3339(),
            expires_at: request.expires_at.rfc3339(),
            settled_by: request.settled_by,
            settled_at: request.settled_at.map(UnixTime::rfc3339),
            settled_because: request.settled_because,
            log_index: request.ask_leaf_index,
            settled_log_index: request.settle_leaf_index,
        }
    }
}

impl RequestBody {
    /// The answer to a change that has to wait.
    pub(super) fn accepted(self) -> Response {
        (StatusCode::ACCEPTED, axum::Json(self)).into_response()
    }

    /// As it is at a moment: one whose time is up has expired, even if nobody has written that down yet.
    fn at(mut self, request_expires: UnixTime, now: UnixTime) -> Self {
        if self.state == RequestState::Waiting.name() && request_expires <= now {
            self.state = RequestState::Expired.name();
        }
        self
    }
}

#[derive(Serialize)]
pub(in super::super) struct RequestPage {
    requests: Vec<RequestBody>,
    next: Option<String>,
}

/// `GET /api/v1/change-requests`
pub(in super::super) async fn list(
    State(service): State<Service>,
    caller: Caller,
    Query(query): Query<PageQuery<Uuid>>,
) -> Result<axum::Json<RequestPage>, Problem> {
    let limit = query.limit()?;
    let found = service
        .lifecycle
        .waiting(&caller, query.before, limit)
        .await?;
    Ok(axum::Json(RequestPage {
        next: last_of_full(&found, limit).map(|one| one.id.to_string()),
        requests: found.into_iter().map(RequestBody::from).collect(),
    }))
}

/// `GET /api/v1/change-requests/{id}`
pub(in super::super) async fn read(
    State(service): State<Service>,
    caller: Caller,
    RequestId(id): RequestId,
) -> Result<axum::Json<RequestBody>, Problem> {
    let request = service.lifecycle.request(&caller, id).await?;
    let expires = request.expires_at;
    let body = RequestBody::from(request).at(expires, service.clock.now());
    Ok(axum::Json(body))
}

/// `POST /api/v1/change-requests/{id}/confirmation`
pub(in super::super) async fn confirm(
    State(service): State<Service>,
    caller: Caller,
    RequestId(id): RequestId,
) -> Result<Response, Problem> {
    Ok(match service.issuer.confirm(&caller, id).await? {
        Confirmed::Decided(decided) => axum::Json(Changed::from(decided)).into_response(),
        Confirmed::Issued(outcome) => issued(outcome),
    })
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(in super::super) struct Rejection {
    reason: String,
}

/// `POST /api/v1/change-requests/{id}/rejection`
pub(in super::super) async fn reject(
    State(service): State<Service>,
    caller: Caller,
    RequestId(id): RequestId,
    Json(body): Json<Rejection>,
) -> Result<axum::Json<RequestBody>, Problem> {
    let request = service.lifecycle.reject(&caller, id, &body.reason).await?;
    Ok(axum::Json(request.into()))
}
