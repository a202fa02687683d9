//! Back-ups of an installation: a folder with the register at one moment, the documents, keys, trust,
//! catalogue and configuration, and a manifest of digests that is written last.
//!
//! The register is copied first, then the documents that it names: those were kept before their result was
//! entered, so each is there. The passphrase of the keys is left out; it belongs on another medium.

use super::{Installation, Replacing, replace};
use crate::clock::{Clock as _, SystemClock};
use crate::config::Config;
use crate::digest::{Running, Sha256};
use crate::store::Store;
use anyhow::{Context as _, ensure};
use serde::{Deserialize, Serialize};
use std::fs::{self, File};
use std::io::{BufRead as _, BufReader, Write as _};
use std::path::{Path, PathBuf};

/// What stands in a back-up, and its digests.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Manifest {
    pub(super) format: u32,
    pub(super) made_at: String,
    pub(super) version: String,
    /// The file with the register.
    pub(super) register: String,
    /// Leaves of the log; `None` where another program made the dump of the register.
    pub(super) log_size: Option<u64>,
    pub(super) results: Option<u64>,
    pub(super) documents: u64,
    pub(super) files: Vec<Listed>,
}

/// One file of a back-up, but for documents, which are named by their digests.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Listed {
    pub(super) path: String,
    pub(super) bytes: u64,
    pub(super) sha256: String,
}

/// Why a back-up cannot be made or is refused.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum BackupError {
    /// The register is on PostgreSQL and no dump was given.
    #[error(
        "sổ đăng ký ở PostgreSQL: chạy pg_dump --format=custom --file=register.dump trước, rồi thêm --dump register.dump / \
         the register is on PostgreSQL: run pg_dump --format=custom --file=register.dump first, then add --dump register.dump"
    )]
    Server,
    /// The target is there already.
    #[error("{0}: đã có nội dung / is not empty")]
    NotEmpty(String),
    /// There is no manifest, or half of one.
    #[error("không có manifest.json dùng được / there is no manifest.json that can be used")]
    NoManifest,
    /// A later program made it.
    #[error("bản sao lưu có dạng mới hơn chương trình / the back-up is of a later format")]
    Format,
    /// A file is missing.
    #[error("thiếu tệp / missing: {0}")]
    Missing(String),
    /// A file has other bytes than the manifest says.
    #[error("tệp bị hỏng hoặc bị sửa / damaged or changed: {0}")]
    Damaged(String),
    /// The database finds a fault in itself.
    #[error("cơ sở dữ liệu bị hỏng / the database is damaged")]
    Database,
    /// The log has a gap or a leaf that is not the one of its hash.
    #[error("nhật ký sai ở lá / the log is wrong at leaf {0}")]
    Log(u64),
    /// A result is not what its leaf says.
    #[error("kết quả không khớp nhật ký ở lá / a result differs from its leaf {0}")]
    Result(u64),
    /// A result's document is not there.
    #[error("kết quả ở lá {0} thiếu tài liệu / the result of leaf {0} has no document")]
    Document(u64),
    /// The log says that more results were issued than the register has.
    #[error(
        "sổ đăng ký có {has} kết quả, nhật ký ghi {logged} / the register has {has} results, the log {logged}"
    )]
    Results {
        /// Rows.
        has: u64,
        /// Leaves.
        logged: u64,
    },
    /// The log is shorter than what somebody has seen.
    #[error(
        "bản sao lưu cũ hơn biên nhận đã thấy / older than what was seen: the log has {has} leaves, leaf {seen} was seen"
    )]
    Older {
        /// Leaves it has.
        has: u64,
        /// The leaf that somebody holds a receipt for.
        seen: u64,
    },
}

impl BackupError {
    /// The stable code.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::Server => "backup/postgresql",
            Self::NotEmpty(_) => "backup/not-empty",
            Self::NoManifest => "backup/no-manifest",
            Self::Format => "backup/format",
            Self::Missing(_) => "backup/missing",
            Self::Damaged(_) => "backup/damaged",
            Self::Database => "backup/database",
            Self::Log(_) => "backup/log",
            Self::Result(_) => "backup/result",
            Self::Document(_) => "backup/document",
            Self::Results { .. } => "backup/results",
            Self::Older { .. } => "backup/older-than-seen",
        }
    }
}

/// What a back-up holds.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Kept {
    /// Results; unknown in a dump of PostgreSQL.
    pub results: Option<u64>,
    /// Leaves of the log; unknown in a dump of PostgreSQL.
    pub log_size: Option<u64>,
    /// Documents.
    pub documents: u64,
}

impl Manifest {
    pub(super) const NAME: &str = "manifest.json";
    pub(super) const FORMAT: u32 = 1;
    pub(super) const FOLDERS: [&str; 3] = ["keys", "trust", "catalogue"];
    pub(super) const DOCUMENTS: &str = "documents.txt";
    pub(super) const REGISTER: &str = "register.db";
    pub(super) const DUMP: &str = "register.dump";

    pub(super) fn kept(&self) -> Kept {
        Kept {
            results: self.results,
            log_size: self.log_size,
            documents: self.documents,
        }
    }

    /// Where a back-up keeps a document.
    pub(super) fn document(folder: &Path, name: Sha256) -> PathBuf {
        let name = name.hex();
        let shelf = name.get(..2).unwrap_or_default();
        folder.join("documents").join(shelf).join(&name)
    }
}

/// Results that are read at a time.
pub(super) const PAGE: u32 = 500;

impl Installation {
    /// Makes a back-up at `out`, which must not be there yet. For a register on PostgreSQL `dump` is what
    /// `pg_dump` wrote before.
    ///
    /// # Errors
    /// [`BackupError`], and what the file system says; `out` is not there then.
    pub async fn back_up(&self, out: &Path, dump: Option<&Path>) -> anyhow::Result<Kept> {
        ensure!(
            !out.exists(),
            BackupError::NotEmpty(out.display().to_string())
        );
        ensure!(
            self.store.is_a_file() || dump.is_some(),
            BackupError::Server
        );
        let parent = out.parent().filter(|parent| !parent.as_os_str().is_empty());
        let parent = parent.unwrap_or(Path::new("."));
        let making = tempfile::Builder::new()
            .prefix(".backup-")
            .tempdir_in(parent)?;
        let folder = making.path();
        let manifest = match dump {
            Some(dump) if !self.store.is_a_file() => {
                fs::copy(dump, folder.join(Manifest::DUMP))
                    .with_context(|| dump.display().to_string())?;
                // What was entered since the dump only adds documents.
                self.fill(folder, &self.store, Manifest::DUMP).await?
            }
            _ => {
                let copy = folder.join(Manifest::REGISTER);
                let path = copy.to_str().context("the path is not UTF-8")?;
                self.store.copy_to(path).await?;
                let register = Store::open(&format!("sqlite:{path}")).await?;
                let filled = self.fill(folder, &register, Manifest::REGISTER).await;
                register.close().await;
                filled?
            }
        };
        let manifest = sealed(folder, manifest)?;
        fs::rename(making.keep(), out)?;
        File::open(parent)?.sync_all()?;
        Ok(manifest.kept())
    }

    /// Everything but the register itself.
    async fn fill(&self, folder: &Path, register: &Store, name: &str) -> anyhow::Result<Manifest> {
        let documents = self.copy_documents(folder, register).await?;
        let secret = self.dir.join(&self.config.passphrase_file);
        let secret = secret.canonicalize().unwrap_or(secret);
        for part in Manifest::FOLDERS {
            let from = self.dir.join(part);
            if from.is_dir() {
                copy_folder(&from, &folder.join(part), &secret)?;
            }
        }
        let config = fs::read(self.dir.join(Config::FILE))?;
        replace(&folder.join(Config::FILE), &config)?;
        let own = name == Manifest::REGISTER;
        let mut tx = register.read().await?;
        Ok(Manifest {
            format: Manifest::FORMAT,
            made_at: SystemClock.now().rfc3339(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            register: name.to_owned(),
            log_size: if own {
                Some(tx.log_size().await?)
            } else {
                None
            },
            results: if own {
                Some(tx.result_count().await?)
            } else {
                None
            },
            documents,
            files: Vec::new(),
        })
    }

    /// The documents of the results and the pictures of the seals, and the list of their names.
    async fn copy_documents(&self, folder: &Path, register: &Store) -> anyhow::Result<u64> {
        let mut list = std::io::BufWriter::new(File::create(folder.join(Manifest::DOCUMENTS))?);
        let mut copied = 0;
        let agencies = register.read().await?.agencies().await?;
        let seals = agencies.iter().filter_map(|agency| agency.seal.as_ref());
        let mut wanted: Vec<Sha256> = seals.map(|seal| seal.image).collect();
        let mut next = 0;
        loop {
            for name in wanted.drain(..) {
                let path = Manifest::document(folder, name);
                if path.exists() {
                    continue;
                }
                if let Some(shelf) = path.parent() {
                    fs::create_dir_all(shelf)?;
                }
                let copy = Replacing::begin(&path)?;
                let there = self.documents.copy(name, copy.file()?).await?;
                ensure!(there, BackupError::Missing(name.hex()));
                copy.finish()?;
                writeln!(list, "{}", name.hex())?;
                copied += 1;
            }
            let page = register.read().await?.results_from_leaf(next, PAGE).await?;
            let Some(last) = page.last() else { break };
            next = last.issued.leaf_index + 1;
            wanted.extend(page.iter().filter_map(|one| one.issued.document));
        }
        list.flush()?;
        Ok(copied)
    }
}

/// Writes the manifest when every file is on the disk.
fn sealed(folder: &Path, mut manifest: Manifest) -> anyhow::Result<Manifest> {
    let mut paths = Vec::new();
    walk(folder, folder, &mut paths)?;
    paths.sort();
    for path in paths {
        if path.starts_with("documents/") {
            continue;
        }
        let full = folder.join(&path);
        let (sha256, bytes) = digest_of(&full)?;
        File::open(&full)?.sync_all()?;
        let sha256 = sha256.hex();
        manifest.files.push(Listed {
            path,
            bytes,
            sha256,
        });
    }
    let text = serde_json::to_string_pretty(&manifest)?;
    replace(&folder.join(Manifest::NAME), text.as_bytes())?;
    Ok(manifest)
}

/// The files below a folder, as paths with `/`.
fn walk(root: &Path, folder: &Path, found: &mut Vec<String>) -> anyhow::Result<()> {
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            walk(root, &path, found)?;
        } else {
            let name = path.strip_prefix(root)?.to_str();
            found.push(name.context("a path is not UTF-8")?.to_owned());
        }
    }
    Ok(())
}

/// The digest of a file of any size, and its size.
///
/// # Errors
/// When it cannot be read.
pub fn digest_of(path: &Path) -> std::io::Result<(Sha256, u64)> {
    let mut digest = Running::default();
    let mut reader = BufReader::new(File::open(path)?);
    let mut bytes = 0;
    loop {
        let buffer = reader.fill_buf()?;
        if buffer.is_empty() {
            break;
        }
        digest.update(buffer);
        let taken = buffer.len();
        bytes += taken as u64;
        reader.consume(taken);
    }
    Ok((digest.finish(), bytes))
}

/// Copies a folder without one file; secret files stay secret.
fn copy_folder(from: &Path, to: &Path, without: &Path) -> anyhow::Result<()> {
    fs::create_dir_all(to)?;
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        let (path, target) = (entry.path(), to.join(entry.file_name()));
        if path.is_dir() {
            copy_folder(&path, &target, without)?;
        } else if path.canonicalize()? != without {
            fs::copy(&path, &target)?;
        }
    }
    Ok(())
}
