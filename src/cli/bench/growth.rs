//! A register with a million results beside one with ten thousand: does anything get slower?

use super::ours;
use super::table::{Goal, Line, Table, time, times, whole};
use super::turns::median;
use crate::access::{Caller, Role};
use crate::app::Installation;
use crate::clock::{Clock as _, SystemClock};
use crate::digest::Sha256;
use crate::http::Service;
use crate::id::ResultId;
use crate::inspection::Record;
use crate::limits;
use crate::private::Private;
use crate::store::{Issued, Seen, StatusListRegister, StoreError, StoredResult, Tx};
use crate::tlog;
use crate::verification::Viewer;
use anyhow::Context as _;
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::time::Instant;
use uuid::Uuid;

/// Results in the small register.
const SMALL: u64 = 10_000;

/// Results that one transaction enters while a register is filled.
const TOGETHER: u64 = 5_000;

/// Results in one status list: half of its places, so that a drawn one is free.
const FILLED: u64 = 1 << 19;

/// The first list of what is filled in; the agency has list 1.
const FIRST_LIST: u32 = 2;

/// Results that are issued for real, so that they can be checked: spread over the register.
const REAL: u64 = 200;

/// What is measured, and how often in a round.
const KINDS: [(Kind, usize); 5] = [
    (Kind::ById, 2_000),
    (Kind::ByNumber, 2_000),
    (Kind::ByPlate, 2_000),
    (Kind::Check, 1_000),
    (Kind::Issue, 1_000),
];

#[derive(Clone, Copy)]
enum Kind {
    ById,
    ByNumber,
    ByPlate,
    Check,
    Issue,
}

impl Kind {
    fn name(self) -> &'static str {
        match self {
            Self::ById => "look up by id, with its report",
            Self::ByNumber => "look up by number",
            Self::ByPlate => "look up by plate",
            Self::Check => "check, on disk",
            Self::Issue => "issue, on disk",
        }
    }
}

pub(super) async fn measure(table: &mut Table, rounds: usize, results: u64) -> anyhow::Result<()> {
    let title = format!(
        "p99 at {} results beside {}",
        whole_of(results),
        whole_of(SMALL)
    );
    table.part(&title);
    let place = tempfile::tempdir()?;
    let small = Register::fill(&place.path().join("small"), SMALL).await?;
    let large = Register::fill(&place.path().join("large"), results).await?;
    for (kind, times_each) in KINDS {
        let (mut slow, mut fast, mut ratios) = (Vec::new(), Vec::new(), Vec::new());
        for round in 0..=rounds {
            small.read_into_memory()?;
            large.read_into_memory()?;
            let (mut of_small, mut of_large) = (Vec::new(), Vec::new());
            for at in 0..times_each {
                let number = u64::try_from(round * times_each + at)?;
                of_small.push(small.timed(kind, number).await?);
                of_large.push(large.timed(kind, number).await?);
            }
            if round > 0 {
                let (ours, before) = (p99(of_large), p99(of_small));
                ratios.push(ours / before);
                slow.push(ours);
                fast.push(before);
            }
        }
        let ratio = median(ratios.into_iter());
        table.add(Line {
            what: kind.name().into(),
            figure: time(median(slow.into_iter())),
            beside: format!("at {}: {}", whole_of(SMALL), time(median(fast.into_iter()))),
            ratio: times(ratio),
            goal: Some(Goal::at_most("≤ 1.2 ×", ratio, 1.2)),
        });
    }
    Ok(())
}

#[expect(clippy::cast_precision_loss, reason = "far fewer than 2^53 results")]
fn whole_of(number: u64) -> String {
    whole(number as f64)
}

/// The value that one of a hundred exceeds.
fn p99(mut seconds: Vec<f64>) -> f64 {
    seconds.sort_by(f64::total_cmp);
    seconds
        .get(seconds.len() * 99 / 100)
        .copied()
        .unwrap_or(f64::NAN)
}

/// A filled register and what can be asked of it.
struct Register {
    dir: PathBuf,
    made: Installation,
    service: Service,
    inspector: Caller,
    size: u64,
    /// Texts of the QRs that were issued for real.
    codes: Vec<String>,
}

/// The plate of a result.
fn plate(number: u64) -> String {
    let series = ["A", "B", "C", "D", "E", "F", "G", "H", "K", "L", "M", "N"];
    let place = usize::try_from(number / 100_000).unwrap_or(0) % series.len();
    format!(
        "43{}{:05}",
        series.get(place).unwrap_or(&"A"),
        number % 100_000
    )
}

/// The number of a result that was filled in.
fn number_text(number: u64) -> String {
    format!("HD4825{number:07}")
}

/// The id of a result that was filled in: spread like those that are drawn.
fn id(number: u64) -> ResultId {
    let digest = Sha256::of(&number.to_be_bytes());
    let mut bytes = [0; 10];
    bytes.copy_from_slice(&digest.0[..10]);
    ResultId::from_bytes(bytes)
}

impl Register {
    async fn fill(dir: &Path, size: u64) -> anyhow::Result<Self> {
        let made = ours::installation(dir, None, ours::config()?).await?;
        made.store().run(|tx| add_lists(tx, size)).await?;
        let mut codes = Vec::new();
        let mut done = 0;
        let mut pattern = None;
        while done < size {
            let until = size.min(done + TOGETHER);
            while u64::try_from(codes.len())? * size < REAL * until.min(size) {
                let count = u64::try_from(codes.len())?;
                let receipt = ours::issue(&made, ours::badge(count)?, None).await?;
                codes.push(receipt.qr_text.clone());
                if pattern.is_none() {
                    let mut tx = made.store().read().await?;
                    pattern = tx.result(&receipt.id).await?;
                }
            }
            let pattern = pattern.as_ref().context("a result")?;
            let filled = made.store().run(|tx| fill(tx, pattern, done..until));
            filled.await?;
            done = until;
        }
        let service = made.service().await?;
        Ok(Self {
            inspector: Caller {
                account: "bench".into(),
                role: Role::Inspector,
                agency: ours::AGENCY.into(),
            },
            dir: dir.to_owned(),
            made,
            service,
            size,
            codes,
        })
    }

    /// Has the kernel keep all of it in memory, as a server with enough of it does. Some machines take back
    /// what nobody read for a minute; the disk would be measured then, not what the size costs.
    fn read_into_memory(&self) -> anyhow::Result<()> {
        let mut file = std::fs::File::open(self.dir.join("dauso.db"))?;
        let mut piece = vec![0; 1 << 20];
        while file.read(&mut piece)? > 0 {}
        Ok(())
    }

    /// Seconds that one operation took.
    async fn timed(&self, kind: Kind, number: u64) -> anyhow::Result<f64> {
        // Spread over the whole register, none twice in a row.
        let place = number.wrapping_mul(7_919) % self.size;
        match kind {
            Kind::ById => {
                let question = self.service.verifier.now(Viewer::Public);
                let id = id(place);
                let started = Instant::now();
                let found = self.service.verifier.look_up(id, question).await?;
                let took = started.elapsed();
                anyhow::ensure!(found.is_some(), "a result is gone");
                Ok(took.as_secs_f64())
            }
            Kind::ByNumber => {
                let text = number_text(place);
                let started = Instant::now();
                let mut tx = self.made.store().read().await?;
                let found = tx.results_of_number([&text, &text], None, 10).await?;
                let took = started.elapsed();
                anyhow::ensure!(found.len() == 1, "a result is gone");
                Ok(took.as_secs_f64())
            }
            Kind::ByPlate => {
                let plate = plate(place);
                let started = Instant::now();
                let mut tx = self.made.store().read().await?;
                let found = tx.results_of_plate(&plate, None, 10).await?;
                let took = started.elapsed();
                anyhow::ensure!(!found.is_empty(), "a result is gone");
                Ok(took.as_secs_f64())
            }
            Kind::Check => {
                let code = usize::try_from(number)? % self.codes.len();
                let record = record(&self.codes[code]);
                let started = Instant::now();
                let inspection = &self.service.inspection;
                let answers = inspection.record(&self.inspector, &[record]).await?;
                let took = started.elapsed();
                anyhow::ensure!(answers.iter().all(Result::is_ok), "a check was refused");
                Ok(took.as_secs_f64())
            }
            Kind::Issue => {
                let data = ours::badge(REAL + number)?;
                let started = Instant::now();
                ours::issue(&self.made, data, None).await?;
                Ok(started.elapsed().as_secs_f64())
            }
        }
    }
}

/// Lists for what is filled in, and the newest one, from which places are drawn for what is issued.
async fn add_lists(mut tx: Tx, size: u64) -> Result<(Tx, ()), StoreError> {
    let first = tx.status_lists().await?;
    let issuer = first.into_iter().next().map(|list| list.issuer);
    let issuer = issuer.ok_or(StoreError::Missing("status list"))?;
    let count = u32::try_from(size.div_ceil(FILLED)).unwrap_or(u32::MAX);
    for number in FIRST_LIST..=FIRST_LIST.saturating_add(count) {
        tx.add_status_list(&StatusListRegister {
            number,
            capacity: limits::STATUS_LIST_ENTRIES,
            issuer: issuer.clone(),
            created_at: SystemClock.now(),
        })
        .await?;
    }
    Ok((tx, ()))
}

/// What the log says of a result that was filled in.
fn leaf(pattern: &StoredResult, number: u64) -> tlog::Leaf {
    let record = format!("{{\"number\":{number}}}");
    // Now, not when the pattern was issued: the times of a log never run back.
    tlog::Leaf::new(
        tlog::Kind::Issued,
        SystemClock.now(),
        "16H99",
        &pattern.issued.salt,
        record.as_bytes(),
    )
}

/// A check of a code by an inspector.
fn record(code: &str) -> Record {
    let id = Uuid::now_v7();
    Record {
        id,
        scanned: Private::new(code.to_owned()),
        device_time: SystemClock.now(),
        seen: Seen::Fits,
        finding: None,
        note: None,
        place: None,
        shown: None,
        content: Sha256::of(id.as_bytes()),
    }
}

/// Enters results like `pattern`, each with an id, a number, a plate and a place in the list of its own.
/// Only the credential is the same in all of them: nobody checks these.
async fn fill(
    mut tx: Tx,
    pattern: &StoredResult,
    numbers: std::ops::Range<u64>,
) -> Result<(Tx, ()), StoreError> {
    let leaves: Vec<tlog::Leaf> = numbers
        .clone()
        .map(|number| leaf(pattern, number))
        .collect();
    let leaves: Vec<&tlog::Leaf> = leaves.iter().collect();
    let appended = tx.append_leaves(&leaves).await?;
    for (number, appended) in numbers.zip(appended) {
        let leaf_index = appended.index;
        let mut issued: Issued = pattern.issued.clone();
        issued.id = id(number);
        issued.row = Uuid::now_v7();
        issued.year = 2025;
        issued.number = Some(number);
        issued.number_text = number_text(number);
        issued.dossier_code = format!(
            "{}-25{:04}-{:06}",
            ours::AGENCY,
            number / 1_000_000,
            number % 1_000_000
        );
        issued.result_code = format!("{}-KQ1", issued.dossier_code);
        let (list, index) = (number / FILLED, number % FILLED);
        issued.list = FIRST_LIST.saturating_add(u32::try_from(list).unwrap_or(u32::MAX));
        issued.index = u32::try_from(index).unwrap_or(u32::MAX);
        issued.leaf_index = leaf_index;
        issued.plates = Private::new(vec![plate(number)]);
        tx.add_result(&issued).await?;
    }
    Ok((tx, ()))
}
