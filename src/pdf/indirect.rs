//! An indirect object in the file: `num generation obj … endobj` (ISO 32000-2, clause 7.3.10).

use super::error::PdfError;
use super::lexer::{Lexer, Token};
use super::object::{Dict, ObjRef, Object};
use super::parser;
use std::ops::Range;

/// An indirect object and where its body stands, without `obj` and `endobj`.
pub(super) struct Located {
    pub(super) object: Object,
    pub(super) body: Range<usize>,
    /// Behind `endobj`.
    pub(super) end: usize,
}

/// What stands before the end of an indirect object.
pub(super) enum Head {
    /// All of it.
    Object(Located),
    /// A stream up to its data.
    Stream {
        dict: Dict,
        body: usize,
        data: usize,
    },
}

/// Reads `num generation obj`; whether it is there.
pub(super) fn opens(lexer: &mut Lexer<'_>, reference: ObjRef) -> bool {
    let expected = [
        Token::Integer(i64::from(reference.num)),
        Token::Integer(i64::from(reference.generation)),
        Token::Keyword(b"obj"),
    ];
    expected
        .iter()
        .all(|token| lexer.token().as_ref() == Ok(token))
}

/// Reads an indirect object that begins at `at`, of a stream what stands before its data.
pub(super) fn head(lexer: &mut Lexer<'_>, at: usize, reference: ObjRef) -> Result<Head, PdfError> {
    if !opens(lexer, reference) {
        return Err(PdfError::ObjectMisplaced { reference, at });
    }
    lexer.skip_white();
    let body = lexer.position();
    let object = parser::object(lexer)?;
    let end = lexer.position();
    lexer.skip_space();
    if !lexer.eat(b"stream") {
        return match lexer.token() {
            Ok(Token::Keyword(b"endobj")) => Ok(Head::Object(Located {
                object,
                body: body..end,
                end: lexer.position(),
            })),
            _ => Err(PdfError::Syntax { at: end }),
        };
    }
    let Object::Dict(dict) = object else {
        return Err(PdfError::Syntax { at: end });
    };
    // 7.3.8.1: CR LF or LF, never CR alone.
    if !lexer.eat(b"\r\n") && !lexer.eat(b"\n") {
        return Err(PdfError::StreamLength { reference });
    }
    let data = lexer.position();
    Ok(Head::Stream { dict, body, data })
}

/// Reads what closes a stream: the ends of its body and of the object.
pub(super) fn behind_data(
    lexer: &mut Lexer<'_>,
    reference: ObjRef,
) -> Result<(usize, usize), PdfError> {
    // 7.3.8.1 asks for one end of line here; more hide nothing.
    while lexer.eat_eol() {}
    if !lexer.eat(b"endstream") {
        return Err(PdfError::StreamLength { reference });
    }
    let body = lexer.position();
    match lexer.token() {
        Ok(Token::Keyword(b"endobj")) => Ok((body, lexer.position())),
        _ => Err(PdfError::Syntax { at: body }),
    }
}
