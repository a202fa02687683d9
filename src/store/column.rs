//! Domain types ↔ portable columns: BIGINT, TEXT, BYTEA (style: sqlx `Any` reads nothing else).

use super::error::StoreError;
use crate::clock::{UnixTime, iso_date, parse_iso_date};
use crate::digest::Sha256;
use crate::id::ResultId;
use crate::tlog::SALT;
use sqlx::Row as _;
use sqlx::any::AnyRow;
use time::Date;
use uuid::Uuid;

/// A row, read by the names of its columns. What this program never writes is
/// [`StoreError::Corrupt`] with the column's name.
pub(super) struct Columns<'r>(pub(super) &'r AnyRow);

impl Columns<'_> {
    pub(super) fn text(&self, column: &'static str) -> Result<String, StoreError> {
        Ok(self.0.try_get(column)?)
    }

    pub(super) fn text_or_null(&self, column: &'static str) -> Result<Option<String>, StoreError> {
        Ok(self.0.try_get(column)?)
    }

    pub(super) fn bytes(&self, column: &'static str) -> Result<Vec<u8>, StoreError> {
        Ok(self.0.try_get(column)?)
    }

    pub(super) fn bytes_or_null(
        &self,
        column: &'static str,
    ) -> Result<Option<Vec<u8>>, StoreError> {
        Ok(self.0.try_get(column)?)
    }

    /// A whole number of whatever width the domain gives it.
    pub(super) fn number<N: TryFrom<i64>>(&self, column: &'static str) -> Result<N, StoreError> {
        let number: i64 = self.0.try_get(column)?;
        N::try_from(number).map_err(|_| StoreError::Corrupt(column))
    }

    pub(super) fn number_or_null<N: TryFrom<i64>>(
        &self,
        column: &'static str,
    ) -> Result<Option<N>, StoreError> {
        let number: Option<i64> = self.0.try_get(column)?;
        number
            .map(|number| N::try_from(number).map_err(|_| StoreError::Corrupt(column)))
            .transpose()
    }

    pub(super) fn time(&self, column: &'static str) -> Result<UnixTime, StoreError> {
        Ok(UnixTime::from_seconds(self.0.try_get(column)?))
    }

    pub(super) fn time_or_null(
        &self,
        column: &'static str,
    ) -> Result<Option<UnixTime>, StoreError> {
        let seconds: Option<i64> = self.0.try_get(column)?;
        Ok(seconds.map(UnixTime::from_seconds))
    }

    /// A text that the domain reads itself.
    pub(super) fn word<T>(
        &self,
        column: &'static str,
        read: impl FnOnce(&str) -> Option<T>,
    ) -> Result<T, StoreError> {
        read(&self.text(column)?).ok_or(StoreError::Corrupt(column))
    }

    pub(super) fn word_or_null<T>(
        &self,
        column: &'static str,
        read: impl FnOnce(&str) -> Option<T>,
    ) -> Result<Option<T>, StoreError> {
        self.text_or_null(column)?
            .map(|text| read(&text).ok_or(StoreError::Corrupt(column)))
            .transpose()
    }

    pub(super) fn day(&self, column: &'static str) -> Result<Date, StoreError> {
        self.word(column, |text| parse_iso_date(text).ok())
    }

    pub(super) fn day_or_null(&self, column: &'static str) -> Result<Option<Date>, StoreError> {
        self.word_or_null(column, |text| parse_iso_date(text).ok())
    }

    pub(super) fn uuid(&self, column: &'static str) -> Result<Uuid, StoreError> {
        self.word(column, |text| Uuid::parse_str(text).ok())
    }

    pub(super) fn uuid_or_null(&self, column: &'static str) -> Result<Option<Uuid>, StoreError> {
        self.word_or_null(column, |text| Uuid::parse_str(text).ok())
    }

    pub(super) fn result_id(&self, column: &'static str) -> Result<ResultId, StoreError> {
        self.word(column, |text| ResultId::parse(text).ok())
    }

    pub(super) fn result_id_or_null(
        &self,
        column: &'static str,
    ) -> Result<Option<ResultId>, StoreError> {
        self.word_or_null(column, |text| ResultId::parse(text).ok())
    }

    pub(super) fn salt(&self, column: &'static str) -> Result<[u8; SALT], StoreError> {
        self.bytes(column)?
            .try_into()
            .map_err(|_| StoreError::Corrupt(column))
    }

    pub(super) fn digest(&self, column: &'static str) -> Result<Sha256, StoreError> {
        digest(column, &self.bytes(column)?)
    }

    pub(super) fn digest_or_null(
        &self,
        column: &'static str,
    ) -> Result<Option<Sha256>, StoreError> {
        self.bytes_or_null(column)?
            .map(|bytes| digest(column, &bytes))
            .transpose()
    }
}

fn digest(column: &'static str, bytes: &[u8]) -> Result<Sha256, StoreError> {
    bytes
        .try_into()
        .map(Sha256)
        .map_err(|_| StoreError::Corrupt(column))
}

/// A count as a BIGINT. No count of ours comes near its end; one that did would stay at it.
pub(super) fn bigint(count: u64) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}

pub(super) fn seconds(at: Option<UnixTime>) -> Option<i64> {
    at.map(UnixTime::seconds)
}

pub(super) fn iso(day: Option<Date>) -> Option<String> {
    day.map(iso_date)
}

pub(super) fn bytes(digest: Option<&Sha256>) -> Option<Vec<u8>> {
    digest.map(|digest| digest.0.to_vec())
}

pub(super) fn text(value: Option<impl ToString>) -> Option<String> {
    value.map(|value| value.to_string())
}
