//! What a phone camera opens: the register's word on one result.

use super::answers::{self, Row, Status, Subject, Tone};
use super::words::{AnswerWords, day, fill, moment, other, words};
use super::{Frame, Shown, Tagged, Visit, assets, html};
use crate::catalogue::{FieldKind, Label, Language};
use crate::clock::UnixTime;
use crate::digest::{Sha256, hex};
use crate::id::ResultId;
use crate::key::PublicKey;
use crate::report::State;
use askama::Template;
use base64::prelude::{BASE64_URL_SAFE_NO_PAD, Engine as _};
use serde_json::json;
use time::Date;

/// `GET /{id}` of a result in the register.
#[derive(Clone, Debug)]
pub struct Landing {
    /// The look-up code.
    pub id: ResultId,
    /// Who issued it.
    pub agency: Label,
    /// What it is: the type's label, or the more precise title of the result.
    pub document: Label,
    /// Its number, for the title of the page.
    pub number: Option<Shown>,
    /// Answer 2.
    pub status: Status,
    /// Answer 3.
    pub subject: Subject,
    /// The public fields in display order, masked where the type says so. A cancelled result shows none,
    /// whatever is given here (NĐ 45/2020 Đ15.2).
    pub facts: Vec<Fact>,
    /// Notices about faults of form, the oldest first.
    pub errata: Vec<Erratum>,
    /// The result whose place it took.
    pub predecessor: Option<ResultId>,
    /// Telephone number of the agency, as it is written.
    pub telephone: Option<Shown>,
    /// What the page's script needs for answer 1; without it the script stays out.
    pub check: Option<CodeCheck>,
}

/// A notice attached to a result that stays as it stands (đính chính).
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Erratum {
    /// When it was given.
    pub at: Date,
    /// What is corrected.
    pub reason: Shown,
    /// Number of the letter.
    pub decision: Shown,
    /// Who corrects.
    pub authority: Shown,
}

/// One line of content.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Fact {
    /// What it is called, in the language of the page.
    pub label: Shown,
    /// Its value, in the language of the page where it has one; line feeds are kept.
    pub value: Shown,
    /// How it is set.
    pub kind: FactKind,
}

/// How a value is set.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum FactKind {
    /// Vietnamese words.
    Words,
    /// Dates, numbers, plates: figures of one width.
    Figures,
}

impl From<FieldKind> for FactKind {
    fn from(kind: FieldKind) -> Self {
        match kind {
            FieldKind::Text | FieldKind::Texts => Self::Words,
            FieldKind::Date
            | FieldKind::Plate
            | FieldKind::Plates
            | FieldKind::TaxCode
            | FieldKind::PersonalId
            | FieldKind::Money
            | FieldKind::Count
            | FieldKind::Decimal
            | FieldKind::TimeWindows => Self::Figures,
        }
    }
}

/// What the script compares the code with.
#[derive(Clone, Debug)]
pub struct CodeCheck {
    /// The credential keys of the agency, also expired ones.
    pub keys: Vec<CheckKey>,
    /// SHA-256 of the credential in the register: the bytes that the digits of its QR stand for, version byte
    /// included.
    pub credential: Sha256,
}

/// A key that may have signed the credential. Only ES256 keys get into the page.
#[derive(Clone, Debug)]
pub struct CheckKey {
    /// The key.
    pub key: PublicKey,
    /// The issuer code that credentials of this key carry.
    pub issuer: String,
    /// First second in which it may sign.
    pub not_before: UnixTime,
    /// Last second in which it may sign.
    pub not_after: UnixTime,
    /// Numbers of the result types that it may sign.
    pub types: Vec<u32>,
}

#[derive(Template)]
#[template(path = "landing.html")]
struct Page<'a> {
    frame: Frame<'a>,
    agency: Tagged,
    document: Tagged,
    rows: [Row; 3],
    errata: Vec<String>,
    predecessor: Option<ResultId>,
    facts: Vec<FactRow>,
    code: String,
    telephone: Option<&'a Shown>,
    /// `0000000000` of `0000 000 000`.
    dialled: String,
    call: String,
    contact: String,
    printed: String,
    check: Option<Check>,
}

/// A fact with the language of its value.
pub(super) struct FactRow {
    pub(super) label: Shown,
    pub(super) value: Tagged,
    pub(super) figures: bool,
}

/// What the script finds in the page.
struct Check {
    /// JSON that cannot close its element.
    data: String,
    /// The icons that answer 1 may need, by tone.
    icons: [(&'static str, &'static str); 3],
}

impl Landing {
    /// The page.
    #[must_use]
    pub fn render(&self, visit: Visit<'_>) -> String {
        let own = words(visit.language);
        let cancelled = self.status.state == State::Cancelled;
        let agency = Tagged::new(&self.agency, visit.language);
        let document = Tagged::new(&self.document, visit.language);
        let number = self.number.as_ref().map_or("", Shown::as_str);
        let state = &own.state(self.status.state).title;
        let title = format!("{} {number} – {state}", document.text);
        let named = [("agency", agency.text.as_str())];
        html(&Page {
            rows: [
                answers::unchecked(visit),
                answers::status(&self.status, visit),
                if cancelled {
                    answers::withheld(visit)
                } else {
                    answers::prompt(&self.subject, visit)
                },
            ],
            facts: if cancelled {
                Vec::new()
            } else {
                fact_rows(&self.facts, visit.language)
            },
            errata: self
                .errata
                .iter()
                .map(|one| one.sentence(visit.language))
                .collect(),
            predecessor: self.predecessor,
            code: self.id.grouped(),
            telephone: self.telephone.as_ref(),
            dialled: self.telephone.as_ref().map(dialled).unwrap_or_default(),
            call: fill(&own.landing.help_call, &named),
            contact: fill(&own.landing.help_contact, &named),
            printed: fill(
                &own.frame.printed,
                &[
                    ("code", &self.id.grouped()),
                    ("time", &moment(visit.now, visit.language)),
                ],
            ),
            check: self
                .check
                .as_ref()
                .map(|check| self.script_data(check, &agency, visit)),
            frame: Frame::new(visit, title.replace("  ", " ")),
            agency,
            document,
        })
    }

    fn script_data(&self, check: &CodeCheck, agency: &Tagged, visit: Visit<'_>) -> Check {
        let data = json!({
            "id": self.id.to_string(),
            "at": visit.now.seconds(),
            "keys": check.keys.iter().filter_map(key_data).collect::<Vec<_>>(),
            "credential_sha256": check.credential.hex(),
            "messages": messages(agency.text.as_str(), visit),
        });
        Check {
            // In JSON a "<" stands in strings only, where its escape means the same.
            data: data.to_string().replace('<', "\\u003c"),
            icons: [
                (Tone::Ok.name(), assets::icon("ok")),
                (Tone::Stop.name(), assets::icon("invalid")),
                (Tone::Open.name(), assets::icon("not-checked")),
            ],
        }
    }
}

impl Erratum {
    /// "Ngày 10/11/2026, theo văn bản số 0300/SXD-VT của Sở Xây dựng Mẫu: …"
    fn sentence(&self, language: Language) -> String {
        let named = [
            ("date", day(self.at, language)),
            ("decision", self.decision.to_string()),
            ("authority", self.authority.to_string()),
            ("reason", self.reason.to_string()),
        ];
        let named = named
            .each_ref()
            .map(|(name, value)| (*name, value.as_str()));
        fill(&words(language).landing.erratum, &named)
    }
}

impl Fact {
    /// From which to which day a result is valid; both days are inside.
    #[must_use]
    pub fn validity(from: Date, to: Option<Date>, language: Language) -> Self {
        let own = &words(language).landing;
        let (sentence, to) = match to {
            Some(to) => (&own.validity_span, day(to, language)),
            None => (&own.validity_open, String::new()),
        };
        let value = fill(sentence, &[("from", &day(from, language)), ("to", &to)]);
        Self {
            label: own.validity.as_str().into(),
            value: value.into(),
            kind: FactKind::Figures,
        }
    }
}

pub(super) fn fact_rows(facts: &[Fact], language: Language) -> Vec<FactRow> {
    facts
        .iter()
        .filter(|fact| !fact.value.is_empty())
        .map(|fact| FactRow {
            label: fact.label.clone(),
            value: match fact.kind {
                FactKind::Words => Tagged::vietnamese(fact.value.clone(), language),
                FactKind::Figures => Tagged {
                    text: fact.value.clone(),
                    lang: None,
                },
            },
            figures: fact.kind == FactKind::Figures,
        })
        .collect()
}

/// A key as the script reads it; `None` for a key that no credential is signed with.
fn key_data(key: &CheckKey) -> Option<serde_json::Value> {
    let point = key.key.bits();
    // SEC 1 §2.3.3: an uncompressed point is 04, x and y.
    let (x, y) = match point {
        [4, rest @ ..] if rest.len() == 64 => rest.split_at(32),
        _ => return None,
    };
    Some(json!({
        "kid": hex(&key.key.kid()),
        "x": BASE64_URL_SAFE_NO_PAD.encode(x),
        "y": BASE64_URL_SAFE_NO_PAD.encode(y),
        "iss": key.issuer,
        "nbf": key.not_before.seconds(),
        "exp": key.not_after.seconds(),
        "types": key.types,
    }))
}

/// What the script says, by what it found out.
fn messages(agency: &str, visit: Visit<'_>) -> serde_json::Value {
    let own = &words(visit.language).code;
    let elsewhere = &words(other(visit.language)).code;
    let message = |said: &AnswerWords, line: &AnswerWords| {
        let text = fill(&said.text, &[("agency", agency)]);
        json!({ "answer": said.answer, "text": text, "line": line.line })
    };
    json!({
        "valid": message(&own.valid, &elsewhere.valid),
        "invalid": message(&own.invalid, &elsewhere.invalid),
        "differs": message(&own.differs, &elsewhere.differs),
        "unreadable": message(&own.unreadable, &elsewhere.unreadable),
        "version": message(&own.version, &elsewhere.version),
        "issuer": message(&own.issuer, &elsewhere.issuer),
    })
}

/// The digits of a telephone number, with a leading plus.
fn dialled(number: &Shown) -> String {
    number
        .as_str()
        .chars()
        .enumerate()
        .filter(|(at, c)| c.is_ascii_digit() || *at == 0 && *c == '+')
        .map(|(_, c)| c)
        .collect()
}
