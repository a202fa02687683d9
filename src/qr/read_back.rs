//! The decoder that every issued symbol passes: modules to text, nothing corrected, nothing tolerated.
//!
//! It was written from the standard, not from the encoder: it has its own tables, finds the data region by
//! geometry, checks blocks by syndromes where the encoder divides polynomials, and compares the format
//! information with the table of the standard where the encoder computes it. What both get right is right.
//! A scanner in the field corrects errors; here one wrong module is a [`Fault`].

use super::matrix::Matrix;

/// What is wrong with a symbol.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub enum Fault {
    /// The side is not `17 + 4 × version` modules (clause 5.3.1).
    #[error("{size} modules along a side are no version")]
    Size {
        /// Modules along a side.
        size: u8,
    },
    /// A module of a finder, separator, timing or alignment pattern has the wrong colour (clause 5.3).
    #[error("the function pattern is broken in column {x}, row {y}")]
    FunctionPattern {
        /// Column from the left.
        x: usize,
        /// Row from the top.
        y: usize,
    },
    /// A copy of the format information is not one of the eight of level M (clause 6.9).
    #[error("the format information is wrong")]
    Format,
    /// A copy of the version information is not that of the symbol's size (clause 6.10).
    #[error("the version information is wrong")]
    Version,
    /// A Reed-Solomon block has errors (clause 6.5).
    #[error("block {block} has errors")]
    Block {
        /// Index of the block, from 0.
        block: usize,
    },
    /// Remainder bits are not all zero (clause 6.6).
    #[error("the remainder bits are not zero")]
    Remainder,
    /// A segment has an unexpected mode, ends behind the data or holds an impossible character.
    #[error("the segment at bit {bit} is malformed")]
    Segment {
        /// Where it begins in the data bits.
        bit: usize,
    },
    /// What follows the last segment is not terminator, zeros and the pad codewords (clause 6.4.9).
    #[error("the padding is wrong")]
    Padding,
    /// The characters are not text: bytes above 127 without ECI 26, or broken UTF-8.
    #[error("the characters are not text")]
    Text,
}

/// The text of a symbol without any error.
pub(super) fn text(modules: &Matrix) -> Result<String, Fault> {
    let geometry = Geometry::of(modules.size())?;
    geometry.check_version_information(modules)?;
    let mask = geometry.mask(modules)?;
    let codewords = geometry.codewords(modules, mask)?;
    let data = checked_data(&codewords, geometry.version)?;
    segments(&data, geometry.version)
}

/// Where things stand in a symbol of some version.
struct Geometry {
    version: u8,
    size: usize,
    /// Row and column coordinates of alignment patterns (Annex E).
    alignment: Vec<usize>,
}

/// What a module is for.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Role {
    /// Part of a function pattern, of this colour.
    Fixed(bool),
    /// Format or version information.
    Information,
    /// Codewords and remainder bits.
    Data,
}

impl Geometry {
    fn of(size: u8) -> Result<Self, Fault> {
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

    fn role(&self, x: usize, y: usize) -> Role {
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
            return Role::Fixed((x + y) % 2 == 0);
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

    /// Both copies of the version with its (18, 6) Golay code, from version 7 on (Figures 27 and 28).
    fn check_version_information(&self, modules: &Matrix) -> Result<(), Fault> {
        const GENERATOR: u32 = 0b1_1111_0010_0101;
        if self.version < 7 {
            return Ok(());
        }
        for transposed in [false, true] {
            let bits = (0..18).rev().fold(0_u32, |bits, bit| {
                let (along, across) = (bit / 3, self.size - 11 + bit % 3);
                let dark = match transposed {
                    false => modules.get(across, along),
                    true => modules.get(along, across),
                };
                bits << 1 | u32::from(dark)
            });
            // A code word is a multiple of the generator polynomial.
            let remainder = (12..18).rev().fold(bits, |rest, bit| {
                rest ^ (rest >> bit & 1) * (GENERATOR << (bit - 12))
            });
            if remainder != 0 || bits >> 12 != u32::from(self.version) {
                return Err(Fault::Version);
            }
        }
        Ok(())
    }

    /// The mask that both copies of the format information name.
    fn mask(&self, modules: &Matrix) -> Result<usize, Fault> {
        /// Table C.1, data bits 00000 to 00111: level M with masks 0 to 7, after the XOR.
        const LEVEL_M: [u16; 8] = [
            0x5412, 0x5125, 0x5e7c, 0x5b4b, 0x45f9, 0x40ce, 0x4f97, 0x4aa0,
        ];
        /// Most significant bit first, along row 8 and up column 8 (Figure 25).
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
    fn codewords(&self, modules: &Matrix, mask: usize) -> Result<Vec<u8>, Fault> {
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

/// Table 9 for level M: error correction codewords of each block, and blocks, by version.
const BLOCKS: [(usize, usize); 40] = [
    (10, 1),
    (16, 1),
    (26, 1),
    (18, 2),
    (24, 2),
    (16, 4),
    (18, 4),
    (22, 4),
    (22, 5),
    (26, 5),
    (30, 5),
    (22, 8),
    (22, 9),
    (24, 9),
    (24, 10),
    (28, 10),
    (28, 11),
    (26, 13),
    (26, 14),
    (26, 16),
    (26, 17),
    (28, 17),
    (28, 18),
    (28, 20),
    (28, 21),
    (28, 23),
    (28, 25),
    (28, 26),
    (28, 28),
    (28, 29),
    (28, 31),
    (28, 33),
    (28, 35),
    (28, 37),
    (28, 38),
    (28, 40),
    (28, 43),
    (28, 45),
    (28, 47),
    (28, 49),
];

/// Undoes the interleaving of clause 6.6 and hands out the data codewords of blocks without an error.
fn checked_data(codewords: &[u8], version: u8) -> Result<Vec<u8>, Fault> {
    let row = BLOCKS.get(usize::from(version).wrapping_sub(1));
    let (correction, blocks) = *row.ok_or(Fault::Version)?;
    // All blocks have as many correction codewords; the last ones may have one data codeword more.
    let data_length = codewords.len().saturating_sub(correction * blocks);
    let (short, longer) = (data_length / blocks, data_length % blocks);
    let mut split = vec![Vec::with_capacity(short + 1 + correction); blocks];
    let (interleaved, checks) = codewords
        .split_at_checked(data_length)
        .ok_or(Fault::Version)?;
    let (even, last_row) = interleaved
        .split_at_checked(short * blocks)
        .ok_or(Fault::Version)?;
    for row in even.chunks(blocks) {
        split
            .iter_mut()
            .zip(row)
            .for_each(|(block, codeword)| block.push(*codeword));
    }
    let long_blocks = split.iter_mut().skip(blocks - longer);
    long_blocks
        .zip(last_row)
        .for_each(|(block, codeword)| block.push(*codeword));

    let mut data = Vec::with_capacity(data_length);
    for block in &split {
        data.extend_from_slice(block);
    }
    for row in checks.chunks(blocks) {
        split
            .iter_mut()
            .zip(row)
            .for_each(|(block, codeword)| block.push(*codeword));
    }
    match split
        .iter()
        .position(|block| !is_codeword(block, correction))
    {
        Some(block) => Err(Fault::Block { block }),
        None => Ok(data),
    }
}

/// Whether the block, read as a polynomial, is zero at `2^0 … 2^(n−1)`: all syndromes vanish (Annex B).
fn is_codeword(block: &[u8], correction: usize) -> bool {
    let mut root = 1_u8;
    (0..correction).all(|_| {
        let multiples = multiples_of(root);
        // Horner's rule.
        let value = block.iter().fold(0_u8, |value, codeword| {
            let shifted = multiples.get(usize::from(value)).copied().unwrap_or(0);
            shifted ^ codeword
        });
        root = doubled(root);
        value == 0
    })
}

/// `factor × 0 … factor × 255` in GF(2^8), built from the multiples of powers of two.
fn multiples_of(factor: u8) -> [u8; 256] {
    let mut multiples = [0; 256];
    let mut power = factor;
    for bit in 0..8 {
        let (known, rest) = multiples.split_at_mut(1 << bit);
        for (new, known) in rest.iter_mut().zip(known) {
            *new = *known ^ power;
        }
        power = doubled(power);
    }
    multiples
}

/// Twice an element of GF(2^8) modulo `x^8 + x^4 + x^3 + x^2 + 1` (clause 6.5.2).
fn doubled(element: u8) -> u8 {
    element << 1 ^ if element & 0x80 == 0 { 0 } else { 0x1d }
}

/// Reads data bits from the front.
struct Reader<'a> {
    data: &'a [u8],
    at: usize,
}

impl Reader<'_> {
    fn left(&self) -> usize {
        (8 * self.data.len()).saturating_sub(self.at)
    }

    /// The next `count` ≤ 16 bits, or nothing when so many are not left.
    fn take(&mut self, count: usize) -> Option<u16> {
        let mut value = 0;
        for at in self.at..self.at + count {
            let byte = self.data.get(at / 8)?;
            value = value << 1 | u16::from(byte >> (7 - at % 8) & 1);
        }
        self.at += count;
        Some(value)
    }

    fn byte(&mut self) -> Option<u8> {
        self.take(8).and_then(|byte| u8::try_from(byte).ok())
    }
}

/// The characters of all segments (clause 6.4), which must be followed by canonical padding.
fn segments(data: &[u8], version: u8) -> Result<String, Fault> {
    let mut reader = Reader { data, at: 0 };
    let mut characters = Vec::new();
    let mut utf8 = false;
    loop {
        let bit = reader.at;
        let malformed = Fault::Segment { bit };
        // A terminator may be cut short by the end of the data.
        let mode = if reader.left() < 4 {
            0
        } else {
            reader.take(4).unwrap_or(0)
        };
        match mode {
            0b0001 => numeric(&mut reader, version, &mut characters).ok_or(malformed)?,
            0b0010 => alphanumeric(&mut reader, version, &mut characters).ok_or(malformed)?,
            0b0100 => bytes(&mut reader, version, &mut characters).ok_or(malformed)?,
            // ECI 000026, UTF-8: once, before everything else.
            0b0111 if bit == 0 && reader.byte() == Some(26) => utf8 = true,
            0b0000 => break,
            _ => return Err(malformed),
        }
    }
    check_padding(&mut reader)?;
    if !utf8 && !characters.is_ascii() {
        return Err(Fault::Text);
    }
    String::from_utf8(characters).map_err(|_| Fault::Text)
}

/// The character count indicator (Table 3), by the version range 1–9, 10–26, 27–40.
fn count(reader: &mut Reader<'_>, version: u8, lengths: [usize; 3]) -> Option<usize> {
    let [small, middle, large] = lengths;
    let length = match version {
        ..=9 => small,
        ..=26 => middle,
        _ => large,
    };
    reader.take(length).map(usize::from)
}

fn numeric(reader: &mut Reader<'_>, version: u8, out: &mut Vec<u8>) -> Option<()> {
    let mut left = count(reader, version, [10, 12, 14])?;
    while left > 0 {
        let digits = left.min(3);
        // 10, 7 or 4 bits for 3, 2 or 1 digits.
        let group = reader.take(3 * digits + 1)?;
        let powers = [100, 10, 1].into_iter().skip(3 - digits);
        if group >= [10, 100, 1_000].into_iter().nth(digits - 1)? {
            return None;
        }
        for power in powers {
            out.push(b'0' + u8::try_from(group / power % 10).ok()?);
        }
        left -= digits;
    }
    Some(())
}

fn alphanumeric(reader: &mut Reader<'_>, version: u8, out: &mut Vec<u8>) -> Option<()> {
    /// Table 5: the values 0 to 44.
    const CHARACTERS: &[u8; 45] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ $%*+-./:";
    let mut left = count(reader, version, [9, 11, 13])?;
    while left > 0 {
        if left == 1 {
            out.push(*CHARACTERS.get(usize::from(reader.take(6)?))?);
            return Some(());
        }
        let pair = usize::from(reader.take(11)?);
        out.push(*CHARACTERS.get(pair / 45)?);
        out.push(*CHARACTERS.get(pair % 45)?);
        left -= 2;
    }
    Some(())
}

fn bytes(reader: &mut Reader<'_>, version: u8, out: &mut Vec<u8>) -> Option<()> {
    for _ in 0..count(reader, version, [8, 16, 16])? {
        out.push(reader.byte()?);
    }
    Some(())
}

/// Zeros to the end of the codeword, then 11101100 and 00010001 in turn (clause 6.4.10).
fn check_padding(reader: &mut Reader<'_>) -> Result<(), Fault> {
    if reader.take(reader.left() % 8) != Some(0) {
        return Err(Fault::Padding);
    }
    for pad in [0xec, 0x11].into_iter().cycle() {
        if reader.left() == 0 {
            break;
        }
        if reader.byte() != Some(pad) {
            return Err(Fault::Padding);
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::qr::Symbol;

    fn flipped(symbol: &Symbol, x: usize, y: usize) -> Matrix {
        let mut modules = symbol.modules.clone();
        modules.set(x, y, !modules.get(x, y));
        modules
    }

    #[test]
    fn one_wrong_module_anywhere_is_a_fault() {
        // Versions 1, 2 (remainder bits), 7 (version information), 11 (a credential).
        for (version, length) in [(1, 20), (2, 60), (7, 280), (11, 550)] {
            let symbol = Symbol::encode(&"7".repeat(length)).unwrap();
            assert_eq!(symbol.version(), version);
            for (x, y) in symbol.modules.places() {
                let role = Geometry::of(symbol.modules.size()).unwrap().role(x, y);
                let fault = text(&flipped(&symbol, x, y)).unwrap_err();
                let expected = match role {
                    Role::Fixed(_) => fault == Fault::FunctionPattern { x, y },
                    Role::Information => matches!(fault, Fault::Format | Fault::Version),
                    Role::Data => matches!(fault, Fault::Block { .. } | Fault::Remainder),
                };
                assert!(expected, "version {version}, {x}, {y}, {role:?}: {fault:?}");
            }
        }
    }

    #[test]
    fn faults_of_places_are_named() {
        let symbol = Symbol::encode(&"7".repeat(280)).unwrap();
        let fault = |x, y| text(&flipped(&symbol, x, y)).unwrap_err();
        assert_eq!(fault(0, 0), Fault::FunctionPattern { x: 0, y: 0 });
        assert_eq!(fault(22, 22), Fault::FunctionPattern { x: 22, y: 22 });
        assert_eq!(fault(8, 0), Fault::Format);
        assert_eq!(fault(34, 0), Fault::Version);
        assert_eq!(fault(0, 34), Fault::Version);
        // The first codewords of the blocks follow one another upwards from the lower right corner.
        assert_eq!(fault(44, 44), Fault::Block { block: 0 });
        assert_eq!(fault(44, 40), Fault::Block { block: 1 });
    }

    #[test]
    fn data_that_no_encoder_of_ours_makes_is_refused() {
        let bits = |bits: &str| -> Vec<u8> {
            let bits: String = bits.chars().filter(|c| !c.is_whitespace()).collect();
            let bytes = bits
                .as_bytes()
                .chunks(8)
                .map(|byte| format!("{:0<8}", String::from_utf8_lossy(byte)));
            bytes
                .map(|byte| u8::from_str_radix(&byte, 2).unwrap())
                .collect()
        };
        let cases = [
            ("a digit", "0001 0000000001 0111 0000 00", Ok("7")),
            (
                "a digit of value 11",
                "0001 0000000001 1011 0000 00",
                Err(Fault::Segment { bit: 0 }),
            ),
            (
                "three digits of value 1000",
                "0001 0000000011 1111101000 0000 0000",
                Err(Fault::Segment { bit: 0 }),
            ),
            (
                "a letter of value 45",
                "0010 000000001 101101 0000 0",
                Err(Fault::Segment { bit: 0 }),
            ),
            (
                "more characters than data",
                "0100 00000010 01000001 0000",
                Err(Fault::Segment { bit: 0 }),
            ),
            ("kanji", "1000 0000", Err(Fault::Segment { bit: 0 })),
            (
                "ECI of Latin 1",
                "0111 00000011 0000",
                Err(Fault::Segment { bit: 0 }),
            ),
            (
                "ECI behind a segment",
                "0001 0000000001 0111 0111 00011010 00",
                Err(Fault::Segment { bit: 18 }),
            ),
            (
                "a bit behind the terminator",
                "0001 0000000001 0111 0000 01",
                Err(Fault::Padding),
            ),
            (
                "a wrong pad codeword",
                "0001 0000000001 0111 0000 00 11101100 11101100",
                Err(Fault::Padding),
            ),
            (
                "the pad codewords",
                "0001 0000000001 0111 0000 00 11101100 00010001",
                Ok("7"),
            ),
            (
                "no room for a terminator",
                "0100 00000001 01000001 000",
                Ok("A"),
            ),
            (
                "a byte above 127",
                "0100 00000001 11000001 0000",
                Err(Fault::Text),
            ),
            (
                "half a UTF-8 character",
                "0111 00011010 0100 00000001 11000011 0000 0000",
                Err(Fault::Text),
            ),
        ];
        for (name, data, expected) in cases {
            let expected = expected.map(String::from);
            assert_eq!(segments(&bits(data), 1), expected, "{name}");
        }
    }

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
