//! `account disable|password|key`, `keys retire`, `audit`: what an operator ends, and the lines it leaves.

use crate::support::installation::{Installed, data};
use crate::support::running::{Running, Said, send};
use serde_json::{Value, json};
use std::fs;
use std::os::unix::fs::PermissionsExt as _;

const AGENCY: &str = "000.00.16.H99";

fn account(installed: &Installed, login: &str) -> String {
    let arguments = [
        "--login",
        login,
        "--name",
        "Mẫu",
        "--role",
        "supervisor",
        "--agency",
        AGENCY,
    ];
    let added = installed.run(&["account", "add"], &arguments).ended(0);
    added.stdout.trim_end().to_owned()
}

/// Lines of a command, as their columns.
fn lines(installed: &Installed, command: &[&str], arguments: &[&str]) -> Vec<Vec<String>> {
    let ran = installed.run(command, arguments).ended(0);
    let columns = |line: &str| line.split('\t').map(str::to_owned).collect();
    ran.stdout.lines().map(columns).collect()
}

fn secret(installed: &Installed, name: &str, text: &str) -> String {
    let path = installed.write(name, text);
    fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
    path.to_str().unwrap().to_owned()
}

#[test]
fn accounts_keys_and_passwords_are_ended_and_the_audit_says_so() {
    let installed = Installed::new();
    let (first, second) = (account(&installed, "first"), account(&installed, "second"));
    let third = account(&installed, "third");
    let config = installed.dir().join("dauso.toml");
    let text = fs::read_to_string(&config).unwrap();
    let text = text.replace("listen = \"127.0.0.1:8417\"", "listen = \"127.0.0.1:0\"");
    fs::write(&config, text).unwrap();
    let arguments = ["serve", "--config", config.to_str().unwrap()];
    let (_running, line) = Running::start(&arguments, Said::OnError, r#""message":"serving""#);
    let line: Value = serde_json::from_str(&line).unwrap();
    let address = line["address"].as_str().unwrap();
    let reads = |key: &str| send(address, "GET", "/api/v1/alarms", key, &json!({})).0;
    assert_eq!([&first, &second, &third].map(|key| reads(key)), [200; 3]);

    installed
        .run(&["account", "disable"], &["--login", "first"])
        .ended(0);
    assert_eq!(reads(&first), 401);
    let again = installed
        .run(&["account", "disable"], &["--login", "first"])
        .ended(1);
    assert!(again.stderr.contains("disabled already"), "{again:?}");
    let unknown = installed
        .run(&["account", "disable"], &["--login", "nobody"])
        .ended(1);
    assert!(unknown.stderr.contains("no account nobody"), "{unknown:?}");
    let listed = lines(&installed, &["account", "list"], &["--agency", AGENCY]);
    assert!(listed.contains(&vec![
        "first".into(),
        "supervisor".into(),
        "disabled".into()
    ]));

    let keys = lines(
        &installed,
        &["account", "key", "list"],
        &["--login", "second"],
    );
    assert_eq!(keys.len(), 1);
    let digest = keys[0][0].as_str();
    assert_eq!(keys[0][4], "-", "not revoked");
    let revoke = ["account", "key", "revoke"];
    let others = installed
        .run(&revoke, &["--login", "third", "--digest", digest])
        .ended(1);
    assert!(others.stderr.contains("no such key"), "{others:?}");
    installed
        .run(&revoke, &["--login", "second", "--digest", digest])
        .ended(0);
    assert_eq!((reads(&second), reads(&third)), (401, 200));
    installed
        .run(&revoke, &["--login", "second", "--digest", "abc"])
        .ended(64);

    // The token got with the old password ends with it; the key of a system does not.
    let sign_in = |password: &str| {
        let body = json!({"login": "third", "password": password});
        send(address, "POST", "/api/v1/tokens", "", &body)
    };
    let password = ["account", "password"];
    let file = secret(&installed, "one", "mat-khau-thu-nhat\n");
    installed
        .run(&password, &["--login", "third", "--password-file", &file])
        .ended(0);
    let (status, token) = sign_in("mat-khau-thu-nhat");
    assert_eq!(status, 201, "{token}");
    let token = token["token"].as_str().unwrap();
    assert_eq!(reads(token), 200);
    let file = secret(&installed, "two", "mat-khau-thu-hai\n");
    installed
        .run(&password, &["--login", "third", "--password-file", &file])
        .ended(0);
    assert_eq!((reads(token), reads(&third)), (401, 200));
    assert_eq!(sign_in("mat-khau-thu-nhat").0, 401);
    assert_eq!(sign_in("mat-khau-thu-hai").0, 201);
    let file = secret(&installed, "short", "ngan\n");
    installed
        .run(&password, &["--login", "third", "--password-file", &file])
        .ended(1);

    let done = lines(
        &installed,
        &["audit"],
        &["--actor", "command-line", "--action", "account."],
    );
    let actions: Vec<&str> = done.iter().map(|line| line[2].as_str()).collect();
    assert_eq!(
        actions,
        [
            "account.password",
            "account.password",
            "account.key.revoke",
            "account.disable"
        ]
    );
    let of_one = lines(
        &installed,
        &["audit"],
        &["--subject", &done[0][3], "--limit", "1"],
    );
    assert_eq!(of_one.len(), 1);
    assert_eq!(of_one[0][2], "account.sign_in", "the newest: {of_one:?}");
}

#[test]
fn a_retired_key_issues_nothing_more_and_the_last_key_of_the_operator_stays() {
    let installed = Installed::new();
    let (receipt, _) = installed.issue_pdf("vehicle-badge--a4-tagged");
    let text = receipt["qr_text"].as_str().unwrap();
    let keys = lines(&installed, &["keys", "list"], &[]);
    let fingerprint = |name: &str| {
        let key = keys.iter().find(|key| key[1].ends_with(name)).unwrap();
        key[0].clone()
    };
    let retire = |name: &str| {
        let key = fingerprint(name);
        installed.run(&["keys", "retire"], &["--fingerprint", &key])
    };
    for kept in ["operator.key.pem", "status.key.pem"] {
        let refused = retire(kept).ended(1);
        assert!(refused.stderr.contains("successor first"), "{refused:?}");
    }
    retire("16h99-credential.key.pem").ended(0);
    let again = retire("16h99-credential.key.pem").ended(1);
    assert!(again.stderr.contains("retired already"), "{again:?}");
    let mut other = data("vehicle-badge--a4-tagged");
    other.remove("badge_number");
    other.remove("result_code");
    other.insert(
        "dossier_code".to_owned(),
        json!(format!("{AGENCY}-261120-0001")),
    );
    let out = installed.file("other.svg");
    let refused = installed
        .issue("other", &other, &["--out", out.to_str().unwrap()])
        .ended(1);
    assert!(refused.stderr.contains("no credential key"), "{refused:?}");
    // What it signed while it was in use still holds, with the bundle published since.
    let trust = installed.trust();
    let arguments = ["verify", text, "--trust", trust.to_str().unwrap()];
    crate::support::installation::dauso(&arguments).ended(0);
    let done = lines(&installed, &["audit"], &["--action", "key."]);
    assert_eq!(done.len(), 1);
    assert_eq!(done[0][2], "key.retire");
    assert_eq!(done[0][3], fingerprint("16h99-credential.key.pem"));
}
