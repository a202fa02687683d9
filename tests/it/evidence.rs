//! Time stamps and certificate status, with OpenSSL as the other side and as the judge.

mod levels;
mod lists;
mod stamps;
mod status;
pub(crate) mod world;
