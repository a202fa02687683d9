//! The wire form of each kind of field, and the cutting of long texts.
//!
//! | kind | CBOR |
//! |---|---|
//! | text, plate | text |
//! | texts, plates | array of texts |
//! | date | days since 1970-01-01, also negative |
//! | tax code | `N` for 10 digits, 10^10 + `N` for 13 digits (10-3) |
//! | money, count | unsigned number |
//! | decimal | unsigned number of thousandths |
//! | time windows | array of numbers, three a window: weekdays (bit 0 is Monday), first minute, minute of the end |
//! | personal id | never |

use super::FieldError;
use crate::catalogue::{Field, FieldKind, TimeWindow, Value};
use crate::cose::cbor;
use time::Date;
use unicode_normalization::char::is_combining_mark;

/// Stands where a text was cut: U+2026, 3 bytes.
pub const ELLIPSIS: char = '…';

/// 1970-01-01 as a Julian day.
const EPOCH: i32 = 2_440_588;
/// Values of a tax code of 10 digits, and of the 13 digits of a branch.
const TAX_CODES: u64 = 10_000_000_000;
const BRANCH_CODES: u64 = 10_000_000_000_000;
const MINUTES_OF_DAY: u64 = 1_440;

/// The wire form of a value.
///
/// # Errors
/// [`FieldError`] when the value is not one of this kind, or never goes into a QR.
pub fn encode(kind: FieldKind, value: &Value) -> Result<cbor::Value, FieldError> {
    let wrong = FieldError::WrongForm(kind);
    match (kind, value) {
        (FieldKind::PersonalId, _) => Err(FieldError::NeverInQr),
        (FieldKind::Text | FieldKind::Plate, Value::Text(text)) => Ok(cbor::Value::text(text)),
        (FieldKind::Texts | FieldKind::Plates, Value::Texts(texts)) => Ok(cbor::Value::Array(
            texts.iter().map(cbor::Value::text).collect(),
        )),
        (FieldKind::Date, Value::Date(day)) => {
            let days = day.to_julian_day().checked_sub(EPOCH).ok_or(wrong)?;
            Ok(cbor::Value::int(days.into()))
        }
        (FieldKind::TaxCode, Value::Text(code)) => {
            tax_number(code).map(cbor::Value::Uint).ok_or(wrong)
        }
        (FieldKind::Money | FieldKind::Count, Value::Count(number))
        | (FieldKind::Decimal, Value::Milli(number)) => Ok(cbor::Value::Uint(*number)),
        (FieldKind::TimeWindows, Value::Windows(windows)) => {
            let numbers = windows.iter().flat_map(|window| {
                [window.days.into(), window.from.into(), window.to.into()].map(cbor::Value::Uint)
            });
            Ok(cbor::Value::Array(numbers.collect()))
        }
        _ => Err(wrong),
    }
}

/// The value that a wire form stands for.
///
/// # Errors
/// [`FieldError`] when it is not the wire form of a value of this kind.
pub fn decode(kind: FieldKind, value: &cbor::Value) -> Result<Value, FieldError> {
    let wrong = FieldError::WrongForm(kind);
    let outside = FieldError::OutOfRange(kind);
    match (kind, value) {
        (FieldKind::PersonalId, _) => Err(FieldError::NeverInQr),
        (FieldKind::Text | FieldKind::Plate, cbor::Value::Text(text)) => {
            Ok(Value::Text(text.clone()))
        }
        (FieldKind::Texts | FieldKind::Plates, cbor::Value::Array(items)) => {
            let text = |item: &cbor::Value| item.clone().into_text().ok_or(wrong);
            items
                .iter()
                .map(text)
                .collect::<Result<_, _>>()
                .map(Value::Texts)
        }
        (FieldKind::Date, number) => {
            let days = i32::try_from(number.as_int().ok_or(wrong)?).map_err(|_| outside)?;
            let julian = days.checked_add(EPOCH).ok_or(outside)?;
            let day = Date::from_julian_day(julian).map_err(|_| outside)?;
            let in_range = (1900..=9999).contains(&day.year());
            in_range.then_some(Value::Date(day)).ok_or(outside)
        }
        (FieldKind::TaxCode, cbor::Value::Uint(number)) => {
            tax_code(*number).map(Value::Text).ok_or(outside)
        }
        (FieldKind::Money | FieldKind::Count, cbor::Value::Uint(number)) => {
            Ok(Value::Count(*number))
        }
        (FieldKind::Decimal, cbor::Value::Uint(number)) => Ok(Value::Milli(*number)),
        (FieldKind::TimeWindows, cbor::Value::Array(items)) => {
            let numbers: Option<Vec<u64>> = items.iter().map(cbor::Value::as_uint).collect();
            let (windows, over) = numbers.as_deref().ok_or(wrong)?.as_chunks::<3>();
            if !over.is_empty() {
                return Err(wrong);
            }
            let windows: Option<_> = windows.iter().copied().map(window).collect();
            windows.map(Value::Windows).ok_or(outside)
        }
        _ => Err(wrong),
    }
}

/// `0000000000` and `0000000000-000` are two ranges of numbers one after the other.
fn tax_number(code: &str) -> Option<u64> {
    let digits = |text: &str, count: usize| {
        let right = text.len() == count && text.bytes().all(|digit| digit.is_ascii_digit());
        right.then(|| text.parse::<u64>().ok()).flatten()
    };
    match code.split_once('-') {
        None => digits(code, 10),
        Some((head, branch)) => digits(head, 10)?
            .checked_mul(1_000)?
            .checked_add(digits(branch, 3)?)?
            .checked_add(TAX_CODES),
    }
}

fn tax_code(number: u64) -> Option<String> {
    let Some(branch) = number.checked_sub(TAX_CODES) else {
        return Some(format!("{number:010}"));
    };
    let thousand = std::num::NonZeroU64::new(1_000)?;
    (branch < BRANCH_CODES).then(|| format!("{:010}-{:03}", branch / thousand, branch % thousand))
}

fn window([days, from, to]: [u64; 3]) -> Option<TimeWindow> {
    let right = (1..=127).contains(&days) && from < MINUTES_OF_DAY && to < MINUTES_OF_DAY;
    right.then_some(())?;
    Some(TimeWindow {
        days: days.try_into().ok()?,
        from: from.try_into().ok()?,
        to: to.try_into().ok()?,
    })
}

/// The number and wire form under which the QR carries a field, its texts cut to the field's budget;
/// `None` for a field that the QR does not carry.
///
/// A list loses its last items, after which it ends with "…"; plates are never cut in their middle.
///
/// # Errors
/// [`FieldError`] as [`encode`].
pub fn carry(field: &Field, value: &Value) -> Result<Option<(u32, cbor::Value)>, FieldError> {
    let Some(carriage) = field.qr else {
        return Ok(None);
    };
    let fitted = match (carriage.bytes, value) {
        (Some(budget), Value::Text(text)) if field.kind == FieldKind::Text => {
            Value::Text(cut(text, budget))
        }
        (Some(budget), Value::Texts(texts)) => {
            let cuttable = field.kind == FieldKind::Texts;
            Value::Texts(cut_list(texts, budget, cuttable))
        }
        _ => value.clone(),
    };
    encode(field.kind, &fitted).map(|wire| Some((carriage.key, wire)))
}

/// `text` in at most `max_bytes` bytes of UTF-8: whole if it fits, else cut behind a word, or inside a
/// word that is longer than the budget, with "…" at the end. Below 3 bytes there is room for nothing.
#[must_use]
pub fn cut(text: &str, max_bytes: usize) -> String {
    if text.len() <= max_bytes {
        return text.to_owned();
    }
    let Some(budget) = max_bytes.checked_sub(ELLIPSIS.len_utf8()) else {
        return String::new();
    };
    // Ends of words, and of letters with the marks on them, in bytes.
    let mut word = 0;
    let mut letter = 0;
    let mut letters = text.char_indices().peekable();
    while let Some((start, c)) = letters.next() {
        let end = start.saturating_add(c.len_utf8());
        if end > budget {
            break;
        }
        let next = letters.peek().map(|(_, next)| *next);
        if !next.is_some_and(is_combining_mark) {
            letter = end;
        }
        if !c.is_whitespace() && next.is_none_or(char::is_whitespace) {
            word = end;
        }
    }
    let kept = text
        .get(..if word > 0 { word } else { letter })
        .unwrap_or_default();
    let kept = kept.trim_end_matches(|c: char| c.is_whitespace() || ",;:-–".contains(c));
    format!("{kept}{ELLIPSIS}")
}

/// The first of `texts` whose bytes stay within `max_bytes` together, and "…" for the others.
fn cut_list(texts: &[String], max_bytes: usize, cuttable: bool) -> Vec<String> {
    let total = |texts: &[String]| texts.iter().map(String::len).sum::<usize>();
    if total(texts) <= max_bytes {
        return texts.to_vec();
    }
    let mut kept: Vec<String> = Vec::new();
    let mut left = max_bytes;
    for (place, text) in texts.iter().enumerate() {
        let is_last = place.checked_add(1) == Some(texts.len());
        let reserve = if is_last { 0 } else { ELLIPSIS.len_utf8() };
        let Some(rest) = left.checked_sub(text.len()).filter(|rest| *rest >= reserve) else {
            let part = if cuttable {
                cut(text, left)
            } else {
                String::new()
            };
            kept.push(if part.is_empty() {
                ELLIPSIS.into()
            } else {
                part
            });
            break;
        };
        left = rest;
        kept.push(text.clone());
    }
    kept
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use time::macros::date;

    const FRIDAY_NIGHT: TimeWindow = TimeWindow {
        days: 16,
        from: 1_320,
        to: 360,
    };

    #[test]
    fn every_kind_has_its_wire_form() {
        let number = cbor::Value::Uint;
        let cases = [
            (
                FieldKind::Text,
                Value::Text("XE TẢI".into()),
                cbor::Value::text("XE TẢI"),
            ),
            (
                FieldKind::Plate,
                Value::Text("43C-000.00".into()),
                cbor::Value::text("43C-000.00"),
            ),
            (
                FieldKind::Plates,
                Value::Texts(vec!["43C-000.00".into()]),
                cbor::Value::Array(vec![cbor::Value::text("43C-000.00")]),
            ),
            (
                FieldKind::Date,
                Value::Date(date!(2026 - 11 - 21)),
                number(20_778),
            ),
            (
                FieldKind::Date,
                Value::Date(date!(1965 - 01 - 01)),
                cbor::Value::int(-1_826),
            ),
            (
                FieldKind::TaxCode,
                Value::Text("0400000001".into()),
                number(400_000_001),
            ),
            (
                FieldKind::TaxCode,
                Value::Text("0000000000-007".into()),
                number(10_000_000_007),
            ),
            (
                FieldKind::Money,
                Value::Count(92_000_000),
                number(92_000_000),
            ),
            (FieldKind::Decimal, Value::Milli(7_500), number(7_500)),
            (
                FieldKind::TimeWindows,
                Value::Windows(vec![FRIDAY_NIGHT]),
                cbor::Value::Array([16, 1_320, 360].map(number).to_vec()),
            ),
        ];
        for (kind, value, wire) in cases {
            assert_eq!(encode(kind, &value), Ok(wire.clone()), "{kind:?}");
            assert_eq!(decode(kind, &wire), Ok(value), "{kind:?}");
        }
    }

    #[test]
    fn what_is_no_value_of_its_kind_is_refused() {
        use FieldError::{NeverInQr, OutOfRange, WrongForm};
        let list = |numbers: &[u64]| {
            cbor::Value::Array(numbers.iter().copied().map(cbor::Value::Uint).collect())
        };
        let number = cbor::Value::Uint;
        let cases = [
            (
                FieldKind::PersonalId,
                cbor::Value::text("000000000000"),
                NeverInQr,
            ),
            (FieldKind::Text, number(1), WrongForm(FieldKind::Text)),
            (FieldKind::Texts, list(&[1]), WrongForm(FieldKind::Texts)),
            (
                FieldKind::Count,
                cbor::Value::int(-1),
                WrongForm(FieldKind::Count),
            ),
            (
                FieldKind::Date,
                number(1 << 40),
                OutOfRange(FieldKind::Date),
            ),
            (
                FieldKind::Date,
                cbor::Value::int(-40_000),
                OutOfRange(FieldKind::Date),
            ),
            (
                FieldKind::TaxCode,
                number(10_010_000_000_000),
                OutOfRange(FieldKind::TaxCode),
            ),
            (
                FieldKind::TimeWindows,
                list(&[1, 2]),
                WrongForm(FieldKind::TimeWindows),
            ),
            (
                FieldKind::TimeWindows,
                list(&[0, 1, 2]),
                OutOfRange(FieldKind::TimeWindows),
            ),
            (
                FieldKind::TimeWindows,
                list(&[128, 1, 2]),
                OutOfRange(FieldKind::TimeWindows),
            ),
            (
                FieldKind::TimeWindows,
                list(&[1, 1_440, 2]),
                OutOfRange(FieldKind::TimeWindows),
            ),
        ];
        for (kind, wire, error) in cases {
            assert_eq!(decode(kind, &wire), Err(error), "{kind:?} {wire:?}");
        }
        let id = Value::Text("000000000000".into());
        assert_eq!(encode(FieldKind::PersonalId, &id), Err(NeverInQr));
        assert_eq!(
            encode(FieldKind::TaxCode, &Value::Text("40000".into())),
            Err(WrongForm(FieldKind::TaxCode))
        );
    }

    #[test]
    fn a_long_text_is_cut_behind_a_word() {
        let name = "Công ty Cổ phần Vận tải Hành khách Ví Dụ";
        assert_eq!(cut(name, 80), name);
        assert_eq!(cut(name, 26), "Công ty Cổ phần…");
        assert_eq!(cut("Bếp ăn, tập thể", 13), "Bếp ăn…");
        assert_eq!(cut("Nguyễnnnnnnnnnn", 10), "Nguyễ…");
        assert_eq!(
            cut("aaaa\u{328}\u{301}aa", 9),
            "aaa…",
            "a letter keeps its marks or goes"
        );
        assert_eq!(cut("dài", 3), "…");
        assert_eq!(cut("dài", 2), "");
    }

    #[test]
    fn a_long_list_ends_with_three_dots_and_keeps_whole_plates() {
        let plates = ["43C-000.00", "43D-000.00", "43E-000.00"].map(String::from);
        assert_eq!(cut_list(&plates, 30, false), plates);
        assert_eq!(
            cut_list(&plates, 29, false),
            ["43C-000.00", "43D-000.00", "…"]
        );
        assert_eq!(cut_list(&plates, 22, false), ["43C-000.00", "…"]);
        let roads = ["Đường Ví Dụ", "Đường Mẫu Số Ba"].map(String::from);
        assert_eq!(cut_list(&roads, 30, true), ["Đường Ví Dụ", "Đường…"]);
    }

    proptest! {
        #[test]
        fn a_cut_text_stays_within_its_budget_and_says_nothing_new(
            text in "[a-zA-ZàảẫậđĐ ,]{0,60}", budget in 3_usize..80
        ) {
            let kept = cut(&text, budget);
            prop_assert!(kept.len() <= budget);
            prop_assert!(text.starts_with(kept.trim_end_matches(ELLIPSIS)));
            prop_assert_eq!(kept == text, text.len() <= budget);
        }
    }
}
