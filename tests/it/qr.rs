//! Tests of qr.
