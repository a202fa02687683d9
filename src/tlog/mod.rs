//! What a leaf of the log says, and its hash.
//!
//! The log is append-only: one leaf for every result issued, every status change (and every
//! request for one), every check, every published trust bundle. A leaf says *that*, not *who*: it holds a salted commitment to the record and
//! nothing of the record itself, so that personal data can be erased (with its salt) without breaking
//! the log.
//!
//! ```text
//! leaf = deterministic CBOR array
//!   [ 1,                 version
//!     kind,              0 issued, 1 status changed, 2 checked, 3 bundle published,
//!                      4 change requested, 5 change request closed
//!     at,                Unix seconds
//!     party,             short code of the issuer, or code of the checking agency
//!     commitment ]       32 bytes: SHA-256("dauso leaf 1" ‖ salt ‖ record)
//! ```
//!
//! The leaf hash is that of RFC 6962 §2.1, `SHA-256(0x00 ‖ leaf)`. Tiles and checkpoints over these
//! leaves are specified in docs/formats/log.md when they come; the leaves already have their final form.

use crate::clock::UnixTime;
use crate::cose::cbor::{self, Value};
use crate::digest::Sha256;

/// Bytes of a salt.
pub const SALT: usize = 16;

/// What happened.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Kind {
    /// A result was issued.
    Issued,
    /// The status of a result was changed.
    StatusChanged,
    /// A result was checked in the field.
    Checked,
    /// A trust bundle was published.
    BundlePublished,
    /// A change waits for a second person.
    ChangeRequested,
    /// A change was rejected, or waited too long.
    ChangeRequestClosed,
}

impl Kind {
    /// The word in the database and in answers.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Issued => "issued",
            Self::StatusChanged => "status_changed",
            Self::Checked => "checked",
            Self::BundlePublished => "bundle_published",
            Self::ChangeRequested => "change_requested",
            Self::ChangeRequestClosed => "change_request_closed",
        }
    }

    fn number(self) -> u64 {
        match self {
            Self::Issued => 0,
            Self::StatusChanged => 1,
            Self::Checked => 2,
            Self::BundlePublished => 3,
            Self::ChangeRequested => 4,
            Self::ChangeRequestClosed => 5,
        }
    }
}

/// One leaf.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Leaf {
    kind: Kind,
    at: UnixTime,
    bytes: Vec<u8>,
}

impl Leaf {
    /// The leaf that commits to `record`. `party` is a code, never a person.
    #[must_use]
    pub fn new(kind: Kind, at: UnixTime, party: &str, salt: &[u8; SALT], record: &[u8]) -> Self {
        let commitment = Sha256::of_parts(&[b"dauso leaf 1", salt, record]);
        let bytes = cbor::encode(&Value::Array(vec![
            Value::Uint(1),
            Value::Uint(kind.number()),
            Value::int(at.seconds()),
            Value::text(party),
            Value::Bytes(commitment.0.to_vec()),
        ]));
        Self { kind, at, bytes }
    }

    /// What happened.
    #[must_use]
    pub fn kind(&self) -> Kind {
        self.kind
    }

    /// When.
    #[must_use]
    pub fn at(&self) -> UnixTime {
        self.at
    }

    /// The bytes that the log holds.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// RFC 6962 §2.1.
    #[must_use]
    pub fn hash(&self) -> Sha256 {
        Sha256::of_parts(&[&[0], &self.bytes])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_leaf_has_exactly_these_bytes() {
        let at = UnixTime::from_seconds(1_795_226_520);
        let leaf = Leaf::new(Kind::Checked, at, "16.H99", &[7; SALT], b"record");
        let commitment = Sha256::of_parts(&[b"dauso leaf 1", &[7; 16], b"record"]);
        let expected = [
            &[0x85, 0x01, 0x02, 0x1a, 0x6b, 0x00, 0xfb, 0x98, 0x66][..],
            b"16.H99",
            &[0x58, 0x20],
            &commitment.0,
        ]
        .concat();
        assert_eq!(
            crate::digest::hex(leaf.bytes()),
            crate::digest::hex(&expected)
        );
        assert_eq!(leaf.hash(), Sha256::of_parts(&[&[0], &expected]));
    }

    #[test]
    fn two_salts_hide_that_two_records_are_alike() {
        let leaf = |salt| {
            Leaf::new(
                Kind::Issued,
                UnixTime::default(),
                "a",
                &[salt; SALT],
                b"same",
            )
        };
        assert_ne!(leaf(1).bytes(), leaf(2).bytes());
    }
}
