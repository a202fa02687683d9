//! Documents in a directory of this machine, which several processes may share.

use super::draft::Piecewise;
use super::{DocumentError, shelf_and_name, within_limit};
use crate::digest::{Running, Sha256};
use crate::limits;
use crate::pdf::Source;
use std::collections::BTreeSet;
use std::fs::{self, File, TryLockError};
use std::io::{self, ErrorKind, Read as _, Write as _};
use std::os::unix::fs::{FileExt as _, MetadataExt as _};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tempfile::NamedTempFile;

/// The file whose lock says that the process of a folder lives.
const LOCK: &str = "lock";

/// A directory of documents.
#[derive(Clone, Debug)]
pub(super) struct Folder(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    directory: PathBuf,
    /// Our own folder for what is staged; made when first needed.
    own: Mutex<Option<Arc<Own>>>,
    /// Whether the last write failed.
    failing: AtomicBool,
}

/// The folder of this process.
#[derive(Debug)]
struct Own {
    folder: PathBuf,
    /// Its lock goes with the process, however that ends.
    lock: File,
    /// What was staged and then left, to be settled.
    left: Mutex<BTreeSet<Sha256>>,
}

/// A document that is being written. Dropped it is gone; if the process dies first, the next one takes it away.
#[derive(Debug)]
pub(super) struct Unfinished {
    file: NamedTempFile,
    length: usize,
    digest: Running,
    own: Arc<Own>,
}

impl Unfinished {
    /// Its digest as it is now.
    pub(super) fn digest(&self) -> Sha256 {
        self.digest.clone().finish()
    }

    /// Appends to it.
    pub(super) fn append(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.file.write_all(bytes)?;
        self.digest.update(bytes);
        self.length += bytes.len();
        Ok(())
    }
}

impl Source for Unfinished {
    fn length(&self) -> usize {
        self.length
    }

    fn read(&self, at: usize, into: &mut [u8]) -> io::Result<()> {
        self.file.as_file().read_exact_at(into, at as u64)
    }
}

/// A document that is written, while its record is being made. Dropped without being kept it is left to be
/// settled: whether its record was made is known to the register alone.
#[derive(Debug)]
pub(super) struct Staged {
    name: Sha256,
    own: Arc<Own>,
    kept: AtomicBool,
}

impl Staged {
    /// Its digest.
    #[must_use]
    pub(super) fn name(&self) -> Sha256 {
        self.name
    }

    fn path(&self) -> PathBuf {
        self.own.folder.join(self.name.hex())
    }
}

impl Drop for Staged {
    fn drop(&mut self) {
        if !self.kept.load(Ordering::Relaxed) {
            self.own.left().insert(self.name);
        }
    }
}

impl Own {
    fn left(&self) -> MutexGuard<'_, BTreeSet<Sha256>> {
        // A set of digests is whole whenever its lock is given back.
        self.left.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What somebody staged and left, held until it is settled.
#[derive(Debug)]
pub struct Unsettled {
    folder: PathBuf,
    names: Vec<Sha256>,
    whose: Whose,
}

#[derive(Debug)]
enum Whose {
    Ours(Arc<Own>),
    /// A dead process's; we have its lock.
    Nobodys(#[expect(dead_code, reason = "held, not read")] File),
}

impl Unsettled {
    /// The documents.
    #[must_use]
    pub fn names(&self) -> &[Sha256] {
        &self.names
    }
}

impl Folder {
    pub(super) async fn open(directory: PathBuf) -> Result<Self, DocumentError> {
        let folder = Self(Arc::new(Shared {
            directory,
            own: Mutex::new(None),
            failing: AtomicBool::new(false),
        }));
        folder.off_thread(|folder| Ok(folder.look()?)).await?;
        Ok(folder)
    }

    pub(super) async fn probe(&self) -> Result<(), DocumentError> {
        self.off_thread(|folder| Ok(folder.try_to_write()?)).await
    }

    pub(super) async fn stage(
        &self,
        name: Sha256,
        bytes: Vec<u8>,
    ) -> Result<Staged, DocumentError> {
        self.off_thread(move |folder| Ok(folder.write(name, &bytes)?))
            .await
    }

    /// Copies an original to where documents are made.
    pub(super) async fn draft(
        &self,
        original: Arc<Piecewise>,
    ) -> Result<Unfinished, DocumentError> {
        self.off_thread(move |folder| {
            let mut unfinished = folder.watched(|| folder.begin())?;
            original.feed(|bytes| folder.watched(|| unfinished.append(bytes)))?;
            Ok(unfinished)
        })
        .await
    }

    /// Stages what was made there.
    pub(super) async fn finish(&self, unfinished: Unfinished) -> Result<Staged, DocumentError> {
        self.off_thread(move |folder| Ok(folder.watched(|| staged(unfinished))?))
            .await
    }

    pub(super) async fn keep(&self, staged: Staged) -> Result<(), DocumentError> {
        self.off_thread(move |folder| {
            folder.watched(|| folder.shelve(&staged.path(), staged.name))?;
            staged.kept.store(true, Ordering::Relaxed);
            Ok(())
        })
        .await
    }

    pub(super) async fn get(&self, name: Sha256) -> Result<Option<Vec<u8>>, DocumentError> {
        self.off_thread(move |folder| {
            let Some(mut file) = folder.find(name)? else {
                return Ok(None);
            };
            within_limit(file.metadata()?.len(), limits::DOCUMENT)?;
            let mut bytes = Vec::new();
            file.read_to_end(&mut bytes)?;
            Ok(Some(bytes))
        })
        .await
    }

    pub(super) async fn file(&self, name: Sha256) -> Result<Option<File>, DocumentError> {
        self.off_thread(move |folder| {
            let found = folder.find(name)?;
            if let Some(file) = &found {
                within_limit(file.metadata()?.len(), limits::DOCUMENT_IN_FILE)?;
            }
            Ok(found)
        })
        .await
    }

    pub(super) async fn exists(&self, name: Sha256) -> Result<bool, DocumentError> {
        self.off_thread(move |folder| Ok(fs::exists(folder.path(name))?))
            .await
    }

    pub(super) async fn unsettled(&self) -> Result<Vec<Unsettled>, DocumentError> {
        self.off_thread(|folder| Ok(folder.left_behind()?)).await
    }

    pub(super) async fn settle(
        &self,
        unsettled: Vec<Unsettled>,
        recorded: impl Fn(&Sha256) -> bool + Send + 'static,
    ) -> Result<(usize, usize), DocumentError> {
        self.off_thread(move |folder| Ok(folder.keep_or_remove(unsettled, recorded)?))
            .await
    }

    /// Files block; the threads that answer requests must not.
    async fn off_thread<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Self) -> Result<T, DocumentError> + Send + 'static,
    ) -> Result<T, DocumentError> {
        let folder = self.clone();
        let done = tokio::task::spawn_blocking(move || work(&folder)).await;
        done.map_err(|_| DocumentError::Stopped)?
    }

    /// Whether the directory is there.
    fn look(&self) -> io::Result<()> {
        fs::read_dir(&self.0.directory).map(drop)
    }

    fn try_to_write(&self) -> io::Result<()> {
        self.look()?;
        if !self.0.failing.load(Ordering::Relaxed) {
            return Ok(());
        }
        self.watched(|| {
            let own = self.own()?;
            // As much as a stamped page, so that the last free block does not count as room.
            let mut file = NamedTempFile::new_in(&own.folder)?;
            file.write_all(&vec![0; 64 * 1024])?;
            file.as_file().sync_all()
        })
    }

    fn write(&self, name: Sha256, bytes: &[u8]) -> io::Result<Staged> {
        self.watched(|| {
            let own = self.own()?;
            // Dropped on the way it is gone; nothing half-written stays.
            let mut file = NamedTempFile::new_in(&own.folder)?;
            file.write_all(bytes)?;
            lasting(file, name, own)
        })
    }

    fn begin(&self) -> io::Result<Unfinished> {
        let own = self.own()?;
        Ok(Unfinished {
            file: NamedTempFile::new_in(&own.folder)?,
            length: 0,
            digest: Running::default(),
            own,
        })
    }

    /// Renames a whole file to its lasting name. When this returns, the name survives a power cut.
    fn shelve(&self, from: &Path, name: Sha256) -> io::Result<()> {
        let path = self.path(name);
        let shelf = path.parent().unwrap_or(&self.0.directory);
        match fs::create_dir(shelf) {
            Ok(()) => sync(&self.0.directory)?,
            Err(error) if error.kind() == ErrorKind::AlreadyExists => {}
            Err(error) => return Err(error),
        }
        match fs::rename(from, &path) {
            // Somebody brought the same bytes and has kept them.
            Err(error) if error.kind() == ErrorKind::NotFound && fs::exists(&path)? => {}
            done => done?,
        }
        sync(shelf)
    }

    fn find(&self, name: Sha256) -> io::Result<Option<File>> {
        // It may be moved from where we look next to where we looked before.
        for _ in 0..2 {
            if let Some(file) = opened(&self.path(name))? {
                return Ok(Some(file));
            }
            for folder in self.folders()? {
                if let Some(file) = opened(&folder.join(name.hex()))? {
                    return Ok(Some(file));
                }
            }
        }
        // Nothing is missing as long as the directory itself is.
        self.look()?;
        Ok(None)
    }

    fn left_behind(&self) -> io::Result<Vec<Unsettled>> {
        let own = self.held().clone();
        let mut unsettled = Vec::new();
        for folder in self.folders()? {
            if let Some(own) = own.as_ref().filter(|own| own.folder == folder) {
                let names: Vec<Sha256> = own.left().iter().copied().collect();
                if !names.is_empty() {
                    let whose = Whose::Ours(Arc::clone(own));
                    unsettled.push(Unsettled {
                        folder,
                        names,
                        whose,
                    });
                }
                continue;
            }
            if let Some(lock) = lock_of_the_dead(&folder)? {
                let names = entries(&folder)?;
                let names = names.filter_map(|path| Sha256::parse_hex(path.file_name()?.to_str()?));
                unsettled.push(Unsettled {
                    names: names.collect(),
                    folder,
                    whose: Whose::Nobodys(lock),
                });
            }
        }
        Ok(unsettled)
    }

    fn keep_or_remove(
        &self,
        unsettled: Vec<Unsettled>,
        recorded: impl Fn(&Sha256) -> bool,
    ) -> io::Result<(usize, usize)> {
        let (mut kept, mut removed) = (0, 0);
        for Unsettled {
            folder,
            names,
            whose,
        } in unsettled
        {
            for name in names {
                let path = folder.join(name.hex());
                let done = if recorded(&name) {
                    kept += 1;
                    self.shelve(&path, name)
                } else {
                    removed += 1;
                    fs::remove_file(&path)
                };
                match done {
                    Err(error) if error.kind() != ErrorKind::NotFound => return Err(error),
                    _ => {}
                }
                if let Whose::Ours(own) = &whose {
                    own.left().remove(&name);
                }
            }
            if let Whose::Nobodys(_) = whose {
                // What is left is what was being written, and the lock that we hold.
                fs::remove_dir_all(&folder)?;
            }
        }
        Ok((kept, removed))
    }

    /// Remembers whether writing works, for [`Self::probe`].
    fn watched<T>(&self, work: impl FnOnce() -> io::Result<T>) -> io::Result<T> {
        let done = work();
        self.0.failing.store(done.is_err(), Ordering::Relaxed);
        done
    }

    fn held(&self) -> MutexGuard<'_, Option<Arc<Own>>> {
        // It is set in one step.
        self.0.own.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Our folder; made anew when somebody took it away.
    fn own(&self) -> io::Result<Arc<Own>> {
        let mut held = self.held();
        if let Some(own) = held.as_ref().filter(|own| is_at(&own.lock, &own.folder)) {
            return Ok(Arc::clone(own));
        }
        let unfinished = self.0.directory.join("new");
        match fs::create_dir(&unfinished) {
            Ok(()) => sync(&self.0.directory)?,
            Err(error) if error.kind() == ErrorKind::AlreadyExists => {}
            Err(error) => return Err(error),
        }
        loop {
            let folder = unfinished.join(uuid::Uuid::now_v7().to_string());
            fs::create_dir(&folder)?;
            let lock = match File::create_new(folder.join(LOCK)) {
                Ok(lock) => lock,
                // Somebody took the folder for a dead one's before it had its lock.
                Err(error)
                    if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::AlreadyExists) =>
                {
                    continue;
                }
                Err(error) => return Err(error),
            };
            match lock.try_lock() {
                Ok(()) if is_at(&lock, &folder) => {}
                Ok(()) | Err(TryLockError::WouldBlock) => continue,
                Err(TryLockError::Error(error)) => return Err(error),
            }
            sync(&unfinished)?;
            let own = Arc::new(Own {
                folder,
                lock,
                left: Mutex::default(),
            });
            *held = Some(Arc::clone(&own));
            return Ok(own);
        }
    }

    /// Every process's folder.
    fn folders(&self) -> io::Result<Vec<PathBuf>> {
        match entries(&self.0.directory.join("new")) {
            Ok(folders) => Ok(folders.filter(|path| path.is_dir()).collect()),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(Vec::new()),
            Err(error) => Err(error),
        }
    }

    fn path(&self, name: Sha256) -> PathBuf {
        let (shelf, name) = shelf_and_name(name);
        self.0.directory.join(shelf).join(name)
    }
}

impl Drop for Shared {
    fn drop(&mut self) {
        let own = self.own.get_mut().unwrap_or_else(PoisonError::into_inner);
        if let Some(own) = own.take() {
            // With something in it, it is settled by the next process.
            let only_the_lock = entries(&own.folder).is_ok_and(|mut files| {
                files.next() == Some(own.folder.join(LOCK)) && files.next().is_none()
            });
            if only_the_lock {
                // So is one that cannot be removed.
                let _ = fs::remove_dir_all(&own.folder);
            }
        }
    }
}

/// The lock of a folder, if its process is dead.
fn lock_of_the_dead(folder: &Path) -> io::Result<Option<File>> {
    let open = File::options()
        .write(true)
        .create(true)
        .truncate(false)
        .open(folder.join(LOCK));
    let lock = match open {
        Ok(lock) => lock,
        // Somebody else has just settled it.
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error),
    };
    match lock.try_lock() {
        Ok(()) if is_at(&lock, folder) => Ok(Some(lock)),
        Ok(()) | Err(TryLockError::WouldBlock) => Ok(None),
        Err(TryLockError::Error(error)) => Err(error),
    }
}

/// Whether an open lock is still the one in its folder.
fn is_at(lock: &File, folder: &Path) -> bool {
    let (ours, there) = (lock.metadata(), fs::metadata(folder.join(LOCK)));
    match (ours, there) {
        (Ok(ours), Ok(there)) => (ours.dev(), ours.ino()) == (there.dev(), there.ino()),
        _ => false,
    }
}

fn entries(folder: &Path) -> io::Result<impl Iterator<Item = PathBuf>> {
    let entries: Vec<_> = fs::read_dir(folder)?.collect::<io::Result<_>>()?;
    Ok(entries.into_iter().map(|entry| entry.path()))
}

fn opened(path: &Path) -> io::Result<Option<File>> {
    match File::open(path) {
        Ok(file) => Ok(Some(file)),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

/// A finished file under the name of its content, which survives a power cut.
fn staged(unfinished: Unfinished) -> io::Result<Staged> {
    let name = unfinished.digest();
    lasting(unfinished.file, name, unfinished.own)
}

fn lasting(file: NamedTempFile, name: Sha256, own: Arc<Own>) -> io::Result<Staged> {
    file.as_file().sync_all()?;
    let staged = Staged {
        name,
        own,
        kept: AtomicBool::new(false),
    };
    staged.own.left().remove(&name);
    file.persist(staged.path()).map_err(|error| error.error)?;
    sync(&staged.own.folder)?;
    Ok(staged)
}

fn sync(folder: &Path) -> io::Result<()> {
    File::open(folder)?.sync_all()
}
