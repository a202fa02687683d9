//! Deterministic CBOR: RFC 8949 §4.2.1 without floating-point numbers.
//!
//! **Invariant:** [`decode`] accepts exactly what [`encode`] makes. A value has one spelling, so signed
//! bytes can be made again from the value and compared.

use super::CborError;
use crate::clock::UnixTime;
use crate::limits;

/// One data item.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Value {
    /// Major type 0.
    Uint(u64),
    /// Major type 1: stands for `-1 - n`.
    Negative(u64),
    /// Major type 2.
    Bytes(Vec<u8>),
    /// Major type 3.
    Text(String),
    /// Major type 4.
    Array(Vec<Self>),
    /// Major type 5. [`encode`] sorts it; its keys must differ. [`decode`] hands it out sorted.
    Map(Vec<(Self, Self)>),
    /// Major type 6.
    Tag(u64, Box<Self>),
    /// `false` and `true`.
    Bool(bool),
    /// `null`.
    Null,
}

impl Value {
    /// A signed number.
    #[must_use]
    pub fn int(number: i64) -> Self {
        match u64::try_from(number) {
            Ok(n) => Self::Uint(n),
            // -1 - number cannot overflow: it is the complement of the bits.
            Err(_) => Self::Negative((!number).unsigned_abs()),
        }
    }

    /// A text.
    #[must_use]
    pub fn text(text: impl Into<String>) -> Self {
        Self::Text(text.into())
    }

    /// A map with whole numbers as keys.
    #[must_use]
    pub fn map(entries: impl IntoIterator<Item = (i64, Self)>) -> Self {
        Self::Map(
            entries
                .into_iter()
                .map(|(key, value)| (Self::int(key), value))
                .collect(),
        )
    }

    /// The number, if it is a whole number of 64 bits with sign.
    #[must_use]
    pub fn as_int(&self) -> Option<i64> {
        match self {
            Self::Uint(n) => i64::try_from(*n).ok(),
            Self::Negative(n) => i64::try_from(*n).ok().map(|n| !n),
            _ => None,
        }
    }

    /// The number, if it is one without sign.
    #[must_use]
    pub fn as_uint(&self) -> Option<u64> {
        match self {
            Self::Uint(n) => Some(*n),
            _ => None,
        }
    }

    /// The moment, if it is a `NumericDate` of whole seconds (RFC 8392 §2) up to the year 9999.
    #[must_use]
    pub fn as_time(&self) -> Option<UnixTime> {
        let seconds = i64::try_from(self.as_uint()?).ok()?;
        let time = UnixTime::from_seconds(seconds);
        (time.seconds() == seconds).then_some(time)
    }

    /// The text, if it is one.
    #[must_use]
    pub fn into_text(self) -> Option<String> {
        match self {
            Self::Text(text) => Some(text),
            _ => None,
        }
    }

    /// The bytes, if it is a byte string.
    #[must_use]
    pub fn into_bytes(self) -> Option<Vec<u8>> {
        match self {
            Self::Bytes(bytes) => Some(bytes),
            _ => None,
        }
    }

    /// The items, if it is an array.
    #[must_use]
    pub fn into_array(self) -> Option<Vec<Self>> {
        match self {
            Self::Array(items) => Some(items),
            _ => None,
        }
    }
}

/// A map with whole numbers as keys, whose entries are taken out one by one.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct IntMap(Vec<(i64, Value)>);

impl IntMap {
    /// The entries of `value`; `None` if it is no map, or has other keys than whole numbers.
    #[must_use]
    pub fn of(value: Value) -> Option<Self> {
        let Value::Map(entries) = value else {
            return None;
        };
        let numbered = |(key, value): (Value, Value)| key.as_int().map(|key| (key, value));
        entries
            .into_iter()
            .map(numbered)
            .collect::<Option<_>>()
            .map(Self)
    }

    /// Takes out the value of one key.
    pub fn take(&mut self, key: i64) -> Option<Value> {
        let place = self.0.iter().position(|(known, _)| *known == key)?;
        Some(self.0.remove(place).1)
    }

    /// The entries that nobody took out.
    #[must_use]
    pub fn rest(self) -> Vec<(i64, Value)> {
        self.0
    }
}

/// The one encoding of a value.
#[must_use]
pub fn encode(value: &Value) -> Vec<u8> {
    let mut out = Vec::new();
    write(value, &mut out);
    out
}

fn write(value: &Value, out: &mut Vec<u8>) {
    match value {
        Value::Uint(number) => write_head(0x00, *number, out),
        Value::Negative(number) => write_head(0x20, *number, out),
        Value::Bytes(bytes) => {
            write_head(0x40, length(bytes.len()), out);
            out.extend_from_slice(bytes);
        }
        Value::Text(text) => {
            write_head(0x60, length(text.len()), out);
            out.extend_from_slice(text.as_bytes());
        }
        Value::Array(items) => {
            write_head(0x80, length(items.len()), out);
            for item in items {
                write(item, out);
            }
        }
        Value::Map(entries) => {
            write_head(0xa0, length(entries.len()), out);
            let mut encoded: Vec<_> = entries.iter().map(|(k, v)| (encode(k), v)).collect();
            encoded.sort_by(|(a, _), (b, _)| a.cmp(b));
            for (key, value) in encoded {
                out.extend_from_slice(&key);
                write(value, out);
            }
        }
        Value::Tag(number, item) => {
            write_head(0xc0, *number, out);
            write(item, out);
        }
        Value::Bool(false) => out.push(0xf4),
        Value::Bool(true) => out.push(0xf5),
        Value::Null => out.push(0xf6),
    }
}

fn length(items: usize) -> u64 {
    u64::try_from(items).unwrap_or(u64::MAX)
}

/// The first byte and the argument in its shortest form.
fn write_head(major: u8, argument: u64, out: &mut Vec<u8>) {
    if let Ok(one) = u8::try_from(argument) {
        if one < 24 {
            out.push(major | one);
        } else {
            out.extend_from_slice(&[major | 0x18, one]);
        }
    } else if let Ok(two) = u16::try_from(argument) {
        out.push(major | 0x19);
        out.extend_from_slice(&two.to_be_bytes());
    } else if let Ok(four) = u32::try_from(argument) {
        out.push(major | 0x1a);
        out.extend_from_slice(&four.to_be_bytes());
    } else {
        out.push(major | 0x1b);
        out.extend_from_slice(&argument.to_be_bytes());
    }
}

/// Reads one item that fills `bytes`.
///
/// Memory stays in proportion to `bytes`: announced lengths are never believed before the bytes are there.
/// The caller bounds `bytes`.
///
/// # Errors
/// [`CborError`] for everything that [`encode`] would not make.
pub fn decode(bytes: &[u8]) -> Result<Value, CborError> {
    let mut reader = Reader { rest: bytes };
    let value = reader.item(0)?;
    if reader.rest.is_empty() {
        Ok(value)
    } else {
        Err(CborError::TrailingBytes)
    }
}

struct Reader<'a> {
    rest: &'a [u8],
}

impl<'a> Reader<'a> {
    /// One item, inside `depth` arrays, maps and tags.
    fn item(&mut self, depth: usize) -> Result<Value, CborError> {
        let [first] = self.array()?;
        let (major, info) = (first & 0xe0, first & 0x1f);
        if major == 0xe0 {
            return simple(info);
        }
        let argument = self.argument(major, info)?;
        match major {
            0x00 => Ok(Value::Uint(argument)),
            0x20 => Ok(Value::Negative(argument)),
            0x40 => self.bytes(argument).map(|b| Value::Bytes(b.to_vec())),
            0x60 => std::str::from_utf8(self.bytes(argument)?)
                .map(Value::text)
                .map_err(|_| CborError::InvalidUtf8),
            0x80 => self.items(argument, deeper(depth)?).map(Value::Array),
            0xa0 => self.entries(argument, deeper(depth)?).map(Value::Map),
            _ => Ok(Value::Tag(argument, Box::new(self.item(deeper(depth)?)?))),
        }
    }

    fn items(&mut self, count: u64, depth: usize) -> Result<Vec<Value>, CborError> {
        (0..count).map(|_| self.item(depth)).collect()
    }

    fn entries(&mut self, count: u64, depth: usize) -> Result<Vec<(Value, Value)>, CborError> {
        let mut entries = Vec::new();
        let mut previous: Option<&[u8]> = None;
        for _ in 0..count {
            let before = self.rest;
            let key = self.item(depth)?;
            let read = before.len().saturating_sub(self.rest.len());
            let encoded = before.get(..read).unwrap_or_default();
            match previous.map(|previous| previous.cmp(encoded)) {
                Some(std::cmp::Ordering::Equal) => return Err(CborError::DuplicateKey),
                Some(std::cmp::Ordering::Greater) => return Err(CborError::UnsortedKeys),
                _ => previous = Some(encoded),
            }
            entries.push((key, self.item(depth)?));
        }
        Ok(entries)
    }

    /// The number in or behind the first byte: a value, a length or a tag.
    fn argument(&mut self, major: u8, info: u8) -> Result<u64, CborError> {
        let (argument, at_least) = match info {
            0..=23 => (u64::from(info), 0),
            24 => (u64::from(u8::from_be_bytes(self.array()?)), 24),
            25 => (u64::from(u16::from_be_bytes(self.array()?)), 0x100),
            26 => (u64::from(u32::from_be_bytes(self.array()?)), 0x1_0000),
            27 => (u64::from_be_bytes(self.array()?), 0x1_0000_0000),
            31 if (0x40..=0xa0).contains(&major) => return Err(CborError::Indefinite),
            _ => return Err(CborError::Reserved),
        };
        if argument < at_least {
            Err(CborError::NotShortest)
        } else {
            Ok(argument)
        }
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], CborError> {
        let (taken, rest) = self.rest.split_first_chunk().ok_or(CborError::Truncated)?;
        self.rest = rest;
        Ok(*taken)
    }

    fn bytes(&mut self, length: u64) -> Result<&'a [u8], CborError> {
        let (taken, rest) = usize::try_from(length)
            .ok()
            .and_then(|length| self.rest.split_at_checked(length))
            .ok_or(CborError::Truncated)?;
        self.rest = rest;
        Ok(taken)
    }
}

fn deeper(depth: usize) -> Result<usize, CborError> {
    let depth = depth.saturating_add(1);
    if depth > limits::CBOR_DEPTH {
        Err(CborError::TooDeep)
    } else {
        Ok(depth)
    }
}

fn simple(info: u8) -> Result<Value, CborError> {
    match info {
        20 => Ok(Value::Bool(false)),
        21 => Ok(Value::Bool(true)),
        22 => Ok(Value::Null),
        25..=27 => Err(CborError::Float),
        28..=30 => Err(CborError::Reserved),
        31 => Err(CborError::Indefinite),
        _ => Err(CborError::Simple),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// RFC 8949 Appendix A, those of its examples that are in the subset.
    #[test]
    fn the_examples_of_the_standard_are_read_and_written() {
        let examples: [(&[u8], Value); 14] = [
            (b"\x00", Value::Uint(0)),
            (b"\x17", Value::Uint(23)),
            (b"\x18\x18", Value::Uint(24)),
            (b"\x19\x03\xe8", Value::Uint(1000)),
            (b"\x1a\x00\x0f\x42\x40", Value::Uint(1_000_000)),
            (
                b"\x1b\x00\x00\x00\xe8\xd4\xa5\x10\x00",
                Value::Uint(1_000_000_000_000),
            ),
            (
                b"\x1b\xff\xff\xff\xff\xff\xff\xff\xff",
                Value::Uint(u64::MAX),
            ),
            (
                b"\x3b\xff\xff\xff\xff\xff\xff\xff\xff",
                Value::Negative(u64::MAX),
            ),
            (b"\x39\x03\xe7", Value::int(-1000)),
            (b"\x62\xc3\xbc", Value::text("\u{fc}")),
            (b"\x44\x01\x02\x03\x04", Value::Bytes(vec![1, 2, 3, 4])),
            (
                b"\x83\x01\x02\x03",
                Value::Array([1, 2, 3].map(Value::Uint).to_vec()),
            ),
            (
                b"\xa2\x01\x02\x03\x04",
                Value::map([(1, Value::Uint(2)), (3, Value::Uint(4))]),
            ),
            (
                b"\xc1\x1a\x51\x4b\x67\xb0",
                Value::Tag(1, Box::new(Value::Uint(1_363_896_240))),
            ),
        ];
        for (bytes, value) in examples {
            assert_eq!(encode(&value), bytes);
            assert_eq!(decode(bytes), Ok(value));
        }
    }

    #[test]
    fn every_departure_from_the_one_encoding_has_its_own_error() {
        use CborError as E;
        let deep = |levels: usize| [vec![0x81; levels], vec![0x00]].concat();
        let cases: [(&str, Vec<u8>, CborError); 23] = [
            ("nothing", vec![], E::Truncated),
            ("a text cut short", b"\x62a".to_vec(), E::Truncated),
            (
                "a length of 2^63",
                b"\x5b\x80\0\0\0\0\0\0\0a".to_vec(),
                E::Truncated,
            ),
            (
                "an array of 2^63 items",
                b"\x9b\x80\0\0\0\0\0\0\0\x01".to_vec(),
                E::Truncated,
            ),
            ("a second item", b"\x01\x02".to_vec(), E::TrailingBytes),
            (
                "one level too many",
                deep(limits::CBOR_DEPTH + 1),
                E::TooDeep,
            ),
            ("23 in two bytes", b"\x18\x17".to_vec(), E::NotShortest),
            (
                "255 in three bytes",
                b"\x19\x00\xff".to_vec(),
                E::NotShortest,
            ),
            (
                "65535 in five bytes",
                b"\x1a\x00\x00\xff\xff".to_vec(),
                E::NotShortest,
            ),
            (
                "2^32-1 in nine bytes",
                b"\x1b\0\0\0\0\xff\xff\xff\xff".to_vec(),
                E::NotShortest,
            ),
            ("a long length", b"\x58\x01a".to_vec(), E::NotShortest),
            (
                "an endless byte string",
                b"\x5f\x41a\xff".to_vec(),
                E::Indefinite,
            ),
            ("an endless array", b"\x9f\x01\xff".to_vec(), E::Indefinite),
            (
                "an endless map",
                b"\xbf\x01\x02\xff".to_vec(),
                E::Indefinite,
            ),
            (
                "keys out of order",
                b"\xa2\x02\x00\x01\x00".to_vec(),
                E::UnsortedKeys,
            ),
            (
                "a longer key first",
                b"\xa2\x61a\x00\x20\x00".to_vec(),
                E::UnsortedKeys,
            ),
            (
                "a key twice",
                b"\xa2\x01\x00\x01\x00".to_vec(),
                E::DuplicateKey,
            ),
            ("a half float", b"\xf9\x3c\x00".to_vec(), E::Float),
            (
                "a double float",
                b"\xfb\x3f\xf0\0\0\0\0\0\0".to_vec(),
                E::Float,
            ),
            ("undefined", b"\xf7".to_vec(), E::Simple),
            ("a reserved first byte", b"\x1c".to_vec(), E::Reserved),
            ("an endless number", b"\x1f".to_vec(), E::Reserved),
            ("Latin-1", b"\x61\xe9".to_vec(), E::InvalidUtf8),
        ];
        for (name, bytes, error) in cases {
            assert_eq!(decode(&bytes), Err(error), "{name}");
        }
        assert_eq!(
            encode(&decode(&deep(limits::CBOR_DEPTH)).unwrap()),
            deep(limits::CBOR_DEPTH)
        );
    }

    #[test]
    fn the_smallest_and_largest_signed_numbers_survive() {
        for number in [i64::MIN, -70_001, -1, 0, 1, i64::MAX] {
            assert_eq!(Value::int(number).as_int(), Some(number));
        }
        assert_eq!(Value::Negative(u64::MAX).as_int(), None);
    }

    fn values() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            any::<u64>().prop_map(Value::Uint),
            any::<u64>().prop_map(Value::Negative),
            prop::collection::vec(any::<u8>(), 0..40).prop_map(Value::Bytes),
            any::<String>().prop_map(Value::Text),
            any::<bool>().prop_map(Value::Bool),
            Just(Value::Null),
        ];
        leaf.prop_recursive(4, 48, 6, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..6).prop_map(Value::Array),
                (any::<u64>(), inner.clone()).prop_map(|(n, v)| Value::Tag(n, Box::new(v))),
                prop::collection::vec((inner.clone(), inner), 0..6).prop_map(|mut entries| {
                    entries.sort_by_key(|(key, _)| encode(key));
                    entries.dedup_by(|(a, _), (b, _)| a == b);
                    Value::Map(entries)
                }),
            ]
        })
    }

    proptest! {
        #[test]
        fn decoding_an_encoded_value_gives_it_back(value in values()) {
            prop_assert_eq!(decode(&encode(&value)), Ok(value));
        }

        #[test]
        fn bytes_that_are_accepted_are_the_encoding_of_what_they_say(
            bytes in prop::collection::vec(any::<u8>(), 0..64)
        ) {
            if let Ok(value) = decode(&bytes) {
                prop_assert_eq!(encode(&value), bytes);
            }
        }
    }
}
