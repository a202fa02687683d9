//! What those who run the service rely on.

use crate::support::app::{Issued, OURS, TestApp, problem};
use axum::http::Method;
use dauso::access::Role::Registrar;
use dauso::{http, telemetry};
use serde_json::{Value, json};
use std::io::Write;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::oneshot;

#[tokio::test]
async fn a_sound_service_is_healthy_and_ready() {
    let app = TestApp::start().await;
    let health = app.get("/healthz").send().await.ok();
    assert_eq!(
        health,
        json!({"status": "ok", "version": env!("CARGO_PKG_VERSION")})
    );
    let ready = app.get("/readyz").send().await.ok();
    for part in ["database", "keys", "certificates", "publication"] {
        assert_eq!(ready[part], "ok", "{part}");
    }
    assert_eq!(ready["ready"], true);
}

async fn unready(app: &TestApp) -> Value {
    let answer = app.get("/readyz").send().await;
    assert_eq!(answer.status, 503, "{}", answer.text());
    assert_eq!(answer.json()["ready"], false);
    answer.json()
}

#[tokio::test]
async fn a_missing_key_file_makes_it_unready() {
    let app = TestApp::start().await;
    std::fs::remove_file(app.path().join("keys/16h99-credential.key.pem")).unwrap();
    let body = unready(&app).await;
    assert_eq!(
        (&body["keys"], &body["database"]),
        (&json!("failed"), &json!("ok"))
    );
    assert_eq!(
        app.get("/healthz").send().await.status,
        200,
        "it lives all the same"
    );
}

#[tokio::test]
async fn a_certificate_that_ends_soon_makes_it_unready() {
    let app = TestApp::start().await;
    // A credential key holds for 425 days: from 1 August 2026 to 30 September 2027.
    app.clock.set("2027-09-23T07:59:59+07:00");
    assert_eq!(app.get("/readyz").send().await.status, 200);
    app.clock.set("2027-09-23T08:00:00+07:00");
    let body = unready(&app).await;
    assert_eq!(body["certificates"], "failed or ending soon");
    assert_eq!(body["keys"], "ok");
}

#[tokio::test]
async fn a_lost_database_makes_it_unready() {
    let app = TestApp::start().await;
    app.installation.store().close().await;
    assert_eq!(unready(&app).await["database"], "failed");
    assert_eq!(app.get("/healthz").send().await.status, 200);
    // Whoever asks meanwhile gets a problem, and no word of what is behind it.
    let answer = app.get("/7K3M9QX2TB4C5D6E").send_off_contract().await;
    assert_eq!(answer.problem(), problem(503, "register/unavailable"));
    assert_eq!(answer.json().get("detail"), None);
}

#[tokio::test]
async fn every_request_gets_an_id_of_ours_whatever_the_caller_calls_it() {
    let app = TestApp::start().await;
    let call = app
        .get("/healthz")
        .header("x-request-id", "7K3M9QX2TB4C5D6E");
    let mut seen = std::collections::BTreeSet::new();
    for answer in [
        call.send().await,
        app.get("/healthz").send().await,
        // Problems have one too, or nobody could find them in the log.
        app.get("/api/v1/nothing").send_off_contract().await,
    ] {
        let given = uuid::Uuid::parse_str(answer.header("x-request-id")).unwrap();
        assert_eq!(given.get_version_num(), 7);
        assert!(seen.insert(given));
    }
}

#[tokio::test]
async fn what_is_not_there_and_what_cannot_be_done_are_problems() {
    let app = TestApp::start().await;
    let id = "7K3M9QX2TB4C5D6E";
    for path in [
        "/api/v1/results/7K3M9QX2TB4C5D6E/nothing",
        "/api/v2/results",
        "/api/v1/",
        "/docs/nothing.js",
        "/status/",
        "/trust/",
        "//",
        "/..%2f..%2fetc/passwd",
        "/docs/../keys/passphrase",
        "/docs/%2e%2e/%2e%2e/keys/passphrase",
    ] {
        let answer = app.get(path).send_off_contract().await;
        assert_eq!(answer.problem(), problem(404, "request/no-route"), "{path}");
    }
    for (method, path, allowed) in [
        (Method::DELETE, "/api/v1/results".to_owned(), "POST"),
        (Method::PUT, format!("/api/v1/results/{id}"), "GET,HEAD"),
        (
            Method::GET,
            format!("/api/v1/results/{id}/revocation"),
            "POST",
        ),
        (Method::DELETE, "/api/v1/checks".to_owned(), "GET,HEAD,POST"),
        (Method::POST, "/healthz".to_owned(), "GET,HEAD"),
        (Method::POST, format!("/{id}"), "GET,HEAD"),
        (Method::PATCH, "/".to_owned(), "GET,HEAD,POST"),
    ] {
        let answer = app.call(method, &path).send_off_contract().await;
        assert_eq!(answer.problem(), problem(405, "request/method"), "{path}");
        let mut methods: Vec<&str> = answer.header("allow").split(',').collect();
        methods.sort_unstable();
        assert_eq!(methods.join(","), allowed, "{path}");
    }
}

#[tokio::test]
async fn odd_paths_and_headers_never_break_it() {
    let app = TestApp::start().await;
    let long = format!("/{}", "7".repeat(7_000));
    for path in [
        "/%00",
        "/%ff%fe",
        "/%E1%BA%A0",
        "/?ma=%ff",
        "/?ma=%00",
        "/?ma",
        "/?&&&",
        "/?ma=a&ma=b",
        "/?lang=%zz",
        "/%2f",
        "/.",
        "/*",
        "/{id}",
        "/7K3M9QX2TB4C5D6E?lang=en&lang=vi",
        "/7k3m-9qx2-tb4c-5d6e%0d%0aX:%20y",
        "/status/%ff",
        "/api/v1/results/%ff",
        "/api/v1/results/%00/pdf",
        "/docs/%ff",
        &long,
    ] {
        for accept in ["*/*", "application/json", "text/html", "\u{fffd}"] {
            let call = app.get(path).by(Registrar).header("accept", accept);
            let answer = call.send_off_contract().await;
            assert!(
                answer.status.as_u16() < 500,
                "{path}: {} {}",
                answer.status,
                answer.text()
            );
            assert_eq!(answer.header("x-content-type-options"), "nosniff", "{path}");
        }
    }
}

/// A log in memory.
#[derive(Clone, Default)]
struct Lines(Arc<Mutex<Vec<u8>>>);

impl Write for Lines {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

#[tokio::test]
async fn the_log_names_routes_and_request_ids_and_no_look_up_code() {
    let app = TestApp::start().await;
    let lines = Lines::default();
    let writer = lines.clone();
    // While there is one subscriber alone, tracing asks the thread that first comes by a place in the code
    // whether anybody listens to it, and tests run on many threads. With two it asks the subscribers.
    let second = tracing::Dispatch::new(telemetry::lines("off", std::io::sink).unwrap());
    let subscriber = telemetry::lines("trace", move || writer.clone()).unwrap();
    let guard = tracing::subscriber::set_default(subscriber);
    let issued: Issued = app.badge().await;
    let code = json!({"code": issued.qr_text});
    app.get(&format!("/{}", issued.id))
        .header("x-request-id", "trang-1")
        .send()
        .await;
    app.get(&format!("/?ma={}", issued.id)).send().await;
    app.post("/api/v1/verifications")
        .json(&code)
        .send()
        .await
        .ok();
    app.get(&issued.path("")).by(Registrar).send().await.ok();
    app.get(&format!("/api/v1/results/{}/nothing", issued.id))
        .send_off_contract()
        .await;
    drop((guard, second));
    let log = String::from_utf8(lines.0.lock().unwrap().clone()).unwrap();
    let parsed: Vec<Value> = log
        .lines()
        .map(|line| serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}")))
        .collect();
    let answered: Vec<&Value> = parsed
        .iter()
        .filter(|line| line["message"] == "answered")
        .collect();
    assert_eq!(answered.len(), 6, "{log}");
    let id = answered[1]["span"]["request.id"].as_str().unwrap();
    assert!(uuid::Uuid::parse_str(id).is_ok(), "{id}");
    assert_eq!(answered[1]["span"]["http.route"], "/{id}");
    assert_eq!(answered[1]["http.status"], 200);
    let digits = issued.qr_text.split_once('#').unwrap().1;
    let key = app.key(OURS, Registrar);
    for secret in [
        &issued.id,
        &digits.to_owned(),
        &key.to_owned(),
        &"43B-000.00".to_owned(),
        &"trang-1".to_owned(),
    ] {
        assert!(!log.contains(secret.as_str()), "{secret} in {log}");
    }
}

/// Serves an app on a port of this machine; the sender stops it.
pub(crate) async fn listening(
    app: &TestApp,
) -> (
    u16,
    oneshot::Sender<()>,
    tokio::task::JoinHandle<std::io::Result<()>>,
) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let (tell, told) = oneshot::channel();
    let service = app.service.clone();
    let serving = tokio::spawn(http::serve(listener, None, service, async {
        let _ = told.await;
    }));
    (port, tell, serving)
}

#[tokio::test]
async fn a_request_under_way_is_answered_before_the_service_stops() {
    let app = TestApp::start().await;
    let issued = app.badge().await;
    let (port, tell, mut serving) = listening(&app).await;
    let body = json!({"code": issued.qr_text}).to_string();
    let (first, rest) = body.split_at(body.len() / 2);
    let mut stream = TcpStream::connect(("127.0.0.1", port)).await.unwrap();
    let head = format!(
        "POST /api/v1/verifications HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\
         content-type: application/json\r\ncontent-length: {}\r\n\r\n{first}",
        body.len()
    );
    stream.write_all(head.as_bytes()).await.unwrap();
    // The half is with the service before it is told to stop: it has asked the limiter.
    let mut other = TcpStream::connect(("127.0.0.1", port)).await.unwrap();
    let health = b"GET /healthz HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n";
    other.write_all(health).await.unwrap();
    other.read_to_end(&mut Vec::new()).await.unwrap();
    tell.send(()).unwrap();
    while TcpStream::connect(("127.0.0.1", port)).await.is_ok() {
        tokio::task::yield_now().await;
    }
    let soon = tokio::time::timeout(Duration::from_millis(200), &mut serving).await;
    assert!(soon.is_err(), "it has not waited for the request");
    stream.write_all(rest.as_bytes()).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 200 OK\r\n"), "{answer}");
    assert!(answer.contains(r#""verdict":"valid""#), "{answer}");
    serving.await.unwrap().unwrap();
}
