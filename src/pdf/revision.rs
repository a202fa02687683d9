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
pub(crate) fn tail(bytes: &[u8]) -> Result<(usize, usize), PdfError> {
    // Annex H of ISO 32000-1: readers look for the marker in the last 1,024 bytes.
    let from = bytes.len().saturating_sub(1024);
    let window = bytes.get(from..).unwrap_or_default();
    let startxref = rfind(window, b"startxref");
    let Some(eof) = rfind(window, b"%%EOF") else {
        return Err(match startxref {
            Some(_) => PdfError::NoEof,
            None => PdfError::Truncated,
        });
    };
    let end = from + eof + 5;
    let rest = bytes.get(end..).unwrap_or_default();
    if startxref.is_some_and(|start| start > eof) {
        return Err(PdfError::NoEof);
    }
    if !rest.iter().all(|byte| super::lexer::is_white(*byte)) {
        return Err(PdfError::TrailingBytes);
    }
    let start = from + startxref.ok_or(PdfError::Truncated)?;
    let (stated, eof) = ending(bytes, start).ok_or(PdfError::XrefDamaged { at: start })?;
    if eof != end {
        return Err(PdfError::XrefDamaged { at: start });
    }
    Ok((stated, end))
}

/// Reads `startxref N %%EOF` at `at`: the number, and the position behind the marker.
fn ending(bytes: &[u8], at: usize) -> Option<(usize, usize)> {
    let mut lexer = Lexer::at(bytes, at);
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
pub(crate) fn chain(
    bytes: &[u8],
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
        if forward && (next.is_some() || !linearized(bytes)) {
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

fn linearized(bytes: &[u8]) -> bool {
    let head = bytes.get(..1024).unwrap_or(bytes);
    find(head, b"/Linearized").is_some()
}

/// Numbers the layers by revision and finds where each revision ends. Oldest first.
pub(crate) fn revisions(
    bytes: &[u8],
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
        while let Some(further) = oldest_first.next_if(|next| {
            let between = bytes.get(last..next.section.at).unwrap_or_default();
            next.section.at > last && find(between, b"startxref").is_none()
        }) {
            further.revision = number;
            startxref = further.section.at;
            last = further.section.end;
        }
        let damaged = PdfError::XrefDamaged { at: startxref };
        if startxref < begin {
            return Err(damaged);
        }
        let rest = bytes.get(last..).unwrap_or_default();
        let Some(ahead) = find(rest, b"startxref") else {
            return Err(damaged);
        };
        let Some((stated, eof)) = ending(bytes, last + ahead) else {
            return Err(damaged);
        };
        let mut behind_white = Lexer::at(bytes, stated);
        behind_white.skip_white();
        if stated != startxref && behind_white.position() != startxref {
            return Err(damaged);
        }
        let mut behind = Lexer::at(bytes, eof);
        behind.eat_eol();
        begin = eof;
        found.push(Revision {
            number,
            startxref,
            eof,
            end: behind.position(),
            form,
        });
    }
    match found.last() {
        Some(newest) if newest.eof == file_end => Ok(found),
        _ => Err(PdfError::XrefDamaged { at: begin }),
    }
}

/// Position of the first `word` in `bytes`.
pub(crate) fn find(bytes: &[u8], word: &[u8]) -> Option<usize> {
    bytes.windows(word.len()).position(|window| window == word)
}

fn rfind(bytes: &[u8], word: &[u8]) -> Option<usize> {
    bytes.windows(word.len()).rposition(|window| window == word)
}
