//! What is wrong with arguments ends with 64 and touches nothing.

use crate::support::installation::{Installed, dauso, in_force};

#[test]
fn arguments_that_no_command_has_end_with_64() {
    let cases: [&[&str]; 14] = [
        &[],
        &["stamp"],
        &["init"],
        &["init", "--dir", "x", "--force"],
        &["init", "--dir", "x", "--public-url", "ftp://qr.vidu.test"],
        &["agency", "add", "--dir", "x", "--code", "000.00.16.H99"],
        &[
            "agency",
            "add",
            "--dir",
            "x",
            "--code",
            "1",
            "--name",
            "A",
            "--algorithm",
            "ed25519",
        ],
        &[
            "account", "add", "--dir", "x", "--login", "a", "--name", "A", "--agency", "1",
            "--role", "boss",
        ],
        &["keys", "rotate", "--dir", "x"],
        &["verify"],
        &["verify", "text", "--dir", "x", "--trust", "y"],
        &["verify", "text", "--at", "yesterday"],
        &[
            "suspend",
            "--dir",
            "x",
            "7K3M9QX2TB4C5D6E",
            "--reason",
            "r",
            "--decision",
            "d",
            "--authority",
            "a",
            "--until",
            "soon",
        ],
        &["serve"],
    ];
    for arguments in cases {
        let ran = dauso(arguments);
        assert_eq!(ran.code, 64, "{arguments:?}: {ran:?}");
        assert!(ran.stdout.is_empty(), "{arguments:?}: {ran:?}");
        assert!(!ran.stderr.is_empty(), "{arguments:?}");
    }
    assert!(!std::path::Path::new("x").exists());
}

#[test]
fn help_and_version_go_to_standard_output_and_end_with_0() {
    let version = dauso(&["--version"]).ended(0);
    assert_eq!(
        version.stdout,
        format!("dauso {}\n", env!("CARGO_PKG_VERSION"))
    );
    let help = dauso(&["--help"]).ended(0);
    for command in [
        "demo",
        "serve",
        "init",
        "agency",
        "issue",
        "verify",
        "revoke",
        "suspend",
        "reinstate",
        "recall",
        "cancel",
        "surrender",
        "supersede",
        "erratum",
        "requests",
        "approve",
        "reject",
        "keys",
    ] {
        assert!(
            help.stdout.contains(&format!("\n  {command} ")),
            "{command}: {}",
            help.stdout
        );
    }
    let issue = dauso(&["issue", "--help"]).ended(0);
    assert!(issue.stdout.contains("- b-b: "), "{}", issue.stdout);
}

#[test]
fn an_output_that_cannot_be_made_is_told_before_anything_is_issued() {
    let installed = Installed::new();
    let data = in_force("vehicle-badge--a4-tagged");
    for out in ["symbol.pdf", "symbol", "missing/symbol.png"] {
        let out = installed.file(out);
        installed
            .issue("badge", &data, &["--out", out.to_str().unwrap()])
            .ended(64);
        assert!(!out.exists());
    }
    for level in ["b-t", "b-lt", "b-lta", "bb", "B-B"] {
        let out = installed.file("symbol.png");
        let arguments = ["--level", level, "--out", out.to_str().unwrap()];
        let ran = installed.issue("badge", &data, &arguments).ended(64);
        assert!(ran.stderr.contains(level), "{ran:?}");
    }
    // Nothing of it is in the register: the result code is still free.
    let out = installed.file("symbol.svg");
    let arguments = ["--level", "b-b", "--out", out.to_str().unwrap()];
    installed.issue("badge", &data, &arguments).ended(0);
}
