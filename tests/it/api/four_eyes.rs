//! Decisions that a second person must confirm, because the type says so.

use super::life::grounds;
use super::results::all;
use crate::judges::root;
use crate::support::app::{Issued, OURS, THEIRS, TestApp, Wanted, problem};
use dauso::access::Role::{CaseOfficer, Inspector, Registrar, Signatory, Supervisor};
use serde_json::{Map, Value, json};

const REQUESTS: &str = "/api/v1/change-requests";

/// A permit of the type of the file, each time another dossier.
pub(super) fn permit() -> Map<String, Value> {
    let mut data = json!({
        "type": "street-vending-permit",
        "dossier_code": "",
        "agency_code": OURS,
        "vendor_name": "Lò Thị Thử Nghiệm",
        "pitch": "Ô 12, phố Mẫu",
        "goods": ["hoa tươi"],
        "hours": [{"days": ["mon", "tue", "wed", "thu", "fri", "sat", "sun"], "from": "05:00", "to": "23:00"}],
        "fee_vnd": 150_000,
        "valid_from": "2026-11-20",
        "valid_to": "2027-11-19",
    })
    .as_object()
    .unwrap()
    .clone();
    crate::support::app::renew(&mut data);
    data
}

/// A service whose street permits want four eyes for two kinds of change.
pub(super) async fn started() -> (TestApp, Issued) {
    let text =
        std::fs::read_to_string(root("fixtures/catalogue/street-vending-permit.toml")).unwrap();
    let text = format!("four_eyes = [\"revocation\", \"replacement\"]\n{text}");
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("street-vending-permit.toml");
    std::fs::write(&file, text).unwrap();
    let app = TestApp::start_with(Wanted {
        catalogue: Some(&file),
        ..Wanted::default()
    })
    .await;
    let issued = Issued::of(&app.issue(&permit()).await);
    (app, issued)
}

async fn state(app: &TestApp, issued: &Issued) -> Value {
    let call = app.get(&format!("/{}", issued.id));
    let seen = call.header("accept", "application/json").send().await.ok();
    seen["status"]["state"].clone()
}

/// Asks for a revocation; the id of the request.
pub(super) async fn ask(app: &TestApp, issued: &Issued) -> String {
    let call = app.post(&issued.path("/revocation")).by(Registrar);
    let answer = call.json(&grounds()).send().await;
    assert_eq!(answer.status, 202, "{}", answer.text());
    assert_eq!(answer.json()["state"], "waiting");
    answer.json()["request"].as_str().unwrap().to_owned()
}

fn confirmation(request: &str) -> String {
    format!("{REQUESTS}/{request}/confirmation")
}

async fn audit(app: &TestApp, issued: &Issued) -> Vec<(String, String)> {
    let mut tx = app.installation.store().read().await.unwrap();
    let id = dauso::id::ResultId::parse(&issued.id).unwrap();
    let row = tx.result(&id).await.unwrap().unwrap().issued.row;
    let lines = tx.audit_of(&row.to_string(), None, 10).await.unwrap();
    lines
        .into_iter()
        .rev()
        .map(|line| (line.action, line.actor))
        .collect()
}

#[tokio::test]
async fn a_revocation_waits_until_another_account_confirms_it() {
    let (app, issued) = started().await;
    let size = app.log_size().await;
    let request = ask(&app, &issued).await;
    assert_eq!(state(&app, &issued).await, "in_force");
    assert_eq!(app.log_size().await, size + 1);
    let page = app.get(REQUESTS).by(CaseOfficer).send().await.ok();
    assert_eq!(page["requests"][0]["request"], request);
    assert_eq!(page["requests"][0]["decision"], "0213/QĐ-SXD");

    let call = app.post(&confirmation(&request)).by(Signatory);
    let done = call.send().await.ok();
    assert_eq!(done["status"], "revoked");
    assert_eq!(done["log"]["index"], size + 1);
    assert_eq!(state(&app, &issued).await, "revoked");
    assert_eq!(
        app.get(REQUESTS).by(Registrar).send().await.ok()["requests"],
        json!([])
    );
    let read = app
        .get(&format!("{REQUESTS}/{request}"))
        .by(Supervisor)
        .send()
        .await
        .ok();
    assert_eq!(read["state"], "confirmed");
    let history = app
        .get(&issued.path("/history"))
        .by(Registrar)
        .send()
        .await
        .ok();
    let change = &history["changes"][0];
    assert_eq!(
        (&change["actor"], &change["confirmed_by"]),
        (&read["asked_by"], &read["settled_by"])
    );
    assert_ne!(change["actor"], change["confirmed_by"]);
    let said = audit(&app, &issued).await;
    let actions: Vec<&str> = said.iter().map(|(action, _)| action.as_str()).collect();
    assert_eq!(
        actions,
        [
            "result.issue",
            "change-request.ask",
            "result.revoke",
            "change-request.confirm"
        ]
    );
    assert_eq!(said[3].1, change["confirmed_by"].as_str().unwrap());
    // Once is enough.
    let again = app.post(&confirmation(&request)).by(Signatory).send().await;
    assert_eq!(again.problem(), problem(409, "change-request/settled"));
}

#[tokio::test]
async fn who_asked_neither_confirms_nor_rejects_with_whatever_key() {
    let (app, issued) = started().await;
    let request = ask(&app, &issued).await;
    let other_key = app.another_key(OURS, Registrar).await;
    for key in [app.key(OURS, Registrar).to_owned(), other_key] {
        let answer = app.post(&confirmation(&request)).key(&key).send().await;
        assert_eq!(answer.problem(), problem(403, "change-request/same-person"));
        let call = app
            .post(&format!("{REQUESTS}/{request}/rejection"))
            .key(&key);
        let answer = call.json(&json!({"reason": "Nhầm"})).send().await;
        assert_eq!(answer.problem(), problem(403, "change-request/same-person"));
    }
    assert_eq!(state(&app, &issued).await, "in_force");
}

#[tokio::test]
async fn only_registrars_and_signatories_of_the_agency_answer() {
    let (app, issued) = started().await;
    let request = ask(&app, &issued).await;
    for (agency, role) in [
        (OURS, CaseOfficer),
        (OURS, Inspector),
        (OURS, Supervisor),
        (THEIRS, Registrar),
        (THEIRS, Signatory),
    ] {
        let call = app.post(&confirmation(&request)).by_at(agency, role);
        assert_eq!(
            call.send().await.problem(),
            problem(403, "auth/forbidden"),
            "{agency} {role:?}"
        );
    }
    let call = app
        .get(&format!("{REQUESTS}/{request}"))
        .by_at(THEIRS, Registrar);
    assert_eq!(call.send().await.problem(), problem(403, "auth/forbidden"));
    let theirs = app.get(REQUESTS).by_at(THEIRS, Registrar).send().await.ok();
    assert_eq!(theirs["requests"], json!([]));
    let nobody = app.get(REQUESTS).by(Inspector).send().await;
    assert_eq!(nobody.problem(), problem(403, "auth/forbidden"));
}

#[tokio::test]
async fn a_rejected_request_changes_nothing_and_leaves_its_traces() {
    let (app, issued) = started().await;
    let request = ask(&app, &issued).await;
    let size = app.log_size().await;
    let call = app
        .post(&format!("{REQUESTS}/{request}/rejection"))
        .by(Signatory);
    let said = call
        .json(&json!({"reason": "Chưa đủ căn cứ"}))
        .send()
        .await
        .ok();
    assert_eq!(
        (&said["state"], &said["settled_because"]),
        (&json!("rejected"), &json!("Chưa đủ căn cứ"))
    );
    assert_eq!(said["settled_log_index"], size);
    assert_eq!(state(&app, &issued).await, "in_force");
    assert_eq!(
        audit(&app, &issued).await.last().unwrap().0,
        "change-request.reject"
    );
    // It may be asked for again.
    ask(&app, &issued).await;
}

#[tokio::test]
async fn a_request_that_nobody_answers_expires() {
    let (app, issued) = started().await;
    let request = ask(&app, &issued).await;
    let second = app.post(&issued.path("/revocation")).by(Registrar);
    let second = second.json(&grounds()).send().await;
    assert_eq!(second.problem(), problem(409, "change-request/waiting"));
    app.clock.forward(dauso::lifecycle::WAITS - 1);
    app.work().await;
    let read = app.get(&format!("{REQUESTS}/{request}")).by(Registrar);
    assert_eq!(read.send().await.ok()["state"], "waiting");
    app.clock.forward(1);
    // Also before anybody has written it down.
    let late = app.post(&confirmation(&request)).by(Signatory).send().await;
    assert_eq!(late.problem(), problem(409, "change-request/expired"));
    let read = app.get(&format!("{REQUESTS}/{request}")).by(Registrar);
    assert_eq!(read.send().await.ok()["state"], "expired");
    assert_eq!(
        app.get(REQUESTS).by(Registrar).send().await.ok()["requests"],
        json!([])
    );
    let size = app.log_size().await;
    app.work().await;
    assert_eq!(app.log_size().await, size + 1);
    let last = audit(&app, &issued).await.pop().unwrap();
    assert_eq!(
        last,
        ("change-request.expire".to_owned(), "system".to_owned())
    );
    ask(&app, &issued).await;
}

#[tokio::test]
async fn a_replacement_is_issued_when_it_is_confirmed_and_what_it_came_from_is_erased() {
    let (app, old) = started().await;
    let mut body = grounds();
    body["data"] = permit().into();
    let call = app.post(&old.path("/replacement")).by(Registrar);
    let asked = call.json(&body).send().await;
    assert_eq!(asked.status, 202, "{}", asked.text());
    assert!(!asked.text().contains("Lò Thị"), "{}", asked.text());
    let request = asked.json()["request"].as_str().unwrap().to_owned();
    assert_eq!(state(&app, &old).await, "in_force");
    let done = app.post(&confirmation(&request)).by(Signatory).send().await;
    assert_eq!(done.status, 201, "{}", done.text());
    let new = Issued::of(&done.json());
    assert_eq!(state(&app, &old).await, "superseded");
    assert_eq!(state(&app, &new).await, "in_force");
    let history = app
        .get(&old.path("/history"))
        .by(Registrar)
        .send()
        .await
        .ok();
    assert_eq!(history["changes"][0]["successor"], new.id);
    assert_eq!(history["changes"][0]["actor"], asked.json()["asked_by"]);
    assert_ne!(history["changes"][0]["confirmed_by"], Value::Null);
    let mut tx = app.installation.store().read().await.unwrap();
    let left = tx.submission(request.parse().unwrap()).await.unwrap();
    assert_eq!(left, None);
}

#[tokio::test]
async fn a_change_that_has_become_impossible_is_not_confirmed() {
    let (app, issued) = started().await;
    let request = ask(&app, &issued).await;
    let call = app.post(&issued.path("/surrender")).by(Registrar);
    call.json(&grounds()).send().await.ok();
    let late = app.post(&confirmation(&request)).by(Signatory).send().await;
    assert_eq!(late.problem(), problem(409, "result/not-possible"));
    let refused = app.post(&issued.path("/revocation")).by(Registrar);
    let refused = refused.json(&grounds()).send().await;
    assert_eq!(refused.problem(), problem(409, "result/not-possible"));
}

#[tokio::test]
async fn of_many_confirmations_at_once_one_is_done() {
    let (app, issued) = started().await;
    let request = ask(&app, &issued).await;
    let size = app.log_size().await;
    let calls = (0..5).map(|_| app.post(&confirmation(&request)).by(Signatory).send());
    let mut statuses: Vec<u16> = all(calls)
        .await
        .iter()
        .map(|one| one.status.as_u16())
        .collect();
    statuses.sort_unstable();
    assert_eq!(statuses, [200, 409, 409, 409, 409]);
    assert_eq!(app.log_size().await, size + 1);
}
