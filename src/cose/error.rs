//! What is wrong with bytes that are not our CBOR or COSE.

/// Why bytes are not one item of deterministic CBOR.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub enum CborError {
    /// The bytes end inside an item.
    #[error("the bytes end inside an item")]
    Truncated,
    /// Bytes follow the item.
    #[error("bytes follow the item")]
    TrailingBytes,
    /// Items are nested deeper than [`crate::limits::CBOR_DEPTH`].
    #[error("items are nested too deep")]
    TooDeep,
    /// A number or length is not in its shortest form (RFC 8949 §4.2.1).
    #[error("a number or length is not in its shortest form")]
    NotShortest,
    /// A string, array or map of indefinite length (RFC 8949 §3.2).
    #[error("an item of indefinite length")]
    Indefinite,
    /// The keys of a map are not in the order of their bytes (RFC 8949 §4.2.1).
    #[error("the keys of a map are not sorted")]
    UnsortedKeys,
    /// A map has one key twice.
    #[error("a map has one key twice")]
    DuplicateKey,
    /// A floating-point number; no format of ours has one.
    #[error("a floating-point number")]
    Float,
    /// `undefined` or another simple value than false, true and null.
    #[error("a simple value that is not used")]
    Simple,
    /// A first byte that RFC 8949 keeps for later.
    #[error("a reserved first byte")]
    Reserved,
    /// A text that is not UTF-8.
    #[error("a text that is not UTF-8")]
    InvalidUtf8,
}

impl CborError {
    /// Whether the item is well-formed CBOR, only not spelled in the deterministic way.
    #[must_use]
    pub fn is_another_encoding(self) -> bool {
        matches!(
            self,
            Self::NotShortest | Self::Indefinite | Self::UnsortedKeys
        )
    }
}

/// Why bytes are not a COSE_Sign1 of ours. The variants stand in the order in which they are looked for.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub enum CoseError {
    /// Envelope or protected header are not deterministic CBOR.
    #[error("not deterministic CBOR: {0}")]
    Cbor(#[from] CborError),
    /// Not tag 18 around an array of byte string, map, byte string, byte string.
    #[error("not a tagged COSE_Sign1")]
    Shape,
    /// The algorithm stands in the unprotected header.
    #[error("the algorithm is not protected")]
    AlgorithmUnprotected,
    /// The key id stands in the unprotected header.
    #[error("the key id is not protected")]
    KeyIdUnprotected,
    /// `crit` (label 2) names headers that must be understood; none is.
    #[error("critical headers that are not understood")]
    Critical,
    /// A header that this subset does not have.
    #[error("an unknown header")]
    UnknownHeader,
    /// No algorithm.
    #[error("no algorithm")]
    AlgorithmMissing,
    /// Another algorithm than ES256.
    #[error("another algorithm than ES256")]
    AlgorithmUnsupported,
    /// No key id.
    #[error("no key id")]
    KeyIdMissing,
    /// A key id that is not a byte string of 4 bytes.
    #[error("the key id is not 4 bytes")]
    KeyIdLength,
    /// The content type (`typ`, RFC 9596) is missing or names another kind of content.
    #[error("another content type than expected")]
    ContentType,
    /// A DER `SEQUENCE` instead of the raw `r ‖ s`.
    #[error("the signature is DER, not r and s of 32 bytes each")]
    SignatureIsDer,
    /// Neither DER nor 64 bytes.
    #[error("the signature has {0} bytes, not 64")]
    SignatureLength(usize),
    /// The higher one of the two `s` that verify alike.
    #[error("the signature uses the high s")]
    HighS,
}
