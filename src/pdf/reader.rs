//! [`Document`]: objects on demand, byte for byte (ISO 32000-2, clause 7.5).
//!
//! Nothing is read before it is asked for and nothing is repaired. The bytes may be elsewhere
//! ([`super::source`]); then no more of them is held than an object needs. Object streams are inflated once and
//! kept; all that is inflated counts against one budget ([`limits::PDF_INFLATED`]).

use super::container::Container;
use super::error::PdfError;
use super::filter;
use super::indirect::{Head, Located, behind_data, head, opens};
use super::lexer::Token;
use super::object::{Dict, ObjRef, Object, Stream};
use super::page::Found;
use super::parser;
use super::revision::{self, Layer, Revision};
use super::source::{Bytes, Source};
use super::xref::{Entry, Section};
use crate::digest::Running;
use crate::limits;
use std::borrow::Cow;
use std::cell::{Cell, OnceCell, RefCell};
use std::collections::{BTreeSet, HashMap};
use std::ops::Range;
use std::sync::Arc;

/// A PDF as its latest revision shows it.
#[derive(Debug)]
pub struct Document<'a> {
    pub(super) bytes: Bytes<'a>,
    /// Newest first.
    layers: Vec<Layer>,
    /// Oldest first.
    revisions: Vec<Revision>,
    containers: RefCell<HashMap<u32, Arc<Container>>>,
    /// Object streams being opened: one that needs itself would never end.
    opening: RefCell<BTreeSet<u32>>,
    budget: Cell<usize>,
    catalog: OnceCell<Dict>,
    /// Every page in order, once all have been asked for.
    pub(super) pages: OnceCell<Vec<Found>>,
}

impl<'a> Document<'a> {
    /// Opens a file: its end, its cross-reference sections, nothing else.
    ///
    /// # Errors
    /// What makes it no PDF, damaged or encrypted; see [`PdfError`].
    pub fn open(bytes: &'a [u8]) -> Result<Self, PdfError> {
        Self::of(Bytes::in_memory(bytes))
    }

    /// Opens a file that stays where it is. It may be larger than one in memory.
    ///
    /// # Errors
    /// As [`Document::open`]; this and all that reads it [`PdfError::Unreadable`].
    pub fn open_in(source: &'a dyn Source) -> Result<Self, PdfError> {
        Self::of(Bytes::in_source(source))
    }

    fn of(bytes: Bytes<'a>) -> Result<Self, PdfError> {
        let length = bytes.length();
        if length == 0 {
            return Err(PdfError::Empty);
        }
        if length > bytes.limit() {
            return Err(PdfError::TooLarge { bytes: length });
        }
        // `%PDF-1.7`; programs that read another version number do not agree on what follows.
        let [b'%', b'P', b'D', b'F', b'-', b'0'..=b'9', b'.', b'0'..=b'9'] =
            *bytes.part(0..length.min(8))?
        else {
            return Err(PdfError::NotAPdf);
        };
        let (startxref, end) = revision::tail(&bytes)?;
        let mut document = Self {
            bytes,
            layers: Vec::new(),
            revisions: Vec::new(),
            containers: RefCell::default(),
            opening: RefCell::default(),
            budget: Cell::new(limits::PDF_INFLATED),
            catalog: OnceCell::new(),
            pages: OnceCell::new(),
        };
        let mut layers = revision::chain(&document.bytes, startxref, |at| document.section(at))?;
        document.revisions = revision::revisions(&document.bytes, &mut layers, end)?;
        document.layers = layers;
        let encrypted = |section: &Section| section.trailer.contains(b"Encrypt");
        if document.sections().any(encrypted) {
            return Err(PdfError::Encrypted);
        }
        document.root()?;
        Ok(document)
    }

    /// Bytes of the file.
    #[must_use]
    pub fn length(&self) -> usize {
        self.bytes.length()
    }

    /// Some bytes of the file; nothing if they do not lie within.
    ///
    /// # Errors
    /// [`PdfError::Unreadable`].
    pub fn part(&self, range: Range<usize>) -> Result<Cow<'a, [u8]>, PdfError> {
        self.bytes.part(range)
    }

    /// The digest of the file, to be gone on with.
    ///
    /// # Errors
    /// [`PdfError::Unreadable`].
    pub fn digest(&self) -> Result<Running, PdfError> {
        let mut digest = Running::default();
        self.bytes
            .feed(0..self.length(), &mut |bytes| digest.update(bytes))?;
        Ok(digest)
    }

    /// Its revisions, oldest first; never empty.
    #[must_use]
    pub fn revisions(&self) -> &[Revision] {
        &self.revisions
    }

    /// The document as revision `number` (from 1) left it.
    ///
    /// # Errors
    /// [`PdfError::Structure`] if there is no such revision, else what [`Document::open`] says.
    pub fn as_of(&self, number: usize) -> Result<Self, PdfError> {
        let revision = number.checked_sub(1).and_then(|i| self.revisions.get(i));
        let bytes = revision.and_then(|revision| self.bytes.beginning(revision.end));
        Self::of(bytes.ok_or(PdfError::Structure { what: "revision" })?)
    }

    /// The trailer dictionary of the latest revision (that of the stream, if it is one).
    #[must_use]
    pub fn trailer(&self) -> &Dict {
        static EMPTY: std::sync::OnceLock<Dict> = std::sync::OnceLock::new();
        match self.layers.first() {
            Some(layer) => &layer.section.trailer,
            None => EMPTY.get_or_init(Dict::default),
        }
    }

    /// The reference to the catalog.
    ///
    /// # Errors
    /// [`PdfError::Structure`] if the trailer has none.
    pub fn root(&self) -> Result<ObjRef, PdfError> {
        let root = self.trailer().get(b"Root").and_then(Object::as_reference);
        root.ok_or(PdfError::Structure {
            what: "Root of the trailer",
        })
    }

    /// The catalog.
    ///
    /// # Errors
    /// If it cannot be read or is no dictionary.
    pub fn catalog(&self) -> Result<Dict, PdfError> {
        if let Some(catalog) = self.catalog.get() {
            return Ok(catalog.clone());
        }
        let catalog = self.dict(&Object::Ref(self.root()?), "catalog")?;
        Ok(self.catalog.get_or_init(|| catalog).clone())
    }

    /// One more than the highest object number in use.
    #[must_use]
    pub fn next_number(&self) -> u32 {
        let size = self.trailer().get(b"Size").and_then(Object::as_integer);
        let size = size.and_then(|size| u32::try_from(size).ok()).unwrap_or(0);
        let sections = self.sections().map(Section::bound).max().unwrap_or(0);
        size.min(limits::PDF_OBJECTS).max(sections).max(1)
    }

    /// The numbers of all objects in use, in order.
    ///
    /// # Errors
    /// [`PdfError::XrefDamaged`] for an entry that cannot be read.
    pub fn numbers(&self) -> Result<Vec<u32>, PdfError> {
        let mut all: Vec<u32> = self.sections().flat_map(Section::numbers).collect();
        all.sort_unstable();
        all.dedup();
        let mut used = Vec::with_capacity(all.len());
        for num in all {
            if !matches!(self.entry(num)?, None | Some((Entry::Free, _))) {
                used.push(num);
            }
        }
        Ok(used)
    }

    /// The objects that a revision (from 1) wrote or freed, by number.
    #[must_use]
    pub fn changed_in(&self, revision: usize) -> BTreeSet<u32> {
        let layers = self.layers.iter();
        layers
            .filter(|layer| layer.revision == revision)
            .flat_map(|layer| [Some(&layer.section), layer.hidden.as_ref()])
            .flatten()
            .flat_map(Section::numbers)
            .collect()
    }

    /// An object; `null` if it does not exist (clause 7.3.10).
    ///
    /// # Errors
    /// If it is not where it should be or is damaged.
    pub fn get(&self, reference: ObjRef) -> Result<Object, PdfError> {
        match self.entry(reference.num)? {
            Some((Entry::InFile { generation, .. }, _)) if generation != reference.generation => {
                Ok(Object::Null)
            }
            Some((Entry::InStream { .. }, _)) if reference.generation != 0 => Ok(Object::Null),
            Some((entry, limit)) => self.at(reference.num, entry, limit),
            None => Ok(Object::Null),
        }
    }

    /// The object of a number in use, whatever its generation; `null` if there is none.
    ///
    /// # Errors
    /// As [`Document::get`].
    pub fn numbered(&self, num: u32) -> Result<Object, PdfError> {
        match self.entry(num)? {
            Some((entry, limit)) => self.at(num, entry, limit),
            None => Ok(Object::Null),
        }
    }

    fn at(&self, num: u32, entry: Entry, limit: usize) -> Result<Object, PdfError> {
        match entry {
            Entry::InFile { offset, generation } => {
                let reference = ObjRef { num, generation };
                Ok(self.indirect(offset, limit, reference)?.object)
            }
            Entry::InStream { stream, index } => {
                let container = self.container(stream)?;
                Ok(container.object(stream, index, num)?.0)
            }
            Entry::Free => Ok(Object::Null),
        }
    }

    /// The reference of a number in use, with its generation.
    ///
    /// # Errors
    /// [`PdfError::XrefDamaged`].
    pub fn reference(&self, num: u32) -> Result<Option<ObjRef>, PdfError> {
        Ok(match self.entry(num)? {
            Some((Entry::InFile { generation, .. }, _)) => Some(ObjRef { num, generation }),
            Some((Entry::InStream { .. }, _)) => Some(ObjRef::new(num)),
            _ => None,
        })
    }

    /// The object itself, or what the reference leads to.
    ///
    /// # Errors
    /// As [`Document::get`], and [`PdfError::ReferenceLoop`].
    pub fn resolve(&self, object: &Object) -> Result<Object, PdfError> {
        let mut object = object.clone();
        for _ in 0..limits::PDF_DEPTH {
            match object {
                Object::Ref(reference) => object = self.get(reference)?,
                other => return Ok(other),
            }
        }
        Err(PdfError::ReferenceLoop)
    }

    /// The resolved value of a key; `null` if it is absent.
    ///
    /// # Errors
    /// As [`Document::resolve`].
    pub fn lookup(&self, dict: &Dict, key: &[u8]) -> Result<Object, PdfError> {
        dict.get(key)
            .map_or(Ok(Object::Null), |value| self.resolve(value))
    }

    /// What `object` leads to, if that is a dictionary (or a stream: its dictionary).
    ///
    /// # Errors
    /// [`PdfError::Structure`] naming `what` if it is not.
    pub fn dict(&self, object: &Object, what: &'static str) -> Result<Dict, PdfError> {
        match self.resolve(object)? {
            Object::Dict(dict) => Ok(dict),
            Object::Stream(stream) => Ok(stream.dict),
            _ => Err(PdfError::Structure { what }),
        }
    }

    /// The original bytes of an object's body, without `obj` and `endobj`, streams included; for a
    /// compressed object its bytes inside the object stream.
    ///
    /// # Errors
    /// As [`Document::get`]; [`PdfError::Structure`] if there is no such object;
    /// [`PdfError::ObjectTooLarge`] if it has more bytes than a stream may inflate to.
    pub fn raw(&self, reference: ObjRef) -> Result<Cow<'a, [u8]>, PdfError> {
        if let Some(body) = self.body(reference)? {
            if body.len() > limits::PDF_STREAM {
                return Err(PdfError::ObjectTooLarge { at: body.start });
            }
            return self.bytes.part(body);
        }
        let missing = PdfError::Structure { what: "object" };
        match self.entry(reference.num)? {
            Some((Entry::InStream { stream, index }, _)) if reference.generation == 0 => {
                let container = self.container(stream)?;
                let (_, body) = container.object(stream, index, reference.num)?;
                Ok(Cow::Owned(container.bytes(body).ok_or(missing)?.to_vec()))
            }
            _ => Err(missing),
        }
    }

    /// Where the body of an object stands in the file; `None` if it is compressed or does not exist.
    ///
    /// # Errors
    /// As [`Document::get`].
    pub fn body(&self, reference: ObjRef) -> Result<Option<Range<usize>>, PdfError> {
        match self.entry(reference.num)? {
            Some((Entry::InFile { offset, generation }, limit))
                if generation == reference.generation =>
            {
                Ok(Some(self.indirect(offset, limit, reference)?.body))
            }
            _ => Ok(None),
        }
    }

    /// Whether an object has the same bytes here as in another document, however many they are.
    pub(super) fn has_as(&self, other: &Self, reference: ObjRef) -> Result<bool, PdfError> {
        let (Some(one), Some(two)) = (self.body(reference)?, other.body(reference)?) else {
            return Ok(self.raw(reference)? == other.raw(reference)?);
        };
        if one.len() != two.len() {
            return Ok(false);
        }
        for done in (0..one.len()).step_by(COMPARED) {
            let next = one.len().min(done + COMPARED);
            let piece = |body: &Range<usize>| body.start + done..body.start + next;
            if self.part(piece(&one))? != other.part(piece(&two))? {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// The decoded bytes of a stream. Each call counts against the document's budget.
    ///
    /// # Errors
    /// [`PdfError::UnsupportedFilter`] for pictures, [`PdfError::FilterDamaged`],
    /// [`PdfError::TooLargeInflated`].
    pub fn stream_data(&self, stream: &Stream) -> Result<Vec<u8>, PdfError> {
        let steps = self.steps(&stream.dict)?;
        let limit = limits::PDF_STREAM.min(self.budget.get());
        if stream.data.len() > limits::PDF_ENCODED {
            return Err(PdfError::TooLargeInflated { limit });
        }
        let decoded = filter::decode(&self.part(stream.data.clone())?, &steps, limit);
        let spent = match &decoded {
            Ok(data) => data.len(),
            Err(PdfError::UnsupportedFilter { .. }) => 0,
            // What was inflated before it failed counts too, or a bomb could be asked for often.
            Err(_) => limits::PDF_STREAM,
        };
        let left = self.budget.get().saturating_sub(spent);
        self.budget.set(left);
        decoded
    }

    /// The filters of a stream dictionary with their parameters (table 5).
    ///
    /// # Errors
    /// [`PdfError::Structure`] if `/Filter` is neither a name nor an array of names.
    pub fn steps(&self, dict: &Dict) -> Result<Vec<filter::Step>, PdfError> {
        let wrong = PdfError::Structure { what: "Filter" };
        // A file specification means that the data are elsewhere.
        if dict.contains(b"F") {
            return Err(wrong);
        }
        let listed = |object: Object| match object {
            Object::Null => Vec::new(),
            Object::Array(items) => items,
            other => vec![other],
        };
        let names = listed(self.lookup(dict, b"Filter")?);
        let parameters = listed(self.lookup(dict, b"DecodeParms")?);
        if names.len() > 8 {
            return Err(wrong);
        }
        let mut steps = Vec::new();
        for (i, name) in names.iter().enumerate() {
            let Object::Name(name) = self.resolve(name)? else {
                return Err(wrong);
            };
            let parameters = match parameters.get(i) {
                Some(value) => self.resolve(value)?.as_dict().cloned(),
                None => None,
            };
            steps.push(filter::Step {
                name,
                parameters: parameters.unwrap_or_default(),
            });
        }
        Ok(steps)
    }

    fn sections(&self) -> impl Iterator<Item = &Section> {
        self.layers
            .iter()
            .flat_map(|layer| [Some(&layer.section), layer.hidden.as_ref()])
            .flatten()
    }

    /// The entry of an object, and the end of the revision that made it.
    fn entry(&self, num: u32) -> Result<Option<(Entry, usize)>, PdfError> {
        for layer in &self.layers {
            let mut entry = layer.section.entry(&self.bytes, num)?;
            if let (None | Some(Entry::Free), Some(hidden)) = (entry, &layer.hidden) {
                // 7.5.8.4: the table hides from old readers what the stream shows.
                entry = hidden.entry(&self.bytes, num)?.or(entry);
            }
            if let Some(entry) = entry {
                let revision = layer.revision.checked_sub(1);
                let revision = revision.and_then(|i| self.revisions.get(i));
                return Ok(Some((entry, revision.map_or(0, |revision| revision.end))));
            }
        }
        Ok(None)
    }

    /// Reads the cross-reference section at `at`.
    fn section(&self, at: usize) -> Result<Section, PdfError> {
        let length = self.length();
        let begins = self.bytes.parse(at, length, |lexer| {
            lexer.skip_white();
            let start = lexer.position();
            if lexer.eat(b"xref") {
                return Ok((start, None));
            }
            match (lexer.token(), lexer.token()) {
                (Ok(Token::Integer(num)), Ok(Token::Integer(generation))) => {
                    let num = u32::try_from(num);
                    let generation = u16::try_from(generation);
                    let (Ok(num), Ok(generation)) = (num, generation) else {
                        return Err(PdfError::XrefDamaged { at });
                    };
                    Ok((start, Some(ObjRef { num, generation })))
                }
                _ => Err(PdfError::XrefDamaged { at }),
            }
        });
        let (start, reference) = begins?;
        let Some(reference) = reference else {
            return Section::table(&self.bytes, start);
        };
        let located = match self.indirect(start, length, reference) {
            Err(error @ (PdfError::TooDeep { .. } | PdfError::Unreadable { .. })) => {
                return Err(error);
            }
            other => other.map_err(|_| PdfError::XrefDamaged { at })?,
        };
        let Object::Stream(stream) = located.object else {
            return Err(PdfError::XrefDamaged { at });
        };
        if reference.num >= limits::PDF_OBJECTS {
            return Err(PdfError::TooManyObjects);
        }
        let data = self.stream_data(&stream)?;
        Section::stream(reference.num, start, located.end, stream.dict, data)
    }

    /// Reads `num generation obj … endobj` at `at`, which must end before `limit`.
    fn indirect(&self, at: usize, limit: usize, reference: ObjRef) -> Result<Located, PdfError> {
        let head = self
            .bytes
            .parse(at, limit, |lexer| head(lexer, at, reference))?;
        let (dict, body, start) = match head {
            Head::Object(located) => return Ok(located),
            Head::Stream { dict, body, data } => (dict, body, data),
        };
        let wrong = PdfError::StreamLength { reference };
        let length = match dict.get(b"Length") {
            Some(Object::Integer(length)) => Some(*length),
            Some(Object::Ref(length)) if *length != reference => self.length_at(*length)?,
            _ => None,
        };
        let length = length.and_then(|length| usize::try_from(length).ok());
        let end = length.and_then(|length| start.checked_add(length));
        let data = start..end.ok_or(wrong)?;
        let (body_end, end) = self
            .bytes
            .parse(data.end, limit, |lexer| behind_data(lexer, reference))?;
        Ok(Located {
            object: Object::Stream(Stream { dict, data }),
            body: body..body_end,
            end,
        })
    }

    /// An indirect `/Length`. It is a number, so no stream is ever opened for it but an object stream.
    fn length_at(&self, reference: ObjRef) -> Result<Option<i64>, PdfError> {
        match self.entry(reference.num)? {
            Some((Entry::InFile { offset, .. }, limit)) => {
                self.bytes.parse(offset, limit, |lexer| {
                    if !opens(lexer, reference) {
                        return Ok(None);
                    }
                    Ok(parser::object(lexer)?.as_integer())
                })
            }
            Some((Entry::InStream { .. }, _)) => Ok(self.get(reference)?.as_integer()),
            _ => Ok(None),
        }
    }

    /// The inflated object stream `number`.
    fn container(&self, number: u32) -> Result<Arc<Container>, PdfError> {
        if let Some(container) = self.containers.borrow().get(&number) {
            return Ok(Arc::clone(container));
        }
        if !self.opening.borrow_mut().insert(number) {
            return Err(PdfError::ReferenceLoop);
        }
        let opened = self.open_container(number).map(Arc::new);
        self.opening.borrow_mut().remove(&number);
        let container = opened?;
        let mut containers = self.containers.borrow_mut();
        containers.insert(number, Arc::clone(&container));
        Ok(container)
    }

    fn open_container(&self, number: u32) -> Result<Container, PdfError> {
        let damaged = PdfError::ObjectStream { number };
        let Some((Entry::InFile { offset, generation }, limit)) = self.entry(number)? else {
            return Err(damaged);
        };
        let reference = ObjRef {
            num: number,
            generation,
        };
        let located = self.indirect(offset, limit, reference)?;
        let Object::Stream(stream) = located.object else {
            return Err(damaged);
        };
        if !stream.dict.is_name(b"Type", b"ObjStm") {
            return Err(damaged);
        }
        let entry = |key| {
            let value = stream.dict.get(key).and_then(Object::as_integer);
            value.and_then(|value| usize::try_from(value).ok())
        };
        let (Some(count), Some(first)) = (entry(b"N"), entry(b"First")) else {
            return Err(damaged);
        };
        let data = self.stream_data(&stream)?;
        Container::new(data, count, first).ok_or(damaged)
    }
}

/// Bytes of two objects that are compared at once.
const COMPARED: usize = 256 * 1024;
