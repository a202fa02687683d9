//! `dauso revoke`, `recall`, `suspend`, `reinstate`, `cancel`, `surrender`, `erratum`.

use super::{Actor, Exit, complain_of, database, refuse};
use crate::app::Installation;
use crate::clock::{SystemClock, parse_iso_date};
use crate::id::ResultId;
use crate::lifecycle::{Grounds, LifecycleError, Move, Outcome};
use crate::report::Reason;
use crate::store::{ChangeRequest, StoredResult};
use clap::Args;
use std::path::PathBuf;
use std::sync::Arc;

#[derive(Args)]
pub(super) struct Change {
    /// The data directory
    #[arg(long)]
    pub(super) dir: PathBuf,
    /// Look-up code of the result
    id: String,
    /// Why, in words that the public page shows
    #[arg(long)]
    reason: String,
    /// Number of the decision
    #[arg(long)]
    decision: String,
    /// Who decided
    #[arg(long)]
    authority: String,
    #[command(flatten)]
    pub(super) actor: Actor,
}

#[derive(Args)]
pub(super) struct Suspend {
    #[command(flatten)]
    change: Change,
    /// Last day of the suspension, e.g. 2026-12-31
    #[arg(long)]
    until: String,
}

impl Change {
    pub(super) async fn decide(self, moved: Move) -> anyhow::Result<Exit> {
        let clock = Arc::new(SystemClock);
        let opened = Installation::open(&self.dir, database().as_deref(), clock).await?;
        let (stored, grounds) = match self.about(&opened).await? {
            Ok(found) => found,
            Err(exit) => return Ok(exit),
        };
        let Some(caller) = self.actor.at(&opened, &stored.issued.agency).await? else {
            return Ok(Actor::unknown());
        };
        let id = stored.issued.id;
        let outcome = opened
            .lifecycle()
            .decide(&caller, id, moved, &grounds)
            .await;
        match outcome {
            Ok(Outcome::Decided(decided)) => {
                publish(&opened, &stored).await?;
                println!("{} {}", decided.id.grouped(), decided.standing.name());
                Ok(Exit::Done)
            }
            Ok(Outcome::Waits(request)) => Ok(waits(&request)),
            Err(error) => complain_of(error.code(), error),
        }
    }

    /// The result that the arguments name, and why it is changed.
    pub(super) async fn about(
        &self,
        opened: &Installation,
    ) -> anyhow::Result<Result<(StoredResult, Grounds), Exit>> {
        let Ok(id) = ResultId::parse_typed(&self.id) else {
            let why = format!("not a look-up code ({})", Reason::CodeBadId.code());
            return Ok(Err(refuse(Exit::Input, &why)));
        };
        let Some(stored) = opened.store().read().await?.result(&id).await? else {
            let unknown = LifecycleError::Unknown;
            return complain_of(unknown.code(), unknown).map(Err);
        };
        match Grounds::new(&self.reason, &self.decision, &self.authority) {
            Ok(grounds) => Ok(Ok((stored, grounds))),
            Err(error) => complain_of(error.code(), error).map(Err),
        }
    }
}

impl Suspend {
    pub(super) async fn run(self) -> anyhow::Result<Exit> {
        let Ok(until) = parse_iso_date(&self.until) else {
            return Ok(refuse(Exit::Usage, "--until is a day such as 2026-12-31"));
        };
        self.change.decide(Move::Suspend { until }).await
    }
}

/// Publishes the list of a result, not when its time comes: whoever verifies without the register must see
/// it at the next scan.
pub(super) async fn publish(opened: &Installation, stored: &StoredResult) -> anyhow::Result<()> {
    opened
        .publisher()
        .publish_status_list(stored.issued.list)
        .await?;
    opened.write_publications().await
}

/// Says that a change waits for a second person.
pub(super) fn waits(request: &ChangeRequest) -> Exit {
    println!(
        "{} waits for a second person until {}: dauso approve {}",
        request.result.grouped(),
        request.expires_at.rfc3339(),
        request.id
    );
    Exit::Done
}
