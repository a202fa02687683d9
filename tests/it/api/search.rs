//! Finding results by number and by plate: who finds whose, in which spellings, and what the audit keeps.

use super::checks::{check_of, send};
use crate::support::app::{Answer, Issued, OURS, THEIRS, TestApp, Wanted, badge, problem, renew};
use dauso::access::Role::{self, Inspector, Registrar, Supervisor};
use dauso::clock::Clock as _;
use dauso::store::AuditEntry;
use serde_json::{Map, Value, json};

const SEARCH: &str = "/api/v1/results/search";

/// A badge of the other agency for the same vehicle.
fn their_badge() -> Map<String, Value> {
    let mut data = badge();
    data.insert("agency_code".to_owned(), THEIRS.into());
    renew(&mut data);
    data
}

async fn search(app: &TestApp, agency: &str, role: Role, asked: &Value) -> Answer {
    let call = app.post(SEARCH).by_at(agency, role);
    call.json(asked).send().await
}

/// Look-up codes of what was found.
fn ids(answer: &Answer) -> Vec<String> {
    let found = answer.ok();
    let results = found["results"].as_array().unwrap();
    let id = |found: &Value| found["id"].as_str().unwrap().to_owned();
    results.iter().map(id).collect()
}

async fn lines(app: &TestApp) -> Vec<AuditEntry> {
    let mut tx = app.installation.store().read().await.unwrap();
    let lines = tx.audit(None, 100).await.unwrap();
    let searches = lines.into_iter();
    searches
        .filter(|line| line.action == "result.search")
        .collect()
}

#[tokio::test]
async fn an_inspector_finds_results_of_every_agency_and_others_those_of_their_own() {
    let app = TestApp::start().await;
    let ours = app.badge().await;
    let theirs = Issued::of(&app.issue(&their_badge()).await);
    let plate = json!({"plate": "43B-000.00"});
    // Both agencies count from one, so both badges have this number too.
    let number = json!({"number": "HD4826000001"});
    for asked in [&plate, &number] {
        for role in Role::ALL {
            for (agency, own) in [(OURS, &ours.id), (THEIRS, &theirs.id)] {
                let answer = search(&app, agency, role, asked).await;
                match role {
                    Role::Admin => {
                        assert_eq!(answer.problem(), problem(403, "auth/forbidden"));
                    }
                    Inspector => {
                        assert_eq!(ids(&answer), [&theirs.id, &ours.id].map(String::as_str));
                    }
                    _ => assert_eq!(ids(&answer), [own.as_str()], "{role:?} of {agency}"),
                }
            }
        }
    }
}

#[tokio::test]
async fn what_is_found_leads_to_the_result_and_shows_nothing_of_its_holder() {
    let app = TestApp::start().await;
    let old = app.badge().await;
    let grounds = json!({
        "reason": "Đổi biển số", "decision": "0213/QĐ-SXD", "authority": "Sở Xây dựng Mẫu",
        "data": badge(),
    });
    let call = app.post(&old.path("/replacement")).by(Registrar);
    let new = call.json(&grounds).send().await;
    assert_eq!(new.status, 201, "{}", new.text());
    let new = Issued::of(&new.json());
    let found = search(&app, OURS, Supervisor, &json!({"plate": "43B00000"})).await;
    assert_eq!(
        found.ok(),
        json!({
            "more": false,
            "results": [
                {
                    "id": new.id, "type": "vehicle-badge", "agency_code": OURS,
                    "number": "HD4826000002", "issue_date": "2026-08-28",
                    "valid_from": "2026-09-01", "valid_to": "2028-08-31",
                    "status": "valid", "successor": null,
                },
                {
                    "id": old.id, "type": "vehicle-badge", "agency_code": OURS,
                    "number": "HD4826000001", "issue_date": "2026-08-28",
                    "valid_from": "2026-09-01", "valid_to": "2028-08-31",
                    "status": "superseded", "successor": new.id,
                },
            ],
        })
    );
}

#[tokio::test]
async fn spelling_makes_no_difference_and_what_cannot_be_one_is_refused() {
    let app = TestApp::start().await;
    let issued = app.badge().await;
    let found = async |asked: Value| ids(&search(&app, OURS, Inspector, &asked).await);
    for plate in ["43B-000.00", "43b 000 00", "43B00000", " 43b-00000 "] {
        assert_eq!(
            found(json!({"plate": plate})).await,
            [&*issued.id],
            "{plate}"
        );
    }
    for number in ["HD4826000001", " hd4826000001", "HD 4826 000001"] {
        assert_eq!(
            found(json!({"number": number})).await,
            [&*issued.id],
            "{number}"
        );
    }
    for nothing in [
        json!({"plate": "43B-000.01"}),
        json!({"plate": "43D-000.00"}),
        json!({"number": "HD482600000"}),
        json!({"number": "%"}),
    ] {
        let none = found(nothing.clone()).await;
        assert_eq!(none, Vec::<String>::new(), "{nothing}");
    }
    for (asked, field) in [
        (
            json!({"plate": "43B"}),
            Some(("plate", "field/not-a-plate")),
        ),
        (json!({"plate": " "}), Some(("plate", "field/not-a-plate"))),
        (
            json!({"plate": "4".repeat(101)}),
            Some(("plate", "field/too-long")),
        ),
        (json!({"number": " "}), Some(("number", "field/missing"))),
        (
            json!({"number": "1".repeat(101)}),
            Some(("number", "field/too-long")),
        ),
        (
            json!({"number": "1\u{7}"}),
            Some(("number", "field/control-character")),
        ),
        (json!({}), None),
        (json!({"name": "Mẫu"}), None),
        (json!({"plate": null}), None),
        (json!({"plate": "43B-000.00", "number": "1"}), None),
        (json!([]), None),
    ] {
        let refused = search(&app, OURS, Inspector, &asked).await;
        assert_eq!(refused.problem(), problem(422, "request/shape"), "{asked}");
        let named = field.map(|(field, code)| (field.to_owned(), code.to_owned()));
        assert_eq!(refused.fields(), Vec::from_iter(named), "{asked}");
    }
}

#[tokio::test]
async fn the_audit_says_who_was_shown_what_and_neither_plate_nor_number() {
    let app = TestApp::start().await;
    let ours = app.badge().await;
    let theirs = Issued::of(&app.issue(&their_badge()).await);
    let mut tx = app.installation.store().read().await.unwrap();
    let mut rows = Vec::new();
    for issued in [&theirs, &ours] {
        let id = dauso::id::ResultId::parse(&issued.id).unwrap();
        let stored = tx.result(&id).await.unwrap().unwrap();
        rows.push(stored.issued.row.to_string());
    }
    let accounts = tx.accounts(OURS).await.unwrap();
    let inspector = accounts.iter().find(|one| one.role == Inspector).unwrap();
    drop(tx);
    for (asked, shown) in [
        (json!({"plate": "43B-000.00"}), true),
        (json!({"number": "HD4826000001"}), true),
        (json!({"plate": "43B-000.01"}), false),
    ] {
        let before = lines(&app).await.len();
        search(&app, OURS, Inspector, &asked).await.ok();
        let written = lines(&app).await;
        let written = &written[..written.len() - before];
        let by = if asked.get("plate").is_some() {
            "plate"
        } else {
            "number"
        };
        let mut subjects: Vec<Option<&String>> = Vec::new();
        for line in written {
            assert_eq!(line.actor, inspector.id);
            assert_eq!(line.at, app.clock.now());
            let detail: Value = serde_json::from_str(&line.detail).unwrap();
            let found = if shown { 2 } else { 0 };
            assert_eq!(detail, json!({"by": by, "found": found}));
            subjects.push(line.subject.as_ref());
        }
        // The newest line stands first.
        let expected = if shown {
            vec![Some(&rows[1]), Some(&rows[0])]
        } else {
            vec![None]
        };
        assert_eq!(subjects, expected, "{asked}");
    }
    // Whoever is refused was shown nothing.
    let before = lines(&app).await.len();
    let plate = json!({"plate": "43B-000.00"});
    assert_eq!(search(&app, OURS, Role::Admin, &plate).await.status, 403);
    let wrong = json!({"plate": "43B"});
    assert_eq!(search(&app, OURS, Inspector, &wrong).await.status, 422);
    assert_eq!(lines(&app).await.len(), before);
}

#[tokio::test]
async fn no_more_than_fifty_results_are_shown_and_the_answer_says_that_there_are_more() {
    let app = TestApp::start().await;
    let plate = json!({"plate": "43B-000.00"});
    for _ in 0..50 {
        app.badge().await;
    }
    let all = search(&app, OURS, Inspector, &plate).await;
    assert_eq!(all.ok()["more"], false);
    assert_eq!(ids(&all).len(), 50);
    let newest = app.badge().await;
    let some = search(&app, OURS, Inspector, &plate).await;
    assert_eq!(some.ok()["more"], true);
    assert_eq!(ids(&some).len(), 50);
    assert_eq!(ids(&some)[0], newest.id);
}

#[tokio::test]
async fn plates_cannot_be_tried_at_speed_by_an_account() {
    let app = TestApp::start_with(Wanted {
        per_minute: Some(3),
        ..Wanted::default()
    })
    .await;
    let plate = json!({"plate": "43B-000.00"});
    for _ in 0..3 {
        search(&app, OURS, Inspector, &plate).await.ok();
    }
    let before = lines(&app).await.len();
    let refused = search(&app, OURS, Inspector, &plate).await;
    assert_eq!(refused.problem(), problem(429, "request/too-many"));
    assert!(!refused.header("retry-after").is_empty());
    assert_eq!(lines(&app).await.len(), before);
    let told = app.service.metrics.text(None);
    let line = "dauso_http_refused_total{reason=\"search\"} 1\n";
    assert!(told.contains(line), "{told}");
    // Other accounts search, and this one does its other work.
    search(&app, OURS, Supervisor, &plate).await.ok();
    let check = check_of("x");
    assert_eq!(send(&app, &check).await.status, 200);
}

#[tokio::test]
async fn a_supervisor_sees_every_check_of_a_result_of_his_agency_in_pages() {
    let app = TestApp::start().await;
    let (ours, other) = (app.badge().await, app.badge().await);
    for issued in [&ours, &other, &ours, &ours] {
        send(&app, &check_of(&issued.qr_text)).await.ok();
    }
    let path = ours.path("/checks");
    let page = app.get(&format!("{path}?limit=2")).by(Supervisor);
    let first = page.send().await.ok();
    let places = |page: &Value| -> Vec<u64> {
        let checks = page["checks"].as_array().unwrap().iter();
        let about = checks.map(|check| {
            assert_eq!(check["result"], ours.id.as_str());
            check["log_index"].as_u64().unwrap()
        });
        about.collect()
    };
    let newest = app.log_size().await - 1;
    assert_eq!(places(&first), [newest, newest - 1]);
    let next = format!("{path}?limit=2&before={}", first["next"]);
    let second = app.get(&next).by(Supervisor).send().await.ok();
    assert_eq!(places(&second), [newest - 3]);
    assert_eq!(second["next"], Value::Null);
    let theirs = app.get(&path).by_at(THEIRS, Supervisor).send().await;
    assert_eq!(theirs.problem(), problem(403, "auth/forbidden"));
    let unknown = "/api/v1/results/0000000000000000/checks";
    let unknown = app.get(unknown).by(Supervisor).send().await;
    assert_eq!(unknown.problem(), problem(404, "result/unknown"));
}
