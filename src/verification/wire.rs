//! The JSON of an answer: of the API, the command line and the record of a check (`Answer` in openapi.yaml).
//!
//! Written straight to text: a check is answered in less time than it takes to build a tree of its JSON.

use super::answer::{Answered, Notice, Shown, ShownField};
use crate::catalogue::Label;
use crate::clock::{UnixTime, iso_date};
use crate::report::{self, Outcome, State};
use serde::Serialize;
use serde_json::Value as Json;

#[derive(Serialize)]
struct AnswerJson<'a> {
    id: Option<String>,
    verdict: &'static str,
    signature: SignatureJson,
    status: StatusJson,
    #[serde(rename = "match")]
    matched: OutcomeJson,
    checks: Vec<CheckJson>,
    result: Option<ResultJson<'a>>,
    claimed: Option<Vec<FieldJson<'a>>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    shown_on_device: Option<&'a Json>,
}

#[derive(Serialize)]
struct OutcomeJson {
    outcome: &'static str,
    reason: Option<&'static str>,
}

#[derive(Serialize)]
struct SignatureJson {
    #[serde(flatten)]
    outcome: OutcomeJson,
    #[serde(flatten, skip_serializing_if = "Option::is_none")]
    standing: Option<StandingJson>,
}

#[derive(Serialize)]
struct StandingJson {
    level: &'static str,
    proven: Option<String>,
}

#[derive(Serialize)]
struct StatusJson {
    outcome: &'static str,
    reason: Option<&'static str>,
    state: Option<&'static str>,
    as_of: Option<String>,
}

#[derive(Serialize)]
struct CheckJson {
    check: &'static str,
    outcome: &'static str,
    reason: Option<&'static str>,
}

#[derive(Serialize)]
struct LabelJson<'a> {
    vi: &'a str,
    en: &'a str,
}

#[derive(Serialize)]
struct FieldJson<'a> {
    name: &'a str,
    label: LabelJson<'a>,
    value: LabelJson<'a>,
}

#[derive(Serialize)]
struct AgencyJson<'a> {
    code: &'a str,
    name: LabelJson<'a>,
}

#[derive(Serialize)]
struct ResultJson<'a> {
    #[serde(rename = "type")]
    type_code: &'a str,
    label: LabelJson<'a>,
    agency: AgencyJson<'a>,
    number: &'a str,
    issue_date: String,
    valid_from: String,
    valid_to: Option<String>,
    fields: Vec<FieldJson<'a>>,
    change: Option<ChangeJson<'a>>,
    errata: Vec<NoticeJson<'a>>,
    predecessor: Option<String>,
    successor: Option<String>,
}

#[derive(Serialize)]
struct ChangeJson<'a> {
    kind: &'static str,
    at: String,
    reason: Option<&'a str>,
    decision: &'a str,
    authority: &'a str,
    until: Option<String>,
}

#[derive(Serialize)]
struct NoticeJson<'a> {
    at: String,
    reason: &'a str,
    decision: &'a str,
    authority: &'a str,
}

impl Answered {
    /// As a tree, for whoever adds to it.
    #[must_use]
    pub fn to_json(&self) -> Json {
        // Everything in it has a form in JSON.
        serde_json::to_value(self.wire(None)).unwrap_or_default()
    }

    /// As text.
    #[must_use]
    pub fn to_text(&self) -> String {
        self.to_text_with(None)
    }

    /// As text, with what a device showed.
    #[must_use]
    pub fn to_text_with(&self, shown_on_device: Option<&Json>) -> String {
        serde_json::to_string(&self.wire(shown_on_device)).unwrap_or_default()
    }

    fn wire<'a>(&'a self, shown_on_device: Option<&'a Json>) -> AnswerJson<'a> {
        let report = &self.report;
        let status = report.answer(report::Answer::Status);
        let checks = report.checks().iter();
        AnswerJson {
            id: self.id.map(|id| id.to_string()),
            verdict: self.verdict.name(),
            signature: SignatureJson {
                outcome: outcome(report.answer(report::Answer::Signature)),
                standing: report.standing().map(|standing| StandingJson {
                    level: standing.level,
                    proven: standing.proven.map(UnixTime::rfc3339),
                }),
            },
            status: StatusJson {
                outcome: status.name(),
                reason: status.reason(),
                state: report.state().map(State::code),
                as_of: report.as_of().map(UnixTime::rfc3339),
            },
            matched: outcome(report.answer(report::Answer::Match)),
            checks: checks
                .map(|(kind, how)| CheckJson {
                    check: kind.code(),
                    outcome: how.name(),
                    reason: how.reason(),
                })
                .collect(),
            result: self.shown.as_ref().map(result),
            claimed: (!self.claimed.is_empty()).then(|| self.claimed.iter().map(field).collect()),
            shown_on_device,
        }
    }
}

fn outcome(outcome: Outcome) -> OutcomeJson {
    OutcomeJson {
        outcome: outcome.name(),
        reason: outcome.reason(),
    }
}

fn label(label: &Label) -> LabelJson<'_> {
    LabelJson {
        vi: &label.vi,
        en: &label.en,
    }
}

fn field(field: &ShownField) -> FieldJson<'_> {
    FieldJson {
        name: &field.name,
        label: label(&field.label),
        value: label(&field.value),
    }
}

fn result(shown: &Shown) -> ResultJson<'_> {
    ResultJson {
        type_code: &shown.type_code,
        label: label(&shown.label),
        agency: AgencyJson {
            code: &shown.agency_code,
            name: label(&shown.agency),
        },
        number: &shown.number,
        issue_date: iso_date(shown.issue_date),
        valid_from: iso_date(shown.valid_from),
        valid_to: shown.valid_to.map(iso_date),
        fields: shown.fields.iter().map(field).collect(),
        change: shown.change.as_ref().map(|change| ChangeJson {
            kind: change.kind.name(),
            at: change.at.rfc3339(),
            reason: change.reason.as_deref(),
            decision: &change.decision,
            authority: &change.authority,
            until: change.until.map(iso_date),
        }),
        errata: shown.errata.iter().map(notice).collect(),
        predecessor: shown.predecessor.map(|id| id.to_string()),
        successor: shown.successor.map(|id| id.to_string()),
    }
}

fn notice(notice: &Notice) -> NoticeJson<'_> {
    NoticeJson {
        at: notice.at.rfc3339(),
        reason: &notice.reason,
        decision: &notice.decision,
        authority: &notice.authority,
    }
}
