//! `GET /metrics`, on a listener of its own, which tells of health and readiness too: whoever watches a service
//! that speaks TLS needs no certificate for it.

use super::api::operations;
use super::headers::strict;
use super::state::Service;
use crate::metrics::Census;
use crate::store::StoreError;
use axum::Router;
use axum::extract::State;
use axum::http::header;
use axum::middleware::map_response;
use axum::response::{IntoResponse as _, Response};
use axum::routing::get;
use std::time::Duration;

const KIND: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// Figures without those of the register are better than none while it does not answer.
const PATIENCE: Duration = Duration::from_secs(5);

/// For those who watch, and nobody else.
pub(super) fn router(service: Service) -> Router {
    Router::new()
        .route("/metrics", get(figures))
        .route("/healthz", get(operations::health))
        .route("/readyz", get(operations::ready))
        .layer(map_response(async |response: Response| {
            strict(false, response)
        }))
        .with_state(service)
}

async fn figures(State(service): State<Service>) -> Response {
    let census = tokio::time::timeout(PATIENCE, census(&service)).await;
    let census = match census {
        Ok(Ok(census)) => Some(census),
        Ok(Err(error)) => {
            tracing::warn!(error.cause = %error, "the register gave no figures");
            None
        }
        Err(_) => {
            tracing::warn!("the register gave no figures in time");
            None
        }
    };
    let text = service.metrics.text(census.as_ref());
    ([(header::CONTENT_TYPE, KIND)], text).into_response()
}

async fn census(service: &Service) -> Result<Census, StoreError> {
    let connections = service.store.connections();
    let now = service.clock.now();
    let mut tx = service.store.read().await?;
    let publications = tx.publications_signed().await?;
    Ok(Census {
        waiting_jobs: tx.waiting_jobs().await?,
        buried_jobs: tx.buried_jobs().await?,
        log_entries: tx.log_size().await?,
        publications: publications
            .into_iter()
            .map(|(name, at)| (name, now.since(at)))
            .collect(),
        connections,
    })
}
