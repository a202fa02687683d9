//! What an issuance that was cut short leaves behind: a staged document, with or without its record.
//!
//! Whose process is dead, or whose request was given up, may still have a transaction under way in the
//! database: the commit was sent and nobody waits for its answer. Such a transaction holds the log head.
//! So the log head is taken first; after that each record is there or will never be.

use super::{IssueError, Issuer};
use crate::digest::Sha256;
use crate::store::{StoreError, Tx};
use std::collections::HashSet;

/// What became of the documents that were left.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Settled {
    /// Had their record and stand under their lasting names now.
    pub kept: usize,
    /// Had none and are gone.
    pub removed: usize,
}

impl Issuer {
    /// Settles what was staged and left by dead processes, and by requests of this one that were given up.
    /// What living processes are working on is not touched.
    ///
    /// # Errors
    /// [`IssueError::Store`], [`IssueError::Documents`]; what is not settled then is settled later.
    pub async fn settle(&self) -> Result<Settled, IssueError> {
        let unsettled = self.documents.unsettled().await?;
        if unsettled.is_empty() {
            return Ok(Settled::default());
        }
        self.store
            .run(|mut tx: Tx| async move {
                tx.take_log_head().await?;
                Ok::<_, StoreError>((tx, ()))
            })
            .await?;
        let mut recorded: HashSet<Sha256> = HashSet::new();
        let mut tx = self.store.read().await?;
        for name in unsettled
            .iter()
            .flat_map(crate::store::documents::Unsettled::names)
        {
            if tx.is_document_of_result(name).await? {
                recorded.insert(*name);
            }
        }
        drop(tx);
        let settling = self
            .documents
            .settle(unsettled, move |name| recorded.contains(name));
        let (kept, removed) = settling.await?;
        if (kept, removed) != (0, 0) {
            tracing::info!(
                documents.kept = kept,
                documents.removed = removed,
                "settled what was cut short"
            );
        }
        Ok(Settled { kept, removed })
    }
}
