//! Text of our own on a page: a subset of an embedded font, as PDF/A wants it.
//!
//! One subset becomes five objects (ISO 32000-2 §9.7, §9.8, §9.9, §9.10.3):
//!
//! ```text
//! Type0 ── Identity-H ── CIDFontType2 ── FontDescriptor ── FontFile2 (subset TrueType)
//!   └──── ToUnicode                └── W, CIDToGIDMap Identity
//! ```
//!
//! **Invariants:** every text is set in NFC, so that each Vietnamese letter is one glyph with its marks where
//! the type designer put them; a character without a glyph is an error and never a box; equal texts give
//! equal bytes.

use super::object::ObjRef;
use super::pack::Packed;
use super::writer::Update;
use crate::digest::{self, Sha256};
use crate::nfc;
use skrifa::charmap::Charmap;
use skrifa::instance::{LocationRef, Size};
use skrifa::metrics::GlyphMetrics;
use skrifa::raw::TableProvider as _;
use skrifa::{FontRef, MetadataProvider};
use std::collections::{BTreeMap, HashMap};
use std::fmt::Write;
use std::sync::{Arc, LazyLock, Mutex, PoisonError};
use subsetter::GlyphRemapper;

/// A font that comes with the program; see `src/pdf/fonts/README.md`.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum Typeface {
    /// Liberation Sans: captions.
    Sans,
    /// Liberation Mono: look-up codes.
    Mono,
}

impl Typeface {
    fn file(self) -> &'static [u8] {
        match self {
            Self::Sans => include_bytes!("fonts/LiberationSans-Regular.ttf"),
            Self::Mono => include_bytes!("fonts/LiberationMono-Regular.ttf"),
        }
    }

    fn name(self) -> &'static str {
        match self {
            Self::Sans => "LiberationSans",
            Self::Mono => "LiberationMono",
        }
    }

    /// /Flags of ISO 32000-2 table 121: nonsymbolic is bit 6, fixed pitch bit 1.
    fn flags(self) -> u32 {
        match self {
            Self::Sans => 1 << 5,
            Self::Mono => 1 << 5 | 1,
        }
    }
}

/// Why a text cannot be set.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum FontError {
    /// The font has no glyph for this character.
    #[error("no glyph for U+{:04X}", u32::from(*.0))]
    NoGlyph(char),
    /// The font file is not as expected; can only happen to a build with another file.
    #[error("the built-in font cannot be used")]
    Unusable,
}

/// What look-up codes are written with. Every subset begins with them, so that all papers of one
/// installation share their subsets: to cut and pack one takes longer than everything else in a stamp.
const OF_CODES: &str = "0123456789ABCDEFGHJKMNPQRSTVWXYZ ";

/// Subsets that are remembered: two for each name of a system and its owner.
const CUTS: usize = 64;

/// A font file, packed.
struct Cut {
    name: String,
    /// Its length before it was packed.
    bytes: usize,
    program: Packed,
    unicode: Packed,
    /// Which glyphs it has ([`cid_set`]).
    glyphs: Packed,
    /// `1 [556 500 …]`: widths from glyph 1 on without a gap.
    widths: String,
}

/// Subsets cut so far, by their characters in the order of their codes. They depend on nothing else.
static KNOWN: LazyLock<Mutex<Cuts>> = LazyLock::new(Mutex::default);

type Cuts = HashMap<(Typeface, String), Arc<Cut>>;

/// A font file opened once. Nothing of it depends on a document.
struct Face {
    font: FontRef<'static>,
    charmap: Charmap<'static>,
    advances: GlyphMetrics<'static>,
    /// Thousandths of the type size in one unit of the font file.
    per_unit: f64,
    /// By character: glyph and width of those that Vietnamese papers use ([`nfc::ALPHABET`]).
    usual: Vec<Option<(u16, f64)>>,
}

static SANS: LazyLock<Option<Face>> = LazyLock::new(|| Face::open(Typeface::Sans));
static MONO: LazyLock<Option<Face>> = LazyLock::new(|| Face::open(Typeface::Mono));

impl Face {
    fn open(typeface: Typeface) -> Option<Self> {
        let font = FontRef::new(typeface.file()).ok()?;
        let (size, location) = (Size::unscaled(), LocationRef::default());
        let units = font.metrics(size, location).units_per_em;
        let mut face = Self {
            charmap: font.charmap(),
            advances: font.glyph_metrics(size, location),
            per_unit: 1000.0 / f64::from(units.max(1)),
            font,
            usual: Vec::new(),
        };
        let mut usual = Vec::new();
        for character in nfc::ALPHABET.into_iter().flatten() {
            let place = usize::try_from(u32::from(character)).ok()?;
            usual.resize(place, None);
            usual.push(face.look_up(character));
        }
        face.usual = usual;
        Some(face)
    }

    /// Its glyph, and its width in thousandths of the type size.
    fn glyph(&self, character: char) -> Result<(u16, f64), FontError> {
        let place = usize::try_from(u32::from(character)).ok();
        let known = place.and_then(|place| self.usual.get(place).copied().flatten());
        let found = known.or_else(|| self.look_up(character));
        found.ok_or(FontError::NoGlyph(character))
    }

    fn look_up(&self, character: char) -> Option<(u16, f64)> {
        let id = self.charmap.map(character)?;
        let advance = self.advances.advance_width(id)?;
        let number = u16::try_from(id.to_u32()).ok()?;
        Some((number, f64::from(advance) * self.per_unit))
    }
}

/// The glyphs used of one typeface.
pub struct Subset {
    typeface: Typeface,
    face: &'static Face,
    glyphs: GlyphRemapper,
    /// By glyph of the subset: its character and width in thousandths of the type size.
    used: BTreeMap<u16, (char, f64)>,
}

impl Subset {
    /// Nothing used yet.
    ///
    /// # Errors
    /// [`FontError::Unusable`].
    pub fn new(typeface: Typeface) -> Result<Self, FontError> {
        let face = match typeface {
            Typeface::Sans => SANS.as_ref(),
            Typeface::Mono => MONO.as_ref(),
        };
        let mut subset = Self {
            typeface,
            face: face.ok_or(FontError::Unusable)?,
            glyphs: GlyphRemapper::new(),
            used: BTreeMap::new(),
        };
        subset.show(OF_CODES)?;
        Ok(subset)
    }

    /// The width of a text at type size 1, in the same unit.
    ///
    /// # Errors
    /// [`FontError::NoGlyph`].
    pub fn width(&self, text: &str) -> Result<f64, FontError> {
        let mut thousandths = 0.0;
        for character in nfc::of(text).chars() {
            thousandths += self.face.glyph(character)?.1;
        }
        Ok(thousandths / 1000.0)
    }

    /// The operand of `Tj` for a text, and takes its glyphs into the subset.
    ///
    /// # Errors
    /// [`FontError::NoGlyph`].
    pub fn show(&mut self, text: &str) -> Result<String, FontError> {
        let mut operand = String::with_capacity(4 * text.len() + 2);
        operand.push('<');
        for character in nfc::of(text).chars() {
            let (glyph, width) = self.face.glyph(character)?;
            let code = self.glyphs.remap(glyph);
            self.used.insert(code, (character, width));
            operand.push_str(&digest::hex(&code.to_be_bytes()));
        }
        operand.push('>');
        Ok(operand)
    }

    /// Adds the subset to a document; the reference is that of the Type0 font.
    ///
    /// # Errors
    /// [`FontError::Unusable`].
    pub fn embed(self, update: &mut Update<'_>) -> Result<ObjRef, FontError> {
        let cut = self.cut()?;
        let Cut {
            name,
            bytes,
            program: packed,
            unicode: map,
            glyphs,
            widths,
        } = cut.as_ref();
        let [font, descendant, descriptor, program, unicode, set] =
            std::array::from_fn(|_| update.reserve());
        let metrics = self
            .face
            .font
            .metrics(Size::unscaled(), LocationRef::default());
        let unit = self.face.per_unit;
        let scaled = |value: f32| (f64::from(value) * unit).round();
        let bounds = metrics.bounds.ok_or(FontError::Unusable)?;

        update.put(
            font,
            format!(
                "<< /Type /Font /Subtype /Type0 /BaseFont /{name} /Encoding /Identity-H \
                 /DescendantFonts [{descendant}] /ToUnicode {unicode} >>"
            )
            .into_bytes(),
        );
        update.put(
            descendant,
            format!(
                "<< /Type /Font /Subtype /CIDFontType2 /BaseFont /{name} \
                 /CIDSystemInfo << /Registry (Adobe) /Ordering (Identity) /Supplement 0 >> \
                 /FontDescriptor {descriptor} /CIDToGIDMap /Identity /DW 0 /W [{widths}] >>"
            )
            .into_bytes(),
        );
        update.put(
            descriptor,
            format!(
                "<< /Type /FontDescriptor /FontName /{name} /Flags {} /FontBBox [{} {} {} {}] \
                 /ItalicAngle 0 /Ascent {} /Descent {} /CapHeight {} /StemV 80 /FontFile2 {program} \
                 /CIDSet {set} >>",
                self.typeface.flags(),
                scaled(bounds.x_min),
                scaled(bounds.y_min),
                scaled(bounds.x_max),
                scaled(bounds.y_max),
                scaled(metrics.ascent),
                scaled(metrics.descent),
                scaled(metrics.cap_height.unwrap_or(metrics.ascent)),
            )
            .into_bytes(),
        );
        packed.put(update, program, &format!("/Length1 {bytes}"));
        map.put(update, unicode, "");
        glyphs.put(update, set, "");
        Ok(font)
    }

    /// The font file of this subset: cut now, or the last time that the same one was needed.
    fn cut(&self) -> Result<Arc<Cut>, FontError> {
        // A map of finished files is whole whenever its lock is given back.
        let known = || KNOWN.lock().unwrap_or_else(PoisonError::into_inner);
        let characters: String = self.used.values().map(|(character, _)| character).collect();
        let key = (self.typeface, characters);
        if let Some(cut) = known().get(&key) {
            return Ok(Arc::clone(cut));
        }
        let file = subsetter::subset(self.typeface.file(), 0, &self.glyphs)
            .map_err(|_| FontError::Unusable)?;
        let cut = Arc::new(Cut {
            name: format!("{}+{}", tag(&file), self.typeface.name()),
            bytes: file.len(),
            program: Packed::new(&file),
            unicode: Packed::new(self.to_unicode().as_bytes()),
            glyphs: Packed::new(&cid_set(&file)?),
            widths: self.widths(),
        });
        let mut known = known();
        if known.len() >= CUTS {
            known.clear();
        }
        known.insert(key, Arc::clone(&cut));
        Ok(cut)
    }

    fn widths(&self) -> String {
        let widths: Vec<String> = self
            .used
            .values()
            .map(|(_, width)| format!("{}", (width * 10.0).round() / 10.0))
            .collect();
        format!("1 [{}]", widths.join(" "))
    }

    /// The CMap that makes the text searchable (ISO 32000-2 §9.10.3): at most 100 lines in a block.
    fn to_unicode(&self) -> String {
        let mut map = String::from(
            "/CIDInit /ProcSet findresource begin\n12 dict begin\nbegincmap\n\
             /CIDSystemInfo << /Registry (Adobe) /Ordering (UCS) /Supplement 0 >> def\n\
             /CMapName /Adobe-Identity-UCS def\n/CMapType 2 def\n\
             1 begincodespacerange\n<0000> <FFFF>\nendcodespacerange\n",
        );
        let lines: Vec<_> = self.used.iter().collect();
        for block in lines.chunks(100) {
            let _ = writeln!(map, "{} beginbfchar", block.len());
            for (code, (character, _)) in block {
                let _ = write!(map, "<{code:04X}> <");
                for unit in character.encode_utf16(&mut [0; 2]) {
                    let _ = write!(map, "{unit:04X}");
                }
                map.push_str(">\n");
            }
            map.push_str("endbfchar\n");
        }
        map.push_str("endcmap\nCMapName currentdict /CMap defineresource pop\nend\nend\n");
        map
    }
}

/// One bit for each glyph of a subset, from glyph 0 on; the parts of composed glyphs count too. PDF/A-1 asks
/// for it (ISO 19005-1, 6.3.5), and later parts allow it if it is complete.
fn cid_set(file: &[u8]) -> Result<Vec<u8>, FontError> {
    let font = FontRef::new(file).map_err(|_| FontError::Unusable)?;
    let glyphs = font.maxp().map_err(|_| FontError::Unusable)?.num_glyphs();
    let mut set = vec![0xff; usize::from(glyphs / 8)];
    set.push(!(0xff_u16 >> (glyphs % 8)).to_be_bytes()[1]);
    Ok(set)
}

/// Six capitals that differ between subsets of one font (ISO 32000-2 §9.9.2), from the subset itself.
fn tag(file: &[u8]) -> String {
    let Sha256(digest) = Sha256::of(file);
    digest
        .iter()
        .take(6)
        .map(|byte| char::from(b'A' + byte % 26))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use unicode_normalization::UnicodeNormalization;

    /// Every Vietnamese letter with a mark, and what else a stamp says.
    const LETTERS: &str = "ÀÁÂÃÈÉÊÌÍÒÓÔÕÙÚÝàáâãèéêìíòóôõùúýĂăĐđĨĩŨũƠơƯưẠạẢảẤấẦầẨẩẪẫẬậẮắẰằẲẳẴẵẶặẸẹẺẻẼẽẾếỀềỂểỄễỆệỈỉỊịỌọỎỏỐốỒồỔổỖỗỘộỚớỜờỞởỠỡỢợỤụỦủỨứỪừỬửỮữỰựỲỳỴỵỶỷỸỹ·–₫";

    #[test]
    fn every_built_in_font_has_all_vietnamese_letters() {
        for typeface in [Typeface::Sans, Typeface::Mono] {
            let mut subset = Subset::new(typeface).unwrap();
            let shown = subset.show(LETTERS).unwrap();
            assert_eq!(shown.len(), 4 * LETTERS.chars().count() + 2);
        }
    }

    #[test]
    fn decomposed_text_is_set_with_the_same_glyphs() {
        let mut subset = Subset::new(Typeface::Sans).unwrap();
        let composed = subset.show("Quét mã để kiểm tra").unwrap();
        let decomposed: String = "Quét mã để kiểm tra".nfd().collect();
        assert_eq!(subset.show(&decomposed), Ok(composed));
        assert_eq!(
            subset.width(&decomposed),
            subset.width("Quét mã để kiểm tra")
        );
    }

    #[test]
    fn a_character_without_a_glyph_is_an_error() {
        let mut subset = Subset::new(Typeface::Sans).unwrap();
        assert_eq!(subset.show("mã 漢"), Err(FontError::NoGlyph('漢')));
        assert_eq!(subset.width("🚗"), Err(FontError::NoGlyph('🚗')));
    }
}
