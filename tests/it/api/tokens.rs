//! Signing in, and what supervisors are told to look at.

use super::checks::{check_of, send};
use super::verifications::double;
use crate::support::app::{NOW, OURS, THEIRS, TestApp, problem};
use dauso::access::Role::{Inspector, Registrar, Supervisor};
use dauso::app::NewAccount;
use dauso::clock::UnixTime;
use dauso::private::Private;
use serde_json::json;

const PASSWORD: &str = "bốn chữ không ai đoán";

async fn with_password(login: &str) -> TestApp {
    let app = TestApp::start().await;
    let account = NewAccount {
        login: login.to_owned(),
        name: "Trần Thị Mẫu".to_owned(),
        role: Supervisor,
        agency: OURS.to_owned(),
        password: Some(Private::new(PASSWORD.to_owned())),
    };
    app.installation.add_account(&account).await.unwrap();
    app
}

#[tokio::test]
async fn a_password_buys_a_token_that_opens_for_half_a_day() {
    let app = with_password("giamsat").await;
    let body = json!({"login": "giamsat", "password": PASSWORD});
    let answer = app.post("/api/v1/tokens").json(&body).send().await;
    assert_eq!(answer.status, 201);
    assert_eq!(answer.header("cache-control"), "no-store");
    let token = answer.json()["token"].as_str().unwrap().to_owned();
    let half_a_day = UnixTime::parse_rfc3339(NOW).unwrap().plus(12 * 3_600);
    assert_eq!(answer.json()["expires_at"], half_a_day.rfc3339());
    let list = async || app.get("/api/v1/checks").key(&token).send().await;
    assert_eq!(list().await.status, 200);
    app.clock.forward(12 * 3_600);
    assert_eq!(list().await.status, 200);
    app.clock.forward(1);
    assert_eq!(list().await.problem(), problem(401, "auth/unknown-key"));
}

#[tokio::test]
async fn who_guesses_is_told_the_same_whatever_is_wrong() {
    let app = with_password("giamsat").await;
    // `registrar.…` exists and has no password.
    for (login, password) in [
        ("giamsat", "sai"),
        ("khongco", PASSWORD),
        ("registrar.SXD", PASSWORD),
    ] {
        let body = json!({"login": login, "password": password});
        let answer = app.post("/api/v1/tokens").json(&body).send().await;
        assert_eq!(answer.problem(), problem(401, "auth/refused"), "{login}");
    }
}

#[tokio::test]
async fn a_supervisor_reads_the_alarms_of_his_own_agency() {
    let app = TestApp::start().await;
    let issued = app.badge().await;
    let check = check_of(&double(&app, &issued).await);
    send(&app, &check).await.ok();
    let page = app.get("/api/v1/alarms").by(Supervisor).send().await.ok();
    let alarms = page["alarms"].as_array().unwrap();
    assert_eq!(alarms.len(), 1);
    assert_eq!(alarms[0]["kind"], "register/mismatch");
    assert_eq!(alarms[0]["result"], issued.id);
    assert_eq!(alarms[0]["check"], check["id"]);
    assert_eq!(page["next"], json!(null));
    let theirs = app.get("/api/v1/alarms").by_at(THEIRS, Supervisor);
    assert_eq!(theirs.send().await.ok()["alarms"], json!([]));
    for role in [Inspector, Registrar] {
        let answer = app.get("/api/v1/alarms").by(role).send().await;
        assert_eq!(answer.problem(), problem(403, "auth/forbidden"));
    }
    let one = app.get("/api/v1/alarms?limit=1").by(Supervisor);
    let next = one.send().await.ok()["next"].as_str().unwrap().to_owned();
    let rest = app
        .get(&format!("/api/v1/alarms?before={next}"))
        .by(Supervisor);
    assert_eq!(rest.send().await.ok()["alarms"], json!([]));
}
