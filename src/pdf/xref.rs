//! Cross-reference sections (ISO 32000-2, clauses 7.5.4, 7.5.5 and 7.5.8).
//!
//! A section is not turned into a map: entries are looked up where they lie, so that opening a file
//! costs the same however many objects it has.

use super::error::PdfError;
use super::lexer::Token;
use super::object::{Dict, Object};
use super::parser;
use super::source::Bytes;
use crate::limits;

/// What a section says about one object.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Entry {
    /// Not in use.
    Free,
    /// At a byte of the file.
    InFile {
        /// Position of `num generation obj`.
        offset: usize,
        /// Its generation.
        generation: u16,
    },
    /// Inside an object stream.
    InStream {
        /// Number of the object stream.
        stream: u32,
        /// Its place in there.
        index: usize,
    },
}

/// How a section is written; an update uses the same form.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Form {
    /// `xref` and `trailer`.
    Table,
    /// A stream of `/Type /XRef`.
    Stream,
}

/// A run of objects with consecutive numbers.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
struct Run {
    first: u32,
    count: u32,
    /// Position of the first entry: in the file for a table, in the inflated data for a stream.
    at: usize,
    /// Bytes from one entry to the next.
    stride: usize,
}

/// One cross-reference section, entries still unread.
#[derive(Clone, Debug)]
pub(crate) struct Section {
    /// Where it begins.
    pub(crate) at: usize,
    /// Right behind its trailer dictionary or its `endobj`.
    pub(crate) end: usize,
    /// Its form.
    pub(crate) form: Form,
    /// The trailer dictionary, or that of the stream.
    pub(crate) trailer: Dict,
    /// The number of the stream that it is; it need not list itself.
    own: Option<u32>,
    /// In the order of their numbers, without overlap.
    runs: Vec<Run>,
    rows: Rows,
}

#[derive(Clone, Debug)]
enum Rows {
    InFile,
    Inflated { data: Vec<u8>, widths: [usize; 3] },
}

/// Bytes of one entry of a table; some programs end it with one byte instead of two, all entries alike.
const TABLE_ENTRY: usize = 20;
const SHORT_ENTRY: usize = 19;

impl Section {
    /// Reads a table that begins at `at`.
    pub(super) fn table(bytes: &Bytes<'_>, at: usize) -> Result<Self, PdfError> {
        let damaged = || PdfError::XrefDamaged { at };
        let length = bytes.length();
        let mut next = bytes.parse(at, length, |lexer| {
            let there = lexer.eat(b"xref");
            there.then_some(lexer.position()).ok_or(damaged())
        })?;
        let mut runs = Vec::new();
        loop {
            let head = bytes.parse(next, length, |lexer| {
                match (lexer.token(), lexer.position()) {
                    (Ok(Token::Keyword(b"trailer")), behind) => Ok((None, behind)),
                    (Ok(Token::Integer(first)), _) => {
                        let Ok(Token::Integer(count)) = lexer.token() else {
                            return Err(damaged());
                        };
                        lexer.skip_white();
                        Ok((Some((first, count)), lexer.position()))
                    }
                    _ => Err(damaged()),
                }
            })?;
            next = head.1;
            let Some((first, count)) = head.0 else {
                break;
            };
            let one = next..length.min(next + TABLE_ENTRY);
            let run = run_of(first, count, next, bytes.row(one, stride)?).ok_or_else(damaged)?;
            let rows = size(run.count).checked_mul(run.stride);
            let end = rows.and_then(|rows| next.checked_add(rows));
            next = end.filter(|end| *end <= length).ok_or_else(damaged)?;
            runs.push(run);
        }
        let trailer = bytes.parse(next, length, |lexer| {
            let trailer = parser::object(lexer)?;
            Ok((trailer, lexer.position()))
        });
        let (trailer, end) = match trailer {
            Ok((Object::Dict(trailer), end)) => (trailer, end),
            Err(error @ PdfError::Unreadable { .. }) => return Err(error),
            _ => return Err(damaged()),
        };
        Ok(Self {
            at,
            end,
            form: Form::Table,
            trailer,
            own: None,
            runs: in_order(runs).ok_or_else(damaged)?,
            rows: Rows::InFile,
        })
    }

    /// Makes a section of the dictionary and the inflated data of cross-reference stream `own`.
    pub(crate) fn stream(
        own: u32,
        at: usize,
        end: usize,
        trailer: Dict,
        data: Vec<u8>,
    ) -> Result<Self, PdfError> {
        let damaged = PdfError::XrefDamaged { at };
        if !trailer.is_name(b"Type", b"XRef") {
            return Err(damaged);
        }
        let widths = widths_of(&trailer).ok_or(PdfError::XrefDamaged { at })?;
        let row: usize = widths.iter().sum();
        let runs = index_of(&trailer, row).ok_or(PdfError::XrefDamaged { at })?;
        let needed = runs.iter().map(|run| size(run.count)).sum::<usize>();
        if row == 0 || needed.checked_mul(row).is_none_or(|n| n > data.len()) {
            return Err(damaged);
        }
        Ok(Self {
            at,
            end,
            form: Form::Stream,
            trailer,
            own: Some(own),
            runs: in_order(runs).ok_or(damaged)?,
            rows: Rows::Inflated { data, widths },
        })
    }

    /// What the section says about object `num`; `None` if nothing.
    pub(super) fn entry(&self, bytes: &Bytes<'_>, num: u32) -> Result<Option<Entry>, PdfError> {
        let behind = self.runs.partition_point(|run| run.first <= num);
        let Some(run) = behind.checked_sub(1).and_then(|i| self.runs.get(i)) else {
            return Ok(None);
        };
        let row = num.saturating_sub(run.first);
        if row >= run.count {
            return Ok(None);
        }
        let at = run.at + size(row) * run.stride;
        let within = at..at + run.stride;
        let entry = match &self.rows {
            Rows::InFile => bytes.row(within, table_entry)?,
            Rows::Inflated { data, widths } => {
                data.get(within).and_then(|row| stream_entry(row, *widths))
            }
        };
        entry.map(Some).ok_or(PdfError::XrefDamaged { at: self.at })
    }

    /// The numbers that the section speaks of.
    pub(crate) fn numbers(&self) -> impl Iterator<Item = u32> {
        self.runs
            .iter()
            .flat_map(|run| run.first..run.first.saturating_add(run.count))
    }

    /// How many numbers that are.
    pub(crate) fn count(&self) -> usize {
        self.runs.iter().map(|run| size(run.count)).sum()
    }

    /// One more than the highest number that the section speaks of, or has itself.
    pub(crate) fn bound(&self) -> u32 {
        let last = self.runs.last();
        let last = last.map_or(0, |run| run.first.saturating_add(run.count));
        last.max(self.own.map_or(0, |own| own.saturating_add(1)))
    }
}

fn size(count: u32) -> usize {
    usize::try_from(count).unwrap_or(usize::MAX)
}

/// Bytes from the entry that stands here to the next.
fn stride(entries: &[u8]) -> usize {
    match entries.get(18..20) {
        Some([b'\r' | b'\n', next]) if !super::lexer::is_white(*next) => SHORT_ENTRY,
        _ => TABLE_ENTRY,
    }
}

fn run_of(first: i64, count: i64, at: usize, stride: usize) -> Option<Run> {
    let first = u32::try_from(first).ok()?;
    let count = u32::try_from(count).ok()?;
    let fits = first.checked_add(count)? <= limits::PDF_OBJECTS;
    fits.then_some(Run {
        first,
        count,
        at,
        stride,
    })
}

/// The runs by number; `None` if two speak of the same object.
fn in_order(mut runs: Vec<Run>) -> Option<Vec<Run>> {
    runs.retain(|run| run.count > 0);
    runs.sort_unstable_by_key(|run| run.first);
    let apart = |pair: &[Run]| match pair {
        [one, next] => one.first + one.count <= next.first,
        _ => true,
    };
    runs.windows(2).all(apart).then_some(runs)
}

/// `nnnnnnnnnn ggggg n` and two bytes of end of line, or one.
fn table_entry(entry: &[u8]) -> Option<Entry> {
    let offset = digits(entry.get(..10)?)?;
    let generation = digits(entry.get(11..16)?)?;
    if entry.get(10) != Some(&b' ') || entry.get(16) != Some(&b' ') {
        return None;
    }
    if !matches!(entry.get(18..)?, b" \r" | b" \n" | b"\r\n" | b"\r" | b"\n") {
        return None;
    }
    match entry.get(17)? {
        b'n' if offset > 0 => Some(Entry::InFile {
            offset: usize::try_from(offset).ok()?,
            generation: u16::try_from(generation).ok()?,
        }),
        // At byte 0 stands the header; some programs mark unused numbers so.
        b'f' | b'n' => Some(Entry::Free),
        _ => None,
    }
}

fn digits(text: &[u8]) -> Option<u64> {
    text.iter().try_fold(0_u64, |value, digit| {
        let digit = digit.is_ascii_digit().then(|| u64::from(digit - b'0'))?;
        value.checked_mul(10)?.checked_add(digit)
    })
}

/// One row of a cross-reference stream (table 18).
fn stream_entry(row: &[u8], [kind, second, third]: [usize; 3]) -> Option<Entry> {
    let (kind_field, rest) = row.split_at_checked(kind)?;
    let (second_field, third_field) = rest.split_at_checked(second)?;
    // Without a first field the type is 1.
    let kind = if kind == 0 {
        1
    } else {
        big_endian(kind_field)?
    };
    let two = big_endian(second_field)?;
    let three = if third == 0 {
        0
    } else {
        big_endian(third_field)?
    };
    match kind {
        1 if two > 0 => Some(Entry::InFile {
            offset: usize::try_from(two).ok()?,
            generation: u16::try_from(three).ok()?,
        }),
        2 => Some(Entry::InStream {
            stream: u32::try_from(two).ok().filter(|num| *num > 0)?,
            index: usize::try_from(three).ok()?,
        }),
        // 0 is free, so is byte 0; 7.5.8.3: types unknown here stand for null.
        _ => Some(Entry::Free),
    }
}

fn big_endian(field: &[u8]) -> Option<u64> {
    field.iter().try_fold(0_u64, |value, byte| {
        value.checked_mul(256)?.checked_add(u64::from(*byte))
    })
}

fn widths_of(trailer: &Dict) -> Option<[usize; 3]> {
    let [one, two, three] = trailer.get(b"W")?.as_array()? else {
        return None;
    };
    let width = |object: &Object| {
        let width = usize::try_from(object.as_integer()?).ok()?;
        (width <= 8).then_some(width)
    };
    Some([width(one)?, width(two)?, width(three)?])
}

fn index_of(trailer: &Dict, row: usize) -> Option<Vec<Run>> {
    let all = [Object::Integer(0), trailer.get(b"Size")?.clone()];
    let index = match trailer.get(b"Index") {
        Some(index) => index.as_array()?,
        None => &all,
    };
    let mut runs = Vec::new();
    let mut at = 0_usize;
    for pair in index.chunks(2) {
        let [first, count] = pair else { return None };
        let run = run_of(first.as_integer()?, count.as_integer()?, at, row)?;
        at = at.checked_add(size(run.count).checked_mul(row)?)?;
        runs.push(run);
    }
    Some(runs)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_entry_has_twenty_bytes_in_one_of_three_spellings_or_nineteen() {
        let in_use = Some(Entry::InFile {
            offset: 17,
            generation: 7,
        });
        assert_eq!(table_entry(b"0000000017 00007 n\r\n"), in_use);
        assert_eq!(table_entry(b"0000000017 00007 n \n"), in_use);
        assert_eq!(table_entry(b"0000000003 65535 f \n"), Some(Entry::Free));
        assert_eq!(table_entry(b"0000000000 00000 n \n"), Some(Entry::Free));
        assert_eq!(table_entry(b"0000000017 00007 n\n"), in_use);
        assert_eq!(table_entry(b"0000000017 00007 n\n0"), None);
        assert_eq!(stride(b"0000000017 00007 n\n0000000018"), 19);
        assert_eq!(stride(b"0000000017 00007 n\ntrailer"), 19);
        assert_eq!(stride(b"0000000017 00007 n\r\n0000000018"), 20);
        assert_eq!(table_entry(b"000000001x 00007 n \n"), None);
        assert_eq!(table_entry(b"0000000017 99999 n \n"), None);
    }

    #[test]
    fn two_runs_that_speak_of_the_same_object_are_damage() {
        let run = |first, count| Run {
            first,
            count,
            at: 0,
            stride: TABLE_ENTRY,
        };
        assert_eq!(in_order(vec![run(5, 2), run(0, 6)]), None);
        assert_eq!(
            in_order(vec![run(5, 2), run(3, 0), run(0, 5)]),
            Some(vec![run(0, 5), run(5, 2)])
        );
    }
}
