//! Configuration of one installation, read once from `dauso.toml` in its data directory.
//!
//! Unknown keys are refused, every key has a default, secrets are given as paths of files.
//! `config.example.toml` holds the defaults; a test keeps it so.

use serde::{Deserialize, Serialize};
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::num::NonZeroU32;
use std::path::{Path, PathBuf};

/// Everything that can be configured.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// What the QR leads to: `https://` or `http://`, a host, perhaps a port.
    pub public_url: String,
    /// A code of the operator that stays, in the trust bundle.
    pub operator_code: String,
    /// Name of the information system, as pages and footers show it.
    pub system_name: String,
    /// The same in English.
    pub system_name_en: String,
    /// Owner of the information system (NĐ 45/2020 Đ18.2b).
    pub system_owner: String,
    /// The same in English.
    pub system_owner_en: String,
    /// Address and port to listen on.
    pub listen: SocketAddr,
    /// `sqlite:PATH` or `postgres://…`; the environment's `DATABASE_URL` goes before it. A relative path
    /// starts at the data directory.
    pub database: String,
    /// File with the passphrase of the key files.
    pub passphrase_file: PathBuf,
    /// Level or filter of the log.
    pub log: String,
    /// Requests a minute that one address may make without an account.
    pub public_requests_per_minute: NonZeroU32,
    /// Whether a proxy of our own writes `X-Forwarded-For`.
    pub behind_proxy: bool,
    /// Seconds after which status lists are signed again even when nothing changed.
    pub status_list_ttl: u32,
    /// Seconds for which a signed status list may be used at all.
    pub status_list_lifetime: u32,
    /// Days for which a trust bundle may be used.
    pub trust_bundle_days: u32,
    /// Days after which notes and places of inspectors' checks are erased.
    pub check_details_days: NonZeroU32,
    /// The S3 service that keeps the PDFs; without it they lie in the data directory.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub s3: Option<S3>,
}

/// A bucket of an S3 service.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct S3 {
    /// `https://` and the host of the service; `http://` only for one on the same machine or network.
    pub endpoint: String,
    /// Its region.
    pub region: String,
    /// The bucket.
    pub bucket: String,
    /// Name of the access key.
    pub access_key_id: String,
    /// File with the secret of the access key. A relative path starts at the data directory.
    pub secret_access_key_file: PathBuf,
    /// File with the certificates (PEM) of the authority that the service's own comes from, if the system
    /// does not know it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ca_file: Option<PathBuf>,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            public_url: "https://qr.vidu.test".into(),
            operator_code: "VIDU".into(),
            system_name: "Hệ thống kết quả điện tử Thành phố Ví Dụ".into(),
            system_name_en: "Electronic results of Ví Dụ City".into(),
            system_owner: "Ủy ban nhân dân Thành phố Ví Dụ".into(),
            system_owner_en: "People's Committee of Ví Dụ City".into(),
            listen: SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 8417),
            database: "sqlite:dauso.db".into(),
            passphrase_file: PathBuf::from("keys/passphrase"),
            log: "info".into(),
            public_requests_per_minute: NonZeroU32::MIN.saturating_add(599),
            behind_proxy: false,
            status_list_ttl: 300,
            status_list_lifetime: 7 * 86_400,
            trust_bundle_days: 90,
            check_details_days: NonZeroU32::MIN.saturating_add(5 * 365 - 1),
            s3: None,
        }
    }
}

/// Why a configuration cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// The file cannot be read.
    #[error("{}: {source}", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// The file is not a configuration.
    #[error("{}: {}", path.display(), source.message())]
    Syntax {
        /// The file.
        path: PathBuf,
        /// Where and why.
        source: toml::de::Error,
    },
    /// The public address cannot stand in a QR.
    #[error(
        "public_url {0:?}: https:// or http://, a host of letters, digits, points and hyphens, perhaps a port"
    )]
    PublicUrl(String),
}

impl Config {
    /// Name of the file in a data directory.
    pub const FILE: &'static str = "dauso.toml";

    /// Reads a file.
    ///
    /// # Errors
    /// [`ConfigError`].
    pub fn read(path: &Path) -> Result<Self, ConfigError> {
        let text = std::fs::read_to_string(path).map_err(|source| ConfigError::Unreadable {
            path: path.to_owned(),
            source,
        })?;
        let config: Self = toml::from_str(&text).map_err(|source| ConfigError::Syntax {
            path: path.to_owned(),
            source,
        })?;
        config.host()?;
        Ok(config)
    }

    /// The public host with its port, lower case, without the scheme.
    ///
    /// # Errors
    /// [`ConfigError::PublicUrl`] when it could not stand in a QR.
    pub fn host(&self) -> Result<String, ConfigError> {
        let refuse = || ConfigError::PublicUrl(self.public_url.clone());
        let url = self
            .public_url
            .strip_suffix('/')
            .unwrap_or(&self.public_url);
        let host = url
            .strip_prefix("https://")
            .or_else(|| url.strip_prefix("http://"))
            .ok_or_else(refuse)?;
        let fits = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'-' | b':');
        if host.is_empty() || host.len() > 100 || !host.bytes().all(fits) {
            return Err(refuse());
        }
        Ok(host.to_lowercase())
    }

    /// The database's address; a relative SQLite path starts at `dir`.
    #[must_use]
    pub fn database_url(&self, dir: &Path) -> String {
        match self.database.strip_prefix("sqlite:") {
            Some(path) => format!("sqlite:{}", dir.join(path).display()),
            None => self.database.clone(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_example_file_holds_the_defaults() {
        let text = std::fs::read_to_string("config.example.toml").unwrap();
        assert_eq!(toml::from_str::<Config>(&text).unwrap(), Config::default());
        let keys = text.lines().filter(|line| line.contains(" = ")).count();
        assert_eq!(keys, 16 + 6, "config.example.toml names every key");
    }

    #[test]
    fn the_example_of_an_s3_service_can_be_used_without_its_comment_signs() {
        let text = std::fs::read_to_string("config.example.toml").unwrap();
        let (_, example) = text.split_once("# [s3]\n").unwrap();
        let example = example.replace("# ", "");
        let config: Config = toml::from_str(&format!("[s3]\n{example}")).unwrap();
        let written = toml::to_string(&config).unwrap();
        assert_eq!(toml::from_str::<Config>(&written).unwrap(), config);
        let s3 = config.s3.unwrap();
        assert_eq!(s3.bucket, "dauso");
        assert_eq!(s3.ca_file.unwrap(), Path::new("keys/s3-ca.pem"));
        let secret = example.replace("secret_access_key_file", "secret_access_key");
        assert!(
            toml::from_str::<Config>(&format!("[s3]\n{secret}")).is_err_and(|error| error
                .message()
                .contains("unknown field `secret_access_key`"))
        );
    }

    #[test]
    fn an_unknown_key_is_refused() {
        assert!(
            toml::from_str::<Config>("publik_url = \"https://a.test\"")
                .is_err_and(|error| error.message().contains("unknown field `publik_url`"))
        );
    }

    #[test]
    fn a_public_address_that_cannot_stand_in_a_qr_is_refused() {
        let host = |url: &str| {
            Config {
                public_url: url.into(),
                ..Config::default()
            }
            .host()
        };
        assert_eq!(host("https://QR.vidu.test/").unwrap(), "qr.vidu.test");
        assert_eq!(host("http://192.0.2.7:8417").unwrap(), "192.0.2.7:8417");
        for bad in [
            "qr.vidu.test",
            "https://",
            "https://a.test/path",
            "https://dấu.test",
        ] {
            assert!(matches!(host(bad), Err(ConfigError::PublicUrl(_))), "{bad}");
        }
    }
}
