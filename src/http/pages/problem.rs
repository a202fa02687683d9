//! Pages that say what went wrong and what to do.

use super::answers::{self, Knowledge, Row, Status, StatusDetail, Subject};
use super::words::{fill, words};
use super::{Frame, Shown, Visit, html};
use crate::id::ResultId;
use crate::report::State;
use askama::Template;

/// `GET /{id}` of a look-up code that the register does not have. It accuses nobody.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct NotFound {
    /// What was asked for.
    pub id: ResultId,
}

#[derive(Template)]
#[template(path = "not_found.html")]
struct NotFoundPage<'a> {
    frame: Frame<'a>,
    rows: [Row; 3],
    code: String,
}

impl NotFound {
    /// The page.
    #[must_use]
    pub fn render(&self, visit: Visit<'_>) -> String {
        let status = Status {
            state: State::Unknown,
            knowledge: Knowledge::Register(visit.now),
            detail: StatusDetail::default(),
        };
        html(&NotFoundPage {
            frame: Frame::new(visit, words(visit.language).not_found.title.clone()),
            rows: [
                answers::unchecked(visit),
                answers::status(&status, visit),
                answers::prompt(&Subject::Nothing, visit),
            ],
            code: self.id.grouped(),
        })
    }
}

/// A request that cannot be answered.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct ProblemPage {
    /// What happened.
    pub problem: Problem,
    /// What the reader may name when he asks: the request id.
    pub reference: Option<String>,
}

/// What happened.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Problem {
    /// Too many requests (429).
    RateLimited {
        /// Seconds to wait.
        retry_after: u64,
    },
    /// The file is larger than is taken (413).
    TooLarge {
        /// The most that is taken, in MB of 2^20 bytes.
        megabytes: u64,
    },
    /// The file came too slowly (408).
    TooSlow,
    /// No room now (503).
    Busy {
        /// Seconds to wait.
        retry_after: u64,
    },
    /// Neither a PDF without password nor a PNG or JPEG (422).
    Unreadable,
    /// A picture in which no QR is found (422).
    NoCode,
    /// No such address (404).
    NoPage,
    /// Our fault (500, 503).
    Internal,
}

#[derive(Template)]
#[template(path = "problem.html")]
struct Page<'a> {
    frame: Frame<'a>,
    heading: &'a str,
    text: String,
    reference: Option<String>,
}

impl ProblemPage {
    /// The page.
    #[must_use]
    pub fn render(&self, visit: Visit<'_>) -> String {
        let own = words(visit.language);
        let (said, count) = match self.problem {
            Problem::RateLimited { retry_after } => (&own.problems.rate_limited, retry_after),
            Problem::TooLarge { megabytes } => (&own.problems.too_large, megabytes),
            Problem::TooSlow => (&own.problems.too_slow, 0),
            Problem::Busy { retry_after } => (&own.problems.busy, retry_after),
            Problem::Unreadable => (&own.problems.unreadable, 0),
            Problem::NoCode => (&own.problems.no_code, 0),
            Problem::NoPage => (&own.problems.no_page, 0),
            Problem::Internal => (&own.problems.internal, 0),
        };
        let reference = self.reference.as_deref().map(|reference| {
            fill(
                &own.reference,
                &[("reference", Shown::new(reference).as_str())],
            )
        });
        html(&Page {
            frame: Frame::new(visit, said.heading.clone()),
            heading: &said.heading,
            text: fill(&said.text, &[("count", &count.to_string())]),
            reference,
        })
    }
}
