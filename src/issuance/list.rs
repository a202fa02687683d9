//! The place of a result in a status list: drawn at random, so that nobody learns from it how many results
//! there are or in which order they came.
//!
//! A list whose places are taken this often is full, and the next one is opened. Lists are never filled to
//! the end: in one that is nearly full, a random place would be found by searching alone.

use super::{IssueError, Issuer, random};
use crate::limits;
use crate::store::{AuditEntry, Conflict, NewJob, StatusListRegister, StoreError, Tx};
use uuid::Uuid;

/// Taken places drawn one after the other that make a list full. A list of 2^20 is left with about 60 of 100
/// places taken: before that, so many in a row are not to be expected once in all its results.
const TAKEN_IN_A_ROW: usize = 20;

/// A free place in a status list.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) struct StatusPlace {
    pub(super) list: u32,
    pub(super) index: u32,
}

impl Issuer {
    /// Draws a free place in the newest list of an issuer. Somebody else may take it first
    /// ([`Conflict::StatusIndex`]).
    pub(super) async fn draw_place(&self, issuer: &str) -> Result<StatusPlace, IssueError> {
        loop {
            let mut tx = self.store.read().await?;
            let list = tx.current_status_list(issuer).await?;
            let list = list.ok_or(IssueError::NoStatusList)?;
            for _ in 0..TAKEN_IN_A_ROW {
                let place = StatusPlace {
                    list: list.number,
                    index: draw_index(list.capacity)?,
                };
                if !tx.status_place_taken(place.list, place.index).await? {
                    return Ok(place);
                }
            }
            drop(tx);
            self.open_list_after(&list).await?;
        }
    }

    /// Opens the list that follows a full one, unless another server has done it.
    async fn open_list_after(&self, full: &StatusListRegister) -> Result<(), IssueError> {
        let at = self.clock.now();
        let opened = self
            .store
            .run(|mut tx: Tx| async move {
                // In this order: whoever sees a number that another server has left sees its list as well.
                let number = tx.next_status_list_number().await?;
                let newest = tx.current_status_list(&full.issuer).await?;
                if newest.is_some_and(|newest| newest.number > full.number) {
                    return Ok((tx, ()));
                }
                tx.add_status_list(&StatusListRegister {
                    number,
                    created_at: at,
                    ..full.clone()
                })
                .await?;
                tx.append_audit(&AuditEntry {
                    id: Uuid::now_v7(),
                    at,
                    actor: "issuance".to_owned(),
                    action: "status-list.open".to_owned(),
                    subject: Some(number.to_string()),
                    detail: format!("{{\"after\":{}}}", full.number),
                })
                .await?;
                tx.enqueue(&NewJob::publish_status_list(number, at)).await?;
                Ok::<_, StoreError>((tx, ()))
            })
            .await;
        match opened {
            // Another server took the number: perhaps for this very list.
            Err(StoreError::Conflict(Conflict::StatusList)) => Ok(()),
            opened => Ok(opened?),
        }
    }
}

/// A place below `capacity`, each as likely: what lies beyond the last whole multiple is drawn again.
fn draw_index(capacity: u32) -> Result<u32, IssueError> {
    let capacity = capacity.clamp(1, limits::STATUS_LIST_ENTRIES);
    let limit = u32::MAX - u32::MAX % capacity;
    loop {
        let mut bytes = [0; 4];
        random(&mut bytes)?;
        let drawn = u32::from_be_bytes(bytes);
        if drawn < limit {
            return Ok(drawn % capacity);
        }
    }
}
