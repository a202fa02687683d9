//! What was decided about a result, with the leaf that proves it.

use super::{Lifecycle, LifecycleError};
use crate::access::{Caller, Permission};
use crate::clock::iso_date;
use crate::digest::Sha256;
use crate::id::ResultId;
use crate::store::{StatusChange, StoreError};
use serde_json::{Value as Json, json};

/// One decision with its leaf.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Entry {
    /// The decision.
    pub change: StatusChange,
    /// What the leaf commits to, with the salt of the change: SHA-256("dauso leaf 1" ‖ salt ‖ record).
    pub record: String,
    /// Hash of the leaf.
    pub leaf_hash: Sha256,
}

/// What the leaf of a decision commits to.
pub(super) fn record(change: &StatusChange) -> Json {
    json!({
        "result": change.result.to_string(),
        "kind": change.kind.name(),
        "to": change.to.name(),
        "until": change.until.map(iso_date),
        "successor": change.successor.map(|id| id.to_string()),
        "reason": change.reason,
        "decision": change.decision,
        "authority": change.authority,
        "actor": change.actor,
        "confirmed_by": change.confirmed_by,
        "at": change.at.seconds(),
    })
}

impl Lifecycle {
    /// Everything that was decided about a result, the oldest first, for a reader of the issuing agency.
    ///
    /// # Errors
    /// [`LifecycleError::Unknown`], [`LifecycleError::Forbidden`].
    pub async fn history(
        &self,
        caller: &Caller,
        id: ResultId,
    ) -> Result<Vec<Entry>, LifecycleError> {
        let mut tx = self.store.read().await?;
        let stored = tx.result(&id).await?.ok_or(LifecycleError::Unknown)?;
        caller.require_at(Permission::ReadResult, &stored.issued.agency)?;
        let mut entries = Vec::new();
        for change in tx.status_changes(&id).await? {
            let places = change.leaf_index..change.leaf_index.saturating_add(1);
            let hashes = tx.leaf_hashes(places).await?;
            entries.push(Entry {
                record: record(&change).to_string(),
                leaf_hash: hashes.first().copied().ok_or(StoreError::Missing("leaf"))?,
                change,
            });
        }
        Ok(entries)
    }
}
