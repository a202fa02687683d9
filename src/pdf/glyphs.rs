//! Characters of simple fonts: the built-in encodings and the names in /Differences
//! (ISO 32000-2 annex D).

use std::sync::LazyLock;
use unicode_normalization::UnicodeNormalization;

/// 0x80 to 0x9f of WinAnsiEncoding; the rest is Latin-1.
const WIN_ANSI: [char; 32] = [
    '€', '•', '‚', 'ƒ', '„', '…', '†', '‡', 'ˆ', '‰', 'Š', '‹', 'Œ', '•', 'Ž', '•', '•', '‘', '’',
    '“', '”', '•', '–', '—', '˜', '™', 'š', '›', 'œ', '•', 'ž', 'Ÿ',
];

/// The character of a byte in WinAnsiEncoding; other encodings agree with it on ASCII.
#[must_use]
pub fn win_ansi(byte: u8) -> char {
    byte.checked_sub(0x80)
        .and_then(|place| WIN_ANSI.get(usize::from(place)).copied())
        .unwrap_or(char::from(byte))
}

/// The same as text.
#[must_use]
pub fn win_ansi_text(byte: u8) -> &'static str {
    static TEXTS: LazyLock<Vec<String>> = LazyLock::new(|| {
        let all = 0..=u8::MAX;
        all.map(|byte| win_ansi(byte).to_string()).collect()
    });
    TEXTS.get(usize::from(byte)).map_or("", String::as_str)
}

/// Names of the Adobe Glyph List that documents here use; letters name themselves.
const NAMES: [(&str, char); 62] = [
    ("space", ' '),
    ("exclam", '!'),
    ("quotedbl", '"'),
    ("numbersign", '#'),
    ("dollar", '$'),
    ("percent", '%'),
    ("ampersand", '&'),
    ("quotesingle", '\''),
    ("quoteright", '’'),
    ("quoteleft", '‘'),
    ("parenleft", '('),
    ("parenright", ')'),
    ("asterisk", '*'),
    ("plus", '+'),
    ("comma", ','),
    ("hyphen", '-'),
    ("period", '.'),
    ("slash", '/'),
    ("zero", '0'),
    ("one", '1'),
    ("two", '2'),
    ("three", '3'),
    ("four", '4'),
    ("five", '5'),
    ("six", '6'),
    ("seven", '7'),
    ("eight", '8'),
    ("nine", '9'),
    ("colon", ':'),
    ("semicolon", ';'),
    ("less", '<'),
    ("equal", '='),
    ("greater", '>'),
    ("question", '?'),
    ("at", '@'),
    ("bracketleft", '['),
    ("backslash", '\\'),
    ("bracketright", ']'),
    ("underscore", '_'),
    ("braceleft", '{'),
    ("bar", '|'),
    ("braceright", '}'),
    ("endash", '–'),
    ("emdash", '—'),
    ("bullet", '•'),
    ("ellipsis", '…'),
    ("quotedblleft", '“'),
    ("quotedblright", '”'),
    ("degree", '°'),
    ("section", '§'),
    ("periodcentered", '·'),
    ("dong", '₫'),
    ("Dcroat", 'Đ'),
    ("Dslash", 'Đ'),
    ("dcroat", 'đ'),
    ("dmacron", 'đ'),
    ("fi", 'ﬁ'),
    ("fl", 'ﬂ'),
    ("multiply", '×'),
    ("plusminus", '±'),
    ("twosuperior", '²'),
    ("threesuperior", '³'),
];

/// `acircumflexacute` is a, circumflex, acute.
const ACCENTS: [(&str, char); 12] = [
    ("grave", '\u{300}'),
    ("acute", '\u{301}'),
    ("circumflex", '\u{302}'),
    ("tilde", '\u{303}'),
    ("breve", '\u{306}'),
    ("dieresis", '\u{308}'),
    ("hookabove", '\u{309}'),
    ("ring", '\u{30a}'),
    ("caron", '\u{30c}'),
    ("horn", '\u{31b}'),
    ("dotbelow", '\u{323}'),
    ("cedilla", '\u{327}'),
];

/// The text of a glyph name; `None` for names that say nothing (`g12`).
#[must_use]
pub fn named(name: &[u8]) -> Option<String> {
    let name = std::str::from_utf8(name).ok()?;
    let name = name.split_once('.').map_or(name, |(stem, _)| stem);
    if let Some((_, character)) = NAMES.iter().find(|(known, _)| *known == name) {
        return Some(character.to_string());
    }
    let hex = name
        .strip_prefix("uni")
        .or_else(|| name.strip_prefix('u'))
        .filter(|digits| (4..=6).contains(&digits.len()));
    if let Some(character) = hex
        .and_then(|digits| u32::from_str_radix(digits, 16).ok())
        .and_then(char::from_u32)
    {
        return Some(character.to_string());
    }
    let mut rest = name.chars();
    let letter = rest.next().filter(char::is_ascii_alphabetic)?;
    let mut text = String::from(letter);
    let mut suffix = rest.as_str();
    while !suffix.is_empty() {
        let (accent, mark) = ACCENTS
            .iter()
            .find(|(accent, _)| suffix.starts_with(accent))?;
        text.push(*mark);
        suffix = suffix.get(accent.len()..)?;
    }
    Some(text.nfc().collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_vietnamese_glyphs_are_read() {
        for (name, text) in [
            ("A", "A"),
            ("uni1EC7", "ệ"),
            ("u1EC7", "ệ"),
            ("acircumflexacute", "ấ"),
            ("uhorndotbelow", "ự"),
            ("dcroat", "đ"),
            ("seven.lf", "7"),
        ] {
            assert_eq!(named(name.as_bytes()).as_deref(), Some(text), "{name}");
        }
        for name in ["g12", "", "cid00012", "uniD800"] {
            assert_eq!(named(name.as_bytes()), None, "{name}");
        }
    }

    #[test]
    fn win_ansi_differs_from_latin_1_between_0x80_and_0x9f() {
        assert_eq!(
            (win_ansi(b'A'), win_ansi(0x96), win_ansi(0xe9)),
            ('A', '–', 'é')
        );
    }
}
