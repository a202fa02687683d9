//! `dauso revoke`, `suspend`, `reinstate`.

use super::{Exit, database, operator};
use crate::app::Installation;
use crate::clock::{SystemClock, parse_iso_date};
use crate::id::ResultId;
use crate::lifecycle::{Grounds, LifecycleError, Move};
use crate::report::Reason;
use clap::Args;
use std::io::Write as _;
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
        let Ok(id) = ResultId::parse_typed(&self.id) else {
            return Ok(refuse("not a look-up code", Reason::CodeBadId.code()));
        };
        let clock = Arc::new(SystemClock);
        let opened = Installation::open(&self.dir, database().as_deref(), clock).await?;
        let stored = opened.store().read().await?.result(&id).await?;
        let list = stored.as_ref().map(|stored| stored.issued.list);
        let decided = match (stored, self.grounds()) {
            (None, _) => Err(LifecycleError::Unknown),
            (_, Err(error)) => Err(error),
            (Some(stored), Ok(grounds)) => {
                let caller = operator(&stored.issued.agency);
                opened
                    .lifecycle()
                    .decide(&caller, id, moved, &grounds)
                    .await
            }
        };
        let decided = match decided {
            Ok(decided) => decided,
            Err(error) => {
                return match error.code() {
                    Some(code) => Ok(refuse(&error.to_string(), code)),
                    None => Err(error.into()),
                };
            }
        };
        if let Some(list) = list {
            // Not when its time comes: whoever verifies without the register must see it at the next scan.
            opened.publisher().publish_status_list(list).await?;
        }
        opened.write_publications().await?;
        println!("{} {}", decided.id.grouped(), decided.standing.name());
        Ok(Exit::Done)
    }

    fn grounds(&self) -> Result<Grounds, LifecycleError> {
        Grounds::new(&self.reason, &self.decision, &self.authority)
    }
}

impl Suspend {
    pub(super) async fn run(self) -> anyhow::Result<Exit> {
        let Ok(until) = parse_iso_date(&self.until) else {
            complain("--until is a day such as 2026-12-31");
            return Ok(Exit::Usage);
        };
        self.change.decide(Move::Suspend { until }).await
    }
}

fn refuse(why: &str, code: &str) -> Exit {
    complain(&format!("{why} ({code})"));
    Exit::Input
}

fn complain(why: &str) {
    // Standard error may be closed; the exit code still says it.
    let _ = writeln!(std::io::stderr(), "dauso: {why}");
}
