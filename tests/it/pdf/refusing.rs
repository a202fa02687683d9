//! Every file of `fixtures/bad`, and cuts and bent bytes of good ones, get the answer they should.

use super::{fixture, pdfs};
use dauso::pdf::inspect::{Coverage, Fault, screen, signatures};
use dauso::pdf::{Document, PdfError};
use std::time::{Duration, Instant};

/// The code with which a file is refused; `accepted` if it is not.
fn answer(bytes: &[u8]) -> &'static str {
    let screened = Document::open(bytes).and_then(|document| screen(&document));
    screened.err().map_or("accepted", |error| error.code())
}

#[test]
fn every_bad_file_is_refused_by_its_own_code_at_once() {
    let expected = [
        ("certified-docmdp-p1", "pdf/certified"),
        ("cyclic-page-tree", "pdf/page-tree-cycle"),
        ("deep-nesting-50000", "pdf/too-deep"),
        ("empty", "pdf/empty"),
        // Nothing needs its content inflated here; `stream_data` refuses it.
        ("flate-bomb-content-2-gib", "accepted"),
        ("flate-bomb-object-stream-2-gib", "pdf/too-large-inflated"),
        ("javascript-launch-action", "pdf/active-content"),
        ("missing-eof", "pdf/no-eof"),
        ("not-a-pdf", "pdf/not-a-pdf"),
        // Its lie was lost when it was made; `a_page_count_that_lies_is_refused` tells one.
        ("page-count-lies", "accepted"),
        ("signed-byterange-tampered", "pdf/already-signed"),
        ("signed-then-content-replaced", "pdf/already-signed"),
        // So was this one's; see `a_stream_whose_length_is_wrong_is_refused`.
        ("stream-length-wrong", "accepted"),
        ("truncated-60-percent", "pdf/truncated"),
        ("xref-offset-wrong", "pdf/xref-damaged"),
    ];
    let files = pdfs("bad");
    assert_eq!(files.len(), expected.len());
    for ((name, bytes), (expected_name, code)) in files.iter().zip(expected) {
        assert_eq!(name, expected_name);
        let begin = Instant::now();
        assert_eq!(answer(bytes), code, "{name}");
        assert!(begin.elapsed() < Duration::from_secs(2), "{name}");
    }
}

#[test]
fn a_content_stream_of_two_gibibytes_is_refused_by_the_budget() {
    let bytes = fixture("bad/flate-bomb-content-2-gib.pdf");
    let document = Document::open(&bytes).unwrap();
    let page = document.page(0).unwrap();
    let (_, stream) = page.contents.first().unwrap();
    assert_eq!(
        document.stream_data(stream),
        Err(PdfError::TooLargeInflated {
            limit: dauso::limits::PDF_STREAM
        })
    );
}

#[test]
fn a_bomb_that_is_asked_for_again_and_again_uses_up_the_budget() {
    let bytes = fixture("bad/flate-bomb-object-stream-2-gib.pdf");
    let document = Document::open(&bytes).unwrap();
    let limits: Vec<_> = (0..5)
        .map(|_| match document.catalog() {
            Err(PdfError::TooLargeInflated { limit }) => limit,
            other => panic!("{other:?}"),
        })
        .collect();
    let left: Vec<bool> = limits.iter().map(|limit| *limit > 0).collect();
    assert_eq!(left, [true, true, true, false, false]);
}

#[test]
fn every_good_file_is_accepted_or_refused_for_the_reason_given() {
    for (name, bytes) in pdfs("pdf") {
        let code = match name.as_str() {
            "practising-certificate--signed-once" | "vehicle-badge--signed-twice-timestamped" => {
                "pdf/already-signed"
            }
            name if name.contains("encrypted") => "pdf/encrypted",
            _ => "accepted",
        };
        assert_eq!(answer(&bytes), code, "{name}");
    }
}

#[test]
fn a_page_count_that_lies_is_refused() {
    let mut bytes = fixture("bad/page-count-lies.pdf");
    let at = bytes
        .windows(9)
        .position(|part| part == b"/Count 1 ")
        .unwrap();
    bytes[at + 7] = b'9';
    let document = Document::open(&bytes).unwrap();
    assert_eq!(document.page_count(), Ok(1));
    assert_eq!(
        screen(&document),
        Err(PdfError::PageCount {
            stated: 9,
            counted: 1
        })
    );
}

#[test]
fn a_stream_whose_length_is_wrong_is_refused() {
    let bytes = fixture("bad/stream-length-wrong.pdf");
    let at = bytes
        .windows(13)
        .position(|part| part == b"/Length 1567 ")
        .unwrap();
    for length in ["1527", "1569", "9999", "0000"] {
        let mut bent = bytes.clone();
        bent[at + 8..at + 12].copy_from_slice(length.as_bytes());
        let document = Document::open(&bent).unwrap();
        assert_eq!(
            screen(&document).unwrap_err().code(),
            "pdf/stream-length",
            "{length}"
        );
    }
}

#[test]
fn a_file_cut_anywhere_is_refused() {
    let bytes = fixture("pdf/transport-business-licence--xref-stream.pdf");
    let last = bytes.len() - 1;
    for end in (0..bytes.len()).step_by(997).chain(last - 60..last) {
        let code = answer(&bytes[..end]);
        assert_ne!(code, "accepted", "cut at {end}");
    }
}

#[test]
fn bent_bytes_end_in_an_answer() {
    for name in [
        "transport-business-licence--xref-stream",
        "transport-business-licence--hybrid-xref",
        "vehicle-badge--signed-twice-timestamped",
    ] {
        let bytes = fixture(&format!("pdf/{name}.pdf"));
        for at in (0..bytes.len())
            .step_by(2903)
            .chain(bytes.len() - 300..bytes.len())
        {
            for bend in [0x01, 0x80] {
                let mut bent = bytes.clone();
                bent[at] ^= bend;
                assert!(answer(&bent).len() > 3);
                if let Ok(document) = Document::open(&bent) {
                    // Whatever it says, it must say it.
                    let _ = signatures(&document);
                }
            }
        }
    }
}

#[test]
fn a_chain_of_revisions_that_runs_in_a_circle_is_damage() {
    let bytes = fixture("pdf/construction-permit--three-revisions.pdf");
    let text = String::from_utf8_lossy(&bytes).into_owned();
    let newest = Document::open(&bytes).unwrap().revisions()[2].startxref;
    let previous = Document::open(&bytes).unwrap().revisions()[1].startxref;
    let at = text.len() - text.rfind("/Prev").unwrap();
    let at = bytes.len() - at;
    let mut bent = bytes.clone();
    let digits = newest.to_string();
    assert_eq!(digits.len(), previous.to_string().len());
    let start = at + 5 + bent[at + 5..].iter().position(u8::is_ascii_digit).unwrap();
    bent[start..start + digits.len()].copy_from_slice(digits.as_bytes());
    assert_eq!(
        Document::open(&bent).unwrap_err(),
        PdfError::XrefDamaged { at: newest }
    );
}

#[test]
fn what_foreign_signatures_cover_is_told() {
    type Told = (&'static str, &'static str, Coverage);
    let rows: &[(&str, &[Told])] = &[
        (
            "pdf/practising-certificate--signed-once",
            &[("ChuKyLanhDao", "ETSI.CAdES.detached", Coverage::WholeFile)],
        ),
        (
            "pdf/vehicle-badge--signed-twice-timestamped",
            &[
                ("ChuKyLanhDao", "adbe.pkcs7.detached", Coverage::Revision(2)),
                ("ConDau", "ETSI.CAdES.detached", Coverage::WholeFile),
            ],
        ),
        (
            "bad/certified-docmdp-p1",
            &[("ChungNhan", "ETSI.CAdES.detached", Coverage::WholeFile)],
        ),
        (
            "bad/signed-then-content-replaced",
            &[("ChuKyLanhDao", "ETSI.CAdES.detached", Coverage::Revision(2))],
        ),
        (
            "bad/signed-byterange-tampered",
            &[(
                "ChuKyLanhDao",
                "ETSI.CAdES.detached",
                Coverage::Broken(Fault::End),
            )],
        ),
        ("pdf/practising-certificate--empty-signature-field", &[]),
    ];
    for (name, expected) in rows {
        let bytes = fixture(&format!("{name}.pdf"));
        let document = Document::open(&bytes).unwrap();
        let found = signatures(&document).unwrap();
        let found: Vec<_> = found
            .iter()
            .map(|s| (s.name.as_str(), s.sub_filter.as_str(), s.coverage))
            .collect();
        assert_eq!(found.as_slice(), *expected, "{name}");
    }
}
