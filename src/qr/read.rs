//! The texts of the symbols in a photo or screenshot that somebody sends.
//!
//! The picture is untrusted: its size is judged before it is decoded, detection works on at most
//! [`SCANNED_PIXELS`] pixels with a bounded number of candidates, and the reader (crate `rxing`), which
//! indexes and asserts freely, runs where a panic of it is an error of ours.

use crate::limits::{PICTURE_FILE, PICTURE_PIXELS};
use image::imageops::FilterType;
use image::{DynamicImage, GrayImage, ImageDecoder as _, ImageReader, Limits};
use rxing::common::{BitMatrix, DetectorRXingResult as _, HybridBinarizer};
use rxing::qrcode::cpp_port::decoder::Decode;
use rxing::qrcode::cpp_port::detector::{FindFinderPatterns, GenerateFinderPatternSets, SampleQR};
use rxing::{BinaryBitmap, Luma8Source};
use std::io::Cursor;
use std::panic::{AssertUnwindSafe, catch_unwind};

/// Why a picture gave no text.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// The file is longer than [`PICTURE_FILE`].
    #[error("the file has {bytes} bytes; at most {limit} are read")]
    FileTooLarge {
        /// Bytes of the file.
        bytes: usize,
        /// The cap.
        limit: usize,
    },
    /// The bytes begin neither like PNG nor like JPEG.
    #[error("neither PNG nor JPEG")]
    NotAPicture,
    /// It begins like a picture and cannot be decoded.
    #[error("the picture is damaged")]
    Damaged(#[source] image::ImageError),
    /// The picture has more pixels than [`PICTURE_PIXELS`].
    #[error("the picture has {pixels} pixels; at most {limit} are read")]
    TooManyPixels {
        /// Width times height, as the file says.
        pixels: u64,
        /// The cap.
        limit: u64,
    },
    /// No symbol was found that can be read.
    #[error("no readable QR code in the picture")]
    NoSymbol,
    /// The reader gave up on the picture in a way that it should not.
    #[error("the QR reader failed on the picture")]
    Reader,
}

impl ReadError {
    /// The stable code.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::FileTooLarge { .. } => "picture/too-large",
            Self::NotAPicture => "picture/not-a-picture",
            Self::Damaged(_) => "picture/damaged",
            Self::TooManyPixels { .. } => "picture/too-many-pixels",
            Self::NoSymbol => "picture/no-code",
            Self::Reader => "picture/not-readable",
        }
    }
}

/// Pixels that symbols are searched in; a larger picture is halved until it is under this. A 12 MP photo
/// (4000 × 3000) becomes 2000 × 1500; its middle is also looked at as it is.
pub const SCANNED_PIXELS: u64 = 4_500_000;

/// The texts of all readable QR symbols in a PNG or JPEG file, each once, the plainest find first.
///
/// Transparent pixels count as white. A symbol may be turned, mirrored, tilted, or light on dark.
///
/// # Errors
/// Whatever keeps it from giving at least one text: see [`ReadError`].
pub fn picture(bytes: &[u8]) -> Result<Vec<String>, ReadError> {
    let luma = decode(bytes)?;
    catch_unwind(AssertUnwindSafe(|| texts(luma)))
        .map_err(|_| ReadError::Reader)
        .and_then(|texts| {
            if texts.is_empty() {
                Err(ReadError::NoSymbol)
            } else {
                Ok(texts)
            }
        })
}

/// The brightness of each pixel over white.
fn decode(bytes: &[u8]) -> Result<DynamicImage, ReadError> {
    if bytes.len() > PICTURE_FILE {
        return Err(ReadError::FileTooLarge {
            bytes: bytes.len(),
            limit: PICTURE_FILE,
        });
    }
    let format = image::guess_format(bytes).map_err(|_| ReadError::NotAPicture)?;
    let mut reader = ImageReader::with_format(Cursor::new(bytes), format);
    let mut limits = Limits::default();
    // Eight bytes a pixel: 16-bit RGBA.
    limits.max_alloc = Some(8 * PICTURE_PIXELS);
    reader.limits(limits);
    let decoder = reader.into_decoder().map_err(broken)?;
    let (width, height) = decoder.dimensions();
    let pixels = u64::from(width) * u64::from(height);
    if pixels > PICTURE_PIXELS {
        return Err(ReadError::TooManyPixels {
            pixels,
            limit: PICTURE_PIXELS,
        });
    }
    let image = DynamicImage::from_decoder(decoder).map_err(broken)?;
    if !image.color().has_alpha() {
        return Ok(DynamicImage::ImageLuma8(image.into_luma8()));
    }
    let layered = image.into_luma_alpha8();
    let over_white = layered.pixels().map(|pixel| {
        let [luma, alpha] = pixel.0;
        let (luma, alpha) = (u16::from(luma), u16::from(alpha));
        u8::try_from((luma * alpha + 255 * (255 - alpha)) / 255).unwrap_or(u8::MAX)
    });
    let over_white = over_white.collect();
    let luma = GrayImage::from_raw(width, height, over_white).ok_or(ReadError::Reader)?;
    Ok(DynamicImage::ImageLuma8(luma))
}

fn broken(error: image::ImageError) -> ReadError {
    match error {
        image::ImageError::Unsupported(_) => ReadError::NotAPicture,
        other => ReadError::Damaged(other),
    }
}

/// What can be read at the first size and in the first polarity where anything can.
fn texts(mut picture: DynamicImage) -> Vec<String> {
    let pixels = |picture: &DynamicImage| u64::from(picture.width()) * u64::from(picture.height());
    let shorter_side = |picture: &DynamicImage| picture.width().min(picture.height());
    // People centre what they photograph: the middle, at full resolution, as large as what is scanned.
    let mut middle = None;
    while pixels(&picture) > SCANNED_PIXELS {
        middle = Some(middle_of(middle.as_ref().unwrap_or(&picture)));
        picture = halved(&picture);
    }
    if shorter_side(&picture) < SMALL {
        let (width, height) = (3 * picture.width(), 3 * picture.height());
        picture = picture.resize_exact(width, height, FilterType::Nearest);
    }
    let mut found = scan(&picture);
    if let (true, Some(middle)) = (found.is_empty(), middle) {
        found = scan(&middle);
    }
    // Grain and moiré vanish when a picture shrinks.
    let mut smaller = halved(&picture);
    while found.is_empty() && shorter_side(&smaller) >= SMALL {
        found = scan(&smaller);
        smaller = halved(&smaller);
    }
    if found.is_empty() {
        picture.invert();
        found = scan(&picture);
    }
    found
}

/// A shorter side than this, in pixels, is a cut-out at one or two pixels a module; detection wants three.
const SMALL: u32 = 200;

/// Half as wide and high, without what is around it.
fn middle_of(picture: &DynamicImage) -> DynamicImage {
    let (width, height) = (picture.width(), picture.height());
    picture.crop_imm(width / 4, height / 4, width.div_ceil(2), height.div_ceil(2))
}

/// Half as wide and high, a pixel being the mean of four.
fn halved(picture: &DynamicImage) -> DynamicImage {
    picture.thumbnail_exact(picture.width().div_ceil(2), picture.height().div_ceil(2))
}

/// Sets of three finder patterns that are looked at, the most plausible first. A photo of a document has
/// some ten; a picture tiled with finder patterns has millions.
const CANDIDATES: usize = 256;

/// Finder patterns that are combined, the largest first.
const PATTERNS: usize = 1_024;

/// Pixels of the smallest module that is looked for: below it nothing reads, and noise is full of patterns.
const SMALLEST_MODULE: u32 = 2;

fn scan(picture: &DynamicImage) -> Vec<String> {
    let (width, height) = (picture.width(), picture.height());
    let Ok(source) = Luma8Source::new_with_slice(picture.as_bytes(), width, height) else {
        return Vec::new();
    };
    let bitmap = BinaryBitmap::new(HybridBinarizer::new(source));
    let black: &BitMatrix = bitmap.get_black_matrix();
    let mut patterns = FindFinderPatterns(black, true, SMALLEST_MODULE);
    patterns.sort_by_key(|pattern| std::cmp::Reverse(pattern.size));
    patterns.truncate(PATTERNS);
    let mut used = Vec::new();
    let mut texts: Vec<String> = Vec::new();
    for set in GenerateFinderPatternSets(&mut patterns)
        .into_iter()
        .take(CANDIDATES)
    {
        let corners = [set.bl, set.tl, set.tr];
        if corners.iter().any(|corner| used.contains(corner)) {
            continue;
        }
        let Ok(sampled) = SampleQR(black, &set) else {
            continue;
        };
        let Ok(decoded) = Decode(sampled.getBits()) else {
            continue;
        };
        if decoded.isValid() {
            used.extend(corners);
            let text = decoded.text();
            if !texts.contains(&text) {
                texts.push(text);
            }
        }
    }
    texts
}
