//! Papers issued with a time stamp (PAdES B-T) of a configured authority.

use super::fetching::{Handler, Server, reply};
use super::world::{around_now, now};
use crate::judges::judge;
use crate::pki::text;
use crate::support::installation::{Installed, in_force, pdf};
use dauso::private::Private;
use dauso::signer::authority::DemoAuthority;
use dauso::signer::services::TimeStampService;
use serde_json::{Value, json};
use std::fs;
use std::path::{Path, PathBuf};

const NAME: &str = "vehicle-badge--a4-tagged";

/// An authority whose certificate comes from the installation's own root.
fn authority(installed: &Installed) -> Handler {
    let keys = installed.dir().join("keys");
    let passphrase = fs::read_to_string(keys.join("passphrase")).unwrap();
    let passphrase = Private::new(passphrase.trim_end().to_owned());
    let above = DemoAuthority::open(&keys.join("authority"), &passphrase).unwrap();
    let stamps = TimeStampService::generate(&above, around_now()).unwrap();
    Box::new(move |_, query| reply(&stamps.answer(query, now()).unwrap()))
}

fn configure(installed: &Installed, authorities: &[String], internal: &[&str]) {
    let path = installed.dir().join("dauso.toml");
    let lines = fs::read_to_string(&path).unwrap();
    let (authorities, internal) = (json!(authorities), json!(internal));
    let more = format!("[time_stamps]\nauthorities = {authorities}\ninternal_hosts = {internal}\n");
    fs::write(&path, format!("{lines}\n{more}")).unwrap();
}

fn issue(installed: &Installed, out: &Path) -> crate::support::installation::Ran {
    let source = pdf(NAME);
    let more = ["--pdf", text(&source), "--out", text(out), "--json"];
    installed.issue(NAME, &in_force(NAME), &more)
}

/// The folder with the PDFs of a data directory, file by file.
fn documents(installed: &Installed) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut folders = vec![installed.dir().join("documents")];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else {
                found.push(path);
            }
        }
    }
    found
}

#[test]
fn a_paper_is_issued_with_a_time_stamp_that_pyhanko_trusts_and_verify_names() {
    let installed = Installed::new();
    let resting = Server::new(Box::new(|_, _| reply(b"<html>")));
    let honest = Server::new(authority(&installed));
    let both = [resting.address(), honest.address()];
    configure(&installed, &both, &["127.0.0.1"]);
    let out = installed.file("stamped.pdf");
    issue(&installed, &out).ended(0);
    assert_eq!((resting.calls(), honest.calls()), (1, 1));

    let root = installed.trust().join("root.pem");
    let cases = json!([{"before": pdf(NAME), "after": out, "signatory": "Nguyễn Văn Mẫu"}]);
    let seen = judge("pades_seen.py", &[text(&root)], &cases.to_string());
    let seen: Value = serde_json::from_str(&seen).unwrap();
    let signature = &seen[0]["signatures"][0];
    assert_eq!(signature["bottom_line"], true, "{signature}");
    let summary = signature["summary"].as_str().unwrap();
    assert!(
        summary.contains("TIMESTAMP_TOKEN<INTACT:TRUSTED>"),
        "{summary}"
    );

    let trust = installed.trust();
    let arguments = [text(&out), "--trust", text(&trust), "--json"];
    let mut program = crate::support::installation::program();
    let verified = program.arg("verify").args(arguments).output().unwrap();
    let verified: Value = serde_json::from_slice(&verified.stdout).unwrap();
    assert_eq!(verified["signature"]["level"], "B-T", "{verified}");
}

#[test]
fn without_a_time_stamp_nothing_is_issued_and_nothing_is_left() {
    let installed = Installed::new();
    let before = documents(&installed);
    let rubbish = Server::new(Box::new(|_, _| reply(b"<html>")));
    configure(&installed, &[rubbish.address()], &["127.0.0.1"]);
    let out = installed.file("stamped.pdf");
    let refused = issue(&installed, &out).ended(1);
    let why = "no authority gives a time stamp now";
    assert!(refused.stderr.contains(why), "{refused:?}");
    assert!(!out.exists());
    assert_eq!(documents(&installed), before);

    // A private address that nobody named as one is not even asked.
    let asked = rubbish.calls();
    let other = Installed::new();
    configure(&other, &[rubbish.address()], &[]);
    let refused = issue(&other, &out).ended(1);
    assert!(refused.stderr.contains(why), "{refused:?}");
    assert_eq!(rubbish.calls(), asked);
}
