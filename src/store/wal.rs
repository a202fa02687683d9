//! Bringing what was committed from SQLite's write-ahead log into its file, beside the commits.
//!
//! By default the commit that makes the log reach its limit does this itself, and takes many times as long
//! as the others: the larger the register, the fewer of the pages it writes are the same ones. Here another
//! connection does it after every few commits, and nobody waits for it. The log begins anew when all of it is
//! in the file at the moment of a commit. While so much is written that this never happens, a commit takes
//! over once the log has [`super::backend`]'s limit: little is left to do then.

use super::Store;
use std::sync::atomic::Ordering;

/// Commits after which the log is brought in: one or two thousand pages where results are issued.
const COMMITS: u64 = 64;

impl Store {
    /// Counts a commit.
    pub(super) fn committed(&self) {
        let Some(bring_in) = self.backend.bring_in() else {
            return;
        };
        let count = self.commits.fetch_add(1, Ordering::Relaxed);
        if count % COMMITS != COMMITS - 1 {
            return;
        }
        let readers = self.readers.clone();
        tokio::spawn(async move {
            // What is not brought in now is brought in later, by the next one or by a commit; the commits are
            // on the disk either way.
            if let Ok(mut connection) = readers.acquire().await {
                let _ = sqlx::query(bring_in).execute(&mut *connection).await;
            }
        });
    }
}
