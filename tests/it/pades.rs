//! Tests of pades.
