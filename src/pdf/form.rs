//! The fields of an interactive form (ISO 32000-2, clause 12.7), as far as signatures need them.

use super::error::PdfError;
use super::object::{Dict, ObjRef, Object};
use super::reader::Document;
use super::writer;
use crate::limits;
use std::collections::BTreeSet;

/// A field that has a value of its own.
#[derive(Clone, Debug)]
pub(crate) struct Field {
    /// The full name (12.7.4.2), parts joined by full stops.
    pub(crate) name: String,
    pub(crate) reference: ObjRef,
    pub(crate) dict: Dict,
    /// `/FT`, perhaps inherited.
    pub(crate) kind: Vec<u8>,
    /// Its widgets: the field itself, or its children.
    pub(crate) widgets: Vec<ObjRef>,
}

impl Field {
    pub(crate) fn is_signature(&self) -> bool {
        self.kind == b"Sig"
    }
}

/// The dictionary of the form; `None` if there is no form.
pub(crate) fn form(document: &Document<'_>) -> Result<Option<Dict>, PdfError> {
    match document.lookup(&document.catalog()?, b"AcroForm")? {
        Object::Null => Ok(None),
        Object::Dict(form) => Ok(Some(form)),
        _ => Err(PdfError::Structure { what: "AcroForm" }),
    }
}

/// All fields that have no fields below them, in the order of the form.
pub(crate) fn fields(document: &Document<'_>) -> Result<Vec<Field>, PdfError> {
    let wrong = || PdfError::Structure { what: "form field" };
    let Some(form) = form(document)? else {
        return Ok(Vec::new());
    };
    let mut seen = BTreeSet::new();
    let mut found = Vec::new();
    // Nodes still to visit, the next one last: reference, name of the parent, inherited type, depth.
    let mut stack: Vec<(ObjRef, String, Vec<u8>, usize)> = Vec::new();
    for root in references(document, &form, b"Fields")?.into_iter().rev() {
        stack.push((root, String::new(), Vec::new(), 0));
    }
    while let Some((reference, above, kind, depth)) = stack.pop() {
        if !seen.insert(reference) || depth > limits::PDF_DEPTH {
            return Err(PdfError::ReferenceLoop);
        }
        let dict = match document.get(reference)? {
            Object::Dict(dict) => dict,
            // Some programs delete a field and leave its reference.
            Object::Null => continue,
            _ => return Err(wrong()),
        };
        let part = document.lookup(&dict, b"T")?;
        let name = match (part.as_string().map(writer::text), above.is_empty()) {
            (Some(part), true) => part,
            (Some(part), false) => format!("{above}.{part}"),
            (None, _) => above,
        };
        let own = document.lookup(&dict, b"FT")?;
        let kind = own.as_name().map_or(kind, <[u8]>::to_vec);
        let kids = references(document, &dict, b"Kids")?;
        let mut below = Vec::new();
        let mut widgets = Vec::new();
        for kid in kids {
            let kid_dict = document.get(kid)?;
            match kid_dict.as_dict().map(|kid_dict| kid_dict.contains(b"T")) {
                Some(true) => below.push(kid),
                Some(false) => widgets.push(kid),
                None => {}
            }
        }
        if below.is_empty() {
            if dict.is_name(b"Subtype", b"Widget") {
                widgets.insert(0, reference);
            }
            found.push(Field {
                name,
                reference,
                dict,
                kind,
                widgets,
            });
        } else {
            for kid in below.into_iter().rev() {
                stack.push((kid, name.clone(), kind.clone(), depth + 1));
            }
        }
    }
    Ok(found)
}

/// The array of references at `key`; empty if it is absent.
pub(crate) fn references(
    document: &Document<'_>,
    dict: &Dict,
    key: &[u8],
) -> Result<Vec<ObjRef>, PdfError> {
    match document.lookup(dict, key)? {
        Object::Null => Ok(Vec::new()),
        Object::Array(items) => items
            .iter()
            .map(|item| {
                item.as_reference().ok_or(PdfError::Structure {
                    what: "array of references",
                })
            })
            .collect(),
        _ => Err(PdfError::Structure {
            what: "array of references",
        }),
    }
}
