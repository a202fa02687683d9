//! SQLite's write-ahead log: brought into the file beside the commits, and never longer than it should be.

use super::samples::now;
use crate::support::stores::{Kind, Register};
use dauso::store::{AuditEntry, Store, StoreError};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};
use uuid::Uuid;

fn line(detail: String) -> AuditEntry {
    AuditEntry {
        id: Uuid::now_v7(),
        at: now(),
        actor: "registrar".into(),
        action: "issue".into(),
        subject: None,
        detail,
    }
}

/// The file of a register on SQLite.
fn file(register: &Register) -> PathBuf {
    let path = register.url.strip_prefix("sqlite://").unwrap();
    PathBuf::from(path)
}

/// Lines of the audit that the file has without its log.
async fn in_the_file(register: &Register, aside: &Path) -> usize {
    let copy = aside.join(Uuid::now_v7().to_string());
    std::fs::copy(file(register), &copy).unwrap();
    let store = Store::open(&format!("sqlite://{}", copy.display())).await;
    let Ok(store) = store else {
        // Copied while it was written.
        return 0;
    };
    let lines = store.read().await.unwrap().audit(None, 1_000).await;
    store.close().await;
    lines.map_or(0, |lines| lines.len())
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_committed_comes_into_the_file_while_the_service_runs() {
    let register = Register::open(Kind::Sqlite).await;
    let aside = tempfile::tempdir().unwrap();
    for _ in 0..200 {
        let wrote = register.store.run(|mut tx| async move {
            tx.append_audit(&line("{}".into())).await?;
            Ok::<_, StoreError>((tx, ()))
        });
        wrote.await.unwrap();
    }
    // Far fewer pages than a commit would bring in by itself.
    let begun = Instant::now();
    while in_the_file(&register, aside.path()).await < 150 {
        assert!(
            begun.elapsed() < Duration::from_secs(20),
            "it stays in the log"
        );
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    register.store.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_log_keeps_its_size_however_much_is_written_at_once() {
    let register = Register::open(Kind::Sqlite).await;
    let mut longest = 0;
    for _ in 0..96 {
        let mut tx = register.store.begin().await.unwrap();
        tx.append_audit(&line("x".repeat(1 << 20))).await.unwrap();
        tx.commit().await.unwrap();
        let log = file(&register).with_extension("db-wal");
        longest = longest.max(std::fs::metadata(log).unwrap().len());
    }
    assert!((30 << 20..36 << 20).contains(&longest), "{longest} bytes");
    register.store.close().await;
}
