//! All integration tests, in one binary.

mod architecture;
mod cms_signature;
mod credential;
mod judges;
mod pades;
mod pages;
mod pdf;
mod pki;
mod qr;
mod signer;
mod status;
mod store;
mod trust;
