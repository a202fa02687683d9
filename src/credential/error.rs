//! What can be wrong with a credential before anybody asks who signed it.

use crate::catalogue::FieldKind;
use crate::cose::CborError;

/// Why digits are not the numeric form of bytes.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub enum NumericError {
    /// Something else than 0 to 9.
    #[error("something other than a digit")]
    NotADigit,
    /// A number of digits that no number of bytes has.
    #[error("no number of bytes has this number of digits")]
    TailLength,
    /// Digits that stand for more than fits into their bytes.
    #[error("the digits stand for more than fits into their bytes")]
    NotCanonical,
}

/// Why bytes are not the claims of a credential.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub enum ClaimsError {
    /// Not deterministic CBOR.
    #[error("not deterministic CBOR: {0}")]
    Cbor(#[from] CborError),
    /// Not a map with whole numbers as keys.
    #[error("not a map of claims")]
    NotAMap,
    /// A claim that must be there is not.
    #[error("claim {0} is missing")]
    Missing(i64),
    /// A claim has another type, or a value outside its range.
    #[error("claim {0} has a wrong type or value")]
    Malformed(i64),
    /// A claim that the format does not have.
    #[error("claim {0} is not known")]
    Unknown(i64),
    /// A field has a number below 3 or above 255.
    #[error("{0} is not the number of a field")]
    FieldNumber(i64),
    /// A field has a value of a form that no kind has.
    #[error("field {0} has a value of no known form")]
    FieldValue(i64),
    /// The last second comes before the first.
    #[error("it ends before it begins")]
    EndsBeforeItBegins,
}

/// Why a value and a kind of field do not go together.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub enum FieldError {
    /// A personal identification number never goes into a QR.
    #[error("a personal identification number never goes into a QR")]
    NeverInQr,
    /// A value of another form than the kind has.
    #[error("not the form of a {}", .0.name())]
    WrongForm(FieldKind),
    /// A value outside the range of the kind.
    #[error("outside the range of a {}", .0.name())]
    OutOfRange(FieldKind),
}

/// Why a credential cannot be made.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum DraftError {
    /// The claims break a rule of the format.
    #[error(transparent)]
    Claims(#[from] ClaimsError),
    /// Larger than a credential may be.
    #[error("a credential of {bytes} bytes, {limit} at most; bytes by field: {fields:?}")]
    Oversize {
        /// Bytes of the credential, version byte and signature included.
        bytes: usize,
        /// [`crate::limits::CREDENTIAL`].
        limit: usize,
        /// Bytes of each field by its number, largest first.
        fields: Vec<(u32, usize)>,
    },
}

/// The text is not a host that the QR can name.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[error("a host has 1 to 100 characters of 0-9, A-Z, '.', '-' and perhaps ':' and a port")]
pub struct InvalidHost;
