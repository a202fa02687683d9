//! The checks of inspectors: who checked what, when, where, and what he saw. Append-only; the personal
//! parts can be erased, the rest stays.

use super::column::{Columns, bigint, text};
use super::rows::ManyRows;
use super::{Alarm, Conflict, Contention, StoreError, Tx};
use crate::clock::UnixTime;
use crate::digest::Sha256;
use crate::id::ResultId;
use crate::private::Private;
use crate::report::Verdict;
use crate::tlog;
use sqlx::any::AnyRow;
use std::collections::{HashMap, HashSet};
use std::ops::Range;
use std::sync::LazyLock;
use uuid::Uuid;

/// One check.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Check {
    /// Made by the inspector's device (UUIDv7).
    pub id: Uuid,
    /// Digest of what the device sent: the same id with another content is another check.
    pub content: Sha256,
    /// Account of the inspector.
    pub account: String,
    /// Code of the inspector's agency.
    pub agency: String,
    /// The look-up code in the scanned text, also when the register does not know it.
    pub result: Option<ResultId>,
    /// Code of the agency that issued the result, when the register knows it.
    pub result_agency: Option<String>,
    /// Digest of the exact scanned text.
    pub scanned: Sha256,
    /// What the service made of it.
    pub verdict: Verdict,
    /// The report, as JSON.
    pub report: String,
    /// Whether it fits what stood in front of the inspector.
    pub seen: Seen,
    /// Code of a finding.
    pub finding: Option<String>,
    /// The inspector's words; erasable.
    pub note: Option<Private<String>>,
    /// Where; erasable.
    pub place: Option<Place>,
    /// When, by the device's clock.
    pub device_time: UnixTime,
    /// When it arrived.
    pub received_at: UnixTime,
    /// Opens the leaf's commitment to the personal parts; erasable.
    pub salt: Option<Vec<u8>>,
    /// Where the log says so.
    pub leaf_index: u64,
    /// Whether an enrolled device signed it.
    pub signed: bool,
}

/// A check as it stands in the register and the log.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct RecordedCheck {
    /// What was recorded, with the place of its leaf.
    pub check: Check,
    /// Hash of that leaf.
    pub leaf_hash: Sha256,
}

/// A check to record, with what is written together with it.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct CheckEntry {
    /// The check; its [`Check::leaf_index`] is given by the log.
    pub check: Check,
    /// What the log says about it.
    pub leaf: tlog::Leaf,
    /// What it should make somebody look at.
    pub alarms: Vec<Alarm>,
}

/// The inspector's own answer.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum Seen {
    /// It fits.
    Fits,
    /// It does not.
    DoesNotFit,
    /// He did not look, or could not see.
    NotSeen,
}

impl Seen {
    /// Every answer.
    pub const ALL: [Self; 3] = [Self::Fits, Self::DoesNotFit, Self::NotSeen];

    /// The word in the API (`match`) and the database.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Fits => "fits",
            Self::DoesNotFit => "does_not_fit",
            Self::NotSeen => "not_seen",
        }
    }

    /// Reads [`Self::name`].
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|one| one.name() == name)
    }
}

/// Where a check was made, as exact as the agency's policy lets it be.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Place {
    /// Degrees north in units of 1e-7.
    pub latitude_e7: i32,
    /// Degrees east in units of 1e-7.
    pub longitude_e7: i32,
    /// Radius of the circle it lies in, in metres.
    pub accuracy_m: u32,
}

/// Which checks a supervisor wants to see: those of an agency's people and those of its results.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct CheckQuery {
    /// Code of the agency.
    pub agency: String,
    /// One inspector only.
    pub account: Option<String>,
    /// When they arrived.
    pub received: Option<Range<UnixTime>>,
    /// Begins behind the check with this [`Check::leaf_index`]: the last of the page before.
    pub before: Option<u64>,
    /// Checks on the page.
    pub limit: u32,
}

macro_rules! select {
    ($rest:literal) => {
        concat!(
            "SELECT id, content, account_id, agency_code, result_id, result_agency_code, scanned, verdict,
                report, seen, finding, note, latitude_e7, longitude_e7, accuracy_m, device_time,
                received_at, salt, leaf_index, signed
            FROM checks ",
            $rest
        )
    };
}

const BY_ID: &str = select!("WHERE id = $1");

static BY_IDS: LazyLock<ManyRows> =
    LazyLock::new(|| ManyRows::new(select!("WHERE id IN (VALUES"), 1, ")"));

static INSERT: LazyLock<ManyRows> = LazyLock::new(|| {
    let insert = "
        INSERT INTO checks (id, content, account_id, agency_code, result_id, result_agency_code, scanned,
            verdict, report, seen, finding, note, latitude_e7, longitude_e7, accuracy_m, device_time,
            received_at, salt, leaf_index, signed)
        VALUES";
    ManyRows::new(insert, 20, "ON CONFLICT (id) DO NOTHING")
});

/// Two walks down two indexes, each no longer than the page, instead of one over everybody's checks.
const PAGE: &str = select!(
    "WHERE leaf_index IN (
        SELECT leaf_index FROM (
            SELECT leaf_index FROM checks
            WHERE agency_code = $1 AND leaf_index < $2 AND received_at >= $3 AND received_at < $4
              AND account_id = COALESCE($5, account_id)
            ORDER BY leaf_index DESC LIMIT $6) AS by_our_people
        UNION
        SELECT leaf_index FROM (
            SELECT leaf_index FROM checks
            WHERE result_agency_code = $1 AND leaf_index < $2 AND received_at >= $3 AND received_at < $4
              AND account_id = COALESCE($5, account_id)
            ORDER BY leaf_index DESC LIMIT $6) AS of_our_results)
     ORDER BY leaf_index DESC LIMIT $6"
);

const OF_RESULT: &str = select!(
    "WHERE result_id = $1 AND leaf_index < $2
     ORDER BY leaf_index DESC LIMIT $3"
);

/// Every check is recorded with a salt, so one without has been erased.
const ERASE: &str = "
    UPDATE checks SET note = NULL, latitude_e7 = NULL, longitude_e7 = NULL, accuracy_m = NULL, salt = NULL
    WHERE received_at < $1 AND salt IS NOT NULL";

impl Tx {
    /// Records checks with their leaves and alarms, in their order. For each the answer is the check as it
    /// is recorded: now, or before with the same content, which is not recorded again.
    ///
    /// [`Conflict::CheckId`] stands for a check whose id another one has.
    ///
    /// # Errors
    /// [`Contention::Overtaken`] when another transaction recorded one meanwhile: the next try finds it.
    pub async fn record_checks(
        &mut self,
        entries: &[&CheckEntry],
    ) -> Result<Vec<Result<RecordedCheck, Conflict>>, StoreError> {
        let mut recorded = HashMap::new();
        for (id, check) in self.earlier_checks(entries).await? {
            let place = check.leaf_index..check.leaf_index.saturating_add(1);
            let leaf_hash = self.leaf_hashes(place).await?.pop();
            let leaf_hash = leaf_hash.ok_or(StoreError::Missing("leaf"))?;
            recorded.insert(id, RecordedCheck { check, leaf_hash });
        }
        let mut begun = HashSet::new();
        let new: Vec<&CheckEntry> = entries
            .iter()
            .copied()
            .filter(|entry| !recorded.contains_key(&entry.check.id) && begun.insert(entry.check.id))
            .collect();
        // The log head is not touched when everything was recorded before.
        if !new.is_empty() {
            let leaves: Vec<&tlog::Leaf> = new.iter().map(|entry| &entry.leaf).collect();
            let appended = self.append_leaves(&leaves).await?;
            let checks: Vec<Check> = appended
                .iter()
                .zip(&new)
                .map(|(appended, entry)| Check {
                    leaf_index: appended.index,
                    ..entry.check.clone()
                })
                .collect();
            self.insert_checks(&checks).await?;
            for alarm in new.iter().flat_map(|entry| &entry.alarms) {
                self.add_alarm(alarm).await?;
            }
            for (check, appended) in checks.into_iter().zip(appended) {
                let leaf_hash = appended.hash;
                recorded.insert(check.id, RecordedCheck { check, leaf_hash });
            }
        }
        let answer = |entry: &&CheckEntry| {
            let sent = &entry.check;
            let same = |first: &&RecordedCheck| {
                first.check.account == sent.account && first.check.content == sent.content
            };
            let first = recorded.get(&sent.id).filter(same);
            first.cloned().ok_or(Conflict::CheckId)
        };
        Ok(entries.iter().map(answer).collect())
    }

    async fn earlier_checks(
        &mut self,
        entries: &[&CheckEntry],
    ) -> Result<HashMap<Uuid, Check>, StoreError> {
        let mut earlier = HashMap::new();
        for (sql, entries) in BY_IDS.pieces(entries) {
            let mut query = sqlx::query(sql);
            for entry in entries {
                query = query.bind(entry.check.id.to_string());
            }
            for row in query.fetch_all(self.connection()).await? {
                let check = read(&row)?;
                earlier.insert(check.id, check);
            }
        }
        Ok(earlier)
    }

    async fn insert_checks(&mut self, checks: &[Check]) -> Result<(), StoreError> {
        let mut inserted = 0;
        for (sql, checks) in INSERT.pieces(checks) {
            let mut query = sqlx::query(sql);
            for check in checks {
                let place = check.place;
                query = query
                    .bind(check.id.to_string())
                    .bind(check.content.0.as_slice())
                    .bind(&check.account)
                    .bind(&check.agency)
                    .bind(text(check.result))
                    .bind(check.result_agency.as_deref())
                    .bind(check.scanned.0.as_slice())
                    .bind(check.verdict.name())
                    .bind(&check.report)
                    .bind(check.seen.name())
                    .bind(check.finding.as_deref())
                    .bind(check.note.as_ref().map(|note| note.expose().as_str()))
                    .bind(place.map(|place| i64::from(place.latitude_e7)))
                    .bind(place.map(|place| i64::from(place.longitude_e7)))
                    .bind(place.map(|place| i64::from(place.accuracy_m)))
                    .bind(check.device_time.seconds())
                    .bind(check.received_at.seconds())
                    .bind(check.salt.as_deref())
                    .bind(bigint(check.leaf_index))
                    .bind(i64::from(check.signed));
            }
            inserted += query.execute(self.connection()).await?.rows_affected();
        }
        if u64::try_from(checks.len()) == Ok(inserted) {
            Ok(())
        } else {
            Err(StoreError::Contended(Contention::Overtaken))
        }
    }

    /// The check with an id.
    pub async fn check(&mut self, id: Uuid) -> Result<Option<Check>, StoreError> {
        let query = sqlx::query(BY_ID).bind(id.to_string());
        let row = query.fetch_optional(self.connection()).await?;
        row.as_ref().map(read).transpose()
    }

    /// A page of checks, the newest first.
    pub async fn checks(&mut self, query: &CheckQuery) -> Result<Vec<Check>, StoreError> {
        let received = query.received.as_ref();
        let rows = sqlx::query(PAGE)
            .bind(&query.agency)
            .bind(query.before.map_or(i64::MAX, bigint))
            .bind(received.map_or(0, |times| times.start.seconds()))
            .bind(received.map_or(i64::MAX, |times| times.end.seconds()))
            .bind(query.account.as_deref())
            .bind(i64::from(query.limit))
            .fetch_all(self.connection())
            .await?;
        rows.iter().map(read).collect()
    }

    /// A page of the checks of one result, the newest first.
    pub async fn checks_of_result(
        &mut self,
        result: &ResultId,
        before: Option<u64>,
        limit: u32,
    ) -> Result<Vec<Check>, StoreError> {
        let rows = sqlx::query(OF_RESULT)
            .bind(result.to_string())
            .bind(before.map_or(i64::MAX, bigint))
            .bind(i64::from(limit))
            .fetch_all(self.connection())
            .await?;
        rows.iter().map(read).collect()
    }

    /// Erases notes, places and salts of the checks that arrived before a moment, and says of how many.
    /// Without its salt a leaf commits to nothing that anybody could guess.
    pub async fn erase_check_details(&mut self, before: UnixTime) -> Result<u64, StoreError> {
        let query = sqlx::query(ERASE).bind(before.seconds());
        Ok(query.execute(self.connection()).await?.rows_affected())
    }
}

fn read(row: &AnyRow) -> Result<Check, StoreError> {
    let row = Columns(row);
    let latitude = row.number_or_null("latitude_e7")?;
    let longitude = row.number_or_null("longitude_e7")?;
    let accuracy = row.number_or_null("accuracy_m")?;
    let place = match (latitude, longitude, accuracy) {
        (Some(latitude_e7), Some(longitude_e7), Some(accuracy_m)) => Some(Place {
            latitude_e7,
            longitude_e7,
            accuracy_m,
        }),
        _ => None,
    };
    Ok(Check {
        id: row.uuid("id")?,
        content: row.digest("content")?,
        account: row.text("account_id")?,
        agency: row.text("agency_code")?,
        result: row.result_id_or_null("result_id")?,
        result_agency: row.text_or_null("result_agency_code")?,
        scanned: row.digest("scanned")?,
        verdict: row.word("verdict", read_verdict)?,
        report: row.text("report")?,
        seen: row.word("seen", Seen::parse)?,
        finding: row.text_or_null("finding")?,
        note: row.text_or_null("note")?.map(Private::new),
        place,
        device_time: row.time("device_time")?,
        received_at: row.time("received_at")?,
        salt: row.bytes_or_null("salt")?,
        leaf_index: row.number("leaf_index")?,
        signed: row.number::<u8>("signed")? == 1,
    })
}

fn read_verdict(name: &str) -> Option<Verdict> {
    [Verdict::Valid, Verdict::Invalid, Verdict::Undetermined]
        .into_iter()
        .find(|verdict| verdict.name() == name)
}
