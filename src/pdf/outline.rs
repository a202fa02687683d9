//! Where the ink of a path falls: a few boxes instead of one around everything.
//!
//! A frame around a page has the page as its bounding box and covers next to nothing of it; so strokes are
//! taken side by side, and large fills are cut into strips.

use super::matrix::Rect;

/// The straight pieces of one path, in millimetres.
#[derive(Clone, Debug, Default)]
pub struct Outline {
    subpaths: Vec<Subpath>,
}

#[derive(Clone, Debug, Default)]
struct Subpath {
    points: Vec<(f64, f64)>,
    closed: bool,
}

/// Smaller than this a shape is one box.
const SMALL: f64 = 3.0;

/// Height of a strip of a fill, and length of a piece of a slanted line.
const STRIP: f64 = 2.0;

/// More strips than this are made higher instead.
const STRIPS: u32 = 128;

/// Half of the thinnest line that a printer draws.
const HAIRLINE: f64 = 0.05;

/// Straight pieces for a curve: ink boxes need no more.
const CURVE: u8 = 8;

impl Outline {
    /// `m`
    pub fn move_to(&mut self, point: (f64, f64)) {
        self.subpaths.push(Subpath {
            points: vec![point],
            closed: false,
        });
    }

    /// `l`
    pub fn line_to(&mut self, point: (f64, f64)) {
        // After `h` the current point is the beginning of the closed subpath.
        if let Some(start) = self
            .subpaths
            .last()
            .filter(|s| s.closed)
            .and_then(|s| s.points.first().copied())
        {
            self.move_to(start);
        }
        match self.subpaths.last_mut() {
            Some(subpath) => subpath.points.push(point),
            None => self.move_to(point),
        }
    }

    /// `c`, from the current point.
    pub fn curve_to(&mut self, one: (f64, f64), two: (f64, f64), end: (f64, f64)) {
        let start = self.current().unwrap_or(one);
        for step in 1..=CURVE {
            let t = f64::from(step) / f64::from(CURVE);
            let u = 1.0 - t;
            let at = |a: f64, b: f64, c: f64, d: f64| {
                u * u * u * a + 3.0 * u * u * t * b + 3.0 * u * t * t * c + t * t * t * d
            };
            self.line_to((
                at(start.0, one.0, two.0, end.0),
                at(start.1, one.1, two.1, end.1),
            ));
        }
    }

    /// `h`
    pub fn close(&mut self) {
        if let Some(subpath) = self.subpaths.last_mut() {
            subpath.closed = true;
        }
    }

    /// Where the pen is.
    #[must_use]
    pub fn current(&self) -> Option<(f64, f64)> {
        let last = self.subpaths.last()?;
        if last.closed {
            last.points.first().copied()
        } else {
            last.points.last().copied()
        }
    }

    /// The box around all; `None` if there is nothing, or something is not finite.
    #[must_use]
    pub fn bounds(&self) -> Option<Rect> {
        Rect::around(self.subpaths.iter().flat_map(|s| s.points.iter().copied()))
    }

    /// Boxes of a stroke of this width inside `clip`.
    #[must_use]
    pub fn stroked(&self, width: f64, clip: Rect) -> Vec<Rect> {
        let half = (width / 2.0).max(HAIRLINE);
        let mut boxes = Vec::new();
        for subpath in &self.subpaths {
            let Some(all) = Rect::around(subpath.points.iter().copied()) else {
                continue;
            };
            if all.width() <= SMALL && all.height() <= SMALL {
                boxes.extend(all.grown(half).meet(clip));
                continue;
            }
            for (from, to) in subpath.sides(subpath.closed) {
                boxes.extend(
                    pieces(from, to, clip)
                        .into_iter()
                        .filter_map(|piece| piece.grown(half).meet(clip)),
                );
            }
        }
        boxes
    }

    /// Boxes of a fill inside `clip`; `even_odd` is the rule of `f*`.
    #[must_use]
    pub fn filled(&self, even_odd: bool, clip: Rect) -> Vec<Rect> {
        let Some(all) = self.bounds().and_then(|all| all.meet(clip)) else {
            return Vec::new();
        };
        if all.width() <= SMALL || all.height() <= SMALL {
            return vec![all];
        }
        let count = strip_count(all.height());
        let height = all.height() / f64::from(count);
        let mut strips = vec![Strip::default(); usize::try_from(count).unwrap_or(1)];
        for (from, to) in self.subpaths.iter().flat_map(|s| s.sides(true)) {
            let (low, high) = (from.1.min(to.1), from.1.max(to.1));
            let x_at = |y: f64| from.0 + (to.0 - from.0) * (y - from.1) / (to.1 - from.1);
            // Only the strips that the side passes through.
            let first = row((low - all.y0) / height);
            let rows = strips
                .iter_mut()
                .zip(0_u32..)
                .skip(usize::try_from(first).unwrap_or(0));
            for (strip, index) in rows {
                let top = all.y0 + f64::from(index) * height;
                if top > high {
                    break;
                }
                let (upper, lower) = (top.max(low), (top + height).min(high));
                if upper <= lower {
                    let ends = if from.1 == to.1 {
                        (from.0, to.0)
                    } else {
                        (x_at(upper), x_at(lower))
                    };
                    strip.spans.push((ends.0.min(ends.1), ends.0.max(ends.1)));
                }
                let middle = top + height / 2.0;
                if low <= middle && middle < high {
                    let way = if from.1 < to.1 { 1 } else { -1 };
                    strip.crossings.push((x_at(middle), way));
                }
            }
        }
        let mut boxes = Vec::new();
        let mut y0 = all.y0;
        for strip in strips {
            let row = Rect {
                y0,
                y1: y0 + height,
                ..all
            };
            for (x0, x1) in strip.covered(even_odd) {
                boxes.extend(Rect { x0, x1, ..row }.meet(all));
            }
            y0 += height;
        }
        boxes
    }
}

impl Subpath {
    fn sides(&self, closed: bool) -> impl Iterator<Item = ((f64, f64), (f64, f64))> {
        let ends = self.points.last().zip(self.points.first());
        self.points
            .iter()
            .zip(self.points.iter().skip(1))
            .chain(ends.filter(|_| closed))
            .map(|(from, to)| (*from, *to))
    }
}

/// One row of a fill.
#[derive(Clone, Default)]
struct Strip {
    /// What the sides themselves pass over.
    spans: Vec<(f64, f64)>,
    /// Where sides cross the middle, and which way.
    crossings: Vec<(f64, i64)>,
}

impl Strip {
    /// Disjoint spans that hold ink, from left to right.
    fn covered(mut self, even_odd: bool) -> Vec<(f64, f64)> {
        self.crossings.sort_by(|a, b| a.0.total_cmp(&b.0));
        let mut winding = 0_i64;
        for (at, next) in self.crossings.iter().zip(self.crossings.iter().skip(1)) {
            winding += at.1;
            let inside = if even_odd {
                winding % 2 != 0
            } else {
                winding != 0
            };
            if inside {
                self.spans.push((at.0, next.0));
            }
        }
        self.spans.sort_by(|a, b| a.0.total_cmp(&b.0));
        let mut joined: Vec<(f64, f64)> = Vec::new();
        for (x0, x1) in self.spans {
            match joined.last_mut() {
                Some(last) if x0 <= last.1 => last.1 = last.1.max(x1),
                _ => joined.push((x0, x1)),
            }
        }
        joined
    }
}

fn strip_count(height: f64) -> u32 {
    (1..STRIPS)
        .find(|count| height <= f64::from(*count) * STRIP)
        .unwrap_or(STRIPS)
}

/// The whole number below, from 0 to the last strip.
#[expect(
    clippy::as_conversions,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "there is no From, and the value is clamped before"
)]
fn row(position: f64) -> u32 {
    position.clamp(0.0, f64::from(STRIPS)) as u32
}

/// A line as boxes: one if it lies along an axis, else cut so that a diagonal does not count as a square.
fn pieces(from: (f64, f64), to: (f64, f64), clip: Rect) -> Vec<Rect> {
    let Some(whole) = Rect::around([from, to]) else {
        return Vec::new();
    };
    if whole.width() <= STRIP || whole.height() <= STRIP || whole.meet(clip).is_none() {
        return vec![whole];
    }
    let count = strip_count(whole.height().min(whole.width()));
    let at = |step: u32| {
        let t = f64::from(step) / f64::from(count);
        (from.0 + (to.0 - from.0) * t, from.1 + (to.1 - from.1) * t)
    };
    (0..count)
        .filter_map(|step| Rect::around([at(step), at(step + 1)]))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const PAGE: Rect = Rect {
        x0: 0.0,
        y0: 0.0,
        x1: 210.0,
        y1: 297.0,
    };

    fn rectangle(outline: &mut Outline, [x0, y0, x1, y1]: [f64; 4]) {
        outline.move_to((x0, y0));
        outline.line_to((x1, y0));
        outline.line_to((x1, y1));
        outline.line_to((x0, y1));
        outline.close();
    }

    fn touched(boxes: &[Rect], spot: [f64; 4]) -> bool {
        boxes.iter().any(|ink| ink.meet(Rect::of(spot)).is_some())
    }

    #[test]
    fn a_stroked_frame_leaves_its_inside_free() {
        let mut frame = Outline::default();
        rectangle(&mut frame, [3.0, 3.0, 207.0, 294.0]);
        let boxes = frame.stroked(0.5, PAGE);
        assert_eq!(boxes.len(), 4);
        assert!(!touched(&boxes, [5.0, 5.0, 200.0, 290.0]));
        assert!(touched(&boxes, [0.0, 100.0, 5.0, 101.0]));
    }

    #[test]
    fn a_frame_filled_between_two_rectangles_leaves_its_inside_free() {
        let mut frame = Outline::default();
        rectangle(&mut frame, [3.0, 3.0, 207.0, 294.0]);
        rectangle(&mut frame, [4.0, 4.0, 206.0, 293.0]);
        let boxes = frame.filled(true, PAGE);
        assert!(!touched(&boxes, [10.0, 10.0, 200.0, 285.0]));
        for side in [
            [0.0, 99.0, 5.0, 100.0],
            [205.0, 99.0, 209.0, 100.0],
            [99.0, 0.0, 100.0, 5.0],
            [99.0, 292.0, 100.0, 295.0],
        ] {
            assert!(touched(&boxes, side), "{side:?}");
        }
        let full = frame.filled(false, PAGE);
        assert!(
            touched(&full, [99.0, 150.0, 100.0, 151.0]),
            "both turn the same way"
        );
    }

    #[test]
    fn a_fill_covers_what_it_encloses_and_no_more() {
        let mut triangle = Outline::default();
        triangle.move_to((10.0, 10.0));
        triangle.line_to((110.0, 10.0));
        triangle.line_to((10.0, 110.0));
        let boxes = triangle.filled(false, PAGE);
        assert!(touched(&boxes, [40.0, 40.0, 41.0, 41.0]));
        assert!(!touched(&boxes, [90.0, 90.0, 110.0, 110.0]));
        let area: f64 = boxes.iter().map(|ink| ink.area()).sum();
        assert!((5_000.0..5_300.0).contains(&area), "{area}");
    }

    #[test]
    fn a_slanted_line_is_not_a_square() {
        let mut line = Outline::default();
        line.move_to((0.0, 0.0));
        line.line_to((100.0, 100.0));
        let boxes = line.stroked(0.2, PAGE);
        assert!(touched(&boxes, [49.0, 49.0, 51.0, 51.0]));
        assert!(!touched(&boxes, [60.0, 10.0, 90.0, 40.0]));
    }

    #[test]
    fn what_is_clipped_away_has_no_box() {
        let mut far = Outline::default();
        rectangle(&mut far, [300.0, 300.0, 400.0, 400.0]);
        assert_eq!(far.filled(false, PAGE), vec![]);
        assert_eq!(far.stroked(1.0, PAGE), vec![]);
    }
}
