//! QR symbols: making, drawing and reading them.
