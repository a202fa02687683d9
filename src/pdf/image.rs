//! The pictures of a signature and of a seal (NĐ 30/2020, annex I, II.7d and II.8a): PNG with a transparent
//! ground, blue or red.

use super::object::ObjRef;
use super::pack::Packed;
use super::writer::Update;

/// Why a picture cannot be used.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub enum ImageError {
    /// More than [`FILE_BYTES`].
    #[error("the picture has {bytes} bytes, more than {FILE_BYTES}")]
    TooLarge {
        /// Its size.
        bytes: usize,
    },
    /// More than [`PIXELS`] across or down.
    #[error("the picture has {width} x {height} pixels, more than {PIXELS} x {PIXELS}")]
    TooManyPixels {
        /// Its width.
        width: u32,
        /// Its height.
        height: u32,
    },
    /// Not a PNG, or a damaged one.
    #[error("not a PNG")]
    NotAPng,
    /// No alpha channel, or nearly nothing transparent: it would cover what it is put on.
    #[error("the ground of the picture is not transparent")]
    Opaque,
    /// Nothing can be seen in it.
    #[error("the picture is empty")]
    Empty,
    /// A seal that is not red.
    #[error("the seal is not red: {percent} % of its ink is")]
    NotRed {
        /// Share of its ink that is red.
        percent: u32,
    },
}

/// A seal of 50 mm at 1,200 dpi stays below.
pub const FILE_BYTES: usize = 4 * 1024 * 1024;

/// 100 mm at 600 dpi.
pub const PIXELS: u32 = 2_400;

/// At least this much of a picture must be transparent; a disc in a square leaves 21 %.
const CLEAR_PERCENT: u64 = 5;

/// At least this much of the ink of a seal must be red; the rest is for smoothed edges.
const RED_PERCENT: u64 = 80;

/// A picture with transparency, packed once for all documents that show it.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Picture {
    width: u32,
    height: u32,
    colours: Packed,
    alpha: Packed,
    stencil: Packed,
}

/// How the ground of a picture lets the paper through.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Ground {
    /// By a soft mask: edges stay smooth.
    Soft,
    /// By a mask of single bits: for PDF/A-1, which allows no transparency (ISO 19005-1, 6.4).
    Stencil,
}

/// Pixels as they are read.
struct Pixels {
    colours: Vec<u8>,
    alpha: Vec<u8>,
}

impl Picture {
    /// Reads a seal.
    ///
    /// # Errors
    /// [`ImageError`], among them [`ImageError::Opaque`] and [`ImageError::NotRed`].
    pub fn seal(png: &[u8]) -> Result<Self, ImageError> {
        let ((width, height), pixels) = read(png)?;
        let percent = pixels.red_percent()?;
        if u64::from(percent) < RED_PERCENT {
            return Err(ImageError::NotRed { percent });
        }
        Ok(Self {
            width,
            height,
            colours: Packed::new(&pixels.colours),
            alpha: Packed::new(&pixels.alpha),
            stencil: Packed::new(&pixels.stencil(width)),
        })
    }

    /// Width and height in pixels.
    #[must_use]
    pub fn pixels(&self) -> (u32, u32) {
        (self.width, self.height)
    }

    /// Adds the picture to a document as an image XObject with a mask (ISO 32000-2 §8.9.5, §8.9.6.3,
    /// §11.6.5.2).
    pub fn embed(&self, update: &mut Update<'_>, ground: Ground) -> ObjRef {
        let (image, mask) = (update.reserve(), update.reserve());
        let frame = format!(
            "/Type /XObject /Subtype /Image /Width {} /Height {}",
            self.width, self.height
        );
        let by = match ground {
            Ground::Soft => "SMask",
            Ground::Stencil => "Mask",
        };
        let colour = format!("{frame} /BitsPerComponent 8 /ColorSpace /DeviceRGB /{by} {mask}");
        self.colours.put(update, image, &colour);
        match ground {
            Ground::Soft => {
                let grey = format!("{frame} /BitsPerComponent 8 /ColorSpace /DeviceGray");
                self.alpha.put(update, mask, &grey);
            }
            Ground::Stencil => {
                let bits = format!("{frame} /BitsPerComponent 1 /ImageMask true");
                self.stencil.put(update, mask, &bits);
            }
        }
        image
    }
}

/// Width, height and pixels of a PNG with an alpha channel.
fn read(png: &[u8]) -> Result<((u32, u32), Pixels), ImageError> {
    if png.len() > FILE_BYTES {
        return Err(ImageError::TooLarge { bytes: png.len() });
    }
    let mut decoder = png::Decoder::new(std::io::Cursor::new(png));
    // Palettes and small samples become 8-bit channels; 16 bits more than print shows.
    decoder.set_transformations(png::Transformations::normalize_to_color8());
    let mut reader = decoder.read_info().map_err(|_| ImageError::NotAPng)?;
    let (width, height) = (reader.info().width, reader.info().height);
    if width > PIXELS || height > PIXELS {
        return Err(ImageError::TooManyPixels { width, height });
    }
    let size = reader.output_buffer_size().ok_or(ImageError::NotAPng)?;
    let mut samples = vec![0; size];
    let frame = reader
        .next_frame(&mut samples)
        .map_err(|_| ImageError::NotAPng)?;
    samples.truncate(frame.buffer_size());
    let mut pixels = Pixels {
        colours: Vec::new(),
        alpha: Vec::new(),
    };
    match frame.color_type {
        png::ColorType::Rgba => {
            for pixel in samples.chunks_exact(4) {
                if let [red, green, blue, alpha] = pixel {
                    pixels.push([*red, *green, *blue], *alpha);
                }
            }
        }
        png::ColorType::GrayscaleAlpha => {
            for pixel in samples.chunks_exact(2) {
                if let [grey, alpha] = pixel {
                    pixels.push([*grey; 3], *alpha);
                }
            }
        }
        _ => return Err(ImageError::Opaque),
    }
    Ok(((width, height), pixels))
}

impl Pixels {
    fn push(&mut self, colour: [u8; 3], alpha: u8) {
        // What cannot be seen has no colour: the same look gives the same bytes, and they pack well.
        self.colours
            .extend(if alpha == 0 { [255; 3] } else { colour });
        self.alpha.push(alpha);
    }

    /// One bit a pixel, each row in whole bytes: 1 where less than half of the ink can be seen (8.9.6.3).
    fn stencil(&self, width: u32) -> Vec<u8> {
        let width = usize::try_from(width).unwrap_or(usize::MAX).max(1);
        let bits = |pixels: &[u8]| {
            let clear = pixels.iter().map(|alpha| u8::from(*alpha < 128));
            let byte = clear.fold(0, |byte, bit| byte << 1 | bit);
            // The last byte of a row may lack pixels.
            byte << (8 - pixels.len())
        };
        let rows = self.alpha.chunks(width);
        rows.flat_map(|row| row.chunks(8).map(bits)).collect()
    }

    /// The share of red in what can be seen; every pixel counts by its opacity.
    fn red_percent(&self) -> Result<u32, ImageError> {
        let (mut ink, mut red, mut clear, mut all) = (0_u64, 0_u64, 0_u64, 0_u64);
        for (colour, alpha) in self.colours.chunks_exact(3).zip(&self.alpha) {
            let opacity = u64::from(*alpha);
            all = all.saturating_add(1);
            clear = clear.saturating_add(u64::from(*alpha < 16));
            ink = ink.saturating_add(opacity);
            if let [r, g, b] = *colour {
                let above = |one: u8, two: u8| one.saturating_sub(two) >= 48;
                if above(r, g) && above(r, b) {
                    red = red.saturating_add(opacity);
                }
            }
        }
        if ink == 0 {
            return Err(ImageError::Empty);
        }
        if clear * 100 < all * CLEAR_PERCENT {
            return Err(ImageError::Opaque);
        }
        Ok(u32::try_from(red * 100 / ink).unwrap_or(100))
    }
}

#[cfg(test)]
#[expect(clippy::indexing_slicing, reason = "a test knows its own input")]
mod tests {
    use super::*;

    /// A PNG of 10 x 10 pixels, the first `clear` of them transparent, the others of one colour.
    fn png(clear: usize, colour: [u8; 3], alpha: bool) -> Vec<u8> {
        let mut out = Vec::new();
        let mut encoder = png::Encoder::new(&mut out, 10, 10);
        encoder.set_depth(png::BitDepth::Eight);
        encoder.set_color(if alpha {
            png::ColorType::Rgba
        } else {
            png::ColorType::Rgb
        });
        let pixels: Vec<u8> = (0..100)
            .flat_map(|at| {
                let mut pixel = colour.to_vec();
                if alpha {
                    pixel.push(if at < clear { 0 } else { 255 });
                }
                pixel
            })
            .collect();
        encoder
            .write_header()
            .unwrap()
            .write_image_data(&pixels)
            .unwrap();
        out
    }

    const RED: [u8; 3] = [200, 20, 30];
    const BLUE: [u8; 3] = [20, 40, 180];

    #[test]
    fn a_red_seal_on_nothing_is_taken() {
        let seal = Picture::seal(&png(30, RED, true)).unwrap();
        assert_eq!(seal.pixels(), (10, 10));
    }

    #[test]
    fn an_opaque_picture_is_refused_with_and_without_alpha_channel() {
        assert_eq!(Picture::seal(&png(0, RED, false)), Err(ImageError::Opaque));
        assert_eq!(Picture::seal(&png(0, RED, true)), Err(ImageError::Opaque));
        assert_eq!(Picture::seal(&png(4, RED, true)), Err(ImageError::Opaque));
    }

    #[test]
    fn a_seal_of_another_colour_is_refused() {
        let blue = png(50, BLUE, true);
        assert_eq!(Picture::seal(&blue), Err(ImageError::NotRed { percent: 0 }));
        let black = png(50, [0; 3], true);
        assert_eq!(
            Picture::seal(&black),
            Err(ImageError::NotRed { percent: 0 })
        );
    }

    #[test]
    fn nothing_to_see_and_what_is_no_picture_have_their_own_errors() {
        assert_eq!(Picture::seal(&png(100, RED, true)), Err(ImageError::Empty));
        assert_eq!(Picture::seal(b"GIF89a"), Err(ImageError::NotAPng));
        assert_eq!(
            Picture::seal(&vec![0; FILE_BYTES + 1]),
            Err(ImageError::TooLarge {
                bytes: FILE_BYTES + 1
            })
        );
    }

    #[test]
    fn a_stencil_lets_through_what_is_nearly_clear_row_by_row() {
        let pixels = Pixels {
            colours: Vec::new(),
            alpha: [[0, 255, 127, 128, 0, 0, 0, 0, 0, 255], [255; 10]].concat(),
        };
        assert_eq!(pixels.stencil(10), [0b1010_1111, 0b1000_0000, 0, 0]);
    }

    #[test]
    fn a_picture_is_refused_by_its_header_before_it_is_inflated() {
        let mut wide = png(30, RED, true);
        // IHDR: width at 16, its CRC over type and data at 29.
        wide[16..20].copy_from_slice(&60_000_u32.to_be_bytes());
        let crc = crc32(&wide[12..29]);
        wide[29..33].copy_from_slice(&crc.to_be_bytes());
        assert_eq!(
            Picture::seal(&wide),
            Err(ImageError::TooManyPixels {
                width: 60_000,
                height: 10
            })
        );
    }

    fn crc32(bytes: &[u8]) -> u32 {
        let mut crc = flate2::Crc::new();
        crc.update(bytes);
        crc.sum()
    }
}
