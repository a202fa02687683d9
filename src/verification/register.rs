//! What the register knows of a result: its standing at a moment, and what of it somebody may see.

use super::answer::{Change, Notice, Shown, ShownField};
use crate::catalogue::{
    Catalogue, ChangeKind, Field, Label, Language, ResultData, Value, Visibility, masked, shown,
};
use crate::clock::UnixTime;
use crate::report::{CheckKind, Outcome, Reason, Report, Skip, State};
use crate::store::{Entry, Standing, StoredResult};
use std::sync::Arc;

/// Who looks.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Viewer {
    /// Anybody with the look-up code.
    Public,
    /// An inspector, or the issuing agency.
    Inspector,
}

/// A result of the register with all that belongs to it. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Known {
    /// What the register has.
    pub entry: Entry,
    /// Its data, as far as the catalogue still has its type.
    pub data: Option<Arc<ResultData>>,
}

impl Known {
    /// The result.
    #[must_use]
    pub fn stored(&self) -> &StoredResult {
        &self.entry.decided.result
    }
}

/// The data of a stored result; `None` when the type is gone from the catalogue, or has changed so that the
/// data do not fit it. What such a result says cannot be shown then, nor its hours; how it stands can.
pub(super) fn data_of(catalogue: &Catalogue, stored: &StoredResult) -> Option<ResultData> {
    let known = catalogue.by_code(&stored.issued.result_type)?;
    let data = serde_json::from_str(stored.issued.data.expose()).ok()?;
    Arc::clone(known).read(&data, stored.issued.issue_date).ok()
}

/// Writes validity, hours and status of a result at a moment into a report, by what the register knows
/// at that very moment.
pub(super) fn judge(report: &mut Report, known: &Known, at: UnixTime) {
    let issued = &known.stored().issued;
    let validity = if at < UnixTime::start_of(issued.valid_from) {
        Outcome::Fail(Reason::NotYetEffective)
    } else if issued
        .valid_to
        .is_some_and(|day| at > UnixTime::end_of(day))
    {
        Outcome::Fail(Reason::Expired)
    } else {
        Outcome::Pass
    };
    let hours = match &known.data {
        Some(data) if is_inside_hours(data, at) => Outcome::Pass,
        Some(_) => Outcome::Fail(Reason::OutsideHours),
        None => Outcome::NotPerformed(Skip::TypeUnknown),
    };
    let standing = known.stored().standing_at(at);
    let status = match standing {
        Standing::Valid => Outcome::Pass,
        Standing::Suspended => Outcome::Fail(Reason::Suspended),
        Standing::Revoked | Standing::Recalled => Outcome::Fail(Reason::Revoked),
        Standing::Cancelled => Outcome::Fail(Reason::Cancelled),
        Standing::Superseded => Outcome::Fail(Reason::Superseded),
        Standing::Surrendered => Outcome::Fail(Reason::Surrendered),
    };
    let state = standing.state().unwrap_or(match (validity, hours) {
        (Outcome::Fail(Reason::NotYetEffective), _) => State::NotYetEffective,
        (Outcome::Fail(_), _) => State::Expired,
        (_, Outcome::Fail(_)) => State::OutsideHours,
        (_, Outcome::NotPerformed(_)) => State::Undecided,
        _ => State::InForce,
    });
    report.record(CheckKind::Validity, validity);
    report.record(CheckKind::Hours, hours);
    report.record(CheckKind::Status, status);
    report.record_state(state, Some(at));
}

/// Whether a moment lies within the hours of a result; one without hours has all of them.
fn is_inside_hours(data: &ResultData, at: UnixTime) -> bool {
    let hours = data
        .result_type()
        .hours_field
        .as_deref()
        .and_then(|name| data.value(name));
    let Some(Value::Windows(windows)) = hours else {
        return true;
    };
    let local = at.local();
    windows
        .iter()
        .any(|window| window.contains(local.weekday(), local.time()))
}

/// What the register says when it has no result of this id.
pub(super) fn judge_unknown(report: &mut Report, at: UnixTime) {
    for kind in [CheckKind::Validity, CheckKind::Hours, CheckKind::Status] {
        report.record(kind, Outcome::NotPerformed(Skip::NothingToCheck));
    }
    report.record(
        CheckKind::Register,
        Outcome::Undetermined(Reason::RegisterUnknown),
    );
    report.record_state(State::Unknown, Some(at));
}

/// What somebody may see of a result at a moment.
#[must_use]
pub(super) fn show(known: &Known, viewer: Viewer, at: UnixTime) -> Shown {
    let issued = &known.stored().issued;
    let standing = known.stored().standing_at(at);
    // Of a cancelled result the public learns that, when and by whom, and nothing else (NĐ 45/2020 Đ15.2).
    let withheld = standing == Standing::Cancelled && viewer == Viewer::Public;
    let data = known.data.as_deref();
    let open = data.filter(|_| !withheld);
    let title = open.and_then(|data| data.text(data.result_type().title_field.as_deref()?));
    let fields = open
        .into_iter()
        .flat_map(ResultData::fields)
        .filter(|(field, _)| viewer == Viewer::Inspector || field.visibility == Visibility::Public)
        .map(|(field, value)| show_field(field, value, viewer))
        .collect();
    let changes = &known.entry.decided.changes;
    let moves = changes.iter();
    let in_effect = (standing != Standing::Valid)
        .then(|| moves.rev().find(|one| one.kind != ChangeKind::Erratum))
        .flatten();
    let errata = changes
        .iter()
        .filter(|one| one.kind == ChangeKind::Erratum && !withheld);
    Shown {
        type_code: issued.result_type.clone(),
        label: data.map_or_else(any_result, |data| data.result_type().label.clone()),
        title: title.map(str::to_owned),
        agency_code: known.entry.agency.code.clone(),
        agency: Label {
            vi: known.entry.agency.name_vi.clone(),
            en: known.entry.agency.name_en.clone(),
        },
        phone: known.entry.agency.phone.clone(),
        number: issued.number_text.clone(),
        issue_date: issued.issue_date,
        valid_from: issued.valid_from,
        valid_to: issued.valid_to,
        fields,
        change: in_effect.map(|change| Change {
            kind: change.kind,
            at: change.effective_at,
            reason: (!withheld).then(|| change.reason.clone()),
            decision: change.decision.clone(),
            authority: change.authority.clone(),
            until: change.until,
        }),
        errata: errata
            .map(|change| Notice {
                at: change.effective_at,
                reason: change.reason.clone(),
                decision: change.decision.clone(),
                authority: change.authority.clone(),
            })
            .collect(),
        predecessor: issued.predecessor,
        successor: known.stored().successor,
    }
}

/// What a result is called whose type nobody knows any more.
fn any_result() -> Label {
    Label {
        vi: "Kết quả giải quyết thủ tục hành chính".to_owned(),
        en: "Result of an administrative procedure".to_owned(),
    }
}

fn show_field(field: &Field, value: &Value, viewer: Viewer) -> ShownField {
    let say = |language| match viewer {
        Viewer::Public => masked(field, value, language),
        Viewer::Inspector => shown(field, value, language),
    };
    ShownField {
        name: field.name.clone(),
        kind: field.kind,
        label: field.label.clone(),
        value: Label {
            vi: say(Language::Vi),
            en: say(Language::En),
        },
        matched: field.matched,
    }
}
