//! Modules as bits: a row of up to 177 modules is 192 bits, so that a rule of the standard is applied to a
//! whole row at once.

use std::ops::{BitAnd, BitOr, BitXor, Not};

/// 192 modules side by side; the first stands in the lowest bit, dark is 1.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(super) struct Line([u64; 3]);

impl Line {
    /// The first `count` modules dark, the others light.
    pub(super) fn first(count: usize) -> Self {
        let mut line = Self::default();
        for at in 0..count {
            line.set(at, true);
        }
        line
    }

    pub(super) fn get(self, at: usize) -> bool {
        self.0
            .get(at / 64)
            .is_some_and(|word| word >> (at % 64) & 1 == 1)
    }

    /// Colours one module; beyond the 192nd nothing happens.
    pub(super) fn set(&mut self, at: usize, dark: bool) {
        if let Some(word) = self.0.get_mut(at / 64) {
            *word = *word & !(1 << (at % 64)) | u64::from(dark) << (at % 64);
        }
    }

    /// How many light modules follow one another from `at` on, at most to the end.
    pub(super) fn light_from(self, at: u32) -> u32 {
        (!self).dark_from(at)
    }

    /// How many dark modules follow one another from `at` on.
    pub(super) fn dark_from(self, at: u32) -> u32 {
        let [a, b, c] = self.0;
        let mut length = 0;
        loop {
            let place = at + length;
            let word = match place / 64 {
                0 => a,
                1 => b,
                2 => c,
                _ => 0,
            };
            let ones = (word >> (place % 64)).trailing_ones();
            length += ones;
            if ones == 0 || ones < 64 - place % 64 {
                return length;
            }
        }
    }

    /// Each module takes the colour of the one `STEP` further on; light comes in from behind.
    #[inline]
    pub(super) fn ahead<const STEP: u32>(self) -> Self {
        let [a, b, c] = self.0;
        Self([
            a >> STEP | b << (64 - STEP),
            b >> STEP | c << (64 - STEP),
            c >> STEP,
        ])
    }

    /// Each module takes the colour of the one `STEP` before it; light comes in at the front.
    #[inline]
    pub(super) fn behind<const STEP: u32>(self) -> Self {
        let [a, b, c] = self.0;
        Self([
            a << STEP,
            b << STEP | a >> (64 - STEP),
            c << STEP | b >> (64 - STEP),
        ])
    }

    #[inline]
    fn wordwise(self, other: Self, join: impl Fn(u64, u64) -> u64) -> Self {
        let ([a, b, c], Self([first, second, third])) = (self.0, other);
        Self([join(a, first), join(b, second), join(c, third)])
    }

    /// Dark modules.
    #[inline]
    pub(super) fn count(self) -> u32 {
        let [a, b, c] = self.0;
        a.count_ones() + b.count_ones() + c.count_ones()
    }
}

impl BitAnd for Line {
    type Output = Self;
    #[inline]
    fn bitand(self, other: Self) -> Self {
        self.wordwise(other, |a, b| a & b)
    }
}

impl BitOr for Line {
    type Output = Self;
    #[inline]
    fn bitor(self, other: Self) -> Self {
        self.wordwise(other, |a, b| a | b)
    }
}

impl BitXor for Line {
    type Output = Self;
    #[inline]
    fn bitxor(self, other: Self) -> Self {
        self.wordwise(other, |a, b| a ^ b)
    }
}

impl Not for Line {
    type Output = Self;
    #[inline]
    fn not(self) -> Self {
        let [a, b, c] = self.0;
        Self([!a, !b, !c])
    }
}

/// A square of modules.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) struct Matrix {
    size: u8,
    rows: Vec<Line>,
}

impl Matrix {
    /// The square of a version (clause 5.3), all light.
    pub(super) fn light(version: u8) -> Self {
        let size = 17 + 4 * version;
        Self {
            size,
            rows: vec![Line::default(); size.into()],
        }
    }

    /// Modules along a side.
    pub(super) fn size(&self) -> u8 {
        self.size
    }

    pub(super) fn rows(&self) -> &[Line] {
        &self.rows
    }

    pub(super) fn rows_mut(&mut self) -> &mut [Line] {
        &mut self.rows
    }

    /// Whether a module is dark; outside the square all is light.
    pub(super) fn get(&self, x: usize, y: usize) -> bool {
        self.rows.get(y).is_some_and(|row| row.get(x))
    }

    /// Colours one module inside the square.
    pub(super) fn set(&mut self, x: usize, y: usize, dark: bool) {
        if let Some(row) = self.rows.get_mut(y) {
            row.set(x, dark);
        }
    }

    /// All columns and rows, row by row.
    pub(super) fn places(&self) -> impl Iterator<Item = (usize, usize)> + use<> {
        let size = usize::from(self.size);
        (0..size).flat_map(move |y| (0..size).map(move |x| (x, y)))
    }

    /// The same square with rows and columns exchanged.
    pub(super) fn transposed(&self) -> Self {
        let mut turned = Self {
            size: self.size,
            rows: vec![Line::default(); self.size.into()],
        };
        for (x, y) in self.places() {
            if self.get(x, y) {
                turned.set(y, x, true);
            }
        }
        turned
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_moves_its_modules_across_word_borders() {
        let mut line = Line::default();
        for at in [0, 63, 64, 128, 176] {
            line.set(at, true);
        }
        let moved = |line: Line| (0..192).filter(|at| line.get(*at)).collect::<Vec<_>>();
        assert_eq!(moved(line.ahead::<3>()), [60, 61, 125, 173]);
        assert_eq!(moved(line.behind::<4>()), [4, 67, 68, 132, 180]);
        assert_eq!(line.count(), 5);
        assert_eq!((line.dark_from(63), line.light_from(65)), (2, 63));
        assert_eq!((line.dark_from(177), line.light_from(177)), (0, 15));
        line.set(63, false);
        assert_eq!(line.count(), 4);
        assert_eq!(Line::first(65).count(), 65);
    }

    #[test]
    fn turning_a_square_twice_changes_nothing() {
        let mut square = Matrix::light(7);
        for (x, y) in square.places() {
            square.set(x, y, (x * 3 + y * y) % 5 == 0);
        }
        assert_eq!(square.transposed().transposed(), square);
        assert!(square.get(0, 5) && square.transposed().get(5, 0));
        assert!(!square.get(45, 0));
    }
}
