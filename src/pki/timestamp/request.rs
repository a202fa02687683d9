//! `TimeStampReq` (RFC 3161 §2.4.1).

use super::info::{imprint, read_imprint};
use super::{TimeStampError, none_critical, opened};
use crate::pki::asn1::{
    self, BOOLEAN, CONTEXT_0, INTEGER, OID, SEQUENCE, element, sequence, unsigned,
};
use crate::pki::scheme::{Hash, Unsupported};
use der::asn1::ObjectIdentifier;

/// A question to a time-stamp authority.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Request {
    pub(super) hash: Result<Hash, Unsupported>,
    pub(super) digest: Vec<u8>,
    pub(super) policy: Option<ObjectIdentifier>,
    /// The content of the INTEGER.
    pub(super) nonce: Option<Vec<u8>>,
    pub(super) wants_certificates: bool,
}

impl Request {
    /// Asks for a time stamp of the parts, one after the other, with a nonce of 64 random bits and, if one is
    /// named, under a policy. The authority's certificates are always asked for: the token is to be checked
    /// by people who do not know them.
    #[must_use]
    pub fn of(
        hash: Hash,
        parts: &[&[u8]],
        nonce: [u8; 8],
        policy: Option<ObjectIdentifier>,
    ) -> Self {
        Self::of_digest(hash, hash.of(parts), nonce, policy)
    }

    /// The same for a content whose digest is known.
    #[must_use]
    pub fn of_digest(
        hash: Hash,
        digest: Vec<u8>,
        nonce: [u8; 8],
        policy: Option<ObjectIdentifier>,
    ) -> Self {
        let encoded = unsigned(&nonce);
        Self {
            hash: Ok(hash),
            digest,
            policy,
            // Behind tag and length.
            nonce: encoded.get(2..).map(<[u8]>::to_vec),
            wants_certificates: true,
        }
    }

    /// The DER.
    #[must_use]
    pub fn der(&self) -> Vec<u8> {
        let policy = self.policy.map(asn1::oid).unwrap_or_default();
        let nonce = self.nonce.as_ref();
        let nonce = nonce.map(|nonce| element(INTEGER, &[nonce]));
        let certificates = if self.wants_certificates {
            element(BOOLEAN, &[&[0xff]])
        } else {
            Vec::new()
        };
        sequence(&[
            &unsigned(&[1]),
            &imprint(self.hash.unwrap_or(Hash::Sha256), &self.digest),
            &policy,
            &nonce.unwrap_or_default(),
            &certificates,
        ])
    }

    /// Reads what somebody asks.
    ///
    /// # Errors
    /// [`TimeStampError::TooLarge`], [`TimeStampError::Malformed`],
    /// [`TimeStampError::UnknownCriticalExtension`] for any critical extension.
    pub fn parse(bytes: &[u8]) -> Result<Self, TimeStampError> {
        let mut parts = opened(bytes)?;
        if parts.expect(INTEGER)?.small()? != 1 {
            return Err(TimeStampError::Malformed);
        }
        let (hash, digest) = read_imprint(parts.expect(SEQUENCE)?)?;
        let policy = parts.optional(OID)?;
        let policy = policy.map(asn1::Element::oid).transpose()?;
        let nonce = parts.optional(INTEGER)?;
        let wants_certificates = match parts.optional(BOOLEAN)? {
            Some(wanted) => wanted.truth()?,
            None => false,
        };
        if let Some(list) = parts.optional(CONTEXT_0)? {
            none_critical(list)?;
        }
        parts.end()?;
        Ok(Self {
            hash,
            digest,
            policy,
            nonce: nonce.map(|nonce| nonce.content.to_vec()),
            wants_certificates,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn a_written_question_reads_back(
            content in prop::collection::vec(any::<u8>(), 0..100),
            nonce in any::<[u8; 8]>(),
            named in any::<bool>(),
            which in 0..3_usize,
        ) {
            let hash = [Hash::Sha256, Hash::Sha384, Hash::Sha512].into_iter().nth(which).unwrap();
            let policy = named.then(|| ObjectIdentifier::new_unwrap("1.3.6.1.4.1.99999.1"));
            let request = Request::of(hash, &[&content], nonce, policy);
            prop_assert_eq!(Request::parse(&request.der()), Ok(request));
        }

        #[test]
        fn a_question_has_one_spelling(bytes in prop::collection::vec(any::<u8>(), 0..80), at in 0..60_usize, to in any::<u8>()) {
            let mut der = Request::of(Hash::Sha256, &[&bytes], [1, 2, 3, 4, 5, 6, 7, 8], None).der();
            if let Some(byte) = der.get_mut(at) {
                *byte = to;
            }
            if let Ok(read) = Request::parse(&der)
                && read.hash.is_ok()
            {
                prop_assert_eq!(read.der().len(), der.len());
            }
        }
    }
}
