//! What can be wrong with a trust bundle.

use crate::cose::{CborError, CoseError};

/// A part of a bundle, to say where a fault is.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Part {
    /// The outermost map.
    Bundle,
    /// The operator.
    Operator,
    /// An agency.
    Agency,
    /// A credential key.
    Key,
    /// The place of a status list.
    List,
    /// A result type.
    Type,
    /// A field of a result type.
    Field,
}

impl Part {
    /// Its name in messages.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Bundle => "bundle",
            Self::Operator => "operator",
            Self::Agency => "agency",
            Self::Key => "key",
            Self::List => "status list",
            Self::Type => "result type",
            Self::Field => "field",
        }
    }
}

/// Why a bundle cannot be made or trusted.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub enum TrustError {
    /// Larger than [`crate::limits::TRUST_BUNDLE`].
    #[error("a bundle of {0} bytes")]
    TooLarge(usize),
    /// The envelope is not ours.
    #[error(transparent)]
    Cose(#[from] CoseError),
    /// The payload is not deterministic CBOR.
    #[error("the payload is not deterministic CBOR: {0}")]
    Cbor(CborError),
    /// A format version that this program does not know.
    #[error("format version {0} is not known")]
    Version(u64),
    /// A part is missing a value, or has one of another type or outside its range.
    #[error("{}: value {key} is missing or malformed", .part.name())]
    Malformed {
        /// The part.
        part: Part,
        /// The key of the value in it.
        key: i64,
    },
    /// A part has a value that the format does not have.
    #[error("{}: value {key} is not known", .part.name())]
    Unknown {
        /// The part.
        part: Part,
        /// The key of the value in it.
        key: i64,
    },
    /// Two parts have the same code or number.
    #[error("two of {} have the same code or number", .0.name())]
    Twice(Part),
    /// A key belongs to no agency of the bundle, or may sign a type that the bundle does not describe.
    #[error("a key names an agency or a result type that is not in the bundle")]
    Dangling,
    /// Signed by another key than the pinned one or the one that the bundle names.
    #[error("not signed by the operator's key")]
    Signature,
}
