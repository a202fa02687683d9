//! Fonts of the document: how wide a shown string is, and what it says where that can be known
//! (ISO 32000-2 §9.6 to §9.10).
//!
//! Widths decide where ink is, so a missing width is taken as wide. Text is only used to find the
//! signatory's name; a letter that cannot be decoded is left out.

use super::cmap::{CMap, number, within};
use super::glyphs;
use super::object::{Dict, Object};
use super::reader::Document;
use std::borrow::Cow;
use std::collections::BTreeMap;

/// One font as far as it matters for places.
#[derive(Clone, Debug)]
pub struct Font {
    codes: Codes,
    to_unicode: Option<CMap>,
    /// Above the baseline, in parts of the type size.
    pub ascent: f64,
    /// Below the baseline, negative.
    pub descent: f64,
}

#[derive(Clone, Debug)]
enum Codes {
    /// One byte a code.
    Simple {
        widths: BTreeMap<u32, f64>,
        missing: f64,
        /// Where `/Differences` leave the base encoding; `None` for a name that says nothing.
        differences: BTreeMap<u8, Option<String>>,
        /// Whether other bytes read as the base encoding has them.
        encoded: bool,
    },
    /// A composite font.
    Composite {
        encoding: CMap,
        default: f64,
        widths: BTreeMap<u32, f64>,
        /// By first CID: the last, and the width of all.
        ranges: BTreeMap<u32, (u32, f64)>,
    },
}

/// One glyph of a shown string.
#[derive(Clone, Debug, PartialEq)]
pub struct Glyph<'f> {
    /// Advance in parts of the type size.
    pub width: f64,
    /// What it says, if that can be known.
    pub text: Option<Cow<'f, str>>,
    /// Whether `Tw` applies: a code of one byte, 32.
    pub word_space: bool,
}

/// Taken where a font says nothing; wider than almost every letter.
const WIDE: f64 = 0.65;

/// Ink of Vietnamese capitals with two marks ends here, whatever a descriptor claims.
const ASCENT: std::ops::RangeInclusive<f64> = 0.6..=1.1;
const DESCENT: std::ops::RangeInclusive<f64> = -0.4..=-0.15;

impl Default for Font {
    /// For text whose font cannot be found.
    fn default() -> Self {
        Self {
            codes: Codes::Simple {
                widths: BTreeMap::new(),
                missing: WIDE,
                differences: BTreeMap::new(),
                encoded: false,
            },
            to_unicode: None,
            ascent: 0.9,
            descent: -0.25,
        }
    }
}

impl Font {
    /// Reads a font dictionary. What is missing or damaged in it is replaced by wide guesses.
    #[must_use]
    pub fn read(document: &Document<'_>, font: &Dict) -> Self {
        let reader = Reader { document };
        let to_unicode = reader
            .stream(font.get(b"ToUnicode"))
            .map(|data| CMap::parse(&data));
        let descendant = reader
            .array(font.get(b"DescendantFonts"))
            .first()
            .and_then(|first| reader.dict(Some(first)));
        let descriptor = descendant.as_ref().unwrap_or(font).get(b"FontDescriptor");
        let descriptor = reader.dict(descriptor);
        let codes = descendant.as_ref().map_or_else(
            || reader.simple(font, descriptor.as_ref()),
            |descendant| reader.composite(font, descendant),
        );
        let (ascent, descent) = reader.extent(font, descriptor.as_ref());
        Self {
            codes,
            to_unicode,
            ascent,
            descent,
        }
    }

    /// The glyphs of a shown string.
    pub fn glyphs(&self, string: &[u8]) -> impl Iterator<Item = Glyph<'_>> {
        let mut rest = string;
        std::iter::from_fn(move || {
            if rest.is_empty() {
                return None;
            }
            let length = match &self.codes {
                Codes::Simple { .. } => 1,
                Codes::Composite { encoding, .. } => encoding.code_length(rest),
            };
            let (code, behind) = rest.split_at_checked(length.max(1)).unwrap_or((rest, &[]));
            rest = behind;
            Some(self.glyph(code))
        })
    }

    fn glyph(&self, bytes: &[u8]) -> Glyph<'_> {
        let code = number(bytes);
        let (width, own_text) = match &self.codes {
            Codes::Simple {
                widths,
                missing,
                differences,
                encoded,
            } => {
                let byte = bytes.first().copied().unwrap_or_default();
                let text = match differences.get(&byte) {
                    Some(text) => text.as_deref(),
                    None => (*encoded && byte >= b' ').then(|| glyphs::win_ansi_text(byte)),
                };
                let width = widths.get(&code).copied().unwrap_or(*missing);
                (width, text.map(Cow::Borrowed))
            }
            Codes::Composite {
                encoding,
                default,
                widths,
                ranges,
            } => {
                let cid = encoding.cid(code);
                let ranged = || within(ranges, cid).map(|(_, width)| *width);
                let width = widths.get(&cid).copied().or_else(ranged);
                (width.unwrap_or(*default), None)
            }
        };
        let mapped = self.to_unicode.as_ref().and_then(|map| map.text(code));
        Glyph {
            width,
            text: mapped.or(own_text),
            word_space: bytes == b" ",
        }
    }
}

/// Looks things up and forgives what is missing.
struct Reader<'d, 'b> {
    document: &'d Document<'b>,
}

impl Reader<'_, '_> {
    fn value(&self, object: Option<&Object>) -> Object {
        object
            .and_then(|object| self.document.resolve(object).ok())
            .unwrap_or(Object::Null)
    }

    fn dict(&self, object: Option<&Object>) -> Option<Dict> {
        self.value(object).as_dict().cloned()
    }

    fn array(&self, object: Option<&Object>) -> Vec<Object> {
        match self.value(object) {
            Object::Array(items) => items,
            _ => Vec::new(),
        }
    }

    fn number(&self, object: Option<&Object>) -> Option<f64> {
        self.value(object).as_number()
    }

    fn stream(&self, object: Option<&Object>) -> Option<Vec<u8>> {
        let value = self.value(object);
        self.document.stream_data(value.as_stream()?).ok()
    }

    fn simple(&self, font: &Dict, descriptor: Option<&Dict>) -> Codes {
        let type3 = font.is_name(b"Subtype", b"Type3");
        let unit = if type3 {
            // Widths of a Type 3 font are in its own glyph space.
            self.array(font.get(b"FontMatrix"))
                .first()
                .and_then(Object::as_number)
                .unwrap_or(0.001)
        } else {
            0.001
        };
        let first = self.code(font.get(b"FirstChar")).unwrap_or(0);
        let widths = (first..=255)
            .zip(self.array(font.get(b"Widths")))
            .filter_map(|(code, width)| Some((code, self.number(Some(&width))? * unit)))
            .collect::<BTreeMap<_, _>>();
        let stated = descriptor
            .and_then(|descriptor| self.number(descriptor.get(b"MissingWidth")))
            .map(|width| width * unit);
        Codes::Simple {
            missing: if widths.is_empty() {
                WIDE
            } else {
                stated.unwrap_or(0.0)
            },
            widths,
            differences: self.differences(font),
            encoded: true,
        }
    }

    /// What /Differences say. Symbolic fonts without an encoding keep ASCII, which is often right.
    fn differences(&self, font: &Dict) -> BTreeMap<u8, Option<String>> {
        let mut texts = BTreeMap::new();
        let differences = self
            .dict(font.get(b"Encoding"))
            .map(|encoding| self.array(encoding.get(b"Differences")))
            .unwrap_or_default();
        let mut code = 0_u32;
        for item in differences {
            match item {
                Object::Name(name) => {
                    if let Ok(byte) = u8::try_from(code) {
                        texts.insert(byte, glyphs::named(&name));
                    }
                    code = code.saturating_add(1);
                }
                other => code = self.code(Some(&other)).unwrap_or(code),
            }
        }
        texts
    }

    fn composite(&self, font: &Dict, descendant: &Dict) -> Codes {
        let encoding = self
            .stream(font.get(b"Encoding"))
            .map(|data| CMap::parse(&data))
            .unwrap_or_default();
        let mut widths = BTreeMap::new();
        let mut ranges = BTreeMap::new();
        let items = self.array(descendant.get(b"W"));
        let mut items = items.iter();
        // Table 115: `c [w1 … wn]` or `first last w`.
        while let (Some(first), Some(second)) = (items.next(), items.next()) {
            let Some(first) = self.code(Some(first)) else {
                break;
            };
            match self.value(Some(second)) {
                Object::Array(list) => {
                    let each = list.iter().filter_map(Object::as_number);
                    widths.extend((first..).zip(each.map(|width| width / 1000.0)));
                }
                last => {
                    let Some(width) = self.number(items.next()) else {
                        break;
                    };
                    let Some(last) = self.code(Some(&last)) else {
                        break;
                    };
                    ranges.insert(first, (last, width / 1000.0));
                }
            }
        }
        Codes::Composite {
            encoding,
            default: self.number(descendant.get(b"DW")).unwrap_or(1000.0) / 1000.0,
            widths,
            ranges,
        }
    }

    /// How far ink reaches above and below the baseline.
    fn extent(&self, font: &Dict, descriptor: Option<&Dict>) -> (f64, f64) {
        let default = Font::default();
        let entry = |key: &[u8]| {
            descriptor
                .and_then(|descriptor| self.number(descriptor.get(key)))
                .filter(|value| *value != 0.0)
                .map(|value| value / 1000.0)
        };
        let type3 = self.array(font.get(b"FontMatrix"));
        if let Some(unit) = type3.get(3).and_then(Object::as_number) {
            let bounds: Vec<f64> = self
                .array(font.get(b"FontBBox"))
                .iter()
                .filter_map(|side| Some(side.as_number()? * unit))
                .collect();
            if let [_, low, _, high] = bounds.as_slice()
                && low < high
            {
                return (*high, *low);
            }
        }
        let within = |value: f64, range: std::ops::RangeInclusive<f64>| {
            value.clamp(*range.start(), *range.end())
        };
        (
            within(entry(b"Ascent").unwrap_or(default.ascent), ASCENT),
            within(entry(b"Descent").unwrap_or(default.descent), DESCENT),
        )
    }

    fn code(&self, object: Option<&Object>) -> Option<u32> {
        u32::try_from(self.value(object).as_integer()?).ok()
    }
}
