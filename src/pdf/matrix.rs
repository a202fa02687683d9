//! Affine maps and rectangles of PDF (ISO 32000-2 §8.3.3).
//!
//! ```text
//! [x' y'] = [x y 1] · | a b |
//!                     | c d |
//!                     | e f |
//! ```

/// `[a b c d e f]` as written before `cm`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Matrix(pub [f64; 6]);

impl Matrix {
    /// Changes nothing.
    pub const IDENTITY: Self = Self([1.0, 0.0, 0.0, 1.0, 0.0, 0.0]);

    /// Moves by (x, y).
    #[must_use]
    pub const fn shift(x: f64, y: f64) -> Self {
        Self([1.0, 0.0, 0.0, 1.0, x, y])
    }

    /// Scales both axes.
    #[must_use]
    pub const fn scale(x: f64, y: f64) -> Self {
        Self([x, 0.0, 0.0, y, 0.0, 0.0])
    }

    /// First `self`, then `next`.
    #[must_use]
    pub fn then(self, next: Self) -> Self {
        let [a, b, c, d, e, f] = self.0;
        let [na, nb, nc, nd, ne, nf] = next.0;
        Self([
            a * na + b * nc,
            a * nb + b * nd,
            c * na + d * nc,
            c * nb + d * nd,
            e * na + f * nc + ne,
            e * nb + f * nd + nf,
        ])
    }

    /// Where a point goes.
    #[must_use]
    pub fn apply(self, (x, y): (f64, f64)) -> (f64, f64) {
        let [a, b, c, d, e, f] = self.0;
        (a * x + c * y + e, b * x + d * y + f)
    }

    /// The way back; `None` for a map that flattens the plane.
    #[must_use]
    pub fn inverse(self) -> Option<Self> {
        let [a, b, c, d, e, f] = self.0;
        let determinant = a * d - b * c;
        if !determinant.is_normal() {
            return None;
        }
        Some(Self([
            d / determinant,
            -b / determinant,
            -c / determinant,
            a / determinant,
            (c * f - d * e) / determinant,
            (b * e - a * f) / determinant,
        ]))
    }

    /// How much longer lengths become, on average over directions.
    #[must_use]
    pub fn stretch(self) -> f64 {
        let [a, b, c, d, ..] = self.0;
        (a * d - b * c).abs().sqrt()
    }

    /// Whether every number is finite; products of hostile matrices overflow.
    #[must_use]
    pub fn is_finite(self) -> bool {
        self.0.iter().all(|number| number.is_finite())
    }
}

/// A rectangle with sides along the axes, `x0 <= x1`, `y0 <= y1`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Rect {
    /// Left.
    pub x0: f64,
    /// One horizontal side.
    pub y0: f64,
    /// Right.
    pub x1: f64,
    /// The other horizontal side.
    pub y1: f64,
}

impl Rect {
    /// The smallest rectangle that holds all points; `None` without points or with one that is not finite.
    pub fn around(points: impl IntoIterator<Item = (f64, f64)>) -> Option<Self> {
        let mut all: Option<Self> = None;
        for (x, y) in points {
            if !(x.is_finite() && y.is_finite()) {
                return None;
            }
            let point = Self {
                x0: x,
                y0: y,
                x1: x,
                y1: y,
            };
            all = Some(all.map_or(point, |rect| rect.join(point)));
        }
        all
    }

    /// A rectangle by two opposite corners in any order, as in a PDF array.
    #[must_use]
    pub fn of(corners: [f64; 4]) -> Self {
        let [x0, y0, x1, y1] = corners;
        Self {
            x0: x0.min(x1),
            y0: y0.min(y1),
            x1: x0.max(x1),
            y1: y0.max(y1),
        }
    }

    /// The rectangle around both.
    #[must_use]
    pub fn join(self, other: Self) -> Self {
        Self {
            x0: self.x0.min(other.x0),
            y0: self.y0.min(other.y0),
            x1: self.x1.max(other.x1),
            y1: self.y1.max(other.y1),
        }
    }

    /// What both cover; `None` if they do not even touch.
    #[must_use]
    pub fn meet(self, other: Self) -> Option<Self> {
        let both = Self {
            x0: self.x0.max(other.x0),
            y0: self.y0.max(other.y0),
            x1: self.x1.min(other.x1),
            y1: self.y1.min(other.y1),
        };
        (both.x0 <= both.x1 && both.y0 <= both.y1).then_some(both)
    }

    /// Larger on all sides.
    #[must_use]
    pub fn grown(self, by: f64) -> Self {
        Self {
            x0: self.x0 - by,
            y0: self.y0 - by,
            x1: self.x1 + by,
            y1: self.y1 + by,
        }
    }

    /// The rectangle around this one after a map.
    #[must_use]
    pub fn mapped(self, map: Matrix) -> Option<Self> {
        Self::around(self.corners().map(|corner| map.apply(corner)))
    }

    /// The four corners, around.
    #[must_use]
    pub fn corners(self) -> [(f64, f64); 4] {
        [
            (self.x0, self.y0),
            (self.x1, self.y0),
            (self.x1, self.y1),
            (self.x0, self.y1),
        ]
    }

    /// Horizontal extent.
    #[must_use]
    pub fn width(self) -> f64 {
        self.x1 - self.x0
    }

    /// Vertical extent.
    #[must_use]
    pub fn height(self) -> f64 {
        self.y1 - self.y0
    }

    /// Width times height.
    #[must_use]
    pub fn area(self) -> f64 {
        self.width() * self.height()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_map_and_its_inverse_cancel() {
        let map = Matrix([0.0, 2.0, -3.0, 0.5, 7.0, -1.0]);
        let (x, y) = map.then(map.inverse().unwrap()).apply((12.0, 34.0));
        assert!((x - 12.0).abs() < 1e-9 && (y - 34.0).abs() < 1e-9);
        assert_eq!(Matrix::scale(0.0, 1.0).inverse(), None);
    }

    #[test]
    fn maps_compose_from_left_to_right() {
        let map = Matrix::scale(2.0, 2.0).then(Matrix::shift(10.0, 0.0));
        assert_eq!(map.apply((1.0, 1.0)), (12.0, 2.0));
    }
}
