//! Puts the parts together: the only composition root. Tests build another one with a fixed clock.

mod backup;
mod keys;
mod restore;
mod setup;
mod upkeep;

pub use backup::{BackupError, Kept, digest_of};
pub use keys::KeyEntry;
pub use restore::{check_backup, restore};
pub use setup::{NewAccount, NewAgency};
pub use upkeep::{ACTOR, AgencyUpdate};

use crate::authorities::{Client, Host, Reach, TimeStampSource, TimeStamps};
use crate::catalogue::{Catalogue, Label};
use crate::clock::Clock;
use crate::config::{Config, S3, StampsFrom};
use crate::http::pages::Site;
use crate::http::{Limits, Parts, Patience, Service, Tls};
use crate::inspection::Inspection;
use crate::issuance::{Imprint, Issuer, Seals};
use crate::lifecycle::Lifecycle;
use crate::login::Login;
use crate::metrics::Metrics;
use crate::pki::Certificate;
use crate::publication::{Publisher, Terms};
use crate::search::Search;
use crate::signer::Keyring;
use crate::signer::file::read_passphrase;
use crate::store::documents::{Bucket, Documents};
use crate::store::{Reader, Recorder, Store};
use crate::trust::TrustBundle;
use crate::verification::Verifier;
use crate::worker::Worker;
use anyhow::{Context as _, ensure};
use std::num::NonZeroU32;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

/// How long a time-stamp authority may take.
const STAMP_PATIENCE: Duration = Duration::from_secs(5);

/// Seconds between our clock and that of a time-stamp authority.
const SKEW: i64 = 30;

/// How long the S3 service may take for one document: 64 MiB over a line of 20 Mbit/s.
const DOCUMENT_PATIENCE: Duration = Duration::from_secs(30);

/// An opened installation: a data directory with its configuration, register, files and keys.
#[derive(Clone)]
pub struct Installation {
    dir: PathBuf,
    config: Arc<Config>,
    store: Store,
    documents: Documents,
    keys: Arc<Keyring>,
    seals: Seals,
    stamps: Option<Arc<TimeStamps>>,
    catalogue: Arc<Catalogue>,
    roots: Arc<Vec<Certificate>>,
    clock: Arc<dyn Clock>,
    metrics: Metrics,
}

impl Installation {
    /// Opens a data directory. `database` goes before the configured one.
    ///
    /// # Errors
    /// When a part cannot be opened; the message names it.
    pub async fn open(
        dir: &Path,
        database: Option<&str>,
        clock: Arc<dyn Clock>,
    ) -> anyhow::Result<Self> {
        let config = Config::read(&dir.join(Config::FILE))?;
        let url = database.map_or_else(|| config.database_url(dir), str::to_owned);
        let store = Store::open(&url)
            .await
            .context("the register cannot be opened")?;
        let documents = match &config.s3 {
            Some(s3) => Documents::in_bucket(&bucket(dir, s3)?)
                .context("the S3 service of the documents cannot be used")?,
            None => Documents::on_disk(dir.join("documents"))
                .await
                .with_context(|| {
                    let folder = dir.join("documents");
                    format!("the documents in {} cannot be opened", folder.display())
                })?,
        };
        let roots = roots(&dir.join("trust"))?;
        let stamps = match &config.time_stamps {
            Some(from) => Some(Arc::new(time_stamps(from, &roots, Arc::clone(&clock))?)),
            None => None,
        };
        let metrics = Metrics::new();
        let passphrase = dir.join(&config.passphrase_file);
        let keys = Keyring::new(&dir.join("keys"), &passphrase, metrics.clone());
        Ok(Self {
            catalogue: Arc::new(catalogue(&dir.join("catalogue"))?),
            roots: Arc::new(roots),
            dir: dir.to_owned(),
            config: Arc::new(config),
            store,
            documents,
            keys: Arc::new(keys),
            seals: Seals::default(),
            stamps,
            clock,
            metrics,
        })
    }

    /// The configuration.
    #[must_use]
    pub fn config(&self) -> &Config {
        &self.config
    }

    /// The register.
    #[must_use]
    pub fn store(&self) -> &Store {
        &self.store
    }

    /// The keys.
    #[must_use]
    pub fn keys(&self) -> &Arc<Keyring> {
        &self.keys
    }

    /// What may be issued.
    #[must_use]
    pub fn catalogue(&self) -> &Arc<Catalogue> {
        &self.catalogue
    }

    /// The files.
    #[must_use]
    pub fn documents(&self) -> &Documents {
        &self.documents
    }

    /// Issues results.
    ///
    /// # Errors
    /// When the public address cannot stand in a QR.
    pub fn issuer(&self) -> anyhow::Result<Issuer> {
        Ok(Issuer {
            store: self.store.clone(),
            documents: self.documents.clone(),
            catalogue: Arc::clone(&self.catalogue),
            keys: Arc::clone(&self.keys),
            seals: Arc::clone(&self.seals),
            imprint: Arc::new(Imprint {
                host: self.config.host()?,
                system: self.config.system_name.clone(),
                owner: self.config.system_owner.clone(),
            }),
            stamps: self.stamps.clone(),
            clock: Arc::clone(&self.clock),
        })
    }

    /// Changes the status of results.
    #[must_use]
    pub fn lifecycle(&self) -> Lifecycle {
        Lifecycle::new(
            self.store.clone(),
            Arc::clone(&self.catalogue),
            Arc::clone(&self.clock),
        )
    }

    /// Finds results without their look-up codes.
    #[must_use]
    pub fn search(&self) -> Search {
        Search::new(self.store.clone(), Arc::clone(&self.clock))
    }

    /// Answers with the register; `anchors` are trusted beside the installation's own roots. The trust
    /// bundle is the one published last.
    ///
    /// # Errors
    /// When the register fails.
    pub async fn verifier(&self, anchors: Vec<Certificate>) -> anyhow::Result<Verifier> {
        let reader = Reader::start(self.store.clone());
        self.verifier_with(reader, anchors).await
    }

    async fn verifier_with(
        &self,
        reader: Reader,
        anchors: Vec<Certificate>,
    ) -> anyhow::Result<Verifier> {
        let verifier = Verifier::new(
            reader,
            Arc::clone(&self.catalogue),
            Arc::clone(&self.clock),
            anchors,
        );
        if let Some(held) = self.store.read().await?.publication("trust").await? {
            verifier.trust(TrustBundle::open(&held.content, None)?);
        }
        Ok(verifier)
    }

    /// Signs what is published.
    #[must_use]
    pub fn publisher(&self) -> Publisher {
        let terms = Terms {
            public_url: self.config.public_url.trim_end_matches('/').to_owned(),
            operator_code: self.config.operator_code.clone(),
            operator: self.owner(),
            system: self.system(),
            list_ttl: self.config.status_list_ttl,
            list_lifetime: self.config.status_list_lifetime,
            bundle_days: self.config.trust_bundle_days,
        };
        Publisher::new(
            self.store.clone(),
            Arc::clone(&self.keys),
            Arc::clone(&self.catalogue),
            Arc::clone(&self.roots),
            Arc::new(terms),
            Arc::clone(&self.clock),
        )
    }

    /// Writes what is published to `trust/` in the data directory, as the server publishes it.
    ///
    /// # Errors
    /// When something cannot be signed or written.
    pub async fn write_publications(&self) -> anyhow::Result<()> {
        let folder = self.dir.join("trust");
        for publication in self.publisher().everything().await? {
            let name = if publication.name == "trust" {
                "bundle"
            } else {
                &publication.name
            };
            let path = folder.join(name);
            if let Some(parent) = path.parent() {
                std::fs::create_dir_all(parent)?;
            }
            replace(&path, &publication.content)?;
        }
        Ok(())
    }

    /// Everything that the HTTP service reaches.
    ///
    /// # Errors
    /// When a part cannot be made.
    pub async fn service(&self) -> anyhow::Result<Service> {
        Ok(self.parts().await?.into())
    }

    /// The parts of [`Self::service`].
    ///
    /// # Errors
    /// When one cannot be made.
    pub async fn parts(&self) -> anyhow::Result<Parts> {
        let reader = Reader::start(self.store.clone());
        let verifier = self.verifier_with(reader.clone(), Vec::new()).await?;
        Ok(Parts {
            store: self.store.clone(),
            reader,
            documents: self.documents.clone(),
            issuer: self.issuer()?,
            lifecycle: self.lifecycle(),
            search: self.search(),
            login: Login::new(self.store.clone(), Arc::clone(&self.clock)),
            inspection: Inspection::new(
                Recorder::start(self.store.clone(), self.metrics.clone()),
                verifier.clone(),
                Arc::clone(&self.catalogue),
                Arc::clone(&self.clock),
            ),
            verifier,
            publisher: self.publisher(),
            site: Arc::new(Site {
                system: self.system(),
                owner: self.owner(),
                host: self.config.host()?,
            }),
            clock: Arc::clone(&self.clock),
            limits: self.limits(),
            secure: self.config.is_https()
                && (self.config.behind_proxy || self.config.tls()?.is_some()),
            metrics: self.metrics.clone(),
        })
    }

    fn limits(&self) -> Limits {
        let config = &self.config;
        // No machine has fewer than 32 bits for addresses.
        let places = |count: NonZeroU32| usize::try_from(count.get()).unwrap_or(usize::MAX);
        Limits {
            look_ups: config.public_requests_per_minute,
            uploads: config.uploads_per_minute,
            sign_ins: config.sign_ins_per_minute,
            searches: config.searches_per_minute,
            of_account: config.account_requests_per_minute,
            connections: places(config.connections),
            connections_per_address: places(config.connections_per_address),
            requests_at_once: places(config.requests_at_once),
            uploads_at_once: places(config.uploads_at_once),
            behind_proxy: config.behind_proxy,
            patience: Patience::default(),
        }
    }

    /// The service's own TLS, if it has any.
    ///
    /// # Errors
    /// When certificate, key, public address and time do not fit one another.
    pub fn tls(&self) -> anyhow::Result<Option<Tls>> {
        let Some(files) = self.config.tls()? else {
            return Ok(None);
        };
        let tls = Tls::open(
            &self.dir.join(files.certificate),
            &self.dir.join(files.key),
            &self.config.host_name()?,
            Arc::clone(&self.clock),
            self.metrics.clone(),
        )?;
        Ok(Some(tls))
    }

    /// The worker of a service.
    #[must_use]
    pub fn worker(&self, service: &Service) -> Worker {
        Worker::new(
            self.store.clone(),
            service.publisher.clone(),
            service.verifier.clone(),
            service.lifecycle.clone(),
            service.issuer.clone(),
            Arc::clone(&self.clock),
            self.config.check_details_days,
        )
    }

    fn system(&self) -> Label {
        Label {
            vi: self.config.system_name.clone(),
            en: self.config.system_name_en.clone(),
        }
    }

    fn owner(&self) -> Label {
        Label {
            vi: self.config.system_owner.clone(),
            en: self.config.system_owner_en.clone(),
        }
    }
}

/// Writes a file so that readers see the old or the new one, never half of it.
///
/// # Errors
/// What the file system says.
pub fn replace(path: &Path, bytes: &[u8]) -> std::io::Result<()> {
    use std::io::Write as _;
    let new = Replacing::begin(path)?;
    new.file()?.write_all(bytes)?;
    new.finish()
}

/// A file that takes the place of another, if there is one, when it is whole. Dropped before it is gone.
pub struct Replacing {
    path: PathBuf,
    file: tempfile::NamedTempFile,
}

impl Replacing {
    /// Begins an empty file beside `path`.
    ///
    /// # Errors
    /// When there is no such folder, or nothing can be written there.
    pub fn begin(path: &Path) -> std::io::Result<Self> {
        let folder = path
            .parent()
            .filter(|parent| !parent.as_os_str().is_empty());
        let file = tempfile::NamedTempFile::new_in(folder.unwrap_or(Path::new(".")))?;
        let path = path.to_owned();
        Ok(Self { path, file })
    }

    /// The file, to be written to.
    ///
    /// # Errors
    /// When no more files can be open.
    pub fn file(&self) -> std::io::Result<std::fs::File> {
        self.file.as_file().try_clone()
    }

    /// Puts it in its place. When this returns, it lasts.
    ///
    /// # Errors
    /// When it cannot be written to the disk; what stood there stays.
    pub fn finish(self) -> std::io::Result<()> {
        self.file.as_file().sync_all()?;
        let permissions = std::os::unix::fs::PermissionsExt::from_mode(0o644);
        self.file.as_file().set_permissions(permissions)?;
        self.file.persist(self.path).map_err(|error| error.error)?;
        Ok(())
    }
}

/// The configured bucket with its secrets.
/// Those of the configured authorities; nobody else is asked.
fn time_stamps(
    from: &StampsFrom,
    roots: &[Certificate],
    clock: Arc<dyn Clock>,
) -> anyhow::Result<TimeStamps> {
    let mut hosts = Vec::new();
    let mut sources = Vec::new();
    ensure!(
        !from.authorities.is_empty(),
        "[time_stamps] names no authority"
    );
    for address in &from.authorities {
        let uri: axum::http::Uri = address.parse().with_context(|| address.clone())?;
        let name = uri
            .host()
            .with_context(|| format!("{address} names no host"))?;
        let internal = from.internal_hosts.iter().any(|host| host == name);
        hosts.push(Host {
            name: name.to_owned(),
            reach: if internal {
                Reach::Internal
            } else {
                Reach::Public
            },
        });
        sources.push(TimeStampSource {
            address: address.clone(),
            policy: None,
        });
    }
    let client = Client::new(&hosts, STAMP_PATIENCE)?;
    Ok(TimeStamps::new(
        client,
        sources,
        roots.to_vec(),
        clock,
        SKEW,
    ))
}

fn bucket(dir: &Path, s3: &S3) -> anyhow::Result<Bucket> {
    let authorities = s3.ca_file.as_deref().map(|path| {
        let path = dir.join(path);
        std::fs::read(&path).with_context(|| path.display().to_string())
    });
    Ok(Bucket {
        endpoint: s3.endpoint.clone(),
        region: s3.region.clone(),
        name: s3.bucket.clone(),
        access_key: s3.access_key_id.clone(),
        secret: read_passphrase(&dir.join(&s3.secret_access_key_file))?,
        authorities: authorities.transpose()?,
        patience: DOCUMENT_PATIENCE,
    })
}

/// The built-in types, and those of the files in `folder`.
fn catalogue(folder: &Path) -> anyhow::Result<Catalogue> {
    let mut catalogue = Catalogue::built_in()?;
    for path in files(folder, "toml")? {
        let text = std::fs::read_to_string(&path)?;
        catalogue = catalogue
            .with_file(&text)
            .with_context(|| path.display().to_string())?;
    }
    Ok(catalogue)
}

/// The certificates in `trust/*.pem`; public keys among them are not roots.
fn roots(folder: &Path) -> anyhow::Result<Vec<Certificate>> {
    let mut roots = Vec::new();
    for path in files(folder, "pem")? {
        let text = std::fs::read(&path)?;
        if text
            .windows(17)
            .any(|window| window == b"BEGIN CERTIFICATE")
        {
            roots.extend(Certificate::read_all(&text).with_context(|| path.display().to_string())?);
        }
    }
    Ok(roots)
}

/// Files of a folder with this extension, by name; none if there is no folder.
fn files(folder: &Path, extension: &str) -> anyhow::Result<Vec<PathBuf>> {
    if !folder.exists() {
        return Ok(Vec::new());
    }
    let mut paths = Vec::new();
    for entry in std::fs::read_dir(folder)? {
        let path = entry?.path();
        if path.extension().is_some_and(|found| found == extension) {
            paths.push(path);
        }
    }
    paths.sort();
    Ok(paths)
}
