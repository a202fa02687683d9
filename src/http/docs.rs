//! `GET /docs`: the API description of `/openapi.yaml` as a page, from assets inside the program.
//!
//! Swagger UI styles its parts with inline styles, so this page has a policy of its own. It shows nothing but
//! our own description, loads nothing from elsewhere, and sends nothing but the requests that the reader
//! tries out against this service.

use super::problem::Problem;
use axum::Router;
use axum::extract::Path;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::get;
use std::sync::{Arc, LazyLock};
use utoipa_swagger_ui::{Config, SwaggerFile, serve};

/// The `Content-Security-Policy` of `/docs`.
pub const CSP: &str = "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; \
     img-src 'self' data:; connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'";

static CONFIG: LazyLock<Arc<Config<'static>>> = LazyLock::new(|| {
    Arc::new(
        Config::from("/openapi.yaml")
            .use_base_layout()
            .validator_url("none"),
    )
});

/// `/docs` and everything below it.
pub fn router<S>() -> Router<S>
where
    S: Clone + Send + Sync + 'static,
{
    Router::new()
        // The page names its files relative to a directory.
        .route("/docs", get(|| async { Redirect::permanent("/docs/") }))
        .route("/docs/", get(|| async { asset("") }))
        .route(
            "/docs/{*path}",
            get(|Path(path): Path<String>| async move { asset(&path) }),
        )
}

fn asset(path: &str) -> Response {
    // An error would mean that a file inside the program is not UTF-8.
    match serve(path, Arc::clone(&CONFIG)) {
        Ok(Some(file)) => answer(file),
        Ok(None) => Problem::new(StatusCode::NOT_FOUND, "request/no-route").into_response(),
        Err(_) => Problem::new(StatusCode::INTERNAL_SERVER_ERROR, "internal").into_response(),
    }
}

fn answer(file: SwaggerFile<'static>) -> Response {
    let kind = HeaderValue::from_str(&file.content_type)
        .unwrap_or(HeaderValue::from_static("application/octet-stream"));
    let headers = [
        (header::CONTENT_TYPE, kind),
        (
            header::CONTENT_SECURITY_POLICY,
            HeaderValue::from_static(CSP),
        ),
        // They change with the program only.
        (
            header::CACHE_CONTROL,
            HeaderValue::from_static("public, max-age=3600"),
        ),
    ];
    (headers, file.bytes.into_owned()).into_response()
}
