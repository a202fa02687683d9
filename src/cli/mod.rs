//! The command line: one file per command, and the only place that prints.

#![expect(
    clippy::print_stdout,
    reason = "what a command answers goes to standard output"
)]

mod account;
mod agency;
mod audit;
mod backup;
mod batch;
mod bench;
mod demo;
mod find;
mod healthcheck;
mod init;
mod issue;
mod keys;
mod requests;
mod samples;
mod serve;
mod status;
mod supersede;
mod verify;

use crate::access::{Caller, Role};
use crate::app::{ACTOR, Installation};
use crate::clock::{Clock as _, SystemClock};
use crate::digest::Sha256;
use crate::lifecycle::Move;
use crate::private::Private;
use anyhow::Context as _;
use clap::{Args, Parser, Subcommand};
use std::io::Write as _;
use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::process::ExitCode;
use std::thread::available_parallelism;
use tokio::runtime::{Builder, Runtime};

/// Digital seal: electronic results of administrative procedures that anybody can check.
#[derive(Parser)]
#[command(name = "dauso", version, about, arg_required_else_help = true)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Everything in one process: demo keys, agencies, accounts and sample results; prints links, serves
    Demo(demo::Demo),
    /// Serve an installation
    Serve(serve::Serve),
    /// Make a data directory: keys, trust, database
    Init(init::Init),
    /// Agencies
    #[command(subcommand)]
    Agency(agency::Agency),
    /// Accounts and their API keys
    #[command(subcommand)]
    Account(account::Account),
    /// Issue one result, or a list of them
    Issue(issue::Issue),
    /// Find results by number, plate or row id
    Find(find::Find),
    /// Check signed PDFs, pictures with a QR, or the text of a QR
    Verify(verify::Verify),
    /// Revoke a result for good (thu hồi)
    Revoke(status::Change),
    /// Take a document back that should not have gone out so (thu hồi văn bản)
    Recall(status::Change),
    /// Suspend a result until the end of a day (tạm đình chỉ)
    Suspend(status::Suspend),
    /// End a suspension (khôi phục)
    Reinstate(status::Change),
    /// Cancel a result that was issued by mistake (hủy hiệu lực)
    Cancel(status::Change),
    /// Note that its holder gave a result back (nộp lại)
    Surrender(status::Change),
    /// Issue a new result in the place of another (thay thế)
    Supersede(supersede::Supersede),
    /// Attach a notice about a fault of form; the result stays as it stands (đính chính)
    Erratum(status::Change),
    /// List the changes that wait for a second person
    Requests(requests::Requests),
    /// Confirm a change that somebody else asked for
    Approve(requests::Approve),
    /// Reject a change that somebody else asked for
    Reject(requests::Reject),
    /// Who did what, the newest first
    Audit(audit::Audit),
    /// Keys: make, list, import, retire, CSR
    #[command(subcommand)]
    Keys(keys::Keys),
    /// Make a back-up of an installation, also while it serves
    Backup(backup::Backup),
    /// Make an installation of a back-up, or check either
    Restore(backup::Restore),
    /// Measure the published figures on this machine
    Bench(bench::Bench),
    /// Ask a running service whether it is ready; for containers
    Healthcheck(healthcheck::Healthcheck),
}

/// The database that the environment names, if it names one.
fn database() -> Option<String> {
    std::env::var("DATABASE_URL")
        .ok()
        .filter(|url| !url.is_empty())
}

/// Whoever may read the keys of an installation acts as registrar of its agencies.
fn operator(agency: &str) -> Caller {
    Caller {
        account: ACTOR.to_owned(),
        role: Role::Registrar,
        agency: agency.to_owned(),
    }
}

/// Who acts. The command line is one person: for a second one it needs the key of an account.
#[derive(Args)]
struct Actor {
    /// File with the API key of the account that acts; the command line itself if absent
    #[arg(long)]
    key: Option<PathBuf>,
}

impl Actor {
    /// The caller; `None` when the key opens nothing.
    async fn at(&self, opened: &Installation, agency: &str) -> anyhow::Result<Option<Caller>> {
        let Some(path) = &self.key else {
            return Ok(Some(operator(agency)));
        };
        let key = std::fs::read_to_string(path).with_context(|| path.display().to_string())?;
        let key = Private::new(key);
        let digest = Sha256::of(key.expose().trim().as_bytes());
        let mut tx = opened.store().read().await?;
        Ok(tx.caller(&digest, SystemClock.now()).await?)
    }

    /// The key opens nothing.
    fn unknown() -> Exit {
        refuse(Exit::Input, "the key opens nothing (auth/unknown-key)")
    }
}

/// Says why the input is refused.
fn refuse(exit: Exit, why: &str) -> Exit {
    // Standard error may be closed; the exit code still says it.
    let _ = writeln!(std::io::stderr(), "dauso: {why}");
    exit
}

/// Refuses the input by the code of an error; one without a code is a failure of ours.
fn complain_of(
    code: Option<&'static str>,
    error: impl std::error::Error + Send + Sync + 'static,
) -> anyhow::Result<Exit> {
    match code {
        Some(code) => Ok(refuse(Exit::Input, &format!("{error} ({code})"))),
        None => Err(error.into()),
    }
}

/// How a command ended.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Exit {
    /// Done; for `verify`: authentic and in force.
    Done,
    /// `verify`: forged, altered, or not in force. Elsewhere: refused or failed.
    No,
    /// `verify`: undetermined.
    Undetermined,
    /// The arguments are not those of the command (EX_USAGE).
    Usage,
    /// The input cannot be read or is refused, of a list at least one row (EX_DATAERR).
    Input,
    /// Stopped by Ctrl-C or SIGTERM between two rows (128 + SIGINT).
    Interrupted,
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(match exit {
            Exit::Done => 0,
            Exit::No => 1,
            Exit::Undetermined => 2,
            Exit::Usage => 64,
            Exit::Input => 65,
            Exit::Interrupted => 130,
        })
    }
}

/// Runs the command that the arguments name.
#[must_use]
pub fn run() -> ExitCode {
    let arguments = match Arguments::try_parse() {
        Ok(arguments) => arguments,
        Err(error) => {
            // Printing help or an error cannot be reported anywhere else when it fails.
            let _ = error.print();
            return if error.use_stderr() {
                Exit::Usage.into()
            } else {
                Exit::Done.into()
            };
        }
    };
    let runtime = match runtime(&arguments.command) {
        Ok(runtime) => runtime,
        Err(error) => return complain(&anyhow::Error::from(error)),
    };
    match runtime.block_on(execute(arguments.command)) {
        Ok(exit) => exit.into(),
        Err(error) => complain(&error),
    }
}

/// What the program runs on. Each thread that ever blocked keeps memory of its own: a list of results is issued
/// with as many as it has use for, whatever its length.
fn runtime(command: &Command) -> std::io::Result<Runtime> {
    let mut builder = Builder::new_multi_thread();
    if let Command::Issue(_) = command {
        let cores = available_parallelism().map_or(1, NonZeroUsize::get);
        builder.max_blocking_threads(2 * cores);
    }
    builder.enable_all().build()
}

async fn execute(command: Command) -> anyhow::Result<Exit> {
    match command {
        Command::Demo(demo) => demo.run().await,
        Command::Serve(serve) => serve.run().await,
        Command::Init(init) => init.run().await,
        Command::Agency(agency) => agency.run().await,
        Command::Account(account) => account.run().await,
        Command::Issue(issue) => issue.run().await,
        Command::Find(find) => find.run().await,
        Command::Verify(verify) => verify.run().await,
        Command::Revoke(change) => change.decide(Move::Revoke).await,
        Command::Recall(change) => change.decide(Move::Recall).await,
        Command::Suspend(suspend) => suspend.run().await,
        Command::Reinstate(change) => change.decide(Move::Reinstate).await,
        Command::Cancel(change) => change.decide(Move::Cancel).await,
        Command::Surrender(change) => change.decide(Move::Surrender).await,
        Command::Supersede(supersede) => supersede.run().await,
        Command::Erratum(change) => change.decide(Move::Correct).await,
        Command::Requests(requests) => requests.run().await,
        Command::Approve(approve) => approve.run().await,
        Command::Reject(reject) => reject.run().await,
        Command::Audit(audit) => audit.run().await,
        Command::Keys(keys) => keys.run().await,
        Command::Backup(backup) => backup.run().await,
        Command::Restore(restore) => restore.run().await,
        Command::Bench(bench) => bench.run().await,
        Command::Healthcheck(check) => check.run().await,
    }
}

/// Says on standard error why a command failed.
fn complain(error: &anyhow::Error) -> ExitCode {
    // Standard error may be closed; the exit code still says it.
    let _ = writeln!(std::io::stderr(), "dauso: {}", with_causes(error));
    Exit::No.into()
}

/// An error and its causes in one line, without those that the words before name already.
fn with_causes(error: &anyhow::Error) -> String {
    let mut said = String::new();
    for cause in error.chain().map(ToString::to_string) {
        if said.is_empty() {
            said = cause;
        } else if !said.contains(&cause) {
            said = format!("{said}: {cause}");
        }
    }
    said
}
