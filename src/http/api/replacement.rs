//! Issuing a result in the place of another.

use super::super::extract::JsonOrForm;
use super::super::problem::Problem;
use super::super::state::Service;
use super::Id;
use super::change_requests::RequestBody;
use super::results::{Submission, issued, once};
use super::status::Change;
use crate::access::Caller;
use crate::issuance::{Replaced, Replacement, Request};
use axum::extract::{FromRequest, Request as HttpRequest, State};
use axum::http::HeaderMap;
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

    async fn from_request(request: HttpRequest, state: &S) -> Result<Self, Problem> {
        Ok(
            match JsonOrForm::<Body>::from_request(request, state).await? {
                JsonOrForm::Json(body) => Self {
                    change: Change {
                        reason: body.reason,
                        decision: body.decision,
                        authority: body.authority,
                    },
                    submission: Submission {
                        data: body.data,
                        pdf: None,
                    },
                },
                JsonOrForm::Form(mut form) => Self {
                    change: form.take_json("change")?,
                    submission: Submission {
                        data: form.take_json("data")?,
                        pdf: form.take("pdf"),
                    },
                },
            },
        )
    }
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
