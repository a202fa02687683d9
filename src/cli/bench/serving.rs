//! Verifying, checking and the landing page over HTTP, by the CPU time of the server's process.
//!
//! The servers take turns under the same load, beside the raw signature check in this process.

use super::crypto::Raw;
use super::load::{self, Requests};
use super::peers::{self, Token};
use super::process::{self, Process};
use super::table::{Goal, Line, Table, percent, times, whole};
use super::turns::{Timed, spent};
use super::{Effort, ours};
use crate::app::Installation;
use crate::clock::{Clock as _, SystemClock};
use crate::config::Config;
use serde_json::json;
use std::net::SocketAddr;
use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::time::Instant;
use uuid::Uuid;

/// What the service is compared with.
pub(super) struct Beside<'a> {
    pub(super) peers: Option<&'a Path>,
    pub(super) postgres: Option<&'a str>,
    pub(super) postgres_pid: Option<u32>,
}

/// Badges in the register: requests go through all of them.
const BADGES: u64 = 500;

/// One kind of request to one server.
struct Contender<'a> {
    address: SocketAddr,
    process: &'a Process,
    /// A database of its own process, which works for it too.
    database: Option<u32>,
    requests: Requests,
    number: Arc<AtomicU64>,
    /// CPU seconds of the server for one request, round by round.
    server: Vec<f64>,
    /// The same with its database.
    both: Vec<f64>,
}

impl<'a> Contender<'a> {
    fn new(address: SocketAddr, process: &'a Process, requests: Requests) -> Self {
        Self {
            address,
            process,
            database: None,
            requests,
            number: Arc::default(),
            server: Vec::new(),
            both: Vec::new(),
        }
    }

    fn spent(&self) -> anyhow::Result<(f64, f64)> {
        let server = self.process.spent()?;
        let database = self.database.map(process::spent_by_family).transpose()?;
        Ok((server, server + database.unwrap_or(0.0)))
    }

    async fn turn(&mut self, effort: Effort) -> anyhow::Result<()> {
        let before = self.spent()?;
        let answered = load::load(self.address, &self.requests, &self.number, effort.turn).await?;
        let after = self.spent()?;
        #[expect(clippy::cast_precision_loss, reason = "far fewer than 2^53 requests")]
        let answered = answered as f64;
        self.server.push((after.0 - before.0) / answered);
        self.both.push((after.1 - before.1) / answered);
        Ok(())
    }

    fn timed(&self) -> Timed {
        Timed::new(self.server.clone())
    }

    fn with_database(&self) -> Timed {
        Timed::new(self.both.clone())
    }
}

/// One of our servers with its register.
struct Ours {
    address: SocketAddr,
    process: Process,
    verification: Requests,
    check: Requests,
    landing: Requests,
}

impl Ours {
    fn contender(&self, requests: &Requests) -> Contender<'_> {
        Contender::new(self.address, &self.process, Arc::clone(requests))
    }
}

pub(super) async fn measure(
    table: &mut Table,
    effort: Effort,
    beside: &Beside<'_>,
) -> anyhow::Result<()> {
    table.part("Over HTTP, per CPU second of the server");
    let place = tempfile::tempdir()?;
    let sqlite = ours(&place.path().join("sqlite"), None).await?;
    let postgres = match beside.postgres {
        Some(url) => Some(ours(&place.path().join("postgres"), Some(url)).await?),
        None => None,
    };
    let token = Token::new()?;
    let mut servers = Vec::new();
    if let Some(folder) = beside.peers {
        servers.push((
            "express + jose",
            3.0,
            "≥ 3 ×",
            peers::express(folder, &token).await?,
        ));
        servers.push((
            "FastAPI + cryptography",
            2.5,
            "≥ 2.5 ×",
            peers::fastapi(folder, &token).await?,
        ));
    }
    let mut stateless = sqlite.contender(&sqlite.verification);
    let mut durable = sqlite.contender(&sqlite.check);
    let mut landing = sqlite.contender(&sqlite.landing);
    let mut on_postgres = postgres.as_ref().map(|server| {
        let mut checks = server.contender(&server.check);
        checks.database = beside.postgres_pid;
        checks
    });
    let mut others: Vec<Contender<'_>> = servers
        .iter()
        .map(|(.., peer)| Contender::new(peer.address, &peer.process, token.requests(peer.address)))
        .collect();

    let raw = Raw::new()?;
    let mut verifies = Vec::new();
    // The first round warms up and is not counted.
    for round in 0..=effort.rounds {
        if round > 0 {
            verifies.push(raw_verify(&raw, effort)?);
        }
        let ours = [&mut stateless, &mut durable, &mut landing];
        let all = ours.into_iter().chain(&mut on_postgres).chain(&mut others);
        for contender in all {
            contender.turn(effort).await?;
            if round == 0 {
                contender.server.clear();
                contender.both.clear();
            }
        }
    }
    let verified = Timed::new(verifies);
    let rate = |timed: &Timed| whole(1.0 / timed.median());
    let (stateless, durable, landing) = (stateless.timed(), durable.timed(), landing.timed());
    table.add(Line {
        what: "verify a QR text, nothing written".into(),
        figure: rate(&stateless),
        beside: format!("ring P-256 verify {}", rate(&verified)),
        ratio: percent(verified.ratio(&stateless)),
        goal: Some(Goal::at_least("≥ 70 %", verified.ratio(&stateless), 0.7)),
    });
    let mut logged = vec![("check, on disk before the answer, SQLite FULL", durable)];
    if let Some(checks) = &on_postgres {
        logged.push((
            "check, on disk, PostgreSQL, the server's CPU",
            checks.timed(),
        ));
        if checks.database.is_some() {
            logged.push((
                "check, on disk, PostgreSQL, the database's CPU too",
                checks.with_database(),
            ));
        }
    }
    for (what, timed) in &logged {
        let ratio = stateless.ratio(timed);
        table.add(Line {
            what: (*what).into(),
            figure: rate(timed),
            beside: format!("verified, nothing written {}", rate(&stateless)),
            ratio: percent(ratio),
            goal: Some(Goal::at_least("≥ 85 %", ratio, 0.85)),
        });
        for ((name, least, words, _), peer) in servers.iter().zip(&others) {
            let peer = peer.timed();
            table.add(Line {
                what: format!("… beside {name} without a log"),
                figure: rate(timed),
                beside: format!("{name} {}", rate(&peer)),
                ratio: times(peer.ratio(timed)),
                goal: Some(Goal::at_least(words, peer.ratio(timed), *least)),
            });
        }
    }
    table.add(Line {
        what: "landing page".into(),
        figure: rate(&landing),
        beside: format!("verify {}", rate(&stateless)),
        ratio: times(stateless.ratio(&landing)),
        goal: Some(Goal::at_least("≥ 10 000", 1.0 / landing.median(), 10_000.0)),
    });
    Ok(())
}

fn raw_verify(raw: &Raw, effort: Effort) -> anyhow::Result<f64> {
    let (mut count, started, before) = (0.0, Instant::now(), spent()?);
    while started.elapsed() < effort.turn / 2 {
        raw.verify();
        count += 1.0;
    }
    Ok((spent()? - before) / count)
}

/// An installation with badges, served by a process of its own.
async fn ours(dir: &Path, database: Option<&str>) -> anyhow::Result<Ours> {
    let config = ours::config()?;
    let address = config.listen;
    let made = ours::installation(dir, database, config).await?;
    let key = ours::inspector(&made).await?;
    let mut codes = Vec::new();
    let mut ids = Vec::new();
    for count in 0..BADGES {
        let receipt = ours::issue(&made, ours::badge(count)?, None).await?;
        codes.push(receipt.qr_text);
        ids.push(receipt.id.to_string());
    }
    made.write_publications().await?;
    made.store().close().await;
    let process = serve(&made, dir, database, address).await?;
    let codes = Arc::new(codes);
    let for_checks = Arc::clone(&codes);
    let authorization = format!("Authorization: Bearer {}\r\n", key.expose());
    let now = SystemClock.now().rfc3339();
    let pick = |number: u64, from: &[String]| {
        let place = usize::try_from(number).unwrap_or(0) % from.len().max(1);
        from.get(place).cloned().unwrap_or_default()
    };
    Ok(Ours {
        address,
        process,
        verification: Arc::new(move |number| {
            let body = json!({"code": pick(number, &codes)}).to_string();
            load::post(address, "/api/v1/verifications", "", &body)
        }),
        check: Arc::new(move |number| {
            let check = json!({
                "id": Uuid::now_v7(),
                "scanned": pick(number, &for_checks),
                "device_time": now,
                "match": "fits",
            });
            load::post(
                address,
                "/api/v1/checks",
                &authorization,
                &check.to_string(),
            )
        }),
        landing: Arc::new(move |number| load::get(address, &format!("/{}", pick(number, &ids)))),
    })
}

async fn serve(
    made: &Installation,
    dir: &Path,
    database: Option<&str>,
    address: SocketAddr,
) -> anyhow::Result<Process> {
    debug_assert_eq!(made.config().listen, address);
    let mut command = Command::new(std::env::current_exe()?);
    command
        .args(["serve", "--config"])
        .arg(dir.join(Config::FILE));
    match database {
        Some(url) => command.env("DATABASE_URL", url),
        None => command.env_remove("DATABASE_URL"),
    };
    let mut process = Process::start(&mut command)?;
    process.listening(address).await?;
    Ok(process)
}
