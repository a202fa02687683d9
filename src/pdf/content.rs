//! What a page shows, and where: the content stream interpreted for places, not for looks
//! (ISO 32000-2 §8, §9).
//!
//! ```text
//! content stream ─ q Q cm ─► matrix and clip ─┬─ Tj TJ ' " ──► text, with what it says
//!                                             ├─ f S B … sh ─► drawing, in a few boxes (outline.rs)
//!                                             ├─ Do, BI ─────► picture
//!                                             └─ Do (form) ──► the same again, with its own resources
//! annotations ────────────────────────────────── /Rect ──────► annotation
//! ```
//!
//! Places err on the side of ink: opacity, soft masks and hidden layers are ignored. Not ink are
//! * white fills and strokes: on paper they cover nothing;
//! * a fill or shading over more than four fifths of the page: that is the ground, not what stands on it;
//! * clipping paths, and what they cut away (by bounding box);
//! * invisible text (mode 3), which is still read;
//! * the pictures of a page that shows nothing else and is covered by them: a scan. Its grain and its words
//!   cannot be told apart without a judgement about pixels, so the catalogue's place is taken as it is.

use super::PdfError;
use super::lexer::{Lexer, Token};
use super::matrix::{Matrix, Rect};
use super::object::{Dict, ObjRef, Object};
use super::outline::Outline;
use super::page::Page;
use super::reader::Document;
use super::state::{Paint, State};
use super::text::Font;
use super::view::{Place, View};
use crate::limits;
use crate::private::Private;
use std::collections::BTreeMap;
use std::rc::Rc;

/// Everything visible on a page.
#[derive(Clone, Debug)]
pub struct Surface {
    /// From user space to the displayed page.
    pub view: View,
    /// What is there, in the order of painting; annotations last.
    pub marks: Vec<Mark>,
    /// How many `q` the content leaves without their `Q`.
    pub open_saves: u32,
    /// How many marked-content sequences it leaves open.
    pub open_sequences: u32,
    /// Whether the page is covered by pictures and shows nothing else.
    pub scan: bool,
}

/// Something on a page.
#[derive(Clone, Debug)]
pub struct Mark {
    /// What it is.
    pub kind: MarkKind,
    /// The box around it.
    pub place: Place,
}

/// What stands at a place.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum MarkKind {
    /// One shown string; empty where the font does not say what its codes mean.
    Text(Private<String>),
    /// Text in rendering mode 3: read by machines only.
    InvisibleText(Private<String>),
    /// Lines and areas.
    Drawing,
    /// A picture.
    Picture,
    /// An annotation or form field.
    Annotation,
}

impl MarkKind {
    /// Its name in messages and problems.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Self::Text(_) | Self::InvisibleText(_) => "text",
            Self::Drawing => "drawing",
            Self::Picture => "picture",
            Self::Annotation => "annotation",
        }
    }
}

/// Why a page cannot be read.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum ContentError {
    /// The document is damaged where the page needs it.
    #[error(transparent)]
    Document(#[from] PdfError),
    /// Boxes without area, or numbers that are not finite.
    #[error("the page has no visible area")]
    NoArea,
    /// `Q` without `q`: what follows would be drawn in a state that readers do not agree on.
    #[error("the content restores a graphics state that was never saved")]
    RestoreWithoutSave,
    /// More operators than [`limits::PDF_OPERATORS`].
    #[error("more than {} operators", limits::PDF_OPERATORS)]
    TooManyOperators,
    /// More ink than [`limits::PDF_MARKS`].
    #[error("more than {} marks", limits::PDF_MARKS)]
    TooManyMarks,
    /// Forms inside forms, deeper than [`limits::PDF_FORM_DEPTH`].
    #[error("form XObjects are nested too deeply")]
    TooDeep,
}

impl Surface {
    /// Reads a page: its contents, the forms they use, and its annotations.
    ///
    /// # Errors
    /// [`ContentError`].
    pub fn read(document: &Document<'_>, page: &Page) -> Result<Self, ContentError> {
        let view = View::new(page.crop_box, page.rotate.into(), page.user_unit)
            .ok_or(ContentError::NoArea)?;
        let mut content = Vec::new();
        for (_, stream) in &page.contents {
            content.extend(document.stream_data(stream)?);
            // A token never spans two streams (7.8.2).
            content.push(b'\n');
        }
        let mut walk = Walk {
            document,
            view,
            marks: Vec::new(),
            operators: 0,
            fonts: BTreeMap::new(),
            pictured: 0.0,
        };
        let state = State::new(view.to_mm, view.page().rect());
        let (open_saves, open_sequences) = walk.run(&content, &page.resources, state, 0)?;
        let scan = walk.is_scan();
        if scan {
            walk.marks.retain(|mark| mark.kind != MarkKind::Picture);
        }
        walk.annotations(&page.dict)?;
        Ok(Self {
            view,
            marks: walk.marks,
            open_saves,
            open_sequences,
            scan,
        })
    }

    /// What must not be stamped over.
    pub fn obstacles(&self) -> impl Iterator<Item = &Mark> {
        self.marks
            .iter()
            .filter(|mark| !matches!(mark.kind, MarkKind::InvisibleText(_)))
    }
}

/// Resources that one content stream has asked for.
#[derive(Default)]
struct Named {
    fonts: Option<Dict>,
    xobjects: Option<Dict>,
    spaces: Option<Dict>,
}

struct Walk<'d, 'b> {
    document: &'d Document<'b>,
    view: View,
    marks: Vec<Mark>,
    operators: u32,
    fonts: BTreeMap<ObjRef, Rc<Font>>,
    /// Area covered by pictures, overlaps counted twice.
    pictured: f64,
}

/// The operands before an operator.
type Operands = Vec<Object>;

impl Walk<'_, '_> {
    /// Interprets one stream. Returns how many `q` and how many marked-content sequences stay open.
    fn run(
        &mut self,
        content: &[u8],
        resources: &Dict,
        state: State,
        depth: usize,
    ) -> Result<(u32, u32), ContentError> {
        let mut lexer = Lexer::at(content, 0);
        let mut operands: Operands = Vec::new();
        let mut saved: Vec<State> = Vec::new();
        let mut state = state;
        let mut named = Named::default();
        let mut sequences = 0_u32;
        loop {
            let token = lexer.token()?;
            let word = match token {
                Token::End => break,
                Token::Keyword(word) => word,
                other => {
                    operands.push(operand(&mut lexer, other, 0)?);
                    if operands.len() > OPERANDS {
                        return Err(ContentError::TooManyOperators);
                    }
                    continue;
                }
            };
            if let b"true" | b"false" | b"null" = word {
                operands.push(Object::Null);
                continue;
            }
            self.operators += 1;
            if self.operators > limits::PDF_OPERATORS {
                return Err(ContentError::TooManyOperators);
            }
            match word {
                b"q" => {
                    if saved.len() >= SAVES {
                        return Err(ContentError::TooManyOperators);
                    }
                    saved.push(state.clone());
                }
                b"Q" => match saved.pop() {
                    Some(before) => state = before,
                    None if depth == 0 => return Err(ContentError::RestoreWithoutSave),
                    None => {}
                },
                b"BMC" | b"BDC" => sequences = sequences.saturating_add(1),
                b"EMC" => sequences = sequences.saturating_sub(1),
                b"Do" => self.invoke(&operands, resources, &mut named, &state, depth)?,
                b"BI" => {
                    skip_inline_image(&mut lexer, content)?;
                    self.picture(&state)?;
                }
                b"Tf" => self.choose_font(&operands, resources, &mut named, &mut state),
                b"cs" | b"CS" => {
                    self.choose_space(word, &operands, resources, &mut named, &mut state)
                }
                b"Tj" | b"TJ" | b"'" | b"\"" => self.show(word, &operands, &mut state)?,
                b"f" | b"F" | b"f*" | b"B" | b"B*" | b"b" | b"b*" | b"s" | b"S" | b"n" => {
                    self.paint(word, &mut state)?;
                }
                b"sh" => self.ink(MarkKind::Drawing, vec![state.clip])?,
                _ => state.apply(word, &operands),
            }
            operands.clear();
        }
        Ok((u32::try_from(saved.len()).unwrap_or(u32::MAX), sequences))
    }

    /// Notes ink, unless it is the ground of the page.
    fn ink(&mut self, kind: MarkKind, boxes: Vec<Rect>) -> Result<(), ContentError> {
        let page = self.view.page().rect();
        let seen: Vec<Rect> = boxes.into_iter().filter_map(|ink| ink.meet(page)).collect();
        let covered: f64 = seen.iter().map(|ink| ink.area()).sum();
        if kind == MarkKind::Drawing && covered > GROUND * page.area() {
            return Ok(());
        }
        if self.marks.len().saturating_add(seen.len()) > limits::PDF_MARKS {
            return Err(ContentError::TooManyMarks);
        }
        self.marks.extend(seen.into_iter().map(|ink| Mark {
            kind: kind.clone(),
            place: ink.into(),
        }));
        Ok(())
    }

    fn paint(&mut self, word: &[u8], state: &mut State) -> Result<(), ContentError> {
        if matches!(word, b"b" | b"b*" | b"s") {
            state.path.close();
        }
        let path = std::mem::take(&mut state.path);
        let fills = matches!(word, b"f" | b"F" | b"f*" | b"B" | b"B*" | b"b" | b"b*");
        let strokes = matches!(word, b"B" | b"B*" | b"b" | b"b*" | b"s" | b"S");
        if fills && state.fill == Paint::Ink {
            let boxes = path.filled(word.ends_with(b"*"), state.clip);
            self.ink(MarkKind::Drawing, boxes)?;
        }
        if strokes && state.stroke == Paint::Ink {
            let width = state.line_width * state.matrix.stretch();
            self.ink(MarkKind::Drawing, path.stroked(width, state.clip))?;
        }
        state.clip_to(&path);
        Ok(())
    }

    fn show(
        &mut self,
        word: &[u8],
        operands: &Operands,
        state: &mut State,
    ) -> Result<(), ContentError> {
        if matches!(word, b"'" | b"\"") {
            if let (b"\"", [word_space, space, _]) = (word, operands.as_slice()) {
                state.text.word_space = word_space.as_number().unwrap_or(0.0);
                state.text.character_space = space.as_number().unwrap_or(0.0);
            }
            state.next_line();
        }
        let pieces = match operands.last() {
            Some(Object::Array(pieces)) => pieces.as_slice(),
            Some(string) => std::slice::from_ref(string),
            None => &[],
        };
        for run in state.show(pieces) {
            let kind = if matches!(state.text.mode, 3 | 7) {
                MarkKind::InvisibleText(Private::new(run.text))
            } else {
                MarkKind::Text(Private::new(run.text))
            };
            self.ink(kind, run.place.meet(state.clip).into_iter().collect())?;
        }
        Ok(())
    }

    fn choose_font(
        &mut self,
        operands: &Operands,
        resources: &Dict,
        named: &mut Named,
        state: &mut State,
    ) {
        let [Object::Name(name), size] = operands.as_slice() else {
            return;
        };
        state.text.size = size.as_number().unwrap_or(0.0);
        let fonts = named
            .fonts
            .get_or_insert_with(|| self.category(resources, b"Font"));
        state.text.font = match fonts.get(name) {
            Some(Object::Ref(reference)) => match self.fonts.get(reference) {
                Some(known) => Rc::clone(known),
                None => {
                    let font = Rc::new(self.font(&Object::Ref(*reference)));
                    self.fonts.insert(*reference, Rc::clone(&font));
                    font
                }
            },
            Some(direct) => Rc::new(self.font(direct)),
            None => Rc::default(),
        };
    }

    fn font(&self, object: &Object) -> Font {
        let value = self.document.resolve(object).ok();
        value
            .as_ref()
            .and_then(Object::as_dict)
            .map_or_else(Font::default, |dict| Font::read(self.document, dict))
    }

    /// Only spaces in which full intensity is white can give white.
    fn choose_space(
        &mut self,
        word: &[u8],
        operands: &Operands,
        resources: &Dict,
        named: &mut Named,
        state: &mut State,
    ) {
        let Some(Object::Name(name)) = operands.last() else {
            return;
        };
        let spaces = named
            .spaces
            .get_or_insert_with(|| self.category(resources, b"ColorSpace"));
        let listed = spaces
            .get(name)
            .and_then(|space| self.document.resolve(space).ok());
        let family = match &listed {
            Some(Object::Array(items)) => items.first().and_then(Object::as_name),
            Some(other) => other.as_name(),
            None => Some(name.as_slice()),
        };
        let additive = matches!(
            family,
            Some(
                b"DeviceGray" | b"DeviceRGB" | b"DeviceCMYK" | b"CalGray" | b"CalRGB" | b"ICCBased"
            )
        );
        state.choose_space(word == b"cs", additive);
    }

    fn category(&self, resources: &Dict, key: &[u8]) -> Dict {
        resources
            .get(key)
            .and_then(|value| self.document.resolve(value).ok())
            .and_then(|value| value.as_dict().cloned())
            .unwrap_or_default()
    }

    fn invoke(
        &mut self,
        operands: &Operands,
        resources: &Dict,
        named: &mut Named,
        state: &State,
        depth: usize,
    ) -> Result<(), ContentError> {
        let Some(Object::Name(name)) = operands.last() else {
            return Ok(());
        };
        let xobjects = named
            .xobjects
            .get_or_insert_with(|| self.category(resources, b"XObject"));
        // A name without an object paints nothing in any reader.
        let Some(object) = xobjects.get(name) else {
            return Ok(());
        };
        let value = self.document.resolve(object)?;
        let Some(stream) = value.as_stream() else {
            return Ok(());
        };
        if stream.dict.is_name(b"Subtype", b"Image") {
            return self.picture(state);
        }
        if !stream.dict.is_name(b"Subtype", b"Form") {
            return Ok(());
        }
        if depth >= limits::PDF_FORM_DEPTH {
            return Err(ContentError::TooDeep);
        }
        let mut inner = state.clone();
        inner.path = Outline::default();
        if let Some(matrix) = self.numbers(stream.dict.get(b"Matrix")) {
            inner.matrix = Matrix(matrix).then(inner.matrix);
        }
        if let Some(corners) = self.numbers(stream.dict.get(b"BBox")) {
            let seen = Rect::of(corners)
                .mapped(inner.matrix)
                .and_then(|bounds| bounds.meet(inner.clip));
            match seen {
                Some(clip) => inner.clip = clip,
                None => return Ok(()),
            }
        }
        let own = stream
            .dict
            .get(b"Resources")
            .and_then(|value| self.document.resolve(value).ok())
            .and_then(|value| value.as_dict().cloned());
        let data = self.document.stream_data(stream)?;
        self.run(&data, own.as_ref().unwrap_or(resources), inner, depth + 1)?;
        Ok(())
    }

    fn numbers<const N: usize>(&self, object: Option<&Object>) -> Option<[f64; N]> {
        let value = self.document.resolve(object?).ok()?;
        let numbers: Option<Vec<f64>> = value.as_array()?.iter().map(Object::as_number).collect();
        numbers?.try_into().ok()
    }

    /// A picture fills the unit square (8.9.3).
    fn picture(&mut self, state: &State) -> Result<(), ContentError> {
        let unit = Rect::of([0.0, 0.0, 1.0, 1.0]);
        let seen = unit
            .mapped(state.matrix)
            .and_then(|bounds| bounds.meet(state.clip));
        self.pictured += seen.map_or(0.0, Rect::area);
        self.ink(MarkKind::Picture, seen.into_iter().collect())
    }

    fn is_scan(&self) -> bool {
        let only_pictures = self
            .marks
            .iter()
            .all(|mark| matches!(mark.kind, MarkKind::Picture | MarkKind::InvisibleText(_)));
        only_pictures && self.pictured >= SCAN * self.view.page().rect().area()
    }

    /// Annotations that are shown have a rectangle in user space (12.5.2).
    fn annotations(&mut self, page: &Dict) -> Result<(), ContentError> {
        let Some(list) = page.get(b"Annots") else {
            return Ok(());
        };
        let list = self.document.resolve(list)?;
        for item in list.as_array().unwrap_or_default() {
            let value = self.document.resolve(item)?;
            let Some(dict) = value.as_dict() else {
                continue;
            };
            let flags = dict.get(b"F").and_then(Object::as_integer).unwrap_or(0);
            if flags & HIDDEN != 0 || dict.is_name(b"Subtype", b"Popup") {
                continue;
            }
            let place = self
                .numbers(dict.get(b"Rect"))
                .and_then(|corners| Rect::of(corners).mapped(self.view.to_mm))
                .filter(|place| place.area() > 0.0);
            self.ink(MarkKind::Annotation, place.into_iter().collect())?;
        }
        Ok(())
    }
}

/// A fill larger than this part of the page is its ground.
const GROUND: f64 = 0.8;

/// Pictures over this part of a page without anything else are a scan.
const SCAN: f64 = 0.9;

/// /F of annotations: hidden (bit 2) and no view (bit 6).
const HIDDEN: i64 = 1 << 1 | 1 << 5;

/// Operands before one operator; DeviceN colours have at most 32.
const OPERANDS: usize = 64;

/// Saved graphics states; ISO 32000-1 annex C.2 has 28.
const SAVES: usize = 4_096;

/// One operand; dictionaries are read over, nothing here needs them.
fn operand(lexer: &mut Lexer<'_>, first: Token<'_>, depth: usize) -> Result<Object, ContentError> {
    if depth > limits::PDF_DEPTH {
        return Err(ContentError::TooDeep);
    }
    let at = lexer.position();
    Ok(match first {
        Token::Integer(value) => Object::Integer(value),
        Token::Real(value) => Object::Real(value),
        Token::Name(name) => Object::Name(name),
        Token::String(bytes) => Object::String(bytes),
        Token::ArrayOpen | Token::DictOpen => {
            let array = first == Token::ArrayOpen;
            let mut items = Vec::new();
            loop {
                match lexer.token()? {
                    Token::End => return Err(PdfError::Syntax { at }.into()),
                    Token::ArrayClose if array => break,
                    Token::DictClose if !array => break,
                    token => {
                        let item = operand(lexer, token, depth + 1)?;
                        if array {
                            items.push(item);
                        }
                    }
                }
            }
            if array {
                Object::Array(items)
            } else {
                Object::Null
            }
        }
        Token::Keyword(_) => Object::Null,
        Token::ArrayClose | Token::DictClose | Token::End => {
            return Err(PdfError::Syntax { at }.into());
        }
    })
}

/// Goes behind `EI`. The data has no stated length, so its end is `EI` between white space with text behind.
fn skip_inline_image(lexer: &mut Lexer<'_>, content: &[u8]) -> Result<(), ContentError> {
    let begin = lexer.position();
    let unended = ContentError::Document(PdfError::Syntax { at: begin });
    loop {
        match lexer.token()? {
            Token::Keyword(b"ID") => break,
            Token::End => return Err(unended),
            _ => {}
        }
    }
    let data = lexer.position();
    let behind = content.get(data..).unwrap_or_default();
    let end = behind.windows(4).position(|window| {
        matches!(window, [before, b'E', b'I', after]
            if before.is_ascii_whitespace() && after.is_ascii_whitespace())
    });
    let end = end
        .map(|at| at + 3)
        .or_else(|| behind.ends_with(b"\nEI").then_some(behind.len()))
        .ok_or(unended)?;
    lexer.seek(data + end);
    Ok(())
}
