//! What the command line decides about issued results, alone and with a second person.

use crate::judges::root;
use crate::support::installation::{Installed, Ran, dauso, in_force};
use serde_json::{Map, Value};

const BADGE: &str = "vehicle-badge--a4-tagged";
const GROUNDS: [&str; 6] = [
    "--reason",
    "Cấp lại",
    "--decision",
    "0213/QĐ-SXD",
    "--authority",
    "Sở Xây dựng Mẫu",
];

/// The sample badge, its number and result code left to the register.
fn badge() -> Map<String, Value> {
    let mut data = in_force(BADGE);
    data.remove("badge_number");
    data.remove("result_code");
    data
}

/// Issues it; the receipt.
fn issue(installed: &Installed) -> Value {
    let out = installed.file("symbol.svg");
    let arguments = ["--out", out.to_str().unwrap(), "--json"];
    installed
        .issue("badge", &badge(), &arguments)
        .ended(0)
        .json()
}

fn decide(installed: &Installed, command: &str, id: &str, more: &[&str]) -> Ran {
    installed.run(&[command], &[&[id], &GROUNDS[..], more].concat())
}

fn supersede(installed: &Installed, id: &str) -> Ran {
    let data = installed.write("new.json", Value::Object(badge()).to_string());
    let out = installed.file("new.svg");
    let more = [
        "--data",
        data.to_str().unwrap(),
        "--out",
        out.to_str().unwrap(),
        "--json",
    ];
    decide(installed, "supersede", id, &more)
}

fn text<'a>(receipt: &'a Value, name: &str) -> &'a str {
    receipt[name].as_str().unwrap()
}

#[test]
fn every_decision_has_its_command_and_verify_sees_it() {
    let installed = Installed::new();
    for (command, standing, state) in [
        ("recall", "recalled", "revoked"),
        ("cancel", "cancelled", "cancelled"),
        ("surrender", "surrendered", "surrendered"),
    ] {
        let data = {
            let mut data = badge();
            let dossier = format!("000.00.16.H99-261121-{:04}", standing.len());
            data.insert("dossier_code".to_owned(), dossier.into());
            data
        };
        let out = installed.file("symbol.svg");
        let arguments = ["--out", out.to_str().unwrap(), "--json"];
        let receipt = installed.issue(command, &data, &arguments).ended(0).json();
        let said = decide(&installed, command, text(&receipt, "id"), &[]).ended(0);
        assert!(said.stdout.trim_end().ends_with(standing), "{said:?}");
        let seen = installed
            .run(&["verify"], &[text(&receipt, "qr_text"), "--json"])
            .ended(1);
        assert_eq!(seen.json()["status"]["state"], state);
        let again = decide(&installed, command, text(&receipt, "id"), &[]).ended(65);
        assert_eq!(again.complaint(), "result/not-possible");
    }
}

#[test]
fn an_old_qr_says_what_replaced_it_and_without_the_register_where_to_ask() {
    let installed = Installed::new();
    let old = issue(&installed);
    let new = supersede(&installed, text(&old, "id")).ended(0).json();
    assert!(text(&new, "result_code").ends_with("-KQ2"), "{new}");
    assert!(installed.file("new.svg").exists());
    let grouped = |receipt: &Value| {
        dauso::id::ResultId::parse(text(receipt, "id"))
            .unwrap()
            .grouped()
    };
    let seen = installed
        .run(&["verify"], &[text(&old, "qr_text")])
        .ended(1);
    assert!(seen.stdout.contains("state: superseded"), "{seen:?}");
    assert!(
        seen.stdout
            .contains(&format!("replaced by: {}", grouped(&new))),
        "{seen:?}"
    );
    let seen = installed
        .run(&["verify"], &[text(&new, "qr_text")])
        .ended(0);
    assert!(
        seen.stdout
            .contains(&format!("takes the place of: {}", grouped(&old))),
        "{seen:?}"
    );
    let trust = installed.trust();
    let offline = [
        "verify",
        text(&old, "qr_text"),
        "--trust",
        trust.to_str().unwrap(),
    ];
    let seen = dauso(&offline).ended(1);
    assert!(
        seen.stdout
            .contains("replaced: look its code up online to see by what"),
        "{seen:?}"
    );
    // What took a place is no place to take again.
    assert_eq!(
        supersede(&installed, text(&old, "id"))
            .ended(65)
            .complaint(),
        "result/not-possible"
    );
}

#[test]
fn an_erratum_is_told_and_the_result_stays_in_force() {
    let installed = Installed::new();
    let receipt = issue(&installed);
    decide(&installed, "erratum", text(&receipt, "id"), &[]).ended(0);
    let seen = installed
        .run(&["verify"], &[text(&receipt, "qr_text")])
        .ended(0);
    assert!(
        seen.stdout
            .contains("erratum: Cấp lại (0213/QĐ-SXD, Sở Xây dựng Mẫu)"),
        "{seen:?}"
    );
}

#[test]
fn what_the_command_line_asks_for_another_account_approves_or_rejects() {
    let installed = Installed::new();
    let badge = std::fs::read_to_string(root("src/catalogue/types/vehicle-badge.toml")).unwrap();
    let file = format!("four_eyes = [\"revocation\", \"replacement\"]\n{badge}");
    std::fs::write(installed.dir().join("catalogue/vehicle-badge.toml"), file).unwrap();
    let key = installed
        .run(
            &["account", "add"],
            &[
                "--login",
                "nguoi.ky",
                "--name",
                "Nguyễn Văn Mẫu",
                "--role",
                "signatory",
                "--agency",
                "000.00.16.H99",
            ],
        )
        .ended(0);
    let key = installed.write("key.txt", key.stdout);
    let key = ["--key", key.to_str().unwrap()];
    let waiting = |installed: &Installed| -> Vec<String> {
        let list = installed.run(&["requests"], &[]).ended(0).stdout;
        let first = |line: &str| line.split('\t').next().unwrap().to_owned();
        list.lines().map(first).collect()
    };
    let old = issue(&installed);
    let code = text(&old, "qr_text");

    let said = decide(&installed, "revoke", text(&old, "id"), &[]).ended(0);
    assert!(
        said.stdout.contains("waits for a second person"),
        "{said:?}"
    );
    installed.run(&["verify"], &[code]).ended(0);
    let [request] = &waiting(&installed)[..] else {
        panic!("one request")
    };
    let own = installed.run(&["approve"], &[request]).ended(65);
    assert_eq!(own.complaint(), "change-request/same-person");
    let reject = [&[request.as_str(), "--reason", "Nhầm số"], &key[..]].concat();
    installed.run(&["reject"], &reject).ended(0);
    assert_eq!(waiting(&installed), Vec::<String>::new());
    let late = installed
        .run(&["approve"], &[&[request.as_str()], &key[..]].concat())
        .ended(65);
    assert_eq!(late.complaint(), "change-request/settled");

    supersede(&installed, text(&old, "id")).ended(0);
    let [request] = &waiting(&installed)[..] else {
        panic!("one request")
    };
    let out = installed.file("approved.svg");
    let more = [
        &[request.as_str(), "--out", out.to_str().unwrap()],
        &key[..],
    ]
    .concat();
    installed.run(&["approve"], &more).ended(0);
    assert!(out.exists());
    let seen = installed
        .run(&["verify"], &[code, "--json"])
        .ended(1)
        .json();
    assert_eq!(seen["status"]["state"], "superseded");
    let nobody = installed.write("nobody.txt", "dauso_0");
    let more = [text(&old, "id"), "--key", nobody.to_str().unwrap()];
    let refused = installed
        .run(&["surrender"], &[&more[..], &GROUNDS].concat())
        .ended(65);
    assert_eq!(refused.complaint(), "auth/unknown-key");
}
