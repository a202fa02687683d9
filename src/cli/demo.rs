//! `dauso demo`: everything in one process.

use super::samples::{ACCOUNTS, REVOKED, SAMPLES, Sample, agencies};
use super::{Exit, database, operator, serve};
use crate::app::{Installation, NewAccount, replace};
use crate::clock::{Clock, SystemClock};
use crate::config::Config;
use crate::issuance::{Outcome, Receipt, Request};
use crate::lifecycle::{Grounds, Move};
use crate::private::Private;
use crate::qr::{Symbol, render};
use crate::telemetry;
use anyhow::Context as _;
use clap::Args;
use indicatif::ProgressBar;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::io::Write as _;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use tokio::net::TcpListener;

#[derive(Args)]
pub(super) struct Demo {
    /// Where keys, register and files are kept; made if missing
    #[arg(long, default_value = "demo")]
    dir: PathBuf,
    /// Port to serve on; 0 takes a free one
    #[arg(long, default_value_t = 8417)]
    port: u16,
    /// Address to serve on; 0.0.0.0 lets phones of the same network in
    #[arg(long, default_value_t = IpAddr::V4(Ipv4Addr::LOCALHOST))]
    listen: IpAddr,
    /// What the QR leads to
    #[arg(long, default_value = "https://qr.vidu.test")]
    public_url: String,
    /// Print one JSON object on standard output instead of words
    #[arg(long)]
    json: bool,
}

/// What the demo remembers of itself. Its keys are readable: they open nothing but the demo.
#[derive(Deserialize, Serialize)]
struct Memory {
    accounts: Vec<RememberedAccount>,
    results: Vec<RememberedResult>,
}

#[derive(Clone, Deserialize, Serialize)]
struct RememberedAccount {
    login: String,
    name: String,
    role: String,
    agency: String,
    password: String,
    api_key: String,
}

#[derive(Clone, Deserialize, Serialize)]
struct RememberedResult {
    id: String,
    r#type: String,
    number: String,
    status: String,
    qr_text: String,
    pdf: String,
}

#[derive(Serialize)]
struct Announcement {
    base_url: String,
    accounts: Vec<RememberedAccount>,
    api_keys: BTreeMap<String, String>,
    results: Vec<RememberedResult>,
}

const MEMORY: &str = "demo.json";

/// One password for all of them: nobody should take these accounts for real ones.
const PASSWORD: &str = "thu-nghiem-khong-gia-tri";

impl Demo {
    pub(super) async fn run(self) -> anyhow::Result<Exit> {
        if !self.dir.join(MEMORY).exists() {
            self.make().await?;
        }
        let opened =
            Installation::open(&self.dir, database().as_deref(), Arc::new(SystemClock)).await?;
        telemetry::start(if self.json { "warn" } else { "warn,dauso=warn" })?;
        let memory: Memory = serde_json::from_str(&std::fs::read_to_string(self.dir.join(MEMORY))?)
            .context("demo.json cannot be read")?;
        let stop = serve::Stop::listen()?;
        let address = SocketAddr::new(self.listen, self.port);
        let listener = TcpListener::bind(address)
            .await
            .with_context(|| format!("cannot listen on {address}; try --port 0"))?;
        let base_url = base_url(listener.local_addr()?);
        self.announce(&base_url, &memory)?;
        let doors = serve::Doors {
            listener,
            tls: None,
            figures: None,
        };
        serve::run(&opened, doors, stop).await?;
        Ok(Exit::Done)
    }

    /// Makes the installation beside its place and moves it there when it is whole, so that a demo that
    /// was stopped half-way begins anew.
    async fn make(&self) -> anyhow::Result<()> {
        let mut partial = self.dir.clone().into_os_string();
        partial.push(".partial");
        let partial = PathBuf::from(partial);
        if partial.exists() {
            std::fs::remove_dir_all(&partial)?;
        }
        if self.dir.exists() {
            std::fs::remove_dir(&self.dir).with_context(|| {
                format!("{} holds something that is no demo", self.dir.display())
            })?;
        }
        std::fs::create_dir_all(&partial)?;
        let config = Config {
            public_url: self.public_url.clone(),
            ..Config::default()
        };
        config.host()?;
        let agencies = agencies();
        let steps = agencies.len() + ACCOUNTS.len() + SAMPLES.len() + 1;
        let progress = ProgressBar::new(steps as u64);
        let clock = Arc::new(SystemClock);
        let made = Installation::create(&partial, &config, database().as_deref(), clock).await?;
        for agency in &agencies {
            made.add_agency(agency).await?;
            progress.inc(1);
        }
        let accounts = accounts(&made, &agencies[0].code, &progress).await?;
        let results = results(&made, &partial, &progress).await?;
        made.write_publications().await?;
        let memory = serde_json::to_vec_pretty(&Memory { accounts, results })?;
        replace(&partial.join(MEMORY), &memory)?;
        made.store().close().await;
        progress.finish_and_clear();
        std::fs::rename(&partial, &self.dir)?;
        Ok(())
    }

    fn announce(&self, base_url: &str, memory: &Memory) -> anyhow::Result<()> {
        let mut out = std::io::stdout().lock();
        if self.json {
            let api_keys = memory.accounts.iter();
            let announcement = Announcement {
                base_url: base_url.to_owned(),
                accounts: memory.accounts.clone(),
                api_keys: api_keys
                    .map(|one| (one.role.clone(), one.api_key.clone()))
                    .collect(),
                results: memory
                    .results
                    .iter()
                    .map(|result| RememberedResult {
                        pdf: self.dir.join(&result.pdf).display().to_string(),
                        ..result.clone()
                    })
                    .collect(),
            };
            writeln!(out, "{}", serde_json::to_string(&announcement)?)?;
            return Ok(out.flush()?);
        }
        writeln!(out, "\n  dấu số – {base_url}\n")?;
        writeln!(out, "  Kết quả mẫu / Sample results")?;
        for result in &memory.results {
            let status = if result.status == "valid" {
                ""
            } else {
                "  đã thu hồi / revoked"
            };
            writeln!(
                out,
                "    {:<28} {:<22}{status}",
                result.r#type, result.number
            )?;
            writeln!(out, "      {}", link(base_url, result))?;
            writeln!(out, "      {}", self.dir.join(&result.pdf).display())?;
        }
        writeln!(out, "\n  Tài khoản / Accounts (Authorization: Bearer …)")?;
        for account in &memory.accounts {
            writeln!(
                out,
                "    {:<12} {:<13} {}",
                account.login, account.role, account.api_key
            )?;
        }
        writeln!(out, "\n  API: {base_url}/docs/   Ctrl-C: dừng / stop\n")?;
        if let Some(first) = memory.results.first() {
            // Upper case keeps the symbol small; scheme and host do not mind (RFC 3986 §6.2.2.1).
            let symbol = Symbol::encode(&link(&base_url.to_uppercase(), first))?;
            writeln!(out, "{}", render::terminal(&symbol))?;
        }
        Ok(out.flush()?)
    }
}

async fn accounts(
    made: &Installation,
    agency: &str,
    progress: &ProgressBar,
) -> anyhow::Result<Vec<RememberedAccount>> {
    let mut accounts = Vec::new();
    for (login, name, role) in ACCOUNTS {
        let key = made
            .add_account(&NewAccount {
                login: login.to_owned(),
                name: name.to_owned(),
                role,
                agency: agency.to_owned(),
                password: Some(Private::new(PASSWORD.to_owned())),
            })
            .await?;
        accounts.push(RememberedAccount {
            login: login.to_owned(),
            name: name.to_owned(),
            role: role.name().to_owned(),
            agency: agency.to_owned(),
            password: PASSWORD.to_owned(),
            api_key: key.expose().clone(),
        });
        progress.inc(1);
    }
    Ok(accounts)
}

async fn results(
    made: &Installation,
    dir: &Path,
    progress: &ProgressBar,
) -> anyhow::Result<Vec<RememberedResult>> {
    let folder = dir.join("results");
    std::fs::create_dir_all(&folder)?;
    let mut results = Vec::new();
    for sample in SAMPLES.iter().chain([&REVOKED]) {
        let (receipt, result_type) = issue(made, sample).await?;
        let pdf = format!("results/{}.pdf", receipt.result_code);
        let digest = receipt.document.context("the sample has a PDF")?;
        let bytes = made
            .documents()
            .get(digest)
            .await?
            .context("the signed PDF is there")?;
        replace(&dir.join(&pdf), &bytes)?;
        results.push(RememberedResult {
            id: receipt.id.to_string(),
            r#type: result_type,
            number: receipt.number.clone(),
            status: "valid".to_owned(),
            qr_text: receipt.qr_text.clone(),
            pdf,
        });
        progress.inc(1);
    }
    let last = results.last_mut().context("there are samples")?;
    let id = crate::id::ResultId::parse(&last.id)?;
    let stored = made
        .store()
        .read()
        .await?
        .result(&id)
        .await?
        .context("just issued")?;
    let grounds = Grounds::new(
        "Đơn vị trả lại phù hiệu không đúng hạn",
        "0213/QĐ-SXD",
        "Sở Xây dựng Mẫu",
    )?;
    let caller = operator(&stored.issued.agency);
    made.lifecycle()
        .decide(&caller, id, Move::Revoke, &grounds)
        .await?;
    "revoked".clone_into(&mut last.status);
    Ok(results)
}

async fn issue(made: &Installation, sample: &Sample) -> anyhow::Result<(Receipt, String)> {
    let data = sample.data(SystemClock.now().local_date())?;
    let text = |name: &str| {
        data.get(name)
            .and_then(|v| v.as_str())
            .unwrap_or_default()
            .to_owned()
    };
    let (result_type, agency) = (text("type"), text("agency_code"));
    let request = Request {
        data,
        pdf: Some(sample.pdf.to_vec().into()),
        once: None,
    };
    match made.issuer()?.issue(&operator(&agency), request).await? {
        Outcome::Issued(receipt) => Ok((receipt, result_type)),
        Outcome::Replayed(_) => anyhow::bail!("a sample without a key was replayed"),
    }
}

/// The page of a result with its code behind `#`, so that the page can check it.
fn link(base_url: &str, result: &RememberedResult) -> String {
    let digits = result
        .qr_text
        .split_once('#')
        .map_or("", |(_, digits)| digits);
    format!("{base_url}/{}#{digits}", result.id)
}

/// Where a browser on this machine finds the service.
fn base_url(address: SocketAddr) -> String {
    if address.ip().is_unspecified() {
        format!("http://127.0.0.1:{}", address.port())
    } else {
        format!("http://{address}")
    }
}
