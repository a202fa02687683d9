//! `fixtures/credential/*.json`: the same files are read by the verifier in the app.

use super::world::{self, NOW, unhex};
use super::{answers, envelopes, payloads, texts};
use crate::judges::root;
use dauso::cose::cbor::Value;
use dauso::credential::{Claims, Evidence, Lists, REQUIRED, Trust, judge};
use dauso::digest::hex;
use dauso::key::PublicKey;
use dauso::report::{Outcome, Reason, Report};
use dauso::trust::TrustBundle;
use serde_json::{Value as Json, json};
use std::collections::BTreeSet;
use std::fs;

/// One text, what is known, and what must come out.
pub(crate) struct Vector {
    name: &'static str,
    description: &'static str,
    text: String,
    at: &'static str,
    trust: Option<&'static str>,
    lists: Vec<&'static str>,
    /// How each check of [`REQUIRED`] goes, in that order.
    checks: [&'static str; 7],
    state: Option<&'static str>,
    as_of: Option<&'static str>,
    verdict: &'static str,
    claims: Option<Claims>,
    peeked: Option<Claims>,
}

const EARLIER: &str = "not_performed skip/earlier-failure";
/// When `lists/1.cwt` and `lists/2.cwt` were made.
const LISTED: &str = "2026-11-21T08:00:00+07:00";

impl Vector {
    /// All checks pass.
    pub(crate) fn valid(
        name: &'static str,
        description: &'static str,
        text: String,
        claims: Claims,
    ) -> Self {
        Self {
            name,
            description,
            text,
            at: NOW,
            trust: Some("current.cose"),
            lists: vec!["1.cwt", "2.cwt"],
            checks: ["pass"; 7],
            state: Some("in_force"),
            as_of: Some(LISTED),
            verdict: "valid",
            claims: Some(claims),
            peeked: None,
        }
    }

    /// The text holds no credential.
    pub(crate) fn unread(
        name: &'static str,
        description: &'static str,
        text: String,
        code: &'static str,
    ) -> Self {
        let mut checks = [EARLIER; 7];
        checks[0] = code;
        Self {
            checks,
            state: None,
            as_of: None,
            verdict: verdict_of(code),
            claims: None,
            ..Self::valid(name, description, text, world::badge())
        }
    }

    /// The text holds bytes that are no credential of ours.
    pub(crate) fn malformed(
        name: &'static str,
        description: &'static str,
        text: String,
        credential: &'static str,
    ) -> Self {
        let mut checks = [EARLIER; 7];
        (checks[0], checks[1]) = ("pass", credential);
        Self {
            checks,
            ..Self::unread(name, description, text, "fail")
        }
    }

    /// The credential can be read, but nobody vouches for it.
    pub(crate) fn unvouched(mut self, issuer: &'static str, signature: &'static str) -> Self {
        let rest = if signature.contains("no-trust") {
            signature
        } else {
            EARLIER
        };
        self.checks = ["pass", "pass", issuer, signature, rest, rest, rest];
        self.verdict = if issuer.starts_with("fail") || signature.starts_with("fail") {
            "invalid"
        } else {
            "undetermined"
        };
        self.peeked = self.claims.take();
        (self.state, self.as_of) = (None, None);
        self
    }

    pub(crate) fn at(mut self, at: &'static str) -> Self {
        self.at = at;
        self
    }

    pub(crate) fn trust(mut self, file: Option<&'static str>) -> Self {
        self.trust = file;
        self
    }

    pub(crate) fn lists(mut self, files: &[&'static str], as_of: Option<&'static str>) -> Self {
        self.lists = files.to_vec();
        self.as_of = as_of;
        self
    }

    /// One check goes otherwise.
    pub(crate) fn but(mut self, kind: &str, outcome: &'static str) -> Self {
        let place = REQUIRED
            .iter()
            .position(|known| known.code() == kind)
            .unwrap();
        self.checks[place] = outcome;
        self
    }

    pub(crate) fn state(mut self, state: &'static str, verdict: &'static str) -> Self {
        self.state = Some(state);
        self.verdict = verdict;
        self
    }

    pub(crate) fn verdict(mut self, verdict: &'static str) -> Self {
        self.verdict = verdict;
        self
    }

    pub(crate) fn text(mut self, change: impl FnOnce(String) -> String) -> Self {
        self.text = change(self.text);
        self
    }

    pub(crate) fn peeked(mut self, claims: Claims) -> Self {
        self.peeked = Some(claims);
        self
    }

    fn json(&self) -> Json {
        let checks = REQUIRED
            .iter()
            .map(|kind| kind.code().to_owned())
            .zip(self.checks);
        let checks: serde_json::Map<_, _> = checks.map(|(k, v)| (k, Json::from(v))).collect();
        json!({
            "name": self.name,
            "description": self.description,
            "text": self.text,
            "at": self.at,
            "operator": hex(world::TestKey::load("operator").public.bits()),
            "trust": self.trust.map(|file| format!("trust/{file}")),
            "lists": self.lists.iter().map(|file| format!("lists/{file}")).collect::<Vec<_>>(),
            "expected": {
                "checks": checks,
                "state": self.state,
                "as_of": self.as_of.map(|at| world::at(at).seconds()),
                "verdict": self.verdict,
                "claims": self.claims.as_ref().map(claims_json),
                "peeked": self.peeked.as_ref().map(claims_json),
            },
        })
    }
}

fn verdict_of(outcome: &str) -> &'static str {
    if outcome.starts_with("fail") {
        "invalid"
    } else {
        "undetermined"
    }
}

/// Claims as vectors write them: times in Unix seconds, fields in wire form.
fn claims_json(claims: &Claims) -> Json {
    let fields = claims
        .fields
        .iter()
        .map(|(n, v)| (n.to_string(), wire_json(v)));
    json!({
        "issuer": claims.issuer,
        "issued_at": claims.issued_at.seconds(),
        "not_before": claims.not_before.seconds(),
        "expires": claims.expires.map(dauso::clock::UnixTime::seconds),
        "type": claims.type_number,
        "status": { "list": claims.status.list, "index": claims.status.index },
        "fields": fields.collect::<serde_json::Map<_, _>>(),
    })
}

fn wire_json(value: &Value) -> Json {
    match value {
        Value::Text(text) => json!(text),
        Value::Array(items) => items.iter().map(wire_json).collect(),
        number => json!(number.as_int().unwrap()),
    }
}

fn made() -> Vec<Vector> {
    [
        answers::vectors(),
        texts::vectors(),
        envelopes::headers(),
        payloads::vectors(),
    ]
    .into_iter()
    .flatten()
    .collect()
}

/// Writes every file anew when `UPDATE_GOLDEN=1`. ECDSA signatures are random, so without it nothing is
/// written: the committed files are checked, not made again.
#[test]
fn the_vectors_on_disk_are_those_that_the_generator_describes() {
    let folder = root("fixtures/credential");
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        for (_, file) in files() {
            fs::remove_file(folder.join(file)).unwrap();
        }
        fs::create_dir_all(folder.join("trust")).unwrap();
        fs::create_dir_all(folder.join("lists")).unwrap();
        for (file, bytes) in world::bundles() {
            fs::write(folder.join("trust").join(file), bytes).unwrap();
        }
        for (file, bytes) in world::tokens() {
            fs::write(folder.join("lists").join(file), bytes).unwrap();
        }
        for vector in made() {
            let text = serde_json::to_string_pretty(&vector.json()).unwrap();
            fs::write(folder.join(format!("{}.json", vector.name)), text + "\n").unwrap();
        }
    }
    let without_text = |mut json: Json| {
        json["text"] = Json::Null;
        json
    };
    let on_disk: Vec<_> = files()
        .into_iter()
        .map(|(json, _)| without_text(json))
        .collect();
    let mut described: Vec<_> = made().iter().map(|v| without_text(v.json())).collect();
    described.sort_by_key(|json| json["name"].to_string());
    assert_eq!(on_disk.len(), described.len());
    for (on_disk, described) in on_disk.iter().zip(&described) {
        assert_eq!(on_disk, described);
    }
    assert!(described.len() >= 60, "{}", described.len());
}

/// Every vector with its file name, sorted by name.
pub(super) fn files() -> Vec<(Json, String)> {
    let mut all: Vec<(Json, String)> = fs::read_dir(root("fixtures/credential"))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|ext| ext == "json"))
        .map(|path| {
            let json = serde_json::from_str(&fs::read_to_string(&path).unwrap()).unwrap();
            (json, path.file_name().unwrap().to_str().unwrap().to_owned())
        })
        .collect();
    all.sort_by_key(|(json, _): &(Json, String)| json["name"].to_string());
    all
}

/// What a report says, in the words of a vector.
fn said(report: &Report) -> (Json, Json, Json, Json) {
    let outcome = |outcome: Outcome| match outcome.reason() {
        Some(reason) => format!("{} {reason}", outcome.name()),
        None => outcome.name().to_owned(),
    };
    let checks = report.checks().iter();
    let checks: serde_json::Map<_, _> = checks
        .map(|(kind, how)| (kind.code().to_owned(), Json::from(outcome(*how))))
        .collect();
    (
        checks.into(),
        report.state().map(dauso::report::State::code).into(),
        report.as_of().map(dauso::clock::UnixTime::seconds).into(),
        report.verdict(REQUIRED).name().into(),
    )
}

#[test]
fn every_vector_is_judged_as_it_says() {
    let folder = root("fixtures/credential");
    for (vector, file) in files() {
        assert_eq!(file, format!("{}.json", vector["name"].as_str().unwrap()));
        let operator = unhex(vector["operator"].as_str().unwrap());
        let operator = PublicKey::from_p256_point(&operator).unwrap();
        let read = |file: &Json| fs::read(folder.join(file.as_str().unwrap())).unwrap();
        let opened = match &vector["trust"] {
            Json::Null => None,
            file => Some(TrustBundle::open(&read(file), Some(&operator))),
        };
        let (trust, lists) = match &opened {
            None => (Trust::Missing, Lists::none()),
            Some(Err(_)) => (Trust::Refused, Lists::none()),
            Some(Ok(bundle)) => {
                let tokens = vector["lists"].as_array().unwrap().iter().map(read);
                (Trust::Held(bundle), Lists::open(bundle, tokens))
            }
        };
        let evidence = Evidence {
            trust,
            lists: &lists,
            at: world::at(vector["at"].as_str().unwrap()),
        };
        let judged = judge(vector["text"].as_str().unwrap(), &evidence);
        let expected = &vector["expected"];
        let (checks, state, as_of, verdict) = said(&judged.report);
        assert_eq!(checks, expected["checks"], "{file}");
        assert_eq!(state, expected["state"], "{file}");
        assert_eq!(as_of, expected["as_of"], "{file}");
        assert_eq!(verdict, expected["verdict"], "{file}");
        let claims = judged
            .claims
            .as_ref()
            .map(|verified| claims_json(verified.claims()));
        assert_eq!(Json::from(claims), expected["claims"], "{file}");
        let peeked = judged
            .peeked
            .as_ref()
            .map(|peeked| claims_json(peeked.as_stated()));
        assert_eq!(Json::from(peeked), expected["peeked"], "{file}");
    }
}

#[test]
fn every_reason_that_a_code_can_give_has_a_vector() {
    let told: BTreeSet<String> = files()
        .iter()
        .flat_map(|(vector, _)| vector["expected"]["checks"].as_object().unwrap().clone())
        .filter_map(|(_, outcome)| {
            outcome
                .as_str()?
                .split_once(' ')
                .map(|(_, code)| code.to_owned())
        })
        .collect();
    let groups = [
        "code",
        "credential",
        "issuer",
        "signature",
        "trust",
        "validity",
        "hours",
    ];
    let listed = [
        "stale",
        "list-invalid",
        "revoked",
        "suspended",
        "superseded",
    ];
    let can_be_told = |code: &str| {
        let (group, rest) = code.split_once('/').unwrap();
        groups.contains(&group) || group == "status" && listed.contains(&rest)
    };
    let missing: Vec<_> = Reason::ALL
        .iter()
        .map(|reason| reason.code())
        .filter(|code| can_be_told(code) && !told.contains(*code))
        .collect();
    assert!(missing.is_empty(), "no vector tells {missing:?}");
}
