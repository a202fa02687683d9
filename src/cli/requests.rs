//! `dauso requests`, `approve`, `reject`: changes that wait for a second person.

use super::status::publish;
use super::{Actor, Exit, complain_of, database, issue, operator, refuse};
use crate::app::Installation;
use crate::clock::SystemClock;
use crate::issuance::{Confirmed, Outcome};
use crate::lifecycle::LifecycleError;
use crate::store::ChangeRequest;
use clap::Args;
use std::path::PathBuf;
use std::sync::Arc;
use uuid::Uuid;

#[derive(Args)]
pub(super) struct Requests {
    /// The data directory
    #[arg(long)]
    dir: PathBuf,
    /// Code of the agency; every agency if absent
    #[arg(long)]
    agency: Option<String>,
}

#[derive(Args)]
pub(super) struct Approve {
    #[command(flatten)]
    answer: Answer,
    /// For a replacement: the signed PDF, or the symbol (.svg, .png)
    #[arg(long)]
    out: Option<PathBuf>,
}

#[derive(Args)]
pub(super) struct Reject {
    #[command(flatten)]
    answer: Answer,
    /// Why
    #[arg(long)]
    reason: String,
}

#[derive(Args)]
struct Answer {
    /// The data directory
    #[arg(long)]
    dir: PathBuf,
    /// Id of the request
    request: Uuid,
    #[command(flatten)]
    actor: Actor,
}

/// Lines of one look at the list.
const PAGE: u32 = 200;

impl Requests {
    pub(super) async fn run(self) -> anyhow::Result<Exit> {
        let clock = Arc::new(SystemClock);
        let opened = Installation::open(&self.dir, database().as_deref(), clock).await?;
        let agencies = opened.store().read().await?.agencies().await?;
        let wanted = |code: &str| self.agency.as_deref().is_none_or(|one| one == code);
        for agency in agencies.iter().filter(|agency| wanted(&agency.code)) {
            let caller = operator(&agency.code);
            let mut before = None;
            loop {
                let page = opened.lifecycle().waiting(&caller, before, PAGE).await?;
                page.iter().for_each(print);
                match page.last() {
                    Some(last) if page.len() == PAGE as usize => before = Some(last.id),
                    _ => break,
                }
            }
        }
        Ok(Exit::Done)
    }
}

fn print(request: &ChangeRequest) {
    println!(
        "{}\t{}\t{}\t{}\t{}\t{}",
        request.id,
        request.kind.name(),
        request.result.grouped(),
        request.decision,
        request.asked_by,
        request.expires_at.rfc3339(),
    );
}

impl Approve {
    pub(super) async fn run(self) -> anyhow::Result<Exit> {
        if let Some(out) = &self.out {
            // Whether it comes with a PDF is known only when it is issued.
            if let Some(why) = issue::unfit(out, true) {
                return Ok(refuse(Exit::Usage, why));
            }
        }
        let clock = Arc::new(SystemClock);
        let opened = Installation::open(&self.answer.dir, database().as_deref(), clock).await?;
        let Some(request) = self.answer.asked(&opened).await? else {
            let unknown = LifecycleError::UnknownRequest;
            return complain_of(unknown.code(), unknown);
        };
        let caller = self.answer.actor.at(&opened, &request.agency).await?;
        let Some(caller) = caller else {
            return Ok(Actor::unknown());
        };
        let confirmed = match opened.issuer()?.confirm(&caller, request.id).await {
            Ok(confirmed) => confirmed,
            Err(error) => return complain_of(error.code(), error),
        };
        if let Some(stored) = opened.store().read().await?.result(&request.result).await? {
            publish(&opened, &stored).await?;
        }
        match confirmed {
            Confirmed::Decided(decided) => {
                println!("{} {}", decided.id.grouped(), decided.standing.name());
            }
            Confirmed::Issued(Outcome::Issued(receipt)) => {
                if let Some(out) = &self.out {
                    issue::hand_out(&opened, &receipt, out).await?;
                }
                issue::report(&receipt, false);
            }
            Confirmed::Issued(Outcome::Replayed(_)) => {}
        }
        Ok(Exit::Done)
    }
}

impl Reject {
    pub(super) async fn run(self) -> anyhow::Result<Exit> {
        let clock = Arc::new(SystemClock);
        let opened = Installation::open(&self.answer.dir, database().as_deref(), clock).await?;
        let Some(request) = self.answer.asked(&opened).await? else {
            let unknown = LifecycleError::UnknownRequest;
            return complain_of(unknown.code(), unknown);
        };
        let caller = self.answer.actor.at(&opened, &request.agency).await?;
        let Some(caller) = caller else {
            return Ok(Actor::unknown());
        };
        let rejected = opened
            .lifecycle()
            .reject(&caller, request.id, &self.reason)
            .await;
        match rejected {
            Ok(request) => {
                println!("{} {}", request.id, request.state.name());
                Ok(Exit::Done)
            }
            Err(error) => complain_of(error.code(), error),
        }
    }
}

impl Answer {
    async fn asked(&self, opened: &Installation) -> anyhow::Result<Option<ChangeRequest>> {
        let mut tx = opened.store().read().await?;
        Ok(tx.change_request(self.request).await?)
    }
}
