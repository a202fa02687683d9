//! A private key in this process: P-256 or RSA, through aws-lc.

use super::{SignerError, Subject};
use crate::key::{Algorithm, PublicKey};
use crate::pki::ecdsa_sig_value;
use aws_lc_rs::encoding::{AsDer, Pkcs8V1Der, PublicKeyX509Der};
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::{KeyPair as RsaKeyPair, KeySize};
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair as _, RSA_PKCS1_SHA256, RSA_PSS_SHA256,
};
use std::fmt;
use zeroize::Zeroizing;

/// A private key. aws-lc clears its memory when it is dropped; `Debug` shows only the public key.
pub struct PrivateKey {
    pair: Pair,
    public: PublicKey,
}

enum Pair {
    P256(EcdsaKeyPair),
    Rsa(RsaKeyPair),
}

/// The bytes are no key that this service signs with.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub enum UnusableKey {
    /// Not a PKCS#8 private key (RFC 5958).
    #[error("not a PKCS#8 private key")]
    NotPkcs8,
    /// Neither P-256 nor RSA, or RSA with fewer bits than TT 15/2025 PL I allows.
    #[error("neither a P-256 key nor an RSA key of at least 2048 bits")]
    Kind,
    /// The random generator or the library failed.
    #[error("the key could not be made")]
    NotMade,
}

impl PrivateKey {
    /// Makes a new key: P-256, or RSA with 3072 bits (ASVS 5.0 V11.2.3).
    ///
    /// # Errors
    /// [`UnusableKey::NotMade`] when the random generator fails.
    pub fn generate(algorithm: Algorithm) -> Result<Self, UnusableKey> {
        let made = |_| UnusableKey::NotMade;
        let pair = match algorithm {
            Algorithm::Es256 => {
                Pair::P256(EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).map_err(made)?)
            }
            Algorithm::Ps256 => Pair::Rsa(RsaKeyPair::generate(KeySize::Rsa3072).map_err(made)?),
        };
        Self::of(pair)
    }

    /// Reads the DER of an unencrypted PKCS#8 key (RFC 5958).
    ///
    /// # Errors
    /// [`UnusableKey`] when it is not a P-256 or long enough RSA key.
    pub fn from_pkcs8(bytes: &[u8]) -> Result<Self, UnusableKey> {
        let info = pkcs8::PrivateKeyInfoRef::try_from(bytes).map_err(|_| UnusableKey::NotPkcs8)?;
        let pair = match info.algorithm.oid.to_string().as_str() {
            "1.2.840.10045.2.1" => Pair::P256(
                EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, bytes)
                    .map_err(|_| UnusableKey::Kind)?,
            ),
            // aws-lc refuses fewer than 2048 bits.
            "1.2.840.113549.1.1.1" => {
                Pair::Rsa(RsaKeyPair::from_pkcs8(bytes).map_err(|_| UnusableKey::Kind)?)
            }
            _ => return Err(UnusableKey::Kind),
        };
        Self::of(pair)
    }

    fn of(pair: Pair) -> Result<Self, UnusableKey> {
        let public = match &pair {
            Pair::P256(pair) => PublicKey::from_p256_point(pair.public_key().as_ref()),
            Pair::Rsa(pair) => {
                let spki: PublicKeyX509Der<'_> =
                    pair.public_key().as_der().map_err(|_| UnusableKey::Kind)?;
                PublicKey::from_spki(spki.as_ref())
            }
        };
        Ok(Self {
            pair,
            public: public.map_err(|_| UnusableKey::Kind)?,
        })
    }

    /// The DER of the unencrypted PKCS#8 key, to be encrypted at once.
    pub(super) fn pkcs8(&self) -> Result<Zeroizing<Vec<u8>>, UnusableKey> {
        let bytes = match &self.pair {
            Pair::P256(pair) => pair.to_pkcs8v1().map(|document| document.as_ref().to_vec()),
            Pair::Rsa(pair) => {
                AsDer::<Pkcs8V1Der<'_>>::as_der(pair).map(|document| document.as_ref().to_vec())
            }
        };
        bytes.map(Zeroizing::new).map_err(|_| UnusableKey::NotMade)
    }

    /// The public key.
    #[must_use]
    pub fn public_key(&self) -> &PublicKey {
        &self.public
    }

    /// Signs and verifies; see [`super::Signer::sign`].
    ///
    /// # Errors
    /// [`SignerError`] when there is no signature, or one that does not verify.
    pub fn sign(&self, message: &[u8]) -> Result<Vec<u8>, SignerError> {
        let random = SystemRandom::new();
        let signature = match &self.pair {
            Pair::P256(pair) => pair
                .sign(&random, message)
                .map_err(|_| SignerError::Refused)?
                .as_ref()
                .to_vec(),
            Pair::Rsa(pair) => {
                let mut signature = vec![0; pair.public_modulus_len()];
                pair.sign(&RSA_PSS_SHA256, &random, message, &mut signature)
                    .map_err(|_| SignerError::Refused)?;
                signature
            }
        };
        if self.public.verifies(message, &signature) {
            Ok(signature)
        } else {
            Err(SignerError::BadSignature)
        }
    }

    /// A certificate request in PEM (PKCS#10, RFC 2986) with which a CA learns subject and key.
    ///
    /// # Errors
    /// [`SignerError::Refused`] when the subject cannot be encoded or signed.
    pub fn request(&self, subject: &Subject) -> Result<String, SignerError> {
        subject
            .document_signing()
            .serialize_request(self)
            .and_then(|request| request.pem())
            .map_err(|_| SignerError::Refused)
    }
}

impl fmt::Debug for PrivateKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PrivateKey({})", self.public.fingerprint())
    }
}

/// For certificates and requests, which rcgen writes.
impl rcgen::PublicKeyData for PrivateKey {
    fn der_bytes(&self) -> &[u8] {
        self.public.bits()
    }

    fn algorithm(&self) -> &'static rcgen::SignatureAlgorithm {
        match self.pair {
            Pair::P256(_) => &rcgen::PKCS_ECDSA_P256_SHA256,
            Pair::Rsa(_) => &rcgen::PKCS_RSA_SHA256,
        }
    }
}

impl rcgen::SigningKey for PrivateKey {
    /// An RSA request is signed by PKCS#1 v1.5, which every CA reads; it proves possession and vouches for
    /// nothing. The demo authority's own keys are P-256.
    fn sign(&self, message: &[u8]) -> Result<Vec<u8>, rcgen::Error> {
        let failed = rcgen::Error::RemoteKeyError;
        match &self.pair {
            Pair::P256(_) => {
                let raw = Self::sign(self, message).map_err(|_| failed.clone())?;
                let raw = raw.as_slice().try_into().map_err(|_| failed)?;
                Ok(ecdsa_sig_value(raw))
            }
            Pair::Rsa(pair) => {
                let mut signature = vec![0; pair.public_modulus_len()];
                pair.sign(
                    &RSA_PKCS1_SHA256,
                    &SystemRandom::new(),
                    message,
                    &mut signature,
                )
                .map_err(|_| failed)?;
                Ok(signature)
            }
        }
    }
}
