//! The library of a token in this process.
//!
//! `C_Initialize` is made once in a process, whoever asks (PKCS #11 v3.1 §5.4), so there is one [`Library`] for
//! each file. When a token is gone its library is started anew: for a network HSM that is the only way to a
//! new connection. What was opened before belongs to an earlier *generation* and is forgotten, never closed:
//! the new one may give out the same handles.

use super::TokenError;
use super::address::{Address, TokenMatch};
use crate::digest::Sha256;
use crate::private::Private;
use cryptoki::context::{CInitializeArgs, CInitializeFlags, Pkcs11};
use cryptoki::error::{Error, RvError};
use cryptoki::session::{Session, UserType};
use cryptoki::slot::{Slot, TokenInfo};
use std::collections::{HashMap, HashSet};
use std::path::{Path, PathBuf};
use std::sync::{Arc, LazyLock, Mutex, PoisonError, RwLock, RwLockReadGuard};
use std::time::{Duration, Instant};

/// Between two starts of a library whose token is gone.
const APART: Duration = Duration::from_secs(1);

/// A library by its file.
pub(super) struct Library {
    module: PathBuf,
    /// Whoever calls the library holds it for reading; it is started anew when nobody does.
    loaded: RwLock<Option<Loaded>>,
    /// Token and PIN together, hashed, of those that a token refused: a second try would bring it nearer to
    /// being locked.
    refused: Mutex<HashSet<Sha256>>,
}

/// A library that was started.
pub(super) struct Loaded {
    context: Pkcs11,
    generation: u64,
    started: Instant,
}

/// Whether a session may change what is in the token.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Access {
    Read,
    Write,
}

impl Library {
    /// The library of this file.
    pub(super) fn of(module: &Path) -> Arc<Self> {
        static LIBRARIES: LazyLock<Mutex<HashMap<PathBuf, Arc<Library>>>> =
            LazyLock::new(Mutex::default);
        // A map of finished values is whole whenever its lock is given back.
        let mut libraries = LIBRARIES.lock().unwrap_or_else(PoisonError::into_inner);
        let library = libraries.entry(module.to_owned()).or_insert_with(|| {
            Arc::new(Self {
                module: module.to_owned(),
                loaded: RwLock::default(),
                refused: Mutex::default(),
            })
        });
        Arc::clone(library)
    }

    /// Calls the library; it is started if need be.
    pub(super) fn call<T>(
        &self,
        work: impl FnOnce(&Loaded) -> Result<T, TokenError>,
    ) -> Result<T, TokenError> {
        loop {
            let loaded = self.read();
            if let Some(loaded) = &*loaded {
                return work(loaded);
            }
            drop(loaded);
            self.start()?;
        }
    }

    fn read(&self) -> RwLockReadGuard<'_, Option<Loaded>> {
        self.loaded.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn start(&self) -> Result<(), TokenError> {
        let mut loaded = self.loaded.write().unwrap_or_else(PoisonError::into_inner);
        if loaded.is_none() {
            *loaded = Some(self.load(0)?);
        }
        Ok(())
    }

    /// Starts the library anew, unless somebody did since `generation` or a moment ago. Says whether it is
    /// worth trying again.
    pub(super) fn restart(&self, generation: u64) -> Result<bool, TokenError> {
        let mut loaded = self.loaded.write().unwrap_or_else(PoisonError::into_inner);
        match loaded.take() {
            Some(newer) if newer.generation > generation => *loaded = Some(newer),
            Some(same) if same.started.elapsed() < APART => {
                *loaded = Some(same);
                return Ok(false);
            }
            Some(same) => {
                // It may have failed for the very reason for which it is started anew.
                let _ = same.context.finalize();
                *loaded = Some(self.load(generation.saturating_add(1))?);
            }
            None => *loaded = Some(self.load(generation.saturating_add(1))?),
        }
        Ok(true)
    }

    fn load(&self, generation: u64) -> Result<Loaded, TokenError> {
        let failed = |source| TokenError::Library {
            module: self.module.clone(),
            source,
        };
        let context = Pkcs11::new(&self.module).map_err(failed)?;
        match context.initialize(CInitializeArgs::new(CInitializeFlags::OS_LOCKING_OK)) {
            Ok(()) | Err(Error::Pkcs11(RvError::CryptokiAlreadyInitialized, _)) => {}
            Err(error) => return Err(failed(error)),
        }
        Ok(Loaded {
            context,
            generation,
            started: Instant::now(),
        })
    }

    /// Opens a session on the token of an address and signs in.
    pub(super) fn session(
        &self,
        loaded: &Loaded,
        address: &Address,
        pin: &Private<String>,
        access: Access,
    ) -> Result<Session, TokenError> {
        let (slot, token) = loaded.slot(&address.token)?;
        let context = &loaded.context;
        let session = match access {
            Access::Read => context.open_ro_session_no_drop(slot)?,
            Access::Write => context.open_rw_session_no_drop(slot)?,
        };
        let known = format!(
            "{}\0{}\0{}",
            token.serial_number(),
            token.label(),
            pin.expose()
        );
        let known = Sha256::of(known.as_bytes());
        let refused = || self.refused.lock().unwrap_or_else(PoisonError::into_inner);
        if refused().contains(&known) {
            let _ = session.close();
            return Err(TokenError::WrongPin);
        }
        let secret = cryptoki::types::AuthPin::from(pin.expose().as_str());
        let signed_in = match session.login(UserType::User, Some(&secret)) {
            // Signing in counts for all sessions of the process.
            Ok(()) | Err(Error::Pkcs11(RvError::UserAlreadyLoggedIn, _)) => return Ok(session),
            Err(Error::Pkcs11(RvError::PinLocked, _)) => TokenError::PinLocked,
            Err(Error::Pkcs11(
                RvError::PinIncorrect | RvError::PinInvalid | RvError::PinLenRange,
                _,
            )) => {
                refused().insert(known);
                TokenError::WrongPin
            }
            Err(error) => error.into(),
        };
        let _ = session.close();
        Err(signed_in)
    }
}

impl Loaded {
    /// Which start of the library this is.
    pub(super) fn generation(&self) -> u64 {
        self.generation
    }

    /// The one token that matches.
    fn slot(&self, wanted: &TokenMatch) -> Result<(Slot, TokenInfo), TokenError> {
        let mut found = None;
        for slot in self.context.get_slots_with_token()? {
            // A token may be pulled out between the two questions.
            let Ok(token) = self.context.get_token_info(slot) else {
                continue;
            };
            if token.token_initialized() && matches(wanted, &token) {
                if found.is_some() {
                    return Err(TokenError::SeveralTokens);
                }
                found = Some((slot, token));
            }
        }
        found.ok_or(TokenError::Gone)
    }
}

fn matches(wanted: &TokenMatch, token: &TokenInfo) -> bool {
    let fits = |wanted: &Option<String>, has: &str| wanted.as_deref().is_none_or(|it| it == has);
    fits(&wanted.label, token.label())
        && fits(&wanted.serial, token.serial_number())
        && fits(&wanted.manufacturer, token.manufacturer_id())
        && fits(&wanted.model, token.model())
}
