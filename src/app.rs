//! Puts the parts together: the only composition root.
