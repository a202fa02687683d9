//! Many clients at once, and `kill -9` at any moment, until as much was acknowledged as was wanted.
//!
//! `DAUSO_CAMPAIGN=full` (`make test-long`) wants 1,000 issuances and 5,000 checks; without it there are
//! fewer. `DAUSO_SEED` repeats the moments of a run, as far as a machine repeats anything.

use super::ledger::{Ledger, Told, audit, open_all};
use crate::support::cluster::OwnCluster;
use crate::support::installation::{in_force, pdf};
use crate::support::serving::{AGENCY, Reply, Request, Server, Site};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Mutex, RwLock};
use std::thread;
use std::time::{Duration, Instant};
use uuid::Uuid;

/// How much is to be acknowledged.
#[derive(Clone, Copy)]
struct Size {
    issuances: usize,
    checks: usize,
    /// The most that is acknowledged between a recovery and the next kill, as [`Campaign::weight`] counts.
    between: u64,
}

fn size() -> Size {
    match std::env::var("DAUSO_CAMPAIGN").as_deref() {
        Ok("full") => Size {
            issuances: 1_000,
            checks: 5_000,
            between: 400,
        },
        _ => Size {
            issuances: 40,
            checks: 200,
            between: 80,
        },
    }
}

/// Numbers that look random and can be had again.
struct Dice(u64);

impl Dice {
    fn below(&mut self, limit: u64) -> u64 {
        // xorshift64, Marsaglia 2003
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % limit
    }
}

#[expect(clippy::print_stderr, reason = "whoever repeats a run needs its seed")]
fn seed() -> u64 {
    let given = std::env::var("DAUSO_SEED").ok();
    let given = given.and_then(|text| text.parse::<u64>().ok());
    let seed = given.unwrap_or_else(|| Uuid::now_v7().as_u64_pair().1);
    eprintln!("DAUSO_SEED={seed}");
    seed.max(1)
}

/// One of what a client does.
type Work = fn(&Campaign<'_>, usize);

/// What all clients share.
struct Campaign<'a> {
    site: &'a Site,
    size: Size,
    server: RwLock<Server>,
    ledger: Mutex<Ledger>,
    begun: [AtomicUsize; 3],
    /// Answers that were no success, by code; requests that got no answer.
    refused: Mutex<BTreeMap<String, usize>>,
    repeated: AtomicUsize,
    failed: AtomicBool,
}

const ISSUED: usize = 0;
const CHECKED: usize = 1;
const REVOKED: usize = 2;

impl Campaign<'_> {
    /// Takes one of what is to be done.
    fn take(&self, what: usize, of: usize) -> Option<usize> {
        if self.failed.load(Ordering::Relaxed) {
            return None;
        }
        let taken = self.begun[what].fetch_add(1, Ordering::Relaxed);
        (taken < of).then_some(taken)
    }

    /// Sends a request until it is answered. One that had no answer at first is sent once more after the
    /// answer, which must be the same then.
    fn insist(&self, request: &Request, done: &[u16]) -> Reply {
        let mut cut = false;
        let end = Instant::now() + Duration::from_mins(4);
        loop {
            assert!(Instant::now() < end, "no answer for four minutes");
            assert!(!self.failed.load(Ordering::Relaxed), "given up");
            let answer = {
                let server = self.server.read().unwrap();
                request.send(&server.address)
            };
            let code = match answer {
                Ok(reply) if done.contains(&reply.status) => {
                    if cut {
                        self.repeat(request, &reply);
                    }
                    return reply;
                }
                Ok(reply) => {
                    let (status, code, retry_after) = reply.problem();
                    assert_eq!(status, 503, "{code}");
                    assert!(!retry_after.is_empty(), "{code} without Retry-After");
                    code
                }
                Err(_) => "no answer".to_owned(),
            };
            cut = true;
            *self.refused.lock().unwrap().entry(code).or_default() += 1;
            thread::sleep(Duration::from_millis(20));
        }
    }

    fn repeat(&self, request: &Request, first: &Reply) {
        let server = self.server.read().unwrap();
        // Killed again meanwhile: the next one shows it.
        let Ok(again) = request.send(&server.address) else {
            return;
        };
        if again.status == 503 {
            return;
        }
        assert_eq!(
            (again.status, &again.body),
            (first.status, &first.body),
            "another answer"
        );
        self.repeated.fetch_add(1, Ordering::Relaxed);
    }

    fn issue(&self, number: usize) {
        let mut data = in_force("vehicle-badge--a4-tagged");
        data.remove("badge_number");
        data.remove("result_code");
        let dossier = format!("{AGENCY}-261120-{number:04}");
        data.insert("dossier_code".to_owned(), dossier.clone().into());
        let data = Value::Object(data);
        let once = dossier.replace('.', "-");
        let request = Request::new("POST", "/api/v1/results")
            .by(self.site.key("registrar"))
            .header("Idempotency-Key", &once);
        let request = if number.is_multiple_of(2) {
            let paper = std::fs::read(pdf("vehicle-badge--a4-tagged")).unwrap();
            request.with_pdf(&data, &paper)
        } else {
            request.json(&data)
        };
        let answer = self.insist(&request, &[201]).json();
        let mut ledger = self.ledger.lock().unwrap();
        ledger.results.push((of(&answer), once));
        ledger
            .numbers
            .push(answer["number"].as_str().unwrap().to_owned());
        ledger
            .codes
            .push(answer["qr_text"].as_str().unwrap().to_owned());
    }

    fn check(&self, number: usize) {
        let scanned = {
            let ledger = self.ledger.lock().unwrap();
            let known = ledger.codes.len();
            // Some are no codes at all: they are recorded too.
            match known {
                0 => "HTTPS://QR.VIDU.TEST/7K3M9QX2TB4C5D6E".to_owned(),
                _ => ledger.codes[number % known].clone(),
            }
        };
        let check = json!({
            "id": Uuid::now_v7().to_string(),
            "scanned": scanned,
            "device_time": "2026-11-21T09:41:58+07:00",
            "match": "fits",
        });
        let request = Request::new("POST", "/api/v1/checks").by(self.site.key("inspector"));
        let answer = self.insist(&request.json(&check), &[200]).json();
        self.ledger.lock().unwrap().checks.push(of(&answer));
    }

    /// Revokes the oldest result that nobody has revoked yet, if there is one.
    fn revoke(&self, number: usize) {
        let id = loop {
            let ledger = self.ledger.lock().unwrap();
            if let Some((told, _)) = ledger.results.get(number) {
                break told.id.clone();
            }
            drop(ledger);
            if self.failed.load(Ordering::Relaxed) {
                return;
            }
            thread::sleep(Duration::from_millis(20));
        };
        let grounds = json!({"reason": "Thử", "decision": "1/QĐ", "authority": "Sở Xây dựng Mẫu"});
        let path = format!("/api/v1/results/{id}/revocation");
        let request = Request::new("POST", &path).by(self.site.key("registrar"));
        let request = request.json(&grounds);
        let mut first = true;
        let answer = loop {
            // Not repeatable by itself: after a cut, "not possible" says that it was done.
            let sent = {
                let server = self.server.read().unwrap();
                request.send(&server.address)
            };
            match sent {
                Ok(reply) if reply.status == 200 => break Some(reply.json()),
                Ok(reply) if reply.status == 409 && !first => break None,
                Ok(reply) => assert_eq!(reply.status, 503, "{:?}", reply.problem()),
                Err(_) => {}
            }
            if self.failed.load(Ordering::Relaxed) {
                return;
            }
            first = false;
            thread::sleep(Duration::from_millis(20));
        };
        let mut ledger = self.ledger.lock().unwrap();
        match answer {
            Some(answer) => ledger.revoked.push(Told {
                id,
                ..place(&answer)
            }),
            None => ledger.found_revoked.push(id),
        }
    }

    /// What was acknowledged so far; an issuance takes as long as some checks.
    fn weight(&self) -> usize {
        let ledger = self.ledger.lock().unwrap();
        6 * ledger.results.len() + ledger.checks.len()
    }

    fn is_done(&self) -> bool {
        let ledger = self.ledger.lock().unwrap();
        let revoked = ledger.revoked.len() + ledger.found_revoked.len();
        ledger.results.len() == self.size.issuances
            && ledger.checks.len() == self.size.checks
            && revoked == self.size.issuances / 10
    }
}

fn of(answer: &Value) -> Told {
    Told {
        id: answer["id"].as_str().unwrap().to_owned(),
        ..place(answer)
    }
}

fn place(answer: &Value) -> Told {
    Told {
        id: String::new(),
        index: answer["log"]["index"].as_u64().unwrap(),
        leaf: answer["log"]["leaf"].as_str().unwrap().to_owned(),
    }
}

/// Says that a client failed, so that the others stop too.
struct Alarm<'a>(&'a AtomicBool);

impl Drop for Alarm<'_> {
    fn drop(&mut self) {
        if thread::panicking() {
            self.0.store(true, Ordering::Relaxed);
        }
    }
}

#[expect(clippy::print_stderr, reason = "the numbers of a run are its result")]
#[expect(
    clippy::redundant_closure_for_method_calls,
    reason = "a method of Campaign<'_> is of one lifetime, the closure of all"
)]
fn run(site: &Site, mut cluster: Option<&mut OwnCluster>) {
    let mut dice = Dice(seed());
    let size = size();
    let server = site.serve();
    server.becomes_ready(Duration::from_secs(30));
    let campaign = Campaign {
        site,
        size,
        server: RwLock::new(server),
        ledger: Mutex::default(),
        begun: Default::default(),
        refused: Mutex::default(),
        repeated: AtomicUsize::new(0),
        failed: AtomicBool::new(false),
    };
    let (mut kills, mut crashes) = (0, 0);
    let begun = Instant::now();
    thread::scope(|scope| {
        let campaign = &campaign;
        let client = |work: Work, what: usize, of: usize| {
            scope.spawn(move || {
                let _alarm = Alarm(&campaign.failed);
                while let Some(number) = campaign.take(what, of) {
                    work(campaign, number);
                }
            });
        };
        for _ in 0..3 {
            client(
                |campaign, number| campaign.issue(number),
                ISSUED,
                size.issuances,
            );
        }
        for _ in 0..4 {
            client(
                |campaign, number| campaign.check(number),
                CHECKED,
                size.checks,
            );
        }
        client(
            |campaign, number| campaign.revoke(number),
            REVOKED,
            size.issuances / 10,
        );

        let _alarm = Alarm(&campaign.failed);
        while !campaign.is_done() && !campaign.failed.load(Ordering::Relaxed) {
            let enough = campaign.weight() + usize::try_from(dice.below(size.between)).unwrap();
            let end = Instant::now() + Duration::from_secs(30);
            while campaign.weight() < enough && !campaign.is_done() && Instant::now() < end {
                thread::sleep(Duration::from_millis(5));
            }
            thread::sleep(Duration::from_millis(dice.below(150)));
            // Now, whatever the clients are at.
            let what = dice.below(3);
            let crash = cluster.as_mut().filter(|_| what > 0);
            let mut pid = None;
            if crash.is_none() || what == 2 {
                pid = Some(campaign.server.read().unwrap().pid());
            }
            if let Some(cluster) = crash {
                cluster.kill();
                crashes += 1;
                if let Some(pid) = pid {
                    kill(pid);
                }
                cluster.restart();
            } else if let Some(pid) = pid {
                kill(pid);
            }
            // Waits until every client has seen it, and lets nobody in before the audit is over.
            let mut server = campaign.server.write().unwrap();
            if pid.is_some() {
                kills += 1;
                *server = site.serve();
            }
            server.becomes_ready(Duration::from_secs(30));
            settled(site);
            audit(site, &campaign.ledger.lock().unwrap());
        }
    });
    assert!(!campaign.failed.load(Ordering::Relaxed), "a client failed");
    let ledger = campaign.ledger.into_inner().unwrap();
    settled(site);
    audit(site, &ledger);
    let opened = open_all(&site.installed.dir().join("documents"));
    assert!(opened >= size.issuances / 2, "{opened} documents");
    assert!(
        kills + crashes > 2,
        "{kills} kills and {crashes} crashes are too few to say anything"
    );
    eprintln!(
        "{} results ({opened} PDFs), {} checks, {} revocations acknowledged; {kills} kills, {crashes} \
         crashes of the database, {:?} refused or cut, {} answers repeated; {:.0?}",
        ledger.results.len(),
        ledger.checks.len(),
        ledger.revoked.len() + ledger.found_revoked.len(),
        campaign.refused.into_inner().unwrap(),
        campaign.repeated.into_inner(),
        begun.elapsed(),
    );
}

fn kill(pid: u32) {
    let pid = pid.to_string();
    let killed = std::process::Command::new("kill")
        .args(["-9", &pid])
        .status();
    assert!(killed.unwrap().success());
}

/// Waits until the running service has settled what its own cut requests left; what dead ones left it has
/// settled before it became ready.
fn settled(site: &Site) {
    let documents = site.installed.dir().join("documents");
    let end = Instant::now() + Duration::from_secs(20);
    while !super::ledger::staged(&documents).is_empty() && Instant::now() < end {
        thread::sleep(Duration::from_millis(50));
    }
}

#[test]
fn nothing_is_lost_under_kill_9_with_sqlite() {
    run(&Site::new(), None);
}

#[test]
fn nothing_is_lost_under_kill_9_of_service_and_database_with_postgresql() {
    let mut cluster = OwnCluster::start();
    let site = Site::on(&cluster.url());
    run(&site, Some(&mut cluster));
}
