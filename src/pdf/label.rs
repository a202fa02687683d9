//! What is printed with the symbol, and how large it becomes.
//!
//! ```text
//! ┌───────────────────────────┐
//! │        ▄▄▄ ▄ ▄ ▄▄▄        │  symbol with 4 modules of quiet zone, module ≥ 0.4 mm
//! │        █▄█ ▀▄▀ █▄█        │
//! │    7K3M 9QX2 TB4C 5D6E    │  look-up code, mono, ≥ 8 pt
//! │     Quét mã để kiểm tra.  │  caption, 7 pt
//! │ Mã QR không phải là chữ … │
//! │        qr.vidu.test       │  host; with the code behind it where that fits in one line
//! └───────────────────────────┘
//! ```
//!
//! Everything lies on white ground, so that the label reads the same on a coloured form and on a scan.

use super::font::{FontError, Subset, Typeface};
use super::layout::Spot;
use super::view::POINTS_PER_MM;
use crate::id::ResultId;
use std::fmt::Write;

/// A symbol as drawing operators: one unit is one module, the origin is the lower-left corner of the quiet
/// zone (`qr::render::pdf_path`).
#[derive(Clone, Copy, Debug)]
pub struct Symbol<'a> {
    /// Content-stream operators that paint white ground and black modules.
    pub path: &'a [u8],
    /// Modules along one side, with 4 of quiet zone on both ends.
    pub modules: u32,
}

/// What the label says.
#[derive(Clone, Copy, Debug)]
pub struct Words<'a> {
    /// The look-up code.
    pub code: ResultId,
    /// Where to look, `qr.vidu.test`.
    pub host: &'a str,
    /// Sentences of the caption, each on a line of its own where it fits.
    pub caption: &'a [&'a str],
}

/// The caption of every label. A QR is a way to look something up; it is not a signature.
pub const CAPTION: [&str; 2] = ["Quét mã để kiểm tra.", "Mã QR không phải là chữ ký số."];

/// How much the label says.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Form {
    /// What the full one says, and whose system made the result: where no footer can be put on the page.
    WithOwner,
    /// Symbol, code, caption, host.
    Full,
    /// Without the host, the symbol as small as it may be: for small pages.
    Compact,
}

/// The least width of a module in millimetres that phones read off paper (TCVN 7322, domain row 32).
pub const MODULE: f64 = 0.4;

const CODE_SIZE: f64 = 8.0;
const TEXT_SIZE: f64 = 7.0;

/// Vietnamese capitals carry two marks; lines closer than this touch.
const LEADING: f64 = 1.28;

/// White around the text, points.
const MARGIN: f64 = 2.0;

/// A label wider than this, in points, does not fit the margin of a page by NĐ 30/2020.
const WIDEST: f64 = 38.0 * POINTS_PER_MM;

/// The fonts of one stamp.
pub(super) struct Fonts {
    pub sans: Subset,
    pub mono: Subset,
}

impl Fonts {
    pub(super) fn new() -> Result<Self, FontError> {
        Ok(Self {
            sans: Subset::new(Typeface::Sans)?,
            mono: Subset::new(Typeface::Mono)?,
        })
    }
}

/// A label with its lines broken; sizes in points.
#[derive(Clone, Debug)]
pub(super) struct Label {
    symbol: f64,
    code: String,
    lines: Vec<String>,
    width: f64,
    height: f64,
}

impl Label {
    /// Breaks the lines for a symbol of `width` millimetres with its quiet zone.
    pub(super) fn new(
        fonts: &Fonts,
        form: Form,
        symbol: Symbol<'_>,
        width: f64,
        words: Words<'_>,
        owner: Option<Footer<'_>>,
    ) -> Result<Self, FontError> {
        let least = f64::from(symbol.modules) * MODULE;
        let symbol = match form {
            Form::WithOwner | Form::Full => width.max(least),
            Form::Compact => least,
        } * POINTS_PER_MM;
        let code = words.code.grouped();
        let code_width = fonts.mono.width(&code)? * CODE_SIZE;
        let mut sentence = 0.0_f64;
        for line in words.caption {
            sentence = sentence.max(fonts.sans.width(line)? * TEXT_SIZE);
        }
        let mut room = symbol.max(code_width + 2.0 * MARGIN);
        if sentence + 2.0 * MARGIN <= WIDEST {
            room = room.max(sentence + 2.0 * MARGIN);
        }
        let mut lines = Vec::new();
        for sentence in words.caption {
            lines.extend(wrapped(
                &fonts.sans,
                sentence,
                (room - 2.0 * MARGIN) / TEXT_SIZE,
            )?);
        }
        if form != Form::Compact {
            // The code stands right above; it is repeated only where there is room.
            let both = format!("{} · {code}", words.host);
            let fits = fonts.sans.width(&both)? * TEXT_SIZE + 2.0 * MARGIN <= room;
            lines.push(if fits { both } else { words.host.to_owned() });
            let host = lines
                .last()
                .map_or(Ok(0.0), |host| fonts.sans.width(host))?;
            room = room.max(host * TEXT_SIZE + 2.0 * MARGIN);
        }
        if let (Form::WithOwner, Some(Footer { system, owner, .. })) = (form, owner) {
            for line in [system, owner] {
                lines.extend(wrapped(
                    &fonts.sans,
                    line,
                    (room - 2.0 * MARGIN) / TEXT_SIZE,
                )?);
            }
        }
        let count = u32::try_from(lines.len()).map_or(0.0, f64::from);
        Ok(Self {
            symbol,
            code,
            width: room,
            height: symbol + (CODE_SIZE + count * TEXT_SIZE) * LEADING + MARGIN,
            lines,
        })
    }

    /// Width and height in millimetres.
    pub(super) fn size(&self) -> (f64, f64) {
        (self.width / POINTS_PER_MM, self.height / POINTS_PER_MM)
    }

    /// Operators that draw it with its lower-left corner at the origin, in points.
    pub(super) fn draw(&self, fonts: &mut Fonts, symbol: Symbol<'_>) -> Result<Vec<u8>, FontError> {
        let mut out = String::new();
        let _ = writeln!(
            out,
            "1 g 0 0 {} {} re f 0 g",
            number(self.width),
            number(self.height)
        );
        let scale = self.symbol / f64::from(symbol.modules.max(1));
        let _ = writeln!(
            out,
            "q {0} 0 0 {0} {1} {2} cm",
            precise(scale),
            number((self.width - self.symbol) / 2.0),
            number(self.height - self.symbol)
        );
        let mut out = out.into_bytes();
        out.extend_from_slice(symbol.path);
        out.extend_from_slice(b"\nQ\n");

        let mut baseline = self.height - self.symbol - CODE_SIZE * 0.85;
        let x = (self.width - fonts.mono.width(&self.code)? * CODE_SIZE) / 2.0;
        let shown = fonts.mono.show(&self.code)?;
        out.extend(text_at("M", CODE_SIZE, x, baseline, &shown).into_bytes());
        baseline -= f64::midpoint(CODE_SIZE, TEXT_SIZE) * LEADING + 0.6;
        for line in &self.lines {
            let x = (self.width - fonts.sans.width(line)? * TEXT_SIZE) / 2.0;
            let shown = fonts.sans.show(line)?;
            out.extend(text_at("S", TEXT_SIZE, x, baseline, &shown).into_bytes());
            baseline -= TEXT_SIZE * LEADING;
        }
        Ok(out)
    }
}

/// The footer that NĐ 45/2020 Đ18 asks for on page 1: whose system made the result, and how to find it.
#[derive(Clone, Copy, Debug)]
pub struct Footer<'a> {
    /// Name of the information system.
    pub system: &'a str,
    /// Its owner.
    pub owner: &'a str,
    /// Where the catalogue wants it; without, or where something stands there, it goes to the lower margin.
    pub spot: Option<Spot>,
}

/// Footer lines broken for a width; sizes in points.
#[derive(Clone, Debug)]
pub(super) struct FooterLines {
    lines: Vec<String>,
    width: f64,
    height: f64,
}

impl FooterLines {
    pub(super) fn new(
        fonts: &Fonts,
        footer: Footer<'_>,
        words: Words<'_>,
        width: f64,
    ) -> Result<Self, FontError> {
        let room = width * POINTS_PER_MM - 2.0 * MARGIN;
        let said = [
            format!("{} – {}", footer.system, footer.owner),
            format!(
                "Tra cứu: https://{} – Mã:{KEEP}{}",
                words.host,
                words.code.grouped().replace(' ', KEEP)
            ),
        ];
        let one = said.join(". ");
        let mut lines = Vec::new();
        if fonts.sans.width(&one)? * TEXT_SIZE <= room {
            lines.push(one.replace(KEEP, " "));
        } else {
            for line in &said {
                lines.extend(wrapped(&fonts.sans, line, room / TEXT_SIZE)?);
            }
        }
        let mut widest = 0.0_f64;
        for line in &lines {
            widest = widest.max(fonts.sans.width(line)? * TEXT_SIZE);
        }
        let count = u32::try_from(lines.len()).map_or(0.0, f64::from);
        Ok(Self {
            lines,
            width: widest + 2.0 * MARGIN,
            height: count * TEXT_SIZE * LEADING + MARGIN,
        })
    }

    /// Width and height in millimetres.
    pub(super) fn size(&self) -> (f64, f64) {
        (self.width / POINTS_PER_MM, self.height / POINTS_PER_MM)
    }

    pub(super) fn draw(&self, fonts: &mut Fonts) -> Result<Vec<u8>, FontError> {
        // No ground of its own: it stands only where nothing is, and a white bar would show on a coloured form.
        let mut out = String::from("0 g\n");
        let mut baseline = self.height - MARGIN / 2.0 - TEXT_SIZE * 0.95;
        for line in &self.lines {
            let x = (self.width - fonts.sans.width(line)? * TEXT_SIZE) / 2.0;
            out.push_str(&text_at(
                "S",
                TEXT_SIZE,
                x,
                baseline,
                &fonts.sans.show(line)?,
            ));
            baseline -= TEXT_SIZE * LEADING;
        }
        Ok(out.into_bytes())
    }
}

fn text_at(font: &str, size: f64, x: f64, y: f64, shown: &str) -> String {
    format!(
        "BT /{font} {} Tf {} {} Td {shown} Tj ET\n",
        number(size),
        number(x),
        number(y)
    )
}

/// Lines of at most `room` times the type size, broken at spaces; a longer word stands alone.
fn wrapped(font: &Subset, text: &str, room: f64) -> Result<Vec<String>, FontError> {
    let mut lines: Vec<String> = Vec::new();
    for word in text.split(' ').filter(|word| !word.is_empty()) {
        let longer = lines.last().map(|line| format!("{line} {word}"));
        match longer {
            Some(longer) if font.width(&longer)? <= room => {
                lines.pop();
                lines.push(longer);
            }
            _ => lines.push(word.to_owned()),
        }
    }
    Ok(lines
        .into_iter()
        .map(|line| line.replace(KEEP, " "))
        .collect())
}

/// A no-break space: a look-up code stays on one line. It is shown as a plain one, for who searches.
const KEEP: &str = "\u{a0}";

/// A number for coordinates: a thousandth of a point is finer than any printer.
pub(super) fn number(value: f64) -> String {
    trimmed(&format!("{value:.3}"))
}

/// A number for matrices, which are multiplied with large coordinates.
pub(super) fn precise(value: f64) -> String {
    trimmed(&format!("{value:.7}"))
}

fn trimmed(text: &str) -> String {
    let short = text.trim_end_matches('0').trim_end_matches('.');
    match short {
        "" | "-" | "-0" => String::from("0"),
        other => other.to_owned(),
    }
}

#[cfg(test)]
#[expect(clippy::indexing_slicing, reason = "a test knows its own input")]
mod tests {
    use super::*;

    fn words(host: &str) -> Words<'_> {
        Words {
            code: ResultId::parse("7K3M9QX2TB4C5D6E").unwrap(),
            host,
            caption: &CAPTION,
        }
    }

    fn label(form: Form, modules: u32, width: f64) -> Label {
        let fonts = Fonts::new().unwrap();
        let symbol = Symbol { path: b"", modules };
        Label::new(&fonts, form, symbol, width, words("qr.vidu.test"), None).unwrap()
    }

    #[test]
    fn the_label_of_a_usual_symbol_fits_the_blank_corner() {
        // Versions 10 to 14 with quiet zone.
        for modules in [65, 69, 73, 77, 81] {
            let (width, height) = label(Form::Full, modules, 28.0).size();
            assert!(
                width <= 37.0 && height <= 48.0,
                "{modules}: {width} x {height}"
            );
        }
        let (width, height) = label(Form::Compact, 73, 30.0).size();
        assert!(width <= 37.0 && height <= 42.0, "{width} x {height}");
    }

    #[test]
    fn a_module_is_never_under_four_tenths_of_a_millimetre() {
        let small = label(Form::Full, 85, 20.0);
        assert!((small.symbol / POINTS_PER_MM - 34.0).abs() < 0.001);
        let large = label(Form::Full, 45, 30.0);
        assert!((large.symbol / POINTS_PER_MM - 30.0).abs() < 0.001);
    }

    #[test]
    fn each_sentence_of_the_caption_has_its_own_line_and_the_host_follows() {
        let label = label(Form::Full, 73, 30.0);
        assert_eq!(label.lines, [CAPTION[0], CAPTION[1], "qr.vidu.test"]);
        let fonts = Fonts::new().unwrap();
        let wide = Symbol {
            path: b"",
            modules: 73,
        };
        let said = words("qr.vidu.test");
        let label = Label::new(&fonts, Form::Full, wide, 60.0, said, None).unwrap();
        assert_eq!(label.lines[2], "qr.vidu.test · 7K3M 9QX2 TB4C 5D6E");
    }

    #[test]
    fn where_there_is_no_footer_the_label_names_system_and_owner() {
        let fonts = Fonts::new().unwrap();
        let symbol = Symbol {
            path: b"",
            modules: 73,
        };
        let footer = Footer {
            system: "Hệ thống kết quả điện tử",
            owner: "UBND Thành phố Ví Dụ",
            spot: None,
        };
        let said = words("qr.vidu.test");
        let label = Label::new(&fonts, Form::WithOwner, symbol, 30.0, said, Some(footer)).unwrap();
        assert_eq!(
            label.lines,
            [
                CAPTION[0],
                CAPTION[1],
                "qr.vidu.test",
                footer.system,
                footer.owner
            ]
        );
    }

    #[test]
    fn a_long_footer_breaks_and_a_short_one_stays_on_one_line() {
        let fonts = Fonts::new().unwrap();
        let footer = Footer {
            system: "Hệ thống kết quả điện tử thử nghiệm",
            owner: "Ủy ban nhân dân thành phố Ví Dụ",
            spot: None,
        };
        let lines = |width| FooterLines::new(&fonts, footer, words("qr.vidu.test"), width).unwrap();
        assert_eq!(lines(190.0).lines.len(), 1);
        assert_eq!(lines(130.0).lines.len(), 2);
        let narrow = lines(60.0);
        assert!(narrow.lines.len() > 3 && narrow.size().0 <= 60.0);
    }

    #[test]
    fn numbers_are_short_and_never_exponential() {
        for (value, text) in [
            (1.0, "1"),
            (0.0, "0"),
            (-0.000_01, "0"),
            (12.345_6, "12.346"),
        ] {
            assert_eq!(number(value), text);
        }
        assert_eq!(precise(0.000_01), "0.00001");
    }
}
