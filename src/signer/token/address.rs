//! Where a key lies in a token: a PKCS #11 URI (RFC 7512).

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};
use std::fmt;
use std::path::PathBuf;

/// Characters of an address that are read.
const LENGTH: usize = 2_048;

/// What RFC 7512 §2.3 lets stand as it is in an attribute, of what we write.
const ESCAPED: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~')
    .remove(b'/');

/// The address of one key: which library, which token, which object, and where the PIN stands.
///
/// ```text
/// pkcs11:token=seal;id=%01?module-path=/usr/lib/softhsm/libsofthsm2.so&pin-source=file:token.pin
/// ```
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Address {
    /// The library that speaks to the token (`module-path`).
    pub module: PathBuf,
    /// What must hold of the token.
    pub token: TokenMatch,
    /// `CKA_ID` of the key.
    pub id: Option<Vec<u8>>,
    /// `CKA_LABEL` of the key (`object`).
    pub object: Option<String>,
    /// The file with the PIN (`pin-source`); relative paths start in the folder of the keys.
    pub pin: PathBuf,
}

/// The attributes of a token that an address names; those it does not name match every token.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct TokenMatch {
    /// `token`: its label.
    pub label: Option<String>,
    /// `serial`.
    pub serial: Option<String>,
    /// `manufacturer`.
    pub manufacturer: Option<String>,
    /// `model`.
    pub model: Option<String>,
}

/// Why a text is no address of a key.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum AddressError {
    /// It does not begin with `pkcs11:`, or is far too long.
    #[error("not a PKCS #11 URI (RFC 7512)")]
    NotAUri,
    /// An attribute is not `name=value`, stands twice or is not UTF-8.
    #[error("a PKCS #11 URI with a faulty attribute {0:?}")]
    Attribute(String),
    /// An attribute that would have to be understood is not.
    #[error("the attribute {0:?} of a PKCS #11 URI is not understood")]
    Unknown(String),
    /// The PIN itself stands in the address.
    #[error("a PIN must stand in a file of its own (pin-source=file:…), never in the address")]
    PinValue,
    /// Something is missing.
    #[error("a PKCS #11 URI of a key needs {0}")]
    Missing(&'static str),
}

impl Address {
    /// Reads an address.
    ///
    /// # Errors
    /// [`AddressError`]. Attributes that are not known are refused: to ignore one could mean another key.
    pub fn parse(text: &str) -> Result<Self, AddressError> {
        let text = text.trim();
        let rest = text
            .strip_prefix("pkcs11:")
            .filter(|_| text.len() <= LENGTH)
            .ok_or(AddressError::NotAUri)?;
        let (path, query) = rest.split_once('?').unwrap_or((rest, ""));
        let mut path = Attributes::of(path, ';')?;
        let mut query = Attributes::of(query, '&')?;
        if query.bytes("pin-value").is_some() {
            return Err(AddressError::PinValue);
        }
        if let Some(kind) = path.text("type")?
            && kind != "private"
        {
            return Err(AddressError::Attribute("type".into()));
        }
        let module = query.text("module-path")?;
        let pin = query.text("pin-source")?;
        let pin = pin
            .as_deref()
            .map(|pin| pin.strip_prefix("file:").unwrap_or(pin));
        let address = Self {
            module: module.ok_or(AddressError::Missing("module-path"))?.into(),
            token: TokenMatch {
                label: path.text("token")?,
                serial: path.text("serial")?,
                manufacturer: path.text("manufacturer")?,
                model: path.text("model")?,
            },
            id: path.bytes("id"),
            object: path.text("object")?,
            pin: pin.ok_or(AddressError::Missing("pin-source"))?.into(),
        };
        if let Some((name, _)) = path.0.first().or(query.0.first()) {
            return Err(AddressError::Unknown(name.clone()));
        }
        if !address.module.is_absolute() {
            return Err(AddressError::Missing("an absolute module-path"));
        }
        if address.token == TokenMatch::default() {
            return Err(AddressError::Missing("token or serial"));
        }
        Ok(address)
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("pkcs11:")?;
        let token = &self.token;
        let attributes = [
            ("token", &token.label),
            ("serial", &token.serial),
            ("manufacturer", &token.manufacturer),
            ("model", &token.model),
            ("object", &self.object),
        ];
        for (name, value) in attributes {
            if let Some(value) = value {
                write!(f, "{name}={};", utf8_percent_encode(value, ESCAPED))?;
            }
        }
        if let Some(id) = &self.id {
            f.write_str("id=")?;
            id.iter().try_for_each(|byte| write!(f, "%{byte:02X}"))?;
            f.write_str(";")?;
        }
        let path = |path: &PathBuf| {
            let path = path.to_string_lossy().into_owned();
            utf8_percent_encode(&path, ESCAPED).to_string()
        };
        write!(
            f,
            "type=private?module-path={}&pin-source=file:{}",
            path(&self.module),
            path(&self.pin)
        )
    }
}

/// The attributes of one part of the address; what is asked for is taken out.
struct Attributes(Vec<(String, Vec<u8>)>);

impl Attributes {
    fn of(part: &str, between: char) -> Result<Self, AddressError> {
        let mut attributes: Vec<(String, Vec<u8>)> = Vec::new();
        for attribute in part.split(between).filter(|text| !text.is_empty()) {
            let faulty = || AddressError::Attribute(name_of(attribute));
            let (name, value) = attribute.split_once('=').ok_or_else(faulty)?;
            if attributes.iter().any(|(known, _)| known == name) {
                return Err(faulty());
            }
            attributes.push((name.to_owned(), percent_decode_str(value).collect()));
        }
        Ok(Self(attributes))
    }

    fn bytes(&mut self, name: &str) -> Option<Vec<u8>> {
        let at = self.0.iter().position(|(known, _)| known == name)?;
        Some(self.0.swap_remove(at).1)
    }

    fn text(&mut self, name: &str) -> Result<Option<String>, AddressError> {
        let text = self.bytes(name).map(String::from_utf8).transpose();
        text.map_err(|_| AddressError::Attribute(name.to_owned()))
    }
}

/// What an error may repeat of an attribute: its name; the rest could be a PIN.
fn name_of(attribute: &str) -> String {
    let name = attribute.split('=').next().unwrap_or_default();
    name.chars().take(32).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const PLAIN: &str = "pkcs11:token=con%20d%E1%BA%A5u;id=%01%ff?module-path=/usr/lib/p11.so&pin-source=file:token.pin";

    #[test]
    fn an_address_names_library_token_key_and_the_file_of_the_pin() {
        let address = Address::parse(PLAIN).unwrap();
        assert_eq!(
            address,
            Address {
                module: "/usr/lib/p11.so".into(),
                token: TokenMatch {
                    label: Some("con dấu".into()),
                    ..TokenMatch::default()
                },
                id: Some(vec![1, 255]),
                object: None,
                pin: "token.pin".into(),
            }
        );
        assert_eq!(Address::parse(&address.to_string()), Ok(address));
    }

    #[test]
    fn what_is_faulty_missing_or_not_understood_is_refused_by_name() {
        let refused = |text: &str| Address::parse(text).unwrap_err();
        let rest = "?module-path=/p11.so&pin-source=pin";
        assert_eq!(refused("http:token=a"), AddressError::NotAUri);
        assert_eq!(
            refused(&format!("pkcs11:{}", "a".repeat(2_048))),
            AddressError::NotAUri
        );
        assert_eq!(
            refused("pkcs11:token"),
            AddressError::Attribute("token".into())
        );
        assert_eq!(
            refused(&format!("pkcs11:token=a;token=b{rest}")),
            AddressError::Attribute("token".into())
        );
        assert_eq!(
            refused(&format!("pkcs11:token=%ff{rest}")),
            AddressError::Attribute("token".into())
        );
        assert_eq!(
            refused(&format!("pkcs11:token=a;type=public{rest}")),
            AddressError::Attribute("type".into())
        );
        assert_eq!(
            refused(&format!("pkcs11:token=a;slot-id=7{rest}")),
            AddressError::Unknown("slot-id".into())
        );
        assert_eq!(
            refused("pkcs11:token=a?module-path=/p11.so&pin-value=1234"),
            AddressError::PinValue
        );
        assert_eq!(
            refused("pkcs11:token=a?module-path=/p11.so"),
            AddressError::Missing("pin-source")
        );
        assert_eq!(
            refused("pkcs11:token=a?pin-source=pin"),
            AddressError::Missing("module-path")
        );
        assert_eq!(
            refused("pkcs11:token=a?module-path=p11.so&pin-source=pin"),
            AddressError::Missing("an absolute module-path")
        );
        assert_eq!(
            refused(&format!("pkcs11:id=%01{rest}")),
            AddressError::Missing("token or serial")
        );
    }

    proptest! {
        #[test]
        fn an_address_reads_back_as_it_was_written(
            label in ".{1,32}", object in proptest::option::of(".{1,20}"),
            id in proptest::option::of(prop::collection::vec(any::<u8>(), 1..20)),
            pin in "[^\0]{1,30}", module in "/[^\0]{1,30}",
        ) {
            prop_assume!(!pin.starts_with("file:"));
            let address = Address {
                module: module.into(),
                token: TokenMatch { label: Some(label), ..TokenMatch::default() },
                id, object, pin: pin.into(),
            };
            prop_assert_eq!(Address::parse(&address.to_string()), Ok(address));
        }

        #[test]
        fn no_text_makes_the_reader_panic(text in ".{0,200}") {
            let _ = Address::parse(&format!("pkcs11:{text}"));
        }
    }
}
