//! Token status lists.
