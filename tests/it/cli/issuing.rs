//! `issue`: symbols and refusals. tests/it/pades.rs looks at signed PDFs.

use crate::judges::{python, root, run};
use crate::support::installation::{Installed, day, in_force, pdf};
use serde_json::{Value, json};
use std::fs;
use std::path::Path;

const BADGE: &str = "vehicle-badge--a4-tagged";

/// What zxing-cpp reads in a picture.
fn read(picture: &Path) -> Value {
    let line = python("qr_read.py", &[picture.to_str().unwrap()]);
    serde_json::from_str(&line).unwrap()
}

#[test]
fn without_a_pdf_the_symbol_is_written_and_read_by_others() {
    let installed = Installed::new();
    let png = installed.file("symbol.png");
    let receipt = installed
        .issue(
            "badge",
            &in_force(BADGE),
            &["--out", png.to_str().unwrap(), "--json"],
        )
        .ended(0)
        .json();
    let code = &read(&png)[0];
    assert_eq!(code["text"], receipt["qr_text"]);
    assert_eq!(code["level"], "M");
    let version = code["version"].as_u64().unwrap();
    assert!(version <= 12, "version {version}");
    let id = receipt["id"].as_str().unwrap();
    let start = format!("HTTPS://QR.VIDU.TEST/{id}#");
    assert!(receipt["qr_text"].as_str().unwrap().starts_with(&start));
    assert_eq!(receipt["number"], "HD4826900002");
    assert_eq!(receipt["result_code"], "000.00.16.H99-260828-0002-KQ1");
    // Leaf 0 is the bundle that `init` published.
    assert_eq!(receipt["log"]["index"], 1);
    assert_eq!(receipt["log"]["leaf"].as_str().unwrap().len(), 64);

    // A vector drawing is scanned as a printer would draw it.
    let svg = installed.file("symbol.svg");
    let second = in_force("vehicle-badge--a6-landscape");
    let receipt = installed
        .issue(
            "second",
            &second,
            &["--out", svg.to_str().unwrap(), "--json"],
        )
        .ended(0)
        .json();
    assert_eq!(receipt["log"]["index"], 2);
    let page = installed.file("drawn.png");
    draw(&svg, &page);
    assert_eq!(read(&page)[0]["text"], receipt["qr_text"]);
}

/// Draws an SVG with Chromium, which is here for the browser's tests.
fn draw(svg: &Path, png: &Path) {
    let output = run(
        "chromium",
        &[
            "--headless",
            "--no-sandbox",
            "--disable-gpu",
            "--hide-scrollbars",
            "--force-device-scale-factor=2",
            &format!("--screenshot={}", png.display()),
            "--window-size=900,900",
            &format!("file://{}", svg.display()),
        ],
    );
    assert!(png.exists(), "{}", String::from_utf8_lossy(&output.stderr));
}

#[test]
fn words_are_printed_for_people_and_never_the_data() {
    let installed = Installed::new();
    let out = installed.file("symbol.svg");
    let ran = installed
        .issue("badge", &in_force(BADGE), &["--out", out.to_str().unwrap()])
        .ended(0);
    let words: Vec<&str> = ran.stdout.split_whitespace().collect();
    assert_eq!(words.len(), 6, "{ran:?}");
    assert!(words[..4].iter().all(|group| group.len() == 4), "{ran:?}");
    assert_eq!(
        words[4..],
        ["HD4826900002", "000.00.16.H99-260828-0002-KQ1"]
    );
    assert!(ran.stderr.is_empty(), "{ran:?}");
}

#[test]
fn data_that_does_not_fit_is_refused_by_its_code_and_nothing_is_left() {
    let installed = Installed::new();
    let out = installed.file("out.png");
    let with = |field: &str, value: Value| {
        let mut data = in_force(BADGE);
        data.insert(field.to_owned(), value);
        data
    };
    let mut bare = in_force(BADGE);
    bare.remove("operator_name");
    let cases = [
        (
            "an unknown type",
            with("type", json!("passport")),
            "issue/unknown-type",
        ),
        (
            "an unknown field",
            with("colour", json!("đỏ")),
            "issue/data",
        ),
        (
            "a bad plate",
            with("plate", json!("43C-000.0O")),
            "issue/data",
        ),
        (
            "a last day before the first",
            with("valid_to", json!(day(-11))),
            "issue/data",
        ),
        ("a missing field", bare, "issue/data"),
        (
            "another agency",
            with("agency_code", json!("000.00.99.H98")),
            "issue/unknown-agency",
        ),
    ];
    for (what, data, code) in cases {
        let ran = installed.issue("case", &data, &["--out", out.to_str().unwrap()]);
        assert_eq!((ran.code, ran.complaint()), (65, code), "{what}: {ran:?}");
        assert!(ran.stdout.is_empty() && !out.exists(), "{what}");
    }
}

#[test]
fn a_result_is_issued_once() {
    let installed = Installed::new();
    let first = installed.file("first.png");
    installed
        .issue(
            "badge",
            &in_force(BADGE),
            &["--out", first.to_str().unwrap()],
        )
        .ended(0);
    let second = installed.file("second.png");
    let again = installed
        .issue(
            "badge",
            &in_force(BADGE),
            &["--out", second.to_str().unwrap()],
        )
        .ended(65);
    assert_eq!(again.complaint(), "issue/duplicate-result-code");
    let mut other = in_force(BADGE);
    other.insert(
        "dossier_code".to_owned(),
        json!("000.00.16.H99-260828-0777"),
    );
    other.remove("result_code");
    let again = installed
        .issue("badge", &other, &["--out", second.to_str().unwrap()])
        .ended(65);
    assert_eq!(again.complaint(), "issue/duplicate-number");
    assert!(!second.exists());
}

#[test]
fn what_cannot_be_read_is_refused_with_65() {
    let installed = Installed::new();
    let out = installed.file("out.pdf");
    let missing = installed.file("missing.pdf");
    let paths = [
        "--pdf",
        missing.to_str().unwrap(),
        "--out",
        out.to_str().unwrap(),
    ];
    let ran = installed.issue("badge", &in_force(BADGE), &paths).ended(65);
    assert_eq!(ran.complaint(), "input/unreadable");
    let text = installed.write("text.json", "không phải JSON");
    for data in [
        text.as_path(),
        &installed.file("missing.json"),
        &installed.dir(),
    ] {
        let arguments = [
            "--type",
            "vehicle-badge",
            "--data",
            data.to_str().unwrap(),
            "--out",
            out.to_str().unwrap(),
            "--pdf",
            paths[1],
        ];
        let ran = installed.run(&["issue"], &arguments).ended(65);
        assert_eq!(ran.complaint(), "input/data");
    }
    // Of another type than the command names.
    let badge = root("fixtures/data").join(format!("{BADGE}.json"));
    let arguments = [
        "--type",
        "oversize-permit",
        "--data",
        badge.to_str().unwrap(),
        "--out",
        out.to_str().unwrap(),
        "--pdf",
        paths[1],
    ];
    assert_eq!(
        installed.run(&["issue"], &arguments).ended(65).complaint(),
        "input/data"
    );
    assert!(!out.exists());
}

#[test]
fn an_earlier_output_stays_when_the_next_is_refused() {
    let installed = Installed::new();
    let (_, signed) = installed.issue_pdf(BADGE);
    let before = fs::read(&signed).unwrap();
    let source = pdf("transport-business-licence--encrypted-with-password");
    let paths = [
        "--pdf",
        source.to_str().unwrap(),
        "--out",
        signed.to_str().unwrap(),
    ];
    let data = in_force("transport-business-licence--encrypted-with-password");
    let ran = installed.issue("licence", &data, &paths).ended(65);
    assert_eq!(ran.complaint(), "pdf/encrypted");
    assert_eq!(fs::read(&signed).unwrap(), before);
}
