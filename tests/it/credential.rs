//! Tests of credential.
