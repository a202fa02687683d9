//! The files of the documents, named by their SHA-256: in a folder of this machine or in a bucket of an S3
//! service. Never in SQL: they are most of the bytes and none of the questions.
//!
//! ```text
//! documents/                                            bucket:
//!   5f/5f70bf18a086007016e948b04aed3b82103a36bea4…        documents/5f/5f70bf18a086007016e948b0…
//!   new/0193…/lock       held as long as the process lives
//!   new/0193…/5f70bf…    staged: whole, but nothing refers to it yet
//! ```
//!
//! In a folder a document is staged before the transaction that refers to it and kept after it, so that a
//! shelf never holds a file without a record. What lies between the two when a process dies is settled by
//! the next one (`crate::issuance::Issuer::settle`, docs/adr/0032). A bucket cannot rename: there a document
//! is kept at once, and one whose record was never made stays.
//!
//! What is large comes and goes as a file, a piece at a time (docs/adr/0035); in a bucket it cannot.
//!
//! **Invariant:** what lies under a name is whole, and lasts when [`Documents::put`] has returned. What
//! [`Documents::get`] returns has the digest it was asked for.

mod bucket;
mod draft;
mod folder;

pub use bucket::Bucket;
pub use draft::{Draft, Original};
pub use folder::Unsettled;

use crate::digest::{Running, Sha256};
use crate::limits;
use crate::pdf::Source as _;
use bucket::Objects;
use draft::{Body, IN_MEMORY, Piecewise};
use folder::Folder;
use std::fs::File;
use std::io::{self, ErrorKind, Write as _};
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
    /// There is no room left for it.
    #[error("the directory of the documents is full")]
    Full(#[source] io::Error),

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

    /// The file that a PDF came in cannot be read.
    #[error("the PDF cannot be read")]
    Original(#[source] io::Error),

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

/// A document that is written, while its record is being made. Dropped without being kept it is left to be
/// settled: whether its record was made is known to the register alone.
#[derive(Debug)]
pub struct Staged(Place);

#[derive(Debug)]
enum Place {
    Folder(folder::Staged),
    Bucket(Sha256),
}

impl Staged {
    /// Its digest.
    #[must_use]
    pub fn name(&self) -> Sha256 {
        match &self.0 {
            Place::Folder(staged) => staged.name(),
            Place::Bucket(name) => *name,
        }
    }
}

/// A document that was found, with the bytes of its name.
#[derive(Debug)]
pub enum Opened {
    /// All of it.
    Memory(Vec<u8>),
    /// Its file and how many bytes that has.
    File(File, u64),
}

impl Documents {
    /// Opens a directory. It must be there: a volume that is not mounted is not replaced by an empty folder.
    ///
    /// # Errors
    /// [`DocumentError::Disk`] when it is not there.
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

    /// Writes a document whose record is about to be made. When this returns, it lasts; [`Self::get`] finds
    /// it already. What is neither kept nor referred to is taken away later.
    ///
    /// # Errors
    /// [`DocumentError`]; nothing is staged then.
    pub async fn stage(&self, draft: impl Into<Draft>) -> Result<Staged, DocumentError> {
        let draft: Draft = draft.into();
        let name = draft.digest();
        Ok(Staged(match (&self.0, draft.0) {
            (Home::Folder(folder), Body::Memory(bytes)) => {
                within_limit(bytes.len() as u64, limits::DOCUMENT)?;
                Place::Folder(folder.stage(name, bytes).await?)
            }
            (Home::Folder(folder), Body::File(file)) => {
                within_limit(file.length() as u64, limits::DOCUMENT_IN_FILE)?;
                Place::Folder(folder.finish(*file).await?)
            }
            (Home::Bucket(objects), body) => {
                let bytes = body.into_memory()?;
                within_limit(bytes.len() as u64, limits::DOCUMENT)?;
                objects.put(name, bytes).await?;
                Place::Bucket(name)
            }
        }))
    }

    /// Bytes that an original may have: a file of a folder is never held in memory.
    #[must_use]
    pub fn most(&self) -> usize {
        match &self.0 {
            Home::Folder(_) => limits::PDF_IN_FILE,
            Home::Bucket(_) => limits::PDF_FILE,
        }
    }

    /// Begins a document with a copy of an original.
    ///
    /// # Errors
    /// [`DocumentError`]; nothing is left of the copy then.
    pub async fn draft(&self, original: &Original) -> Result<Draft, DocumentError> {
        match (&self.0, original.file()) {
            (Home::Folder(folder), Some(file)) => {
                let unfinished = folder.draft(file).await?;
                Ok(Draft(Body::File(Box::new(unfinished))))
            }
            _ => Ok(original.bytes().await?.into()),
        }
    }

    /// Puts a staged document, whose record is made, under its lasting name.
    ///
    /// # Errors
    /// [`DocumentError`]; it stays staged then, and is kept later.
    pub async fn keep(&self, staged: Staged) -> Result<(), DocumentError> {
        match (&self.0, staged.0) {
            (Home::Folder(folder), Place::Folder(staged)) => folder.keep(staged).await,
            _ => Ok(()),
        }
    }

    /// Keeps a document that needs no record, and says its name. When this returns, it lasts. Keeping it
    /// twice is harmless.
    ///
    /// # Errors
    /// [`DocumentError`]; nothing is under the name then, or the whole document.
    pub async fn put(&self, draft: impl Into<Draft>) -> Result<Sha256, DocumentError> {
        let staged = self.stage(draft).await?;
        let name = staged.name();
        self.keep(staged).await?;
        Ok(name)
    }

    /// The document of a name, if it is kept or staged.
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

    /// Writes the document of a name into an empty file, if it is kept or staged; whether it is.
    ///
    /// # Errors
    /// As [`Self::get`]; the file is worth nothing then.
    pub async fn copy(&self, name: Sha256, mut to: File) -> Result<bool, DocumentError> {
        self.pour(name, move |part| to.write_all(part)).await
    }

    /// Whether a document is kept or staged, and has the bytes of its name.
    ///
    /// # Errors
    /// As [`Self::get`].
    pub async fn is_whole(&self, name: Sha256) -> Result<bool, DocumentError> {
        self.pour(name, |_| Ok(())).await
    }

    /// The document of a name, if it is kept or staged, to be handed on: a large one as its file.
    ///
    /// # Errors
    /// As [`Self::get`].
    pub async fn open(&self, name: Sha256) -> Result<Option<Opened>, DocumentError> {
        if let Home::Folder(folder) = &self.0 {
            let found = folder.file(name).await?;
            let length = found.as_ref().map_or(Ok(0), length_of)?;
            if let Some(file) = found.filter(|_| length >= IN_MEMORY) {
                let file = whole(file, name, |_| Ok(())).await?;
                return Ok(Some(Opened::File(file, length)));
            }
        }
        Ok(self.get(name).await?.map(Opened::Memory))
    }

    /// Hands over the document of a name in pieces; whether there is one. At the end it says whether the pieces
    /// were right.
    async fn pour(
        &self,
        name: Sha256,
        mut to: impl FnMut(&[u8]) -> io::Result<()> + Send + 'static,
    ) -> Result<bool, DocumentError> {
        let Home::Folder(folder) = &self.0 else {
            let Some(bytes) = self.get(name).await? else {
                return Ok(false);
            };
            to(&bytes)?;
            return Ok(true);
        };
        match folder.file(name).await? {
            Some(file) => whole(file, name, to).await.map(|_| true),
            None => Ok(false),
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

    /// Whether documents can be written now: for `/readyz`. A folder is written to only if the last attempt
    /// failed; a bucket is not asked.
    ///
    /// # Errors
    /// [`DocumentError::Full`], [`DocumentError::Disk`].
    pub async fn probe(&self) -> Result<(), DocumentError> {
        match &self.0 {
            Home::Folder(folder) => folder.probe().await,
            Home::Bucket(_) => Ok(()),
        }
    }

    /// What was staged and left: by processes that are dead, and by work of this one that ended without
    /// keeping it. As long as the answer is held, nobody else gets it.
    ///
    /// # Errors
    /// [`DocumentError::Disk`].
    pub async fn unsettled(&self) -> Result<Vec<Unsettled>, DocumentError> {
        match &self.0 {
            Home::Folder(folder) => folder.unsettled().await,
            Home::Bucket(_) => Ok(Vec::new()),
        }
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
        match &self.0 {
            Home::Folder(folder) => folder.settle(unsettled, recorded).await,
            Home::Bucket(_) => Ok((0, 0)),
        }
    }
}

fn within_limit(bytes: u64, most: u64) -> Result<(), DocumentError> {
    if bytes > most {
        return Err(DocumentError::TooLarge(bytes));
    }
    Ok(())
}

/// Hands over a file in pieces, which must have the bytes of its name. It still stands at its beginning then.
async fn whole(
    file: File,
    name: Sha256,
    mut to: impl FnMut(&[u8]) -> io::Result<()> + Send + 'static,
) -> Result<File, DocumentError> {
    let read = tokio::task::spawn_blocking(move || {
        let mut digest = Running::default();
        let file = Piecewise::new(file)?;
        let fed = file.feed(|part| {
            digest.update(part);
            to(part)
        });
        fed.map_err(|error| match error {
            DocumentError::Original(cause) => DocumentError::Disk(cause),
            other => other,
        })?;
        if digest.finish() == name {
            Ok(file.into_file())
        } else {
            Err(DocumentError::Changed(name))
        }
    });
    read.await.map_err(|_| DocumentError::Stopped)?
}

fn length_of(file: &File) -> io::Result<u64> {
    file.metadata().map(|metadata| metadata.len())
}

/// 256 shelves keep every directory small enough to list.
fn shelf_and_name(name: Sha256) -> (String, String) {
    let name = name.hex();
    let (shelf, _) = name.split_at(2);
    (shelf.to_owned(), name)
}
