//! Time stamps and certificate status, with OpenSSL as the other side and as the judge.

mod fetching;
mod issuing;
mod levels;
mod lists;
mod stamps;
mod status;
mod verdicts;
pub(crate) mod world;
