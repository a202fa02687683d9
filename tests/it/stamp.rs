//! Stamped pages as other programs see them: qpdf checks the file, poppler draws and reads it, zxing-cpp
//! scans it.

use crate::judges::{python, root, run};
use dauso::id::ResultId;
use dauso::pdf::Document;
use dauso::pdf::content::{MarkKind, Surface};
use dauso::pdf::image::{ImageError, Ink, Picture};
use dauso::pdf::layout::{Corner, Spot, SymbolPlace, centred, seal_place, signature_gap};
use dauso::pdf::stamp::{self, CAPTION, Footer, Stamp, StampError, Stamped, Symbol, Words};
use dauso::pdf::view::{POINTS_PER_MM, Place, View};
use dauso::pdf::writer::Update;
use dauso::qr;
use serde_json::Value;
use std::fs;
use std::path::{Path, PathBuf};

const CODE: &str = "7K3M9QX2TB4C5D6E";
const HOST: &str = "qr.vidu.test";

const FOOTER: Footer<'static> = Footer {
    system: "Hệ thống kết quả điện tử thử nghiệm",
    owner: "Ủy ban nhân dân Thành phố Ví Dụ",
};

/// Files whose upper-left corner is free.
const BLANK_CORNER: [&str; 19] = [
    "construction-permit--a3-landscape",
    "construction-permit--three-revisions",
    "food-safety-certificate--cropbox-offset",
    "food-safety-certificate--unbalanced-q",
    "food-safety-certificate--user-unit",
    "oversize-permit--40-pages",
    "oversize-permit--appendix-pages",
    "practising-certificate--empty-signature-field",
    "promotion-notice--ghostscript",
    "promotion-notice--inherited-resources",
    "promotion-notice--pdfa-2b",
    "restricted-road-permit--classic-xref-1.4",
    "restricted-road-permit--rotate-90",
    "transport-business-licence--cairo",
    "transport-business-licence--hybrid-xref",
    "transport-business-licence--linearized",
    "transport-business-licence--xref-stream",
    "vehicle-badge--a4-tagged",
    "vehicle-badge--a6-landscape",
];

const SCAN: &str = "vehicle-badge--scanned-blank-300dpi";

/// What a credential of eight fields looks like in a QR.
fn qr_text() -> String {
    format!("HTTPS://QR.VIDU.TEST/{CODE}#{}", "8031752946".repeat(52))
}

fn source(name: &str) -> (PathBuf, Vec<u8>) {
    let path = root("fixtures/pdf").join(format!("{name}.pdf"));
    let bytes = fs::read(&path).unwrap();
    (path, bytes)
}

fn record(name: &str) -> Value {
    let path = root("fixtures/data").join(format!("{name}.json"));
    serde_json::from_slice(&fs::read(path).unwrap()).unwrap()
}

/// Stamps page 1 with the catalogue's default; hands back the whole new file.
fn stamped(bytes: &[u8], place: &SymbolPlace) -> Result<(Vec<u8>, Stamped), StampError> {
    let document = Document::open(bytes)?;
    let mut update = Update::new(&document)?;
    let symbol = qr::Symbol::for_issue(&qr_text()).unwrap();
    let path = qr::render::pdf_path(&symbol);
    let page = document.page(0)?;
    let what = Stamp {
        symbol: Symbol {
            path: &path,
            modules: u32::try_from(symbol.size()).unwrap() + 8,
        },
        words: Words {
            code: ResultId::parse(CODE).unwrap(),
            host: HOST,
            caption: &CAPTION,
        },
        place,
        footer: Some(FOOTER),
    };
    let places = stamp::compose(&mut update, &page, &what)?;
    Ok(([bytes, &update.finish()].concat(), places))
}

fn written(bytes: &[u8]) -> tempfile::NamedTempFile {
    let file = tempfile::Builder::new().suffix(".pdf").tempfile().unwrap();
    fs::write(file.path(), bytes).unwrap();
    if let Some(keep) = std::env::var_os("DAUSO_KEEP_STAMPED") {
        let n = fs::read_dir(&keep).unwrap().count();
        fs::write(Path::new(&keep).join(format!("{n:02}.pdf")), bytes).unwrap();
    }
    file
}

fn assert_qpdf_finds_nothing(file: &Path, name: &str) {
    let output = run("qpdf", &["--check", file.to_str().unwrap()]);
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(
        output.status.success(),
        "{name}: {said}{}",
        String::from_utf8_lossy(&output.stderr)
    );
}

fn seen(before: &Path, after: &Path, boxes: &[Place]) -> Value {
    let bytes = fs::read(before).unwrap();
    let page = Document::open(&bytes).unwrap().page(0).unwrap();
    let view = View::new(page.crop_box, page.rotate.into(), page.user_unit).unwrap();
    let mut arguments = [before, after]
        .map(|path| path.to_str().unwrap().to_owned())
        .to_vec();
    arguments.push(view.width.to_string());
    arguments.extend(
        boxes
            .iter()
            .map(|b| format!("{},{},{},{}", b.x, b.y, b.width, b.height)),
    );
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    serde_json::from_str(&python("stamp_seen.py", &arguments)).unwrap()
}

#[test]
fn a_stamp_is_read_by_others_and_leaves_everything_else_as_it_was() {
    for name in BLANK_CORNER.into_iter().chain([SCAN]) {
        let (path, bytes) = source(name);
        let (after, places) = stamped(&bytes, &SymbolPlace::default())
            .unwrap_or_else(|error| panic!("{name}: {error}"));
        assert_eq!(after.get(..bytes.len()), Some(bytes.as_slice()), "{name}");
        assert!(
            (places.label.x, places.label.y) == (5.0, 4.5),
            "{name}: {places:?}"
        );
        assert!(
            places.label.width <= 37.0 && places.label.height <= 43.9,
            "{name}: {places:?}"
        );

        let file = written(&after);
        assert_qpdf_finds_nothing(file.path(), name);
        let boxes: Vec<Place> = [Some(places.label), places.footer]
            .into_iter()
            .flatten()
            .collect();
        let seen = seen(&path, file.path(), &boxes);
        assert_eq!(seen["codes"], serde_json::json!([qr_text()]), "{name}");
        assert_eq!(seen["upright"], true, "{name}");
        assert_eq!(seen["outside"], 0, "{name}");
        // The dark part of the symbol without its quiet zone, on paper.
        let side = seen["sides"][0].as_f64().unwrap();
        assert!((24.0..30.0).contains(&side), "{name}: {side} mm");
        let words = seen["words"].as_str().unwrap();
        for said in [
            CAPTION[0],
            CAPTION[1],
            "7K3M 9QX2 TB4C 5D6E",
            HOST,
            FOOTER.system,
            FOOTER.owner,
        ] {
            assert!(words.contains(said), "{name}: {said:?} is not in {words}");
        }
    }
}
