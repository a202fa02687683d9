//! Certificates, paths and CMS signatures.
