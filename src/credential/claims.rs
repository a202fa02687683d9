//! Claims ↔ CBOR.
//!
//! ```text
//! { 1: iss   text, 1 to 8 of A-Z 0-9: short code of the issuer, see the trust bundle
//!   4: exp   last second in force; absent: no end
//!   5: nbf   first second in force
//!   6: iat   second of issue
//!   -70001: { 0: number of the result type
//!             1: place in a status list: list × 2^20 + index
//!             3…255: fields by number, in the forms of `fields` } }
//! ```

use super::ClaimsError;
use crate::clock::UnixTime;
use crate::cose::cbor::{self, IntMap, Value};
use crate::limits;
use crate::nfc;
use crate::trust::is_issuer_code;

const ISS: i64 = 1;
const EXP: i64 = 4;
const NBF: i64 = 5;
const IAT: i64 = 6;
const PRIVATE: i64 = -70_001;
const TYPE: i64 = 0;
const STATUS: i64 = 1;
/// Numbers of fields; 2 is kept for later.
const FIELDS: std::ops::RangeInclusive<i64> = 3..=255;

/// Whole numbers that every language can hold: up to 2^53 - 1.
const SAFE_INTEGER: u64 = (1 << 53) - 1;

/// Where the status of a result stands.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub struct StatusRef {
    /// Number of the list in the trust bundle.
    pub list: u32,
    /// Index in it, below 2^20.
    pub index: u32,
}

impl StatusRef {
    /// One number for both: `list × 2^20 + index`. `None` for an index outside the list.
    fn packed(self) -> Option<u64> {
        let inside = self.index < limits::STATUS_LIST_ENTRIES;
        inside.then(|| u64::from(self.list) << 20 | u64::from(self.index))
    }

    fn unpacked(number: u64) -> Option<Self> {
        Some(Self {
            list: u32::try_from(number >> 20).ok()?,
            index: u32::try_from(number & 0xf_ffff).ok()?,
        })
    }
}

/// What a credential says.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Claims {
    /// Short code of the issuer, 1 to 8 of `A-Z0-9`.
    pub issuer: String,
    /// When it was issued.
    pub issued_at: UnixTime,
    /// First second in force.
    pub not_before: UnixTime,
    /// Last second in force, itself inside; `None`: no end.
    pub expires: Option<UnixTime>,
    /// Number of the result type.
    pub type_number: u32,
    /// Where its status stands.
    pub status: StatusRef,
    /// Fields in wire form (`credential::fields`) by number, 3 to 255, each once, ascending.
    pub fields: Vec<(u32, Value)>,
}

impl Claims {
    /// The field with this number.
    #[must_use]
    pub fn field(&self, number: u32) -> Option<&Value> {
        let found = self.fields.iter().find(|(known, _)| *known == number);
        found.map(|(_, value)| value)
    }

    /// The one encoding.
    ///
    /// # Errors
    /// [`ClaimsError`] when the claims break a rule, so that [`Self::decode`] would refuse them.
    pub(super) fn encode(&self) -> Result<Vec<u8>, ClaimsError> {
        let packed = self.status.packed();
        let private = [
            (TYPE, Value::Uint(self.type_number.into())),
            (
                STATUS,
                Value::Uint(packed.ok_or(ClaimsError::Malformed(STATUS))?),
            ),
        ];
        let fields = self.fields.iter().map(|(n, v)| (i64::from(*n), v.clone()));
        let expires = self.expires.map(|at| (EXP, Value::int(at.seconds())));
        let standard = [
            (ISS, Value::text(&self.issuer)),
            (NBF, Value::int(self.not_before.seconds())),
            (IAT, Value::int(self.issued_at.seconds())),
            (PRIVATE, Value::map(private.into_iter().chain(fields))),
        ];
        let encoded = cbor::encode(&Value::map(standard.into_iter().chain(expires)));
        // Reading it back finds every broken rule with the words of the reader.
        Self::decode(&encoded).map(|_| encoded)
    }

    /// Reads the one encoding.
    ///
    /// # Errors
    /// [`ClaimsError`] for everything else.
    pub(super) fn decode(bytes: &[u8]) -> Result<Self, ClaimsError> {
        let mut claims = IntMap::of(cbor::decode(bytes)?).ok_or(ClaimsError::NotAMap)?;
        let issuer = need(&mut claims, ISS, Value::into_text)?;
        if !is_issuer_code(&issuer) {
            return Err(ClaimsError::Malformed(ISS));
        }
        let expires = match claims.take(EXP) {
            Some(value) => Some(value.as_time().ok_or(ClaimsError::Malformed(EXP))?),
            None => None,
        };
        let not_before = need(&mut claims, NBF, |v| v.as_time())?;
        let issued_at = need(&mut claims, IAT, |v| v.as_time())?;
        let mut private = need(&mut claims, PRIVATE, IntMap::of)?;
        let type_number = need(&mut private, TYPE, |v| v.as_uint()?.try_into().ok())?;
        let status = need(&mut private, STATUS, |v| StatusRef::unpacked(v.as_uint()?))?;
        if let Some((key, _)) = claims.rest().first() {
            return Err(ClaimsError::Unknown(*key));
        }
        let fields: Result<_, _> = private.rest().into_iter().map(field).collect();
        if expires.is_some_and(|expires| expires < not_before) {
            return Err(ClaimsError::EndsBeforeItBegins);
        }
        Ok(Self {
            issuer,
            issued_at,
            not_before,
            expires,
            type_number,
            status,
            fields: fields?,
        })
    }
}

fn need<T>(
    map: &mut IntMap,
    key: i64,
    read: impl FnOnce(Value) -> Option<T>,
) -> Result<T, ClaimsError> {
    let value = map.take(key).ok_or(ClaimsError::Missing(key))?;
    read(value).ok_or(ClaimsError::Malformed(key))
}

/// A field whose value has the form of some kind. Which kind it is, the trust bundle says.
fn field((number, value): (i64, Value)) -> Result<(u32, Value), ClaimsError> {
    let known = FIELDS.contains(&number).then(|| u32::try_from(number).ok());
    let known = known.flatten().ok_or(ClaimsError::FieldNumber(number))?;
    let fits = match &value {
        Value::Uint(number) | Value::Negative(number) => *number <= SAFE_INTEGER,
        Value::Text(text) => is_plain(text),
        Value::Array(items) => fits_list(items),
        _ => false,
    };
    if fits {
        Ok((known, value))
    } else {
        Err(ClaimsError::FieldValue(number))
    }
}

/// One to 64 texts, or one to 64 groups of three small numbers.
fn fits_list(items: &[Value]) -> bool {
    let texts = items
        .iter()
        .all(|item| matches!(item, Value::Text(text) if is_plain(text)));
    let numbers = items
        .iter()
        .all(|item| matches!(item, Value::Uint(n) if *n <= SAFE_INTEGER));
    let most = limits::FIELD_ITEMS;
    texts && (1..=most).contains(&items.len())
        || numbers && (1..=most.saturating_mul(3)).contains(&items.len())
}

/// NFC, not empty, without control characters (line feeds may stay) and without the characters that turn
/// the direction of writing: what a text says is what its bytes say.
fn is_plain(text: &str) -> bool {
    let turns = |c| matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    let strange = |c: char| (c.is_control() && c != '\n') || turns(c);
    !text.is_empty() && nfc::holds(text) && !text.chars().any(strange)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn badge() -> Claims {
        Claims {
            issuer: "SXD".into(),
            issued_at: UnixTime::from_seconds(1_788_000_000),
            not_before: UnixTime::from_seconds(1_788_195_600),
            expires: Some(UnixTime::from_seconds(1_851_267_599)),
            type_number: 1,
            status: StatusRef { list: 1, index: 77 },
            fields: vec![(4, Value::text("HD4826900002")), (8, Value::Uint(29))],
        }
    }

    #[test]
    fn claims_have_one_encoding() {
        let bytes = badge().encode().unwrap();
        assert_eq!(Claims::decode(&bytes), Ok(badge()));
        let endless = Claims {
            expires: None,
            ..badge()
        };
        assert_eq!(Claims::decode(&endless.encode().unwrap()), Ok(endless));
    }

    #[test]
    fn the_place_in_the_status_list_is_one_number() {
        let place = StatusRef { list: 3, index: 5 };
        assert_eq!(place.packed(), Some(3 * 1_048_576 + 5));
        assert_eq!(StatusRef::unpacked(3 * 1_048_576 + 5), Some(place));
        assert_eq!(
            StatusRef {
                list: 0,
                index: 1 << 20
            }
            .packed(),
            None
        );
        assert_eq!(StatusRef::unpacked(1 << 52), None);
    }

    #[test]
    fn a_broken_rule_is_found_before_anything_is_signed() {
        use ClaimsError as E;
        let text = |text: &str| vec![(4, Value::text(text))];
        let cases = [
            (
                "lower case",
                Claims {
                    issuer: "sxd".into(),
                    ..badge()
                },
                E::Malformed(ISS),
            ),
            (
                "no issuer",
                Claims {
                    issuer: String::new(),
                    ..badge()
                },
                E::Malformed(ISS),
            ),
            (
                "ends early",
                Claims {
                    expires: Some(UnixTime::from_seconds(1)),
                    ..badge()
                },
                E::EndsBeforeItBegins,
            ),
            (
                "an index outside",
                Claims {
                    status: StatusRef {
                        list: 1,
                        index: 1 << 20,
                    },
                    ..badge()
                },
                E::Malformed(STATUS),
            ),
            (
                "field 2",
                Claims {
                    fields: vec![(2, Value::Uint(1))],
                    ..badge()
                },
                E::FieldNumber(2),
            ),
            (
                "field 256",
                Claims {
                    fields: vec![(256, Value::Uint(1))],
                    ..badge()
                },
                E::FieldNumber(256),
            ),
            (
                "a field twice",
                Claims {
                    fields: vec![(4, Value::Uint(1)), (4, Value::Uint(2))],
                    ..badge()
                },
                E::Cbor(crate::cose::CborError::DuplicateKey),
            ),
            (
                "a map",
                Claims {
                    fields: vec![(4, Value::map([]))],
                    ..badge()
                },
                E::FieldValue(4),
            ),
            (
                "NFD",
                Claims {
                    fields: text("Xe ta\u{309}i"),
                    ..badge()
                },
                E::FieldValue(4),
            ),
            (
                "an empty text",
                Claims {
                    fields: text(""),
                    ..badge()
                },
                E::FieldValue(4),
            ),
            (
                "a bell",
                Claims {
                    fields: text("a\u{7}"),
                    ..badge()
                },
                E::FieldValue(4),
            ),
            (
                "turned writing",
                Claims {
                    fields: text("a\u{202e}b"),
                    ..badge()
                },
                E::FieldValue(4),
            ),
            (
                "2^53",
                Claims {
                    fields: vec![(4, Value::Uint(1 << 53))],
                    ..badge()
                },
                E::FieldValue(4),
            ),
        ];
        for (name, claims, error) in cases {
            assert_eq!(claims.encode(), Err(error), "{name}");
        }
    }
}
