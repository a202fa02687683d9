//! For those who run the service.

use super::super::state::Service;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use serde::Serialize;

/// The contract, as it stands in the repository.
pub(in super::super) const CONTRACT: &str = include_str!("../../../openapi.yaml");

/// Days before the end of a certificate or key from which the service calls itself unfit.
const DAYS_LEFT: i64 = 7;

#[derive(Serialize)]
pub(in super::super) struct Health {
    status: &'static str,
    version: &'static str,
}

/// `GET /healthz`
pub(in super::super) async fn health() -> axum::Json<Health> {
    axum::Json(Health {
        status: "ok",
        version: env!("CARGO_PKG_VERSION"),
    })
}

#[derive(Serialize)]
struct Readiness {
    ready: bool,
    database: &'static str,
    documents: &'static str,
    clock: &'static str,
    keys: &'static str,
    certificates: &'static str,
    publication: &'static str,
}

/// `GET /readyz`
pub(in super::super) async fn ready(State(service): State<Service>) -> Response {
    let database = service.store.ping().await.is_ok();
    let documents = service.documents.probe().await.is_ok();
    let clock = database && !is_clock_behind(&service).await;
    let (keys, certificates) = if database {
        keys(&service).await
    } else {
        (false, false)
    };
    let publication = keys && service.publisher.bundle().await.is_ok();
    let word = |fit| if fit { "ok" } else { "failed" };
    let body = Readiness {
        ready: database && documents && clock && keys && certificates && publication,
        database: word(database),
        documents: word(documents),
        clock: word(clock),
        keys: word(keys),
        certificates: if certificates {
            "ok"
        } else {
            "failed or ending soon"
        },
        publication: word(publication),
    };
    let status = if body.ready {
        StatusCode::OK
    } else {
        StatusCode::SERVICE_UNAVAILABLE
    };
    (status, axum::Json(body)).into_response()
}

/// Whether the clock was set back since the newest entry of the log; also when the register cannot say.
async fn is_clock_behind(service: &Service) -> bool {
    let Ok(mut tx) = service.store.read().await else {
        return true;
    };
    let behind = tx.clock_behind(service.clock.now()).await;
    !matches!(behind, Ok(None))
}

/// Whether the files of the keys in use are there, and whether all of them hold for some days more.
async fn keys(service: &Service) -> (bool, bool) {
    let now = service.clock.now();
    let Ok(mut tx) = service.store.read().await else {
        return (false, false);
    };
    let Ok(keys) = tx.keys().await else {
        return (false, false);
    };
    let mut in_use = keys
        .iter()
        .filter(|key| key.retired_at.is_none_or(|at| at > now))
        .peekable();
    let some = in_use.peek().is_some();
    let (mut there, mut lasting) = (some, some);
    for key in in_use {
        there &= service.issuer.keys.directory().join(&key.file).exists();
        lasting &= key.not_after.since(now) > DAYS_LEFT * 86_400;
    }
    (there, lasting)
}

/// `GET /openapi.yaml`
pub(in super::super) async fn contract() -> Response {
    ([(header::CONTENT_TYPE, "application/yaml")], CONTRACT).into_response()
}
