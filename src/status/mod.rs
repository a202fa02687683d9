//! Status of many results in one small signed file: the IETF Token Status List
//! (draft-ietf-oauth-status-list-20) as a CWT, two bits a result.
//!
//! ```text
//! byte 0              byte 1
//! 7 6 5 4 3 2 1 0     7 6 5 4 3 2 1 0
//! └3┘ └2┘ └1┘ └0┘     └7┘ └6┘ └5┘ └4┘     two bits for each index, from the low end of each byte
//! ```
//!
//! A list has up to 2^20 entries. An index is drawn at random and never used twice; indices that belong to
//! no result read as valid, so a list does not tell how many results there are.
//!
//! Specified in docs/formats/status-list.md.

#![deny(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::as_conversions,
    clippy::panic
)]

mod error;
mod list;
pub mod token;

pub use error::StatusError;
pub use list::{Status, StatusList};
pub use token::VerifiedStatusList;
