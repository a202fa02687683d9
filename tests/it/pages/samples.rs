//! Sample pages of every kind, in both languages.

use dauso::catalogue::{ChangeKind, Label, Language};
use dauso::clock::UnixTime;
use dauso::cose::cbor;
use dauso::credential::numeric::encode as digits;
use dauso::credential::{Claims, Draft, StatusRef};
use dauso::digest::Sha256;
use dauso::http::pages::{
    CheckKey, Checked, CodeCheck, Erratum, Fact, FactKind, Home, HomeMessage, Input, Knowledge,
    Landing, NotFound, Problem, ProblemPage, Signed, Site, Status, StatusDetail, Subject, Visit,
};
use dauso::id::ResultId;
use dauso::key::PublicKey;
use dauso::report::{CheckKind, Outcome, Reason, Report, Skip, State};
use ring::rand::SystemRandom;
use ring::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair as _};
use std::sync::LazyLock;
use time::macros::date;

static SITE: LazyLock<Site> = LazyLock::new(|| Site {
    system: label("Hệ thống kết quả điện tử", "Electronic result system"),
    owner: label(
        "Ủy ban nhân dân Thành phố Ví Dụ",
        "People's Committee of Ví Dụ City",
    ),
    host: "qr.vidu.test".to_owned(),
});

/// 09:42 on 21 November 2026, in the given language.
pub(super) fn visit(language: Language) -> Visit<'static> {
    Visit {
        site: &SITE,
        language,
        now: now(),
    }
}

fn now() -> UnixTime {
    UnixTime::parse_rfc3339("2026-11-21T09:42:00+07:00").unwrap()
}

fn label(vi: &str, en: &str) -> Label {
    Label {
        vi: vi.to_owned(),
        en: en.to_owned(),
    }
}

fn id() -> ResultId {
    ResultId::parse("7K3M9QX2TB4C5D6E").unwrap()
}

fn fact(label: &str, value: &str, kind: FactKind) -> Fact {
    Fact {
        label: label.into(),
        value: value.into(),
        kind,
    }
}

fn facts(language: Language) -> Vec<Fact> {
    use FactKind::{Figures, Words};
    let vi = [
        fact("Số phù hiệu", "HD4826900001", Figures),
        fact("Loại phù hiệu", "XE HỢP ĐỒNG", Words),
        fact(
            "Đơn vị kinh doanh vận tải",
            "Hợp tác xã Vận tải Mẫu Số Một",
            Words,
        ),
        fact("Sức chứa", "16 chỗ", Figures),
        fact("Có giá trị", "01/09/2026 – hết ngày 31/08/2028", Figures),
        fact(
            "Người ký",
            "Đỗ Quỳnh Thử Nghiệm, Trưởng phòng Vận tải",
            Words,
        ),
        fact("Mã kết quả", "000.00.16.H99-260828-0001-KQ1", Figures),
    ];
    let en = [
        "Badge number",
        "Kind of badge",
        "Transport operator",
        "Seats",
        "Valid",
        "Signed by",
        "Result code",
    ];
    let mut facts = Vec::from(vi);
    if language == Language::En {
        for (fact, label) in facts.iter_mut().zip(en) {
            fact.label = label.into();
        }
        facts[3].value = "16 seats".into();
        facts[4].value = "1 September 2026 – end of 31 August 2028".into();
    }
    facts
}

fn detail(state: State) -> StatusDetail {
    let decided = matches!(
        state,
        State::Suspended
            | State::Revoked
            | State::Cancelled
            | State::Superseded
            | State::Surrendered
    );
    StatusDetail {
        valid_from: Some(date!(2026 - 09 - 01)),
        valid_to: Some(date!(2028 - 08 - 31)),
        since: decided.then_some(date!(2026 - 11 - 10)),
        until: (state == State::Suspended).then_some(date!(2027 - 01 - 09)),
        decision: decided.then(|| "0213/QĐ-SXD".into()),
        authority: decided.then(|| "Sở Xây dựng Mẫu".into()),
        reason: decided.then(|| "đơn vị trả lại phù hiệu không đúng hạn".into()),
        kind: None,
        successor: (state == State::Superseded)
            .then(|| ResultId::parse("0A1B2C3D4E5F6G7H").unwrap()),
        hours: (state == State::OutsideHours).then(|| "Thứ 2 – Thứ 6: 22:00 – 06:00".into()),
    }
}

/// The badge of the pictures, in this state.
pub(super) fn landing(state: State, language: Language) -> Landing {
    let knowledge = match state {
        State::Undecided => Knowledge::List(now().plus(-9 * 86_400)),
        _ => Knowledge::Register(now()),
    };
    Landing {
        id: id(),
        agency: label("Sở Xây dựng Mẫu", "Sample Department of Construction"),
        document: label("Phù hiệu xe hợp đồng", "Contract vehicle badge"),
        number: Some("HD4826900001".into()),
        status: Status {
            state,
            knowledge,
            detail: detail(state),
        },
        subject: Subject::Plates(vec!["43C-000.00".into()]),
        facts: facts(language),
        errata: Vec::new(),
        predecessor: None,
        telephone: Some("0000 000 000".into()),
        check: None,
    }
}

/// The badge in force, with what the script needs to check its code.
fn landing_with_script(language: Language) -> Landing {
    let (_, key, credential) = &*SIGNED;
    Landing {
        check: Some(CodeCheck {
            keys: vec![CheckKey {
                key: key.clone(),
                issuer: ISSUER.to_owned(),
                not_before: now().plus(-86_400),
                not_after: now().plus(86_400),
                types: vec![1],
            }],
            credential: Sha256::of(credential),
        }),
        ..landing(State::InForce, language)
    }
}

/// A result whose every text tries to break out of its place.
pub(super) fn hostile_landing() -> Landing {
    let hostile =
        "<script>alert(1)</script>\u{202e}00.000-C34\u{2066}\u{0}\u{1b}\u{200f}\"'><img src=x>";
    let mut landing = landing_with_script(Language::Vi);
    landing.agency = label(&format!("{hostile}</script><img>"), "");
    landing.document = label(hostile, hostile);
    landing.number = Some(hostile.into());
    landing.subject = Subject::Person(hostile.into());
    landing.telephone = Some(hostile.into());
    landing.status.state = State::Revoked;
    landing.status.detail = StatusDetail {
        decision: Some(hostile.into()),
        authority: Some(hostile.into()),
        reason: Some(hostile.into()),
        ..StatusDetail::default()
    };
    landing.facts = vec![fact(hostile, hostile, FactKind::Words)];
    landing
}

/// Long names, several plates, a restricted-road permit.
fn landing_of_a_fleet(language: Language) -> Landing {
    let plates = ["43C-000.00", "43C-000.13", "43H-000.44", "92C-000.87"];
    let mut landing = landing(State::OutsideHours, language);
    landing.agency = label(
        "Ban Quản lý Khu công nghệ cao và các Khu công nghiệp Mẫu Thượng, Thành phố Ví Dụ",
        "",
    );
    landing.document = label(
        "Giấy phép vào đường cấm, giờ cấm",
        "Permit for restricted roads and hours",
    );
    landing.subject = Subject::Plates(plates.iter().map(|plate| (*plate).into()).collect());
    landing.facts.push(fact(
        "Tuyến đường",
        "Đường Ví Dụ nối dài\nQuốc lộ 0 – từ nút giao Mẫu Thượng đến cầu Thử Nghiệm",
        FactKind::Words,
    ));
    landing
}

/// Taken back by its own agency.
fn landing_recalled(language: Language) -> Landing {
    let mut landing = landing(State::Revoked, language);
    landing.status.detail.kind = Some(ChangeKind::Recall);
    landing.status.detail.reason = Some("văn bản ghi sai thẩm quyền ký".into());
    landing
}

/// In force, in the place of another one, with two notices.
fn landing_with_erratum(language: Language) -> Landing {
    let erratum = |decision: &str, reason: &str| Erratum {
        at: date!(2026 - 11 - 10),
        reason: reason.into(),
        decision: decision.into(),
        authority: "Sở Xây dựng Mẫu".into(),
    };
    Landing {
        errata: vec![
            erratum("0300/SXD-VT", "phần căn cứ ghi thiếu số nghị định"),
            erratum("0301/SXD-VT", "sai cỡ chữ của tiêu đề"),
        ],
        predecessor: ResultId::parse("0A1B2C3D4E5F6G7H").ok(),
        ..landing(State::InForce, language)
    }
}

/// Known from a status list alone.
fn landing_superseded_offline(language: Language) -> Landing {
    let mut landing = landing(State::Superseded, language);
    landing.status.knowledge = Knowledge::List(now().plus(-3_600));
    landing.status.detail = StatusDetail::default();
    landing
}

/// Of a type that has left the catalogue.
fn landing_of_no_type(language: Language) -> Landing {
    let mut landing = landing(State::Undecided, language);
    landing.document = label(
        "Kết quả giải quyết thủ tục hành chính",
        "Result of an administrative procedure",
    );
    landing.status.knowledge = Knowledge::Register(now());
    landing.subject = Subject::Content;
    landing.facts.clear();
    landing
}

/// A certificate of a person, whose name is masked.
fn landing_of_a_person(language: Language) -> Landing {
    let mut landing = landing(State::InForce, language);
    landing.document = label(
        "Chứng chỉ hành nghề hoạt động xây dựng",
        "Construction practising certificate",
    );
    landing.subject = Subject::Person("N. H. V. Dụ".into());
    landing.telephone = None;
    landing
}

fn report(checks: &[(CheckKind, Outcome)]) -> Report {
    let mut report = Report::new();
    for (kind, outcome) in checks {
        report.record(*kind, *outcome);
    }
    report
}

fn signed(language: Language) -> Signed {
    let landing = landing(State::InForce, language);
    Signed {
        agency: landing.agency,
        document: landing.document,
        subject: landing.subject,
        facts: landing.facts,
    }
}

fn checked_document(language: Language) -> Checked {
    let mut report = report(&[
        (CheckKind::DocumentIntegrity, Outcome::Pass),
        (CheckKind::DocumentTrust, Outcome::Pass),
        (CheckKind::Register, Outcome::Pass),
        (CheckKind::DocumentBinding, Outcome::Pass),
        (CheckKind::Validity, Outcome::Pass),
        (CheckKind::Status, Outcome::Pass),
    ]);
    report.record_state(State::InForce, Some(now()));
    Checked {
        input: Input::Document,
        report,
        status: detail(State::InForce),
        id: Some(id()),
        signed: Some(signed(language)),
        claimed: Vec::new(),
    }
}

/// A code that nobody vouches for, and what it says of itself.
pub(super) fn checked_forged(language: Language) -> Checked {
    let skipped = Outcome::NotPerformed(Skip::EarlierFailure);
    Checked {
        input: Input::Text,
        report: report(&[
            (CheckKind::Code, Outcome::Pass),
            (CheckKind::Credential, Outcome::Pass),
            (CheckKind::Issuer, Outcome::Pass),
            (
                CheckKind::CredentialSignature,
                Outcome::Fail(Reason::SignatureInvalid),
            ),
            (CheckKind::Validity, skipped),
            (CheckKind::Status, skipped),
        ]),
        status: detail(State::InForce),
        id: None,
        signed: Some(signed(language)),
        claimed: facts(language),
    }
}

fn checked_undetermined() -> Checked {
    let mut report = report(&[
        (CheckKind::Code, Outcome::Pass),
        (CheckKind::Credential, Outcome::Pass),
        (
            CheckKind::Issuer,
            Outcome::Undetermined(Reason::IssuerUnknown),
        ),
        (CheckKind::Status, Outcome::NotPerformed(Skip::TooOld)),
    ]);
    report.record_state(State::Undecided, Some(now().plus(-30 * 3_600)));
    Checked {
        input: Input::Picture,
        report,
        status: StatusDetail::default(),
        id: Some(id()),
        signed: None,
        claimed: facts(Language::Vi),
    }
}

fn checked_foreign() -> Checked {
    Checked {
        input: Input::Picture,
        report: report(&[(CheckKind::Code, Outcome::Fail(Reason::CodeForeign))]),
        status: StatusDetail::default(),
        id: None,
        signed: None,
        claimed: Vec::new(),
    }
}

/// Every kind of page in both languages, by name.
pub(super) fn all_pages() -> Vec<(String, String)> {
    let mut pages = Vec::new();
    for language in [Language::Vi, Language::En] {
        let visit = visit(language);
        let mut add = |name: &str, page: String| {
            let suffix = if language == Language::En { "-en" } else { "" };
            pages.push((format!("{name}{suffix}"), page));
        };
        let home = |message| Home { message }.render(visit);
        add("home", home(None));
        let misspelled = HomeMessage::CodeMisspelled("7K3M 9QX2 <b>\u{202e}".to_owned());
        add("home-misspelled", home(Some(misspelled)));
        add("home-no-file", home(Some(HomeMessage::FileMissing)));
        for state in State::ALL {
            let name = format!("landing-{}", state.code().replace('_', "-"));
            add(&name, landing(*state, language).render(visit));
        }
        add("landing-recalled", landing_recalled(language).render(visit));
        add(
            "landing-erratum",
            landing_with_erratum(language).render(visit),
        );
        add(
            "landing-superseded-offline",
            landing_superseded_offline(language).render(visit),
        );
        add(
            "landing-type-gone",
            landing_of_no_type(language).render(visit),
        );
        add("landing-code", landing_with_script(language).render(visit));
        add("landing-fleet", landing_of_a_fleet(language).render(visit));
        add(
            "landing-person",
            landing_of_a_person(language).render(visit),
        );
        add("landing-hostile", hostile_landing().render(visit));
        add("not-found", NotFound { id: id() }.render(visit));
        add("checked-document", checked_document(language).render(visit));
        add("checked-forged", checked_forged(language).render(visit));
        add("checked-undetermined", checked_undetermined().render(visit));
        add("checked-foreign", checked_foreign().render(visit));
        for (name, problem) in [
            ("problem-rate", Problem::RateLimited { retry_after: 30 }),
            ("problem-large", Problem::TooLarge { megabytes: 64 }),
            ("problem-unreadable", Problem::Unreadable),
            ("problem-no-code", Problem::NoCode),
            ("problem-no-page", Problem::NoPage),
            ("problem-internal", Problem::Internal),
        ] {
            let reference = (problem == Problem::Internal).then(|| "01932b5e".to_owned());
            add(name, ProblemPage { problem, reference }.render(visit));
        }
    }
    pages
}

/// What the browser puts behind the `#`, by what the page must say.
pub(super) fn fragments() -> Vec<(&'static str, String)> {
    let (pair, _, credential) = &*SIGNED;
    let last = credential.len() - 1;
    // The last byte of s: low s stays low.
    let mut forged = credential.clone();
    forged[last] ^= 1;
    let (_, stranger) = key_pair();
    let other = sign(pair, key_of(pair).kid(), "43C-000.99");
    let unknown = sign(pair, stranger.kid(), "43C-000.00");
    let mut newer = credential.clone();
    newer[0] = 2;
    vec![
        ("valid", digits(credential)),
        ("invalid", digits(&forged)),
        ("differs", digits(&other)),
        ("differs", digits(&unknown)),
        ("unreadable", digits(credential)[1..].to_owned()),
        ("unreadable", "abc".to_owned()),
        ("version", digits(&newer)),
    ]
}

const ISSUER: &str = "VD1";

static SIGNED: LazyLock<(EcdsaKeyPair, PublicKey, Vec<u8>)> = LazyLock::new(|| {
    let (pair, key) = key_pair();
    let credential = sign(&pair, key.kid(), "43C-000.00");
    (pair, key, credential)
});

fn key_pair() -> (EcdsaKeyPair, PublicKey) {
    let (random, scheme) = (SystemRandom::new(), &ECDSA_P256_SHA256_FIXED_SIGNING);
    let pkcs8 = EcdsaKeyPair::generate_pkcs8(scheme, &random).unwrap();
    let pair = EcdsaKeyPair::from_pkcs8(scheme, pkcs8.as_ref(), &random).unwrap();
    let key = key_of(&pair);
    (pair, key)
}

fn key_of(pair: &EcdsaKeyPair) -> PublicKey {
    PublicKey::from_p256_point(pair.public_key().as_ref()).unwrap()
}

/// A credential of one field.
fn sign(pair: &EcdsaKeyPair, kid: [u8; 4], plate: &str) -> Vec<u8> {
    let claims = Claims {
        issuer: ISSUER.to_owned(),
        issued_at: now(),
        not_before: now(),
        expires: None,
        type_number: 1,
        status: StatusRef { list: 1, index: 77 },
        fields: vec![(6, cbor::Value::text(plate))],
    };
    let draft = Draft::new(&claims, id(), kid).unwrap();
    let signature = pair
        .sign(&SystemRandom::new(), draft.to_be_signed())
        .unwrap();
    let sealed = draft.seal(signature.as_ref().try_into().unwrap());
    sealed.bytes().to_vec()
}
