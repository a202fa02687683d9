//! Signing in.

use super::super::extract::Json;
use super::super::problem::Problem;
use super::super::state::Service;
use crate::private::Private;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use serde::{Deserialize, Serialize};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(in super::super) struct SignIn {
    login: String,
    password: String,
}

#[derive(Serialize)]
struct TokenBody {
    token: String,
    expires_at: String,
}

/// `POST /api/v1/tokens`
pub(in super::super) async fn create(
    State(service): State<Service>,
    Json(body): Json<SignIn>,
) -> Result<Response, Problem> {
    let token = service
        .login
        .sign_in(&body.login, Private::new(body.password))
        .await?;
    let body = TokenBody {
        token: token.secret.expose().clone(),
        expires_at: token.expires_at.rfc3339(),
    };
    let headers = [(header::CACHE_CONTROL, "no-store")];
    Ok((StatusCode::CREATED, headers, axum::Json(body)).into_response())
}
