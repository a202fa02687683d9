//! Who did what; append-only. Subjects are internal row ids, details hold no personal data.

use super::column::Columns;
use super::{StoreError, Tx};
use crate::clock::UnixTime;
use sqlx::any::AnyRow;
use uuid::Uuid;

/// One line of the audit.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct AuditEntry {
    /// Made by the program (UUIDv7): lines are listed by it.
    pub id: Uuid,
    /// When.
    pub at: UnixTime,
    /// The account, or the name of a command.
    pub actor: String,
    /// What was done, as a stable code.
    pub action: String,
    /// Row id of what it was done to.
    pub subject: Option<String>,
    /// More, as JSON, without personal data.
    pub detail: String,
}

const INSERT: &str = "
    INSERT INTO audit (id, at, actor, action, subject, detail) VALUES ($1, $2, $3, $4, $5, $6)";

const PAGE: &str = "
    SELECT id, at, actor, action, subject, detail FROM audit
    WHERE id < $1 ORDER BY id DESC LIMIT $2";

const OF_SUBJECT: &str = "
    SELECT id, at, actor, action, subject, detail FROM audit
    WHERE subject = $1 AND id < $2 ORDER BY id DESC LIMIT $3";

impl Tx {
    /// Writes a line.
    pub async fn append_audit(&mut self, entry: &AuditEntry) -> Result<(), StoreError> {
        sqlx::query(INSERT)
            .bind(entry.id.to_string())
            .bind(entry.at.seconds())
            .bind(&entry.actor)
            .bind(&entry.action)
            .bind(entry.subject.as_deref())
            .bind(&entry.detail)
            .execute(self.connection())
            .await?;
        Ok(())
    }

    /// A page of the audit, the newest first; the next page begins `before` the last of this one.
    pub async fn audit(
        &mut self,
        before: Option<Uuid>,
        limit: u32,
    ) -> Result<Vec<AuditEntry>, StoreError> {
        let rows = sqlx::query(PAGE)
            .bind(before.unwrap_or(Uuid::max()).to_string())
            .bind(i64::from(limit))
            .fetch_all(self.connection())
            .await?;
        rows.iter().map(read).collect()
    }

    /// The same of what was done to one thing.
    pub async fn audit_of(
        &mut self,
        subject: &str,
        before: Option<Uuid>,
        limit: u32,
    ) -> Result<Vec<AuditEntry>, StoreError> {
        let rows = sqlx::query(OF_SUBJECT)
            .bind(subject)
            .bind(before.unwrap_or(Uuid::max()).to_string())
            .bind(i64::from(limit))
            .fetch_all(self.connection())
            .await?;
        rows.iter().map(read).collect()
    }
}

fn read(row: &AnyRow) -> Result<AuditEntry, StoreError> {
    let row = Columns(row);
    Ok(AuditEntry {
        id: row.uuid("id")?,
        at: row.time("at")?,
        actor: row.text("actor")?,
        action: row.text("action")?,
        subject: row.text_or_null("subject")?,
        detail: row.text("detail")?,
    })
}
