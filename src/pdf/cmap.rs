//! CMaps: from the bytes of a shown string to codes, and from codes to Unicode or CIDs
//! (ISO 32000-2 §9.7.5, §9.10.3).

use super::lexer::{Lexer, Token};
use std::borrow::Cow;
use std::collections::BTreeMap;

/// What a CMap says. Entries that make no sense are left out: a missing letter only makes text
/// unsearchable, it hides no ink.
#[derive(Clone, Debug, Default)]
pub struct CMap {
    /// Bytes in a code, first and last code.
    spaces: Vec<(usize, u32, u32)>,
    texts: BTreeMap<u32, String>,
    /// By first code: the last code, and the text of the first; its last character counts up.
    text_ranges: BTreeMap<u32, (u32, String)>,
    /// By first code: the last code, and the CID of the first.
    cids: BTreeMap<u32, (u32, u32)>,
}

/// Entries of one CMap; a font has at most 65,536 glyphs.
const ENTRIES: usize = 70_000;

/// Code spaces of one CMap; the largest of Adobe's has seven.
const SPACES: usize = 32;

impl CMap {
    /// Reads a CMap as far as it is one.
    #[must_use]
    pub fn parse(bytes: &[u8]) -> Self {
        let mut map = Self::default();
        let mut lexer = Lexer::at(bytes, 0);
        let mut operands: Vec<Operand> = Vec::new();
        let mut list: Option<Vec<Vec<u8>>> = None;
        let mut left = ENTRIES;
        while left > 0 {
            let Ok(token) = lexer.token() else { break };
            match token {
                Token::End => break,
                Token::ArrayOpen => list = Some(Vec::new()),
                Token::ArrayClose => operands.extend(list.take().map(Operand::List)),
                Token::String(bytes) => match &mut list {
                    Some(items) => items.push(bytes),
                    None => operands.push(Operand::Code(bytes)),
                },
                Token::Integer(number) => {
                    operands.extend(u32::try_from(number).ok().map(Operand::Number));
                }
                Token::Keyword(word) if word.starts_with(b"begin") => operands.clear(),
                Token::Keyword(word) => {
                    left = left.saturating_sub(operands.len());
                    map.take(word, &operands);
                    operands.clear();
                }
                _ => {}
            }
            if operands.len() > ENTRIES {
                break;
            }
        }
        map
    }

    fn take(&mut self, word: &[u8], operands: &[Operand]) {
        match word {
            b"endcodespacerange" => {
                for pair in operands.chunks_exact(2) {
                    if let [Operand::Code(first), Operand::Code(last)] = pair
                        && (1..=4).contains(&first.len())
                        && self.spaces.len() < SPACES
                    {
                        self.spaces.push((first.len(), number(first), number(last)));
                    }
                }
            }
            b"endbfchar" => {
                for pair in operands.chunks_exact(2) {
                    if let [Operand::Code(code), Operand::Code(text)] = pair {
                        self.texts.insert(number(code), utf16(text));
                    }
                }
            }
            b"endbfrange" => {
                for triple in operands.chunks_exact(3) {
                    match triple {
                        [
                            Operand::Code(first),
                            Operand::Code(last),
                            Operand::Code(text),
                        ] => {
                            self.text_ranges
                                .insert(number(first), (number(last), utf16(text)));
                        }
                        [Operand::Code(first), Operand::Code(_), Operand::List(texts)] => {
                            let codes = number(first)..=u32::MAX;
                            self.texts
                                .extend(codes.zip(texts.iter().map(|text| utf16(text))));
                        }
                        _ => {}
                    }
                }
            }
            b"endcidrange" => {
                for triple in operands.chunks_exact(3) {
                    if let [
                        Operand::Code(first),
                        Operand::Code(last),
                        Operand::Number(cid),
                    ] = triple
                    {
                        self.cids.insert(number(first), (number(last), *cid));
                    }
                }
            }
            b"endcidchar" => {
                for pair in operands.chunks_exact(2) {
                    if let [Operand::Code(code), Operand::Number(cid)] = pair {
                        self.cids.insert(number(code), (number(code), *cid));
                    }
                }
            }
            _ => {}
        }
    }

    /// How many bytes of `bytes` make up the next code: by code space, else two.
    #[must_use]
    pub fn code_length(&self, bytes: &[u8]) -> usize {
        self.spaces
            .iter()
            .find(|(length, first, last)| {
                bytes
                    .get(..*length)
                    .is_some_and(|code| (*first..=*last).contains(&number(code)))
            })
            .map_or(2, |(length, ..)| *length)
            .min(bytes.len().max(1))
    }

    /// The CID of a code; without a map the code itself.
    #[must_use]
    pub fn cid(&self, code: u32) -> u32 {
        within(&self.cids, code).map_or(code, |(ahead, cid)| cid.saturating_add(ahead))
    }

    /// The text of a code.
    #[must_use]
    pub fn text(&self, code: u32) -> Option<Cow<'_, str>> {
        if let Some(text) = self.texts.get(&code) {
            return Some(text.into());
        }
        let (ahead, text) = within(&self.text_ranges, code)?;
        if ahead == 0 {
            return Some(text.into());
        }
        let mut letters: Vec<char> = text.chars().collect();
        let last = u32::from(letters.pop()?).checked_add(ahead)?;
        letters.push(char::from_u32(last)?);
        Some(letters.into_iter().collect::<String>().into())
    }
}

/// The range that a code lies in: how far behind its first code, and its value. Where ranges overlap, that
/// with the higher first code.
pub(super) fn within<V>(ranges: &BTreeMap<u32, (u32, V)>, code: u32) -> Option<(u32, &V)> {
    let (first, (last, value)) = ranges.range(..=code).next_back()?;
    (code <= *last).then_some((code - first, value))
}

enum Operand {
    Code(Vec<u8>),
    Number(u32),
    List(Vec<Vec<u8>>),
}

/// Up to four bytes, big-endian.
pub(super) fn number(code: &[u8]) -> u32 {
    code.iter()
        .take(4)
        .fold(0, |value, byte| value << 8 | u32::from(*byte))
}

fn utf16(bytes: &[u8]) -> String {
    // Some writers put one byte for an ASCII letter.
    if let [single] = bytes {
        return char::from(*single).to_string();
    }
    let units = bytes.chunks_exact(2).map(|pair| match pair {
        [high, low] => u16::from_be_bytes([*high, *low]),
        _ => 0,
    });
    char::decode_utf16(units)
        .map(|unit| unit.unwrap_or(char::REPLACEMENT_CHARACTER))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const MAP: &[u8] = b"1 begincodespacerange <0000> <FFFF> endcodespacerange
        2 beginbfchar <0003> <0020> <0010> <1EC7> endbfchar
        2 beginbfrange <0020> <0022> <0041> <0030> <0031> [<0061> <00660069>] endbfrange
        1 begincidrange <0100> <01ff> 500 endcidrange";

    #[test]
    fn characters_ranges_and_lists_give_text() {
        let map = CMap::parse(MAP);
        for (code, text) in [(0x3, " "), (0x10, "ệ"), (0x22, "C"), (0x31, "fi")] {
            assert_eq!(map.text(code).as_deref(), Some(text));
        }
        assert_eq!(map.text(0x99), None);
    }

    #[test]
    fn codes_are_as_long_as_their_code_space_says() {
        let map = CMap::parse(b"begincodespacerange <00> <80> <8140> <9ffc> endcodespacerange");
        assert_eq!(map.code_length(b"A"), 1);
        assert_eq!(map.code_length(&[0x81, 0x41]), 2);
        assert_eq!(CMap::parse(MAP).code_length(&[0x81]), 1, "a cut-off code");
        assert_eq!(CMap::parse(MAP).cid(0x101), 501);
    }

    #[test]
    fn a_range_over_all_numbers_costs_nothing() {
        let map = CMap::parse(b"beginbfrange <00000000> <FFFFFFFF> <0041> endbfrange");
        assert_eq!(map.text(1).as_deref(), Some("B"));
        assert_eq!(map.text(u32::MAX), None);
    }
}
