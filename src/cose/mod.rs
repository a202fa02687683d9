//! The subset of CBOR (RFC 8949) and COSE_Sign1 (RFC 9052) that this service speaks: small enough to be
//! read in one sitting, and with one encoding for each value.
//!
//! ```text
//! D2                     tag 18: COSE_Sign1
//!   84                   array of 4
//!     49                 protected header, 9 bytes (longer with a content type)
//!       A2               map of 2
//!         01 26          1 (alg) : -7 (ES256)
//!         04 44 kkkkkkkk 4 (kid) : the first 4 bytes of SHA-256 of the key's SubjectPublicKeyInfo
//!     A0                 unprotected header: empty
//!     58 pp …            payload
//!     58 40 …            signature: r ‖ s, 64 bytes, low s
//! ```
//!
//! **Invariant:** [`cbor::decode`] accepts exactly what [`cbor::encode`] makes, and
//! [`sign1::Sealed::parse`] exactly what [`sign1::ToBeSigned::seal`] makes. Everything else is a typed
//! error that says what is wrong.

#![deny(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::as_conversions,
    clippy::panic
)]

pub mod cbor;
mod error;
pub mod sign1;

pub use error::{CborError, CoseError};
