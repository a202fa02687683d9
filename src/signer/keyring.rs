//! The keys of one installation, opened when they are first needed.

use super::file::{FileSigner, KeyFileError};
use super::{Signer, SignerError};
use crate::digest::Sha256;
use crate::key::PublicKey;
use crate::private::Private;
use std::collections::HashMap;
use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

/// A directory of encrypted key files under one passphrase.
pub struct Keyring {
    directory: PathBuf,
    passphrase: Private<String>,
    opened: Mutex<HashMap<Sha256, Arc<dyn Signer>>>,
}

impl fmt::Debug for Keyring {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Keyring").field("directory", &self.directory).finish_non_exhaustive()
    }
}

impl Keyring {
    /// Nothing is opened yet.
    #[must_use]
    pub fn new(directory: &Path, passphrase: Private<String>) -> Self {
        Self { directory: directory.to_owned(), passphrase, opened: Mutex::default() }
    }

    /// Where the key files are.
    #[must_use]
    pub fn directory(&self) -> &Path {
        &self.directory
    }

    /// The passphrase, for commands that write further key files.
    #[must_use]
    pub fn passphrase(&self) -> &Private<String> {
        &self.passphrase
    }

    /// The private half of `public`, from the file of this name. Deriving the file's key takes a quarter
    /// of a second, so it is done once, and not on a thread that serves.
    ///
    /// # Errors
    /// [`SignerError::File`] when it cannot be opened, [`SignerError::OtherKey`] when it holds another key.
    pub async fn signer(&self, file: &str, public: &PublicKey) -> Result<Arc<dyn Signer>, SignerError> {
        let fingerprint = public.fingerprint();
        if let Some(known) = self.lock().get(&fingerprint) {
            return Ok(Arc::clone(known));
        }
        let path = self.directory.join(file);
        let passphrase = self.passphrase.clone();
        let opened = tokio::task::spawn_blocking(move || FileSigner::open(&path, &passphrase))
            .await
            .map_err(|_| SignerError::Refused)?;
        let opened: Arc<dyn Signer> = Arc::new(opened.map_err(|error: KeyFileError| {
            SignerError::File(Arc::new(error))
        })?);
        if opened.public_key().spki() != public.spki() {
            return Err(SignerError::OtherKey);
        }
        self.lock().insert(fingerprint, Arc::clone(&opened));
        Ok(opened)
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<Sha256, Arc<dyn Signer>>> {
        // A map of finished keys is whole whenever its lock is given back.
        self.opened.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
