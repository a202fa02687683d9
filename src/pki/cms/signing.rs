//! Making a signature in two steps, with the key anywhere in between.
//!
//! PAdES baseline (EN 319 142-1 §6.3): one signer, content-type, message-digest and signing-certificate-v2
//! signed, no signing-time (the PDF's `/M` carries the claim), the whole chain inside.

use super::{
    CONTENT_TYPE, DATA, DIRECTORY_NAME, MESSAGE_DIGEST, SIGNED_DATA, SIGNING_CERTIFICATE_V2,
    SignedData,
};
use crate::digest::Sha256;
use crate::key::{Algorithm, PublicKey};
use crate::pki::asn1::{self, CONTEXT_0, INTEGER, OCTET_STRING, Reader, SET, element, sequence};
use crate::pki::certificate::Certificate;
use crate::pki::chain::{Chain, VerifiedChain};
use crate::pki::scheme::{self, Scheme, ecdsa_sig_value};
use der::asn1::ObjectIdentifier;

/// A prepared signature, waiting for the key: [`Self::to_be_signed`] goes to the signer,
/// [`Self::assemble`] takes what comes back.
#[derive(Debug)]
pub struct Signing {
    chain: Chain,
    key: PublicKey,
    /// The content of the SET OF signed attributes.
    attributes: Vec<u8>,
}

/// Why a signature cannot be prepared or assembled.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub enum SigningError {
    /// The certificate has a key of another kind than the algorithm needs.
    #[error("the certificate's key does not sign with {}", .0.name())]
    Key(Algorithm),
    /// What came back is not the key's signature of [`Signing::to_be_signed`].
    #[error("not the certificate's signature of what was prepared")]
    BadSignature,
}

impl Signing {
    /// Prepares the signature of a content with this digest by the leaf of `chain`.
    ///
    /// # Errors
    /// [`SigningError::Key`] when the leaf's key does not go with `algorithm`.
    pub fn new(
        chain: &Chain,
        message_digest: Sha256,
        algorithm: Algorithm,
    ) -> Result<Self, SigningError> {
        let key = chain
            .public_key()
            .ok()
            .filter(|key| key.algorithm() == algorithm)
            .ok_or(SigningError::Key(algorithm))?;
        let attributes = asn1::sorted(vec![
            attribute(CONTENT_TYPE, &asn1::oid(DATA)),
            attribute(MESSAGE_DIGEST, &element(OCTET_STRING, &[&message_digest.0])),
            attribute(SIGNING_CERTIFICATE_V2, &signing_certificate(chain.leaf())),
        ]);
        Ok(Self {
            chain: chain.clone(),
            key,
            attributes,
        })
    }

    /// What the key signs: the DER `SET OF` signed attributes (RFC 5652 §5.4).
    #[must_use]
    pub fn to_be_signed(&self) -> Vec<u8> {
        element(SET, &[&self.attributes])
    }

    /// The finished `ContentInfo` in DER. An ES256 signature comes as raw `r ‖ s` of 64 bytes.
    ///
    /// # Errors
    /// [`SigningError::BadSignature`] when the leaf's key did not make it.
    pub fn assemble(self, signature: &[u8]) -> Result<Vec<u8>, SigningError> {
        if !self.key.verifies(&self.to_be_signed(), signature) {
            return Err(SigningError::BadSignature);
        }
        let algorithm = self.key.algorithm();
        let value = match algorithm {
            Algorithm::Es256 => {
                let raw = signature
                    .try_into()
                    .map_err(|_| SigningError::BadSignature)?;
                ecdsa_sig_value(raw)
            }
            Algorithm::Ps256 => signature.to_vec(),
        };
        Ok(content_info(
            &self.chain,
            algorithm,
            &self.attributes,
            &value,
        ))
    }
}

/// The most bytes that [`Signing::assemble`] makes for this chain, so that room can be left for it; at most
/// twenty too many.
///
/// # Errors
/// [`SigningError::Key`] when the leaf's key does not go with `algorithm`.
pub fn size_bound(chain: &Chain, algorithm: Algorithm) -> Result<usize, SigningError> {
    let signing = Signing::new(chain, Sha256([0; 32]), algorithm)?;
    let signature = match algorithm {
        // Both integers with their sign byte.
        Algorithm::Es256 => ecdsa_sig_value(&[0xff; 64]).len(),
        // The signature is as long as the modulus, hence not longer than the encoded public key.
        Algorithm::Ps256 => signing.key.bits().len(),
    };
    let longest = vec![0; signature];
    Ok(content_info(chain, algorithm, &signing.attributes, &longest).len())
}

impl SignedData {
    /// Whether `bytes`, which this was read from, are what [`Signing::assemble`] makes of its signature and
    /// these certificates. Versions, the list of digests and certificates stand outside of what is signed:
    /// this is how a change of them is told. Whoever changes how signatures are written keeps this spelling.
    #[must_use]
    pub fn is_spelled_as_ours(&self, bytes: &[u8], path: &VerifiedChain) -> bool {
        let Ok(chain) = Chain::new(path.certificates().to_vec()) else {
            return false;
        };
        let signed = self.signer.attributes.as_ref();
        let set = signed.map(|attributes| Reader::new(&attributes.signed).expect(SET));
        let (Ok(key), Some(Ok(set))) = (chain.public_key(), set) else {
            return false;
        };
        let signature = &self.signer.signature;
        content_info(&chain, key.algorithm(), set.content, signature) == bytes
    }
}

fn content_info(
    chain: &Chain,
    algorithm: Algorithm,
    attributes: &[u8],
    signature: &[u8],
) -> Vec<u8> {
    let version = asn1::unsigned(&[1]);
    // RFC 5754 §2: parameters of SHA-256 are left out.
    let sha256 = sequence(&[&asn1::oid(scheme::SHA256)]);
    let leaf = chain.leaf();
    let signer = sequence(&[
        &version,
        &sequence(&[leaf.issuer().raw(), &element(INTEGER, &[leaf.serial()])]),
        &sha256,
        &element(CONTEXT_0, &[attributes]),
        &Scheme::identifier(algorithm),
        &element(OCTET_STRING, &[signature]),
    ]);
    let certificates = chain.certificates().map(|one| one.der().to_vec()).collect();
    let signed_data = sequence(&[
        &version,
        &element(SET, &[&sha256]),
        &sequence(&[&asn1::oid(DATA)]),
        &element(CONTEXT_0, &[&asn1::sorted(certificates)]),
        &element(SET, &[&signer]),
    ]);
    sequence(&[
        &asn1::oid(SIGNED_DATA),
        &element(CONTEXT_0, &[&signed_data]),
    ])
}

fn attribute(kind: ObjectIdentifier, value: &[u8]) -> Vec<u8> {
    sequence(&[&asn1::oid(kind), &element(SET, &[value])])
}

/// `SigningCertificateV2` (RFC 5035 §3): one `ESSCertIDv2`, SHA-256 by default and therefore not named.
fn signing_certificate(leaf: &Certificate) -> Vec<u8> {
    let issuer = sequence(&[&element(DIRECTORY_NAME, &[leaf.issuer().raw()])]);
    let issuer_serial = sequence(&[&issuer, &element(INTEGER, &[leaf.serial()])]);
    let hash = element(OCTET_STRING, &[&leaf.fingerprint().0]);
    sequence(&[&sequence(&[&sequence(&[&hash, &issuer_serial])])])
}
