//! Pictures of a symbol, each with its quiet zone of four light modules and a white ground of its own.
//!
//! Dark is black: nothing inside the symbol, no logo, no colour. Runs of dark modules are merged along a
//! row and filled as one path, so that no hairline appears between modules.

use super::{QUIET_ZONE, Symbol};
use std::num::NonZeroU32;

/// A 1-bit greyscale PNG.
///
/// A module is `pixels_per_module` pixels wide, held inside 1 to [`MAX_PIXELS_PER_MODULE`].
#[must_use]
pub fn png(symbol: &Symbol, pixels_per_module: u32) -> Vec<u8> {
    png_file(symbol, pixels_per_module, None)
}

/// A 1-bit greyscale PNG that prints at its true size: a module is `module_micrometres` wide on paper.
///
/// A module takes the whole number of pixels that comes closest to `dpi` dots per inch; `pHYs` then says
/// exactly how many of them make a metre.
#[must_use]
pub fn png_at(symbol: &Symbol, module_micrometres: NonZeroU32, dpi: u32) -> Vec<u8> {
    const MICROMETRES_PER_INCH: u64 = 25_400;
    let module = u64::from(module_micrometres.get());
    let pixels = (module * u64::from(dpi) + MICROMETRES_PER_INCH / 2) / MICROMETRES_PER_INCH;
    let pixels = pixels.clamp(1, u64::from(MAX_PIXELS_PER_MODULE));
    let per_metre = (pixels * 1_000_000 + module / 2) / module;
    let pixels = u32::try_from(pixels).unwrap_or(MAX_PIXELS_PER_MODULE);
    png_file(symbol, pixels, u32::try_from(per_metre).ok())
}

/// The largest version is 7,400 pixels wide at this scale: enough for a poster, and still small to make.
pub const MAX_PIXELS_PER_MODULE: u32 = 40;

/// An SVG document of one path; a unit is a module. It fills the width that it is given.
///
/// `title` is what a screen reader says, for example "Mã QR của kết quả 7K3M 9QX2 TB4C 5D6E".
#[must_use]
pub fn svg(symbol: &Symbol, title: &str) -> String {
    svg_file(symbol, title, "")
}

/// As [`svg`], with the size on paper: a module is `module_micrometres` wide.
#[must_use]
pub fn svg_at(symbol: &Symbol, title: &str, module_micrometres: NonZeroU32) -> String {
    let micrometres = u64::from(module_micrometres.get()) * u64::from(side(symbol));
    let millimetres = format!("{}.{:03}", micrometres / 1_000, micrometres % 1_000);
    let size = format!(r#" width="{millimetres}mm" height="{millimetres}mm""#);
    svg_file(symbol, title, &size)
}

/// PDF content-stream operators (ISO 32000-1, 8.5): the lower left corner of the quiet zone is the origin,
/// a unit is a module, [`side`] units the whole. The caller sets the scale with `cm`, between `q` and `Q`
/// because the fill colour stays black.
#[must_use]
pub fn pdf_path(symbol: &Symbol) -> Vec<u8> {
    let side = side(symbol);
    let mut operators = Vec::with_capacity(20 * 1024);
    operators.extend_from_slice(format!("1 g 0 0 {side} {side} re f 0 g\n").as_bytes());
    for run in runs(symbol) {
        push_number(&mut operators, run.x);
        operators.push(b' ');
        push_number(&mut operators, side - 1 - run.y);
        operators.push(b' ');
        push_number(&mut operators, run.length);
        operators.extend_from_slice(b" 1 re\n");
    }
    operators.extend_from_slice(b"f\n");
    operators
}

/// Half-block characters for a terminal, black on white whatever its colours are: two modules in a
/// character, so that they come out square.
#[must_use]
pub fn terminal(symbol: &Symbol) -> String {
    /// Entries 16 and 231 of the 256-colour cube are black and white in every theme; 30 and 47 are not.
    const BLACK_ON_WHITE: &str = "\x1b[38;5;16;48;5;231m";
    const RESET: &str = "\x1b[0m";
    let side = usize::try_from(side(symbol)).unwrap_or(0);
    let quiet = usize::from(QUIET_ZONE);
    // Outside the symbol everything is light, also where the subtraction wraps.
    let dark = |x: usize, y: usize| symbol.is_dark(x.wrapping_sub(quiet), y.wrapping_sub(quiet));
    let mut text = String::new();
    for y in (0..side).step_by(2) {
        text.push_str(BLACK_ON_WHITE);
        text.extend((0..side).map(|x| match (dark(x, y), dark(x, y + 1)) {
            (false, false) => ' ',
            (true, false) => '▀',
            (false, true) => '▄',
            (true, true) => '█',
        }));
        text.push_str(RESET);
        text.push('\n');
    }
    text
}

/// Modules along a side of the picture: the symbol and both quiet zones.
#[must_use]
pub fn side(symbol: &Symbol) -> u32 {
    u32::from(symbol.modules.size()) + 2 * u32::from(QUIET_ZONE)
}

/// Dark modules side by side; coordinates include the quiet zone, `y` counts from the top.
struct Run {
    x: u32,
    y: u32,
    length: u32,
}

/// All runs, from the top row to the bottom row.
fn runs(symbol: &Symbol) -> impl Iterator<Item = Run> + use<'_> {
    let quiet = u32::from(QUIET_ZONE);
    (quiet..)
        .zip(symbol.modules.rows())
        .flat_map(move |(y, row)| {
            let mut x = 0;
            std::iter::from_fn(move || {
                x += row.light_from(x);
                let length = row.dark_from(x);
                let run = Run {
                    x: x + quiet,
                    y,
                    length,
                };
                x += length;
                (length > 0).then_some(run)
            })
        })
}

fn svg_file(symbol: &Symbol, title: &str, size: &str) -> String {
    let side = side(symbol);
    let mut path = Vec::with_capacity(20 * 1024);
    for run in runs(symbol) {
        path.push(b'M');
        push_number(&mut path, run.x);
        path.push(b' ');
        push_number(&mut path, run.y);
        path.push(b'h');
        push_number(&mut path, run.length);
        path.extend_from_slice(b"v1H");
        push_number(&mut path, run.x);
        path.push(b'z');
    }
    // Only ASCII was written.
    let path = String::from_utf8(path).unwrap_or_default();
    let title = escaped(title);
    format!(
        concat!(
            r#"<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {side} {side}"{size} "#,
            r#"role="img" shape-rendering="crispEdges"><title>{title}</title>"#,
            r##"<path fill="#fff" d="M0 0h{side}v{side}H0z"/><path fill="#000" d="{path}"/></svg>"##,
        ),
        side = side,
        size = size,
        title = title,
        path = path,
    )
}

/// Decimal digits. A symbol has some 800 runs; formatting them would take longer than encoding the text.
fn push_number(out: &mut Vec<u8>, number: u32) {
    if number >= 10 {
        push_number(out, number / 10);
    }
    // Below ten, so the conversion holds.
    out.push(b'0' + u8::try_from(number % 10).unwrap_or(0));
}

/// Text for the content of an XML element.
fn escaped(text: &str) -> String {
    text.chars().fold(String::new(), |mut out, c| {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            // XML 1.0 has no other control characters, not even escaped.
            c if c.is_control() && !matches!(c, '\t' | '\n') => {}
            c => out.push(c),
        }
        out
    })
}

fn png_file(symbol: &Symbol, pixels_per_module: u32, pixels_per_metre: Option<u32>) -> Vec<u8> {
    let scale = pixels_per_module.clamp(1, MAX_PIXELS_PER_MODULE);
    let side = side(symbol) * scale;
    let mut file = Vec::new();
    let mut encoder = png::Encoder::new(&mut file, side, side);
    encoder.set_color(png::ColorType::Grayscale);
    encoder.set_depth(png::BitDepth::One);
    // All pixel rows of a module row are alike: as differences from the row above they are zeros.
    encoder.set_filter(png::Filter::Up);
    encoder.set_compression(png::Compression::Fast);
    encoder.set_pixel_dims(pixels_per_metre.map(|per_metre| png::PixelDimensions {
        xppu: per_metre,
        yppu: per_metre,
        unit: png::Unit::Meter,
    }));
    #[expect(
        clippy::expect_used,
        reason = "memory takes every byte, and the size fits the header"
    )]
    encoder
        .write_header()
        .and_then(|mut writer| writer.write_image_data(&bitmap(symbol, scale)))
        .expect("a PNG in memory");
    file
}

/// Rows of pixels, eight in a byte, the first in the highest bit; 1 is white.
fn bitmap(symbol: &Symbol, scale: u32) -> Vec<u8> {
    let at = |place: u32| usize::try_from(place).unwrap_or(usize::MAX);
    let side = at(side(symbol) * scale);
    let scale = at(scale);
    let bytes_per_row = side.div_ceil(8);
    let white = vec![0xff_u8; bytes_per_row];
    let quiet = white.repeat(usize::from(QUIET_ZONE) * scale);
    let mut pixels = Vec::with_capacity(bytes_per_row * side);
    pixels.extend_from_slice(&quiet);
    let mut rows = runs(symbol).peekable();
    for y in (u32::from(QUIET_ZONE)..).take(symbol.size()) {
        let mut row = white.clone();
        while let Some(run) = rows.next_if(|run| run.y == y) {
            blacken(&mut row, at(run.x) * scale, at(run.length) * scale);
        }
        for _ in 0..scale {
            pixels.extend_from_slice(&row);
        }
    }
    pixels.extend_from_slice(&quiet);
    pixels
}

/// Clears `length` bits from bit `from` on.
fn blacken(row: &mut [u8], from: usize, length: usize) {
    for at in from..from + length {
        if let Some(byte) = row.get_mut(at / 8) {
            *byte &= !(0x80 >> (at % 8));
        }
    }
}
