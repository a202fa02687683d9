//! Data masking: of eight patterns the one that leaves the fewest troublesome features (clause 6.8).
//!
//! Rows are judged as they are and columns as rows of the transposed symbol, 192 modules at a time; eight
//! scorings module by module would take twenty times as long as the rest of the encoder.

use super::matrix::{Line, Matrix};
use super::{Drawn, QUIET_ZONE};
use std::sync::LazyLock;

/// The mask with the fewest penalty points (of equals the first) and the masked symbol with its format
/// information.
pub(super) fn choose(drawn: &Drawn) -> (u8, Matrix) {
    let turned = Drawn {
        modules: drawn.modules.transposed(),
        free: drawn.free.transposed(),
    };
    let candidate = |mask: u8| {
        let (rows, columns) = masked(drawn, &turned, mask);
        (penalty(&rows, &columns), mask, rows)
    };
    let mut best = candidate(0);
    for mask in 1..8 {
        let next = candidate(mask);
        if next.0 < best.0 {
            best = next;
        }
    }
    (best.1, best.2)
}

/// The symbol under a mask, and the same transposed.
fn masked(drawn: &Drawn, turned: &Drawn, mask: u8) -> (Matrix, Matrix) {
    let (mut rows, mut columns) = (drawn.modules.clone(), turned.modules.clone());
    if let Some(pattern) = PATTERNS.get(usize::from(mask)) {
        pattern.rows.invert(&mut rows, &drawn.free);
        pattern.columns.invert(&mut columns, &turned.free);
    }
    for (x, y, dark) in format_modules(rows.size().into(), format_information(mask)) {
        rows.set(x, y, dark);
        columns.set(y, x, dark);
    }
    (rows, columns)
}

/// Twelve lines after which every pattern repeats: its periods are 2, 3, 4 and 6.
struct Stripes([Line; 12]);

impl Stripes {
    fn invert(&self, modules: &mut Matrix, free: &Matrix) {
        let lines = modules.rows_mut().iter_mut().zip(free.rows());
        for ((line, free), stripe) in lines.zip(self.0.iter().cycle()) {
            *line = *line ^ (*stripe & *free);
        }
    }
}

struct Pattern {
    rows: Stripes,
    columns: Stripes,
}

static PATTERNS: LazyLock<[Pattern; 8]> = LazyLock::new(|| {
    let line = |inverts: &dyn Fn(usize) -> bool| {
        let mut line = Line::default();
        for at in 0..192 {
            line.set(at, inverts(at));
        }
        line
    };
    [0, 1, 2, 3, 4, 5, 6, 7].map(|mask| Pattern {
        rows: Stripes(std::array::from_fn(|y| line(&|x| inverts(mask, y, x)))),
        columns: Stripes(std::array::from_fn(|x| line(&|y| inverts(mask, y, x)))),
    })
});

/// Table 10: whether a mask inverts the module in row `i` and column `j`.
fn inverts(mask: u8, i: usize, j: usize) -> bool {
    0 == match mask {
        0 => (i + j) % 2,
        1 => i % 2,
        2 => j % 3,
        3 => (i + j) % 3,
        4 => (i / 2 + j / 3) % 2,
        5 => (i * j) % 2 + (i * j) % 3,
        6 => ((i * j) % 2 + (i * j) % 3) % 2,
        _ => ((i + j) % 2 + (i * j) % 3) % 2,
    }
}

/// Level M and the mask with a (15, 5) BCH code, made unlike all zeros (clause 6.9).
fn format_information(mask: u8) -> u16 {
    const LEVEL_M: u16 = 0b00;
    const GENERATOR: u16 = 0b101_0011_0111;
    const XOR: u16 = 0b101_0100_0001_0010;
    let data = LEVEL_M << 3 | u16::from(mask);
    let mut remainder = data << 10;
    for bit in (10..15).rev() {
        if remainder >> bit & 1 == 1 {
            remainder ^= GENERATOR << (bit - 10);
        }
    }
    (data << 10 | remainder) ^ XOR
}

/// Column, row and colour of the two copies of the format information, and of the module beside the
/// second that is always dark (clause 6.9).
fn format_modules(size: usize, bits: u16) -> impl Iterator<Item = (usize, usize, bool)> {
    (0..15)
        .flat_map(move |bit| {
            let dark = bits >> bit & 1 == 1;
            // Both copies leave out the timing pattern in row and column 6.
            let around_the_corner = match bit {
                0..6 => (8, bit),
                6..8 => (8, bit + 1),
                8 => (7, 8),
                _ => (14 - bit, 8),
            };
            let split_in_two = match bit {
                0..8 => (size - 1 - bit, 8),
                _ => (8, size - 15 + bit),
            };
            [around_the_corner, split_in_two].map(|(x, y)| (x, y, dark))
        })
        .chain([(8, size - 8, true)])
}

/// Penalty points of Table 11 and clause 6.8.2.1, over the complete symbol.
fn penalty(rows: &Matrix, columns: &Matrix) -> u32 {
    let size = usize::from(rows.size());
    let inside = Inside {
        fives: Line::first(size - 4),
        pairs: Line::first(size - 1),
    };
    let lines = rows.rows().iter().chain(columns.rows());
    let by_line: u32 = lines
        .map(|line| runs(*line, &inside) + finders(*line))
        .sum();
    by_line + blocks(rows.rows(), &inside) + proportion(rows)
}

/// Where windows may begin so that they end inside the symbol.
struct Inside {
    /// Five modules in a line.
    fives: Line,
    /// Two modules in a line.
    pairs: Line,
}

/// Feature 1: `5 + i` modules of one colour in a line cost `3 + i`.
fn runs(line: Line, inside: &Inside) -> u32 {
    let same_as_next = !(line ^ line.ahead::<1>());
    let three = same_as_next & same_as_next.ahead::<1>();
    // Beginnings of five equal modules: a run of 5 + i modules has 1 + i of them.
    let fives = three & three.ahead::<2>() & inside.fives;
    let first_of_run = fives & !fives.behind::<1>();
    fives.count() + 2 * first_of_run.count()
}

/// Feature 2: an `m × n` block of one colour costs `3 (m − 1)(n − 1)`, three for each 2 × 2 in it.
fn blocks(rows: &[Line], inside: &Inside) -> u32 {
    let twos = rows.iter().zip(rows.iter().skip(1)).map(|(upper, lower)| {
        let same_below = !(*upper ^ *lower);
        let same_beside = !(*upper ^ upper.ahead::<1>());
        (same_below & same_below.ahead::<1>() & same_beside & inside.pairs).count()
    });
    3 * twos.sum::<u32>()
}

/// Feature 3: dark, light, three dark, light, dark with four light modules before or behind cost 40. The
/// quiet zone is light: there the pattern is as easily taken for a finder as anywhere.
fn finders(line: Line) -> u32 {
    const { assert!(QUIET_ZONE == 4, "the shift below makes room for it") };
    let line = line.behind::<4>();
    let light = !line;
    let pattern = line
        & light.ahead::<1>()
        & line.ahead::<2>()
        & line.ahead::<3>()
        & line.ahead::<4>()
        & light.ahead::<5>()
        & line.ahead::<6>();
    let two = light & light.ahead::<1>();
    let four = two & two.ahead::<2>();
    40 * (pattern & (four.behind::<4>() | four.ahead::<7>())).count()
}

/// Feature 4: `50 ± 5 k` per cent of dark modules cost `10 k`, where k is a whole number.
fn proportion(rows: &Matrix) -> u32 {
    let size = u32::from(rows.size());
    let dark: u32 = rows.rows().iter().map(|row| row.count()).sum();
    let total = size * size;
    10 * ((20 * dark).abs_diff(10 * total) / total)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::qr::Plan;
    use proptest::prelude::*;

    /// The rules of clause 6.8.2.1, read module by module.
    fn penalty_by_the_letter(symbol: &Matrix) -> u32 {
        let size = i32::from(symbol.size());
        let dark = |x: i32, y: i32| {
            let place = |at: i32| usize::try_from(at).unwrap_or(usize::MAX);
            symbol.get(place(x), place(y))
        };
        let mut points = 0;
        for turned in [false, true] {
            let at = |along: i32, line: i32| {
                let (x, y) = if turned { (line, along) } else { (along, line) };
                dark(x, y)
            };
            for line in 0..size {
                let colors: Vec<bool> = (0..size).map(|along| at(along, line)).collect();
                for run in colors.chunk_by(|a, b| a == b) {
                    if run.len() >= 5 {
                        points += 3 + u32::try_from(run.len() - 5).unwrap();
                    }
                }
                for begin in 0..=size - 7 {
                    let pattern = [true, false, true, true, true, false, true];
                    let found = (begin..)
                        .zip(pattern)
                        .all(|(along, c)| at(along, line) == c);
                    let before = (begin - 4..begin).all(|along| !at(along, line));
                    let behind = (begin + 7..begin + 11).all(|along| !at(along, line));
                    if found && (before || behind) {
                        points += 40;
                    }
                }
            }
        }
        let mut all_dark = 0;
        for y in 0..size {
            for x in 0..size {
                all_dark += u32::from(dark(x, y));
                let four = [(x, y), (x + 1, y), (x, y + 1), (x + 1, y + 1)];
                let inside = x + 1 < size && y + 1 < size;
                if inside && four.iter().all(|(u, v)| dark(*u, *v) == dark(x, y)) {
                    points += 3;
                }
            }
        }
        let percent = f64::from(all_dark) * 100.0 / f64::from(size * size);
        let k = (0..=9)
            .rev()
            .find(|k| (percent - 50.0).abs() >= 5.0 * f64::from(*k));
        points + 10 * k.unwrap()
    }

    fn drawn(text: &str) -> Drawn {
        Plan::smallest(text, 40).unwrap().draw().unwrap()
    }

    #[test]
    fn the_chosen_mask_has_the_fewest_points_by_the_letter_of_the_standard() {
        for length in (1..1_000).step_by(53) {
            let text = format!(
                "HTTPS://QR.DANANG.GOV.VN/7K3M9QX2TB4C5D6E#{}",
                "80317".repeat(length)
            );
            let drawn = drawn(&text);
            let turned = Drawn {
                modules: drawn.modules.transposed(),
                free: drawn.free.transposed(),
            };
            let points: Vec<u32> = (0..8)
                .map(|mask| penalty_by_the_letter(&masked(&drawn, &turned, mask).0))
                .collect();
            let (mask, chosen) = choose(&drawn);
            let fewest = *points.iter().min().unwrap();
            assert_eq!(points[usize::from(mask)], fewest, "{points:?}");
            assert_eq!(penalty(&chosen, &chosen.transposed()), fewest);
        }
    }

    #[test]
    fn a_masked_symbol_and_its_transposed_agree() {
        let drawn = drawn("THE QUICK BROWN FOX");
        let turned = Drawn {
            modules: drawn.modules.transposed(),
            free: drawn.free.transposed(),
        };
        for mask in 0..8 {
            let (rows, columns) = masked(&drawn, &turned, mask);
            assert_eq!(rows.transposed(), columns, "mask {mask}");
        }
    }

    #[test]
    fn the_format_information_is_the_one_of_the_standards_table() {
        // Table C.1, rows 00000 to 00111.
        let table = [
            0x5412, 0x5125, 0x5e7c, 0x5b4b, 0x45f9, 0x40ce, 0x4f97, 0x4aa0,
        ];
        assert_eq!([0, 1, 2, 3, 4, 5, 6, 7].map(format_information), table);
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        #[test]
        fn lines_at_once_score_like_module_by_module(
            version in 1_u8..=40,
            seed in any::<u64>(),
            density in 1_u64..16,
        ) {
            let mut symbol = Matrix::light(version);
            let mut random = seed | 1;
            for (x, y) in symbol.places() {
                random ^= random << 13;
                random ^= random >> 7;
                random ^= random << 17;
                symbol.set(x, y, random % 16 < density);
            }
            let by_lines = penalty(&symbol, &symbol.transposed());
            prop_assert_eq!(by_lines, penalty_by_the_letter(&symbol));
        }
    }
}
