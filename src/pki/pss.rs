//! RSASSA-PSS with a salt of any length (RFC 8017 §8.1.2 and §9.1.2).
//!
//! ring and aws-lc check only salts as long as the digest. pyHanko and Java sign with the longest salt that
//! fits, and such files exist, so this checks what they do not. Everything here is public: nothing needs
//! constant time.

use super::asn1::{Broken, INTEGER, Reader, SEQUENCE};
use super::scheme::Hash;
use x509_parser::der_parser::num_bigint::BigUint;

/// Bits of a public exponent: real ones have 17, longer ones only cost time (ring draws the line here too).
const EXPONENT_BITS: u64 = 33;

/// Whether `signature` is the signature of `message` by a PKCS#1 `RSAPublicKey`, made with `hash`, MGF1 with
/// the same, and a salt of `salt` bytes.
pub(super) fn verifies(
    key: &[u8],
    hash: Hash,
    salt: usize,
    message: &[u8],
    signature: &[u8],
) -> bool {
    read_key(key)
        .ok()
        .and_then(|(modulus, exponent)| {
            let bits = usize::try_from(modulus.bits()).ok()?;
            let encoded = recover(&modulus, &exponent, bits, signature)?;
            matches(&encoded, bits.checked_sub(1)?, hash, salt, message)
        })
        .is_some()
}

fn read_key(key: &[u8]) -> Result<(BigUint, BigUint), Broken> {
    let mut numbers = Reader::new(key).expect(SEQUENCE)?.inside();
    let mut number = || {
        let digits = numbers.expect(INTEGER)?.content;
        Ok(BigUint::from_bytes_be(digits))
    };
    let (modulus, exponent) = (number()?, number()?);
    if modulus.bits() < 2 || exponent.bits() < 2 || exponent.bits() > EXPONENT_BITS {
        return Err(Broken);
    }
    Ok((modulus, exponent))
}

/// RSAVP1: the encoded message, one bit shorter than the modulus.
fn recover(
    modulus: &BigUint,
    exponent: &BigUint,
    bits: usize,
    signature: &[u8],
) -> Option<Vec<u8>> {
    let value = BigUint::from_bytes_be(signature);
    if signature.len() != bits.div_ceil(8) || value >= *modulus {
        return None;
    }
    let digits = value.modpow(exponent, modulus).to_bytes_be();
    let length = bits.checked_sub(1)?.div_ceil(8);
    let mut encoded = vec![0; length.checked_sub(digits.len())?];
    encoded.extend_from_slice(&digits);
    Some(encoded)
}

/// EMSA-PSS-VERIFY.
///
/// ```text
/// EM = ( 00 … 00 01 salt ) xor MGF1(H)  ‖  H  ‖  bc        H = hash(00×8 ‖ hash(message) ‖ salt)
/// ```
fn matches(encoded: &[u8], bits: usize, hash: Hash, salt: usize, message: &[u8]) -> Option<()> {
    let (rest, trailer) = encoded.split_at_checked(encoded.len().checked_sub(1)?)?;
    let (masked, digest) = rest.split_at_checked(rest.len().checked_sub(hash.length())?)?;
    let mut block: Vec<u8> = masked
        .iter()
        .zip(mask(hash, digest, masked.len()))
        .map(|(masked, mask)| masked ^ mask)
        .collect();
    // The bits of the first byte that the modulus leaves no room for.
    let unused = encoded.len().checked_mul(8)?.checked_sub(bits)?;
    let used = 0xff_u8.checked_shr(u32::try_from(unused).ok()?)?;
    let first = block.first_mut()?;
    if masked.first()? & !used != 0 {
        return None;
    }
    *first &= used;
    let (padding, salt) = block.split_at_checked(block.len().checked_sub(salt)?)?;
    let (one, zeros) = padding.split_last()?;
    let expected = hash.of(&[&[0; 8], &hash.of(&[message]), salt]);
    let holds =
        trailer == [0xbc] && *one == 1 && zeros.iter().all(|byte| *byte == 0) && expected == digest;
    holds.then_some(())
}

/// MGF1 (RFC 8017 appendix B.2.1).
fn mask(hash: Hash, seed: &[u8], length: usize) -> Vec<u8> {
    (0_u32..)
        .flat_map(|counter| hash.of(&[seed, &counter.to_be_bytes()]))
        .take(length)
        .collect()
}
