//! The look-up code of a result: 80 random bits as 16 Crockford base32 characters.
//!
//! It is printed under the symbol in groups of four (the identifier of NĐ 45/2020 Đ18) and bound to the
//! credential as COSE `external_aad`. It is a look-up code, not a secret.

use std::fmt;

const ALPHABET: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";

/// Identifier of one issued result.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct ResultId([u8; 10]);

/// The text is not a look-up code.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[error("a look-up code has 16 characters of 0-9 and A-Z without I, L, O and U")]
pub struct InvalidResultId;

impl ResultId {
    /// Characters of the text form.
    pub const LEN: usize = 16;

    /// An id of these 80 bits.
    #[must_use]
    pub const fn from_bytes(bytes: [u8; 10]) -> Self {
        Self(bytes)
    }

    /// The 80 bits: the `external_aad` of the credential.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8; 10] {
        &self.0
    }

    /// Reads the one canonical spelling: 16 upper-case characters.
    ///
    /// # Errors
    /// [`InvalidResultId`] for anything else.
    pub fn parse(text: &str) -> Result<Self, InvalidResultId> {
        if text.len() != Self::LEN {
            return Err(InvalidResultId);
        }
        let mut bits: u128 = 0;
        for c in text.bytes() {
            let value = ALPHABET
                .iter()
                .position(|a| *a == c)
                .ok_or(InvalidResultId)?;
            bits = bits << 5 | value as u128;
        }
        let mut out = [0; 10];
        out.copy_from_slice(&bits.to_be_bytes()[6..]);
        Ok(Self(out))
    }

    /// Reads what a person typed: any case, spaces and hyphens anywhere, I and L for 1, O for 0.
    ///
    /// # Errors
    /// [`InvalidResultId`] when that does not give 16 characters of the alphabet.
    pub fn parse_typed(text: &str) -> Result<Self, InvalidResultId> {
        let spelled: String = text
            .chars()
            .filter(|c| !c.is_whitespace() && *c != '-' && *c != '·')
            .map(|c| match c.to_ascii_uppercase() {
                'I' | 'L' => '1',
                'O' => '0',
                other => other,
            })
            .collect();
        Self::parse(&spelled)
    }

    /// `7K3M 9QX2 TB4C 5D6E`: how it is printed.
    #[must_use]
    pub fn grouped(&self) -> String {
        let text = self.to_string();
        [&text[..4], &text[4..8], &text[8..12], &text[12..]].join(" ")
    }
}

impl fmt::Display for ResultId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let bits = self
            .0
            .iter()
            .fold(0_u128, |bits, byte| bits << 8 | u128::from(*byte));
        for place in (0..Self::LEN).rev() {
            let value = (bits >> (5 * place)) & 31;
            write!(f, "{}", char::from(ALPHABET[value as usize]))?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_has_one_canonical_spelling() {
        let id = ResultId::parse("7K3M9QX2TB4C5D6E").unwrap();
        assert_eq!(id.to_string(), "7K3M9QX2TB4C5D6E");
        assert_eq!(id.grouped(), "7K3M 9QX2 TB4C 5D6E");
        assert_eq!(ResultId::parse("7k3m9qx2tb4c5d6e"), Err(InvalidResultId));
        assert_eq!(
            ResultId::from_bytes([0xff; 10]).to_string(),
            "ZZZZZZZZZZZZZZZZ"
        );
    }

    #[test]
    fn a_typed_code_forgives_case_spaces_and_look_alikes() {
        let id = ResultId::parse("1K3M9QX2TB4C5D60").unwrap();
        assert_eq!(ResultId::parse_typed(" lk3m-9qx2 tb4c 5d6o "), Ok(id));
        assert_eq!(ResultId::parse_typed("7K3M"), Err(InvalidResultId));
    }
}
