//! Configuration, read once.
