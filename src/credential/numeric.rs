//! The numeric form of bytes, made for QR codes.
//!
//! QR numeric mode spends 10 bits on 3 digits. 7 bytes (56 bits) become 17 digits (56.67 bits): 98.8 %.
//! A tail of 1 to 6 bytes becomes 3, 5, 8, 10, 13 or 15 digits, all distinct lengths. Each group is the
//! big-endian number of its bytes, filled with zeros on the left.
//!
//! **Invariant:** [`decode`] accepts exactly what [`encode`] makes. Every other text is an error, so one
//! credential has one spelling and the log can be searched by it.
//!
//! Specified in docs/formats/numeric-url.md.

use super::NumericError;

/// Bytes and digits of a whole group.
const GROUP_BYTES: usize = 7;
const GROUP_DIGITS: usize = 17;

/// Digits of a tail by its bytes: the fewest that hold every value.
const TAIL_DIGITS: [usize; 7] = [0, 3, 5, 8, 10, 13, 15];

/// The digits of `bytes`.
#[must_use]
pub fn encode(bytes: &[u8]) -> String {
    bytes.chunks(GROUP_BYTES).map(encode_group).collect()
}

fn encode_group(bytes: &[u8]) -> String {
    let number = bytes
        .iter()
        .fold(0_u64, |number, byte| number << 8 | u64::from(*byte));
    let width = TAIL_DIGITS.get(bytes.len()).copied();
    format!("{number:0width$}", width = width.unwrap_or(GROUP_DIGITS))
}

/// The bytes that `digits` stand for.
///
/// # Errors
/// [`NumericError`] for every text that [`encode`] does not make.
pub fn decode(digits: &str) -> Result<Vec<u8>, NumericError> {
    if !digits.bytes().all(|digit| digit.is_ascii_digit()) {
        return Err(NumericError::NotADigit);
    }
    let mut bytes = Vec::new();
    for group in digits.as_bytes().chunks(GROUP_DIGITS) {
        decode_group(group, &mut bytes)?;
    }
    Ok(bytes)
}

fn decode_group(digits: &[u8], bytes: &mut Vec<u8>) -> Result<(), NumericError> {
    let length = if digits.len() == GROUP_DIGITS {
        GROUP_BYTES
    } else {
        let tail = TAIL_DIGITS.iter().position(|known| *known == digits.len());
        tail.ok_or(NumericError::TailLength)?
    };
    // 17 digits are below 2^57, so nothing here can overflow.
    let number = digits.iter().fold(0_u64, |number, digit| {
        let value = u64::from(digit.saturating_sub(b'0'));
        number.saturating_mul(10).saturating_add(value)
    });
    let all = number.to_be_bytes();
    let unused = all.len().saturating_sub(length);
    let (over, low) = all.split_at_checked(unused).unwrap_or_default();
    if over.iter().any(|byte| *byte != 0) {
        return Err(NumericError::NotCanonical);
    }
    bytes.extend_from_slice(low);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn groups_and_tails_have_the_lengths_of_the_specification() {
        let cases: [(&[u8], &str); 9] = [
            (&[], ""),
            (&[0], "000"),
            (&[255], "255"),
            (&[1, 0], "00256"),
            (&[255; 3], "16777215"),
            (&[255; 4], "4294967295"),
            (&[255; 5], "1099511627775"),
            (&[255; 6], "281474976710655"),
            (&[255; 7], "72057594037927935"),
        ];
        for (bytes, digits) in cases {
            assert_eq!(encode(bytes), digits);
            assert_eq!(decode(digits), Ok(bytes.to_vec()));
        }
        assert_eq!(encode(&[0, 0, 0, 0, 0, 0, 1, 2]), "00000000000000001002");
    }

    #[test]
    fn digits_that_no_encoder_makes_are_told_apart() {
        let cases = [
            ("256", NumericError::NotCanonical),
            ("65536", NumericError::NotCanonical),
            ("72057594037927936", NumericError::NotCanonical),
            ("99999999999999999", NumericError::NotCanonical),
            ("1", NumericError::TailLength),
            ("000000000000000001", NumericError::TailLength),
            ("12a", NumericError::NotADigit),
            ("+12", NumericError::NotADigit),
            ("１２３", NumericError::NotADigit),
        ];
        for (digits, error) in cases {
            assert_eq!(decode(digits), Err(error), "{digits}");
        }
    }

    proptest! {
        #[test]
        fn decoding_encoded_bytes_gives_them_back(
            bytes in prop::collection::vec(any::<u8>(), 0..512)
        ) {
            prop_assert_eq!(decode(&encode(&bytes)), Ok(bytes));
        }

        #[test]
        fn digits_that_are_accepted_are_the_digits_of_their_bytes(digits in "[0-9]{0,60}") {
            if let Ok(bytes) = decode(&digits) {
                prop_assert_eq!(encode(&bytes), digits);
            }
        }
    }
}
