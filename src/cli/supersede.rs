//! `dauso supersede`: a new result in the place of another.

use super::status::{Change, publish, waits};
use super::{Actor, Exit, complain_of, database, issue, refuse, with_causes};
use crate::app::Installation;
use crate::clock::SystemClock;
use crate::issuance::{Outcome, Replaced, Replacement, Request};
use clap::Args;
use std::path::PathBuf;
use std::sync::Arc;

#[derive(Args)]
pub(super) struct Supersede {
    #[command(flatten)]
    change: Change,
    /// The data of the new result (JSON, docs/formats/catalogue.md)
    #[arg(long)]
    data: PathBuf,
    /// The agency's own PDF of the new result; without it OUT is the symbol
    #[arg(long)]
    pdf: Option<PathBuf>,
    /// The signed PDF, or the symbol (.svg, .png)
    #[arg(long)]
    out: PathBuf,
    /// Print the receipt as JSON
    #[arg(long)]
    json: bool,
}

impl Supersede {
    pub(super) async fn run(self) -> anyhow::Result<Exit> {
        if let Some(why) = issue::unfit(&self.out, self.pdf.is_some()) {
            return Ok(refuse(Exit::Usage, why));
        }
        let clock = Arc::new(SystemClock);
        let opened = Installation::open(&self.change.dir, database().as_deref(), clock).await?;
        let (stored, grounds) = match self.change.about(&opened).await? {
            Ok(found) => found,
            Err(exit) => return Ok(exit),
        };
        let caller = self.change.actor.at(&opened, &stored.issued.agency).await?;
        let Some(caller) = caller else {
            return Ok(Actor::unknown());
        };
        let data = match issue::read_data(&self.data, &stored.issued.result_type) {
            Ok(data) => data,
            Err(error) => {
                let why = format!("{} (input/data)", with_causes(&error));
                return Ok(refuse(Exit::Input, &why));
            }
        };
        let pdf = match self.pdf.as_deref().map(issue::open_pdf).transpose() {
            Ok(pdf) => pdf,
            Err(error) => {
                let why = format!("{} (input/unreadable)", with_causes(&error));
                return Ok(refuse(Exit::Input, &why));
            }
        };
        let request = Request {
            data,
            pdf,
            once: None,
        };
        let replacement = Replacement::of(stored.issued.id, grounds);
        let issuer = opened.issuer()?;
        match issuer.replace(&caller, request, &replacement).await {
            Ok(Replaced::Issued(Outcome::Issued(receipt))) => {
                issue::hand_out(&opened, &receipt, &self.out).await?;
                publish(&opened, &stored).await?;
                issue::report(&receipt, self.json);
                Ok(Exit::Done)
            }
            Ok(Replaced::Issued(Outcome::Replayed(_))) => Ok(Exit::Done),
            Ok(Replaced::Waits(request)) => Ok(waits(&request)),
            Err(error) => complain_of(error.code(), error),
        }
    }
}
