//! Our own installation as it is measured: sample agencies, accounts and badges.

use super::super::operator;
use super::super::samples::{SAMPLES, agencies};
use crate::access::Role;
use crate::app::{Installation, NewAccount};
use crate::clock::{Clock as _, SystemClock};
use crate::config::Config;
use crate::issuance::{Outcome, Receipt, Request};
use crate::private::Private;
use anyhow::Context as _;
use serde_json::{Map, Value};
use std::net::{Ipv4Addr, SocketAddr};
use std::num::NonZeroU32;
use std::path::Path;
use std::sync::Arc;

/// The agency that issues the badges.
pub(super) const AGENCY: &str = "000.00.16.H99";

/// The defaults, but for a free port without TLS, no limits for one address or account, and no line in the
/// log for each request.
pub(super) fn config() -> anyhow::Result<Config> {
    let (listen, plenty) = (free_address()?, NonZeroU32::MAX);
    Ok(Config {
        listen,
        public_url: format!("http://{listen}"),
        public_requests_per_minute: plenty,
        account_requests_per_minute: plenty,
        log: "warn".into(),
        ..Config::default()
    })
}

/// An address that nobody listens on.
pub(super) fn free_address() -> std::io::Result<SocketAddr> {
    std::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()
}

pub(super) async fn installation(
    dir: &Path,
    database: Option<&str>,
    config: Config,
) -> anyhow::Result<Installation> {
    let made = Installation::create(dir, &config, database, Arc::new(SystemClock)).await?;
    for agency in agencies().iter().take(1) {
        made.add_agency(agency).await?;
    }
    Ok(made)
}

/// An inspector's API key.
pub(super) async fn inspector(made: &Installation) -> anyhow::Result<Private<String>> {
    let account = NewAccount {
        login: "kiemtra".into(),
        name: "Lê Thị Thử Nghiệm".into(),
        role: Role::Inspector,
        agency: AGENCY.into(),
        password: None,
    };
    made.add_account(&account).await
}

/// The data of one badge of many.
pub(super) fn badge(count: u64) -> anyhow::Result<Map<String, Value>> {
    let mut data = SAMPLES[0].data(SystemClock.now().local_date())?;
    let dossier = format!(
        "{AGENCY}-{:06}-{:06}",
        260_001 + count / 1_000_000,
        count % 1_000_000
    );
    data.insert("dossier_code".into(), dossier.into());
    data.remove("result_code");
    data.remove("badge_number");
    Ok(data)
}

/// The PDF of the sample badge.
pub(super) fn paper() -> &'static [u8] {
    SAMPLES[0].pdf
}

pub(super) async fn issue(
    made: &Installation,
    data: Map<String, Value>,
    pdf: Option<&[u8]>,
) -> anyhow::Result<Receipt> {
    let request = Request {
        data,
        pdf: pdf.map(|pdf| pdf.to_vec().into()),
        once: None,
    };
    match made.issuer()?.issue(&operator(AGENCY), request).await? {
        Outcome::Issued(receipt) => Ok(receipt),
        Outcome::Replayed(_) => None.context("replayed without a key"),
    }
}
