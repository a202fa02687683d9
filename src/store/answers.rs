//! Answers to requests with an `Idempotency-Key`: the same request gets the first answer again.

use super::column::Columns;
use super::{Conflict, Contention, StoreError, Tx};
use crate::clock::UnixTime;
use crate::digest::Sha256;
use crate::private::Private;

/// An answer that was given.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Answer {
    /// HTTP status.
    pub status: u16,
    /// The body.
    pub body: Private<String>,
}

const BY_KEY: &str = "
    SELECT request, status, body FROM answers WHERE account_id = $1 AND idempotency_key = $2";

const INSERT: &str = "
    INSERT INTO answers (account_id, idempotency_key, request, status, body, at)
    VALUES ($1, $2, $3, $4, $5, $6)
    ON CONFLICT (account_id, idempotency_key) DO NOTHING";

const FORGET: &str = "DELETE FROM answers WHERE at < $1";

impl Tx {
    /// The answer that was given under this key, if it was to the same request.
    ///
    /// # Errors
    /// [`Conflict::IdempotencyKey`] when it was to another.
    pub async fn earlier_answer(
        &mut self,
        account: &str,
        key: &str,
        request: &Sha256,
    ) -> Result<Option<Answer>, StoreError> {
        let query = sqlx::query(BY_KEY).bind(account).bind(key);
        let Some(row) = query.fetch_optional(self.connection()).await? else {
            return Ok(None);
        };
        let row = Columns(&row);
        if row.digest("request")? != *request {
            return Err(StoreError::Conflict(Conflict::IdempotencyKey));
        }
        Ok(Some(Answer {
            status: row.number("status")?,
            body: Private::new(row.text("body")?),
        }))
    }

    /// Keeps the answer that [`Self::earlier_answer`] has not found, in the transaction that did the work.
    ///
    /// # Errors
    /// [`Contention::Overtaken`] when the same request was answered meanwhile: this work is undone, the
    /// next try finds the answer.
    pub async fn keep_answer(
        &mut self,
        account: &str,
        key: &str,
        request: &Sha256,
        answer: &Answer,
        at: UnixTime,
    ) -> Result<(), StoreError> {
        let done = sqlx::query(INSERT)
            .bind(account)
            .bind(key)
            .bind(request.0.as_slice())
            .bind(i64::from(answer.status))
            .bind(answer.body.expose())
            .bind(at.seconds())
            .execute(self.connection())
            .await?;
        match done.rows_affected() {
            0 => Err(StoreError::Contended(Contention::Overtaken)),
            _ => Ok(()),
        }
    }

    /// Forgets the answers given before a moment and says how many.
    pub async fn forget_answers(&mut self, before: UnixTime) -> Result<u64, StoreError> {
        let query = sqlx::query(FORGET).bind(before.seconds());
        Ok(query.execute(self.connection()).await?.rows_affected())
    }
}
