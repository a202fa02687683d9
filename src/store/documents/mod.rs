//! The files of the documents, named by their SHA-256: in a folder of this machine or in a bucket of an S3
//! service. Never in SQL: they are most of the bytes and none of the questions.
//!
//! ```text
//! documents/                                            bucket:
//!   5f/5f70bf18a086007016e948b04aed3b82103a36bea4…        documents/5f/5f70bf18a086007016e948b0…
//!   new/…          half-written files; swept away by hand after a crash, never read
//! ```
//!
//! **Invariant:** what lies under a name is whole, and lasts when [`Documents::put`] has returned. What
//! [`Documents::get`] returns has the digest it was asked for.

mod bucket;
mod folder;

pub use bucket::Bucket;

use crate::digest::Sha256;
use crate::limits;
use bucket::Objects;
use folder::Folder;
use std::io;
use std::path::PathBuf;

/// Where documents are kept. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Documents(Home);

#[derive(Clone, Debug)]
enum Home {
    Folder(Folder),
    Bucket(Objects),
}

/// Why a document could not be kept or read.
#[derive(Debug, thiserror::Error)]
pub enum DocumentError {
    /// The directory, or a file of it, failed.
    #[error("the directory of the documents failed")]
    Disk(#[source] io::Error),

    /// The S3 service did not answer, or not in time.
    #[error("the S3 service of the documents does not answer")]
    Unreachable(#[source] Box<dyn std::error::Error + Send + Sync>),

    /// The S3 service refused: another key, no such bucket.
    #[error("the S3 service of the documents refused")]
    Refused(#[source] Box<dyn std::error::Error + Send + Sync>),

    /// What is configured cannot be a bucket.
    #[error("the S3 service of the documents is not configured well: {0}")]
    Settings(String),

    /// The document under this name has other bytes.
    #[error("document {0} was changed where it is kept")]
    Changed(Sha256),

    /// It is larger than any document of ours.
    #[error("a document of {0} bytes is too large")]
    TooLarge(u64),

    /// The work was stopped half-way because the program ends.
    #[error("stopped")]
    Stopped,
}

impl DocumentError {
    /// Whether trying later may help: the service was away, nothing is wrong with the document.
    #[must_use]
    pub fn is_away(&self) -> bool {
        matches!(self, Self::Unreachable(_))
    }
}

impl Documents {
    /// Opens a directory, made if missing.
    ///
    /// # Errors
    /// [`DocumentError::Disk`] when it cannot be made.
    pub async fn on_disk(directory: impl Into<PathBuf>) -> Result<Self, DocumentError> {
        let folder = Folder::open(directory.into()).await?;
        Ok(Self(Home::Folder(folder)))
    }

    /// Opens a bucket. Nothing is asked yet: a service that is away does not keep a server from starting.
    ///
    /// # Errors
    /// [`DocumentError::Settings`].
    pub fn in_bucket(bucket: &Bucket) -> Result<Self, DocumentError> {
        Ok(Self(Home::Bucket(Objects::open(bucket)?)))
    }

    /// Keeps a document and says its name. When this returns, it lasts. Keeping it twice is harmless.
    ///
    /// # Errors
    /// [`DocumentError`]; nothing is under the name then, or the whole document.
    pub async fn put(&self, bytes: Vec<u8>) -> Result<Sha256, DocumentError> {
        within_limit(bytes.len() as u64)?;
        let name = Sha256::of(&bytes);
        match &self.0 {
            Home::Folder(folder) => folder.put(name, bytes).await?,
            Home::Bucket(objects) => objects.put(name, bytes).await?,
        }
        Ok(name)
    }

    /// The document of a name, if it is kept.
    ///
    /// # Errors
    /// [`DocumentError::Changed`] when its bytes are no longer those of its name; [`DocumentError`].
    pub async fn get(&self, name: Sha256) -> Result<Option<Vec<u8>>, DocumentError> {
        let found = match &self.0 {
            Home::Folder(folder) => folder.get(name).await?,
            Home::Bucket(objects) => objects.get(name).await?,
        };
        match found {
            Some(bytes) if Sha256::of(&bytes) != name => Err(DocumentError::Changed(name)),
            found => Ok(found),
        }
    }

    /// Whether a document is kept.
    ///
    /// # Errors
    /// [`DocumentError`].
    pub async fn exists(&self, name: Sha256) -> Result<bool, DocumentError> {
        match &self.0 {
            Home::Folder(folder) => folder.exists(name).await,
            Home::Bucket(objects) => objects.exists(name).await,
        }
    }
}

fn within_limit(bytes: u64) -> Result<(), DocumentError> {
    if bytes > limits::DOCUMENT {
        return Err(DocumentError::TooLarge(bytes));
    }
    Ok(())
}

/// 256 shelves keep every directory small enough to list.
fn shelf_and_name(name: Sha256) -> (String, String) {
    let name = name.hex();
    let (shelf, _) = name.split_at(2);
    (shelf.to_owned(), name)
}
