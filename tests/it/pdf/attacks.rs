//! Forgeries: universal forgery, wrapping, incremental saving and shadow attacks.

use super::fixture;
use dauso::pdf::inspect::{Changes, Coverage, Fault, changes_after, signatures};
use dauso::pdf::{Document, Update, patch};

const ONCE: &str = "pdf/practising-certificate--signed-once.pdf";
const TWICE: &str = "pdf/vehicle-badge--signed-twice-timestamped.pdf";

/// The file with the one place that reads `from` changed to `to`, which has the same length.
fn replaced(bytes: &[u8], from: &str, to: &str) -> Vec<u8> {
    assert_eq!(from.len(), to.len());
    let at = bytes
        .windows(from.len())
        .rposition(|part| part == from.as_bytes());
    let at = at.unwrap_or_else(|| panic!("no {from}"));
    let mut out = bytes.to_vec();
    out[at..at + to.len()].copy_from_slice(to.as_bytes());
    out
}

/// The file with an update that `edit` fills.
fn updated(bytes: &[u8], edit: impl FnOnce(&mut Update<'_>)) -> Vec<u8> {
    let document = Document::open(bytes).unwrap();
    let mut update = Update::new(&document).unwrap();
    edit(&mut update);
    [bytes, &update.finish()].concat()
}

fn first_coverage(bytes: &[u8]) -> Coverage {
    signatures(&Document::open(bytes).unwrap()).unwrap()[0].coverage
}

/// What happened since the first signature.
fn since_first(bytes: &[u8]) -> Changes {
    let document = Document::open(bytes).unwrap();
    match signatures(&document).unwrap()[0].coverage {
        Coverage::Revision(revision) => changes_after(&document, revision).unwrap(),
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_byte_range_that_is_not_exactly_right_is_broken() {
    let bytes = fixture(ONCE);
    let right = "[0 70575 75773 1391]";
    let rows = [
        ("[1 70575 75773 1391]", Fault::Start),
        ("[0 70574 75773 1391]", Fault::Gap),
        ("[0 70575 75774 1390]", Fault::Gap),
        ("[0 70575 75773 1389]", Fault::End),
        ("[0 70575 75773 9391]", Fault::End),
        ("[0 70575 75773 -391]", Fault::Malformed),
        ("[0 70575 75773     ]", Fault::Malformed),
        ("[0 7057 5 75773 391]", Fault::Malformed),
        ("null                ", Fault::Malformed),
        ("[0 70575 75773 1.91]", Fault::Malformed),
    ];
    assert_eq!(first_coverage(&bytes), Coverage::WholeFile);
    for (wrong, fault) in rows {
        let forged = replaced(&bytes, right, wrong);
        assert_eq!(first_coverage(&forged), Coverage::Broken(fault), "{wrong}");
        let document = Document::open(&forged).unwrap();
        assert_eq!(signatures(&document).unwrap()[0].digest(&document), None);
    }
}

#[test]
fn contents_that_were_moved_out_of_the_gap_are_broken() {
    // Signature wrapping: a later revision repeats the signature dictionary elsewhere.
    let forged = updated(&fixture(ONCE), |update| {
        let value = signatures(update.document()).unwrap()[0].value;
        update.patch(value, |body| Ok(body.to_vec())).unwrap();
    });
    assert_eq!(first_coverage(&forged), Coverage::Broken(Fault::Gap));
}

#[test]
fn a_further_signature_is_the_only_change_that_passes() {
    let bytes = fixture(TWICE);
    assert_eq!(since_first(&bytes), Changes::Signatures);
    let document = Document::open(&bytes).unwrap();
    assert_eq!(changes_after(&document, 3), Ok(Changes::Nothing));
    // The empty first revision: both signatures came later.
    assert_eq!(changes_after(&document, 1), Ok(Changes::Signatures));

    let unused = updated(&bytes, |update| {
        update.add(b"(nobody refers to this)".to_vec());
    });
    assert_eq!(since_first(&unused), Changes::Signatures);
}

#[test]
fn content_replaced_after_signing_is_told() {
    assert!(matches!(
        since_first(&fixture("bad/signed-then-content-replaced.pdf")),
        Changes::Other(_)
    ));
}

#[test]
fn every_other_change_after_signing_is_told() {
    let bytes = fixture(ONCE);
    let document = Document::open(&bytes).unwrap();
    let page = document.page(0).unwrap();
    let root = document.root().unwrap();
    let field = signatures(&document).unwrap()[0].field;
    let (content, _) = page.contents[0];

    let content_changed = updated(&bytes, |update| update.put_stream(content, b"", b"q Q"));
    assert_eq!(since_first(&content_changed), Changes::Other(content.num));

    let page_changed = updated(&bytes, |update| {
        let edit = |body: &[u8]| patch::set_entry(body, b"Rotate", b"180");
        update.patch(page.reference, edit).unwrap();
    });
    assert_eq!(
        since_first(&page_changed),
        Changes::Other(page.reference.num)
    );

    let annotation_added = updated(&bytes, |update| {
        let note = update.add(b"<</Type/Annot/Subtype/Stamp/Rect[0 0 500 500]>>".to_vec());
        let all = format!("[{field} {note}]");
        let edit = |body: &[u8]| patch::set_entry(body, b"Annots", all.as_bytes());
        update.patch(page.reference, edit).unwrap();
    });
    assert_eq!(
        since_first(&annotation_added),
        Changes::Other(page.reference.num)
    );

    let field_moved = updated(&bytes, |update| {
        let edit = |body: &[u8]| patch::set_entry(body, b"Rect", b"[0 0 1 1]");
        update.patch(field, edit).unwrap();
    });
    assert_eq!(since_first(&field_moved), Changes::Other(field.num));

    let catalog_changed = updated(&bytes, |update| {
        let edit = |body: &[u8]| patch::set_entry(body, b"Lang", b"(de)");
        update.patch(root, edit).unwrap();
    });
    assert_eq!(since_first(&catalog_changed), Changes::Other(root.num));
}

#[test]
fn an_object_that_is_turned_into_the_form_or_the_annotations_is_a_change() {
    let plain = fixture("pdf/vehicle-badge--a6-landscape.pdf");
    let document = Document::open(&plain).unwrap();
    let page = document.page(0).unwrap();
    let root = document.root().unwrap();
    let (content, _) = page.contents[0];
    for (owner, key, body) in [
        (root, &b"AcroForm"[..], "<</Fields[]>>"),
        (page.reference, b"Annots", "[]"),
    ] {
        let hidden = updated(&plain, |update| {
            let edit = |body: &[u8]| patch::set_entry(body, key, content.to_string().as_bytes());
            update.patch(owner, edit).unwrap();
            update.put(content, body.as_bytes().to_vec());
        });
        let document = Document::open(&hidden).unwrap();
        assert_eq!(changes_after(&document, 1), Ok(Changes::Other(owner.num)));
    }
}

#[test]
fn an_object_that_was_waited_for_is_a_change() {
    // Shadow attack: the signed revision refers to an object that only a later one brings.
    let plain = fixture("pdf/vehicle-badge--a6-landscape.pdf");
    let size = Document::open(&plain).unwrap().next_number();
    let waiting = updated(&plain, |update| {
        let page = update.document().page(0).unwrap().reference;
        let later = format!("[{} 0 R]", size + 5);
        let edit = |body: &[u8]| patch::set_entry(body, b"Annots", later.as_bytes());
        update.patch(page, edit).unwrap();
    });
    let revealed = updated(&waiting, |update| {
        let note = dauso::pdf::ObjRef::new(size + 5);
        update.put(
            note,
            b"<</Type/Annot/Subtype/Stamp/Rect[0 0 500 500]>>".to_vec(),
        );
    });
    let document = Document::open(&revealed).unwrap();
    assert_eq!(changes_after(&document, 2), Ok(Changes::Other(size + 5)));
}
