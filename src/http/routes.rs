//! Every route of the service, on one page.

use super::api::{
    alarms, change_requests, checks, operations, publication, replacement, results, search, status,
    tokens, verifications,
};
use super::pace::FORM;
use super::state::Service;
use super::{docs, public};
use crate::lifecycle::Move;
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
        .route(
            "/api/v1/results/{id}/replacement",
            post(replacement::replace),
        )
        .layer(DefaultBodyLimit::max(FORM))
        .route("/api/v1/results/search", post(search::find))
        .route("/api/v1/results/{id}", get(results::read))
        .route("/api/v1/results/{id}/pdf", get(results::pdf))
        .route("/api/v1/results/{id}/qr.svg", get(results::svg))
        .route("/api/v1/results/{id}/qr.png", get(results::png))
        .route(
            "/api/v1/results/{id}/revocation",
            status::post(Move::Revoke),
        )
        .route("/api/v1/results/{id}/recall", status::post(Move::Recall))
        .route("/api/v1/results/{id}/suspension", post(status::suspend))
        .route(
            "/api/v1/results/{id}/reinstatement",
            status::post(Move::Reinstate),
        )
        .route(
            "/api/v1/results/{id}/cancellation",
            status::post(Move::Cancel),
        )
        .route(
            "/api/v1/results/{id}/surrender",
            status::post(Move::Surrender),
        )
        .route("/api/v1/results/{id}/erratum", status::post(Move::Correct))
        .route("/api/v1/results/{id}/history", get(status::history))
        .route("/api/v1/results/{id}/checks", get(checks::of_result))
        .route("/api/v1/change-requests", get(change_requests::list))
        .route("/api/v1/change-requests/{id}", get(change_requests::read))
        .route(
            "/api/v1/change-requests/{id}/confirmation",
            post(change_requests::confirm),
        )
        .route(
            "/api/v1/change-requests/{id}/rejection",
            post(change_requests::reject),
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
