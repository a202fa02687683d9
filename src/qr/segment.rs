//! The split of a text into segments that takes the fewest bits.
//!
//! A segment is `mode indicator (4) ‖ character count (Table 3) ‖ characters`. Digits take 10 bits per
//! three, the 45 alphanumeric characters 11 per two, bytes 8 each; a last incomplete group is rounded up
//! (clauses 6.4.3 to 6.4.5). A change of mode costs a new header, so the split is a shortest path through
//! `text × modes`, found character by character.

/// How characters are packed.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Mode {
    Numeric,
    Alphanumeric,
    Byte,
}

/// Characters of a text that stand in one mode.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) struct Segment<'a> {
    pub(super) mode: Mode,
    pub(super) bytes: &'a [u8],
}

/// Bits of the character count indicator in a range of versions (Table 3).
pub(super) struct CountBits {
    pub(super) first_version: u8,
    pub(super) last_version: u8,
    numeric: u8,
    alphanumeric: u8,
    byte: u8,
}

impl CountBits {
    pub(super) const CLASSES: [Self; 3] = [
        Self::row(1, 9, 10, 9, 8),
        Self::row(10, 26, 12, 11, 16),
        Self::row(27, 40, 14, 13, 16),
    ];

    const fn row(
        first_version: u8,
        last_version: u8,
        numeric: u8,
        alphanumeric: u8,
        byte: u8,
    ) -> Self {
        Self {
            first_version,
            last_version,
            numeric,
            alphanumeric,
            byte,
        }
    }

    fn of(&self, mode: Mode) -> usize {
        match mode {
            Mode::Numeric => self.numeric.into(),
            Mode::Alphanumeric => self.alphanumeric.into(),
            Mode::Byte => self.byte.into(),
        }
    }
}

impl Mode {
    /// In the order of the columns of the search.
    const ALL: [Self; 3] = [Self::Numeric, Self::Alphanumeric, Self::Byte];

    /// Sixths of a bit that the character takes: whole numbers for 10/3, 11/2 and 8 bits.
    fn sixths(self, character: u8) -> Option<usize> {
        match self {
            Self::Numeric => character.is_ascii_digit().then_some(20),
            Self::Alphanumeric => is_alphanumeric(character).then_some(33),
            Self::Byte => Some(48),
        }
    }
}

/// The character set of Table 5.
fn is_alphanumeric(character: u8) -> bool {
    matches!(character, b'0'..=b'9' | b'A'..=b'Z' | b' ' | b'$' | b'%' | b'*' | b'+' | b'-' | b'.' | b'/' | b':')
}

/// Larger than every length, and far from overflow.
const NEVER: usize = usize::MAX / 4;

/// The cheapest split, and its bits without terminator.
pub(super) fn split<'a>(text: &'a [u8], counts: &CountBits) -> (Vec<Segment<'a>>, usize) {
    let headers = Mode::ALL.map(|mode| 6 * (4 + counts.of(mode)));
    // The fewest sixths of a bit for the text so far, by the mode in which it ends.
    let mut costs = [NEVER; 3];
    // For each character and each mode it may stand in: the mode of the character before.
    let mut came_from = Vec::with_capacity(text.len());
    for (at, character) in text.iter().enumerate() {
        // A finished segment takes whole bits: 3 digits and 1 digit are 10 + 4, not 13.33 bits.
        let finished = costs.map(|cost| cost.div_ceil(6) * 6);
        let cheapest = Mode::ALL.into_iter().zip(finished).min_by_key(|(_, c)| *c);
        let (other, other_cost) = match cheapest {
            Some(cheapest) if at > 0 => cheapest,
            _ => (Mode::Byte, 0),
        };
        let mut from = Mode::ALL;
        for (((mode, cost), header), from) in Mode::ALL
            .into_iter()
            .zip(&mut costs)
            .zip(headers)
            .zip(&mut from)
        {
            if at == 0 || other_cost + header < *cost {
                *cost = other_cost + header;
                *from = other;
            }
            *cost = match mode.sixths(*character) {
                Some(sixths) => *cost + sixths,
                None => NEVER,
            };
        }
        came_from.push(from);
    }
    let last = Mode::ALL.into_iter().zip(costs).min_by_key(|(_, c)| *c);
    let Some((mut mode, sixths)) = last.filter(|_| !text.is_empty()) else {
        return (Vec::new(), 0);
    };
    let mut modes = Vec::with_capacity(text.len());
    for from in came_from.iter().rev() {
        modes.push(mode);
        let [numeric, alphanumeric, byte] = *from;
        mode = match mode {
            Mode::Numeric => numeric,
            Mode::Alphanumeric => alphanumeric,
            Mode::Byte => byte,
        };
    }
    modes.reverse();
    let mut rest = text;
    let segments = modes
        .chunk_by(|a, b| a == b)
        .filter_map(|run| {
            let (bytes, behind) = rest.split_at_checked(run.len())?;
            rest = behind;
            let mode = *run.first()?;
            Some(Segment { mode, bytes })
        })
        .collect();
    (segments, sixths.div_ceil(6))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const URL: &[u8] = b"HTTPS://QR.DANANG.GOV.VN/7K3M9QX2TB4C5D6E#";

    /// The bits of a split into modes, by the formulas of clauses 6.4.3 to 6.4.5.
    fn bits_of(segments: &[Segment<'_>], counts: &CountBits) -> usize {
        let characters = |segment: &Segment<'_>| {
            let n = segment.bytes.len();
            match segment.mode {
                Mode::Numeric => 10 * (n / 3) + [0, 4, 7][n % 3],
                Mode::Alphanumeric => 11 * (n / 2) + 6 * (n % 2),
                Mode::Byte => 8 * n,
            }
        };
        segments
            .iter()
            .map(|segment| 4 + counts.of(segment.mode) + characters(segment))
            .sum()
    }

    /// The fewest bits of all assignments of modes to characters.
    fn fewest_bits(text: &[u8], counts: &CountBits) -> usize {
        let assignments = 3_usize.pow(u32::try_from(text.len()).unwrap());
        (0..assignments)
            .filter_map(|assignment| {
                let modes: Vec<Mode> = (0..text.len())
                    .scan(assignment, |rest, _| {
                        let mode = Mode::ALL[*rest % 3];
                        *rest /= 3;
                        Some(mode)
                    })
                    .collect();
                let possible = modes.iter().zip(text).all(|(m, c)| m.sixths(*c).is_some());
                possible.then(|| {
                    let mut rest = text;
                    let segments: Vec<Segment<'_>> = modes
                        .chunk_by(|a, b| a == b)
                        .map(|run| {
                            let bytes = rest.split_off(..run.len()).unwrap();
                            Segment {
                                mode: run[0],
                                bytes,
                            }
                        })
                        .collect();
                    bits_of(&segments, counts)
                })
            })
            .min()
            .unwrap()
    }

    #[test]
    fn a_credential_is_alphanumeric_then_one_byte_then_numeric() {
        let text = [URL, &[b'7'; 455]].concat();
        let [_, middle, _] = CountBits::CLASSES;
        let (segments, bits) = split(&text, &middle);
        let shape: Vec<(Mode, usize)> = segments.iter().map(|s| (s.mode, s.bytes.len())).collect();
        assert_eq!(
            shape,
            [
                (Mode::Alphanumeric, 41),
                (Mode::Byte, 1),
                (Mode::Numeric, 455)
            ]
        );
        assert_eq!(bits, (4 + 11 + 226) + (4 + 16 + 8) + (4 + 12 + 1_517));
    }

    #[test]
    fn few_digits_among_letters_are_not_worth_a_header() {
        let [small, ..] = CountBits::CLASSES;
        let (segments, _) = split(b"ABC123DEF", &small);
        assert_eq!(segments.len(), 1);
        assert_eq!(split(b"", &small), (Vec::new(), 0));
    }

    proptest! {
        #[test]
        fn no_split_takes_fewer_bits(text in "[0-9]{0,5}[A-C#a]{0,3}[0-9]{0,3}", class in 0_usize..3) {
            prop_assume!(!text.is_empty() && text.len() <= 9);
            let counts = &CountBits::CLASSES[class];
            let (segments, bits) = split(text.as_bytes(), counts);
            prop_assert_eq!(bits, fewest_bits(text.as_bytes(), counts));
            prop_assert_eq!(bits, bits_of(&segments, counts));
        }

        #[test]
        fn the_segments_are_the_text_and_cost_what_was_counted(text in "([0-9]{0,40}|[A-Z:/]{0,20}|[ -~]{0,9}){0,6}") {
            for counts in &CountBits::CLASSES {
                let (segments, bits) = split(text.as_bytes(), counts);
                let joined: Vec<u8> = segments.iter().flat_map(|s| s.bytes).copied().collect();
                prop_assert_eq!(joined, text.as_bytes());
                prop_assert_eq!(bits, bits_of(&segments, counts));
            }
        }
    }
}
