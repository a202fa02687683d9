//! Finding results without their look-up codes: by the number that is printed on them, by the plate that
//! they are for, by the row id that a log line names.
//!
//! Somebody in the field has a vehicle in front of him and no readable code; an officer has a number on the
//! telephone. The answer is what leads to the results, not what stands in them. Every search leaves lines in
//! the audit which say who searched by what and which results he was shown, but not for what: a plate is
//! personal data, and the lines are never erased.

use crate::access::{Caller, Forbidden, Reach};
use crate::catalogue::{FieldProblem, typed_number, typed_plate_key};
use crate::clock::Clock;
use crate::limits;
use crate::private::Private;
use crate::store::{AuditEntry, Store, StoreError, StoredResult, Tx};
use serde_json::json;
use std::sync::Arc;
use uuid::Uuid;

/// What results are searched by.
#[derive(Clone, Debug)]
pub enum Wanted {
    /// The number, in the spellings that it may have.
    Number([String; 2]),
    /// A plate, in its normal form.
    Plate(Private<String>),
    /// The internal id.
    Row(Uuid),
}

impl Wanted {
    /// A number as it is printed; small letters and spaces do no harm.
    ///
    /// # Errors
    /// [`FieldProblem`] for what cannot be one.
    pub fn number(typed: &str) -> Result<Self, FieldProblem> {
        typed_number(typed).map(Self::Number)
    }

    /// A plate, with or without hyphen, point and spaces.
    ///
    /// # Errors
    /// [`FieldProblem::NotAPlate`].
    pub fn plate(typed: &Private<String>) -> Result<Self, FieldProblem> {
        let key = typed_plate_key(typed.expose())?;
        Ok(Self::Plate(Private::new(key)))
    }

    /// The name of what is searched by.
    fn by(&self) -> &'static str {
        match self {
            Self::Number(_) => "number",
            Self::Plate(_) => "plate",
            Self::Row(_) => "row",
        }
    }
}

/// What was found.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Found {
    /// The newest, at most [`limits::FOUND_RESULTS`].
    pub results: Vec<StoredResult>,
    /// Whether there are more.
    pub more: bool,
}

/// Why nothing was searched.
#[derive(Debug, thiserror::Error)]
pub enum SearchError {
    /// Not this caller.
    #[error(transparent)]
    Forbidden(#[from] Forbidden),
    /// The register failed.
    #[error("the register failed")]
    Store(#[from] StoreError),
}

/// Finds results.
#[derive(Clone)]
pub struct Search {
    store: Store,
    clock: Arc<dyn Clock>,
}

impl Search {
    /// Searches `store`, and writes there who did.
    #[must_use]
    pub fn new(store: Store, clock: Arc<dyn Clock>) -> Self {
        Self { store, clock }
    }

    /// What a caller may find.
    ///
    /// # Errors
    /// [`SearchError`].
    pub async fn find(&self, caller: &Caller, wanted: &Wanted) -> Result<Found, SearchError> {
        let reach = caller.reach()?;
        Ok(self.find_within(reach, &caller.account, wanted).await?)
    }

    /// What there is within a reach; `actor` is who asks. He is answered when the audit has it.
    ///
    /// # Errors
    /// Those of the register.
    pub async fn find_within(
        &self,
        reach: Reach<'_>,
        actor: &str,
        wanted: &Wanted,
    ) -> Result<Found, StoreError> {
        let agency = match reach {
            Reach::Everywhere => None,
            Reach::Agency(agency) => Some(agency),
        };
        let most = limits::FOUND_RESULTS;
        // One more than is shown tells whether there are more.
        let limit = u32::try_from(most).unwrap_or(u32::MAX).saturating_add(1);
        let mut tx = self.store.read().await?;
        let mut results = match wanted {
            Wanted::Number([one, other]) => {
                tx.results_of_number([one, other], agency, limit).await?
            }
            Wanted::Plate(plate) => tx.results_of_plate(plate.expose(), agency, limit).await?,
            Wanted::Row(row) => {
                let found = tx.result_of_row(*row).await?;
                let within = |found: &StoredResult| {
                    agency.is_none_or(|agency| agency == found.issued.agency)
                };
                found.into_iter().filter(within).collect()
            }
        };
        drop(tx);
        let more = results.len() > most;
        results.truncate(most);
        self.note(actor, wanted, &results).await?;
        Ok(Found { results, more })
    }

    /// A line for every result that is shown, so that its own trail says who looked for it; one line where
    /// nothing was found.
    async fn note(
        &self,
        actor: &str,
        wanted: &Wanted,
        results: &[StoredResult],
    ) -> Result<(), StoreError> {
        let at = self.clock.now();
        let detail = json!({ "by": wanted.by(), "found": results.len() }).to_string();
        let rows = results.iter().map(|found| Some(found.issued.row));
        let subjects: Vec<Option<Uuid>> = match results {
            [] => vec![None],
            _ => rows.collect(),
        };
        let lines: Vec<AuditEntry> = subjects
            .into_iter()
            .map(|subject| AuditEntry {
                id: Uuid::now_v7(),
                at,
                actor: actor.to_owned(),
                action: "result.search".to_owned(),
                subject: subject.map(|row| row.to_string()),
                detail: detail.clone(),
            })
            .collect();
        self.store
            .run(|mut tx: Tx| {
                let lines = &lines;
                async move {
                    for line in lines {
                        tx.append_audit(line).await?;
                    }
                    Ok::<_, StoreError>((tx, ()))
                }
            })
            .await
    }
}
