//! Private keys behind one object.
