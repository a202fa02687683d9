//! Changing one entry of a dictionary in its source, and leaving every other byte.
//!
//! An earlier signature is judged by comparing objects. A number that is read and printed again
//! (`595.32001` as `595.32`) would look like a change of the page; so nothing is printed again.

use super::error::PdfError;
use super::lexer::{Lexer, Token, is_delimiter, is_white};
use super::object::{ObjRef, Object};
use super::parser;
use super::writer;
use std::ops::Range;

/// The source of a dictionary's values, found without changing a byte.
struct Source {
    entries: Vec<(Vec<u8>, Range<usize>)>,
    /// Position of the closing `>>`.
    close: usize,
}

fn source(body: &[u8]) -> Result<Source, PdfError> {
    let mut lexer = Lexer::at(body, 0);
    if lexer.token()? != Token::DictOpen {
        return Err(PdfError::Structure { what: "dictionary" });
    }
    let mut entries: Vec<(Vec<u8>, Range<usize>)> = Vec::new();
    loop {
        lexer.skip_space();
        let at = lexer.position();
        match lexer.token()? {
            Token::DictClose => return Ok(Source { entries, close: at }),
            Token::Name(key) => {
                lexer.skip_space();
                let start = lexer.position();
                parser::object(&mut lexer)?;
                if entries.iter().any(|(other, _)| *other == key) {
                    return Err(PdfError::DuplicateKey { at });
                }
                entries.push((key, start..lexer.position()));
            }
            _ => return Err(PdfError::Syntax { at }),
        }
    }
}

/// Where the value of `key` stands in `body`, which begins with a dictionary.
///
/// # Errors
/// [`PdfError::Structure`] if it is no dictionary, [`PdfError::Syntax`].
pub fn value(body: &[u8], key: &[u8]) -> Result<Option<Range<usize>>, PdfError> {
    let entries = source(body)?.entries;
    let found = entries.into_iter().find(|(name, _)| name == key);
    Ok(found.map(|(_, range)| range))
}

/// A key and the source of its value.
pub(crate) type Entry<'a> = (Vec<u8>, &'a [u8]);

/// The entries of the dictionary that `body` begins with.
pub(crate) fn entries(body: &[u8]) -> Result<Vec<Entry<'_>>, PdfError> {
    let entries = source(body)?.entries.into_iter();
    let text = |range| body.get::<Range<usize>>(range).unwrap_or_default();
    Ok(entries.map(|(key, range)| (key, text(range))).collect())
}

/// The reference that `source` is, if it is one.
pub(crate) fn reference(source: &[u8]) -> Result<Option<ObjRef>, PdfError> {
    Ok(parser::object(&mut Lexer::at(source, 0))?.as_reference())
}

/// `body` with `key` set to `new`; an entry that is not there is added at the end. What follows the
/// dictionary (the data of a stream) stays.
///
/// # Errors
/// As [`value`].
pub fn set_entry(body: &[u8], key: &[u8], new: &[u8]) -> Result<Vec<u8>, PdfError> {
    let source = source(body)?;
    if let Some((_, range)) = source.entries.into_iter().find(|(name, _)| name == key) {
        return Ok(splice(body, range, new));
    }
    let entry = [writer::name(key).as_slice(), b" ", new].concat();
    Ok(splice(body, source.close..source.close, &entry))
}

/// `array`, the source of an array, with `item` added at its end.
///
/// # Errors
/// [`PdfError::Structure`] if it is no array, [`PdfError::Syntax`].
pub fn push_to_array(array: &[u8], item: &[u8]) -> Result<Vec<u8>, PdfError> {
    let at = array_items(array)?.1;
    Ok(splice(array, at..at, item))
}

/// The items of `array`, the source of an array, each with its position in the source.
pub(crate) fn items(array: &[u8]) -> Result<Vec<(Object, usize)>, PdfError> {
    Ok(array_items(array)?.0)
}

/// `new` put before position `at` of `body`, apart from its neighbours.
pub(crate) fn insert(body: &[u8], at: usize, new: &[u8]) -> Vec<u8> {
    splice(body, at..at, new)
}

/// The items of an array with their positions, and the position of its end.
fn array_items(array: &[u8]) -> Result<(Vec<(Object, usize)>, usize), PdfError> {
    let mut lexer = Lexer::at(array, 0);
    if lexer.token()? != Token::ArrayOpen {
        return Err(PdfError::Structure { what: "array" });
    }
    let mut items = Vec::new();
    loop {
        lexer.skip_space();
        let at = lexer.position();
        if lexer.peek() == Some(b']') {
            return Ok((items, at));
        }
        items.push((parser::object(&mut lexer)?, at));
    }
}

/// Puts `new` in the place of `range`, apart from its neighbours.
fn splice(bytes: &[u8], range: Range<usize>, new: &[u8]) -> Vec<u8> {
    let before = bytes.get(..range.start).unwrap_or_default();
    let after = bytes.get(range.end..).unwrap_or_default();
    let joins = |left: Option<&u8>, right: Option<&u8>| {
        let regular = |byte: Option<&u8>| byte.is_some_and(|b| !is_white(*b) && !is_delimiter(*b));
        regular(left) && regular(right)
    };
    let mut out = Vec::with_capacity(bytes.len() + new.len() + 2);
    out.extend_from_slice(before);
    if joins(before.last(), new.first()) {
        out.push(b' ');
    }
    out.extend_from_slice(new);
    if joins(new.last(), after.first()) {
        out.push(b' ');
    }
    out.extend_from_slice(after);
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn only_the_named_value_changes() {
        let page =
            b"<</Type/Page % c >> c\n/MediaBox [0 0 595.32001 841.92004]/Annots 7 0 R/A#42/C>>";
        assert_eq!(
            set_entry(page, b"Annots", b"[8 0 R]").unwrap(),
            b"<</Type/Page % c >> c\n/MediaBox [0 0 595.32001 841.92004]/Annots [8 0 R]/A#42/C>>"
        );
        assert_eq!(
            set_entry(page, b"AB", b"5").unwrap(),
            b"<</Type/Page % c >> c\n/MediaBox [0 0 595.32001 841.92004]/Annots 7 0 R/A#42 5>>"
        );
        assert_eq!(
            set_entry(b"<</N 1/Length 2>>stream", b"Length", b"30").unwrap(),
            b"<</N 1/Length 30>>stream"
        );
        assert_eq!(
            set_entry(b"<<\n/A 1\n>>", b"B C", b"true").unwrap(),
            b"<<\n/A 1\n/B#20C true>>"
        );
    }

    #[test]
    fn an_item_goes_to_the_end_of_an_array() {
        assert_eq!(push_to_array(b"[ ]", b"1 0 R").unwrap(), b"[ 1 0 R]");
        assert_eq!(
            push_to_array(b"[1 0 R 2 0 R]", b"3 0 R").unwrap(),
            b"[1 0 R 2 0 R 3 0 R]"
        );
        assert_eq!(
            push_to_array(b"<<>>", b"1"),
            Err(PdfError::Structure { what: "array" })
        );
    }

    proptest! {
        #[test]
        fn every_other_value_keeps_its_bytes(
            entries in prop::collection::btree_map("[A-Z][a-z#]{0,4}", "-?[0-9]{1,3}(\\.[0-9]{1,5})?", 1..8),
            gap in "[ \n]{1,3}",
            chosen in any::<prop::sample::Index>(),
        ) {
            let body = entries.iter().fold(b"<<".to_vec(), |mut body, (key, number)| {
                body.extend(writer::name(key.as_bytes()));
                body.extend(gap.as_bytes());
                body.extend(number.as_bytes());
                body
            });
            let body = [body.as_slice(), b">>"].concat();
            let changed = entries.keys().nth(chosen.index(entries.len())).unwrap().as_bytes();
            let patched = set_entry(&body, changed, b"(new)").unwrap();
            for (key, number) in &entries {
                let range = value(&patched, key.as_bytes()).unwrap().unwrap();
                let expected = if key.as_bytes() == changed { "(new)" } else { number };
                prop_assert_eq!(patched.get(range), Some(expected.as_bytes()));
            }
            let old = value(&body, changed).unwrap().unwrap();
            let new = value(&patched, changed).unwrap().unwrap();
            prop_assert_eq!(splice(&patched, new, body.get(old).unwrap()), body);
        }

        #[test]
        fn what_was_set_is_read_back(number in any::<i32>(), text in "[ -~]{0,20}") {
            let text = writer::text_string(&text);
            let one = set_entry(b"<</A/B>>", b"N", number.to_string().as_bytes()).unwrap();
            let both = set_entry(&one, b"T", &text).unwrap();
            let parsed = parser::object(&mut Lexer::at(&both, 0)).unwrap();
            let dict = parsed.as_dict().unwrap();
            prop_assert_eq!(dict.get(b"N"), Some(&Object::Integer(number.into())));
            prop_assert_eq!(dict.len(), 3);
        }
    }
}
