//! Passwords of people, and the tokens that they are exchanged for.
//!
//! A password is kept as Argon2id. Signing in gives a token of 256 random bits that is an API key like any
//! other, kept as its digest, and opens nothing after half a day. Who guesses learns nothing: an unknown
//! login costs as much time and gets the same answer as a wrong password.

use crate::clock::{Clock, UnixTime};
use crate::digest::{Sha256, hex};
use crate::private::Private;
use crate::store::{ApiKey, AuditEntry, Store, StoreError, Tx};
use argon2::Argon2;
use argon2::password_hash::{PasswordHasher as _, PasswordVerifier as _};
use ring::rand::{SecureRandom as _, SystemRandom};
use std::sync::Arc;
use tokio::sync::Semaphore;
use uuid::Uuid;

/// Seconds for which a token opens.
const LIFETIME: i64 = 12 * 3_600;

/// Passwords judged at once: each takes 19 MiB and a core.
const AT_ONCE: usize = 2;

/// Why nobody was let in.
#[derive(Debug, thiserror::Error)]
pub enum LoginError {
    /// No account has this login and this password.
    #[error("no account has this login and this password")]
    Refused,
    /// The password could not be judged.
    #[error("the password could not be judged")]
    Hash,
    /// The system has no randomness.
    #[error("the system has no randomness")]
    NoRandomness,
    /// The register failed.
    #[error("the register failed")]
    Store(#[from] StoreError),
}

/// What a person is given for a password.
#[derive(Clone, Debug)]
pub struct Token {
    /// The token itself; stored nowhere.
    pub secret: Private<String>,
    /// The last moment at which it opens.
    pub expires_at: UnixTime,
}

/// Exchanges passwords for tokens.
#[derive(Clone)]
pub struct Login {
    store: Store,
    clock: Arc<dyn Clock>,
    turns: Arc<Semaphore>,
}

impl Login {
    /// Accounts are those of `store`.
    #[must_use]
    pub fn new(store: Store, clock: Arc<dyn Clock>) -> Self {
        Self {
            store,
            clock,
            turns: Arc::new(Semaphore::new(AT_ONCE)),
        }
    }

    /// Gives a token to who knows login and password.
    ///
    /// # Errors
    /// [`LoginError::Refused`] for an unknown login, a wrong password, a disabled account and one that has
    /// no password, all alike.
    pub async fn sign_in(
        &self,
        login: &str,
        password: Private<String>,
    ) -> Result<Token, LoginError> {
        let account = self.store.read().await?.account_of_login(login).await?;
        let account = account.filter(|account| account.disabled_at.is_none());
        let hash = account
            .as_ref()
            .and_then(|account| account.password_hash.clone());
        let _turn = self.turns.acquire().await.map_err(|_| LoginError::Hash)?;
        let fits = tokio::task::spawn_blocking(move || fits(hash.as_ref(), &password));
        let fits = fits.await.map_err(|_| LoginError::Hash)?;
        let account = account.filter(|_| fits).ok_or(LoginError::Refused)?;
        let secret = new_secret().ok_or(LoginError::NoRandomness)?;
        let now = self.clock.now();
        let expires_at = now.plus(LIFETIME);
        let key = ApiKey {
            digest: Sha256::of(secret.expose().as_bytes()),
            account: account.id.clone(),
            label: "login".to_owned(),
            created_at: now,
            expires_at: Some(expires_at),
            revoked_at: None,
        };
        self.store
            .run(|mut tx: Tx| {
                let (key, account) = (&key, &account.id);
                async move {
                    tx.add_api_key(key).await?;
                    tx.append_audit(&AuditEntry {
                        id: Uuid::now_v7(),
                        at: now,
                        actor: account.clone(),
                        action: "account.sign_in".to_owned(),
                        subject: Some(account.clone()),
                        detail: "{}".to_owned(),
                    })
                    .await?;
                    Ok::<_, StoreError>((tx, ()))
                }
            })
            .await?;
        Ok(Token { secret, expires_at })
    }
}

/// Whether the password is the one of `hash`. Without a hash the same work is done for nothing.
fn fits(hash: Option<&Private<String>>, password: &Private<String>) -> bool {
    let judge = Argon2::default();
    if let Some(hash) = hash {
        let hash: &str = hash.expose();
        judge
            .verify_password(password.expose().as_bytes(), hash)
            .is_ok()
    } else {
        let _wasted = judge.hash_password(password.expose().as_bytes());
        false
    }
}

/// Argon2id with 19 MiB and two passes, as a PHC string. Takes some hundredths of a second: not for a
/// thread that serves.
///
/// # Errors
/// [`LoginError::Hash`].
pub fn hash_password(password: &Private<String>) -> Result<Private<String>, LoginError> {
    let hash = Argon2::default().hash_password(password.expose().as_bytes());
    hash.map(|hash| Private::new(hash.to_string()))
        .map_err(|_| LoginError::Hash)
}

/// A token of 256 random bits; `None` if the system has no randomness.
#[must_use]
pub fn new_secret() -> Option<Private<String>> {
    let mut bytes = [0; 32];
    SystemRandom::new().fill(&mut bytes).ok()?;
    Some(Private::new(format!("dauso_{}", hex(&bytes))))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_fits_its_own_hash_and_nothing_fits_no_hash() {
        let password = Private::new("thu-nghiem".to_owned());
        let hash = hash_password(&password).unwrap();
        assert!(hash.expose().starts_with("$argon2id$v=19$m=19456,t=2,p=1$"));
        assert!(fits(Some(&hash), &password));
        assert!(!fits(Some(&hash), &Private::new("thu-nghiem ".to_owned())));
        assert!(!fits(None, &password));
    }
}
