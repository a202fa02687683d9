//! Signed files, as they stand in the register: static, cacheable, the same for everybody.

use super::super::problem::Problem;
use super::super::state::Service;
use crate::store::Publication;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse as _, Response};

/// `GET /trust`
pub(in super::super) async fn trust(
    State(service): State<Service>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let bundle = service.publisher.bundle().await?;
    Ok(serve(bundle, "application/cose", &headers))
}

/// `GET /status/{list}`
pub(in super::super) async fn status(
    State(service): State<Service>,
    list: Result<Path<u32>, axum::extract::rejection::PathRejection>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let unknown = || Problem::new(StatusCode::NOT_FOUND, "status/unknown-list");
    let Path(list) = list.map_err(|_| unknown())?;
    let token = service
        .publisher
        .status_list(list)
        .await?
        .ok_or_else(unknown)?;
    Ok(serve(token, "application/statuslist+cwt", &headers))
}

fn serve(publication: Publication, kind: &'static str, headers: &HeaderMap) -> Response {
    let tag = format!(
        "\"{}-{}\"",
        publication.version,
        publication.signed_at.seconds()
    );
    let held = headers
        .get(header::IF_NONE_MATCH)
        .and_then(|value| value.to_str().ok());
    let mut response = if held == Some(&tag) {
        StatusCode::NOT_MODIFIED.into_response()
    } else {
        ([(header::CONTENT_TYPE, kind)], publication.content).into_response()
    };
    let answer = response.headers_mut();
    answer.insert(
        header::CACHE_CONTROL,
        HeaderValue::from_static("public, max-age=60"),
    );
    answer.insert(
        header::ACCESS_CONTROL_ALLOW_ORIGIN,
        HeaderValue::from_static("*"),
    );
    // Verifiers of other origins need them; there is nothing private in them.
    answer.insert(
        HeaderName::from_static("cross-origin-resource-policy"),
        HeaderValue::from_static("cross-origin"),
    );
    if let Ok(tag) = HeaderValue::from_str(&tag) {
        answer.insert(header::ETAG, tag);
    }
    response
}
