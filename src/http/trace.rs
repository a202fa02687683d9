//! One log line per request: the matched route, never the path, which may hold a look-up code.
//!
//! Nothing of the line is the caller's own words: the id is ours, the method one of HTTP's own.

use super::limit::route;
use crate::metrics::Metrics;
use axum::extract::Request;
use axum::http::{HeaderName, HeaderValue, Method};
use axum::response::Response;
use std::time::Instant;
use tracing::Instrument as _;
use uuid::Uuid;

const HEADER: HeaderName = HeaderName::from_static("x-request-id");

/// The id of one request: a UUID of version 7, so that ids sort by time.
#[derive(Clone, Copy, Debug)]
pub(super) struct RequestId(Uuid);

impl RequestId {
    pub(super) fn text(&self) -> String {
        self.0.to_string()
    }
}

/// Runs the request in a span of its id, counts it and logs how it ended.
pub(super) async fn log(
    metrics: &Metrics,
    mut request: Request,
    next: impl AsyncFnOnce(Request) -> Response,
) -> Response {
    let id = RequestId(Uuid::now_v7());
    request.extensions_mut().insert(id);
    let method = word(request.method());
    let route = route(&request).to_owned();
    let span = tracing::info_span!(
        "request",
        request.id = %id.0,
        http.method = method,
        http.route = route
    );
    async move {
        let started = Instant::now();
        let mut response = next(request).await;
        let (status, took) = (response.status().as_u16(), started.elapsed());
        metrics.answered(&route, method, status, took);
        if let Ok(id) = HeaderValue::from_str(&id.text()) {
            response.headers_mut().insert(HEADER, id);
        }
        tracing::info!(
            http.status = status,
            duration_ms = u64::try_from(took.as_millis()).unwrap_or(u64::MAX),
            "answered"
        );
        response
    }
    .instrument(span)
    .await
}

/// A method that HTTP names; callers may make up others.
fn word(method: &Method) -> &'static str {
    match *method {
        Method::GET => "GET",
        Method::HEAD => "HEAD",
        Method::POST => "POST",
        Method::PUT => "PUT",
        Method::PATCH => "PATCH",
        Method::DELETE => "DELETE",
        Method::OPTIONS => "OPTIONS",
        _ => "other",
    }
}
