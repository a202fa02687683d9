//! What a verification answers: the report, and what may be shown of the result.

use crate::catalogue::{ChangeKind, FieldKind, Label, Matched};
use crate::clock::{UnixTime, iso_date};
use crate::id::ResultId;
use crate::report::{Answer, Outcome, Report, Verdict};
use serde_json::{Value as Json, json};
use time::Date;

/// The answer to one question about a code or a document.
#[derive(Clone, Debug, PartialEq)]
pub struct Answered {
    /// What was checked and how it went.
    pub report: Report,
    /// What the checks add up to.
    pub verdict: Verdict,
    /// The look-up code, where one could be read.
    pub id: Option<ResultId>,
    /// What the register or a verified credential says of the result.
    pub shown: Option<Shown>,
    /// What a code that could not be confirmed says of itself. Nobody vouches for it.
    pub claimed: Vec<ShownField>,
}

/// A result as somebody may see it.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Shown {
    /// Code of the type.
    pub type_code: String,
    /// What it is called.
    pub label: Label,
    /// What it is called more precisely, where the type says so.
    pub title: Option<String>,
    /// Code of the agency.
    pub agency_code: String,
    /// Name of the agency.
    pub agency: Label,
    /// Where to call.
    pub phone: Option<String>,
    /// The number.
    pub number: String,
    /// Local day of issue.
    pub issue_date: Date,
    /// First day in force.
    pub valid_from: Date,
    /// Last day in force, itself included.
    pub valid_to: Option<Date>,
    /// Its fields in display order.
    pub fields: Vec<ShownField>,
    /// The status change in effect.
    pub change: Option<Change>,
    /// Notices about faults of form (đính chính), the oldest first.
    pub errata: Vec<Notice>,
    /// The result whose place it took.
    pub predecessor: Option<ResultId>,
    /// The result that took its place.
    pub successor: Option<ResultId>,
}

/// One field as somebody may see it.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct ShownField {
    /// Its name in data.
    pub name: String,
    /// Its kind.
    pub kind: FieldKind,
    /// What it is called.
    pub label: Label,
    /// Its value in both languages; items of lists are parted by line feeds.
    pub value: Label,
    /// What is compared with it.
    pub matched: Option<Matched>,
}

/// A status change in effect.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Change {
    /// What was decided.
    pub kind: ChangeKind,
    /// Since when.
    pub at: UnixTime,
    /// Why; kept from the public once the result is cancelled (NĐ 45/2020 Đ15.2).
    pub reason: Option<String>,
    /// Number of the decision.
    pub decision: String,
    /// Who decided.
    pub authority: String,
    /// Last day of a suspension.
    pub until: Option<Date>,
}

/// A notice attached to a result that stays as it stands.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Notice {
    /// Since when.
    pub at: UnixTime,
    /// What is corrected.
    pub reason: String,
    /// Number of the letter.
    pub decision: String,
    /// Who corrects.
    pub authority: String,
}

impl Answered {
    /// The JSON of the API, the command line and the record of a check (`Answer` in openapi.yaml).
    #[must_use]
    pub fn to_json(&self) -> Json {
        let report = &self.report;
        let mut status = outcome(report.answer(Answer::Status));
        status["state"] = json!(report.state().map(crate::report::State::code));
        status["as_of"] = json!(report.as_of().map(UnixTime::rfc3339));
        let checks: Vec<Json> = report
            .checks()
            .iter()
            .map(|(kind, how)| {
                let mut check = outcome(*how);
                check["check"] = json!(kind.code());
                check
            })
            .collect();
        let claimed: Vec<Json> = self.claimed.iter().map(field).collect();
        json!({
            "id": self.id.map(|id| id.to_string()),
            "verdict": self.verdict.name(),
            "signature": outcome(report.answer(Answer::Signature)),
            "status": status,
            "match": outcome(report.answer(Answer::Match)),
            "checks": checks,
            "result": self.shown.as_ref().map(result),
            "claimed": (!claimed.is_empty()).then_some(claimed),
        })
    }
}

fn outcome(outcome: Outcome) -> Json {
    json!({"outcome": outcome.name(), "reason": outcome.reason()})
}

fn label(label: &Label) -> Json {
    json!({"vi": label.vi, "en": label.en})
}

fn field(field: &ShownField) -> Json {
    json!({"name": field.name, "label": label(&field.label), "value": label(&field.value)})
}

fn result(shown: &Shown) -> Json {
    json!({
        "type": shown.type_code,
        "label": label(&shown.label),
        "agency": {"code": shown.agency_code, "name": label(&shown.agency)},
        "number": shown.number,
        "issue_date": iso_date(shown.issue_date),
        "valid_from": iso_date(shown.valid_from),
        "valid_to": shown.valid_to.map(iso_date),
        "fields": shown.fields.iter().map(field).collect::<Vec<_>>(),
        "change": shown.change.as_ref().map(|change| json!({
            "kind": change.kind.name(),
            "at": change.at.rfc3339(),
            "reason": change.reason,
            "decision": change.decision,
            "authority": change.authority,
            "until": change.until.map(iso_date),
        })),
        "errata": shown.errata.iter().map(|notice| json!({
            "at": notice.at.rfc3339(),
            "reason": notice.reason,
            "decision": notice.decision,
            "authority": notice.authority,
        })).collect::<Vec<_>>(),
        "predecessor": shown.predecessor.map(|id| id.to_string()),
        "successor": shown.successor.map(|id| id.to_string()),
    })
}
