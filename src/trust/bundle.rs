//! Making, signing and opening a bundle.

use super::contents::{Agency, Contents, CredentialKey, ListLocation, ResultType};
use super::{TrustError, decode, encode};
use crate::clock::UnixTime;
use crate::cose::sign1::{Sealed, ToBeSigned};
use crate::key::PublicKey;
use crate::limits;

/// The header `typ`.
const CONTENT_TYPE: &str = "application/vnd.dauso.trust+cbor";

/// Contents that keep every rule, before the signature.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Draft(ToBeSigned);

impl Draft {
    /// Contents, to be signed by the operator's key that they name.
    ///
    /// # Errors
    /// [`TrustError`] when the contents break a rule, so that [`TrustBundle::open`] would refuse them.
    pub fn new(contents: &Contents) -> Result<Self, TrustError> {
        contents.check()?;
        let payload = encode::contents(contents);
        // Reading it back finds what only the reader looks for, such as an empty label.
        decode::contents(&payload)?;
        let kid = contents.operator.key.kid();
        Ok(Self(ToBeSigned::new(kid, Some(CONTENT_TYPE), payload, b"")))
    }

    /// The bytes to sign with ES256.
    #[must_use]
    pub fn to_be_signed(&self) -> &[u8] {
        self.0.bytes()
    }

    /// The bundle with its signature, raw `r ‖ s`.
    #[must_use]
    pub fn seal(self, signature: [u8; 64]) -> Vec<u8> {
        self.0.seal(signature)
    }
}

/// A bundle whose signature holds. [`Self::open`] is the only way to one.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct TrustBundle(Contents);

impl TrustBundle {
    /// Opens a bundle that must be signed by `pinned`. With `None` the operator's key inside is taken at
    /// its word: for the first use, where a person compares its fingerprint.
    ///
    /// # Errors
    /// [`TrustError`]. With a pinned key nothing inside is looked at before the signature held.
    pub fn open(bytes: &[u8], pinned: Option<&PublicKey>) -> Result<Self, TrustError> {
        if bytes.len() > limits::TRUST_BUNDLE {
            return Err(TrustError::TooLarge(bytes.len()));
        }
        let sealed = Sealed::parse(bytes, Some(CONTENT_TYPE))?;
        let is_signed_by = |key: &PublicKey| sealed.kid() == key.kid() && sealed.verify(key, b"");
        if pinned.is_some_and(|key| !is_signed_by(key)) {
            return Err(TrustError::Signature);
        }
        let contents = decode::contents(sealed.payload())?;
        let named = &contents.operator.key;
        let is_named = match pinned {
            Some(key) => key == named,
            None => is_signed_by(named),
        };
        if !is_named {
            return Err(TrustError::Signature);
        }
        contents.check()?;
        Ok(Self(contents))
    }

    /// Everything it says.
    #[must_use]
    pub fn contents(&self) -> &Contents {
        &self.0
    }

    /// Whether a verifier that has seen a bundle with the counter `previous` may use this one. The same
    /// bundle again is fine; an older one would bring back withdrawn keys.
    #[must_use]
    pub fn accepts(&self, previous: u64) -> bool {
        self.0.counter >= previous
    }

    /// Whether its last second has passed.
    #[must_use]
    pub fn is_expired(&self, at: UnixTime) -> bool {
        at > self.0.expires
    }

    /// The keys with this id; two keys may share one by chance.
    pub fn keys_with(&self, kid: [u8; 4]) -> impl Iterator<Item = &CredentialKey> {
        self.0.keys.iter().filter(move |one| one.key.kid() == kid)
    }

    /// The agency with this short code.
    #[must_use]
    pub fn agency(&self, issuer: &str) -> Option<&Agency> {
        self.0
            .agencies
            .iter()
            .find(|agency| agency.issuer == issuer)
    }

    /// The result type with this number.
    #[must_use]
    pub fn result_type(&self, number: u32) -> Option<&ResultType> {
        self.0.types.iter().find(|known| known.number == number)
    }

    /// The status list with this number.
    #[must_use]
    pub fn list(&self, number: u32) -> Option<&ListLocation> {
        self.0.lists.iter().find(|list| list.number == number)
    }

    /// The status list at this address.
    #[must_use]
    pub fn list_at(&self, uri: &str) -> Option<&ListLocation> {
        self.0.lists.iter().find(|list| list.uri == uri)
    }
}
