//! `dauso agency`: the agencies that issue.

use super::{Exit, database, samples};
use crate::app::{Installation, NewAgency};
use crate::clock::SystemClock;
use crate::key::Algorithm;
use anyhow::Context as _;
use clap::{Subcommand, ValueEnum};
use std::path::PathBuf;
use std::sync::Arc;

#[derive(Subcommand)]
pub(super) enum Agency {
    /// Add an agency with its own seal, keys and certificates of the demo authority
    Add(Add),
    /// List the agencies
    List {
        /// The data directory
        #[arg(long)]
        dir: PathBuf,
    },
}

#[derive(clap::Args)]
pub(super) struct Add {
    /// The data directory
    #[arg(long)]
    dir: PathBuf,
    /// Identifier of the agency, e.g. 000.00.16.H99
    #[arg(long)]
    code: String,
    /// Its name
    #[arg(long)]
    name: String,
    /// Its name in English
    #[arg(long)]
    name_en: Option<String>,
    /// Short code in credentials, 1 to 8 of A-Z and 0-9; made of the identifier if absent
    #[arg(long)]
    issuer: Option<String>,
    /// What numbers of its documents call it; the initials of its name if absent
    #[arg(long)]
    symbol: Option<String>,
    /// Telephone number for questions
    #[arg(long)]
    phone: Option<String>,
    /// PNG of its seal, red on a transparent ground; a sample seal if absent
    #[arg(long)]
    seal: Option<PathBuf>,
    /// Diameter of the real seal in millimetres
    #[arg(long, default_value_t = 35.0)]
    seal_mm: f64,
    /// What its documents are signed with
    #[arg(long, value_enum, default_value_t = Scheme::Es256)]
    algorithm: Scheme,
}

#[derive(Clone, Copy, ValueEnum)]
pub(super) enum Scheme {
    /// ECDSA on P-256
    Es256,
    /// RSASSA-PSS with 3072 bits
    Ps256,
}

impl From<Scheme> for Algorithm {
    fn from(scheme: Scheme) -> Self {
        match scheme {
            Scheme::Es256 => Self::Es256,
            Scheme::Ps256 => Self::Ps256,
        }
    }
}

impl Agency {
    pub(super) async fn run(self) -> anyhow::Result<Exit> {
        let clock = Arc::new(SystemClock);
        match self {
            Self::Add(add) => {
                let seal = match &add.seal {
                    Some(path) => {
                        std::fs::read(path).with_context(|| path.display().to_string())?
                    }
                    None => samples::SEAL.to_vec(),
                };
                let opened = Installation::open(&add.dir, database().as_deref(), clock).await?;
                let agency = opened
                    .add_agency(&NewAgency {
                        code: add.code,
                        issuer: add.issuer,
                        symbol: add.symbol,
                        name: add.name,
                        name_en: add.name_en,
                        phone: add.phone,
                        seal,
                        seal_mm: add.seal_mm,
                        algorithm: add.algorithm.into(),
                    })
                    .await?;
                opened.write_publications().await?;
                println!("{} {}", agency.code, agency.issuer);
            }
            Self::List { dir } => {
                let opened = Installation::open(&dir, database().as_deref(), clock).await?;
                for agency in opened.store().read().await?.agencies().await? {
                    println!("{}\t{}\t{}", agency.code, agency.issuer, agency.name_vi);
                }
            }
        }
        Ok(Exit::Done)
    }
}
