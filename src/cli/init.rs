//! `dauso init`: a data directory.

use super::{Exit, database, samples};
use crate::app::Installation;
use crate::clock::SystemClock;
use crate::config::Config;
use clap::Args;
use std::io::Write as _;
use std::path::PathBuf;
use std::sync::Arc;

#[derive(Args)]
pub(super) struct Init {
    /// The data directory to make
    #[arg(long)]
    dir: PathBuf,
    /// Where the service will be found; stands in every QR
    #[arg(long, default_value = "https://qr.vidu.test")]
    public_url: String,
    /// Without the agencies of the samples
    #[arg(long)]
    bare: bool,
}

impl Init {
    pub(super) async fn run(self) -> anyhow::Result<Exit> {
        let config = Config {
            public_url: self.public_url,
            ..Config::default()
        };
        if let Err(error) = config.host() {
            // Standard error may be closed; the exit code still says it.
            let _ = writeln!(std::io::stderr(), "dauso: {error}");
            return Ok(Exit::Usage);
        }
        let clock = Arc::new(SystemClock);
        let made = Installation::create(&self.dir, &config, database().as_deref(), clock).await?;
        if !self.bare {
            for agency in samples::agencies() {
                made.add_agency(&agency).await?;
            }
        }
        made.write_publications().await?;
        println!("{}", self.dir.display());
        Ok(Exit::Done)
    }
}
