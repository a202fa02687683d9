//! Object streams (ISO 32000-2, clause 7.5.7).

use super::error::PdfError;
use super::lexer::{Lexer, Token};
use super::object::Object;
use super::parser;
use std::ops::Range;

/// An inflated object stream.
#[derive(Debug)]
pub(super) struct Container {
    data: Vec<u8>,
    /// Object numbers and positions in `data`.
    objects: Vec<(u32, usize)>,
}

/// The `count` pairs of number and offset at the head of an object stream.
fn directory(data: &[u8], count: usize, first: usize) -> Option<Vec<(u32, usize)>> {
    let mut lexer = Lexer::at(data.get(..first)?, 0);
    let mut objects = Vec::new();
    for _ in 0..count {
        let (Ok(Token::Integer(num)), Ok(Token::Integer(offset))) = (lexer.token(), lexer.token())
        else {
            return None;
        };
        let at = first.checked_add(usize::try_from(offset).ok()?)?;
        objects.push((u32::try_from(num).ok()?, at));
    }
    Some(objects)
}

impl Container {
    /// Of the inflated bytes; `None` if its directory is damaged.
    pub(super) fn new(data: Vec<u8>, count: usize, first: usize) -> Option<Self> {
        let objects = directory(&data, count, first)?;
        Some(Self { data, objects })
    }

    /// The bytes of an object.
    pub(super) fn bytes(&self, body: Range<usize>) -> Option<&[u8]> {
        self.data.get(body)
    }

    /// The object at `index`, which must be `num`, and where it stands.
    pub(super) fn object(
        &self,
        number: u32,
        index: usize,
        num: u32,
    ) -> Result<(Object, Range<usize>), PdfError> {
        let damaged = PdfError::ObjectStream { number };
        let Some((found, at)) = self.objects.get(index).copied() else {
            return Err(damaged);
        };
        if found != num || at > self.data.len() {
            return Err(damaged);
        }
        let mut lexer = Lexer::at(&self.data, at);
        lexer.skip_space();
        let start = lexer.position();
        let object = parser::object(&mut lexer)?;
        Ok((object, start..lexer.position()))
    }
}
