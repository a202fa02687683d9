//! `dauso backup` and `dauso restore`.

use super::{Exit, database};
use crate::app::{BackupError, Installation, Kept, check_backup, restore};
use crate::clock::SystemClock;
use clap::Args;
use std::io::Write as _;
use std::path::PathBuf;
use std::sync::Arc;

#[derive(Args)]
pub(super) struct Backup {
    /// The data directory; it may be in use
    #[arg(long)]
    dir: PathBuf,
    /// The folder to make; it must not be there yet
    #[arg(long)]
    out: PathBuf,
    /// For a register on PostgreSQL: what pg_dump wrote just before
    #[arg(long)]
    dump: Option<PathBuf>,
}

#[derive(Args)]
pub(super) struct Restore {
    /// The back-up
    #[arg(long, required_unless_present = "dir")]
    from: Option<PathBuf>,
    /// The directory to restore to, empty or not there; without --from the installation to check
    #[arg(long, required_unless_present = "verify")]
    dir: Option<PathBuf>,
    /// Check every digest, the database, and every result against its log leaf and its document; without
    /// --dir nothing is restored
    #[arg(long)]
    verify: bool,
    /// The highest log index that anybody holds a receipt for; a register without it is refused
    #[arg(long, value_name = "LEAF")]
    seen: Option<u64>,
}

impl Backup {
    pub(super) async fn run(self) -> anyhow::Result<Exit> {
        let clock = Arc::new(SystemClock);
        let opened = Installation::open(&self.dir, database().as_deref(), clock).await?;
        let made = opened.back_up(&self.out, self.dump.as_deref()).await;
        answer(made, || {
            println!("Không có mật khẩu của khóa trong bản sao lưu; giữ nó ở nơi khác");
            println!("The passphrase of the keys is not in the back-up; keep it elsewhere");
        })
    }
}

impl Restore {
    pub(super) async fn run(self) -> anyhow::Result<Exit> {
        let url = database();
        let url = url.as_deref();
        let done = match (&self.from, &self.dir) {
            (Some(from), None) => check_backup(from, self.seen).await,
            (Some(from), Some(dir)) => {
                let restored = restore(from, dir, url, self.seen).await;
                match restored {
                    Ok(_) if self.verify => self.check(dir).await,
                    restored => restored,
                }
            }
            (None, Some(dir)) if self.verify => self.check(dir).await,
            _ => {
                // Standard error may be closed; the exit code still says it.
                let _ = writeln!(std::io::stderr(), "dauso: --from says what to restore");
                return Ok(Exit::Usage);
            }
        };
        answer(done, || ())
    }

    async fn check(&self, dir: &std::path::Path) -> anyhow::Result<Kept> {
        let clock = Arc::new(SystemClock);
        let opened = Installation::open(dir, database().as_deref(), clock).await?;
        opened.check(self.seen).await
    }
}

fn answer(done: anyhow::Result<Kept>, more: impl FnOnce()) -> anyhow::Result<Exit> {
    match done {
        Ok(kept) => {
            if let (Some(results), Some(leaves)) = (kept.results, kept.log_size) {
                println!(
                    "{results} kết quả, {leaves} lá nhật ký / {results} results, {leaves} log leaves"
                );
            }
            more();
            Ok(Exit::Done)
        }
        Err(error) => match error.downcast_ref::<BackupError>() {
            Some(refused) => {
                // Standard error may be closed; the exit code still says it.
                let _ = writeln!(std::io::stderr(), "dauso: {refused} ({})", refused.code());
                Ok(Exit::Input)
            }
            None => Err(error),
        },
    }
}
