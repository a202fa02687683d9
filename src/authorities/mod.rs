//! Authorities outside: time stamps, and whether certificates were withdrawn, by one guarded HTTP client.
//!
//! What they answer is hostile input until `pki` checked it. **Invariants:** nobody is asked but hosts that the
//! operator named; names that lead to private addresses are refused unless their host was named as an
//! internal one; no redirect is followed; every answer has an end in bytes and in time.

mod breaker;
mod client;
mod stamps;
mod status;

pub use client::{Client, FetchError, Host, Reach};
pub use stamps::{NoTimeStamp, StampFault, TimeStampSource, TimeStamps};
pub use status::{NoStatus, StatusFault, StatusSource};
