//! What was PDF/A stays PDF/A of its part, as far as structure goes; the credential rides along where the part
//! allows it.

use crate::judges::{python, run};
use crate::support::installation::{Installed, in_force, pdf};
use std::fs;
use std::path::PathBuf;

const SAMPLE: &str = "promotion-notice--pdfa-2b";

/// The sample claiming another part, issued; the input, the output and the look-up code.
fn issued(installed: &Installed, part: u8) -> (PathBuf, PathBuf, String) {
    let bytes = fs::read(pdf(SAMPLE)).unwrap();
    let claim = b"<pdfaid:part>2<";
    let at = bytes
        .windows(claim.len())
        .position(|window| window == claim)
        .unwrap();
    let mut claiming = bytes;
    claiming[at + claim.len() - 2] = b'0' + part;
    let before = installed.write("claiming.pdf", claiming);
    let out = installed.file("archived.pdf");
    let paths = [
        "--pdf",
        before.to_str().unwrap(),
        "--out",
        out.to_str().unwrap(),
        "--json",
    ];
    let receipt = installed.issue("archived", &in_force(SAMPLE), &paths);
    let id = receipt.ended(0).json()["id"].as_str().unwrap().to_owned();
    (before, out, id)
}

fn attached(file: &str) -> String {
    let output = run("qpdf", &["--list-attachments", file]);
    String::from_utf8_lossy(&output.stdout).into_owned()
}

#[test]
fn a_pdf_a_file_of_any_part_keeps_the_rules_of_its_part() {
    for part in [1, 2, 3] {
        let installed = Installed::new();
        let (before, after, id) = issued(&installed, part);
        let after = after.to_str().unwrap();
        let said = python(
            "pdfa_structure.py",
            &[before.to_str().unwrap(), after, &part.to_string()],
        );
        assert_eq!(said.trim(), "[]", "part {part}");
        let expected = part == 3;
        assert_eq!(attached(after).contains(&id), expected, "part {part}");
    }
}

#[test]
fn the_credential_rides_along_as_the_cose_that_others_read() {
    let installed = Installed::new();
    let (receipt, file) = installed.issue_pdf("vehicle-badge--a6-landscape");
    let (id, file) = (receipt["id"].as_str().unwrap(), file.to_str().unwrap());
    let name = format!("dauso-{id}.cose");
    assert!(attached(file).starts_with(&format!("{name} -> ")));
    let shown = run("qpdf", &[&format!("--show-attachment={name}"), file]);
    // Tag 18, array of four: what the QR carries behind its version byte.
    assert_eq!(shown.stdout.get(..2), Some(&[0xd2, 0x84][..]));
    let text = receipt["qr_text"].as_str().unwrap();
    let scanned = dauso::credential::scan::parse(text).unwrap();
    assert_eq!(shown.stdout, scanned.credential.bytes()[1..]);
}

#[test]
fn files_signed_before_get_no_attachment() {
    let installed = Installed::new();
    let (_, file) = installed.issue_pdf("practising-certificate--signed-once");
    assert!(!attached(file.to_str().unwrap()).contains("dauso-"));
}
