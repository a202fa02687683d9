//! `dauso account`: who may do what.

use super::{Exit, database};
use crate::access::Role;
use crate::app::{Installation, NewAccount};
use crate::clock::SystemClock;
use clap::Subcommand;
use std::path::PathBuf;
use std::sync::Arc;

#[derive(Subcommand)]
pub(super) enum Account {
    /// Add an account; prints its API key, which is stored nowhere
    Add(Add),
    /// List the accounts of an agency
    List {
        /// The data directory
        #[arg(long)]
        dir: PathBuf,
        /// Code of the agency
        #[arg(long)]
        agency: String,
    },
}

#[derive(clap::Args)]
pub(super) struct Add {
    /// The data directory
    #[arg(long)]
    dir: PathBuf,
    /// What the person types
    #[arg(long)]
    login: String,
    /// The person's name
    #[arg(long)]
    name: String,
    /// case_officer, signatory, registrar, inspector, supervisor or admin
    #[arg(long, value_parser = role)]
    role: Role,
    /// Code of the agency
    #[arg(long)]
    agency: String,
}

fn role(name: &str) -> Result<Role, String> {
    let names: Vec<&str> = Role::ALL.into_iter().map(Role::name).collect();
    Role::parse(name).ok_or_else(|| format!("one of {}", names.join(", ")))
}

impl Account {
    pub(super) async fn run(self) -> anyhow::Result<Exit> {
        let clock = Arc::new(SystemClock);
        match self {
            Self::Add(add) => {
                let opened = Installation::open(&add.dir, database().as_deref(), clock).await?;
                let key = opened
                    .add_account(&NewAccount {
                        login: add.login,
                        name: add.name,
                        role: add.role,
                        agency: add.agency,
                        password: None,
                    })
                    .await?;
                println!("{}", key.expose());
            }
            Self::List { dir, agency } => {
                let opened = Installation::open(&dir, database().as_deref(), clock).await?;
                for account in opened.store().read().await?.accounts(&agency).await? {
                    println!("{}\t{}", account.login, account.role.name());
                }
            }
        }
        Ok(Exit::Done)
    }
}
