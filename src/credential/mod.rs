//! The credential in the QR: a signed CWT (RFC 8392) small enough for a vehicle badge, bound to the
//! look-up code printed beside it.
//!
//! ```text
//! HTTPS://QR.DANANG.GOV.VN/7K3M9QX2TB4C5D6E#00294017…
//! │                        │                └── digits: numeric form of 0x01 ‖ tagged COSE_Sign1
//! │                        └── result id, 80 bits: the external_aad of the signature
//! └── host: for phone cameras; a verifier does not look at it
//! ```
//!
//! Issuing: [`Draft::new`] → sign [`Draft::to_be_signed`] → [`Draft::seal`] → [`SealedCredential`], each
//! step by value, so there is one signature for one draft. Checking: [`judge()`] answers with a
//! [`crate::report::Report`]; nothing in here says "valid" with a `bool`.
//!
//! **Invariant:** one credential has one text. [`scan::parse`] accepts exactly what
//! [`SealedCredential::qr_text`] makes.
//!
//! Specified in docs/formats/credential.md and docs/formats/numeric-url.md.

#![deny(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::as_conversions,
    clippy::panic
)]

mod claims;
mod error;
pub mod evidence;
pub mod fields;
mod judge;
pub mod numeric;
pub mod scan;
mod seal;

pub use claims::{Claims, StatusRef};
pub use error::{ClaimsError, DraftError, FieldError, InvalidHost, NumericError};
pub use evidence::{Evidence, Lists, Trust};
pub use judge::{Judged, REQUIRED, VerifiedClaims, judge, judge_scanned};
pub use seal::{Draft, MalformedCredential, SealedCredential, UnverifiedClaims};
