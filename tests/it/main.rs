//! All integration tests, in one binary.

mod architecture;
mod credential;
mod judges;
mod pades;
mod pages;
mod pdf;
mod pki;
mod qr;
mod status;
mod store;
mod support;
mod trust;
