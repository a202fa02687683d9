//! Issuing a result in the place of another.

use super::super::extract::{Form, Json};
use super::super::problem::{Problem, ProblemField};
use super::super::state::Service;
use super::Id;
use super::change_requests::RequestBody;
use super::results::{Submission, issued, once};
use super::status::Change;
use crate::access::Caller;
use crate::issuance::{Replaced, Replacement, Request};
use crate::limits;
use axum::extract::{DefaultBodyLimit, FromRequest, Request as HttpRequest, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::Response;
use serde::Deserialize;
use serde_json::{Map, Value};

/// What `POST /api/v1/results/{id}/replacement` carries: JSON, or a form with `change`, `data` and `pdf`.
pub(in super::super) struct Successor {
    change: Change,
    submission: Submission,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Body {
    reason: String,
    decision: String,
    authority: String,
    data: Map<String, Value>,
}

impl<S: Send + Sync> FromRequest<S> for Successor {
    type Rejection = Problem;

    async fn from_request(mut request: HttpRequest, state: &S) -> Result<Self, Problem> {
        let kind = request
            .headers()
            .get(header::CONTENT_TYPE)
            .and_then(|v| v.to_str().ok());
        if !kind.is_some_and(|kind| kind.starts_with("multipart/form-data")) {
            // The route lets a PDF through; data alone is never that large.
            DefaultBodyLimit::max(limits::JSON_BODY).apply(&mut request);
            let Json(body) = Json::<Body>::from_request(request, state).await?;
            return Ok(Self {
                change: Change {
                    reason: body.reason,
                    decision: body.decision,
                    authority: body.authority,
                },
                submission: Submission {
                    data: body.data,
                    pdf: None,
                },
            });
        }
        let mut form = Form::from_request(request, state).await?;
        Ok(Self {
            change: part(&mut form, "change")?,
            submission: Submission {
                data: part(&mut form, "data")?,
                pdf: form.take("pdf"),
            },
        })
    }
}

/// A part of the form that is JSON.
fn part<T: for<'de> Deserialize<'de>>(form: &mut Form, name: &'static str) -> Result<T, Problem> {
    let shape = |code| {
        let field = ProblemField {
            field: name.to_owned(),
            code,
        };
        Problem::new(StatusCode::UNPROCESSABLE_ENTITY, "request/shape").fields(vec![field])
    };
    let bytes = form.take(name).ok_or_else(|| shape("field/missing"))?;
    serde_json::from_slice(&bytes).map_err(|error| {
        if error.is_data() {
            shape("field/shape")
        } else {
            Problem::new(StatusCode::BAD_REQUEST, "request/not-json")
        }
    })
}

/// `POST /api/v1/results/{id}/replacement`
pub(in super::super) async fn replace(
    State(service): State<Service>,
    caller: Caller,
    Id(id): Id,
    headers: HeaderMap,
    successor: Successor,
) -> Result<Response, Problem> {
    let grounds = successor.change.grounds()?;
    let about = format!(
        "{id}\n{}\n{}\n{}",
        grounds.reason, grounds.decision, grounds.authority
    );
    let once = once(&headers, &successor.submission, about.as_bytes())?;
    let request = Request {
        data: successor.submission.data,
        pdf: successor.submission.pdf.map(Into::into),
        once,
    };
    let replacement = Replacement::of(id, grounds);
    let replaced = service.issuer.replace(&caller, request, &replacement);
    Ok(match replaced.await? {
        Replaced::Issued(outcome) => issued(outcome),
        Replaced::Waits(request) => RequestBody::from(*request).accepted(),
    })
}
