//! `OCSPRequest` and `CertID` (RFC 6960 §4.1.1).

use super::{NONCE, OcspError, opened};
use crate::limits;
use crate::pki::asn1::{
    self, Broken, CONTEXT_0, CONTEXT_1, CONTEXT_2, Element, INTEGER, NULL, OCTET_STRING, SEQUENCE,
    element, sequence,
};
use crate::pki::certificate::Certificate;
use crate::pki::revocation::{extensions, only};
use crate::pki::scheme::SHA1;
use der::asn1::ObjectIdentifier;

/// The digest by which a `CertID` names an issuer. It protects nothing.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum IdHash {
    /// What every responder knows.
    Sha1,
    /// What newer ones know.
    Sha256,
}

/// RFC 5754 §2.
const SHA256: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.16.840.1.101.3.4.2.1");

impl IdHash {
    fn of(self, bytes: &[u8]) -> Vec<u8> {
        let algorithm = match self {
            Self::Sha1 => &ring::digest::SHA1_FOR_LEGACY_USE_ONLY,
            Self::Sha256 => &ring::digest::SHA256,
        };
        ring::digest::digest(algorithm, bytes).as_ref().to_vec()
    }
}

/// Which certificate is meant.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct CertificateId {
    hash: IdHash,
    name: Vec<u8>,
    key: Vec<u8>,
    serial: Vec<u8>,
}

impl CertificateId {
    /// That of a certificate below an issuer.
    #[must_use]
    pub fn of(certificate: &Certificate, issuer: &Certificate, hash: IdHash) -> Self {
        Self {
            hash,
            name: hash.of(issuer.subject().raw()),
            key: hash.of(issuer.key_bits()),
            serial: certificate.serial().to_vec(),
        }
    }

    /// Whether it means this certificate below this issuer.
    #[must_use]
    pub fn means(&self, certificate: &Certificate, issuer: &Certificate) -> bool {
        *self == Self::of(certificate, issuer, self.hash)
    }

    /// Whether it means a certificate of this issuer.
    #[must_use]
    pub fn is_below(&self, issuer: &Certificate) -> bool {
        self.name == self.hash.of(issuer.subject().raw())
            && self.key == self.hash.of(issuer.key_bits())
    }

    /// The content bytes of the serial number.
    #[must_use]
    pub fn serial(&self) -> &[u8] {
        &self.serial
    }

    pub(super) fn der(&self) -> Vec<u8> {
        let oid = match self.hash {
            IdHash::Sha1 => SHA1,
            IdHash::Sha256 => SHA256,
        };
        sequence(&[
            // With NULL, as everybody writes it here.
            &sequence(&[&asn1::oid(oid), &[NULL, 0]]),
            &element(OCTET_STRING, &[&self.name]),
            &element(OCTET_STRING, &[&self.key]),
            &element(INTEGER, &[&self.serial]),
        ])
    }

    /// `None` for a digest that nobody here speaks.
    pub(super) fn read(id: Element<'_>) -> Result<Option<Self>, Broken> {
        let mut parts = id.inside();
        let mut algorithm = parts.expect(SEQUENCE)?.inside();
        let hash = match algorithm.any()?.oid()? {
            SHA1 => Some(IdHash::Sha1),
            SHA256 => Some(IdHash::Sha256),
            _ => None,
        };
        algorithm.optional(NULL)?;
        algorithm.end()?;
        let name = parts.expect(OCTET_STRING)?.content.to_vec();
        let key = parts.expect(OCTET_STRING)?.content.to_vec();
        let serial = parts.expect(INTEGER)?.content.to_vec();
        parts.end()?;
        Ok(hash.map(|hash| Self {
            hash,
            name,
            key,
            serial,
        }))
    }
}

/// A question about one certificate.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Request {
    /// The certificates asked about; one when we ask.
    pub certificates: Vec<CertificateId>,
    /// What must come back, if the responder heeds it (RFC 9654: 1 to 128 bytes).
    pub nonce: Option<Vec<u8>>,
}

impl Request {
    /// Asks about one certificate.
    #[must_use]
    pub fn about(certificate: CertificateId, nonce: Option<[u8; 32]>) -> Self {
        Self {
            certificates: vec![certificate],
            nonce: nonce.map(|nonce| nonce.to_vec()),
        }
    }

    /// The DER.
    #[must_use]
    pub fn der(&self) -> Vec<u8> {
        let asked: Vec<Vec<u8>> = self
            .certificates
            .iter()
            .map(|one| sequence(&[&one.der()]))
            .collect();
        let list = sequence(&[&asked.concat()]);
        let extensions = self.nonce.as_deref().map(|nonce| {
            let list = sequence(&[&nonce_extension(nonce)]);
            element(CONTEXT_2, &[&list])
        });
        sequence(&[&sequence(&[&list, &extensions.unwrap_or_default()])])
    }

    /// Reads what somebody asks; the signature of a signed question is not looked at.
    ///
    /// # Errors
    /// [`OcspError::TooLarge`], [`OcspError::Malformed`], [`OcspError::UnknownCriticalExtension`].
    pub fn parse(bytes: &[u8]) -> Result<Self, OcspError> {
        let mut outer = opened(bytes)?;
        let mut parts = outer.expect(SEQUENCE)?.inside();
        outer.optional(CONTEXT_0)?;
        outer.end()?;
        // Version 1 is the default; the requestor's name.
        if parts.optional(CONTEXT_0)?.is_some() {
            return Err(OcspError::Malformed);
        }
        parts.optional(CONTEXT_1)?;
        let mut list = parts.expect(SEQUENCE)?.inside();
        let mut certificates = Vec::new();
        while let Some(one) = list.next()? {
            if certificates.len() >= limits::OCSP_ANSWERS {
                return Err(OcspError::TooLarge);
            }
            if one.tag != SEQUENCE {
                return Err(OcspError::Malformed);
            }
            let mut one = one.inside();
            let id = CertificateId::read(one.expect(SEQUENCE)?)?;
            one.optional(CONTEXT_0)?;
            one.end()?;
            certificates.extend(id);
        }
        let nonce = match parts.optional(CONTEXT_2)? {
            Some(explicit) => read_nonce(explicit)?,
            None => None,
        };
        parts.end()?;
        Ok(Self {
            certificates,
            nonce,
        })
    }
}

pub(super) fn nonce_extension(nonce: &[u8]) -> Vec<u8> {
    let value = element(OCTET_STRING, &[nonce]);
    sequence(&[&asn1::oid(NONCE), &element(OCTET_STRING, &[&value])])
}

/// The nonce among the extensions of a question or an answer, which stand in an explicit tag.
pub(super) fn read_nonce(explicit: Element<'_>) -> Result<Option<Vec<u8>>, OcspError> {
    let mut inside = explicit.inside();
    let list = extensions(inside.expect(SEQUENCE)?)?;
    inside.end()?;
    let mut nonce = None;
    for extension in list {
        if extension.oid == NONCE {
            let value = only(extension.value)?;
            if value.tag != OCTET_STRING || !(1..=128).contains(&value.content.len()) {
                return Err(OcspError::Malformed);
            }
            nonce = Some(value.content.to_vec());
        } else if extension.critical {
            return Err(OcspError::UnknownCriticalExtension(extension.oid));
        }
    }
    Ok(nonce)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn a_written_question_reads_back(
            serial in prop::collection::vec(1..0x80_u8, 1..20),
            nonce in prop::option::of(any::<[u8; 32]>()),
            newer in any::<bool>(),
        ) {
            let hash = if newer { IdHash::Sha256 } else { IdHash::Sha1 };
            let id = CertificateId { hash, name: hash.of(b"name"), key: hash.of(b"key"), serial };
            let request = Request::about(id, nonce);
            prop_assert_eq!(Request::parse(&request.der()), Ok(request));
        }
    }
}
