//! Text that somebody else wrote, made fit to be shown.

use crate::nfc;
use std::fmt;
use std::ops::RangeInclusive;
use unicode_normalization::{UnicodeNormalization, char::is_combining_mark};

/// A text that is safe to look at: NFC, without control, format and bidi characters, emoji and stacks of
/// combining marks, all of which can make a page seem to say something else than it does. Line feeds stay.
///
/// It is not HTML: templates escape it like every other text.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Shown(String);

impl Shown {
    /// The most characters that are shown of one text: as many as a field of a result may hold. The rest
    /// becomes "…".
    pub const MAX_CHARS: usize = crate::limits::FIELD_TEXT;

    /// Vietnamese needs two marks on a letter at most, and NFC has none left of those.
    const MARKS: usize = 2;

    /// What is left of `text` when everything that deceives is gone.
    #[must_use]
    pub fn new(text: &str) -> Self {
        if text.len() <= Self::MAX_CHARS && nfc::is_usual(text) {
            let shown: String = text.chars().filter(|c| !deceives(*c)).collect();
            return Self(shown.trim().to_owned());
        }
        let mut shown = String::with_capacity(text.len().min(Self::MAX_CHARS));
        let mut marks = 0;
        // Cut before normalising too: a decomposed character takes at most 18 code points.
        let visible = text
            .chars()
            .take(Self::MAX_CHARS * 18)
            .filter(|c| !deceives(*c))
            .nfc();
        for (count, c) in visible.enumerate() {
            if count == Self::MAX_CHARS {
                shown.push('…');
                break;
            }
            marks = if is_combining_mark(c) { marks + 1 } else { 0 };
            if marks <= Self::MARKS {
                shown.push(c);
            }
        }
        Self(shown.trim().to_owned())
    }

    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether nothing is left.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl From<&str> for Shown {
    fn from(text: &str) -> Self {
        Self::new(text)
    }
}

impl From<String> for Shown {
    fn from(text: String) -> Self {
        Self::new(&text)
    }
}

impl fmt::Display for Shown {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Characters that change how others look, or look like a verdict of the page.
const DECEIVING: [RangeInclusive<char>; 21] = [
    // soft hyphen, joiner, letter mark, and letters without a shape
    '\u{ad}'..='\u{ad}',
    '\u{34f}'..='\u{34f}',
    '\u{61c}'..='\u{61c}',
    '\u{115f}'..='\u{1160}',
    '\u{17b4}'..='\u{17b5}',
    '\u{180b}'..='\u{180f}',
    '\u{3164}'..='\u{3164}',
    '\u{ffa0}'..='\u{ffa0}',
    // zero width, bidi marks, embeddings, overrides, isolates, line separators, invisible operators
    '\u{200b}'..='\u{200f}',
    '\u{2028}'..='\u{202e}',
    '\u{2060}'..='\u{206f}',
    // marks that enclose the letter before them
    '\u{20d0}'..='\u{20ff}',
    // ticks, crosses, boxes, warning signs and other pictures
    '\u{2300}'..='\u{23ff}',
    '\u{2500}'..='\u{27bf}',
    '\u{2b00}'..='\u{2bff}',
    // private use, variation selectors, specials
    '\u{e000}'..='\u{f8ff}',
    '\u{fe00}'..='\u{fe0f}',
    '\u{feff}'..='\u{feff}',
    '\u{fff0}'..='\u{ffff}',
    // musical signs, emoji and other symbols; then tags and the private planes
    '\u{1d100}'..='\u{1fbff}',
    '\u{e0000}'..='\u{10ffff}',
];

fn deceives(c: char) -> bool {
    c != '\n' && (c.is_control() || DECEIVING.iter().any(|range| range.contains(&c)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bidi_and_control_characters_are_not_shown() {
        let hostile = "43C\u{202e}00.000-\u{202c}\u{2066}x\u{2069}\u{0}\u{1b}[31m\u{200b}\u{feff}";
        assert_eq!(Shown::new(hostile).as_str(), "43C00.000-x[31m");
    }

    #[test]
    fn a_tick_or_an_emoji_in_a_field_cannot_pose_as_an_answer() {
        assert_eq!(Shown::new("✓ ✅ Hợp lệ 🟢").as_str(), "Hợp lệ");
    }

    #[test]
    fn vietnamese_stays_whole_and_becomes_nfc() {
        assert_eq!(
            Shown::new("Hơ\u{323}p ta\u{301}c xã Vận tải Ưỡng Ậ Ễ").as_str(),
            "Hợp tác xã Vận tải Ưỡng Ậ Ễ"
        );
        assert_eq!(
            Shown::new("TL. GIÁM ĐỐC\nTRƯỞNG PHÒNG").as_str(),
            "TL. GIÁM ĐỐC\nTRƯỞNG PHÒNG"
        );
    }

    #[test]
    fn a_stack_of_marks_does_not_reach_into_the_lines_around_it() {
        let stacked = format!("a{}b", "\u{316}".repeat(50));
        assert_eq!(Shown::new(&stacked).as_str(), "a\u{316}\u{316}b");
    }

    #[test]
    fn a_very_long_text_ends_in_an_ellipsis() {
        let long = "á".repeat(Shown::MAX_CHARS + 1);
        let shown = Shown::new(&long);
        assert_eq!(shown.as_str().chars().count(), Shown::MAX_CHARS + 1);
        assert!(shown.as_str().ends_with("á…"));
    }
}
