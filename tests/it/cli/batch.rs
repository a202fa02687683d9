//! `dauso issue --batch`: what a list leaves behind, and that nothing is issued twice.

use crate::judges::{python, root, run};
use crate::support::installation::{Installed, Ran, day, in_force, pdf};
use crate::support::running::Running;
use crate::support::stores::both;
use dauso::access::{Caller, Role};
use dauso::app::Installation;
use dauso::catalogue::Catalogue;
use dauso::clock::SystemClock;
use dauso::issuance::{Request, Together};
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

fn sample() -> PathBuf {
    root("fixtures/data/vehicle-badges-500.csv")
}

fn batch(installed: &Installed, list: &Path, more: &[&str]) -> Ran {
    let out = installed.file("out");
    let mut arguments = vec!["--type", "vehicle-badge", "--json", "--batch"];
    arguments.extend([list.to_str().unwrap(), "--out-dir", out.to_str().unwrap()]);
    arguments.extend(more);
    installed.run(&["issue"], &arguments)
}

/// The lines of a report, each by its columns.
fn report(path: &Path) -> Vec<BTreeMap<String, String>> {
    let bytes = fs::read(path).unwrap();
    let text = bytes.strip_prefix("\u{feff}".as_bytes()).unwrap();
    csv::Reader::from_reader(text)
        .deserialize()
        .map(Result::unwrap)
        .collect()
}

fn counts(ran: &Ran) -> [u64; 4] {
    let said = ran.json();
    ["fit", "issued", "before", "refused"].map(|name| said[name].as_u64().unwrap())
}

const REFUSED: [(&str, &str, &str); 6] = [
    ("38", "plate", "field/not-a-plate"),
    ("89", "operator_name", "field/missing"),
    ("150", "valid_to", "field/ends-before-it-begins"),
    ("204", "badge_number", "issue/duplicate-number"),
    ("342", "operator_name", "field/too-long"),
    ("473", "agency_code", "issue/unknown-agency"),
];

fn refused(installed: &Installed) -> Vec<(String, String, String)> {
    let rows = report(&installed.file("out/refused.csv"));
    let cell = |row: &BTreeMap<String, String>, name: &str| row[name].clone();
    rows.iter()
        .map(|row| (cell(row, "#row"), cell(row, "#column"), cell(row, "#code")))
        .collect()
}

fn expected() -> Vec<(String, String, String)> {
    let own = |(a, b, c): &(&str, &str, &str)| ((*a).into(), (*b).into(), (*c).into());
    REFUSED.iter().map(own).collect()
}

#[test]
fn the_sample_ends_with_its_six_refusals_and_its_refused_rows_can_be_mended_and_given_again() {
    let installed = Installed::new();
    let ran = batch(&installed, &sample(), &["--dry-run"]).ended(65);
    assert_eq!(counts(&ran), [494, 0, 0, 6], "{ran:?}");
    assert_eq!(refused(&installed), expected());
    assert!(!installed.file("out/issued.csv").exists());

    let ran = batch(&installed, &sample(), &["--symbol", "png"]).ended(65);
    assert_eq!(counts(&ran), [0, 494, 0, 6], "{ran:?}");
    assert_eq!(refused(&installed), expected());
    let issued = report(&installed.file("out/issued.csv"));
    assert_eq!(issued.len(), 494);
    // A sample of the symbols, read by another program.
    for row in issued.iter().step_by(97) {
        let picture = installed.file("out").join(&row["file"]);
        let read = python("qr_read.py", &[picture.to_str().unwrap()]);
        let read: Value = serde_json::from_str(&read).unwrap();
        assert_eq!(
            read[0]["text"],
            row["qr_text"].as_str(),
            "row {}",
            row["row"]
        );
        let judged = installed
            .run(&["verify"], &[&row["qr_text"], "--json"])
            .json();
        assert_eq!(judged["signature"]["outcome"], "pass", "row {}", row["row"]);
    }
    let words = &report(&installed.file("out/refused.csv"))[3];
    assert_eq!(words["#ly_do"], "Số này đã được cấp (dòng 203)");
    assert_eq!(words["#reason"], "The number is given already (row 203)");

    // Again: nothing is issued, nothing rewritten, and what is missing comes back.
    let first = installed.file("out").join(&issued[0]["file"]);
    let second = installed.file("out").join(&issued[1]["file"]);
    let bytes = fs::read(&first).unwrap();
    let untouched = fs::metadata(&second).unwrap().modified().unwrap();
    fs::remove_file(&first).unwrap();
    let before = fs::read(installed.file("out/issued.csv")).unwrap();
    let ran = batch(&installed, &sample(), &["--symbol", "png"]).ended(65);
    assert_eq!(counts(&ran), [0, 0, 494, 6], "{ran:?}");
    assert_eq!(fs::read(installed.file("out/issued.csv")).unwrap(), before);
    assert_eq!(fs::read(&first).unwrap(), bytes);
    assert_eq!(
        fs::metadata(&second).unwrap().modified().unwrap(),
        untouched
    );

    // The report of refused rows, mended in one cell, is a list.
    let mended = fs::read_to_string(installed.file("out/refused.csv")).unwrap();
    let mended = installed.write("mended.csv", mended.replace("43C-00.0O", "43C-000.00"));
    let ran = batch(&installed, &mended, &[]).ended(65);
    assert_eq!(counts(&ran), [0, 1, 0, 5], "{ran:?}");
}

#[test]
fn the_sample_ends_alike_on_both_databases() {
    let installed = Installed::new();
    both(async |register| {
        let clock = Arc::new(SystemClock);
        let own = Installation::open(&installed.dir(), None, clock.clone())
            .await
            .unwrap();
        let other = Installation::open(&installed.dir(), Some(&register.url), clock)
            .await
            .unwrap();
        // Agencies, keys and lists are those of the directory; the register is the empty one.
        let mut from = own.store().read().await.unwrap();
        let agencies = from.agencies().await.unwrap();
        let lists = from.status_lists().await.unwrap();
        let keys = from.keys().await.unwrap();
        drop(from);
        let mut tx = other.store().begin().await.unwrap();
        for agency in &agencies {
            tx.add_agency(agency).await.unwrap();
        }
        for key in &keys {
            tx.add_key(key).await.unwrap();
        }
        for list in &lists {
            tx.add_status_list(list).await.unwrap();
        }
        tx.commit().await.unwrap();
        let issuer = other.issuer().unwrap();
        for round in 0..2 {
            let mut refused = Vec::new();
            let mut issued = Vec::new();
            for (at, rows) in rows().chunks(100).enumerate() {
                let asked = rows.iter().cloned().map(ask).collect();
                let answers = issuer.issue_together(asked).await.unwrap();
                for (place, answer) in answers.into_iter().enumerate() {
                    match answer {
                        Ok(Together::Now(receipt)) if round == 0 => issued.push(receipt.leaf_index),
                        Ok(Together::Before(receipt)) if round == 1 => {
                            issued.push(receipt.leaf_index);
                        }
                        Ok(other) => panic!("round {round}: {other:?}"),
                        Err(_) => refused.push(100 * at + place + 2),
                    }
                }
            }
            assert_eq!(refused, [38, 89, 150, 204, 342, 473]);
            assert!(
                issued.is_sorted() && issued.len() == 494,
                "in the order of the rows"
            );
        }
        let mut tx = other.store().read().await.unwrap();
        assert_eq!(tx.result_count().await.unwrap(), 494);
    });
}

fn rows() -> Vec<Map<String, Value>> {
    let catalogue = Catalogue::built_in().unwrap();
    let badge = catalogue.by_code("vehicle-badge").unwrap();
    let mut file = csv::Reader::from_path(sample()).unwrap();
    let header = file.headers().unwrap().clone();
    let rows = file.records().map(|row| {
        let row = row.unwrap();
        let mut data = badge.row(header.iter().zip(row.iter()));
        data.insert("type".to_owned(), json!("vehicle-badge"));
        data
    });
    rows.collect()
}

fn ask(data: Map<String, Value>) -> (Caller, Request) {
    let caller = Caller {
        account: "import".to_owned(),
        role: Role::Registrar,
        agency: data["agency_code"].as_str().unwrap().to_owned(),
    };
    let (pdf, once) = (None, None);
    (caller, Request { data, pdf, once })
}

#[test]
fn killed_at_any_moment_and_run_again_every_row_is_issued_once() {
    let installed = Installed::new();
    let (out, list) = (installed.file("out"), sample());
    let arguments = installed.listing(&list);
    let files = || installed.symbols();
    let mut seen = Vec::new();
    for more in [1, 100, 250] {
        Running::cut_when(&arguments, || files() >= more);
        seen.push(files());
    }
    assert!(seen[0] < 494, "it was killed on the way: {seen:?}");
    let ran = batch(&installed, &list, &[]).ended(65);
    let [_, issued, before, refused] = counts(&ran);
    assert_eq!((issued + before, refused), (494, 6), "{ran:?}");
    assert!(before >= seen[0] as u64, "{seen:?} {ran:?}");
    assert_eq!(files(), 494);
    let rows = report(&out.join("issued.csv"));
    let ids: std::collections::BTreeSet<_> = rows.iter().map(|row| &row["lookup_code"]).collect();
    assert_eq!(ids.len(), 494);
    let again = batch(&installed, &list, &[]).ended(65);
    assert_eq!(counts(&again), [0, 0, 494, 6]);
    let stray: Vec<_> = fs::read_dir(&out)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|end| end == "part"))
        .collect();
    assert!(stray.is_empty(), "{stray:?}");
}

#[test]
fn ctrl_c_ends_after_the_current_rows_and_says_how_to_go_on() {
    let installed = Installed::new();
    let (out, list) = (installed.file("out"), sample());
    let arguments = installed.listing(&list);
    let begun = || fs::read_dir(&out).into_iter().flatten().flatten().count() > 10;
    let status = Running::interrupted_when(&arguments, begun);
    assert_eq!(status.code(), Some(130));
    let done = report(&out.join("issued.csv")).len() as u64;
    assert!(done > 0 && done < 494, "{done}");
    let ran = batch(&installed, &list, &[]).ended(65);
    assert_eq!(counts(&ran), [0, 494 - done, done, 6]);
}

#[test]
fn a_folder_of_pdfs_with_their_data_is_signed_file_by_file() {
    let installed = Installed::new();
    let folder = installed.file("in");
    fs::create_dir(&folder).unwrap();
    for (name, source) in [
        ("a", "vehicle-badge--a4-tagged"),
        ("b", "vehicle-badge--a6-landscape"),
    ] {
        let data = Value::Object(in_force(source));
        fs::write(folder.join(format!("{name}.json")), data.to_string()).unwrap();
        fs::copy(pdf(source), folder.join(format!("{name}.pdf"))).unwrap();
    }
    fs::copy(pdf("vehicle-badge--a4-tagged"), folder.join("c.pdf")).unwrap();
    let data = in_force("vehicle-badge--a4-tagged");
    fs::write(folder.join("d.json"), Value::Object(data).to_string()).unwrap();
    let ran = batch(&installed, &folder, &[]).ended(65);
    assert_eq!(counts(&ran), [0, 2, 0, 2], "{ran:?}");
    let codes: Vec<_> = refused(&installed)
        .into_iter()
        .map(|(row, _, code)| (row, code))
        .collect();
    let own = |row: &str, code: &str| (row.to_owned(), code.to_owned());
    assert_eq!(codes, [own("3", "row/no-data"), own("4", "row/no-pdf")]);
    for row in report(&installed.file("out/issued.csv")) {
        let signed = installed.file("out").join(&row["file"]);
        let said = run("pdfsig", &["-nocert", signed.to_str().unwrap()]).stdout;
        let said = String::from_utf8(said).unwrap();
        assert!(said.contains("Signature is Valid"), "{said}");
        installed
            .run(&["verify"], &[signed.to_str().unwrap()])
            .ended(0);
    }
}

#[test]
fn paths_of_rows_stay_in_their_folder() {
    let installed = Installed::new();
    let pdfs = installed.file("pdfs");
    fs::create_dir(&pdfs).unwrap();
    let outside = installed.write(
        "outside.pdf",
        fs::read(pdf("vehicle-badge--a4-tagged")).unwrap(),
    );
    std::os::unix::fs::symlink(&outside, pdfs.join("link.pdf")).unwrap();
    let lines: String = [
        "../outside.pdf",
        outside.to_str().unwrap(),
        "link.pdf",
        "gone.pdf",
        "",
    ]
    .map(|name| {
        let mut data = in_force("vehicle-badge--a4-tagged");
        data.insert("pdf".to_owned(), json!(name));
        format!("{}\n", Value::Object(data))
    })
    .concat();
    let list = installed.write("list.jsonl", lines);
    let ran = batch(&installed, &list, &["--pdf-dir", pdfs.to_str().unwrap()]).ended(65);
    assert_eq!(counts(&ran), [0, 0, 0, 5]);
    let codes: Vec<_> = refused(&installed)
        .into_iter()
        .map(|(_, _, code)| code)
        .collect();
    assert_eq!(
        codes,
        [
            "row/pdf-path",
            "row/pdf-path",
            "row/pdf-path",
            "row/no-pdf",
            "row/no-pdf"
        ]
    );
    let lines = fs::read_to_string(&list).unwrap();
    assert_eq!(
        fs::read_to_string(installed.file("out/refused.jsonl")).unwrap(),
        lines
    );
}

#[test]
fn excel_spellings_are_read_and_other_encodings_refused_by_name() {
    let installed = Installed::new();
    let text = fs::read_to_string(sample()).unwrap();
    let head: Vec<&str> = text.lines().take(4).collect();
    // As Excel in Vietnam writes it: a mark, semicolons, CRLF, an empty row of delimiters.
    let excel = format!("\u{feff}{}\r\n;;;\r\n", head.join("\r\n").replace(',', ";"));
    let list = installed.write("excel.csv", &excel);
    let ran = batch(&installed, &list, &[]).ended(0);
    assert_eq!(counts(&ran), [0, 3, 0, 0], "{ran:?}");
    let unknown = installed.write("unknown.csv", text.replacen("plate", "bien_so", 1));
    let utf16: Vec<u8> = text.encode_utf16().flat_map(u16::to_le_bytes).collect();
    let utf16 = installed.write("utf16.csv", [&[0xff, 0xfe], utf16.as_slice()].concat());
    let legacy = installed.write(
        "legacy.csv",
        [text.as_bytes(), b"TA1,XE T\xc3I,\xd0\n"].concat(),
    );
    let open = installed.write("open.csv", format!("{text}TA1,\"XE"));
    for (list, code) in [
        (unknown, "list/unknown-column"),
        (utf16, "list/utf-16"),
        (legacy, "list/encoding"),
        (open, "list/endless-row"),
        (installed.file("gone.csv"), "list/unreadable"),
        (
            installed.write("other.csv", "tên,tuổi\nA,1\n"),
            "list/no-header",
        ),
    ] {
        let ran = batch(&installed, &list, &[]).ended(65);
        assert_eq!(ran.complaint(), code, "{ran:?}");
        assert!(ran.stdout.is_empty());
    }
}

#[test]
fn numbers_of_ours_follow_the_rows_and_a_refused_row_costs_none() {
    let installed = Installed::new();
    let lines: Vec<String> = (1..=40)
        .map(|row| {
            let mut data = in_force("vehicle-badge--a4-tagged");
            data.remove("badge_number");
            data.remove("result_code");
            data.insert("issue_date".to_owned(), json!(day(0)));
            data.insert(
                "dossier_code".to_owned(),
                json!(format!("000.00.16.H99-261101-{row:04}")),
            );
            if row % 10 == 0 {
                data.insert("plate".to_owned(), json!("43C"));
            }
            format!("{}\n", Value::Object(data))
        })
        .collect();
    let list = installed.write("list.jsonl", lines.concat());
    let ran = batch(&installed, &list, &[]).ended(65);
    assert_eq!(counts(&ran), [0, 36, 0, 4]);
    let numbers: Vec<String> = report(&installed.file("out/issued.csv"))
        .into_iter()
        .map(|row| row["number"].clone())
        .collect();
    let year = &day(0)[2..4];
    let expected: Vec<String> = (1..=36).map(|at| format!("HD48{year}{at:06}")).collect();
    assert_eq!(numbers, expected);
    // The same list again takes no number.
    let ran = batch(&installed, &list, &[]).ended(65);
    assert_eq!(counts(&ran), [0, 0, 36, 4]);
}
