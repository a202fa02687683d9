//! Reed-Solomon blocks: interleaving undone, every block without an error (clauses 6.5 and 6.6, Annex A).

use super::Fault;

/// Undoes the interleaving of clause 6.6 and hands out the data codewords of blocks without an error.
pub(super) fn checked_data(codewords: &[u8], version: u8) -> Result<Vec<u8>, Fault> {
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
