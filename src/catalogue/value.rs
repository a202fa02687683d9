//! The values that a field of a result can have.

use time::{Date, Time, Weekday};

/// The kind of a field: how its value is read, checked, shown and carried in the QR.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum FieldKind {
    /// Free text, NFC.
    Text,
    /// Several texts.
    Texts,
    /// A local day.
    Date,
    /// A vehicle plate, `43C-000.00`.
    Plate,
    /// Several plates.
    Plates,
    /// A tax code of 10 digits, or 10-3.
    TaxCode,
    /// A personal identification number of 12 digits; never in the QR.
    PersonalId,
    /// Whole đồng.
    Money,
    /// A whole number, with a unit.
    Count,
    /// A number with up to three decimals, with a unit.
    Decimal,
    /// Hours by weekday, also across midnight.
    TimeWindows,
}

impl FieldKind {
    /// Every kind; its place is its number in the trust bundle, so the order never changes.
    pub const ALL: [Self; 11] = [
        Self::Text,
        Self::Texts,
        Self::Date,
        Self::Plate,
        Self::Plates,
        Self::TaxCode,
        Self::PersonalId,
        Self::Money,
        Self::Count,
        Self::Decimal,
        Self::TimeWindows,
    ];

    /// The name in catalogue files.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Text => "text",
            Self::Texts => "texts",
            Self::Date => "date",
            Self::Plate => "plate",
            Self::Plates => "plates",
            Self::TaxCode => "tax_code",
            Self::PersonalId => "personal_id",
            Self::Money => "money",
            Self::Count => "count",
            Self::Decimal => "decimal",
            Self::TimeWindows => "time_windows",
        }
    }

    /// Reads [`Self::name`].
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.name() == name)
    }
}

/// A checked value. Texts are NFC and hold no control characters but line feeds.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Value {
    /// Text, plate, tax code, personal number.
    Text(String),
    /// Texts, plates.
    Texts(Vec<String>),
    /// A local day.
    Date(Date),
    /// Money, count.
    Count(u64),
    /// A decimal in thousandths: 7.5 t is 7500.
    Milli(u64),
    /// Hours by weekday.
    Windows(Vec<TimeWindow>),
}

/// Hours on some weekdays. A window whose end is not after its start runs past midnight into the next
/// day, which need not be one of its weekdays.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct TimeWindow {
    /// Bit 0 is Monday, bit 6 Sunday.
    pub days: u8,
    /// First minute of the day, 0 to 1439.
    pub from: u16,
    /// Minute of the day at which it ends, 0 to 1439, itself outside.
    pub to: u16,
}

impl TimeWindow {
    /// Whether a local weekday and time lie inside.
    #[must_use]
    pub fn contains(self, weekday: Weekday, time: Time) -> bool {
        let minute = u16::from(time.hour()) * 60 + u16::from(time.minute());
        let on = |day: Weekday| self.days >> day.number_days_from_monday() & 1 == 1;
        if self.from < self.to {
            on(weekday) && (self.from..self.to).contains(&minute)
        } else {
            on(weekday) && minute >= self.from || on(weekday.previous()) && minute < self.to
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use time::macros::time;

    const FRIDAY_NIGHT: TimeWindow = TimeWindow {
        days: 1 << 4,
        from: 22 * 60,
        to: 6 * 60,
    };

    #[test]
    fn a_window_across_midnight_reaches_into_the_next_day_only() {
        assert!(FRIDAY_NIGHT.contains(Weekday::Friday, time!(22:00)));
        assert!(FRIDAY_NIGHT.contains(Weekday::Saturday, time!(05:59:59)));
        assert!(!FRIDAY_NIGHT.contains(Weekday::Saturday, time!(06:00)));
        assert!(!FRIDAY_NIGHT.contains(Weekday::Friday, time!(05:00)));
        assert!(!FRIDAY_NIGHT.contains(Weekday::Saturday, time!(23:00)));
    }

    #[test]
    fn the_end_of_a_window_is_outside() {
        let morning = TimeWindow {
            days: 0b11111,
            from: 9 * 60,
            to: 11 * 60,
        };
        assert!(morning.contains(Weekday::Monday, time!(10:59:59)));
        assert!(!morning.contains(Weekday::Monday, time!(11:00)));
        assert!(!morning.contains(Weekday::Sunday, time!(10:00)));
    }
}
