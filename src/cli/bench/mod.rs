//! `dauso bench`: the figures that we publish, each beside its limit or a peer in the same run.
//!
//! A figure is a median of rounds in which what is compared takes turns, so that a busy neighbour slows all
//! of it; work is counted by CPU time where it can be. Only the ratios are worth comparing between machines.

mod batch;
mod crypto;
mod growth;
mod load;
mod memory;
mod ours;
mod peers;
mod process;
mod serving;
mod sheets;
mod stamping;
mod symbols;
mod table;
mod turns;

use super::{Exit, with_causes};
use crate::clock::{Clock as _, SystemClock};
use clap::{Args, ValueEnum};
use std::path::PathBuf;
use std::time::Duration;
use table::Table;

/// Measures the published figures.
#[derive(Args)]
pub(super) struct Bench {
    /// Milliseconds of one turn
    #[arg(long, default_value_t = 1_000)]
    turn: u64,
    /// Turns of everything that is compared; the figure is the median
    #[arg(long, default_value_t = 5)]
    rounds: usize,
    /// Only these parts; without it all of them
    #[arg(long, value_enum, value_delimiter = ',')]
    only: Vec<Part>,
    /// Folder of the peers, installed (bench/peers); without it the service stands alone
    #[arg(long)]
    peers: Option<PathBuf>,
    /// An empty PostgreSQL database to measure on beside SQLite
    #[arg(long)]
    postgres: Option<String>,
    /// Process of that PostgreSQL: its CPU time counts too
    #[arg(long)]
    postgres_pid: Option<u32>,
    /// Results in the large register
    #[arg(long, default_value_t = 1_000_000)]
    results: u64,
    /// Badges of the batch without PDFs
    #[arg(long, default_value_t = 40_888)]
    badges: u32,
    /// Badges of the batch with PDFs
    #[arg(long, default_value_t = 2_000)]
    papers: u32,
    /// Write the figures to this file (Markdown)
    #[arg(long)]
    report: Option<PathBuf>,
}

/// What is measured together.
#[derive(Clone, Copy, Debug, Eq, PartialEq, ValueEnum)]
enum Part {
    /// Judging a QR text offline
    Crypto,
    /// Making and drawing symbols
    Symbols,
    /// Stamping a PDF without signing it
    Stamping,
    /// Memory for a large PDF
    Memory,
    /// Issuing many
    Batch,
    /// Verifying, checking and the landing page over HTTP
    Serving,
    /// A large register beside a small one
    Growth,
}

/// How long and how often.
#[derive(Clone, Copy)]
struct Effort {
    turn: Duration,
    rounds: usize,
}

impl Bench {
    pub(super) async fn run(self) -> anyhow::Result<Exit> {
        let mut table = Table::default();
        let effort = Effort {
            turn: Duration::from_millis(self.turn),
            rounds: self.rounds.max(1),
        };
        let mut exit = Exit::Done;
        for part in Part::value_variants() {
            if !self.only.is_empty() && !self.only.contains(part) {
                continue;
            }
            // A quarter of an hour is not thrown away for one part that cannot be measured.
            if let Err(error) = self.measure(*part, &mut table, effort).await {
                table.failed(&with_causes(&error));
                exit = Exit::No;
            }
        }
        if let Some(path) = &self.report {
            std::fs::write(path, table.markdown(&machine()))?;
        }
        Ok(exit)
    }

    async fn measure(&self, part: Part, table: &mut Table, effort: Effort) -> anyhow::Result<()> {
        match part {
            Part::Crypto => crypto::measure(table, effort).await,
            Part::Symbols => symbols::measure(table, effort),
            Part::Stamping => stamping::measure(table, effort).await,
            Part::Memory => memory::measure(table).await,
            Part::Batch => batch::measure(table, self.badges, self.papers).await,
            Part::Serving => {
                let beside = serving::Beside {
                    peers: self.peers.as_deref(),
                    postgres: self.postgres.as_deref(),
                    postgres_pid: self.postgres_pid,
                };
                serving::measure(table, effort, &beside).await
            }
            Part::Growth => growth::measure(table, self.rounds, self.results).await,
        }
    }
}

/// What was measured where, in a line, and how busy the machine is.
fn machine() -> String {
    let read = |path| std::fs::read_to_string(path).unwrap_or_default();
    let cpu = read("/proc/cpuinfo");
    let model = cpu
        .lines()
        .find_map(|line| line.strip_prefix("model name")?.split_once(": "))
        .map_or("unknown processor", |(_, model)| model);
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let load = read("/proc/loadavg");
    format!(
        "dauso {}, {}, {cores} cores of {model}, load {} over the last five minutes of the run.",
        env!("CARGO_PKG_VERSION"),
        SystemClock.now().local_date(),
        load.split(' ').nth(1).unwrap_or("unknown"),
    )
}
