//! As much ASN.1 as CMS needs: a reader that keeps the original bytes of every element, and a DER writer.
//!
//! ```text
//! tag  length          content
//! 30   82 0a 22        …           definite (DER)
//! 30   80              … 00 00     indefinite (BER; 39 of 635 real signatures use it)
//! ```
//!
//! Only one-byte tags: CMS and its attributes use no others.

use der::asn1::ObjectIdentifier;

pub(super) const BOOLEAN: u8 = 0x01;
pub(super) const INTEGER: u8 = 0x02;
pub(super) const BIT_STRING: u8 = 0x03;
pub(super) const OCTET_STRING: u8 = 0x04;
pub(super) const NULL: u8 = 0x05;
pub(super) const OID: u8 = 0x06;
pub(super) const ENUMERATED: u8 = 0x0a;
pub(super) const UTC_TIME: u8 = 0x17;
pub(super) const GENERALIZED_TIME: u8 = 0x18;
pub(super) const SEQUENCE: u8 = 0x30;
pub(super) const SET: u8 = 0x31;
/// `[0]` and `[1]`, constructed: explicit, or implicit over SEQUENCE and SET.
pub(super) const CONTEXT_0: u8 = 0xa0;
pub(super) const CONTEXT_1: u8 = 0xa1;
pub(super) const CONTEXT_2: u8 = 0xa2;
/// `[0]` to `[2]`, primitive: implicit over OCTET STRING, INTEGER, NULL.
pub(super) const CONTEXT_0_PRIMITIVE: u8 = 0x80;
pub(super) const CONTEXT_1_PRIMITIVE: u8 = 0x81;
pub(super) const CONTEXT_2_PRIMITIVE: u8 = 0x82;

/// Nested elements of indefinite length; real files have six.
const DEPTH: usize = 32;

/// The bytes are not the ASN.1 that was expected here.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[error("broken or unexpected ASN.1")]
pub(super) struct Broken;

/// One element with its original bytes.
#[derive(Clone, Copy, Debug)]
pub(super) struct Element<'a> {
    pub(super) tag: u8,
    /// Tag, length, content, and the end marker of an indefinite length.
    pub(super) raw: &'a [u8],
    pub(super) content: &'a [u8],
}

impl<'a> Element<'a> {
    /// The elements inside a constructed element.
    pub(super) fn inside(self) -> Reader<'a> {
        Reader { rest: self.content }
    }

    pub(super) fn oid(self) -> Result<ObjectIdentifier, Broken> {
        if self.tag != OID {
            return Err(Broken);
        }
        ObjectIdentifier::from_bytes(self.content).map_err(|_| Broken)
    }

    /// The content of an OCTET STRING, also of one in BER's segments.
    pub(super) fn octets(self) -> Result<Vec<u8>, Broken> {
        const SEGMENTED: u8 = OCTET_STRING | 0x20;
        match self.tag {
            OCTET_STRING => Ok(self.content.to_vec()),
            SEGMENTED => {
                let mut reader = self.inside();
                let mut joined = Vec::new();
                while let Some(segment) = reader.next()? {
                    if segment.tag != OCTET_STRING {
                        return Err(Broken);
                    }
                    joined.extend_from_slice(segment.content);
                }
                Ok(joined)
            }
            _ => Err(Broken),
        }
    }

    /// The bytes of a BIT STRING of whole bytes.
    pub(super) fn bits(self) -> Result<&'a [u8], Broken> {
        match (self.tag, self.content.split_first()) {
            (BIT_STRING, Some((0, bits))) => Ok(bits),
            _ => Err(Broken),
        }
    }

    /// The value of an INTEGER or ENUMERATED of one byte that is not negative.
    pub(super) fn small(self) -> Result<u8, Broken> {
        match self.content {
            [value @ 0..0x80] => Ok(*value),
            _ => Err(Broken),
        }
    }

    /// The value of an INTEGER that is not negative and has at most four bytes.
    pub(super) fn number(self) -> Result<u32, Broken> {
        match self.content {
            [0..0x80] | [0..0x80, _] | [0..0x80, _, _] | [0..0x80, _, _, _] => Ok(self
                .content
                .iter()
                .fold(0, |number, digit| number << 8 | u32::from(*digit))),
            _ => Err(Broken),
        }
    }

    /// The value of a BOOLEAN as DER spells it.
    pub(super) fn truth(self) -> Result<bool, Broken> {
        match (self.tag, self.content) {
            (BOOLEAN, [0]) => Ok(false),
            (BOOLEAN, [0xff]) => Ok(true),
            _ => Err(Broken),
        }
    }
}

/// Reads elements one after the other.
#[derive(Clone, Copy, Debug)]
pub(super) struct Reader<'a> {
    rest: &'a [u8],
}

impl<'a> Reader<'a> {
    pub(super) fn new(bytes: &'a [u8]) -> Self {
        Self { rest: bytes }
    }

    /// The next element, or `None` at the end.
    pub(super) fn next(&mut self) -> Result<Option<Element<'a>>, Broken> {
        if self.rest.is_empty() {
            return Ok(None);
        }
        let (element, rest) = split(self.rest, DEPTH)?;
        self.rest = rest;
        Ok(Some(element))
    }

    /// The next element, which must have this tag.
    pub(super) fn expect(&mut self, tag: u8) -> Result<Element<'a>, Broken> {
        self.next()?
            .filter(|element| element.tag == tag)
            .ok_or(Broken)
    }

    /// The next element, whatever it is.
    pub(super) fn any(&mut self) -> Result<Element<'a>, Broken> {
        self.next()?.ok_or(Broken)
    }

    /// The next element if it has this tag.
    pub(super) fn optional(&mut self, tag: u8) -> Result<Option<Element<'a>>, Broken> {
        if self.rest.first() == Some(&tag) {
            self.next()
        } else {
            Ok(None)
        }
    }

    pub(super) fn end(&self) -> Result<(), Broken> {
        if self.rest.is_empty() {
            Ok(())
        } else {
            Err(Broken)
        }
    }

    /// What was not read.
    pub(super) fn rest(&self) -> &'a [u8] {
        self.rest
    }
}

/// Splits the first element off.
fn split(bytes: &[u8], depth: usize) -> Result<(Element<'_>, &[u8]), Broken> {
    let [tag, length, after @ ..] = bytes else {
        return Err(Broken);
    };
    // Tag numbers from 31 take further bytes; 00 is the end marker and no element.
    if tag & 0x1f == 0x1f || *tag == 0 {
        return Err(Broken);
    }
    let (content, rest) = match length {
        0x80 => {
            // Only constructed elements may have an indefinite length (X.690 §8.1.3.2).
            if tag & 0x20 == 0 {
                return Err(Broken);
            }
            let length = until_end_marker(after, depth.checked_sub(1).ok_or(Broken)?)?;
            let (content, rest) = after.split_at_checked(length).ok_or(Broken)?;
            (content, rest.get(2..).ok_or(Broken)?)
        }
        short @ 0..0x80 => after.split_at_checked(usize::from(*short)).ok_or(Broken)?,
        long => {
            let (digits, after) = after
                .split_at_checked(usize::from(long & 0x7f))
                .ok_or(Broken)?;
            if digits.len() > 4 {
                return Err(Broken);
            }
            let length = digits
                .iter()
                .fold(0_u32, |length, digit| length << 8 | u32::from(*digit));
            let length = usize::try_from(length).map_err(|_| Broken)?;
            after.split_at_checked(length).ok_or(Broken)?
        }
    };
    let raw = bytes
        .get(..bytes.len().saturating_sub(rest.len()))
        .ok_or(Broken)?;
    let element = Element {
        tag: *tag,
        raw,
        content,
    };
    Ok((element, rest))
}

/// The one element that `bytes` are, if it is DER throughout (X.690 §10 and §11): lengths are definite and of
/// the fewest bytes, numbers have no needless byte, BOOLEANs are 00 or FF. The order of SETs is not looked at.
pub(super) fn der(bytes: &[u8]) -> Result<Element<'_>, Broken> {
    let mut reader = Reader::new(bytes);
    let element = reader.any()?;
    reader.end()?;
    require_der(element, DEPTH)?;
    Ok(element)
}

fn require_der(element: Element<'_>, depth: usize) -> Result<(), Broken> {
    let length = element.content.len();
    let digits = match length {
        0..0x80 => 0,
        0x80..=0xff => 1,
        0x100..=0xffff => 2,
        0x1_0000..=0xff_ffff => 3,
        _ => 4,
    };
    let header = element.raw.len().saturating_sub(length);
    if header.checked_sub(digits) != Some(2) || element.raw.get(1) == Some(&0x80) {
        return Err(Broken);
    }
    if element.tag & 0x20 != 0 {
        let depth = depth.checked_sub(1).ok_or(Broken)?;
        let mut inside = element.inside();
        while let Some(part) = inside.next()? {
            require_der(part, depth)?;
        }
        return Ok(());
    }
    match (element.tag, element.content) {
        (INTEGER | ENUMERATED, [] | [0, 0..0x80, ..] | [0xff, 0x80..=0xff, ..]) => Err(Broken),
        (BOOLEAN, _) => element.truth().map(drop),
        _ => Ok(()),
    }
}

/// How many bytes stand before the end marker of the element whose content begins here.
fn until_end_marker(bytes: &[u8], depth: usize) -> Result<usize, Broken> {
    let mut rest = bytes;
    loop {
        if let [0, 0, ..] = rest {
            return Ok(bytes.len().saturating_sub(rest.len()));
        }
        rest = split(rest, depth)?.1;
    }
}

/// One DER element around the parts.
pub(super) fn element(tag: u8, parts: &[&[u8]]) -> Vec<u8> {
    let length: usize = parts.iter().map(|part| part.len()).sum();
    let mut out = Vec::with_capacity(length.saturating_add(6));
    out.push(tag);
    if let Ok(short @ 0..0x80) = u8::try_from(length) {
        out.push(short);
    } else {
        let digits = length.to_be_bytes();
        let zeros = digits.iter().take_while(|digit| **digit == 0).count();
        let digits = digits.get(zeros..).unwrap_or_default();
        // At most eight digits.
        out.push(u8::try_from(digits.len()).unwrap_or(8) | 0x80);
        out.extend_from_slice(digits);
    }
    for part in parts {
        out.extend_from_slice(part);
    }
    out
}

pub(super) fn sequence(parts: &[&[u8]]) -> Vec<u8> {
    element(SEQUENCE, parts)
}

pub(super) fn oid(oid: ObjectIdentifier) -> Vec<u8> {
    element(OID, &[oid.as_bytes()])
}

/// The content of a SET OF in DER order: ascending by encoding (X.690 §11.6).
pub(super) fn sorted(mut items: Vec<Vec<u8>>) -> Vec<u8> {
    items.sort();
    items.concat()
}

/// A non-negative INTEGER from big-endian digits.
pub(super) fn unsigned(digits: &[u8]) -> Vec<u8> {
    let zeros = digits.iter().take_while(|digit| **digit == 0).count();
    let digits = digits.get(zeros..).unwrap_or_default();
    match digits.first() {
        // The top bit would read as a sign.
        None | Some(0x80..) => element(INTEGER, &[&[0], digits]),
        Some(_) => element(INTEGER, &[digits]),
    }
}

#[cfg(test)]
#[expect(clippy::arithmetic_side_effects, reason = "a test may panic")]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn an_indefinite_length_ends_at_its_own_end_marker() {
        let bytes = [
            0x30, 0x80, 0x31, 0x80, 0x05, 0, 0, 0, 0x02, 1, 7, 0, 0, 0xff,
        ];
        let mut reader = Reader::new(&bytes);
        let outer = reader.expect(SEQUENCE).unwrap();
        assert_eq!(outer.raw, &bytes[..13]);
        let mut inside = outer.inside();
        assert_eq!(inside.expect(SET).unwrap().content, &[0x05, 0]);
        assert_eq!(inside.expect(INTEGER).unwrap().content, &[7]);
        assert_eq!(inside.end(), Ok(()));
        assert_eq!(reader.rest(), &[0xff]);
    }

    #[test]
    fn deep_indefinite_nesting_is_refused() {
        let bytes = [0x30, 0x80].repeat(100_000);
        assert_eq!(Reader::new(&bytes).any().unwrap_err(), Broken);
    }

    #[test]
    fn an_integer_gets_a_sign_byte_only_where_it_needs_one() {
        assert_eq!(unsigned(&[0, 0, 0x7f]), [2, 1, 0x7f]);
        assert_eq!(unsigned(&[0, 0x80]), [2, 2, 0, 0x80]);
        assert_eq!(unsigned(&[0, 0]), [2, 1, 0]);
    }

    #[test]
    fn der_has_one_spelling() {
        for good in [
            &[0x30, 3, 2, 1, 0x80][..],
            &[0x30, 0],
            &[0x02, 2, 0, 0x80],
            &[0x02, 2, 0xff, 0x7f],
            &[0x01, 1, 0xff],
        ] {
            assert_eq!(der(good).map(|element| element.raw), Ok(good), "{good:?}");
        }
        for bad in [
            // Behind it, indefinite, long length, a needless zero or FF, no digits, another TRUE.
            &[0x30, 0, 0][..],
            &[0x30, 0x80, 0, 0],
            &[0x30, 0x81, 0],
            &[0x30, 4, 0x30, 0x80, 0, 0],
            &[0x02, 2, 0, 0x7f],
            &[0x02, 2, 0xff, 0x80],
            &[0x02, 0],
            &[0x01, 1, 1],
        ] {
            assert_eq!(der(bad).map(|element| element.raw), Err(Broken), "{bad:?}");
        }
        let deep = (0..=DEPTH).fold(Vec::new(), |inner, _| sequence(&[&inner]));
        assert_eq!(der(&deep).map(drop), Err(Broken));
    }

    #[test]
    fn an_indefinite_length_that_takes_as_many_bytes_as_a_definite_one_is_no_der() {
        let body = element(OCTET_STRING, &[&[7; 300]]);
        let bytes = [&[0x30, 0x80][..], &body, &[0, 0]].concat();
        assert_eq!(der(&bytes).map(drop), Err(Broken));
    }

    proptest! {
        #[test]
        fn a_written_element_is_der(content in prop::collection::vec(any::<u8>(), 0..70_000)) {
            prop_assert!(der(&element(OCTET_STRING, &[&content])).is_ok());
        }

        #[test]
        fn a_written_element_reads_back(content in prop::collection::vec(any::<u8>(), 0..70_000)) {
            let written = element(OCTET_STRING, &[&content]);
            let mut reader = Reader::new(&written);
            let read = reader.any().unwrap();
            prop_assert_eq!(read.content, &content[..]);
            prop_assert_eq!(read.raw, &written[..]);
        }

        #[test]
        fn whatever_is_read_lies_inside_the_input(bytes in prop::collection::vec(any::<u8>(), 0..64)) {
            let mut reader = Reader::new(&bytes);
            if let Ok(Some(element)) = reader.next() {
                prop_assert_eq!(element.raw.len() + reader.rest().len(), bytes.len());
            }
        }
    }
}
