//! Which part of PDF/A a file claims to keep (ISO 19005), so that what is added keeps it too.

use super::error::PdfError;
use super::object::Object;
use super::reader::Document;
use super::source::find;

/// What the metadata of a file claim.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Archival {
    /// Nothing.
    No,
    /// PDF/A of this part, 0 if it cannot be read; with conformance level F of part 4, or not.
    Part(u8, Level),
}

/// The level of conformance, as far as it makes a difference here.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Level {
    /// PDF/A-4f: with embedded files.
    F,
    /// Any other, or none.
    Other,
}

/// The namespace of the claim (ISO 19005-1, 6.7.11).
const NAMESPACE: &[u8] = b"http://www.aiim.org/pdfa/ns/id/";

impl Archival {
    /// Reads the claim from the catalog's `/Metadata`.
    ///
    /// # Errors
    /// If the catalog cannot be read.
    pub fn of(document: &Document<'_>) -> Result<Self, PdfError> {
        let metadata = document.lookup(&document.catalog()?, b"Metadata")?;
        let Object::Stream(stream) = metadata else {
            return Ok(Self::No);
        };
        Ok(match document.stream_data(&stream) {
            Ok(packet) => Self::read(&packet),
            // Nothing is added that some part forbids.
            Err(_) => Self::Part(0, Level::Other),
        })
    }

    fn read(packet: &[u8]) -> Self {
        // UTF-16 is ASCII with zeros between, as far as this claim goes.
        let packet: Vec<u8> = packet.iter().copied().filter(|byte| *byte != 0).collect();
        let Some(at) = find(&packet, NAMESPACE) else {
            return Self::No;
        };
        let before = packet.get(..at).unwrap_or_default();
        let declared = before.rsplit(|byte| *byte == b':').next();
        let prefix = declared.and_then(|text| text.split(|byte| *byte == b'=').next());
        let prefix = prefix.unwrap_or_default().trim_ascii();
        let value = |name: &str| {
            let key = [prefix, b":", name.as_bytes()].concat();
            let at = find(&packet, &key)?;
            let rest = packet.get(at + key.len()..)?.trim_ascii_start();
            // <pdfaid:part>2</pdfaid:part>, or pdfaid:part="2".
            let rest = rest.strip_prefix(b"=").unwrap_or(rest).trim_ascii_start();
            let rest = rest.strip_prefix(b">").or_else(|| rest.get(1..))?;
            rest.trim_ascii_start().first().copied()
        };
        let part = value("part").filter(u8::is_ascii_digit);
        let level = match value("conformance") {
            Some(b'F' | b'f') => Level::F,
            _ => Level::Other,
        };
        Self::Part(part.map_or(0, |digit| digit - b'0'), level)
    }

    /// Whether any file may be embedded: parts 1 and 2 allow none, or only PDF/A (ISO 19005-2, 6.8).
    #[must_use]
    pub fn allows_files(self) -> bool {
        matches!(self, Self::No | Self::Part(3, _) | Self::Part(4, Level::F))
    }

    /// Whether soft masks may be used: part 1 allows none (ISO 19005-1, 6.4).
    #[must_use]
    pub fn allows_transparency(self) -> bool {
        !matches!(self, Self::Part(0 | 1, _))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_claim_is_read_from_elements_attributes_and_utf_16() {
        let declared = "xmlns:pdfaid=\"http://www.aiim.org/pdfa/ns/id/\"";
        let elements = format!(
            "<rdf:Description {declared}><pdfaid:part>2</pdfaid:part>\
             <pdfaid:conformance>B</pdfaid:conformance></rdf:Description>"
        );
        let attributes = format!("<x {declared} pdfaid:part = '4' pdfaid:conformance='F'/>");
        let utf_16: Vec<u8> = elements.encode_utf16().flat_map(u16::to_be_bytes).collect();
        let other = elements.replace("pdfaid", "a");
        let rows: [(&[u8], Archival); 6] = [
            (elements.as_bytes(), Archival::Part(2, Level::Other)),
            (&utf_16, Archival::Part(2, Level::Other)),
            (other.as_bytes(), Archival::Part(2, Level::Other)),
            (attributes.as_bytes(), Archival::Part(4, Level::F)),
            (declared.as_bytes(), Archival::Part(0, Level::Other)),
            (b"<x:xmpmeta/>", Archival::No),
        ];
        for (packet, claim) in rows {
            assert_eq!(Archival::read(packet), claim);
        }
    }

    #[test]
    fn parts_allow_what_they_allow() {
        let rows = [
            (Archival::No, true, true),
            (Archival::Part(0, Level::Other), false, false),
            (Archival::Part(1, Level::Other), false, false),
            (Archival::Part(2, Level::Other), false, true),
            (Archival::Part(3, Level::Other), true, true),
            (Archival::Part(4, Level::Other), false, true),
            (Archival::Part(4, Level::F), true, true),
        ];
        for (claim, files, transparency) in rows {
            assert_eq!(claim.allows_files(), files, "{claim:?}");
            assert_eq!(claim.allows_transparency(), transparency, "{claim:?}");
        }
    }
}
