//! Verification for anybody.

use super::super::auth::MaybeCaller;
use super::super::extract::Json;
use super::super::problem::Problem;
use super::super::state::Service;
use super::json;
use axum::body::Bytes;
use axum::extract::State;
use axum::extract::rejection::BytesRejection;
use axum::http::StatusCode;
use axum::response::Response;
use serde::Deserialize;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(in super::super) struct Code {
    code: String,
}

/// `POST /api/v1/verifications`
pub(in super::super) async fn code(
    State(service): State<Service>,
    caller: MaybeCaller,
    Json(body): Json<Code>,
) -> Result<Response, Problem> {
    let answered = service
        .verifier
        .code(&body.code, service.verifier.now(caller.viewer()))
        .await?;
    Ok(json(answered.to_text()))
}

/// `POST /api/v1/verifications/document`
pub(in super::super) async fn document(
    State(service): State<Service>,
    caller: MaybeCaller,
    body: Result<Bytes, BytesRejection>,
) -> Result<Response, Problem> {
    let bytes = body.map_err(|rejection| match rejection.status() {
        StatusCode::PAYLOAD_TOO_LARGE => {
            Problem::new(StatusCode::PAYLOAD_TOO_LARGE, "request/too-large")
        }
        _ => Problem::new(StatusCode::BAD_REQUEST, "request/body"),
    })?;
    let answered = service
        .verifier
        .file(bytes.to_vec(), service.verifier.now(caller.viewer()))
        .await?;
    Ok(json(answered.to_text()))
}
