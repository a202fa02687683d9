//! `dauso keys`: make, list, import, request certificates.

use super::agency::Scheme;
use super::{Exit, database};
use crate::app::{Installation, KeyEntry};
use crate::clock::SystemClock;
use crate::digest::Sha256;
use crate::private::Private;
use crate::signer::Subject;
use crate::signer::file;
use crate::signer::token::{self, Address};
use crate::store::Purpose;
use clap::{Subcommand, ValueEnum};
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
        /// Make it in a token or HSM: its PKCS #11 URI (RFC 7512) with module-path and pin-source;
        /// --file is a name such as 16h99-document-2027.pkcs11 then
        #[arg(long, value_parser = Address::parse)]
        token: Option<Address>,
    },
    /// Use a key that is in a token or HSM already
    Attach {
        /// The data directory
        #[arg(long)]
        dir: PathBuf,
        /// Name of the file for its address, e.g. 16h99-document-2027.pkcs11
        #[arg(long)]
        file: String,
        /// Its PKCS #11 URI (RFC 7512) with id or object, module-path and pin-source
        #[arg(long, value_parser = Address::parse)]
        token: Address,
    },
    /// Put a key into use for an agency; keys that are in use stay beside it until they are retired
    Enter {
        /// The data directory
        #[arg(long)]
        dir: PathBuf,
        /// Name of the key file
        #[arg(long)]
        file: String,
        /// What it signs
        #[arg(long, value_enum)]
        purpose: Use,
        /// Identifier of the agency
        #[arg(long)]
        agency: String,
        /// Its certificate with those of the authorities above it, PEM, the key's own first; for documents
        #[arg(long, required_if_eq("purpose", "document"))]
        certificate: Option<PathBuf>,
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

/// What a key of an agency signs.
#[derive(Clone, Copy, Debug, Eq, PartialEq, ValueEnum)]
pub(super) enum Use {
    /// Credentials in QR codes
    Credential,
    /// PDF documents, as the agency's seal
    Document,
}

impl Keys {
    pub(super) async fn run(self) -> anyhow::Result<Exit> {
        let (file, ending) = match &self {
            Self::Make {
                file,
                token: Some(_),
                ..
            }
            | Self::Attach { file, .. } => (file, vec![token::EXTENSION]),
            Self::Make { file, .. } | Self::Import { file, .. } => (file, vec![file::EXTENSION]),
            Self::Enter { file, .. } | Self::Csr { file, .. } => {
                (file, vec![file::EXTENSION, token::EXTENSION])
            }
            Self::List { .. } | Self::Retire { .. } => return self.on_installation().await,
        };
        if !is_name(file, &ending) {
            let ending = ending.join(" or ");
            let why = format!(
                "--file is a name such as 16h99-document-2027, without folders, that ends in {ending}"
            );
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
        | Self::Attach { dir, .. }
        | Self::Enter { dir, .. }
        | Self::Retire { dir, .. }
        | Self::Csr { dir, .. }) = &self;
        let opened = Installation::open(dir, database().as_deref(), Arc::new(SystemClock)).await?;
        let keys = opened.keys();
        let path = |file: &str| keys.directory().join(file);
        match self {
            Self::Make {
                file,
                algorithm,
                token,
                ..
            } => {
                let algorithm = algorithm.into();
                let made = match token {
                    Some(address) => token::make_key(&path(&file), &address, algorithm)?,
                    None => file::make_key(&path(&file), algorithm, &keys.passphrase()?)?,
                };
                println!("{}", made.fingerprint());
            }
            Self::Attach { file, token, .. } => {
                println!("{}", token::attach_key(&path(&file), &token)?.fingerprint());
            }
            Self::Enter {
                file,
                purpose,
                agency,
                certificate,
                ..
            } => {
                let certificate = certificate.map(std::fs::read).transpose()?;
                let entered = opened
                    .enter_key(&KeyEntry {
                        file,
                        purpose: match purpose {
                            Use::Credential => Purpose::Credential,
                            Use::Document => Purpose::Document,
                        },
                        agency,
                        certificates: certificate.unwrap_or_default(),
                    })
                    .await?;
                opened.write_publications().await?;
                println!(
                    "{}\t{}",
                    entered.public.fingerprint(),
                    entered.not_after.rfc3339()
                );
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
                print!("{}", keys.request(&file, &Subject::agency(&name, &code))?);
            }
        }
        Ok(Exit::Done)
    }
}

/// Whether it names a file in the directory of the keys that `list` will find there.
fn is_name(file: &str, endings: &[&str]) -> bool {
    let allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    endings.iter().any(|ending| file.ends_with(ending))
        && !file.starts_with('.')
        && file.chars().all(allowed)
}
