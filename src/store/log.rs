//! The leaves of the log, in order, without a gap. What they say and how they hash is `tlog`'s.
//!
//! The one row of `log_head` is the sequencer: it gives out the index and stays locked until the
//! transaction ends, so leaves are committed in the order of their indexes and an undone transaction
//! leaves no gap. A reader that sees leaf n sees all before it.

use super::column::{Columns, bigint};
use super::rows::ManyRows;
use super::{StoreError, Tx};
use crate::clock::UnixTime;
use crate::digest::Sha256;
use crate::tlog;
use sqlx::any::AnyRow;
use std::ops::Range;
use std::sync::LazyLock;

/// A leaf to append.
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

impl From<&tlog::Leaf> for Leaf {
    fn from(leaf: &tlog::Leaf) -> Self {
        Self {
            kind: leaf.kind().name().to_owned(),
            bytes: leaf.bytes().to_vec(),
            hash: leaf.hash(),
            at: leaf.at(),
        }
    }
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

const SIZE: &str = "SELECT size FROM log_head WHERE id = 1";

const LEAVES: &str = "
    SELECT leaf_index, kind, leaf, leaf_hash, at FROM log_entries
    WHERE leaf_index >= $1 AND leaf_index < $2 ORDER BY leaf_index";

const HASHES: &str = "
    SELECT leaf_hash FROM log_entries
    WHERE leaf_index >= $1 AND leaf_index < $2 ORDER BY leaf_index";

impl Tx {
    /// Appends a leaf and says where.
    pub async fn append_leaf(&mut self, leaf: &Leaf) -> Result<u64, StoreError> {
        let places = self.append_leaves(&[leaf]).await?;
        Ok(places.start)
    }

    /// Appends leaves one behind the other and says where.
    pub async fn append_leaves(&mut self, leaves: &[&Leaf]) -> Result<Range<u64>, StoreError> {
        let count = u64::try_from(leaves.len()).unwrap_or(u64::MAX);
        let query = sqlx::query(ADVANCE).bind(bigint(count));
        let row = query.fetch_one(self.connection()).await?;
        let end: u64 = Columns(&row).number("size")?;
        let places = end.saturating_sub(count)..end;
        let mut index = places.start;
        for (sql, leaves) in INSERT.pieces(leaves) {
            let mut query = sqlx::query(sql);
            for leaf in leaves {
                query = query
                    .bind(bigint(index))
                    .bind(&leaf.kind)
                    .bind(leaf.bytes.as_slice())
                    .bind(leaf.hash.0.as_slice())
                    .bind(leaf.at.seconds());
                index = index.saturating_add(1);
            }
            query.execute(self.connection()).await?;
        }
        Ok(places)
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
