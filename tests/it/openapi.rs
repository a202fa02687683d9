//! The contract and the routes: neither has something that the other lacks, and somebody else's program
//! finds no difference between the two.

use crate::api::operations::listening;
use crate::judges::root;
use crate::support::app::{OURS, TestApp};
use crate::support::contract::contract;
use axum::http::Method;
use dauso::access::Role::{Inspector, Registrar, Supervisor};
use std::collections::BTreeSet;
use std::process::Command;

/// Every operation of the contract: method and path.
fn promised() -> BTreeSet<(String, String)> {
    let paths = contract()["paths"].as_object().unwrap();
    let operations = paths.iter().flat_map(|(path, item)| {
        let methods = item.as_object().unwrap().keys();
        methods.map(move |method| (method.to_uppercase(), path.clone()))
    });
    operations.collect()
}

/// Every route in the text of the program. A path stands behind `.route(`, its methods before the next.
fn served() -> BTreeSet<(String, String)> {
    let mut found = BTreeSet::new();
    for file in ["src/http/routes.rs", "src/http/docs.rs"] {
        let text = std::fs::read_to_string(root(file)).unwrap();
        for route in text.split(".route(").skip(1) {
            let mut parts = route.splitn(3, '"');
            let (path, handlers) = (parts.nth(1).unwrap(), parts.next().unwrap());
            // Files of the documentation page are no operations.
            if path.starts_with("/docs/") {
                continue;
            }
            let handlers = handlers.split(".layer(").next().unwrap();
            for (word, method) in [
                ("get(", "GET"),
                ("post(", "POST"),
                ("put(", "PUT"),
                ("delete(", "DELETE"),
            ] {
                if handlers.contains(word) {
                    found.insert((method.to_owned(), path.to_owned()));
                }
            }
        }
    }
    found
}

#[test]
fn the_contract_and_the_routes_are_the_same() {
    let (promised, served) = (promised(), served());
    assert!(served.len() >= 20, "{served:#?}");
    let missing: Vec<_> = promised.difference(&served).collect();
    let untold: Vec<_> = served.difference(&promised).collect();
    assert!(
        missing.is_empty() && untold.is_empty(),
        "not served: {missing:?}\nnot told: {untold:?}"
    );
}

#[tokio::test]
async fn every_operation_is_there() {
    let app = TestApp::start().await;
    let issued = app.badge().await;
    for (method, path) in promised() {
        let called = path.replace("{id}", &issued.id).replace("{list}", "1");
        let method = Method::from_bytes(method.as_bytes()).unwrap();
        let answer = app
            .call(method.clone(), &called)
            .by(Registrar)
            .send_off_contract()
            .await;
        let status = answer.status.as_u16();
        assert_ne!(status, 405, "{method} {path}");
        if status == 404 {
            let code = answer.problem().1;
            let known = ["result/no-pdf", "change-request/unknown"];
            assert!(known.contains(&code.as_str()), "{method} {path}: {code}");
        }
    }
}

#[test]
fn every_operation_has_a_name_and_tells_its_problems() {
    let mut names = BTreeSet::new();
    for (path, item) in contract()["paths"].as_object().unwrap() {
        for (method, operation) in item.as_object().unwrap() {
            let name = operation["operationId"].as_str().unwrap();
            assert!(names.insert(name), "{name} twice");
            let account = operation.get("security").is_some();
            let responses = operation["responses"].as_object().unwrap();
            for status in ["401", "429", "503"] {
                assert!(responses.contains_key(status), "{method} {path}: {status}");
            }
            assert_eq!(account, responses.contains_key("403"), "{method} {path}");
        }
    }
}

#[test]
fn schemathesis_finds_no_difference() {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(async {
        let app = TestApp::start().await;
        let issued = app.printed_badge().await;
        let (port, tell, serving) = listening(&app).await;
        let mut judge = Command::new(root(".judges/bin/schemathesis"));
        judge
            .current_dir(app.path())
            .arg("--config-file")
            .arg(root("tests/judges/schemathesis.toml"))
            .args([
                "--no-color",
                "run",
                &format!("http://127.0.0.1:{port}/openapi.yaml"),
            ])
            .env("DAUSO_REGISTRAR", app.key(OURS, Registrar))
            .env("DAUSO_INSPECTOR", app.key(OURS, Inspector))
            .env("DAUSO_SUPERVISOR", app.key(OURS, Supervisor))
            .env("DAUSO_RESULT", &issued.id);
        let output = tokio::task::spawn_blocking(move || judge.output())
            .await
            .unwrap();
        let output = output.expect("schemathesis starts; `make deps` installs it");
        let said = String::from_utf8_lossy(&output.stdout);
        assert!(
            output.status.success(),
            "{said}{}",
            String::from_utf8_lossy(&output.stderr)
        );
        tell.send(()).unwrap();
        serving.await.unwrap().unwrap();
    });
}
