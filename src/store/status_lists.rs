//! The registers of the status lists. A place in a list is drawn at random by the caller, taken with the
//! result (`Conflict::StatusIndex` when somebody has it) and never given again.

use super::column::Columns;
use super::{Conflict, Standing, StoreError, Tx};
use crate::clock::UnixTime;
use sqlx::any::AnyRow;

/// One status list.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct StatusListRegister {
    /// Its number, unique in the whole register.
    pub number: u32,
    /// How many places it has.
    pub capacity: u32,
    /// Issuer code of the agency whose results it holds.
    pub issuer: String,
    /// When it was begun.
    pub created_at: UnixTime,
}

const INSERT: &str = "
    INSERT INTO status_lists (number, capacity, issuer, created_at)
    VALUES ($1, $2, $3, $4)
    ON CONFLICT (number) DO NOTHING";

const ALL: &str = "SELECT number, capacity, issuer, created_at FROM status_lists ORDER BY number";

const BY_NUMBER: &str = "
    SELECT number, capacity, issuer, created_at FROM status_lists WHERE number = $1";

const CURRENT: &str = "
    SELECT number, capacity, issuer, created_at FROM status_lists
    WHERE issuer = $1 ORDER BY number DESC LIMIT 1";

const NEXT_NUMBER: &str = "SELECT COALESCE(MAX(number), 0) + 1 AS next FROM status_lists";

const TAKEN: &str = "
    SELECT COUNT(*) AS taken FROM results WHERE list_number = $1 AND list_index = $2";

const NOT_VALID: &str = "
    SELECT list_index, status, status_until FROM results
    WHERE list_number = $1 AND status <> 'valid' ORDER BY list_index";

impl Tx {
    /// Begins a status list.
    ///
    /// # Errors
    /// [`Conflict::StatusList`] when the number is taken.
    pub async fn add_status_list(&mut self, list: &StatusListRegister) -> Result<(), StoreError> {
        let done = sqlx::query(INSERT)
            .bind(i64::from(list.number))
            .bind(i64::from(list.capacity))
            .bind(&list.issuer)
            .bind(list.created_at.seconds())
            .execute(self.connection())
            .await?;
        match done.rows_affected() {
            0 => Err(StoreError::Conflict(Conflict::StatusList)),
            _ => Ok(()),
        }
    }

    /// Every status list, by number.
    pub async fn status_lists(&mut self) -> Result<Vec<StatusListRegister>, StoreError> {
        let rows = sqlx::query(ALL).fetch_all(self.connection()).await?;
        rows.iter().map(read).collect()
    }

    /// The status list with a number.
    pub async fn status_list(
        &mut self,
        number: u32,
    ) -> Result<Option<StatusListRegister>, StoreError> {
        let query = sqlx::query(BY_NUMBER).bind(i64::from(number));
        let row = query.fetch_optional(self.connection()).await?;
        row.as_ref().map(read).transpose()
    }

    /// The newest list of an issuer, into which its next result goes.
    pub async fn current_status_list(
        &mut self,
        issuer: &str,
    ) -> Result<Option<StatusListRegister>, StoreError> {
        let query = sqlx::query(CURRENT).bind(issuer);
        let row = query.fetch_optional(self.connection()).await?;
        row.as_ref().map(read).transpose()
    }

    /// A number that no list has; another transaction may take it first ([`Conflict::StatusList`]).
    pub async fn next_status_list_number(&mut self) -> Result<u32, StoreError> {
        let row = sqlx::query(NEXT_NUMBER)
            .fetch_one(self.connection())
            .await?;
        Columns(&row).number("next")
    }

    /// Whether a place of a list is taken.
    pub async fn status_place_taken(&mut self, list: u32, index: u32) -> Result<bool, StoreError> {
        let row = sqlx::query(TAKEN)
            .bind(i64::from(list))
            .bind(i64::from(index))
            .fetch_one(self.connection())
            .await?;
        Ok(Columns(&row).number::<u32>("taken")? > 0)
    }

    /// The places of a list that are not valid at a moment, in order: what its next token says.
    pub async fn statuses(
        &mut self,
        number: u32,
        at: UnixTime,
    ) -> Result<Vec<(u32, Standing)>, StoreError> {
        let query = sqlx::query(NOT_VALID).bind(i64::from(number));
        let rows = query.fetch_all(self.connection()).await?;
        rows.iter()
            .map(|row| {
                let row = Columns(row);
                let standing = row.word("status", Standing::parse)?;
                let standing = standing.at(row.day_or_null("status_until")?, at);
                Ok((row.number("list_index")?, standing))
            })
            .filter(|row| !matches!(row, Ok((_, Standing::Valid))))
            .collect()
    }
}

fn read(row: &AnyRow) -> Result<StatusListRegister, StoreError> {
    let row = Columns(row);
    Ok(StatusListRegister {
        number: row.number("number")?,
        capacity: row.number("capacity")?,
        issuer: row.text("issuer")?,
        created_at: row.time("created_at")?,
    })
}
