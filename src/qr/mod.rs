//! QR Code symbols: text to modules, modules to pictures, and both ways back.
//!
//! QR Code Model 2 by ISO/IEC 18004:2006 (TCVN 7322:2009), error correction level M: level Q buys no
//! reading distance and makes the symbol larger. Clauses, tables and annexes named in this module are those
//! of the 2006 edition.
//!
//! ```text
//! text ─ segment ─ bits ─ Reed-Solomon ─ placement ─ mask ──► Symbol ──► render: PNG, SVG, PDF, terminal
//!        (crate `qrcode` from bits to placement)                 │
//! text ◄─ segments ◄─ check ◄─ de-interleave ◄─ unmask ◄─────────┘ read_back: own tables, shares no code
//!
//! photo ──► read::picture ──► texts (crate `rxing`)
//! ```
//!
//! **Invariants:** a [`Symbol`] is as small as its text allows; its mask is the one with the fewest
//! penalty points; [`Symbol::read_back`] gives its text back, and would refuse it if a single module were
//! different. Nothing is issued that was not read back: [`Symbol::for_issue`].

#![deny(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::as_conversions,
    clippy::panic
)]
#![cfg_attr(
    test,
    allow(
        clippy::indexing_slicing,
        reason = "a test that leaves its bounds fails"
    )
)]
// `clippy::arithmetic_side_effects` is left out: coordinates are below 200 and text lengths below 8,000,
// and checked arithmetic would bury the formulas of the standard.

mod mask;
mod matrix;
pub mod read;
mod read_back;
pub mod render;
mod segment;

pub use read_back::Fault;

use matrix::Matrix;
use qrcode::EcLevel;
use qrcode::bits::Bits;
use qrcode::canvas::{Canvas, Module};
use qrcode::types::Version;
use segment::{CountBits, Mode, Segment};

/// The largest version of a credential: 81 modules. With 0.5 mm modules and quiet zone it is 45 mm wide,
/// and a phone at arm's length resolves it; denser symbols do not read in the field.
pub const MAX_VERSION: u8 = 16;

/// The largest version that the standard has (clause 5.3): 177 modules.
pub const LARGEST_VERSION: u8 = 40;

/// Light modules that surround the symbol on each side (clause 5.3).
pub const QUIET_ZONE: u8 = 4;

/// Why there is no symbol, or why it is not the text's symbol.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum QrError {
    /// The text needs a larger symbol than is allowed.
    #[error("the text needs {bits} bits; version {max_version} at level M holds {capacity}")]
    TooLong {
        /// Bits that the text needs: modes, lengths and characters.
        bits: usize,
        /// Bits that the largest allowed symbol holds.
        capacity: usize,
        /// The largest version that was allowed.
        max_version: u8,
    },
    /// The encoder contradicted its own tables: a defect, never the text's fault.
    #[error("the encoder failed")]
    Encoder(#[source] qrcode::types::QrError),
    /// The modules are not a symbol without a fault.
    #[error("the symbol does not read back")]
    ReadBack(#[from] Fault),
    /// The modules carry another text than was asked for.
    #[error("the symbol reads back as another text")]
    OtherText,
}

/// A symbol without its quiet zone: `size` × `size` modules, dark or light.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Symbol {
    version: u8,
    mask: u8,
    modules: Matrix,
}

impl Symbol {
    /// The smallest symbol for a text. ASCII is split into numeric, alphanumeric and byte segments so that
    /// it takes the fewest bits; a text with other characters is announced as UTF-8 (ECI 26).
    ///
    /// # Errors
    /// [`QrError::TooLong`] when version 40 does not hold it.
    pub fn encode(text: &str) -> Result<Self, QrError> {
        Self::encode_within(text, LARGEST_VERSION)
    }

    /// As [`Self::encode`], in no larger version than `max_version`.
    ///
    /// # Errors
    /// [`QrError::TooLong`] with the bits needed and the bits that `max_version` has.
    pub fn encode_within(text: &str, max_version: u8) -> Result<Self, QrError> {
        let plan = Plan::smallest(text, max_version.clamp(1, LARGEST_VERSION))?;
        let drawn = plan.draw().map_err(QrError::Encoder)?;
        let (mask, modules) = mask::choose(&drawn);
        Ok(Self {
            version: plan.version,
            mask,
            modules,
        })
    }

    /// The symbol of a credential: at most [`MAX_VERSION`], and read back before it is handed out.
    ///
    /// # Errors
    /// [`QrError::TooLong`] for a text that does not fit; the others tell of a defect in the encoder.
    pub fn for_issue(text: &str) -> Result<Self, QrError> {
        let symbol = Self::encode_within(text, MAX_VERSION)?;
        if symbol.read_back()? == text {
            Ok(symbol)
        } else {
            Err(QrError::OtherText)
        }
    }

    /// Decodes the modules again, with code that shares nothing with the encoder.
    ///
    /// Nothing is corrected: where the encoder is right, format and version information, every function
    /// pattern, every Reed-Solomon block, padding and remainder bits are without an error.
    ///
    /// # Errors
    /// [`QrError::ReadBack`] with the first [`Fault`].
    pub fn read_back(&self) -> Result<String, QrError> {
        Ok(read_back::text(&self.modules)?)
    }

    /// The version, 1 to 40.
    #[must_use]
    pub fn version(&self) -> u8 {
        self.version
    }

    /// The reference of the data mask pattern, 0 to 7 (Table 10).
    #[must_use]
    pub fn mask(&self) -> u8 {
        self.mask
    }

    /// Modules along a side, without the quiet zone: 21 to 177.
    #[must_use]
    pub fn size(&self) -> usize {
        self.modules.size().into()
    }

    /// Whether the module in column `x` from the left and row `y` from the top is dark. Everything outside
    /// the symbol is light.
    #[must_use]
    pub fn is_dark(&self, x: usize, y: usize) -> bool {
        self.modules.get(x, y)
    }
}

/// A symbol before masking.
struct Drawn {
    /// Function patterns and unmasked data; the format information is still light.
    modules: Matrix,
    /// Where data and remainder bits stand: what a mask may invert.
    free: Matrix,
}

/// What is written into which version.
struct Plan<'a> {
    version: u8,
    /// Whether the bytes are announced as UTF-8 (clause 6.4.2, ECI assignment 000026).
    utf8: bool,
    segments: Vec<Segment<'a>>,
}

impl<'a> Plan<'a> {
    const ECI_UTF8: u32 = 26;
    /// Mode indicator and a one-byte designator (Tables 2 and 4).
    const ECI_BITS: usize = 4 + 8;

    fn smallest(text: &'a str, max_version: u8) -> Result<Self, QrError> {
        let utf8 = !text.is_ascii();
        let extra = if utf8 { Self::ECI_BITS } else { 0 };
        // No character takes less than a digit: a text that fails on this needs no search.
        let at_least = extra + text.len() * 10 / 3;
        let mut bits = at_least;
        for counts in CountBits::CLASSES {
            let versions = counts.first_version..=counts.last_version.min(max_version);
            let largest = *versions.end();
            if versions.is_empty() || at_least > capacity(largest)? {
                continue;
            }
            let (segments, needed) = segment::split(text.as_bytes(), &counts);
            bits = extra + needed;
            for version in versions {
                if bits <= capacity(version)? {
                    return Ok(Self {
                        version,
                        utf8,
                        segments,
                    });
                }
            }
        }
        Err(QrError::TooLong {
            bits,
            capacity: capacity(max_version)?,
            max_version,
        })
    }

    /// Data codewords, error correction codewords and their places (clauses 6.4 to 6.7).
    fn draw(&self) -> Result<Drawn, qrcode::types::QrError> {
        let version = Version::Normal(self.version.into());
        let mut bits = Bits::new(version);
        if self.utf8 {
            bits.push_eci_designator(Self::ECI_UTF8)?;
        }
        for segment in &self.segments {
            match segment.mode {
                Mode::Numeric => bits.push_numeric_data(segment.bytes)?,
                Mode::Alphanumeric => bits.push_alphanumeric_data(segment.bytes)?,
                Mode::Byte => bits.push_byte_data(segment.bytes)?,
            }
        }
        bits.push_terminator(EcLevel::M)?;
        let (data, correction) =
            qrcode::ec::construct_codewords(&bits.into_bytes(), version, EcLevel::M)?;
        let mut canvas = Canvas::new(version, EcLevel::M);
        canvas.draw_all_functional_patterns();
        canvas.draw_data(&data, &correction);

        let mut modules = Matrix::light(self.version);
        let mut free = Matrix::light(self.version);
        for (x, y) in modules.places() {
            // Below 177, so the conversion holds; the crate counts in i16.
            let at = |place: usize| i16::try_from(place).unwrap_or(i16::MAX);
            match canvas.get(at(x), at(y)) {
                Module::Masked(color) => modules.set(x, y, color == qrcode::Color::Dark),
                Module::Unmasked(color) => {
                    modules.set(x, y, color == qrcode::Color::Dark);
                    free.set(x, y, true);
                }
                // Remainder bits: the symbol has up to seven modules more than codewords (Table 1).
                Module::Empty => free.set(x, y, true),
            }
        }
        Ok(Drawn { modules, free })
    }
}

/// Data bits of a version at level M (Table 7).
fn capacity(version: u8) -> Result<usize, QrError> {
    Bits::new(Version::Normal(version.into()))
        .max_len(EcLevel::M)
        .map_err(QrError::Encoder)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const URL: &str = "HTTPS://QR.DANANG.GOV.VN/7K3M9QX2TB4C5D6E#";

    /// Digits of `payload` bytes: 17 for each 7, and 3, 5, 8, 10, 13 or 15 for the rest.
    fn digits(payload: usize) -> String {
        let tail = [0, 3, 5, 8, 10, 13, 15][payload % 7];
        "8".repeat(payload / 7 * 17 + tail)
    }

    #[test]
    fn a_badge_fits_the_versions_of_the_budget() {
        // The version byte stands before the COSE message: 214 and 250 bytes of COSE are 215 and 251 here.
        let expected = [
            (187, 11),
            (214, 11),
            (215, 11),
            (217, 12),
            (250, 12),
            (251, 12),
        ];
        for (payload, version) in expected {
            let symbol = Symbol::for_issue(&format!("{URL}{}", digits(payload))).unwrap();
            assert_eq!(symbol.version(), version, "{payload} bytes");
            assert_eq!(symbol.size(), 17 + 4 * usize::from(version));
        }
    }

    #[test]
    fn a_text_for_a_larger_symbol_than_allowed_is_refused_with_its_bits() {
        // Version 16 at level M holds 3,624 bits (Table 7).
        let fits = format!("{URL}{}", "1".repeat(1_001));
        assert_eq!(Symbol::for_issue(&fits).unwrap().version(), 16);
        let too_long = format!("{URL}{}", "1".repeat(1_002));
        assert_eq!(
            Symbol::for_issue(&too_long),
            Err(QrError::TooLong {
                bits: 3_625,
                capacity: 3_624,
                max_version: 16
            })
        );
        assert_eq!(Symbol::encode(&too_long).unwrap().version(), 17);
        assert_eq!(
            Symbol::encode(&"1".repeat(100_000)),
            Err(QrError::TooLong {
                bits: 333_333,
                capacity: 18_672,
                max_version: 40
            })
        );
    }

    #[test]
    fn the_empty_text_and_the_longest_texts_of_version_40_read_back() {
        let longest = [
            "",
            &"1".repeat(5_596),
            &"A".repeat(3_391),
            &"a".repeat(2_331),
        ];
        for text in longest {
            let symbol = Symbol::encode(text).unwrap();
            assert_eq!(symbol.read_back().as_deref(), Ok(text));
        }
        // One more is too much: Table 7, version 40, level M.
        for one_more in ["1".repeat(5_597), "A".repeat(3_392), "a".repeat(2_332)] {
            let error = Symbol::encode(&one_more).unwrap_err();
            assert!(
                matches!(
                    error,
                    QrError::TooLong {
                        max_version: 40,
                        ..
                    }
                ),
                "{error}"
            );
        }
    }

    #[test]
    fn every_version_reads_back() {
        for version in 1..=LARGEST_VERSION {
            let characters = (capacity(version).unwrap() - 4 - 16) / 8;
            let text = "a".repeat(characters);
            let symbol = Symbol::encode(&text).unwrap();
            assert_eq!(symbol.version(), version);
            assert_eq!(symbol.read_back(), Ok(text));
        }
    }

    #[test]
    fn a_text_beyond_ascii_is_announced_as_utf_8() {
        let text = "Phù hiệu xe Ví Dụ 2026";
        let symbol = Symbol::encode(text).unwrap();
        assert_eq!(symbol.read_back().as_deref(), Ok(text));
        // 12 bits of ECI, a header of 12 and 27 bytes.
        assert_eq!(text.len(), 28);
        assert_eq!(symbol.version(), 3);
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        #[test]
        fn any_ascii_text_reads_back(text in "[ -~\n]{0,700}") {
            let symbol = Symbol::encode(&text).unwrap();
            prop_assert_eq!(symbol.read_back(), Ok(text));
        }

        #[test]
        fn any_text_reads_back(text in "\\PC{0,200}") {
            let symbol = Symbol::encode(&text).unwrap();
            prop_assert_eq!(symbol.read_back(), Ok(text));
        }

        #[test]
        fn any_credential_reads_back(
            host in "[A-Z0-9]{1,12}(\\.[A-Z0-9]{1,10}){1,3}",
            id in "[0-9A-HJKMNP-TV-Z]{16}",
            digits in "[0-9]{100,900}",
        ) {
            let text = format!("HTTPS://{host}/{id}#{digits}");
            let symbol = Symbol::for_issue(&text).unwrap();
            prop_assert_eq!(symbol.read_back(), Ok(text));
        }
    }
}
