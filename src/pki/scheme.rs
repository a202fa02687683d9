//! Signature schemes of certificates and CMS, and how each is checked.
//!
//! Checked are ECDSA on P-256 and P-384 with SHA-256 and SHA-384, RSASSA-PSS with a salt of any length, and
//! RSASSA-PKCS1-v1_5; RSA from 2048 bits. SHA-1 is known and refused. What this service signs
//! with is less: see [`crate::key::Algorithm`].
//!
//! Checking goes through ring, signing (`signer`) through aws-lc: each judges the other.

use super::asn1::{
    self, BIT_STRING, Broken, CONTEXT_0, CONTEXT_1, CONTEXT_2, Element, INTEGER, NULL, Reader,
    SEQUENCE,
};
use super::pss;
use crate::key::Algorithm;
use der::asn1::ObjectIdentifier;
use ring::signature as alg;

/// A digest algorithm.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Hash {
    /// SHA-256.
    Sha256,
    /// SHA-384.
    Sha384,
    /// SHA-512.
    Sha512,
}

impl Hash {
    /// The digest of the parts, one after the other.
    #[must_use]
    pub fn of(self, parts: &[&[u8]]) -> Vec<u8> {
        let mut context = self.begun();
        for part in parts {
            context.update(part);
        }
        context.finish().as_ref().to_vec()
    }

    /// A digest of nothing, to be gone on with.
    pub(super) fn begun(self) -> ring::digest::Context {
        ring::digest::Context::new(match self {
            Self::Sha256 => &ring::digest::SHA256,
            Self::Sha384 => &ring::digest::SHA384,
            Self::Sha512 => &ring::digest::SHA512,
        })
    }

    /// Bytes of a digest.
    #[must_use]
    pub fn length(self) -> usize {
        match self {
            Self::Sha256 => 32,
            Self::Sha384 => 48,
            Self::Sha512 => 64,
        }
    }

    /// Reads a digest `AlgorithmIdentifier`; its parameters are absent or NULL (RFC 5754 §2).
    pub(super) fn read(identifier: Element<'_>) -> Result<Self, Unsupported> {
        let (oid, parameters) = parts(identifier)?;
        let hash = Self::from_oid(oid).ok_or(match oid {
            SHA1 => Unsupported::Sha1,
            _ => Unsupported::Digest(oid),
        })?;
        match parameters {
            None => Ok(hash),
            Some(null) if null.tag == NULL && null.content.is_empty() => Ok(hash),
            Some(_) => Err(Unsupported::Parameters),
        }
    }

    /// The DER `AlgorithmIdentifier`, without parameters (RFC 5754 §2).
    pub(super) fn identifier(self) -> Vec<u8> {
        let oid = match self {
            Self::Sha256 => SHA256,
            Self::Sha384 => SHA384,
            Self::Sha512 => SHA512,
        };
        asn1::sequence(&[&asn1::oid(oid)])
    }

    fn from_oid(oid: ObjectIdentifier) -> Option<Self> {
        match oid {
            SHA256 => Some(Self::Sha256),
            SHA384 => Some(Self::Sha384),
            SHA512 => Some(Self::Sha512),
            _ => None,
        }
    }
}

/// How a signature was made.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Scheme {
    /// ECDSA; the curve is the key's.
    Ecdsa(Hash),
    /// RSASSA-PSS, MGF1 with the same digest.
    RsaPss {
        /// The digest.
        hash: Hash,
        /// Bytes of salt; we make 32, others as many as fit.
        salt: usize,
    },
    /// RSASSA-PKCS1-v1_5: accepted in other people's files, never made.
    RsaPkcs1(Hash),
}

/// What this program does not check a signature with.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub enum Unsupported {
    /// SHA-1, broken since 2017.
    #[error("SHA-1 is not accepted")]
    Sha1,
    /// Another digest algorithm.
    #[error("digest algorithm {0} is not supported")]
    Digest(ObjectIdentifier),
    /// The content was hashed with SHA-256, the signature needs another digest of it.
    #[error("the signature needs another digest than SHA-256")]
    OtherDigest(Hash),
    /// Another signature algorithm.
    #[error("signature algorithm {0} is not supported")]
    Signature(ObjectIdentifier),
    /// Parameters other than those in the module's list (PSS with another mask, a trailer …).
    #[error("algorithm parameters are not supported")]
    Parameters,
    /// A key of another kind, curve or size, or one that does not go with the algorithm.
    #[error("the public key does not go with the signature algorithm")]
    Key,
}

impl From<Broken> for Unsupported {
    fn from(Broken: Broken) -> Self {
        Self::Parameters
    }
}

impl Scheme {
    /// Reads a signature `AlgorithmIdentifier`. `digest` is what a CMS signer names beside it: bare
    /// `rsaEncryption` leaves the digest to it.
    pub(super) fn read(identifier: Element<'_>, digest: Option<Hash>) -> Result<Self, Unsupported> {
        let (oid, parameters) = parts(identifier)?;
        match oid {
            ECDSA_SHA256 => Ok(Self::Ecdsa(Hash::Sha256)),
            ECDSA_SHA384 => Ok(Self::Ecdsa(Hash::Sha384)),
            ECDSA_SHA512 => Ok(Self::Ecdsa(Hash::Sha512)),
            RSA_SHA256 => Ok(Self::RsaPkcs1(Hash::Sha256)),
            RSA_SHA384 => Ok(Self::RsaPkcs1(Hash::Sha384)),
            RSA_SHA512 => Ok(Self::RsaPkcs1(Hash::Sha512)),
            RSA => digest
                .map(Self::RsaPkcs1)
                .ok_or(Unsupported::Signature(oid)),
            RSA_PSS => pss_parameters(parameters),
            RSA_SHA1 | ECDSA_SHA1 => Err(Unsupported::Sha1),
            _ => Err(Unsupported::Signature(oid)),
        }
    }

    /// The DER `AlgorithmIdentifier` of what this service signs with.
    pub(super) fn identifier(algorithm: Algorithm) -> Vec<u8> {
        match algorithm {
            // RFC 5758 §3.2: no parameters.
            Algorithm::Es256 => asn1::sequence(&[&asn1::oid(ECDSA_SHA256)]),
            // RFC 4055 §3.1: everything that is not the SHA-1 default is written out.
            Algorithm::Ps256 => {
                let sha256 = asn1::sequence(&[&asn1::oid(SHA256), &[NULL, 0]]);
                let mgf1 = asn1::sequence(&[&asn1::oid(MGF1), &sha256]);
                let parameters = asn1::sequence(&[
                    &asn1::element(CONTEXT_0, &[&sha256]),
                    &asn1::element(CONTEXT_1, &[&mgf1]),
                    &asn1::element(CONTEXT_2, &[&asn1::unsigned(&[32])]),
                ]);
                asn1::sequence(&[&asn1::oid(RSA_PSS), &parameters])
            }
        }
    }

    /// A raw signature of ours, ECDSA as `r ‖ s`, in the form that X.509, CMS and OCSP carry.
    pub(super) fn value(algorithm: Algorithm, signature: &[u8]) -> Option<Vec<u8>> {
        match algorithm {
            Algorithm::Es256 => Some(ecdsa_sig_value(signature.try_into().ok()?)),
            Algorithm::Ps256 => Some(signature.to_vec()),
        }
    }

    /// Whether `signature` is the signature of `message` by the key in a DER `SubjectPublicKeyInfo`.
    ///
    /// # Errors
    /// [`Unsupported::Key`] when the key cannot be used with this scheme.
    pub fn verifies(
        self,
        spki: &[u8],
        message: &[u8],
        signature: &[u8],
    ) -> Result<bool, Unsupported> {
        let (kind, bits) = key(spki)?;
        if let (Self::RsaPss { hash, salt }, KeyKind::Rsa) = (self, kind)
            && salt != hash.length()
        {
            return Ok(pss::verifies(bits, hash, salt, message, signature));
        }
        let algorithm: &dyn alg::VerificationAlgorithm = match (self, kind) {
            (Self::Ecdsa(Hash::Sha256), KeyKind::P256) => &alg::ECDSA_P256_SHA256_ASN1,
            (Self::Ecdsa(Hash::Sha384), KeyKind::P256) => &alg::ECDSA_P256_SHA384_ASN1,
            (Self::Ecdsa(Hash::Sha256), KeyKind::P384) => &alg::ECDSA_P384_SHA256_ASN1,
            (Self::Ecdsa(Hash::Sha384), KeyKind::P384) => &alg::ECDSA_P384_SHA384_ASN1,
            (
                Self::RsaPss {
                    hash: Hash::Sha256, ..
                },
                KeyKind::Rsa,
            ) => &alg::RSA_PSS_2048_8192_SHA256,
            (
                Self::RsaPss {
                    hash: Hash::Sha384, ..
                },
                KeyKind::Rsa,
            ) => &alg::RSA_PSS_2048_8192_SHA384,
            (
                Self::RsaPss {
                    hash: Hash::Sha512, ..
                },
                KeyKind::Rsa,
            ) => &alg::RSA_PSS_2048_8192_SHA512,
            (Self::RsaPkcs1(Hash::Sha256), KeyKind::Rsa) => &alg::RSA_PKCS1_2048_8192_SHA256,
            (Self::RsaPkcs1(Hash::Sha384), KeyKind::Rsa) => &alg::RSA_PKCS1_2048_8192_SHA384,
            (Self::RsaPkcs1(Hash::Sha512), KeyKind::Rsa) => &alg::RSA_PKCS1_2048_8192_SHA512,
            _ => return Err(Unsupported::Key),
        };
        Ok(alg::UnparsedPublicKey::new(algorithm, bits)
            .verify(message, signature)
            .is_ok())
    }
}

/// A raw ECDSA signature `r ‖ s` as the DER `ECDSA-Sig-Value` of X.509 and CMS (RFC 3279 §2.2.3).
#[must_use]
pub fn ecdsa_sig_value(raw: &[u8; 64]) -> Vec<u8> {
    let (r, s) = raw.split_at(32);
    asn1::sequence(&[&asn1::unsigned(r), &asn1::unsigned(s)])
}

/// Bytes of an RSA modulus: 2048 bits (TT 15/2025 PL I) to 8192 (what ring checks).
const RSA_BYTES: std::ops::RangeInclusive<usize> = 256..=1024;

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum KeyKind {
    P256,
    P384,
    Rsa,
}

fn key(spki: &[u8]) -> Result<(KeyKind, &[u8]), Unsupported> {
    let mut info = Reader::new(spki).expect(SEQUENCE)?.inside();
    let (oid, parameters) = parts(info.expect(SEQUENCE)?)?;
    let bits = info.expect(BIT_STRING)?.bits()?;
    let kind = match oid {
        RSA | RSA_PSS => {
            let modulus = Reader::new(bits)
                .expect(SEQUENCE)?
                .inside()
                .expect(INTEGER)?;
            let digits = modulus.content.iter().skip_while(|digit| **digit == 0);
            // ring would call a good signature of a short key a bad one.
            if !RSA_BYTES.contains(&digits.count()) {
                return Err(Unsupported::Key);
            }
            KeyKind::Rsa
        }
        EC_KEY => match parameters.ok_or(Unsupported::Key)?.oid()? {
            P256 => KeyKind::P256,
            P384 => KeyKind::P384,
            _ => return Err(Unsupported::Key),
        },
        _ => return Err(Unsupported::Key),
    };
    Ok((kind, bits))
}

/// OID and parameters of an `AlgorithmIdentifier`.
fn parts(identifier: Element<'_>) -> Result<(ObjectIdentifier, Option<Element<'_>>), Broken> {
    let mut inside = identifier.inside();
    let oid = inside.any()?.oid()?;
    let parameters = inside.next()?;
    inside.end()?;
    Ok((oid, parameters))
}

/// RFC 4055 §3.1: digest, mask with the same digest, salt, trailer 1. Absent fields stand for SHA-1.
fn pss_parameters(parameters: Option<Element<'_>>) -> Result<Scheme, Unsupported> {
    let mut fields = parameters.ok_or(Unsupported::Sha1)?.inside();
    let hash = fields.optional(CONTEXT_0)?.ok_or(Unsupported::Sha1)?;
    let hash = Hash::read(hash.inside().expect(SEQUENCE)?)?;
    let mask = fields.optional(CONTEXT_1)?.ok_or(Unsupported::Sha1)?;
    let (mask, mask_hash) = parts(mask.inside().expect(SEQUENCE)?)?;
    if mask != MGF1 || Hash::read(mask_hash.ok_or(Broken)?)? != hash {
        return Err(Unsupported::Parameters);
    }
    let salt = match fields.optional(CONTEXT_2)? {
        Some(salt) => match salt.inside().expect(INTEGER)?.content {
            [short @ 0..0x80] => usize::from(*short),
            [high @ 0..0x80, low] => usize::from(*high) << 8 | usize::from(*low),
            _ => return Err(Unsupported::Parameters),
        },
        None => 20,
    };
    // The trailer has one defined value, which DER leaves out.
    fields.end()?;
    Ok(Scheme::RsaPss { hash, salt })
}

const fn known(oid: &str) -> ObjectIdentifier {
    ObjectIdentifier::new_unwrap(oid)
}

/// RFC 5754 §2.
const SHA256: ObjectIdentifier = known("2.16.840.1.101.3.4.2.1");
const SHA384: ObjectIdentifier = known("2.16.840.1.101.3.4.2.2");
const SHA512: ObjectIdentifier = known("2.16.840.1.101.3.4.2.3");
pub(super) const SHA1: ObjectIdentifier = known("1.3.14.3.2.26");
/// RFC 5758 §3.2.
const ECDSA_SHA1: ObjectIdentifier = known("1.2.840.10045.4.1");
const ECDSA_SHA256: ObjectIdentifier = known("1.2.840.10045.4.3.2");
const ECDSA_SHA384: ObjectIdentifier = known("1.2.840.10045.4.3.3");
const ECDSA_SHA512: ObjectIdentifier = known("1.2.840.10045.4.3.4");
/// RFC 8017 appendix C.
const RSA: ObjectIdentifier = known("1.2.840.113549.1.1.1");
const RSA_SHA1: ObjectIdentifier = known("1.2.840.113549.1.1.5");
const MGF1: ObjectIdentifier = known("1.2.840.113549.1.1.8");
const RSA_PSS: ObjectIdentifier = known("1.2.840.113549.1.1.10");
const RSA_SHA256: ObjectIdentifier = known("1.2.840.113549.1.1.11");
const RSA_SHA384: ObjectIdentifier = known("1.2.840.113549.1.1.12");
const RSA_SHA512: ObjectIdentifier = known("1.2.840.113549.1.1.13");
/// RFC 5480 §2.
const EC_KEY: ObjectIdentifier = known("1.2.840.10045.2.1");
const P256: ObjectIdentifier = known("1.2.840.10045.3.1.7");
const P384: ObjectIdentifier = known("1.3.132.0.34");

#[cfg(test)]
#[expect(clippy::indexing_slicing, reason = "a test may panic")]
mod tests {
    use super::*;

    #[test]
    fn what_we_sign_with_reads_back_as_its_scheme() {
        for (algorithm, scheme) in [
            (Algorithm::Es256, Scheme::Ecdsa(Hash::Sha256)),
            (
                Algorithm::Ps256,
                Scheme::RsaPss {
                    hash: Hash::Sha256,
                    salt: 32,
                },
            ),
        ] {
            let identifier = Scheme::identifier(algorithm);
            let element = Reader::new(&identifier).any().unwrap();
            assert_eq!(Scheme::read(element, None), Ok(scheme));
        }
    }

    #[test]
    fn sha_1_is_told_apart_from_unknown_algorithms() {
        let sha1 = asn1::sequence(&[&asn1::oid(SHA1)]);
        let rsa_sha1 = asn1::sequence(&[&asn1::oid(RSA_SHA1), &[NULL, 0]]);
        let pss_by_default = asn1::sequence(&[&asn1::oid(RSA_PSS), &asn1::sequence(&[])]);
        let ed25519 = asn1::sequence(&[&asn1::oid(known("1.3.101.112"))]);
        let read = |bytes: &[u8]| Scheme::read(Reader::new(bytes).any().unwrap(), None);
        assert_eq!(
            Hash::read(Reader::new(&sha1).any().unwrap()),
            Err(Unsupported::Sha1)
        );
        assert_eq!(read(&rsa_sha1), Err(Unsupported::Sha1));
        assert_eq!(read(&pss_by_default), Err(Unsupported::Sha1));
        assert_eq!(
            read(&ed25519),
            Err(Unsupported::Signature(known("1.3.101.112")))
        );
    }

    #[test]
    fn a_raw_signature_becomes_two_integers() {
        let mut raw = [0; 64];
        raw[31] = 1;
        raw[32] = 0x80;
        let der = ecdsa_sig_value(&raw);
        assert_eq!(&der[..5], &[0x30, 38, 2, 1, 1]);
        assert_eq!(&der[5..9], &[2, 33, 0, 0x80]);
    }
}
