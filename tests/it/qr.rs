//! Symbols as other programs see them: zxing-cpp reads every picture that is made, by way of poppler for
//! PDF and Chromium for SVG; and pictures that other people made, or made to hurt, are read.

#![allow(
    clippy::format_collect,
    clippy::format_push_string,
    reason = "a test's few strings need not be quick"
)]

use crate::judges::{python, root, run};
use dauso::qr::read::{ReadError, picture};
use dauso::qr::{QUIET_ZONE, Symbol, render};
use image::{GrayImage, ImageFormat, Luma};
use serde_json::{Value, json};
use std::io::Cursor;
use std::num::NonZeroU32;
use std::path::Path;
use std::time::{Duration, Instant};

const URL: &str = "HTTPS://QR.DANANG.GOV.VN/7K3M9QX2TB4C5D6E#";

/// Credentials in versions 4 to 16, and texts of every mode, alone and mixed.
fn texts() -> Vec<String> {
    let credentials = (30..=1_000)
        .step_by(67)
        .map(|n| URL.to_owned() + &"8031752946".repeat(100)[..n]);
    let others = [
        "7",
        "0123456789012345",
        "DAUSO-2026/KQ1 $%*+.:",
        "https://qr.vidu.test/7K3M9QX2TB4C5D6E",
        "43B-000.00; 29A-000.01",
        "Phù hiệu xe Ví Dụ: còn hiệu lực",
        "~!@#^&()_=[]{}|;'\"<>?,`\\",
    ];
    credentials.chain(others.map(String::from)).collect()
}

fn symbols() -> Vec<Symbol> {
    texts()
        .iter()
        .map(|text| Symbol::for_issue(text).unwrap())
        .collect()
}

/// What zxing-cpp must say of a symbol that it read without correcting anything.
fn flawless(text: &str, symbol: &Symbol) -> Value {
    json!({
        "text": text,
        "level": "M",
        "version": symbol.version(),
        "mask": symbol.mask(),
        "unused": 1.0,
    })
}

/// The codes that zxing-cpp finds in each of the files.
fn codes_in(files: &[impl AsRef<Path>]) -> Vec<Vec<Value>> {
    let names: Vec<&str> = files
        .iter()
        .map(|file| file.as_ref().to_str().unwrap())
        .collect();
    let said = python("qr_read.py", &names);
    said.lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

fn assert_read_flawlessly(files: &[impl AsRef<Path>]) {
    let expected: Vec<Vec<Value>> = texts()
        .iter()
        .zip(symbols())
        .map(|(text, symbol)| vec![flawless(text, &symbol)])
        .collect();
    assert_eq!(codes_in(files), expected);
}

#[test]
fn the_texts_cover_versions_one_to_sixteen() {
    let mut versions: Vec<u8> = symbols().iter().map(Symbol::version).collect();
    versions.sort_unstable();
    versions.dedup();
    assert_eq!(versions.first().zip(versions.last()), Some((&1, &16)));
    assert!(versions.len() >= 14, "{versions:?}");
}

#[test]
fn zxing_cpp_reads_every_png_without_correcting_a_module() {
    let dir = tempfile::tempdir().unwrap();
    let files: Vec<_> = symbols()
        .iter()
        .enumerate()
        .map(|(index, symbol)| {
            let file = dir.path().join(format!("{index}.png"));
            std::fs::write(&file, render::png(symbol, 3)).unwrap();
            file
        })
        .collect();
    assert_read_flawlessly(&files);
}

#[test]
fn zxing_cpp_reads_the_vector_path_that_poppler_draws() {
    let dir = tempfile::tempdir().unwrap();
    let pdf = dir.path().join("symbols.pdf");
    std::fs::write(&pdf, pdf_of(&symbols())).unwrap();
    let (pdf, pages) = (pdf.to_str().unwrap(), dir.path().join("page"));
    let drawn = run(
        "pdftoppm",
        &["-r", "150", "-gray", "-png", pdf, pages.to_str().unwrap()],
    );
    assert!(
        drawn.status.success() && drawn.stderr.is_empty(),
        "{drawn:?}"
    );
    let files: Vec<_> = (1..=symbols().len())
        .map(|page| dir.path().join(format!("page-{page:02}.png")))
        .collect();
    assert_read_flawlessly(&files);
}

/// A page for each symbol, exactly as large as it is with its quiet zone, a module being 3 pixels at 150 dpi.
fn pdf_of(symbols: &[Symbol]) -> Vec<u8> {
    const POINTS_PER_MODULE: f64 = 1.44;
    let kids: String = (0..symbols.len())
        .map(|index| format!("{} 0 R ", 3 + 2 * index))
        .collect();
    let mut objects = vec![
        b"<< /Type /Catalog /Pages 2 0 R >>".to_vec(),
        format!("<< /Type /Pages /Kids [{kids}] /Count {} >>", symbols.len()).into_bytes(),
    ];
    for symbol in symbols {
        let side = f64::from(render::side(symbol)) * POINTS_PER_MODULE;
        let contents = objects.len() + 2;
        objects.push(
            format!(
                "<< /Type /Page /Parent 2 0 R /Resources << >> /MediaBox [0 0 {side} {side}] /Contents {contents} 0 R >>"
            )
            .into_bytes(),
        );
        let scale = format!("q {POINTS_PER_MODULE} 0 0 {POINTS_PER_MODULE} 0 0 cm\n");
        let stream = [scale.as_bytes(), &render::pdf_path(symbol), b"Q\n"].concat();
        let head = format!("<< /Length {} >>\nstream\n", stream.len());
        objects.push([head.as_bytes(), &stream, b"endstream"].concat());
    }
    let mut file = b"%PDF-1.7\n".to_vec();
    let mut table = format!("xref\n0 {}\n0000000000 65535 f \n", objects.len() + 1);
    for (number, object) in (1..).zip(&objects) {
        table += &format!("{:010} 00000 n \n", file.len());
        file.extend(format!("{number} 0 obj\n").bytes());
        file.extend(object);
        file.extend(b"\nendobj\n");
    }
    let begin = file.len();
    file.extend(table.bytes());
    let size = objects.len() + 1;
    file.extend(
        format!("trailer\n<< /Size {size} /Root 1 0 R >>\nstartxref\n{begin}\n%%EOF\n").bytes(),
    );
    file
}

#[test]
fn zxing_cpp_reads_the_svg_that_chromium_draws() {
    // The largest has 89 modules with its quiet zone.
    const CELL: u32 = 300;
    const COLUMNS: u32 = 5;
    let dir = tempfile::tempdir().unwrap();
    let symbols = symbols();
    let cells = || (0..).map(|index| (index % COLUMNS * CELL, index / COLUMNS * CELL));
    let figures: String = symbols
        .iter()
        .zip(cells())
        .map(|(symbol, (left, top))| {
            let (side, svg) = (3 * render::side(symbol), render::svg(symbol, "Mã QR"));
            format!("<p style='left:{left}px;top:{top}px;width:{side}px'>{svg}</p>")
        })
        .collect();
    // On a dark page: the white ground must be the picture's own.
    let style = "body{background:#333}p{position:absolute;margin:15px}";
    let page = dir.path().join("page.html");
    std::fs::write(&page, format!("<style>{style}</style>{figures}")).unwrap();
    let shot = dir.path().join("shot.png");
    let chromium = run(
        "chromium",
        &[
            "--headless",
            "--no-sandbox",
            "--disable-gpu",
            "--hide-scrollbars",
            "--window-size=1500,1600",
            &format!("--user-data-dir={}", dir.path().join("profile").display()),
            &format!("--screenshot={}", shot.display()),
            page.to_str().unwrap(),
        ],
    );
    assert!(
        shot.exists(),
        "{}",
        String::from_utf8_lossy(&chromium.stderr)
    );
    let shot = image::open(shot).unwrap();
    let files: Vec<_> = symbols
        .iter()
        .zip(cells())
        .map(|(symbol, (left, top))| {
            let file = dir
                .path()
                .join(format!("{}-{left}-{top}.png", symbol.version()));
            shot.crop_imm(left, top, CELL, CELL).save(&file).unwrap();
            file
        })
        .collect();
    assert_read_flawlessly(&files);
}

#[test]
fn zxing_cpp_reads_the_half_blocks_of_a_terminal() {
    let dir = tempfile::tempdir().unwrap();
    let files: Vec<_> = symbols()
        .iter()
        .enumerate()
        .map(|(index, symbol)| {
            let text = render::terminal(symbol);
            let rows: Vec<&str> = text
                .lines()
                .map(|line| {
                    let line = line.strip_prefix("\x1b[38;5;16;48;5;231m").unwrap();
                    line.strip_suffix("\x1b[0m").unwrap()
                })
                .collect();
            let side = render::side(symbol);
            let drawn = GrayImage::from_fn(4 * side, 4 * side, |x, y| {
                let row = rows[usize::try_from(y / 8).unwrap()];
                let block = row.chars().nth(usize::try_from(x / 4).unwrap()).unwrap();
                let black = match block {
                    '█' => true,
                    '▀' => y % 8 < 4,
                    '▄' => y % 8 >= 4,
                    ' ' => false,
                    other => panic!("{other:?} is no half block"),
                };
                Luma([if black { 0 } else { 255 }])
            });
            let file = dir.path().join(format!("{index}.png"));
            drawn.save(&file).unwrap();
            file
        })
        .collect();
    assert_read_flawlessly(&files);
}

#[test]
fn a_png_for_print_says_how_large_it_is() {
    let symbol = Symbol::for_issue(&format!("{URL}{}", "7".repeat(400))).unwrap();
    assert_eq!(symbol.version(), 10);
    let file = render::png_at(&symbol, NonZeroU32::new(600).unwrap(), 300);
    let reader = png::Decoder::new(Cursor::new(&file)).read_info().unwrap();
    let info = reader.info();
    // 0.6 mm at 300 dpi are 7.09 dots, so 7 to the module, and 7 dots in 0.6 mm are 11,667 to the metre.
    assert_eq!((info.width, info.height), (65 * 7, 65 * 7));
    assert_eq!(info.bit_depth, png::BitDepth::One);
    let dots = info.pixel_dims.unwrap();
    assert_eq!(
        (dots.xppu, dots.yppu, dots.unit),
        (11_667, 11_667, png::Unit::Meter)
    );
    let svg = render::svg_at(&symbol, "", NonZeroU32::new(600).unwrap());
    assert!(
        svg.contains(r#" width="39.000mm" height="39.000mm""#),
        "{}",
        &svg[..200]
    );
}

#[test]
fn a_title_cannot_break_out_of_the_svg() {
    let svg = render::svg(&Symbol::encode("7").unwrap(), "<b>&\"\u{8}</title>");
    assert!(
        svg.contains("<title>&lt;b&gt;&amp;\"&lt;/title&gt;</title>"),
        "{svg}"
    );
}

#[test]
fn our_reader_reads_every_png_at_every_scale() {
    for (text, symbol) in texts().iter().zip(symbols()) {
        for scale in [1, 2, 3, 8] {
            let read = picture(&render::png(&symbol, scale));
            assert_eq!(
                read.unwrap(),
                [text.as_str()],
                "version {}, scale {scale}",
                symbol.version()
            );
        }
    }
}

/// The brightness of a symbol at a point in modules, from the upper left corner of its quiet zone.
fn brightness(symbol: &Symbol, x: f64, y: f64) -> Option<f64> {
    let side = f64::from(render::side(symbol));
    ((0.0..side).contains(&x) && (0.0..side).contains(&y)).then(|| {
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "checked just now"
        )]
        let module = |at: f64| (at as usize).wrapping_sub(usize::from(QUIET_ZONE));
        if symbol.is_dark(module(x), module(y)) {
            45.0
        } else {
            215.0
        }
    })
}

/// A label on a grey table: turned, tilted, with grain, as a JPEG of a phone.
fn photo(
    width: u32,
    height: u32,
    labels: &[(&Symbol, f64, f64)],
    pixels_per_module: f64,
) -> Vec<u8> {
    let (sin, cos) = 0.12_f64.sin_cos();
    let mut random = 0x2545_f491_4f6c_dd1d_u64;
    let shot = GrayImage::from_fn(width, height, |x, y| {
        random ^= random << 13;
        random ^= random >> 7;
        random ^= random << 17;
        let grain = f64::from(u8::try_from(random >> 60).unwrap()) - 7.5;
        let seen = labels.iter().find_map(|(symbol, left, top)| {
            let (u, v) = (f64::from(x) - left, f64::from(y) - top);
            let farther = 1.0 + 0.000_02 * (u + v);
            let (u, v) = (
                u * farther / pixels_per_module,
                v * farther / pixels_per_module,
            );
            brightness(symbol, u * cos + v * sin, v * cos - u * sin)
        });
        let shade = 1.0 - 0.3 * f64::from(x) / f64::from(width);
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "clamped"
        )]
        Luma([(seen.unwrap_or(120.0) * shade + grain).clamp(0.0, 255.0) as u8])
    });
    file(&image::imageops::fast_blur(&shot, 0.8), ImageFormat::Jpeg)
}

fn file(image: &GrayImage, format: ImageFormat) -> Vec<u8> {
    let mut bytes = Cursor::new(Vec::new());
    image.write_to(&mut bytes, format).unwrap();
    bytes.into_inner()
}

#[test]
fn our_reader_reads_a_badge_in_photos_of_twelve_megapixels() {
    let text = format!("{URL}{}", "8031752946".repeat(52));
    let symbol = Symbol::for_issue(&text).unwrap();
    // Far away in the middle, and near.
    for (pixels_per_module, left, top) in [(3.5, 1_900.0, 1_300.0), (16.0, 1_200.0, 500.0)] {
        let shot = photo(4_000, 3_000, &[(&symbol, left, top)], pixels_per_module);
        let read = picture(&shot);
        assert_eq!(
            read.unwrap(),
            [text.as_str()],
            "{pixels_per_module} pixels a module"
        );
    }
}

#[test]
fn our_reader_reads_all_badges_on_a_table() {
    let texts = ["31", "52", "47"].map(|digits| format!("{URL}{}", digits.repeat(200)));
    let symbols = texts
        .each_ref()
        .map(|text| Symbol::for_issue(text).unwrap());
    let [a, b, c] = &symbols;
    let shot = photo(
        1_900,
        1_400,
        &[(a, 200.0, 60.0), (b, 900.0, 100.0), (c, 1_300.0, 700.0)],
        6.0,
    );
    let mut read = picture(&shot).unwrap();
    read.sort();
    let mut expected = texts.to_vec();
    expected.sort();
    assert_eq!(read, expected);
}

#[test]
fn our_reader_reads_light_on_dark_and_black_on_nothing() {
    let symbol = Symbol::for_issue(URL).unwrap();
    let plain = image::load_from_memory(&render::png(&symbol, 4))
        .unwrap()
        .into_luma8();
    let mut inverted = plain.clone();
    image::imageops::invert(&mut inverted);
    assert_eq!(picture(&file(&inverted, ImageFormat::Png)).unwrap(), [URL]);
    let transparent = image::GrayAlphaImage::from_fn(plain.width(), plain.height(), |x, y| {
        image::LumaA([0, 255 - plain.get_pixel(x, y).0[0]])
    });
    let mut bytes = Cursor::new(Vec::new());
    transparent.write_to(&mut bytes, ImageFormat::Png).unwrap();
    assert_eq!(picture(&bytes.into_inner()).unwrap(), [URL]);
}

#[test]
fn what_is_no_picture_or_too_large_a_one_is_refused_for_that() {
    let seal = std::fs::read(root("fixtures/images/seal-transparent-35mm-300dpi.png")).unwrap();
    assert!(matches!(picture(&seal), Err(ReadError::NoSymbol)));
    for bytes in [
        &b""[..],
        b"%PDF-1.7\n",
        b"GIF89a\x01\0\x01\0",
        b"HTTPS://X/Y#1",
    ] {
        assert!(matches!(picture(bytes), Err(ReadError::NotAPicture)));
    }
    let half = &seal[..seal.len() / 2];
    assert!(matches!(picture(half), Err(ReadError::Damaged(_))));
    let huge = vec![0; 16 * 1024 * 1024 + 1];
    assert!(matches!(
        picture(&huge),
        Err(ReadError::FileTooLarge {
            bytes: 16_777_217,
            limit: 16_777_216
        })
    ));
    // A picture of 60,000 × 60,000 pixels in a few bytes.
    let mut bomb = Vec::new();
    let mut writer = png::Encoder::new(&mut bomb, 60_000, 60_000)
        .write_header()
        .unwrap();
    writer.write_chunk(png::chunk::IDAT, b"").unwrap();
    drop(writer);
    assert!(matches!(
        picture(&bomb),
        Err(ReadError::TooManyPixels {
            pixels: 3_600_000_000,
            limit: 32_000_000
        })
    ));
}

#[test]
fn pictures_made_to_be_slow_are_not() {
    // As many pixels as are scanned at once, full of finder patterns side by side, and of noise.
    const SIDE: u32 = 2_120;
    let finder = |x: u32, y: u32, module: u32| {
        let ring = |at: u32| (at / module % 8).abs_diff(3);
        matches!(ring(x).max(ring(y)), 0 | 1 | 3)
    };
    let mut random = 88_172_645_463_325_252_u64;
    let mut noise = || {
        random ^= random << 13;
        random ^= random >> 7;
        random ^= random << 17;
        random.is_multiple_of(2)
    };
    let mut pictures: Vec<(String, GrayImage)> = [1, 2, 3, 4]
        .into_iter()
        .map(|module| {
            let tiles = GrayImage::from_fn(SIDE, SIDE, |x, y| {
                Luma([if finder(x, y, module) { 0 } else { 255 }])
            });
            (format!("finders of {module} pixels a module"), tiles)
        })
        .collect();
    let grains = GrayImage::from_fn(SIDE, SIDE, |_, _| Luma([if noise() { 0 } else { 255 }]));
    pictures.push(("noise".to_owned(), grains));
    for (name, image) in pictures {
        let bytes = file(&image, ImageFormat::Png);
        let begin = Instant::now();
        let read = picture(&bytes);
        let took = begin.elapsed();
        assert!(matches!(read, Err(ReadError::NoSymbol)), "{name}: {read:?}");
        assert!(took < Duration::from_secs(5), "{name} took {took:?}");
    }
}

#[test]
fn a_damaged_picture_gives_the_text_or_an_error_and_never_another_text() {
    let symbol = Symbol::for_issue(URL).unwrap();
    let plain = image::load_from_memory(&render::png(&symbol, 2))
        .unwrap()
        .into_luma8();
    for format in [ImageFormat::Png, ImageFormat::Jpeg] {
        let bytes = file(&plain, format);
        for at in (0..bytes.len()).step_by(7) {
            let mut damaged = bytes.clone();
            damaged[at] ^= 0x55;
            match picture(&damaged) {
                Ok(texts) => assert_eq!(texts, [URL], "byte {at}"),
                Err(
                    ReadError::NotAPicture
                    | ReadError::Damaged(_)
                    | ReadError::TooManyPixels { .. }
                    | ReadError::NoSymbol,
                ) => {}
                Err(other) => panic!("byte {at}: {other:?}"),
            }
        }
    }
}
