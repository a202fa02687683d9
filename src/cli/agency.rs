//! `dauso agency`: the agencies that issue.

use super::{Exit, database, samples};
use crate::app::{AgencyUpdate, Installation, NewAgency};
use crate::clock::SystemClock;
use crate::key::Algorithm;
use anyhow::Context as _;
use clap::{Subcommand, ValueEnum};
use std::path::{Path, PathBuf};
use std::sync::Arc;

#[derive(Subcommand)]
pub(super) enum Agency {
    /// Add an agency with its own seal, keys and certificates of the demo authority
    Add(Add),
    /// Change its names, telephone number or seal; what was issued stays as it is
    Update(Update),
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

#[derive(clap::Args)]
pub(super) struct Update {
    /// The data directory
    #[arg(long)]
    dir: PathBuf,
    /// Identifier of the agency
    #[arg(long)]
    code: String,
    #[command(flatten)]
    changes: Changes,
}

#[derive(clap::Args)]
#[group(required = true, multiple = true)]
struct Changes {
    /// Its name
    #[arg(long)]
    name: Option<String>,
    /// Its name in English
    #[arg(long)]
    name_en: Option<String>,
    /// Name of the agency above it; an empty one takes it away
    #[arg(long)]
    parent: Option<String>,
    /// Telephone number for questions; an empty one takes it away
    #[arg(long)]
    phone: Option<String>,
    /// PNG of its seal, red on a transparent ground
    #[arg(long)]
    seal: Option<PathBuf>,
    /// Diameter of the real seal in millimetres
    #[arg(long)]
    seal_mm: Option<f64>,
}

impl Changes {
    fn read(self) -> anyhow::Result<AgencyUpdate> {
        let seal = self.seal.as_deref().map(picture).transpose()?;
        Ok(AgencyUpdate {
            name: self.name,
            name_en: self.name_en,
            parent: self.parent,
            phone: self.phone,
            seal,
            seal_mm: self.seal_mm,
        })
    }
}

fn picture(path: &Path) -> anyhow::Result<Vec<u8>> {
    std::fs::read(path).with_context(|| path.display().to_string())
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
                    Some(path) => picture(path)?,
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
            Self::Update(Update { dir, code, changes }) => {
                let opened = Installation::open(&dir, database().as_deref(), clock).await?;
                let agency = opened.update_agency(&code, &changes.read()?).await?;
                // The trust bundle carries the names.
                opened.write_publications().await?;
                println!("{}\t{}\t{}", agency.code, agency.issuer, agency.name_vi);
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
