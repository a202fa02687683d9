//! What the revisions after a signature did to the file.
//!
//! An update can replace any object, so a signature over an earlier revision vouches for what is shown
//! only if the later ones did nothing but sign. That is a list of what is allowed; all else is a change:
//!
//! * new objects that no earlier object refers to (a dangling reference would bring them to light);
//! * a catalog with another `/DSS`, `/Extensions` or `/Version`, an information dictionary with another
//!   `/ModDate` or `/Producer`;
//! * a catalog that got an `/AcroForm`, a form with more `/Fields` or other `/SigFlags`;
//! * a page with more `/Annots`, all of them widgets of signature fields that were signed since;
//! * an empty signature field that got `/V`, and its widget `/AP`.
//!
//! Entries are compared as values, all else byte for byte.

use super::error::PdfError;
use super::form::{self, Field};
use super::lexer::Lexer;
use super::object::{ObjRef, Object};
use super::parser;
use super::patch;
use super::reader::Document;
use std::collections::{BTreeMap, BTreeSet};

/// What later revisions did.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Changes {
    /// There are none, or they changed nothing.
    Nothing,
    /// They added signatures and nothing else.
    Signatures,
    /// They changed something else; this object is the first that shows it.
    Other(u32),
}

/// What the revisions after `revision` (from 1) did to the file.
///
/// # Errors
/// If an object of either revision cannot be read.
pub fn changes_after(document: &Document<'_>, revision: usize) -> Result<Changes, PdfError> {
    let last = document.revisions().len();
    let changed: BTreeSet<u32> = (revision + 1..=last)
        .flat_map(|later| document.changed_in(later))
        .collect();
    if changed.is_empty() {
        return Ok(Changes::Nothing);
    }
    let before = document.as_of(revision)?;
    let comparison = Comparison {
        before: &before,
        after: document,
        dangling: dangling(&before)?,
        signed: signed_since(&before, document)?,
    };
    let allowed = match comparison.allowed()? {
        Ok(allowed) => allowed,
        Err(object) => return Ok(Changes::Other(object)),
    };
    for num in changed {
        if !allowed.contains(&num) && !comparison.harmless(num)? {
            return Ok(Changes::Other(num));
        }
    }
    Ok(if comparison.signed.is_empty() {
        Changes::Nothing
    } else {
        Changes::Signatures
    })
}

struct Comparison<'d> {
    before: &'d Document<'d>,
    after: &'d Document<'d>,
    /// Numbers that objects refer to and that do not exist.
    dangling: BTreeSet<u32>,
    /// Signature fields that have a value now and had none.
    signed: Vec<Field>,
}

/// The objects that may differ, or the one that shows a change.
type Verdict = Result<BTreeSet<u32>, u32>;

impl Comparison<'_> {
    fn allowed(&self) -> Result<Verdict, PdfError> {
        let mut allowed = BTreeSet::new();
        let root = self.after.root()?;
        if self.before.root()? != root {
            return Ok(Err(root.num));
        }
        if !self.information(&mut allowed)? || !self.form(&mut allowed)? {
            return Ok(Err(root.num));
        }
        let pages = self.before.page_references()?;
        if pages != self.after.page_references()? {
            return Ok(Err(root.num));
        }
        for page in pages {
            if !self.annotations(page, &mut allowed)? {
                return Ok(Err(page.num));
            }
        }
        for field in &self.signed {
            let existed = !self.before.get(field.reference)?.is_null();
            let both = [field.reference].into_iter().chain(field.widgets.clone());
            for object in both.filter(|_| existed) {
                if !self.same_but(object, &[b"V", b"AP", b"F", b"M"])? {
                    return Ok(Err(object.num));
                }
                allowed.insert(object.num);
            }
        }
        Ok(Ok(allowed))
    }

    /// Whether the information dictionary differs at most in what every program writes there.
    fn information(&self, allowed: &mut BTreeSet<u32>) -> Result<bool, PdfError> {
        let info = |document: &Document<'_>| document.trailer().get(b"Info").cloned();
        match (info(self.before), info(self.after)) {
            (old, new) if old != new => Ok(false),
            (Some(Object::Ref(info)), _) => {
                allowed.insert(info.num);
                self.same_but(info, &[b"ModDate", b"Producer"])
            }
            _ => Ok(true),
        }
    }

    /// Whether catalog and form differ at most in what a new signature needs.
    fn form(&self, allowed: &mut BTreeSet<u32>) -> Result<bool, PdfError> {
        let root = self.after.root()?;
        if !self.same_but(root, &[b"AcroForm", b"DSS", b"Extensions", b"Version"])? {
            return Ok(false);
        }
        allowed.insert(root.num);
        let (old, new) = (
            entry(self.before, root, b"AcroForm")?,
            entry(self.after, root, b"AcroForm")?,
        );
        let Some(new) = new else {
            return Ok(old.is_none());
        };
        let place = old.as_ref().and_then(|old| old.object);
        if !self.stays(place, new.object, allowed)? {
            return Ok(false);
        }
        let Some(old) = old else {
            return Ok(true);
        };
        let keys: [&[u8]; 2] = [b"Fields", b"SigFlags"];
        if !same_entries(&old.source, &new.source, &keys)? {
            return Ok(false);
        }
        let fields: Vec<ObjRef> = self.signed.iter().map(|field| field.reference).collect();
        let (old, new) = (
            list(self.before, &old.source, b"Fields")?,
            list(self.after, &new.source, b"Fields")?,
        );
        self.grown(&old, &new, &fields, allowed)
    }

    /// Whether a page differs at most in widgets of new signatures.
    fn annotations(&self, page: ObjRef, allowed: &mut BTreeSet<u32>) -> Result<bool, PdfError> {
        if !self.same_but(page, &[b"Annots"])? {
            return Ok(false);
        }
        let (old, new) = (self.before.raw(page)?, self.after.raw(page)?);
        let old = list(self.before, &old, b"Annots")?;
        let new = list(self.after, &new, b"Annots")?;
        allowed.insert(page.num);
        let widgets = self.signed.iter().flat_map(|field| field.widgets.clone());
        self.grown(&old, &new, &widgets.collect::<Vec<_>>(), allowed)
    }

    /// Whether `new` is `old` with some of `additions` behind it; its object may then differ.
    fn grown(
        &self,
        old: &List,
        new: &List,
        additions: &[ObjRef],
        allowed: &mut BTreeSet<u32>,
    ) -> Result<bool, PdfError> {
        let Some(added) = new.items.strip_prefix(old.items.as_slice()) else {
            return Ok(false);
        };
        let known = |item: &Object| {
            let reference = item.as_reference();
            reference.is_some_and(|reference| additions.contains(&reference))
        };
        Ok(added.iter().all(known) && self.stays(old.object, new.object, allowed)?)
    }

    /// Whether a value stays in its object, or came into a new one; that object may then differ. One
    /// that existed already, the content of a page say, must not be turned into it.
    fn stays(
        &self,
        old: Option<u32>,
        new: Option<u32>,
        allowed: &mut BTreeSet<u32>,
    ) -> Result<bool, PdfError> {
        allowed.extend(new);
        match (old, new) {
            (None, Some(new)) => Ok(self.before.reference(new)?.is_none()),
            _ => Ok(old == new),
        }
    }

    /// Whether an object has the same bytes but for the values of some keys.
    fn same_but(&self, object: ObjRef, keys: &[&[u8]]) -> Result<bool, PdfError> {
        let (old, new) = (self.before.raw(object)?, self.after.raw(object)?);
        Ok(old == new || same_entries(&old, &new, keys)?)
    }

    /// Whether a changed object is the same as before, or new and not waited for.
    fn harmless(&self, num: u32) -> Result<bool, PdfError> {
        match (self.before.reference(num)?, self.after.reference(num)?) {
            (None, _) => Ok(!self.dangling.contains(&num)),
            (Some(old), Some(new)) if old == new => self.before.has_as(self.after, old),
            (Some(_), _) => Ok(false),
        }
    }
}

/// Whether two dictionaries have the same entries but for some keys.
fn same_entries(old: &[u8], new: &[u8], keys: &[&[u8]]) -> Result<bool, PdfError> {
    let kept = |body: &[u8]| -> Result<BTreeMap<Vec<u8>, Object>, PdfError> {
        let mut kept = BTreeMap::new();
        for (key, source) in patch::entries(body)? {
            if !keys.contains(&key.as_slice()) {
                kept.insert(key, parser::object(&mut Lexer::at(source, 0))?);
            }
        }
        Ok(kept)
    };
    Ok(kept(old)? == kept(new)?)
}

/// The value of an entry: in an object of its own, or where it stands.
struct Value {
    object: Option<u32>,
    source: Vec<u8>,
}

fn entry(document: &Document<'_>, owner: ObjRef, key: &[u8]) -> Result<Option<Value>, PdfError> {
    value(document, &document.raw(owner)?, key)
}

fn value(document: &Document<'_>, dict: &[u8], key: &[u8]) -> Result<Option<Value>, PdfError> {
    let Some(source) = patch::value(dict, key)?.and_then(|range| dict.get(range)) else {
        return Ok(None);
    };
    let object = patch::reference(source)?;
    let source = match object {
        Some(reference) => document.raw(reference)?.into_owned(),
        None => source.to_vec(),
    };
    let object = object.map(|reference| reference.num);
    Ok(Some(Value { object, source }))
}

/// An array of references, and the object it is in.
#[derive(Default)]
struct List {
    object: Option<u32>,
    items: Vec<Object>,
}

fn list(document: &Document<'_>, dict: &[u8], key: &[u8]) -> Result<List, PdfError> {
    let Some(value) = value(document, dict, key)? else {
        return Ok(List::default());
    };
    let items = match parser::object(&mut Lexer::at(&value.source, 0))? {
        Object::Array(items) => items,
        _ => Vec::new(),
    };
    let object = value.object;
    Ok(List { object, items })
}

fn signed_since(before: &Document<'_>, after: &Document<'_>) -> Result<Vec<Field>, PdfError> {
    let old = form::fields(before)?;
    let had_value = |field: &Field| {
        let same = old.iter().find(|old| old.reference == field.reference);
        same.is_some_and(|old| old.dict.contains(b"V"))
    };
    let mut fields = form::fields(after)?;
    fields.retain(|field| field.is_signature() && field.dict.contains(b"V") && !had_value(field));
    Ok(fields)
}

/// The numbers that objects of the file refer to and that do not exist.
fn dangling(document: &Document<'_>) -> Result<BTreeSet<u32>, PdfError> {
    let mut found = BTreeSet::new();
    for num in document.numbers()? {
        let Some(reference) = document.reference(num)? else {
            continue;
        };
        let mut stack = vec![document.get(reference)?];
        while let Some(object) = stack.pop() {
            match object {
                Object::Ref(to) => found.extend(Some(to.num)),
                Object::Array(items) => stack.extend(items),
                Object::Dict(dict) => stack.extend(dict.into_values()),
                Object::Stream(stream) => stack.extend(stream.dict.into_values()),
                _ => {}
            }
        }
    }
    let used: BTreeSet<u32> = document.numbers()?.into_iter().collect();
    Ok(found.difference(&used).copied().collect())
}
