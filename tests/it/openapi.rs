//! The contract and the routes: neither has something that the other lacks, and somebody else's program
//! finds no difference between the two.

use crate::api::operations::listening;
use crate::judges::root;
use crate::support::app::{OURS, THEIRS, TestApp};
use crate::support::contract::contract;
use axum::http::Method;
use dauso::access::Role::{CaseOfficer, Inspector, Registrar, Supervisor};
use std::collections::BTreeSet;
use std::process::Command;

/// Every operation of the contract: method and path.
pub(crate) fn promised() -> BTreeSet<(String, String)> {
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
    schemathesis(|app, id| {
        vec![Visit {
            config: "schemathesis.toml",
            more: &[],
            keys: vec![
                ("DAUSO_REGISTRAR", app.key(OURS, Registrar).to_owned()),
                ("DAUSO_INSPECTOR", app.key(OURS, Inspector).to_owned()),
                ("DAUSO_SUPERVISOR", app.key(OURS, Supervisor).to_owned()),
                ("DAUSO_RESULT", id.to_owned()),
            ],
        }]
    });
}

#[test]
fn schemathesis_finds_no_difference_for_those_who_may_not() {
    let few = &["--phases", "examples,coverage", "--max-examples", "3"];
    schemathesis(|app, id| {
        let strangers = [
            app.key(OURS, CaseOfficer),
            app.key(THEIRS, Registrar),
            app.key(THEIRS, Inspector),
        ];
        let visit = |key: &str| Visit {
            config: "schemathesis-strangers.toml",
            more: few,
            keys: vec![
                ("DAUSO_KEY", key.to_owned()),
                ("DAUSO_RESULT", id.to_owned()),
            ],
        };
        strangers.into_iter().map(visit).collect()
    });
}

/// One run of schemathesis: its configuration in `tests/judges`, further arguments, its environment.
struct Visit {
    config: &'static str,
    more: &'static [&'static str],
    keys: Vec<(&'static str, String)>,
}

/// Lets schemathesis make all of its checks on a running service.
fn schemathesis(visits: impl FnOnce(&TestApp, &str) -> Vec<Visit>) {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(async {
        let app = TestApp::start().await;
        let issued = app.printed_badge().await;
        let (port, tell, serving) = listening(&app).await;
        for visit in visits(&app, &issued.id) {
            let mut judge = Command::new(root(".judges/bin/schemathesis"));
            judge
                .current_dir(app.path())
                .arg("--config-file")
                .arg(root("tests/judges").join(visit.config))
                .args(["--no-color", "run"])
                .arg(format!("http://127.0.0.1:{port}/openapi.yaml"))
                .args(["--checks", "all", "--max-response-time", "10"])
                .args(visit.more)
                .envs(visit.keys);
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
        }
        tell.send(()).unwrap();
        serving.await.unwrap().unwrap();
    });
}
