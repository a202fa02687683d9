//! The clock of the machine is set back while the service runs.

use crate::support::app::{OURS, TestApp, badge, problem};
use dauso::access::Role::{Inspector, Registrar, Supervisor};
use dauso::app::NewAccount;
use dauso::private::Private;
use serde_json::{Value, json};
use uuid::Uuid;

fn check_of(scanned: &str) -> Value {
    json!({
        "id": Uuid::now_v7().to_string(),
        "scanned": scanned,
        "device_time": "2026-11-21T09:41:58+07:00",
        "match": "fits",
    })
}

async fn times(app: &TestApp) -> Vec<i64> {
    let mut tx = app.installation.store().read().await.unwrap();
    let leaves = tx.leaves(0..1_000).await.unwrap();
    leaves.iter().map(|one| one.leaf.at.seconds()).collect()
}

#[tokio::test]
async fn with_a_clock_set_back_nothing_is_written_reading_goes_on_and_the_right_time_heals_it() {
    let app = TestApp::start().await;
    let issued = app.badge().await;
    let size = app.log_size().await;
    app.clock.forward(-3_600);

    let check = check_of(&issued.qr_text);
    let grounds = json!({"reason": "Thử", "decision": "1/QĐ", "authority": "Sở Xây dựng Mẫu"});
    let writing = async || {
        let issuing = app.post("/api/v1/results").by(Registrar).json(&badge());
        let checking = app.post("/api/v1/checks").by(Inspector).json(&check);
        let revoking = app.post(&issued.path("/revocation")).by(Registrar);
        [
            issuing.send().await,
            checking.send().await,
            revoking.json(&grounds).send().await,
        ]
    };
    for refused in writing().await {
        assert_eq!(refused.problem(), problem(503, "clock/behind"));
        assert_eq!(refused.header("retry-after"), "5");
    }
    assert_eq!(app.log_size().await, size);
    let unready = app.get("/readyz").send().await;
    assert_eq!(
        (unready.status.as_u16(), &unready.json()["clock"]),
        (503, &json!("failed"))
    );
    assert_eq!(unready.json()["database"], "ok");
    let page = app.get(&format!("/{}", issued.id)).send().await;
    assert_eq!(page.status, 200);
    let read = app.get(&issued.path("")).by(Registrar).send().await.ok();
    assert_eq!(read["status"], "valid");

    app.clock.forward(3_600);
    app.get("/readyz").send().await.ok();
    let [issued_now, checked, revoked] = writing().await;
    assert_eq!(issued_now.status, 201);
    checked.ok();
    revoked.ok();
    assert!(times(&app).await.is_sorted());
}

/// NTP corrects by less than the slowest request takes.
#[tokio::test]
async fn a_clock_set_back_a_little_does_not_stop_anybody_and_the_log_does_not_run_back() {
    let app = TestApp::start().await;
    let issued = app.badge().await;
    app.clock.forward(-60);
    let size = app.log_size().await;
    let later = app.issue(&badge()).await;
    let check = check_of(&issued.qr_text);
    let call = app.post("/api/v1/checks").by(Inspector).json(&check);
    let checked = call.send().await.ok();
    app.get("/readyz").send().await.ok();
    let times = times(&app).await;
    assert!(times.is_sorted(), "{times:?}");
    // Whoever is told of a leaf is told of the one that stands there.
    let mut tx = app.installation.store().read().await.unwrap();
    let stored = tx.leaves(size..size + 2).await.unwrap();
    assert_eq!(checked["log"]["leaf"], stored[1].leaf.hash.hex());
    assert_eq!(later["log"]["leaf"], stored[0].leaf.hash.hex());
}

#[tokio::test]
async fn a_clock_set_back_does_not_make_a_token_last_longer() {
    let app = TestApp::start().await;
    let account = NewAccount {
        login: "giamsat".to_owned(),
        name: "Trần Thị Mẫu".to_owned(),
        role: Supervisor,
        agency: OURS.to_owned(),
        password: Some(Private::new("bốn chữ không ai đoán".to_owned())),
    };
    app.installation.add_account(&account).await.unwrap();
    let body = json!({"login": "giamsat", "password": "bốn chữ không ai đoán"});
    let answer = app.post("/api/v1/tokens").json(&body).send().await.json();
    let token = answer["token"].as_str().unwrap();
    let list = async || app.get("/api/v1/checks").key(token).send().await;
    app.clock.forward(-60);
    assert_eq!(list().await.status, 200);
    app.clock.forward(-1);
    assert_eq!(list().await.problem(), problem(401, "auth/unknown-key"));
    app.clock.forward(61);
    assert_eq!(list().await.status, 200);
}

/// Rate limits count by a clock that nobody sets.
#[tokio::test]
async fn a_clock_that_jumps_neither_opens_nor_closes_the_rate_limit() {
    let wanted = crate::support::app::Wanted {
        per_minute: Some(2),
        ..Default::default()
    };
    let app = TestApp::start_with(wanted).await;
    let home = async || app.get("/").send().await.status.as_u16();
    assert_eq!([home().await, home().await, home().await], [200, 200, 429]);
    app.clock.forward(86_400);
    assert_eq!(home().await, 429);
    app.clock.forward(-2 * 86_400);
    assert_eq!(home().await, 429);
}
