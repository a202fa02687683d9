//! Making room for a signature, and putting it there (ISO 32000-2, clause 12.8; ETSI EN 319 142-1).
//!
//! ```text
//! document │ tail: … /ByteRange [0 a b c   ] /Contents <0000…0000> … %%EOF
//! └──────── signed: 0 .. a ────────────────────────────┘└──gap───┘└─ b ..┘ c bytes
//! ```
//!
//! [`add`] appends field, widget and signature dictionary to an update; [`prepare`] finishes the update
//! and says which digest to sign; [`Prepared::fill`] puts the CMS into the gap. Between the last two may
//! lie days and another process: [`Prepared`] goes to bytes and back.

use super::earlier;
use super::error::PdfError;
use super::form::{self, Field};
use super::object::{Dict, ObjRef, Object};
use super::patch;
use super::reader::Document;
use super::writer::{self, Update};
use crate::clock::UnixTime;
use crate::digest::{self, Sha256};
use std::ops::Range;

/// Which field the signature goes into.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Place<'a> {
    /// A new one.
    New {
        /// Its name, without full stops; no other field may have it.
        field: &'a str,
        /// The page of its widget, from 0.
        page: usize,
        /// `[left, bottom, right, top]` in the page's user space; all zero if it is invisible.
        rect: [f64; 4],
    },
    /// An empty one that the file has already.
    Existing {
        /// Its full name.
        field: &'a str,
        /// Where its widget goes, in its page's user space; `None` leaves it where it is. A seal has its
        /// real size, whatever room a template left for it.
        rect: Option<[f64; 4]>,
    },
}

/// What the signature dictionary says, and how much room the signature needs.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Request<'a> {
    /// The field.
    pub place: Place<'a>,
    /// A form XObject, added to the same update, that the widget shows.
    pub appearance: Option<ObjRef>,
    /// `/M`, the claimed time of signing.
    pub signed_at: UnixTime,
    /// `/Name`: who signs, if it is not to be taken from the certificate.
    pub signer: Option<&'a str>,
    /// `/Reason`.
    pub reason: Option<&'a str>,
    /// `/Location`.
    pub location: Option<&'a str>,
    /// `/ContactInfo`.
    pub contact: Option<&'a str>,
    /// Upper bound of the CMS in bytes ([`crate::pki`] computes it).
    pub space: usize,
}

/// An empty signature field of a document.
#[derive(Clone, Debug, PartialEq)]
pub struct EmptyField {
    /// Its full name.
    pub name: String,
    /// The page of its widget, from 0, if it has one.
    pub page: Option<usize>,
    /// The rectangle of its widget.
    pub rect: [f64; 4],
}

/// The signature dictionary in an update that is not finished.
#[derive(Debug)]
pub struct Placeholder {
    value: ObjRef,
    byte_range: Range<usize>,
    contents: Range<usize>,
}

/// `[0 ` and three numbers of at most ten digits `]`.
const BYTE_RANGE: usize = 36;

/// The signature fields without a value.
///
/// # Errors
/// If the form or the page tree cannot be read.
pub fn empty_fields(document: &Document<'_>) -> Result<Vec<EmptyField>, PdfError> {
    let mut empty = Vec::new();
    for field in form::fields(document)? {
        if !field.is_signature() || field.dict.contains(b"V") {
            continue;
        }
        let widget = field.widgets.first().copied();
        let dict = match widget {
            Some(widget) => document.dict(&Object::Ref(widget), "widget")?,
            None => Dict::default(),
        };
        empty.push(EmptyField {
            name: field.name,
            page: widget.map_or(Ok(None), |widget| page_of(document, widget))?,
            rect: rectangle(document, &dict)?,
        });
    }
    Ok(empty)
}

fn page_of(document: &Document<'_>, widget: ObjRef) -> Result<Option<usize>, PdfError> {
    for (index, page) in document.page_references()?.into_iter().enumerate() {
        let page = document.dict(&Object::Ref(page), "page")?;
        let annotations = document.lookup(&page, b"Annots")?;
        let annotations = annotations.as_array().unwrap_or_default();
        if annotations.contains(&Object::Ref(widget)) {
            return Ok(Some(index));
        }
    }
    Ok(None)
}

fn rectangle(document: &Document<'_>, widget: &Dict) -> Result<[f64; 4], PdfError> {
    let rect = document.lookup(widget, b"Rect")?;
    let numbers: Vec<f64> = rect
        .as_array()
        .unwrap_or_default()
        .iter()
        .filter_map(Object::as_number)
        .collect();
    Ok(match numbers.as_slice() {
        [a, b, c, d] => [a.min(*c), b.min(*d), a.max(*c), b.max(*d)],
        _ => [0.0; 4],
    })
}

/// Adds field, widget and signature dictionary to an update. The signature is an approval signature;
/// earlier ones stay valid.
///
/// # Errors
/// [`PdfError::FieldExists`], [`PdfError::NoSuchField`], [`PdfError::FieldSigned`],
/// [`PdfError::FieldConditions`], [`PdfError::NoSuchPage`], and what makes the form unreadable.
pub fn add(update: &mut Update<'_>, request: &Request<'_>) -> Result<Placeholder, PdfError> {
    let fields = form::fields(update.document())?;
    let named = |name: &str| fields.iter().find(|field| field.name == name);
    match request.place {
        Place::New { field, page, rect } => {
            let (body, byte_range, contents) = value(request, None);
            if named(field).is_some() || field.is_empty() || field.contains('.') {
                return Err(PdfError::FieldExists);
            }
            let page = update.document().page(page)?;
            let value = update.add(body);
            let widget = update.reserve();
            let appearance = request.appearance.map_or(String::new(), normal_appearance);
            let rect = rect.map(coordinate).join(" ");
            let head = format!(
                "<</Type/Annot/Subtype/Widget/FT/Sig/Rect[{rect}]/F {PRINT_AND_LOCKED}/P {}/V {value}{appearance}/T",
                page.reference
            );
            let body = [head.as_bytes(), &writer::text_string(field), b">>"].concat();
            update.put(widget, body);
            annotate(update, page.reference, widget)?;
            register(update, Some(widget))?;
            Ok(Placeholder {
                value,
                byte_range,
                contents,
            })
        }
        Place::Existing { field, rect } => {
            let field = named(field).filter(|field| field.is_signature());
            let field = field.ok_or(PdfError::NoSuchField)?;
            if field.dict.contains(b"V") {
                return Err(PdfError::FieldSigned);
            }
            if field.dict.contains(b"SV") {
                return Err(PdfError::FieldConditions);
            }
            let lock = earlier::references(update.document(), &field.dict)?;
            let (body, byte_range, contents) = value(request, lock);
            let value = update.add(body);
            occupy(update, field, value, request.appearance, rect)?;
            register(update, None)?;
            Ok(Placeholder {
                value,
                byte_range,
                contents,
            })
        }
    }
}

/// Adds an invisible field for a time stamp of the whole file (ETSI EN 319 142-1, clause 5.4.3): what
/// [`Prepared::fill`] then takes is no CMS of ours but the token of an authority.
///
/// # Errors
/// [`PdfError::FieldExists`], and what makes the form unreadable.
pub fn add_time_stamp(
    update: &mut Update<'_>,
    field: &str,
    space: usize,
) -> Result<Placeholder, PdfError> {
    let fields = form::fields(update.document())?;
    if fields.iter().any(|known| known.name == field) || field.is_empty() || field.contains('.') {
        return Err(PdfError::FieldExists);
    }
    let page = update.document().page(0)?.reference;
    let (mut body, byte_range, contents) = with_room(
        b"<</Type/DocTimeStamp/Filter/Adobe.PPKLite/SubFilter/ETSI.RFC3161/ByteRange ",
        space,
    );
    body.extend_from_slice(b">>");
    let value = update.add(body);
    let head = format!(
        "<</Type/Annot/Subtype/Widget/FT/Sig/Rect[0 0 0 0]/F {PRINT_AND_LOCKED}/P {page}/V {value}/T"
    );
    let widget = [head.as_bytes(), &writer::text_string(field), b">>"].concat();
    let widget = update.add(widget);
    annotate(update, page, widget)?;
    register(update, Some(widget))?;
    Ok(Placeholder {
        value,
        byte_range,
        contents,
    })
}

/// Annotation flags 3 and 8 (table 167): it is printed and stays where it is.
const PRINT_AND_LOCKED: u8 = 132;

fn normal_appearance(form: ObjRef) -> String {
    format!("/AP<</N {form}>>")
}

/// A number as PDF spells it: no exponent, at most four decimals.
fn coordinate(number: f64) -> String {
    let text = format!("{number:.4}");
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

/// The body of the signature dictionary; where byte range and contents stand in it.
fn value(request: &Request<'_>, lock: Option<Vec<u8>>) -> (Vec<u8>, Range<usize>, Range<usize>) {
    let (mut body, byte_range, contents) = with_room(
        b"<</Type/Sig/Filter/Adobe.PPKLite/SubFilter/ETSI.CAdES.detached/ByteRange ",
        request.space,
    );
    body.extend(format!("/M({})", date(request.signed_at)).into_bytes());
    let texts = [
        ("/Name", request.signer),
        ("/Reason", request.reason),
        ("/Location", request.location),
        ("/ContactInfo", request.contact),
    ];
    for (key, text) in texts {
        if let Some(text) = text {
            body.extend_from_slice(key.as_bytes());
            body.extend(writer::text_string(text));
        }
    }
    if let Some(lock) = lock {
        body.extend_from_slice(b"/Reference");
        body.extend(lock);
    }
    body.extend_from_slice(b">>");
    (body, byte_range, contents)
}

/// The beginning of a signature dictionary, with room for byte range and contents, and where those are.
fn with_room(head: &[u8], space: usize) -> (Vec<u8>, Range<usize>, Range<usize>) {
    let mut body = head.to_vec();
    let byte_range = body.len()..body.len() + BYTE_RANGE;
    body.resize(byte_range.end, b' ');
    body.extend_from_slice(b"/Contents ");
    let contents = body.len()..body.len() + 2 * space + 2;
    body.push(b'<');
    body.resize(contents.end - 1, b'0');
    body.push(b'>');
    (body, byte_range, contents)
}

/// `D:20261121094200+07'00'` (clause 7.9.4).
#[must_use]
pub fn date(at: UnixTime) -> String {
    let at = at.local();
    format!(
        "D:{:04}{:02}{:02}{:02}{:02}{:02}+07'00'",
        at.year(),
        u8::from(at.month()),
        at.day(),
        at.hour(),
        at.minute(),
        at.second()
    )
}

/// Puts the value into a field that the file has already.
fn occupy(
    update: &mut Update<'_>,
    field: &Field,
    value: ObjRef,
    appearance: Option<ObjRef>,
    rect: Option<[f64; 4]>,
) -> Result<(), PdfError> {
    let value = value.to_string();
    update.patch(field.reference, |body| {
        patch::set_entry(body, b"V", value.as_bytes())
    })?;
    let Some((widget, appearance)) = field.widgets.first().zip(appearance) else {
        return Ok(());
    };
    let appearance = format!("<</N {appearance}>>");
    let flags = PRINT_AND_LOCKED.to_string();
    update.patch(*widget, |body| {
        let body = patch::set_entry(body, b"AP", appearance.as_bytes())?;
        // A template may have hidden it until it is signed.
        let body = patch::set_entry(&body, b"F", flags.as_bytes())?;
        match rect {
            Some(rect) => {
                let rect = format!("[{}]", rect.map(coordinate).join(" "));
                patch::set_entry(&body, b"Rect", rect.as_bytes())
            }
            None => Ok(body),
        }
    })
}

/// Adds the widget to its page; the page object is touched only if its `/Annots` is not an object of
/// its own.
fn annotate(update: &mut Update<'_>, page: ObjRef, widget: ObjRef) -> Result<(), PdfError> {
    let item = widget.to_string();
    let push = |_: &mut Update<'_>, list: &[u8]| patch::push_to_array(list, item.as_bytes());
    let body = update.body(page)?.into_owned();
    let changed = if let Some(changed) = edited(update, &body, b"Annots", push)? {
        changed
    } else {
        let list = update.add(format!("[{item}]").into_bytes()).to_string();
        patch::set_entry(&body, b"Annots", list.as_bytes())?
    };
    put_if_changed(update, page, &body, changed);
    Ok(())
}

/// Makes or extends the form: the field (if it is new) and `/SigFlags 3`, signatures exist and only
/// appending keeps them (table 225).
fn register(update: &mut Update<'_>, field: Option<ObjRef>) -> Result<(), PdfError> {
    let item = field.map_or(String::new(), |field| field.to_string());
    let extend = |update: &mut Update<'_>, form: &[u8]| extended(update, form, &item);
    let root = update.document().root()?;
    let catalog = update.body(root)?.into_owned();
    let changed = if let Some(changed) = edited(update, &catalog, b"AcroForm", extend)? {
        changed
    } else {
        let form = format!("<</Fields[{item}]/SigFlags 3>>").into_bytes();
        let form = update.add(form).to_string();
        patch::set_entry(&catalog, b"AcroForm", form.as_bytes())?
    };
    put_if_changed(update, root, &catalog, changed);
    Ok(())
}

/// The source of the form with the field (if there is one to add) and the flags.
fn extended(update: &mut Update<'_>, form: &[u8], item: &str) -> Result<Vec<u8>, PdfError> {
    let mut form = form.to_vec();
    if !item.is_empty() {
        let push = |_: &mut Update<'_>, list: &[u8]| patch::push_to_array(list, item.as_bytes());
        form = match edited(update, &form, b"Fields", push)? {
            Some(changed) => changed,
            None => patch::set_entry(&form, b"Fields", format!("[{item}]").as_bytes())?,
        };
    }
    let flags = patch::value(&form, b"SigFlags")?.and_then(|range| form.get(range));
    if flags == Some(b"3") {
        return Ok(form);
    }
    patch::set_entry(&form, b"SigFlags", b"3")
}

/// Changes the value of `key` in a dictionary: in the object that it refers to, or where it stands.
/// Gives back the dictionary's source; `None` if it has no such value.
fn edited(
    update: &mut Update<'_>,
    dict: &[u8],
    key: &[u8],
    edit: impl FnOnce(&mut Update<'_>, &[u8]) -> Result<Vec<u8>, PdfError>,
) -> Result<Option<Vec<u8>>, PdfError> {
    let value = patch::value(dict, key)?.and_then(|range| dict.get(range));
    let Some(value) = value.filter(|value| *value != b"null") else {
        return Ok(None);
    };
    if let Some(reference) = patch::reference(value)? {
        let before = update.body(reference)?.into_owned();
        let after = edit(update, &before)?;
        put_if_changed(update, reference, &before, after);
        return Ok(Some(dict.to_vec()));
    }
    let value = edit(update, value)?;
    patch::set_entry(dict, key, &value).map(Some)
}

/// What does not change is not written: an earlier signature sees every object that is.
fn put_if_changed(update: &mut Update<'_>, reference: ObjRef, before: &[u8], after: Vec<u8>) {
    if after != before {
        update.put(reference, after);
    }
}

/// A file that is whole but for its signature.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Prepared {
    /// Length of the document that the tail is appended to.
    prefix: usize,
    /// Where `<00…00>` stands in the tail.
    contents: Range<usize>,
    digest: Sha256,
    tail: Vec<u8>,
}

/// Finishes the update: byte range written, digest computed.
///
/// # Errors
/// [`PdfError::NotPrepared`] if the placeholder belongs to another update; [`PdfError::Unreadable`].
pub fn prepare(update: Update<'_>, placeholder: Placeholder) -> Result<Prepared, PdfError> {
    let document = update.document();
    let prefix = document.length();
    let tail = update.tail();
    let body = tail.bodies.get(&placeholder.value.num);
    let start = body.and_then(|body| body.start.checked_sub(prefix));
    let start = start.ok_or(PdfError::NotPrepared)?;
    let Placeholder {
        byte_range,
        contents,
        ..
    } = placeholder;
    let contents = start + contents.start..start + contents.end;
    let mut tail = tail.bytes;
    let range = [
        prefix + contents.start,
        prefix + contents.end,
        tail.len().saturating_sub(contents.end),
    ];
    let range = range.map(|number| number.to_string()).join(" ");
    let written = format!("{:<width$}]", format!("[0 {range}"), width = BYTE_RANGE - 1);
    tail.get_mut(start + byte_range.start..start + byte_range.end)
        .filter(|place| place.len() == written.len())
        .ok_or(PdfError::NotPrepared)?
        .copy_from_slice(written.as_bytes());
    let (before, behind) = around(&tail, &contents)?;
    let mut digest = document.digest()?;
    digest.update(before);
    digest.update(behind);
    Ok(Prepared {
        prefix,
        digest: digest.finish(),
        contents,
        tail,
    })
}

fn around<'t>(tail: &'t [u8], gap: &Range<usize>) -> Result<(&'t [u8], &'t [u8]), PdfError> {
    tail.get(..gap.start)
        .zip(tail.get(gap.end..))
        .ok_or(PdfError::NotPrepared)
}

impl Prepared {
    /// SHA-256 of all bytes of the file but the gap: the message digest of the CMS.
    #[must_use]
    pub fn digest(&self) -> Sha256 {
        self.digest
    }

    /// Length of the document that the tail is to be appended to.
    #[must_use]
    pub fn prefix(&self) -> usize {
        self.prefix
    }

    /// Bytes that a CMS may have.
    #[must_use]
    pub fn space(&self) -> usize {
        self.contents.len().saturating_sub(2) / 2
    }

    /// The tail with the signature in it. One preparation gives one signature.
    ///
    /// # Errors
    /// [`PdfError::SignatureTooLarge`]; nothing is ever cut off.
    pub fn fill(self, cms: &[u8]) -> Result<Vec<u8>, PdfError> {
        let space = self.space();
        if cms.len() > space {
            return Err(PdfError::SignatureTooLarge {
                needed: cms.len(),
                space,
            });
        }
        let Self {
            contents, mut tail, ..
        } = self;
        let digits = digest::hex(cms);
        let start = contents.start + 1;
        tail.get_mut(start..start + digits.len())
            .ok_or(PdfError::NotPrepared)?
            .copy_from_slice(digits.as_bytes());
        Ok(tail)
    }

    /// To be stored until the signature comes:
    /// `0x01 ‖ prefix (8) ‖ gap start (8) ‖ gap end (8) ‖ digest (32) ‖ tail`, numbers big-endian.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut out = vec![1];
        for number in [self.prefix, self.contents.start, self.contents.end] {
            out.extend(u64::try_from(number).unwrap_or(u64::MAX).to_be_bytes());
        }
        out.extend(self.digest.0);
        out.extend(&self.tail);
        out
    }

    /// Reads what [`Prepared::to_bytes`] wrote.
    ///
    /// # Errors
    /// [`PdfError::NotPrepared`] if it is anything else.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, PdfError> {
        Self::read(bytes).ok_or(PdfError::NotPrepared)
    }

    fn read(bytes: &[u8]) -> Option<Self> {
        let rest = bytes.strip_prefix(&[1])?;
        let (prefix, rest) = number(rest)?;
        let (start, rest) = number(rest)?;
        let (end, rest) = number(rest)?;
        let (digest, tail) = rest.split_first_chunk::<32>()?;
        let digits = tail
            .get(start..end)?
            .strip_prefix(b"<")?
            .strip_suffix(b">")?;
        let empty = digits.len() % 2 == 0 && digits.iter().all(|digit| *digit == b'0');
        empty.then(|| Self {
            prefix,
            contents: start..end,
            digest: Sha256(*digest),
            tail: tail.to_vec(),
        })
    }
}

fn number(bytes: &[u8]) -> Option<(usize, &[u8])> {
    let (number, rest) = bytes.split_first_chunk::<8>()?;
    let number = usize::try_from(u64::from_be_bytes(*number)).ok()?;
    Some((number, rest))
}
