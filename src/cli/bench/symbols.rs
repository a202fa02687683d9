//! Symbols: made with the mask that the standard chooses, drawn, read back.

use super::Effort;
use super::crypto::Raw;
use super::table::{Goal, Line, Table, time, times};
use super::turns::in_turns;
use crate::qr::{Symbol, render};
use anyhow::Context as _;
use qrcode::{EcLevel, QrCode};
use std::hint::black_box;

/// Digits behind the URL of a badge, with the least fields and with all of them.
const DIGITS: [usize; 2] = [454, 608];

pub(super) fn measure(table: &mut Table, effort: Effort) -> anyhow::Result<()> {
    table.part("The symbol");
    let raw = Raw::new()?;
    for digits in DIGITS {
        let text = text(digits);
        let symbol = Symbol::for_issue(&text)?;
        let version = symbol.version();
        let peer = || QrCode::with_error_correction_level(&text, EcLevel::M);
        peer().context("the peer takes the text")?;
        let [encode, issue, by_crate, signed] = in_turns(
            effort,
            [
                &mut || drop(black_box(Symbol::encode(&text))),
                &mut || drop(black_box(Symbol::for_issue(&text))),
                &mut || drop(black_box(peer())),
                &mut || raw.sign(),
            ],
        )?;
        table.add(Line {
            what: format!("encode version {version}, best of eight masks"),
            figure: time(encode.median()),
            beside: format!("crate qrcode {}", time(by_crate.median())),
            ratio: times(encode.ratio(&by_crate)),
            goal: Some(Goal::at_most("≤ 100 µs", encode.median(), 100e-6)),
        });
        table.add(Line {
            what: format!("the same, read back by the second decoder (version {version})"),
            figure: time(issue.median()),
            beside: format!("ring P-256 sign {}", time(signed.median())),
            ratio: times(issue.ratio(&signed)),
            goal: None,
        });
        let [path, bitmap] = in_turns(
            effort,
            [
                &mut || drop(black_box(render::pdf_path(&symbol))),
                &mut || drop(black_box(render::png(&symbol, 1))),
            ],
        )?;
        for (what, drawn) in [("PDF path", path), ("1-bit PNG", bitmap)] {
            table.add(Line {
                what: format!("draw version {version}: {what}"),
                figure: time(drawn.median()),
                beside: format!("encoding {}", time(encode.median())),
                ratio: times(drawn.median() / encode.median()),
                goal: Some(Goal::at_most("≤ 20 µs", drawn.median(), 20e-6)),
            });
        }
    }
    Ok(())
}

/// A QR text with digits that look random.
fn text(digits: usize) -> String {
    let mut text = "HTTPS://QR.DANANG.GOV.VN/7K3M9QX2TB4C5D6E#".to_owned();
    let mut state = 1_u64;
    for _ in 0..digits {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1);
        text.extend(char::from_digit(
            u32::try_from(state >> 40).unwrap_or(0) % 10,
            10,
        ));
    }
    text
}
