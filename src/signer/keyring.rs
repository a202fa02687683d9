//! The keys of one installation, opened when they are first needed.

use super::file::{FileSigner, KeyFileError, read_passphrase};
use super::token::{self, TokenError, TokenSigner};
use super::{BoxFuture, Signer, SignerError, Subject};
use crate::digest::Sha256;
use crate::key::{Algorithm, PublicKey};
use crate::metrics::Metrics;
use crate::private::Private;
use std::collections::HashMap;
use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

/// A directory of encrypted key files under one passphrase, which stands in a file of its own, and of
/// addresses of keys in tokens.
pub struct Keyring {
    directory: PathBuf,
    passphrase_file: PathBuf,
    opened: Mutex<HashMap<Sha256, Arc<dyn Signer>>>,
    /// Held while a key is opened: the second of two who want one waits for the first.
    opening: tokio::sync::Mutex<()>,
    metrics: Metrics,
}

/// A key whose failures are counted.
struct Watched {
    key: Box<dyn Signer>,
    metrics: Metrics,
}

impl Signer for Watched {
    fn algorithm(&self) -> Algorithm {
        self.key.algorithm()
    }

    fn public_key(&self) -> &PublicKey {
        self.key.public_key()
    }

    fn sign<'a>(&'a self, message: &'a [u8]) -> BoxFuture<'a, Result<Vec<u8>, SignerError>> {
        Box::pin(async move {
            let signed = self.key.sign(message).await;
            if signed.is_err() {
                self.metrics.signer_failed();
            }
            signed
        })
    }
}

impl fmt::Debug for Keyring {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Keyring")
            .field("directory", &self.directory)
            .finish_non_exhaustive()
    }
}

impl Keyring {
    /// Nothing is opened yet.
    #[must_use]
    pub fn new(directory: &Path, passphrase_file: &Path, metrics: Metrics) -> Self {
        Self {
            directory: directory.to_owned(),
            passphrase_file: passphrase_file.to_owned(),
            opened: Mutex::default(),
            opening: tokio::sync::Mutex::default(),
            metrics,
        }
    }

    /// Where the key files are.
    #[must_use]
    pub fn directory(&self) -> &Path {
        &self.directory
    }

    /// The passphrase, read anew each time.
    ///
    /// # Errors
    /// [`KeyFileError`].
    pub fn passphrase(&self) -> Result<Private<String>, KeyFileError> {
        read_passphrase(&self.passphrase_file)
    }

    /// The private half of `public`, from the file of this name or where that says. Deriving the file's key
    /// takes a quarter of a second, so it is done once, and not on a thread that serves.
    ///
    /// # Errors
    /// [`SignerError::File`] or [`SignerError::Token`] when it cannot be opened, [`SignerError::OtherKey`]
    /// when the file holds another key.
    pub async fn signer(
        &self,
        file: &str,
        public: &PublicKey,
    ) -> Result<Arc<dyn Signer>, SignerError> {
        let fingerprint = public.fingerprint();
        let known = || self.lock().get(&fingerprint).cloned();
        if let Some(known) = known() {
            return Ok(known);
        }
        let _opening = self.opening.lock().await;
        if let Some(known) = known() {
            return Ok(known);
        }
        let opened = self.open(file, public).await;
        let opened = opened.inspect_err(|_| self.metrics.signer_failed())?;
        self.lock().insert(fingerprint, Arc::clone(&opened));
        Ok(opened)
    }

    /// The public half of the key in the file of this name.
    ///
    /// # Errors
    /// [`SignerError::File`] or [`SignerError::Token`].
    pub fn public_key(&self, file: &str) -> Result<PublicKey, SignerError> {
        let path = self.directory.join(file);
        if token::is_address(file) {
            return Ok(token::public_key(&path)?);
        }
        Ok(FileSigner::open(&path, &self.passphrase()?)?
            .public_key()
            .clone())
    }

    /// A certificate request in PEM for the key in the file of this name.
    ///
    /// # Errors
    /// As [`Self::public_key`], and when the request cannot be signed.
    pub fn request(&self, file: &str, subject: &Subject) -> Result<String, SignerError> {
        let path = self.directory.join(file);
        if token::is_address(file) {
            let public = token::public_key(&path)?;
            return TokenSigner::open(&path, public)?.request(subject);
        }
        FileSigner::open(&path, &self.passphrase()?)?.request(subject)
    }

    async fn open(&self, file: &str, public: &PublicKey) -> Result<Arc<dyn Signer>, SignerError> {
        let path = self.directory.join(file);
        let metrics = self.metrics.clone();
        if token::is_address(file) {
            let public = public.clone();
            let opened = tokio::task::spawn_blocking(move || TokenSigner::open(&path, public));
            let opened = tokio::time::timeout(token::PATIENCE, opened).await;
            let opened = opened.map_err(|_| TokenError::Silent)?;
            let key = Box::new(opened.map_err(|_| SignerError::Refused)??);
            return Ok(Arc::new(Watched { key, metrics }));
        }
        let passphrase = self.passphrase()?;
        let opened = tokio::task::spawn_blocking(move || FileSigner::open(&path, &passphrase))
            .await
            .map_err(|_| SignerError::Refused)?;
        let key = opened?;
        if key.public_key().spki() != public.spki() {
            return Err(SignerError::OtherKey);
        }
        let key = Box::new(key);
        Ok(Arc::new(Watched { key, metrics }))
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<Sha256, Arc<dyn Signer>>> {
        // A map of finished keys is whole whenever its lock is given back.
        self.opened.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
