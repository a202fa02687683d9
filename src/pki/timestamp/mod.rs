//! Time stamps (RFC 3161, RFC 5816): asking for one, judging the answer, and, for the authority of tests and
//! demonstrations, giving one.
//!
//! ```text
//! TimeStampReq   version, imprint { digest algorithm, digest }, policy?, nonce, certReq
//!                     │                                                  │
//! TimeStampResp  status, token                                           │ must come back
//! token          CMS SignedData over TSTInfo ── signed by who is only a time-stamp authority
//! TSTInfo        version, policy, imprint, serial, genTime, accuracy?, ordering?, nonce?, tsa?, extensions?
//! ```
//!
//! **Invariants:** answers are DER throughout and at most [`limits::TIME_STAMP`]
//! long; nothing an authority says counts before its signature, its certificate's purpose and the imprint
//! were checked; nothing here asks for the time.

mod answer;
mod info;
mod making;
mod request;
mod token;

pub use answer::Answer;
pub use info::Info;
pub use making::{Stamping, granted, refused, stamping};
pub use request::Request;
pub use token::{Stamped, Token};

use super::asn1::{self, Broken, Element, Reader, SEQUENCE};
use super::chain::ChainError;
use super::cms::{CmsError, CmsOutcome};
use super::revocation::extensions;
use super::scheme::Unsupported;
use crate::clock::UnixTime;
use crate::limits;
use der::asn1::ObjectIdentifier;

/// `id-ct-TSTInfo` (RFC 3161 §2.4.2).
const TST_INFO: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.9.16.1.4");

/// Why an answer is no time stamp that can be used.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub enum TimeStampError {
    /// Longer than [`limits::TIME_STAMP`].
    #[error("larger than a time stamp may be")]
    TooLarge,
    /// Not the DER of a `TimeStampResp`, of a token or of what is in it.
    #[error("not a time stamp in DER")]
    Malformed,
    /// The CMS around it has a fault of its own.
    #[error("the token is no signature: {0}")]
    Cms(#[source] CmsError),
    /// The authority refused (RFC 3161 §2.4.2).
    #[error("the authority refused with status {status}")]
    Refused {
        /// `PKIStatus`; 2 is a rejection.
        status: u8,
        /// The first bit of `PKIFailureInfo`: 0 an algorithm, 2 the request, 5 the format, 14 no time source,
        /// 15 the policy, 16 an extension, 17 more is asked than is there, 25 a system failure.
        failure: Option<u8>,
    },
    /// It says that it granted one and has none.
    #[error("granted, without a token")]
    NoToken,
    /// The token signs something other than a `TSTInfo`.
    #[error("the token holds no time stamp but {0}")]
    ContentType(ObjectIdentifier),
    /// It is the time stamp of something else.
    #[error("the time stamp is of another content")]
    Imprint,
    /// The imprint is made with what is not accepted.
    #[error("the imprint cannot be checked")]
    Digest(#[source] Unsupported),
    /// Another nonce than was sent, or none: an old answer, or somebody else's.
    #[error("the answer belongs to another question")]
    Nonce,
    /// Another policy than was asked for.
    #[error("the time stamp is under policy {0}")]
    Policy(ObjectIdentifier),
    /// A critical extension that this program does not process.
    #[error("the time stamp has the unknown critical extension {0}")]
    UnknownCriticalExtension(ObjectIdentifier),
    /// The signature does not hold.
    #[error("the token's signature does not hold: {0:?}")]
    Signature(CmsOutcome),
    /// The signer's certificate is not part of what is signed (RFC 5816 §2.2.1).
    #[error("the token does not say which certificate signed it")]
    Unbound,
    /// The token names another authority than the one whose key signed it.
    #[error("the token names another authority than its signer")]
    AuthorityName,
    /// The signer is no time-stamp authority that we trust at that time.
    #[error("the signer is no trusted time-stamp authority")]
    Authority(#[source] ChainError),
    /// The time is not that of the question.
    #[error("stamped at {stamped}, asked between {earliest} and {latest}")]
    Time {
        /// What the token says.
        stamped: UnixTime,
        /// The first second that would do.
        earliest: UnixTime,
        /// The last second that would do.
        latest: UnixTime,
    },
}

impl TimeStampError {
    /// The stable code.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::TooLarge => "timestamp/too-large",
            Self::Malformed | Self::Cms(_) => "timestamp/malformed",
            Self::Refused { .. } => "timestamp/refused",
            Self::NoToken => "timestamp/no-token",
            Self::ContentType(_) => "timestamp/content-type",
            Self::Imprint => "timestamp/imprint",
            Self::Digest(_) => "timestamp/digest",
            Self::Nonce => "timestamp/nonce",
            Self::Policy(_) => "timestamp/policy",
            Self::UnknownCriticalExtension(_) => "timestamp/critical-extension",
            Self::Signature(_) => "timestamp/signature",
            Self::Unbound => "timestamp/unbound",
            Self::AuthorityName => "timestamp/authority-name",
            Self::Authority(ChainError::WrongPurpose(_)) => "timestamp/purpose",
            Self::Authority(ChainError::Expired { .. } | ChainError::NotYetValid { .. }) => {
                "timestamp/certificate-period"
            }
            Self::Authority(_) => "timestamp/untrusted",
            Self::Time { .. } => "timestamp/time",
        }
    }
}

impl From<Broken> for TimeStampError {
    fn from(Broken: Broken) -> Self {
        Self::Malformed
    }
}

/// The parts of a question or an answer: one sequence in DER, not longer than it may be.
fn opened(bytes: &[u8]) -> Result<Reader<'_>, TimeStampError> {
    if bytes.len() > limits::TIME_STAMP {
        return Err(TimeStampError::TooLarge);
    }
    let outer = asn1::der(bytes)?;
    if outer.tag == SEQUENCE {
        Ok(outer.inside())
    } else {
        Err(TimeStampError::Malformed)
    }
}

/// Extensions of which none must be understood: none is.
fn none_critical(list: Element<'_>) -> Result<(), TimeStampError> {
    match extensions(list)?
        .iter()
        .find(|extension| extension.critical)
    {
        Some(unknown) => Err(TimeStampError::UnknownCriticalExtension(unknown.oid)),
        None => Ok(()),
    }
}
