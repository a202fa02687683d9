//! What callers were told, and whether the register and the folder of the documents still say the same.

use crate::judges::run;
use crate::support::serving::Site;
use dauso::digest::Sha256;
use sqlx::{AnyConnection, Connection as _, Row as _};
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

/// One acknowledged request: what it made, and where the log says so.
#[derive(Clone, Debug)]
pub(crate) struct Told {
    pub(crate) id: String,
    pub(crate) index: u64,
    pub(crate) leaf: String,
}

/// Everything that was acknowledged.
#[derive(Debug, Default)]
pub(crate) struct Ledger {
    /// Results, with the key that the request had.
    pub(crate) results: Vec<(Told, String)>,
    pub(crate) numbers: Vec<String>,
    /// Text of their QR, for checks.
    pub(crate) codes: Vec<String>,
    pub(crate) checks: Vec<Told>,
    /// Revocations by the result.
    pub(crate) revoked: Vec<Told>,
    /// Revocations that were done, as a second attempt learned.
    pub(crate) found_revoked: Vec<String>,
}

/// Compares what was told with what is there. Nothing else may be writing.
pub(crate) fn audit(site: &Site, ledger: &Ledger) {
    let runtime = tokio::runtime::Builder::new_current_thread();
    let runtime = { runtime }.enable_all().build().unwrap();
    runtime.block_on(async {
        sqlx::any::install_default_drivers();
        let mut register = AnyConnection::connect(&site.url()).await.unwrap();
        let log = log(&mut register).await;
        let documents = records(&mut register, &log, ledger).await;
        told(&log, ledger);
        files(&site.installed.dir().join("documents"), &documents);
        if site.database.is_none() {
            let sql = "SELECT integrity_check FROM pragma_integrity_check";
            assert_eq!(texts(&mut register, sql).await, ["ok"]);
        }
        register.close().await.unwrap();
    });
}

async fn texts(register: &mut AnyConnection, sql: &'static str) -> Vec<String> {
    let rows = sqlx::query(sql).fetch_all(register).await.unwrap();
    rows.iter().map(|row| row.get(0)).collect()
}

async fn pairs(register: &mut AnyConnection, sql: &'static str) -> Vec<(String, u64)> {
    let rows = sqlx::query(sql).fetch_all(register).await.unwrap();
    let pair = |row: &sqlx::any::AnyRow| (row.get(0), u64::try_from(row.get::<i64, _>(1)).unwrap());
    rows.iter().map(pair).collect()
}

/// Kind and leaf hash by place. The places have no gap, the hashes are those of the leaves, the times never
/// run back.
async fn log(register: &mut AnyConnection) -> Vec<(String, String)> {
    let sql = "SELECT leaf_index, kind, leaf, leaf_hash, at FROM log_entries ORDER BY leaf_index";
    let rows = sqlx::query(sql).fetch_all(&mut *register).await.unwrap();
    let mut latest = 0;
    let mut log = Vec::new();
    for (place, row) in rows.iter().enumerate() {
        assert_eq!(
            usize::try_from(row.get::<i64, _>(0)),
            Ok(place),
            "a gap in the log"
        );
        let (leaf, hash): (Vec<u8>, Vec<u8>) = (row.get(2), row.get(3));
        let hash = dauso::digest::hex(&hash);
        // RFC 6962 §2.1, by hand.
        assert_eq!(Sha256::of_parts(&[&[0], &leaf]).hex(), hash, "leaf {place}");
        let at: i64 = row.get(4);
        assert!(at >= latest, "the time of leaf {place} runs back");
        latest = at;
        log.push((row.get(1), hash));
    }
    let sql = "SELECT 'size', size FROM log_head";
    let size = pairs(register, sql).await[0].1;
    assert_eq!(usize::try_from(size), Ok(log.len()));
    log
}

/// Digests of the documents that have a record. Every leaf belongs to one record, every record to a leaf of
/// its kind; no number is given twice, no decision is half there.
async fn records(
    register: &mut AnyConnection,
    log: &[(String, String)],
    ledger: &Ledger,
) -> BTreeSet<String> {
    let results = pairs(register, "SELECT id, leaf_index FROM results").await;
    let changes = pairs(register, "SELECT result_id, leaf_index FROM status_changes").await;
    let checks = pairs(register, "SELECT id, leaf_index FROM checks").await;
    let mut kinds = BTreeMap::new();
    for (kind, records) in [
        ("issued", &results),
        ("status_changed", &changes),
        ("checked", &checks),
    ] {
        for (id, place) in records {
            assert_eq!(
                kinds.insert(*place, kind),
                None,
                "two records at leaf {place}"
            );
            let at = usize::try_from(*place).unwrap();
            assert_eq!(log[at].0, kind, "leaf {place} of {id}");
        }
    }
    let bundles = log.iter().filter(|(kind, _)| kind == "bundle_published");
    assert_eq!(
        kinds.len() + bundles.count(),
        log.len(),
        "a leaf without a record"
    );

    let of = |records: &[(String, u64)]| -> BTreeMap<String, u64> {
        let found: BTreeMap<String, u64> = records.iter().cloned().collect();
        assert_eq!(found.len(), records.len(), "two records of one thing");
        found
    };
    let (results, changes, checks) = (of(&results), of(&changes), of(&checks));
    for (found, told) in [
        (
            &results,
            ledger
                .results
                .iter()
                .map(|(told, _)| told)
                .collect::<Vec<_>>(),
        ),
        (&changes, ledger.revoked.iter().collect()),
        (&checks, ledger.checks.iter().collect()),
    ] {
        for told in told {
            assert_eq!(
                found.get(&told.id),
                Some(&told.index),
                "was acknowledged: {told:?}"
            );
        }
    }
    let sql = "SELECT id FROM results WHERE status = 'revoked'";
    let revoked: BTreeSet<String> = texts(register, sql).await.into_iter().collect();
    let decided: BTreeSet<String> = changes.keys().cloned().collect();
    assert_eq!(revoked, decided, "half a status change");
    assert!(ledger.found_revoked.iter().all(|id| revoked.contains(id)));

    let sql = "SELECT row_id FROM results WHERE (SELECT COUNT(*) FROM audit
               WHERE action = 'result.issue' AND subject = row_id) <> 1";
    assert_eq!(
        texts(register, sql).await,
        [] as [String; 0],
        "without its audit line"
    );
    let sql = "SELECT agency_code || ' ' || result_type || ' ' || number_text FROM results";
    let numbers = texts(register, sql).await;
    let distinct: BTreeSet<&String> = numbers.iter().collect();
    assert_eq!(distinct.len(), numbers.len(), "a number twice");
    let told: BTreeSet<&String> = ledger.numbers.iter().collect();
    assert_eq!(told.len(), ledger.numbers.len(), "a number was told twice");
    let sql = "SELECT idempotency_key FROM answers";
    let kept: BTreeSet<String> = texts(register, sql).await.into_iter().collect();
    for (told, key) in &ledger.results {
        assert!(kept.contains(key), "no kept answer: {told:?}");
    }

    let sql = "SELECT document FROM results WHERE document IS NOT NULL
               UNION SELECT seal_image FROM agencies WHERE seal_image IS NOT NULL";
    let rows = sqlx::query(sql).fetch_all(register).await.unwrap();
    let digest = |row: &sqlx::any::AnyRow| dauso::digest::hex(&row.get::<Vec<u8>, _>(0));
    rows.iter().map(digest).collect()
}

/// Every acknowledgement names the leaf that stands there.
fn told(log: &[(String, String)], ledger: &Ledger) {
    let results = ledger.results.iter().map(|(told, _)| told);
    for told in results.chain(&ledger.checks).chain(&ledger.revoked) {
        let place = usize::try_from(told.index).unwrap();
        assert_eq!(log[place].1, told.leaf, "{told:?}");
    }
}

/// Every record has its document and every document its record; nothing is half-written.
fn files(documents: &Path, recorded: &BTreeSet<String>) {
    let found = shelved(documents);
    let names: BTreeSet<&String> = found.keys().collect();
    let records: BTreeSet<&String> = recorded.iter().collect();
    let without_file: Vec<_> = records.difference(&names).collect();
    assert!(
        without_file.is_empty(),
        "records without their PDFs: {without_file:?}"
    );
    let without_record: Vec<_> = names.difference(&records).collect();
    assert!(
        without_record.is_empty(),
        "PDFs without records: {without_record:?}"
    );
    for (name, path) in &found {
        assert_eq!(Sha256::of(&fs::read(path).unwrap()).hex(), **name);
    }
    let staged = staged(documents);
    assert!(staged.is_empty(), "left behind: {staged:?}");
}

/// The documents under their lasting names.
pub(crate) fn shelved(documents: &Path) -> BTreeMap<String, PathBuf> {
    let mut found = BTreeMap::new();
    for shelf in fs::read_dir(documents)
        .unwrap()
        .map(|entry| entry.unwrap().path())
    {
        if shelf.file_name().is_some_and(|name| name == "new") {
            continue;
        }
        for file in fs::read_dir(&shelf).unwrap() {
            let file = file.unwrap();
            found.insert(file.file_name().into_string().unwrap(), file.path());
        }
    }
    found
}

/// What stands below `new/`, but for locks.
pub(crate) fn staged(documents: &Path) -> Vec<PathBuf> {
    let Ok(folders) = fs::read_dir(documents.join("new")) else {
        return Vec::new();
    };
    let folders = folders.map(|entry| entry.unwrap().path());
    let files = folders.flat_map(|folder| fs::read_dir(folder).into_iter().flatten());
    let paths = files.map(|entry| entry.unwrap().path());
    paths.filter(|path| !path.ends_with("lock")).collect()
}

/// Other people's programs open the documents.
pub(crate) fn open_all(documents: &Path) -> usize {
    let pdfs: Vec<PathBuf> = shelved(documents)
        .into_values()
        .filter(|path| fs::read(path).unwrap().starts_with(b"%PDF"))
        .collect();
    for path in &pdfs {
        let checked = run("qpdf", &["--check", path.to_str().unwrap()]);
        assert!(checked.status.success(), "{}: {checked:?}", path.display());
    }
    pdfs.len()
}
