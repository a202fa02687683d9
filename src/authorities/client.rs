//! The one client: who may be asked, and what an answer may cost.

use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use reqwest::header::{ACCEPT, CONTENT_TYPE};
use reqwest::{Method, Url, redirect};
use std::collections::BTreeMap;
use std::error::Error as StdError;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

/// Where the addresses of a host may lie.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Reach {
    /// Only on the internet.
    Public,
    /// Also inside: the authority of a province often is.
    Internal,
}

/// A host that may be asked.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Host {
    /// Its name or its address, without a port.
    pub name: String,
    /// Where it may lie.
    pub reach: Reach,
}

/// Why there is no answer.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum FetchError {
    /// Not an HTTP address.
    #[error("not an address of http or https")]
    Address,
    /// Nobody named this host.
    #[error("the host is not among those that may be asked")]
    HostNotAllowed,
    /// The name leads to an address of a private network.
    #[error("the host has a private address and is not named as an internal one")]
    PrivateAddress,
    /// It sent us elsewhere.
    #[error("the answer is a redirect")]
    Redirect,
    /// It answered something else than 200.
    #[error("the answer has status {0}")]
    Status(u16),
    /// The answer is of another kind.
    #[error("the answer is not {0}")]
    MediaType(&'static str),
    /// The answer is longer than it may be.
    #[error("the answer is longer than {0} bytes")]
    TooLarge(usize),
    /// It took too long.
    #[error("no answer in time")]
    TooSlow,
    /// Nobody answered.
    #[error("nobody answers there")]
    Unreachable,
}

impl FetchError {
    /// The stable code.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::Address => "fetch/address",
            Self::HostNotAllowed => "fetch/host-not-allowed",
            Self::PrivateAddress => "fetch/private-address",
            Self::Redirect => "fetch/redirect",
            Self::Status(_) => "fetch/status",
            Self::MediaType(_) => "fetch/media-type",
            Self::TooLarge(_) => "fetch/too-large",
            Self::TooSlow => "fetch/too-slow",
            Self::Unreachable => "fetch/unreachable",
        }
    }
}

/// What is asked, and what the answer may be.
#[derive(Clone, Copy, Debug)]
pub(super) struct Call<'a> {
    pub(super) address: &'a str,
    /// Media type and body, for a POST; `None` is a GET.
    pub(super) body: Option<(&'static str, &'a [u8])>,
    /// The media type that the answer must have; `None` takes any.
    pub(super) answer: Option<&'static str>,
    /// Bytes that the answer may have.
    pub(super) limit: usize,
}

/// Asks the hosts that it knows.
#[derive(Clone, Debug)]
pub struct Client {
    http: reqwest::Client,
    hosts: Arc<BTreeMap<String, Reach>>,
}

impl Client {
    /// A client for these hosts; a call ends after `patience`.
    ///
    /// # Errors
    /// [`FetchError::Unreachable`] when the system's trusted certificates cannot be had.
    pub fn new(hosts: &[Host], patience: Duration) -> Result<Self, FetchError> {
        let hosts: BTreeMap<String, Reach> = hosts
            .iter()
            .map(|host| (host.name.to_ascii_lowercase(), host.reach))
            .collect();
        let hosts = Arc::new(hosts);
        let http = reqwest::Client::builder()
            .redirect(redirect::Policy::none())
            .no_proxy()
            .referer(false)
            .timeout(patience)
            .connect_timeout(patience)
            .dns_resolver(Arc::new(Guarded(Arc::clone(&hosts))))
            .user_agent("dauso")
            .build()
            .map_err(|_| FetchError::Unreachable)?;
        Ok(Self { http, hosts })
    }

    /// Asks and reads the answer to its end.
    pub(super) async fn call(&self, call: Call<'_>) -> Result<Vec<u8>, FetchError> {
        let address = Url::parse(call.address).map_err(|_| FetchError::Address)?;
        self.require_allowed(&address)?;
        let method = match call.body {
            Some(_) => Method::POST,
            None => Method::GET,
        };
        let mut request = self.http.request(method, address);
        if let Some(kind) = call.answer {
            request = request.header(ACCEPT, kind);
        }
        if let Some((kind, body)) = call.body {
            request = request.header(CONTENT_TYPE, kind).body(body.to_vec());
        }
        let mut answer = request.send().await.map_err(|error| fault(&error))?;
        let status = answer.status();
        if status.is_redirection() {
            return Err(FetchError::Redirect);
        }
        if status != reqwest::StatusCode::OK {
            return Err(FetchError::Status(status.as_u16()));
        }
        if let Some(wanted) = call.answer {
            let kind = answer.headers().get(CONTENT_TYPE);
            let kind = kind.and_then(|kind| kind.to_str().ok()).unwrap_or_default();
            let kind = kind.split(';').next().unwrap_or_default().trim();
            if !kind.eq_ignore_ascii_case(wanted) {
                return Err(FetchError::MediaType(wanted));
            }
        }
        let too_large = FetchError::TooLarge(call.limit);
        let announced = answer.content_length();
        if announced.is_some_and(|length| usize::try_from(length).is_ok_and(|it| it > call.limit)) {
            return Err(too_large);
        }
        let mut read = Vec::new();
        while let Some(part) = answer.chunk().await.map_err(|error| fault(&error))? {
            if read.len() + part.len() > call.limit {
                return Err(too_large);
            }
            read.extend_from_slice(&part);
        }
        Ok(read)
    }

    fn require_allowed(&self, address: &Url) -> Result<(), FetchError> {
        let plain = address.username().is_empty() && address.password().is_none();
        if !matches!(address.scheme(), "http" | "https") || !plain {
            return Err(FetchError::Address);
        }
        let host = address.host_str().ok_or(FetchError::Address)?;
        // IPv6 addresses stand in brackets in an address and without them in a list.
        let bare = host.trim_start_matches('[').trim_end_matches(']');
        let reach = self.hosts.get(&bare.to_ascii_lowercase());
        let reach = *reach.ok_or(FetchError::HostNotAllowed)?;
        // An address needs no resolver, so the resolver's guard would not see it.
        match bare.parse::<IpAddr>() {
            Ok(ip) if reach == Reach::Public && !is_public(ip) => Err(FetchError::PrivateAddress),
            _ => Ok(()),
        }
    }
}

/// Resolves the names of hosts that may be asked. The connection goes to the addresses that were looked at:
/// a name that leads elsewhere a moment later makes no difference.
struct Guarded(Arc<BTreeMap<String, Reach>>);

/// A name led to a private address.
#[derive(Debug, thiserror::Error)]
#[error("private address")]
struct Private;

impl Resolve for Guarded {
    fn resolve(&self, name: Name) -> Resolving {
        let host = name.as_str().to_ascii_lowercase();
        let reach = self.0.get(&host).copied();
        Box::pin(async move {
            let found = tokio::net::lookup_host((host.as_str(), 0)).await?;
            let found: Vec<SocketAddr> = found.collect();
            let inside = found.iter().any(|one| !is_public(one.ip()));
            if reach != Some(Reach::Internal) && inside {
                return Err(Box::new(Private) as Box<dyn StdError + Send + Sync>);
            }
            Ok(Box::new(found.into_iter()) as Addrs)
        })
    }
}

fn fault(error: &reqwest::Error) -> FetchError {
    let mut cause: Option<&(dyn StdError + 'static)> = Some(error);
    while let Some(one) = cause {
        if one.is::<Private>() {
            return FetchError::PrivateAddress;
        }
        cause = one.source();
    }
    if error.is_timeout() {
        FetchError::TooSlow
    } else {
        FetchError::Unreachable
    }
}

/// Whether an address is one of the internet: none of those that RFC 6890 and its successors set aside.
fn is_public(ip: IpAddr) -> bool {
    match ip {
        IpAddr::V4(ip) => is_public_v4(ip),
        IpAddr::V6(ip) => is_public_v6(ip),
    }
}

fn is_public_v4(ip: Ipv4Addr) -> bool {
    let [a, b, c, _] = ip.octets();
    let set_aside = ip.is_private()
        || ip.is_loopback()
        || ip.is_link_local()
        || ip.is_multicast()
        || ip.is_documentation()
        || a == 0
        || a >= 240
        // Shared by providers, of protocols, of measurements.
        || (a == 100 && (64..128).contains(&b))
        || (a == 192 && b == 0 && c == 0)
        || (a == 198 && (18..20).contains(&b));
    !set_aside
}

fn is_public_v6(ip: Ipv6Addr) -> bool {
    if let Some(mapped) = ip.to_ipv4_mapped() {
        return is_public_v4(mapped);
    }
    let [first, second, ..] = ip.segments();
    // Only 2000::/3 is given out; of that not what carries IPv4 addresses, nor what is for documents.
    let global = first & 0xe000 == 0x2000;
    let carries = first == 0x2002 || (first == 0x2001 && second == 0);
    let documents = (first == 0x2001 && second == 0xdb8) || first == 0x3fff;
    global && !carries && !documents
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_that_are_set_aside_are_not_public() {
        let cases = [
            ("8.8.8.8", true),
            ("103.1.2.3", true),
            ("127.0.0.1", false),
            ("10.1.2.3", false),
            ("172.16.0.1", false),
            ("172.32.0.1", true),
            ("192.168.1.1", false),
            ("169.254.169.254", false),
            ("100.64.0.1", false),
            ("0.0.0.0", false),
            ("255.255.255.255", false),
            ("198.18.0.1", false),
            ("224.0.0.1", false),
            ("2606:4700::1111", true),
            ("::1", false),
            ("::", false),
            ("fe80::1", false),
            ("fd00::1", false),
            ("::ffff:127.0.0.1", false),
            ("::ffff:8.8.8.8", true),
            ("2002:7f00:1::", false),
            ("64:ff9b::7f00:1", false),
            ("2001:db8::1", false),
        ];
        for (address, public) in cases {
            assert_eq!(is_public(address.parse().unwrap()), public, "{address}");
        }
    }

    #[test]
    fn only_hosts_that_were_named_are_asked_however_they_are_spelled() {
        let hosts = [
            ("tsa.vidu.test", Reach::Public),
            ("127.0.0.1", Reach::Public),
            ("10.0.0.9", Reach::Internal),
        ]
        .map(|(name, reach)| Host {
            name: name.to_owned(),
            reach,
        });
        let client = Client::new(&hosts, Duration::from_secs(1)).unwrap();
        let code = |address: &str| {
            let address = Url::parse(address).map_err(|_| FetchError::Address);
            let allowed = address.and_then(|address| client.require_allowed(&address));
            allowed.map_err(|error| error.code())
        };
        let (not_named, private) = ("fetch/host-not-allowed", "fetch/private-address");
        let cases = [
            ("http://tsa.vidu.test/tsr", Ok(())),
            ("https://TSA.vidu.test:8443/tsr", Ok(())),
            ("http://10.0.0.9/", Ok(())),
            ("http://127.0.0.1/", Err(private)),
            // Other spellings of the same address.
            ("http://0x7f.1/", Err(private)),
            ("http://2130706433/", Err(private)),
            ("http://[::1]/", Err(not_named)),
            ("http://169.254.169.254/latest", Err(not_named)),
            ("http://tsa.vidu.test.evil.test/", Err(not_named)),
            ("http://evil.test/@tsa.vidu.test", Err(not_named)),
            ("http://tsa.vidu.test@evil.test/", Err("fetch/address")),
            ("file:///etc/passwd", Err("fetch/address")),
            ("ftp://tsa.vidu.test/", Err("fetch/address")),
            ("tsa.vidu.test", Err("fetch/address")),
        ];
        for (address, expected) in cases {
            assert_eq!(code(address), expected, "{address}");
        }
    }
}
