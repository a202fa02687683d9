//! Tokens (ISO 32000-2, clause 7.2 and 7.3), for the file and for content streams.

use super::error::PdfError;
use std::cell::Cell;

/// One token.
#[derive(Clone, Debug, PartialEq)]
pub enum Token<'a> {
    /// A whole number that fits in 64 bits.
    Integer(i64),
    /// Any other number; finite.
    Real(f64),
    /// A name without its solidus, escapes resolved.
    Name(Vec<u8>),
    /// A literal or hexadecimal string.
    String(Vec<u8>),
    /// `[`
    ArrayOpen,
    /// `]`
    ArrayClose,
    /// `<<`
    DictOpen,
    /// `>>`
    DictClose,
    /// Any other word: `obj`, `true`, `R`, an operator, also a lone `{` or `}`.
    Keyword(&'a [u8]),
    /// Nothing is left.
    End,
}

/// White space of table 1.
#[must_use]
pub fn is_white(byte: u8) -> bool {
    matches!(byte, 0 | b'\t' | b'\n' | 0x0c | b'\r' | b' ')
}

/// A delimiter of table 2.
#[must_use]
pub fn is_delimiter(byte: u8) -> bool {
    matches!(
        byte,
        b'(' | b')' | b'<' | b'>' | b'[' | b']' | b'{' | b'}' | b'/' | b'%'
    )
}

fn is_regular(byte: u8) -> bool {
    !is_white(byte) && !is_delimiter(byte)
}

/// Reads tokens from bytes, one after the other. Never recurses, never reads outside.
#[derive(Clone, Debug)]
pub struct Lexer<'a> {
    bytes: &'a [u8],
    /// What the position of the first byte is called.
    origin: usize,
    /// In `bytes`.
    place: usize,
    met_end: Cell<bool>,
}

impl<'a> Lexer<'a> {
    /// A lexer that begins at `position` of `bytes`.
    #[must_use]
    pub fn at(bytes: &'a [u8], position: usize) -> Self {
        Self {
            bytes,
            origin: 0,
            place: position,
            met_end: Cell::new(false),
        }
    }

    /// A lexer over a piece of something longer, whose first byte stands at `origin` there.
    #[must_use]
    pub(super) fn window(bytes: &'a [u8], origin: usize) -> Self {
        Self {
            bytes,
            origin,
            place: 0,
            met_end: Cell::new(false),
        }
    }

    /// Where the next byte is read.
    #[must_use]
    pub fn position(&self) -> usize {
        self.origin + self.place
    }

    /// Goes on at another place.
    pub fn seek(&mut self, position: usize) {
        self.place = position.saturating_sub(self.origin);
    }

    /// Whether it ever looked for a byte behind the last: with more bytes it might have read something else.
    pub(super) fn met_end(&self) -> bool {
        self.met_end.get()
    }

    /// The next byte, not consumed.
    #[must_use]
    pub fn peek(&self) -> Option<u8> {
        self.byte(self.place)
    }

    fn peek_at(&self, ahead: usize) -> Option<u8> {
        self.byte(self.place.saturating_add(ahead))
    }

    fn byte(&self, place: usize) -> Option<u8> {
        let byte = self.bytes.get(place).copied();
        if byte.is_none() {
            self.met_end.set(true);
        }
        byte
    }

    fn next_byte(&mut self) -> Option<u8> {
        let byte = self.peek()?;
        self.place += 1;
        Some(byte)
    }

    fn syntax(&self, place: usize) -> PdfError {
        let at = self.origin + place;
        PdfError::Syntax { at }
    }

    /// Consumes `expected` if it comes next.
    pub fn eat(&mut self, expected: &[u8]) -> bool {
        let rest = self.bytes.get(self.place..).unwrap_or_default();
        let there = rest.starts_with(expected);
        if there {
            self.place += expected.len();
        } else if rest.len() < expected.len() {
            self.met_end.set(true);
        }
        there
    }

    /// Consumes one end-of-line marker: CR LF, LF or CR.
    pub fn eat_eol(&mut self) -> bool {
        self.eat(b"\r\n") || self.eat(b"\n") || self.eat(b"\r")
    }

    /// Skips white space only.
    pub fn skip_white(&mut self) {
        while self.peek().is_some_and(is_white) {
            self.place += 1;
        }
    }

    /// Skips white space and comments.
    pub fn skip_space(&mut self) {
        loop {
            self.skip_white();
            if self.peek() != Some(b'%') {
                return;
            }
            while self.peek().is_some_and(|b| b != b'\n' && b != b'\r') {
                self.place += 1;
            }
        }
    }

    /// The next token, comments and white space skipped.
    ///
    /// # Errors
    /// [`PdfError::Syntax`] for a string without end, a stray `)` or `>`, or a malformed number.
    pub fn token(&mut self) -> Result<Token<'a>, PdfError> {
        self.skip_space();
        let start = self.place;
        let Some(first) = self.peek() else {
            return Ok(Token::End);
        };
        match first {
            b'[' => Ok(self.punctuation(1, Token::ArrayOpen)),
            b']' => Ok(self.punctuation(1, Token::ArrayClose)),
            b'<' if self.peek_at(1) == Some(b'<') => Ok(self.punctuation(2, Token::DictOpen)),
            b'>' if self.peek_at(1) == Some(b'>') => Ok(self.punctuation(2, Token::DictClose)),
            b'<' => self.hex_string(),
            b'(' => self.literal_string(),
            b'/' => Ok(self.name()),
            b'{' | b'}' => {
                self.place += 1;
                Ok(Token::Keyword(self.since(start)))
            }
            b')' | b'>' => Err(self.syntax(start)),
            b'+' | b'-' | b'.' | b'0'..=b'9' => self.number(),
            _ => {
                self.skip_regular();
                Ok(Token::Keyword(self.since(start)))
            }
        }
    }

    fn punctuation(&mut self, length: usize, token: Token<'a>) -> Token<'a> {
        self.place += length;
        token
    }

    fn since(&self, start: usize) -> &'a [u8] {
        self.bytes.get(start..self.place).unwrap_or_default()
    }

    fn skip_regular(&mut self) {
        let rest = self.bytes.get(self.place..).unwrap_or_default();
        let word = rest.iter().position(|byte| !is_regular(*byte));
        if word.is_none() {
            self.met_end.set(true);
        }
        self.place += word.unwrap_or(rest.len());
    }

    fn number(&mut self) -> Result<Token<'a>, PdfError> {
        let start = self.place;
        self.skip_regular();
        let text = self.since(start);
        // Most numbers are short and whole.
        if text.len() <= 18 && text.iter().all(u8::is_ascii_digit) {
            let digits = text.iter().map(|digit| i64::from(digit - b'0'));
            return Ok(Token::Integer(
                digits.fold(0, |value, digit| 10 * value + digit),
            ));
        }
        let wrong = self.syntax(start);
        let plain = text
            .iter()
            .all(|b| b.is_ascii_digit() || matches!(b, b'+' | b'-' | b'.'));
        let Ok(text) = std::str::from_utf8(text) else {
            return Err(wrong);
        };
        if !plain {
            return Err(wrong);
        }
        if let Ok(value) = text.parse::<i64>() {
            return Ok(Token::Integer(value));
        }
        match text.parse::<f64>() {
            Ok(value) if value.is_finite() => Ok(Token::Real(value)),
            _ => Err(wrong),
        }
    }

    fn name(&mut self) -> Token<'a> {
        self.place += 1;
        let start = self.place;
        self.skip_regular();
        let source = self.since(start);
        if !source.contains(&b'#') {
            return Token::Name(source.to_vec());
        }
        self.place = start;
        let mut name = Vec::with_capacity(source.len());
        while let Some(byte) = self.peek().filter(|b| is_regular(*b)) {
            self.place += 1;
            let escaped = (byte == b'#')
                .then(|| Some((hex(self.peek()?)?, hex(self.peek_at(1)?)?)))
                .flatten();
            match escaped {
                Some((high, low)) => {
                    self.place += 2;
                    name.push(high << 4 | low);
                }
                None => name.push(byte),
            }
        }
        Token::Name(name)
    }

    fn hex_string(&mut self) -> Result<Token<'a>, PdfError> {
        let start = self.place;
        self.place += 1;
        let mut out = Vec::new();
        let mut half: Option<u8> = None;
        loop {
            let Some(byte) = self.next_byte() else {
                return Err(self.syntax(start));
            };
            if byte == b'>' {
                break;
            }
            if is_white(byte) {
                continue;
            }
            let Some(digit) = hex(byte) else {
                return Err(self.syntax(start));
            };
            half = match half {
                None => Some(digit),
                Some(high) => {
                    out.push(high << 4 | digit);
                    None
                }
            };
        }
        // 7.3.4.3: a missing last digit is 0.
        out.extend(half.map(|high| high << 4));
        Ok(Token::String(out))
    }

    fn literal_string(&mut self) -> Result<Token<'a>, PdfError> {
        let start = self.place;
        self.place += 1;
        let mut out = Vec::new();
        let mut open = 1_usize;
        loop {
            let Some(byte) = self.next_byte() else {
                return Err(self.syntax(start));
            };
            match byte {
                b'(' => open += 1,
                b')' => {
                    open -= 1;
                    if open == 0 {
                        return Ok(Token::String(out));
                    }
                }
                b'\\' => {
                    self.escape(&mut out);
                    continue;
                }
                b'\r' => {
                    // 7.3.4.2: an end of line in a string reads as LF.
                    self.eat(b"\n");
                    out.push(b'\n');
                    continue;
                }
                _ => {}
            }
            out.push(byte);
        }
    }

    fn escape(&mut self, out: &mut Vec<u8>) {
        if self.eat_eol() {
            return;
        }
        match self.next_byte() {
            Some(b'n') => out.push(b'\n'),
            Some(b'r') => out.push(b'\r'),
            Some(b't') => out.push(b'\t'),
            Some(b'b') => out.push(8),
            Some(b'f') => out.push(0x0c),
            Some(digit @ b'0'..=b'7') => {
                let mut value = u16::from(digit - b'0');
                for _ in 0..2 {
                    let Some(next @ b'0'..=b'7') = self.peek() else {
                        break;
                    };
                    self.place += 1;
                    value = value << 3 | u16::from(next - b'0');
                }
                // 7.3.4.2: high-order overflow is ignored.
                out.extend(value.to_be_bytes().last());
            }
            Some(other) => out.push(other),
            None => {}
        }
    }
}

fn hex(digit: u8) -> Option<u8> {
    match digit {
        b'0'..=b'9' => Some(digit - b'0'),
        b'a'..=b'f' => Some(digit - b'a' + 10),
        b'A'..=b'F' => Some(digit - b'A' + 10),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn tokens(text: &[u8]) -> Result<Vec<Token<'_>>, PdfError> {
        let mut lexer = Lexer::at(text, 0);
        let mut all = Vec::new();
        loop {
            match lexer.token()? {
                Token::End => return Ok(all),
                token => all.push(token),
            }
        }
    }

    #[test]
    fn every_kind_of_token_is_read() {
        assert_eq!(
            tokens(b"-12 +.5 4. /A#20B (a\\(b\\053(c)\\\r\nd) <48 6> [<< >>] obj%x\n{"),
            Ok(vec![
                Token::Integer(-12),
                Token::Real(0.5),
                Token::Real(4.0),
                Token::Name(b"A B".to_vec()),
                Token::String(b"a(b+(c)d".to_vec()),
                Token::String(b"H`".to_vec()),
                Token::ArrayOpen,
                Token::DictOpen,
                Token::DictClose,
                Token::ArrayClose,
                Token::Keyword(b"obj"),
                Token::Keyword(b"{"),
            ])
        );
    }

    #[test]
    fn whole_numbers_are_exact_up_to_64_bits_and_names_keep_their_escapes() {
        assert_eq!(
            tokens(b"007 999999999999999999 9223372036854775807 9223372036854775808 /A#2 /#41#42/"),
            Ok(vec![
                Token::Integer(7),
                Token::Integer(999_999_999_999_999_999),
                Token::Integer(i64::MAX),
                Token::Real(9_223_372_036_854_775_808.0),
                Token::Name(b"A#2".to_vec()),
                Token::Name(b"AB".to_vec()),
                Token::Name(Vec::new()),
            ])
        );
    }

    #[test]
    fn a_string_without_its_end_is_a_syntax_error_at_its_beginning() {
        for text in [&b" (abc"[..], b" <41", b" 1.2.3", b" )"] {
            assert_eq!(Lexer::at(text, 0).token(), Err(PdfError::Syntax { at: 1 }));
        }
    }

    proptest! {
        #[test]
        fn any_bytes_end_in_tokens_or_an_error_and_the_position_grows(
            bytes in prop::collection::vec(any::<u8>(), 0..400)
        ) {
            let mut lexer = Lexer::at(&bytes, 0);
            loop {
                let before = lexer.position();
                match lexer.token() {
                    Ok(Token::End) | Err(_) => break,
                    Ok(_) => prop_assert!(lexer.position() > before),
                }
            }
            prop_assert!(lexer.position() <= bytes.len());
        }
    }
}
