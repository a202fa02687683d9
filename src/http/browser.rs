//! Problems as pages for people: who asks for HTML is not answered with JSON.

use super::pages::{self, ProblemPage, Visit, asked_language};
use super::problem::Code;
use super::public::page;
use super::state::Service;
use super::trace::RequestId;
use crate::limits;
use axum::extract::Request;
use axum::http::{StatusCode, header};
use axum::response::Response;

/// Turns a problem of a page's route into a page where the reader's program asks for one.
pub(super) async fn people(
    service: &Service,
    request: Request,
    next: impl AsyncFnOnce(Request) -> Response,
) -> Response {
    if !wants_page(&request) {
        return next(request).await;
    }
    let asked = request.uri().query().unwrap_or_default();
    let english = asked.split('&').any(|pair| pair == "lang=en");
    let language = asked_language(english.then_some("en"));
    let reference = request.extensions().get::<RequestId>().map(RequestId::text);
    let response = next(request).await;
    let Some(problem) = said(&response) else {
        return response;
    };
    let visit = Visit {
        site: &service.site,
        language,
        now: service.clock.now(),
    };
    let html = ProblemPage { problem, reference }.render(visit);
    let mut told = page(response.status(), html);
    for name in [header::RETRY_AFTER, header::CONNECTION] {
        if let Some(value) = response.headers().get(&name) {
            told.headers_mut().insert(name, value.clone());
        }
    }
    told
}

fn wants_page(request: &Request) -> bool {
    let path = request.uri().path();
    let accepted = request.headers().get_all(header::ACCEPT);
    !path.starts_with("/api/")
        && accepted
            .iter()
            .filter_map(|accept| accept.to_str().ok())
            .any(|accept| accept.contains("text/html"))
}

/// The problem of an answer, if it is one that a page has words for.
fn said(response: &Response) -> Option<pages::Problem> {
    let code = response.extensions().get::<Code>()?.0;
    let retry_after = || {
        let value = response.headers().get(header::RETRY_AFTER);
        value
            .and_then(|value| value.to_str().ok()?.parse().ok())
            .unwrap_or(1)
    };
    Some(match (response.status(), code) {
        (StatusCode::TOO_MANY_REQUESTS, _) => pages::Problem::RateLimited {
            retry_after: retry_after(),
        },
        (StatusCode::PAYLOAD_TOO_LARGE, _) => pages::Problem::TooLarge {
            megabytes: (limits::PDF_FILE >> 20) as u64,
        },
        (StatusCode::REQUEST_TIMEOUT, _) => pages::Problem::TooSlow,
        (StatusCode::NOT_FOUND, _) => pages::Problem::NoPage,
        (_, "service/busy" | "register/busy" | "register/unavailable") => pages::Problem::Busy {
            retry_after: retry_after(),
        },
        (status, _) if status.is_server_error() => pages::Problem::Internal,
        _ => return None,
    })
}
