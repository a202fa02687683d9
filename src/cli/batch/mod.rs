//! `dauso issue --batch`: many results, each on its own.
//!
//! Rows are taken some at a time, judged and signed on every core, and entered in the register together;
//! then their files are written. Whatever stops the program, the same call goes on: rows that the register
//! has are not issued again, and only files that are missing are written.

mod list;
mod reasons;
mod records;
mod report;

use super::serve::Stop;
use super::{Exit, database, operator};
use crate::access::Caller;
use crate::app::{Installation, digest_of};
use crate::catalogue::ResultType;
use crate::clock::{Clock as _, SystemClock};
use crate::digest::Sha256;
use crate::issuance::{Examined, IssueError, Issuer, Original, Receipt, Request, Together};
use crate::qr::{Symbol, render};
use crate::store::documents::Documents;
use anyhow::Context as _;
use clap::ValueEnum;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use list::{List, Row};
use reasons::Fault;
use report::{IssuedReport, RefusedReport};
use serde_json::{Map, Value, json};
use std::collections::{BTreeSet, HashMap};
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::io::{IsTerminal as _, Write as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use tokio::task::JoinSet;
use unicode_normalization::UnicodeNormalization as _;

/// What the command line asks for.
pub(super) struct Batch {
    pub(super) dir: PathBuf,
    pub(super) result_type: String,
    pub(super) list: PathBuf,
    pub(super) pdf_dir: Option<PathBuf>,
    pub(super) out_dir: PathBuf,
    pub(super) symbol: SymbolFormat,
    pub(super) rehearsal: Rehearsal,
    pub(super) json: bool,
}

/// What a result without a PDF is handed out as.
#[derive(Clone, Copy, Eq, PartialEq, ValueEnum)]
pub(super) enum SymbolFormat {
    Svg,
    Png,
}

/// Whether anything is issued.
#[derive(Clone, Copy, Eq, PartialEq)]
pub(super) enum Rehearsal {
    /// Everything is judged, nothing issued.
    DryRun,
    /// It counts.
    No,
}

/// Rows of one transaction: enough to share a sync to disk, few enough to be done at once after Ctrl-C.
const TOGETHER: usize = 128;

/// Bytes of PDFs that are held at once.
const PDFS: usize = 32 * 1024 * 1024;

/// Files that are written at once.
const WRITTEN_AT_ONCE: usize = 8;

/// Refused rows that are shown on the terminal; the report has them all.
const SHOWN: u64 = 20;

/// Rows between two lines about the progress where there is no terminal.
const LINES_EVERY: u64 = 1_000;

impl Batch {
    pub(super) async fn run(self) -> anyhow::Result<Exit> {
        let opened =
            Installation::open(&self.dir, database().as_deref(), Arc::new(SystemClock)).await?;
        let Some(result_type) = opened.catalogue().by_code(&self.result_type).cloned() else {
            return Ok(refuse(&Fault::of("issue/unknown-type")));
        };
        let list = match List::open(
            &self.list,
            self.pdf_dir.as_deref(),
            Arc::clone(&result_type),
        ) {
            Ok(list) => list,
            Err(fault) => return Ok(refuse(&fault)),
        };
        std::fs::create_dir_all(&self.out_dir)
            .with_context(|| self.out_dir.display().to_string())?;
        let stop = Arc::new(AtomicBool::new(false));
        let mut asked = Stop::listen()?;
        let told = Arc::clone(&stop);
        tokio::spawn(async move {
            asked.asked().await;
            told.store(true, Ordering::Relaxed);
        });
        let mut work = Work {
            issuer: opened.issuer()?,
            documents: opened.documents().clone(),
            issued: match self.rehearsal {
                Rehearsal::No => Some(IssuedReport::begin(&self.out_dir, &list)?),
                Rehearsal::DryRun => None,
            },
            refused: RefusedReport::begin(&self.out_dir, &list)?,
            progress: progress(list.rows()),
            tally: Tally::default(),
            seen: HashMap::new(),
            year: SystemClock.now().local_date().year().to_string(),
            result_type,
            list,
            held: None,
            asked: &self,
        };
        let ended = work.through(&stop).await;
        work.progress.finish_and_clear();
        let tally = work.tally;
        // Whatever ended it, what was done so far is reported.
        if let Some(issued) = work.issued {
            issued.end()?;
        }
        work.refused.end()?;
        if tally.issued > 0 || tally.before > 0 {
            opened.write_publications().await?;
        }
        let stopped = match ended {
            Ok(stopped) => stopped,
            Err(error) => {
                self.summarise(&tally, true);
                return Err(error);
            }
        };
        self.summarise(&tally, stopped);
        Ok(match (stopped, tally.refused) {
            (true, _) => Exit::Interrupted,
            (false, 0) => Exit::Done,
            (false, _) => Exit::Input,
        })
    }

    fn summarise(&self, tally: &Tally, stopped: bool) {
        let Tally {
            rows,
            fit,
            issued,
            before,
            refused,
        } = tally;
        if self.json {
            let said = json!({"rows": rows, "fit": fit, "issued": issued, "before": before,
                "refused": refused, "stopped": stopped});
            println!("{said}");
            return;
        }
        if self.rehearsal == Rehearsal::DryRun {
            println!(
                "Chạy thử, chưa cấp gì: {fit} đạt, {before} đã cấp từ trước, {refused} không đạt"
            );
            println!(
                "Dry run, nothing issued: {fit} fit, {before} issued before, {refused} refused"
            );
        } else {
            println!("Đã cấp {issued}, đã cấp từ trước {before}, từ chối {refused}");
            println!("{issued} issued, {before} issued before, {refused} refused");
        }
        if *refused > 0 {
            let report = self.out_dir.join(RefusedReport::NAME);
            println!("{}", report.display());
        }
        if stopped {
            println!("Đã dừng sau {rows} dòng; chạy lại lệnh này để làm tiếp");
            println!("Stopped after {rows} rows; run the same command again to go on");
        }
    }
}

/// What became of the rows.
#[derive(Clone, Copy, Default)]
struct Tally {
    rows: u64,
    fit: u64,
    issued: u64,
    before: u64,
    refused: u64,
}

/// A batch on its way.
struct Work<'a> {
    asked: &'a Batch,
    issuer: Issuer,
    documents: Documents,
    result_type: Arc<ResultType>,
    list: List,
    /// A row that waits for those before it, since it may repeat one of them.
    held: Option<Row>,
    issued: Option<IssuedReport>,
    refused: RefusedReport,
    progress: ProgressBar,
    tally: Tally,
    /// Rows by digests of their result codes and numbers: 16 bytes a row, for naming the other of two.
    seen: HashMap<u64, u64>,
    year: String,
}

/// A row with what is asked for it.
struct Asked {
    row: Row,
    /// Digests of what no two results may share.
    keys: Vec<u64>,
    request: Result<(Caller, Request), Fault>,
}

/// A row that waits for the answer to its request, or has none.
struct Waiting {
    row: Row,
    keys: Vec<u64>,
    fault: Option<Fault>,
}

impl Work<'_> {
    /// Works to the end of the list, or until it is told to stop; whether it was.
    async fn through(&mut self, stop: &AtomicBool) -> anyhow::Result<bool> {
        loop {
            if stop.load(Ordering::Relaxed) {
                return Ok(true);
            }
            let rows = self.some_rows()?;
            if rows.is_empty() {
                return Ok(false);
            }
            let mut requests = Vec::new();
            let mut waiting = Vec::new();
            for Asked { row, keys, request } in rows {
                let fault = request.map(|request| requests.push(request)).err();
                waiting.push(Waiting { row, keys, fault });
            }
            if self.asked.rehearsal == Rehearsal::DryRun {
                let examined = self.issuer.examine_together(requests).await?;
                self.judge(waiting, examined)?;
            } else {
                let answers = self.issuer.issue_together(requests).await?;
                self.settle(waiting, answers).await?;
            }
        }
    }

    /// The next rows: no two with the same result code or number, so that the second of them is judged
    /// when the first is decided.
    fn some_rows(&mut self) -> anyhow::Result<Vec<Asked>> {
        let (mut rows, mut keys, mut bytes) = (Vec::new(), BTreeSet::new(), 0);
        while rows.len() < TOGETHER && bytes < PDFS {
            let next = if let Some(row) = self.held.take() {
                Some(row)
            } else {
                let next = self.list.next();
                next.map_err(|fault| anyhow::anyhow!("{fault}"))?
            };
            let Some(mut row) = next else { break };
            let found = std::mem::replace(&mut row.found, Err(Fault::of("row/cells")));
            let (data, pdf) = match found {
                Ok(found) => found,
                Err(fault) => {
                    rows.push(Asked {
                        row,
                        keys: Vec::new(),
                        request: Err(fault),
                    });
                    continue;
                }
            };
            let own = self.keys(&data);
            if own.iter().any(|key| keys.contains(key)) {
                row.found = Ok((data, pdf));
                self.held = Some(row);
                break;
            }
            keys.extend(own.iter().copied());
            let request = self.request(data, pdf.as_deref());
            if let Ok((_, request)) = &request {
                bytes += request.pdf.as_ref().map_or(0, Original::held);
            }
            rows.push(Asked {
                row,
                keys: own,
                request,
            });
        }
        Ok(rows)
    }

    fn request(
        &self,
        mut data: Map<String, Value>,
        pdf: Option<&Path>,
    ) -> Result<(Caller, Request), Fault> {
        let code = self.result_type.code.as_str();
        let named = data.entry("type").or_insert_with(|| Value::from(code));
        if named.as_str() != Some(code) {
            return Err(Fault::of("row/other-type").in_column("type"));
        }
        let unreadable = |_| Fault::of("row/pdf-unreadable").in_column("pdf");
        let pdf = pdf.map(Original::open).transpose().map_err(unreadable)?;
        let agency = data.get("agency_code").and_then(Value::as_str);
        let caller = operator(agency.unwrap_or_default().trim());
        let once = None;
        Ok((caller, Request { data, pdf, once }))
    }

    /// Digests of what no two results may share, as far as the data say it.
    fn keys(&self, data: &Map<String, Value>) -> Vec<u64> {
        let text = |name: &str| {
            let text = data.get(name).and_then(Value::as_str).unwrap_or_default();
            text.trim().nfc().collect::<String>()
        };
        let of = |parts: &[&str]| {
            let mut hasher = DefaultHasher::new();
            parts.hash(&mut hasher);
            hasher.finish()
        };
        let mut keys = Vec::new();
        let (code, dossier) = (text("result_code"), text("dossier_code"));
        match (code.is_empty(), dossier.is_empty()) {
            (false, _) => keys.push(of(&["code", &code])),
            (true, false) => keys.push(of(&["code", &format!("{dossier}-KQ1")])),
            (true, true) => {}
        }
        let number = text(&self.result_type.number_field);
        if !number.is_empty() {
            let issued = text("issue_date");
            let year = issued.split('-').next().filter(|year| !year.is_empty());
            let year = year.unwrap_or(&self.year);
            keys.push(of(&["number", &text("agency_code"), year, &number]));
        }
        keys
    }

    /// A dry run: the register knows nothing of the rows before, so only they are compared here.
    fn judge(
        &mut self,
        waiting: Vec<Waiting>,
        answers: Vec<Result<Examined, IssueError>>,
    ) -> anyhow::Result<()> {
        for (_, answer) in self.accepted(waiting, answers)? {
            match answer {
                Examined::Fits => self.tally.fit += 1,
                Examined::Issued(_) => self.tally.before += 1,
            }
        }
        Ok(())
    }

    async fn settle(
        &mut self,
        waiting: Vec<Waiting>,
        answers: Vec<Result<Together, IssueError>>,
    ) -> anyhow::Result<()> {
        let mut done = Vec::new();
        for (row, answer) in self.accepted(waiting, answers)? {
            let (count, receipt) = match answer {
                Together::Now(receipt) => (&mut self.tally.issued, receipt),
                Together::Before(receipt) => (&mut self.tally.before, receipt),
            };
            *count += 1;
            done.push((row, receipt));
        }
        let mut writing = JoinSet::new();
        for (_, receipt) in &done {
            if writing.len() >= WRITTEN_AT_ONCE
                && let Some(written) = writing.join_next().await
            {
                written??;
            }
            let (receipt, documents) = (receipt.clone(), self.documents.clone());
            let path = self.asked.out_dir.join(self.asked.file(&receipt));
            writing.spawn(hand_out(receipt, documents, path, self.asked.symbol));
        }
        while let Some(written) = writing.join_next().await {
            written??;
        }
        for (row, receipt) in done {
            let file = self.asked.file(&receipt);
            if let Some(report) = &mut self.issued {
                report.add(&row, &receipt, &file)?;
            }
        }
        Ok(())
    }

    /// The rows that were not refused; the others are in the report after it.
    fn accepted<T>(
        &mut self,
        waiting: Vec<Waiting>,
        answers: Vec<Result<T, IssueError>>,
    ) -> anyhow::Result<Vec<(Row, T)>> {
        let mut answers = answers.into_iter();
        let mut accepted = Vec::new();
        for Waiting { row, keys, fault } in waiting {
            let verdict = match fault {
                Some(fault) => Err(vec![fault]),
                None => match answers.next().context("a row without an answer")? {
                    Err(error) => Err(self.faults(&keys, &error)),
                    Ok(answer) => self.claim(row.place, &keys).map(|()| answer),
                },
            };
            match verdict {
                Ok(answer) => accepted.push((row, answer)),
                Err(faults) => self.refuse(&row, &faults)?,
            }
            self.step();
        }
        Ok(accepted)
    }

    /// Notes the row as the one that has its result code and its number, unless another of the list has.
    fn claim(&mut self, place: u64, keys: &[u64]) -> Result<(), Vec<Fault>> {
        for (at, key) in keys.iter().enumerate() {
            if let Some(other) = self.seen.get(key) {
                let code = at == 0;
                let (code, column) = if code {
                    ("issue/duplicate-result-code", "result_code")
                } else {
                    (
                        "issue/duplicate-number",
                        self.result_type.number_field.as_str(),
                    )
                };
                return Err(vec![Fault::of(code).in_column(column).at_row(*other)]);
            }
        }
        self.seen.extend(keys.iter().map(|key| (*key, place)));
        Ok(())
    }

    fn faults(&self, keys: &[u64], error: &IssueError) -> Vec<Fault> {
        let faults = reasons::of_issue(error, &self.result_type.number_field);
        let other = keys.iter().find_map(|key| self.seen.get(key));
        match (error, other) {
            (IssueError::Duplicate(_), Some(other)) => faults
                .into_iter()
                .map(|fault| fault.at_row(*other))
                .collect(),
            _ => faults,
        }
    }

    fn refuse(&mut self, row: &Row, faults: &[Fault]) -> anyhow::Result<()> {
        self.tally.refused += 1;
        self.refused.add(&self.list, row, faults)?;
        if self.tally.refused <= SHOWN {
            let place = row.place;
            for fault in faults {
                self.say(&format!("dòng / row {place}: {fault}"));
            }
        } else if self.tally.refused == SHOWN + 1 {
            self.say("…");
        }
        Ok(())
    }

    fn step(&mut self) {
        self.tally.rows += 1;
        self.progress.inc(1);
        if self.progress.is_hidden() && self.tally.rows.is_multiple_of(LINES_EVERY) {
            let (rows, of) = (self.tally.rows, self.list.rows());
            self.say(&format!("{rows}/{of}"));
        }
    }

    fn say(&self, line: &str) {
        self.progress.suspend(|| {
            // Standard error may be closed; the report and the exit code still say it.
            let _ = writeln!(std::io::stderr(), "{line}");
        });
    }
}

impl Batch {
    /// The name of the file that a result is handed out as. A result code has letters, digits, points and
    /// hyphens only.
    fn file(&self, receipt: &Receipt) -> String {
        let end = match (receipt.document, self.symbol) {
            (Some(_), _) => "pdf",
            (None, SymbolFormat::Svg) => "svg",
            (None, SymbolFormat::Png) => "png",
        };
        format!("{}.{end}", receipt.result_code)
    }
}

/// Writes what a result is handed out as, unless it is there already. It can be made again from the
/// register at any time, so it is not waited for until it is on the disk: a file that a power cut left
/// half-written is found by its bytes the next time.
async fn hand_out(
    receipt: Receipt,
    documents: Documents,
    path: PathBuf,
    format: SymbolFormat,
) -> anyhow::Result<()> {
    let mut part = path.clone().into_os_string();
    part.push(".part");
    let Some(digest) = receipt.document else {
        let written = tokio::task::spawn_blocking(move || {
            let bytes = symbol(&receipt, format)?;
            if !is_there(&path, Sha256::of(&bytes)) {
                std::fs::write(&part, bytes)?;
                std::fs::rename(&part, &path)?;
            }
            anyhow::Ok(())
        });
        return written.await?;
    };
    let begun = tokio::task::spawn_blocking(move || {
        if is_there(&path, digest) {
            return anyhow::Ok(None);
        }
        Ok(Some((std::fs::File::create(&part)?, part, path)))
    });
    if let Some((file, part, path)) = begun.await?? {
        let there = documents.copy(digest, file).await?;
        anyhow::ensure!(there, "a signed PDF is gone");
        tokio::fs::rename(part, path).await?;
    }
    Ok(())
}

/// Whether a file with these bytes stands there.
fn is_there(path: &Path, digest: Sha256) -> bool {
    digest_of(path).is_ok_and(|(there, _)| there == digest)
}

/// The symbol of a result as a picture.
pub(super) fn symbol(receipt: &Receipt, format: SymbolFormat) -> anyhow::Result<Vec<u8>> {
    /// Pixels of a module in a PNG.
    const PIXELS_PER_MODULE: u32 = 8;
    let symbol = Symbol::for_issue(&receipt.qr_text)?;
    Ok(match format {
        SymbolFormat::Svg => render::svg(&symbol, &receipt.id.grouped()).into_bytes(),
        SymbolFormat::Png => render::png(&symbol, PIXELS_PER_MODULE),
    })
}

fn progress(rows: u64) -> ProgressBar {
    if !std::io::stderr().is_terminal() {
        return ProgressBar::with_draw_target(Some(rows), ProgressDrawTarget::hidden());
    }
    let bar = ProgressBar::new(rows);
    match ProgressStyle::with_template("{bar:40} {pos}/{len}  {per_sec}  {eta}") {
        Ok(style) => bar.with_style(style),
        Err(_) => bar,
    }
}

fn refuse(fault: &Fault) -> Exit {
    // Standard error may be closed; the exit code still says it.
    let _ = writeln!(std::io::stderr(), "dauso: {fault}");
    Exit::Input
}
