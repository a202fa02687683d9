//! `dauso keys`: make, list, import, request certificates.

use super::agency::Scheme;
use super::{Exit, database};
use crate::app::Installation;
use crate::clock::SystemClock;
use crate::digest::Sha256;
use crate::private::Private;
use crate::signer::Subject;
use crate::signer::file::{self, FileSigner};
use clap::Subcommand;
use std::io::Write as _;
use std::path::PathBuf;
use std::sync::Arc;

#[derive(Subcommand)]
pub(super) enum Keys {
    /// Make a key in an encrypted file
    Make {
        /// The data directory
        #[arg(long)]
        dir: PathBuf,
        /// Name of the file, e.g. 16h99-document-2027.key.pem
        #[arg(long)]
        file: String,
        /// What it signs with
        #[arg(long, value_enum, default_value_t = Scheme::Es256)]
        algorithm: Scheme,
    },
    /// List the key files with their fingerprints
    List {
        /// The data directory
        #[arg(long)]
        dir: PathBuf,
    },
    /// Bring a PKCS#8 key from elsewhere into an encrypted file
    Import {
        /// The data directory
        #[arg(long)]
        dir: PathBuf,
        /// The PKCS#8 file, PEM or DER
        source: PathBuf,
        /// File with the passphrase of the source, if it has one
        #[arg(long)]
        source_passphrase: Option<PathBuf>,
        /// Name of the file to write
        #[arg(long)]
        file: String,
    },
    /// Take a key out of use from now on; what it signed stays valid
    Retire {
        /// The data directory
        #[arg(long)]
        dir: PathBuf,
        /// Its fingerprint, as the list shows it
        #[arg(long, value_parser = super::account::digest)]
        fingerprint: Sha256,
    },
    /// Print a certificate request for a key
    Csr {
        /// The data directory
        #[arg(long)]
        dir: PathBuf,
        /// Name of the key file
        #[arg(long)]
        file: String,
        /// Name of the agency
        #[arg(long)]
        name: String,
        /// Identifier of the agency
        #[arg(long)]
        code: String,
    },
}

impl Keys {
    pub(super) async fn run(self) -> anyhow::Result<Exit> {
        let (Self::Make { file, .. } | Self::Import { file, .. } | Self::Csr { file, .. }) = &self
        else {
            return self.on_installation().await;
        };
        if !is_name(file) {
            let why = "--file is a name such as 16h99-document-2027.key.pem, without folders";
            // Standard error may be closed; the exit code still says it.
            let _ = writeln!(std::io::stderr(), "dauso: {why}");
            return Ok(Exit::Usage);
        }
        self.on_installation().await
    }

    async fn on_installation(self) -> anyhow::Result<Exit> {
        let (Self::Make { dir, .. }
        | Self::List { dir }
        | Self::Import { dir, .. }
        | Self::Retire { dir, .. }
        | Self::Csr { dir, .. }) = &self;
        let opened = Installation::open(dir, database().as_deref(), Arc::new(SystemClock)).await?;
        let keys = opened.keys();
        let path = |file: &str| keys.directory().join(file);
        match self {
            Self::Make {
                file, algorithm, ..
            } => {
                let made = file::make_key(&path(&file), algorithm.into(), &keys.passphrase()?)?;
                println!("{}", made.fingerprint());
            }
            Self::List { .. } => {
                for (path, fingerprint) in file::list(keys.directory())? {
                    println!("{fingerprint}\t{}", path.display());
                }
            }
            Self::Import {
                source,
                source_passphrase,
                file,
                ..
            } => {
                let theirs: Option<Private<String>> = source_passphrase
                    .as_deref()
                    .map(file::read_passphrase)
                    .transpose()?;
                let passphrase = keys.passphrase()?;
                let key = file::import_pkcs8(&source, theirs.as_ref(), &path(&file), &passphrase)?;
                println!("{}", key.fingerprint());
            }
            Self::Retire { fingerprint, .. } => {
                opened.retire_key(&fingerprint).await?;
                opened.write_publications().await?;
            }
            Self::Csr {
                file, name, code, ..
            } => {
                let signer = FileSigner::open(&path(&file), &keys.passphrase()?)?;
                print!("{}", signer.request(&Subject::agency(&name, &code))?);
            }
        }
        Ok(Exit::Done)
    }
}

/// Whether it names a file in the directory of the keys that `list` will find there.
fn is_name(file: &str) -> bool {
    let allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    file.ends_with(".key.pem") && !file.starts_with('.') && file.chars().all(allowed)
}
