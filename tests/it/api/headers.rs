//! The headers of every answer: routes from the contract, and every kind of error.

use crate::openapi::promised;
use crate::support::app::{Answer, TestApp, Wanted};
use axum::http::Method;
use dauso::access::Role::Registrar;

/// Routes whose answers anybody may keep.
const PUBLIC: [&str; 3] = ["/trust", "/status/1", "/docs/swagger-ui.css"];
/// Routes that pages of other origins may read.
const SHARED: [&str; 2] = ["/trust", "/status/1"];

fn strict(name: &str, path: &str, answer: &Answer, secure: bool) {
    let is = |header: &str, value: &str| {
        assert_eq!(
            answer.header(header),
            value,
            "{name} {}: {header}",
            answer.status
        );
    };
    let policy = answer.header("content-security-policy");
    for word in [
        "default-src 'none'",
        "base-uri 'none'",
        "frame-ancestors 'none'",
    ] {
        assert!(policy.contains(word), "{name}: {policy}");
    }
    let documentation = path.starts_with("/docs/") && answer.status == 200;
    assert!(
        documentation || !policy.contains("unsafe"),
        "{name}: {policy}"
    );
    is("x-content-type-options", "nosniff");
    is("x-frame-options", "DENY");
    is("referrer-policy", "no-referrer");
    is("x-robots-tag", "noindex");
    is("cross-origin-opener-policy", "same-origin");
    is(
        "permissions-policy",
        "camera=(), geolocation=(), microphone=()",
    );
    let shared = SHARED.contains(&path) && answer.status == 200;
    is(
        "cross-origin-resource-policy",
        if shared {
            "cross-origin"
        } else {
            "same-origin"
        },
    );
    is("access-control-allow-origin", if shared { "*" } else { "" });
    is(
        "strict-transport-security",
        if secure { "max-age=63072000" } else { "" },
    );
    let kept = answer.header("cache-control");
    let public = (PUBLIC.contains(&path) || documentation) && answer.status == 200;
    assert_eq!(
        public,
        kept.starts_with("public, max-age="),
        "{name}: {kept}"
    );
    assert_eq!(public, !kept.contains("no-store"), "{name}: {kept}");
    is("server", "");
    let id = uuid::Uuid::parse_str(answer.header("x-request-id"));
    assert!(id.is_ok(), "{name}");
    assert_eq!(
        answer
            .headers
            .get_all("content-security-policy")
            .iter()
            .count(),
        1,
        "{name}"
    );
}

#[tokio::test]
async fn every_answer_of_every_route_has_strict_headers() {
    let app = TestApp::start().await;
    let issued = app.badge().await;
    let mut seen = std::collections::BTreeSet::new();
    let mut routes: Vec<(String, String)> = promised().into_iter().collect();
    for path in [
        "/docs/",
        "/docs/swagger-ui.css",
        "/docs/x",
        "/khong/co",
        "/api/v1/x",
    ] {
        routes.push(("GET".to_owned(), path.to_owned()));
    }
    for (method, template) in routes {
        for id in [issued.id.as_str(), "7K3M9QX2TB4C5D6E", "%ff"] {
            let path = template.replace("{id}", id).replace("{list}", "1");
            for (accept, key) in [
                ("*/*", Some(app.key(crate::support::app::OURS, Registrar))),
                ("*/*", None),
                ("text/html", None),
                ("application/json", Some("dauso_0")),
            ] {
                let methods = [method.as_str(), "HEAD", "OPTIONS", "DELETE"];
                for method in methods {
                    let name = format!("{method} {path} {accept} {}", key.is_some());
                    let call = app.call(Method::from_bytes(method.as_bytes()).unwrap(), &path);
                    let call = call.header("accept", accept);
                    let call = call.header("origin", "https://khac.test");
                    let call = match key {
                        Some(key) => call.key(key),
                        None => call,
                    };
                    let answer = call.send_off_contract().await;
                    seen.insert(answer.status.as_u16());
                    strict(&name, &path, &answer, false);
                }
            }
        }
    }
    for status in [200, 308, 400, 401, 404, 405, 415, 422] {
        assert!(seen.contains(&status), "no {status} among {seen:?}");
    }
}

#[tokio::test]
async fn refusals_have_them_too_and_with_tls_browsers_are_told_to_keep_to_it() {
    let app = TestApp::start_with(Wanted {
        per_minute: Some(1),
        secure: true,
        ..Wanted::default()
    })
    .await;
    let page = app.get("/").send().await;
    assert_eq!(page.status, 200);
    strict("page", "/", &page, true);
    for accept in ["text/html", "*/*"] {
        let refused = app.get("/").header("accept", accept).send().await;
        assert_eq!(refused.status, 429);
        strict("limited", "/", &refused, true);
        let call = app.post("/").header("content-length", "99000000");
        let large = call.header("accept", accept).from([192, 0, 2, 9]);
        let large = large.by(Registrar).send().await;
        assert_eq!(large.status, 413);
        strict("large", "/", &large, true);
    }
    app.installation.store().close().await;
    let failed = app.get("/7K3M9QX2TB4C5D6E").from([192, 0, 2, 3]);
    let failed = failed.send_off_contract().await;
    assert_eq!(failed.status, 503);
    strict("failed", "/", &failed, true);
    let app = TestApp::start_with(Wanted {
        limits: Some(|limits| limits.requests_at_once = 0),
        ..Wanted::default()
    })
    .await;
    let busy = app.get("/trust").send().await;
    assert_eq!(busy.status, 503);
    strict("busy", "/trust", &busy, false);
}
