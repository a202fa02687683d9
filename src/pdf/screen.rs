//! Whether a file may be stamped and signed at all.
//!
//! Every object is read once, streams are not inflated: an object that no page seems to use is signed
//! all the same, so a damaged or active one anywhere is a reason to refuse.

use super::error::PdfError;
use super::form;
use super::object::{Dict, Object};
use super::reader::Document;

/// Whether the file may be changed and signed: readable in every object, nothing active, not certified
/// against changes, and not signed yet.
///
/// # Errors
/// The first reason to refuse; among the reasons damage comes before [`PdfError::ActiveContent`], that
/// before [`PdfError::Certified`], and [`PdfError::AlreadySigned`] last.
pub fn screen(document: &Document<'_>) -> Result<(), PdfError> {
    screen_signed(document)?;
    let signed = |field: &form::Field| field.is_signature() && field.dict.contains(b"V");
    if form::fields(document)?.iter().any(signed) {
        return Err(PdfError::AlreadySigned);
    }
    // Usage rights (clause 12.8.2.3) are a signature without a field.
    match document.lookup(&document.catalog()?, b"Perms")? {
        Object::Null => Ok(()),
        _ => Err(PdfError::AlreadySigned),
    }
}

/// As [`screen`], for a file that is to get a further signature: earlier ones are no obstacle unless
/// they are a certification that allows no change.
///
/// # Errors
/// As [`screen`], without [`PdfError::AlreadySigned`].
pub fn screen_signed(document: &Document<'_>) -> Result<(), PdfError> {
    pages(document)?;
    for num in document.numbers()? {
        inert(document.numbered(num)?)?;
    }
    catalog(document)?;
    match super::inspect::certification(document)? {
        Some(permission @ 1) => Err(PdfError::Certified { permission }),
        _ => Ok(()),
    }
}

/// Whether every page and every object can be read, whatever is in them: what [`screen`] looks at first.
///
/// # Errors
/// The first damage.
pub fn legible(document: &Document<'_>) -> Result<(), PdfError> {
    pages(document)?;
    for num in document.numbers()? {
        document.numbered(num)?;
    }
    Ok(())
}

fn pages(document: &Document<'_>) -> Result<(), PdfError> {
    let pages = document.page_references()?;
    for (index, _) in pages.iter().enumerate().take(1) {
        document.page(index)?;
    }
    let catalog = document.catalog()?;
    let root = document.dict(catalog.get(b"Pages").unwrap_or(&Object::Null), "Pages")?;
    let stated = document.lookup(&root, b"Count")?.as_integer().unwrap_or(-1);
    if usize::try_from(stated) != Ok(pages.len()) {
        return Err(PdfError::PageCount {
            stated,
            counted: pages.len(),
        });
    }
    Ok(())
}

fn active(what: &'static str) -> PdfError {
    PdfError::ActiveContent { what }
}

fn catalog(document: &Document<'_>) -> Result<(), PdfError> {
    let catalog = document.catalog()?;
    if let Object::Dict(action) = document.lookup(&catalog, b"OpenAction")?
        && !action.is_name(b"S", b"GoTo")
    {
        return Err(active("OpenAction"));
    }
    let names = document.lookup(&catalog, b"Names")?;
    if names
        .as_dict()
        .is_some_and(|names| names.contains(b"JavaScript"))
    {
        return Err(active("JavaScript"));
    }
    let form = form::form(document)?;
    if form.is_some_and(|form| form.contains(b"XFA")) {
        return Err(active("XFA"));
    }
    let shown_otherwise = [
        (&b"Collection"[..], "Collection"),
        (b"NeedsRendering", "NeedsRendering"),
    ];
    let found = shown_otherwise
        .iter()
        .find(|(key, _)| catalog.contains(key));
    found.map_or(Ok(()), |(_, what)| Err(active(what)))
}

/// Actions (table 201) that run code, start programs, send or fetch data, or change what is seen.
const ACTIONS: &[&str] = &[
    "JavaScript",
    "Launch",
    "SubmitForm",
    "ImportData",
    "ResetForm",
    "Hide",
    "SetOCGState",
    "Rendition",
    "RichMediaExecute",
    "GoTo3DView",
    "GoToE",
    "Movie",
    "Sound",
];

/// Annotations (table 171) that play something.
const ANNOTATIONS: &[&str] = &["RichMedia", "Screen", "Movie", "Sound", "3D"];

/// Whether nothing in the object, however deep, acts by itself. The parser bounds the depth.
fn inert(object: Object) -> Result<(), PdfError> {
    let mut stack = vec![object];
    while let Some(object) = stack.pop() {
        match object {
            Object::Array(items) => stack.extend(items),
            Object::Dict(dict) => {
                quiet(&dict)?;
                stack.extend(dict.into_values());
            }
            Object::Stream(stream) => {
                if stream.dict.contains(b"F") {
                    return Err(active("external stream"));
                }
                quiet(&stream.dict)?;
                stack.extend(stream.dict.into_values());
            }
            _ => {}
        }
    }
    Ok(())
}

fn quiet(dict: &Dict) -> Result<(), PdfError> {
    let one_of = |key: &[u8], names: &'static [&'static str]| {
        let value = dict.get(key).and_then(Object::as_name);
        names
            .iter()
            .find(|name| value == Some(name.as_bytes()))
            .copied()
    };
    // Structure elements have /S too; there it names a role.
    let role = dict.is_name(b"Type", b"StructElem") || dict.contains(b"Pg");
    if let Some(what) = one_of(b"S", ACTIONS).filter(|_| !role) {
        return Err(active(what));
    }
    let annotation = dict.contains(b"Rect") && dict.contains(b"Subtype");
    if let Some(what) = one_of(b"Subtype", ANNOTATIONS).filter(|_| annotation) {
        return Err(active(what));
    }
    // Elsewhere AA is an ordinary name, of a font say.
    let may_trigger = annotation
        || dict.contains(b"FT")
        || dict.is_name(b"Type", b"Page")
        || dict.is_name(b"Type", b"Catalog");
    if may_trigger && dict.contains(b"AA") {
        return Err(active("AA"));
    }
    Ok(())
}
