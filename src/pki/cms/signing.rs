//! Making a signature in two steps, with the key anywhere in between.
//!
//! PAdES baseline (EN 319 142-1 §6.3): one signer, content-type, message-digest and signing-certificate-v2
//! signed, no signing-time (the PDF's `/M` carries the claim), the whole chain inside.

use super::{
    CONTENT_TYPE, DATA, DIRECTORY_NAME, MESSAGE_DIGEST, SIGNED_DATA, SIGNING_CERTIFICATE_V2,
    SignedData, TIME_STAMP_TOKEN,
};
use crate::digest::Sha256;
use crate::key::{Algorithm, PublicKey};
use crate::pki::asn1::{
    self, CONTEXT_0, CONTEXT_1, INTEGER, OCTET_STRING, Reader, SET, element, sequence,
};
use crate::pki::certificate::Certificate;
use crate::pki::chain::{Chain, VerifiedChain};
use crate::pki::scheme::{Hash, Scheme, ecdsa_sig_value};
use crate::pki::timestamp::Token;
use der::asn1::ObjectIdentifier;

/// A prepared signature, waiting for the key: [`Self::to_be_signed`] goes to the signer,
/// [`Self::assemble`] or [`Self::signed`] takes what comes back.
#[derive(Debug)]
pub struct Signing {
    content: Content,
    key: PublicKey,
    /// The content of the SET OF signed attributes.
    attributes: Vec<u8>,
}

/// What stands in a `SignedData` beside the signature.
#[derive(Debug)]
struct Content {
    kind: ObjectIdentifier,
    /// `None`: it stands elsewhere, in a PDF around the signature.
    enclosed: Option<Vec<u8>>,
    leaf: Certificate,
    /// Leaf and what is above it; none if nobody asked for them.
    certificates: Vec<Certificate>,
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
        let content = Content {
            kind: DATA,
            enclosed: None,
            leaf: chain.leaf().clone(),
            certificates: chain.certificates().cloned().collect(),
        };
        Self::of(content, message_digest, chain, algorithm)
    }

    /// The same for a content that the signature is to hold, as time stamps do; with certificates only if
    /// they are wanted.
    pub(in crate::pki) fn enclosing(
        chain: &Chain,
        kind: ObjectIdentifier,
        enclosed: Vec<u8>,
        algorithm: Algorithm,
        with_certificates: bool,
    ) -> Result<Self, SigningError> {
        let digest = Sha256::of(&enclosed);
        let certificates = chain.certificates().filter(|_| with_certificates);
        let content = Content {
            kind,
            enclosed: Some(enclosed),
            leaf: chain.leaf().clone(),
            certificates: certificates.cloned().collect(),
        };
        Self::of(content, digest, chain, algorithm)
    }

    fn of(
        content: Content,
        message_digest: Sha256,
        chain: &Chain,
        algorithm: Algorithm,
    ) -> Result<Self, SigningError> {
        let key = chain
            .public_key()
            .ok()
            .filter(|key| key.algorithm() == algorithm)
            .ok_or(SigningError::Key(algorithm))?;
        let attributes = asn1::sorted(vec![
            attribute(CONTENT_TYPE, &asn1::oid(content.kind)),
            attribute(MESSAGE_DIGEST, &element(OCTET_STRING, &[&message_digest.0])),
            attribute(SIGNING_CERTIFICATE_V2, &signing_certificate(chain.leaf())),
        ]);
        Ok(Self {
            content,
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
        self.signed(signature).map(|signed| signed.der(None))
    }

    /// The signature, to which a time stamp may come yet.
    ///
    /// # Errors
    /// [`SigningError::BadSignature`] when the leaf's key did not make it.
    pub fn signed(self, signature: &[u8]) -> Result<Signed, SigningError> {
        if !self.key.verifies(&self.to_be_signed(), signature) {
            return Err(SigningError::BadSignature);
        }
        let algorithm = self.key.algorithm();
        let value = Scheme::value(algorithm, signature).ok_or(SigningError::BadSignature)?;
        Ok(Signed {
            content: self.content,
            algorithm,
            attributes: self.attributes,
            value,
        })
    }
}

/// A signature that holds. What [`Self::value`] says may be time-stamped (EN 319 122-1 §5.3), and the token
/// goes in with it.
#[derive(Debug)]
pub struct Signed {
    content: Content,
    algorithm: Algorithm,
    attributes: Vec<u8>,
    value: Vec<u8>,
}

impl Signed {
    /// The content of the signature's OCTET STRING, of which the time stamp is.
    #[must_use]
    pub fn value(&self) -> &[u8] {
        &self.value
    }

    /// The `ContentInfo` in DER, with the time stamp if there is one.
    #[must_use]
    pub fn der(&self, time_stamp: Option<&Token>) -> Vec<u8> {
        content_info(
            &self.content,
            self.algorithm,
            &self.attributes,
            &self.value,
            time_stamp.map(Token::der),
        )
    }
}

/// The most bytes that [`Signing::assemble`] makes for this chain, so that room can be left for it; at most
/// twenty too many.
///
/// # Errors
/// [`SigningError::Key`] when the leaf's key does not go with `algorithm`.
pub fn size_bound(chain: &Chain, algorithm: Algorithm) -> Result<usize, SigningError> {
    size_bound_with(chain, algorithm, None)
}

/// The same with a time stamp of at most `token` bytes.
///
/// # Errors
/// [`SigningError::Key`] when the leaf's key does not go with `algorithm`.
pub fn size_bound_stamped(
    chain: &Chain,
    algorithm: Algorithm,
    token: usize,
) -> Result<usize, SigningError> {
    size_bound_with(chain, algorithm, Some(&vec![0; token]))
}

fn size_bound_with(
    chain: &Chain,
    algorithm: Algorithm,
    token: Option<&[u8]>,
) -> Result<usize, SigningError> {
    let signing = Signing::new(chain, Sha256([0; 32]), algorithm)?;
    let signature = match algorithm {
        // Both integers with their sign byte.
        Algorithm::Es256 => ecdsa_sig_value(&[0xff; 64]).len(),
        // The signature is as long as the modulus, hence not longer than the encoded public key.
        Algorithm::Ps256 => signing.key.bits().len(),
    };
    let longest = vec![0; signature];
    let info = content_info(
        &signing.content,
        algorithm,
        &signing.attributes,
        &longest,
        token,
    );
    Ok(info.len())
}

impl SignedData {
    /// Whether `bytes`, which this was read from, are what [`Signed::der`] makes of its signature, these
    /// certificates and its time stamp, if it has one. Versions, the list of digests and certificates stand
    /// outside of what is signed: this is how a change of them is told. The time stamp's own bytes are
    /// somebody else's and taken as they are. Whoever changes how signatures are written keeps this spelling.
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
        let content = Content {
            kind: DATA,
            enclosed: None,
            leaf: chain.leaf().clone(),
            certificates: chain.certificates().cloned().collect(),
        };
        let signature = &self.signer.signature;
        let token = self.time_stamp_token();
        content_info(&content, key.algorithm(), set.content, signature, token) == bytes
    }
}

fn content_info(
    content: &Content,
    algorithm: Algorithm,
    attributes: &[u8],
    signature: &[u8],
    time_stamp: Option<&[u8]>,
) -> Vec<u8> {
    let version = asn1::unsigned(&[1]);
    // RFC 5754 §2: parameters of SHA-256 are left out.
    let sha256 = Hash::Sha256.identifier();
    let leaf = &content.leaf;
    let unsigned = time_stamp.map(|token| {
        let attribute = attribute(TIME_STAMP_TOKEN, token);
        element(CONTEXT_1, &[&attribute])
    });
    let signer = sequence(&[
        &version,
        &sequence(&[leaf.issuer().raw(), &element(INTEGER, &[leaf.serial()])]),
        &sha256,
        &element(CONTEXT_0, &[attributes]),
        &Scheme::identifier(algorithm),
        &element(OCTET_STRING, &[signature]),
        &unsigned.unwrap_or_default(),
    ]);
    let certificates: Vec<Vec<u8>> = content
        .certificates
        .iter()
        .map(|one| one.der().to_vec())
        .collect();
    let certificates = if certificates.is_empty() {
        Vec::new()
    } else {
        element(CONTEXT_0, &[&asn1::sorted(certificates)])
    };
    let enclosed = content.enclosed.as_deref().map(|enclosed| {
        let octets = element(OCTET_STRING, &[enclosed]);
        element(CONTEXT_0, &[&octets])
    });
    // RFC 5652 §5.1: 3 for any content but plain data.
    let outer_version = if content.kind == DATA {
        version
    } else {
        asn1::unsigned(&[3])
    };
    let signed_data = sequence(&[
        &outer_version,
        &element(SET, &[&sha256]),
        &sequence(&[&asn1::oid(content.kind), &enclosed.unwrap_or_default()]),
        &certificates,
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
