//! Updates only append, and other readers are content with them.

use super::{fixture, goes_in, open_judges, pdfs, qpdf};
use dauso::pdf::inspect::screen;
use dauso::pdf::{Document, Object, Update, patch};

/// Adds a dictionary and a stream, and a private entry to catalog and first page.
fn updated(bytes: &[u8]) -> Vec<u8> {
    let document = Document::open(bytes).unwrap();
    let mut update = Update::new(&document).unwrap();
    let stream = update.reserve();
    update.put_stream(stream, b"/Type/Example", b"stream of an example");
    let dict = update.add(format!("<</Stream {stream}>>").into_bytes());
    for changed in [
        document.root().unwrap(),
        document.page(0).unwrap().reference,
    ] {
        let edit = |body: &[u8]| patch::set_entry(body, b"ViDu", dict.to_string().as_bytes());
        update.patch(changed, edit).unwrap();
    }
    [bytes, &update.finish()].concat()
}

#[test]
fn an_update_of_every_good_file_satisfies_qpdf_and_pikepdf_and_keeps_every_byte() {
    let directory = tempfile::tempdir().unwrap();
    let mut paths = Vec::new();
    let mut pages = Vec::new();
    for (name, bytes) in pdfs("pdf") {
        let Ok(before) = Document::open(&bytes) else {
            continue;
        };
        let changed = updated(&bytes);
        assert_eq!(&changed[..bytes.len()], &bytes, "{name}");
        let after = Document::open(&changed).unwrap();
        assert_eq!(
            after.revisions().len(),
            before.revisions().len() + 1,
            "{name}"
        );
        let forms = |document: &Document<'_>| document.revisions().last().unwrap().form;
        assert_eq!(forms(&after), forms(&before), "{name}");
        assert_eq!(after.page_count(), before.page_count(), "{name}");

        let catalog = after.catalog().unwrap();
        let added = after.lookup(&catalog, b"ViDu").unwrap();
        let stream = after.lookup(added.as_dict().unwrap(), b"Stream").unwrap();
        let stream = after.stream_data(stream.as_stream().unwrap()).unwrap();
        assert_eq!(stream, b"stream of an example", "{name}");

        // Whatever was there is there still, byte for byte.
        let root = before.root().unwrap();
        let page = before.page(0).unwrap().reference;
        for num in before.numbers().unwrap() {
            let reference = before.reference(num).unwrap().unwrap();
            if reference != root && reference != page {
                assert_eq!(after.raw(reference), before.raw(reference), "{name} {num}");
            }
        }
        assert_eq!(
            after.as_of(before.revisions().len()).unwrap().raw(page),
            before.raw(page),
            "{name}"
        );
        qpdf(&goes_in(&directory, &name, &changed));
        paths.push(goes_in(&directory, &name, &changed));
        pages.push(before.page_count().unwrap());
    }
    assert_eq!(paths.len(), 23);
    assert_eq!(open_judges(&paths), pages);
}

#[test]
fn lopdf_reads_what_was_added() {
    for name in [
        "transport-business-licence--xref-stream",
        "vehicle-badge--a6-landscape",
    ] {
        let changed = updated(&fixture(&format!("pdf/{name}.pdf")));
        let read = lopdf::Document::load_mem(&changed).unwrap();
        let added = read.catalog().unwrap().get(b"ViDu").unwrap();
        let (_, added) = read.dereference(added).unwrap();
        let stream = added.as_dict().unwrap().get(b"Stream").unwrap();
        let (_, stream) = read.dereference(stream).unwrap();
        assert_eq!(stream.as_stream().unwrap().content, b"stream of an example");
    }
}

#[test]
fn the_same_input_gives_the_same_file_and_another_identifier() {
    let bytes = fixture("pdf/restricted-road-permit--classic-xref-1.4.pdf");
    let once = updated(&bytes);
    assert_eq!(once, updated(&bytes));
    let identifier = |bytes: &[u8]| {
        let document = Document::open(bytes).unwrap();
        let id = document.lookup(document.trailer(), b"ID").unwrap();
        let parts = id.as_array().unwrap().iter().map(Object::as_string);
        parts.map(|part| part.unwrap().to_vec()).collect::<Vec<_>>()
    };
    let (before, after) = (identifier(&bytes), identifier(&once));
    assert_eq!(before[0], after[0]);
    assert_ne!(before[1], after[1]);
    assert_eq!(after[1].len(), 16);
    let twice = updated_again(&once);
    assert_ne!(identifier(&twice)[1], after[1]);
}

fn updated_again(bytes: &[u8]) -> Vec<u8> {
    let document = Document::open(bytes).unwrap();
    let mut update = Update::new(&document).unwrap();
    update.add(b"true".to_vec());
    [bytes, &update.finish()].concat()
}

#[test]
fn forty_updates_are_forty_revisions() {
    let mut bytes = fixture("pdf/vehicle-badge--a6-landscape.pdf");
    for _ in 0..40 {
        bytes = updated_again(&bytes);
    }
    let document = Document::open(&bytes).unwrap();
    assert_eq!(document.revisions().len(), 41);
    assert_eq!(screen(&document), Ok(()));
    assert_eq!(document.changed_in(41).len(), 1);
}
