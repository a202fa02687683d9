//! What somebody should look at: a code that differs from the register, a credential seen in two places.

use super::column::{Columns, text};
use super::{StoreError, Tx};
use crate::clock::UnixTime;
use crate::id::ResultId;
use sqlx::any::AnyRow;
use uuid::Uuid;

/// One alarm.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Alarm {
    /// Made by the program (UUIDv7): alarms are listed by it.
    pub id: Uuid,
    /// Code of the agency that should look.
    pub agency: String,
    /// What kind, as a stable code.
    pub kind: String,
    /// The result it is about.
    pub result: Option<ResultId>,
    /// The check that raised it.
    pub check: Option<Uuid>,
    /// More, as a stable code.
    pub detail: String,
    /// When it was raised.
    pub at: UnixTime,
}

const INSERT: &str = "
    INSERT INTO alarms (id, agency_code, kind, result_id, check_id, detail, at)
    VALUES ($1, $2, $3, $4, $5, $6, $7)";

const PAGE: &str = "
    SELECT id, agency_code, kind, result_id, check_id, detail, at FROM alarms
    WHERE agency_code = $1 AND id < $2 ORDER BY id DESC LIMIT $3";

impl Tx {
    /// Raises an alarm.
    pub async fn add_alarm(&mut self, alarm: &Alarm) -> Result<(), StoreError> {
        sqlx::query(INSERT)
            .bind(alarm.id.to_string())
            .bind(&alarm.agency)
            .bind(&alarm.kind)
            .bind(text(alarm.result))
            .bind(text(alarm.check))
            .bind(&alarm.detail)
            .bind(alarm.at.seconds())
            .execute(self.connection())
            .await?;
        Ok(())
    }

    /// A page of an agency's alarms, the newest first; the next page begins `before` the last of this one.
    pub async fn alarms(
        &mut self,
        agency: &str,
        before: Option<Uuid>,
        limit: u32,
    ) -> Result<Vec<Alarm>, StoreError> {
        let rows = sqlx::query(PAGE)
            .bind(agency)
            .bind(before.unwrap_or(Uuid::max()).to_string())
            .bind(i64::from(limit))
            .fetch_all(self.connection())
            .await?;
        rows.iter().map(read).collect()
    }
}

fn read(row: &AnyRow) -> Result<Alarm, StoreError> {
    let row = Columns(row);
    Ok(Alarm {
        id: row.uuid("id")?,
        agency: row.text("agency_code")?,
        kind: row.text("kind")?,
        result: row.result_id_or_null("result_id")?,
        check: row.uuid_or_null("check_id")?,
        detail: row.text("detail")?,
        at: row.time("at")?,
    })
}
