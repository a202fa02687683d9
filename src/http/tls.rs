//! TLS of the service's own: a certificate and its key, judged before they are used and read anew when asked.
//!
//! Versions 1.2 and 1.3, by rustls with aws-lc-rs. Connections that are open keep the certificate that they
//! began with. A certificate that cannot be used never replaces one that can.

use crate::clock::{Clock, UnixTime};
use crate::metrics::Metrics;
use crate::pki::Certificate;
use rustls::client::verify_server_name;
use rustls::crypto::ring;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use rustls::server::{ClientHello, ParsedCertificate, ResolvesServerCert, ServerConfig};
use rustls::sign::CertifiedKey;
use std::fmt;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError, RwLock};
use tokio_rustls::TlsAcceptor;

/// Days before the end of the certificate from which the log says so at every start and reload.
const DAYS_LEFT: i64 = 14;

/// Why a certificate cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// A file cannot be read.
    #[error("{}: {source} ({})", path.display(), self.code())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// A file has no certificate in PEM.
    #[error("{}: no certificate in PEM, or one that cannot be read ({})", .0.display(), self.code())]
    NoCertificate(PathBuf),
    /// A file has no private key in PEM.
    #[error("{}: no private key in PEM without a passphrase ({})", .0.display(), self.code())]
    NoKey(PathBuf),
    /// Others on this machine may read the key.
    #[error("{}: everybody on this machine may read the key; chmod 600 it ({})", .0.display(), self.code())]
    ExposedKey(PathBuf),
    /// The key is of a kind that TLS does not use.
    #[error("{}: a key of a kind that cannot be used for TLS ({})", .0.display(), self.code())]
    UnusableKey(PathBuf),
    /// The certificate belongs to another key.
    #[error("{}: the certificate belongs to another key ({})", .0.display(), self.code())]
    OtherKey(PathBuf),
    /// The certificate does not name the host that the QR leads to.
    #[error("{}: the certificate does not name {host}, where public_url leads ({})", path.display(), self.code())]
    OtherHost {
        /// The file.
        path: PathBuf,
        /// The host.
        host: String,
    },
    /// The certificate holds later.
    #[error("{}: the certificate holds from {} on ({})", path.display(), from.rfc3339(), self.code())]
    NotYet {
        /// The file.
        path: PathBuf,
        /// Its first moment.
        from: UnixTime,
    },
    /// The certificate held before.
    #[error("{}: the certificate ended at {} ({})", path.display(), at.rfc3339(), self.code())]
    Expired {
        /// The file.
        path: PathBuf,
        /// Its last moment.
        at: UnixTime,
    },
    /// The library refuses to speak these versions.
    #[error("TLS 1.2 and 1.3 cannot be offered ({})", self.code())]
    Versions,
}

impl TlsError {
    /// A stable code.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::Unreadable { .. } => "tls/unreadable",
            Self::NoCertificate(_) => "tls/no-certificate",
            Self::NoKey(_) => "tls/no-key",
            Self::ExposedKey(_) => "tls/exposed-key",
            Self::UnusableKey(_) => "tls/unusable-key",
            Self::OtherKey(_) => "tls/other-key",
            Self::OtherHost { .. } => "tls/other-host",
            Self::NotYet { .. } => "tls/not-yet-valid",
            Self::Expired { .. } => "tls/expired",
            Self::Versions => "tls/versions",
        }
    }
}

/// What the service shows to those who connect. Cheap to clone.
#[derive(Clone)]
pub struct Tls {
    files: Arc<Files>,
    shown: Arc<Shown>,
    config: Arc<ServerConfig>,
}

struct Files {
    certificate: PathBuf,
    key: PathBuf,
    host: String,
    clock: Arc<dyn Clock>,
    metrics: Metrics,
}

/// The certificate of the next connection.
struct Shown(RwLock<Arc<CertifiedKey>>);

impl fmt::Debug for Shown {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Shown")
    }
}

impl ResolvesServerCert for Shown {
    fn resolve(&self, _: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        let shown = self.0.read().unwrap_or_else(PoisonError::into_inner);
        Some(Arc::clone(&shown))
    }
}

impl Tls {
    /// Reads certificate and key, which must fit one another, `host` and the time.
    ///
    /// # Errors
    /// [`TlsError`].
    pub fn open(
        certificate: &Path,
        key: &Path,
        host: &str,
        clock: Arc<dyn Clock>,
        metrics: Metrics,
    ) -> Result<Self, TlsError> {
        let files = Files {
            certificate: certificate.to_owned(),
            key: key.to_owned(),
            host: host.to_owned(),
            clock,
            metrics,
        };
        let shown = Arc::new(Shown(RwLock::new(Arc::new(files.read()?))));
        let mut config = ServerConfig::builder_with_provider(ring::default_provider().into())
            .with_protocol_versions(&[&rustls::version::TLS13, &rustls::version::TLS12])
            .map_err(|_| TlsError::Versions)?
            .with_no_client_auth()
            .with_cert_resolver(Arc::<Shown>::clone(&shown));
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        Ok(Self {
            files: Arc::new(files),
            shown,
            config: Arc::new(config),
        })
    }

    /// Reads the files anew, for the connections to come. On an error everything stays as it was.
    ///
    /// # Errors
    /// [`TlsError`].
    pub fn reload(&self) -> Result<(), TlsError> {
        let fresh = Arc::new(self.files.read()?);
        *self.shown.0.write().unwrap_or_else(PoisonError::into_inner) = fresh;
        Ok(())
    }

    pub(super) fn acceptor(&self) -> TlsAcceptor {
        TlsAcceptor::from(Arc::clone(&self.config))
    }
}

impl Files {
    fn read(&self) -> Result<CertifiedKey, TlsError> {
        let path = || self.certificate.clone();
        let unfit = |_| TlsError::NoCertificate(self.certificate.clone());
        let text = read(&self.certificate)?;
        let chain: Vec<CertificateDer<'static>> = CertificateDer::pem_slice_iter(&text)
            .collect::<Result<_, _>>()
            .map_err(|_| TlsError::NoCertificate(path()))?;
        let leaf = chain
            .first()
            .ok_or_else(|| TlsError::NoCertificate(path()))?;
        let seen = Certificate::from_der(leaf).map_err(unfit)?;
        let (from, at) = (seen.not_before(), seen.not_after());
        let named = {
            let parsed = ParsedCertificate::try_from(leaf);
            let parsed = parsed.map_err(|_| TlsError::NoCertificate(path()))?;
            let name = ServerName::try_from(self.host.as_str());
            name.is_ok_and(|name| verify_server_name(&parsed, &name).is_ok())
        };
        if !named {
            let host = self.host.clone();
            return Err(TlsError::OtherHost { path: path(), host });
        }
        let now = self.clock.now();
        if now < from {
            return Err(TlsError::NotYet { path: path(), from });
        }
        if now > at {
            return Err(TlsError::Expired { path: path(), at });
        }
        let key = self.key()?;
        let provider = ring::default_provider();
        let signing = provider
            .key_provider
            .load_private_key(key)
            .map_err(|_| TlsError::UnusableKey(self.key.clone()))?;
        let certified = CertifiedKey::new(chain, signing);
        certified
            .keys_match()
            .map_err(|_| TlsError::OtherKey(path()))?;
        let days = at.since(now) / 86_400;
        if days < DAYS_LEFT {
            tracing::warn!(
                code = "tls/ends-soon",
                days,
                "the TLS certificate ends soon"
            );
        }
        self.metrics.certificate_ends(at.seconds());
        Ok(certified)
    }

    fn key(&self) -> Result<PrivateKeyDer<'static>, TlsError> {
        let meta = std::fs::metadata(&self.key).map_err(|source| TlsError::Unreadable {
            path: self.key.clone(),
            source,
        })?;
        if meta.permissions().mode() & 0o007 != 0 {
            return Err(TlsError::ExposedKey(self.key.clone()));
        }
        let text = zeroize::Zeroizing::new(read(&self.key)?);
        PrivateKeyDer::from_pem_slice(&text).map_err(|_| TlsError::NoKey(self.key.clone()))
    }
}

fn read(path: &Path) -> Result<Vec<u8>, TlsError> {
    std::fs::read(path).map_err(|source| TlsError::Unreadable {
        path: path.to_owned(),
        source,
    })
}
