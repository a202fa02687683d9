//! The answers about an uploaded document or picture, or the text of a QR.

use super::answers::{self, Row, StatusDetail, Subject};
use super::landing::{Fact, FactRow, fact_rows};
use super::words::words;
use super::{Frame, Tagged, Visit, html};
use crate::catalogue::{Label, Language};
use crate::id::ResultId;
use crate::report::{Answer, Outcome, Report};
use askama::Template;

/// The result of one check.
#[derive(Clone, Debug)]
pub struct Checked {
    /// What was checked.
    pub input: Input,
    /// How it went.
    pub report: Report,
    /// Dates and decision behind the report's state.
    pub status: StatusDetail,
    /// The look-up code that was found, if the register has it: the page links to it.
    pub id: Option<ResultId>,
    /// What the signature vouches for; shown only if answer 1 holds.
    pub signed: Option<Signed>,
    /// What the code says of itself; shown only if answer 1 does not hold, in a frame that says so.
    pub claimed: Vec<Fact>,
}

/// What was checked.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Input {
    /// A PDF.
    Document,
    /// A picture with a QR.
    Picture,
    /// The text of a QR.
    Text,
}

/// What a good signature vouches for.
#[derive(Clone, Debug)]
pub struct Signed {
    /// Who signed.
    pub agency: Label,
    /// What it is.
    pub document: Label,
    /// Answer 3.
    pub subject: Subject,
    /// The public fields in display order, masked where the type says so.
    pub facts: Vec<Fact>,
}

#[derive(Template)]
#[template(path = "checked.html")]
struct Page<'a> {
    frame: Frame<'a>,
    heading: &'a str,
    uploaded: bool,
    named: Option<(Tagged, Tagged)>,
    rows: [Row; 3],
    facts: Vec<FactRow>,
    claimed: Vec<FactRow>,
    checks: Vec<CheckRow>,
    id: Option<ResultId>,
}

/// One check of the list at the end.
struct CheckRow {
    what: &'static str,
    outcome: &'static str,
    why: Option<&'static str>,
}

impl Checked {
    /// The page.
    #[must_use]
    pub fn render(&self, visit: Visit<'_>) -> String {
        let own = words(visit.language);
        let heading = match self.input {
            Input::Document => &own.checked.title_document,
            Input::Picture => &own.checked.title_picture,
            Input::Text => &own.checked.title_text,
        };
        let holds = self.report.answer(Answer::Signature) == Outcome::Pass;
        let signed = self.signed.as_ref().filter(|_| holds);
        let claimed = if holds { &[] } else { self.claimed.as_slice() };
        let subject = signed.map_or(&Subject::Nothing, |signed| &signed.subject);
        // What was uploaded is gone: the other language starts over.
        let mut frame = Frame::new(visit, heading.clone());
        frame.switch = if visit.language == Language::Vi {
            "/?lang=en"
        } else {
            "/"
        };
        html(&Page {
            frame,
            heading,
            uploaded: self.input != Input::Text,
            named: signed.map(|signed| {
                (
                    Tagged::new(&signed.agency, visit.language),
                    Tagged::new(&signed.document, visit.language),
                )
            }),
            rows: [
                answers::signature(&self.report, visit),
                answers::checked_status(&self.report, &self.status, visit),
                answers::prompt(subject, visit),
            ],
            facts: signed
                .map(|signed| fact_rows(&signed.facts, visit.language))
                .unwrap_or_default(),
            claimed: fact_rows(claimed, visit.language),
            checks: self
                .report
                .checks()
                .iter()
                .map(|(kind, outcome)| CheckRow {
                    what: own.check(*kind),
                    outcome: own.outcome(*outcome),
                    why: own.why(*outcome),
                })
                .collect(),
            id: self.id,
        })
    }
}
