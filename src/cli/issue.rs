//! `dauso issue`: one result without a server; a list of them is `batch`'s.

use super::batch::{Batch, Rehearsal, SymbolFormat, symbol};
use super::{Exit, complain_of, database, operator, refuse, with_causes};
use crate::app::{Installation, Replacing, replace};
use crate::clock::SystemClock;
use crate::issuance::{Original, Outcome, Receipt, Request};
use anyhow::Context as _;
use clap::{Args, ValueEnum};
use serde_json::{Map, Value, json};
use std::path::{Path, PathBuf};
use std::sync::Arc;

#[derive(Args)]
pub(super) struct Issue {
    /// The data directory
    #[arg(long)]
    dir: PathBuf,
    /// Code of the result type, e.g. vehicle-badge
    #[arg(long = "type")]
    result_type: String,
    /// The data of the result (JSON, docs/formats/catalogue.md)
    #[arg(long, required_unless_present = "batch", requires = "out")]
    data: Option<PathBuf>,
    /// The agency's own PDF; without it OUT is the symbol
    #[arg(long, requires = "data")]
    pdf: Option<PathBuf>,
    /// How long the signature must last; this release makes b-b
    #[arg(long, value_enum, default_value_t = Level::BB)]
    level: Level,
    /// The signed PDF, or the symbol (.svg, .png)
    #[arg(long, requires = "data")]
    out: Option<PathBuf>,
    /// Many results: a CSV file, JSON lines (.jsonl), or a folder of PDFs with their data beside them
    #[arg(
        long,
        value_name = "LIST",
        conflicts_with = "data",
        requires = "out_dir"
    )]
    batch: Option<PathBuf>,
    /// Where the PDFs are that the column `pdf` of LIST names; the folder of LIST if absent
    #[arg(long, requires = "batch")]
    pdf_dir: Option<PathBuf>,
    /// Where the signed PDFs or symbols of LIST and the reports go
    #[arg(long, requires = "batch")]
    out_dir: Option<PathBuf>,
    /// What rows of LIST without a PDF are handed out as
    #[arg(long, value_enum, default_value_t = SymbolFormat::Svg, requires = "batch")]
    symbol: SymbolFormat,
    /// Judge every row of LIST and issue nothing
    #[arg(long, requires = "batch")]
    dry_run: bool,
    /// Print the receipt, or what became of the rows, as JSON
    #[arg(long)]
    json: bool,
}

/// PAdES levels (ETSI EN 319 142-1).
#[derive(Clone, Copy, Eq, PartialEq, ValueEnum)]
enum Level {
    /// A signature
    #[value(name = "b-b")]
    BB,
}

/// One result: its data, and where what is handed out goes.
struct Single {
    dir: PathBuf,
    result_type: String,
    data: PathBuf,
    pdf: Option<PathBuf>,
    out: PathBuf,
    json: bool,
}

impl Issue {
    pub(super) async fn run(self) -> anyhow::Result<Exit> {
        let Level::BB = self.level;
        match (self.batch, self.out_dir, self.data, self.out) {
            (Some(list), Some(out_dir), _, _) => {
                let batch = Batch {
                    dir: self.dir,
                    result_type: self.result_type,
                    list,
                    pdf_dir: self.pdf_dir,
                    out_dir,
                    symbol: self.symbol,
                    rehearsal: if self.dry_run {
                        Rehearsal::DryRun
                    } else {
                        Rehearsal::No
                    },
                    json: self.json,
                };
                batch.run().await
            }
            (_, _, Some(data), Some(out)) => {
                let single = Single {
                    dir: self.dir,
                    result_type: self.result_type,
                    data,
                    pdf: self.pdf,
                    out,
                    json: self.json,
                };
                single.run().await
            }
            _ => Ok(refuse(
                Exit::Usage,
                "--data with --out, or --batch with --out-dir",
            )),
        }
    }
}

impl Single {
    async fn run(self) -> anyhow::Result<Exit> {
        if let Some(why) = unfit(&self.out, self.pdf.is_some()) {
            return Ok(refuse(Exit::Usage, why));
        }
        let clock = Arc::new(SystemClock);
        let opened = Installation::open(&self.dir, database().as_deref(), clock).await?;
        let data = match read_data(&self.data, &self.result_type) {
            Ok(data) => data,
            Err(error) => {
                return Ok(refuse(
                    Exit::Input,
                    &format!("{} (input/data)", with_causes(&error)),
                ));
            }
        };
        let pdf = match self.pdf.as_deref().map(open_pdf).transpose() {
            Ok(pdf) => pdf,
            Err(error) => {
                return Ok(refuse(
                    Exit::Input,
                    &format!("{} (input/unreadable)", with_causes(&error)),
                ));
            }
        };
        let agency = data
            .get("agency_code")
            .and_then(Value::as_str)
            .unwrap_or_default();
        let caller = operator(agency);
        let request = Request {
            data,
            pdf,
            once: None,
        };
        match opened.issuer()?.issue(&caller, request).await {
            Ok(Outcome::Issued(receipt)) => {
                hand_out(&opened, &receipt, &self.out).await?;
                opened.write_publications().await?;
                report(&receipt, self.json);
                Ok(Exit::Done)
            }
            Ok(Outcome::Replayed(_)) => Ok(Exit::Done),
            Err(error) => complain_of(error.code(), error),
        }
    }
}

/// Why nothing can be written there. Found out after issuing it would leave a result in the register and no
/// file.
pub(super) fn unfit(out: &Path, with_pdf: bool) -> Option<&'static str> {
    let is_symbol = has_extension(out, "svg") || has_extension(out, "png");
    let folder = out.parent().filter(|path| !path.as_os_str().is_empty());
    if !with_pdf && !is_symbol {
        Some("without --pdf, --out ends with .svg or .png")
    } else if folder.is_some_and(|path| !path.is_dir()) {
        Some("the folder of --out does not exist")
    } else {
        None
    }
}

fn has_extension(path: &Path, wanted: &str) -> bool {
    path.extension().is_some_and(|found| found == wanted)
}

/// Writes the signed PDF, or the symbol of a result that has none.
pub(super) async fn hand_out(
    opened: &Installation,
    receipt: &Receipt,
    out: &Path,
) -> anyhow::Result<()> {
    let at_out = || out.display().to_string();
    if let Some(digest) = receipt.document {
        let new = Replacing::begin(out).with_context(at_out)?;
        let there = opened.documents().copy(digest, new.file()?).await?;
        anyhow::ensure!(there, "the signed PDF is gone");
        return new.finish().with_context(at_out);
    }
    let is_svg = has_extension(out, "svg");
    let format = if is_svg {
        SymbolFormat::Svg
    } else {
        SymbolFormat::Png
    };
    replace(out, &symbol(receipt, format)?).with_context(at_out)
}

/// Prints what was issued.
pub(super) fn report(receipt: &Receipt, as_json: bool) {
    if as_json {
        let receipt = json!({
            "id": receipt.id.to_string(),
            "number": receipt.number,
            "result_code": receipt.result_code,
            "qr_text": receipt.qr_text,
            "log": {"index": receipt.leaf_index, "leaf": receipt.leaf_hash.hex()},
        });
        println!("{receipt}");
    } else {
        println!(
            "{}  {}  {}",
            receipt.id.grouped(),
            receipt.number,
            receipt.result_code
        );
    }
}

/// The PDF at a path.
pub(super) fn open_pdf(path: &Path) -> anyhow::Result<Original> {
    Original::open(path).with_context(|| path.display().to_string())
}

pub(super) fn read_data(path: &Path, result_type: &str) -> anyhow::Result<Map<String, Value>> {
    let text = std::fs::read_to_string(path).with_context(|| path.display().to_string())?;
    let text = text.strip_prefix('\u{feff}').unwrap_or(&text);
    let mut data: Map<String, Value> = serde_json::from_str(text).map_err(|error| {
        anyhow::anyhow!(
            "{}: not a JSON object (line {})",
            path.display(),
            error.line()
        )
    })?;
    data.entry("type")
        .or_insert_with(|| Value::from(result_type));
    anyhow::ensure!(
        data.get("type").and_then(Value::as_str) == Some(result_type),
        "the data is of another type than --type"
    );
    Ok(data)
}
