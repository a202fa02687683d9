//! The graphics and text state that decides where ink falls (ISO 32000-2 §8.4, §9.3, §9.4).

use super::matrix::{Matrix, Rect};
use super::object::Object;
use super::outline::Outline;
use super::text::Font;
use std::rc::Rc;

/// What a colour does to white paper.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Paint {
    /// Nothing.
    White,
    /// It can be seen.
    Ink,
}

/// Everything between `q` and `Q`, and the path under construction.
#[derive(Clone)]
pub(super) struct State {
    /// To millimetres on the displayed page.
    pub matrix: Matrix,
    /// The box around the clipping path, in millimetres.
    pub clip: Rect,
    pub fill: Paint,
    pub stroke: Paint,
    pub line_width: f64,
    pub text: TextState,
    pub path: Outline,
    fill_additive: bool,
    stroke_additive: bool,
    clips: bool,
}

#[derive(Clone)]
pub(super) struct TextState {
    pub font: Rc<Font>,
    pub size: f64,
    pub character_space: f64,
    pub word_space: f64,
    pub mode: i64,
    stretch: f64,
    leading: f64,
    rise: f64,
    matrix: Matrix,
    line: Matrix,
}

/// Text shown without a gap.
pub(super) struct Run {
    pub text: String,
    pub place: Rect,
}

/// A jump inside `TJ` of more than this part of the type size ends a run.
const JUMP: f64 = 1.0;

/// A jump of more than this is a space between words.
const SPACE: f64 = 0.18;

impl State {
    pub(super) fn new(matrix: Matrix, clip: Rect) -> Self {
        Self {
            matrix,
            clip,
            fill: Paint::Ink,
            stroke: Paint::Ink,
            line_width: 1.0,
            text: TextState {
                font: Rc::default(),
                size: 0.0,
                character_space: 0.0,
                word_space: 0.0,
                mode: 0,
                stretch: 1.0,
                leading: 0.0,
                rise: 0.0,
                matrix: Matrix::IDENTITY,
                line: Matrix::IDENTITY,
            },
            path: Outline::default(),
            fill_additive: true,
            stroke_additive: true,
            clips: false,
        }
    }

    /// An operator that changes the state and paints nothing. Others, and wrong operands, change nothing.
    pub(super) fn apply(&mut self, word: &[u8], operands: &[Object]) {
        let numbers: Vec<f64> = operands.iter().filter_map(Object::as_number).collect();
        match (word, numbers.as_slice()) {
            (b"cm", [a, b, c, d, e, f]) => {
                self.matrix = Matrix([*a, *b, *c, *d, *e, *f]).then(self.matrix);
            }
            (b"w", [width]) => self.line_width = *width,
            (b"m", [x, y]) => self.path.move_to(self.matrix.apply((*x, *y))),
            (b"l", [x, y]) => self.path.line_to(self.matrix.apply((*x, *y))),
            (b"c", [a, b, c, d, e, f]) => self.curve((*a, *b), (*c, *d), (*e, *f)),
            (b"v", [c, d, e, f]) => {
                let start = self.path.current();
                let [two, end] = [(*c, *d), (*e, *f)].map(|point| self.matrix.apply(point));
                self.path.curve_to(start.unwrap_or(two), two, end);
            }
            (b"y", [a, b, e, f]) => self.curve((*a, *b), (*e, *f), (*e, *f)),
            (b"h", []) => self.path.close(),
            (b"re", [x, y, width, height]) => self.rectangle(*x, *y, *width, *height),
            (b"W" | b"W*", []) => self.clips = true,
            (b"g" | b"rg" | b"k" | b"sc" | b"scn", _) => {
                self.fill_additive |= matches!(word, b"g" | b"rg" | b"k");
                self.fill = paint(operands, &numbers, self.fill_additive);
            }
            (b"G" | b"RG" | b"K" | b"SC" | b"SCN", _) => {
                self.stroke_additive |= matches!(word, b"G" | b"RG" | b"K");
                self.stroke = paint(operands, &numbers, self.stroke_additive);
            }
            _ => self.apply_text(word, &numbers),
        }
    }

    fn apply_text(&mut self, word: &[u8], numbers: &[f64]) {
        let text = &mut self.text;
        match (word, numbers) {
            (b"BT", []) => text.set_line(Matrix::IDENTITY),
            (b"Tm", [a, b, c, d, e, f]) => text.set_line(Matrix([*a, *b, *c, *d, *e, *f])),
            (b"Td", [x, y]) => text.set_line(Matrix::shift(*x, *y).then(text.line)),
            (b"TD", [x, y]) => {
                text.leading = -y;
                text.set_line(Matrix::shift(*x, *y).then(text.line));
            }
            (b"T*", []) => self.next_line(),
            (b"Tc", [space]) => text.character_space = *space,
            (b"Tw", [space]) => text.word_space = *space,
            (b"Tz", [percent]) => text.stretch = percent / 100.0,
            (b"TL", [leading]) => text.leading = *leading,
            (b"Ts", [rise]) => text.rise = *rise,
            (b"Tr", [mode]) => {
                text.mode = (0..8)
                    .find(|known| *mode == f64::from(*known))
                    .map_or(0, i64::from)
            }
            _ => {}
        }
    }

    fn curve(&mut self, one: (f64, f64), two: (f64, f64), end: (f64, f64)) {
        let [one, two, end] = [one, two, end].map(|point| self.matrix.apply(point));
        self.path.curve_to(one, two, end);
    }

    fn rectangle(&mut self, x: f64, y: f64, width: f64, height: f64) {
        let corners = [
            (x, y),
            (x + width, y),
            (x + width, y + height),
            (x, y + height),
        ];
        let [first, rest @ ..] = corners.map(|corner| self.matrix.apply(corner));
        self.path.move_to(first);
        for corner in rest {
            self.path.line_to(corner);
        }
        self.path.close();
    }

    /// Takes a path marked by `W` into the clip; a path outside leaves nothing visible.
    pub(super) fn clip_to(&mut self, path: &Outline) {
        if !std::mem::take(&mut self.clips) {
            return;
        }
        let seen = path.bounds().and_then(|bounds| bounds.meet(self.clip));
        self.clip = seen.unwrap_or(Rect {
            x1: self.clip.x0,
            y1: self.clip.y0,
            ..self.clip
        });
    }

    /// `cs`, `CS`: the colour becomes the first of that space, which is black in all that matter.
    pub(super) fn choose_space(&mut self, fill: bool, additive: bool) {
        if fill {
            (self.fill, self.fill_additive) = (Paint::Ink, additive);
        } else {
            (self.stroke, self.stroke_additive) = (Paint::Ink, additive);
        }
    }

    pub(super) fn next_line(&mut self) {
        let down = Matrix::shift(0.0, -self.text.leading);
        self.text.set_line(down.then(self.text.line));
    }

    /// Shows strings and jumps, and moves on. Blanks alone leave no ink.
    pub(super) fn show(&mut self, pieces: &[Object]) -> Vec<Run> {
        let mut runs = Vec::new();
        let mut text = String::new();
        let mut start: Option<Matrix> = None;
        for piece in pieces {
            if let Some(jump) = piece.as_number() {
                // 9.4.4: thousandths, against the direction of writing.
                let jump = -jump / 1000.0;
                if jump.abs() > JUMP {
                    runs.extend(self.end_run(start.take(), std::mem::take(&mut text)));
                } else if jump > SPACE && start.is_some() {
                    text.push(' ');
                }
                self.advance(jump * self.text.size);
                continue;
            }
            let Some(string) = piece.as_string() else {
                continue;
            };
            start.get_or_insert(self.text.matrix);
            let font = Rc::clone(&self.text.font);
            for glyph in font.glyphs(string) {
                let word = if glyph.word_space {
                    self.text.word_space
                } else {
                    0.0
                };
                self.advance(glyph.width * self.text.size + self.text.character_space + word);
                // A private-use sign keeps unknown ink from looking like a blank.
                text.push_str(glyph.text.as_deref().unwrap_or("\u{fffd}"));
            }
        }
        runs.extend(self.end_run(start, text));
        runs
    }

    fn advance(&mut self, along: f64) {
        let shift = Matrix::shift(along * self.text.stretch, 0.0);
        self.text.matrix = shift.then(self.text.matrix);
    }

    fn end_run(&self, start: Option<Matrix>, text: String) -> Option<Run> {
        let start = start.filter(|_| !text.trim().is_empty())?;
        let TextState {
            font, size, rise, ..
        } = &self.text;
        let (low, high) = (font.descent * size + rise, font.ascent * size + rise);
        let corners = [start, self.text.matrix].into_iter().flat_map(|matrix| {
            [(0.0, low), (0.0, high)].map(|corner| matrix.then(self.matrix).apply(corner))
        });
        Some(Run {
            text,
            place: Rect::around(corners)?,
        })
    }
}

impl TextState {
    fn set_line(&mut self, line: Matrix) {
        self.line = line;
        self.matrix = line;
    }
}

/// White is full light in grey and RGB, and no ink in CMYK; a pattern is never white.
fn paint(operands: &[Object], numbers: &[f64], additive: bool) -> Paint {
    let white = match numbers {
        _ if !additive || numbers.len() != operands.len() => false,
        [grey] => *grey >= NEARLY_ONE,
        [red, green, blue] => [red, green, blue].iter().all(|light| **light >= NEARLY_ONE),
        [c, m, y, k] => [c, m, y, k].iter().all(|ink| **ink <= 1.0 - NEARLY_ONE),
        _ => false,
    };
    if white { Paint::White } else { Paint::Ink }
}

/// 254 of 255 is white to any eye.
const NEARLY_ONE: f64 = 0.996;
