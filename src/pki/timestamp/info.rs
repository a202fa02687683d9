//! `TSTInfo` (RFC 3161 §2.4.2).

use super::{TimeStampError, none_critical};
use crate::clock::UnixTime;
use crate::pki::asn1::{
    self, BOOLEAN, Broken, CONTEXT_0, CONTEXT_0_PRIMITIVE, CONTEXT_1, CONTEXT_1_PRIMITIVE, Element,
    GENERALIZED_TIME, INTEGER, OCTET_STRING, OID, SEQUENCE, element, sequence, unsigned,
};
use crate::pki::moment::{self, Precise};
use crate::pki::scheme::{Content, Hash, Unsupported};
use der::asn1::ObjectIdentifier;

/// What a time-stamp authority signed. Not checked by itself; see [`super::Token`].
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Info {
    pub(super) policy: ObjectIdentifier,
    pub(super) hash: Result<Hash, Unsupported>,
    pub(super) digest: Vec<u8>,
    serial: Vec<u8>,
    time: Precise,
    /// Whole seconds, rounded up; 0 if none is stated.
    accuracy: u32,
    pub(super) nonce: Option<Vec<u8>>,
    /// The raw directory name in `tsa`, if it is one.
    pub(super) authority: Option<Vec<u8>>,
}

impl Info {
    /// Reads the DER.
    ///
    /// # Errors
    /// [`TimeStampError::Malformed`], [`TimeStampError::UnknownCriticalExtension`].
    pub fn parse(bytes: &[u8]) -> Result<Self, TimeStampError> {
        let outer = asn1::der(bytes)?;
        if outer.tag != SEQUENCE {
            return Err(TimeStampError::Malformed);
        }
        let mut parts = outer.inside();
        if parts.expect(INTEGER)?.small()? != 1 {
            return Err(TimeStampError::Malformed);
        }
        let policy = parts.expect(OID)?.oid()?;
        let (hash, digest) = read_imprint(parts.expect(SEQUENCE)?)?;
        let serial = parts.expect(INTEGER)?.content.to_vec();
        let time = moment::read_precise(parts.expect(GENERALIZED_TIME)?)?;
        let accuracy = parts.optional(SEQUENCE)?.map_or(Ok(0), accuracy)?;
        if let Some(ordering) = parts.optional(BOOLEAN)?
            && !ordering.truth()?
        {
            // FALSE is the default, which DER leaves out.
            return Err(TimeStampError::Malformed);
        }
        let nonce = parts.optional(INTEGER)?;
        let authority = match parts.optional(CONTEXT_0)? {
            Some(name) => directory_name(name)?,
            None => None,
        };
        if let Some(list) = parts.optional(CONTEXT_1)? {
            none_critical(list)?;
        }
        parts.end()?;
        Ok(Self {
            policy,
            hash,
            digest,
            serial,
            time,
            accuracy,
            nonce: nonce.map(|nonce| nonce.content.to_vec()),
            authority,
        })
    }

    /// The second in which it was made.
    #[must_use]
    pub fn time(&self) -> UnixTime {
        self.time.second
    }

    /// Seconds by which the authority's clock may be wrong, rounded up; 0 if it does not say.
    #[must_use]
    pub fn accuracy(&self) -> u32 {
        self.accuracy
    }

    /// The first second in which it may have been made.
    #[must_use]
    pub fn earliest(&self) -> UnixTime {
        self.time
            .second
            .plus(i64::from(self.accuracy).saturating_neg())
    }

    /// The last second in which it may have been made: what was stamped existed then.
    #[must_use]
    pub fn latest(&self) -> UnixTime {
        let second = self.time.second.plus(i64::from(self.accuracy));
        second.plus(i64::from(self.time.fraction))
    }

    /// Under which policy it was made.
    #[must_use]
    pub fn policy(&self) -> ObjectIdentifier {
        self.policy
    }

    /// The content bytes of its serial number.
    #[must_use]
    pub fn serial(&self) -> &[u8] {
        &self.serial
    }

    /// Whether it is of this content.
    ///
    /// # Errors
    /// [`TimeStampError::Imprint`], also when the content cannot be read to its end; [`TimeStampError::Digest`]
    /// for SHA-1 and digests nobody knows.
    pub fn is_of(&self, content: &impl Content) -> Result<(), TimeStampError> {
        let hash = self.hash.map_err(TimeStampError::Digest)?;
        if hash.of_content(content).as_ref() == Some(&self.digest) {
            Ok(())
        } else {
            Err(TimeStampError::Imprint)
        }
    }
}

/// What an authority of ours says.
pub(super) fn write(
    policy: ObjectIdentifier,
    (hash, digest): (Hash, &[u8]),
    serial: &[u8],
    at: UnixTime,
    accuracy: u8,
    nonce: Option<&[u8]>,
) -> Vec<u8> {
    let nonce = nonce.map(|nonce| element(INTEGER, &[nonce]));
    sequence(&[
        &unsigned(&[1]),
        &asn1::oid(policy),
        &imprint(hash, digest),
        &unsigned(serial),
        &moment::write(at),
        &sequence(&[&unsigned(&[accuracy])]),
        &nonce.unwrap_or_default(),
    ])
}

/// `MessageImprint`.
pub(super) fn imprint(hash: Hash, digest: &[u8]) -> Vec<u8> {
    sequence(&[&hash.identifier(), &element(OCTET_STRING, &[digest])])
}

type Imprint = (Result<Hash, Unsupported>, Vec<u8>);

pub(super) fn read_imprint(imprint: Element<'_>) -> Result<Imprint, TimeStampError> {
    let mut parts = imprint.inside();
    let hash = Hash::read(parts.expect(SEQUENCE)?);
    let digest = parts.expect(OCTET_STRING)?.content.to_vec();
    parts.end()?;
    if hash.is_ok_and(|hash| hash.length() != digest.len()) {
        return Err(TimeStampError::Malformed);
    }
    Ok((hash, digest))
}

/// `Accuracy ::= SEQUENCE { seconds INTEGER, millis [0] INTEGER (1..999), micros [1] INTEGER (1..999) }`, each
/// of them optional.
fn accuracy(accuracy: Element<'_>) -> Result<u32, Broken> {
    let mut parts = accuracy.inside();
    let seconds = match parts.optional(INTEGER)? {
        Some(seconds) => seconds.number()?,
        None => 0,
    };
    let mut part = false;
    for tag in [CONTEXT_0_PRIMITIVE, CONTEXT_1_PRIMITIVE] {
        if let Some(thousandths) = parts.optional(tag)? {
            if !(1..=999).contains(&thousandths.number()?) {
                return Err(Broken);
            }
            part = true;
        }
    }
    parts.end()?;
    Ok(seconds.saturating_add(u32::from(part)))
}

fn directory_name(explicit: Element<'_>) -> Result<Option<Vec<u8>>, Broken> {
    const DIRECTORY_NAME: u8 = 0xa4;
    let mut inside = explicit.inside();
    let name = inside.any()?;
    inside.end()?;
    Ok((name.tag == DIRECTORY_NAME).then(|| name.content.to_vec()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const POLICY: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.6.1.4.1.99999.1");

    #[test]
    fn accuracy_is_counted_in_whole_seconds_to_both_sides() {
        let at = UnixTime::from_seconds(1_800_000_000);
        let digest = Hash::Sha256.of(&[b"x"]);
        let bytes = write(POLICY, (Hash::Sha256, &digest), &[7], at, 2, None);
        let info = Info::parse(&bytes).unwrap();
        assert_eq!((info.earliest(), info.latest()), (at.plus(-2), at.plus(2)));
        let millis = sequence(&[&element(CONTEXT_0_PRIMITIVE, &[&[5]])]);
        assert_eq!(accuracy(asn1::der(&millis).unwrap()), Ok(1));
        let none = sequence(&[&element(CONTEXT_0_PRIMITIVE, &[&[0]])]);
        assert_eq!(accuracy(asn1::der(&none).unwrap()), Err(Broken));
    }

    proptest! {
        #[test]
        fn what_was_written_reads_back(
            content in prop::collection::vec(any::<u8>(), 0..50),
            serial in prop::collection::vec(1..=255_u8, 1..20),
            seconds in 0_i64..4_000_000_000,
            accuracy in 0..100_u8,
            nonce in prop::option::of(1..=127_u8),
        ) {
            let at = UnixTime::from_seconds(seconds);
            let digest = Hash::Sha512.of(&[&content]);
            let nonce = nonce.map(|nonce| vec![nonce]);
            let bytes = write(POLICY, (Hash::Sha512, &digest), &serial, at, accuracy, nonce.as_deref());
            let info = Info::parse(&bytes).unwrap();
            prop_assert_eq!(info.is_of(&[&content]), Ok(()));
            prop_assert_eq!(info.is_of(&[&content[..], b"more"]), Err(TimeStampError::Imprint));
            prop_assert_eq!(info.time(), at);
            prop_assert_eq!(info.accuracy(), u32::from(accuracy));
            prop_assert_eq!(&info.nonce, &nonce);
            prop_assert_eq!(info.policy(), POLICY);
        }
    }
}
