//! Empty signature fields as templates bring them, and what earlier signatures lock.

use super::signing::{prepared, seen, signed};
use super::{fixture, goes_in, qpdf};
use dauso::pdf::earlier::Earlier;
use dauso::pdf::signature::{Place, empty_fields};
use dauso::pdf::{Document, Object, PdfError, Update, patch};

const FIELD: &str = "ChuKyLanhDao";

/// The sample with an empty field, after `edit` of the field's source.
fn template(edit: impl FnOnce(&mut Update<'_>, &[u8]) -> Vec<u8>) -> Vec<u8> {
    let bytes = fixture("pdf/practising-certificate--empty-signature-field.pdf");
    let document = Document::open(&bytes).unwrap();
    let page = document.page(0).unwrap();
    let annotations = document.lookup(&page.dict, b"Annots").unwrap();
    let field = annotations.as_array().unwrap()[0].as_reference().unwrap();
    let source = document.raw(field).unwrap().into_owned();
    let mut update = Update::new(&document).unwrap();
    let source = edit(&mut update, &source);
    update.put(field, source);
    [bytes.as_slice(), &update.finish()].concat()
}

fn set(source: &[u8], key: &str, value: &str) -> Vec<u8> {
    patch::set_entry(source, key.as_bytes(), value.as_bytes()).unwrap()
}

/// The one field filled, judged by qpdf and pyHanko.
fn filled(name: &str, bytes: Vec<u8>) -> Vec<u8> {
    let document = Document::open(&bytes).unwrap();
    let empty = empty_fields(&document).unwrap();
    assert_eq!(empty.len(), 1, "{name}");
    assert_eq!((empty[0].name.as_str(), empty[0].page), (FIELD, Some(0)));
    let place = Place::Existing {
        field: FIELD,
        rect: None,
    };
    let after = signed(&[(name.to_owned(), bytes)], place).remove(0);
    let directory = tempfile::tempdir().unwrap();
    let path = goes_in(&directory, name, &after);
    qpdf(&path);
    let told = seen(&[path]).remove(0);
    assert_eq!(told.len(), 1, "{name}");
    let (field, coverage, _, intact, _) = &told[0];
    assert_eq!(
        (field.as_str(), coverage.as_str(), *intact),
        (FIELD, "ENTIRE_FILE", true),
        "{name}"
    );
    after
}

/// The widget that shows the signature.
fn widget(bytes: &[u8]) -> dauso::pdf::Dict {
    let document = Document::open(bytes).unwrap();
    let page = document.page(0).unwrap();
    let annotations = document.lookup(&page.dict, b"Annots").unwrap();
    let widget = annotations.as_array().unwrap()[0].clone();
    document.dict(&widget, "widget").unwrap()
}

#[test]
fn a_field_without_a_page_or_hidden_until_signed_is_filled_and_seen() {
    let no_page = template(|_, _| {
        format!("<</Type/Annot/Subtype/Widget/FT/Sig/T({FIELD})/F 132/Rect[330 250 520 330]>>")
            .into_bytes()
    });
    filled("no-page", no_page);
    let hidden = template(|_, source| set(source, "F", "2"));
    let after = filled("hidden", hidden);
    assert_eq!(widget(&after).get(b"F"), Some(&Object::Integer(132)));
}

#[test]
fn a_field_apart_from_its_widget_is_filled_and_its_widget_shows_it() {
    let split = template(|update, _| {
        // The annotation stays in its object; the name and the type go to a field above it.
        let document = update.document();
        let page = document.page(0).unwrap();
        let annotations = document.lookup(&page.dict, b"Annots").unwrap();
        let widget = annotations.as_array().unwrap()[0].as_reference().unwrap();
        let field = format!("<</FT/Sig/T({FIELD})/Kids[{widget}]>>");
        let field = update.add(field.into_bytes());
        let root = document.root().unwrap();
        let form = format!("<</Fields[{field}]/SigFlags 1>>");
        update
            .patch(root, |catalog| {
                patch::set_entry(catalog, b"AcroForm", form.as_bytes())
            })
            .unwrap();
        format!(
            "<</Type/Annot/Subtype/Widget/Parent {field}/P {}/F 132/Rect[330 250 520 330]>>",
            page.reference
        )
        .into_bytes()
    });
    let after = filled("split", split);
    assert!(widget(&after).contains(b"AP"));
    assert!(!widget(&after).contains(b"V"));
}

#[test]
fn a_lock_of_the_field_is_put_into_force_and_respected_afterwards() {
    for (lock, free, held) in [
        ("/Action/All", None, Some("ConDau")),
        (
            "/Action/Include/Fields[(ConDau)]",
            Some("Khac"),
            Some("ConDau"),
        ),
        (
            "/Action/Exclude/Fields[(ConDau)]",
            Some("ConDau"),
            Some("Khac"),
        ),
    ] {
        let lock = format!("<</Type/SigFieldLock{lock}>>");
        let after = filled("locked", template(|_, source| set(source, "Lock", &lock)));
        let document = Document::open(&after).unwrap();
        let earlier = Earlier::read(&document).unwrap();
        if let Some(free) = free {
            assert_eq!(earlier.allows(free), Ok(()), "{lock}");
        }
        if let Some(held) = held {
            assert_eq!(earlier.allows(held), Err(PdfError::FieldLocked), "{lock}");
        }
        let Some(free) = free else { continue };
        // A further signature in a field that is not locked leaves the first as it was, for pyHanko too.
        let place = Place::New {
            field: free,
            page: 0,
            rect: [50.0, 50.0, 90.0, 90.0],
        };
        let twice = signed(&[("twice".to_owned(), after.clone())], place).remove(0);
        let directory = tempfile::tempdir().unwrap();
        let path = goes_in(&directory, "twice", &twice);
        let told = seen(&[path]).remove(0);
        assert_eq!(told.len(), 2, "{lock}");
        assert_eq!(told[0].2, "FORM_FILLING", "{lock}");
    }
}

#[test]
fn a_lock_that_forbids_every_change_and_seed_values_are_refused_by_name() {
    let lock = "<</Type/SigFieldLock/Action/All/P 1>>";
    let after = filled("final", template(|_, source| set(source, "Lock", lock)));
    let document = Document::open(&after).unwrap();
    let refused = Earlier::read(&document).unwrap_err();
    assert_eq!(refused, PdfError::Certified { permission: 1 });

    let seeded = template(|_, source| set(source, "SV", "<</Type/SV/Ff 1/Filter/X>>"));
    let place = Place::Existing {
        field: FIELD,
        rect: None,
    };
    assert_eq!(prepared(&seeded, place), Err(PdfError::FieldConditions));
}

#[test]
fn a_file_that_was_changed_or_bent_after_signing_gets_no_further_signature() {
    for (name, code) in [
        ("signed-byterange-tampered", "pdf/signature-broken"),
        ("signed-then-content-replaced", "pdf/changed-after-signing"),
        ("certified-docmdp-p1", "pdf/certified"),
    ] {
        let bytes = fixture(&format!("bad/{name}.pdf"));
        let document = Document::open(&bytes).unwrap();
        assert_eq!(Earlier::read(&document).unwrap_err().code(), code, "{name}");
    }
}
