//! Making public what was decided.
