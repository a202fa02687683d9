//! Handlers of `/api/v1`, with their request and response types.

pub(super) mod alarms;
pub(super) mod change_requests;
pub(super) mod checks;
pub(super) mod operations;
pub(super) mod publication;
pub(super) mod replacement;
pub(super) mod results;
pub(super) mod search;
pub(super) mod status;
pub(super) mod tokens;
pub(super) mod verifications;

use super::problem::Problem;
use crate::digest::Sha256;
use crate::id::ResultId;
use axum::extract::{FromRequestParts, Path};
use axum::http::request::Parts;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use serde::Serialize;

/// A look-up code in the path. A misspelled one is no result of ours: 404, as for one that nobody has.
pub(super) struct Id(pub(super) ResultId);

impl<S: Send + Sync> FromRequestParts<S> for Id {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let path = Path::<String>::from_request_parts(parts, state).await;
        path.ok()
            .and_then(|Path(text)| ResultId::parse(&text).ok())
            .map(Self)
            .ok_or_else(unknown_result)
    }
}

/// No result has this look-up code.
pub(super) fn unknown_result() -> Problem {
    Problem::new(StatusCode::NOT_FOUND, "result/unknown")
}

/// A body that is JSON already.
pub(super) fn json(text: String) -> Response {
    let kind = HeaderValue::from_static("application/json");
    ([(header::CONTENT_TYPE, kind)], text).into_response()
}

/// Where the log says so.
#[derive(Serialize)]
pub(super) struct LogPlace {
    index: u64,
    leaf: String,
}

impl LogPlace {
    pub(super) fn new(index: u64, hash: Sha256) -> Self {
        Self {
            index,
            leaf: hash.hex(),
        }
    }
}
