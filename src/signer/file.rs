//! Keys in encrypted files.
//!
//! ```text
//! seal.key.pem               PKCS#8, PBES2 { PBKDF2-HMAC-SHA256 600 000, AES-256-CBC } (RFC 8018), mode 0600
//! seal.key.pem.spki-sha256   SHA-256 of the public key, 64 hex digits
//! ```
//!
//! OpenSSL reads the first. The second is there because CBC does not authenticate: whoever can write the
//! folder could swap the file for another key under the same passphrase, or change bits of it.
//! The numbers are those of ASVS 5.0 V11.4.2; scrypt of that strength OpenSSL 3.0 refuses to read.
//!
//! Opening takes a quarter of a second of computing: do it once, at the start.

use super::private_key::{PrivateKey, UnusableKey};
use super::{BoxFuture, Signer, SignerError, Subject, token};
use crate::digest::{Sha256, hex};
use crate::key::{Algorithm, PublicKey};
use crate::private::Private;
use pkcs8::der::pem::{LineEnding, PemLabel as _};
use pkcs8::pkcs5::EncryptionScheme;
use pkcs8::pkcs5::pbes2::{self, Kdf, Pbkdf2Prf};
use pkcs8::{EncryptedPrivateKeyInfoRef, PrivateKeyInfoRef, SecretDocument};
use ring::rand::{SecureRandom as _, SystemRandom};
use std::fs::{File, OpenOptions};
use std::io::{self, Read as _, Write as _};
use std::os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

/// How the name of a key file ends.
pub const EXTENSION: &str = ".key.pem";

/// Rounds of PBKDF2 that we write (ASVS 5.0 V11.4.2), and the least that we read.
const ROUNDS: u32 = 600_000;

/// The most rounds that we read: seven seconds of computing.
const MOST_ROUNDS: u32 = 15_000_000;

/// Bytes of a key file; RSA with 8192 bits has some 7,000.
const KEY_FILE: u64 = 64 * 1024;

/// Characters of a passphrase that we encrypt with.
const LEAST_PASSPHRASE: usize = 12;

/// Why a key file cannot be used or made.
#[derive(Debug, thiserror::Error)]
pub enum KeyFileError {
    /// The file system refused.
    #[error("{path}: {source}")]
    File {
        /// Which file.
        path: PathBuf,
        /// What it said.
        #[source]
        source: io::Error,
    },
    /// Group or others may read or write it.
    #[error("{path} has mode {mode:04o}; a secret must not be open to group or others (0600)")]
    Mode {
        /// Which file.
        path: PathBuf,
        /// Its permission bits.
        mode: u32,
    },
    /// Not PEM with `ENCRYPTED PRIVATE KEY`; also when the key is not encrypted.
    #[error("{path} is not an encrypted PKCS#8 key")]
    NotEncryptedKey {
        /// Which file.
        path: PathBuf,
    },
    /// Encrypted otherwise than we write; `import` brings it into form.
    #[error("{path} is not encrypted with PBKDF2-HMAC-SHA256 of {ROUNDS} rounds and AES-256-CBC")]
    WeakEncryption {
        /// Which file.
        path: PathBuf,
    },
    /// The passphrase does not open it, or the file is damaged: the format cannot tell.
    #[error("{path}: wrong passphrase or damaged file")]
    WrongPassphrase {
        /// Which file.
        path: PathBuf,
    },
    /// The file opens, but holds another key than the one whose fingerprint stands beside it.
    #[error("{path} holds another key than the fingerprint beside it says")]
    OtherKey {
        /// Which file.
        path: PathBuf,
    },
    /// The passphrase is too short to encrypt a key with.
    #[error("a passphrase needs at least {LEAST_PASSPHRASE} characters")]
    ShortPassphrase,
    /// The key cannot be used.
    #[error(transparent)]
    Unusable(#[from] UnusableKey),
    /// The random generator failed.
    #[error("no randomness to be had")]
    NoRandomness,
}

/// A key from an encrypted file.
#[derive(Debug)]
pub struct FileSigner {
    key: PrivateKey,
}

impl FileSigner {
    /// Opens an encrypted key file.
    ///
    /// # Errors
    /// [`KeyFileError`]; the fingerprint file must be there.
    pub fn open(path: &Path, passphrase: &Private<String>) -> Result<Self, KeyFileError> {
        let at = || path.to_owned();
        let text = read_secret(path)?;
        let document = encrypted_document(path, text.expose())?;
        let info = EncryptedPrivateKeyInfoRef::try_from(document.as_bytes())
            .map_err(|_| KeyFileError::NotEncryptedKey { path: at() })?;
        if !is_our_encryption(&info.encryption_algorithm) {
            return Err(KeyFileError::WeakEncryption { path: at() });
        }
        let expected = read_fingerprint(path)?;
        let key = decrypt(path, &info, passphrase)?;
        if key.public_key().fingerprint() != expected {
            return Err(KeyFileError::OtherKey { path: at() });
        }
        Ok(Self { key })
    }

    /// A certificate request in PEM for this key.
    ///
    /// # Errors
    /// See [`PrivateKey::request`].
    pub fn request(&self, subject: &Subject) -> Result<String, SignerError> {
        self.key.request(subject)
    }

    /// The key itself, for the demo authority.
    pub(super) fn into_key(self) -> PrivateKey {
        self.key
    }
}

impl Signer for FileSigner {
    fn algorithm(&self) -> Algorithm {
        self.key.public_key().algorithm()
    }

    fn public_key(&self) -> &PublicKey {
        self.key.public_key()
    }

    fn sign<'a>(&'a self, message: &'a [u8]) -> BoxFuture<'a, Result<Vec<u8>, SignerError>> {
        // At most two milliseconds (RSA-3072): not worth another thread.
        Box::pin(async move { self.key.sign(message) })
    }
}

/// Makes a new key in an encrypted file; an existing file is never overwritten.
///
/// # Errors
/// [`KeyFileError`].
pub fn make_key(
    path: &Path,
    algorithm: Algorithm,
    passphrase: &Private<String>,
) -> Result<PublicKey, KeyFileError> {
    let key = PrivateKey::generate(algorithm)?;
    write_encrypted(path, &key, passphrase)?;
    Ok(key.public_key().clone())
}

/// Brings a PKCS#8 key from elsewhere (PEM or DER; encrypted by any PBES2 scheme if `theirs` is given) into a
/// file of ours. The source stays where it is; destroy it.
///
/// # Errors
/// [`KeyFileError`] of the source or of the new file.
pub fn import_pkcs8(
    source: &Path,
    theirs: Option<&Private<String>>,
    path: &Path,
    passphrase: &Private<String>,
) -> Result<PublicKey, KeyFileError> {
    let bytes = read_limited(source, &open_for_reading(source)?)?;
    let document = match std::str::from_utf8(bytes.expose()) {
        Ok(text) if text.contains("-----BEGIN ") => SecretDocument::from_pem(text)
            .map(|(_, document)| document)
            .map_err(|_| UnusableKey::NotPkcs8)?,
        _ => SecretDocument::try_from(bytes.expose().as_slice())
            .map_err(|_| UnusableKey::NotPkcs8)?,
    };
    let key = match theirs {
        Some(theirs) => {
            let info = EncryptedPrivateKeyInfoRef::try_from(document.as_bytes()).map_err(|_| {
                KeyFileError::NotEncryptedKey {
                    path: source.to_owned(),
                }
            })?;
            decrypt(source, &info, theirs)?
        }
        None => PrivateKey::from_pkcs8(document.as_bytes())?,
    };
    write_encrypted(path, &key, passphrase)?;
    Ok(key.public_key().clone())
}

/// Writes a key to a new encrypted file, and its fingerprint beside it.
///
/// # Errors
/// [`KeyFileError`]; when the file exists, [`KeyFileError::File`] with [`io::ErrorKind::AlreadyExists`].
pub fn write_encrypted(
    path: &Path,
    key: &PrivateKey,
    passphrase: &Private<String>,
) -> Result<(), KeyFileError> {
    if passphrase.expose().chars().count() < LEAST_PASSPHRASE {
        return Err(KeyFileError::ShortPassphrase);
    }
    let unusable = |_| UnusableKey::NotMade;
    let plain = key.pkcs8()?;
    let info = PrivateKeyInfoRef::try_from(plain.as_slice()).map_err(|_| UnusableKey::NotPkcs8)?;
    let scheme = pbes2::Parameters::generate_pbkdf2_sha256_aes256cbc(
        ROUNDS,
        &random::<16>()?,
        random::<16>()?,
    )
    .map_err(|_| UnusableKey::NotMade)?;
    let pem = info
        .encrypt_with_params(scheme, passphrase.expose())
        .map_err(|_| UnusableKey::NotMade)?
        .to_pem(EncryptedPrivateKeyInfoRef::PEM_LABEL, LineEnding::LF)
        .map_err(unusable)?;
    write_with_fingerprint(path, pem.as_bytes(), key.public_key())
}

/// Writes a new secret file, and the fingerprint of its key beside it.
pub(super) fn write_with_fingerprint(
    path: &Path,
    content: &[u8],
    public: &PublicKey,
) -> Result<(), KeyFileError> {
    create(path, 0o600, content)?;
    let fingerprint = public.fingerprint();
    let beside = fingerprint_path(path);
    // Left over from a key that was destroyed.
    match std::fs::remove_file(&beside) {
        Err(source) if source.kind() != io::ErrorKind::NotFound => {
            return Err(KeyFileError::File {
                path: beside,
                source,
            });
        }
        _ => {}
    }
    create(&beside, 0o644, format!("{fingerprint}\n").as_bytes())
}

/// The key files and addresses of keys of a folder with the fingerprints beside them, in order of their names.
/// Nothing is opened.
///
/// # Errors
/// [`KeyFileError::File`] when the folder or a fingerprint cannot be read.
pub fn list(folder: &Path) -> Result<Vec<(PathBuf, Sha256)>, KeyFileError> {
    let failed = |source| KeyFileError::File {
        path: folder.to_owned(),
        source,
    };
    let mut keys = Vec::new();
    for entry in std::fs::read_dir(folder).map_err(failed)? {
        let path = entry.map_err(failed)?.path();
        let name = path.to_string_lossy();
        if name.ends_with(EXTENSION) || token::is_address(&name) {
            let fingerprint = read_fingerprint(&path)?;
            keys.push((path, fingerprint));
        }
    }
    keys.sort();
    Ok(keys)
}

/// Reads a passphrase from a file of mode 0600; a newline at its end does not count.
///
/// # Errors
/// [`KeyFileError::File`] or [`KeyFileError::Mode`].
pub fn read_passphrase(path: &Path) -> Result<Private<String>, KeyFileError> {
    let bytes = read_secret(path)?;
    let text = std::str::from_utf8(bytes.expose()).map_err(|_| KeyFileError::File {
        path: path.to_owned(),
        source: io::ErrorKind::InvalidData.into(),
    })?;
    Ok(Private::new(text.trim_end_matches(['\r', '\n']).to_owned()))
}

/// Makes a passphrase of 256 random bits in a new file of mode 0600: for the demo, whose keys guard nothing.
///
/// # Errors
/// [`KeyFileError::File`] when the file exists or cannot be written.
pub fn make_passphrase(path: &Path) -> Result<Private<String>, KeyFileError> {
    let passphrase = Private::new(hex(&random::<32>()?));
    create(path, 0o600, passphrase.expose().as_bytes())?;
    Ok(passphrase)
}

/// Where the fingerprint of a key file stands.
#[must_use]
pub fn fingerprint_path(key: &Path) -> PathBuf {
    let mut name = key.as_os_str().to_owned();
    name.push(".spki-sha256");
    name.into()
}

fn is_our_encryption(scheme: &EncryptionScheme) -> bool {
    let EncryptionScheme::Pbes2(parameters) = scheme else {
        return false;
    };
    let slow = match &parameters.kdf {
        Kdf::Pbkdf2(kdf) => {
            kdf.prf == Pbkdf2Prf::HmacWithSha256
                && (ROUNDS..=MOST_ROUNDS).contains(&kdf.iteration_count)
        }
        _ => false,
    };
    slow && matches!(
        parameters.encryption,
        pbes2::EncryptionScheme::Aes256Cbc { .. }
    )
}

fn decrypt(
    path: &Path,
    info: &EncryptedPrivateKeyInfoRef<'_>,
    passphrase: &Private<String>,
) -> Result<PrivateKey, KeyFileError> {
    let wrong = || KeyFileError::WrongPassphrase {
        path: path.to_owned(),
    };
    let plain = info.decrypt(passphrase.expose()).map_err(|_| wrong())?;
    // One wrong passphrase in 256 leaves something that looks padded.
    PrivateKey::from_pkcs8(plain.as_bytes()).map_err(|unusable| match unusable {
        UnusableKey::NotPkcs8 => wrong(),
        other => other.into(),
    })
}

fn encrypted_document(path: &Path, text: &[u8]) -> Result<SecretDocument, KeyFileError> {
    let refused = || KeyFileError::NotEncryptedKey {
        path: path.to_owned(),
    };
    let text = std::str::from_utf8(text).map_err(|_| refused())?;
    match SecretDocument::from_pem(text) {
        Ok((EncryptedPrivateKeyInfoRef::PEM_LABEL, document)) => Ok(document),
        _ => Err(refused()),
    }
}

fn read_fingerprint(key: &Path) -> Result<Sha256, KeyFileError> {
    let path = fingerprint_path(key);
    let text = std::fs::read_to_string(&path).map_err(|source| KeyFileError::File {
        path: path.clone(),
        source,
    })?;
    Sha256::parse_hex(text.trim_end()).ok_or(KeyFileError::OtherKey {
        path: key.to_owned(),
    })
}

/// Reads a file that only its owner may read.
fn read_secret(path: &Path) -> Result<Private<Vec<u8>>, KeyFileError> {
    let file = open_for_reading(path)?;
    // Asked of the open file, so that nobody swaps it in between.
    let metadata = file.metadata().map_err(|source| KeyFileError::File {
        path: path.to_owned(),
        source,
    })?;
    let mode = metadata.permissions().mode() & 0o7777;
    if mode & 0o077 != 0 {
        return Err(KeyFileError::Mode {
            path: path.to_owned(),
            mode,
        });
    }
    read_limited(path, &file)
}

fn open_for_reading(path: &Path) -> Result<File, KeyFileError> {
    File::open(path).map_err(|source| KeyFileError::File {
        path: path.to_owned(),
        source,
    })
}

fn read_limited(path: &Path, file: &File) -> Result<Private<Vec<u8>>, KeyFileError> {
    let mut bytes = Vec::new();
    file.take(KEY_FILE)
        .read_to_end(&mut bytes)
        .map_err(|source| KeyFileError::File {
            path: path.to_owned(),
            source,
        })?;
    Ok(Private::new(bytes))
}

fn create(path: &Path, mode: u32, bytes: &[u8]) -> Result<(), KeyFileError> {
    let write = || {
        let mut file = OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(mode)
            .open(path)?;
        file.write_all(bytes)?;
        file.sync_all()
    };
    write().map_err(|source| KeyFileError::File {
        path: path.to_owned(),
        source,
    })
}

fn random<const N: usize>() -> Result<[u8; N], KeyFileError> {
    let mut bytes = [0; N];
    SystemRandom::new()
        .fill(&mut bytes)
        .map_err(|_| KeyFileError::NoRandomness)?;
    Ok(bytes)
}
