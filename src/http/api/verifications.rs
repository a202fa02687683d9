//! Verification for anybody.

use super::super::auth::MaybeCaller;
use super::super::extract::Json;
use super::super::problem::Problem;
use super::super::state::Service;
use axum::body::Bytes;
use axum::extract::State;
use axum::extract::rejection::BytesRejection;
use axum::http::StatusCode;
use serde::Deserialize;
use serde_json::Value;

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
) -> Result<axum::Json<Value>, Problem> {
    let answered = service
        .verifier
        .code(&body.code, service.verifier.now(caller.viewer()))
        .await?;
    Ok(axum::Json(answered.to_json()))
}

/// `POST /api/v1/verifications/document`
pub(in super::super) async fn document(
    State(service): State<Service>,
    caller: MaybeCaller,
    body: Result<Bytes, BytesRejection>,
) -> Result<axum::Json<Value>, Problem> {
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
    Ok(axum::Json(answered.to_json()))
}
