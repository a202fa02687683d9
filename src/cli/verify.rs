//! `dauso verify`: signed PDFs, pictures with a QR, the text of a QR.

use super::{Exit, database, with_causes};
use crate::app::Installation;
use crate::clock::{Clock, SystemClock, UnixTime};
use crate::limits;
use crate::pki::Certificate;
use crate::report::{Answer, CheckKind, Outcome, Reason, State, Verdict};
use crate::verification::{Answered, Folder, Question, Verifier, VerifyError, Viewer};
use anyhow::Context as _;
use clap::Args;
use serde_json::json;
use std::io::{Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;

#[derive(Args)]
pub(super) struct Verify {
    /// Signed PDFs, pictures with a QR, or texts of QRs
    #[arg(required = true)]
    inputs: Vec<String>,
    /// A data directory: ask its register
    #[arg(long, conflicts_with = "trust")]
    dir: Option<PathBuf>,
    /// A folder with the trust bundle and the status lists as the server publishes them
    #[arg(long)]
    trust: Option<PathBuf>,
    /// A root that is trusted for signatures of documents (PEM or DER); may be given again
    #[arg(long)]
    anchor: Vec<PathBuf>,
    /// The moment to judge for (RFC 3339); now if absent
    #[arg(long)]
    at: Option<String>,
    /// Print one JSON object per input
    #[arg(long)]
    json: bool,
}

/// Where answers come from.
enum Source {
    Register(Box<Verifier>),
    Folder(Box<Folder>),
}

impl Verify {
    pub(super) async fn run(self) -> anyhow::Result<Exit> {
        let at = match &self.at {
            None => SystemClock.now(),
            Some(text) => match UnixTime::parse_rfc3339(text) {
                Ok(at) => at,
                Err(error) => {
                    complain("--at", &error.to_string());
                    return Ok(Exit::Usage);
                }
            },
        };
        let source = match self.source().await {
            Ok(source) => source,
            Err(error) => {
                complain("what to verify with cannot be read", &with_causes(&error));
                return Ok(Exit::Input);
            }
        };
        let question = Question {
            at,
            viewer: Viewer::Public,
        };
        let mut worst = Exit::Done;
        for input in &self.inputs {
            let exit = match self.answer(&source, input, question).await {
                Ok(exit) => exit,
                // A failure of ours says nothing against the paper.
                Err(error) => {
                    complain(&shortened(input), &with_causes(&error));
                    Exit::Undetermined
                }
            };
            worst = worse(worst, exit);
        }
        Ok(worst)
    }

    async fn source(&self) -> anyhow::Result<Source> {
        let mut anchors = Vec::new();
        for path in &self.anchor {
            let bytes = std::fs::read(path).with_context(|| path.display().to_string())?;
            anchors
                .extend(Certificate::read_all(&bytes).with_context(|| path.display().to_string())?);
        }
        if let Some(dir) = &self.dir {
            let clock = Arc::new(SystemClock);
            let opened = Installation::open(dir, database().as_deref(), clock).await?;
            return Ok(Source::Register(Box::new(opened.verifier(anchors).await?)));
        }
        Ok(Source::Folder(Box::new(match &self.trust {
            Some(folder) => Folder::of(&files(folder)?, anchors)
                .with_context(|| folder.display().to_string())?,
            None => Folder::nothing(anchors),
        })))
    }

    async fn answer(
        &self,
        source: &Source,
        input: &str,
        question: Question,
    ) -> anyhow::Result<Exit> {
        let path = Path::new(input);
        let answered = if path.is_file() {
            let bytes = read_limited(path)?;
            match source {
                Source::Folder(folder) => folder.file(&bytes, question),
                Source::Register(verifier) => match verifier.file(bytes, question).await {
                    Err(VerifyError::File(error)) => Err(error),
                    other => Ok(other?),
                },
            }
        } else {
            Ok(match source {
                Source::Folder(folder) => folder.code(input, question),
                Source::Register(verifier) => verifier.code(input, question).await?,
            })
        };
        Ok(match answered {
            Ok(answered) if is_foreign(&answered) => {
                let why = "neither a file nor a code of this system";
                self.print_unreadable(input, why, Reason::CodeForeign.code());
                Exit::Input
            }
            Ok(answered) => {
                self.print(input, &answered);
                exit_of(&answered)
            }
            Err(error) => {
                self.print_unreadable(input, &error.to_string(), error.code());
                Exit::Input
            }
        })
    }

    fn print(&self, input: &str, answered: &Answered) {
        if self.json {
            let mut json = answered.to_json();
            json["input"] = json!(input);
            println!("{json}");
            return;
        }
        println!("{}: {}", shortened(input), answered.verdict.name());
        let names = [(Answer::Signature, "signature"), (Answer::Status, "status")];
        for (answer, name) in names {
            let outcome = answered.report.answer(answer);
            let reason = outcome
                .reason()
                .map(|code| format!(" ({code})"))
                .unwrap_or_default();
            println!("  {name}: {}{reason}", outcome.name());
        }
        if let Some(state) = answered.report.state() {
            let as_of = answered.report.as_of().map(|at| format!(", as of {at}"));
            println!("  state: {}{}", state.code(), as_of.unwrap_or_default());
            let successor = answered.shown.as_ref().and_then(|shown| shown.successor);
            match successor {
                Some(id) => println!("  replaced by: {}", id.grouped()),
                None if state == State::Superseded => {
                    println!("  replaced: look its code up online to see by what");
                }
                None => {}
            }
        }
        if let Some(shown) = &answered.shown {
            println!("  {} – {}", shown.label.vi, shown.agency.vi);
            if let Some(id) = shown.predecessor {
                println!("  takes the place of: {}", id.grouped());
            }
            for notice in &shown.errata {
                println!(
                    "  erratum: {} ({}, {})",
                    notice.reason, notice.decision, notice.authority
                );
            }
            for field in &shown.fields {
                println!(
                    "  {}: {}",
                    field.label.vi,
                    field.value.vi.replace('\n', "; ")
                );
            }
        }
    }

    fn print_unreadable(&self, input: &str, why: &str, code: &str) {
        if self.json {
            println!("{}", json!({"input": input, "unreadable": code}));
        } else {
            complain(&shortened(input), &format!("{why} ({code})"));
        }
    }
}

/// A text that does not even claim to be a code of this system: nothing to verify.
fn is_foreign(answered: &Answered) -> bool {
    let foreign = Outcome::Undetermined(Reason::CodeForeign);
    answered.report.outcome(CheckKind::Code) == Some(foreign)
        && answered
            .report
            .outcome(CheckKind::DocumentIntegrity)
            .is_none()
}

/// 0 authentic and in force, 1 not, 2 undetermined.
fn exit_of(answered: &Answered) -> Exit {
    match answered.verdict {
        Verdict::Valid => Exit::Done,
        Verdict::Invalid => Exit::No,
        Verdict::Undetermined => Exit::Undetermined,
    }
}

/// Of several inputs the worst one decides.
fn worse(a: Exit, b: Exit) -> Exit {
    let rank = |exit: Exit| match exit {
        Exit::No => 0,
        Exit::Input => 1,
        Exit::Undetermined => 2,
        Exit::Usage => 3,
        Exit::Done => 4,
    };
    if rank(b) < rank(a) { b } else { a }
}

fn read_limited(path: &Path) -> anyhow::Result<Vec<u8>> {
    let file = std::fs::File::open(path).with_context(|| path.display().to_string())?;
    let mut bytes = Vec::new();
    file.take(limits::PDF_FILE as u64 + 1)
        .read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// Every file below a folder.
fn files(folder: &Path) -> anyhow::Result<Vec<Vec<u8>>> {
    let mut all = Vec::new();
    let entries = std::fs::read_dir(folder).with_context(|| folder.display().to_string())?;
    for entry in entries {
        let path = entry?.path();
        if path.is_dir() {
            all.extend(files(&path)?);
        } else if std::fs::metadata(&path)?.len() <= limits::TRUST_BUNDLE as u64 {
            all.push(std::fs::read(&path)?);
        }
    }
    Ok(all)
}

/// Codes are long; their beginning says which one it is.
fn shortened(input: &str) -> String {
    match input.char_indices().nth(60) {
        Some((at, _)) => format!("{}…", &input[..at]),
        None => input.to_owned(),
    }
}

fn complain(what: &str, why: &str) {
    // Standard error may be closed; the exit code still says it.
    let _ = writeln!(std::io::stderr(), "dauso: {what}: {why}");
}
