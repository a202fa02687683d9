//! Checking a parsed signature against the content it is said to sign.

use super::parse::{CertificateId, SignedAttributes, SignedData};
use crate::digest::Sha256;
use crate::pki::certificate::Certificate;
use crate::pki::scheme::{Hash, Scheme, Unsupported};

/// What checking a signature found. Who the signer is has to be asked of [`crate::pki::chain::build`].
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct CmsCheck {
    /// How it went.
    pub outcome: CmsOutcome,
    /// The certificate whose key was used; present whenever the signature was intact.
    pub signer: Option<Certificate>,
    /// How the signature was made.
    pub scheme: Option<Scheme>,
    /// Whether the certificate is part of what was signed.
    pub binding: Binding,
}

/// How checking a signature went.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum CmsOutcome {
    /// The signer's key signed this content.
    Intact,
    /// The signature holds, but for another content.
    DigestMismatch,
    /// The signature does not hold for the signer's key and the signed attributes.
    BadSignature,
    /// The signed attributes name another certificate than the one that is offered (RFC 5035 §5).
    CertificateMismatch,
    /// The signer's certificate is not inside.
    NoSignerCertificate,
    /// The signed attributes lack content-type or message-digest, or name another content type
    /// (RFC 5652 §5.3); without any attributes the signature cannot be checked from a digest.
    IncompleteAttributes,
    /// Made with something that is not accepted.
    Unsupported(Unsupported),
}

/// Whether the signer's certificate is part of what was signed.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Binding {
    /// By signing-certificate-v2; PAdES baseline demands it.
    SigningCertificateV2,
    /// Not at all, or only through SHA-1: older `adbe.pkcs7.detached` signatures.
    None,
}

/// What a detached signature is said to sign: bytes in memory, or what is read for it.
pub trait Content {
    /// Hands its bytes over, from the first to the last; whether all of them could be read.
    fn feed(&self, to: &mut dyn FnMut(&[u8])) -> bool;
}

/// Parts, one after the other.
impl<T: AsRef<[u8]>, const N: usize> Content for [T; N] {
    fn feed(&self, to: &mut dyn FnMut(&[u8])) -> bool {
        for part in self {
            to(part.as_ref());
        }
        true
    }
}

impl SignedData {
    /// Checks the signature of a content that was hashed with SHA-256. For a signature with another digest
    /// algorithm see [`Self::check_content`].
    #[must_use]
    pub fn check(&self, content_digest: Sha256) -> CmsCheck {
        self.check_digest(|hash| match hash {
            Hash::Sha256 => Ok(content_digest.0.to_vec()),
            other => Err(CmsOutcome::Unsupported(Unsupported::OtherDigest(other))),
        })
    }

    /// Checks the signature of a content with the signature's own digest algorithm. Content that cannot be
    /// read to its end is another than the signed one.
    #[must_use]
    pub fn check_content(&self, content: &impl Content) -> CmsCheck {
        self.check_digest(|hash| {
            let mut digest = hash.begun();
            let read = content.feed(&mut |bytes| digest.update(bytes));
            let digest = read.then(|| digest.finish().as_ref().to_vec());
            digest.ok_or(CmsOutcome::DigestMismatch)
        })
    }

    fn check_digest(&self, digest_with: impl Fn(Hash) -> Result<Vec<u8>, CmsOutcome>) -> CmsCheck {
        let outcome = match self.judge(digest_with) {
            Ok(()) => CmsOutcome::Intact,
            Err(outcome) => outcome,
        };
        let bound = self
            .signer
            .attributes
            .as_ref()
            .is_some_and(|attributes| attributes.certificate.is_some());
        CmsCheck {
            outcome,
            signer: self.signer().cloned(),
            scheme: self.signer.scheme.ok(),
            binding: if bound {
                Binding::SigningCertificateV2
            } else {
                Binding::None
            },
        }
    }

    /// The signature comes first: attributes that nobody signed say nothing about the content.
    fn judge(
        &self,
        digest_with: impl Fn(Hash) -> Result<Vec<u8>, CmsOutcome>,
    ) -> Result<(), CmsOutcome> {
        let hash = self.signer.digest.map_err(CmsOutcome::Unsupported)?;
        let scheme = self.signer.scheme.map_err(CmsOutcome::Unsupported)?;
        let signer = self.signer().ok_or(CmsOutcome::NoSignerCertificate)?;
        let attributes = self
            .signer
            .attributes
            .as_ref()
            .ok_or(CmsOutcome::IncompleteAttributes)?;
        let holds = scheme
            .verifies(signer.spki(), &attributes.signed, &self.signer.signature)
            .map_err(CmsOutcome::Unsupported)?;
        if !holds {
            return Err(CmsOutcome::BadSignature);
        }
        if let Some(id) = &attributes.certificate {
            check_certificate(id, signer)?;
        }
        let signed = self.signed_digest(attributes)?;
        if digest_with(hash)? == signed {
            Ok(())
        } else {
            Err(CmsOutcome::DigestMismatch)
        }
    }

    fn signed_digest<'a>(&self, attributes: &'a SignedAttributes) -> Result<&'a [u8], CmsOutcome> {
        if attributes.content_type != Some(self.content_type) {
            return Err(CmsOutcome::IncompleteAttributes);
        }
        attributes
            .message_digest
            .as_deref()
            .ok_or(CmsOutcome::IncompleteAttributes)
    }
}

fn check_certificate(id: &CertificateId, signer: &Certificate) -> Result<(), CmsOutcome> {
    let hash = id.hash.map_err(CmsOutcome::Unsupported)?;
    let same_name = id.issuer_serial.as_ref().is_none_or(|(issuer, serial)| {
        issuer == signer.issuer().raw() && serial == signer.serial()
    });
    if same_name && hash.of(&[signer.der()]) == id.digest {
        Ok(())
    } else {
        Err(CmsOutcome::CertificateMismatch)
    }
}
