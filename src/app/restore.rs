//! Checking a back-up or an installation, and making an installation of a back-up.
//!
//! Checked are, in this order: the digest of every file; the database; every leaf of the log against its
//! hash, without a gap; every result against its leaf and its document. The first thing that is wrong is
//! named.

use super::Installation;
use super::backup::{BackupError, Kept, Manifest, PAGE, digest_of};
use crate::clock::SystemClock;
use crate::config::Config;
use crate::digest::Sha256;
use crate::store::Store;
use crate::store::documents::{Documents, Original};
use crate::tlog;
use anyhow::{Context as _, ensure};
use std::collections::{BTreeSet, HashMap};
use std::fs;
use std::path::{Component, Path};
use std::sync::Arc;

/// Where documents are looked for.
enum Held<'a> {
    /// In a back-up, whose documents were compared with their names already.
    Listed(&'a BTreeSet<Sha256>),
    Kept(&'a Documents),
}

impl Held<'_> {
    async fn has(&self, name: Sha256) -> anyhow::Result<bool> {
        Ok(match self {
            Self::Listed(names) => names.contains(&name),
            Self::Kept(documents) => documents.is_whole(name).await?,
        })
    }
}

/// Checks a back-up where it lies, without changing it. `seen` is the highest leaf that anybody holds a
/// receipt for.
///
/// # Errors
/// [`BackupError`] with the first thing that is wrong.
pub async fn check_backup(folder: &Path, seen: Option<u64>) -> anyhow::Result<Kept> {
    let manifest = read_manifest(folder)?;
    let documents = check_files(folder, &manifest)?;
    let kept = manifest.kept();
    if manifest.register == Manifest::REGISTER {
        // Opening a database may write to its file.
        let place = tempfile::tempdir()?;
        let copy = place.path().join(Manifest::REGISTER);
        fs::copy(folder.join(Manifest::REGISTER), &copy)?;
        let register = Store::open(&format!("sqlite:{}", copy.display())).await;
        let register = register.map_err(|_| BackupError::Database)?;
        let checked = check_register(&register, &Held::Listed(&documents), seen).await;
        register.close().await;
        let (results, log_size) = checked?;
        let same = (Some(results), Some(log_size)) == (kept.results, kept.log_size);
        ensure!(same, BackupError::Damaged(Manifest::NAME.to_owned()));
    }
    Ok(kept)
}

/// Makes an installation of a back-up in a directory that is not there or empty. A register on PostgreSQL
/// was restored by `pg_restore` before.
///
/// # Errors
/// [`BackupError`]; the directory is left as it was then.
pub async fn restore(
    folder: &Path,
    dir: &Path,
    database: Option<&str>,
    seen: Option<u64>,
) -> anyhow::Result<Kept> {
    let empty = !dir.exists() || fs::read_dir(dir)?.next().is_none();
    ensure!(empty, BackupError::NotEmpty(dir.display().to_string()));
    let kept = check_backup(folder, seen).await?;
    let manifest = read_manifest(folder)?;
    let parent = dir.parent().filter(|parent| !parent.as_os_str().is_empty());
    let parent = parent.unwrap_or(Path::new("."));
    let making = tempfile::Builder::new()
        .prefix(".restore-")
        .tempdir_in(parent)?;
    let made = making.path();
    for part in Manifest::FOLDERS {
        fs::create_dir_all(made.join(part))?;
    }
    for listed in &manifest.files {
        let own = matches!(
            listed.path.as_str(),
            Manifest::DOCUMENTS | Manifest::REGISTER | Manifest::DUMP
        );
        if !own {
            let target = made.join(&listed.path);
            if let Some(parent) = target.parent() {
                fs::create_dir_all(parent)?;
            }
            fs::copy(folder.join(&listed.path), target)?;
        }
    }
    if manifest.register == Manifest::REGISTER {
        let config = Config::read(&made.join(Config::FILE))?;
        let url = database.map_or_else(|| config.database_url(made), str::to_owned);
        let path = url
            .strip_prefix("sqlite:")
            .context("the back-up holds a SQLite register, the configuration names another")?;
        let path = Path::new(path.strip_prefix("//").unwrap_or(path));
        ensure!(
            !path.exists(),
            BackupError::NotEmpty(path.display().to_string())
        );
        fs::copy(folder.join(Manifest::REGISTER), path)?;
        fs::File::open(path)?.sync_all()?;
    }
    fs::create_dir_all(made.join("documents"))?;
    let opened = Installation::open(made, database, Arc::new(SystemClock)).await?;
    for name in listed_documents(folder)? {
        let original = Original::open(&Manifest::document(folder, name))?;
        let draft = opened.documents.draft(&original).await?;
        opened.documents.put(draft).await?;
    }
    opened.store.close().await;
    if dir.exists() {
        fs::remove_dir(dir)?;
    }
    fs::rename(making.keep(), dir)?;
    fs::File::open(parent)?.sync_all()?;
    Ok(kept)
}

impl Installation {
    /// Checks the register of an installation against its log and its documents.
    ///
    /// # Errors
    /// [`BackupError`] with the first thing that is wrong.
    pub async fn check(&self, seen: Option<u64>) -> anyhow::Result<Kept> {
        let held = Held::Kept(&self.documents);
        let (results, log_size) = check_register(&self.store, &held, seen).await?;
        Ok(Kept {
            results: Some(results),
            log_size: Some(log_size),
            documents: 0,
        })
    }
}

fn read_manifest(folder: &Path) -> anyhow::Result<Manifest> {
    let text = fs::read(folder.join(Manifest::NAME)).map_err(|_| BackupError::NoManifest)?;
    let manifest: Manifest = serde_json::from_slice(&text).map_err(|_| BackupError::NoManifest)?;
    ensure!(manifest.format == Manifest::FORMAT, BackupError::Format);
    let is_plain = |path: &str| {
        let mut parts = Path::new(path).components();
        parts.all(|part| matches!(part, Component::Normal(_)))
    };
    let plain = manifest.files.iter().all(|listed| is_plain(&listed.path));
    ensure!(plain, BackupError::Damaged(Manifest::NAME.to_owned()));
    for needed in [
        manifest.register.as_str(),
        Manifest::DOCUMENTS,
        Config::FILE,
    ] {
        let there = manifest.files.iter().any(|listed| listed.path == needed);
        ensure!(there, BackupError::Missing(needed.to_owned()));
    }
    Ok(manifest)
}

/// Compares every file with its digest, and every document with its name.
fn check_files(folder: &Path, manifest: &Manifest) -> anyhow::Result<BTreeSet<Sha256>> {
    for listed in &manifest.files {
        let found = digest_of(&folder.join(&listed.path));
        let (digest, bytes) = found.map_err(|_| BackupError::Missing(listed.path.clone()))?;
        let same = digest.hex() == listed.sha256 && bytes == listed.bytes;
        ensure!(same, BackupError::Damaged(listed.path.clone()));
    }
    let names = listed_documents(folder)?;
    for name in &names {
        let named = || format!("documents/{}", name.hex());
        let found = digest_of(&Manifest::document(folder, *name));
        let (digest, _) = found.map_err(|_| BackupError::Missing(named()))?;
        ensure!(digest == *name, BackupError::Damaged(named()));
    }
    let all = names.len() as u64 == manifest.documents;
    ensure!(all, BackupError::Damaged(Manifest::DOCUMENTS.to_owned()));
    Ok(names.into_iter().collect())
}

fn listed_documents(folder: &Path) -> anyhow::Result<Vec<Sha256>> {
    let text = fs::read_to_string(folder.join(Manifest::DOCUMENTS))?;
    let names: Option<Vec<Sha256>> = text.lines().map(Sha256::parse_hex).collect();
    names.ok_or_else(|| BackupError::Damaged(Manifest::DOCUMENTS.to_owned()).into())
}

/// The number of results and of leaves, when everything fits.
async fn check_register(
    register: &Store,
    held: &Held<'_>,
    seen: Option<u64>,
) -> anyhow::Result<(u64, u64)> {
    ensure!(
        register.is_sound().await.unwrap_or(false),
        BackupError::Database
    );
    let mut tx = register.read().await?;
    let size = tx.log_size().await?;
    if let Some(seen) = seen {
        ensure!(seen < size, BackupError::Older { has: size, seen });
    }
    let agencies = tx.agencies().await?.into_iter();
    let issuers: HashMap<String, String> = agencies
        .map(|agency| (agency.code, agency.issuer))
        .collect();
    let (mut at, mut logged) = (0, 0);
    while at < size {
        let end = (at + u64::from(PAGE)).min(size);
        let leaves = tx.leaves(at..end).await?;
        let mut results = HashMap::new();
        for one in tx.results_from_leaf(at, PAGE).await? {
            results.insert(one.issued.leaf_index, one.issued);
        }
        for (expected, stored) in
            (at..end).zip(leaves.iter().map(Some).chain(std::iter::repeat(None)))
        {
            let stored = stored.filter(|stored| stored.index == expected);
            let leaf = &stored.ok_or(BackupError::Log(expected))?.leaf;
            let hash = Sha256::of_parts(&[&[0], &leaf.bytes]);
            ensure!(hash == leaf.hash, BackupError::Log(expected));
            let is_issue = leaf.kind == tlog::Kind::Issued.name();
            logged += u64::from(is_issue);
            let Some(issued) = results.get(&expected) else {
                continue;
            };
            let issuer = issuers.get(&issued.agency).map(String::as_str);
            // The log may have given it a later time than that of its issue.
            let own = issued.leaf(issuer.unwrap_or_default()).not_before(leaf.at);
            ensure!(
                is_issue && own.bytes() == leaf.bytes,
                BackupError::Result(expected)
            );
            if let Some(document) = issued.document {
                let there = held.has(document).await.unwrap_or(false);
                ensure!(there, BackupError::Document(expected));
            }
        }
        at = end;
    }
    let has = tx.result_count().await?;
    ensure!(has == logged, BackupError::Results { has, logged });
    Ok((has, size))
}
