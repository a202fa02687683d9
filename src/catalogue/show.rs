//! Values as people read them.

use super::result_type::{Field, Label, Mask};
use super::value::{FieldKind, TimeWindow, Value};
use crate::clock::shown_date;

/// A language of pages and documents.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Language {
    /// Vietnamese, the first.
    Vi,
    /// English.
    En,
}

impl Label {
    /// The words in a language.
    #[must_use]
    pub fn of(&self, language: Language) -> &str {
        match language {
            Language::Vi => &self.vi,
            Language::En => &self.en,
        }
    }
}

/// A value as a page shows it to those who may see all of it; items of lists stand on lines of their own.
#[must_use]
pub fn shown(field: &Field, value: &Value, language: Language) -> String {
    let number = match value {
        Value::Text(text) => return text.clone(),
        Value::Texts(texts) => return texts.join("\n"),
        Value::Date(day) => return shown_date(*day),
        Value::Windows(windows) => {
            let lines: Vec<String> = windows.iter().map(|one| window(*one, language)).collect();
            return lines.join("\n");
        }
        Value::Count(count) if field.kind == FieldKind::Money => grouped(*count, language),
        Value::Count(count) => count.to_string(),
        Value::Milli(milli) => decimal(*milli, if language == Language::Vi { ',' } else { '.' }),
    };
    match &field.unit {
        Some(unit) => format!("{number} {}", unit.of(language)),
        None => number,
    }
}

/// A value as the public sees it.
#[must_use]
pub fn masked(field: &Field, value: &Value, language: Language) -> String {
    let whole = shown(field, value, language);
    match field.mask {
        None => whole,
        Some(Mask::Name) => masked_name(&whole),
    }
}

/// `Nguyễn Hữu Ví Dụ` → `N. H. V. Dụ`.
fn masked_name(name: &str) -> String {
    let words: Vec<&str> = name.split_whitespace().collect();
    let Some((last, others)) = words.split_last() else {
        return String::new();
    };
    let mut shown: Vec<String> = others
        .iter()
        .filter_map(|word| word.chars().next())
        .map(|first| format!("{first}."))
        .collect();
    shown.push((*last).to_owned());
    shown.join(" ")
}

/// Thousandths as a decimal with as many decimals as it has.
pub(super) fn decimal(milli: u64, point: char) -> String {
    let (whole, fraction) = (milli / 1_000, milli % 1_000);
    if fraction == 0 {
        return whole.to_string();
    }
    let fraction = format!("{fraction:03}");
    format!("{whole}{point}{}", fraction.trim_end_matches('0'))
}

/// `92.000.000` in Vietnamese, `92,000,000` in English.
fn grouped(number: u64, language: Language) -> String {
    let digits = number.to_string();
    let separator = if language == Language::Vi { '.' } else { ',' };
    let mut text = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(separator);
        }
        text.push(digit);
    }
    text
}

/// `Thứ 2 – Thứ 6: 09:00 – 11:00`.
fn window(window: TimeWindow, language: Language) -> String {
    let names = match language {
        Language::Vi => [
            "Thứ 2",
            "Thứ 3",
            "Thứ 4",
            "Thứ 5",
            "Thứ 6",
            "Thứ 7",
            "Chủ nhật",
        ],
        Language::En => ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"],
    };
    let on: Vec<usize> = (0..7).filter(|bit| window.days >> bit & 1 == 1).collect();
    let every_day = if language == Language::Vi {
        "Hằng ngày"
    } else {
        "Every day"
    };
    let days = match (on.first(), on.last()) {
        (Some(0), Some(6)) if on.len() == 7 => every_day.to_owned(),
        (Some(first), Some(last)) if on.len() > 2 && last - first + 1 == on.len() => {
            format!("{} – {}", names[*first], names[*last])
        }
        _ => on
            .iter()
            .map(|bit| names[*bit])
            .collect::<Vec<_>>()
            .join(", "),
    };
    let time = |minute: u16| format!("{:02}:{:02}", minute / 60, minute % 60);
    let next_day = match (window.to < window.from, language) {
        (false, _) => "",
        (true, Language::Vi) => " hôm sau",
        (true, Language::En) => " next day",
    };
    format!(
        "{days}: {} – {}{next_day}",
        time(window.from),
        time(window.to)
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_masked_name_keeps_its_last_word() {
        assert_eq!(masked_name("Nguyễn Hữu Ví Dụ"), "N. H. V. Dụ");
        assert_eq!(masked_name("Mẫu"), "Mẫu");
        assert_eq!(masked_name(""), "");
    }

    #[test]
    fn numbers_are_written_as_each_language_does() {
        assert_eq!(decimal(7_500, ','), "7,5");
        assert_eq!(decimal(41_000, ','), "41");
        assert_eq!(decimal(5, '.'), "0.005");
        assert_eq!(grouped(92_000_000, Language::Vi), "92.000.000");
        assert_eq!(grouped(999, Language::En), "999");
        assert_eq!(grouped(1_000, Language::En), "1,000");
    }

    #[test]
    fn windows_are_said_in_words() {
        let weekdays = TimeWindow {
            days: 0b1_1111,
            from: 540,
            to: 660,
        };
        assert_eq!(
            window(weekdays, Language::Vi),
            "Thứ 2 – Thứ 6: 09:00 – 11:00"
        );
        let night = TimeWindow {
            days: 0b111_1111,
            from: 1_320,
            to: 360,
        };
        assert_eq!(
            window(night, Language::Vi),
            "Hằng ngày: 22:00 – 06:00 hôm sau"
        );
        let two = TimeWindow {
            days: 0b100_0001,
            from: 0,
            to: 60,
        };
        assert_eq!(window(two, Language::En), "Mon, Sun: 00:00 – 01:00");
    }
}
