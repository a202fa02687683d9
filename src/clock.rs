//! Time: the one caller of the system clock, and the calendar that the law uses.
//!
//! Instants are whole Unix seconds. Legal dates are local days in Asia/Ho_Chi_Minh, which has had the
//! fixed offset +07:00 and no daylight saving since 1975; `valid_to` counts to the last second of its day
//! (docs/formats/credential.md).

use std::fmt;
use time::{Date, OffsetDateTime, PrimitiveDateTime, Time, UtcOffset};

/// The offset of Asia/Ho_Chi_Minh.
pub const VIETNAM: UtcOffset = match UtcOffset::from_hms(7, 0, 0) {
    Ok(offset) => offset,
    Err(_) => panic!("+07:00 is a valid offset"),
};

/// A moment in whole seconds since 1970-01-01T00:00:00Z.
#[derive(Clone, Copy, Debug, Default, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct UnixTime(i64);

impl UnixTime {
    /// The moment `seconds` after the epoch, held inside the years 1970 to 9999.
    #[must_use]
    pub fn from_seconds(seconds: i64) -> Self {
        Self(seconds.clamp(0, 253_402_275_599))
    }

    /// Seconds since the epoch.
    #[must_use]
    pub fn seconds(self) -> i64 {
        self.0
    }

    /// The first second of a local day.
    #[must_use]
    pub fn start_of(day: Date) -> Self {
        Self::from_local(day, Time::MIDNIGHT)
    }

    /// The last second of a local day: what "đến hết ngày" means.
    #[must_use]
    pub fn end_of(day: Date) -> Self {
        Self::from_seconds(Self::start_of(day).0.saturating_add(86_399))
    }

    /// A local wall-clock time.
    #[must_use]
    pub fn from_local(day: Date, time: Time) -> Self {
        let at = PrimitiveDateTime::new(day, time).assume_offset(VIETNAM);
        Self::from_seconds(at.unix_timestamp())
    }

    /// The same moment on the clocks of Vietnam.
    #[must_use]
    pub fn local(self) -> OffsetDateTime {
        OffsetDateTime::from_unix_timestamp(self.0)
            .unwrap_or(OffsetDateTime::UNIX_EPOCH)
            .to_offset(VIETNAM)
    }

    /// The local day.
    #[must_use]
    pub fn local_date(self) -> Date {
        self.local().date()
    }

    /// The moment `seconds` later (earlier if negative).
    #[must_use]
    pub fn plus(self, seconds: i64) -> Self {
        Self::from_seconds(self.0.saturating_add(seconds))
    }

    /// Seconds from `earlier` to this moment; negative if this is before it.
    #[must_use]
    pub fn since(self, earlier: Self) -> i64 {
        self.0.saturating_sub(earlier.0)
    }

    /// RFC 3339 with the offset +07:00, e.g. `2026-11-21T09:42:00+07:00`.
    #[must_use]
    pub fn rfc3339(self) -> String {
        self.local()
            .format(&time::format_description::well_known::Rfc3339)
            .unwrap_or_default()
    }

    /// Reads RFC 3339 with any offset; fractions of a second are dropped.
    ///
    /// # Errors
    /// [`InvalidTime`] when the text is not RFC 3339.
    pub fn parse_rfc3339(text: &str) -> Result<Self, InvalidTime> {
        OffsetDateTime::parse(text, &time::format_description::well_known::Rfc3339)
            .map(|at| Self::from_seconds(at.unix_timestamp()))
            .map_err(|_| InvalidTime)
    }

    /// `09:42, 21/11/2026`: how pages show a moment.
    #[must_use]
    pub fn shown(self) -> String {
        let at = self.local();
        format!(
            "{:02}:{:02}, {}",
            at.hour(),
            at.minute(),
            shown_date(at.date())
        )
    }
}

impl fmt::Display for UnixTime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.rfc3339())
    }
}

/// The text is not an RFC 3339 time.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[error("not an RFC 3339 time")]
pub struct InvalidTime;

/// `31/08/2028`: how pages and documents show a day.
#[must_use]
pub fn shown_date(day: Date) -> String {
    format!(
        "{:02}/{:02}/{:04}",
        day.day(),
        u8::from(day.month()),
        day.year()
    )
}

/// `2028-08-31`: how data carries a day.
#[must_use]
pub fn iso_date(day: Date) -> String {
    format!(
        "{:04}-{:02}-{:02}",
        day.year(),
        u8::from(day.month()),
        day.day()
    )
}

/// Reads `2028-08-31`, nothing else.
///
/// # Errors
/// [`InvalidTime`] when the text is not an existing day in that form.
pub fn parse_iso_date(text: &str) -> Result<Date, InvalidTime> {
    if text.len() != 10 {
        return Err(InvalidTime);
    }
    Date::parse(
        text,
        time::macros::format_description!("[year]-[month]-[day]"),
    )
    .map_err(|_| InvalidTime)
}

/// What tells the time.
pub trait Clock: Send + Sync {
    /// Now.
    fn now(&self) -> UnixTime;
}

/// The clock of the machine.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    #[expect(
        clippy::disallowed_methods,
        reason = "the one place that asks the system"
    )]
    fn now(&self) -> UnixTime {
        UnixTime::from_seconds(OffsetDateTime::now_utc().unix_timestamp())
    }
}

/// A clock that stands still: for tests and for judging as of a moment.
#[derive(Clone, Copy, Debug)]
pub struct FixedClock(pub UnixTime);

impl Clock for FixedClock {
    fn now(&self) -> UnixTime {
        self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use time::macros::date;

    #[test]
    fn valid_to_counts_to_the_last_second_of_the_day_in_vietnam() {
        // qr-credentials: 2027-12-31T23:59:59+07:00 = 1830272399
        assert_eq!(
            UnixTime::end_of(date!(2027 - 12 - 31)).seconds(),
            1_830_272_399
        );
    }

    #[test]
    fn a_moment_late_in_the_utc_evening_is_already_the_next_day_in_vietnam() {
        let at = UnixTime::parse_rfc3339("2026-11-20T17:30:00Z").unwrap();
        assert_eq!(at.local_date(), date!(2026 - 11 - 21));
        assert_eq!(at.shown(), "00:30, 21/11/2026");
        assert_eq!(at.rfc3339(), "2026-11-21T00:30:00+07:00");
    }

    #[test]
    fn a_day_that_does_not_exist_is_refused() {
        assert_eq!(parse_iso_date("2026-02-30"), Err(InvalidTime));
        assert_eq!(parse_iso_date("2026-2-3"), Err(InvalidTime));
        assert_eq!(
            iso_date(parse_iso_date("2026-02-03").unwrap()),
            "2026-02-03"
        );
    }
}
