//! The page as a reader sees it, in millimetres.
//!
//! PDF measures from the lower left of an arbitrary box, in units of /UserUnit 72ths of an inch, before
//! /Rotate (ISO 32000-2 §7.7.3.3, §14.11.2). Offices measure from the upper-left corner of the paper in
//! their hand. [`View`] is the map between the two; everything about places is said in [`Place`]s.

use super::matrix::{Matrix, Rect};

/// Points in a millimetre.
pub const POINTS_PER_MM: f64 = 72.0 / 25.4;

/// A rectangle on the displayed page, in millimetres from its upper-left corner; y goes down.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Place {
    /// From the left edge of the page to the left edge of the rectangle.
    pub x: f64,
    /// From the upper edge of the page to the upper edge of the rectangle.
    pub y: f64,
    /// Horizontal extent.
    pub width: f64,
    /// Vertical extent.
    pub height: f64,
}

impl Place {
    /// Whether the two share more than an edge; half a tenth of a millimetre is rounding.
    #[must_use]
    pub fn overlaps(self, other: Self) -> bool {
        const ROUNDING: f64 = 0.05;
        self.x + ROUNDING < other.x + other.width
            && other.x + ROUNDING < self.x + self.width
            && self.y + ROUNDING < other.y + other.height
            && other.y + ROUNDING < self.y + self.height
    }

    /// Whether `other` lies inside.
    #[must_use]
    pub fn holds(self, other: Self) -> bool {
        other.x >= self.x
            && other.y >= self.y
            && other.x + other.width <= self.x + self.width
            && other.y + other.height <= self.y + self.height
    }

    /// The same place as a rectangle with y down.
    #[must_use]
    pub fn rect(self) -> Rect {
        Rect {
            x0: self.x,
            y0: self.y,
            x1: self.x + self.width,
            y1: self.y + self.height,
        }
    }
}

impl From<Rect> for Place {
    fn from(rect: Rect) -> Self {
        Self {
            x: rect.x0,
            y: rect.y0,
            width: rect.width(),
            height: rect.height(),
        }
    }
}

/// The map from a page's user space to the displayed page.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct View {
    /// Width of the displayed page in millimetres.
    pub width: f64,
    /// Height of the displayed page in millimetres.
    pub height: f64,
    /// From user space to millimetres, y down.
    pub to_mm: Matrix,
    /// From points on the upright page (origin lower left, y up) to user space.
    pub from_points: Matrix,
}

impl View {
    /// The view of a page with this effective /CropBox, /Rotate in degrees clockwise and /UserUnit.
    ///
    /// `None` for boxes without area and for units that are not positive: such a page cannot be seen.
    #[must_use]
    pub fn new(crop_box: [f64; 4], rotate: i64, user_unit: f64) -> Option<Self> {
        let Rect { x0, y0, x1, y1 } = Rect::of(crop_box);
        let mm = user_unit * 25.4 / 72.0;
        if !(mm > 0.0 && x1 - x0 > 0.0 && y1 - y0 > 0.0) {
            return None;
        }
        let (across, down) = ((x1 - x0) * mm, (y1 - y0) * mm);
        let (width, height, to_mm) = match rotate.rem_euclid(360) {
            90 => (down, across, [0.0, mm, mm, 0.0, -y0 * mm, -x0 * mm]),
            180 => (across, down, [-mm, 0.0, 0.0, mm, x1 * mm, -y0 * mm]),
            270 => (down, across, [0.0, -mm, -mm, 0.0, y1 * mm, x1 * mm]),
            _ => (across, down, [mm, 0.0, 0.0, -mm, -x0 * mm, y1 * mm]),
        };
        let to_mm = Matrix(to_mm);
        let point = 1.0 / POINTS_PER_MM;
        let from_points = Matrix([point, 0.0, 0.0, -point, 0.0, height]).then(to_mm.inverse()?);
        let view = Self {
            width,
            height,
            to_mm,
            from_points,
        };
        (to_mm.is_finite() && from_points.is_finite()).then_some(view)
    }

    /// The whole displayed page.
    #[must_use]
    pub fn page(&self) -> Place {
        Place {
            x: 0.0,
            y: 0.0,
            width: self.width,
            height: self.height,
        }
    }

    /// A place in points on the upright page: left, lower, right, upper.
    #[must_use]
    pub fn points(&self, place: Place) -> Rect {
        Rect {
            x0: place.x * POINTS_PER_MM,
            y0: (self.height - place.y - place.height) * POINTS_PER_MM,
            x1: (place.x + place.width) * POINTS_PER_MM,
            y1: (self.height - place.y) * POINTS_PER_MM,
        }
    }

    /// The place of a rectangle in user space, such as the /Rect of an empty signature field.
    #[must_use]
    pub fn place(&self, rect: [f64; 4]) -> Option<Place> {
        Rect::of(rect).mapped(self.to_mm).map(Place::from)
    }

    /// A place in user space, as /Rect of an annotation wants it.
    #[must_use]
    pub fn user_rect(&self, place: Place) -> Rect {
        let points = self.points(place);
        points.mapped(self.from_points).unwrap_or(points)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A4 with its boxes moved by (120, 210).
    const CROP: [f64; 4] = [120.0, 210.0, 120.0 + 595.28, 210.0 + 841.89];

    fn close((x, y): (f64, f64), (u, v): (f64, f64)) -> bool {
        (x - u).abs() < 0.01 && (y - v).abs() < 0.01
    }

    #[test]
    fn the_upper_left_corner_is_where_the_reader_sees_it_after_every_rotation() {
        for (rotate, corner) in [
            (0, (CROP[0], CROP[3])),
            (90, (CROP[0], CROP[1])),
            (180, (CROP[2], CROP[1])),
            (270, (CROP[2], CROP[3])),
        ] {
            let view = View::new(CROP, rotate, 1.0).unwrap();
            assert!(close(view.to_mm.apply(corner), (0.0, 0.0)), "{rotate}");
            let top = view.height * POINTS_PER_MM;
            assert!(
                close(view.from_points.apply((0.0, top)), corner),
                "{rotate}"
            );
        }
    }

    #[test]
    fn a_rotated_page_is_as_wide_as_it_was_high() {
        let view = View::new(CROP, -270, 1.0).unwrap();
        assert!(close((view.width, view.height), (297.0, 210.0)));
    }

    #[test]
    fn a_user_unit_changes_points_and_not_millimetres() {
        let half = [0.0, 0.0, 297.64, 420.945];
        let view = View::new(half, 0, 2.0).unwrap();
        assert!(close((view.width, view.height), (210.0, 297.0)));
        let place = Place {
            x: 10.0,
            y: 20.0,
            width: 25.4,
            height: 25.4,
        };
        let rect = view.user_rect(place);
        assert!(close((rect.width(), rect.height()), (36.0, 36.0)));
        assert!(close((rect.x0, rect.y1), (14.173, 392.598)));
        let back = view.place([rect.x0, rect.y0, rect.x1, rect.y1]).unwrap();
        assert!(close((back.x, back.y), (10.0, 20.0)));
    }

    #[test]
    fn a_page_that_cannot_be_seen_has_no_view() {
        assert_eq!(View::new([0.0, 0.0, 0.0, 10.0], 0, 1.0), None);
        assert_eq!(View::new(CROP, 0, 0.0), None);
        assert_eq!(View::new(CROP, 0, f64::NAN), None);
    }
}
