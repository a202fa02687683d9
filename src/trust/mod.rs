//! The trust bundle: who may vouch for what.
