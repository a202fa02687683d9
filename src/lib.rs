//! dauso (*dấu số*, digital seal): electronic results of Vietnamese administrative procedures that
//! anybody can check in a second, also without a network.
//!
//! Modules stand on floors; a module names only modules on lower floors (`tests/it/architecture.rs`
//! holds it to that, `docs/ARCHITECTURE.md` explains it).

// Floor 0: words that everybody uses. Pure, but for the system clock.
pub mod clock;
pub mod digest;
pub mod id;
pub mod key;
pub mod limits;
pub mod metrics;
pub mod nfc;
pub mod private;
pub mod report;

// Floor 1: formats. Bytes in, typed values out; no I/O, clock or randomness.
pub mod access;
pub mod catalogue;
pub mod cose;
pub mod pki;
pub mod qr;

// Floor 2: documents. Pure, made of formats.
pub mod credential;
pub mod pdf;
pub mod status;
pub mod tlog;
pub mod trust;

// Floor 3: adapters. All I/O.
pub mod authorities;
pub mod signer;
pub mod store;

// Floor 4: use cases. Each decides something and reads like the procedure.
pub mod inspection;
pub mod issuance;
pub mod lifecycle;
pub mod login;
pub mod publication;
pub mod search;
pub mod verification;

// Floor 5: delivery.
pub mod http;
pub mod worker;

// Floor 6: assembly.
pub mod app;
pub mod cli;
pub mod config;
pub mod telemetry;
