//! Moments as DER spells them (X.690 §11.7 and §11.8, RFC 5280 §4.1.2.5).

use super::asn1::{Broken, Element, GENERALIZED_TIME, UTC_TIME, element};
use crate::clock::UnixTime;

/// A moment with a part of a second.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) struct Precise {
    pub(super) second: UnixTime,
    /// Whether it lies behind the beginning of that second.
    pub(super) fraction: bool,
}

/// `YYMMDDHHMMSSZ` (1950 to 2049) or `YYYYMMDDHHMMSSZ`.
pub(super) fn read(value: Element<'_>) -> Result<UnixTime, Broken> {
    let digits = value.content.strip_suffix(b"Z").ok_or(Broken)?;
    let text = std::str::from_utf8(digits).map_err(|_| Broken)?;
    let text = match (value.tag, text.len()) {
        (UTC_TIME, 12) if text < "50" => format!("20{text}"),
        (UTC_TIME, 12) => format!("19{text}"),
        (GENERALIZED_TIME, 14) => text.to_owned(),
        _ => return Err(Broken),
    };
    let form = time::macros::format_description!("[year][month][day][hour][minute][second]");
    let at = time::PrimitiveDateTime::parse(&text, form).map_err(|_| Broken)?;
    Ok(UnixTime::from_seconds(at.assume_utc().unix_timestamp()))
}

/// `YYYYMMDDHHMMSS[.s…]Z` without a zero at the end of the fraction (RFC 3161 §2.4.2).
pub(super) fn read_precise(value: Element<'_>) -> Result<Precise, Broken> {
    let Some(point) = value.content.iter().position(|byte| *byte == b'.') else {
        let second = read(value)?;
        return Ok(Precise {
            second,
            fraction: false,
        });
    };
    let (whole, fraction) = value.content.split_at_checked(point).ok_or(Broken)?;
    let digits = fraction
        .strip_prefix(b".")
        .and_then(|rest| rest.strip_suffix(b"Z"))
        .ok_or(Broken)?;
    let canonical = digits.iter().all(u8::is_ascii_digit)
        && digits.last().is_some_and(|last| *last != b'0')
        && digits.len() <= 9;
    if value.tag != GENERALIZED_TIME || !canonical {
        return Err(Broken);
    }
    let whole = [whole, b"Z"].concat();
    let second = read(Element {
        content: &whole,
        ..value
    })?;
    Ok(Precise {
        second,
        fraction: true,
    })
}

/// A GeneralizedTime.
pub(super) fn write(at: UnixTime) -> Vec<u8> {
    let form = time::macros::format_description!("[year][month][day][hour][minute][second]Z");
    let at = at.local().to_offset(time::UtcOffset::UTC);
    let text = at.format(form).unwrap_or_default();
    element(GENERALIZED_TIME, &[text.as_bytes()])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pki::asn1::Reader;
    use proptest::prelude::*;

    fn precise(text: &str) -> Result<Precise, Broken> {
        let bytes = element(GENERALIZED_TIME, &[text.as_bytes()]);
        read_precise(Reader::new(&bytes).any()?)
    }

    #[test]
    fn a_fraction_has_one_spelling() {
        let at = UnixTime::parse_rfc3339("2026-11-22T05:00:01Z").unwrap();
        let exactly = |fraction| {
            Ok(Precise {
                second: at,
                fraction,
            })
        };
        assert_eq!(precise("20261122050001Z"), exactly(false));
        assert_eq!(precise("20261122050001.25Z"), exactly(true));
        for wrong in [
            "20261122050001.Z",
            "20261122050001.0Z",
            "20261122050001.250Z",
            "20261122050001.25",
            "20261122050001.2x5Z",
            "202611220500.5Z",
            "20261322050001Z",
            "20261122050001+0700",
        ] {
            assert_eq!(precise(wrong), Err(Broken), "{wrong}");
        }
    }

    proptest! {
        #[test]
        fn a_written_moment_reads_back(seconds in 0_i64..253_402_214_400) {
            let at = UnixTime::from_seconds(seconds);
            let bytes = write(at);
            prop_assert_eq!(read(Reader::new(&bytes).any().unwrap()), Ok(at));
        }
    }
}
