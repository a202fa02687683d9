//! Private keys behind one object: in files, in tokens and HSMs; remote services later.
//!
//! A signer signs bytes and knows nothing of PDF or COSE: `pki::cms` and `cose` prepare the bytes and take
//! the signature back. **Invariant:** every signature is verified against the public key before it is
//! handed out, so a broken token or a wrong key never reaches a document.

pub mod authority;
pub mod file;
mod keyring;
mod private_key;
pub mod services;
mod subject;
pub mod token;

pub use keyring::Keyring;
pub use private_key::{PrivateKey, UnusableKey};
pub use subject::Subject;

use crate::key::{Algorithm, PublicKey};
use crate::pki::Chain;
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

/// A future behind a pointer, so that signers of all kinds fit behind `dyn Signer`.
pub type BoxFuture<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// A private key that may live in a file, an HSM or a remote service.
pub trait Signer: Send + Sync {
    /// What it signs with.
    fn algorithm(&self) -> Algorithm;

    /// The key that verifies its signatures.
    fn public_key(&self) -> &PublicKey;

    /// Signs `message` (not its digest). ES256 gives the raw `r ‖ s` of 64 bytes, PS256 the integer of
    /// RFC 8017 §8.1 in as many bytes as the modulus.
    fn sign<'a>(&'a self, message: &'a [u8]) -> BoxFuture<'a, Result<Vec<u8>, SignerError>>;
}

/// Why there is no signature.
#[derive(Clone, Debug, thiserror::Error)]
pub enum SignerError {
    /// The key's owner (library, token, service) gave no signature.
    #[error("the key gave no signature")]
    Refused,
    /// It gave something that its own public key does not verify.
    #[error("the key gave a signature that its public key does not verify")]
    BadSignature,
    /// Its file cannot be opened.
    #[error("the key file cannot be opened")]
    File(#[source] Arc<file::KeyFileError>),
    /// The token gave no signature.
    #[error("the token gave no signature")]
    Token(#[source] Arc<token::TokenError>),
    /// Its file holds another key than the register names.
    #[error("the key file holds another key")]
    OtherKey,
}

impl From<file::KeyFileError> for SignerError {
    fn from(error: file::KeyFileError) -> Self {
        Self::File(Arc::new(error))
    }
}

impl From<token::TokenError> for SignerError {
    fn from(error: token::TokenError) -> Self {
        Self::Token(Arc::new(error))
    }
}

/// A certificate chain with the signer that holds its leaf's key.
#[derive(Clone)]
pub struct SigningIdentity {
    chain: Chain,
    signer: Arc<dyn Signer>,
}

/// The certificate belongs to another key.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[error("the certificate belongs to another key")]
pub struct KeyMismatch;

impl SigningIdentity {
    /// Joins a chain and its signer.
    ///
    /// # Errors
    /// [`KeyMismatch`] when the leaf has another key than the signer.
    pub fn new(chain: Chain, signer: Arc<dyn Signer>) -> Result<Self, KeyMismatch> {
        match chain.public_key() {
            // The key itself counts, not how the certificate writes its parameters.
            Ok(key) if key.bits() == signer.public_key().bits() => Ok(Self { chain, signer }),
            _ => Err(KeyMismatch),
        }
    }

    /// The certificates, leaf first.
    #[must_use]
    pub fn chain(&self) -> &Chain {
        &self.chain
    }

    /// The key.
    #[must_use]
    pub fn signer(&self) -> &dyn Signer {
        self.signer.as_ref()
    }

    /// What it signs with.
    #[must_use]
    pub fn algorithm(&self) -> Algorithm {
        self.signer.algorithm()
    }
}

impl fmt::Debug for SigningIdentity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SigningIdentity")
            .field("certificate", self.chain.leaf())
            .finish_non_exhaustive()
    }
}
