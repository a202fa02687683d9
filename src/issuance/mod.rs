//! Issuing a result: prepare, sign, commit.
