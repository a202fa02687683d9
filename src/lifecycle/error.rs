//! Why nothing was decided.

use crate::access::Forbidden;
use crate::store::{Conflict, RequestState, Standing, StoreError};

/// Why a status could not be changed.
#[derive(Debug, thiserror::Error)]
pub enum LifecycleError {
    /// No result has this look-up code.
    #[error("no result has this look-up code")]
    Unknown,
    /// Not this caller.
    #[error(transparent)]
    Forbidden(#[from] Forbidden),
    /// From here this move does not exist.
    #[error("a result that is {} cannot be moved so", .0.name())]
    NotPossible(Standing),
    /// The last day of a suspension lies before today.
    #[error("the suspension would end before it begins")]
    UntilPast,
    /// A part of the grounds is empty or too long.
    #[error("{0} is missing or too long")]
    Grounds(&'static str),
    /// A result is replaced by one of its own type.
    #[error("a result is replaced by one of its own type")]
    OtherType,
    /// No request has this id.
    #[error("no request has this id")]
    UnknownRequest,
    /// The result waits for another decision.
    #[error("the result waits for another decision")]
    Waiting,
    /// Somebody settled the request before.
    #[error("the request is {} already", .0.name())]
    Settled(RequestState),
    /// Nobody answered the request in time.
    #[error("nobody answered the request in time")]
    Expired,
    /// Who asks does not answer.
    #[error("who asked for a change neither confirms nor rejects it")]
    SamePerson,
    /// The register failed.
    #[error("the register failed")]
    Store(#[from] StoreError),
}

impl LifecycleError {
    /// The stable code where the request is at fault; `None` where the installation is.
    #[must_use]
    pub fn code(&self) -> Option<&'static str> {
        match self {
            Self::Unknown => Some("result/unknown"),
            Self::NotPossible(_) => Some("result/not-possible"),
            Self::UntilPast => Some("result/until-past"),
            Self::Grounds(_) => Some("field/missing"),
            Self::OtherType => Some("result/other-type"),
            Self::UnknownRequest => Some("change-request/unknown"),
            Self::Waiting => Some("change-request/waiting"),
            Self::Settled(_) => Some("change-request/settled"),
            Self::Expired => Some("change-request/expired"),
            Self::SamePerson => Some("change-request/same-person"),
            Self::Store(StoreError::Conflict(Conflict::Standing)) => {
                Some("result/status-changed-meanwhile")
            }
            Self::Forbidden(_) => Some("auth/forbidden"),
            Self::Store(_) => None,
        }
    }
}
