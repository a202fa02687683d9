//! Signed files as they are served: trust bundle, status tokens, checkpoint. Their versions never go back.

use super::column::{Columns, bigint};
use super::{Conflict, StoreError, Tx};
use crate::clock::UnixTime;
use sqlx::any::AnyRow;

/// A signed file.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Publication {
    /// What it is, e.g. `trust` or `status/3`.
    pub name: String,
    /// Its counter: what was published with a higher one is never replaced by it.
    pub version: u64,
    /// The file.
    pub content: Vec<u8>,
    /// When it was signed.
    pub signed_at: UnixTime,
}

const PUBLISH: &str = "
    INSERT INTO publications (name, version, content, signed_at) VALUES ($1, $2, $3, $4)
    ON CONFLICT (name) DO UPDATE
        SET version = excluded.version, content = excluded.content, signed_at = excluded.signed_at
        WHERE publications.version < excluded.version
           OR (publications.version = excluded.version AND publications.content = excluded.content)";

const BY_NAME: &str = "
    SELECT name, version, content, signed_at FROM publications WHERE name = $1";

const VERSION: &str = "
    SELECT COALESCE(MAX(version), 0) AS version FROM publications WHERE name = $1";

const SIGNED: &str = "SELECT name, signed_at FROM publications ORDER BY name";

impl Tx {
    /// Publishes a file. Publishing the same one again changes nothing.
    ///
    /// # Errors
    /// [`Conflict::Version`] when the published one has a higher version, or the same and other bytes.
    pub async fn publish(&mut self, publication: &Publication) -> Result<(), StoreError> {
        let done = sqlx::query(PUBLISH)
            .bind(&publication.name)
            .bind(bigint(publication.version))
            .bind(publication.content.as_slice())
            .bind(publication.signed_at.seconds())
            .execute(self.connection())
            .await?;
        match done.rows_affected() {
            0 => Err(StoreError::Conflict(Conflict::Version)),
            _ => Ok(()),
        }
    }

    /// The published file of a name.
    pub async fn publication(&mut self, name: &str) -> Result<Option<Publication>, StoreError> {
        let query = sqlx::query(BY_NAME).bind(name);
        let row = query.fetch_optional(self.connection()).await?;
        row.as_ref().map(read).transpose()
    }

    /// The version that is published under a name; 0 before the first.
    pub async fn published_version(&mut self, name: &str) -> Result<u64, StoreError> {
        let query = sqlx::query(VERSION).bind(name);
        let row = query.fetch_one(self.connection()).await?;
        Columns(&row).number("version")
    }

    /// When everything published was signed, by name.
    pub async fn publications_signed(&mut self) -> Result<Vec<(String, UnixTime)>, StoreError> {
        let rows = sqlx::query(SIGNED).fetch_all(self.connection()).await?;
        let rows = rows.iter().map(Columns);
        rows.map(|row| Ok((row.text("name")?, row.time("signed_at")?)))
            .collect()
    }
}

fn read(row: &AnyRow) -> Result<Publication, StoreError> {
    let row = Columns(row);
    Ok(Publication {
        name: row.text("name")?,
        version: row.number("version")?,
        content: row.bytes("content")?,
        signed_at: row.time("signed_at")?,
    })
}
