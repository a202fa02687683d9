//! Stream filters (ISO 32000-2, clause 7.4), each with an output limit.
//!
//! Pictures (DCT, JPX, CCITT, JBIG2) are not decoded: nothing here needs their pixels.

use super::error::PdfError;
use super::lexer::is_white;
use super::object::{Dict, Object};
use std::io::Read as _;

/// One step of decoding: the filter's name and its parameters.
#[derive(Clone, Debug, PartialEq)]
pub struct Step {
    /// `/FlateDecode`, also the short form of inline images.
    pub name: Vec<u8>,
    /// `/DecodeParms`; empty if there are none.
    pub parameters: Dict,
}

/// Runs the steps one after the other; no result, also in between, is larger than `limit`.
///
/// # Errors
/// [`PdfError::UnsupportedFilter`], [`PdfError::FilterDamaged`], [`PdfError::TooLargeInflated`].
pub fn decode(data: &[u8], steps: &[Step], limit: usize) -> Result<Vec<u8>, PdfError> {
    let Some((first, rest)) = steps.split_first() else {
        return within(data.to_vec(), limit);
    };
    rest.iter()
        .try_fold(one(data, first, limit)?, |data, step| {
            one(&data, step, limit)
        })
}

fn one(data: &[u8], step: &Step, limit: usize) -> Result<Vec<u8>, PdfError> {
    match step.name.as_slice() {
        b"FlateDecode" | b"Fl" => unpredict(flate(data, limit)?, &step.parameters),
        b"LZWDecode" | b"LZW" => {
            let early = integer(&step.parameters, b"EarlyChange", 1) != 0;
            unpredict(lzw(data, early, limit)?, &step.parameters)
        }
        b"ASCIIHexDecode" | b"AHx" => ascii_hex(data).and_then(|out| within(out, limit)),
        b"ASCII85Decode" | b"A85" => ascii_85(data, limit),
        b"RunLengthDecode" | b"RL" => run_length(data, limit),
        other => Err(PdfError::UnsupportedFilter {
            name: String::from_utf8_lossy(other.get(..32).unwrap_or(other)).into_owned(),
        }),
    }
}

fn within(out: Vec<u8>, limit: usize) -> Result<Vec<u8>, PdfError> {
    if out.len() > limit {
        return Err(PdfError::TooLargeInflated { limit });
    }
    Ok(out)
}

fn flate(data: &[u8], limit: usize) -> Result<Vec<u8>, PdfError> {
    // Nothing at all is what some programs write for an empty form.
    if data.is_empty() {
        return Ok(Vec::new());
    }
    let one_more = u64::try_from(limit).unwrap_or(u64::MAX).saturating_add(1);
    let mut out = Vec::new();
    flate2::bufread::ZlibDecoder::new(data)
        .take(one_more)
        .read_to_end(&mut out)
        .map_err(|_| PdfError::FilterDamaged {
            filter: "FlateDecode",
        })?;
    within(out, limit)
}

/// Variable-length codes of 9 to 12 bits, high bit first (7.4.4.2).
fn lzw(data: &[u8], early: bool, limit: usize) -> Result<Vec<u8>, PdfError> {
    const CLEAR: usize = 256;
    const END: usize = 257;
    let damaged = PdfError::FilterDamaged {
        filter: "LZWDecode",
    };
    let mut out: Vec<u8> = Vec::new();
    // Each code from 258 is a place in the output: what a code meant, and one byte more.
    let mut table: Vec<std::ops::Range<usize>> = Vec::new();
    let mut previous: Option<std::ops::Range<usize>> = None;
    let (mut bits, mut held) = (0_u32, 0_u32);
    let mut width = 9;
    for byte in data {
        bits = bits << 8 | u32::from(*byte);
        held += 8;
        if held < width {
            continue;
        }
        held -= width;
        let code = usize::try_from(bits >> held & ((1 << width) - 1)).unwrap_or(END);
        bits &= (1 << held) - 1;
        if code == END {
            return Ok(out);
        }
        if code == CLEAR {
            table.clear();
            previous = None;
            width = 9;
            continue;
        }
        let start = out.len();
        match (
            u8::try_from(code),
            code.checked_sub(258).and_then(|i| table.get(i)),
        ) {
            (Ok(literal), _) => out.push(literal),
            (_, Some(range)) => out.extend_from_within(range.clone()),
            // The code being defined: the previous text and its first byte again.
            _ if code == 258 + table.len() => {
                let Some(range) = previous.clone() else {
                    return Err(damaged);
                };
                out.extend_from_within(range.clone());
                out.extend_from_within(range.start..=range.start);
            }
            _ => return Err(damaged),
        }
        if out.len() > limit {
            return Err(PdfError::TooLargeInflated { limit });
        }
        if let Some(before) = previous.filter(|_| table.len() < 4096 - 258) {
            table.push(before.start..before.end + 1);
        }
        previous = Some(start..out.len());
        // The decoder is one entry behind the encoder, which is about to add one.
        width = match 258 + table.len() + 1 + usize::from(early) {
            0..=512 => 9,
            513..=1024 => 10,
            1025..=2048 => 11,
            _ => 12,
        };
    }
    Ok(out)
}

fn ascii_hex(data: &[u8]) -> Result<Vec<u8>, PdfError> {
    let mut out = Vec::with_capacity(data.len() / 2);
    let mut half: Option<u8> = None;
    for byte in data.iter().filter(|byte| !is_white(**byte)) {
        if *byte == b'>' {
            break;
        }
        let digit = char::from(*byte).to_digit(16);
        let Some(digit) = digit.and_then(|digit| u8::try_from(digit).ok()) else {
            return Err(PdfError::FilterDamaged {
                filter: "ASCIIHexDecode",
            });
        };
        half = match half {
            None => Some(digit),
            Some(high) => {
                out.push(high << 4 | digit);
                None
            }
        };
    }
    out.extend(half.map(|high| high << 4));
    Ok(out)
}

fn ascii_85(data: &[u8], limit: usize) -> Result<Vec<u8>, PdfError> {
    let damaged = || PdfError::FilterDamaged {
        filter: "ASCII85Decode",
    };
    let mut out = Vec::new();
    let mut group: Vec<u8> = Vec::with_capacity(5);
    for byte in data.iter().filter(|byte| !is_white(**byte)) {
        match byte {
            b'~' => break,
            b'z' if group.is_empty() => out.extend([0; 4]),
            b'!'..=b'u' => group.push(byte - b'!'),
            _ => return Err(damaged()),
        }
        if group.len() == 5 {
            out.extend(base_85(&group).ok_or_else(damaged)?);
            group.clear();
        }
        if out.len() > limit {
            return Err(PdfError::TooLargeInflated { limit });
        }
    }
    match group.len() {
        0 => {}
        1 => return Err(damaged()),
        // 7.4.3: n characters of a last group stand for n - 1 bytes.
        n => {
            group.resize(5, 84);
            let bytes = base_85(&group).ok_or_else(damaged)?;
            out.extend(bytes.into_iter().take(n - 1));
        }
    }
    within(out, limit)
}

fn base_85(group: &[u8]) -> Option<[u8; 4]> {
    let value = group
        .iter()
        .fold(0_u64, |value, digit| value * 85 + u64::from(*digit));
    Some(u32::try_from(value).ok()?.to_be_bytes())
}

fn run_length(data: &[u8], limit: usize) -> Result<Vec<u8>, PdfError> {
    let damaged = PdfError::FilterDamaged {
        filter: "RunLengthDecode",
    };
    let mut out = Vec::new();
    let mut rest = data;
    while let Some((length, behind)) = rest.split_first() {
        rest = match length {
            128 => break,
            0..=127 => {
                let Some((copied, behind)) = behind.split_at_checked(usize::from(*length) + 1)
                else {
                    return Err(damaged);
                };
                out.extend_from_slice(copied);
                behind
            }
            _ => {
                let Some((byte, behind)) = behind.split_first() else {
                    return Err(damaged);
                };
                out.resize(out.len() + 257 - usize::from(*length), *byte);
                behind
            }
        };
        if out.len() > limit {
            return Err(PdfError::TooLargeInflated { limit });
        }
    }
    Ok(out)
}

fn integer(parameters: &Dict, key: &[u8], otherwise: i64) -> i64 {
    let value = parameters.get(key).and_then(Object::as_integer);
    value.unwrap_or(otherwise)
}

/// Undoes the predictor (7.4.4.4).
fn unpredict(data: Vec<u8>, parameters: &Dict) -> Result<Vec<u8>, PdfError> {
    let damaged = || PdfError::FilterDamaged {
        filter: "Predictor",
    };
    let predictor = integer(parameters, b"Predictor", 1);
    if predictor == 1 {
        return Ok(data);
    }
    // Caps far above real pictures keep the products small.
    let bounded = |key, otherwise, most: usize| {
        let value = usize::try_from(integer(parameters, key, otherwise)).ok();
        value.filter(|value| (1..=most).contains(value))
    };
    let colors = bounded(b"Colors", 1, 64).ok_or_else(damaged)?;
    let bits = bounded(b"BitsPerComponent", 8, 16).ok_or_else(damaged)?;
    let columns = bounded(b"Columns", 1, 1 << 20).ok_or_else(damaged)?;
    let pixel = (colors * bits).div_ceil(8);
    let row = (colors * bits * columns).div_ceil(8);
    match predictor {
        2 if bits == 8 => Ok(tiff(data, row, pixel)),
        10..=15 => png(&data, row, pixel).ok_or_else(damaged),
        _ => Err(damaged()),
    }
}

fn tiff(mut data: Vec<u8>, row: usize, pixel: usize) -> Vec<u8> {
    for line in data.chunks_mut(row) {
        let mut left = vec![0_u8; pixel];
        for bytes in line.chunks_mut(pixel) {
            for (byte, left) in bytes.iter_mut().zip(&mut left) {
                *byte = byte.wrapping_add(*left);
                *left = *byte;
            }
        }
    }
    data
}

fn png(data: &[u8], row: usize, pixel: usize) -> Option<Vec<u8>> {
    let mut out = Vec::with_capacity(data.len());
    let mut above = vec![0_u8; row];
    for line in data.chunks(row + 1) {
        let (kind, coded) = line.split_first()?;
        // A last line may be short; what is missing in it does not matter.
        let mut current = vec![0_u8; row];
        for (i, byte) in coded.iter().enumerate() {
            let before = |line: &[u8]| {
                let i = i.checked_sub(pixel);
                i.and_then(|i| line.get(i)).copied().unwrap_or(0)
            };
            let left = before(&current);
            let up = above.get(i).copied().unwrap_or(0);
            let guess = match kind {
                0 => 0,
                1 => left,
                2 => up,
                3 => left.midpoint(up),
                4 => paeth(left, up, before(&above)),
                _ => return None,
            };
            *current.get_mut(i)? = byte.wrapping_add(guess);
        }
        out.extend(current.iter().take(coded.len()));
        above = current;
    }
    Some(out)
}

fn paeth(left: u8, up: u8, corner: u8) -> u8 {
    let guess = i16::from(left) + i16::from(up) - i16::from(corner);
    let distance = |value: u8| (guess - i16::from(value)).abs();
    if distance(left) <= distance(up) && distance(left) <= distance(corner) {
        left
    } else if distance(up) <= distance(corner) {
        up
    } else {
        corner
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn decoded(name: &[u8], data: &[u8]) -> Result<Vec<u8>, PdfError> {
        let step = Step {
            name: name.to_vec(),
            parameters: Dict::default(),
        };
        decode(data, &[step], 64)
    }

    #[test]
    fn the_text_filters_read_their_examples() {
        assert_eq!(decoded(b"ASCIIHexDecode", b"48 65 6>"), Ok(b"He`".to_vec()));
        assert_eq!(
            decoded(b"ASCII85Decode", b"87cUR D]i,\"Ebo80~>"),
            Ok(b"Hello World!".to_vec())
        );
        assert_eq!(
            decoded(b"ASCII85Decode", b"z5l~>"),
            Ok(vec![0, 0, 0, 0, 65])
        );
        assert_eq!(
            decoded(b"RunLengthDecode", b"\x01ab\xfec\x80zz"),
            Ok(b"abccc".to_vec())
        );
        // The example of ISO 32000-2, 7.4.4.2.
        assert_eq!(
            decoded(b"LZWDecode", b"\x80\x0b\x60\x50\x22\x0c\x0c\x85\x01"),
            Ok(vec![45, 45, 45, 45, 45, 65, 45, 45, 45, 66])
        );
    }

    #[test]
    fn an_expansion_beyond_the_limit_is_refused() {
        let too_large = Err(PdfError::TooLargeInflated { limit: 64 });
        assert_eq!(decoded(b"RunLengthDecode", b"\x81a"), too_large);
        assert_eq!(decoded(b"ASCII85Decode", &[b'z'; 17]), too_large);
        assert_eq!(
            decoded(b"DCTDecode", b""),
            Err(PdfError::UnsupportedFilter {
                name: "DCTDecode".to_owned()
            })
        );
        assert_eq!(
            decoded(b"FlateDecode", b"not zlib"),
            Err(PdfError::FilterDamaged {
                filter: "FlateDecode"
            })
        );
    }

    #[test]
    fn png_predictors_are_undone() {
        let number = |key: &[u8], value| (key.to_vec(), Object::Integer(value));
        let parameters = Dict::from_entries(vec![number(b"Predictor", 12), number(b"Columns", 3)]);
        let rows = [
            &[0, 1, 2, 3][..],
            &[1, 1, 1, 1],
            &[2, 1, 1, 1],
            &[3, 1, 1, 1],
            &[4, 1, 1],
        ];
        assert_eq!(
            unpredict(rows.concat(), &parameters.unwrap()),
            Ok(vec![1, 2, 3, 1, 2, 3, 2, 3, 4, 2, 3, 4, 3, 4])
        );
    }
}
