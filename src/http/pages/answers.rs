//! The three answers as rows of a page: words, then icon, then colour (docs: look and words).

use super::words::{AnswerWords, Words, day, fill, moment, other, words};
use super::{Shown, Visit, assets};
use crate::catalogue::{ChangeKind, Language};
use crate::clock::UnixTime;
use crate::id::ResultId;
use crate::report::{Answer, CheckKind, Outcome, Reason, Report, Skip, State};
use time::Date;

/// What is known about the status of a result.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Status {
    /// What it is.
    pub state: State,
    /// Where that knowledge comes from.
    pub knowledge: Knowledge,
    /// Since when, until when, by whom, why.
    pub detail: StatusDetail,
}

/// Where the knowledge of a status comes from, and how old it is.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Knowledge {
    /// The register itself, asked at this moment.
    Register(UnixTime),
    /// A signed status list, issued at this moment.
    List(UnixTime),
    /// Nowhere.
    None,
}

/// Dates and decision behind a status; what is not known stays empty.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct StatusDetail {
    /// First day in force.
    pub valid_from: Option<Date>,
    /// Last day in force.
    pub valid_to: Option<Date>,
    /// Since when it is suspended, revoked, cancelled, replaced or surrendered.
    pub since: Option<Date>,
    /// Last day of the suspension.
    pub until: Option<Date>,
    /// Number of the decision, `0213/QĐ-SXD`.
    pub decision: Option<Shown>,
    /// Who decided.
    pub authority: Option<Shown>,
    /// Why; not shown for a cancelled result (NĐ 45/2020 Đ15.2).
    pub reason: Option<Shown>,
    /// What kind of decision is in effect.
    pub kind: Option<ChangeKind>,
    /// The result that took its place.
    pub successor: Option<ResultId>,
    /// The permitted hours, a line each.
    pub hours: Option<Shown>,
}

/// What the reader compares with what stands in front of him.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Subject {
    /// One or more plates.
    Plates(Vec<Shown>),
    /// A person's name, masked where the type says so.
    Person(Shown),
    /// The name of a business.
    Organisation(Shown),
    /// An address or parcel.
    Site(Shown),
    /// Everything: no single thing stands out.
    Content,
    /// There is nothing on the page to compare with.
    Nothing,
}

/// Colour and shape class of an answer; the words say the same.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Tone {
    Ok,
    Wait,
    Ended,
    Stop,
    Open,
}

impl Tone {
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Wait => "wait",
            Self::Ended => "ended",
            Self::Stop => "stop",
            Self::Open => "open",
        }
    }
}

/// One answer, ready for the template.
pub(super) struct Row {
    pub(super) tone: Tone,
    pub(super) icon: &'static str,
    /// Whether this open answer keeps the verdict from valid (dashed edge).
    pub(super) holds: bool,
    pub(super) question: &'static str,
    pub(super) answer: String,
    /// What to compare, in a frame.
    pub(super) framed: Vec<Shown>,
    /// `plate` or `plate name`.
    pub(super) frame_class: &'static str,
    pub(super) details: Vec<String>,
    pub(super) successor: Option<ResultId>,
    /// The answer in one line of the other language.
    pub(super) line: String,
}

impl Row {
    fn new(tone: Tone, icon: &str, question: &'static str) -> Self {
        Self {
            tone,
            icon: assets::icon(icon),
            holds: false,
            question,
            answer: String::new(),
            framed: Vec::new(),
            frame_class: "plate",
            details: Vec::new(),
            successor: None,
            line: String::new(),
        }
    }

    /// Says what `pick` picks, with the line of the other language.
    fn saying(
        mut self,
        language: Language,
        pick: impl Fn(&'static Words) -> &'static AnswerWords,
    ) -> Self {
        let own = pick(words(language));
        self.answer.clone_from(&own.answer);
        self.details.push(own.text.clone());
        self.line.clone_from(&pick(words(other(language))).line);
        self
    }
}

/// Answer 1 of a page that never saw the code.
pub(super) fn unchecked(visit: Visit<'_>) -> Row {
    let question = &words(visit.language).questions.signature;
    Row::new(Tone::Open, "not-checked", question)
        .saying(visit.language, |words| &words.code.unchecked)
}

/// Answer 1 of a check that was performed here, with the reason of every check that did not pass.
pub(super) fn signature(report: &Report, visit: Visit<'_>) -> Row {
    let own = words(visit.language);
    let question = &own.questions.signature;
    let answer = report.answer(Answer::Signature);
    let mut row = match answer {
        Outcome::Pass => {
            Row::new(Tone::Ok, "ok", question).saying(visit.language, |w| &w.signature.pass)
        }
        Outcome::Fail(reason) if is_unreadable(reason) => Row::new(Tone::Stop, "invalid", question)
            .saying(visit.language, |w| &w.signature.unreadable),
        Outcome::Fail(_) => {
            Row::new(Tone::Stop, "invalid", question).saying(visit.language, |w| &w.signature.fail)
        }
        Outcome::Undetermined(reason) if is_unreadable(reason) => {
            Row::new(Tone::Open, "not-checked", question)
                .saying(visit.language, |w| &w.signature.unreadable)
        }
        Outcome::Undetermined(_) => Row::new(Tone::Open, "not-checked", question)
            .saying(visit.language, |w| &w.signature.undetermined),
        Outcome::NotPerformed(_) => Row::new(Tone::Open, "not-checked", question)
            .saying(visit.language, |w| &w.signature.not_performed),
    };
    let reasons = report
        .checks()
        .iter()
        .filter(|(kind, _)| kind.answer() == Answer::Signature)
        .filter(|(_, outcome)| {
            !matches!(
                outcome,
                Outcome::NotPerformed(Skip::EarlierFailure | Skip::NothingToCheck)
            )
        })
        .filter_map(|(_, outcome)| own.why(*outcome));
    for reason in reasons {
        // The reason first: it says what happened, the general sentence what it means.
        if !row.details.iter().any(|known| known == reason) {
            row.details.insert(row.details.len() - 1, reason.to_owned());
        }
    }
    row
}

/// Whether the reason means that there was nothing to judge. A code of a newer version can be read, only
/// not here.
fn is_unreadable(reason: Reason) -> bool {
    reason.code().starts_with("code/") && reason != Reason::CodeUnknownVersion
}

/// Answer 2.
pub(super) fn status(status: &Status, visit: Visit<'_>) -> Row {
    let own = words(visit.language);
    let state = status.state;
    let detail = &status.detail;
    let (tone, icon) = tone_and_icon(state);
    let mut row = Row::new(tone, icon, &own.questions.status);
    row.holds = state == State::Undecided;

    let said = own.state(state);
    let elsewhere = words(other(visit.language)).state(state);
    let date = telling_date(state, detail);
    row.answer = match (&said.answer_dated, date) {
        (Some(dated), Some(date)) => fill(dated, &[("date", &day(date, visit.language))]),
        _ => said.answer.clone(),
    };
    row.line = match date {
        Some(date) => fill(
            &elsewhere.line_dated,
            &[("date", &day(date, other(visit.language)))],
        ),
        None => elsewhere.line.clone(),
    };
    row.details = status_details(status, visit);
    row.successor = detail.successor.filter(|_| state == State::Superseded);
    row
}

/// Answer 2 of a check, from its report.
pub(super) fn checked_status(report: &Report, detail: &StatusDetail, visit: Visit<'_>) -> Row {
    let own = words(visit.language);
    let failed = matches!(report.answer(Answer::Signature), Outcome::Fail(_));
    match report.state() {
        // Nobody vouches for where the status would have to be looked up.
        _ if failed
            && report.outcome(CheckKind::Register)
                != Some(Outcome::Fail(Reason::RegisterUnknown)) =>
        {
            let elsewhere = &words(other(visit.language)).status;
            let mut row = Row::new(Tone::Open, "not-checked", &own.questions.status);
            row.answer.clone_from(&own.status.not_looked_up);
            row.details.push(own.status.not_looked_up_text.clone());
            row.line.clone_from(&elsewhere.not_looked_up_line);
            row
        }
        Some(state) => {
            let from_register = report.outcome(CheckKind::Register) == Some(Outcome::Pass);
            let knowledge = match report.as_of() {
                Some(at) if from_register => Knowledge::Register(at),
                Some(at) => Knowledge::List(at),
                None => Knowledge::None,
            };
            let detail = detail.clone();
            status(
                &Status {
                    state,
                    knowledge,
                    detail,
                },
                visit,
            )
        }
        None => {
            let elsewhere = &words(other(visit.language)).status;
            let mut row = Row::new(Tone::Open, "not-checked", &own.questions.status);
            row.answer.clone_from(&own.status.not_checked);
            row.details.push(own.status.not_checked_text.clone());
            row.line.clone_from(&elsewhere.not_checked_line);
            row
        }
    }
}

/// Answer 3: never given by a page, always asked.
pub(super) fn prompt(subject: &Subject, visit: Visit<'_>) -> Row {
    let question = &words(visit.language).questions.r#match;
    let row = Row::new(Tone::Open, "not-seen", question);
    let language = visit.language;
    let (mut row, framed) = match subject {
        Subject::Plates(plates) if plates.len() == 1 => {
            (row.saying(language, |w| &w.r#match.plate), plates.clone())
        }
        Subject::Plates(plates) => (row.saying(language, |w| &w.r#match.plates), plates.clone()),
        Subject::Person(name) => (
            row.saying(language, |w| &w.r#match.person),
            vec![name.clone()],
        ),
        Subject::Organisation(name) => (
            row.saying(language, |w| &w.r#match.organisation),
            vec![name.clone()],
        ),
        Subject::Site(place) => (
            row.saying(language, |w| &w.r#match.site),
            vec![place.clone()],
        ),
        Subject::Content => (row.saying(language, |w| &w.r#match.content), Vec::new()),
        Subject::Nothing => (row.saying(language, |w| &w.r#match.nothing), Vec::new()),
    };
    row.framed = framed;
    if !matches!(subject, Subject::Plates(_)) {
        row.frame_class = "plate name";
    }
    row
}

/// Answer 3 of a cancelled result, whose content the public does not see (NĐ 45/2020 Đ15.2).
pub(super) fn withheld(visit: Visit<'_>) -> Row {
    let question = &words(visit.language).questions.r#match;
    Row::new(Tone::Open, "not-seen", question)
        .saying(visit.language, |words| &words.r#match.withheld)
}

fn tone_and_icon(state: State) -> (Tone, &'static str) {
    match state {
        State::InForce => (Tone::Ok, "ok"),
        State::OutsideHours => (Tone::Wait, "outside-hours"),
        State::NotYetEffective => (Tone::Wait, "not-yet"),
        State::Suspended => (Tone::Wait, "suspended"),
        State::Expired => (Tone::Ended, "expired"),
        State::Superseded => (Tone::Ended, "superseded"),
        State::Surrendered => (Tone::Ended, "surrendered"),
        State::Revoked => (Tone::Stop, "revoked"),
        State::Cancelled => (Tone::Stop, "cancelled"),
        State::Unknown => (Tone::Open, "unknown"),
        State::Undecided => (Tone::Open, "stale"),
    }
}

/// The date that belongs into the one line of a state.
fn telling_date(state: State, detail: &StatusDetail) -> Option<Date> {
    match state {
        State::InForce | State::OutsideHours | State::Expired => detail.valid_to,
        State::NotYetEffective => detail.valid_from,
        State::Suspended => detail.until,
        State::Revoked | State::Cancelled | State::Superseded | State::Surrendered => detail.since,
        State::Unknown | State::Undecided => None,
    }
}

fn status_details(status: &Status, visit: Visit<'_>) -> Vec<String> {
    let own = &words(visit.language).status;
    let detail = &status.detail;
    let dated =
        |sentence: &str, date: Date| fill(sentence, &[("date", &day(date, visit.language))]);
    let through = || {
        detail
            .valid_to
            .map_or_else(|| own.unlimited.clone(), |date| dated(&own.through, date))
    };
    let hours = || {
        detail
            .hours
            .as_ref()
            .map(|hours| fill(&own.hours, &[("hours", hours.as_str())]))
    };

    let mut lines = Vec::new();
    match status.state {
        State::InForce => {
            lines.push(through());
            lines.extend(hours());
        }
        State::OutsideHours => {
            lines.extend(hours());
            lines.push(through());
        }
        State::NotYetEffective => {
            lines.extend(detail.valid_from.map(|date| dated(&own.starts, date)));
            lines.push(through());
        }
        State::Expired => lines.extend(detail.valid_to.map(|date| dated(&own.ended, date))),
        State::Suspended => {
            lines.extend(decided(detail, visit.language));
            lines.push(match detail.until {
                Some(date) => dated(&own.suspended_until, date),
                None => own.suspended_open.clone(),
            });
        }
        State::Revoked | State::Cancelled | State::Superseded | State::Surrendered => {
            lines.extend(decided(detail, visit.language));
            if detail.kind == Some(ChangeKind::Recall) && status.state == State::Revoked {
                lines.push(own.recalled.clone());
            }
            // The list says that there is a successor, only the register which.
            if status.state == State::Superseded && detail.successor.is_none() {
                lines.push(own.superseded_online.clone());
            }
        }
        State::Unknown => lines.push(own.unknown.clone()),
        State::Undecided => lines.push(undecided(status.knowledge, visit)),
    }
    let withheld = status.state == State::Cancelled;
    let acted = matches!(
        status.state,
        State::Suspended | State::Revoked | State::Superseded | State::Surrendered
    );
    if let Some(reason) = detail.reason.as_ref().filter(|_| acted && !withheld) {
        let ended = if reason.as_str().ends_with(['.', '…']) {
            ""
        } else {
            "."
        };
        let reason = fill(&own.reason, &[("reason", reason.as_str())]);
        lines.push(format!("{reason}{ended}"));
    }
    lines.extend(match status.knowledge {
        Knowledge::Register(at) => Some(fill(
            &own.register,
            &[("time", &moment(at, visit.language))],
        )),
        Knowledge::List(at) => Some(fill(&own.list, &[("time", &moment(at, visit.language))])),
        Knowledge::None => None,
    });
    lines
}

/// "Từ ngày 10/11/2026, theo Quyết định số 0213/QĐ-SXD của Sở Xây dựng Mẫu."
fn decided(detail: &StatusDetail, language: Language) -> Option<String> {
    let own = &words(language).status;
    let date = detail.since.map(|date| day(date, language));
    let decision = detail.decision.as_ref().map(Shown::as_str);
    let authority = detail.authority.as_ref().map(Shown::as_str);
    let sentence = match (&date, decision, authority) {
        (Some(_), Some(_), Some(_)) => &own.since_decision,
        (Some(_), Some(_), None) => &own.since_decision_only,
        (Some(_), None, _) => &own.since,
        (None, Some(_), Some(_)) => &own.decision,
        (None, Some(_), None) => &own.decision_only,
        (None, None, _) => return None,
    };
    Some(fill(
        sentence,
        &[
            ("date", date.as_deref().unwrap_or_default()),
            ("decision", decision.unwrap_or_default()),
            ("authority", authority.unwrap_or_default()),
        ],
    ))
}

/// Up to 48 hours an age is told in hours, then in days.
fn undecided(knowledge: Knowledge, visit: Visit<'_>) -> String {
    let own = &words(visit.language).status;
    match knowledge {
        Knowledge::None => own.undecided.clone(),
        Knowledge::Register(_) => own.type_unknown.clone(),
        Knowledge::List(at) => {
            let hours = visit.now.since(at).max(0) / 3_600;
            let (sentence, count) = if hours <= 48 {
                (&own.undecided_hours, hours)
            } else {
                (&own.undecided_days, hours / 24)
            };
            fill(sentence, &[("count", &count.to_string())])
        }
    }
}
