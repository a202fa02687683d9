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
    /// PEM file of the service's certificate and those between it and its root; TLS ends here then.
    pub tls_certificate: Option<PathBuf>,
    /// PEM file of the certificate's private key.
    pub tls_key: Option<PathBuf>,
    /// Whether a proxy of our own ends TLS and writes `X-Forwarded-For`.
    pub behind_proxy: bool,
    /// Look-ups a minute that one address may make without an account, and verifications.
    pub public_requests_per_minute: NonZeroU32,
    /// Files a minute that one address may have checked without an account.
    pub uploads_per_minute: NonZeroU32,
    /// Sign-ins a minute of one address, and keys that open nothing.
    pub sign_ins_per_minute: NonZeroU32,
    /// Searches by number or plate a minute of one account.
    pub searches_per_minute: NonZeroU32,
    /// Requests a minute of one account.
    pub account_requests_per_minute: NonZeroU32,
    /// Connections at once.
    pub connections: NonZeroU32,
    /// Connections at once of one address; behind a proxy all are the proxy's.
    pub connections_per_address: NonZeroU32,
    /// Requests that are worked on at once; more are asked to come again.
    pub requests_at_once: NonZeroU32,
    /// Files that accounts have taken in at once; the public has half as many places besides.
    pub uploads_at_once: NonZeroU32,
    /// Where figures for monitoring are served, with health and readiness; nowhere unless named.
    pub metrics_listen: Option<SocketAddr>,
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
    /// The authorities that time-stamp signatures; without them papers are signed at level B-B.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub time_stamps: Option<StampsFrom>,
}

/// Time-stamp authorities (RFC 3161).
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct StampsFrom {
    /// Their addresses, `http://` or `https://`, in the order in which they are asked. No other host is.
    pub authorities: Vec<String>,
    /// Hosts of them that lie in a private network.
    #[serde(default)]
    pub internal_hosts: Vec<String>,
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
            tls_certificate: None,
            tls_key: None,
            behind_proxy: false,
            public_requests_per_minute: count(600),
            uploads_per_minute: count(120),
            sign_ins_per_minute: count(30),
            searches_per_minute: count(60),
            account_requests_per_minute: count(1_000_000),
            connections: count(4_096),
            connections_per_address: count(1_024),
            requests_at_once: count(1_024),
            uploads_at_once: count(16),
            metrics_listen: None,
            status_list_ttl: 300,
            status_list_lifetime: 7 * 86_400,
            trust_bundle_days: 90,
            check_details_days: NonZeroU32::MIN.saturating_add(5 * 365 - 1),
            s3: None,
            time_stamps: None,
        }
    }
}

const fn count(number: u32) -> NonZeroU32 {
    NonZeroU32::MIN.saturating_add(number - 1)
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
        "public_url {0:?}: https:// or http://, a host of letters, digits, points and hyphens, perhaps a port ({code})",
        code = self.code()
    )]
    PublicUrl(String),
    /// One of certificate and key is missing.
    #[error("tls_certificate and tls_key belong together: give both or neither ({})", self.code())]
    HalfTls,
    /// Two places cannot both end TLS.
    #[error(
        "behind_proxy and tls_certificate are both set: TLS ends at the proxy or here, not twice ({})",
        self.code()
    )]
    TlsBehindProxy,
    /// TLS with a public address that has none.
    #[error("public_url begins with http:// but tls_certificate is set: write https:// ({})", self.code())]
    PlainUrlWithTls,
    /// A public address without TLS.
    #[error(
        "public_url {url:?} begins with http:// and is not this machine: phones give a page its camera, its \
         key store and its offline part over https:// only, and anybody on the way could change the answer ({})",
        self.code()
    )]
    InsecureUrl {
        /// The address.
        url: String,
    },
}

impl ConfigError {
    /// A stable code.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::Unreadable { .. } => "config/unreadable",
            Self::Syntax { .. } => "config/syntax",
            Self::PublicUrl(_) => "config/public-url",
            Self::HalfTls => "config/tls-incomplete",
            Self::TlsBehindProxy => "config/tls-behind-proxy",
            Self::PlainUrlWithTls => "config/public-url-without-tls",
            Self::InsecureUrl { .. } => "config/public-url-insecure",
        }
    }
}

/// Files of the service's own TLS.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct TlsFiles {
    /// The certificate, then those between it and its root.
    pub certificate: PathBuf,
    /// Its private key.
    pub key: PathBuf,
}

/// What an operator should hear at start, though the service runs.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Doubt {
    /// The public address says https, but nothing here or before ends TLS.
    NoTls,
    /// Whoever reaches the port may choose the address that is counted.
    OpenProxyPort,
}

impl Doubt {
    /// A stable code.
    #[must_use]
    pub fn code(self) -> &'static str {
        match self {
            Self::NoTls => "config/no-tls",
            Self::OpenProxyPort => "config/open-proxy-port",
        }
    }

    /// What to look at.
    #[must_use]
    pub fn words(self) -> &'static str {
        match self {
            Self::NoTls => {
                "public_url begins with https:// but the service speaks plain HTTP: give it \
                 tls_certificate and tls_key, or put a proxy before it and set behind_proxy"
            }
            Self::OpenProxyPort => {
                "behind_proxy is set and the port is open beyond this machine: whoever reaches it \
                 without the proxy chooses his own address; let only the proxy in"
            }
        }
    }
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

    /// Whether this may serve the public: how TLS is reached, and what is doubtful about it.
    ///
    /// # Errors
    /// [`ConfigError`] where phones would get no secure context, or TLS would end twice.
    pub fn check_public(&self) -> Result<Vec<Doubt>, ConfigError> {
        let tls = self.tls()?.is_some();
        let here = self.listen.ip().is_loopback();
        match (tls, self.is_https()) {
            (true, _) if self.behind_proxy => return Err(ConfigError::TlsBehindProxy),
            (true, false) => return Err(ConfigError::PlainUrlWithTls),
            (false, false) if !self.is_this_machine()? => {
                let url = self.public_url.clone();
                return Err(ConfigError::InsecureUrl { url });
            }
            _ => {}
        }
        let mut doubts = Vec::new();
        if self.is_https() && !tls && !self.behind_proxy {
            doubts.push(Doubt::NoTls);
        }
        if self.behind_proxy && !here {
            doubts.push(Doubt::OpenProxyPort);
        }
        Ok(doubts)
    }

    /// The files of the service's own TLS, if it has any.
    ///
    /// # Errors
    /// [`ConfigError::HalfTls`].
    pub fn tls(&self) -> Result<Option<TlsFiles>, ConfigError> {
        match (&self.tls_certificate, &self.tls_key) {
            (None, None) => Ok(None),
            (Some(certificate), Some(key)) => Ok(Some(TlsFiles {
                certificate: certificate.clone(),
                key: key.clone(),
            })),
            _ => Err(ConfigError::HalfTls),
        }
    }

    /// Whether the public address begins with `https://`.
    #[must_use]
    pub fn is_https(&self) -> bool {
        self.public_url.starts_with("https://")
    }

    /// Browsers take these hosts for secure without TLS, because nobody is on the way.
    fn is_this_machine(&self) -> Result<bool, ConfigError> {
        let name = self.host_name()?;
        let address: Result<IpAddr, _> = name.parse();
        Ok(name == "localhost" || address.is_ok_and(|address| address.is_loopback()))
    }

    /// The public host without its port: the name that a certificate must have.
    ///
    /// # Errors
    /// [`ConfigError::PublicUrl`].
    pub fn host_name(&self) -> Result<String, ConfigError> {
        let host = self.host()?;
        Ok(host
            .split_once(':')
            .map_or(host.as_str(), |(name, _)| name)
            .to_owned())
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
        // What has no default stands there as a comment.
        let all = text
            .replace("\n#tls", "\ntls")
            .replace("\n#metrics", "\nmetrics");
        let optional = toml::from_str::<Config>(&all).unwrap();
        assert!(optional.tls().unwrap().is_some() && optional.metrics_listen.is_some());
        let keys = text.lines().filter(|line| line.contains(" = ")).count();
        assert_eq!(keys, 27 + 6 + 2, "config.example.toml names every key");
    }

    #[test]
    fn the_example_of_an_s3_service_can_be_used_without_its_comment_signs() {
        let text = std::fs::read_to_string("config.example.toml").unwrap();
        let (_, example) = text.split_once("# [s3]\n").unwrap();
        let (example, _) = example.split_once("\n\n").unwrap();
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
    fn the_example_of_time_stamp_authorities_can_be_used_without_its_comment_signs() {
        let text = std::fs::read_to_string("config.example.toml").unwrap();
        let (_, example) = text.split_once("# [time_stamps]\n").unwrap();
        let example = example.replace("# ", "");
        let config: Config = toml::from_str(&format!("[time_stamps]\n{example}")).unwrap();
        let written = toml::to_string(&config).unwrap();
        assert_eq!(toml::from_str::<Config>(&written).unwrap(), config);
        assert_eq!(config.time_stamps.unwrap().authorities.len(), 2);
    }

    #[test]
    fn how_tls_is_reached_is_judged_before_anybody_is_served() {
        let judge = |url: &str, listen: &str, tls: (bool, bool), behind_proxy: bool| {
            let config = Config {
                public_url: url.into(),
                listen: listen.parse().unwrap(),
                tls_certificate: tls.0.then(|| "chain.pem".into()),
                tls_key: tls.1.then(|| "key.pem".into()),
                behind_proxy,
                ..Config::default()
            };
            let words = |doubts: Vec<Doubt>| doubts.iter().map(|doubt| doubt.code()).collect();
            config
                .check_public()
                .map(words)
                .map_err(|error| error.code())
        };
        let (secure, plain) = ("https://qr.vidu.test", "http://qr.vidu.test");
        let (here, open) = ("127.0.0.1:8417", "0.0.0.0:8417");
        let (none, both) = ((false, false), (true, true));
        let fine: Result<Vec<&str>, &str> = Ok(vec![]);
        assert_eq!(judge(secure, open, both, false), fine);
        assert_eq!(judge(secure, here, none, true), fine);
        assert_eq!(judge("http://127.0.0.1:8417", here, none, false), fine);
        assert_eq!(judge("http://localhost:8417", open, none, false), fine);
        assert_eq!(judge(secure, here, none, false), Ok(vec!["config/no-tls"]));
        assert_eq!(
            judge(secure, open, none, true),
            Ok(vec!["config/open-proxy-port"])
        );
        for half in [(true, false), (false, true)] {
            assert_eq!(
                judge(secure, here, half, false),
                Err("config/tls-incomplete")
            );
        }
        assert_eq!(
            judge(secure, here, both, true),
            Err("config/tls-behind-proxy")
        );
        assert_eq!(
            judge(plain, here, both, false),
            Err("config/public-url-without-tls")
        );
        for url in [plain, "http://192.0.2.7:8417", "http://localhost.vidu.test"] {
            for (listen, proxy) in [(here, false), (open, false), (here, true)] {
                let found = judge(url, listen, none, proxy);
                assert_eq!(found, Err("config/public-url-insecure"), "{url}");
            }
        }
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
