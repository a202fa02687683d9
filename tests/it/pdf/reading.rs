//! Every file of `fixtures/pdf` opens or is refused by name, and shows what other readers see.

use super::{fixture, pdfs};
use dauso::pdf::{Document, Object};

#[test]
fn every_object_of_every_good_file_can_be_read() {
    for (name, bytes) in pdfs("pdf") {
        match Document::open(&bytes) {
            Ok(document) => {
                for num in document.numbers().unwrap() {
                    let reference = document.reference(num).unwrap().unwrap();
                    let object = document.get(reference);
                    let object = object.unwrap_or_else(|error| panic!("{name} {num}: {error}"));
                    let raw = document.raw(reference).unwrap();
                    assert!(!raw.is_empty(), "{name} {num}");
                    if let Object::Stream(stream) = object {
                        match document.stream_data(&stream) {
                            Ok(_) => {}
                            Err(error) => {
                                assert_eq!(error.code(), "pdf/unsupported-filter", "{name} {num}");
                            }
                        }
                    }
                }
            }
            Err(error) => {
                assert!(name.contains("encrypted"), "{name}: {error}");
                assert_eq!(error.code(), "pdf/encrypted");
            }
        }
    }
}

#[test]
fn pages_and_revisions_are_counted() {
    let rows = [
        ("construction-permit--three-revisions", 1, 3),
        ("oversize-permit--40-pages", 40, 1),
        ("oversize-permit--appendix-pages", 4, 1),
        ("practising-certificate--empty-signature-field", 1, 2),
        ("practising-certificate--signed-once", 1, 2),
        ("restricted-road-permit--classic-xref-1.4", 2, 1),
        ("restricted-road-permit--rotate-90", 2, 1),
        // Written as an update that only adds /XRefStm, as some office programs do.
        ("transport-business-licence--hybrid-xref", 1, 2),
        ("transport-business-licence--linearized", 1, 1),
        ("transport-business-licence--xref-stream", 1, 1),
        ("vehicle-badge--a6-landscape", 1, 1),
        ("vehicle-badge--scanned-blank-300dpi", 1, 1),
        ("vehicle-badge--signed-twice-timestamped", 1, 3),
    ];
    for (name, pages, revisions) in rows {
        let bytes = fixture(&format!("pdf/{name}.pdf"));
        let document = Document::open(&bytes).unwrap();
        assert_eq!(document.page_count(), Ok(pages), "{name}");
        assert_eq!(document.revisions().len(), revisions, "{name}");
        assert_eq!(
            document.revisions().last().unwrap().end,
            bytes.len(),
            "{name}"
        );
    }
}

#[test]
fn a_page_has_what_it_inherits() {
    let bytes = fixture("pdf/promotion-notice--inherited-resources.pdf");
    let document = Document::open(&bytes).unwrap();
    let page = document.page(0).unwrap();
    assert!(!page.dict.contains(b"Resources"));
    assert!(page.resources.contains(b"Font"));
    assert!(
        (page.media_box[3] - 841.9).abs() < 0.1,
        "{:?}",
        page.media_box
    );
    assert_eq!(page.contents.len(), 1);

    let bytes = fixture("pdf/food-safety-certificate--cropbox-offset.pdf");
    let page = Document::open(&bytes).unwrap().page(0).unwrap();
    assert!((page.media_box[0] - 120.0).abs() < 0.01 && (page.media_box[1] - 210.0).abs() < 0.01);
    assert!((page.crop_box[0] - page.media_box[0] - 36.0).abs() < 0.01);

    let bytes = fixture("pdf/food-safety-certificate--user-unit.pdf");
    let page = Document::open(&bytes).unwrap().page(0).unwrap();
    assert!((page.user_unit - 2.0).abs() < f64::EPSILON);

    let bytes = fixture("pdf/restricted-road-permit--rotate-90.pdf");
    let page = Document::open(&bytes).unwrap().page(0).unwrap();
    assert_eq!(page.rotate, 90);
}
