//! Every file of `fixtures/bad` through the built program: `issue` and `verify` end by themselves, soon, in
//! little memory, with a code and a word about it, and leave nothing behind.

use crate::judges::{judge, python, root, run};
use crate::support::installation::{Installed, data, dauso, day};
use serde_json::{Map, Value, json};
use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

/// What `issue` says to a file.
#[derive(Clone, Copy)]
enum Answer {
    /// Refused: the code, and a word that tells a person what is wrong.
    Refused(&'static str, &'static str),
    /// No fault in it as given (qpdf finds none either); tests/it/pdf/refusing.rs makes such faults anew.
    Signed,
}

use Answer::{Refused, Signed};

/// Every file with what `issue` says, and how `verify` ends: 1 altered, 2 nothing to vouch for it, 65 unreadable.
const FILES: &[(&str, Answer, i32)] = &[
    (
        "certified-docmdp-p1",
        Refused("pdf/certified", "certified"),
        2,
    ),
    (
        "cyclic-page-tree",
        Refused("pdf/page-tree-cycle", "page tree"),
        65,
    ),
    (
        "deep-nesting-50000",
        Refused("pdf/too-deep", "nested too deeply"),
        65,
    ),
    ("empty", Refused("pdf/empty", "empty"), 65),
    (
        "flate-bomb-content-2-gib",
        Refused("pdf/too-large-inflated", "inflates to more than"),
        2,
    ),
    (
        "flate-bomb-object-stream-2-gib",
        Refused("pdf/too-large-inflated", "inflates to more than"),
        65,
    ),
    (
        "javascript-launch-action",
        Refused("pdf/active-content", "active content"),
        2,
    ),
    (
        "missing-eof",
        Refused("pdf/no-eof", "does not end with %%EOF"),
        65,
    ),
    (
        "not-a-pdf",
        Refused("pdf/not-a-pdf", "does not begin with %PDF-"),
        65,
    ),
    ("page-count-lies", Signed, 2),
    (
        "signed-byterange-tampered",
        Refused("pdf/signature-broken", "earlier signature is broken"),
        1,
    ),
    (
        "signed-then-content-replaced",
        Refused("pdf/changed-after-signing", "changed after it was signed"),
        1,
    ),
    ("stream-length-wrong", Signed, 2),
    (
        "truncated-60-percent",
        Refused("pdf/truncated", "the end of the file is missing"),
        65,
    ),
    (
        "xref-offset-wrong",
        Refused("pdf/xref-damaged", "cross-reference section"),
        65,
    ),
];

/// Seconds and MiB that no file may take.
const SECONDS: f64 = 5.0;
const MIB: f64 = 256.0;

fn bad(name: &str) -> PathBuf {
    root("fixtures/bad").join(format!("{name}.pdf"))
}

/// Everything below a folder.
fn below(folder: &Path) -> BTreeSet<PathBuf> {
    let mut all = BTreeSet::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            all.extend(below(&path));
        }
        all.insert(path);
    }
    all
}

/// Runs the program within one GiB; what it took and said.
fn bounded(temporary: &Path, arguments: &[&str]) -> Value {
    let temporary = format!("TMPDIR={}", temporary.display());
    let mut all = vec!["env", &temporary, env!("CARGO_BIN_EXE_dauso")];
    all.extend(arguments);
    let took: Value = serde_json::from_str(&python("bounded.py", &all)).unwrap();
    assert!(took["seconds"].as_f64().unwrap() < SECONDS, "{took}");
    assert!(took["mib"].as_f64().unwrap() < MIB, "{took}");
    took
}

/// Data that any page could be the result of; every file gets its own dossier.
fn data_of(at: usize) -> Map<String, Value> {
    let mut data = data("promotion-notice--corner-occupied");
    for (field, days) in [("issue_date", -20), ("valid_from", -10), ("valid_to", 20)] {
        data.insert(field.to_owned(), json!(day(days)));
    }
    let dossier = format!("000.00.04.H99-261116-9{at:03}");
    data.insert("dossier_code".to_owned(), json!(dossier));
    data.remove("result_code");
    data.remove("notice_no");
    data
}

#[test]
fn every_bad_file_has_a_row() {
    let rows: BTreeSet<PathBuf> = FILES.iter().map(|(name, ..)| bad(name)).collect();
    assert_eq!(rows, below(&root("fixtures/bad")));
}

#[test]
fn every_bad_file_is_refused_by_its_code_at_once_in_little_memory_and_leaves_nothing() {
    let installed = Installed::new();
    let made = |name: &str| {
        let folder = installed.file(name);
        fs::create_dir(&folder).unwrap();
        folder
    };
    let (outputs, temporary) = (made("out"), made("tmp"));
    let register = |below: BTreeSet<PathBuf>| -> BTreeSet<PathBuf> {
        // The register's own side files come and go.
        let is_side = |path: &PathBuf| path.to_str().unwrap().contains("dauso.db-");
        below.into_iter().filter(|path| !is_side(path)).collect()
    };
    let (mut cases, mut signed) = (Vec::new(), Vec::new());
    for (at, (name, answer, _)) in FILES.iter().enumerate() {
        let data = data_of(at);
        let data_file = installed.write("data.json", Value::Object(data.clone()).to_string());
        let out = outputs.join(format!("{name}.pdf"));
        let before = register(below(&installed.dir()));
        let took = bounded(
            &temporary,
            &[
                "issue",
                "--dir",
                installed.dir().to_str().unwrap(),
                "--type",
                data["type"].as_str().unwrap(),
                "--data",
                data_file.to_str().unwrap(),
                "--pdf",
                bad(name).to_str().unwrap(),
                "--out",
                out.to_str().unwrap(),
            ],
        );
        let said = took["stderr"].as_str().unwrap();
        match answer {
            Refused(code, word) => {
                assert_eq!(took["code"], 65, "{name}: {took}");
                assert!(said.ends_with(&format!("({code})\n")), "{name}: {said}");
                assert!(said.contains(word), "{name}: {said}");
                assert_eq!(register(below(&installed.dir())), before, "{name}");
            }
            Signed => {
                assert_eq!((&took["code"], said), (&json!(0), ""), "{name}");
                cases.push(json!({
                    "before": bad(name),
                    "after": out,
                    "signatory": data["signatory"],
                }));
                signed.push(out);
            }
        }
        assert_eq!(below(&temporary), BTreeSet::new(), "{name}");
        let left: BTreeSet<PathBuf> = signed.iter().cloned().collect();
        assert_eq!(below(&outputs), left, "{name}");
    }
    others_call_clean(&installed, &signed, &Value::from(cases));
}

fn others_call_clean(installed: &Installed, signed: &[PathBuf], cases: &Value) {
    for file in signed {
        let output = run("qpdf", &["--check", file.to_str().unwrap()]);
        assert!(output.status.success(), "{output:?}");
        let output = run("pdfsig", &["-nocert", file.to_str().unwrap()]);
        let said = String::from_utf8_lossy(&output.stdout).into_owned();
        assert!(said.contains("Signature is Valid."), "{said}");
        assert!(said.contains("Total document signed"), "{said}");
    }
    let root_pem = installed.trust().join("root.pem");
    let seen = judge(
        "pades_seen.py",
        &[root_pem.to_str().unwrap()],
        &cases.to_string(),
    );
    let seen: Vec<Value> = serde_json::from_str(&seen).unwrap();
    assert_eq!(seen.len(), signed.len());
    for seen in seen {
        assert_eq!(seen["signatures"][0]["bottom_line"], true, "{seen}");
        let summary = &seen["signatures"][0]["summary"];
        assert_eq!(summary, "INTACT:TRUSTED,UNTOUCHED", "{seen}");
    }
}

#[test]
fn every_bad_file_is_verified_at_once_in_little_memory_with_the_right_exit_code() {
    let installed = Installed::new();
    let temporary = installed.file("tmp");
    fs::create_dir(&temporary).unwrap();
    let (dir, trust) = (installed.dir(), installed.trust());
    for (name, answer, code) in FILES {
        let file = bad(name);
        let input = file.to_str().unwrap();
        let sources: [&[&str]; 3] = [
            &[],
            &["--dir", dir.to_str().unwrap()],
            &["--trust", trust.to_str().unwrap()],
        ];
        for source in sources {
            let took = bounded(&temporary, &[&["verify", input], source].concat());
            assert_eq!(took["code"], json!(code), "{name} {source:?}: {took}");
            let said = took["stderr"].as_str().unwrap();
            assert!(!said.contains("panicked"), "{name}: {said}");
            // What cannot be opened is refused for the same reason as when it is issued.
            if let (Refused(reason, _), 65) = (answer, code) {
                let reason = match *reason {
                    "pdf/empty" | "pdf/not-a-pdf" => "file/unknown-kind",
                    other => other,
                };
                assert!(said.ends_with(&format!("({reason})\n")), "{name}: {said}");
            }
        }
        assert_eq!(below(&temporary), BTreeSet::new(), "{name}");
    }
}

#[test]
fn a_bad_file_among_good_ones_does_not_keep_the_others_from_being_checked() {
    let installed = Installed::new();
    let (_, signed) = installed.issue_pdf("vehicle-badge--a4-tagged");
    let trust = installed.trust();
    let ran = dauso(&[
        "verify",
        bad("cyclic-page-tree").to_str().unwrap(),
        signed.to_str().unwrap(),
        "--trust",
        trust.to_str().unwrap(),
        "--json",
    ])
    .ended(65);
    let lines: Vec<Value> = ran
        .stdout
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    assert_eq!(lines[0]["unreadable"], "pdf/page-tree-cycle");
    assert_eq!(lines[1]["verdict"], "valid");
}
