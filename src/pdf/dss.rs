//! The document security store (ISO 32000-2, clause 12.8.4.3; ETSI EN 319 142-1, clause 5.4.2): certificates,
//! OCSP answers and CRLs that a verifier will need when nobody answers any more.
//!
//! ```text
//! catalog /DSS ──► << /Certs [ … ] /OCSPs [ … ] /CRLs [ … ]          streams of DER
//!                     /VRI << /4E7F…  << /Cert [ … ] /OCSP [ … ] /CRL [ … ] >> >> >>
//!                             └── SHA-1 of the /Contents of a signature, zeros included: a name, no protection
//! ```
//!
//! **Invariant:** what stands in a store stays; the new one is another object, which repeats the references of
//! the old one and adds to them.

use super::error::PdfError;
use super::object::{Dict, ObjRef, Object};
use super::patch;
use super::reader::Document;
use super::writer::Update;
use crate::digest::Sha256;
use crate::limits;
use crate::pki::crl::Crl;
use crate::pki::ocsp::Answer;
use crate::pki::{Certificate, Evidence};
use std::collections::BTreeMap;

/// The keys of the store and of what it says about one signature.
const KINDS: [(&str, &str); 3] = [("Certs", "Cert"), ("OCSPs", "OCSP"), ("CRLs", "CRL")];

/// Adds evidence to the store of a document. `contents` is the `/Contents` of the signature that it is for,
/// with the zeros behind it.
///
/// # Errors
/// If the store that is there cannot be read; [`PdfError::TooManyObjects`] if it would hold too much.
pub fn add(
    update: &mut Update<'_>,
    evidence: &Evidence,
    contents: Option<&[u8]>,
) -> Result<(), PdfError> {
    let document = update.document();
    let root = document.root()?;
    let old = document.lookup(&document.catalog()?, b"DSS")?;
    let old = old.as_dict().cloned().unwrap_or_default();
    let additions: [Vec<&[u8]>; 3] = [
        evidence.certificates.iter().map(Certificate::der).collect(),
        evidence.answers.iter().map(Answer::der).collect(),
        evidence.lists.iter().map(Crl::der).collect(),
    ];
    let mut store = String::from("<</Type/DSS");
    let mut about = String::from("<</Type/VRI");
    for ((list, own), additions) in KINDS.into_iter().zip(additions) {
        let mut known = BTreeMap::new();
        let mut all = Vec::new();
        for (reference, data) in streams(document, &old, list)? {
            known.insert(Sha256::of(&data), reference);
            all.push(reference);
        }
        let mut used = Vec::new();
        for data in additions {
            let reference = *known.entry(Sha256::of(data)).or_insert_with(|| {
                let reference = update.reserve();
                update.put_stream(reference, b"", data);
                all.push(reference);
                reference
            });
            used.push(reference);
        }
        if all.len() > limits::PDF_EVIDENCE {
            return Err(PdfError::TooManyObjects);
        }
        if !all.is_empty() {
            store.push_str(&entry(list, &all));
        }
        if !used.is_empty() {
            about.push_str(&entry(own, &used));
        }
    }
    about.push_str(">>");
    let mut store = store.into_bytes();
    let mut entries = vri(document, &old)?;
    if let Some(contents) = contents {
        let about = update.add(about.into_bytes()).to_string();
        entries.insert(name_of(contents), about.into_bytes());
    }
    if !entries.is_empty() {
        store.extend_from_slice(b"/VRI<<");
        for (name, value) in entries {
            store.push(b'/');
            store.extend_from_slice(name.as_bytes());
            store.push(b' ');
            store.extend(value);
        }
        store.extend_from_slice(b">>");
    }
    store.extend_from_slice(b">>");
    let store = update.add(store).to_string();
    update.patch(root, |catalog| {
        patch::set_entry(catalog, b"DSS", store.as_bytes())
    })
}

/// What the store of a document holds. What cannot be read as what it is said to be is left out.
///
/// # Errors
/// If the store cannot be read, or holds more than [`limits::PDF_EVIDENCE`] of a kind.
pub fn read(document: &Document<'_>) -> Result<Evidence, PdfError> {
    let store = document.lookup(&document.catalog()?, b"DSS")?;
    let Some(store) = store.as_dict() else {
        return Ok(Evidence::default());
    };
    let data = |list| {
        let streams = streams(document, store, list)?;
        Ok::<_, PdfError>(streams.into_iter().map(|(_, data)| data))
    };
    Ok(Evidence {
        certificates: data("Certs")?
            .filter_map(|der| Certificate::from_der(&der).ok())
            .collect(),
        answers: data("OCSPs")?
            .filter_map(|der| Answer::parse(&der).ok())
            .collect(),
        lists: data("CRLs")?
            // All of them together may cost as much as one.
            .scan(limits::CRL, |left, der| {
                *left = left.checked_sub(der.len())?;
                Some(der)
            })
            .filter_map(|der| Crl::parse(&der).ok())
            .collect(),
    })
}

/// The name of what is said about a signature.
#[must_use]
pub fn name_of(contents: &[u8]) -> String {
    let algorithm = &ring::digest::SHA1_FOR_LEGACY_USE_ONLY;
    let digest = ring::digest::digest(algorithm, contents);
    crate::digest::hex(digest.as_ref()).to_uppercase()
}

fn streams(
    document: &Document<'_>,
    store: &Dict,
    list: &str,
) -> Result<Vec<(ObjRef, Vec<u8>)>, PdfError> {
    let list = document.lookup(store, list.as_bytes())?;
    let items = list.as_array().unwrap_or_default();
    if items.len() > limits::PDF_EVIDENCE {
        return Err(PdfError::TooManyObjects);
    }
    let mut found = Vec::new();
    for item in items {
        if let Some(reference) = item.as_reference()
            && let Object::Stream(stream) = document.get(reference)?
        {
            found.push((reference, document.stream_data(&stream)?));
        }
    }
    Ok(found)
}

/// What is said about each signature already, as it stands there.
fn vri(document: &Document<'_>, store: &Dict) -> Result<BTreeMap<String, Vec<u8>>, PdfError> {
    let wrong = PdfError::Structure { what: "VRI" };
    let entries = document.lookup(store, b"VRI")?;
    let mut read = BTreeMap::new();
    for (name, value) in entries.as_dict().into_iter().flat_map(Dict::iter) {
        let plain = name.iter().all(u8::is_ascii_alphanumeric);
        let name = std::str::from_utf8(name).ok().filter(|_| plain);
        let value = match value {
            Object::Ref(reference) => reference.to_string().into_bytes(),
            Object::Dict(about) => inline(document, about)?,
            _ => return Err(wrong),
        };
        read.insert(name.ok_or(wrong.clone())?.to_owned(), value);
    }
    if read.len() > limits::PDF_EVIDENCE {
        return Err(PdfError::TooManyObjects);
    }
    Ok(read)
}

/// A dictionary about one signature that is no object of its own.
fn inline(document: &Document<'_>, about: &Dict) -> Result<Vec<u8>, PdfError> {
    let mut out = String::from("<</Type/VRI");
    for (_, own) in KINDS {
        let list = document.lookup(about, own.as_bytes())?;
        let items = list.as_array().unwrap_or_default().iter();
        let references: Vec<ObjRef> = items.filter_map(Object::as_reference).collect();
        if !references.is_empty() {
            out.push_str(&entry(own, &references));
        }
    }
    out.push_str(">>");
    Ok(out.into_bytes())
}

fn entry(key: &str, references: &[ObjRef]) -> String {
    let all: Vec<String> = references.iter().map(ToString::to_string).collect();
    format!("/{key}[{}]", all.join(" "))
}
