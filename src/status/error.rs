//! What can be wrong with a status list.

use crate::cose::CoseError;

/// Why a status list cannot be made, read or trusted.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub enum StatusError {
    /// No entries, or more than [`crate::limits::STATUS_LIST_ENTRIES`].
    #[error("a list of {0} entries")]
    Entries(u32),
    /// An index beyond the end of the list.
    #[error("index {index} of a list of {entries} entries")]
    OutOfRange {
        /// The index.
        index: u32,
        /// Entries of the list.
        entries: u32,
    },
    /// A token larger than [`crate::limits::STATUS_TOKEN`].
    #[error("a token of {0} bytes")]
    TooLarge(usize),
    /// The envelope is not ours.
    #[error(transparent)]
    Cose(#[from] CoseError),
    /// The token is not signed by the key that the trust bundle names.
    #[error("not signed by the key of this list")]
    Signature,
    /// The claims are not those of a status list of two bits.
    #[error("claim {0} is missing, malformed or not known")]
    Claim(i64),
    /// The payload is not a map of claims.
    #[error("not a map of claims")]
    NotAMap,
    /// The compressed bytes are damaged, or followed by others.
    #[error("the compressed list is damaged")]
    Compressed,
    /// The list inflates to more entries than a list has.
    #[error("the list inflates to more entries than a list has")]
    Bomb,
}
