//! Extractors whose rejections are problems too.

use super::problem::{Problem, ProblemField};
use crate::limits;
use axum::extract::rejection::{JsonRejection, QueryRejection};
use axum::extract::{DefaultBodyLimit, FromRequest, FromRequestParts, Multipart, Request};
use axum::http::request::Parts;
use axum::http::{StatusCode, header};
use serde::Deserialize;
use serde::de::DeserializeOwned;

/// A JSON body.
pub(super) struct Json<T>(pub(super) T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequest<S> for Json<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, state: &S) -> Result<Self, Problem> {
        match axum::Json::<T>::from_request(request, state).await {
            Ok(axum::Json(body)) => Ok(Self(body)),
            Err(rejection) => Err(json_problem(&rejection)),
        }
    }
}

fn json_problem(rejection: &JsonRejection) -> Problem {
    match rejection {
        JsonRejection::JsonDataError(error) => {
            Problem::new(StatusCode::UNPROCESSABLE_ENTITY, "request/shape").detail(place(error))
        }
        JsonRejection::JsonSyntaxError(error) => {
            Problem::new(StatusCode::BAD_REQUEST, "request/not-json").detail(place(error))
        }
        JsonRejection::MissingJsonContentType(_) => {
            Problem::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, "request/media-type")
        }
        other if other.status() == StatusCode::PAYLOAD_TOO_LARGE => {
            Problem::new(StatusCode::PAYLOAD_TOO_LARGE, "request/too-large")
        }
        _ => Problem::new(StatusCode::BAD_REQUEST, "request/body"),
    }
}

/// Where a JSON body is wrong: line and column only, since serde's words may repeat what was sent.
fn place(error: &(dyn std::error::Error + 'static)) -> String {
    let mut source = Some(error);
    while let Some(error) = source {
        if let Some(error) = error.downcast_ref::<serde_json::Error>() {
            return format!("line {}, column {}", error.line(), error.column());
        }
        source = error.source();
    }
    String::new()
}

/// A query string.
pub(super) struct Query<T>(pub(super) T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequestParts<S> for Query<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        axum::extract::Query::<T>::from_request_parts(parts, state)
            .await
            .map(|axum::extract::Query(query)| Self(query))
            .map_err(|_: QueryRejection| Problem::new(StatusCode::BAD_REQUEST, "request/query"))
    }
}

/// What a query asks of a list: a page of it, the newest first, `before` the last of the page that came first.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct PageQuery<C> {
    pub(super) before: Option<C>,
    limit: Option<u32>,
}

/// Lines on one page, unless asked otherwise, and at most.
const PAGE: u32 = 50;
const LARGEST_PAGE: u32 = 200;

impl<C> PageQuery<C> {
    /// How many lines, 1 to 200; 50 unless asked otherwise.
    ///
    /// # Errors
    /// `request/query` for any other number.
    pub(super) fn limit(&self) -> Result<u32, Problem> {
        let limit = self.limit.unwrap_or(PAGE);
        if (1..=LARGEST_PAGE).contains(&limit) {
            Ok(limit)
        } else {
            Err(Problem::new(StatusCode::BAD_REQUEST, "request/query"))
        }
    }
}

/// The last line of a full page, before which the next one begins; after a page that is not full nothing comes.
pub(super) fn last_of_full<T>(lines: &[T], limit: u32) -> Option<&T> {
    let full = u32::try_from(lines.len()).is_ok_and(|count| count == limit);
    lines.last().filter(|_| full)
}

/// The parts of a multipart form, by name; each part once.
pub(super) struct Form(Vec<(String, Vec<u8>)>);

impl Form {
    /// Takes the part of this name.
    pub(super) fn take(&mut self, name: &str) -> Option<Vec<u8>> {
        let at = self.0.iter().position(|(known, _)| known == name)?;
        Some(self.0.swap_remove(at).1)
    }

    /// Takes the part of this name, which is JSON.
    ///
    /// # Errors
    /// `request/shape` with the part's name when it is missing or does not fit, `request/not-json`.
    pub(super) fn take_json<T: DeserializeOwned>(
        &mut self,
        name: &'static str,
    ) -> Result<T, Problem> {
        let shape = |code| {
            let field = ProblemField {
                field: name.to_owned(),
                code,
            };
            Problem::new(StatusCode::UNPROCESSABLE_ENTITY, "request/shape").fields(vec![field])
        };
        let bytes = self.take(name).ok_or_else(|| shape("field/missing"))?;
        serde_json::from_slice(&bytes).map_err(|error| {
            if error.is_data() {
                shape("field/shape")
            } else {
                Problem::new(StatusCode::BAD_REQUEST, "request/not-json")
            }
        })
    }
}

/// A JSON body, or a form that has JSON in its parts beside a file.
pub(super) enum JsonOrForm<T> {
    Json(T),
    Form(Form),
}

impl<T: DeserializeOwned, S: Send + Sync> FromRequest<S> for JsonOrForm<T> {
    type Rejection = Problem;

    async fn from_request(mut request: Request, state: &S) -> Result<Self, Problem> {
        let kind = request.headers().get(header::CONTENT_TYPE);
        let kind = kind.and_then(|kind| kind.to_str().ok());
        if kind.is_some_and(|kind| kind.starts_with("multipart/form-data")) {
            return Form::from_request(request, state).await.map(Self::Form);
        }
        // The route lets a file through; JSON alone is never that large.
        DefaultBodyLimit::max(limits::JSON_BODY).apply(&mut request);
        let Json(body) = Json::from_request(request, state).await?;
        Ok(Self::Json(body))
    }
}

/// Parts of one form: data, PDF and a few to spare.
const PARTS: usize = 4;

impl<S: Send + Sync> FromRequest<S> for Form {
    type Rejection = Problem;

    async fn from_request(request: Request, state: &S) -> Result<Self, Problem> {
        let refuse = |status| match status {
            StatusCode::PAYLOAD_TOO_LARGE => Problem::new(status, "request/too-large"),
            _ => Problem::new(StatusCode::BAD_REQUEST, "request/multipart"),
        };
        let mut form = Multipart::from_request(request, state)
            .await
            .map_err(|rejection| refuse(rejection.status()))?;
        let mut parts = Vec::new();
        while let Some(part) = form
            .next_field()
            .await
            .map_err(|error| refuse(error.status()))?
        {
            let name = part.name().unwrap_or_default().to_owned();
            if parts.len() == PARTS || parts.iter().any(|(known, _)| *known == name) {
                return Err(refuse(StatusCode::BAD_REQUEST));
            }
            let bytes = part.bytes().await.map_err(|error| refuse(error.status()))?;
            parts.push((name, bytes.to_vec()));
        }
        Ok(Self(parts))
    }
}
