//! The data bits: segments, terminator, padding (clause 6.4).

use super::Fault;

/// The characters of all segments (clause 6.4), which must be followed by canonical padding.
pub(super) fn text(data: &[u8], version: u8) -> Result<String, Fault> {
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
        1..=9 => small,
        10..=26 => middle,
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

#[cfg(test)]
mod tests {
    use super::*;

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
            assert_eq!(text(&bits(data), 1), expected, "{name}");
        }
    }
}
