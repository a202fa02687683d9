//! `dauso find`: results without their look-up codes.

use super::{Exit, database, refuse};
use crate::access::Reach;
use crate::app::{ACTOR, Installation};
use crate::clock::{Clock as _, SystemClock, iso_date};
use crate::private::Private;
use crate::search::Wanted;
use anyhow::Context as _;
use clap::Args;
use std::io::Read as _;
use std::path::PathBuf;
use std::sync::Arc;
use uuid::Uuid;

#[derive(Args)]
pub(super) struct Find {
    /// The data directory
    #[arg(long)]
    dir: PathBuf,
    #[command(flatten)]
    wanted: By,
    /// Only results of this agency
    #[arg(long)]
    agency: Option<String>,
}

#[derive(Args)]
#[group(required = true, multiple = false)]
struct By {
    /// The number that is printed on them
    #[arg(long)]
    number: Option<String>,
    /// A plate; - reads it from standard input, so that no list of processes shows it
    #[arg(long)]
    plate: Option<String>,
    /// The row id that a log line or the audit names
    #[arg(long)]
    row: Option<Uuid>,
}

/// Bytes that are read of a plate.
const TYPED: u64 = 1_000;

impl By {
    /// What is wanted, or why it cannot be searched for.
    fn read(self) -> anyhow::Result<Result<Wanted, String>> {
        let (name, wanted) = match self {
            Self { row: Some(row), .. } => return Ok(Ok(Wanted::Row(row))),
            Self {
                plate: Some(plate), ..
            } => ("plate", Wanted::plate(&Private::new(typed(plate)?))),
            Self { number, .. } => ("number", Wanted::number(&number.unwrap_or_default())),
        };
        Ok(wanted.map_err(|problem| format!("not a {name} ({})", problem.code())))
    }
}

/// An argument, or what comes by standard input in its place.
fn typed(argument: String) -> anyhow::Result<String> {
    if argument != "-" {
        return Ok(argument);
    }
    let mut text = String::new();
    let mut input = std::io::stdin().take(TYPED);
    input
        .read_to_string(&mut text)
        .context("standard input cannot be read")?;
    Ok(text)
}

impl Find {
    pub(super) async fn run(self) -> anyhow::Result<Exit> {
        let wanted = match self.wanted.read()? {
            Ok(wanted) => wanted,
            Err(why) => return Ok(refuse(Exit::Input, &why)),
        };
        let clock = Arc::new(SystemClock);
        let opened = Installation::open(&self.dir, database().as_deref(), clock).await?;
        let agency = self.agency.as_deref();
        let reach = agency.map_or(Reach::Everywhere, Reach::Agency);
        let found = opened.search().find_within(reach, ACTOR, &wanted).await?;
        let now = SystemClock.now();
        for result in &found.results {
            let issued = &result.issued;
            println!(
                "{}\t{}\t{}\t{}\t{}\t{}\t{}\t{}",
                issued.id.grouped(),
                issued.result_type,
                issued.agency,
                issued.number_text,
                result.standing_at(now).name(),
                iso_date(issued.valid_from),
                issued.valid_to.map_or_else(|| "-".to_owned(), iso_date),
                issued.row,
            );
        }
        if found.more {
            refuse(Exit::Done, "there are more; only the newest are listed");
        }
        Ok(match found.results.as_slice() {
            [] => refuse(Exit::No, "no result was found (result/unknown)"),
            _ => Exit::Done,
        })
    }
}
