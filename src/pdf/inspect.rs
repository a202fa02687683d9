//! What is signed in a file, and by which bytes (ISO 32000-2, clause 12.8).
//!
//! A signature counts for the bytes that its `/ByteRange` names, and only if that range is
//!
//! ```text
//! [0 a b c]   0 .. a    everything before the hexadecimal string of its own /Contents
//!             a .. b    exactly that string, from < to >
//!             b .. b+c  everything up to the end of a revision
//! ```
//!
//! Any other range is [`Coverage::Broken`], whatever the cryptography says: that is how universal
//! forgery, wrapping and incremental-saving attacks are told.

pub use super::difference::{Changes, changes_after};
pub use super::screen::{legible, screen, screen_signed};

use super::error::PdfError;
use super::form;
use super::lexer::{Lexer, Token};
use super::object::{Dict, ObjRef, Object};
use super::patch;
use super::reader::Document;
use super::writer;
use crate::digest::{Running, Sha256};
use crate::limits;
use crate::pki::cms::Content;
use std::ops::Range;

/// A signed signature field.
#[derive(Clone, Debug, PartialEq)]
pub struct SignatureField {
    /// The full name of the field.
    pub name: String,
    /// The field.
    pub field: ObjRef,
    /// The signature dictionary.
    pub value: ObjRef,
    /// `/ByteRange`, if it has four numbers that are not negative.
    pub byte_range: Option<[usize; 4]>,
    /// `/Contents`: the CMS, with the zeros that pad it.
    pub contents: Vec<u8>,
    /// `/SubFilter`, e.g. `ETSI.CAdES.detached`.
    pub sub_filter: String,
    /// `/M` as it stands, e.g. `D:20261121094200+07'00'`.
    pub claimed_time: Option<String>,
    /// `/Reason`.
    pub reason: Option<String>,
    /// `/ContactInfo`; ours hold the text of the QR.
    pub contact: Option<String>,
    /// `/P` of the DocMDP transform if this is a certification signature (12.8.2.2).
    pub certification: Option<i64>,
    /// Which part of the file it covers.
    pub coverage: Coverage,
}

/// Which part of a file a signature covers.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Coverage {
    /// All of it, but for its own contents.
    WholeFile,
    /// The file as it was at the end of this revision (from 1); later ones exist.
    Revision(usize),
    /// Not what a signature must cover; its cryptography means nothing.
    Broken(Fault),
}

/// What is wrong with a byte range.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Fault {
    /// There is none, or it does not have four numbers that are not negative.
    Malformed,
    /// It does not begin at byte 0.
    Start,
    /// What it leaves out is not exactly the string of `/Contents`.
    Gap,
    /// It does not end where a revision ends.
    End,
    /// The signature dictionary is in an object stream, or its contents are no hexadecimal string.
    Value,
}

impl SignatureField {
    /// The CMS without the zeros behind it, if its outer length says where it ends.
    #[must_use]
    pub fn cms(&self) -> &[u8] {
        let end = der_length(&self.contents);
        end.and_then(|end| self.contents.get(..end))
            .unwrap_or(&self.contents)
    }

    /// The two signed parts of the file; `None` if the coverage is broken.
    #[must_use]
    pub fn covered<'d>(&self, document: &'d Document<'d>) -> Option<Covered<'d>> {
        if matches!(self.coverage, Coverage::Broken(_)) {
            return None;
        }
        let [_, first, second, length] = self.byte_range?;
        let end = second.checked_add(length)?;
        let within = first <= second && end <= document.length();
        within.then_some(Covered {
            document,
            parts: [0..first, second..end],
        })
    }

    /// SHA-256 of the signed parts; `None` if the coverage is broken, or the file cannot be read.
    #[must_use]
    pub fn digest(&self, document: &Document<'_>) -> Option<Sha256> {
        let mut digest = Running::default();
        let covered = self.covered(document)?;
        let read = covered.feed(&mut |bytes| digest.update(bytes));
        read.then(|| digest.finish())
    }
}

/// The bytes of a file that a signature covers.
#[derive(Clone, Debug)]
pub struct Covered<'d> {
    document: &'d Document<'d>,
    parts: [Range<usize>; 2],
}

impl Content for Covered<'_> {
    fn feed(&self, to: &mut dyn FnMut(&[u8])) -> bool {
        let bytes = &self.document.bytes;
        let mut parts = self.parts.iter();
        parts.all(|part| bytes.feed(part.clone(), to).is_ok())
    }
}

/// Length of the definite-length DER element that `bytes` begin with.
fn der_length(bytes: &[u8]) -> Option<usize> {
    let length = usize::from(*bytes.get(1)?);
    if length < 0x80 {
        return Some(2 + length);
    }
    let octets = bytes.get(2..)?.get(..length - 0x80)?;
    if octets.is_empty() {
        return None;
    }
    let length = octets.iter().try_fold(0_usize, |length, octet| {
        length.checked_mul(256)?.checked_add(usize::from(*octet))
    })?;
    length.checked_add(2 + octets.len())
}

/// The signatures of a file in the order in which they were made.
///
/// # Errors
/// [`PdfError::TooManySignatures`], and what makes the form unreadable.
pub fn signatures(document: &Document<'_>) -> Result<Vec<SignatureField>, PdfError> {
    let mut found = Vec::new();
    for field in form::fields(document)? {
        if !field.is_signature() || !field.dict.contains(b"V") {
            continue;
        }
        if found.len() >= limits::PDF_SIGNATURES {
            return Err(PdfError::TooManySignatures);
        }
        let value = field.dict.get(b"V").and_then(Object::as_reference);
        let value = value.ok_or(PdfError::Structure {
            what: "signature dictionary",
        })?;
        found.push(signature(document, field.name, field.reference, value)?);
    }
    found.sort_by_key(|signature| {
        let end = signature
            .byte_range
            .map(|[_, _, second, length]| second.saturating_add(length));
        end.unwrap_or(usize::MAX)
    });
    Ok(found)
}

/// `/P` of the certification signature that the catalog names; 2 if it states none (table 257).
///
/// # Errors
/// If catalog or signature cannot be read.
pub fn certification(document: &Document<'_>) -> Result<Option<i64>, PdfError> {
    let permissions = document.lookup(&document.catalog()?, b"Perms")?;
    match permissions
        .as_dict()
        .map(|dict| document.lookup(dict, b"DocMDP"))
    {
        Some(Ok(Object::Dict(value))) => Ok(Some(permission(document, &value)?.unwrap_or(2))),
        Some(Err(error)) => Err(error),
        _ => Ok(None),
    }
}

/// `/P` of the DocMDP transform in a signature dictionary.
fn permission(document: &Document<'_>, value: &Dict) -> Result<Option<i64>, PdfError> {
    let references = document.lookup(value, b"Reference")?;
    for reference in references.as_array().unwrap_or_default() {
        let Object::Dict(reference) = document.resolve(reference)? else {
            continue;
        };
        if reference.is_name(b"TransformMethod", b"DocMDP") {
            let parameters = document.lookup(&reference, b"TransformParams")?;
            let permission = match parameters.as_dict() {
                Some(parameters) => document.lookup(parameters, b"P")?.as_integer(),
                None => None,
            };
            return Ok(Some(permission.unwrap_or(2)));
        }
    }
    Ok(None)
}

fn signature(
    document: &Document<'_>,
    name: String,
    field: ObjRef,
    value: ObjRef,
) -> Result<SignatureField, PdfError> {
    let dict = document.dict(&Object::Ref(value), "signature dictionary")?;
    let text = |key: &[u8]| -> Result<Option<String>, PdfError> {
        let value = document.lookup(&dict, key)?;
        Ok(value.as_string().map(writer::text))
    };
    let contents = dict.get(b"Contents").and_then(Object::as_string);
    let byte_range = dict.get(b"ByteRange").and_then(four_numbers);
    let sub_filter = document.lookup(&dict, b"SubFilter")?;
    let sub_filter = String::from_utf8_lossy(sub_filter.as_name().unwrap_or_default());
    let coverage = match coverage(document, value, byte_range)? {
        Ok(coverage) => coverage,
        Err(fault) => Coverage::Broken(fault),
    };
    Ok(SignatureField {
        name,
        field,
        value,
        byte_range,
        contents: contents.unwrap_or_default().to_vec(),
        sub_filter: sub_filter.into_owned(),
        claimed_time: text(b"M")?,
        reason: text(b"Reason")?,
        contact: text(b"ContactInfo")?,
        certification: permission(document, &dict)?,
        coverage,
    })
}

fn four_numbers(range: &Object) -> Option<[usize; 4]> {
    let numbers = range.as_array()?.iter().map(|number| {
        let number = number.as_integer()?;
        usize::try_from(number).ok()
    });
    numbers.collect::<Option<Vec<usize>>>()?.try_into().ok()
}

fn coverage(
    document: &Document<'_>,
    value: ObjRef,
    byte_range: Option<[usize; 4]>,
) -> Result<Result<Coverage, Fault>, PdfError> {
    let Some([start, first, second, length]) = byte_range else {
        return Ok(Err(Fault::Malformed));
    };
    if start != 0 {
        return Ok(Err(Fault::Start));
    }
    let Some(contents) = contents_string(document, value)? else {
        return Ok(Err(Fault::Value));
    };
    if contents != (first..second) {
        return Ok(Err(Fault::Gap));
    }
    let end = second.checked_add(length);
    let revision = document.revisions().iter().find(|revision| {
        // Whether the end of line behind %%EOF is signed makes no difference.
        end.is_some_and(|end| (revision.eof..=revision.end).contains(&end))
    });
    let Some(revision) = revision else {
        return Ok(Err(Fault::End));
    };
    if revision.number < document.revisions().len() {
        return Ok(Ok(Coverage::Revision(revision.number)));
    }
    let whole = document.length() <= revision.end;
    Ok(whole.then_some(Coverage::WholeFile).ok_or(Fault::End))
}

/// Where the hexadecimal string of `/Contents` stands in the file, from `<` to `>`.
fn contents_string(
    document: &Document<'_>,
    value: ObjRef,
) -> Result<Option<Range<usize>>, PdfError> {
    let Some(body) = document.body(value)? else {
        return Ok(None);
    };
    // A dictionary; the data of a stream behind it are not looked at.
    let end = body.end.min(body.start.saturating_add(limits::PDF_OBJECT));
    let source = document.part(body.start..end)?;
    let Some(range) = patch::value(&source, b"Contents")? else {
        return Ok(None);
    };
    let string = source.get(range.clone()).unwrap_or_default();
    let hexadecimal = string.first() == Some(&b'<')
        && matches!(Lexer::at(string, 0).token(), Ok(Token::String(_)));
    Ok(hexadecimal.then(|| body.start + range.start..body.start + range.end))
}
