//! The HTTP service.

pub mod docs;
pub mod pages;
