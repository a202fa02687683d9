//! Stamped pages as other programs see them: qpdf checks the file, poppler draws and reads it, zxing-cpp
//! scans it.

use crate::judges::{python, root, run};
use dauso::id::ResultId;
use dauso::pdf::content::{ContentError, MarkKind};
use dauso::pdf::image::{Ground, ImageError, Picture};
use dauso::pdf::inspect::screen;
use dauso::pdf::layout::{Corner, Spot, SymbolPlace};
use dauso::pdf::patch;
use dauso::pdf::signatory::{find_signature_gap, seal_alone};
use dauso::pdf::stamp::{self, CAPTION, Footer, Stamp, StampError, Stamped, Symbol, Words};
use dauso::pdf::view::{Place, View};
use dauso::pdf::writer::Update;
use dauso::pdf::{Document, PdfError};
use dauso::qr;
use serde_json::Value;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

const CODE: &str = "7K3M9QX2TB4C5D6E";
const HOST: &str = "qr.vidu.test";

const FOOTER: Footer<'static> = Footer {
    system: "Hệ thống kết quả điện tử thử nghiệm",
    owner: "Ủy ban nhân dân Thành phố Ví Dụ",
    spot: None,
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

fn stamped(bytes: &[u8], place: &SymbolPlace) -> Result<(Vec<u8>, Stamped), StampError> {
    stamped_around(bytes, place, &[])
}

/// Stamps page 1; hands back the whole new file.
fn stamped_around(
    bytes: &[u8],
    place: &SymbolPlace,
    keep_free: &[Place],
) -> Result<(Vec<u8>, Stamped), StampError> {
    stamped_with(bytes, place, keep_free, FOOTER)
}

fn stamped_with(
    bytes: &[u8],
    place: &SymbolPlace,
    keep_free: &[Place],
    footer: Footer<'_>,
) -> Result<(Vec<u8>, Stamped), StampError> {
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
        footer: Some(footer),
        keep_free,
    };
    let places = stamp::compose(&mut update, &page, &what)?;
    Ok(([bytes, &update.finish()].concat(), places))
}

/// The gap for the signature of the record that belongs to a file.
fn gap(name: &str, bytes: &[u8]) -> Option<(usize, Place)> {
    let record = record(name);
    let text = |key: &str| record[key].as_str().unwrap_or_default().to_owned();
    let document = Document::open(bytes).unwrap();
    find_signature_gap(&document, &text("signatory"), &text("signatory_position")).unwrap()
}

fn written(bytes: &[u8]) -> tempfile::NamedTempFile {
    let file = tempfile::Builder::new().suffix(".pdf").tempfile().unwrap();
    fs::write(file.path(), bytes).unwrap();
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
        let keep_free = match gap(name, &bytes) {
            Some((0, place)) => vec![place],
            _ => vec![],
        };
        let (after, places) = stamped_around(&bytes, &SymbolPlace::default(), &keep_free)
            .unwrap_or_else(|error| panic!("{name}: {error}"));
        assert_eq!(after.get(..bytes.len()), Some(bytes.as_slice()), "{name}");
        let Place {
            x,
            y,
            width,
            height,
        } = places.label;
        assert!(
            (x - 5.0).abs() < 0.01 && (y - 4.0).abs() < 0.01,
            "{name}: {places:?}"
        );
        assert!(
            x + width <= 42.0 && y + height <= 48.0,
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
        assert!((25.0..28.0).contains(&side), "{name}: {side} mm");
        // Lines of the stamp break where the page wants it.
        let words: Vec<&str> = seen["words"].as_str().unwrap().split_whitespace().collect();
        let words = words.join(" ");
        for said in [CAPTION[0], CAPTION[1], "7K3M 9QX2 TB4C 5D6E", HOST] {
            assert!(words.contains(said), "{name}: {said:?} is not in {words}");
        }
        assert_eq!(
            words.contains(FOOTER.owner),
            name != SCAN,
            "{name}: {words}"
        );
    }
}

#[test]
fn every_font_of_the_stamp_is_embedded_in_part_and_says_its_letters() {
    let (_, bytes) = source("transport-business-licence--cairo");
    let (after, _) = stamped(&bytes, &SymbolPlace::default()).unwrap();
    let file = written(&after);
    let output = run("pdffonts", &["-l", "1", file.path().to_str().unwrap()]);
    let said = String::from_utf8(output.stdout).unwrap();
    for font in ["+LiberationSans ", "+LiberationMono "] {
        let ours: Vec<&str> = said
            .lines()
            .filter(|line| line.contains(font) && line.contains("Identity-H"))
            .collect();
        assert_eq!(ours.len(), 1, "{said}");
        let columns: Vec<&str> = ours[0].split_whitespace().collect();
        assert_eq!(
            columns[columns.len() - 5..columns.len() - 2],
            ["yes", "yes", "yes"],
            "{said}"
        );
    }
}

#[test]
fn an_occupied_corner_is_left_for_an_allowed_place_or_refused_with_what_stands_there() {
    let (path, bytes) = source("promotion-notice--corner-occupied");
    let (after, places) = stamped(&bytes, &SymbolPlace::default()).unwrap();
    assert!(places.label.y > 240.0, "lower left: {places:?}");
    let file = written(&after);
    assert_qpdf_finds_nothing(file.path(), "corner-occupied");
    let boxes: Vec<Place> = [Some(places.label), places.footer]
        .into_iter()
        .flatten()
        .collect();
    let seen = seen(&path, file.path(), &boxes);
    assert_eq!(seen["codes"], serde_json::json!([qr_text()]));
    assert_eq!(seen["outside"], 0);

    let only_there = SymbolPlace {
        alternatives: vec![],
        ..SymbolPlace::default()
    };
    let Err(StampError::SymbolOverlap(overlap)) = stamped(&bytes, &only_there) else {
        panic!("the corner is taken")
    };
    let blockers = &overlap.tried[0].blockers;
    assert!(!blockers.is_empty());
    assert!(
        blockers
            .iter()
            .all(|mark| matches!(mark.kind, MarkKind::Text(_) | MarkKind::Drawing))
    );
    assert!(
        overlap.to_string().contains("is taken by text at ("),
        "{overlap}"
    );
}

/// Lower left corner of the footer, millimetres from the lower left of the page, where the catalogue wants it
/// this far from that corner.
fn footer_corner(name: &str, spot: Option<(f64, f64)>) -> Option<(f64, f64)> {
    let (_, bytes) = source(name);
    let spot = spot.map(|(across, down)| Spot {
        corner: Corner::LowerLeft,
        across,
        down,
    });
    let footer = Footer { spot, ..FOOTER };
    let (_, places) = stamped_with(&bytes, &SymbolPlace::default(), &[], footer).unwrap();
    let page = Document::open(&bytes).unwrap().page(0).unwrap();
    let view = View::new(page.crop_box, page.rotate.into(), page.user_unit).unwrap();
    let round = |millimetres: f64| (millimetres * 10.0).round() / 10.0;
    places
        .footer
        .map(|at| (round(at.x), round(view.height - at.y - at.height)))
}

#[test]
fn the_footer_stands_where_the_catalogue_wants_it_else_in_the_margin_and_on_a_scan_only_there() {
    let text = "vehicle-badge--a4-tagged";
    assert_eq!(footer_corner(text, Some((20.0, 30.0))), Some((20.0, 30.0)));
    let in_margin = footer_corner(text, None);
    assert!(in_margin.is_some_and(|(_, up)| up < 25.0), "{in_margin:?}");
    let taken = Some((40.0, 160.0));
    assert_eq!(footer_corner(text, taken), in_margin);
    assert_eq!(footer_corner(SCAN, None), None);
    assert_eq!(footer_corner(SCAN, Some((6.0, 12.0))), Some((6.0, 12.0)));
}

#[test]
fn a_second_stamp_finds_the_first_in_its_way() {
    let (_, bytes) = source("food-safety-certificate--unbalanced-q");
    let only_there = SymbolPlace {
        alternatives: vec![],
        ..SymbolPlace::default()
    };
    let (once, _) = stamped(&bytes, &only_there).unwrap();
    assert!(matches!(
        stamped(&once, &only_there),
        Err(StampError::SymbolOverlap(_))
    ));
}

#[test]
fn what_is_appended_does_not_grow_with_pages_that_are_not_touched() {
    let added = |name| {
        let (_, bytes) = source(name);
        stamped(&bytes, &SymbolPlace::default()).unwrap().0.len() - bytes.len()
    };
    let (one, forty) = (
        added("transport-business-licence--cairo"),
        added("oversize-permit--40-pages"),
    );
    assert!(one.abs_diff(forty) < 1_000, "{one} and {forty} bytes");
    assert!(one < 40_000, "{one} bytes");
}

#[test]
fn the_gap_for_the_signature_is_found_on_its_page() {
    for name in BLANK_CORNER
        .into_iter()
        .chain(["promotion-notice--corner-occupied"])
    {
        let (_, bytes) = source(name);
        let (page, gap) = gap(name, &bytes).unwrap_or_else(|| panic!("{name}: no gap"));
        let second = ["40-pages", "appendix-pages", "classic-xref", "rotate-90"];
        let expected = usize::from(second.iter().any(|part| name.contains(part)));
        assert_eq!(page, expected, "{name}");
        let least = if name.contains("a6") { 15.0 } else { 30.0 };
        assert!((least..41.0).contains(&gap.height), "{name}: {gap:?}");
        assert!(gap.width > 40.0, "{name}: {gap:?}");
    }
    let (_, scan) = source(SCAN);
    assert_eq!(gap(SCAN, &scan), None, "a scan has no text");
}

/// Puts the seal on the page as an annotation that stands for the widget.
fn sealed(name: &str, bytes: &[u8]) -> (Vec<u8>, usize, Place) {
    let picture = |file: &str| fs::read(root("fixtures/images").join(file)).unwrap();
    let seal = Picture::seal(&picture("seal-transparent-35mm-300dpi.png")).unwrap();
    let (index, gap) = gap(name, bytes).unwrap();
    let document = Document::open(bytes).unwrap();
    let page = document.page(index).unwrap();
    let view = View::new(page.crop_box, page.rotate.into(), page.user_unit).unwrap();
    let place = seal_alone(&view, gap, 35.0);
    let mut update = Update::new(&document).unwrap();
    let appearance =
        stamp::appearance(&mut update, &page, place, &[(place, &seal)], Ground::Soft).unwrap();
    let [x0, y0, x1, y1] = appearance.rect;
    let annotation = update.add(
        format!(
            "<< /Type /Annot /Subtype /Stamp /F 4 /Rect [{x0} {y0} {x1} {y1}] /AP << /N {} >> >>",
            appearance.form
        )
        .into_bytes(),
    );
    let list = format!("[{annotation}]");
    update
        .patch(page.reference, |body| {
            patch::set_entry(body, b"Annots", list.as_bytes())
        })
        .unwrap();
    ([bytes, &update.finish()].concat(), index, place)
}

#[test]
fn the_seal_appears_upright_in_place_and_of_real_size() {
    for name in [
        "restricted-road-permit--rotate-90",
        "food-safety-certificate--cropbox-offset",
        "food-safety-certificate--user-unit",
        "transport-business-licence--xref-stream",
        "vehicle-badge--a6-landscape",
    ] {
        let (path, bytes) = source(name);
        let (after, index, seal) = sealed(name, &bytes);
        let file = written(&after);
        assert_qpdf_finds_nothing(file.path(), name);
        let page = (index + 1).to_string();
        let view_width = {
            let page = Document::open(&bytes).unwrap().page(index).unwrap();
            View::new(page.crop_box, page.rotate.into(), page.user_unit)
                .unwrap()
                .width
        };
        let said = python(
            "seal_seen.py",
            &[
                path.to_str().unwrap(),
                file.path().to_str().unwrap(),
                &page,
                &view_width.to_string(),
                root("fixtures/images/seal-transparent-35mm-300dpi.png")
                    .to_str()
                    .unwrap(),
            ],
        );
        let seen: Value = serde_json::from_str(&said).unwrap();
        let red: Vec<f64> = seen["red"]
            .as_array()
            .unwrap()
            .iter()
            .map(|n| n.as_f64().unwrap())
            .collect();
        for (found, wanted) in red.iter().zip([seal.x, seal.y, seal.width, seal.height]) {
            // The ring ends some pixels inside the picture.
            assert!(
                (found - wanted).abs() < 1.2,
                "{name}: {red:?} against {seal:?}"
            );
        }
        assert!(seen["likeness"].as_f64().unwrap() > 0.9, "{name}: {said}");
    }
}

#[test]
fn a_picture_that_is_no_seal_is_refused() {
    let png = fs::read(root("fixtures/images/signature-opaque-invalid.png")).unwrap();
    assert_eq!(Picture::seal(&png), Err(ImageError::Opaque));
    let blue = fs::read(root("fixtures/images/signature-transparent.png")).unwrap();
    assert_eq!(Picture::seal(&blue), Err(ImageError::NotRed { percent: 0 }));
}

#[test]
fn hostile_files_are_refused_or_stamped_within_seconds() {
    let begin = Instant::now();
    for entry in fs::read_dir(root("fixtures/bad")).unwrap() {
        let path = entry.unwrap().path();
        let bytes = fs::read(&path).unwrap();
        let name = path.file_stem().unwrap().to_str().unwrap();
        match stamped(&bytes, &SymbolPlace::default()) {
            // What `inspect::screen` refuses never comes this far.
            Ok((after, _)) if screen(&Document::open(&bytes).unwrap()).is_ok() => {
                let file = written(&after);
                assert_qpdf_finds_nothing(file.path(), name);
            }
            Ok(_) => {}
            Err(StampError::Content(ContentError::Document(error))) => {
                assert_eq!(name, "flate-bomb-content-2-gib");
                assert!(
                    matches!(error, PdfError::TooLargeInflated { .. }),
                    "{error}"
                );
            }
            Err(StampError::Document(error)) => assert_ne!(error.code(), "", "{name}"),
            Err(error) => panic!("{name}: {error}"),
        }
    }
    assert!(
        begin.elapsed() < Duration::from_secs(20),
        "{:?}",
        begin.elapsed()
    );
}
