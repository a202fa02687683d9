//! Cuts a CSV file into records and knows the row of each as a spreadsheet counts it: lines that are empty
//! count, lines inside a quoted cell do not.

use crate::limits;
use std::io::BufRead;

/// The records of a file, one at a time.
pub(super) struct Records<R> {
    input: R,
    delimiter: u8,
    quotes: Quotes,
    row: u64,
}

/// Whether quotation marks hold lines together.
#[derive(Clone, Copy, Eq, PartialEq)]
enum Quotes {
    Join,
    AreText,
}

/// One record, without its line end.
pub(super) struct Record {
    pub(super) row: u64,
    pub(super) bytes: Vec<u8>,
}

/// Why a file has no next record.
#[derive(Debug)]
pub(super) enum RecordError {
    Unreadable,
    /// The record that begins at this row does not end within [`limits::LIST_ROW`].
    Endless(u64),
}

/// Where in a record a byte stands.
#[derive(Clone, Copy, Eq, PartialEq)]
enum At {
    CellStart,
    Plain,
    Quoted,
    /// Behind a quotation mark in a quoted cell: its end, or the first half of a doubled one.
    Quote,
}

impl<R: BufRead> Records<R> {
    pub(super) fn new(input: R, delimiter: u8) -> Self {
        Self {
            input,
            delimiter,
            quotes: Quotes::Join,
            row: 0,
        }
    }

    /// Every line is a record.
    pub(super) fn of_lines(input: R) -> Self {
        Self {
            quotes: Quotes::AreText,
            ..Self::new(input, b',')
        }
    }

    pub(super) fn next(&mut self) -> Result<Option<Record>, RecordError> {
        loop {
            let Some(bytes) = self.line()? else {
                return Ok(None);
            };
            if !bytes.trim_ascii().is_empty() {
                let row = self.row;
                return Ok(Some(Record { row, bytes }));
            }
        }
    }

    /// The bytes up to the next line end outside quotation marks.
    fn line(&mut self) -> Result<Option<Vec<u8>>, RecordError> {
        let mut bytes = Vec::new();
        let mut at = At::CellStart;
        let (delimiter, quotes) = (self.delimiter, self.quotes);
        let step = |at, byte| next_at(at, byte, delimiter, quotes);
        self.row += 1;
        loop {
            let buffer = self.input.fill_buf().map_err(|_| RecordError::Unreadable)?;
            if buffer.is_empty() {
                let begun = !bytes.is_empty();
                if at == At::Quoted {
                    return Err(RecordError::Endless(self.row));
                }
                return Ok(begun.then_some(bytes));
            }
            let mut taken = 0;
            let mut ended = false;
            for byte in buffer {
                taken += 1;
                if *byte == b'\n' && at != At::Quoted {
                    ended = true;
                    break;
                }
                at = step(at, *byte);
            }
            bytes.extend(buffer.iter().take(taken));
            self.input.consume(taken);
            if ended {
                bytes.pop();
                if bytes.last() == Some(&b'\r') {
                    bytes.pop();
                }
                return Ok(Some(bytes));
            }
            if bytes.len() > limits::LIST_ROW {
                return Err(RecordError::Endless(self.row));
            }
        }
    }
}

fn next_at(at: At, byte: u8, delimiter: u8, quotes: Quotes) -> At {
    match (at, byte) {
        _ if quotes == Quotes::AreText => At::Plain,
        (At::Quoted, b'"') => At::Quote,
        (At::Quoted, _) | (At::CellStart | At::Quote, b'"') => At::Quoted,
        (_, byte) if byte == delimiter => At::CellStart,
        _ => At::Plain,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rows(text: &str) -> Vec<(u64, String)> {
        let mut records = Records::new(text.as_bytes(), b',');
        let mut found = Vec::new();
        while let Some(record) = records.next().unwrap() {
            found.push((record.row, String::from_utf8(record.bytes).unwrap()));
        }
        found
    }

    #[test]
    fn rows_are_counted_as_a_spreadsheet_does() {
        let text = "a,b\r\n1,\"two\nlines\"\r\n\r\n  \n3,5\" pipe\n4,\"he said \"\"no\"\"\"\n5,";
        let expected = [
            (1, "a,b"),
            (2, "1,\"two\nlines\""),
            (5, "3,5\" pipe"),
            (6, "4,\"he said \"\"no\"\"\""),
            (7, "5,"),
        ];
        assert_eq!(
            rows(text),
            expected.map(|(row, text)| (row, text.to_owned()))
        );
    }

    #[test]
    fn a_quotation_mark_that_is_never_closed_is_found_and_not_read_to_the_end() {
        for tail in [String::new(), "x\n".repeat(limits::LIST_ROW)] {
            let text = format!("a,b\n1,2\n3,\"{tail}");
            let mut records = Records::new(text.as_bytes(), b',');
            let read = std::iter::from_fn(|| records.next().transpose());
            let last = read.take(9).find_map(Result::err);
            assert!(matches!(last, Some(RecordError::Endless(3))), "{last:?}");
        }
    }
}
