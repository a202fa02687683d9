//! The credential: vectors, outside judges, sizes, tampering.

mod answers;
mod envelopes;
mod interop;
mod payloads;
mod properties;
mod sizes;
mod texts;
mod vectors;
pub(crate) mod world;
