//! `dauso issue`: one result without a server.

use super::{Exit, complain_of, database, operator, refuse, with_causes};
use crate::app::{Installation, replace};
use crate::clock::SystemClock;
use crate::issuance::{Outcome, Receipt, Request};
use crate::limits;
use crate::qr::{Symbol, render};
use anyhow::Context as _;
use clap::{Args, ValueEnum};
use serde_json::{Map, Value, json};
use std::io::Read as _;
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
    #[arg(long)]
    data: PathBuf,
    /// The agency's own PDF; without it OUT is the symbol
    #[arg(long)]
    pdf: Option<PathBuf>,
    /// How long the signature must last; this release makes b-b
    #[arg(long, value_enum, default_value_t = Level::BB)]
    level: Level,
    /// The signed PDF, or the symbol (.svg, .png)
    #[arg(long)]
    out: PathBuf,
    /// Print the receipt as JSON
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

/// Pixels of a module in a PNG.
const PIXELS_PER_MODULE: u32 = 8;

impl Issue {
    pub(super) async fn run(self) -> anyhow::Result<Exit> {
        let Level::BB = self.level;
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
        let pdf = match self.pdf.as_deref().map(read_pdf).transpose() {
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
    let bytes = if let Some(digest) = receipt.document {
        opened
            .documents()
            .get(digest)
            .await?
            .context("the signed PDF is gone")?
    } else {
        let symbol = Symbol::for_issue(&receipt.qr_text)?;
        if has_extension(out, "svg") {
            render::svg(&symbol, &receipt.id.grouped()).into_bytes()
        } else {
            render::png(&symbol, PIXELS_PER_MODULE)
        }
    };
    replace(out, &bytes).with_context(|| out.display().to_string())
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

/// A PDF of any size the reader takes; one byte more tells it that there is more.
pub(super) fn read_pdf(path: &Path) -> anyhow::Result<Vec<u8>> {
    let file = std::fs::File::open(path).with_context(|| path.display().to_string())?;
    let mut bytes = Vec::new();
    file.take(limits::PDF_FILE as u64 + 1)
        .read_to_end(&mut bytes)
        .with_context(|| path.display().to_string())?;
    Ok(bytes)
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
