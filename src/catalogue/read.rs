//! Checking one value of a field.

use super::data::FieldProblem;
use super::result_type::Field;
use super::value::{FieldKind, TimeWindow, Value};
use crate::clock::parse_iso_date;
use crate::limits;
use serde_json::Value as Json;
use unicode_normalization::UnicodeNormalization as _;

/// Reads the value of `field` as JSON data carries it; `None` when it is absent (null, an empty text or
/// an empty list).
pub(super) fn value(field: &Field, json: &Json) -> Result<Option<Value>, FieldProblem> {
    match json {
        Json::Null => return Ok(None),
        Json::String(text) if text.trim().is_empty() => return Ok(None),
        Json::Array(items) if items.is_empty() => return Ok(None),
        _ => {}
    }
    let value = match field.kind {
        FieldKind::Text => Value::Text(text(json, field.max_chars)?),
        FieldKind::Texts => Value::Texts(list(json, |item| text(item, field.max_chars))?),
        FieldKind::Date => {
            let day = json.as_str().ok_or(FieldProblem::NotADate)?;
            Value::Date(parse_iso_date(day).map_err(|_| FieldProblem::NotADate)?)
        }
        FieldKind::Plate => Value::Text(plate(json)?),
        FieldKind::Plates => Value::Texts(list(json, plate)?),
        FieldKind::TaxCode => Value::Text(matching(json, is_tax_code, FieldProblem::NotATaxCode)?),
        FieldKind::PersonalId => Value::Text(matching(
            json,
            is_personal_id,
            FieldProblem::NotAPersonalId,
        )?),
        FieldKind::Money | FieldKind::Count => {
            Value::Count(json.as_u64().ok_or(FieldProblem::NotACount)?)
        }
        FieldKind::Decimal => Value::Milli(thousandths(json)?),
        FieldKind::TimeWindows => Value::Windows(list(json, window)?),
    };
    Ok(Some(value))
}

/// The JSON that a cell of a CSV file stands for: lists are parted by `;`, numbers are numbers.
pub(super) fn cell(kind: FieldKind, text: &str) -> Json {
    let text = text.trim();
    if text.is_empty() {
        return Json::Null;
    }
    match kind {
        FieldKind::Texts | FieldKind::Plates => text
            .split(';')
            .map(|item| Json::from(item.trim()))
            .collect(),
        FieldKind::Money | FieldKind::Count | FieldKind::Decimal | FieldKind::TimeWindows => {
            serde_json::from_str(text).unwrap_or_else(|_| Json::from(text))
        }
        _ => Json::from(text),
    }
}

/// NFC text without control characters (line feeds may stay) and without the characters that turn the
/// direction of writing.
pub(super) fn text(json: &Json, max_chars: usize) -> Result<String, FieldProblem> {
    let text: String = json
        .as_str()
        .ok_or(FieldProblem::NotAText)?
        .trim()
        .nfc()
        .collect();
    if text
        .chars()
        .any(|c| (c.is_control() && c != '\n') || turns_direction(c))
    {
        return Err(FieldProblem::ControlCharacter);
    }
    if text.chars().count() > max_chars || text.len() > limits::FIELD_TEXT {
        return Err(FieldProblem::TooLong);
    }
    if text.is_empty() {
        return Err(FieldProblem::Missing);
    }
    Ok(text)
}

fn turns_direction(c: char) -> bool {
    matches!(c, '\u{200E}' | '\u{200F}' | '\u{202A}'..='\u{202E}' | '\u{2066}'..='\u{2069}')
}

fn list<T>(
    json: &Json,
    item: impl Fn(&Json) -> Result<T, FieldProblem>,
) -> Result<Vec<T>, FieldProblem> {
    let items = json.as_array().ok_or(FieldProblem::NotAList)?;
    if items.len() > limits::FIELD_ITEMS {
        return Err(FieldProblem::TooLong);
    }
    items.iter().map(item).collect()
}

fn matching(
    json: &Json,
    fits: fn(&str) -> bool,
    problem: FieldProblem,
) -> Result<String, FieldProblem> {
    let text = text(json, 32)?;
    if fits(&text) { Ok(text) } else { Err(problem) }
}

fn plate(json: &Json) -> Result<String, FieldProblem> {
    let text = text(json, 16)?.to_uppercase();
    if is_plate(&text) {
        Ok(text)
    } else {
        Err(FieldProblem::NotAPlate)
    }
}

/// A place with its series, then `NNN.NN` or the four digits of older plates (TT 79/2024/TT-BCA PL04).
fn is_plate(text: &str) -> bool {
    let Some((place, serial)) = text.split_once('-') else {
        return false;
    };
    let serial_fits = match serial.as_bytes() {
        [a, b, c, b'.', d, e] => [a, b, c, d, e].into_iter().all(u8::is_ascii_digit),
        four => four.len() == 4 && are_digits(serial),
    };
    is_place_and_series(place) && serial_fits
}

/// Two digits of the place, one or two letters of the series and perhaps a digit.
fn is_place_and_series(text: &str) -> bool {
    let mut place = text.chars();
    let digits = [place.next(), place.next()];
    let series: Vec<char> = place.take(SERIES + 1).collect();
    let letters = series
        .iter()
        .filter(|c| c.is_ascii_uppercase() || **c == 'Đ')
        .count();
    let series_fits = match series.as_slice() {
        [.., last] if last.is_ascii_digit() => letters == 1 && series.len() == SERIES,
        _ => (1..=SERIES).contains(&letters) && letters == series.len(),
    };
    digits
        .into_iter()
        .all(|d| d.is_some_and(|d| d.is_ascii_digit()))
        && series_fits
}

/// Characters of a series.
const SERIES: usize = 2;

fn are_digits(text: &str) -> bool {
    text.bytes().all(|b| b.is_ascii_digit())
}

/// A plate as it is searched for: upper case without hyphens, points and spaces; Đ stays apart from D.
#[must_use]
pub fn plate_key(text: &str) -> String {
    text.nfc()
        .filter(|c| !matches!(c, '-' | '.') && !c.is_whitespace())
        .flat_map(char::to_uppercase)
        .collect()
}

/// Characters of what somebody types to search for.
const TYPED: usize = 100;

/// [`plate_key`] of a plate that somebody typed, with or without hyphen, point and spaces.
///
/// # Errors
/// [`FieldProblem::NotAPlate`] for what is no plate however it is spelt, [`FieldProblem::TooLong`].
pub fn typed_plate_key(typed: &str) -> Result<String, FieldProblem> {
    if typed.chars().count() > TYPED {
        return Err(FieldProblem::TooLong);
    }
    let key = plate_key(typed);
    let ends_in = |digits: usize| {
        let place = key.len().checked_sub(digits)?;
        let (place, serial) = key.split_at_checked(place)?;
        (is_place_and_series(place) && are_digits(serial)).then_some(())
    };
    // The key of an older plate, 43B1-0000, can be that of 43B-100.00 too.
    match ends_in(5).or_else(|| ends_in(4)) {
        Some(()) => Ok(key),
        None => Err(FieldProblem::NotAPlate),
    }
}

/// A number of a result that somebody typed, in the spellings that it may have: as typed, and in capitals
/// without spaces, as nearly all are written.
///
/// # Errors
/// [`FieldProblem`] for what cannot be one.
pub fn typed_number(typed: &str) -> Result<[String; 2], FieldProblem> {
    let number = text(&Json::from(typed), TYPED)?;
    let capitals = number.chars().filter(|c| !c.is_whitespace());
    let capitals = capitals.flat_map(char::to_uppercase).collect();
    Ok([number, capitals])
}

fn is_tax_code(text: &str) -> bool {
    let digits =
        |part: &str, count: usize| part.len() == count && part.bytes().all(|b| b.is_ascii_digit());
    match text.split_once('-') {
        None => digits(text, 10),
        Some((head, branch)) => digits(head, 10) && digits(branch, 3),
    }
}

fn is_personal_id(text: &str) -> bool {
    text.len() == 12 && text.bytes().all(|b| b.is_ascii_digit())
}

/// A number with at most three decimals, in thousandths. The JSON text of the number is read, so 7.1 is
/// 7100 and not what a binary fraction makes of it.
fn thousandths(json: &Json) -> Result<u64, FieldProblem> {
    let number = json
        .as_number()
        .ok_or(FieldProblem::NotANumber)?
        .to_string();
    let (whole, fraction) = number.split_once('.').unwrap_or((&number, ""));
    let fraction = fraction.trim_end_matches('0');
    if fraction.len() > 3 || !fraction.bytes().all(|b| b.is_ascii_digit()) {
        return Err(FieldProblem::NotANumber);
    }
    let whole: u64 = whole.parse().map_err(|_| FieldProblem::NotANumber)?;
    let fraction: u64 = format!("{fraction:0<3}")
        .parse()
        .map_err(|_| FieldProblem::NotANumber)?;
    whole
        .checked_mul(1_000)
        .and_then(|milli| milli.checked_add(fraction))
        .ok_or(FieldProblem::NotANumber)
}

const DAYS: [&str; 7] = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"];

/// `{"days": ["mon", …], "from": "HH:MM", "to": "HH:MM"}`.
fn window(json: &Json) -> Result<TimeWindow, FieldProblem> {
    let problem = FieldProblem::NotATimeWindow;
    let object = json.as_object().ok_or(problem)?;
    if object
        .keys()
        .any(|key| !matches!(key.as_str(), "days" | "from" | "to"))
    {
        return Err(problem);
    }
    let days = object.get("days").and_then(Json::as_array).ok_or(problem)?;
    let mut mask = 0;
    for day in days {
        let day = day.as_str().ok_or(problem)?;
        let bit = DAYS.iter().position(|known| *known == day).ok_or(problem)?;
        mask |= 1 << bit;
    }
    let minute = |key: &str| {
        let (hour, minute) = object.get(key)?.as_str()?.split_once(':')?;
        let two_digits = |part: &str| (part.len() == 2).then(|| part.parse::<u16>().ok())?;
        let (hour, minute) = (two_digits(hour)?, two_digits(minute)?);
        (hour < 24 && minute < 60).then_some(hour * 60 + minute)
    };
    let (from, to) = (minute("from").ok_or(problem)?, minute("to").ok_or(problem)?);
    if mask == 0 || from == to {
        return Err(problem);
    }
    Ok(TimeWindow {
        days: mask,
        from,
        to,
    })
}

/// A value as JSON data carries it: what [`value`] reads.
pub(super) fn json(value: &Value) -> Json {
    match value {
        Value::Text(text) => Json::from(text.as_str()),
        Value::Texts(texts) => Json::from(texts.clone()),
        Value::Date(day) => Json::from(crate::clock::iso_date(*day)),
        Value::Count(count) => Json::from(*count),
        Value::Milli(milli) => {
            let text = super::show::decimal(*milli, '.');
            serde_json::from_str(&text).unwrap_or(Json::Null)
        }
        Value::Windows(windows) => windows.iter().copied().map(window_json).collect(),
    }
}

fn window_json(window: TimeWindow) -> Json {
    let days: Vec<&str> = DAYS
        .iter()
        .enumerate()
        .filter(|(bit, _)| window.days >> bit & 1 == 1)
        .map(|(_, day)| *day)
        .collect();
    let time = |minute: u16| format!("{:02}:{:02}", minute / 60, minute % 60);
    serde_json::json!({"days": days, "from": time(window.from), "to": time(window.to)})
}

/// Whether a text has the shape of a dossier code, read tolerantly:
/// `000.00.16.H99-260828-0001`.
#[must_use]
pub fn valid_dossier_code(text: &str) -> bool {
    let mut parts = text.split('-');
    let (Some(agency), Some(day), Some(sequence), None) =
        (parts.next(), parts.next(), parts.next(), parts.next())
    else {
        return false;
    };
    let groups: Vec<&str> = agency.split('.').collect();
    let group = |group: &&str| {
        (2..=3).contains(&group.len())
            && group
                .bytes()
                .all(|b| b.is_ascii_uppercase() || b.is_ascii_digit())
    };
    let digits = |part: &str| part.bytes().all(|b| b.is_ascii_digit());
    (2..=4).contains(&groups.len())
        && groups.iter().all(group)
        && day.len() == 6
        && digits(day)
        && (4..=6).contains(&sequence.len())
        && digits(sequence)
}

/// Whether a text has the shape of a result code: a dossier code and `-KQ`, `-KQ1` or `-KQ(1)`, in any
/// case (NĐ 45/2020 Đ14.3d).
#[must_use]
pub fn valid_result_code(text: &str) -> bool {
    let upper = text.to_uppercase();
    let Some((dossier, count)) = upper.rsplit_once("-KQ") else {
        return false;
    };
    let count = count
        .strip_prefix('(')
        .and_then(|inner| inner.strip_suffix(')'))
        .filter(|inner| !inner.is_empty())
        .unwrap_or(count);
    valid_dossier_code(dossier) && count.len() <= 4 && count.bytes().all(|b| b.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn plates_have_place_series_and_serial() {
        for good in [
            "43C-000.00",
            "43LD-000.00",
            "30F1-000.00",
            "43C-0000",
            "50LĐ-000.00",
        ] {
            assert!(is_plate(good), "{good}");
        }
        for bad in [
            "43C-00.0O",
            "43C-00000",
            "4C-000.00",
            "43-000.00",
            "43CCC-000.00",
            "43C000.00",
        ] {
            assert!(!is_plate(bad), "{bad}");
        }
        assert_eq!(plate(&json!(" 43c-000.00 ")), Ok("43C-000.00".to_owned()));
        assert_eq!(plate_key("43c 000.00"), "43C00000");
    }

    #[test]
    fn a_typed_plate_needs_neither_hyphen_nor_point() {
        for (typed, key) in [
            ("43C-000.00", "43C00000"),
            (" 43c 00000 ", "43C00000"),
            ("43c00000", "43C00000"),
            ("43lđ-0000", "43LĐ0000"),
            ("43L\u{110}0000", "43LĐ0000"),
            ("43B1-000.00", "43B100000"),
            ("43B1 0000", "43B10000"),
        ] {
            assert_eq!(typed_plate_key(typed), Ok(key.to_owned()), "{typed}");
        }
        for typed in [
            "",
            "43C",
            "43C-00",
            "43C0000000",
            "C43-000.00",
            "43C-00O.00",
            "%",
        ] {
            let refused = typed_plate_key(typed);
            assert_eq!(refused, Err(FieldProblem::NotAPlate), "{typed}");
        }
        let long = format!("{}43C-000.00", " ".repeat(91));
        assert_eq!(typed_plate_key(&long[1..]), Ok("43C00000".to_owned()));
        assert_eq!(typed_plate_key(&long), Err(FieldProblem::TooLong));
    }

    #[test]
    fn a_typed_number_is_looked_for_as_it_stands_and_in_capitals() {
        let spellings = |typed| typed_number(typed).map(|both| both.join("|"));
        let both = |text: &str| Ok(text.to_owned());
        assert_eq!(
            spellings(" hd4826 000001"),
            both("hd4826 000001|HD4826000001")
        );
        assert_eq!(spellings("12/gp-sxđ"), both("12/gp-sxđ|12/GP-SXĐ"));
        assert_eq!(spellings("  "), Err(FieldProblem::Missing));
        assert_eq!(spellings("1\u{7}"), Err(FieldProblem::ControlCharacter));
        assert_eq!(spellings(&"1".repeat(101)), Err(FieldProblem::TooLong));
    }

    #[test]
    fn decimals_are_read_from_their_digits() {
        assert_eq!(thousandths(&json!(7.1)), Ok(7_100));
        assert_eq!(thousandths(&json!(15)), Ok(15_000));
        assert_eq!(thousandths(&json!(0.125)), Ok(125));
        assert_eq!(thousandths(&json!(0.0)), Ok(0));
        assert_eq!(thousandths(&json!(1.0001)), Err(FieldProblem::NotANumber));
        assert_eq!(thousandths(&json!(-1)), Err(FieldProblem::NotANumber));
        assert_eq!(thousandths(&json!("7")), Err(FieldProblem::NotANumber));
    }

    #[test]
    fn decomposed_text_is_composed_and_hidden_characters_are_refused() {
        assert_eq!(
            text(&json!("Vu\u{031B}o\u{031B}ng"), 20),
            Ok("Vương".to_owned())
        );
        assert_eq!(
            text(&json!("a\u{202E}b"), 20),
            Err(FieldProblem::ControlCharacter)
        );
        assert_eq!(
            text(&json!("a\tb"), 20),
            Err(FieldProblem::ControlCharacter)
        );
        assert_eq!(text(&json!("abc"), 2), Err(FieldProblem::TooLong));
    }

    #[test]
    fn windows_read_and_write_back() {
        let night = json!({"days": ["fri", "sun"], "from": "22:00", "to": "06:00"});
        let read = window(&night).unwrap();
        assert_eq!(
            read,
            TimeWindow {
                days: 0b101_0000,
                from: 1_320,
                to: 360
            }
        );
        assert_eq!(window_json(read), night);
        for bad in [
            json!({"days": [], "from": "22:00", "to": "06:00"}),
            json!({"days": ["fri"], "from": "24:00", "to": "06:00"}),
            json!({"days": ["fri"], "from": "6:00", "to": "07:00"}),
            json!({"days": ["fri"], "from": "06:00", "to": "06:00"}),
        ] {
            assert_eq!(window(&bad), Err(FieldProblem::NotATimeWindow), "{bad}");
        }
    }

    #[test]
    fn codes_are_read_tolerantly() {
        for good in [
            "000.00.16.H99-260828-0001",
            "G22.99-251225-020175",
            "000.A0.01.H26-260930-0012",
        ] {
            assert!(valid_dossier_code(good), "{good}");
        }
        for good in [
            "G22.99-251225-020175-KQ",
            "G22.99-251225-0201-KQ(2)",
            "G22.99-251225-0201-kq1",
        ] {
            assert!(valid_result_code(good), "{good}");
        }
        for bad in [
            "",
            "H99-260828-0001",
            "000.00.16.H99-2608-0001",
            "000.00.16.H99-260828-01",
        ] {
            assert!(!valid_dossier_code(bad), "{bad}");
        }
        assert!(!valid_result_code("G22.99-251225-0201-KQ()"));
        assert!(!valid_result_code("G22.99-251225-0201"));
    }
}
