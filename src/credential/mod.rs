//! The credential in the QR.
