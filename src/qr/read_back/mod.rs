//! The decoder that every issued symbol passes: modules to text, nothing corrected, nothing tolerated.
//!
//! It was written from the standard, not from the encoder: it has its own tables, finds the data region by
//! geometry, checks blocks by syndromes where the encoder divides polynomials, and compares the format
//! information with the table of the standard where the encoder computes it. What both get right is right.
//! A scanner in the field corrects errors; here one wrong module is a [`Fault`].

mod blocks;
mod geometry;
mod segments;

use super::matrix::Matrix;
use geometry::Geometry;

/// What is wrong with a symbol.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub enum Fault {
    /// The side is not `17 + 4 × version` modules (clause 5.3).
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
    /// What follows the last segment is not terminator, zeros and the pad codewords (clauses 6.4.9, 6.4.10).
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
    let data = blocks::checked_data(&codewords, geometry.version)?;
    segments::text(&data, geometry.version)
}

#[cfg(test)]
mod tests {
    use super::geometry::Role;
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
            let step = if version == 11 { 7 } else { 1 };
            for (x, y) in symbol.modules.places().step_by(step) {
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
}
