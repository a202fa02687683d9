//! Text in Unicode's normal forms, quickly for what Vietnamese papers say.
//!
//! Normalising looks every character up in large tables. The letters of [`ALPHABET`] are composed already and
//! never combine with one another, so a text of them is its own NFC, and its NFD is that of each letter.

use std::borrow::Cow;
use std::ops::RangeInclusive;
use std::sync::LazyLock;
use unicode_normalization::UnicodeNormalization;

/// Latin letters and signs, the Vietnamese letters with two marks, dashes and quotation marks; in order.
pub const ALPHABET: [RangeInclusive<char>; 3] = [
    '\0'..='\u{2ff}',
    '\u{1ea0}'..='\u{1ef9}',
    '\u{2010}'..='\u{2027}',
];

/// Whether a text consists of these letters alone.
#[must_use]
pub fn is_usual(text: &str) -> bool {
    text.chars()
        .all(|character| ALPHABET.iter().any(|range| range.contains(&character)))
}

/// Whether the text is in NFC.
#[must_use]
pub fn holds(text: &str) -> bool {
    is_usual(text) || unicode_normalization::is_nfc(text)
}

/// The text in NFC.
#[must_use]
pub fn of(text: &str) -> Cow<'_, str> {
    if is_usual(text) {
        text.into()
    } else {
        text.nfc().collect::<String>().into()
    }
}

/// Small letters in NFD, for comparing.
#[must_use]
pub fn small_letters(text: &str) -> Vec<char> {
    static KNOWN: LazyLock<Vec<Vec<char>>> = LazyLock::new(|| {
        let mut known = Vec::new();
        for character in ALPHABET.into_iter().flatten() {
            let place = usize::try_from(u32::from(character)).unwrap_or_default();
            known.resize(place, Vec::new());
            known.push(normalised(character.encode_utf8(&mut [0; 4])));
        }
        known
    });
    if !is_usual(text) {
        return normalised(text);
    }
    let mut letters = Vec::with_capacity(text.len());
    for character in text.chars() {
        let place = usize::try_from(u32::from(character)).ok();
        let known = place.and_then(|place| KNOWN.get(place));
        letters.extend(known.into_iter().flatten());
    }
    letters
}

fn normalised(text: &str) -> Vec<char> {
    text.nfd().flat_map(char::to_lowercase).nfd().collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn usual() -> impl Strategy<Value = char> {
        prop_oneof![
            prop::char::range('\0', '\u{2ff}'),
            prop::char::range('\u{1ea0}', '\u{1ef9}'),
            prop::char::range('\u{2010}', '\u{2027}'),
        ]
    }

    #[test]
    fn every_letter_of_the_alphabet_is_its_own_nfc_and_small_as_unicode_says() {
        for character in ALPHABET.into_iter().flatten() {
            let text = character.to_string();
            assert_eq!(text.nfc().collect::<String>(), text);
            assert_eq!(small_letters(&text), normalised(&text));
        }
    }

    proptest! {
        #[test]
        fn any_text_is_normalised_as_unicode_says(
            text in prop_oneof![".{0,20}", prop::collection::vec(usual(), 0..20).prop_map(String::from_iter)]
        ) {
            prop_assert_eq!(of(&text), text.nfc().collect::<String>());
            prop_assert_eq!(holds(&text), of(&text) == text);
            prop_assert_eq!(small_letters(&text), normalised(&text));
        }
    }
}
