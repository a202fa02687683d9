//! PDFs through the whole program: issued by `dauso issue`, judged by pyHanko, poppler, qpdf and zxing-cpp.

use crate::judges::{judge, python, root, run};
use crate::support::installation::{Installed, data, day, in_force, pdf};
use dauso::pdf::{Document, Update, patch};
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

/// Files that others signed before, with the fields of their signatures and those that are added: the second
/// has a seal already.
const SIGNED_BEFORE: [(&str, &[&str], &[&str]); 2] = [
    (
        "practising-certificate--signed-once",
        &["ChuKyLanhDao"],
        &["MaQR", "DauSo"],
    ),
    (
        "vehicle-badge--signed-twice-timestamped",
        &["ChuKyLanhDao", "ConDau"],
        &["MaQR"],
    ),
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
    let pages = compared(&cases);
    for ((case, seen), pages) in cases.iter().zip(&seen).zip(&pages) {
        assert_eq!(pages["widgets"], 1, "{}", case.name);
        pages_differ_in_our_boxes_only(case, pages);
        input_is_a_prefix(case);
        qpdf_finds_nothing(&case.signed);
        poppler_finds_it_valid(case);
        pyhanko_trusts_it(case, seen);
        page_says_what_the_law_asks(case, seen);
        seal_has_its_size_and_place(case, seen);
    }
}

/// How the pages of each file look before and after.
fn compared(cases: &[Case]) -> Vec<Value> {
    let asked: Vec<Value> = cases
        .iter()
        .map(|case| json!({"before": pdf(case.name), "after": case.signed}))
        .collect();
    let said = judge("pages_compared.py", &[], &Value::from(asked).to_string());
    let pages: Vec<Value> = serde_json::from_str(&said).unwrap();
    assert_eq!(pages.len(), cases.len());
    pages
}

fn pages_differ_in_our_boxes_only(case: &Case, pages: &Value) {
    let name = case.name;
    assert_eq!(pages["outside"], json!([]), "{name}");
    let [code] = pages["codes"].as_array().unwrap().as_slice() else {
        panic!("{name}: {pages}");
    };
    assert_eq!(code["text"], case.receipt["qr_text"], "{name}");
    assert_eq!(code["upright"], true, "{name}");
    // The catalogue's 30 mm with quiet zone, but no module under 0.4 mm.
    let modules = 17.0 + 4.0 * code["version"].as_f64().unwrap();
    let module = (30.0 / (modules + 8.0)).max(0.4);
    let off = code["side"].as_f64().unwrap() - modules * module;
    assert!(off.abs() < 0.4, "{name}: {off} mm off");
}

#[test]
fn files_that_others_signed_get_symbol_and_seal_as_further_signatures() {
    let installed = Installed::new();
    let cases: Vec<Case> = SIGNED_BEFORE
        .iter()
        .map(|(name, ..)| {
            let (receipt, signed) = installed.issue_pdf(name);
            Case {
                name,
                data: in_force(name),
                receipt,
                signed,
            }
        })
        .collect();
    let paths: Vec<&str> = cases
        .iter()
        .map(|case| case.signed.to_str().unwrap())
        .collect();
    let told = python("pdf_signatures.py", &paths);
    let told: Vec<Vec<Value>> = told
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    let pages = compared(&cases);
    for (at, ((case, told), pages)) in cases.iter().zip(&told).zip(&pages).enumerate() {
        let (name, theirs, ours) = SIGNED_BEFORE[at];
        let id = case.receipt["id"].as_str().unwrap();
        let fields: Vec<String> = theirs
            .iter()
            .map(|field| (*field).to_owned())
            .chain(ours.iter().map(|kind| format!("{kind}{id}")))
            .collect();
        let seen: Vec<&str> = told
            .iter()
            .map(|one| one["field"].as_str().unwrap())
            .collect();
        assert_eq!(seen, fields, "{name}");
        for (at, one) in told.iter().enumerate() {
            let last = at + 1 == told.len();
            // What came later is signing, also for the strictest of judges.
            let (changes, coverage) = if last {
                ("NONE", "ENTIRE_FILE")
            } else {
                ("FORM_FILLING", "ENTIRE_REVISION")
            };
            assert_eq!(one["changes"], changes, "{name}: {one}");
            assert_eq!(one["coverage"], coverage, "{name}: {one}");
            assert_eq!(one["intact"], true, "{name}: {one}");
        }
        let output = run("pdfsig", &["-nocert", case.signed.to_str().unwrap()]);
        let said = String::from_utf8_lossy(&output.stdout).into_owned();
        let valid = said.matches("Signature is Valid.").count();
        assert_eq!(valid, fields.len(), "{name}: {said}");
        input_is_a_prefix(case);
        qpdf_finds_nothing(&case.signed);
        assert_eq!(pages["widgets"], ours.len(), "{name}");
        pages_differ_in_our_boxes_only(case, pages);
    }
    our_own_verdict_on_signatures_of_others(&installed, &cases);
}

/// A file is as trusted as the least trusted of its signatures; issuing it again is refused.
fn our_own_verdict_on_signatures_of_others(installed: &Installed, cases: &[Case]) {
    let anchor = root("fixtures/pdf/test-ca.pem");
    for case in cases {
        let file = case.signed.to_str().unwrap();
        let trusted = installed.run(&["verify", file], &["--anchor", anchor.to_str().unwrap()]);
        assert_eq!(trusted.code, 0, "{}: {trusted:?}", case.name);
        let unknown = installed.run(&["verify", file], &[]);
        assert_eq!(unknown.code, 2, "{}: {unknown:?}", case.name);
        let mut data = case.data.clone();
        for field in ["result_code", "certificate_no", "badge_number"] {
            data.remove(field);
        }
        data.insert(
            "dossier_code".to_owned(),
            json!("000.00.16.H99-261116-9009"),
        );
        let out = installed.file("again.pdf");
        let again = ["--pdf", file, "--out", out.to_str().unwrap()];
        let again = installed.issue("again", &data, &again).ended(65);
        assert_eq!(again.complaint(), "issue/already-issued", "{}", case.name);
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
        .chain(SIGNED_BEFORE.iter().map(|(name, ..)| *name))
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

/// The sample with something in its upper left corner, and notes in the lower ones.
fn every_corner_taken() -> Vec<u8> {
    let bytes = fs::read(pdf("promotion-notice--corner-occupied")).unwrap();
    let document = Document::open(&bytes).unwrap();
    let page = document.page(0).unwrap().reference;
    let mut update = Update::new(&document).unwrap();
    let notes = [[20, 20, 150, 150], [450, 20, 580, 150]].map(|rect| {
        let rect = rect.map(|number| number.to_string()).join(" ");
        format!("<</Type/Annot/Subtype/Square/F 4/Rect[{rect}]>>")
    });
    let notes = format!("[{}]", notes.concat());
    update
        .patch(page, |source| {
            patch::set_entry(source, b"Annots", notes.as_bytes())
        })
        .unwrap();
    [bytes.as_slice(), &update.finish()].concat()
}

#[test]
fn where_every_allowed_place_is_taken_the_refusal_says_by_what_and_where() {
    let installed = Installed::new();
    let source = installed.write("taken.pdf", every_corner_taken());
    let out = installed.file("taken.signed.pdf");
    let paths = [
        "--pdf",
        source.to_str().unwrap(),
        "--out",
        out.to_str().unwrap(),
    ];
    let data = in_force_once(&data("promotion-notice--corner-occupied"));
    let refused = installed.issue("taken", &data, &paths).ended(65);
    assert_eq!(refused.complaint(), "issue/no-free-place");
    let said = &refused.stderr;
    assert!(
        said.starts_with(
            "dauso: no free place for the symbol: none of 6 allowed places is free: (5.0, 4.5) "
        ),
        "{said}"
    );
    assert!(said.contains("mm is taken by text at ("), "{said}");
    assert!(
        said.contains("mm is taken by annotation at (7.1, 244.1) 45.9 x 45.9 mm"),
        "{said}"
    );
    assert!(!out.exists());
}

fn in_force_once(data: &Map<String, Value>) -> Map<String, Value> {
    let mut data = data.clone();
    for (field, days) in [("issue_date", -20), ("valid_from", -10), ("valid_to", 20)] {
        data.insert(field.to_owned(), json!(day(days)));
    }
    data
}
