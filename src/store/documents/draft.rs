//! A PDF on its way: as it comes in, and as the document that is made of it.
//!
//! ```text
//! original ── Documents::draft ──► draft ── appended: tail with a signature ──► Documents::stage
//! (the agency's)                   (ours: in memory, or a copy in the folder of this process)
//! ```
//!
//! What comes in a file is copied before it is looked at: whoever writes to it meanwhile changes nothing of what
//! is signed.

use super::DocumentError;
use super::folder::Unfinished;
use crate::digest::{Running, Sha256};
use crate::limits;
use crate::pdf::{Document, PdfError, Source};
use std::fs::File;
use std::io::{self, Read as _};
use std::os::unix::fs::FileExt as _;
use std::path::Path;
use std::sync::Arc;

/// The agency's own PDF. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Original(Brought);

#[derive(Clone, Debug)]
enum Brought {
    Bytes(Arc<Vec<u8>>),
    File(Arc<Piecewise>),
}

/// A file that is read in pieces, with the length that it had when it was opened.
#[derive(Debug)]
pub(super) struct Piecewise {
    file: File,
    length: usize,
}

impl Piecewise {
    pub(super) fn new(file: File) -> io::Result<Self> {
        let length = file.metadata()?.len();
        let length = usize::try_from(length).unwrap_or(usize::MAX);
        Ok(Self { file, length })
    }

    pub(super) fn into_file(self) -> File {
        self.file
    }
}

/// Files of fewer bytes are read at once: for them memory is the faster place.
pub(super) const IN_MEMORY: u64 = 1024 * 1024;

/// Bytes that are read from a file at once.
const CHUNK: usize = 256 * 1024;

/// What is appended to a document seldom has more bytes.
const TAIL: usize = 128 * 1024;

impl From<Vec<u8>> for Original {
    fn from(bytes: Vec<u8>) -> Self {
        Self(Brought::Bytes(Arc::new(bytes)))
    }
}

impl Original {
    /// The PDF in a file, which may be a pipe. Of one in memory a byte more than a PDF may have says that there
    /// is more.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn open(path: &Path) -> io::Result<Self> {
        let file = File::open(path)?;
        let metadata = file.metadata()?;
        if metadata.is_file() && metadata.len() >= IN_MEMORY {
            return Ok(Self(Brought::File(Arc::new(Piecewise::new(file)?))));
        }
        let mut bytes = Vec::new();
        let most = limits::PDF_FILE as u64 + 1;
        file.take(most).read_to_end(&mut bytes)?;
        Ok(bytes.into())
    }

    /// Bytes in memory.
    #[must_use]
    pub fn held(&self) -> usize {
        match &self.0 {
            Brought::Bytes(bytes) => bytes.len(),
            Brought::File(_) => 0,
        }
    }

    /// Its bytes.
    #[must_use]
    pub fn length(&self) -> usize {
        match &self.0 {
            Brought::Bytes(bytes) => bytes.len(),
            Brought::File(opened) => opened.length,
        }
    }

    /// Opens it where it is.
    ///
    /// # Errors
    /// As [`Document::open`].
    pub fn document(&self) -> Result<Document<'_>, PdfError> {
        match &self.0 {
            Brought::Bytes(bytes) => Document::open(bytes),
            Brought::File(opened) => Document::open_in(opened.as_ref()),
        }
    }

    /// Its digest.
    ///
    /// # Errors
    /// [`DocumentError::Original`].
    pub async fn digest(&self) -> Result<Sha256, DocumentError> {
        match &self.0 {
            Brought::Bytes(bytes) => Ok(Sha256::of(bytes)),
            Brought::File(opened) => {
                let opened = Arc::clone(opened);
                let digest = tokio::task::spawn_blocking(move || {
                    let mut digest = Running::default();
                    let fed = opened.feed(|bytes| {
                        digest.update(bytes);
                        Ok(())
                    });
                    fed.map(|()| digest.finish())
                });
                digest.await.map_err(|_| DocumentError::Stopped)?
            }
        }
    }

    /// A copy in memory, with room for what is appended.
    ///
    /// # Errors
    /// [`DocumentError::Original`].
    pub async fn bytes(&self) -> Result<Vec<u8>, DocumentError> {
        let mut copy = Vec::with_capacity(self.length().saturating_add(TAIL));
        match &self.0 {
            Brought::Bytes(bytes) => copy.extend_from_slice(bytes),
            Brought::File(opened) => {
                let opened = Arc::clone(opened);
                let read = tokio::task::spawn_blocking(move || {
                    opened.feed(|part| {
                        copy.extend_from_slice(part);
                        Ok(())
                    })?;
                    Ok::<_, DocumentError>(copy)
                });
                copy = read.await.map_err(|_| DocumentError::Stopped)??;
            }
        }
        Ok(copy)
    }

    /// The file, if it is one.
    pub(super) fn file(&self) -> Option<Arc<Piecewise>> {
        match &self.0 {
            Brought::Bytes(_) => None,
            Brought::File(opened) => Some(Arc::clone(opened)),
        }
    }
}

impl Piecewise {
    /// Hands over all of it, in order.
    pub(super) fn feed(
        &self,
        mut to: impl FnMut(&[u8]) -> io::Result<()>,
    ) -> Result<(), DocumentError> {
        let mut buffer = vec![0; CHUNK.min(self.length)];
        let mut at = 0;
        while at < self.length {
            let part = buffer.get_mut(..CHUNK.min(self.length - at));
            let part = part.unwrap_or_default();
            self.read(at, part).map_err(DocumentError::Original)?;
            to(part)?;
            at += part.len();
        }
        Ok(())
    }
}

impl Source for Piecewise {
    fn length(&self) -> usize {
        self.length
    }

    fn read(&self, at: usize, into: &mut [u8]) -> io::Result<()> {
        self.file.read_exact_at(into, at as u64)
    }
}

/// A document in the making. Nobody else sees it; dropped it is gone.
#[derive(Debug)]
pub struct Draft(pub(super) Body);

#[derive(Debug)]
pub(super) enum Body {
    Memory(Vec<u8>),
    File(Box<Unfinished>),
}

impl From<Vec<u8>> for Draft {
    fn from(bytes: Vec<u8>) -> Self {
        Self(Body::Memory(bytes))
    }
}

impl Body {
    pub(super) fn into_memory(self) -> Result<Vec<u8>, DocumentError> {
        match self {
            Self::Memory(bytes) => Ok(bytes),
            Self::File(file) => {
                let mut bytes = vec![0; file.length()];
                file.read(0, &mut bytes)?;
                Ok(bytes)
            }
        }
    }
}

impl Draft {
    /// Opens it as it is now.
    ///
    /// # Errors
    /// As [`Document::open`].
    pub fn document(&self) -> Result<Document<'_>, PdfError> {
        match &self.0 {
            Body::Memory(bytes) => Document::open(bytes),
            Body::File(file) => Document::open_in(file.as_ref()),
        }
    }

    /// Its digest as it is now.
    #[must_use]
    pub fn digest(&self) -> Sha256 {
        match &self.0 {
            Body::Memory(bytes) => Sha256::of(bytes),
            Body::File(file) => file.digest(),
        }
    }

    /// Appends to it. What stands there stays.
    ///
    /// # Errors
    /// [`DocumentError::Full`], [`DocumentError::Disk`].
    pub async fn appended(self, tail: Vec<u8>) -> Result<Self, DocumentError> {
        match self.0 {
            Body::Memory(mut bytes) => {
                bytes.extend(tail);
                Ok(bytes.into())
            }
            Body::File(mut file) => {
                let appended = tokio::task::spawn_blocking(move || {
                    file.append(&tail)?;
                    Ok(Self(Body::File(file)))
                });
                appended.await.map_err(|_| DocumentError::Stopped)?
            }
        }
    }
}
