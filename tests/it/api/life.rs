//! Recall, cancellation, surrender, erratum and replacement: what is possible, what is seen, what is
//! written down.

use super::results::all;
use crate::support::app::{Issued, OURS, THEIRS, TestApp, Wanted, badge, problem, renew, sample};
use dauso::access::Role::{Inspector, Registrar, Supervisor};
use dauso::catalogue::ChangeKind;
use dauso::digest::{Sha256, hex};
use dauso::lifecycle::moves::after;
use dauso::store::Standing;
use serde_json::{Map, Value, json};

pub(super) fn grounds() -> Value {
    json!({"reason": "Cấp lại do đổi biển số", "decision": "0213/QĐ-SXD", "authority": "Sở Xây dựng Mẫu"})
}

fn replacement(data: &Map<String, Value>) -> Value {
    let mut body = grounds();
    body["data"] = Value::Object(data.clone());
    body
}

async fn decide(app: &TestApp, issued: &Issued, kind: ChangeKind) -> (u16, Value) {
    let mut body = match kind {
        ChangeKind::Replacement => replacement(&badge()),
        _ => grounds(),
    };
    if kind == ChangeKind::Suspension {
        body["until"] = "2026-11-30".into();
    }
    let path = issued.path(&format!("/{}", kind.name()));
    let answer = app.post(&path).by(Registrar).json(&body).send().await;
    (answer.status.as_u16(), answer.json())
}

async fn replace(app: &TestApp, old: &Issued, data: &Map<String, Value>) -> Issued {
    let call = app.post(&old.path("/replacement")).by(Registrar);
    let answer = call.json(&replacement(data)).send().await;
    assert_eq!(answer.status, 201, "{}", answer.text());
    Issued::of(&answer.json())
}

async fn looked_up(app: &TestApp, issued: &Issued) -> Value {
    let call = app.get(&format!("/{}", issued.id));
    call.header("accept", "application/json").send().await.ok()
}

async fn scanned(app: &TestApp, issued: &Issued) -> Value {
    let call = app.post("/api/v1/verifications");
    call.json(&json!({"code": issued.qr_text}))
        .send()
        .await
        .ok()
}

#[tokio::test]
async fn every_decision_from_every_standing_goes_as_the_table_says() {
    let app = TestApp::start().await;
    for way in Standing::ALL {
        // The one decision that leads from valid to this standing.
        let first = ChangeKind::ALL.into_iter().find(|kind| {
            *kind != ChangeKind::Erratum && after(*kind, Standing::Valid) == Some(way)
        });
        for kind in ChangeKind::ALL {
            let issued = app.badge().await;
            if let Some(first) = first {
                let (status, said) = decide(&app, &issued, first).await;
                assert!(matches!(status, 200 | 201), "{first:?}: {said}");
            }
            let size = app.log_size().await;
            let (status, said) = decide(&app, &issued, kind).await;
            let name = format!("{kind:?} from {way:?}: {said}");
            match (after(kind, way), kind) {
                (None, _) => {
                    assert_eq!(
                        (status, &said["code"]),
                        (409, &json!("result/not-possible")),
                        "{name}"
                    );
                    assert_eq!(app.log_size().await, size, "{name}");
                }
                (Some(_), ChangeKind::Replacement) => {
                    assert_eq!(status, 201, "{name}");
                    // One leaf for the new result, one for the old.
                    assert_eq!(app.log_size().await, size + 2, "{name}");
                }
                (Some(to), _) => {
                    assert_eq!(
                        (status, &said["status"]),
                        (200, &json!(to.name())),
                        "{name}"
                    );
                    assert_eq!(app.log_size().await, size + 1, "{name}");
                }
            }
        }
    }
}

#[tokio::test]
async fn a_chain_of_three_is_followed_both_ways_and_an_old_qr_says_what_replaced_it() {
    let app = TestApp::start().await;
    let first = app.badge().await;
    let second = replace(&app, &first, &badge()).await;
    let third = replace(&app, &second, &badge()).await;
    for (one, before, next, state) in [
        (&first, None, Some(&second), "superseded"),
        (&second, Some(&first), Some(&third), "superseded"),
        (&third, Some(&second), None, "in_force"),
    ] {
        let id =
            |other: Option<&Issued>| other.map_or(Value::Null, |other| other.id.clone().into());
        for seen in [looked_up(&app, one).await, scanned(&app, one).await] {
            assert_eq!(seen["status"]["state"], state);
            assert_eq!(seen["result"]["predecessor"], id(before));
            assert_eq!(seen["result"]["successor"], id(next));
        }
        let read = app.get(&one.path("")).by(Registrar).send().await.ok();
        assert_eq!(
            (&read["predecessor"], &read["successor"]),
            (&id(before), &id(next))
        );
        let page = app.get(&format!("/{}?lang=en", one.id)).send().await.text();
        for (other, words) in [
            (before, "Takes the place of"),
            (next, "Look-up code of the new result:"),
        ] {
            assert_eq!(page.contains(words), other.is_some(), "{words}\n{page}");
            if let Some(other) = other {
                assert!(
                    page.contains(&format!("href=\"/{}?lang=en\"", other.id)),
                    "{page}"
                );
            }
        }
    }
    let old = scanned(&app, &first).await;
    assert_eq!(
        (&old["verdict"], &old["signature"]["outcome"]),
        (&json!("invalid"), &json!("pass"))
    );
    assert_eq!(old["status"]["reason"], "status/superseded");
    assert_eq!(old["result"]["change"]["kind"], "replacement");
    assert_eq!(old["result"]["change"]["decision"], "0213/QĐ-SXD");
}

#[tokio::test]
async fn a_successor_in_the_same_dossier_gets_its_next_result_code_and_the_next_number() {
    let app = TestApp::start().await;
    let data = badge();
    let dossier = data["dossier_code"].as_str().unwrap();
    let first = app.issue(&data).await;
    let second = app
        .post(&Issued::of(&first).path("/replacement"))
        .by(Registrar)
        .json(&replacement(&data));
    let second = second.send().await.json();
    assert_eq!(first["result_code"], format!("{dossier}-KQ1"));
    assert_eq!(second["result_code"], format!("{dossier}-KQ2"));
    assert_ne!(first["number"], second["number"]);
}

#[tokio::test]
async fn a_successor_has_its_own_pdf_and_a_repeated_request_gets_the_first_answer() {
    let app = TestApp::start().await;
    let old = app.printed_badge().await;
    let data = serde_json::to_vec(&badge()).unwrap();
    let change = grounds().to_string();
    let pdf = crate::support::app::printed("vehicle-badge--a4-tagged");
    let send = async || {
        let parts = [
            ("change", None, change.as_bytes()),
            ("data", None, &data[..]),
            ("pdf", Some("a.pdf"), &pdf[..]),
        ];
        let call = app.post(&old.path("/replacement")).by(Registrar);
        call.header("idempotency-key", "cap-lai-1")
            .form(&parts)
            .send()
            .await
    };
    let first = send().await;
    assert_eq!(first.status, 201, "{}", first.text());
    let size = app.log_size().await;
    assert_eq!(send().await.json(), first.json());
    assert_eq!(app.log_size().await, size);
    let new = Issued::of(&first.json());
    let pdf_of = async |one: &Issued| app.get(&one.path("/pdf")).by(Registrar).send().await.body;
    let (before, after) = (pdf_of(&old).await, pdf_of(&new).await);
    assert_ne!(before, after);
    let call = app.post("/api/v1/verifications/document");
    let seen = call.body("application/pdf", after).send().await.ok();
    assert_eq!(
        (&seen["verdict"], &seen["id"]),
        (&json!("valid"), &json!(new.id))
    );
}

#[tokio::test]
async fn a_revoked_or_cancelled_result_is_not_replaced_and_nothing_is_issued() {
    let app = TestApp::start().await;
    for kind in [ChangeKind::Revocation, ChangeKind::Cancellation] {
        let old = app.badge().await;
        decide(&app, &old, kind).await;
        let (size, data) = (app.log_size().await, badge());
        let call = app.post(&old.path("/replacement")).by(Registrar);
        let refused = call.json(&replacement(&data)).send().await;
        assert_eq!(
            refused.problem(),
            problem(409, "result/not-possible"),
            "{kind:?}"
        );
        assert_eq!(app.log_size().await, size);
        // The dossier is free: nothing of it was entered.
        app.issue(&data).await;
    }
}

#[tokio::test]
async fn the_result_of_another_agency_is_not_replaced_nor_one_by_a_result_of_another_agency() {
    let app = TestApp::start().await;
    let old = app.badge().await;
    let mut theirs = sample("promotion-notice--ghostscript");
    renew(&mut theirs);
    for (agency, data) in [(THEIRS, badge()), (THEIRS, theirs.clone()), (OURS, theirs)] {
        let call = app.post(&old.path("/replacement")).by_at(agency, Registrar);
        let refused = call.json(&replacement(&data)).send().await;
        assert_eq!(
            refused.problem(),
            problem(403, "auth/forbidden"),
            "{agency}"
        );
    }
    let mut other = sample("construction-permit--a3-landscape");
    other.insert("agency_code".to_owned(), OURS.into());
    renew(&mut other);
    let call = app.post(&old.path("/replacement")).by(Registrar);
    let refused = call.json(&replacement(&other)).send().await;
    assert_eq!(refused.problem(), problem(422, "result/other-type"));
    assert_eq!(looked_up(&app, &old).await["status"]["state"], "in_force");
}

#[tokio::test]
async fn a_result_does_not_replace_itself() {
    let app = TestApp::start().await;
    let mut data = badge();
    let old = app.issue(&data).await;
    data.insert("result_code".to_owned(), old["result_code"].clone());
    data.insert("badge_number".to_owned(), old["number"].clone());
    let old = Issued::of(&old);
    let call = app.post(&old.path("/replacement")).by(Registrar);
    let refused = call.json(&replacement(&data)).send().await;
    assert_eq!(
        refused.problem(),
        problem(409, "issue/duplicate-result-code")
    );
    data.remove("result_code");
    let call = app.post(&old.path("/replacement")).by(Registrar);
    let refused = call.json(&replacement(&data)).send().await;
    assert_eq!(refused.problem(), problem(409, "issue/duplicate-number"));
    let seen = looked_up(&app, &old).await;
    assert_eq!(seen["status"]["state"], "in_force");
    assert_eq!(seen["result"]["successor"], Value::Null);
}

#[tokio::test]
async fn of_two_replacements_at_once_one_wins_and_the_other_issues_nothing() {
    let app = TestApp::start().await;
    let old = app.badge().await;
    let size = app.log_size().await;
    let calls = (0..5).map(|_| {
        let call = app.post(&old.path("/replacement")).by(Registrar);
        call.json(&replacement(&badge())).send()
    });
    let answers = all(calls).await;
    let won: Vec<_> = answers
        .iter()
        .filter(|answer| answer.status == 201)
        .collect();
    let lost = answers.iter().filter(|answer| answer.status == 409).count();
    assert_eq!((won.len(), lost), (1, 4));
    assert_eq!(app.log_size().await, size + 2);
    let new = Issued::of(&won[0].json());
    assert_eq!(looked_up(&app, &old).await["result"]["successor"], new.id);
}

#[tokio::test]
async fn an_erratum_is_shown_and_the_result_stays_in_force() {
    let app = TestApp::start().await;
    let issued = app.badge().await;
    let mut body = grounds();
    body["reason"] = "Căn cứ ghi thiếu số nghị định <b>".into();
    let call = app.post(&issued.path("/erratum")).by(Registrar);
    assert_eq!(call.json(&body).send().await.ok()["status"], "valid");
    let seen = scanned(&app, &issued).await;
    assert_eq!(
        (&seen["verdict"], &seen["result"]["change"]),
        (&json!("valid"), &Value::Null)
    );
    assert_eq!(seen["result"]["errata"][0]["reason"], body["reason"]);
    let page = app.get(&format!("/{}", issued.id)).send().await.text();
    assert!(page.contains("<h2>Đính chính</h2>"), "{page}");
    assert!(
        page.contains("Căn cứ ghi thiếu số nghị định &#60;b&#62;"),
        "{page}"
    );
    // Under a suspension the notice does not pass for the decision in effect.
    decide(&app, &issued, ChangeKind::Suspension).await;
    decide(&app, &issued, ChangeKind::Erratum).await;
    let seen = looked_up(&app, &issued).await;
    assert_eq!(seen["status"]["state"], "suspended");
    assert_eq!(seen["result"]["change"]["kind"], "suspension");
    assert_eq!(seen["result"]["change"]["until"], "2026-11-30");
    app.clock.set("2026-12-01T00:00:00+07:00");
    assert_eq!(
        looked_up(&app, &issued).await["status"]["state"],
        "in_force"
    );
}

#[tokio::test]
async fn of_a_cancelled_result_the_public_sees_no_content_and_an_inspector_does() {
    let app = TestApp::start().await;
    let issued = app.badge().await;
    decide(&app, &issued, ChangeKind::Erratum).await;
    decide(&app, &issued, ChangeKind::Cancellation).await;
    for seen in [looked_up(&app, &issued).await, scanned(&app, &issued).await] {
        assert_eq!(seen["status"]["state"], "cancelled");
        assert_eq!(seen["result"]["fields"], json!([]));
        assert_eq!(seen["result"]["errata"], json!([]));
        assert_eq!(seen["result"]["change"]["reason"], Value::Null);
        assert_eq!(seen["result"]["change"]["decision"], "0213/QĐ-SXD");
        assert!(!seen.to_string().contains("43B-000.00"), "{seen:#}");
    }
    let call = app.post("/api/v1/verifications").by(Inspector);
    let seen = call
        .json(&json!({"code": issued.qr_text}))
        .send()
        .await
        .ok();
    assert!(seen.to_string().contains("43B-000.00"), "{seen:#}");
    assert_eq!(seen["result"]["change"]["reason"], grounds()["reason"]);
}

#[tokio::test]
async fn a_recalled_result_is_told_as_taken_back_by_its_agency() {
    let app = TestApp::start().await;
    let issued = app.badge().await;
    let (_, said) = decide(&app, &issued, ChangeKind::Recall).await;
    assert_eq!(said["status"], "recalled");
    let seen = scanned(&app, &issued).await;
    assert_eq!(seen["status"]["state"], "revoked");
    assert_eq!(seen["result"]["change"]["kind"], "recall");
    let page = app
        .get(&format!("/{}?lang=en", issued.id))
        .send()
        .await
        .text();
    assert!(
        page.contains("The agency took this document back"),
        "{page}"
    );
}

#[tokio::test]
async fn the_history_names_who_and_why_and_proves_it_by_the_leaf() {
    let app = TestApp::start().await;
    let issued = app.badge().await;
    decide(&app, &issued, ChangeKind::Suspension).await;
    decide(&app, &issued, ChangeKind::Reinstatement).await;
    let new = replace(&app, &issued, &badge()).await;
    let history = app
        .get(&issued.path("/history"))
        .by(Supervisor)
        .send()
        .await
        .ok();
    let changes = history["changes"].as_array().unwrap();
    let kinds: Vec<&Value> = changes.iter().map(|one| &one["kind"]).collect();
    assert_eq!(kinds, ["suspension", "reinstatement", "replacement"]);
    assert_eq!(changes[2]["successor"], new.id);
    let mut tx = app.installation.store().read().await.unwrap();
    let id = dauso::id::ResultId::parse(&issued.id).unwrap();
    let row = tx.result(&id).await.unwrap().unwrap().issued.row;
    let mut audit = tx.audit_of(&row.to_string(), None, 10).await.unwrap();
    audit.reverse();
    let actions: Vec<&str> = audit.iter().map(|line| line.action.as_str()).collect();
    assert_eq!(
        actions,
        [
            "result.issue",
            "result.suspend",
            "result.reinstate",
            "result.supersede"
        ]
    );
    for (change, line) in changes.iter().zip(&audit[1..]) {
        assert_eq!(change["authority"], "Sở Xây dựng Mẫu");
        assert_eq!(change["actor"], line.actor);
        let detail: Value = serde_json::from_str(&line.detail).unwrap();
        for name in ["reason", "decision", "authority"] {
            assert_eq!(detail[name], change[name], "{name}");
        }
        assert!(!line.detail.contains(&issued.id) && !line.detail.contains(&new.id));
        // Somebody with the record and the salt finds them in the leaf.
        let index = change["log"]["index"].as_u64().unwrap();
        let leaf = tx.leaves(index..index + 1).await.unwrap().remove(0).leaf;
        let salt = change["salt"].as_str().unwrap();
        let salt: Vec<u8> = (0..16)
            .map(|at| u8::from_str_radix(&salt[2 * at..2 * at + 2], 16).unwrap())
            .collect();
        let record = change["record"].as_str().unwrap();
        let commitment = Sha256::of_parts(&[b"dauso leaf 1", &salt, record.as_bytes()]);
        assert!(hex(&leaf.bytes).ends_with(&commitment.hex()));
        assert_eq!(change["log"]["leaf"], leaf.hash.hex());
        let record: Value = serde_json::from_str(record).unwrap();
        assert_eq!(record["kind"], change["kind"]);
    }
}

#[tokio::test]
async fn a_result_whose_type_has_left_the_catalogue_is_answered() {
    let file = crate::judges::root("fixtures/catalogue/street-vending-permit.toml");
    let app = TestApp::start_with(Wanted {
        catalogue: Some(&file),
        ..Wanted::default()
    })
    .await;
    let issued = Issued::of(&app.issue(&super::four_eyes::permit()).await);
    let app = app.without_catalogue_files().await;
    let seen = looked_up(&app, &issued).await;
    assert_eq!(seen["status"]["state"], "undecided");
    assert_eq!(seen["status"]["reason"], "skip/type-unknown");
    assert_eq!(seen["verdict"], "undetermined");
    assert_eq!(seen["result"]["fields"], json!([]));
    let page = app.get(&format!("/{}", issued.id)).send().await;
    assert_eq!(page.status, 200);
    assert!(
        page.text().contains("không còn trong danh mục"),
        "{}",
        page.text()
    );
    // What it asked for nobody knows: four eyes.
    let call = app.post(&issued.path("/revocation")).by(Registrar);
    assert_eq!(call.json(&grounds()).send().await.status, 202);
}
