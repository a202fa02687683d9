//! OCSP (RFC 6960, RFC 9654): asking whether a certificate was withdrawn, judging the answer, and, for the
//! authority of tests and demonstrations, giving one.
//!
//! ```text
//! OCSPRequest    CertID { digest of issuer's name, digest of its key, serial }, nonce?
//! OCSPResponse   status, BasicOCSPResponse {
//!                    responder, producedAt, answers { CertID, good | revoked | unknown, thisUpdate, nextUpdate? },
//!                    nonce?                                                       ◄── signed
//!                    signature, certificates? } by the issuer, or by whom the issuer delegated it to
//! ```
//!
//! In a `CertID` digests are names and protect nothing, so SHA-1 is spoken there: many responders know no
//! other. Nowhere else.
//!
//! **Invariants:** answers are DER throughout and at most [`limits::OCSP`] long; a
//! delegated responder is signed by the issuer itself, has the purpose OCSPSigning and says that nobody need
//! ask about it; nothing here asks for the time.

mod answer;
mod making;
mod request;

pub use answer::{Answer, Known, Question};
pub use making::{Answering, refused};
pub use request::{CertificateId, IdHash, Request};

use super::asn1::{self, Broken, Reader, SEQUENCE};
use super::scheme::Unsupported;
use crate::clock::UnixTime;
use crate::limits;
use der::asn1::ObjectIdentifier;

/// id-pkix-ocsp-basic (RFC 6960 §4.2.1).
const BASIC: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.6.1.5.5.7.48.1.1");
/// id-pkix-ocsp-nonce (RFC 6960 §4.4.1).
const NONCE: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.6.1.5.5.7.48.1.2");
/// id-kp-OCSPSigning (RFC 6960 §4.2.2.2).
const OCSP_SIGNING: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.6.1.5.5.7.3.9");

/// Why an answer says nothing that counts.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub enum OcspError {
    /// Longer than [`limits::OCSP`], or with more than
    /// [`limits::OCSP_ANSWERS`].
    #[error("larger than an answer may be")]
    TooLarge,
    /// Not the DER of an `OCSPResponse`.
    #[error("not an OCSP answer in DER")]
    Malformed,
    /// The responder refused (RFC 6960 §4.2.1): 1 the request, 2 an internal error, 3 try later, 5 sign
    /// the request, 6 not authorised.
    #[error("the responder refused with status {0}")]
    Refused(u8),
    /// Another kind of answer than the basic one.
    #[error("answer of kind {0}")]
    Kind(ObjectIdentifier),
    /// It says nothing about the certificate that was asked about.
    #[error("the answer is about another certificate")]
    OtherCertificate,
    /// Another nonce than was sent.
    #[error("the answer belongs to another question")]
    Nonce,
    /// A critical extension that this program does not process.
    #[error("the answer has the unknown critical extension {0}")]
    UnknownCriticalExtension(ObjectIdentifier),
    /// Whoever it names as its responder is not at hand.
    #[error("the responder's certificate is not there")]
    NoResponder,
    /// Neither the issuer nor directly below it, or without the purpose OCSPSigning.
    #[error("the responder may not answer for this issuer")]
    NotAuthorised,
    /// The responder's certificate is not valid at that time.
    #[error("the responder's certificate is not valid at {0}")]
    ResponderPeriod(UnixTime),
    /// The responder's certificate might have been withdrawn itself, and nobody says that one need not ask.
    #[error("the responder's own status would have to be asked for")]
    ResponderStatus,
    /// The signature does not hold.
    #[error("the answer's signature does not hold")]
    BadSignature,
    /// The signature cannot be checked.
    #[error("the answer's signature cannot be checked")]
    Unsupported(#[source] Unsupported),
    /// It speaks of a time that has not come.
    #[error("the answer is of {0}, which has not come")]
    Future(UnixTime),
    /// Newer knowledge is to be had.
    #[error("the answer is of {0}, which is too old")]
    TooOld(UnixTime),
}

impl OcspError {
    /// The stable code.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::TooLarge => "ocsp/too-large",
            Self::Malformed => "ocsp/malformed",
            Self::Refused(_) => "ocsp/refused",
            Self::Kind(_) => "ocsp/kind",
            Self::OtherCertificate => "ocsp/other-certificate",
            Self::Nonce => "ocsp/nonce",
            Self::UnknownCriticalExtension(_) => "ocsp/critical-extension",
            Self::NoResponder => "ocsp/no-responder",
            Self::NotAuthorised => "ocsp/not-authorised",
            Self::ResponderPeriod(_) => "ocsp/responder-period",
            Self::ResponderStatus => "ocsp/responder-status",
            Self::BadSignature => "ocsp/signature",
            Self::Unsupported(_) => "ocsp/unsupported",
            Self::Future(_) => "ocsp/future",
            Self::TooOld(_) => "ocsp/too-old",
        }
    }
}

impl From<Broken> for OcspError {
    fn from(Broken: Broken) -> Self {
        Self::Malformed
    }
}

/// The parts of a question or an answer: one sequence in DER, not longer than it may be.
fn opened(bytes: &[u8]) -> Result<Reader<'_>, OcspError> {
    if bytes.len() > limits::OCSP {
        return Err(OcspError::TooLarge);
    }
    let outer = asn1::der(bytes)?;
    if outer.tag == SEQUENCE {
        Ok(outer.inside())
    } else {
        Err(OcspError::Malformed)
    }
}
