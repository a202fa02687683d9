//! Finding results without their look-up codes.

use super::super::extract::Json;
use super::super::problem::{Problem, ProblemField};
use super::super::state::Service;
use crate::access::Caller;
use crate::catalogue::FieldProblem;
use crate::clock::{UnixTime, iso_date};
use crate::private::Private;
use crate::search::Wanted;
use crate::store::StoredResult;
use axum::extract::State;
use axum::http::StatusCode;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// What a search is by.
#[derive(Deserialize, Eq, Ord, PartialEq, PartialOrd)]
#[serde(rename_all = "lowercase")]
enum By {
    Number,
    Plate,
}

/// One of them. In the body, since neither belongs into an address or a log line.
#[derive(Deserialize)]
pub(in super::super) struct Asked(BTreeMap<By, String>);

impl Asked {
    fn wanted(mut self) -> Result<Wanted, Problem> {
        let shape = || Problem::new(StatusCode::UNPROCESSABLE_ENTITY, "request/shape");
        let (by, typed) = self.0.pop_first().ok_or_else(shape)?;
        if !self.0.is_empty() {
            return Err(shape());
        }
        let (field, read) = match by {
            By::Number => ("number", Wanted::number(&typed)),
            By::Plate => ("plate", Wanted::plate(&Private::new(typed))),
        };
        read.map_err(|problem: FieldProblem| {
            let field = ProblemField {
                field: field.to_owned(),
                code: problem.code(),
            };
            shape().fields(vec![field])
        })
    }
}

#[derive(Serialize)]
pub(in super::super) struct FoundBody {
    results: Vec<FoundLine>,
    more: bool,
}

/// What leads to a result, without what stands in it.
#[derive(Serialize)]
struct FoundLine {
    id: String,
    r#type: String,
    agency_code: String,
    number: String,
    issue_date: String,
    valid_from: String,
    valid_to: Option<String>,
    status: &'static str,
    successor: Option<String>,
}

impl FoundLine {
    fn at(now: UnixTime, found: StoredResult) -> Self {
        Self {
            status: found.standing_at(now).name(),
            successor: found.successor.map(|id| id.to_string()),
            id: found.issued.id.to_string(),
            r#type: found.issued.result_type,
            agency_code: found.issued.agency,
            number: found.issued.number_text,
            issue_date: iso_date(found.issued.issue_date),
            valid_from: iso_date(found.issued.valid_from),
            valid_to: found.issued.valid_to.map(iso_date),
        }
    }
}

/// `POST /api/v1/results/search`
pub(in super::super) async fn find(
    State(service): State<Service>,
    caller: Caller,
    Json(asked): Json<Asked>,
) -> Result<axum::Json<FoundBody>, Problem> {
    let found = service.search.find(&caller, &asked.wanted()?).await?;
    let now = service.clock.now();
    let lines = found.results.into_iter();
    Ok(axum::Json(FoundBody {
        results: lines.map(|found| FoundLine::at(now, found)).collect(),
        more: found.more,
    }))
}
