//! How often, how much and how many at once.

use crate::support::app::{OURS, TestApp, Wanted, problem};
use dauso::access::Role::{Inspector, Registrar};
use serde_json::json;

async fn strict() -> TestApp {
    TestApp::start_with(Wanted {
        per_minute: Some(3),
        ..Wanted::default()
    })
    .await
}

#[tokio::test]
async fn every_purpose_has_a_rate_of_its_own_and_says_when_to_come_again() {
    let app = strict().await;
    let login = json!({"login": "x", "password": "y"});
    let ask = async |purpose: &str| {
        let call = match purpose {
            "look-up" => app.get("/7K3M9QX2TB4C5D6E"),
            "verification" => app
                .post("/api/v1/verifications")
                .json(&json!({"code": "x"})),
            "upload" => app
                .post("/api/v1/verifications/document")
                .body("application/pdf", "x"),
            _ => app.post("/api/v1/tokens").json(&login),
        };
        call.send().await
    };
    for purpose in ["look-up", "verification", "upload", "sign-in"] {
        for _ in 0..3 {
            assert_ne!(ask(purpose).await.status, 429, "{purpose}");
        }
        let refused = ask(purpose).await;
        assert_eq!(
            refused.problem(),
            problem(429, "request/too-many"),
            "{purpose}"
        );
        let wait: u64 = refused.header("retry-after").parse().unwrap();
        assert!((1..=20).contains(&wait), "{purpose}: {wait}");
    }
    let told = app.service.metrics.text(None);
    for reason in ["look_up", "verification", "upload", "sign_in"] {
        let line = format!("dauso_http_refused_total{{reason=\"{reason}\"}} 1\n");
        assert!(told.contains(&line), "{line}{told}");
    }
    // Another address, those who run it, and those with an account are not held up.
    assert_eq!(app.get("/").from([192, 0, 2, 2]).send().await.status, 200);
    assert_eq!(app.get("/healthz").send().await.status, 200);
    assert_eq!(app.get("/trust").send().await.status, 200);
    for _ in 0..10 {
        let call = app.post("/api/v1/verifications").by(Inspector);
        assert_eq!(call.json(&json!({"code": "x"})).send().await.status, 200);
    }
    // An account opens no way to the passwords of others.
    let call = app.post("/api/v1/tokens").by(Inspector).json(&login);
    assert_eq!(
        call.send().await.problem(),
        problem(429, "request/too-many")
    );
    // The word of a header about the address counts only behind a proxy of our own.
    let call = app.get("/").header("x-forwarded-for", "198.51.100.9");
    assert_eq!(
        call.send().await.problem(),
        problem(429, "request/too-many")
    );
}

#[tokio::test]
async fn behind_a_proxy_the_address_that_the_proxy_wrote_counts() {
    let app = TestApp::start_with(Wanted {
        per_minute: Some(2),
        limits: Some(|limits| limits.behind_proxy = true),
        ..Wanted::default()
    })
    .await;
    // What the client wrote stands before what the proxy adds.
    let ask = async |client: &str, mine: &str| {
        let list = format!("{client}, {mine}");
        let call = app.get("/").header("x-forwarded-for", &list);
        call.send().await.status.as_u16()
    };
    assert_eq!(ask("198.51.100.1", "203.0.113.5").await, 200);
    assert_eq!(ask("198.51.100.2", "203.0.113.5").await, 200);
    assert_eq!(ask("198.51.100.3", "203.0.113.5").await, 429);
    assert_eq!(ask("198.51.100.3", "203.0.113.6").await, 200);
}

#[tokio::test]
async fn keys_cannot_be_guessed_at_speed() {
    let app = strict().await;
    for at in 0..3 {
        let call = app.get("/7K3M9QX2TB4C5D6E").key(&format!("dauso_{at}"));
        assert_eq!(
            call.send().await.problem(),
            problem(401, "auth/unknown-key")
        );
    }
    for path in ["/", "/api/v1/checks", "/healthz"] {
        let answer = app.get(path).key("dauso_3").send().await;
        assert_eq!(answer.problem(), problem(429, "request/too-many"), "{path}");
    }
    // Whoever has a key is not hurt by the others behind the same address.
    let good = app.get("/").key(app.key(OURS, Inspector));
    assert_eq!(good.send().await.status, 200);
}

#[tokio::test]
async fn a_burst_of_an_account_passes_and_a_runaway_account_stops_alone() {
    let app = TestApp::start().await;
    for _ in 0..600 {
        let call = app.post("/api/v1/verifications").by(Inspector);
        assert_eq!(call.json(&json!({"code": "x"})).send().await.status, 200);
    }
    let app = TestApp::start_with(Wanted {
        limits: Some(|limits| limits.of_account = 5.try_into().unwrap()),
        ..Wanted::default()
    })
    .await;
    let ask = async |role| {
        let call = app.post("/api/v1/verifications").by(role);
        call.json(&json!({"code": "x"})).send().await
    };
    for _ in 0..5 {
        assert_eq!(ask(Inspector).await.status, 200);
    }
    assert_eq!(
        ask(Inspector).await.problem(),
        problem(429, "request/too-many")
    );
    assert_eq!(ask(Registrar).await.status, 200);
}

#[tokio::test]
async fn people_are_told_in_a_page_and_programs_in_a_document() {
    let app = TestApp::start_with(Wanted {
        per_minute: Some(1),
        ..Wanted::default()
    })
    .await;
    let browser = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8";
    let file = [("tep", Some("a.pdf"), &b"x"[..])];
    app.get("/").send().await;
    app.post("/").form(&file).send().await;
    for (call, words) in [
        (app.get("/"), "Đã tra cứu quá nhiều lần"),
        (app.get("/?lang=en"), "Too many look-ups"),
        (app.get("/7K3M9QX2TB4C5D6E"), "Đã tra cứu quá nhiều lần"),
        (app.post("/").form(&file), "Đã tra cứu quá nhiều lần"),
    ] {
        let page = call.header("accept", browser).send().await;
        assert_eq!((page.status.as_u16(), page.kind()), (429, "text/html"));
        let text = page.text();
        assert!(text.contains(words), "{text}");
        assert!(text.contains(page.header("x-request-id")), "its reference");
        assert!(!page.header("retry-after").is_empty());
        assert!(page.header("content-security-policy").contains("sha256-"));
    }
    for path in ["/", "/7K3M9QX2TB4C5D6E"] {
        let call = app.get(path).header("accept", "application/json");
        assert_eq!(
            call.send().await.problem(),
            problem(429, "request/too-many")
        );
    }
    let lost = app.get("/khong/co").header("accept", browser);
    let lost = lost.send_off_contract().await;
    assert_eq!((lost.status.as_u16(), lost.kind()), (404, "text/html"));
    assert!(lost.text().contains("Không có trang này"));
    // The API speaks to programs, whatever they say they accept.
    let call = app.get("/api/v1/nothing").header("accept", browser);
    assert_eq!(
        call.send_off_contract().await.problem(),
        problem(404, "request/no-route")
    );
}

#[tokio::test]
async fn what_says_that_it_is_too_large_is_refused_before_it_is_read() {
    let app = TestApp::start().await;
    for (path, most) in [
        ("/api/v1/verifications", 2_u64 << 20),
        ("/api/v1/checks", 2 << 20),
        ("/api/v1/tokens", 2 << 20),
        ("/api/v1/results", 2 << 20),
        ("/api/v1/verifications/document", 66 << 20),
        ("/", 66 << 20),
    ] {
        let call = |length: u64| {
            let call = app.post(path).by(Registrar);
            let call = call.body("application/json", "x");
            call.header("content-length", &length.to_string())
        };
        let refused = call(most + 1).send_off_contract().await;
        assert_eq!(
            refused.problem(),
            problem(413, "request/too-large"),
            "{path}"
        );
        assert_ne!(call(1).send_off_contract().await.status, 413, "{path}");
    }
    let call = app.post("/").header("accept", "text/html");
    let page = call.header("content-length", "99000000").send().await;
    assert_eq!((page.status.as_u16(), page.kind()), (413, "text/html"));
    assert!(page.text().contains("Tệp quá lớn"), "{}", page.text());
}

#[tokio::test]
async fn without_room_everybody_is_asked_to_come_again_and_those_who_watch_are_answered() {
    let app = TestApp::start_with(Wanted {
        limits: Some(|limits| limits.requests_at_once = 0),
        ..Wanted::default()
    })
    .await;
    for path in ["/", "/trust", "/api/v1/checks"] {
        let answer = app.get(path).by(Registrar).send().await;
        assert_eq!(answer.problem(), problem(503, "service/busy"), "{path}");
        assert_eq!(answer.header("retry-after"), "1");
    }
    let page = app.get("/").header("accept", "text/html").send().await;
    assert_eq!((page.status.as_u16(), page.kind()), (503, "text/html"));
    assert!(page.text().contains("Đang có nhiều người tra cứu"));
    for path in ["/healthz", "/readyz"] {
        assert_eq!(app.get(path).send().await.status, 200, "{path}");
    }
}
