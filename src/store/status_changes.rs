//! What was decided about results, one line per decision; append-only.

use super::column::{Columns, bigint, iso, text};
use super::rows::ManyRows;
use super::{Conflict, Standing, StoreError, Tx};
use crate::catalogue::ChangeKind;
use crate::clock::UnixTime;
use crate::id::ResultId;
use crate::tlog::SALT;
use sqlx::AnyConnection;
use sqlx::any::AnyRow;
use std::sync::LazyLock;
use time::Date;
use uuid::Uuid;

/// A decision about a result.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct StatusChange {
    /// Made by the program (UUIDv7).
    pub id: Uuid,
    /// The result's look-up code.
    pub result: ResultId,
    /// What was decided.
    pub kind: ChangeKind,
    /// What it was.
    pub from: Standing,
    /// What it becomes.
    pub to: Standing,
    /// Since when.
    pub effective_at: UnixTime,
    /// Last day of a suspension that has one.
    pub until: Option<Date>,
    /// The result that takes its place.
    pub successor: Option<ResultId>,
    /// Code or words of the reason.
    pub reason: String,
    /// Number of the decision.
    pub decision: String,
    /// Who decided.
    pub authority: String,
    /// Account that entered it.
    pub actor: String,
    /// Account that confirmed it, where the type asks for a second person.
    pub confirmed_by: Option<String>,
    /// When it was entered.
    pub at: UnixTime,
    /// Salt of its leaf's commitment.
    pub salt: [u8; SALT],
    /// Where the log says so.
    pub leaf_index: u64,
}

/// That something was decided about a result.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) struct Decision {
    pub(super) id: Uuid,
    pub(super) result: ResultId,
    pub(super) leaf_index: u64,
}

const MOVE: &str = "
    UPDATE results SET status = $3, status_until = $4, successor_id = $5
    WHERE id = $1 AND status = $2";

/// Changes nothing, and keeps others from changing it meanwhile.
const HOLD: &str = "UPDATE results SET status = $2 WHERE id = $1 AND status = $2";

const INSERT: &str = "
    INSERT INTO status_changes (id, result_id, kind, from_status, to_status, effective_at, until, successor_id,
        reason, decision, authority, actor, confirmed_by, at, salt, leaf_index)
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16)";

const OF_RESULT: &str = "
    SELECT id, result_id, kind, from_status, to_status, effective_at, until, successor_id, reason, decision,
        authority, actor, confirmed_by, at, salt, leaf_index
    FROM status_changes WHERE result_id = $1 ORDER BY leaf_index";

/// Decisions that [`decisions_from`] gives at most.
pub(super) const DECISIONS: usize = 256;

/// The limit stands in the text: SQLite prepares a statement anew for each value of a bound one.
const FROM: &str = "
    SELECT id, result_id, leaf_index FROM status_changes WHERE leaf_index >= $1 ORDER BY leaf_index LIMIT 256";

const LAST_DECISION: &str = "
    SELECT id, result_id, leaf_index FROM status_changes ORDER BY leaf_index DESC LIMIT 1";

static OF_RESULTS: LazyLock<ManyRows> = LazyLock::new(|| {
    let (head, order) = OF_RESULT.split_once("= $1").unwrap_or_default();
    ManyRows::new(&format!("{head} IN (VALUES"), 1, &format!(") {order}"))
});

impl Tx {
    /// Moves a result from one standing to another and writes down why; an erratum moves nothing. Which moves the law knows is the
    /// caller's business; that the result still stands where the caller saw it is checked here.
    ///
    /// # Errors
    /// [`Conflict::Standing`] when it does not, or does not exist.
    pub async fn change_status(&mut self, change: &StatusChange) -> Result<(), StoreError> {
        let moved = match change.kind {
            ChangeKind::Erratum => sqlx::query(HOLD)
                .bind(change.result.to_string())
                .bind(change.from.name()),
            _ => sqlx::query(MOVE)
                .bind(change.result.to_string())
                .bind(change.from.name())
                .bind(change.to.name())
                .bind(iso(change.until))
                .bind(text(change.successor)),
        };
        let moved = moved.execute(self.connection()).await?;
        if moved.rows_affected() == 0 {
            return Err(StoreError::Conflict(Conflict::Standing));
        }
        sqlx::query(INSERT)
            .bind(change.id.to_string())
            .bind(change.result.to_string())
            .bind(change.kind.name())
            .bind(change.from.name())
            .bind(change.to.name())
            .bind(change.effective_at.seconds())
            .bind(iso(change.until))
            .bind(text(change.successor))
            .bind(&change.reason)
            .bind(&change.decision)
            .bind(&change.authority)
            .bind(&change.actor)
            .bind(change.confirmed_by.as_deref())
            .bind(change.at.seconds())
            .bind(change.salt.as_slice())
            .bind(bigint(change.leaf_index))
            .execute(self.connection())
            .await?;
        Ok(())
    }

    /// What was decided about a result, the oldest first.
    pub async fn status_changes(
        &mut self,
        result: &ResultId,
    ) -> Result<Vec<StatusChange>, StoreError> {
        let query = sqlx::query(OF_RESULT).bind(result.to_string());
        let rows = query.fetch_all(self.connection()).await?;
        rows.iter().map(read).collect()
    }

    /// What was decided about these results, of each the oldest first.
    pub async fn status_changes_of(
        &mut self,
        results: &[ResultId],
    ) -> Result<Vec<StatusChange>, StoreError> {
        let mut found = Vec::new();
        for (sql, results) in OF_RESULTS.filled(results) {
            let mut query = sqlx::query(sql);
            for result in results {
                query = query.bind(result.to_string());
            }
            for row in query.fetch_all(self.connection()).await? {
                found.push(read(&row)?);
            }
        }
        Ok(found)
    }
}

/// What was decided about which results, from a place in the log on: the first [`DECISIONS`].
pub(super) async fn decisions_from(
    connection: &mut AnyConnection,
    leaf_index: u64,
) -> Result<Vec<Decision>, StoreError> {
    let query = sqlx::query(FROM).bind(bigint(leaf_index));
    let rows = query.fetch_all(connection).await?;
    rows.iter().map(read_decision).collect()
}

/// The last decision of all.
pub(super) async fn last_decision(
    connection: &mut AnyConnection,
) -> Result<Option<Decision>, StoreError> {
    let row = sqlx::query(LAST_DECISION)
        .fetch_optional(connection)
        .await?;
    row.as_ref().map(read_decision).transpose()
}

fn read_decision(row: &AnyRow) -> Result<Decision, StoreError> {
    let row = Columns(row);
    Ok(Decision {
        id: row.uuid("id")?,
        result: row.result_id("result_id")?,
        leaf_index: row.number("leaf_index")?,
    })
}

/// The kind of a change that was written down before kinds had a column (migration 0003).
fn kind_before_names(to: Standing) -> ChangeKind {
    match to {
        Standing::Valid => ChangeKind::Reinstatement,
        Standing::Suspended => ChangeKind::Suspension,
        Standing::Cancelled => ChangeKind::Cancellation,
        Standing::Superseded => ChangeKind::Replacement,
        Standing::Surrendered => ChangeKind::Surrender,
        Standing::Revoked | Standing::Recalled => ChangeKind::Revocation,
    }
}

fn read(row: &AnyRow) -> Result<StatusChange, StoreError> {
    let row = Columns(row);
    let to = row.word("to_status", Standing::parse)?;
    Ok(StatusChange {
        id: row.uuid("id")?,
        result: row.result_id("result_id")?,
        kind: row.word("kind", |name| match name {
            "" => Some(kind_before_names(to)),
            name => ChangeKind::parse(name),
        })?,
        from: row.word("from_status", Standing::parse)?,
        to,
        effective_at: row.time("effective_at")?,
        until: row.day_or_null("until")?,
        successor: row.result_id_or_null("successor_id")?,
        reason: row.text("reason")?,
        decision: row.text("decision")?,
        authority: row.text("authority")?,
        actor: row.text("actor")?,
        confirmed_by: row.text_or_null("confirmed_by")?,
        at: row.time("at")?,
        salt: row.salt("salt")?,
        leaf_index: row.number("leaf_index")?,
    })
}
