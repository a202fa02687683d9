//! Certificates, paths and CMS signatures: bytes in, typed values out.
//!
//! Implemented: reading of X.509 certificates (RFC 5280 §4), path building and the checks of RFC 5280 §6
//! without policies, name constraints and revocation; detached CMS signatures (RFC 5652) with the signed
//! attributes of PAdES baseline (ETSI EN 319 142-1), made and checked.
//!
//! Not implemented, and said so by the types: revocation (CRL, OCSP), time stamp tokens (RFC 3161).
//!
//! **Invariants:** bytes that were signed are kept as they came and never encoded again; a
//! [`VerifiedChain`] is only made by [`chain::build`]; nothing here asks for the time.

#![deny(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::as_conversions,
    clippy::panic
)]

mod asn1;
mod certificate;
pub mod chain;
pub mod cms;
mod name;
mod pss;
mod scheme;

pub use certificate::{Certificate, CertificateError, KeyUsage};
pub use chain::{Chain, ChainError, VerifiedChain};
pub use name::Name;
pub use scheme::{Hash, Scheme, Unsupported, ecdsa_sig_value};

pub use der::asn1::ObjectIdentifier;
