//! `dauso account`: who may do what.

use super::{Exit, database};
use crate::access::Role;
use crate::app::{Installation, NewAccount};
use crate::clock::{SystemClock, UnixTime};
use crate::digest::Sha256;
use crate::signer::file::read_passphrase;
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
    /// End an account with all its keys, for good
    Disable(Named),
    /// Give an account another password; tokens got with the old one end
    Password {
        #[command(flatten)]
        account: Named,
        /// File with the new password, readable by its owner alone
        #[arg(long)]
        password_file: PathBuf,
    },
    /// API keys of an account
    #[command(subcommand)]
    Key(Key),
}

#[derive(Subcommand)]
pub(super) enum Key {
    /// List the keys of an account by their digests
    List(Named),
    /// End a key
    Revoke {
        #[command(flatten)]
        account: Named,
        /// Digest of the key, as the list shows it
        #[arg(long, value_parser = digest)]
        digest: Sha256,
    },
}

#[derive(clap::Args)]
pub(super) struct Named {
    /// The data directory
    #[arg(long)]
    dir: PathBuf,
    /// What the person types
    #[arg(long)]
    login: String,
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

pub(super) fn digest(text: &str) -> Result<Sha256, String> {
    Sha256::parse_hex(text).ok_or_else(|| "64 hexadecimal digits".to_owned())
}

impl Named {
    async fn open(&self) -> anyhow::Result<Installation> {
        let clock = Arc::new(SystemClock);
        Installation::open(&self.dir, database().as_deref(), clock).await
    }
}

impl Key {
    async fn run(self) -> anyhow::Result<()> {
        match self {
            Self::List(account) => {
                for key in account.open().await?.api_keys(&account.login).await? {
                    let moment =
                        |at: Option<UnixTime>| at.map_or("-".to_owned(), UnixTime::rfc3339);
                    println!(
                        "{}\t{}\t{}\t{}\t{}",
                        key.digest,
                        key.label,
                        key.created_at.rfc3339(),
                        moment(key.expires_at),
                        moment(key.revoked_at)
                    );
                }
            }
            Self::Revoke { account, digest } => {
                let opened = account.open().await?;
                opened.revoke_api_key(&account.login, &digest).await?;
            }
        }
        Ok(())
    }
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
                    let ended = account.disabled_at.map_or("", |_| "\tdisabled");
                    println!("{}\t{}{ended}", account.login, account.role.name());
                }
            }
            Self::Disable(account) => {
                account
                    .open()
                    .await?
                    .disable_account(&account.login)
                    .await?;
            }
            Self::Password {
                account,
                password_file,
            } => {
                let password = read_passphrase(&password_file)?;
                let opened = account.open().await?;
                opened.set_password(&account.login, password).await?;
            }
            Self::Key(key) => key.run().await?,
        }
        Ok(Exit::Done)
    }
}
