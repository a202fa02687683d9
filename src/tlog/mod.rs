//! What a leaf of the log says, and its hash.
