//! Jobs that run after a decision.
