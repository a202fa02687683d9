//! All integration tests, in one binary.
#![allow(
    clippy::unwrap_used,
    reason = "what a test needs and does not get fails it"
)]

mod api;
mod architecture;
mod archival;
mod badges;
mod cli;
mod cms_signature;
mod credential;
mod documents;
mod evidence;
mod faults;
mod hostile;
mod judges;
mod large;
mod openapi;
mod pades;
mod pages;
mod pdf;
mod pki;
mod qr;
mod servers;
mod signer;
mod stamp;
mod status;
mod store;
mod support;
mod tamper;
mod trust;
