//! PDFs through the whole program: issued by `dauso issue`, judged by pyHanko, poppler, qpdf and zxing-cpp.

use crate::judges::{judge, root, run};
use crate::support::installation::{Installed, in_force, pdf};
use serde_json::{Map, Value, json};
use std::fs;
use std::path::{Path, PathBuf};

/// What the first landing promised: one file of each make.
const PROMISED: [&str; 7] = [
    "restricted-road-permit--classic-xref-1.4",
    "transport-business-licence--xref-stream",
    "transport-business-licence--linearized",
    "restricted-road-permit--rotate-90",
    "vehicle-badge--a4-tagged",
    "vehicle-badge--a6-landscape",
    "vehicle-badge--scanned-blank-300dpi",
];

/// What works beyond it.
const FURTHER: [&str; 14] = [
    "construction-permit--a3-landscape",
    "construction-permit--three-revisions",
    "food-safety-certificate--cropbox-offset",
    "food-safety-certificate--unbalanced-q",
    "food-safety-certificate--user-unit",
    "oversize-permit--40-pages",
    "oversize-permit--appendix-pages",
    "practising-certificate--empty-signature-field",
    "promotion-notice--corner-occupied",
    "promotion-notice--ghostscript",
    "promotion-notice--inherited-resources",
    "promotion-notice--pdfa-2b",
    "transport-business-licence--cairo",
    "transport-business-licence--hybrid-xref",
];

/// Every other file, with the code it is refused by. tests/it/hostile.rs has those of `bad/`.
const REFUSED: [(&str, &str); 2] = [
    (
        "transport-business-licence--encrypted-empty-password",
        "pdf/encrypted",
    ),
    (
        "transport-business-licence--encrypted-with-password",
        "pdf/encrypted",
    ),
];

/// Files that others signed before.
const SIGNED_BEFORE: [&str; 2] = [
    "practising-certificate--signed-once",
    "vehicle-badge--signed-twice-timestamped",
];

/// Agencies that sign with RSASSA-PSS; the others use ECDSA.
const PSS: [&str; 2] = ["000.00.04.H99", "000.07.21.H99"];

/// Red ink of the sample seal: its picture of 35 mm has a clear edge.
const RED_MM: f64 = 34.5;

#[test]
fn what_was_promised_is_signed_so_that_others_trust_it() {
    judged(&PROMISED);
}

#[test]
fn what_works_beyond_the_promise_is_signed_so_that_others_trust_it() {
    judged(&FURTHER);
}

/// One issued file.
struct Case {
    name: &'static str,
    data: Map<String, Value>,
    receipt: Value,
    signed: PathBuf,
}

fn judged(names: &[&'static str]) {
    let installed = Installed::new();
    let cases: Vec<Case> = names
        .iter()
        .map(|name| {
            let (receipt, signed) = installed.issue_pdf(name);
            Case {
                name,
                data: in_force(name),
                receipt,
                signed,
            }
        })
        .collect();
    let asked: Vec<Value> = cases
        .iter()
        .map(|case| {
            json!({
                "before": pdf(case.name),
                "after": case.signed,
                "signatory": case.data["signatory"],
            })
        })
        .collect();
    let root_pem = installed.trust().join("root.pem");
    let seen = judge(
        "pades_seen.py",
        &[root_pem.to_str().unwrap()],
        &Value::from(asked).to_string(),
    );
    let seen: Vec<Value> = serde_json::from_str(&seen).unwrap();
    assert_eq!(seen.len(), cases.len());
    for (case, seen) in cases.iter().zip(&seen) {
        input_is_a_prefix(case);
        qpdf_finds_nothing(&case.signed);
        poppler_finds_it_valid(case);
        pyhanko_trusts_it(case, seen);
        page_says_what_the_law_asks(case, seen);
        seal_has_its_size_and_place(case, seen);
    }
}

fn input_is_a_prefix(case: &Case) {
    let before = fs::read(pdf(case.name)).unwrap();
    let after = fs::read(&case.signed).unwrap();
    assert!(
        after.len() > before.len() && after.starts_with(&before),
        "{}",
        case.name
    );
}

fn qpdf_finds_nothing(file: &Path) {
    let output = run("qpdf", &["--check", file.to_str().unwrap()]);
    let said = [output.stdout, output.stderr].concat();
    let said = String::from_utf8_lossy(&said);
    assert!(output.status.success(), "{said}");
    assert!(
        said.contains("No syntax or stream encoding errors found"),
        "{said}"
    );
}

fn poppler_finds_it_valid(case: &Case) {
    let output = run("pdfsig", &["-nocert", case.signed.to_str().unwrap()]);
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(
        said.contains("Signature Validation: Signature is Valid."),
        "{}: {said}",
        case.name
    );
    assert!(
        said.contains("Total document signed"),
        "{}: {said}",
        case.name
    );
    assert!(
        said.contains("Signature Type: ETSI.CAdES.detached"),
        "{}: {said}",
        case.name
    );
    assert!(!said.contains("Signature #2"), "{}: {said}", case.name);
}

fn pyhanko_trusts_it(case: &Case, seen: &Value) {
    let name = case.name;
    let [signature] = seen["signatures"].as_array().unwrap().as_slice() else {
        panic!("{name}: {seen}");
    };
    assert_eq!(signature["bottom_line"], true, "{name}: {signature}");
    assert_eq!(signature["summary"], "INTACT:TRUSTED,UNTOUCHED", "{name}");
    assert_eq!(signature["coverage"], "ENTIRE_FILE", "{name}");
    assert_eq!(signature["sub_filter"], "ETSI.CAdES.detached", "{name}");
    // Exactly these: the time stands in the signature dictionary (EN 319 142-1 §6.3).
    let attributes = json!(["content_type", "message_digest", "signing_certificate_v2"]);
    assert_eq!(signature["attributes"], attributes, "{name}");
    assert_eq!(
        signature["certificates"], 3,
        "{name}: agency, issuing authority, root"
    );
    let pss = PSS.contains(&case.data["agency_code"].as_str().unwrap());
    let algorithm = if pss { "rsassa_pss" } else { "ecdsa" };
    assert_eq!(signature["algorithm"], algorithm, "{name}");
    let field = if name.ends_with("--empty-signature-field") {
        "ChuKyLanhDao".to_owned()
    } else {
        format!("DauSo{}", case.receipt["id"].as_str().unwrap())
    };
    assert_eq!(signature["field"], field, "{name}");
}

fn page_says_what_the_law_asks(case: &Case, seen: &Value) {
    let name = case.name;
    assert_eq!(seen["codes"], json!([case.receipt["qr_text"]]), "{name}");
    let id = case.receipt["id"].as_str().unwrap();
    let grouped: Vec<&str> = (0..4).map(|group| &id[group * 4..group * 4 + 4]).collect();
    let text = seen["text"].as_str().unwrap();
    for said in [
        &grouped.join(" "),
        "Quét mã để kiểm tra.",
        "Mã QR không phải là chữ ký số.",
        "qr.vidu.test",
    ] {
        assert!(text.contains(said), "{name}: {said:?} is not in {text}");
    }
    let words = text.split_whitespace().collect::<Vec<_>>().join(" ");
    for said in [
        "Hệ thống kết quả điện tử Thành phố Ví Dụ",
        "Ủy ban nhân dân Thành phố Ví Dụ",
    ] {
        assert!(words.contains(said), "{name}: {said:?} is not in {words}");
    }
}

fn seal_has_its_size_and_place(case: &Case, seen: &Value) {
    let name = case.name;
    let place = |value: &Value| -> [f64; 4] { serde_json::from_value(value.clone()).unwrap() };
    let [x, y, width, height] = place(&seen["seal"]);
    assert!((width - RED_MM).abs() < 0.5, "{name}: {width} mm");
    assert!((height - RED_MM).abs() < 0.5, "{name}: {height} mm");
    if seen["name"].is_null() {
        assert!(name.contains("scanned"), "{name}: the name is not found");
        return;
    }
    // Above the name and centred on it; on the smallest page it touches what it has no room between.
    let [name_x, name_y, name_width, _] = place(&seen["name"]);
    let off = x + width / 2.0 - (name_x + name_width / 2.0);
    assert!(off.abs() < 3.0, "{name}: {off} mm beside the name");
    let below = y + height - name_y;
    assert!(
        (-8.0..1.0).contains(&below),
        "{name}: {below} mm over the name's upper edge"
    );
}

#[test]
fn files_that_others_signed_are_signed_again() {
    let installed = Installed::new();
    for name in SIGNED_BEFORE {
        let (_, signed) = installed.issue_pdf(name);
        qpdf_finds_nothing(&signed);
    }
}

#[test]
fn every_other_file_is_refused_by_its_code() {
    let installed = Installed::new();
    let out = installed.file("refused.pdf");
    for (name, code) in REFUSED {
        let source = pdf(name);
        let paths = [
            "--pdf",
            source.to_str().unwrap(),
            "--out",
            out.to_str().unwrap(),
        ];
        let ran = installed
            .issue("refused", &in_force(name), &paths)
            .ended(65);
        assert_eq!(ran.complaint(), code, "{name}");
        assert!(!out.exists(), "{name}");
    }
}

#[test]
fn every_file_has_a_row() {
    let refused = REFUSED.iter().map(|(name, _)| *name);
    let mut rows: Vec<&str> = PROMISED
        .into_iter()
        .chain(FURTHER)
        .chain(SIGNED_BEFORE)
        .chain(refused)
        .collect();
    rows.sort_unstable();
    let folder = fs::read_dir(root("fixtures/pdf")).unwrap();
    let mut files: Vec<String> = folder
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "pdf"))
        .map(|path| path.file_stem().unwrap().to_str().unwrap().to_owned())
        .collect();
    files.sort();
    assert_eq!(rows, files);
}
