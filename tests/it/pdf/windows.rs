//! A file that is read where it lies, a piece at a time, says the same as in memory.

use super::{fixture, pdfs};
use dauso::digest::Running;
use dauso::pdf::earlier::Earlier;
use dauso::pdf::inspect::{changes_after, legible, screen, screen_signed, signatures};
use dauso::pdf::signature::empty_fields;
use dauso::pdf::{Document, Object, PdfError, Source};
use proptest::prelude::*;
use std::cell::Cell;
use std::fmt::Write as _;
use std::io;

/// A file that counts the bytes that were read of it.
struct Pieces<'a> {
    bytes: &'a [u8],
    piece: usize,
    read: Cell<usize>,
}

impl<'a> Pieces<'a> {
    fn of(bytes: &'a [u8], piece: usize) -> Self {
        let read = Cell::new(0);
        Self { bytes, piece, read }
    }
}

impl Source for Pieces<'_> {
    fn length(&self) -> usize {
        self.bytes.len()
    }

    fn read(&self, at: usize, into: &mut [u8]) -> io::Result<()> {
        self.read.set(self.read.get() + into.len());
        into.copy_from_slice(&self.bytes[at..at + into.len()]);
        Ok(())
    }

    fn piece(&self) -> usize {
        self.piece
    }
}

/// Everything that a reader can say of a file.
fn told(document: Result<Document<'_>, PdfError>) -> String {
    let document = match document {
        Ok(document) => document,
        Err(error) => return format!("{error:?}"),
    };
    let mut said = format!("{} {:?}\n", document.length(), document.revisions());
    let numbers = document.numbers();
    let _ = writeln!(said, "{numbers:?} {}", document.next_number());
    for num in numbers.unwrap_or_default() {
        let object = document.numbered(num);
        let reference = document.reference(num).ok().flatten();
        let raw = reference.map(|reference| document.raw(reference));
        let _ = writeln!(said, "{num} {object:?} {raw:?}");
        if let Ok(Object::Stream(stream)) = object {
            let _ = writeln!(said, "{:?}", document.stream_data(&stream));
        }
    }
    let _ = writeln!(said, "{:?}", document.page_references());
    for index in 0..document.page_count().unwrap_or(0) {
        let _ = writeln!(said, "{:?}", document.page(index));
    }
    let _ = writeln!(
        said,
        "{:?} {:?}",
        screen(&document),
        screen_signed(&document)
    );
    let _ = writeln!(
        said,
        "{:?} {:?}",
        legible(&document),
        empty_fields(&document)
    );
    let _ = writeln!(said, "{:?}", Earlier::read(&document));
    let found = signatures(&document);
    for signature in found.iter().flatten() {
        let _ = writeln!(said, "{:?}", signature.digest(&document));
    }
    let _ = writeln!(said, "{found:?}");
    for revision in 1..=document.revisions().len() {
        let earlier = document.as_of(revision);
        let earlier = earlier.and_then(|earlier| earlier.page_count());
        let _ = writeln!(said, "{earlier:?} {:?}", changes_after(&document, revision));
    }
    let _ = writeln!(said, "{:?}", document.digest().map(Running::finish));
    said
}

#[test]
fn every_good_and_bad_file_says_the_same_through_windows_of_any_size() {
    for (name, bytes) in pdfs("pdf").into_iter().chain(pdfs("bad")) {
        let in_memory = told(Document::open(&bytes));
        for piece in [1, 13, 64, 1_000, 8_192] {
            let pieces = Pieces::of(&bytes, piece);
            let through = told(Document::open_in(&pieces));
            assert!(through == in_memory, "{name} in pieces of {piece}");
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(60))]
    #[test]
    fn a_file_with_bytes_changed_says_the_same_through_windows(
        which in any::<prop::sample::Index>(),
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..4),
        piece in 1_usize..300,
    ) {
        let small = ["pdf/practising-certificate--signed-once", "pdf/transport-business-licence--hybrid-xref",
            "pdf/construction-permit--three-revisions", "pdf/transport-business-licence--xref-stream",
            "pdf/restricted-road-permit--classic-xref-1.4"];
        let mut bytes = fixture(&format!("{}.pdf", which.get(&small)));
        for (place, byte) in changes {
            let place = place.index(bytes.len());
            bytes[place] = byte;
        }
        let in_memory = told(Document::open(&bytes));
        let pieces = Pieces::of(&bytes, piece);
        prop_assert_eq!(told(Document::open_in(&pieces)), in_memory);
    }
}

/// A sound file with these objects, the first of them the catalog.
fn assembled(bodies: &[Vec<u8>]) -> Vec<u8> {
    let mut out = b"%PDF-1.7\n".to_vec();
    let mut table = String::from("0000000000 65535 f \n");
    for (place, body) in bodies.iter().enumerate() {
        let _ = writeln!(table, "{:010} 00000 n ", out.len());
        out.extend(format!("{} 0 obj\n", place + 1).into_bytes());
        out.extend_from_slice(body);
        out.extend_from_slice(b"\nendobj\n");
    }
    let (start, size) = (out.len(), bodies.len() + 1);
    let trailer = format!("trailer\n<</Size {size}/Root 1 0 R>>\nstartxref\n{start}\n%%EOF\n");
    out.extend(format!("xref\n0 {size}\n{table}{trailer}").into_bytes());
    out
}

fn page_with(more: &[Vec<u8>]) -> Vec<u8> {
    let own = [
        &b"<</Type/Catalog/Pages 2 0 R>>"[..],
        b"<</Type/Pages/Kids[3 0 R]/Count 1>>",
        b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 595 842]>>",
    ];
    let all: Vec<Vec<u8>> = own
        .map(<[u8]>::to_vec)
        .into_iter()
        .chain(more.to_vec())
        .collect();
    assembled(&all)
}

#[test]
fn the_data_of_a_picture_are_passed_over_unread() {
    let mut picture = b"<</Type/XObject/Subtype/Image/Length 3000000>>stream\n".to_vec();
    picture.resize(picture.len() + 3_000_000, b'x');
    picture.extend_from_slice(b"\nendstream");
    let bytes = page_with(&[picture]);
    let pieces = Pieces::of(&bytes, 8_192);
    let document = Document::open_in(&pieces).unwrap();
    assert_eq!(screen(&document), Ok(()));
    assert!(pieces.read.get() < 100_000, "{}", pieces.read.get());
    // What it says of its length is held to all the same.
    let short = String::from_utf8(bytes.clone()).unwrap();
    let short = short
        .replacen("/Length 3000000", "/Length 2999999", 1)
        .into_bytes();
    let pieces = Pieces::of(&short, 8_192);
    let document = Document::open_in(&pieces).unwrap();
    assert_eq!(screen(&document).unwrap_err().code(), "pdf/stream-length");
    assert!(pieces.read.get() < 100_000, "{}", pieces.read.get());
}

#[test]
fn an_object_of_any_size_is_read_up_to_the_limit_and_refused_beyond_it() {
    let text = |bytes: usize| [b"(".to_vec(), vec![b'x'; bytes], b")".to_vec()].concat();
    for (size, said) in [
        (100_000, Ok(())),
        (8_000_000, Ok(())),
        (8_500_000, Err("pdf/object-too-large")),
    ] {
        let bytes = page_with(&[text(size)]);
        let pieces = Pieces::of(&bytes, 8_192);
        let document = [Document::open(&bytes), Document::open_in(&pieces)];
        for document in document {
            let screened = screen(&document.unwrap());
            assert_eq!(screened.map_err(|error| error.code()), said, "{size}");
        }
    }
}

#[test]
fn a_file_that_can_no_longer_be_read_is_an_error_with_its_place() {
    struct Gone<'a>(Pieces<'a>);
    impl Source for Gone<'_> {
        fn length(&self) -> usize {
            self.0.length()
        }
        fn read(&self, at: usize, into: &mut [u8]) -> io::Result<()> {
            if self.0.read.get() > 20_000 {
                return Err(io::Error::other("gone"));
            }
            self.0.read(at, into)
        }
    }
    let bytes = fixture("pdf/oversize-permit--40-pages.pdf");
    let gone = Gone(Pieces::of(&bytes, 100));
    let document = Document::open_in(&gone).unwrap();
    let refused = screen(&document).unwrap_err();
    assert_eq!(refused.code(), "pdf/unreadable");
    assert_eq!(document.digest().unwrap_err().code(), "pdf/unreadable");
}
