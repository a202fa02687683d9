//! The trust bundle: one signed file with everything that an offline verifier needs beside status lists.
//!
//! Who may issue what with which key and when, where statuses are and who signs them, how each result type
//! is called and its fields are shown, how old knowledge may be, and which certificate roots stand behind
//! signed documents. An operator signs it; a verifier pins the operator's key once (at enrolment).
//!
//! Making: [`Draft::new`] checks [`Contents`] → sign → [`Draft::seal`]. Reading: [`TrustBundle::open`].
//!
//! **Invariants:** a [`TrustBundle`] is signed by the operator's key that it names, by the pinned one if
//! there is one; each key belongs to an agency of the bundle and may sign only types of the bundle. Its
//! counter never goes back ([`TrustBundle::accepts`]).
//!
//! Specified in docs/formats/trust-bundle.md.

#![deny(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::as_conversions,
    clippy::panic
)]

mod bundle;
mod contents;
mod decode;
mod encode;
mod error;

pub use bundle::{Draft, TrustBundle};
pub use contents::{
    Agency, Contents, CredentialKey, Field, ListLocation, Operator, ResultType, is_issuer_code,
};
pub use error::{Part, TrustError};
