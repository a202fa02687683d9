//! [`Update`]: an incremental update (ISO 32000-2, clause 7.5.6).
//!
//! ```text
//! bytes of the document, untouched
//! [EOL] 12 0 obj … endobj … xref (or an xref stream, as in the file) … /Prev … startxref %%EOF
//! └──────────────────────────── the tail, which is all that is made here ────────────────────┘
//! ```

use super::error::PdfError;
use super::object::{ObjRef, Object};
use super::reader::Document;
use super::xref::Form;
use crate::digest::{self, Sha256};
use crate::limits;
use std::borrow::Cow;
use std::collections::BTreeMap;
use std::ops::Range;

/// Numbers that stay free for what one update adds.
const ROOM: u32 = 4096;

/// Bytes at both ends of an object that the file identifier depends on.
const EDGE: usize = 1024;

/// Objects to be appended to a document.
#[derive(Debug)]
pub struct Update<'d> {
    document: &'d Document<'d>,
    /// Whether the document ends with an end of line.
    ends_line: bool,
    next: u32,
    /// Generation and body by object number.
    objects: BTreeMap<u32, (u16, Vec<u8>)>,
}

/// A finished tail, and where in the whole file the bodies of its objects stand.
pub(crate) struct Tail {
    pub(crate) bytes: Vec<u8>,
    pub(crate) bodies: BTreeMap<u32, Range<usize>>,
}

impl<'d> Update<'d> {
    /// An update without objects.
    ///
    /// # Errors
    /// [`PdfError::TooManyObjects`] if the document has no numbers left; [`PdfError::Unreadable`].
    pub fn new(document: &'d Document<'d>) -> Result<Self, PdfError> {
        let next = document.next_number();
        if next > limits::PDF_OBJECTS.saturating_sub(ROOM) {
            return Err(PdfError::TooManyObjects);
        }
        let length = document.length();
        let last = document.part(length.saturating_sub(1)..length)?;
        Ok(Self {
            document,
            ends_line: matches!(*last, [b'\n' | b'\r']),
            next,
            objects: BTreeMap::new(),
        })
    }

    /// The document that is updated, as it was before.
    #[must_use]
    pub fn document(&self) -> &'d Document<'d> {
        self.document
    }

    /// A number for a new object.
    pub fn reserve(&mut self) -> ObjRef {
        let reference = ObjRef::new(self.next);
        self.next += 1;
        reference
    }

    /// Writes an object: what stands between `obj` and `endobj`.
    pub fn put(&mut self, reference: ObjRef, body: Vec<u8>) {
        self.objects
            .insert(reference.num, (reference.generation, body));
    }

    /// A new object with this body.
    pub fn add(&mut self, body: Vec<u8>) -> ObjRef {
        let reference = self.reserve();
        self.put(reference, body);
        reference
    }

    /// Writes a stream. `entries` are those of its dictionary without `/Length`; `data` is encoded
    /// already, as its `/Filter` says.
    pub fn put_stream(&mut self, reference: ObjRef, entries: &[u8], data: &[u8]) {
        let length = data.len().to_string();
        let body = [
            b"<<",
            entries,
            b"/Length ",
            length.as_bytes(),
            b">>\nstream\n",
            data,
            b"\nendstream",
        ];
        self.put(reference, body.concat());
    }

    /// The body of an object as the update leaves it: new, patched, or the original bytes.
    ///
    /// # Errors
    /// If the object cannot be read.
    pub fn body(&self, reference: ObjRef) -> Result<Cow<'_, [u8]>, PdfError> {
        match self.objects.get(&reference.num) {
            Some((generation, body)) if *generation == reference.generation => {
                Ok(Cow::Borrowed(body))
            }
            _ => self.document.raw(reference),
        }
    }

    /// Replaces the body of an object by what `edit` makes of it ([`super::patch`]).
    ///
    /// # Errors
    /// If the object cannot be read, and what `edit` returns.
    pub fn patch(
        &mut self,
        reference: ObjRef,
        edit: impl FnOnce(&[u8]) -> Result<Vec<u8>, PdfError>,
    ) -> Result<(), PdfError> {
        let body = edit(&self.body(reference)?)?;
        self.put(reference, body);
        Ok(())
    }

    /// The tail: document and tail, one after the other, are the new file.
    #[must_use]
    pub fn finish(self) -> Vec<u8> {
        self.tail().bytes
    }

    pub(crate) fn tail(mut self) -> Tail {
        let prefix = self.document.length();
        let bodies = self.objects.values();
        let length = bodies.map(|(_, body)| body.len() + 80).sum::<usize>() + 1024;
        let mut out = Vec::with_capacity(length);
        if !self.ends_line {
            out.push(b'\n');
        }
        let identity = self.identity();
        let (form, previous) = match self.document.revisions().last() {
            Some(revision) => (revision.form, revision.startxref),
            None => (Form::Table, 0),
        };
        let own = (form == Form::Stream).then(|| self.reserve());
        let mut places: Vec<(u32, u16, usize)> = Vec::new();
        let mut bodies = BTreeMap::new();
        for (num, (generation, body)) in &self.objects {
            places.push((*num, *generation, prefix + out.len()));
            out.extend(format!("{num} {generation} obj\n").into_bytes());
            let start = prefix + out.len();
            bodies.insert(*num, start..start + body.len());
            out.extend_from_slice(body);
            out.extend_from_slice(b"\nendobj\n");
        }
        let startxref = prefix + out.len();
        let trailer = self.trailer(previous, &identity);
        match own {
            None => {
                out.extend(table(&places));
                out.extend_from_slice(b"trailer\n<<");
                out.extend(trailer);
                out.extend_from_slice(b">>\n");
            }
            Some(own) => {
                places.push((own.num, 0, startxref));
                out.extend(stream(own, &places, &trailer));
            }
        }
        out.extend(format!("startxref\n{startxref}\n%%EOF\n").into_bytes());
        Tail { bytes: out, bodies }
    }

    fn trailer(&self, previous: usize, [first, second]: &[Vec<u8>; 2]) -> Vec<u8> {
        let old = self.document.trailer();
        let reference = |key: &str| {
            let value = old.get(key.as_bytes()).and_then(Object::as_reference);
            value.map_or(String::new(), |value| format!("/{key} {value}"))
        };
        format!(
            "/Size {}{}{}/Prev {previous}/ID[<{}><{}>]",
            self.next,
            reference("Root"),
            reference("Info"),
            digest::hex(first),
            digest::hex(second)
        )
        .into_bytes()
    }

    /// The file identifier (clause 14.4): the first part stays, the second follows from what is added,
    /// so that the same input gives the same file. Of long objects, as fonts and pictures are, length
    /// and both ends say enough.
    fn identity(&self) -> [Vec<u8>; 2] {
        let document = self.document;
        let old = document.lookup(document.trailer(), b"ID");
        let old = old.ok().and_then(|id| {
            let parts = id.as_array()?.iter().map(Object::as_string);
            parts.map(|part| part.map(<[u8]>::to_vec)).collect()
        });
        let old: Vec<Vec<u8>> = old.unwrap_or_default();
        let numbers = self.objects.iter();
        let numbers: Vec<String> = numbers
            .map(|(num, (_, body))| format!("{num} {} ", body.len()))
            .collect();
        let length = document.length().to_string();
        let mut parts: Vec<&[u8]> = vec![length.as_bytes()];
        parts.extend(old.iter().map(Vec::as_slice));
        for (num, (_, body)) in numbers.iter().zip(self.objects.values()) {
            let (beginning, rest) = body.split_at_checked(EDGE).unwrap_or((body, &[]));
            let end = rest.get(rest.len().saturating_sub(EDGE)..);
            parts.extend([num.as_bytes(), beginning, end.unwrap_or_default()]);
        }
        let digest = Sha256::of_parts(&parts).0;
        let second: Vec<u8> = digest.iter().copied().take(16).collect();
        let first = old.into_iter().next().filter(|first| !first.is_empty());
        [first.unwrap_or_else(|| second.clone()), second]
    }
}

/// Runs of consecutive numbers.
fn runs(places: &[(u32, u16, usize)]) -> Vec<&[(u32, u16, usize)]> {
    places
        .chunk_by(|one, next| one.0.checked_add(1) == Some(next.0))
        .collect()
}

fn table(places: &[(u32, u16, usize)]) -> Vec<u8> {
    let mut out = b"xref\n".to_vec();
    for run in runs(places) {
        let first = run.first().map_or(0, |place| place.0);
        out.extend(format!("{first} {}\n", run.len()).into_bytes());
        for (_, generation, at) in run {
            out.extend(format!("{at:010} {generation:05} n \n").into_bytes());
        }
    }
    out
}

fn stream(own: ObjRef, places: &[(u32, u16, usize)], trailer: &[u8]) -> Vec<u8> {
    let mut rows: Vec<u8> = Vec::new();
    for (_, generation, at) in places {
        rows.push(1);
        // limits::PDF_IN_FILE keeps positions far below 4 GiB.
        rows.extend(u32::try_from(*at).unwrap_or(u32::MAX).to_be_bytes());
        rows.extend(generation.to_be_bytes());
    }
    let index: Vec<String> = runs(places)
        .into_iter()
        .map(|run| format!("{} {}", run.first().map_or(0, |place| place.0), run.len()))
        .collect();
    let head = format!(
        "{} {} obj\n<</Type/XRef/W[1 4 2]/Index[{}]",
        own.num,
        own.generation,
        index.join(" ")
    );
    let length = format!("/Length {}>>\nstream\n", rows.len());
    let parts = [
        head.as_bytes(),
        trailer,
        length.as_bytes(),
        &rows,
        b"\nendstream\nendobj\n",
    ];
    parts.concat()
}

/// A name with its solidus, escaped as clause 7.3.5 asks.
#[must_use]
pub fn name(bytes: &[u8]) -> Vec<u8> {
    let mut out = vec![b'/'];
    for byte in bytes {
        let regular = byte.is_ascii_graphic() && !super::lexer::is_delimiter(*byte);
        if regular && *byte != b'#' {
            out.push(*byte);
        } else {
            out.extend(format!("#{byte:02X}").into_bytes());
        }
    }
    out
}

/// A text string (clause 7.9.2.2): literal if it is ASCII, else UTF-16BE in hexadecimal.
#[must_use]
pub fn text_string(text: &str) -> Vec<u8> {
    if text.bytes().all(|byte| matches!(byte, b' '..=b'~')) {
        return literal(text.as_bytes());
    }
    let units = text.encode_utf16().flat_map(u16::to_be_bytes);
    let bytes: Vec<u8> = [0xfe, 0xff].into_iter().chain(units).collect();
    format!("<{}>", digest::hex(&bytes)).into_bytes()
}

/// A literal string of these bytes (clause 7.3.4.2).
#[must_use]
pub fn literal(bytes: &[u8]) -> Vec<u8> {
    let mut out = vec![b'('];
    for byte in bytes {
        match byte {
            b'(' | b')' | b'\\' => out.extend([b'\\', *byte]),
            b'\r' => out.extend_from_slice(b"\\r"),
            _ => out.push(*byte),
        }
    }
    out.push(b')');
    out
}

/// The text of a text string (clause 7.9.2.2): UTF-16BE or UTF-8 by its mark, else read as Latin-1,
/// from which PDFDocEncoding differs in 32 rare characters.
#[must_use]
pub fn text(bytes: &[u8]) -> String {
    match bytes {
        [0xfe, 0xff, rest @ ..] => {
            let units = rest.chunks(2).map(|pair| match pair {
                [high, low] => u16::from_be_bytes([*high, *low]),
                _ => 0xfffd,
            });
            char::decode_utf16(units)
                .map(|c| c.unwrap_or(char::REPLACEMENT_CHARACTER))
                .collect()
        }
        [0xef, 0xbb, 0xbf, rest @ ..] => String::from_utf8_lossy(rest).into_owned(),
        _ => bytes.iter().map(|byte| char::from(*byte)).collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pdf::lexer::{Lexer, Token};
    use proptest::prelude::*;

    #[test]
    fn texts_are_literal_if_they_can_be_and_utf_16_if_not() {
        assert_eq!(text_string("a(b)\\"), b"(a\\(b\\)\\\\)");
        assert_eq!(text_string("Lý"), b"<feff004c00fd>");
        assert_eq!(name(b"A B#/"), b"/A#20B#23#2F");
    }

    proptest! {
        #[test]
        fn a_text_is_read_back_as_it_was(written in any::<String>()) {
            let source = text_string(&written);
            let token = Lexer::at(&source, 0).token();
            let read = match &token {
                Ok(Token::String(bytes)) => Some(text(bytes)),
                _ => None,
            };
            prop_assert_eq!(read, Some(written));
        }

        #[test]
        fn a_name_is_read_back_as_it_was(bytes in prop::collection::vec(any::<u8>(), 0..20)) {
            let written = name(&bytes);
            prop_assert_eq!(Lexer::at(&written, 0).token(), Ok(Token::Name(bytes)));
        }
    }
}
