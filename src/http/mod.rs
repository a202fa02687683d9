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
mod pieces;
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
pub use state::{Limits, Parts, Patience, Service};
pub use tls::{Tls, TlsError};

use crate::limits;
use axum::Router;
use axum::extract::{DefaultBodyLimit, Request, State};
use axum::http::StatusCode;
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse as _, Response};
use limit::Rates;
use pace::Uploads;
use std::sync::Arc;
use tokio::sync::Semaphore;
use tower::ServiceBuilder;
use tower_http::catch_panic::CatchPanicLayer;
use tower_http::compression::CompressionLayer;

/// What stands round the handlers. Few layers: with every request each copies all that stand inside it.
#[derive(Clone)]
struct Around(Arc<Wall>);

struct Wall {
    service: Service,
    places: Semaphore,
    rates: Rates,
    uploads: Uploads,
}

/// The router with its layers.
pub fn router(service: Service) -> Router {
    let limits = service.limits;
    let rates = Rates::new(&limits, service.metrics.clone());
    let around = Around(Arc::new(Wall {
        service: service.clone(),
        places: Semaphore::new(limits.requests_at_once),
        uploads: Uploads::new(&limits, rates.clone()),
        rates,
    }));
    let public = routes::public().layer(from_fn_with_state(around.clone(), of_the_public));
    let accounts = routes::accounts().layer(from_fn_with_state(around.clone(), of_accounts));
    let layers = ServiceBuilder::new()
        .layer(from_fn_with_state(around.clone(), of_all))
        .layer(CatchPanicLayer::custom(
            |_: Box<dyn std::any::Any + Send>| {
                Problem::new(StatusCode::INTERNAL_SERVER_ERROR, "internal").into_response()
            },
        ))
        .layer(CompressionLayer::new())
        .layer(from_fn_with_state(around, of_known));
    routes::open()
        .merge(public)
        .merge(accounts)
        .fallback(|| async { Problem::new(StatusCode::NOT_FOUND, "request/no-route") })
        .method_not_allowed_fallback(|_: Request| async {
            Problem::new(StatusCode::METHOD_NOT_ALLOWED, "request/method")
        })
        .layer(DefaultBodyLimit::max(limits::JSON_BODY))
        .layer(layers)
        .with_state(service)
}

/// From the outside in: a request gets its id before anything can be logged, every answer gets the strict
/// headers, problems become pages for people, and no request takes a place for longer than it may.
async fn of_all(State(Around(wall)): State<Around>, request: Request, next: Next) -> Response {
    let Wall {
        service, places, ..
    } = &*wall;
    trace::log(&service.metrics, request, async |request| {
        let response = browser::people(service, request, async |request| {
            limit::shed(service, places, request, async |request| {
                pace::in_time(service.limits.patience, request, next).await
            })
            .await
        })
        .await;
        headers::strict(service.secure, response)
    })
    .await
}

/// Who calls is known before anybody is limited.
async fn of_known(State(Around(wall)): State<Around>, request: Request, next: Next) -> Response {
    let admitted = auth::identify(&wall.service, &wall.rates, request).await;
    let admitted = admitted.and_then(|request| {
        limit::account(&wall.rates, &request)?;
        Ok(request)
    });
    match admitted {
        Ok(request) => next.run(request).await,
        Err(problem) => problem.into_response(),
    }
}

async fn of_the_public(
    State(Around(wall)): State<Around>,
    request: Request,
    next: Next,
) -> Response {
    match limit::public(&wall.rates, &request) {
        Ok(()) => pace::uploads(&wall.uploads, request, next).await,
        Err(problem) => problem.into_response(),
    }
}

async fn of_accounts(State(Around(wall)): State<Around>, request: Request, next: Next) -> Response {
    pace::uploads(&wall.uploads, request, next).await
}
