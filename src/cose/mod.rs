//! The COSE subset we speak.
