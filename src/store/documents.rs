//! The files of the documents, named by their SHA-256. Never in SQL: they are most of the bytes and none of
//! the questions.
//!
//! ```text
//! documents/
//!   5f/5f70bf18a086007016e948b04aed3b82103a36bea41755b6cddfaf10ace3c6ef
//!   new/…          half-written files; swept away by hand after a crash, never read
//! ```
//!
//! **Invariant:** a file under its name is whole: it was written, synced and only then renamed, and the
//! rename was synced before [`Documents::put`] returned. What [`Documents::get`] returns has the digest it
//! was asked for.

use crate::digest::Sha256;
use std::fs::{self, File};
use std::io::{self, ErrorKind, Write as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Where documents are kept. Cheap to clone.
#[derive(Clone, Debug)]
pub enum Documents {
    /// In a directory of this machine.
    Disk(Disk),
}

/// A directory of documents.
#[derive(Clone, Debug)]
pub struct Disk {
    directory: Arc<Path>,
}

/// Why a document could not be kept or read.
#[derive(Debug, thiserror::Error)]
pub enum DocumentError {
    /// The directory, or a file of it, failed.
    #[error("the directory of the documents failed")]
    Disk(#[source] io::Error),

    /// The file under this name has other bytes.
    #[error("document {0} was changed on the disk")]
    Changed(Sha256),

    /// The work was stopped half-way because the program ends.
    #[error("stopped")]
    Stopped,
}

impl Documents {
    /// Opens a directory, made if missing.
    ///
    /// # Errors
    /// [`DocumentError::Disk`] when it cannot be made.
    pub async fn on_disk(directory: impl Into<PathBuf>) -> Result<Self, DocumentError> {
        let directory: PathBuf = directory.into();
        let disk = Disk {
            directory: directory.into(),
        };
        let opened = disk.clone();
        off_thread(move || fs::create_dir_all(opened.unfinished()).map_err(DocumentError::Disk))
            .await?;
        Ok(Self::Disk(disk))
    }

    /// Keeps a document and says its name. When this returns, it survives a power cut. Keeping it twice
    /// is harmless.
    ///
    /// # Errors
    /// [`DocumentError::Disk`].
    pub async fn put(&self, bytes: Vec<u8>) -> Result<Sha256, DocumentError> {
        let Self::Disk(disk) = self.clone();
        off_thread(move || disk.put(&bytes).map_err(DocumentError::Disk)).await
    }

    /// The document of a name, if it is kept.
    ///
    /// # Errors
    /// [`DocumentError::Changed`] when its bytes are no longer those of its name; [`DocumentError::Disk`].
    pub async fn get(&self, name: Sha256) -> Result<Option<Vec<u8>>, DocumentError> {
        let Self::Disk(disk) = self.clone();
        off_thread(move || disk.get(name)).await
    }

    /// Whether a document is kept.
    ///
    /// # Errors
    /// [`DocumentError::Disk`].
    pub async fn exists(&self, name: Sha256) -> Result<bool, DocumentError> {
        let Self::Disk(disk) = self.clone();
        off_thread(move || {
            let found = fs::exists(disk.path(name));
            found.map_err(DocumentError::Disk)
        })
        .await
    }
}

/// Files block; the threads that answer requests must not.
async fn off_thread<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, DocumentError> + Send + 'static,
) -> Result<T, DocumentError> {
    let done = tokio::task::spawn_blocking(work).await;
    done.map_err(|_| DocumentError::Stopped)?
}

impl Disk {
    fn put(&self, bytes: &[u8]) -> io::Result<Sha256> {
        let name = Sha256::of(bytes);
        let path = self.path(name);
        let shelf = path.parent().unwrap_or(&self.directory);
        if fs::exists(&path)? {
            // Somebody else may have renamed it a moment ago and not synced yet.
            File::open(shelf)?.sync_all()?;
            return Ok(name);
        }
        if !fs::exists(shelf)? {
            fs::create_dir_all(shelf)?;
            File::open(&self.directory)?.sync_all()?;
        }
        let mut file = tempfile::NamedTempFile::new_in(self.unfinished())?;
        file.write_all(bytes)?;
        file.as_file().sync_all()?;
        file.persist(&path).map_err(|error| error.error)?;
        File::open(shelf)?.sync_all()?;
        Ok(name)
    }

    fn get(&self, name: Sha256) -> Result<Option<Vec<u8>>, DocumentError> {
        match fs::read(self.path(name)) {
            Ok(bytes) if Sha256::of(&bytes) == name => Ok(Some(bytes)),
            Ok(_) => Err(DocumentError::Changed(name)),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
            Err(error) => Err(DocumentError::Disk(error)),
        }
    }

    /// 256 shelves keep every directory small enough to list.
    fn path(&self, name: Sha256) -> PathBuf {
        let name = name.hex();
        let (shelf, _) = name.split_at(2);
        self.directory.join(shelf).join(&name)
    }

    fn unfinished(&self) -> PathBuf {
        self.directory.join("new")
    }
}
