//! Signatures that another program made fit into the space, and pyHanko and pdfsig call them valid.

use super::{fixture, goes_in, pdfs, qpdf};
use crate::judges::{python, run};
use dauso::clock::UnixTime;
use dauso::digest::Sha256;
use dauso::pdf::inspect::{Coverage, screen, screen_signed, signatures};
use dauso::pdf::signature::{self, Place, Prepared, Request, empty_fields};
use dauso::pdf::{Document, PdfError, Update};

/// Room for a signature with one small certificate.
pub(super) const SPACE: usize = 1500;

fn request(place: Place<'_>) -> Request<'_> {
    Request {
        place,
        appearance: None,
        signed_at: UnixTime::parse_rfc3339("2026-11-21T09:42:00+07:00").unwrap(),
        signer: Some("Nguyễn Văn Mẫu"),
        reason: Some("Ký kết quả (thử)"),
        location: None,
        contact: Some("mau@example.vn"),
        space: SPACE,
    }
}

pub(super) fn prepared(bytes: &[u8], place: Place<'_>) -> Result<Prepared, PdfError> {
    let document = Document::open(bytes)?;
    let mut update = Update::new(&document)?;
    let appearance = update.reserve();
    let picture = b"/Type/XObject/Subtype/Form/BBox[0 0 100 50]/Resources<<>>";
    update.put_stream(appearance, picture, b"1 0 0 RG 0 0 100 50 re S");
    let request = Request {
        appearance: Some(appearance),
        ..request(place)
    };
    let placeholder = signature::add(&mut update, &request)?;
    signature::prepare(update, placeholder)
}

/// CMS over each digest, by pyHanko.
fn cms_over(digests: &[Sha256]) -> Vec<Vec<u8>> {
    let digests: Vec<String> = digests.iter().map(Sha256::hex).collect();
    let digests: Vec<&str> = digests.iter().map(String::as_str).collect();
    let lines = python("cms_over_digest.py", &digests);
    lines.lines().map(unhex).collect()
}

fn unhex(text: &str) -> Vec<u8> {
    let digit = |c: u8| u8::try_from(char::from(c).to_digit(16).unwrap()).unwrap();
    let pairs = text.as_bytes().chunks_exact(2);
    pairs
        .map(|pair| digit(pair[0]) << 4 | digit(pair[1]))
        .collect()
}

/// What pyHanko sees of a signature: field, coverage, changes, intact, digest.
pub(super) type Seen = (String, String, String, bool, String);

/// What pyHanko sees: the signatures of each file.
pub(super) fn seen(paths: &[String]) -> Vec<Vec<Seen>> {
    let paths: Vec<&str> = paths.iter().map(String::as_str).collect();
    let lines = python("pdf_signatures.py", &paths);
    let text = |value: &serde_json::Value| value.as_str().unwrap().to_owned();
    lines
        .lines()
        .map(|line| {
            let all: Vec<serde_json::Value> = serde_json::from_str(line).unwrap();
            all.iter()
                .map(|one| {
                    (
                        text(&one["field"]),
                        text(&one["coverage"]),
                        text(&one["changes"]),
                        one["intact"].as_bool().unwrap(),
                        text(&one["digest"]),
                    )
                })
                .collect()
        })
        .collect()
}

/// Every file that may be signed, signed in `place`: name, before, after.
pub(super) fn signed(files: &[(String, Vec<u8>)], place: Place<'_>) -> Vec<Vec<u8>> {
    let prepared: Vec<Prepared> = files
        .iter()
        .map(|(name, bytes)| prepared(bytes, place).unwrap_or_else(|e| panic!("{name}: {e}")))
        .collect();
    let digests: Vec<Sha256> = prepared.iter().map(Prepared::digest).collect();
    let each = files.iter().zip(prepared).zip(cms_over(&digests));
    each.map(|(((_, bytes), prepared), cms)| {
        // A signature may come later, from another process.
        let prepared = Prepared::from_bytes(&prepared.to_bytes()).unwrap();
        assert_eq!(prepared.prefix(), bytes.len());
        [bytes.as_slice(), &prepared.fill(&cms).unwrap()].concat()
    })
    .collect()
}

#[test]
fn two_signatures_one_after_the_other_are_valid_for_pyhanko_and_pdfsig() {
    let directory = tempfile::tempdir().unwrap();
    let acceptable = |bytes: &[u8]| Document::open(bytes).and_then(|d| screen(&d)).is_ok();
    let mut files = pdfs("pdf");
    files.retain(|(_, bytes)| acceptable(bytes));
    assert_eq!(files.len(), 21);
    let names: Vec<String> = files.iter().map(|(name, _)| name.clone()).collect();

    let rect = [100.0, 100.0, 200.5, 150.25];
    let once = signed(
        &files,
        Place::New {
            field: "NguoiKy",
            page: 0,
            rect,
        },
    );
    let files: Vec<_> = names.iter().cloned().zip(once).collect();
    for (name, bytes) in &files {
        let document = Document::open(bytes).unwrap();
        assert_eq!(screen(&document), Err(PdfError::AlreadySigned), "{name}");
        assert_eq!(screen_signed(&document), Ok(()), "{name}");
    }
    let twice = signed(
        &files,
        Place::New {
            field: "ConDau",
            page: 0,
            rect,
        },
    );

    let mut paths = Vec::new();
    for (name, bytes) in names.iter().zip(&twice) {
        let path = goes_in(&directory, name, bytes);
        qpdf(&path);
        let said = run("pdfsig", &["-nocert", &path]);
        let said = String::from_utf8_lossy(&said.stdout).into_owned();
        assert_eq!(
            said.matches("Signature is Valid.").count(),
            2,
            "{name}: {said}"
        );
        assert_eq!(
            said.matches("ETSI.CAdES.detached").count(),
            2,
            "{name}: {said}"
        );
        paths.push(path);
    }
    for ((name, bytes), seen) in names.iter().zip(&twice).zip(seen(&paths)) {
        let document = Document::open(bytes).unwrap();
        let ours = signatures(&document).unwrap();
        let digests: Vec<String> = ours
            .iter()
            .map(|one| one.digest(&document).unwrap().hex())
            .collect();
        let expected = |field: &str, coverage: &str, changes: &str, digest: &String| {
            (
                field.into(),
                coverage.into(),
                changes.into(),
                true,
                digest.clone(),
            )
        };
        assert_eq!(
            seen,
            vec![
                expected("NguoiKy", "ENTIRE_REVISION", "FORM_FILLING", &digests[0]),
                expected("ConDau", "ENTIRE_FILE", "NONE", &digests[1]),
            ],
            "{name}"
        );
        let revisions = document.revisions().len();
        let coverage: Vec<Coverage> = ours.iter().map(|one| one.coverage).collect();
        let first = Coverage::Revision(revisions - 1);
        assert_eq!(coverage, [first, Coverage::WholeFile], "{name}");
        let reason = ours[0].reason.as_deref();
        assert_eq!(reason, Some("Ký kết quả (thử)"), "{name}");
        let time = ours[0].claimed_time.as_deref();
        assert_eq!(time, Some("D:20261121094200+07'00'"), "{name}");
    }
}

#[test]
fn a_further_signature_leaves_those_of_other_programs_intact() {
    let directory = tempfile::tempdir().unwrap();
    let names = [
        "practising-certificate--signed-once",
        "vehicle-badge--signed-twice-timestamped",
    ];
    let files = names.map(|name| (name.to_owned(), fixture(&format!("pdf/{name}.pdf"))));
    let rect = [0.0; 4];
    let signed = signed(
        &files,
        Place::New {
            field: "ThemChuKy",
            page: 0,
            rect,
        },
    );
    let paths: Vec<String> = names
        .iter()
        .zip(&signed)
        .map(|(name, bytes)| goes_in(&directory, name, bytes))
        .collect();
    let told: Vec<Vec<_>> = seen(&paths)
        .into_iter()
        .map(|file| {
            file.into_iter()
                .map(|(_, _, changes, intact, _)| (changes, intact))
                .collect()
        })
        .collect();
    let filling = ("FORM_FILLING".to_owned(), true);
    let last = ("NONE".to_owned(), true);
    assert_eq!(told[0], vec![filling.clone(), last.clone()]);
    assert_eq!(told[1], vec![filling.clone(), filling, last]);
}

#[test]
fn an_empty_field_of_the_file_is_filled_and_no_second_one_made() {
    let bytes = fixture("pdf/practising-certificate--empty-signature-field.pdf");
    let document = Document::open(&bytes).unwrap();
    let empty = empty_fields(&document).unwrap();
    assert_eq!(empty.len(), 1);
    assert_eq!(
        (empty[0].name.as_str(), empty[0].page),
        ("ChuKyLanhDao", Some(0))
    );
    assert!(empty[0].rect[2] > empty[0].rect[0]);

    let field = "ChuKyLanhDao";
    let directory = tempfile::tempdir().unwrap();
    let files = [("empty".to_owned(), bytes)];
    let signed = signed(&files, Place::Existing { field, rect: None }).remove(0);
    let path = goes_in(&directory, "filled", &signed);
    qpdf(&path);
    let told = seen(&[path]).remove(0);
    assert_eq!(told.len(), 1);
    assert_eq!(told[0].0, field);
    assert_eq!(told[0].1, "ENTIRE_FILE");
    assert!(told[0].3);

    let document = Document::open(&signed).unwrap();
    assert_eq!(empty_fields(&document).unwrap(), vec![]);
    let again = prepared(&signed, Place::Existing { field, rect: None });
    assert_eq!(again, Err(PdfError::FieldSigned));
    let field = "KhongCo";
    assert_eq!(
        prepared(&signed, Place::Existing { field, rect: None }),
        Err(PdfError::NoSuchField)
    );
    let new = Place::New {
        field: "ChuKyLanhDao",
        page: 0,
        rect: [0.0; 4],
    };
    assert_eq!(prepared(&signed, new), Err(PdfError::FieldExists));
    let new = Place::New {
        field: "ConDau",
        page: 7,
        rect: [0.0; 4],
    };
    assert_eq!(
        prepared(&signed, new),
        Err(PdfError::NoSuchPage { index: 7 })
    );
}

#[test]
fn a_signature_that_is_too_large_is_refused_and_never_cut() {
    let bytes = fixture("pdf/vehicle-badge--a6-landscape.pdf");
    let place = Place::New {
        field: "ConDau",
        page: 0,
        rect: [0.0; 4],
    };
    let ready = prepared(&bytes, place).unwrap();
    assert_eq!(ready.space(), SPACE);
    assert_eq!(
        ready.clone().fill(&[1; SPACE]).map(|tail| tail.len()),
        Ok(ready.to_bytes().len() - 57)
    );
    assert_eq!(
        ready.clone().fill(&[1; SPACE + 1]),
        Err(PdfError::SignatureTooLarge {
            needed: SPACE + 1,
            space: SPACE
        })
    );
    for damaged in [vec![], vec![2], ready.to_bytes()[..80].to_vec()] {
        assert_eq!(Prepared::from_bytes(&damaged), Err(PdfError::NotPrepared));
    }
}

#[test]
fn any_byte_that_changes_after_signing_changes_the_digest_or_breaks_the_coverage() {
    let bytes = fixture("pdf/vehicle-badge--a6-landscape.pdf");
    let place = Place::New {
        field: "ConDau",
        page: 0,
        rect: [0.0; 4],
    };
    let ready = prepared(&bytes, place).unwrap();
    let digest = ready.digest();
    let whole = [bytes.as_slice(), &ready.fill(&[0x30, 3, 1, 2, 3]).unwrap()].concat();
    let document = Document::open(&whole).unwrap();
    let found = signatures(&document).unwrap();
    assert_eq!(found[0].cms(), [0x30, 3, 1, 2, 3]);
    assert_eq!(found[0].digest(&document), Some(digest));
    let [_, first, second, _] = found[0].byte_range.unwrap();

    let everywhere = (0..bytes.len())
        .step_by(1009)
        .chain(bytes.len()..whole.len());
    for at in everywhere.filter(|at| !(first + 1..second - 1).contains(at)) {
        let mut bent = whole.clone();
        bent[at] ^= 1;
        let Ok(document) = Document::open(&bent) else {
            continue;
        };
        let still = signatures(&document).unwrap_or_default();
        let fooled = still
            .iter()
            .any(|one| one.digest(&document) == Some(digest));
        assert!(!fooled, "byte {at}");
    }
}
