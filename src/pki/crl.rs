//! Certificate revocation lists (RFC 5280 §5).
//!
//! ```text
//! CertificateList   tbsCertList { v2, issuer, thisUpdate, nextUpdate,
//!                       revoked { serial, date, extensions? }*,
//!                       authorityKeyIdentifier, cRLNumber }          ◄── signed by the issuer itself
//!                   signatureAlgorithm, signature
//! ```
//!
//! Complete lists of one issuer only. Indirect ones, delta lists and those of a part of an issuer's
//! certificates carry critical extensions (§5.2.4, §5.2.5, §5.3.3) and are refused by name.
//!
//! **Invariants:** DER throughout, at most [`limits::CRL`] long; every entry is read before any is believed;
//! nothing here asks for the time.

use super::asn1::{self, BIT_STRING, Broken, CONTEXT_0, Element, INTEGER, Reader, SEQUENCE};
use super::certificate::Certificate;
use super::moment;
use super::name::Name;
use super::revocation::{
    CertificateStatus, Freshness, RevocationReason, Revoked, Stale, extensions, only,
};
use super::scheme::{Scheme, Unsupported};
use crate::clock::UnixTime;
use crate::limits;
use der::asn1::ObjectIdentifier;
use std::ops::Range;

/// A list that was read. Nobody vouched for it yet; see [`Self::check`].
#[derive(Clone, Debug)]
pub struct Crl {
    der: Vec<u8>,
    signed: Range<usize>,
    issuer: Name,
    this_update: UnixTime,
    next_update: UnixTime,
    /// The entries, one after the other.
    entries: Range<usize>,
    number: Option<Vec<u8>>,
    issuer_key: Option<Vec<u8>>,
    scheme: Result<Scheme, Unsupported>,
    signature: Vec<u8>,
}

/// A list that its issuer signed and that holds at a moment. [`Crl::check`] is the only way to make one.
#[derive(Clone, Copy, Debug)]
pub struct Checked<'a> {
    list: &'a Crl,
}

/// Why a list says nothing that counts.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub enum CrlError {
    /// Longer than [`limits::CRL`].
    #[error("larger than a list may be")]
    TooLarge,
    /// Not the DER of a `CertificateList` of version 2 with an end.
    #[error("not a certificate revocation list in DER")]
    Malformed,
    /// A critical extension that this program does not process: 2.5.29.27 is a delta list, 2.5.29.28 one of a
    /// part or an indirect one, 2.5.29.29 in an entry names another issuer.
    #[error("the list has the unknown critical extension {0}")]
    UnknownCriticalExtension(ObjectIdentifier),
    /// It is the list of another issuer, or of another key of it.
    #[error("the list is another issuer's")]
    OtherIssuer,
    /// The issuer's certificate lacks cRLSign.
    #[error("the issuer may not sign lists")]
    MayNotSignLists,
    /// The signature does not hold.
    #[error("the list's signature does not hold")]
    BadSignature,
    /// The signature cannot be checked.
    #[error("the list's signature cannot be checked")]
    Unsupported(#[source] Unsupported),
    /// It speaks of a time that has not come.
    #[error("the list is of {0}, which has not come")]
    Future(UnixTime),
    /// Its end has come.
    #[error("the list ended at {0}")]
    TooOld(UnixTime),
}

impl CrlError {
    /// The stable code.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::TooLarge => "crl/too-large",
            Self::Malformed => "crl/malformed",
            Self::UnknownCriticalExtension(_) => "crl/critical-extension",
            Self::OtherIssuer => "crl/other-issuer",
            Self::MayNotSignLists => "crl/may-not-sign",
            Self::BadSignature => "crl/signature",
            Self::Unsupported(_) => "crl/unsupported",
            Self::Future(_) => "crl/future",
            Self::TooOld(_) => "crl/too-old",
        }
    }
}

impl From<Broken> for CrlError {
    fn from(Broken: Broken) -> Self {
        Self::Malformed
    }
}

/// RFC 5280 §5.2.1, §5.2.3, §5.3.1, §5.3.2.
const AUTHORITY_KEY_ID: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.5.29.35");
const NUMBER: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.5.29.20");
const REASON: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.5.29.21");
const INVALIDITY_DATE: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.5.29.24");

impl Crl {
    /// Reads a list.
    ///
    /// # Errors
    /// [`CrlError::TooLarge`], [`CrlError::Malformed`], [`CrlError::UnknownCriticalExtension`].
    pub fn parse(bytes: &[u8]) -> Result<Self, CrlError> {
        if bytes.len() > limits::CRL {
            return Err(CrlError::TooLarge);
        }
        let outer = asn1::der(bytes)?;
        if outer.tag != SEQUENCE {
            return Err(CrlError::Malformed);
        }
        let mut parts = outer.inside();
        let signed = parts.expect(SEQUENCE)?;
        let algorithm = parts.expect(SEQUENCE)?;
        let signature = parts.expect(BIT_STRING)?.bits()?.to_vec();
        parts.end()?;
        let mut list = signed.inside();
        // Version 2: §5.1.2.1.
        if list.expect(INTEGER)?.small()? != 1 {
            return Err(CrlError::Malformed);
        }
        if list.expect(SEQUENCE)?.raw != algorithm.raw {
            return Err(CrlError::Malformed);
        }
        let issuer = Name::from_der(list.expect(SEQUENCE)?.raw).ok_or(CrlError::Malformed)?;
        let this_update = moment::read(list.any()?)?;
        // §5.1.2.5: it must be there.
        let next_update = moment::read(list.any()?)?;
        let entries = list.optional(SEQUENCE)?;
        let entries = entries.map_or(0..0, |entries| place(bytes, entries.content));
        let explicit = list.optional(CONTEXT_0)?;
        list.end()?;
        let mut read = Self {
            der: bytes.to_vec(),
            signed: place(bytes, signed.raw),
            issuer,
            this_update,
            next_update,
            entries,
            number: None,
            issuer_key: None,
            scheme: Scheme::read(algorithm, None),
            signature,
        };
        if let Some(explicit) = explicit {
            read.extensions(explicit)?;
        }
        let mut entries = read.entries();
        while let Some(entry) = entries.next()? {
            Entry::read(entry)?;
        }
        Ok(read)
    }

    fn extensions(&mut self, explicit: Element<'_>) -> Result<(), CrlError> {
        let mut inside = explicit.inside();
        let list = extensions(inside.expect(SEQUENCE)?)?;
        inside.end()?;
        for extension in list {
            match extension.oid {
                NUMBER => self.number = Some(integer(extension.value)?),
                AUTHORITY_KEY_ID => {
                    let mut id = only(extension.value)?.inside();
                    let key = id.optional(asn1::CONTEXT_0_PRIMITIVE)?;
                    self.issuer_key = key.map(|key| key.content.to_vec());
                }
                unknown if extension.critical => {
                    return Err(CrlError::UnknownCriticalExtension(unknown));
                }
                _ => {}
            }
        }
        Ok(())
    }

    fn entries(&self) -> Reader<'_> {
        Reader::new(self.der.get(self.entries.clone()).unwrap_or_default())
    }

    /// The bytes as they came.
    #[must_use]
    pub fn der(&self) -> &[u8] {
        &self.der
    }

    /// Whose list it says it is.
    #[must_use]
    pub fn issuer(&self) -> &Name {
        &self.issuer
    }

    /// When it was made.
    #[must_use]
    pub fn this_update(&self) -> UnixTime {
        self.this_update
    }

    /// When the next one is due.
    #[must_use]
    pub fn next_update(&self) -> UnixTime {
        self.next_update
    }

    /// The content bytes of its number, which grows from list to list.
    #[must_use]
    pub fn number(&self) -> Option<&[u8]> {
        self.number.as_deref()
    }

    /// The list, if this issuer signed it and it holds at that moment.
    ///
    /// # Errors
    /// [`CrlError`].
    pub fn check(
        &self,
        issuer: &Certificate,
        at: UnixTime,
        freshness: Freshness,
    ) -> Result<Checked<'_>, CrlError> {
        let other_key = self
            .issuer_key
            .as_deref()
            .zip(issuer.subject_key_id())
            .is_some_and(|(named, own)| named != own);
        if self.issuer != *issuer.subject() || other_key {
            return Err(CrlError::OtherIssuer);
        }
        if issuer.key_usage().is_some_and(|usage| !usage.crl_sign()) {
            return Err(CrlError::MayNotSignLists);
        }
        let signed = self.der.get(self.signed.clone()).unwrap_or_default();
        let holds = self
            .scheme
            .and_then(|scheme| scheme.verifies(issuer.spki(), signed, &self.signature))
            .map_err(CrlError::Unsupported)?;
        if !holds {
            return Err(CrlError::BadSignature);
        }
        freshness
            .judge(self.this_update, Some(self.next_update), at)
            .map_err(|stale| match stale {
                Stale::Future => CrlError::Future(self.this_update),
                Stale::TooOld => CrlError::TooOld(self.next_update),
            })?;
        Ok(Checked { list: self })
    }
}

impl Checked<'_> {
    /// What the list says of a certificate of its issuer: good if it does not stand there.
    #[must_use]
    pub fn status_of(&self, certificate: &Certificate) -> CertificateStatus {
        let mut entries = self.list.entries();
        // Every entry was read before.
        while let Ok(Some(entry)) = entries.next() {
            if let Ok(entry) = Entry::read(entry)
                && entry.serial == certificate.serial()
                && entry.revoked.reason != Some(RevocationReason::RemoveFromCrl)
            {
                return CertificateStatus::Revoked(entry.revoked);
            }
        }
        CertificateStatus::Good
    }
}

struct Entry<'a> {
    serial: &'a [u8],
    revoked: Revoked,
}

impl<'a> Entry<'a> {
    fn read(entry: Element<'a>) -> Result<Self, CrlError> {
        if entry.tag != SEQUENCE {
            return Err(CrlError::Malformed);
        }
        let mut parts = entry.inside();
        let serial = parts.expect(INTEGER)?.content;
        let at = moment::read(parts.any()?)?;
        let mut revoked = Revoked {
            at,
            reason: None,
            invalid_since: None,
        };
        if let Some(list) = parts.optional(SEQUENCE)? {
            for extension in extensions(list)? {
                match extension.oid {
                    REASON => {
                        let number = only(extension.value)?.small()?;
                        revoked.reason = Some(RevocationReason::read(number)?);
                    }
                    INVALIDITY_DATE => {
                        revoked.invalid_since = Some(moment::read(only(extension.value)?)?);
                    }
                    unknown if extension.critical => {
                        return Err(CrlError::UnknownCriticalExtension(unknown));
                    }
                    _ => {}
                }
            }
        }
        parts.end()?;
        Ok(Self { serial, revoked })
    }
}

fn integer(value: &[u8]) -> Result<Vec<u8>, Broken> {
    let number = only(value)?;
    if number.tag == INTEGER {
        Ok(number.content.to_vec())
    } else {
        Err(Broken)
    }
}

/// Where `part`, a piece of `whole`, stands in it.
fn place(whole: &[u8], part: &[u8]) -> Range<usize> {
    let start = part.as_ptr().addr().saturating_sub(whole.as_ptr().addr());
    start..start.saturating_add(part.len())
}
