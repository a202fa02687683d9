//! A file that travels inside the document (ISO 32000-2, clauses 7.11.4 and 14.13).
//!
//! ```text
//! catalog ─ /AF [spec]                       which files belong to the document, and how
//!         └ /Names ─ /EmbeddedFiles ─ tree   all files by key, sorted by bytes
//!                                   └ spec ─ /EF /F ─► stream with /Subtype, /Params
//! ```
//!
//! Dictionaries that are there are patched in their bytes, one node per level of the tree.

use super::error::PdfError;
use super::lexer::Lexer;
use super::object::{ObjRef, Object};
use super::patch;
use super::reader::Document;
use super::signature;
use super::writer::{self, Update};
use crate::clock::UnixTime;
use crate::id::ResultId;
use crate::limits;

/// The name of the file that carries a result's credential (docs/formats/signed-pdf.md). The look-up code is
/// part of what the credential signs, and not inside.
#[must_use]
pub fn credential_name(id: ResultId) -> String {
    format!("dauso-{id}.cose")
}

/// A file to be embedded.
#[derive(Clone, Copy, Debug)]
pub struct Attachment<'a> {
    /// Its name, ASCII; also its key in the tree.
    pub name: &'a str,
    /// What it is, for people.
    pub description: &'a str,
    /// Its media type, e.g. `application/cose`.
    pub media_type: &'a str,
    /// When it was made.
    pub at: UnixTime,
    /// Its bytes.
    pub data: &'a [u8],
}

/// Embeds a file and names it as one that the document is based on (`/AFRelationship /Data`).
///
/// # Errors
/// [`PdfError::Structure`] and others if the names of the document cannot be read or are not sorted trees.
pub fn attach(update: &mut Update<'_>, file: &Attachment<'_>) -> Result<(), PdfError> {
    let stream = update.reserve();
    let date = signature::date(file.at);
    let subtype = writer::name(file.media_type.as_bytes());
    let entries = format!(
        "/Type /EmbeddedFile /Subtype {} /Params << /Size {} /CreationDate ({date}) /ModDate ({date}) >>",
        String::from_utf8_lossy(&subtype),
        file.data.len()
    );
    update.put_stream(stream, entries.as_bytes(), file.data);
    let name = writer::text_string(file.name);
    let embedded = format!("/EF<</F {stream}/UF {stream}>>/Desc ");
    let spec = [
        b"<</Type/Filespec/AFRelationship/Data/F ".as_slice(),
        &name,
        b"/UF ",
        &name,
        embedded.as_bytes(),
        &writer::text_string(file.description),
        b">>",
    ];
    let spec = update.add(spec.concat());
    let root = update.document().root()?;
    let catalog = update.body(root)?.into_owned();
    let item = spec.to_string();
    let catalog = edited(update, &catalog, b"AF", b"[]", |_, list| {
        patch::push_to_array(list, item.as_bytes())
    })?;
    let catalog = edited(update, &catalog, b"Names", b"<<>>", |update, names| {
        edited(update, names, b"EmbeddedFiles", b"<<>>", |update, tree| {
            insert(update, tree, file.name.as_bytes(), spec, 0)
        })
    })?;
    update.put(root, catalog);
    Ok(())
}

/// Changes the value of `key`: in the object that it refers to, or where it stands; `empty` is changed and
/// put there if it is missing.
fn edited(
    update: &mut Update<'_>,
    dict: &[u8],
    key: &[u8],
    empty: &[u8],
    edit: impl FnOnce(&mut Update<'_>, &[u8]) -> Result<Vec<u8>, PdfError>,
) -> Result<Vec<u8>, PdfError> {
    let value = patch::value(dict, key)?.and_then(|range| dict.get(range));
    let value = value.filter(|value| *value != b"null").unwrap_or(empty);
    if let Some(reference) = patch::reference(value)? {
        let body = update.body(reference)?.into_owned();
        let body = edit(update, &body)?;
        update.put(reference, body);
        return Ok(dict.to_vec());
    }
    let value = edit(update, value)?;
    patch::set_entry(dict, key, &value)
}

/// A name tree's node with one more entry (7.9.6): in the leaf that it belongs to by its key.
fn insert(
    update: &mut Update<'_>,
    node: &[u8],
    key: &[u8],
    value: ObjRef,
    depth: usize,
) -> Result<Vec<u8>, PdfError> {
    if depth > limits::PDF_DEPTH {
        return Err(PdfError::ReferenceLoop);
    }
    let node = if patch::value(node, b"Kids")?.is_some() {
        insert_below(update, node, key, value, depth)?
    } else {
        let entry = [writer::literal(key), format!(" {value}").into_bytes()].concat();
        edited(update, node, b"Names", b"[]", |update, names| {
            let items = items(update.document(), names)?;
            let keys = items.iter().step_by(2).map(|(key, _)| key.as_slice());
            let before = keys.take_while(|other| *other < key).count();
            let at = items.get(2 * before).map(|(_, at)| *at);
            insert_at(names, at, &entry)
        })?
    };
    widened(&node, key)
}

/// Goes on with the first kid that ends behind the key, or with the last.
fn insert_below(
    update: &mut Update<'_>,
    node: &[u8],
    key: &[u8],
    value: ObjRef,
    depth: usize,
) -> Result<Vec<u8>, PdfError> {
    let wrong = PdfError::Structure { what: "name tree" };
    let range = patch::value(node, b"Kids")?.ok_or(wrong.clone())?;
    let source = node.get(range).unwrap_or_default();
    let kids = match patch::reference(source)? {
        Some(reference) => update.body(reference)?.into_owned(),
        None => source.to_vec(),
    };
    let Object::Array(kids) = super::parser::object(&mut Lexer::at(&kids, 0))? else {
        return Err(wrong);
    };
    let mut chosen = None;
    for kid in kids {
        let kid = kid.as_reference().ok_or(wrong.clone())?;
        chosen = Some(kid);
        let dict = update.document().dict(&Object::Ref(kid), "name tree")?;
        let limits = update.document().lookup(&dict, b"Limits")?;
        let upper = limits.as_array().and_then(<[Object]>::last);
        let upper = upper.and_then(Object::as_string).ok_or(wrong.clone())?;
        if key < upper {
            break;
        }
    }
    let kid = chosen.ok_or(wrong)?;
    let body = update.body(kid)?.into_owned();
    let body = insert(update, &body, key, value, depth + 1)?;
    update.put(kid, body);
    Ok(node.to_vec())
}

/// A node whose `/Limits` (every node but the root has them) reach as far as the key.
fn widened(node: &[u8], key: &[u8]) -> Result<Vec<u8>, PdfError> {
    let Some(range) = patch::value(node, b"Limits")? else {
        return Ok(node.to_vec());
    };
    let source = node.get(range).unwrap_or_default();
    let Object::Array(limits) = super::parser::object(&mut Lexer::at(source, 0))? else {
        return Err(PdfError::Structure { what: "name tree" });
    };
    let [Object::String(lower), Object::String(upper)] = limits.as_slice() else {
        return Err(PdfError::Structure { what: "name tree" });
    };
    if lower.as_slice() <= key && key <= upper.as_slice() {
        return Ok(node.to_vec());
    }
    let lower = lower.as_slice().min(key);
    let upper = upper.as_slice().max(key);
    let limits = [
        b"[".as_slice(),
        &writer::literal(lower),
        &writer::literal(upper),
        b"]",
    ]
    .concat();
    patch::set_entry(node, b"Limits", &limits)
}

/// The items of an array in its source: strings by their bytes, others empty, each with its position.
fn items(document: &Document<'_>, array: &[u8]) -> Result<Vec<(Vec<u8>, usize)>, PdfError> {
    let mut found = Vec::new();
    for (item, at) in patch::items(array)? {
        let item = document.resolve(&item)?;
        found.push((item.as_string().unwrap_or_default().to_vec(), at));
    }
    Ok(found)
}

fn insert_at(array: &[u8], at: Option<usize>, entry: &[u8]) -> Result<Vec<u8>, PdfError> {
    match at {
        Some(at) => Ok(patch::insert(array, at, entry)),
        None => patch::push_to_array(array, entry),
    }
}

/// The embedded files that the catalog names as belonging to the document: name and bytes of each.
///
/// # Errors
/// If one of them cannot be read.
pub fn associated(document: &Document<'_>) -> Result<Vec<(String, Vec<u8>)>, PdfError> {
    let list = document.lookup(&document.catalog()?, b"AF")?;
    let mut found = Vec::new();
    for spec in list.as_array().unwrap_or_default() {
        let spec = document.dict(spec, "file specification")?;
        let name = document.lookup(&spec, b"UF")?;
        let Object::Dict(files) = document.lookup(&spec, b"EF")? else {
            continue;
        };
        if let (Some(name), Object::Stream(stream)) =
            (name.as_string(), document.lookup(&files, b"F")?)
        {
            found.push((writer::text(name), document.stream_data(&stream)?));
        }
    }
    Ok(found)
}
