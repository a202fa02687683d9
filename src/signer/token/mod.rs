//! Keys in tokens and hardware security modules: PKCS #11 (OASIS v3.1).
//!
//! ```text
//! seal.pkcs11                where the key lies: a PKCS #11 URI (RFC 7512), mode 0600
//! seal.pkcs11.spki-sha256    SHA-256 of the public key, 64 hex digits
//! ```
//!
//! The private key never leaves the token. Its sessions are kept open in a pool; a token that was gone and
//! comes back is found again without a restart of the service. A PIN that a token refused is not tried twice.

mod address;
mod library;
mod objects;

pub use address::{Address, AddressError, TokenMatch};

use super::file::{self, KeyFileError};
use super::{BoxFuture, Signer, SignerError, Subject};
use crate::digest::Sha256;
use crate::key::{Algorithm, PublicKey};
use crate::pki::ecdsa_sig_value;
use crate::private::Private;
use cryptoki::error::Error;
use cryptoki::mechanism::rsa::{PkcsMgfType, PkcsPssParams};
use cryptoki::mechanism::{Mechanism, MechanismType};
use cryptoki::object::ObjectHandle;
use cryptoki::session::Session;
use library::{Access, Library, Loaded};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::sync::Semaphore;

/// How the name of a file with an address ends.
pub const EXTENSION: &str = ".pkcs11";

/// Sessions of one key: tokens have few, and one signs at a time in each.
const SESSIONS: usize = 8;

/// How long a token may take for one signature. A smart card takes a second.
pub(super) const PATIENCE: Duration = Duration::from_secs(20);

/// Why a token gave no signature.
#[derive(Debug, thiserror::Error)]
pub enum TokenError {
    /// The file with the address, or that of the PIN, cannot be used.
    #[error(transparent)]
    File(#[from] KeyFileError),
    /// The address cannot be used.
    #[error("{path}: {source}")]
    Address {
        /// Which file.
        path: PathBuf,
        /// What is wrong with it.
        source: AddressError,
    },
    /// The library of the token cannot be loaded or started.
    #[error("{module} cannot be started")]
    Library {
        /// Which library.
        module: PathBuf,
        /// What it said.
        source: Error,
    },
    /// No token that matches is there.
    #[error("the token is not there")]
    Gone,
    /// More than one token matches.
    #[error("more than one token matches; name its serial")]
    SeveralTokens,
    /// The token refused the PIN; it is not tried again.
    #[error("the token refused the PIN; it is not tried again before it is changed")]
    WrongPin,
    /// The token is locked after wrong PINs.
    #[error("the token is locked; its PIN must be set anew by its security officer")]
    PinLocked,
    /// The token has no such key.
    #[error("the token has no such private key")]
    NoKey,
    /// More than one key matches.
    #[error("more than one private key matches; name its id")]
    SeveralKeys,
    /// Its public half cannot be read or is of another kind.
    #[error("the public half is neither a P-256 key nor an RSA key of at least 2048 bits")]
    PublicKey,
    /// The token said no, or lost its connection.
    #[error("the token failed")]
    Failed(#[from] Error),
    /// The token does not answer.
    #[error("the token gave no answer within {} seconds", PATIENCE.as_secs())]
    Silent,
    /// The random generator failed.
    #[error("no randomness to be had")]
    NoRandomness,
}

impl TokenError {
    /// Whether the token may be back after its library was started anew.
    fn may_heal(&self) -> bool {
        matches!(self, Self::Gone | Self::Failed(_) | Self::NoKey)
    }
}

/// A key in a token.
pub struct TokenSigner {
    key: Arc<TokenKey>,
    places: Arc<Semaphore>,
}

/// What every session of the key needs.
struct TokenKey {
    module: Arc<Library>,
    address: Address,
    pin: Private<String>,
    public: PublicKey,
    idle: Mutex<Vec<Live>>,
}

/// A session that is signed in, with the key in it.
struct Live {
    session: Session,
    key: ObjectHandle,
    generation: u64,
}

impl TokenSigner {
    /// Opens the key whose address stands in a file.
    ///
    /// # Errors
    /// [`TokenError`]; when the key is not the private half of `public`, each signature says so.
    pub fn open(path: &Path, public: PublicKey) -> Result<Self, TokenError> {
        let address = read_address(path)?;
        let pin = read_pin(path, &address)?;
        let key = TokenKey {
            module: Library::of(&address.module),
            address,
            pin,
            public,
            idle: Mutex::default(),
        };
        // A wrong PIN or a missing key is found out now and not with the first paper.
        let live = key.healing(TokenKey::connect)?;
        key.keep(live);
        Ok(Self {
            key: Arc::new(key),
            places: Arc::new(Semaphore::new(SESSIONS)),
        })
    }

    /// A certificate request in PEM for this key.
    ///
    /// # Errors
    /// [`SignerError::Refused`] when the subject cannot be encoded or the token gives no signature.
    pub fn request(&self, subject: &Subject) -> Result<String, SignerError> {
        subject
            .document_signing()
            .serialize_request(&*self.key)
            .and_then(|request| request.pem())
            .map_err(|_| SignerError::Refused)
    }
}

impl Signer for TokenSigner {
    fn algorithm(&self) -> Algorithm {
        self.key.public.algorithm()
    }

    fn public_key(&self) -> &PublicKey {
        &self.key.public
    }

    fn sign<'a>(&'a self, message: &'a [u8]) -> BoxFuture<'a, Result<Vec<u8>, SignerError>> {
        Box::pin(async move {
            let failed = |error| SignerError::Token(Arc::new(error));
            let key = Arc::clone(&self.key);
            let digest = Sha256::of(message);
            let work = async {
                let place = Arc::clone(&self.places).acquire_owned().await;
                let place = place.map_err(|_| SignerError::Refused)?;
                let signing = tokio::task::spawn_blocking(move || {
                    let signed = key.sign(&key.signing(), &digest.0);
                    // A token that hangs keeps its place after everybody has given up waiting.
                    drop(place);
                    signed
                });
                let signed = signing.await.map_err(|_| SignerError::Refused)?;
                signed.map_err(failed)
            };
            let signed = tokio::time::timeout(PATIENCE, work).await;
            let signature = signed.map_err(|_| failed(TokenError::Silent))??;
            if self.key.public.verifies(message, &signature) {
                Ok(signature)
            } else {
                Err(SignerError::BadSignature)
            }
        })
    }
}

impl TokenKey {
    /// ECDSA over a digest, since not every token hashes (CKM_ECDSA_SHA256 is missing from SoftHSM); PSS as
    /// [`crate::key`] verifies it.
    fn signing(&self) -> Mechanism<'static> {
        match self.public.algorithm() {
            Algorithm::Es256 => Mechanism::Ecdsa,
            Algorithm::Ps256 => Mechanism::RsaPkcsPss(PkcsPssParams {
                hash_alg: MechanismType::SHA256,
                mgf: PkcsMgfType::MGF1_SHA256,
                s_len: 32.into(),
            }),
        }
    }

    fn sign(&self, mechanism: &Mechanism<'_>, data: &[u8]) -> Result<Vec<u8>, TokenError> {
        if let Some(live) = self.kept()
            && let Ok(signature) = self
                .module
                .call(|loaded| self.sign_with(loaded, live, mechanism, data))
        {
            return Ok(signature);
        }
        // The session may have died with its token.
        self.healing(|key, loaded| {
            let live = key.connect(loaded)?;
            key.sign_with(loaded, live, mechanism, data)
        })
    }

    /// Signs in a session, and keeps it if that went well.
    fn sign_with(
        &self,
        loaded: &Loaded,
        live: Live,
        mechanism: &Mechanism<'_>,
        data: &[u8],
    ) -> Result<Vec<u8>, TokenError> {
        if live.generation != loaded.generation() {
            return Err(TokenError::Gone);
        }
        match live.session.sign(mechanism, live.key, data) {
            Ok(signature) => {
                self.keep(live);
                Ok(signature)
            }
            Err(error) => {
                // Tokens have few sessions: one that failed is given back, if it is still there.
                let _ = live.session.close();
                Err(error.into())
            }
        }
    }

    /// Does `work`, and once more with a library that was started anew where that may help.
    fn healing<T>(
        &self,
        work: impl Fn(&Self, &Loaded) -> Result<T, TokenError>,
    ) -> Result<T, TokenError> {
        let mut generation = 0;
        let done = self.module.call(|loaded| {
            generation = loaded.generation();
            work(self, loaded)
        });
        match done {
            Err(error) if error.may_heal() && self.module.restart(generation)? => {
                self.module.call(|loaded| work(self, loaded))
            }
            done => done,
        }
    }

    fn connect(&self, loaded: &Loaded) -> Result<Live, TokenError> {
        let access = Access::Read;
        let session = self
            .module
            .session(loaded, &self.address, &self.pin, access)?;
        match objects::private_key(&session, &self.address) {
            Ok(key) => Ok(Live {
                session,
                key,
                generation: loaded.generation(),
            }),
            Err(error) => {
                let _ = session.close();
                Err(error)
            }
        }
    }

    fn kept(&self) -> Option<Live> {
        self.idle().pop()
    }

    fn keep(&self, live: Live) {
        self.idle().push(live);
    }

    fn idle(&self) -> std::sync::MutexGuard<'_, Vec<Live>> {
        // A list of finished sessions is whole whenever its lock is given back.
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Makes a key in the token of an address, never to leave it, and writes the address with the new key's id
/// to a new file.
///
/// # Errors
/// [`TokenError`].
pub fn make_key(
    path: &Path,
    address: &Address,
    algorithm: Algorithm,
) -> Result<PublicKey, TokenError> {
    let mut address = address.clone();
    if address.id.is_none() {
        address.id = Some(objects::new_id()?);
    }
    let public = with_token(
        path,
        &address,
        Access::Write,
        |session| match objects::private_key(session, &address) {
            Err(TokenError::NoKey) => objects::make_key(session, &address, algorithm),
            Ok(_) | Err(TokenError::SeveralKeys) => Err(TokenError::SeveralKeys),
            Err(error) => Err(error),
        },
    )?;
    write_address(path, &address, &public)?;
    Ok(public)
}

/// Writes the address of a key that is in its token already to a new file.
///
/// # Errors
/// [`TokenError`] when it is not there.
pub fn attach_key(path: &Path, address: &Address) -> Result<PublicKey, TokenError> {
    let public = with_token(path, address, Access::Read, |session| {
        objects::private_key(session, address)?;
        objects::public_key(session, address)
    })?;
    write_address(path, address, &public)?;
    Ok(public)
}

fn with_token<T>(
    path: &Path,
    address: &Address,
    access: Access,
    work: impl FnOnce(&Session) -> Result<T, TokenError>,
) -> Result<T, TokenError> {
    let library = Library::of(&address.module);
    let pin = read_pin(path, address)?;
    library.call(|loaded| {
        let session = library.session(loaded, address, &pin, access)?;
        let done = work(&session);
        let _ = session.close();
        done
    })
}

/// The public half of the key whose address stands in a file, as the token has it.
///
/// # Errors
/// [`TokenError`].
pub fn public_key(path: &Path) -> Result<PublicKey, TokenError> {
    let address = read_address(path)?;
    with_token(path, &address, Access::Read, |session| {
        objects::public_key(session, &address)
    })
}

/// Whether a file of this name holds an address.
#[must_use]
pub fn is_address(name: &str) -> bool {
    name.ends_with(EXTENSION)
}

fn read_address(path: &Path) -> Result<Address, TokenError> {
    // As secret as a key: whoever writes it chooses which library is loaded.
    let text = file::read_passphrase(path)?;
    Address::parse(text.expose()).map_err(|source| TokenError::Address {
        path: path.to_owned(),
        source,
    })
}

fn read_pin(path: &Path, address: &Address) -> Result<Private<String>, TokenError> {
    let folder = path.parent().unwrap_or(Path::new(""));
    Ok(file::read_passphrase(&folder.join(&address.pin))?)
}

fn write_address(path: &Path, address: &Address, public: &PublicKey) -> Result<(), TokenError> {
    Ok(file::write_with_fingerprint(
        path,
        format!("{address}\n").as_bytes(),
        public,
    )?)
}

/// For requests, which rcgen writes.
impl rcgen::PublicKeyData for TokenKey {
    fn der_bytes(&self) -> &[u8] {
        self.public.bits()
    }

    fn algorithm(&self) -> &'static rcgen::SignatureAlgorithm {
        match self.public.algorithm() {
            Algorithm::Es256 => &rcgen::PKCS_ECDSA_P256_SHA256,
            Algorithm::Ps256 => &rcgen::PKCS_RSA_SHA256,
        }
    }
}

impl rcgen::SigningKey for TokenKey {
    /// As for keys in files: PKCS#1 v1.5 for the request of an RSA key, which every CA reads.
    fn sign(&self, message: &[u8]) -> Result<Vec<u8>, rcgen::Error> {
        let failed = |_| rcgen::Error::RemoteKeyError;
        match self.public.algorithm() {
            Algorithm::Es256 => {
                let digest = Sha256::of(message);
                let raw = Self::sign(self, &Mechanism::Ecdsa, &digest.0).map_err(failed)?;
                let raw: &[u8; 64] = raw
                    .as_slice()
                    .try_into()
                    .map_err(|_| rcgen::Error::RemoteKeyError)?;
                Ok(ecdsa_sig_value(raw))
            }
            Algorithm::Ps256 => {
                Self::sign(self, &Mechanism::Sha256RsaPkcs, message).map_err(failed)
            }
        }
    }
}
