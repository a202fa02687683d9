//! Revisions: what one saving of the file added (ISO 32000-2, clause 7.5.6).
//!
//! ```text
//! %PDF-1.7 … objects … xref … startxref 9 %%EOF ┆ objects … xref /Prev 9 … startxref 90 %%EOF ┆
//! └────────────── revision 1 ──────────────────┘└─────────────── revision 2 ─────────────────┘
//! ```
//!
//! The chain of `/Prev` must run strictly towards the beginning of the file, one `%%EOF` closes each
//! revision, and its `startxref` names the section that the chain came through. The exceptions are a
//! linearized file (annex F), whose first section stands before the second and which has two `%%EOF`, and
//! several sections without a `startxref` between them: one saving, as some programs update hybrid files.

use super::error::PdfError;
use super::lexer::{Lexer, Token};
use super::object::Object;
use super::source::{Bytes, find};
use super::xref::{Form, Section};
use crate::limits;

/// What one saving of the file added.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Revision {
    /// From 1, the oldest.
    pub number: usize,
    /// Position of its cross-reference section: what its `startxref` says.
    pub startxref: usize,
    /// Right behind its `%%EOF`.
    pub eof: usize,
    /// Behind the end of line that follows; the revision is `bytes[..end]`.
    pub end: usize,
    /// How its cross-reference section is written.
    pub form: Form,
}

/// A section and, in a hybrid-reference file, the stream that its `/XRefStm` names.
#[derive(Clone, Debug)]
pub(crate) struct Layer {
    pub(crate) section: Section,
    pub(crate) hidden: Option<Section>,
    /// From 1, the revision that it belongs to.
    pub(crate) revision: usize,
}

/// The position that the last `startxref` names, and the end of the last `%%EOF`.
pub(super) fn tail(bytes: &Bytes<'_>) -> Result<(usize, usize), PdfError> {
    // Annex H of ISO 32000-1: readers look for the marker in the last 1,024 bytes.
    let from = bytes.length().saturating_sub(1024);
    let window = bytes.part(from..bytes.length())?;
    let startxref = rfind(&window, b"startxref");
    let Some(eof) = rfind(&window, b"%%EOF") else {
        return Err(match startxref {
            Some(_) => PdfError::NoEof,
            None => PdfError::Truncated,
        });
    };
    let end = from + eof + 5;
    let rest = window.get(eof + 5..).unwrap_or_default();
    if startxref.is_some_and(|start| start > eof) {
        return Err(PdfError::NoEof);
    }
    if !rest.iter().all(|byte| super::lexer::is_white(*byte)) {
        return Err(PdfError::TrailingBytes);
    }
    let start = from + startxref.ok_or(PdfError::Truncated)?;
    let (stated, eof) = ending(bytes, start)?;
    if eof != end {
        return Err(PdfError::XrefDamaged { at: start });
    }
    Ok((stated, end))
}

/// Reads `startxref N %%EOF` at `at`: the number, and the position behind the marker.
fn ending(bytes: &Bytes<'_>, at: usize) -> Result<(usize, usize), PdfError> {
    bytes.parse(at, bytes.length(), |lexer| {
        stated(lexer).ok_or(PdfError::XrefDamaged { at })
    })
}

fn stated(lexer: &mut Lexer<'_>) -> Option<(usize, usize)> {
    if !lexer.eat(b"startxref") {
        return None;
    }
    let Ok(Token::Integer(stated)) = lexer.token() else {
        return None;
    };
    lexer.skip_white();
    let closed = lexer.eat(b"%%EOF");
    closed.then_some((usize::try_from(stated).ok()?, lexer.position()))
}

/// Follows `/Prev` from the section at `start`; `load` reads one section. Newest first.
pub(super) fn chain(
    bytes: &Bytes<'_>,
    start: usize,
    mut load: impl FnMut(usize) -> Result<Section, PdfError>,
) -> Result<Vec<Layer>, PdfError> {
    let mut layers: Vec<Layer> = Vec::new();
    let mut next = Some(start);
    let mut objects = 0_usize;
    while let Some(at) = next {
        if layers.len() > limits::PDF_REVISIONS {
            return Err(PdfError::TooManyRevisions);
        }
        let section = load(at)?;
        // Named by the white space before it: where readers look first, and of streams, that is no matter.
        if section.at != at && section.form == Form::Table && !layers.is_empty() {
            return Err(PdfError::XrefDamaged { at });
        }
        let hidden = position(&section, b"XRefStm")?;
        let hidden = hidden.filter(|_| section.form == Form::Table);
        let hidden = hidden.map(&mut load).transpose()?;
        objects += section.count() + hidden.as_ref().map_or(0, Section::count);
        if objects > usize::try_from(limits::PDF_OBJECTS).unwrap_or(usize::MAX) {
            return Err(PdfError::TooManyObjects);
        }
        next = position(&section, b"Prev")?;
        let forward = layers
            .last()
            .is_some_and(|layer| section.at >= layer.section.at);
        if forward && (next.is_some() || !linearized(bytes)?) {
            return Err(PdfError::XrefDamaged { at });
        }
        layers.push(Layer {
            section,
            hidden,
            revision: 0,
        });
    }
    Ok(layers)
}

fn position(section: &Section, key: &[u8]) -> Result<Option<usize>, PdfError> {
    let damaged = PdfError::XrefDamaged { at: section.at };
    match section.trailer.get(key) {
        None => Ok(None),
        Some(Object::Integer(at)) => usize::try_from(*at).map(Some).map_err(|_| damaged),
        Some(_) => Err(damaged),
    }
}

fn linearized(bytes: &Bytes<'_>) -> Result<bool, PdfError> {
    let head = bytes.part(0..bytes.length().min(1024))?;
    Ok(find(&head, b"/Linearized").is_some())
}

/// Numbers the layers by revision and finds where each revision ends. Oldest first.
pub(super) fn revisions(
    bytes: &Bytes<'_>,
    layers: &mut [Layer],
    file_end: usize,
) -> Result<Vec<Revision>, PdfError> {
    let mut found: Vec<Revision> = Vec::new();
    let mut begin = 0_usize;
    let mut oldest_first = layers.iter_mut().rev().peekable();
    while let Some(layer) = oldest_first.next() {
        let number = found.len() + 1;
        layer.revision = number;
        let form = layer.section.form;
        let mut last = layer.section.end;
        let mut startxref = layer.section.at;
        if let Some(first_part) = oldest_first.next_if(|next| next.section.at < startxref) {
            first_part.revision = number;
            startxref = first_part.section.at;
        }
        // Where this one's `startxref` stands: before the section of the next, or there is only one saving.
        let mut named = bytes.find(last..bytes.length(), b"startxref")?;
        while let Some(further) = oldest_first.next_if(|next| {
            let between = |named: usize| named + b"startxref".len() <= next.section.at;
            next.section.at > last && !named.is_some_and(between)
        }) {
            further.revision = number;
            startxref = further.section.at;
            last = further.section.end;
            named = bytes.find(last..bytes.length(), b"startxref")?;
        }
        let damaged = PdfError::XrefDamaged { at: startxref };
        if startxref < begin {
            return Err(damaged);
        }
        let Some(named) = named else {
            return Err(damaged);
        };
        let (stated, eof) = match ending(bytes, named) {
            Err(PdfError::XrefDamaged { .. }) => return Err(damaged),
            other => other?,
        };
        let behind_white = bytes.parse(stated, bytes.length(), |lexer| {
            lexer.skip_white();
            Ok(lexer.position())
        })?;
        if stated != startxref && behind_white != startxref {
            return Err(damaged);
        }
        let end = bytes.parse(eof, bytes.length(), |lexer| {
            lexer.eat_eol();
            Ok(lexer.position())
        })?;
        begin = eof;
        found.push(Revision {
            number,
            startxref,
            eof,
            end,
            form,
        });
    }
    match found.last() {
        Some(newest) if newest.eof == file_end => Ok(found),
        _ => Err(PdfError::XrefDamaged { at: begin }),
    }
}

fn rfind(bytes: &[u8], word: &[u8]) -> Option<usize> {
    bytes.windows(word.len()).rposition(|window| window == word)
}
