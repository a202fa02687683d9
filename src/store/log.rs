//! The leaves of the log, in order, without a gap. What they say and how they hash is `tlog`'s.
//!
//! The one row of `log_head` is the sequencer: it gives out the index and stays locked until the
//! transaction ends, so leaves are committed in the order of their indexes and an undone transaction
//! leaves no gap. A reader that sees leaf n sees all before it.
//!
//! The times of the leaves never run back (docs/adr/0032): a leaf that was begun before another one and
//! appended after it gets the time of that one. Whose clock is further behind than that can explain is
//! refused.

use super::column::{Columns, bigint};
use super::rows::ManyRows;
use super::{StoreError, Tx};
use crate::clock::UnixTime;
use crate::digest::Sha256;
use crate::tlog;
use sqlx::any::AnyRow;
use std::ops::Range;
use std::sync::LazyLock;

/// Seconds by which whoever appends may be behind the newest leaf: the slowest request, begun on the server
/// whose clock is slowest.
const BEHIND: i64 = 60;

/// Where a leaf was appended.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Appended {
    /// Its place, from 0.
    pub index: u64,
    /// Its hash; not that of the leaf that was handed in where its time had to be a later one.
    pub hash: Sha256,
}

/// A leaf of the log.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Leaf {
    /// What it says, as one word.
    pub kind: String,
    /// The bytes that the log publishes.
    pub bytes: Vec<u8>,
    /// Their leaf hash (RFC 6962 §2.1).
    pub hash: Sha256,
    /// When it is appended.
    pub at: UnixTime,
}

/// A leaf in its place.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct StoredLeaf {
    /// Its place, from 0.
    pub index: u64,
    /// What was appended.
    pub leaf: Leaf,
}

const ADVANCE: &str = "
    UPDATE log_head SET size = size + $1 WHERE id = 1 RETURNING size";

static INSERT: LazyLock<ManyRows> = LazyLock::new(|| {
    let insert = "INSERT INTO log_entries (leaf_index, kind, leaf, leaf_hash, at) VALUES";
    ManyRows::new(insert, 5, "")
});

const TAKE: &str = "
    UPDATE log_head SET size = size WHERE id = 1";

const LAST_TIME: &str = "
    SELECT at FROM log_entries WHERE leaf_index = $1";

const SIZE: &str = "SELECT size FROM log_head WHERE id = 1";

const LEAVES: &str = "
    SELECT leaf_index, kind, leaf, leaf_hash, at FROM log_entries
    WHERE leaf_index >= $1 AND leaf_index < $2 ORDER BY leaf_index";

const HASHES: &str = "
    SELECT leaf_hash FROM log_entries
    WHERE leaf_index >= $1 AND leaf_index < $2 ORDER BY leaf_index";

impl Tx {
    /// Appends a leaf and says where.
    ///
    /// # Errors
    /// [`StoreError::ClockBehind`].
    pub async fn append_leaf(&mut self, leaf: &tlog::Leaf) -> Result<Appended, StoreError> {
        let (places, appended) = self.append(&[leaf]).await?;
        let leaf = appended.first().ok_or(StoreError::Missing("leaf"))?;
        Ok(Appended {
            index: places.start,
            hash: leaf.hash(),
        })
    }

    /// Appends leaves one behind the other and says where.
    ///
    /// # Errors
    /// [`StoreError::ClockBehind`].
    pub async fn append_leaves(
        &mut self,
        leaves: &[&tlog::Leaf],
    ) -> Result<Vec<Appended>, StoreError> {
        let (places, leaves) = self.append(leaves).await?;
        let appended = places.zip(&leaves).map(|(index, leaf)| Appended {
            index,
            hash: leaf.hash(),
        });
        Ok(appended.collect())
    }

    async fn append(
        &mut self,
        leaves: &[&tlog::Leaf],
    ) -> Result<(Range<u64>, Vec<tlog::Leaf>), StoreError> {
        let count = u64::try_from(leaves.len()).unwrap_or(u64::MAX);
        let query = sqlx::query(ADVANCE).bind(bigint(count));
        let row = query.fetch_one(self.connection()).await?;
        let end: u64 = Columns(&row).number("size")?;
        let places = end.saturating_sub(count)..end;
        let mut latest = self.time_before(places.start).await?;
        let mut appended = Vec::with_capacity(leaves.len());
        for leaf in leaves {
            let behind = latest.since(leaf.at());
            if behind > BEHIND {
                return Err(StoreError::ClockBehind { seconds: behind });
            }
            let leaf = leaf.not_before(latest);
            latest = leaf.at();
            appended.push(leaf);
        }
        let mut index = places.start;
        for (sql, leaves) in INSERT.pieces(&appended) {
            let mut query = sqlx::query(sql);
            for leaf in leaves {
                query = query
                    .bind(bigint(index))
                    .bind(leaf.kind().name())
                    .bind(leaf.bytes())
                    .bind(leaf.hash().0.to_vec())
                    .bind(leaf.at().seconds());
                index = index.saturating_add(1);
            }
            query.execute(self.connection()).await?;
        }
        Ok((places, appended))
    }

    /// The time of the leaf before a place; the epoch for the first.
    async fn time_before(&mut self, place: u64) -> Result<UnixTime, StoreError> {
        let query = sqlx::query(LAST_TIME).bind(bigint(place).saturating_sub(1));
        let row = query.fetch_optional(self.connection()).await?;
        row.map_or(Ok(UnixTime::default()), |row| Columns(&row).time("at"))
    }

    /// Seconds by which `now` is behind the newest leaf, if that is more than appending allows.
    pub async fn clock_behind(&mut self, now: UnixTime) -> Result<Option<i64>, StoreError> {
        let size = self.log_size().await?;
        let behind = self.time_before(size).await?.since(now);
        Ok((behind > BEHIND).then_some(behind))
    }

    /// Waits for every transaction that has appended a leaf, and holds up the others until this one ends.
    pub async fn take_log_head(&mut self) -> Result<(), StoreError> {
        sqlx::query(TAKE).execute(self.connection()).await?;
        Ok(())
    }

    /// How many leaves there are.
    pub async fn log_size(&mut self) -> Result<u64, StoreError> {
        let row = sqlx::query(SIZE).fetch_one(self.connection()).await?;
        Columns(&row).number("size")
    }

    /// The leaves in these places, as far as there are any.
    pub async fn leaves(&mut self, places: Range<u64>) -> Result<Vec<StoredLeaf>, StoreError> {
        let rows = sqlx::query(LEAVES)
            .bind(bigint(places.start))
            .bind(bigint(places.end))
            .fetch_all(self.connection())
            .await?;
        rows.iter().map(read).collect()
    }

    /// The hashes of the leaves in these places, as far as there are any.
    pub async fn leaf_hashes(&mut self, places: Range<u64>) -> Result<Vec<Sha256>, StoreError> {
        let rows = sqlx::query(HASHES)
            .bind(bigint(places.start))
            .bind(bigint(places.end))
            .fetch_all(self.connection())
            .await?;
        rows.iter()
            .map(|row| Columns(row).digest("leaf_hash"))
            .collect()
    }
}

fn read(row: &AnyRow) -> Result<StoredLeaf, StoreError> {
    let row = Columns(row);
    Ok(StoredLeaf {
        index: row.number("leaf_index")?,
        leaf: Leaf {
            kind: row.text("kind")?,
            bytes: row.bytes("leaf")?,
            hash: row.digest("leaf_hash")?,
            at: row.time("at")?,
        },
    })
}
