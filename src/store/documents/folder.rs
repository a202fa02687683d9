//! Documents in a directory of this machine: written beside, synced, renamed, and the rename synced.

use super::{DocumentError, shelf_and_name, within_limit};
use crate::digest::Sha256;
use std::fs::{self, File};
use std::io::{self, ErrorKind, Write as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// A directory of documents.
#[derive(Clone, Debug)]
pub(super) struct Folder {
    directory: Arc<Path>,
}

impl Folder {
    pub(super) async fn open(directory: PathBuf) -> Result<Self, DocumentError> {
        let folder = Self {
            directory: directory.into(),
        };
        let unfinished = folder.unfinished();
        off_thread(move || fs::create_dir_all(unfinished).map_err(DocumentError::Disk)).await?;
        Ok(folder)
    }

    pub(super) async fn put(&self, name: Sha256, bytes: Vec<u8>) -> Result<(), DocumentError> {
        let folder = self.clone();
        off_thread(move || folder.write(name, &bytes).map_err(DocumentError::Disk)).await
    }

    pub(super) async fn get(&self, name: Sha256) -> Result<Option<Vec<u8>>, DocumentError> {
        let path = self.path(name);
        off_thread(move || match read(&path) {
            Err(DocumentError::Disk(error)) if error.kind() == ErrorKind::NotFound => Ok(None),
            read => read.map(Some),
        })
        .await
    }

    pub(super) async fn exists(&self, name: Sha256) -> Result<bool, DocumentError> {
        let path = self.path(name);
        off_thread(move || fs::exists(path).map_err(DocumentError::Disk)).await
    }

    fn write(&self, name: Sha256, bytes: &[u8]) -> io::Result<()> {
        let path = self.path(name);
        let shelf = path.parent().unwrap_or(&self.directory);
        if fs::exists(&path)? {
            // Somebody else may have renamed it a moment ago and not synced yet.
            return File::open(shelf)?.sync_all();
        }
        if !fs::exists(shelf)? {
            fs::create_dir_all(shelf)?;
            File::open(&self.directory)?.sync_all()?;
        }
        let mut file = tempfile::NamedTempFile::new_in(self.unfinished())?;
        file.write_all(bytes)?;
        file.as_file().sync_all()?;
        file.persist(&path).map_err(|error| error.error)?;
        File::open(shelf)?.sync_all()
    }

    fn path(&self, name: Sha256) -> PathBuf {
        let (shelf, name) = shelf_and_name(name);
        self.directory.join(shelf).join(name)
    }

    fn unfinished(&self) -> PathBuf {
        self.directory.join("new")
    }
}

fn read(path: &Path) -> Result<Vec<u8>, DocumentError> {
    let length = fs::metadata(path).map_err(DocumentError::Disk)?.len();
    within_limit(length)?;
    fs::read(path).map_err(DocumentError::Disk)
}

/// Files block; the threads that answer requests must not.
async fn off_thread<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, DocumentError> + Send + 'static,
) -> Result<T, DocumentError> {
    let done = tokio::task::spawn_blocking(work).await;
    done.map_err(|_| DocumentError::Stopped)?
}
