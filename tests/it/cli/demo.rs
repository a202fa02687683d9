//! `dauso demo` from the first start to the second.

use crate::support::installation::{Installed, dauso};
use crate::support::running::{Running, Said, get};
use serde_json::Value;
use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::time::Duration;

/// Starts a demo; what it announces.
fn start(dir: &Path) -> (Running, Value) {
    let arguments = [
        "demo",
        "--dir",
        dir.to_str().unwrap(),
        "--port",
        "0",
        "--json",
    ];
    let (running, line) = Running::start(&arguments, Said::OnOutput, "{");
    (running, serde_json::from_str(&line).unwrap())
}

fn results(announced: &Value) -> &[Value] {
    announced["results"].as_array().unwrap()
}

#[test]
fn the_demo_survives_a_kill_shows_its_samples_stops_and_starts_with_the_same_ones() {
    let place = Installed::empty();
    let dir = place.file("demo");
    let arguments = [
        "demo",
        "--dir",
        dir.to_str().unwrap(),
        "--port",
        "0",
        "--json",
    ];
    Running::cut_short(&arguments, Duration::from_millis(1_500));
    assert!(
        !dir.exists(),
        "what is not whole does not stand in its place"
    );

    let (running, announced) = start(&dir);
    let address = announced["base_url"]
        .as_str()
        .unwrap()
        .strip_prefix("http://")
        .unwrap();
    assert!(
        address.starts_with("127.0.0.1:") && !address.ends_with(":0"),
        "{address}"
    );

    let roles = [
        "admin",
        "case_officer",
        "inspector",
        "registrar",
        "signatory",
        "supervisor",
    ];
    let keys: Vec<&String> = announced["api_keys"].as_object().unwrap().keys().collect();
    assert_eq!(keys, roles);
    let accounts = announced["accounts"].as_array().unwrap();
    assert_eq!(accounts.len(), roles.len());
    for account in accounts {
        let role = account["role"].as_str().unwrap();
        assert_eq!(account["api_key"], announced["api_keys"][role], "{role}");
    }

    let types: BTreeSet<&str> = results(&announced)
        .iter()
        .filter_map(|one| one["type"].as_str())
        .collect();
    assert_eq!(types.len(), 8, "{types:?}");
    let revoked: Vec<&Value> = results(&announced)
        .iter()
        .filter(|one| one["status"] == "revoked")
        .collect();
    assert_eq!(revoked.len(), 1);

    for (at, result) in results(&announced).iter().enumerate() {
        let id = result["id"].as_str().unwrap();
        let text = result["qr_text"].as_str().unwrap();
        assert!(text.contains(&format!("/{id}#")), "{text}");
        let (status, page) = get(address, &format!("/{id}"));
        let page = String::from_utf8(page).unwrap();
        assert_eq!(status, 200, "{id}");
        let number = result["number"].as_str().unwrap();
        assert!(page.contains(number), "{number} is not on its page");
        let verdict = if result["status"] == "revoked" {
            "thu hồi"
        } else {
            "hiệu lực"
        };
        assert!(page.to_lowercase().contains(verdict), "{id}: {verdict}");
        let pdf = Path::new(result["pdf"].as_str().unwrap());
        assert!(
            fs::read(pdf).unwrap().starts_with(b"%PDF-"),
            "{}",
            pdf.display()
        );
        if at == 0 {
            assert!(page.contains("Còn hiệu lực"), "the first is in force now");
        }
    }
    for path in [
        "/",
        "/healthz",
        "/readyz",
        "/trust",
        "/status/1",
        "/openapi.yaml",
        "/docs/",
    ] {
        assert_eq!(get(address, path).0, 200, "{path}");
    }
    let first = results(&announced)[0].clone();
    // With the demo's own folder, while it serves: the first is in force, the last is not.
    let trust = dir.join("trust");
    let verify = |result: &Value| {
        dauso(&[
            "verify",
            result["pdf"].as_str().unwrap(),
            "--trust",
            trust.to_str().unwrap(),
        ])
    };
    verify(&first).ended(0);
    verify(revoked[0]).ended(1);
    assert_eq!(running.interrupt().code(), Some(0));

    let (running, again) = start(&dir);
    assert_eq!(again["results"], announced["results"]);
    assert_eq!(again["api_keys"], announced["api_keys"]);
    assert_eq!(running.interrupt().code(), Some(0));
}

#[test]
fn a_folder_with_something_else_in_it_is_refused_and_left_as_it_is() {
    let place = Installed::empty();
    let dir = place.file("photos");
    fs::create_dir(&dir).unwrap();
    fs::write(dir.join("cat.jpg"), b"\xff\xd8").unwrap();
    let arguments = ["demo", "--dir", dir.to_str().unwrap(), "--port", "0"];
    let ran = dauso(&arguments).ended(1);
    assert!(
        ran.stderr.contains("holds something that is no demo"),
        "{ran:?}"
    );
    assert!(ran.stdout.is_empty());
    let names: Vec<_> = fs::read_dir(&dir)
        .unwrap()
        .map(|entry| entry.unwrap().file_name())
        .collect();
    assert_eq!(names, ["cat.jpg"]);
}
