//! The command line: one file per command, and the only place that prints.

#![expect(
    clippy::print_stdout,
    reason = "what a command answers goes to standard output"
)]

mod account;
mod agency;
mod audit;
mod bench;
mod demo;
mod healthcheck;
mod init;
mod issue;
mod keys;
mod samples;
mod serve;
mod status;
mod verify;

use crate::access::{Caller, Role};
use clap::{Parser, Subcommand};
use std::io::Write as _;
use std::process::ExitCode;

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
    /// Issue one result
    Issue(issue::Issue),
    /// Check signed PDFs, pictures with a QR, or the text of a QR
    Verify(verify::Verify),
    /// Revoke a result for good
    Revoke(status::Change),
    /// Suspend a result until the end of a day
    Suspend(status::Suspend),
    /// End a suspension
    Reinstate(status::Change),
    /// Who did what, the newest first
    Audit(audit::Audit),
    /// Keys: make, list, import, retire, CSR
    #[command(subcommand)]
    Keys(keys::Keys),
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
        account: "command-line".to_owned(),
        role: Role::Registrar,
        agency: agency.to_owned(),
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
    /// The input cannot be read or is refused (EX_DATAERR).
    Input,
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(match exit {
            Exit::Done => 0,
            Exit::No => 1,
            Exit::Undetermined => 2,
            Exit::Usage => 64,
            Exit::Input => 65,
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
    let runtime = match tokio::runtime::Runtime::new() {
        Ok(runtime) => runtime,
        Err(error) => return complain(&anyhow::Error::from(error)),
    };
    match runtime.block_on(execute(arguments.command)) {
        Ok(exit) => exit.into(),
        Err(error) => complain(&error),
    }
}

async fn execute(command: Command) -> anyhow::Result<Exit> {
    match command {
        Command::Demo(demo) => demo.run().await,
        Command::Serve(serve) => serve.run().await,
        Command::Init(init) => init.run().await,
        Command::Agency(agency) => agency.run().await,
        Command::Account(account) => account.run().await,
        Command::Issue(issue) => issue.run().await,
        Command::Verify(verify) => verify.run().await,
        Command::Revoke(change) => change.revoke().await,
        Command::Suspend(suspend) => suspend.run().await,
        Command::Reinstate(change) => change.reinstate().await,
        Command::Audit(audit) => audit.run().await,
        Command::Keys(keys) => keys.run().await,
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
