//! The words of the public pages, in Vietnamese and English.
//!
//! They live in `web/i18n/vi.json` and `en.json`. Both files fill the same closed structure, so a key that is
//! missing or left over in one of them does not load, and a template cannot name a sentence that does not
//! exist.

use crate::catalogue::Language;
use crate::clock::{UnixTime, shown_date};
use crate::report::{CheckKind, Outcome, Reason, Skip, State};
use serde::Deserialize;
use std::collections::BTreeMap;
use std::sync::LazyLock;
use time::Date;

/// The language that `?lang=` asks for: English for `en`, else Vietnamese.
#[must_use]
pub fn asked_language(lang: Option<&str>) -> Language {
    match lang {
        Some("en") => Language::En,
        _ => Language::Vi,
    }
}

/// The BCP 47 tag.
pub(super) fn tag(language: Language) -> &'static str {
    match language {
        Language::Vi => "vi",
        Language::En => "en",
    }
}

/// The language that the link at the top of a page leads to.
pub(super) fn other(language: Language) -> Language {
    match language {
        Language::Vi => Language::En,
        Language::En => Language::Vi,
    }
}

/// A day as people write it: `31/08/2028`, `31 August 2028`.
pub(super) fn day(day: Date, language: Language) -> String {
    match language {
        Language::Vi => shown_date(day),
        Language::En => format!("{} {} {}", day.day(), day.month(), day.year()),
    }
}

/// A moment on the clocks of Vietnam: `09:42, 21/11/2026`, `09:42, 21 November 2026`.
pub(super) fn moment(at: UnixTime, language: Language) -> String {
    let local = at.local();
    let day = day(local.date(), language);
    format!("{:02}:{:02}, {day}", local.hour(), local.minute())
}

/// All words of a language.
pub(super) fn words(language: Language) -> &'static Words {
    match language {
        Language::Vi => &VI,
        Language::En => &EN,
    }
}

static VI: LazyLock<Words> = LazyLock::new(|| load(VI_JSON));
static EN: LazyLock<Words> = LazyLock::new(|| load(EN_JSON));

const VI_JSON: &str = include_str!("../../../web/i18n/vi.json");
const EN_JSON: &str = include_str!("../../../web/i18n/en.json");

#[expect(
    clippy::expect_used,
    reason = "the files are part of the program and a test loads them"
)]
fn load(json: &str) -> Words {
    serde_json::from_str(json).expect("the words of the pages load")
}

/// Puts values in the place of `{name}`. The result is text, not HTML.
pub(super) fn fill(sentence: &str, values: &[(&str, &str)]) -> String {
    let mut filled = String::with_capacity(sentence.len() + 32);
    let mut rest = sentence;
    // One pass from left to right: a value that contains `{name}` itself stays as it is.
    while let Some((before, name, after)) = placeholder(rest) {
        filled.push_str(before);
        if let Some((_, value)) = values.iter().find(|(known, _)| *known == name) {
            filled.push_str(value);
        }
        rest = after;
    }
    filled.push_str(rest);
    filled
}

/// The first `{name}` of a sentence, with what stands before and after it.
fn placeholder(sentence: &str) -> Option<(&str, &str, &str)> {
    let (before, rest) = sentence.split_once('{')?;
    let (name, after) = rest.split_once('}')?;
    Some((before, name, after))
}

macro_rules! words {
    ($($name:ident { $($field:ident: $kind:ty,)* })*) => {
        $(
            #[derive(Debug, Deserialize)]
            #[serde(deny_unknown_fields)]
            pub(super) struct $name { $(pub(super) $field: $kind,)* }
        )*
    };
}

words! {
    Words {
        frame: Frame,
        home: Home,
        questions: Questions,
        code: Code,
        signature: Signature,
        states: BTreeMap<String, StateWords>,
        status: Status,
        r#match: Match,
        landing: Landing,
        not_found: NotFound,
        checked: Checked,
        outcomes: BTreeMap<String, String>,
        checks: BTreeMap<String, String>,
        reasons: BTreeMap<String, String>,
        skips: BTreeMap<String, String>,
        problems: Problems,
        reference: String,
    }
    Frame {
        skip: String,
        switch: String,
        host: String,
        privacy: String,
        printed: String,
        home_link: String,
    }
    Home {
        title: String,
        heading: String,
        lead: String,
        line: String,
        code_label: String,
        code_hint: String,
        code_misspelled: String,
        code_button: String,
        file_label: String,
        file_hint: String,
        file_missing: String,
        file_button: String,
        answers_heading: String,
        answer_signature: String,
        answer_status: String,
        answer_match: String,
    }
    Questions {
        signature: String,
        status: String,
        r#match: String,
    }
    Code {
        unchecked: AnswerWords,
        valid: AnswerWords,
        invalid: AnswerWords,
        differs: AnswerWords,
        unreadable: AnswerWords,
        version: AnswerWords,
        issuer: AnswerWords,
    }
    AnswerWords {
        answer: String,
        text: String,
        line: String,
    }
    Signature {
        pass: AnswerWords,
        fail: AnswerWords,
        unreadable: AnswerWords,
        undetermined: AnswerWords,
        not_performed: AnswerWords,
    }
    StateWords {
        answer: String,
        answer_dated: Option<String>,
        title: String,
        line: String,
        line_dated: String,
    }
    Status {
        through: String,
        unlimited: String,
        starts: String,
        ended: String,
        since: String,
        since_decision: String,
        since_decision_only: String,
        decision: String,
        decision_only: String,
        suspended_until: String,
        suspended_open: String,
        reason: String,
        hours: String,
        successor: String,
        superseded_online: String,
        recalled: String,
        type_unknown: String,
        unknown: String,
        undecided: String,
        undecided_hours: String,
        undecided_days: String,
        register: String,
        list: String,
        not_looked_up: String,
        not_looked_up_text: String,
        not_looked_up_line: String,
        not_checked: String,
        not_checked_text: String,
        not_checked_line: String,
    }
    Match {
        plate: AnswerWords,
        plates: AnswerWords,
        person: AnswerWords,
        organisation: AnswerWords,
        site: AnswerWords,
        content: AnswerWords,
        nothing: AnswerWords,
        withheld: AnswerWords,
    }
    Landing {
        facts: String,
        code: String,
        help: String,
        help_call: String,
        help_call_end: String,
        help_contact: String,
        validity: String,
        validity_span: String,
        validity_open: String,
        predecessor: String,
        errata: String,
        errata_lead: String,
        erratum: String,
    }
    NotFound {
        title: String,
        heading: String,
        asked: String,
        next: String,
        next_code: String,
        next_agency: String,
    }
    Checked {
        title_document: String,
        title_picture: String,
        title_text: String,
        lead: String,
        facts: String,
        claimed: String,
        claimed_text: String,
        checks: String,
        open: String,
        again: String,
    }
    Problems {
        rate_limited: ProblemWords,
        too_large: ProblemWords,
        too_slow: ProblemWords,
        busy: ProblemWords,
        unreadable: ProblemWords,
        no_code: ProblemWords,
        no_page: ProblemWords,
        internal: ProblemWords,
    }
    ProblemWords {
        heading: String,
        text: String,
    }
}

impl Words {
    pub(super) fn state(&self, state: State) -> &StateWords {
        &self.states[state.code()]
    }

    pub(super) fn check(&self, kind: CheckKind) -> &str {
        &self.checks[kind.code()]
    }

    pub(super) fn outcome(&self, outcome: Outcome) -> &str {
        &self.outcomes[outcome.name()]
    }

    pub(super) fn reason(&self, reason: Reason) -> &str {
        &self.reasons[reason.code()]
    }

    pub(super) fn skip(&self, skip: Skip) -> &str {
        &self.skips[skip.code()]
    }

    /// Why a check did not pass; `None` if it did.
    pub(super) fn why(&self, outcome: Outcome) -> Option<&str> {
        match outcome {
            Outcome::Pass => None,
            Outcome::Fail(reason) | Outcome::Undetermined(reason) => Some(self.reason(reason)),
            Outcome::NotPerformed(skip) => Some(self.skip(skip)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::Value;
    use std::collections::BTreeSet;
    use time::macros::date;

    /// Every sentence under its dotted key.
    fn sentences(json: &str) -> BTreeMap<String, String> {
        fn walk(value: &Value, key: &str, into: &mut BTreeMap<String, String>) {
            match value {
                Value::String(text) => {
                    into.insert(key.to_owned(), text.clone());
                }
                Value::Object(map) => map
                    .iter()
                    .for_each(|(name, value)| walk(value, &format!("{key}.{name}"), into)),
                other => panic!("{key} is {other}"),
            }
        }
        let mut all = BTreeMap::new();
        walk(&serde_json::from_str(json).unwrap(), "", &mut all);
        all
    }

    fn placeholders(mut sentence: &str) -> BTreeSet<&str> {
        let mut names = BTreeSet::new();
        while let Some((_, name, after)) = placeholder(sentence) {
            names.insert(name);
            sentence = after;
        }
        names
    }

    #[test]
    fn both_languages_have_the_same_keys_and_placeholders() {
        let (vi, en) = (sentences(VI_JSON), sentences(EN_JSON));
        assert!(vi.keys().eq(en.keys()));
        for (key, sentence) in &vi {
            assert_eq!(placeholders(sentence), placeholders(&en[key]), "{key}");
            assert!(
                !sentence.trim().is_empty() && !en[key].trim().is_empty(),
                "{key}"
            );
        }
    }

    #[test]
    fn every_code_has_a_sentence_in_both_languages_and_no_sentence_is_left_over() {
        for words in [words(Language::Vi), words(Language::En)] {
            let keys =
                |map: &BTreeMap<String, String>| map.keys().cloned().collect::<BTreeSet<_>>();
            let codes =
                |all: Vec<&str>| all.into_iter().map(str::to_owned).collect::<BTreeSet<_>>();
            let reasons = Reason::ALL.iter().map(|one| one.code()).collect();
            assert_eq!(keys(&words.reasons), codes(reasons));
            let skips = Skip::ALL.iter().map(|one| one.code()).collect();
            assert_eq!(keys(&words.skips), codes(skips));
            let kinds = CheckKind::ALL.iter().map(|one| one.code()).collect();
            assert_eq!(keys(&words.checks), codes(kinds));
            let outcomes = ["pass", "fail", "undetermined", "not_performed"].to_vec();
            assert_eq!(keys(&words.outcomes), codes(outcomes));
            let states: Vec<&str> = State::ALL.iter().map(|one| one.code()).collect();
            assert_eq!(
                words.states.keys().cloned().collect::<BTreeSet<_>>(),
                codes(states)
            );
        }
    }

    #[test]
    fn the_words_accuse_nobody_and_do_not_shout() {
        let not_yet_forged = words(Language::Vi).status.unknown.as_str();
        for (key, sentence) in sentences(VI_JSON) {
            let lower = sentence.to_lowercase();
            if sentence != not_yet_forged {
                assert!(
                    !lower.split([' ', ',', '.']).any(|word| word == "giả"),
                    "{key}"
                );
            }
            for word in ["vi phạm", "an toàn", "đã xác thực", "!"] {
                assert!(!lower.contains(word), "{key} says {word}");
            }
        }
        for (key, sentence) in sentences(EN_JSON) {
            for word in ["fake", "fraud", "verified", "safe", "!"] {
                assert!(!sentence.to_lowercase().contains(word), "{key} says {word}");
            }
        }
    }

    #[test]
    fn a_value_that_looks_like_a_placeholder_is_not_filled_again() {
        assert_eq!(
            fill(
                "{reason} {time}",
                &[("reason", "{time}"), ("time", "09:42")]
            ),
            "{time} 09:42"
        );
    }

    #[test]
    fn days_and_moments_read_as_people_write_them() {
        let last = date!(2028 - 08 - 31);
        assert_eq!(day(last, Language::Vi), "31/08/2028");
        assert_eq!(day(last, Language::En), "31 August 2028");
        let at = UnixTime::parse_rfc3339("2026-11-21T02:42:00Z").unwrap();
        assert_eq!(moment(at, Language::Vi), "09:42, 21/11/2026");
        assert_eq!(moment(at, Language::En), "09:42, 21 November 2026");
    }
}
