//! Streams of our own, compressed.

use super::object::ObjRef;
use super::writer::Update;
use flate2::Compression;
use flate2::write::ZlibEncoder;
use std::io::Write;

/// Writes a stream with /FlateDecode. `entries` are those of its dictionary without /Length and /Filter.
pub(super) fn put_packed(update: &mut Update<'_>, reference: ObjRef, entries: &str, data: &[u8]) {
    let mut encoder = ZlibEncoder::new(Vec::new(), Compression::best());
    // Writing to memory does not fail; if it did, the plain bytes would say the same.
    match encoder.write_all(data).and_then(|()| encoder.finish()) {
        Ok(packed) => {
            let entries = format!("{entries} /Filter /FlateDecode ");
            update.put_stream(reference, entries.as_bytes(), &packed);
        }
        Err(_) => update.put_stream(reference, format!("{entries} ").as_bytes(), data),
    }
}
