//! `dauso requests`, `approve`, `reject`: changes that wait for a second person.

use super::status::publish;
use super::{Actor, Exit, complain_of, database, issue, operator, refuse};
use crate::access::Caller;
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
        let asked = match self.answer.asked().await? {
            Ok(asked) => asked,
            Err(exit) => return Ok(exit),
        };
        let issuer = asked.opened.issuer()?;
        let confirmed = match issuer.confirm(&asked.caller, asked.request.id).await {
            Ok(confirmed) => confirmed,
            Err(error) => return complain_of(error.code(), error),
        };
        let mut tx = asked.opened.store().read().await?;
        if let Some(stored) = tx.result(&asked.request.result).await? {
            drop(tx);
            publish(&asked.opened, &stored).await?;
        }
        match confirmed {
            Confirmed::Decided(decided) => {
                println!("{} {}", decided.id.grouped(), decided.standing.name());
            }
            Confirmed::Issued(Outcome::Issued(receipt)) => {
                if let Some(out) = &self.out {
                    issue::hand_out(&asked.opened, &receipt, out).await?;
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
        let asked = match self.answer.asked().await? {
            Ok(asked) => asked,
            Err(exit) => return Ok(exit),
        };
        let lifecycle = asked.opened.lifecycle();
        let rejected = lifecycle.reject(&asked.caller, asked.request.id, &self.reason);
        match rejected.await {
            Ok(request) => {
                println!("{} {}", request.id, request.state.name());
                Ok(Exit::Done)
            }
            Err(error) => complain_of(error.code(), error),
        }
    }
}

/// Who answers which request, where.
struct Asked {
    opened: Installation,
    request: ChangeRequest,
    caller: Caller,
}

impl Answer {
    async fn asked(&self) -> anyhow::Result<Result<Asked, Exit>> {
        let clock = Arc::new(SystemClock);
        let opened = Installation::open(&self.dir, database().as_deref(), clock).await?;
        let mut tx = opened.store().read().await?;
        let Some(request) = tx.change_request(self.request).await? else {
            let unknown = LifecycleError::UnknownRequest;
            return complain_of(unknown.code(), unknown).map(Err);
        };
        drop(tx);
        let Some(caller) = self.actor.at(&opened, &request.agency).await? else {
            return Ok(Err(Actor::unknown()));
        };
        Ok(Ok(Asked {
            opened,
            request,
            caller,
        }))
    }
}
