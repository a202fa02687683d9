//! Issued results (kết quả giải quyết TTHC bản điện tử).

use super::column::{Columns, bigint, bytes, iso, text};
use super::rows::ManyRows;
use super::{Conflict, Contention, StoreError, Tx};
use crate::clock::{UnixTime, iso_date};
use crate::digest::{Sha256, hex};
use crate::id::ResultId;
use crate::private::Private;
use crate::report::State;
use crate::tlog::{Kind, Leaf, SALT};
use serde_json::json;
use sqlx::any::AnyRow;
use std::sync::LazyLock;
use time::Date;
use uuid::Uuid;

/// A result as it was issued. None of this ever changes.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Issued {
    /// The look-up code; never logged.
    pub id: ResultId,
    /// The internal id (UUIDv7) that logs and the audit name instead.
    pub row: Uuid,
    /// Code of the agency.
    pub agency: String,
    /// Code of the result type.
    pub result_type: String,
    /// Number of the result type in credentials.
    pub type_number: u32,
    /// The year of its number.
    pub year: i32,
    /// Its place in the year's count; `None` when the number came from elsewhere and is not one of ours.
    pub number: Option<u64>,
    /// The number as it is printed, e.g. `0172/GP-SXD`; unique for agency, type and year.
    pub number_text: String,
    /// Code of the dossier.
    pub dossier_code: String,
    /// `<dossier code>-KQn` (NĐ 45/2020 Đ14.3d).
    pub result_code: String,
    /// The legal date.
    pub issue_date: Date,
    /// First day in force.
    pub valid_from: Date,
    /// Last day in force; `None` is without end.
    pub valid_to: Option<Date>,
    /// Every field as canonical JSON.
    pub data: Private<String>,
    /// The sealed credential.
    pub credential: Vec<u8>,
    /// Key id of the credential.
    pub kid: [u8; 4],
    /// Number of its status list.
    pub list: u32,
    /// Its place in the status list.
    pub index: u32,
    /// When it was issued.
    pub issued_at: UnixTime,
    /// Account that issued it.
    pub issued_by: String,
    /// Digest of the PDF that came with the request.
    pub source_document: Option<Sha256>,
    /// Digest of the PDF that was handed out.
    pub document: Option<Sha256>,
    /// The result whose place it took.
    pub predecessor: Option<ResultId>,
    /// Version of the catalogue it was issued under.
    pub catalogue_version: String,
    /// Salt of its leaf's commitment.
    pub salt: [u8; SALT],
    /// Where the log says so.
    pub leaf_index: u64,
    /// The plates it can be found by, in their normal form.
    pub plates: Private<Vec<String>>,
}

impl Issued {
    /// The leaf that commits to it, at the time of issue: the log may give it a later one
    /// ([`Leaf::not_before`]). `issuer` is the short code of its agency.
    #[must_use]
    pub fn leaf(&self, issuer: &str) -> Leaf {
        let record = json!({
            "result": self.id.to_string(),
            "credential": Sha256::of(&self.credential).hex(),
            "document": self.document.map(|digest| digest.hex()),
            "issue_date": iso_date(self.issue_date),
            "predecessor": self.predecessor.map(|id| id.to_string()),
            "at": self.issued_at.seconds(),
            "actor": self.issued_by,
        });
        let (at, record) = (self.issued_at, record.to_string());
        Leaf::new(Kind::Issued, at, issuer, &self.salt, record.as_bytes())
    }
}

/// A result with its standing.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct StoredResult {
    /// What was issued. [`Issued::plates`] is left empty: the data carry them.
    pub issued: Issued,
    /// What was decided about it since.
    pub standing: Standing,
    /// Last day of a suspension that has one.
    pub until: Option<Date>,
    /// The result that took its place.
    pub successor: Option<ResultId>,
}

impl StoredResult {
    /// How it stands at a moment: a suspension whose last day has passed is over.
    #[must_use]
    pub fn standing_at(&self, at: UnixTime) -> Standing {
        self.standing.at(self.until, at)
    }
}

/// What was decided about a result. Whether it is in force also depends on days and hours
/// ([`crate::report::State`]), which nobody needs to store.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum Standing {
    /// Nothing stands against it.
    Valid,
    /// Tạm đình chỉ: for a time.
    Suspended,
    /// Thu hồi.
    Revoked,
    /// Thu hồi văn bản: taken back by the agency itself, and frozen.
    Recalled,
    /// Hủy hiệu lực (NĐ 45/2020 Đ15).
    Cancelled,
    /// Được thay thế.
    Superseded,
    /// Nộp lại.
    Surrendered,
}

impl Standing {
    /// Every standing.
    pub const ALL: [Self; 7] = [
        Self::Valid,
        Self::Suspended,
        Self::Revoked,
        Self::Recalled,
        Self::Cancelled,
        Self::Superseded,
        Self::Surrendered,
    ];

    /// How this stands at a moment, if it holds until the end of a day.
    #[must_use]
    pub(super) fn at(self, until: Option<Date>, at: UnixTime) -> Self {
        match until {
            Some(until) if self == Self::Suspended && at > UnixTime::end_of(until) => Self::Valid,
            _ => self,
        }
    }

    /// The word in the database.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Valid => "valid",
            Self::Suspended => "suspended",
            Self::Revoked => "revoked",
            Self::Recalled => "recalled",
            Self::Cancelled => "cancelled",
            Self::Superseded => "superseded",
            Self::Surrendered => "surrendered",
        }
    }

    /// Reads [`Self::name`].
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|one| one.name() == name)
    }

    /// The state it puts a result in, whatever the day; `None` where day and hour decide.
    #[must_use]
    pub fn state(self) -> Option<State> {
        match self {
            Self::Valid => None,
            Self::Suspended => Some(State::Suspended),
            // Both are "đã thu hồi"; the change in effect says which.
            Self::Revoked | Self::Recalled => Some(State::Revoked),
            Self::Cancelled => Some(State::Cancelled),
            Self::Superseded => Some(State::Superseded),
            Self::Surrendered => Some(State::Surrendered),
        }
    }
}

macro_rules! select {
    ($rest:literal) => {
        concat!(
            "SELECT id, row_id, agency_code, result_type, type_number, year, number, number_text,
                dossier_code, result_code, issue_date, valid_from, valid_to, data, credential, kid,
                list_number, list_index, status, status_until, successor_id, issued_at, issued_by,
                source_document, document, predecessor_id, catalogue_version, salt, leaf_index
            FROM results ",
            $rest
        )
    };
}

const INSERT: &str = "
    INSERT INTO results (id, row_id, agency_code, result_type, type_number, year, number, number_text,
        dossier_code, result_code, issue_date, valid_from, valid_to, data, credential, kid,
        list_number, list_index, status, issued_at, issued_by, source_document, document,
        predecessor_id, catalogue_version, salt, leaf_index)
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, 'valid', $19,
        $20, $21, $22, $23, $24, $25, $26)
    ON CONFLICT DO NOTHING";

const INSERT_PLATE: &str = "
    INSERT INTO result_plates (plate, result_id) VALUES ($1, $2)
    ON CONFLICT (plate, result_id) DO NOTHING";

/// Which of the rules refused a row, in the order in which a caller can do something about them.
const REFUSED_BY: &str = "
    SELECT CASE
        WHEN EXISTS (SELECT 1 FROM results WHERE result_code = $1) THEN 1
        WHEN EXISTS (SELECT 1 FROM results WHERE agency_code = $2 AND result_type = $3 AND year = $4
            AND (number_text = $5 OR number = $6)) THEN 2
        WHEN EXISTS (SELECT 1 FROM results WHERE list_number = $7 AND list_index = $8) THEN 3
        WHEN EXISTS (SELECT 1 FROM results WHERE id = $9) THEN 4
        ELSE 0 END AS refused_by";

const BY_ID: &str = select!("WHERE id = $1");

static BY_IDS: LazyLock<ManyRows> =
    LazyLock::new(|| ManyRows::new(select!("WHERE id IN (VALUES"), 1, ")"));

const BY_ROW: &str = select!("WHERE row_id = $1");

const BY_CODE: &str = select!("WHERE result_code = $1");

const BY_NUMBER: &str = select!(
    "WHERE number_text IN ($1, $2) AND agency_code = COALESCE($3, agency_code)
     ORDER BY row_id DESC LIMIT $4"
);

const BY_PLATE: &str = select!(
    "WHERE id IN (SELECT result_id FROM result_plates WHERE plate = $1)
       AND agency_code = COALESCE($2, agency_code)
     ORDER BY row_id DESC LIMIT $3"
);

const OF_AGENCY: &str = select!(
    "WHERE agency_code = $1 AND row_id < $2
     ORDER BY row_id DESC LIMIT $3"
);

const OF_DOCUMENT: &str = "SELECT 1 AS found FROM results WHERE document = $1 LIMIT 1";

const BY_LEAF: &str = select!("WHERE leaf_index >= $1 ORDER BY leaf_index LIMIT $2");

const NUMBER_TAKEN: &str = "
    SELECT COUNT(*) AS taken FROM results
    WHERE agency_code = $1 AND result_type = $2 AND year = $3 AND number_text = $4";

const COUNT: &str = "SELECT COUNT(*) AS results FROM results";

impl Tx {
    /// Enters an issued result, valid.
    ///
    /// # Errors
    /// [`Conflict::ResultCode`], [`Conflict::Number`], [`Conflict::StatusIndex`], [`Conflict::ResultId`].
    pub async fn add_result(&mut self, new: &Issued) -> Result<(), StoreError> {
        let done = sqlx::query(INSERT)
            .bind(new.id.to_string())
            .bind(new.row.to_string())
            .bind(&new.agency)
            .bind(&new.result_type)
            .bind(i64::from(new.type_number))
            .bind(i64::from(new.year))
            .bind(new.number.map(bigint))
            .bind(&new.number_text)
            .bind(&new.dossier_code)
            .bind(&new.result_code)
            .bind(iso_date(new.issue_date))
            .bind(iso_date(new.valid_from))
            .bind(iso(new.valid_to))
            .bind(new.data.expose())
            .bind(new.credential.as_slice())
            .bind(hex(&new.kid))
            .bind(i64::from(new.list))
            .bind(i64::from(new.index))
            .bind(new.issued_at.seconds())
            .bind(&new.issued_by)
            .bind(bytes(new.source_document.as_ref()))
            .bind(bytes(new.document.as_ref()))
            .bind(text(new.predecessor))
            .bind(&new.catalogue_version)
            .bind(new.salt.as_slice())
            .bind(bigint(new.leaf_index))
            .execute(self.connection())
            .await?;
        if done.rows_affected() == 0 {
            return Err(self.refusal(new).await?);
        }
        for plate in new.plates.expose() {
            sqlx::query(INSERT_PLATE)
                .bind(plate)
                .bind(new.id.to_string())
                .execute(self.connection())
                .await?;
        }
        Ok(())
    }

    async fn refusal(&mut self, new: &Issued) -> Result<StoreError, StoreError> {
        let row = sqlx::query(REFUSED_BY)
            .bind(&new.result_code)
            .bind(&new.agency)
            .bind(&new.result_type)
            .bind(i64::from(new.year))
            .bind(&new.number_text)
            .bind(new.number.map(bigint))
            .bind(i64::from(new.list))
            .bind(i64::from(new.index))
            .bind(new.id.to_string())
            .fetch_one(self.connection())
            .await?;
        Ok(match Columns(&row).number::<u8>("refused_by")? {
            1 => StoreError::Conflict(Conflict::ResultCode),
            2 => StoreError::Conflict(Conflict::Number),
            3 => StoreError::Conflict(Conflict::StatusIndex),
            4 => StoreError::Conflict(Conflict::ResultId),
            // What refused it is gone again, or cannot be seen yet.
            _ => StoreError::Contended(Contention::Overtaken),
        })
    }

    /// The result with a look-up code.
    pub async fn result(&mut self, id: &ResultId) -> Result<Option<StoredResult>, StoreError> {
        self.one_result(BY_ID, id.to_string()).await
    }

    /// The results with these look-up codes, in any order.
    pub async fn results_with(
        &mut self,
        ids: &[ResultId],
    ) -> Result<Vec<StoredResult>, StoreError> {
        let mut found = Vec::with_capacity(ids.len());
        for (sql, ids) in BY_IDS.filled(ids) {
            let mut query = sqlx::query(sql);
            for id in ids {
                query = query.bind(id.to_string());
            }
            for row in query.fetch_all(self.connection()).await? {
                found.push(read(&row)?);
            }
        }
        Ok(found)
    }

    /// The result with an internal id.
    pub async fn result_of_row(&mut self, row: Uuid) -> Result<Option<StoredResult>, StoreError> {
        self.one_result(BY_ROW, row.to_string()).await
    }

    /// The result with a result code.
    pub async fn result_of_code(&mut self, code: &str) -> Result<Option<StoredResult>, StoreError> {
        self.one_result(BY_CODE, code.to_owned()).await
    }

    async fn one_result(
        &mut self,
        sql: &'static str,
        key: String,
    ) -> Result<Option<StoredResult>, StoreError> {
        let query = sqlx::query(sql).bind(key);
        let row = query.fetch_optional(self.connection()).await?;
        row.as_ref().map(read).transpose()
    }

    /// The results with a number in one of two spellings, the newest first: agencies, types and years may
    /// share one. Those of one agency, or of all.
    pub async fn results_of_number(
        &mut self,
        spellings: [&str; 2],
        agency: Option<&str>,
        limit: u32,
    ) -> Result<Vec<StoredResult>, StoreError> {
        let [one, other] = spellings;
        let rows = sqlx::query(BY_NUMBER)
            .bind(one)
            .bind(other)
            .bind(agency)
            .bind(i64::from(limit))
            .fetch_all(self.connection())
            .await?;
        rows.iter().map(read).collect()
    }

    /// The results for a plate in its normal form, the newest first. Those of one agency, or of all.
    pub async fn results_of_plate(
        &mut self,
        plate: &str,
        agency: Option<&str>,
        limit: u32,
    ) -> Result<Vec<StoredResult>, StoreError> {
        let rows = sqlx::query(BY_PLATE)
            .bind(plate)
            .bind(agency)
            .bind(i64::from(limit))
            .fetch_all(self.connection())
            .await?;
        rows.iter().map(read).collect()
    }

    /// A page of an agency's results, the newest first; the next page begins `before` the last
    /// [`Issued::row`] of this one.
    pub async fn results(
        &mut self,
        agency: &str,
        before: Option<Uuid>,
        limit: u32,
    ) -> Result<Vec<StoredResult>, StoreError> {
        let rows = sqlx::query(OF_AGENCY)
            .bind(agency)
            .bind(before.unwrap_or(Uuid::max()).to_string())
            .bind(i64::from(limit))
            .fetch_all(self.connection())
            .await?;
        rows.iter().map(read).collect()
    }

    /// Whether a result has this document.
    pub async fn is_document_of_result(&mut self, name: &Sha256) -> Result<bool, StoreError> {
        let query = sqlx::query(OF_DOCUMENT).bind(name.0.as_slice());
        Ok(query.fetch_optional(self.connection()).await?.is_some())
    }

    /// Results in the order of their leaves, from one leaf on.
    pub async fn results_from_leaf(
        &mut self,
        first: u64,
        limit: u32,
    ) -> Result<Vec<StoredResult>, StoreError> {
        let query = sqlx::query(BY_LEAF)
            .bind(bigint(first))
            .bind(i64::from(limit));
        let rows = query.fetch_all(self.connection()).await?;
        rows.iter().map(read).collect()
    }

    /// Whether a result of this agency, type and year has this number.
    pub async fn number_is_taken(
        &mut self,
        agency: &str,
        result_type: &str,
        year: i32,
        number: &str,
    ) -> Result<bool, StoreError> {
        let query = sqlx::query(NUMBER_TAKEN)
            .bind(agency)
            .bind(result_type)
            .bind(i64::from(year))
            .bind(number);
        let row = query.fetch_one(self.connection()).await?;
        Ok(Columns(&row).number::<u32>("taken")? > 0)
    }

    /// How many results there are.
    pub async fn result_count(&mut self) -> Result<u64, StoreError> {
        let row = sqlx::query(COUNT).fetch_one(self.connection()).await?;
        Columns(&row).number("results")
    }
}

fn read(row: &AnyRow) -> Result<StoredResult, StoreError> {
    let row = Columns(row);
    Ok(StoredResult {
        issued: Issued {
            id: row.result_id("id")?,
            row: row.uuid("row_id")?,
            agency: row.text("agency_code")?,
            result_type: row.text("result_type")?,
            type_number: row.number("type_number")?,
            year: row.number("year")?,
            number: row.number_or_null("number")?,
            number_text: row.text("number_text")?,
            dossier_code: row.text("dossier_code")?,
            result_code: row.text("result_code")?,
            issue_date: row.day("issue_date")?,
            valid_from: row.day("valid_from")?,
            valid_to: row.day_or_null("valid_to")?,
            data: Private::new(row.text("data")?),
            credential: row.bytes("credential")?,
            kid: row.word("kid", read_kid)?,
            list: row.number("list_number")?,
            index: row.number("list_index")?,
            issued_at: row.time("issued_at")?,
            issued_by: row.text("issued_by")?,
            source_document: row.digest_or_null("source_document")?,
            document: row.digest_or_null("document")?,
            predecessor: row.result_id_or_null("predecessor_id")?,
            catalogue_version: row.text("catalogue_version")?,
            salt: row.salt("salt")?,
            leaf_index: row.number("leaf_index")?,
            plates: Private::new(Vec::new()),
        },
        standing: row.word("status", Standing::parse)?,
        until: row.day_or_null("status_until")?,
        successor: row.result_id_or_null("successor_id")?,
    })
}

fn read_kid(text: &str) -> Option<[u8; 4]> {
    let canonical = |kid: &u32| hex(&kid.to_be_bytes()) == text;
    let kid = u32::from_str_radix(text, 16).ok().filter(canonical)?;
    Some(kid.to_be_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_id_has_eight_lower_case_hex_digits() {
        assert_eq!(read_kid("00a1ff10"), Some([0x00, 0xa1, 0xff, 0x10]));
        assert_eq!(read_kid("a1ff10"), None);
        assert_eq!(read_kid("00A1FF10"), None);
        assert_eq!(read_kid("+0a1ff10"), None);
    }

    #[test]
    fn only_a_valid_result_leaves_its_state_to_day_and_hour() {
        for standing in Standing::ALL {
            assert_eq!(standing.state().is_none(), standing == Standing::Valid);
            assert_eq!(Standing::parse(standing.name()), Some(standing));
        }
    }
}
