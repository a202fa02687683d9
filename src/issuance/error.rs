//! Why nothing was issued.

use crate::access::Forbidden;
use crate::authorities::NoTimeStamp;
use crate::catalogue::DataError;
use crate::credential::{DraftError, FieldError, InvalidHost};
use crate::lifecycle::LifecycleError;
use crate::pdf::PdfError;
use crate::pdf::content::ContentError;
use crate::pdf::image::ImageError;
use crate::pdf::stamp::StampError;
use crate::qr::QrError;
use crate::signer::SignerError;
use crate::store::documents::DocumentError;
use crate::store::{Conflict, Purpose, StoreError};

/// Why nothing was issued.
#[derive(Debug, thiserror::Error)]
pub enum IssueError {
    /// The catalogue has no such type.
    #[error("the catalogue has no such result type")]
    UnknownType,
    /// The data does not fit its type.
    #[error("the data does not fit its type: {0}")]
    Data(#[from] DataError),
    /// Not this caller.
    #[error(transparent)]
    Forbidden(#[from] Forbidden),
    /// No agency has this code.
    #[error("no agency has this code")]
    UnknownAgency,
    /// The type needs the signature of an authorised person first.
    #[error("the type needs the signature of an authorised person first")]
    SignatoryNeeded,
    /// No key of the agency may sign this now.
    #[error("the agency has no {} key in force for this type", .0.name())]
    NoKey(Purpose),
    /// The agency has no status list.
    #[error("the agency has no status list")]
    NoStatusList,
    /// The number or the result code is taken.
    #[error("{0}")]
    Duplicate(Conflict),
    /// Another request had this idempotency key.
    #[error("another request had this idempotency key")]
    KeyReused,
    /// The fields that the QR carries are too large.
    #[error("too large for the QR; bytes by field: {}", .0.iter().map(|(name, bytes)| format!("{name} {bytes}")).collect::<Vec<_>>().join(", "))]
    TooLarge(Vec<(String, usize)>),
    /// The claims break a rule of the format.
    #[error("the credential cannot be made")]
    Draft(#[source] DraftError),
    /// A field cannot be carried by the QR.
    #[error("a field cannot be carried by the QR")]
    Field(#[from] FieldError),
    /// The configured host cannot stand in a QR.
    #[error(transparent)]
    Host(#[from] InvalidHost),
    /// The key of the credential makes other signatures than ES256.
    #[error("the key of the credential makes other signatures than ES256")]
    NotACredentialKey,
    /// The symbol cannot be made, or does not read back to its text.
    #[error("the symbol cannot be made")]
    Symbol(#[source] QrError),
    /// The PDF is refused.
    #[error(transparent)]
    Pdf(#[from] PdfError),
    /// The PDF carries a result of a system like this one already.
    #[error("the file is an issued result already")]
    AlreadyIssued,
    /// There is no free place on the page.
    #[error("no free place for {0}")]
    NoPlace(#[source] StampError),
    /// The page cannot be stamped.
    #[error("the page cannot be stamped: {0}")]
    Stamp(#[source] StampError),
    /// The picture of the agency's seal cannot be used.
    #[error("the picture of the seal cannot be used")]
    Seal(#[from] ImageError),
    /// The picture of the agency's seal is gone.
    #[error("the picture of the seal is gone")]
    SealMissing,
    /// The certificates of the agency cannot be used.
    #[error("the certificates of the agency cannot be used")]
    Certificates,
    /// The key cannot be used.
    #[error("the key cannot be used")]
    Signer(#[from] SignerError),
    /// No time-stamp authority answers as it should.
    #[error(transparent)]
    TimeStamp(#[from] NoTimeStamp),
    /// The signed PDF does not hold against our own check.
    #[error("the signed document does not hold against our own check")]
    SelfCheck,
    /// The stored credential is none.
    #[error("the stored credential is none")]
    Corrupt,
    /// The system has no randomness.
    #[error("the system has no randomness")]
    NoRandomness,
    /// The result cannot take the place of the other one.
    #[error(transparent)]
    Lifecycle(#[from] LifecycleError),
    /// The register failed.
    #[error("the register failed")]
    Store(#[from] StoreError),
    /// The files failed.
    #[error("the files failed")]
    Documents(#[from] DocumentError),
}

impl IssueError {
    /// The stable code where the request is at fault; `None` where the installation is.
    #[must_use]
    pub fn code(&self) -> Option<&'static str> {
        Some(match self {
            Self::UnknownType => "issue/unknown-type",
            Self::Data(_) => "issue/data",
            Self::UnknownAgency => "issue/unknown-agency",
            Self::SignatoryNeeded => "issue/signatory-needed",
            Self::Duplicate(Conflict::ResultCode) => "issue/duplicate-result-code",
            Self::Duplicate(_) => "issue/duplicate-number",
            Self::Lifecycle(error) => return error.code(),
            Self::KeyReused => "request/idempotency-key-reused",
            Self::TooLarge(_) => "issue/too-large-for-qr",
            Self::Field(_) => "issue/field-not-for-qr",
            Self::Pdf(error) => error.code(),
            Self::Documents(DocumentError::Original(_)) => "input/unreadable",
            Self::AlreadyIssued => "issue/already-issued",
            Self::NoPlace(_) => "issue/no-free-place",
            Self::Stamp(StampError::Content(_)) => "pdf/page-content",
            Self::Forbidden(_)
            | Self::NoKey(_)
            | Self::NoStatusList
            | Self::Draft(_)
            | Self::Host(_)
            | Self::NotACredentialKey
            | Self::Symbol(_)
            | Self::Stamp(_)
            | Self::Seal(_)
            | Self::SealMissing
            | Self::Certificates
            | Self::Signer(_)
            | Self::TimeStamp(_)
            | Self::SelfCheck
            | Self::Corrupt
            | Self::NoRandomness
            | Self::Store(_)
            | Self::Documents(_) => return None,
        })
    }
}

impl From<ContentError> for IssueError {
    fn from(error: ContentError) -> Self {
        StampError::from(error).into()
    }
}

impl From<StampError> for IssueError {
    fn from(error: StampError) -> Self {
        match error {
            StampError::Document(error) | StampError::Content(ContentError::Document(error)) => {
                Self::Pdf(error)
            }
            taken @ (StampError::SymbolOverlap(_) | StampError::FooterOverlap(_)) => {
                Self::NoPlace(taken)
            }
            other @ (StampError::Content(_) | StampError::Font(_)) => Self::Stamp(other),
        }
    }
}
