//! Which error of which use case becomes which problem. Codes are picked by exhaustive `match`es, here or
//! beside the error: a new variant does not compile until somebody picks its own.

use super::problem::{Problem, ProblemField, with_causes};
use crate::access::Forbidden;
use crate::inspection::InspectionError;
use crate::issuance::IssueError;
use crate::lifecycle::LifecycleError;
use crate::login::LoginError;
use crate::publication::PublishError;
use crate::search::SearchError;
use crate::store::documents::DocumentError;
use crate::store::{Conflict, Outage, StoreError};
use crate::verification::VerifyError;
use axum::http::StatusCode;

/// Seconds after which a caller may try again what is out of order: a restart of a database takes as long.
const OUT_OF_ORDER: u64 = 5;

impl From<StoreError> for Problem {
    fn from(error: StoreError) -> Self {
        Self::of_register(&error)
    }
}

impl Problem {
    fn of_register(error: &StoreError) -> Self {
        match error {
            // Requests that were written together share their fate.
            StoreError::Together(shared) => Self::of_register(shared),
            StoreError::Conflict(Conflict::Standing) => {
                Self::new(StatusCode::CONFLICT, "result/status-changed-meanwhile")
            }
            StoreError::Contended(_) | StoreError::Closing => {
                Self::new(StatusCode::SERVICE_UNAVAILABLE, "register/busy").retry_after(1)
            }
            StoreError::Outage(Outage::Full, _) => Self::out_of_order("register/full", error),
            StoreError::Outage(Outage::Unavailable, _) => {
                Self::out_of_order("register/unavailable", error)
            }
            StoreError::ClockBehind { .. } => Self::out_of_order("clock/behind", error),
            StoreError::Conflict(_)
            | StoreError::Missing(_)
            | StoreError::Corrupt(_)
            | StoreError::Url
            | StoreError::Migration(_)
            | StoreError::Database(_) => Self::internal(error),
        }
    }

    /// Something that this service needs is out of order; the same request may succeed later.
    fn out_of_order(code: &'static str, cause: &(dyn std::error::Error + 'static)) -> Self {
        tracing::error!(problem.code = code, error.cause = %with_causes(cause), "out of order");
        Self::new(StatusCode::SERVICE_UNAVAILABLE, code).retry_after(OUT_OF_ORDER)
    }
}

impl From<DocumentError> for Problem {
    fn from(error: DocumentError) -> Self {
        match error {
            DocumentError::Full(_) => Self::out_of_order("documents/full", &error),
            DocumentError::Disk(_) | DocumentError::Unreachable(_) | DocumentError::Stopped => {
                Self::out_of_order("documents/unavailable", &error)
            }
            DocumentError::Refused(_)
            | DocumentError::Settings(_)
            | DocumentError::Changed(_)
            | DocumentError::TooLarge(_)
            | DocumentError::Original(_) => Self::internal(&error),
        }
    }
}

impl From<Forbidden> for Problem {
    fn from(_: Forbidden) -> Self {
        Self::new(StatusCode::FORBIDDEN, "auth/forbidden")
    }
}

impl From<IssueError> for Problem {
    fn from(error: IssueError) -> Self {
        if let IssueError::Lifecycle(error) = error {
            return error.into();
        }
        let status = match &error {
            IssueError::Duplicate(_) => StatusCode::CONFLICT,
            _ => StatusCode::UNPROCESSABLE_ENTITY,
        };
        let refused = error.code().map(|code| Self::new(status, code));
        match (error, refused) {
            (IssueError::Data(error), Some(refused)) => refused.fields(
                error
                    .0
                    .into_iter()
                    .map(|one| ProblemField {
                        field: one.field,
                        code: one.problem.code(),
                    })
                    .collect(),
            ),
            (
                error @ (IssueError::TooLarge(_)
                | IssueError::Pdf(_)
                | IssueError::NoPlace(_)
                | IssueError::Stamp(_)),
                Some(refused),
            ) => refused.detail(error),
            (_, Some(refused)) => refused,
            (error, None) => Self::from_fault(error),
        }
    }
}

impl Problem {
    /// What is no fault of the request.
    fn from_fault(error: IssueError) -> Self {
        match error {
            IssueError::Forbidden(error) => error.into(),
            IssueError::NoKey(_) | IssueError::NoStatusList | IssueError::Signer(_) => {
                tracing::error!(error.cause = %with_causes(&error), "the signer cannot be used");
                Self::new(StatusCode::SERVICE_UNAVAILABLE, "issue/signer-unavailable")
            }
            IssueError::TimeStamp(error) => {
                tracing::error!(error.cause = %with_causes(&error), "no time stamp");
                Self::new(StatusCode::SERVICE_UNAVAILABLE, "issue/no-time-stamp")
            }
            IssueError::Store(error) => error.into(),
            IssueError::Documents(error) => error.into(),
            other => Self::internal(&other),
        }
    }
}

impl From<LifecycleError> for Problem {
    fn from(error: LifecycleError) -> Self {
        match error {
            LifecycleError::Unknown => super::api::unknown_result(),
            LifecycleError::Forbidden(error) => error.into(),
            LifecycleError::NotPossible(_) => {
                Self::new(StatusCode::CONFLICT, "result/not-possible").detail(error)
            }
            LifecycleError::UntilPast => {
                Self::new(StatusCode::UNPROCESSABLE_ENTITY, "result/until-past")
            }
            LifecycleError::Grounds(field) => {
                let field = ProblemField {
                    field: field.to_owned(),
                    code: "field/missing",
                };
                Self::new(StatusCode::UNPROCESSABLE_ENTITY, "request/shape").fields(vec![field])
            }
            LifecycleError::OtherType => {
                Self::new(StatusCode::UNPROCESSABLE_ENTITY, "result/other-type")
            }
            LifecycleError::UnknownRequest => {
                Self::new(StatusCode::NOT_FOUND, "change-request/unknown")
            }
            LifecycleError::Waiting => Self::new(StatusCode::CONFLICT, "change-request/waiting"),
            LifecycleError::Settled(_) => Self::new(StatusCode::CONFLICT, "change-request/settled"),
            LifecycleError::Expired => Self::new(StatusCode::CONFLICT, "change-request/expired"),
            LifecycleError::SamePerson => {
                Self::new(StatusCode::FORBIDDEN, "change-request/same-person")
            }
            LifecycleError::Store(error) => error.into(),
        }
    }
}

impl From<LoginError> for Problem {
    fn from(error: LoginError) -> Self {
        match error {
            LoginError::Refused => Self::new(StatusCode::UNAUTHORIZED, "auth/refused"),
            LoginError::Hash | LoginError::NoRandomness => Self::internal(&error),
            LoginError::Store(error) => error.into(),
        }
    }
}

impl From<VerifyError> for Problem {
    fn from(error: VerifyError) -> Self {
        match error {
            VerifyError::File(error) => {
                Self::new(StatusCode::UNPROCESSABLE_ENTITY, error.code()).detail(error)
            }
            VerifyError::Store(error) => error.into(),
        }
    }
}

impl From<SearchError> for Problem {
    fn from(error: SearchError) -> Self {
        match error {
            SearchError::Forbidden(error) => error.into(),
            SearchError::Store(error) => error.into(),
        }
    }
}

impl From<InspectionError> for Problem {
    fn from(error: InspectionError) -> Self {
        match error {
            InspectionError::Forbidden(error) => error.into(),
            InspectionError::TooMany => {
                Self::new(StatusCode::PAYLOAD_TOO_LARGE, "request/too-many-checks")
            }
            InspectionError::Verify(error) => error.into(),
            InspectionError::Store(error) => error.into(),
        }
    }
}

impl From<PublishError> for Problem {
    fn from(error: PublishError) -> Self {
        match error {
            PublishError::Store(error) => error.into(),
            PublishError::NoKey(_) | PublishError::Signer(_) => {
                tracing::error!(error.cause = %with_causes(&error), "nothing can be published");
                Self::new(
                    StatusCode::SERVICE_UNAVAILABLE,
                    "publication/signer-unavailable",
                )
            }
            PublishError::NotEs256 | PublishError::Trust(_) | PublishError::Status(_) => {
                Self::internal(&error)
            }
        }
    }
}
