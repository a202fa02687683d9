//! What the register knows of a result: its standing at a moment, and what of it somebody may see.

use super::answer::{Change, Shown, ShownField};
use crate::catalogue::{
    Catalogue, Field, Label, Language, ResultData, Value, Visibility, masked, shown,
};
use crate::clock::UnixTime;
use crate::report::{CheckKind, Outcome, Reason, Report, Skip, State};
use crate::store::{Agency, Standing, StatusChange, StoredResult};
use std::sync::Arc;

/// Who looks.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Viewer {
    /// Anybody with the look-up code.
    Public,
    /// An inspector, or the issuing agency.
    Inspector,
}

/// A result of the register with all that belongs to it.
#[derive(Clone, Debug)]
pub struct Known {
    /// The result.
    pub stored: StoredResult,
    /// Its data.
    pub data: ResultData,
    /// Who issued it.
    pub agency: Agency,
    /// What was decided about it, the oldest first.
    pub changes: Vec<StatusChange>,
}

/// The stored data cannot be read any more: the type is gone from the catalogue, or has changed.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[error("the stored data does not fit the catalogue any more")]
pub struct Unreadable;

/// The data of a stored result.
///
/// # Errors
/// [`Unreadable`].
pub(super) fn data_of(
    catalogue: &Catalogue,
    stored: &StoredResult,
) -> Result<ResultData, Unreadable> {
    let known = catalogue
        .by_code(&stored.issued.result_type)
        .ok_or(Unreadable)?;
    let data = serde_json::from_str(stored.issued.data.expose()).map_err(|_| Unreadable)?;
    Arc::clone(known)
        .read(&data, stored.issued.issue_date)
        .map_err(|_| Unreadable)
}

/// Writes validity, hours and status of a result at a moment into a report, by what the register knows
/// at that very moment.
pub(super) fn judge(report: &mut Report, known: &Known, at: UnixTime) {
    let data = &known.data;
    let validity = if at < UnixTime::start_of(data.valid_from()) {
        Outcome::Fail(Reason::NotYetEffective)
    } else if data
        .valid_to()
        .is_some_and(|day| at > UnixTime::end_of(day))
    {
        Outcome::Fail(Reason::Expired)
    } else {
        Outcome::Pass
    };
    let hours = if is_inside_hours(data, at) {
        Outcome::Pass
    } else {
        Outcome::Fail(Reason::OutsideHours)
    };
    let standing = known.stored.standing_at(at);
    let status = match standing {
        Standing::Valid => Outcome::Pass,
        Standing::Suspended => Outcome::Fail(Reason::Suspended),
        Standing::Revoked => Outcome::Fail(Reason::Revoked),
        Standing::Cancelled => Outcome::Fail(Reason::Cancelled),
        Standing::Superseded => Outcome::Fail(Reason::Superseded),
        Standing::Surrendered => Outcome::Fail(Reason::Surrendered),
    };
    let state = standing.state().unwrap_or(match (validity, hours) {
        (Outcome::Fail(Reason::NotYetEffective), _) => State::NotYetEffective,
        (Outcome::Fail(_), _) => State::Expired,
        (_, Outcome::Fail(_)) => State::OutsideHours,
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
    let result_type = known.data.result_type();
    let title = result_type
        .title_field
        .as_deref()
        .and_then(|name| known.data.text(name));
    let fields = known
        .data
        .fields()
        .filter(|(field, _)| viewer == Viewer::Inspector || field.visibility == Visibility::Public)
        .map(|(field, value)| show_field(field, value, viewer))
        .collect();
    let standing = known.stored.standing_at(at);
    let in_effect = (standing != Standing::Valid)
        .then(|| known.changes.last())
        .flatten();
    Shown {
        type_code: result_type.code.clone(),
        label: result_type.label.clone(),
        title: title.map(str::to_owned),
        agency_code: known.agency.code.clone(),
        agency: Label {
            vi: known.agency.name_vi.clone(),
            en: known.agency.name_en.clone(),
        },
        phone: known.agency.phone.clone(),
        number: known.stored.issued.number_text.clone(),
        issue_date: known.data.issue_date(),
        valid_from: known.data.valid_from(),
        valid_to: known.data.valid_to(),
        fields,
        change: in_effect.map(|change| Change {
            at: change.effective_at,
            reason: change.reason.clone(),
            decision: change.decision.clone(),
            authority: change.authority.clone(),
            until: change.until,
            successor: change.successor,
        }),
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
