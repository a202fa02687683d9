//! Answering whether a code or a document is what it says.
