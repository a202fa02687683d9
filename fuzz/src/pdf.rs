//! PDFs: as files, as objects that are put into a sound file, and as the content of a page.

use dauso::clock::UnixTime;
use dauso::id::ResultId;
use dauso::pdf::earlier::Earlier;
use dauso::pdf::image::Ground;
use dauso::pdf::inspect::{Coverage, changes_after, legible, screen, signatures};
use dauso::pdf::label::{CAPTION, Footer, Symbol, Words};
use dauso::pdf::layout::SymbolPlace;
use dauso::pdf::level::Archive;
use dauso::pdf::signatory::find_signature_gap;
use dauso::pdf::signature::{self, Place, Request};
use dauso::pdf::stamp::{self, Stamp};
use dauso::pdf::{Document, PdfError, Source, Update};
use dauso::pki::Certificate;
use dauso::pki::cms::SignedData;
use dauso::qr;
use std::io;
use std::sync::LazyLock;

/// The authority of the samples.
static ROOTS: LazyLock<Vec<Certificate>> = LazyLock::new(|| {
    let pem = include_bytes!("../../fixtures/pdf/test-ca.pem");
    Certificate::read_all(pem).expect("a certificate")
});

fn now() -> UnixTime {
    UnixTime::parse_rfc3339("2026-12-01T09:00:00+07:00").expect("a time")
}

const CODE: &str = "7K3M9QX2TB4C5D6E";

/// Modules of the symbol, and its path.
static SYMBOL: LazyLock<(u32, Vec<u8>)> = LazyLock::new(|| {
    let text = format!("HTTPS://QR.VIDU.TEST/{CODE}#{}", "8031752946".repeat(20));
    let symbol = qr::Symbol::for_issue(&text).expect("a symbol");
    (qr::render::side(&symbol), qr::render::pdf_path(&symbol))
});

/// A whole file: read as `verify` reads it, then as `issue` does.
pub(crate) fn file(data: &[u8]) {
    let Ok(document) = Document::open(data) else {
        return;
    };
    let revisions = document.revisions().len();
    assert!(revisions > 0, "a file without a revision");
    for revision in 1..=revisions {
        let _ = document.as_of(revision).map(|earlier| earlier.page_count());
        let _ = changes_after(&document, revision);
    }
    let fields = signatures(&document).unwrap_or_default();
    let archive = Archive::read(&document, &fields, &ROOTS, now());
    for found in fields {
        if let Ok(archive) = &archive
            && let Ok(signed) = SignedData::parse(found.cms())
            && let Some(signer) = signed.signer()
        {
            let _ = archive.worth(&document, &found, &signed, signer, &ROOTS);
        }
        let covered = found.covered(&document);
        let whole = found.coverage == Coverage::WholeFile;
        assert!(!whole || covered.is_some(), "covers what is not there");
    }
    let _ = Earlier::read(&document);
    let _ = legible(&document);
    let pieces = Pieces(data);
    let in_pieces =
        Document::open_in(&pieces).map(|document| (legible(&document), screen(&document)));
    let in_memory = Document::open(data).map(|document| (legible(&document), screen(&document)));
    assert_eq!(in_pieces, in_memory, "it matters where the bytes are");
    issued(data);
}

/// A file that is read a few bytes at a time.
struct Pieces<'a>(&'a [u8]);

impl Source for Pieces<'_> {
    fn length(&self) -> usize {
        self.0.len()
    }

    fn read(&self, at: usize, into: &mut [u8]) -> io::Result<()> {
        into.copy_from_slice(&self.0[at..at + into.len()]);
        Ok(())
    }

    fn piece(&self) -> usize {
        48
    }
}

/// Objects, separated by a line `--`, as a sound file: the fuzzer need not learn to count bytes.
pub(crate) fn stamp(data: &[u8]) {
    issued(&assembled(&split(data, b"\n--\n")));
}

/// The content of a page and, behind a line `--`, the map of its font.
pub(crate) fn page(data: &[u8]) {
    let parts = split(data, b"\n--\n");
    let content = parts.first().copied().unwrap_or_default();
    let map = parts.get(1).copied().unwrap_or_default();
    let stream = |data: &[u8]| [b"<<>>\nstream\n", data].concat();
    let file = assembled(&[
        b"<</Type/Catalog/Pages 2 0 R>>",
        b"<</Type/Pages/Kids[3 0 R]/Count 1>>",
        b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 595 842]/Contents 4 0 R\
          /Resources<</Font<</F 5 0 R>>/XObject<</X 6 0 R>>/ColorSpace<</C[/Separation/Red/DeviceCMYK 7 0 R]>>>>>>",
        &stream(content),
        b"<</Type/Font/Subtype/Type0/Encoding/Identity-H/ToUnicode 7 0 R\
          /DescendantFonts[<</Type/Font/Subtype/CIDFontType2/W[1[500 600]9 99 700]>>]>>",
        &[b"<</Type/XObject/Subtype/Form/BBox[0 0 300 300]>>\nstream\n", content].concat(),
        &stream(map),
    ]);
    issued(&file);
}

fn split<'a>(data: &'a [u8], by: &[u8]) -> Vec<&'a [u8]> {
    let mut parts = Vec::new();
    let mut rest = data;
    while let Some(at) = rest.windows(by.len()).position(|part| part == by) {
        parts.push(&rest[..at]);
        rest = &rest[at + by.len()..];
    }
    parts.push(rest);
    parts
}

/// A file with these objects from number 1 on, the first of them the catalog. A body with a line `stream` gets
/// its length and end.
fn assembled(bodies: &[&[u8]]) -> Vec<u8> {
    let mut out = b"%PDF-1.7\n".to_vec();
    let mut table = String::from("0000000000 65535 f \n");
    for (place, body) in bodies.iter().enumerate() {
        table.push_str(&format!("{:010} 00000 n \n", out.len()));
        out.extend(format!("{} 0 obj\n", place + 1).into_bytes());
        match body.windows(8).position(|part| part == b"\nstream\n") {
            Some(at) if body[..at].ends_with(b">>") => {
                let (dict, data) = (&body[..at - 2], &body[at + 8..]);
                out.extend_from_slice(dict);
                out.extend(format!("/Length {}>>\nstream\n", data.len()).into_bytes());
                out.extend_from_slice(data);
                out.extend_from_slice(b"\nendstream");
            }
            _ => out.extend_from_slice(body),
        }
        out.extend_from_slice(b"\nendobj\n");
    }
    let (start, size) = (out.len(), bodies.len() + 1);
    out.extend(
        format!(
            "xref\n0 {size}\n{table}trailer\n<</Size {size}/Root 1 0 R>>\nstartxref\n{start}\n%%EOF\n"
        )
        .into_bytes(),
    );
    out
}

/// Stamps and signs as issuing does, with a CMS that is none. What comes out must hold against the reader.
fn issued(data: &[u8]) {
    let Some(tail) = tail(data) else {
        return;
    };
    let signed = [data, &tail].concat();
    let document = Document::open(&signed).expect("what is written can be read");
    assert_eq!(
        screen(&document),
        Err(PdfError::AlreadySigned),
        "what is written passes its own screening, but for the signature"
    );
    let found = signatures(&document).expect("its signatures can be read");
    let last = found.last().expect("there is one");
    assert_eq!(last.coverage, Coverage::WholeFile);
    assert_eq!(last.cms(), CMS);
}

/// An empty SEQUENCE with room to spare.
const CMS: &[u8] = &[0x30, 0x03, 0x02, 0x01, 0x00];

fn tail(data: &[u8]) -> Option<Vec<u8>> {
    let document = Document::open(data).ok()?;
    screen(&document).ok()?;
    let gap = find_signature_gap(&document, "Nguyễn Văn Mẫu", "GIÁM ĐỐC").ok()?;
    let mut update = Update::new(&document).ok()?;
    let first = document.page(0).ok()?;
    let (modules, path) = &*SYMBOL;
    let on_first: Vec<_> = gap.iter().filter(|(page, _)| *page == 0).collect();
    let keep_free: Vec<_> = on_first.iter().map(|(_, place)| *place).collect();
    let wanted = Stamp {
        symbol: Symbol {
            path,
            modules: *modules,
        },
        words: Words {
            code: ResultId::parse(CODE).expect("a look-up code"),
            host: "qr.vidu.test",
            caption: &CAPTION,
        },
        place: &SymbolPlace::default(),
        footer: Some(Footer {
            system: "Hệ thống kết quả điện tử thử nghiệm",
            owner: "Ủy ban nhân dân Thành phố Ví Dụ",
            spot: None,
        }),
        keep_free: &keep_free,
    };
    stamp::compose(&mut update, &first, &wanted).ok()?;
    let (page, rect, appearance) = match gap {
        Some((index, place)) => {
            let page = document.page(index).ok()?;
            let shown = stamp::appearance(&mut update, &page, place, &[], Ground::Soft).ok()?;
            (index, shown.rect, Some(shown.form))
        }
        None => (0, [0.0; 4], None),
    };
    let empty = signature::empty_fields(&document).ok()?;
    let place = match empty.first() {
        Some(field) if empty.len() == 1 => Place::Existing {
            field: &field.name,
            rect: appearance.is_some().then_some(rect),
        },
        _ => Place::New {
            field: "DauSo",
            page,
            rect,
        },
    };
    let request = Request {
        place,
        appearance,
        signed_at: UnixTime::parse_rfc3339("2026-11-21T09:42:00+07:00").expect("a time"),
        signer: Some("Sở Xây dựng Mẫu"),
        reason: Some("Ban hành kết quả"),
        location: None,
        contact: Some("HTTPS://QR.VIDU.TEST/"),
        space: 64,
    };
    let placeholder = signature::add(&mut update, &request).ok()?;
    let prepared = signature::prepare(update, placeholder).expect("the placeholder is found again");
    Some(prepared.fill(CMS).expect("it fits"))
}
