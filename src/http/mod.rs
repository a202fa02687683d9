//! The HTTP service: routes, layers and nothing that decides.

mod api;
mod auth;
pub mod docs;
mod extract;
mod limit;
pub mod pages;
mod problem;
mod public;
mod refusal;
mod routes;
mod state;
mod trace;

pub use problem::Problem;
pub use state::{Limits, Service};

use crate::limits;
use axum::Router;
use axum::extract::{DefaultBodyLimit, Request};
use axum::http::{HeaderName, HeaderValue, StatusCode, header};
use axum::middleware::{Next, from_fn, from_fn_with_state};
use axum::response::{IntoResponse as _, Response};
use limit::PublicLimit;
use std::future::Future;
use std::net::SocketAddr;
use std::time::Duration;
use tokio::net::TcpListener;
use tower::ServiceBuilder;
use tower_http::catch_panic::CatchPanicLayer;
use tower_http::compression::CompressionLayer;
use tower_http::request_id::{PropagateRequestIdLayer, SetRequestIdLayer};
use tower_http::set_header::SetResponseHeaderLayer;

/// Longer than the slowest thing that is done for one request: a large PDF on a busy machine.
const PATIENCE: Duration = Duration::from_secs(30);

/// How long requests may go on when the service is told to stop.
const FAREWELL: Duration = Duration::from_secs(20);

const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// The router with its layers.
pub fn router(service: Service) -> Router {
    let limit = PublicLimit::new(service.limits.per_minute, service.limits.behind_proxy);
    let public = routes::public().layer(from_fn_with_state(limit.clone(), limit::public));
    // From the outside in: a request gets its id before anything can be logged, a panic becomes a problem
    // inside the log line, who calls is known before anybody is limited.
    let layers = ServiceBuilder::new()
        .layer(SetRequestIdLayer::new(REQUEST_ID, trace::RequestIds))
        .layer(PropagateRequestIdLayer::new(REQUEST_ID))
        .layer(from_fn(trace::log))
        .layer(CatchPanicLayer::custom(
            |_: Box<dyn std::any::Any + Send>| {
                Problem::new(StatusCode::INTERNAL_SERVER_ERROR, "internal").into_response()
            },
        ))
        .layer(from_fn(in_time))
        .layer(CompressionLayer::new())
        .layer(constant(header::X_CONTENT_TYPE_OPTIONS, "nosniff"))
        .layer(constant(header::REFERRER_POLICY, "no-referrer"))
        .layer(constant(HeaderName::from_static("x-robots-tag"), "noindex"))
        .layer(constant(
            HeaderName::from_static("permissions-policy"),
            "camera=(), geolocation=(), microphone=()",
        ))
        .layer(from_fn_with_state((service.clone(), limit), auth::identify));
    routes::open()
        .merge(public)
        .merge(routes::accounts())
        .fallback(|| async { Problem::new(StatusCode::NOT_FOUND, "request/no-route") })
        .method_not_allowed_fallback(|_: Request| async {
            Problem::new(StatusCode::METHOD_NOT_ALLOWED, "request/method")
        })
        .layer(DefaultBodyLimit::max(limits::JSON_BODY))
        .layer(layers)
        .with_state(service)
}

/// Gives up on a request that takes too long.
async fn in_time(request: Request, next: Next) -> Response {
    let slow = || Problem::new(StatusCode::SERVICE_UNAVAILABLE, "request/took-too-long");
    tokio::time::timeout(PATIENCE, next.run(request))
        .await
        .unwrap_or_else(|_| slow().into_response())
}

fn constant(name: HeaderName, value: &'static str) -> SetResponseHeaderLayer<HeaderValue> {
    SetResponseHeaderLayer::if_not_present(name, HeaderValue::from_static(value))
}

/// Serves until `stop` is ready, then lets requests that are under way end.
///
/// # Errors
/// When the listener fails.
pub async fn serve(
    listener: TcpListener,
    service: Service,
    stop: impl Future<Output = ()> + Send + 'static,
) -> std::io::Result<()> {
    let (told, mut when) = tokio::sync::watch::channel(false);
    let stop = async move {
        stop.await;
        // Nobody waits any more when this fails.
        let _ = told.send(true);
    };
    let app = router(service).into_make_service_with_connect_info::<SocketAddr>();
    let serving = axum::serve(listener, app).with_graceful_shutdown(stop);
    let too_long = async move {
        if when.wait_for(|told| *told).await.is_ok() {
            tokio::time::sleep(FAREWELL).await;
        } else {
            std::future::pending::<()>().await;
        }
    };
    tokio::select! {
        ended = serving => ended,
        () = too_long => Ok(()),
    }
}
