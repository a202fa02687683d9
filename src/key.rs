//! Algorithms, public keys and signatures: the words that every signed format uses.
//!
//! TT 15/2025/TT-BKHCN PL I allows RSASSA-PSS with at least 2048 bits and ECDSA with at least 256 bits for
//! new signatures; EdDSA is not on the list.

use crate::digest::Sha256;
use ring::signature as alg;

/// A signature algorithm that this service makes or accepts for its own formats.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum Algorithm {
    /// ECDSA on P-256 with SHA-256 (RFC 9053 §2.1).
    Es256,
    /// RSASSA-PSS with SHA-256, MGF1 with SHA-256, salt of 32 bytes (RFC 8230 §2).
    Ps256,
}

impl Algorithm {
    /// The name in JOSE and COSE registries, also used in configuration.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Es256 => "ES256",
            Self::Ps256 => "PS256",
        }
    }

    /// Reads [`Self::name`].
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        [Self::Es256, Self::Ps256]
            .into_iter()
            .find(|a| a.name() == name)
    }
}

/// A public key as DER `SubjectPublicKeyInfo`, with the algorithm it is used for.
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
pub struct PublicKey {
    algorithm: Algorithm,
    spki: Vec<u8>,
    /// The content of the `subjectPublicKey` bit string.
    bits: Vec<u8>,
}

/// The bytes are not a public key that this service uses.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[error("not a P-256 or RSA public key")]
pub struct InvalidPublicKey;

impl PublicKey {
    /// Reads a DER `SubjectPublicKeyInfo` (RFC 5280 §4.1.2.7) of a P-256 or RSA key.
    ///
    /// # Errors
    /// [`InvalidPublicKey`] for other keys, trailing bytes or broken DER.
    pub fn from_spki(spki: &[u8]) -> Result<Self, InvalidPublicKey> {
        use x509_parser::prelude::FromDer as _;
        let (rest, info) = x509_parser::x509::SubjectPublicKeyInfo::from_der(spki)
            .map_err(|_| InvalidPublicKey)?;
        let bits = info.subject_public_key.data.to_vec();
        let algorithm = match info.algorithm.algorithm.to_id_string().as_str() {
            "1.2.840.10045.2.1" => {
                let curve = info
                    .algorithm
                    .parameters
                    .as_ref()
                    .and_then(|p| p.as_oid().ok());
                let is_p256 = curve.is_some_and(|c| c.to_id_string() == "1.2.840.10045.3.1.7");
                if !is_p256 || bits.len() != 65 || bits.first() != Some(&4) {
                    return Err(InvalidPublicKey);
                }
                Algorithm::Es256
            }
            "1.2.840.113549.1.1.1" | "1.2.840.113549.1.1.10" => Algorithm::Ps256,
            _ => return Err(InvalidPublicKey),
        };
        if !rest.is_empty() {
            return Err(InvalidPublicKey);
        }
        Ok(Self {
            algorithm,
            spki: spki.to_vec(),
            bits,
        })
    }

    /// A P-256 key from its uncompressed point, `0x04 ‖ x ‖ y`, 65 bytes.
    ///
    /// # Errors
    /// [`InvalidPublicKey`] when it is not 65 bytes that begin with 4.
    pub fn from_p256_point(point: &[u8]) -> Result<Self, InvalidPublicKey> {
        // SEQUENCE { SEQUENCE { id-ecPublicKey, prime256v1 }, BIT STRING } (RFC 5480 §2)
        const PREFIX: [u8; 26] = [
            0x30, 0x59, 0x30, 0x13, 0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01, 0x06,
            0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07, 0x03, 0x42, 0x00,
        ];
        Self::from_spki(&[PREFIX.as_slice(), point].concat())
    }

    /// What the key signs with.
    #[must_use]
    pub fn algorithm(&self) -> Algorithm {
        self.algorithm
    }

    /// The DER `SubjectPublicKeyInfo`.
    #[must_use]
    pub fn spki(&self) -> &[u8] {
        &self.spki
    }

    /// The content of the `subjectPublicKey` bit string: a point, or a PKCS#1 `RSAPublicKey`.
    #[must_use]
    pub fn bits(&self) -> &[u8] {
        &self.bits
    }

    /// SHA-256 of the `SubjectPublicKeyInfo`.
    #[must_use]
    pub fn fingerprint(&self) -> Sha256 {
        Sha256::of(&self.spki)
    }

    /// The key id in credentials: the first 4 bytes of [`Self::fingerprint`].
    #[must_use]
    pub fn kid(&self) -> [u8; 4] {
        let Sha256([a, b, c, d, ..]) = self.fingerprint();
        [a, b, c, d]
    }

    /// Whether `signature` is this key's signature of `message`.
    ///
    /// An ECDSA signature is the raw `r ‖ s` of 64 bytes (RFC 9053 §2.1), an RSA signature the integer of
    /// RFC 8017 §8.1.
    #[must_use]
    pub fn verifies(&self, message: &[u8], signature: &[u8]) -> bool {
        let scheme: &dyn alg::VerificationAlgorithm = match self.algorithm {
            Algorithm::Es256 => &alg::ECDSA_P256_SHA256_FIXED,
            Algorithm::Ps256 => &alg::RSA_PSS_2048_8192_SHA256,
        };
        alg::UnparsedPublicKey::new(scheme, &self.bits)
            .verify(message, signature)
            .is_ok()
    }
}

/// Half the order of P-256, big-endian: an `s` above it is "high".
const P256_HALF_ORDER: [u8; 32] = [
    0x7f, 0xff, 0xff, 0xff, 0x80, 0x00, 0x00, 0x00, 0x7f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
    0xde, 0x73, 0x7d, 0x56, 0xd3, 0x8b, 0xcf, 0x42, 0x79, 0xdc, 0xe5, 0x61, 0x7e, 0x31, 0x92, 0xa8,
];

/// The order of P-256, big-endian.
const P256_ORDER: [u8; 32] = [
    0xff, 0xff, 0xff, 0xff, 0x00, 0x00, 0x00, 0x00, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
    0xbc, 0xe6, 0xfa, 0xad, 0xa7, 0x17, 0x9e, 0x84, 0xf3, 0xb9, 0xca, 0xc2, 0xfc, 0x63, 0x25, 0x51,
];

/// Whether the `s` of a raw ECDSA signature is at most half the order. `(r, s)` and `(r, n − s)` verify
/// alike; only the low one is accepted, so one credential has one text.
#[must_use]
pub fn has_low_s(signature: &[u8; 64]) -> bool {
    signature[32..] <= P256_HALF_ORDER[..]
}

/// The same raw ECDSA signature with the low one of its two `s`.
#[must_use]
pub fn with_low_s(mut signature: [u8; 64]) -> [u8; 64] {
    if !has_low_s(&signature) {
        let mut borrow = 0;
        for (digit, order) in signature[32..].iter_mut().zip(P256_ORDER).rev() {
            let (difference, under) = order.overflowing_sub(*digit);
            let (difference, under_again) = difference.overflowing_sub(borrow);
            *digit = difference;
            borrow = u8::from(under || under_again);
        }
    }
    signature
}

#[cfg(test)]
mod tests {
    use super::*;
    use ring::rand::SystemRandom;
    use ring::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair as _};

    #[test]
    fn both_s_verify_and_exactly_one_is_low() {
        let random = SystemRandom::new();
        let scheme = &ECDSA_P256_SHA256_FIXED_SIGNING;
        let pkcs8 = EcdsaKeyPair::generate_pkcs8(scheme, &random).unwrap();
        let pair = EcdsaKeyPair::from_pkcs8(scheme, pkcs8.as_ref(), &random).unwrap();
        let key = PublicKey::from_p256_point(pair.public_key().as_ref()).unwrap();
        let mut seen_high = false;
        for round in 0..64_u8 {
            let signature = pair.sign(&random, &[round]).unwrap();
            let signature: [u8; 64] = signature.as_ref().try_into().unwrap();
            let low = with_low_s(signature);
            assert!(has_low_s(&low));
            assert!(key.verifies(&[round], &low));
            assert!(!key.verifies(&[round, 0], &low));
            seen_high |= low != signature;
        }
        assert!(seen_high, "64 signatures without one high s");
    }

    #[test]
    fn a_point_of_another_length_is_no_key() {
        assert_eq!(PublicKey::from_p256_point(&[4; 64]), Err(InvalidPublicKey));
        assert_eq!(PublicKey::from_spki(b"\x30\x00"), Err(InvalidPublicKey));
    }
}
