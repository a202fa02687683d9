//! `dauso issue`: one result without a server.

use super::{Exit, database, operator, with_causes};
use crate::app::{Installation, replace};
use crate::clock::SystemClock;
use crate::issuance::{Outcome, Receipt, Request};
use crate::limits;
use crate::qr::{Symbol, render};
use anyhow::Context as _;
use clap::{Args, ValueEnum};
use serde_json::{Map, Value, json};
use std::io::{Read as _, Write as _};
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
        if self.pdf.is_none() && !self.is_svg() && !self.is_png() {
            return Ok(refuse(
                Exit::Usage,
                "without --pdf, --out ends with .svg or .png",
            ));
        }
        let folder = self
            .out
            .parent()
            .filter(|path| !path.as_os_str().is_empty());
        if folder.is_some_and(|path| !path.is_dir()) {
            // Found out after issuing it would leave a result in the register and no file.
            return Ok(refuse(Exit::Usage, "the folder of --out does not exist"));
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
                self.write(&opened, &receipt).await?;
                opened.write_publications().await?;
                self.report(&receipt);
                Ok(Exit::Done)
            }
            Ok(Outcome::Replayed(_)) => Ok(Exit::Done),
            Err(error) => match error.code() {
                Some(code) => Ok(refuse(Exit::Input, &format!("{error} ({code})"))),
                None => Err(error.into()),
            },
        }
    }

    fn is_svg(&self) -> bool {
        self.out
            .extension()
            .is_some_and(|extension| extension == "svg")
    }

    fn is_png(&self) -> bool {
        self.out
            .extension()
            .is_some_and(|extension| extension == "png")
    }

    async fn write(&self, opened: &Installation, receipt: &Receipt) -> anyhow::Result<()> {
        let bytes = if let Some(digest) = receipt.document {
            opened
                .documents()
                .get(digest)
                .await?
                .context("the signed PDF is gone")?
        } else {
            let symbol = Symbol::for_issue(&receipt.qr_text)?;
            if self.is_svg() {
                render::svg(&symbol, &receipt.id.grouped()).into_bytes()
            } else {
                render::png(&symbol, PIXELS_PER_MODULE)
            }
        };
        replace(&self.out, &bytes).with_context(|| self.out.display().to_string())
    }

    fn report(&self, receipt: &Receipt) {
        if self.json {
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
}

/// A PDF of any size the reader takes; one byte more tells it that there is more.
fn read_pdf(path: &Path) -> anyhow::Result<Vec<u8>> {
    let file = std::fs::File::open(path).with_context(|| path.display().to_string())?;
    let mut bytes = Vec::new();
    file.take(limits::PDF_FILE as u64 + 1)
        .read_to_end(&mut bytes)
        .with_context(|| path.display().to_string())?;
    Ok(bytes)
}

fn read_data(path: &Path, result_type: &str) -> anyhow::Result<Map<String, Value>> {
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

fn refuse(exit: Exit, why: &str) -> Exit {
    // Standard error may be closed; the exit code still says it.
    let _ = writeln!(std::io::stderr(), "dauso: {why}");
    exit
}
