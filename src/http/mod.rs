//! The HTTP service: routes, layers and nothing that decides.

mod api;
mod auth;
mod browser;
pub mod docs;
mod door;
mod extract;
mod figures;
mod headers;
mod limit;
mod pace;
pub mod pages;
mod places;
mod problem;
mod public;
mod refusal;
mod routes;
mod state;
mod tls;
mod trace;

pub use door::{serve, serve_metrics};
pub use problem::Problem;
pub use state::{Limits, Patience, Service};
pub use tls::{Tls, TlsError};

use crate::limits;
use axum::Router;
use axum::extract::{DefaultBodyLimit, Request};
use axum::http::StatusCode;
use axum::middleware::from_fn_with_state;
use axum::response::IntoResponse as _;
use limit::Rates;
use pace::Uploads;
use std::sync::Arc;
use tokio::sync::Semaphore;
use tower::ServiceBuilder;
use tower_http::catch_panic::CatchPanicLayer;
use tower_http::compression::CompressionLayer;

/// The router with its layers.
pub fn router(service: Service) -> Router {
    let limits = service.limits;
    let metrics = service.metrics.clone();
    let rates = Rates::new(&limits, metrics.clone());
    let uploads = from_fn_with_state(Uploads::new(&limits, rates.clone()), pace::uploads);
    let places = Arc::new(Semaphore::new(limits.requests_at_once));
    let public = routes::public()
        .layer(uploads.clone())
        .layer(from_fn_with_state(rates.clone(), limit::public));
    // From the outside in: a request gets its id before anything can be logged, every answer gets the strict
    // headers, a panic becomes a problem inside the log line, who calls is known before anybody is limited.
    let layers = ServiceBuilder::new()
        .layer(from_fn_with_state(metrics, trace::log))
        .layer(from_fn_with_state(service.secure, headers::strict))
        .layer(from_fn_with_state(service.clone(), browser::people))
        .layer(CatchPanicLayer::custom(
            |_: Box<dyn std::any::Any + Send>| {
                Problem::new(StatusCode::INTERNAL_SERVER_ERROR, "internal").into_response()
            },
        ))
        .layer(from_fn_with_state((service.clone(), places), limit::shed))
        .layer(from_fn_with_state(limits.patience, pace::in_time))
        .layer(CompressionLayer::new())
        .layer(from_fn_with_state(
            (service.clone(), rates.clone()),
            auth::identify,
        ))
        .layer(from_fn_with_state(rates, limit::account));
    routes::open()
        .merge(public)
        .merge(routes::accounts().layer(uploads))
        .fallback(|| async { Problem::new(StatusCode::NOT_FOUND, "request/no-route") })
        .method_not_allowed_fallback(|_: Request| async {
            Problem::new(StatusCode::METHOD_NOT_ALLOWED, "request/method")
        })
        .layer(DefaultBodyLimit::max(limits::JSON_BODY))
        .layer(layers)
        .with_state(service)
}
