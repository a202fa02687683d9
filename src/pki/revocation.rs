//! What an authority says about a certificate it issued: the words that OCSP and CRLs share.

use super::asn1::{Broken, Element, Reader, SEQUENCE};
use crate::clock::UnixTime;
use der::asn1::ObjectIdentifier;

/// What an authority says about one certificate.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum CertificateStatus {
    /// Not withdrawn.
    Good,
    /// Withdrawn.
    Revoked(Revoked),
    /// The responder does not know it (RFC 6960 §2.2).
    Unknown,
}

/// That a certificate was withdrawn.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Revoked {
    /// Since when.
    pub at: UnixTime,
    /// Why, if it was said.
    pub reason: Option<RevocationReason>,
    /// When the key is thought to have been lost (RFC 5280 §5.3.2): before `at`, if it was said.
    pub invalid_since: Option<UnixTime>,
}

/// Why a certificate was withdrawn (RFC 5280 §5.3.1).
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum RevocationReason {
    /// Not said.
    Unspecified,
    /// Somebody else has the key.
    KeyCompromise,
    /// Somebody else has the authority's key.
    AuthorityCompromise,
    /// The subject's name or office changed.
    AffiliationChanged,
    /// Another certificate took its place.
    Superseded,
    /// It is not needed any more.
    CessationOfOperation,
    /// On hold: it may come back.
    CertificateHold,
    /// It came back.
    RemoveFromCrl,
    /// The subject may not do this any more.
    PrivilegeWithdrawn,
    /// Somebody else has the attribute authority's key.
    AttributeAuthorityCompromise,
}

impl RevocationReason {
    pub(super) fn read(number: u8) -> Result<Self, Broken> {
        Ok(match number {
            0 => Self::Unspecified,
            1 => Self::KeyCompromise,
            2 => Self::AuthorityCompromise,
            3 => Self::AffiliationChanged,
            4 => Self::Superseded,
            5 => Self::CessationOfOperation,
            6 => Self::CertificateHold,
            8 => Self::RemoveFromCrl,
            9 => Self::PrivilegeWithdrawn,
            10 => Self::AttributeAuthorityCompromise,
            _ => return Err(Broken),
        })
    }

    /// Its number in OCSP and CRLs.
    #[must_use]
    pub fn number(self) -> u8 {
        match self {
            Self::Unspecified => 0,
            Self::KeyCompromise => 1,
            Self::AuthorityCompromise => 2,
            Self::AffiliationChanged => 3,
            Self::Superseded => 4,
            Self::CessationOfOperation => 5,
            Self::CertificateHold => 6,
            Self::RemoveFromCrl => 8,
            Self::PrivilegeWithdrawn => 9,
            Self::AttributeAuthorityCompromise => 10,
        }
    }
}

/// How fresh the knowledge about a certificate has to be.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Freshness {
    /// Seconds by which clocks may differ.
    pub skew: i64,
    /// Seconds after which knowledge without an end of its own is too old (RFC 6960 §4.2.2.1: newer knowledge
    /// is then always to be had).
    pub max_age: i64,
}

impl Freshness {
    /// Five minutes of skew; a day, where the authority names no end.
    pub const USUAL: Self = Self {
        skew: 300,
        max_age: 86_400,
    };

    /// Whether knowledge of `this_update` that ends at `next_update` holds at `now`.
    pub(super) fn judge(
        self,
        this_update: UnixTime,
        next_update: Option<UnixTime>,
        now: UnixTime,
    ) -> Result<(), Stale> {
        if this_update > now.plus(self.skew) {
            return Err(Stale::Future);
        }
        let end = next_update.unwrap_or_else(|| this_update.plus(self.max_age));
        if end.plus(self.skew) < now || end < this_update {
            return Err(Stale::TooOld);
        }
        Ok(())
    }
}

/// Why knowledge about a certificate does not count now.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Stale {
    Future,
    TooOld,
}

/// One extension of an answer, a CRL or an entry of it.
pub(super) struct Extension<'a> {
    pub(super) oid: ObjectIdentifier,
    pub(super) critical: bool,
    pub(super) value: &'a [u8],
}

/// Reads `Extensions` (RFC 5280 §4.1); none may stand there twice.
pub(super) fn extensions(list: Element<'_>) -> Result<Vec<Extension<'_>>, Broken> {
    let mut read: Vec<Extension<'_>> = Vec::new();
    let mut items = list.inside();
    while let Some(item) = items.next()? {
        if item.tag != SEQUENCE {
            return Err(Broken);
        }
        let mut parts = item.inside();
        let oid = parts.any()?.oid()?;
        let critical = match parts.optional(super::asn1::BOOLEAN)? {
            Some(critical) => critical.truth()?,
            None => false,
        };
        let value = parts.expect(super::asn1::OCTET_STRING)?.content;
        parts.end()?;
        if read.iter().any(|known| known.oid == oid) {
            return Err(Broken);
        }
        read.push(Extension {
            oid,
            critical,
            value,
        });
    }
    Ok(read)
}

/// The one element of an extension's value.
pub(super) fn only(value: &[u8]) -> Result<Element<'_>, Broken> {
    let mut reader = Reader::new(value);
    let element = reader.any()?;
    reader.end()?;
    Ok(element)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_reason_reads_back_and_seven_is_none() {
        for number in 0..=11 {
            let read = RevocationReason::read(number).map(RevocationReason::number);
            let expected = if matches!(number, 7 | 11) {
                Err(Broken)
            } else {
                Ok(number)
            };
            assert_eq!(read, expected);
        }
    }

    #[test]
    fn knowledge_ends_when_its_author_says_or_after_the_longest_age() {
        let at = UnixTime::from_seconds(1_000_000);
        let rules = Freshness {
            skew: 10,
            max_age: 100,
        };
        let judge = |this: i64, next: Option<i64>| {
            rules.judge(at.plus(this), next.map(|next| at.plus(next)), at)
        };
        assert_eq!(judge(10, None), Ok(()));
        assert_eq!(judge(11, None), Err(Stale::Future));
        assert_eq!(judge(-110, None), Ok(()));
        assert_eq!(judge(-111, None), Err(Stale::TooOld));
        assert_eq!(judge(-500, Some(-10)), Ok(()));
        assert_eq!(judge(-500, Some(-11)), Err(Stale::TooOld));
        assert_eq!(judge(5, Some(4)), Err(Stale::TooOld));
    }
}
