//! Tests of pki.
