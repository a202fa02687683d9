//! Cross-reference sections (ISO 32000-2, clauses 7.5.4, 7.5.5 and 7.5.8).
//!
//! A section is not turned into a map: entries are looked up where they lie, so that opening a file
//! costs the same however many objects it has.

use super::error::PdfError;
use super::lexer::{Lexer, Token};
use super::object::{Dict, Object};
use super::parser;
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
    /// The source of its trailer dictionary.
    pub(crate) trailer_at: std::ops::Range<usize>,
    /// In the order of their numbers, without overlap.
    runs: Vec<Run>,
    rows: Rows,
}

#[derive(Clone, Debug)]
enum Rows {
    InFile,
    Inflated { data: Vec<u8>, widths: [usize; 3] },
}

/// Bytes of one entry of a table.
const TABLE_ENTRY: usize = 20;

impl Section {
    /// Reads a table that begins at `at`.
    pub(crate) fn table(bytes: &[u8], at: usize) -> Result<Self, PdfError> {
        let damaged = PdfError::XrefDamaged { at };
        let mut lexer = Lexer::at(bytes, at);
        if !lexer.eat(b"xref") {
            return Err(damaged);
        }
        let mut runs = Vec::new();
        loop {
            match lexer.token() {
                Ok(Token::Integer(first)) => {
                    let Ok(Token::Integer(count)) = lexer.token() else {
                        return Err(damaged);
                    };
                    let run = run_of(first, count, 0).ok_or(PdfError::XrefDamaged { at })?;
                    lexer.skip_white();
                    let entries = lexer.position();
                    let length = size(run.count).checked_mul(TABLE_ENTRY);
                    let end = length.and_then(|length| entries.checked_add(length));
                    let Some(end) = end.filter(|end| *end <= bytes.len()) else {
                        return Err(damaged);
                    };
                    runs.push(Run { at: entries, ..run });
                    lexer.seek(end);
                }
                Ok(Token::Keyword(b"trailer")) => break,
                _ => return Err(damaged),
            }
        }
        lexer.skip_space();
        let trailer_start = lexer.position();
        let Ok(Object::Dict(trailer)) = parser::object(&mut lexer) else {
            return Err(damaged);
        };
        Ok(Self {
            at,
            end: lexer.position(),
            form: Form::Table,
            trailer,
            trailer_at: trailer_start..lexer.position(),
            runs: in_order(runs).ok_or(damaged)?,
            rows: Rows::InFile,
        })
    }

    /// Makes a section of a cross-reference stream's dictionary and inflated data.
    pub(crate) fn stream(
        at: usize,
        end: usize,
        trailer: Dict,
        trailer_at: std::ops::Range<usize>,
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
            trailer_at,
            runs: in_order(runs).ok_or(damaged)?,
            rows: Rows::Inflated { data, widths },
        })
    }

    /// What the section says about object `num`; `None` if nothing.
    pub(crate) fn entry(&self, bytes: &[u8], num: u32) -> Result<Option<Entry>, PdfError> {
        let behind = self.runs.partition_point(|run| run.first <= num);
        let Some(run) = behind.checked_sub(1).and_then(|i| self.runs.get(i)) else {
            return Ok(None);
        };
        let row = num.saturating_sub(run.first);
        if row >= run.count {
            return Ok(None);
        }
        let entry = match &self.rows {
            Rows::InFile => {
                let at = run.at + size(row) * TABLE_ENTRY;
                bytes.get(at..at + TABLE_ENTRY).and_then(table_entry)
            }
            Rows::Inflated { data, widths } => {
                let length: usize = widths.iter().sum();
                let at = run.at + size(row) * length;
                data.get(at..at + length)
                    .and_then(|row| stream_entry(row, *widths))
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

    /// One more than the highest number that the section speaks of.
    pub(crate) fn bound(&self) -> u32 {
        let last = self.runs.last();
        last.map_or(0, |run| run.first.saturating_add(run.count))
    }
}

fn size(count: u32) -> usize {
    usize::try_from(count).unwrap_or(usize::MAX)
}

fn run_of(first: i64, count: i64, at: usize) -> Option<Run> {
    let first = u32::try_from(first).ok()?;
    let count = u32::try_from(count).ok()?;
    let fits = first.checked_add(count)? <= limits::PDF_OBJECTS;
    fits.then_some(Run { first, count, at })
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

/// `nnnnnnnnnn ggggg n` and two bytes of end of line.
fn table_entry(entry: &[u8]) -> Option<Entry> {
    let offset = digits(entry.get(..10)?)?;
    let generation = digits(entry.get(11..16)?)?;
    if entry.get(10) != Some(&b' ') || entry.get(16) != Some(&b' ') {
        return None;
    }
    if !matches!(entry.get(18..)?, b" \r" | b" \n" | b"\r\n") {
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
        let run = run_of(first.as_integer()?, count.as_integer()?, at)?;
        at = at.checked_add(size(run.count).checked_mul(row)?)?;
        runs.push(run);
    }
    Some(runs)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_entry_is_exactly_twenty_bytes_in_one_of_three_spellings() {
        let in_use = Some(Entry::InFile {
            offset: 17,
            generation: 7,
        });
        assert_eq!(table_entry(b"0000000017 00007 n\r\n"), in_use);
        assert_eq!(table_entry(b"0000000017 00007 n \n"), in_use);
        assert_eq!(table_entry(b"0000000003 65535 f \n"), Some(Entry::Free));
        assert_eq!(table_entry(b"0000000000 00000 n \n"), Some(Entry::Free));
        assert_eq!(table_entry(b"0000000017 00007 n\n0"), None);
        assert_eq!(table_entry(b"000000001x 00007 n \n"), None);
        assert_eq!(table_entry(b"0000000017 99999 n \n"), None);
    }

    #[test]
    fn two_runs_that_speak_of_the_same_object_are_damage() {
        let run = |first, count| Run {
            first,
            count,
            at: 0,
        };
        assert_eq!(in_order(vec![run(5, 2), run(0, 6)]), None);
        assert_eq!(
            in_order(vec![run(5, 2), run(3, 0), run(0, 5)]),
            Some(vec![run(0, 5), run(5, 2)])
        );
    }
}
