//! Where the bytes of a file are: in memory, or with somebody who reads them when they are asked for.
//!
//! ```text
//! file │ … 12 0 obj <</Type/XObject … /Length 900000>> stream ░░░░░ … ░░░░░ endstream endobj …
//!            └── window ──────────────────────────────────────┘    └── window ──┘
//! ```
//!
//! An object is read through a window that grows for as long as the reading meets its end. The data of a stream
//! lie between two windows and are read by whoever decodes them.
//!
//! **Invariant:** what is read does not depend on where the bytes are, nor on the size of a window.

use super::error::PdfError;
use super::lexer::Lexer;
use crate::limits;
use std::borrow::Cow;
use std::cell::RefCell;
use std::fmt;
use std::io;
use std::ops::Range;
use std::rc::Rc;

/// A file that is not in memory. What it says twice must be the same: whoever offers a file keeps others from
/// writing to it.
pub trait Source {
    /// Bytes in it.
    fn length(&self) -> usize;

    /// Fills `into` with the bytes from `at` on; they are all within the length.
    ///
    /// # Errors
    /// When they cannot be read.
    fn read(&self, at: usize, into: &mut [u8]) -> io::Result<()>;

    /// Bytes that it had better be asked for at once: all of a usual object, and some of its neighbours.
    fn piece(&self) -> usize {
        8 * 1024
    }
}

/// How much larger the next window is.
const GROWTH: usize = 8;

/// Bytes that are read at once where all are wanted.
const CHUNK: usize = 256 * 1024;

/// The bytes of a file, or of its beginning.
pub(super) struct Bytes<'a> {
    place: Place<'a>,
    length: usize,
}

enum Place<'a> {
    Memory(&'a [u8]),
    Source {
        source: &'a dyn Source,
        /// What was read last for an object. Neighbours in the file are often wanted one after the other.
        objects: Recent,
        /// What was read last for an entry of a table: they stand elsewhere.
        rows: Recent,
    },
}

type Recent = RefCell<Option<Rc<Block>>>;

/// Bytes that were read, and where they stand.
struct Block {
    at: usize,
    bytes: Vec<u8>,
}

impl Block {
    /// Its bytes from `at` to `end` at most; `None` if it has none there.
    fn part(&self, at: usize, end: usize) -> Option<&[u8]> {
        let begin = at.checked_sub(self.at)?;
        let end = end.checked_sub(self.at)?.min(self.bytes.len());
        self.bytes.get(begin..end).filter(|part| !part.is_empty())
    }
}

impl<'a> Bytes<'a> {
    pub(super) fn in_memory(bytes: &'a [u8]) -> Self {
        Self {
            place: Place::Memory(bytes),
            length: bytes.len(),
        }
    }

    pub(super) fn in_source(source: &'a dyn Source) -> Self {
        Self {
            length: source.length(),
            place: Place::Source {
                source,
                objects: Recent::default(),
                rows: Recent::default(),
            },
        }
    }

    /// The first `length` of them; `None` if there are not so many.
    pub(super) fn beginning(&self, length: usize) -> Option<Self> {
        Some(match self.place {
            Place::Memory(bytes) => Self::in_memory(bytes.get(..length)?),
            Place::Source { source, .. } if length <= self.length => Self {
                length,
                ..Self::in_source(source)
            },
            Place::Source { .. } => return None,
        })
    }

    pub(super) fn length(&self) -> usize {
        self.length
    }

    /// How many there may be.
    pub(super) fn limit(&self) -> usize {
        match self.place {
            Place::Memory(_) => limits::PDF_FILE,
            Place::Source { .. } => limits::PDF_IN_FILE,
        }
    }

    /// A range in memory; nothing if it does not lie within.
    pub(super) fn part(&self, range: Range<usize>) -> Result<Cow<'a, [u8]>, PdfError> {
        match self.place {
            Place::Memory(bytes) => Ok(Cow::Borrowed(bytes.get(range).unwrap_or_default())),
            Place::Source { source, .. } => load(source, self.within(range)).map(Cow::Owned),
        }
    }

    /// What `read` makes of a row of a table; of nothing if it does not lie within.
    pub(super) fn row<T>(
        &self,
        range: Range<usize>,
        read: impl FnOnce(&[u8]) -> T,
    ) -> Result<T, PdfError> {
        let (source, rows) = match &self.place {
            Place::Memory(bytes) => return Ok(read(bytes.get(range).unwrap_or_default())),
            Place::Source { source, rows, .. } => (*source, rows),
        };
        let Range { start, end } = self.within(range);
        let known = rows.borrow().clone();
        let known = known.filter(|block| {
            let part = block.part(start, end);
            part.is_some_and(|part| part.len() == end - start)
        });
        let block = match known {
            Some(block) => block,
            None => remember(
                rows,
                source,
                start..self.length.min(end.max(start + source.piece())),
            )?,
        };
        Ok(read(block.part(start, end).unwrap_or_default()))
    }

    /// What `read` makes of the text from `at` on, which ends before `limit`. It may be called several times.
    pub(super) fn parse<T>(
        &self,
        at: usize,
        limit: usize,
        read: impl Fn(&mut Lexer<'_>) -> Result<T, PdfError>,
    ) -> Result<T, PdfError> {
        let limit = limit.min(self.length);
        let most = limit.min(at.saturating_add(limits::PDF_OBJECT));
        let (source, objects) = match &self.place {
            Place::Memory(bytes) => {
                let mut lexer = Lexer::at(bytes.get(..most).unwrap_or(bytes), at);
                let done = read(&mut lexer);
                if lexer.met_end() && most < limit {
                    return Err(PdfError::ObjectTooLarge { at });
                }
                return done;
            }
            Place::Source {
                source, objects, ..
            } => (*source, objects),
        };
        let known = objects.borrow().clone();
        let mut known = known.filter(|block| block.part(at, most).is_some());
        let first = source.piece().max(1);
        let mut size = first;
        loop {
            let end = at.saturating_add(size).min(most);
            let block = match known.take() {
                Some(block) => block,
                None if size == first => remember(objects, source, self.within(at..end))?,
                None => {
                    let bytes = load(source, self.within(at..end))?;
                    Rc::new(Block { at, bytes })
                }
            };
            if block.at == at {
                size = size.saturating_mul(GROWTH);
            }
            let window = block.part(at, most).unwrap_or_default();
            let mut lexer = Lexer::window(window, at);
            let done = read(&mut lexer);
            let end = at.saturating_add(window.len());
            if !lexer.met_end() || end >= limit {
                return done;
            }
            if end >= most {
                return Err(PdfError::ObjectTooLarge { at });
            }
        }
    }

    /// Hands over all bytes of a range, in order.
    pub(super) fn feed(
        &self,
        range: Range<usize>,
        to: &mut dyn FnMut(&[u8]),
    ) -> Result<(), PdfError> {
        if let Place::Memory(bytes) = self.place {
            to(bytes.get(range).unwrap_or_default());
            return Ok(());
        }
        let Range { mut start, end } = self.within(range);
        while start < end {
            let next = end.min(start + CHUNK);
            to(&self.part(start..next)?);
            start = next;
        }
        Ok(())
    }

    /// Where the first `word` within a range begins.
    pub(super) fn find(&self, range: Range<usize>, word: &[u8]) -> Result<Option<usize>, PdfError> {
        let mut size = match self.place {
            Place::Memory(bytes) => {
                let found = find(bytes.get(range.clone()).unwrap_or_default(), word);
                return Ok(found.map(|ahead| range.start + ahead));
            }
            Place::Source { source, .. } => source.piece().max(1),
        };
        let Range { mut start, end } = self.within(range);
        while start < end {
            // A word may lie across the border.
            let part = self.part(start..end.min(start + size + word.len()))?;
            if let Some(ahead) = find(&part, word) {
                return Ok(Some(start + ahead));
            }
            start += size;
            size = CHUNK;
        }
        Ok(None)
    }

    fn within(&self, range: Range<usize>) -> Range<usize> {
        if range.start <= range.end && range.end <= self.length {
            range
        } else {
            0..0
        }
    }
}

/// Position of the first `word` in `bytes`.
pub(super) fn find(bytes: &[u8], word: &[u8]) -> Option<usize> {
    bytes.windows(word.len()).position(|window| window == word)
}

fn load(source: &dyn Source, range: Range<usize>) -> Result<Vec<u8>, PdfError> {
    let at = range.start;
    let mut bytes = vec![0; range.len()];
    let read = source.read(at, &mut bytes);
    read.map(|()| bytes)
        .map_err(|_| PdfError::Unreadable { at })
}

fn remember(
    recent: &Recent,
    source: &dyn Source,
    range: Range<usize>,
) -> Result<Rc<Block>, PdfError> {
    let at = range.start;
    let bytes = load(source, range)?;
    let block = Rc::new(Block { at, bytes });
    *recent.borrow_mut() = Some(Rc::clone(&block));
    Ok(block)
}

impl fmt::Debug for Bytes<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} bytes", self.length)
    }
}
