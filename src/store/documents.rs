//! The files of the documents, named by their SHA-256. Never in SQL: they are most of the bytes and none of
//! the questions.
//!
//! ```text
//! documents/
//!   5f/5f70bf18a086007016e948b04aed3b82103a36bea41755b6cddfaf10ace3c6ef
//!   new/0193…/lock          held as long as the process that made the folder lives
//!   new/0193…/5f70bf18…     staged: whole and synced, but nothing refers to it yet
//! ```
//!
//! A document is staged before the transaction that refers to it and kept after it, so that a shelf never
//! holds a file without a record. What lies between the two when a process dies is settled by the next one
//! (`crate::issuance::Issuer::settle`, docs/adr/0032): whoever gets the lock of a folder knows that its
//! process is dead.
//!
//! **Invariant:** a file under its name is whole, also while it is staged: it was written, synced and only
//! then renamed, and the rename was synced before [`Documents::stage`] or [`Documents::keep`] returned.
//! What [`Documents::get`] returns has the digest it was asked for.

mod disk;

use crate::digest::Sha256;
use disk::Disk;
pub use disk::{Staged, Unsettled};
use std::io::{self, ErrorKind};
use std::path::PathBuf;

/// Where documents are kept. Cheap to clone.
#[derive(Clone, Debug)]
pub enum Documents {
    /// In a directory of this machine.
    Disk(Disk),
}

/// Why a document could not be kept or read.
#[derive(Debug, thiserror::Error)]
pub enum DocumentError {
    /// There is no room left for it.
    #[error("the directory of the documents is full")]
    Full(#[source] io::Error),

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

impl From<io::Error> for DocumentError {
    fn from(error: io::Error) -> Self {
        match error.kind() {
            ErrorKind::StorageFull | ErrorKind::QuotaExceeded | ErrorKind::FileTooLarge => {
                Self::Full(error)
            }
            _ => Self::Disk(error),
        }
    }
}

impl Documents {
    /// Opens a directory. It must be there: a volume that is not mounted is not replaced by an empty folder.
    ///
    /// # Errors
    /// [`DocumentError::Disk`] when it is not there.
    pub async fn on_disk(directory: impl Into<PathBuf>) -> Result<Self, DocumentError> {
        let disk = Disk::new(directory.into());
        let opened = disk.clone();
        off_thread(move || Ok(opened.look()?)).await?;
        Ok(Self::Disk(disk))
    }

    /// Writes a document whose record is about to be made. When this returns, it survives a power cut;
    /// [`Self::get`] finds it already. What is neither kept nor referred to is taken away later.
    ///
    /// # Errors
    /// [`DocumentError::Full`], [`DocumentError::Disk`].
    pub async fn stage(&self, bytes: Vec<u8>) -> Result<Staged, DocumentError> {
        let Self::Disk(disk) = self.clone();
        off_thread(move || Ok(disk.stage(&bytes)?)).await
    }

    /// Puts a staged document, whose record is made, under its lasting name.
    ///
    /// # Errors
    /// [`DocumentError::Full`], [`DocumentError::Disk`]; it stays staged then, and is kept later.
    pub async fn keep(&self, staged: Staged) -> Result<(), DocumentError> {
        let Self::Disk(disk) = self.clone();
        off_thread(move || Ok(disk.keep(&staged)?)).await
    }

    /// Keeps a document that needs no record, and says its name. Keeping it twice is harmless.
    ///
    /// # Errors
    /// [`DocumentError::Full`], [`DocumentError::Disk`].
    pub async fn put(&self, bytes: Vec<u8>) -> Result<Sha256, DocumentError> {
        let staged = self.stage(bytes).await?;
        let name = staged.name();
        self.keep(staged).await?;
        Ok(name)
    }

    /// The document of a name, if it is kept or staged.
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
        off_thread(move || Ok(disk.exists(name)?)).await
    }

    /// Whether documents can be written now: for `/readyz`. Writes only if the last attempt failed.
    ///
    /// # Errors
    /// [`DocumentError::Full`], [`DocumentError::Disk`].
    pub async fn probe(&self) -> Result<(), DocumentError> {
        let Self::Disk(disk) = self.clone();
        off_thread(move || Ok(disk.probe()?)).await
    }

    /// What was staged and left: by processes that are dead, and by work of this one that ended without
    /// keeping it. As long as the answer is held, nobody else gets it.
    ///
    /// # Errors
    /// [`DocumentError::Disk`].
    pub async fn unsettled(&self) -> Result<Vec<Unsettled>, DocumentError> {
        let Self::Disk(disk) = self.clone();
        off_thread(move || Ok(disk.unsettled()?)).await
    }

    /// Keeps what `recorded` accepts and takes the rest away. Says how many of each.
    ///
    /// # Errors
    /// [`DocumentError::Full`], [`DocumentError::Disk`].
    pub async fn settle(
        &self,
        unsettled: Vec<Unsettled>,
        recorded: impl Fn(&Sha256) -> bool + Send + 'static,
    ) -> Result<(usize, usize), DocumentError> {
        let Self::Disk(disk) = self.clone();
        off_thread(move || Ok(disk.settle(unsettled, recorded)?)).await
    }
}

/// Files block; the threads that answer requests must not.
async fn off_thread<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, DocumentError> + Send + 'static,
) -> Result<T, DocumentError> {
    let done = tokio::task::spawn_blocking(work).await;
    done.map_err(|_| DocumentError::Stopped)?
}
