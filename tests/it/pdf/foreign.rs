//! Shapes that thousands of other people's files have (docs/adr/0021): harmless ones are read, and what is
//! appended to them others read too; ambiguous ones are refused. Each file is made by hand, as small as its shape
//! allows.

use crate::judges::run;
use dauso::pdf::inspect::screen;
use dauso::pdf::{Document, Update};
use std::fs;

/// Objects of a file in the making.
struct Made {
    bytes: Vec<u8>,
    places: Vec<usize>,
}

const CATALOG: &str = "<</Type/Catalog/Pages 2 0 R>>";
const PAGES: &str = "<</Type/Pages/Kids[3 0 R]/Count 1>>";
const PAGE: &str = "<</Type/Page/Parent 2 0 R/MediaBox[0 0 595 842]/Contents 4 0 R>>";
const CONTENT: &str = "<</Length 9>>stream\n0 0 m 9 0\nendstream";

impl Made {
    /// Objects from number 1 on.
    fn of(bodies: &[&str]) -> Self {
        let mut made = Self {
            bytes: b"%PDF-1.7\n".to_vec(),
            places: Vec::new(),
        };
        for body in bodies {
            made.add(body);
        }
        made
    }

    fn sound() -> Self {
        Self::of(&[CATALOG, PAGES, PAGE, CONTENT])
    }

    fn add(&mut self, body: &str) {
        self.places.push(self.bytes.len());
        let number = self.places.len();
        self.write(&format!("{number} 0 obj\n{body}\nendobj\n"));
    }

    fn write(&mut self, text: &str) {
        self.bytes.extend_from_slice(text.as_bytes());
    }

    fn here(&self) -> usize {
        self.bytes.len()
    }

    /// A table of all objects whose rows end with `end`.
    fn table(&mut self, end: &str) {
        let rows: Vec<String> = self
            .places
            .iter()
            .map(|place| format!("{place:010} 00000 n{end}"))
            .collect();
        let size = rows.len() + 1;
        self.write(&format!("xref\n0 {size}\n0000000000 65535 f{end}"));
        self.write(&rows.concat());
    }

    /// A cross-reference stream of all objects, which does not list itself.
    fn stream_of_all(&mut self, more: &str) {
        let rows: Vec<String> = std::iter::once("00 0000 ff".to_owned())
            .chain(self.places.iter().map(|place| format!("01 {place:04x} 00")))
            .collect();
        let (own, rows) = (rows.len(), rows.join("\n"));
        self.write(&format!(
            "{own} 0 obj\n<</Type/XRef/Size {own}/Root 1 0 R/W[1 2 1]{more}\
             /Filter/ASCIIHexDecode/Length {}>>stream\n{rows}\nendstream\nendobj\n",
            rows.len()
        ));
    }

    fn trailer(&mut self, more: &str) {
        let size = self.places.len() + 1;
        self.write(&format!("trailer\n<</Size {size}/Root 1 0 R{more}>>\n"));
    }

    fn end(mut self, startxref: usize) -> Vec<u8> {
        self.write(&format!("startxref\n{startxref}\n%%EOF\n"));
        self.bytes
    }
}

/// The code with which a file is refused; `accepted` if it is not.
fn answer(bytes: &[u8]) -> &'static str {
    let screened = Document::open(bytes).and_then(|document| screen(&document));
    screened.err().map_or("accepted", |error| error.code())
}

/// The file is accepted, and with one more object others find nothing wrong in it.
fn is_updated(bytes: &[u8]) -> Vec<u8> {
    assert_eq!(answer(bytes), "accepted");
    let document = Document::open(bytes).unwrap();
    let mut update = Update::new(&document).unwrap();
    let added = update.add(b"(more)".to_vec());
    let longer = [bytes, &update.finish()].concat();
    let again = Document::open(&longer).unwrap();
    assert_eq!(
        again.get(added).unwrap().as_string(),
        Some(b"more".as_slice())
    );
    assert_eq!(again.page_count(), Ok(1));
    let file = tempfile::NamedTempFile::new().unwrap();
    fs::write(file.path(), &longer).unwrap();
    let output = run("qpdf", &["--check", file.path().to_str().unwrap()]);
    // 3: warnings only.
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(matches!(output.status.code(), Some(0 | 3)), "{said}");
    assert!(!said.contains("reconstruct"), "{said}");
    longer
}

#[test]
fn a_startxref_that_names_the_white_space_before_the_table_is_read() {
    let mut made = Made::sound();
    let start = made.here();
    made.write("\n  \n");
    made.table(" \n");
    made.trailer("");
    let bytes = made.end(start);
    is_updated(&bytes);
}

#[test]
fn a_previous_section_named_by_the_white_space_before_it_is_the_same_revision() {
    let mut made = Made::sound();
    made.write("   \n");
    let start = made.here();
    made.stream_of_all("");
    made.write(&format!("startxref\n{start}\n%%EOF\n"));
    let second = made.here();
    made.stream_of_all(&format!("/Prev {}", start - 3));
    let longer = is_updated(&made.end(second));
    let document = Document::open(&longer).unwrap();
    let starts: Vec<usize> = document.revisions().iter().map(|r| r.startxref).collect();
    assert_eq!(starts[..2], [start, second]);
}

#[test]
fn a_chain_that_comes_back_through_white_space_is_a_circle() {
    let mut made = Made::sound();
    let white = made.here();
    made.write("    \n");
    let start = made.here();
    made.table(" \n");
    made.trailer(&format!("/Prev {}", white + 1));
    let bytes = made.end(start);
    assert_eq!(answer(&bytes), "pdf/xref-damaged");
}

#[test]
fn a_table_whose_rows_all_end_with_one_byte_is_read_and_a_mixed_one_refused() {
    for end in ["\n", "\r"] {
        let mut made = Made::sound();
        let start = made.here();
        made.table(end);
        made.trailer("");
        is_updated(&made.end(start));
    }
    let mut mixed = Made::sound();
    let start = mixed.here();
    mixed.table("\n");
    mixed.trailer("");
    let mut bytes = mixed.end(start);
    let row = bytes
        .windows(9)
        .rposition(|part| part == b"00000 n\nt")
        .or_else(|| bytes.windows(8).rposition(|part| part == b"00000 n\n"))
        .unwrap();
    bytes.splice(row + 7..row + 8, *b" \n");
    assert_eq!(answer(&bytes), "pdf/xref-damaged");
}

#[test]
fn two_sections_of_one_saving_are_one_revision() {
    let mut made = Made::sound();
    let start = made.here();
    made.table(" \n");
    made.trailer("");
    made.write(&format!("startxref\n{start}\n%%EOF\n"));
    // As some programs update hybrid files: a table of what is new, and at once an empty one behind it.
    let fifth = made.here();
    made.write("5 0 obj\n(new)\nendobj\n");
    let second = made.here();
    made.write(&format!("xref\n5 1\n{fifth:010} 00000 n \n"));
    made.write(&format!("trailer\n<</Size 6/Root 1 0 R/Prev {start}>>\n"));
    let third = made.here();
    made.write("xref\n0 0\n");
    made.write(&format!("trailer\n<</Size 6/Root 1 0 R/Prev {second}>>\n"));
    let bytes = made.end(third);
    let document = Document::open(&bytes).unwrap();
    let starts: Vec<usize> = document.revisions().iter().map(|r| r.startxref).collect();
    assert_eq!(starts, [start, third]);
    assert_eq!(document.changed_in(2).into_iter().collect::<Vec<_>>(), [5]);
    let longer = is_updated(&bytes);
    assert_eq!(Document::open(&longer).unwrap().revisions().len(), 3);
}

#[test]
fn the_number_of_a_cross_reference_stream_that_does_not_list_itself_is_not_used_again() {
    let mut made = Made::sound();
    let start = made.here();
    made.stream_of_all("");
    let bytes = made.end(start);
    let document = Document::open(&bytes).unwrap();
    assert_eq!(document.next_number(), 6);
    is_updated(&bytes);
}

#[test]
fn further_ends_of_line_before_endstream_are_read_and_anything_else_refused() {
    for (between, expected) in [
        ("\n\n", "accepted"),
        ("\r\n\r\n", "accepted"),
        ("", "accepted"),
        ("\n0\n", "pdf/stream-length"),
        ("\n\0\n", "pdf/stream-length"),
    ] {
        let content = format!("<</Length 9>>stream\n0 0 m 9 0{between}endstream");
        let mut made = Made::of(&[CATALOG, PAGES, PAGE, &content]);
        let start = made.here();
        made.table(" \n");
        made.trailer("");
        assert_eq!(answer(&made.end(start)), expected, "{between:?}");
    }
}

#[test]
fn a_flate_stream_of_no_bytes_is_empty() {
    let empty = "<</Filter/FlateDecode/Length 0>>stream\n\nendstream";
    let mut made = Made::of(&[CATALOG, PAGES, PAGE, empty]);
    let start = made.here();
    made.table(" \n");
    made.trailer("");
    let bytes = is_updated(&made.end(start));
    let document = Document::open(&bytes).unwrap();
    let page = document.page(0).unwrap();
    assert_eq!(document.stream_data(&page.contents[0].1), Ok(Vec::new()));
}

#[test]
fn where_readers_differ_in_what_they_would_read_the_file_is_refused() {
    let made = || {
        let mut made = Made::sound();
        let start = made.here();
        made.table(" \n");
        made.trailer("");
        made.end(start)
    };
    assert_eq!(answer(&made()), "accepted");
    let junk = [b"HTTP/1.1 200 OK\r\n\r\n".as_slice(), &made()].concat();
    assert_eq!(answer(&junk), "pdf/not-a-pdf");
    let behind = [made(), b"<!-- cached -->".to_vec()].concat();
    assert_eq!(answer(&behind), "pdf/trailing-bytes");
    let mut header = made();
    header[5..8].copy_from_slice(b"x.y");
    assert_eq!(answer(&header), "pdf/not-a-pdf");
}
