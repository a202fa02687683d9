//! `dauso audit`: who did what.

use super::{Exit, complain_of, database};
use crate::app::Installation;
use crate::clock::SystemClock;
use crate::id::ResultId;
use crate::lifecycle::LifecycleError;
use clap::Args;
use std::path::PathBuf;
use std::sync::Arc;

#[derive(Args)]
pub(super) struct Audit {
    /// The data directory
    #[arg(long)]
    dir: PathBuf,
    /// Only what was done to this: the row id of a result, the id of an account, the fingerprint of a key
    #[arg(long)]
    subject: Option<String>,
    /// Only what was done to the result with this look-up code
    #[arg(long, conflicts_with = "subject")]
    result: Option<String>,
    /// Only what this account did
    #[arg(long)]
    actor: Option<String>,
    /// Only actions that begin so, e.g. account.
    #[arg(long)]
    action: Option<String>,
    /// How many lines, the newest first
    #[arg(long, default_value_t = 100)]
    limit: usize,
}

/// Lines that are read at once.
const PAGE: u32 = 500;

impl Audit {
    pub(super) async fn run(self) -> anyhow::Result<Exit> {
        let clock = Arc::new(SystemClock);
        let opened = Installation::open(&self.dir, database().as_deref(), clock).await?;
        let mut tx = opened.store().read().await?;
        let subject = match &self.result {
            None => self.subject,
            Some(code) => {
                let found = match ResultId::parse_typed(code) {
                    Ok(id) => tx.result(&id).await?,
                    Err(_) => None,
                };
                let Some(found) = found else {
                    let unknown = LifecycleError::Unknown;
                    return complain_of(unknown.code(), unknown);
                };
                Some(found.issued.row.to_string())
            }
        };
        let mut before = None;
        let mut left = self.limit;
        loop {
            let page = match &subject {
                Some(subject) => tx.audit_of(subject, before, PAGE).await?,
                None => tx.audit(before, PAGE).await?,
            };
            for line in &page {
                let by = self
                    .actor
                    .as_deref()
                    .is_none_or(|actor| actor == line.actor);
                let action = self.action.as_deref().unwrap_or_default();
                if left == 0 || !by || !line.action.starts_with(action) {
                    continue;
                }
                left -= 1;
                println!(
                    "{}\t{}\t{}\t{}\t{}",
                    line.at.rfc3339(),
                    line.actor,
                    line.action,
                    line.subject.as_deref().unwrap_or("-"),
                    line.detail
                );
            }
            match page.last() {
                Some(last) if left > 0 => before = Some(last.id),
                _ => return Ok(Exit::Done),
            }
        }
    }
}
