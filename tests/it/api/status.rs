//! Revocation, suspension, reinstatement: at the next look-up, and in the published list.

use crate::support::app::{Issued, TestApp, problem};
use dauso::access::Role::Registrar;
use dauso::status::{Status, token};
use dauso::trust::TrustBundle;
use serde_json::{Value, json};

fn grounds() -> Value {
    json!({
        "reason": "Vi phạm quy định kinh doanh vận tải",
        "decision": "123/QĐ-SXD",
        "authority": "Sở Xây dựng Mẫu",
    })
}

fn until(day: &str) -> Value {
    let mut body = grounds();
    body["until"] = day.into();
    body
}

/// What the published list says of a result, opened as a phone opens it: with the key of the bundle.
async fn published(app: &TestApp, issued: &Issued) -> Status {
    let bundle = app.get("/trust").send().await;
    assert_eq!(bundle.kind(), "application/cose");
    let bundle = TrustBundle::open(&bundle.body, None).unwrap();
    let id = dauso::id::ResultId::parse(&issued.id).unwrap();
    let mut tx = app.installation.store().read().await.unwrap();
    let stored = tx.result(&id).await.unwrap().unwrap().issued;
    drop(tx);
    let place = bundle.list(stored.list).unwrap();
    let path = format!("/status/{}", stored.list);
    assert_eq!(place.uri, format!("https://qr.vidu.test{path}"));
    let answer = app.get(&path).send().await;
    assert_eq!(answer.kind(), token::CONTENT_TYPE);
    let list = token::open(&answer.body, &place.key).unwrap();
    assert_eq!(list.terms().uri, place.uri);
    list.list().get(stored.index).unwrap()
}

async fn looked_up(app: &TestApp, issued: &Issued) -> Value {
    let call = app.get(&format!("/{}", issued.id));
    call.header("accept", "application/json").send().await.ok()
}

#[tokio::test]
async fn a_revoked_result_says_so_at_the_next_scan_and_in_the_published_list() {
    let app = TestApp::start().await;
    let (issued, other) = (app.badge().await, app.badge().await);
    app.work().await;
    assert_eq!(published(&app, &issued).await, Status::Valid);
    let size = app.log_size().await;
    let call = app.post(&issued.path("/revocation")).by(Registrar);
    let changed = call.json(&grounds()).send().await.ok();
    assert_eq!(changed["id"], issued.id);
    assert_eq!(changed["status"], "revoked");
    assert_eq!(changed["log"]["index"], size);
    assert_eq!(app.log_size().await, size + 1);

    let seen = looked_up(&app, &issued).await;
    assert_eq!(seen["verdict"], "invalid");
    assert_eq!(seen["status"]["state"], "revoked");
    assert_eq!(seen["status"]["reason"], "status/revoked");
    assert_eq!(seen["result"]["change"]["decision"], "123/QĐ-SXD");
    let call = app.post("/api/v1/verifications");
    let scanned = call
        .json(&json!({"code": issued.qr_text}))
        .send()
        .await
        .ok();
    assert_eq!(scanned["verdict"], "invalid");
    assert_eq!(scanned["signature"]["outcome"], "pass");
    assert_eq!(scanned["status"]["state"], "revoked");
    assert_eq!(looked_up(&app, &other).await["status"]["state"], "in_force");
    let page = app.get(&format!("/{}", issued.id)).send().await.text();
    assert!(
        page.contains("123/QĐ-SXD") && page.contains("Vi phạm quy định"),
        "{page}"
    );

    app.work().await;
    assert_eq!(published(&app, &issued).await, Status::Invalid);
    assert_eq!(published(&app, &other).await, Status::Valid);
}

#[tokio::test]
async fn a_suspension_ends_with_its_day() {
    let app = TestApp::start().await;
    let issued = app.badge().await;
    let call = app.post(&issued.path("/suspension")).by(Registrar);
    let changed = call.json(&until("2026-11-30")).send().await.ok();
    assert_eq!(changed["status"], "suspended");
    app.work().await;
    assert_eq!(published(&app, &issued).await, Status::Suspended);
    assert_eq!(
        looked_up(&app, &issued).await["result"]["change"]["until"],
        "2026-11-30"
    );

    app.clock.set("2026-11-30T23:59:59+07:00");
    app.work().await;
    assert_eq!(
        looked_up(&app, &issued).await["status"]["reason"],
        "status/suspended"
    );
    assert_eq!(published(&app, &issued).await, Status::Suspended);

    app.clock.set("2026-12-01T00:00:00+07:00");
    app.work().await;
    let seen = looked_up(&app, &issued).await;
    assert_eq!(seen["status"]["state"], "in_force");
    assert_eq!(seen["result"]["change"], Value::Null);
    assert_eq!(published(&app, &issued).await, Status::Valid);
    let read = app.get(&issued.path("")).by(Registrar).send().await.ok();
    assert_eq!(read["status"], "valid");
    assert_eq!(read["history"][0]["until"], "2026-11-30");
}

#[tokio::test]
async fn a_reinstated_result_is_in_force_and_its_history_tells_everything() {
    let app = TestApp::start().await;
    let issued = app.badge().await;
    let send = async |word: &str, body: Value| {
        app.clock.forward(60);
        let call = app.post(&issued.path(word)).by(Registrar).json(&body);
        call.send().await.ok()
    };
    send("/suspension", until("2026-11-30")).await;
    let changed = send("/reinstatement", grounds()).await;
    assert_eq!(changed["status"], "valid");
    assert_eq!(
        looked_up(&app, &issued).await["status"]["state"],
        "in_force"
    );
    app.work().await;
    assert_eq!(published(&app, &issued).await, Status::Valid);
    send("/revocation", grounds()).await;
    let read = app.get(&issued.path("")).by(Registrar).send().await.ok();
    let words = |name: &str| -> Vec<String> {
        let history = read["history"].as_array().unwrap();
        history
            .iter()
            .map(|one| one[name].as_str().unwrap_or("-").to_owned())
            .collect()
    };
    assert_eq!(words("from"), ["valid", "suspended", "valid"]);
    assert_eq!(words("to"), ["suspended", "valid", "revoked"]);
    assert_eq!(words("until"), ["2026-11-30", "-", "-"]);
    assert_eq!(words("decision"), ["123/QĐ-SXD"; 3]);
    assert_eq!(
        words("at"),
        [
            "2026-11-21T09:43:00+07:00",
            "2026-11-21T09:44:00+07:00",
            "2026-11-21T09:45:00+07:00"
        ]
    );
}

#[tokio::test]
async fn moves_that_the_law_does_not_know_are_refused() {
    let app = TestApp::start().await;
    let issued = app.badge().await;
    let send = async |word: &str, body: Value| {
        let call = app.post(&issued.path(word)).by(Registrar).json(&body);
        call.send().await
    };
    let impossible = problem(409, "result/not-possible");
    assert_eq!(
        send("/reinstatement", grounds()).await.problem(),
        impossible
    );
    send("/suspension", until("2026-11-30")).await.ok();
    let size = app.log_size().await;
    assert_eq!(
        send("/suspension", until("2026-12-30")).await.problem(),
        impossible
    );
    send("/revocation", grounds()).await.ok();
    for (word, body) in [
        ("/revocation", grounds()),
        ("/suspension", until("2026-12-30")),
        ("/reinstatement", grounds()),
    ] {
        assert_eq!(send(word, body).await.problem(), impossible, "{word}");
    }
    assert_eq!(app.log_size().await, size + 1);
    let call = app
        .post("/api/v1/results/7K3M9QX2TB4C5D6E/revocation")
        .by(Registrar);
    let unknown = call.json(&grounds()).send().await;
    assert_eq!(unknown.problem(), problem(404, "result/unknown"));
}

#[tokio::test]
async fn a_decision_needs_its_grounds() {
    let app = TestApp::start().await;
    let issued = app.badge().await;
    let send = async |word: &str, body: &Value| {
        let call = app.post(&issued.path(word)).by(Registrar).json(body);
        call.send().await
    };
    for (name, longest) in [("reason", 500), ("decision", 100), ("authority", 200)] {
        for bad in [
            " ".to_owned(),
            "x".repeat(longest + 1),
            "a\u{0}b".to_owned(),
        ] {
            let mut body = grounds();
            body[name] = bad.into();
            let answer = send("/revocation", &body).await;
            assert_eq!(answer.problem(), problem(422, "request/shape"));
            assert_eq!(answer.fields()[0].0, name);
        }
        let mut body = grounds();
        body.as_object_mut().unwrap().remove(name);
        let answer = send("/revocation", &body).await;
        assert_eq!(answer.problem(), problem(422, "request/shape"));
    }
    let mut body = grounds();
    body["actor"] = "somebody".into();
    assert_eq!(
        send("/revocation", &body).await.problem(),
        problem(422, "request/shape")
    );
    for (day, code) in [
        ("2026-11-20", "result/until-past"),
        ("30/11/2026", "request/shape"),
        ("2026-02-30", "request/shape"),
    ] {
        assert_eq!(
            send("/suspension", &until(day)).await.problem(),
            problem(422, code),
            "{day}"
        );
    }
    // Suspended for what is left of today is possible.
    assert_eq!(
        send("/suspension", &until("2026-11-21")).await.ok()["status"],
        "suspended"
    );
}

#[tokio::test]
async fn two_decisions_at_once_are_made_one_after_the_other() {
    let app = TestApp::start().await;
    let issued = app.badge().await;
    let size = app.log_size().await;
    let calls = (0..6).map(|_| {
        app.post(&issued.path("/revocation"))
            .by(Registrar)
            .json(&grounds())
            .send()
    });
    let answers = super::results::all(calls).await;
    let mut statuses: Vec<u16> = answers
        .iter()
        .map(|answer| answer.status.as_u16())
        .collect();
    statuses.sort_unstable();
    assert_eq!(statuses, [200, 409, 409, 409, 409, 409]);
    assert_eq!(app.log_size().await, size + 1);
}

#[tokio::test]
async fn published_files_are_fetched_again_only_when_they_have_changed() {
    let app = TestApp::start().await;
    let issued = app.badge().await;
    app.work().await;
    for path in ["/trust", "/status/1"] {
        let first = app.get(path).send().await;
        assert_eq!(first.header("cache-control"), "public, max-age=60");
        assert_eq!(first.header("access-control-allow-origin"), "*");
        let tag = first.header("etag").to_owned();
        let again = app.get(path).header("if-none-match", &tag).send().await;
        assert_eq!(
            (again.status.as_u16(), again.body.len()),
            (304, 0),
            "{path}"
        );
    }
    let tag = app.get("/status/1").send().await.header("etag").to_owned();
    let call = app.post(&issued.path("/revocation")).by(Registrar);
    call.json(&grounds()).send().await.ok();
    app.work().await;
    let again = app
        .get("/status/1")
        .header("if-none-match", &tag)
        .send()
        .await;
    assert_eq!(again.status, 200);
    for list in ["7", "0", "-1", "x", "4294967296"] {
        let refused = app.get(&format!("/status/{list}")).send().await.problem();
        assert_eq!(refused, problem(404, "status/unknown-list"), "{list}");
    }
}
