//! Streams of our own, compressed.

use super::object::ObjRef;
use super::writer::Update;
use flate2::Compression;
use flate2::write::ZlibEncoder;
use std::io::Write;

/// Data as /FlateDecode inflates it.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) struct Packed(Vec<u8>);

impl Packed {
    pub(super) fn new(data: &[u8]) -> Self {
        let mut encoder = ZlibEncoder::new(Vec::new(), Compression::best());
        // Writing to memory does not fail.
        let packed = encoder.write_all(data).and_then(|()| encoder.finish());
        Self(packed.unwrap_or_default())
    }

    /// Writes it as a stream. `entries` are those of its dictionary without /Length and /Filter.
    pub(super) fn put(&self, update: &mut Update<'_>, reference: ObjRef, entries: &str) {
        let entries = format!("{entries} /Filter /FlateDecode ");
        update.put_stream(reference, entries.as_bytes(), &self.0);
    }
}
