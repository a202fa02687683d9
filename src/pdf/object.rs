//! The objects of ISO 32000-2, clause 7.3.

use std::fmt;
use std::ops::Range;

/// Number and generation of an indirect object.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct ObjRef {
    /// Object number, from 1.
    pub num: u32,
    /// Generation; 0 for all that is written today.
    pub generation: u16,
}

impl ObjRef {
    /// The reference to a first-generation object.
    #[must_use]
    pub const fn new(num: u32) -> Self {
        Self { num, generation: 0 }
    }
}

/// `12 0 R`: the reference as a PDF spells it.
impl fmt::Display for ObjRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {} R", self.num, self.generation)
    }
}

/// One object. Numbers are kept for reading only; to change a file, patch its bytes ([`super::patch`]).
#[derive(Clone, Debug, PartialEq)]
pub enum Object {
    /// `null`, and what a reference to nothing means.
    Null,
    /// `true` or `false`.
    Bool(bool),
    /// A whole number.
    Integer(i64),
    /// Any other number; always finite.
    Real(f64),
    /// A name without its solidus, escapes resolved.
    Name(Vec<u8>),
    /// The bytes of a literal or hexadecimal string.
    String(Vec<u8>),
    /// An array.
    Array(Vec<Self>),
    /// A dictionary.
    Dict(Dict),
    /// A stream: its dictionary, and where its encoded bytes are.
    Stream(Stream),
    /// A reference to an indirect object.
    Ref(ObjRef),
}

impl Object {
    /// The whole number, if it is one.
    #[must_use]
    pub fn as_integer(&self) -> Option<i64> {
        match self {
            Self::Integer(value) => Some(*value),
            _ => None,
        }
    }

    /// The number, whole or not.
    #[must_use]
    pub fn as_number(&self) -> Option<f64> {
        match self {
            // Exact up to 2^53, far beyond any coordinate.
            #[expect(
                clippy::as_conversions,
                clippy::cast_precision_loss,
                reason = "there is no From"
            )]
            Self::Integer(value) => Some(*value as f64),
            Self::Real(value) => Some(*value),
            _ => None,
        }
    }

    /// The name's bytes.
    #[must_use]
    pub fn as_name(&self) -> Option<&[u8]> {
        match self {
            Self::Name(name) => Some(name),
            _ => None,
        }
    }

    /// The string's bytes.
    #[must_use]
    pub fn as_string(&self) -> Option<&[u8]> {
        match self {
            Self::String(bytes) => Some(bytes),
            _ => None,
        }
    }

    /// The items of an array.
    #[must_use]
    pub fn as_array(&self) -> Option<&[Self]> {
        match self {
            Self::Array(items) => Some(items),
            _ => None,
        }
    }

    /// The dictionary, also that of a stream.
    #[must_use]
    pub fn as_dict(&self) -> Option<&Dict> {
        match self {
            Self::Dict(dict) => Some(dict),
            Self::Stream(stream) => Some(&stream.dict),
            _ => None,
        }
    }

    /// The stream.
    #[must_use]
    pub fn as_stream(&self) -> Option<&Stream> {
        match self {
            Self::Stream(stream) => Some(stream),
            _ => None,
        }
    }

    /// The reference.
    #[must_use]
    pub fn as_reference(&self) -> Option<ObjRef> {
        match self {
            Self::Ref(reference) => Some(*reference),
            _ => None,
        }
    }

    /// Whether it is `null`.
    #[must_use]
    pub fn is_null(&self) -> bool {
        matches!(self, Self::Null)
    }
}

/// A stream: its dictionary, and where its encoded bytes are in the file.
#[derive(Clone, Debug, PartialEq)]
pub struct Stream {
    /// The stream dictionary.
    pub dict: Dict,
    /// The encoded bytes, as positions in the file.
    pub data: Range<usize>,
}

/// Entries of usual dictionaries.
const FEW: usize = 16;

/// A dictionary in the order of the file. No key occurs twice.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Dict(Vec<(Vec<u8>, Object)>);

impl Dict {
    /// A dictionary of these entries; `None` if a key occurs twice.
    #[must_use]
    pub fn from_entries(entries: Vec<(Vec<u8>, Object)>) -> Option<Self> {
        // A few keys are compared sooner than they are sorted.
        let twice = if entries.len() <= FEW {
            entries.iter().enumerate().any(|(before, (key, _))| {
                let mut earlier = entries.iter().take(before);
                earlier.any(|(other, _)| other == key)
            })
        } else {
            let mut keys: Vec<&[u8]> = entries.iter().map(|(key, _)| key.as_slice()).collect();
            keys.sort_unstable();
            keys.windows(2).any(|pair| pair.first() == pair.last())
        };
        (!twice).then_some(Self(entries))
    }

    /// The value of a key as it stands, perhaps a reference. `null` is the same as absent (7.3.7).
    #[must_use]
    pub fn get(&self, key: &[u8]) -> Option<&Object> {
        self.0
            .iter()
            .find(|(name, value)| name == key && !value.is_null())
            .map(|(_, value)| value)
    }

    /// Whether the key is there with a value.
    #[must_use]
    pub fn contains(&self, key: &[u8]) -> bool {
        self.get(key).is_some()
    }

    /// Whether `key` has this name as its direct value.
    #[must_use]
    pub fn is_name(&self, key: &[u8], name: &[u8]) -> bool {
        self.get(key).and_then(Object::as_name) == Some(name)
    }

    /// Keys and values in the order of the file.
    pub fn iter(&self) -> impl Iterator<Item = (&[u8], &Object)> {
        self.0.iter().map(|(key, value)| (key.as_slice(), value))
    }

    /// The values in the order of the file.
    pub fn into_values(self) -> impl Iterator<Item = Object> {
        self.0.into_iter().map(|(_, value)| value)
    }

    /// Number of entries.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there is no entry.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}
