//! `dauso revoke`, `suspend`, `reinstate`.

use super::{Exit, database, operator};
use crate::app::Installation;
use crate::clock::{SystemClock, parse_iso_date};
use crate::id::ResultId;
use crate::lifecycle::{Grounds, Move};
use anyhow::Context as _;
use clap::Args;
use std::path::PathBuf;
use std::sync::Arc;

#[derive(Args)]
pub(super) struct Change {
    /// The data directory
    #[arg(long)]
    dir: PathBuf,
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
    pub(super) async fn revoke(self) -> anyhow::Result<Exit> {
        self.decide(Move::Revoke).await
    }

    pub(super) async fn reinstate(self) -> anyhow::Result<Exit> {
        self.decide(Move::Reinstate).await
    }

    async fn decide(self, moved: Move) -> anyhow::Result<Exit> {
        let clock = Arc::new(SystemClock);
        let opened = Installation::open(&self.dir, database().as_deref(), clock).await?;
        let id = ResultId::parse_typed(&self.id)?;
        let stored = opened.store().read().await?.result(&id).await?;
        let agency = stored
            .context("no result has this look-up code")?
            .issued
            .agency;
        let grounds = Grounds::new(&self.reason, &self.decision, &self.authority)?;
        let caller = operator(&agency);
        let decided = opened
            .lifecycle()
            .decide(&caller, id, moved, &grounds)
            .await?;
        opened.write_publications().await?;
        println!("{} {}", decided.id.grouped(), decided.standing.name());
        Ok(Exit::Done)
    }
}

impl Suspend {
    pub(super) async fn run(self) -> anyhow::Result<Exit> {
        let until = parse_iso_date(&self.until).context("--until is a day such as 2026-12-31")?;
        self.change.decide(Move::Suspend { until }).await
    }
}
