//! Certificates for TLS: an authority of the test, and what it issues for hosts.

use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use time::{Duration, OffsetDateTime};

/// An authority that clients of the test trust.
pub(crate) struct Authority {
    issuer: Issuer<'static, KeyPair>,
    pem: String,
}

/// Days from `from` to `to`, counted from `at`.
pub(crate) struct Period {
    pub(crate) at: OffsetDateTime,
    pub(crate) from: i64,
    pub(crate) to: i64,
}

impl Authority {
    pub(crate) fn new() -> Self {
        Self::named("Test authority for TLS")
    }

    pub(crate) fn named(name: &str) -> Self {
        let key = KeyPair::generate().unwrap();
        let mut params = CertificateParams::default();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.distinguished_name.push(DnType::CommonName, name);
        let pem = params.self_signed(&key).unwrap().pem();
        Self {
            issuer: Issuer::new(params, key),
            pem,
        }
    }

    /// The certificate that clients trust.
    pub(crate) fn write(&self, path: &Path) -> PathBuf {
        std::fs::write(path, &self.pem).unwrap();
        path.to_owned()
    }

    /// Writes `chain.pem` and `key.pem` for a host to a folder.
    pub(crate) fn issue(&self, folder: &Path, host: &str, period: &Period) {
        std::fs::create_dir_all(folder).unwrap();
        let key = KeyPair::generate().unwrap();
        let mut params = CertificateParams::new(vec![host.to_owned()]).unwrap();
        params.not_before = period.at + Duration::days(period.from);
        params.not_after = period.at + Duration::days(period.to);
        let certificate = params.signed_by(&key, &self.issuer).unwrap();
        std::fs::write(folder.join("chain.pem"), certificate.pem()).unwrap();
        let path = folder.join("key.pem");
        // The mode counts only when the file is made.
        let _ = std::fs::remove_file(&path);
        let mut options = std::fs::OpenOptions::new();
        let file = options.write(true).create_new(true).mode(0o600);
        let mut file = file.open(path).unwrap();
        std::io::Write::write_all(&mut file, key.serialize_pem().as_bytes()).unwrap();
    }
}
