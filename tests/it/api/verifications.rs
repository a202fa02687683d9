//! Verification for anybody: of the text of a QR, of a document, of a picture.

use crate::judges::root;
use crate::support::app::{Issued, OURS, TestApp, badge, printed, problem, renew, sample};
use dauso::access::Role::{Inspector, Registrar};
use dauso::clock::UnixTime;
use dauso::cose::cbor;
use dauso::credential::{Claims, Draft, SealedCredential};
use dauso::id::ResultId;
use dauso::limits;
use dauso::qr::{Symbol, render};
use dauso::store::Purpose;
use serde_json::{Value, json};

use super::results::shown;

const CODE: &str = "/api/v1/verifications";
const DOCUMENT: &str = "/api/v1/verifications/document";
const HOST: &str = "qr.vidu.test";

async fn verified(app: &TestApp, code: &str) -> Value {
    app.post(CODE)
        .json(&json!({"code": code}))
        .send()
        .await
        .ok()
}

/// How one check went: `pass`, or `fail signature/invalid`.
fn check(answer: &Value, kind: &str) -> String {
    let checks = answer["checks"].as_array().unwrap();
    let found = checks.iter().find(|check| check["check"] == kind);
    let found = found.unwrap_or_else(|| panic!("{kind} is not among {answer:#}"));
    let outcome = found["outcome"].as_str().unwrap();
    match found["reason"].as_str() {
        Some(reason) => format!("{outcome} {reason}"),
        None => outcome.to_owned(),
    }
}

/// The credential that the register holds.
async fn credential(app: &TestApp, issued: &Issued) -> SealedCredential {
    let id = ResultId::parse(&issued.id).unwrap();
    let mut tx = app.installation.store().read().await.unwrap();
    let stored = tx.result(&id).await.unwrap().unwrap();
    SealedCredential::from_bytes(id, stored.issued.credential).unwrap()
}

/// Another credential under the id of a result, signed with the agency's own key: what somebody makes who
/// got hold of it.
pub(super) async fn double(app: &TestApp, issued: &Issued) -> String {
    let held = credential(app, issued).await;
    let claims: Claims = held.peek().unwrap().as_stated().clone();
    let mut other = claims.clone();
    let plate = other.fields.iter_mut().find(|(key, _)| *key == 6).unwrap();
    assert_eq!(plate.1, cbor::Value::text("43B-000.00"));
    plate.1 = cbor::Value::text("43B-999.99");
    sealed(app, &other, held.id()).await.qr_text(HOST).unwrap()
}

async fn sealed(app: &TestApp, claims: &Claims, id: ResultId) -> SealedCredential {
    let at = UnixTime::parse_rfc3339(crate::support::app::NOW).unwrap();
    let mut tx = app.installation.store().read().await.unwrap();
    let keys = tx
        .signing_keys(Purpose::Credential, Some(OURS), at)
        .await
        .unwrap();
    let key = &keys[0];
    let draft = Draft::new(claims, id, key.public.kid()).unwrap();
    let signer = app
        .installation
        .keys()
        .signer(&key.file, &key.public)
        .await
        .unwrap();
    let signature = signer.sign(draft.to_be_signed()).await.unwrap();
    draft.seal(signature.try_into().unwrap())
}

#[tokio::test]
async fn a_genuine_code_is_valid_and_shows_what_is_public() {
    let app = TestApp::start().await;
    let issued = app.badge().await;
    let answer = verified(&app, &issued.qr_text).await;
    assert_eq!(answer["verdict"], "valid");
    assert_eq!(answer["id"], issued.id);
    for (name, outcome) in [
        ("signature", "pass"),
        ("status", "pass"),
        ("match", "not_performed"),
    ] {
        assert_eq!(answer[name]["outcome"], outcome, "{name}");
    }
    assert_eq!(answer["status"]["state"], "in_force");
    assert_eq!(answer["status"]["as_of"], "2026-11-21T09:42:00+07:00");
    for kind in [
        "code",
        "credential",
        "issuer",
        "credential_signature",
        "register",
        "validity",
        "hours",
        "status",
    ] {
        assert_eq!(check(&answer, kind), "pass", "{kind}");
    }
    assert_eq!(answer["claimed"], Value::Null);
    assert_eq!(answer["result"]["agency"]["name"]["vi"], "Sở Xây dựng Mẫu");
    assert_eq!(shown(&answer, "plate"), Some("43B-000.00"));
    for inspectors in ["dossier_code", "signatory_position", "issue_place"] {
        assert_eq!(shown(&answer, inspectors), None, "{inspectors}");
    }
}

#[tokio::test]
async fn an_inspector_sees_more_than_the_public() {
    let app = TestApp::start().await;
    let mut data = sample("practising-certificate--empty-signature-field");
    renew(&mut data);
    let issued = Issued::of(&app.issue(&data).await);
    let body = json!({"code": issued.qr_text});
    let public = app.post(CODE).json(&body).send().await;
    let answer = public.ok();
    assert_eq!(shown(&answer, "full_name"), Some("B. T. K. Mẫu"));
    for hidden in ["personal_id", "birth_date", "dossier_code"] {
        assert_eq!(shown(&answer, hidden), None, "{hidden}");
    }
    for word in ["000090000000", "1990", "Khánh"] {
        assert!(!public.text().contains(word), "{word}");
    }
    let call = app.post(CODE).by(Inspector).json(&body);
    let answer = call.send().await.ok();
    assert_eq!(shown(&answer, "full_name"), Some("Bùi Thị Khánh Mẫu"));
    assert_eq!(shown(&answer, "personal_id"), Some("000090000000"));
    assert_eq!(shown(&answer, "birth_date"), Some("01/01/1990"));
    // The issuing agency's clerk is no inspector.
    let call = app.post(CODE).by(Registrar).json(&body);
    assert_eq!(shown(&call.send().await.ok(), "personal_id"), None);
}

#[tokio::test]
async fn a_forged_code_is_invalid_and_borrows_nothing() {
    let app = TestApp::start().await;
    let (issued, other) = (app.badge().await, app.badge().await);
    // One bit of the signature.
    let held = credential(&app, &issued).await;
    let mut bytes = held.bytes().to_vec();
    *bytes.last_mut().unwrap() ^= 1;
    let flipped = SealedCredential::from_bytes(held.id(), bytes).unwrap();
    // The genuine credential of another result.
    let swapped = other.qr_text.replace(&other.id, &issued.id);
    for forged in [flipped.qr_text(HOST).unwrap(), swapped] {
        let answer = verified(&app, &forged).await;
        assert_eq!(answer["verdict"], "invalid");
        assert_eq!(
            check(&answer, "credential_signature"),
            "fail signature/invalid"
        );
        assert_eq!(answer["signature"]["outcome"], "fail");
        assert_eq!(answer["result"], Value::Null);
        // The status of the result whose code it carries is not given to it.
        assert_eq!(answer["status"]["outcome"], "not_performed");
        let claimed = answer["claimed"].as_array().unwrap();
        assert!(
            claimed.iter().any(|field| field["name"] == "plate"),
            "{answer:#}"
        );
    }
}

#[tokio::test]
async fn every_flipped_byte_of_a_code_is_told() {
    let app = TestApp::start().await;
    let issued = app.badge().await;
    let digits = issued.qr_text.find('#').unwrap() + 1;
    for at in (0..issued.qr_text.len()).step_by(7) {
        let mut forged = issued.qr_text.clone().into_bytes();
        forged[at] = match forged[at] {
            b'9' => b'0',
            b'Z' => b'A',
            other => other + 1,
        };
        let forged = String::from_utf8(forged).unwrap();
        let answer = verified(&app, &forged).await;
        // Whoever prints the codes of an agency under another host changes nothing that was signed.
        let host = (8..8 + HOST.len()).contains(&at);
        if !host {
            assert_ne!(answer["verdict"], "valid", "byte {at}");
            assert_eq!(answer["result"], Value::Null, "byte {at}");
        }
        if at >= digits {
            assert_eq!(answer["verdict"], "invalid", "byte {at}");
        }
    }
}

#[tokio::test]
async fn a_foreign_text_is_undetermined_and_never_an_error() {
    let app = TestApp::start().await;
    for text in [
        "",
        "https://example.com/",
        "Xin chào",
        "000201010211",
        "\u{0}\u{202e}",
    ] {
        let answer = verified(&app, text).await;
        assert_eq!(answer["verdict"], "undetermined", "{text:?}");
        assert_eq!(
            check(&answer, "code"),
            "undetermined code/foreign",
            "{text:?}"
        );
        assert_eq!(answer["id"], Value::Null, "{text:?}");
    }
    let long = format!(
        "HTTPS://QR.VIDU.TEST/7K3M9QX2TB4C5D6E#{}",
        "1".repeat(4_000)
    );
    let answer = verified(&app, &long).await;
    assert_ne!(answer["verdict"], "valid");
    assert!(
        check(&answer, "code").ends_with("code/too-long"),
        "{answer:#}"
    );
}

#[tokio::test]
async fn a_signed_code_that_the_register_does_not_know_is_not_valid() {
    let app = TestApp::start().await;
    let issued = app.badge().await;
    let held = credential(&app, &issued).await;
    let claims = held.peek().unwrap().as_stated().clone();
    let unknown = ResultId::parse("7K3M9QX2TB4C5D6E").unwrap();
    let code = sealed(&app, &claims, unknown).await.qr_text(HOST).unwrap();
    let answer = verified(&app, &code).await;
    assert_eq!(check(&answer, "credential_signature"), "pass");
    assert_eq!(check(&answer, "register"), "undetermined register/unknown");
    assert_eq!(answer["status"]["state"], "unknown");
    assert_ne!(answer["verdict"], "valid");
}

#[tokio::test]
async fn a_signed_code_that_differs_from_the_register_is_invalid() {
    let app = TestApp::start().await;
    let issued = app.badge().await;
    let answer = verified(&app, &double(&app, &issued).await).await;
    assert_eq!(check(&answer, "credential_signature"), "pass");
    assert_eq!(check(&answer, "register"), "fail register/mismatch");
    assert_eq!(answer["verdict"], "invalid");
    assert_eq!(
        answer["result"],
        Value::Null,
        "what the register says of the genuine one"
    );
    // The genuine one is as valid as before.
    assert_eq!(verified(&app, &issued.qr_text).await["verdict"], "valid");
}

#[tokio::test]
async fn validity_is_counted_in_local_days() {
    let app = TestApp::start().await;
    let mut data = badge();
    data.insert("valid_from".into(), "2026-11-22".into());
    data.insert("valid_to".into(), "2026-11-23".into());
    let issued = Issued::of(&app.issue(&data).await);
    for (moment, verdict, state) in [
        ("2026-11-21T23:59:59+07:00", "invalid", "not_yet_effective"),
        ("2026-11-22T00:00:00+07:00", "valid", "in_force"),
        ("2026-11-23T23:59:59+07:00", "valid", "in_force"),
        ("2026-11-24T00:00:00+07:00", "invalid", "expired"),
    ] {
        app.clock.set(moment);
        let answer = verified(&app, &issued.qr_text).await;
        assert_eq!(answer["verdict"], verdict, "{moment}");
        assert_eq!(answer["status"]["state"], state, "{moment}");
    }
}

pub(super) async fn sent(
    app: &TestApp,
    kind: &str,
    file: impl Into<Vec<u8>>,
) -> crate::support::app::Answer {
    app.post(DOCUMENT).body(kind, file).send().await
}

#[tokio::test]
async fn a_signed_document_is_valid_until_a_byte_of_it_is_changed() {
    let app = TestApp::start().await;
    let issued = app.printed_badge().await;
    let pdf = printed("vehicle-badge--a4-tagged");
    let signed = app
        .get(&issued.path("/pdf"))
        .by(Registrar)
        .send()
        .await
        .body;

    let answer = sent(&app, "application/pdf", signed.clone()).await.ok();
    assert_eq!(answer["verdict"], "valid", "{answer:#}");
    assert_eq!(answer["id"], issued.id);
    for kind in [
        "document_integrity",
        "document_trust",
        "document_binding",
        "register",
    ] {
        assert_eq!(check(&answer, kind), "pass", "{kind}");
    }
    // A byte of the agency's own part, one of the stamp, one more behind the end.
    for at in [pdf.len() / 2, pdf.len() + 100] {
        let mut changed = signed.clone();
        changed[at] ^= 1;
        let answer = sent(&app, "application/pdf", changed).await;
        if answer.status == 200 {
            let answer = answer.json();
            assert_eq!(answer["verdict"], "invalid", "byte {at}: {answer:#}");
            assert_eq!(answer["signature"]["outcome"], "fail", "byte {at}");
        } else {
            assert_eq!(answer.problem().0, 422, "byte {at}");
        }
    }
    // The paper before it was signed says nothing.
    let answer = sent(&app, "application/pdf", pdf).await.ok();
    assert_eq!(answer["verdict"], "undetermined");
    assert_eq!(
        check(&answer, "document_integrity"),
        "undetermined document/unsigned"
    );
}

#[tokio::test]
async fn a_picture_is_answered_by_the_code_in_it() {
    let app = TestApp::start().await;
    let issued = app.badge().await;
    let png = render::png(&Symbol::for_issue(&issued.qr_text).unwrap(), 4);
    let answer = sent(&app, "image/png", png.clone()).await.ok();
    assert_eq!(
        (&answer["verdict"], &answer["id"]),
        (&json!("valid"), &json!(issued.id))
    );
    // What it is, its first bytes tell.
    let answer = sent(&app, "application/pdf", png).await.ok();
    assert_eq!(answer["verdict"], "valid");
    let foreign = render::png(&Symbol::encode("HTTPS://EXAMPLE.COM/").unwrap(), 4);
    let answer = sent(&app, "image/png", foreign).await.ok();
    assert_eq!(answer["verdict"], "undetermined");
}

#[tokio::test]
async fn a_file_that_is_none_is_refused_by_name() {
    let app = TestApp::start().await;
    let seal = std::fs::read(root("fixtures/images/signature-transparent.png")).unwrap();
    for (file, code) in [
        (Vec::new(), "file/unknown-kind"),
        (b"GIF89a".to_vec(), "file/unknown-kind"),
        (seal.clone(), "picture/no-code"),
        (seal[..200].to_vec(), "picture/damaged"),
        (b"\xff\xd8\xff\xe0 no picture".to_vec(), "picture/damaged"),
    ] {
        assert_eq!(
            sent(&app, "application/pdf", file).await.problem(),
            problem(422, code)
        );
    }
    let long = vec![b'%'; limits::PDF_FILE + limits::JSON_BODY + 1];
    let refused = sent(&app, "application/pdf", long).await.problem();
    assert_eq!(refused, problem(413, "request/too-large"));
}

#[tokio::test]
async fn every_hostile_file_gets_an_answer() {
    let app = TestApp::start().await;
    let mut files: Vec<_> = std::fs::read_dir(root("fixtures/bad")).unwrap().collect();
    files.sort_by_key(|file| file.as_ref().unwrap().file_name());
    for file in files {
        let path = file.unwrap().path();
        let answer = sent(&app, "application/pdf", std::fs::read(&path).unwrap()).await;
        if answer.status == 200 {
            assert_ne!(answer.json()["verdict"], "valid", "{}", path.display());
        } else {
            assert_eq!(answer.problem().0, 422, "{}", path.display());
        }
    }
}

#[tokio::test]
async fn a_request_that_is_no_request_is_refused_by_name() {
    let app = TestApp::start().await;
    let cases = [
        ("application/json", "{", 400, "request/not-json"),
        ("application/json", "{}", 422, "request/shape"),
        ("application/json", r#"{"code": 1}"#, 422, "request/shape"),
        (
            "application/json",
            r#"{"code": "x", "more": 1}"#,
            422,
            "request/shape",
        ),
        ("text/plain", "x", 415, "request/media-type"),
    ];
    for (kind, body, status, code) in cases {
        let answer = app.post(CODE).body(kind, body).send().await;
        assert_eq!(answer.problem(), problem(status, code), "{body}");
    }
    let long = format!(r#"{{"code": "{}"}}"#, "1".repeat(limits::JSON_BODY));
    let answer = app.post(CODE).body("application/json", long).send().await;
    assert_eq!(answer.problem(), problem(413, "request/too-large"));
}
