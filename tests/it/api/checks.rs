//! Inspectors' checks: judged, recorded once, in the log.

use super::results::all;
use super::verifications::double;
use crate::support::app::{Answer, OURS, THEIRS, TestApp, badge, problem};
use crate::support::stores::both;
use dauso::access::Role::{Inspector, Registrar, Supervisor};
use dauso::digest::Sha256;
use dauso::limits;
use dauso::store::CheckQuery;
use dauso::tlog;
use serde_json::{Value, json};
use uuid::Uuid;

const CHECKS: &str = "/api/v1/checks";

pub(super) fn check_of(scanned: &str) -> Value {
    json!({
        "id": Uuid::now_v7().to_string(),
        "scanned": scanned,
        "device_time": "2026-11-21T09:41:58+07:00",
        "match": "fits",
    })
}

pub(super) async fn send(app: &TestApp, body: &Value) -> Answer {
    app.post(CHECKS).by(Inspector).json(body).send().await
}

#[tokio::test]
async fn a_check_is_answered_and_stands_in_the_log() {
    let app = TestApp::start().await;
    let issued = app.badge().await;
    let size = app.log_size().await;
    let mut check = check_of(&issued.qr_text);
    check["finding"] = "in_order".into();
    check["note"] = "Xe dừng ở bến Mẫu".into();
    check["place"] = json!({"lat": 16.054_407, "lon": 108.202_167, "accuracy_m": 12.5});
    let answer = send(&app, &check).await.ok();
    assert_eq!(answer["id"], check["id"]);
    assert_eq!(answer["verdict"], "valid");
    assert_eq!(answer["report"]["verdict"], "valid");
    assert_eq!(answer["report"]["match"]["outcome"], "pass");
    assert_eq!(answer["report"]["id"], issued.id);
    assert_eq!(answer["log"]["index"], size);
    assert_eq!(app.log_size().await, size + 1);

    let mut tx = app.installation.store().read().await.unwrap();
    let leaf = tx.leaves(size..size + 1).await.unwrap().remove(0).leaf;
    assert_eq!(leaf.kind, tlog::Kind::Checked.name());
    // RFC 6962 §2.1, by hand.
    assert_eq!(
        answer["log"]["leaf"],
        Sha256::of_parts(&[&[0], &leaf.bytes]).hex()
    );
    let id = Uuid::parse_str(check["id"].as_str().unwrap()).unwrap();
    let stored = tx.check(id).await.unwrap().unwrap();
    assert!(!stored.signed, "no device signed it");
    assert_eq!(stored.scanned, Sha256::of(issued.qr_text.as_bytes()));
    let place = stored.place.unwrap();
    assert_eq!(
        (place.latitude_e7, place.longitude_e7),
        (160_544_070, 1_082_021_670)
    );
    // The leaf opens with the salt of the record, and holds nothing of it in clear.
    for secret in [&issued.id, "bến Mẫu", &stored.account] {
        let clear = leaf
            .bytes
            .windows(secret.len())
            .any(|window| window == secret.as_bytes());
        assert!(!clear, "{secret}");
    }
    assert!(stored.salt.is_some());
}

#[tokio::test]
async fn many_checks_are_answered_in_their_order() {
    let app = TestApp::start().await;
    let issued = app.badge().await;
    let size = app.log_size().await;
    let mut checks: Vec<Value> = (0..5).map(|_| check_of(&issued.qr_text)).collect();
    checks[1]["id"] = Uuid::from_u128(0x0193_42f0_0000_4000_8000_0000_0000_0001)
        .to_string()
        .into();
    checks[3]["finding"] = "no_such_finding".into();
    let answers = send(&app, &json!(checks)).await.ok();
    let answers = answers.as_array().unwrap();
    assert_eq!(answers.len(), 5);
    for (check, answer) in checks.iter().zip(answers) {
        assert_eq!(check["id"], answer["id"]);
    }
    let places = [0, 2, 4].map(|at: usize| answers[at]["log"]["index"].as_u64().unwrap());
    assert_eq!(places, [size, size + 1, size + 2]);
    assert_eq!(
        answers[1],
        json!({"id": checks[1]["id"], "refused": "check/id-not-uuidv7"})
    );
    assert_eq!(
        answers[3],
        json!({"id": checks[3]["id"], "refused": "check/unknown-finding"})
    );
}

#[tokio::test]
async fn a_check_sent_again_gets_its_first_answer() {
    let app = TestApp::start().await;
    let issued = app.badge().await;
    let check = check_of(&issued.qr_text);
    let first = send(&app, &check).await;
    let size = app.log_size().await;
    // Meanwhile it was revoked: the check was made before.
    let grounds = json!({"reason": "Thử", "decision": "1/QĐ", "authority": "Sở Mẫu"});
    let call = app.post(&issued.path("/revocation")).by(Registrar);
    call.json(&grounds).send().await.ok();
    app.clock.forward(600);
    let again = send(&app, &check).await;
    assert_eq!(again.ok(), first.ok());
    assert_eq!(app.log_size().await, size + 1);
    let in_a_batch = send(&app, &json!([check.clone(), check.clone()]))
        .await
        .ok();
    assert_eq!(in_a_batch, json!([first.ok(), first.ok()]));

    let mut other = check.clone();
    other["match"] = "does_not_fit".into();
    let refused = json!({"id": check["id"], "refused": "check/id-taken"});
    assert_eq!(send(&app, &other).await.ok(), refused);
    assert_eq!(
        send(&app, &check_of(&issued.qr_text)).await.ok()["verdict"],
        "invalid"
    );
}

#[tokio::test]
async fn what_the_inspector_saw_counts() {
    let app = TestApp::start().await;
    let issued = app.badge().await;
    for (seen, verdict, outcome, reason) in [
        ("fits", "valid", "pass", Value::Null),
        (
            "does_not_fit",
            "invalid",
            "fail",
            json!("match/does-not-fit"),
        ),
        (
            "not_seen",
            "undetermined",
            "not_performed",
            json!("skip/not-seen"),
        ),
    ] {
        let mut check = check_of(&issued.qr_text);
        check["match"] = seen.into();
        let answer = send(&app, &check).await.ok();
        assert_eq!(answer["verdict"], verdict, "{seen}");
        assert_eq!(
            answer["report"]["match"],
            json!({"outcome": outcome, "reason": reason}),
            "{seen}"
        );
    }
}

#[tokio::test]
async fn what_the_device_showed_is_kept_beside_what_the_service_says() {
    let app = TestApp::start().await;
    let issued = app.badge().await;
    let mut check = check_of(&issued.qr_text);
    check["shown"] = json!({"verdict": "undetermined", "list_issued_at": "2026-11-20T02:00:00Z"});
    let answer = send(&app, &check).await.ok();
    assert_eq!(answer["verdict"], "valid");
    let shown = json!({
        "verdict": "undetermined",
        "list_issued_at": "2026-11-20T09:00:00+07:00",
        "server_time_floor": null,
    });
    assert_eq!(answer["report"]["shown_on_device"], shown);
    for bad in [
        json!({}),
        json!({"verdict": "perhaps"}),
        json!({"verdict": "valid", "more": "x".repeat(1_000)}),
        json!({"verdict": "valid", "list_issued_at": "yesterday"}),
    ] {
        let mut check = check_of(&issued.qr_text);
        check["shown"] = bad;
        let refused = send(&app, &check).await.problem();
        assert_eq!(refused, problem(422, "request/shape"));
    }
}

#[tokio::test]
async fn a_code_that_differs_from_the_register_raises_an_alarm() {
    let app = TestApp::start().await;
    let issued = app.badge().await;
    let check = check_of(&double(&app, &issued).await);
    let answer = send(&app, &check).await.ok();
    assert_eq!(answer["verdict"], "invalid");
    let mut tx = app.installation.store().read().await.unwrap();
    let alarms = tx.alarms(OURS, None, 10).await.unwrap();
    drop(tx);
    assert_eq!(alarms.len(), 1);
    assert_eq!(alarms[0].kind, "register/mismatch");
    assert_eq!(alarms[0].check.unwrap().to_string(), check["id"]);
    assert_eq!(alarms[0].result.unwrap().to_string(), issued.id);
    // Sent again it raises no second one; a genuine code raises none.
    send(&app, &check).await.ok();
    send(&app, &check_of(&issued.qr_text)).await.ok();
    let mut tx = app.installation.store().read().await.unwrap();
    assert_eq!(tx.alarms(OURS, None, 10).await.unwrap(), alarms);
}

#[tokio::test]
async fn what_is_no_check_is_refused_by_name() {
    let app = TestApp::start().await;
    let good = check_of("x");
    let with = |name: &str, value: Value| {
        let mut check = good.clone();
        check[name] = value;
        check
    };
    let place =
        |lat: f64, lon: f64, metres: f64| json!({"lat": lat, "lon": lon, "accuracy_m": metres});
    let shape = problem(422, "request/shape");
    for bad in [
        json!([]),
        json!("x"),
        json!([[good]]),
        with("id", "no-uuid".into()),
        with("match", "perhaps".into()),
        with("device_time", "21/11/2026".into()),
        with("device_time", "2026-11-21T09:41:58".into()),
        with("scanned", Value::Null),
        with("more", 1.into()),
        with("place", place(90.1, 0.0, 1.0)),
        with("place", place(0.0, -180.1, 1.0)),
        with("place", place(0.0, 0.0, -1.0)),
        with("place", place(0.0, 0.0, 100_001.0)),
        with("place", json!({"lat": 1, "lon": 1})),
    ] {
        assert_eq!(send(&app, &bad).await.problem(), shape, "{bad}");
    }
    for (bad, code) in [
        (with("note", "x".repeat(1_001).into()), "check/too-long"),
        (
            with("scanned", "1".repeat(2 * limits::SCANNED_TEXT + 1).into()),
            "check/too-long",
        ),
        (with("finding", "".into()), "check/unknown-finding"),
        (
            with("id", Uuid::nil().to_string().into()),
            "check/id-not-uuidv7",
        ),
    ] {
        assert_eq!(send(&app, &bad).await.ok()["refused"], code);
    }
    assert_eq!(app.log_size().await, 1, "something was recorded");
    // The limits themselves are inside.
    let mut edge = with("note", "ố".repeat(1_000).into());
    edge["place"] = place(-90.0, 180.0, 100_000.0);
    assert_eq!(send(&app, &edge).await.ok()["verdict"], "undetermined");

    let many: Vec<Value> = (0..=limits::CHECKS_PER_REQUEST)
        .map(|_| check_of("x"))
        .collect();
    let refused = send(&app, &json!(many)).await.problem();
    assert_eq!(refused, problem(413, "request/too-many-checks"));
}

#[tokio::test]
async fn a_supervisor_leafs_through_the_checks_of_his_own_agency() {
    let app = TestApp::start().await;
    let issued = app.badge().await;
    for _ in 0..5 {
        send(&app, &check_of(&issued.qr_text)).await.ok();
    }
    // Of the other agency's people: a result of ours concerns us too, a foreign code does not.
    for scanned in [issued.qr_text.as_str(), "https://example.com/"] {
        let call = app
            .post(CHECKS)
            .by_at(THEIRS, Inspector)
            .json(&check_of(scanned));
        call.send().await.ok();
    }
    let page = async |agency, query: &str| {
        let call = app
            .get(&format!("{CHECKS}{query}"))
            .by_at(agency, Supervisor);
        call.send().await.ok()
    };
    let places = |page: &Value| -> Vec<u64> {
        let checks = page["checks"].as_array().unwrap();
        checks
            .iter()
            .map(|check| check["log_index"].as_u64().unwrap())
            .collect()
    };
    let first = page(OURS, "?limit=4").await;
    let next = first["next"].as_u64().unwrap();
    let second = page(OURS, &format!("?limit=4&before={next}")).await;
    assert_eq!(second["next"], Value::Null);
    let ours = [places(&first), places(&second)].concat();
    assert_eq!(ours.len(), 6);
    assert!(ours.is_sorted_by(|a, b| a > b), "{ours:?}");
    assert_eq!(ours[3], next);
    for check in first["checks"].as_array().unwrap() {
        assert_eq!(check["signed"], false);
        assert_eq!(check["result"], issued.id);
        assert_eq!(check["device_time"], "2026-11-21T09:41:58+07:00");
        assert_eq!(check["received_at"], "2026-11-21T09:42:00+07:00");
    }
    assert_eq!(places(&page(THEIRS, "").await).len(), 2);
    for query in [
        "?limit=0",
        "?limit=201",
        "?before=-1",
        "?limit=x",
        "?page=2",
    ] {
        let call = app.get(&format!("{CHECKS}{query}")).by(Supervisor);
        assert_eq!(
            call.send().await.problem(),
            problem(400, "request/query"),
            "{query}"
        );
    }
}

#[tokio::test]
async fn fifty_checks_at_once_take_fifty_places_in_a_row() {
    let app = TestApp::start().await;
    let issued = app.badge().await;
    let size = app.log_size().await;
    let checks: Vec<Value> = (0..50).map(|_| check_of(&issued.qr_text)).collect();
    let answers = all(checks.iter().map(|check| send(&app, check))).await;
    let mut places: Vec<u64> = answers
        .iter()
        .map(|answer| answer.ok()["log"]["index"].as_u64().unwrap())
        .collect();
    places.sort_unstable();
    assert_eq!(places, (size..size + 50).collect::<Vec<_>>());
    assert_eq!(app.log_size().await, size + 50);
    let mut tx = app.installation.store().read().await.unwrap();
    let hashes = tx.leaf_hashes(size..size + 50).await.unwrap();
    for answer in &answers {
        let log = &answer.ok()["log"];
        let at = usize::try_from(log["index"].as_u64().unwrap() - size).unwrap();
        assert_eq!(log["leaf"], hashes[at].hex());
    }
}

#[test]
fn the_whole_way_on_both_databases() {
    both(async |register| {
        let app = TestApp::start_on(&register.url).await;
        let issued = app.badge().await;
        let check = check_of(&issued.qr_text);
        assert_eq!(send(&app, &check).await.ok()["verdict"], "valid");
        let grounds = json!({"reason": "Thử", "decision": "1/QĐ", "authority": "Sở Mẫu"});
        let call = app.post(&issued.path("/revocation")).by(Registrar);
        call.json(&grounds).send().await.ok();
        let second = send(&app, &check_of(&issued.qr_text)).await.ok();
        assert_eq!(second["verdict"], "invalid");
        assert_eq!(second["report"]["status"]["state"], "revoked");
        assert_eq!(
            send(&app, &check).await.ok()["verdict"],
            "valid",
            "the first answer"
        );
        app.work().await;
        let page = app.get(CHECKS).by(Supervisor).send().await.ok();
        assert_eq!(page["checks"].as_array().unwrap().len(), 2);
        // bundle, issued, checked, revoked, checked
        assert_eq!(app.log_size().await, 5);

        // Side by side: places without a gap, numbers without a repetition.
        let checks: Vec<Value> = (0..20).map(|_| check_of(&issued.qr_text)).collect();
        let answers = all(checks.iter().map(|check| send(&app, check))).await;
        let mut places: Vec<u64> = answers
            .iter()
            .map(|answer| answer.ok()["log"]["index"].as_u64().unwrap())
            .collect();
        places.sort_unstable();
        assert_eq!(places, (5..25).collect::<Vec<_>>());
        let datas: Vec<_> = (0..8).map(|_| badge()).collect();
        let answers = all(datas.iter().map(|data| app.issue(data))).await;
        let mut numbers: Vec<&str> = answers
            .iter()
            .map(|answer| answer["number"].as_str().unwrap())
            .collect();
        numbers.sort_unstable();
        let expected: Vec<String> = (2..10).map(|at| format!("HD48260{at:05}")).collect();
        assert_eq!(numbers, expected);
        assert_eq!(app.log_size().await, 33);
        app.installation.store().close().await;
    });
}

#[test]
fn answers_are_forgotten_after_a_week_and_details_of_checks_after_five_years() {
    both(async |register| {
        let app = TestApp::start_on(&register.url).await;
        let worker = app.installation.worker(&app.service);
        let data = badge();
        let issue = async || {
            let call = app.post("/api/v1/results").by(Registrar).json(&data);
            call.header("idempotency-key", "mot-lan").send().await
        };
        let answer = issue().await;
        assert_eq!(answer.status, 201);
        let text = answer.json()["qr_text"].as_str().unwrap().to_owned();
        let mut check = check_of(&text);
        check["note"] = "Xe dừng ở bến Mẫu".into();
        check["place"] = json!({"lat": 16.054_407, "lon": 108.202_167, "accuracy_m": 12.5});
        send(&app, &check).await.ok();
        let kept = async || {
            let mut tx = app.installation.store().read().await.unwrap();
            let query = CheckQuery {
                agency: OURS.to_owned(),
                account: None,
                received: None,
                before: None,
                limit: 10,
            };
            let checks = tx.checks(&query).await.unwrap();
            (
                checks[0].note.is_some(),
                checks[0].place.is_some(),
                checks[0].salt.is_some(),
            )
        };
        app.clock.forward(7 * 86_400);
        worker.tidy().await.unwrap();
        assert_eq!(issue().await.body, answer.body, "the answer of a week ago");
        app.clock.forward(1);
        worker.tidy().await.unwrap();
        assert_eq!(
            issue().await.problem(),
            problem(409, "issue/duplicate-result-code")
        );
        app.clock.forward((5 * 365 - 7) * 86_400 - 1);
        worker.tidy().await.unwrap();
        assert_eq!(kept().await, (true, true, true));
        app.clock.forward(1);
        worker.tidy().await.unwrap();
        assert_eq!(kept().await, (false, false, false));
        app.installation.store().close().await;
    });
}
