//! Every route of the service, on one page.

use super::api::{alarms, checks, operations, publication, results, status, tokens, verifications};
use super::pace::FORM;
use super::state::Service;
use super::{docs, public};
use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::routing::{get, post};

/// For anybody; limited by address.
pub(super) fn public() -> Router<Service> {
    Router::new()
        .route("/", get(public::home).post(public::check_file))
        .route(
            "/api/v1/verifications/document",
            post(verifications::document),
        )
        .layer(DefaultBodyLimit::max(FORM))
        .route("/{id}", get(public::landing))
        .route("/api/v1/verifications", post(verifications::code))
        .route("/api/v1/tokens", post(tokens::create))
}

/// For accounts.
pub(super) fn accounts() -> Router<Service> {
    Router::new()
        .route("/api/v1/results", post(results::create))
        .layer(DefaultBodyLimit::max(FORM))
        .route("/api/v1/results/{id}", get(results::read))
        .route("/api/v1/results/{id}/pdf", get(results::pdf))
        .route("/api/v1/results/{id}/qr.svg", get(results::svg))
        .route("/api/v1/results/{id}/qr.png", get(results::png))
        .route("/api/v1/results/{id}/revocation", post(status::revoke))
        .route("/api/v1/results/{id}/suspension", post(status::suspend))
        .route(
            "/api/v1/results/{id}/reinstatement",
            post(status::reinstate),
        )
        .route("/api/v1/alarms", get(alarms::list))
        .route("/api/v1/checks", post(checks::record).get(checks::list))
}

/// Signed files and operations: the same for everybody, and cheap.
pub(super) fn open() -> Router<Service> {
    Router::new()
        .route("/trust", get(publication::trust))
        .route("/status/{list}", get(publication::status))
        .route("/openapi.yaml", get(operations::contract))
        .route("/healthz", get(operations::health))
        .route("/readyz", get(operations::ready))
        .merge(docs::router())
}
