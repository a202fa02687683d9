//! Certificates, paths and CMS signatures: bytes in, typed values out.
//!
//! Implemented: reading of X.509 certificates (RFC 5280 §4), path building and the checks of RFC 5280 §6
//! without policies and name constraints; detached CMS signatures (RFC 5652) with the attributes of PAdES
//! baseline (ETSI EN 319 142-1); time stamps (RFC 3161); whether a certificate was withdrawn, by OCSP
//! (RFC 6960) and by complete CRLs (RFC 5280 §5), each apart from the path.
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
pub mod crl;
mod evidence;
mod moment;
mod name;
pub mod ocsp;
mod pss;
mod revocation;
mod scheme;
pub mod timestamp;

pub use certificate::{Certificate, CertificateError, KeyUsage};
pub use chain::{Chain, ChainError, VerifiedChain};
pub use evidence::{Evidence, Standing};
pub use name::Name;
pub use revocation::{CertificateStatus, Freshness, RevocationReason, Revoked};
pub use scheme::{Content, Hash, Scheme, Unsupported, ecdsa_sig_value, rsa_public_key_info};

pub use der::asn1::ObjectIdentifier;
