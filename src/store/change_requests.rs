//! Decisions about results that wait for a second person (four eyes).
//!
//! ```text
//! ask ─► waiting ─┬─ confirmed    with the status change, in its transaction
//!                 ├─ rejected     by another account
//!                 └─ expired      nobody answered in time
//! ```
//!
//! A request is settled once. What a replacement was to be issued from is erased then.

use super::column::{Columns, bigint, iso, text};
use super::{Conflict, StoreError, Tx};
use crate::catalogue::ChangeKind;
use crate::clock::UnixTime;
use crate::id::ResultId;
use crate::private::Private;
use crate::tlog::SALT;
use sqlx::any::AnyRow;
use time::Date;
use uuid::Uuid;

/// How a request stands.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum RequestState {
    /// Nobody has answered.
    Waiting,
    /// Another account confirmed it, and it was done.
    Confirmed,
    /// Another account rejected it.
    Rejected,
    /// Nobody answered in time.
    Expired,
}

impl RequestState {
    const ALL: [Self; 4] = [
        Self::Waiting,
        Self::Confirmed,
        Self::Rejected,
        Self::Expired,
    ];

    /// The word in the API and the database.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Waiting => "waiting",
            Self::Confirmed => "confirmed",
            Self::Rejected => "rejected",
            Self::Expired => "expired",
        }
    }

    fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.name() == name)
    }
}

/// What a replacement is to be issued from.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Submission {
    /// The data as they came, JSON.
    pub data: Private<String>,
    /// The agency's own PDF.
    pub pdf: Option<Private<Vec<u8>>>,
}

/// A request for a decision.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct ChangeRequest {
    /// Made by the program (UUIDv7).
    pub id: Uuid,
    /// The result's look-up code.
    pub result: ResultId,
    /// Code of its agency.
    pub agency: String,
    /// What is asked for.
    pub kind: ChangeKind,
    /// Last day of a suspension.
    pub until: Option<Date>,
    /// Why, in words that the public page will show.
    pub reason: String,
    /// Number of the decision.
    pub decision: String,
    /// Who decided.
    pub authority: String,
    /// Account that asks.
    pub asked_by: String,
    /// When it asked.
    pub asked_at: UnixTime,
    /// From when on nobody can confirm it any more.
    pub expires_at: UnixTime,
    /// Salt of the commitment of the leaf that says so.
    pub ask_salt: [u8; SALT],
    /// Where the log says so.
    pub ask_leaf_index: u64,
    /// How it stands.
    pub state: RequestState,
    /// Who settled it; nobody where it expired.
    pub settled_by: Option<String>,
    /// When it was settled.
    pub settled_at: Option<UnixTime>,
    /// Why it was rejected.
    pub settled_because: Option<String>,
    /// Where the log says that it was settled; of a confirmed one, the leaf of the status change.
    pub settle_leaf_index: Option<u64>,
}

/// The end of a request.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Settlement {
    /// How it ends.
    pub state: RequestState,
    /// Who settles it.
    pub by: Option<String>,
    /// When.
    pub at: UnixTime,
    /// Why it is rejected.
    pub because: Option<String>,
    /// Salt of its leaf, where it has one of its own.
    pub salt: Option<[u8; SALT]>,
    /// Where the log says so.
    pub leaf_index: u64,
}

const INSERT: &str = "
    INSERT INTO change_requests (id, result_id, agency_code, kind, until, reason, decision, authority, data, pdf,
        asked_by, asked_at, expires_at, state, ask_salt, ask_leaf_index)
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, 'waiting', $14, $15)
    ON CONFLICT DO NOTHING";

const SETTLE: &str = "
    UPDATE change_requests SET state = $2, settled_by = $3, settled_at = $4, settled_because = $5,
        settle_salt = $6, settle_leaf_index = $7, data = NULL, pdf = NULL
    WHERE id = $1 AND state = 'waiting'";

macro_rules! select {
    ($rest:literal) => {
        concat!(
            "SELECT id, result_id, agency_code, kind, until, reason, decision, authority, asked_by, asked_at,
                expires_at, ask_salt, ask_leaf_index, state, settled_by, settled_at, settled_because,
                settle_leaf_index
            FROM change_requests ",
            $rest
        )
    };
}

const BY_ID: &str = select!("WHERE id = $1");

const WAITING_FOR: &str = select!("WHERE result_id = $1 AND state = 'waiting'");

const WAITING_AT: &str = select!(
    "WHERE agency_code = $1 AND state = 'waiting' AND expires_at > $2 AND id < $3
     ORDER BY id DESC LIMIT $4"
);

const SUBMISSION: &str = "
    SELECT data, pdf FROM change_requests WHERE id = $1 AND data IS NOT NULL";

impl Tx {
    /// Writes down a request that waits.
    ///
    /// # Errors
    /// [`Conflict::ChangeRequest`] when the result waits for another decision.
    pub async fn add_change_request(
        &mut self,
        new: &ChangeRequest,
        submission: Option<&Submission>,
    ) -> Result<(), StoreError> {
        let pdf = submission.and_then(|one| one.pdf.as_ref());
        let done = sqlx::query(INSERT)
            .bind(new.id.to_string())
            .bind(new.result.to_string())
            .bind(&new.agency)
            .bind(new.kind.name())
            .bind(iso(new.until))
            .bind(&new.reason)
            .bind(&new.decision)
            .bind(&new.authority)
            .bind(submission.map(|one| one.data.expose().as_str()))
            .bind(pdf.map(|pdf| pdf.expose().as_slice()))
            .bind(&new.asked_by)
            .bind(new.asked_at.seconds())
            .bind(new.expires_at.seconds())
            .bind(new.ask_salt.as_slice())
            .bind(bigint(new.ask_leaf_index))
            .execute(self.connection())
            .await?;
        match done.rows_affected() {
            0 => Err(StoreError::Conflict(Conflict::ChangeRequest)),
            _ => Ok(()),
        }
    }

    /// Ends a request that waits, and erases what it was to be issued from.
    ///
    /// # Errors
    /// [`Conflict::ChangeRequest`] when it does not wait any more.
    pub async fn settle_change_request(
        &mut self,
        id: Uuid,
        how: &Settlement,
    ) -> Result<(), StoreError> {
        let done = sqlx::query(SETTLE)
            .bind(id.to_string())
            .bind(how.state.name())
            .bind(how.by.as_deref())
            .bind(how.at.seconds())
            .bind(how.because.as_deref())
            .bind(how.salt.as_ref().map(<[u8; SALT]>::as_slice))
            .bind(bigint(how.leaf_index))
            .execute(self.connection())
            .await?;
        match done.rows_affected() {
            0 => Err(StoreError::Conflict(Conflict::ChangeRequest)),
            _ => Ok(()),
        }
    }

    /// The request with an id.
    pub async fn change_request(&mut self, id: Uuid) -> Result<Option<ChangeRequest>, StoreError> {
        let query = sqlx::query(BY_ID).bind(id.to_string());
        let row = query.fetch_optional(self.connection()).await?;
        row.as_ref().map(read).transpose()
    }

    /// The request that waits for a decision about a result.
    pub async fn waiting_request(
        &mut self,
        result: &ResultId,
    ) -> Result<Option<ChangeRequest>, StoreError> {
        let query = sqlx::query(WAITING_FOR).bind(text(Some(result)));
        let row = query.fetch_optional(self.connection()).await?;
        row.as_ref().map(read).transpose()
    }

    /// A page of the requests that wait at an agency at a moment, the newest first; the next page begins
    /// `before` the last of this one.
    pub async fn waiting_requests(
        &mut self,
        agency: &str,
        at: UnixTime,
        before: Option<Uuid>,
        limit: u32,
    ) -> Result<Vec<ChangeRequest>, StoreError> {
        let rows = sqlx::query(WAITING_AT)
            .bind(agency)
            .bind(at.seconds())
            .bind(before.unwrap_or(Uuid::max()).to_string())
            .bind(i64::from(limit))
            .fetch_all(self.connection())
            .await?;
        rows.iter().map(read).collect()
    }

    /// What a replacement that waits is to be issued from.
    pub async fn submission(&mut self, id: Uuid) -> Result<Option<Submission>, StoreError> {
        let query = sqlx::query(SUBMISSION).bind(id.to_string());
        let row = query.fetch_optional(self.connection()).await?;
        let Some(row) = row else { return Ok(None) };
        let row = Columns(&row);
        Ok(Some(Submission {
            data: Private::new(row.text("data")?),
            pdf: row.bytes_or_null("pdf")?.map(Private::new),
        }))
    }
}

fn read(row: &AnyRow) -> Result<ChangeRequest, StoreError> {
    let row = Columns(row);
    Ok(ChangeRequest {
        id: row.uuid("id")?,
        result: row.result_id("result_id")?,
        agency: row.text("agency_code")?,
        kind: row.word("kind", ChangeKind::parse)?,
        until: row.day_or_null("until")?,
        reason: row.text("reason")?,
        decision: row.text("decision")?,
        authority: row.text("authority")?,
        asked_by: row.text("asked_by")?,
        asked_at: row.time("asked_at")?,
        expires_at: row.time("expires_at")?,
        ask_salt: row.salt("ask_salt")?,
        ask_leaf_index: row.number("ask_leaf_index")?,
        state: row.word("state", RequestState::parse)?,
        settled_by: row.text_or_null("settled_by")?,
        settled_at: row.time_or_null("settled_at")?,
        settled_because: row.text_or_null("settled_because")?,
        settle_leaf_index: row.number_or_null("settle_leaf_index")?,
    })
}
