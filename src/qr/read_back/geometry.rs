//! Where the parts of a symbol stand (clauses 5.3 and 6.7), and what is read there.

use super::Fault;
use crate::qr::matrix::Matrix;

/// Where things stand in a symbol of some version.
pub(super) struct Geometry {
    pub(super) version: u8,
    size: usize,
    /// Row and column coordinates of alignment patterns (Annex E).
    alignment: Vec<usize>,
}

/// What a module is for.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Role {
    /// Part of a function pattern, of this colour.
    Fixed(bool),
    /// Format or version information.
    Information,
    /// Codewords and remainder bits.
    Data,
}

impl Geometry {
    pub(super) fn of(size: u8) -> Result<Self, Fault> {
        let version = match size.checked_sub(17) {
            Some(more @ 4..=160) if more % 4 == 0 => more / 4,
            _ => return Err(Fault::Size { size }),
        };
        Ok(Self {
            version,
            size: size.into(),
            alignment: alignment_coordinates(version),
        })
    }

    pub(super) fn role(&self, x: usize, y: usize) -> Role {
        let far = self.size - 4;
        let ring = |(u, v): (usize, usize)| x.abs_diff(u).max(y.abs_diff(v));
        // Finder patterns: dark 7 × 7, light 5 × 5, dark 3 × 3, and a light separator around.
        for center in [(3, 3), (far, 3), (3, far)] {
            if ring(center) <= 4 {
                return Role::Fixed(matches!(ring(center), 0 | 1 | 3));
            }
        }
        let near = |place: usize| {
            let mut coordinates = self.alignment.iter();
            coordinates.find(|at| place.abs_diff(**at) <= 2).copied()
        };
        if let (Some(u), Some(v)) = (near(x), near(y)) {
            // Not where a finder pattern stands.
            let last = self.size - 7;
            if ![(6, 6), (6, last), (last, 6)].contains(&(u, v)) {
                return Role::Fixed(ring((u, v)) != 1);
            }
        }
        if x == 6 || y == 6 {
            return Role::Fixed((x + y).is_multiple_of(2));
        }
        // The module that is dark in every symbol.
        if (x, y) == (8, self.size - 8) {
            return Role::Fixed(true);
        }
        let beside_finder = |place: usize| place < 9 || place >= self.size - 8;
        let format = x == 8 && beside_finder(y) || y == 8 && beside_finder(x);
        let version_area =
            |u: usize, v: usize| u < 6 && (self.size - 11..self.size - 8).contains(&v);
        if format || self.version >= 7 && (version_area(x, y) || version_area(y, x)) {
            return Role::Information;
        }
        Role::Data
    }

    /// Both copies of the version with its (18, 6) Golay code, from version 7 on (clause 6.10, Annex D).
    pub(super) fn check_version_information(&self, modules: &Matrix) -> Result<(), Fault> {
        const GENERATOR: u32 = 0b1_1111_0010_0101;
        if self.version < 7 {
            return Ok(());
        }
        for transposed in [false, true] {
            let bits = (0..18).rev().fold(0_u32, |bits, bit| {
                let (along, across) = (bit / 3, self.size - 11 + bit % 3);
                let (x, y) = if transposed {
                    (along, across)
                } else {
                    (across, along)
                };
                bits << 1 | u32::from(modules.get(x, y))
            });
            // A code word is a multiple of the generator polynomial.
            let remainder = (12..18).rev().fold(bits, |rest, bit| {
                rest ^ ((rest >> bit & 1) * (GENERATOR << (bit - 12)))
            });
            if remainder != 0 || bits >> 12 != u32::from(self.version) {
                return Err(Fault::Version);
            }
        }
        Ok(())
    }

    /// The mask that both copies of the format information name.
    pub(super) fn mask(&self, modules: &Matrix) -> Result<usize, Fault> {
        /// Table C.1, data bits 00000 to 00111: level M with masks 0 to 7, after the XOR.
        const LEVEL_M: [u16; 8] = [
            0x5412, 0x5125, 0x5e7c, 0x5b4b, 0x45f9, 0x40ce, 0x4f97, 0x4aa0,
        ];
        /// Most significant bit first, along row 8 and up column 8 (clause 6.9).
        const FIRST: [(usize, usize); 15] = [
            (0, 8),
            (1, 8),
            (2, 8),
            (3, 8),
            (4, 8),
            (5, 8),
            (7, 8),
            (8, 8),
            (8, 7),
            (8, 5),
            (8, 4),
            (8, 3),
            (8, 2),
            (8, 1),
            (8, 0),
        ];
        let end = self.size;
        let up = (1..=7).map(|n| (8, end - n));
        let right = (1..=8).rev().map(|n| (end - n, 8));
        let bits = |places: &mut dyn Iterator<Item = (usize, usize)>| {
            places.fold(0, |bits, (x, y)| bits << 1 | u16::from(modules.get(x, y)))
        };
        let first = bits(&mut FIRST.into_iter());
        let second = bits(&mut up.chain(right));
        match LEVEL_M.iter().position(|known| *known == first) {
            Some(mask) if first == second => Ok(mask),
            _ => Err(Fault::Format),
        }
    }

    /// The codewords in the order of placement (clause 6.7.3); checks everything around them.
    pub(super) fn codewords(&self, modules: &Matrix, mask: usize) -> Result<Vec<u8>, Fault> {
        for (x, y) in modules.places() {
            if matches!(self.role(x, y), Role::Fixed(dark) if dark != modules.get(x, y)) {
                return Err(Fault::FunctionPattern { x, y });
            }
        }
        let mut bits = Vec::with_capacity(self.size * self.size);
        // Two columns at a time from the right, upwards and downwards in turn; column 6 is skipped.
        let pairs = (1..self.size).rev().step_by(2);
        let pairs = pairs.map(|right| if right <= 6 { right - 1 } else { right });
        for (pair, right) in pairs.enumerate() {
            for step in 0..self.size {
                let y = match pair % 2 {
                    0 => self.size - 1 - step,
                    _ => step,
                };
                for x in [right, right - 1] {
                    if self.role(x, y) == Role::Data {
                        bits.push(modules.get(x, y) ^ is_inverted(mask, x, y));
                    }
                }
            }
        }
        let codewords = bits.chunks_exact(8);
        if codewords.remainder().contains(&true) {
            return Err(Fault::Remainder);
        }
        let byte = |bits: &[bool]| bits.iter().fold(0, |byte, bit| byte << 1 | u8::from(*bit));
        Ok(codewords.map(byte).collect())
    }
}

/// Coordinates of alignment patterns (Table E.1): 6, and then in equal even steps to the last one, the
/// remainder being in the first step.
fn alignment_coordinates(version: u8) -> Vec<usize> {
    if version == 1 {
        return Vec::new();
    }
    let version = usize::from(version);
    let last = 4 * version + 10;
    let gaps = version / 7 + 1;
    let step = match version {
        // The one row of the table that does not round up.
        32 => 26,
        _ => (last - 6).div_ceil(2 * gaps) * 2,
    };
    let others = (0..gaps).rev().map(|back| last - back * step);
    [6].into_iter().chain(others).collect()
}

/// The mask conditions of Table 10, for a column and a row.
fn is_inverted(mask: usize, x: usize, y: usize) -> bool {
    let product = x * y;
    match mask {
        0 => (x + y).is_multiple_of(2),
        1 => y.is_multiple_of(2),
        2 => x.is_multiple_of(3),
        3 => (x + y).is_multiple_of(3),
        4 => (x / 3 + y / 2).is_multiple_of(2),
        5 => product.is_multiple_of(6),
        6 => (product % 2 + product % 3).is_multiple_of(2),
        _ => ((x + y) % 2 + product % 3).is_multiple_of(2),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn alignment_patterns_stand_where_the_table_says() {
        // Table E.1, the first row, some with unequal steps, and the one exception.
        let rows: [(u8, &[usize]); 8] = [
            (1, &[]),
            (2, &[6, 18]),
            (7, &[6, 22, 38]),
            (15, &[6, 26, 48, 70]),
            (22, &[6, 26, 50, 74, 98]),
            (32, &[6, 34, 60, 86, 112, 138]),
            (36, &[6, 24, 50, 76, 102, 128, 154]),
            (40, &[6, 30, 58, 86, 114, 142, 170]),
        ];
        for (version, expected) in rows {
            assert_eq!(
                alignment_coordinates(version),
                expected,
                "version {version}"
            );
        }
    }
}
