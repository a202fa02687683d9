//! Objects out of tokens (ISO 32000-2, clause 7.3), without recursion.

use super::error::PdfError;
use super::lexer::{Lexer, Token};
use super::object::{Dict, ObjRef, Object};
use crate::limits;

/// Reads one direct object (or reference) and stops right behind it.
///
/// # Errors
/// [`PdfError::Syntax`], [`PdfError::TooDeep`], [`PdfError::TooManyItems`], [`PdfError::DuplicateKey`].
pub fn object(lexer: &mut Lexer<'_>) -> Result<Object, PdfError> {
    let mut stack: Vec<Open> = Vec::new();
    let mut items = 0_usize;
    loop {
        lexer.skip_space();
        let at = lexer.position();
        let value = match lexer.token()? {
            Token::ArrayOpen => {
                push(&mut stack, Kind::Array, at)?;
                continue;
            }
            Token::DictOpen => {
                push(&mut stack, Kind::Dict, at)?;
                continue;
            }
            Token::ArrayClose => close(&mut stack, Kind::Array, at)?,
            Token::DictClose => close(&mut stack, Kind::Dict, at)?,
            Token::Keyword(b"R") => reference(&mut stack, at)?,
            Token::Keyword(b"true") => Object::Bool(true),
            Token::Keyword(b"false") => Object::Bool(false),
            Token::Keyword(b"null") => Object::Null,
            Token::Keyword(_) | Token::End => return Err(PdfError::Syntax { at }),
            Token::Real(value) => Object::Real(value),
            Token::Name(name) => Object::Name(name),
            Token::String(bytes) => Object::String(bytes),
            Token::Integer(value) => {
                let ahead = stack.is_empty().then(|| reference_ahead(lexer, value));
                ahead.flatten().unwrap_or(Object::Integer(value))
            }
        };
        items += 1;
        if items > limits::PDF_ITEMS {
            return Err(PdfError::TooManyItems);
        }
        match stack.last_mut() {
            None => return Ok(value),
            Some(open) => open.items.push(value),
        }
    }
}

#[derive(Clone, Copy, Eq, PartialEq)]
enum Kind {
    Array,
    Dict,
}

/// An array or dictionary whose end is not read yet; a dictionary's keys and values lie flat.
struct Open {
    kind: Kind,
    items: Vec<Object>,
}

fn push(stack: &mut Vec<Open>, kind: Kind, at: usize) -> Result<(), PdfError> {
    if stack.len() >= limits::PDF_DEPTH {
        return Err(PdfError::TooDeep { at });
    }
    stack.push(Open {
        kind,
        items: Vec::new(),
    });
    Ok(())
}

fn close(stack: &mut Vec<Open>, kind: Kind, at: usize) -> Result<Object, PdfError> {
    let open = stack.pop().filter(|open| open.kind == kind);
    let items = open.ok_or(PdfError::Syntax { at })?.items;
    if kind == Kind::Array {
        return Ok(Object::Array(items));
    }
    let mut entries = Vec::with_capacity(items.len() / 2);
    let mut items = items.into_iter();
    while let Some(key) = items.next() {
        let (Object::Name(key), Some(value)) = (key, items.next()) else {
            return Err(PdfError::Syntax { at });
        };
        entries.push((key, value));
    }
    Dict::from_entries(entries)
        .map(Object::Dict)
        .ok_or(PdfError::DuplicateKey { at })
}

/// Turns the two numbers before `R` into a reference.
fn reference(stack: &mut [Open], at: usize) -> Result<Object, PdfError> {
    let items = stack.last_mut().map(|open| &mut open.items);
    let take = || items.and_then(|items| Some((items.pop()?, items.pop()?)));
    match take() {
        Some((Object::Integer(generation), Object::Integer(num))) => reference_of(num, generation),
        _ => None,
    }
    .ok_or(PdfError::Syntax { at })
}

fn reference_of(num: i64, generation: i64) -> Option<Object> {
    let num = u32::try_from(num).ok().filter(|num| *num > 0)?;
    let generation = u16::try_from(generation).ok()?;
    Some(Object::Ref(ObjRef { num, generation }))
}

/// Outside of any container `12 0 R` needs a look ahead.
fn reference_ahead(lexer: &mut Lexer<'_>, num: i64) -> Option<Object> {
    let behind_number = lexer.position();
    let reference = match lexer.token() {
        Ok(Token::Integer(generation)) if lexer.token() == Ok(Token::Keyword(b"R")) => {
            reference_of(num, generation)
        }
        _ => None,
    };
    if reference.is_none() {
        lexer.seek(behind_number);
    }
    reference
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn parse(text: &[u8]) -> Result<Object, PdfError> {
        object(&mut Lexer::at(text, 0))
    }

    #[test]
    fn references_are_told_from_numbers() {
        let two = Object::Ref(ObjRef::new(2));
        assert_eq!(parse(b"2 0 R"), Ok(two.clone()));
        assert_eq!(parse(b"2 0 obj"), Ok(Object::Integer(2)));
        assert_eq!(
            parse(b"[1 2 0 R 3]"),
            Ok(Object::Array(vec![
                Object::Integer(1),
                two,
                Object::Integer(3)
            ]))
        );
        assert_eq!(parse(b"[0 R]"), Err(PdfError::Syntax { at: 3 }));
    }

    #[test]
    fn a_key_that_occurs_twice_is_refused() {
        assert_eq!(
            parse(b"<</A 1/A 2>>"),
            Err(PdfError::DuplicateKey { at: 10 })
        );
        for keys in [15, 16, 17, 40] {
            let entries: Vec<String> = (0..keys).map(|key| format!("/K{key} {key}")).collect();
            let entries = entries.concat();
            assert!(parse(format!("<<{entries}>>").as_bytes()).is_ok(), "{keys}");
            let twice = parse(format!("<<{entries}/K0 1>>").as_bytes());
            assert!(
                matches!(twice, Err(PdfError::DuplicateKey { .. })),
                "{keys}"
            );
        }
        assert_eq!(parse(b"<</A>>"), Err(PdfError::Syntax { at: 4 }));
        assert_eq!(parse(b"<</A 1]"), Err(PdfError::Syntax { at: 6 }));
    }

    #[test]
    fn the_sixty_fifth_level_is_refused() {
        let deep = |depth: usize| [vec![b'['; depth], vec![b']'; depth]].concat();
        assert!(matches!(parse(&deep(64)), Ok(Object::Array(_))));
        assert_eq!(parse(&deep(65)), Err(PdfError::TooDeep { at: 64 }));
        assert_eq!(parse(&deep(5_000_000)), Err(PdfError::TooDeep { at: 64 }));
    }

    proptest! {
        #[test]
        fn any_text_of_delimiters_ends_in_an_object_or_an_error(
            text in "[\\[\\]<>()/%A0-9R \\n.-]{0,200}"
        ) {
            let mut lexer = Lexer::at(text.as_bytes(), 0);
            let _ = object(&mut lexer);
            prop_assert!(lexer.position() <= text.len());
        }
    }
}
