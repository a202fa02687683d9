//! `verify`, and the commands that change the status it finds.

use crate::judges::{root, run};
use crate::support::installation::{Installed, Ran, dauso, day, moment, pdf};
use serde_json::Value;
use std::fs;
use std::path::{Path, PathBuf};

const BADGE: &str = "vehicle-badge--a4-tagged";

/// A moment within the certificates of the signed samples.
const SAMPLES_SIGNED: &str = "2026-12-01T09:00:00+07:00";

fn verify(input: &Path, more: &[&str]) -> Ran {
    let mut arguments = vec!["verify", input.to_str().unwrap()];
    arguments.extend(more);
    dauso(&arguments)
}

fn by_register(installed: &Installed, input: &str, more: &[&str]) -> Ran {
    installed.run(&["verify"], &[&[input], more].concat())
}

fn by_trust(installed: &Installed, input: &str, more: &[&str]) -> Ran {
    let trust = installed.trust();
    let own = ["verify", input, "--trust", trust.to_str().unwrap()];
    dauso(&[&own[..], more].concat())
}

/// Outcome and reason of one check.
fn check(answer: &Value, kind: &str) -> (String, Option<String>) {
    let checks = answer["checks"].as_array().unwrap();
    let found = checks.iter().find(|check| check["check"] == kind);
    let found = found.unwrap_or_else(|| panic!("no {kind}: {answer}"));
    let text = |name: &str| found[name].as_str().map(str::to_owned);
    (text("outcome").unwrap(), text("reason"))
}

fn pass() -> (String, Option<String>) {
    ("pass".to_owned(), None)
}

fn fails(reason: &str) -> (String, Option<String>) {
    ("fail".to_owned(), Some(reason.to_owned()))
}

#[test]
fn a_file_of_ours_is_authentic_and_in_force_by_register_and_by_folder() {
    let installed = Installed::new();
    let (receipt, signed) = installed.issue_pdf(BADGE);
    let signed = signed.to_str().unwrap();
    let register = by_register(&installed, signed, &["--json"]).ended(0).json();
    let folder = by_trust(&installed, signed, &["--json"]).ended(0).json();
    for answer in [&register, &folder] {
        assert_eq!(answer["verdict"], "valid");
        assert_eq!(answer["id"], receipt["id"]);
        assert_eq!(answer["input"], signed);
        assert_eq!(answer["signature"]["outcome"], "pass");
        assert_eq!(answer["status"]["outcome"], "pass");
        assert_eq!(answer["status"]["state"], "in_force");
        assert!(answer["status"]["as_of"].as_str().unwrap().contains('T'));
        assert_eq!(answer["match"]["outcome"], "not_performed");
        assert_eq!(answer["result"]["type"], "vehicle-badge");
        assert_eq!(answer["result"]["agency"]["code"], "000.00.16.H99");
        assert_eq!(answer["claimed"], Value::Null);
        for kind in [
            "document_integrity",
            "document_trust",
            "code",
            "credential",
            "issuer",
            "credential_signature",
            "validity",
            "hours",
            "status",
        ] {
            assert_eq!(check(answer, kind), pass(), "{kind}");
        }
    }
    assert_eq!(check(&register, "register"), pass());
    assert_eq!(check(&register, "document_binding"), pass());
    assert_eq!(
        check(&folder, "register").1.as_deref(),
        Some("skip/no-register")
    );
    assert_eq!(register["result"]["number"], receipt["number"]);

    let words = by_register(&installed, signed, &[]).ended(0).stdout;
    for said in [
        "valid\n",
        "  signature: pass\n",
        "  status: pass\n",
        "  state: in_force, as of ",
        "Phù hiệu xe – Sở Xây dựng Mẫu",
        "43B-000.00",
    ] {
        assert!(words.contains(said), "{said:?} is not in {words}");
    }
    // Without register and bundle nobody can say: neither is it called forged.
    let nothing = dauso(&["verify", signed, "--json"]).ended(2).json();
    assert_eq!(nothing["verdict"], "undetermined");
    assert_eq!(check(&nothing, "document_integrity"), pass());
    // Before its first day, and after its last.
    let early = by_register(&installed, signed, &["--json", "--at", &moment(-24 * 12)])
        .ended(1)
        .json();
    assert_eq!(early["status"]["state"], "not_yet_effective");
    let late = by_register(&installed, signed, &["--json", "--at", &moment(24 * 302)])
        .ended(1)
        .json();
    assert_eq!(late["status"]["state"], "expired");
}

#[test]
fn codes_are_verified_as_text_and_in_pictures_and_the_worst_answer_counts() {
    let installed = Installed::new();
    let (receipt, signed) = installed.issue_pdf(BADGE);
    let text = receipt["qr_text"].as_str().unwrap();
    assert_eq!(
        by_trust(&installed, text, &["--json"]).ended(0).json()["id"],
        receipt["id"]
    );
    by_register(&installed, text, &[]).ended(0);

    let stem = installed.file("page");
    for format in ["-png", "-jpeg"] {
        run(
            "pdftoppm",
            &[
                "-r",
                "200",
                "-singlefile",
                format,
                signed.to_str().unwrap(),
                stem.to_str().unwrap(),
            ],
        );
    }
    let (png, jpeg) = (installed.file("page.png"), installed.file("page.jpg"));
    for picture in [&png, &jpeg] {
        let answer = by_trust(&installed, picture.to_str().unwrap(), &["--json"])
            .ended(0)
            .json();
        assert_eq!(answer["id"], receipt["id"]);
        assert_eq!(check(&answer, "credential_signature"), pass());
    }

    let mut forged = text.to_owned();
    let last = forged.len() - 40;
    let digit = if &forged[last..=last] == "1" {
        "2"
    } else {
        "1"
    };
    forged.replace_range(last..=last, digit);
    let answer = by_trust(&installed, &forged, &["--json"]).ended(1).json();
    assert_eq!(answer["verdict"], "invalid");
    assert_eq!(
        answer["result"],
        Value::Null,
        "a forged code shows nothing as true"
    );

    let foreign = by_trust(&installed, "https://example.com/menu", &[]).ended(65);
    assert_eq!(foreign.complaint(), "code/foreign");
    let foreign = by_trust(&installed, "missing.pdf", &["--json"])
        .ended(65)
        .json();
    assert_eq!(foreign["unreadable"], "code/foreign");

    let trust = installed.trust();
    let all = |inputs: &[&str]| {
        let mut arguments = vec!["verify", "--json", "--trust", trust.to_str().unwrap()];
        arguments.extend(inputs);
        dauso(&arguments)
    };
    let unsigned = pdf(BADGE);
    let unsigned = unsigned.to_str().unwrap();
    let png = png.to_str().unwrap();
    assert_eq!(all(&[png, text]).ended(0).stdout.lines().count(), 2);
    all(&[text, unsigned, png]).ended(2);
    all(&[text, unsigned, "menu"]).ended(65);
    assert_eq!(
        all(&[text, &forged, unsigned, "menu"])
            .ended(1)
            .stdout
            .lines()
            .count(),
        4
    );
}

#[test]
fn a_status_change_is_seen_at_the_next_check_with_and_without_the_register() {
    let installed = Installed::new();
    let (receipt, signed) = installed.issue_pdf(BADGE);
    let signed = signed.to_str().unwrap();
    let id = receipt["id"].as_str().unwrap();
    let grouped = format!("{} {} {} {}", &id[..4], &id[4..8], &id[8..12], &id[12..]);
    let grounds = [
        "--reason",
        "Vi phạm mẫu",
        "--decision",
        "0213/QĐ-SXD",
        "--authority",
        "Sở Xây dựng Mẫu",
    ];
    let change = |command: &str, id: &str, more: &[&str]| {
        installed.run(&[command], &[&[id], &grounds[..], more].concat())
    };
    let standing = |code: i32, state: &str, reason: Option<&str>| {
        for answer in [
            by_register(&installed, signed, &["--json"])
                .ended(code)
                .json(),
            by_trust(&installed, signed, &["--json"]).ended(code).json(),
        ] {
            assert_eq!(answer["status"]["state"], state);
            assert_eq!(answer["status"]["reason"].as_str(), reason);
            // The signature is as good as before: the answers stay apart.
            assert_eq!(answer["signature"]["outcome"], "pass");
        }
    };
    // Typed as it is printed, in groups and in small letters.
    let until = day(30);
    let ran = change("suspend", &grouped.to_lowercase(), &["--until", &until]).ended(0);
    assert_eq!(ran.stdout, format!("{grouped} suspended\n"));
    standing(1, "suspended", Some("status/suspended"));
    let twice = change("suspend", id, &["--until", &until]).ended(65);
    assert_eq!(twice.complaint(), "result/not-possible");

    change("reinstate", id, &[]).ended(0);
    standing(0, "in_force", None);
    assert_eq!(
        change("reinstate", id, &[]).ended(65).complaint(),
        "result/not-possible"
    );
    assert_eq!(
        change("suspend", id, &["--until", &day(-1)])
            .ended(65)
            .complaint(),
        "result/until-past"
    );

    change("revoke", id, &[]).ended(0);
    standing(1, "revoked", Some("status/revoked"));
    let answer = by_register(&installed, signed, &["--json"]).ended(1).json();
    let change_shown = &answer["result"]["change"];
    assert_eq!(change_shown["decision"], "0213/QĐ-SXD");
    assert_eq!(change_shown["reason"], "Vi phạm mẫu");

    assert_eq!(
        change("revoke", "7K3M9QX2TB4C5D6E", &[])
            .ended(65)
            .complaint(),
        "result/unknown"
    );
    assert_eq!(
        change("revoke", "not a code", &[]).ended(65).complaint(),
        "code/bad-id"
    );
}

#[test]
fn a_list_older_than_its_type_allows_leaves_the_status_undecided() {
    let installed = Installed::new();
    let (_, signed) = installed.issue_pdf(BADGE);
    let signed = signed.to_str().unwrap();
    // A badge allows 24 hours.
    by_trust(&installed, signed, &["--at", &moment(23)]).ended(0);
    let old = by_trust(&installed, signed, &["--json", "--at", &moment(25)])
        .ended(2)
        .json();
    assert_eq!(old["verdict"], "undetermined");
    assert_eq!(old["status"]["state"], "undecided");
    assert_eq!(old["status"]["outcome"], "not_performed");
    assert_eq!(old["status"]["reason"], "skip/too-old");
    assert_eq!(old["signature"]["outcome"], "pass");

    for entry in fs::read_dir(installed.trust().join("status")).unwrap() {
        fs::remove_file(entry.unwrap().path()).unwrap();
    }
    let none = by_trust(&installed, signed, &["--json"]).ended(2).json();
    assert_eq!(none["status"]["reason"], "skip/no-status-list");
}

#[test]
fn evidence_that_cannot_be_read_never_makes_a_paper_look_forged() {
    let installed = Installed::new();
    let (_, signed) = installed.issue_pdf(BADGE);
    let empty = installed.file("empty");
    fs::create_dir(&empty).unwrap();
    let missing = installed.file("missing");
    for (option, path) in [
        ("--trust", &missing),
        ("--trust", &empty),
        ("--dir", &missing),
        ("--anchor", &missing),
        ("--anchor", &signed),
    ] {
        let ran = verify(&signed, &[option, path.to_str().unwrap()]);
        assert_eq!(ran.code, 65, "{option} {}: {ran:?}", path.display());
        assert!(ran.stdout.is_empty(), "{ran:?}");
    }
    // Signed by another operator than the one whose key lies beside it.
    let other = Installed::empty();
    other.run(&["init"], &["--bare"]).ended(0);
    fs::copy(
        other.trust().join("operator.pem"),
        installed.trust().join("operator.pem"),
    )
    .unwrap();
    let answer = by_trust(&installed, signed.to_str().unwrap(), &["--json"])
        .ended(2)
        .json();
    assert_eq!(
        check(&answer, "issuer").1.as_deref(),
        Some("trust/bundle-invalid")
    );
}

fn bad(name: &str) -> PathBuf {
    root("fixtures/bad").join(format!("{name}.pdf"))
}

#[test]
fn signatures_of_others_are_judged_by_the_anchors_that_were_named() {
    let anchor = root("fixtures/pdf/test-ca.pem");
    let trusted = [
        "--json",
        "--at",
        SAMPLES_SIGNED,
        "--anchor",
        anchor.to_str().unwrap(),
    ];
    for file in [
        pdf("practising-certificate--signed-once"),
        pdf("vehicle-badge--signed-twice-timestamped"),
        bad("certified-docmdp-p1"),
    ] {
        let answer = verify(&file, &trusted).ended(2).json();
        assert_eq!(check(&answer, "document_integrity"), pass(), "{answer}");
        assert_eq!(check(&answer, "document_trust"), pass(), "{answer}");
        assert_eq!(answer["signature"]["outcome"], "pass");
        assert_eq!(answer["status"]["outcome"], "not_performed");
        assert_eq!(answer["verdict"], "undetermined");

        let answer = verify(&file, &trusted[..3]).ended(2).json();
        assert_eq!(check(&answer, "document_integrity"), pass());
        let no_path = (
            "undetermined".to_owned(),
            Some("document/no-trusted-path".to_owned()),
        );
        assert_eq!(check(&answer, "document_trust"), no_path);
    }
    for name in ["signed-byterange-tampered", "signed-then-content-replaced"] {
        let answer = verify(&bad(name), &trusted).ended(1).json();
        assert_eq!(
            check(&answer, "document_integrity"),
            fails("document/changed-after-signing"),
            "{name}"
        );
        assert_eq!(answer["verdict"], "invalid");
    }
    let unsigned = verify(&pdf(BADGE), &trusted).ended(2).json();
    assert_eq!(unsigned["signature"]["reason"], "document/unsigned");
}

#[test]
fn what_cannot_be_read_has_a_code_and_ends_with_65() {
    for (file, code) in [
        (bad("empty"), "file/unknown-kind"),
        (bad("not-a-pdf"), "file/unknown-kind"),
        (bad("truncated-60-percent"), "pdf/truncated"),
        (
            bad("flate-bomb-object-stream-2-gib"),
            "pdf/too-large-inflated",
        ),
        (bad("xref-offset-wrong"), "pdf/xref-damaged"),
        (
            pdf("transport-business-licence--encrypted-with-password"),
            "pdf/encrypted",
        ),
        (
            root("fixtures/images/seal-transparent-35mm-300dpi.png"),
            "picture/no-code",
        ),
    ] {
        let ran = verify(&file, &[]).ended(65);
        assert_eq!(ran.complaint(), code, "{ran:?}");
        let json = verify(&file, &["--json"]).ended(65).json();
        assert_eq!(json["unreadable"], code);
    }
}
