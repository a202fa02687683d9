//! Distinguished names, kept as bytes and shown as people read them.

use std::fmt;

/// A distinguished name (RFC 5280 §4.1.2.4).
///
/// Two names are equal when their bytes are: a CA writes its name in the certificates it signs as in its
/// own (RFC 5280 §4.1.2.6).
#[derive(Clone, Eq, PartialEq)]
pub struct Name {
    raw: Vec<u8>,
    /// Short name or dotted OID, and value, in encoded order.
    attributes: Vec<(String, String)>,
}

impl Name {
    pub(super) fn read(name: &x509_parser::x509::X509Name<'_>) -> Self {
        let attributes = name
            .iter_attributes()
            .map(|attribute| {
                let oid = attribute.attr_type().to_id_string();
                let short = SHORT
                    .iter()
                    .find(|(known, _)| *known == oid)
                    .map_or(oid.clone(), |(_, short)| (*short).to_owned());
                let value = attribute.attr_value();
                (short, text(value.tag().0, value.data))
            })
            .collect();
        Self {
            raw: name.as_raw().to_vec(),
            attributes,
        }
    }

    /// Reads the DER of a `Name`.
    pub(super) fn from_der(bytes: &[u8]) -> Option<Self> {
        use x509_parser::prelude::FromDer as _;
        let (rest, name) = x509_parser::x509::X509Name::from_der(bytes).ok()?;
        rest.is_empty().then(|| Self::read(&name))
    }

    /// The DER bytes.
    #[must_use]
    pub fn raw(&self) -> &[u8] {
        &self.raw
    }

    /// The value of the last attribute with this short name (`CN`, `O`, `OU`, `C`, `title` …) or dotted OID.
    #[must_use]
    pub fn attribute(&self, name: &str) -> Option<&str> {
        self.attributes
            .iter()
            .rev()
            .find(|(known, _)| known == name)
            .map(|(_, value)| value.as_str())
    }

    /// `CN`: the person, agency or authority.
    #[must_use]
    pub fn common_name(&self) -> Option<&str> {
        self.attribute("CN")
    }

    /// `O`: the organisation.
    #[must_use]
    pub fn organization(&self) -> Option<&str> {
        self.attribute("O")
    }
}

/// RFC 4514: the most specific attribute first, special characters escaped.
impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, (name, value)) in self.attributes.iter().rev().enumerate() {
            if index > 0 {
                f.write_str(", ")?;
            }
            write!(f, "{name}=")?;
            for c in value.chars() {
                match c {
                    ',' | '+' | '"' | '\\' | '<' | '>' | ';' => write!(f, "\\{c}")?,
                    // Also hides characters that turn the direction of the text.
                    c if c.is_control()
                        || matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}') =>
                    {
                        write!(f, "\\u{{{:x}}}", u32::from(c))?;
                    }
                    c => write!(f, "{c}")?,
                }
            }
        }
        Ok(())
    }
}

impl fmt::Debug for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Name({self})")
    }
}

/// RFC 4519 §2 and, for the e-mail address, RFC 2985.
const SHORT: &[(&str, &str)] = &[
    ("2.5.4.3", "CN"),
    ("2.5.4.4", "SN"),
    ("2.5.4.5", "serialNumber"),
    ("2.5.4.6", "C"),
    ("2.5.4.7", "L"),
    ("2.5.4.8", "ST"),
    ("2.5.4.9", "street"),
    ("2.5.4.10", "O"),
    ("2.5.4.11", "OU"),
    ("2.5.4.12", "title"),
    ("2.5.4.42", "GN"),
    ("2.5.4.97", "organizationIdentifier"),
    ("0.9.2342.19200300.100.1.1", "UID"),
    ("0.9.2342.19200300.100.1.25", "DC"),
    ("1.2.840.113549.1.9.1", "emailAddress"),
];

/// The text of a string type; older certificates use TeletexString and BMPString.
fn text(tag: u32, bytes: &[u8]) -> String {
    const TELETEX: u32 = 20;
    const BMP: u32 = 30;
    match tag {
        TELETEX => bytes.iter().copied().map(char::from).collect(),
        BMP => {
            let units = bytes.chunks(2).map(|pair| {
                pair.iter()
                    .fold(0, |unit, byte| unit << 8 | u16::from(*byte))
            });
            char::decode_utf16(units)
                .map(|c| c.unwrap_or(char::REPLACEMENT_CHARACTER))
                .collect()
        }
        _ => String::from_utf8_lossy(bytes).into_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_shown_most_specific_first_and_cannot_fake_an_attribute() {
        let name = Name {
            raw: Vec::new(),
            attributes: vec![
                ("C".to_owned(), "VN".to_owned()),
                ("O".to_owned(), "Sở Xây dựng, CN=Bộ".to_owned()),
                ("CN".to_owned(), "Ủy ban\u{202e}".to_owned()),
            ],
        };
        assert_eq!(
            name.to_string(),
            "CN=Ủy ban\\u{202e}, O=Sở Xây dựng\\, CN=Bộ, C=VN"
        );
        assert_eq!(name.common_name(), Some("Ủy ban\u{202e}"));
    }

    #[test]
    fn old_string_types_are_read() {
        assert_eq!(text(30, &[0x1e, 0xe6, 0x00, 0x79]), "\u{1ee6}y");
        assert_eq!(text(20, &[0xe0]), "à");
    }
}
