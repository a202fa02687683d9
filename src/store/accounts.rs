//! Accounts of people and systems, and the digests of their API keys.

use super::column::{Columns, seconds};
use super::rows::ManyRows;
use super::{Conflict, StoreError, Tx};
use crate::access::{Caller, Role};
use crate::clock::UnixTime;
use crate::digest::Sha256;
use crate::private::Private;
use sqlx::any::AnyRow;
use std::collections::HashMap;
use std::sync::LazyLock;

/// Somebody who works for an agency, or a system that does.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Account {
    /// Made by the program; what logs and checks name.
    pub id: String,
    /// What the person types.
    pub login: String,
    /// The person's name.
    pub display_name: Private<String>,
    /// What the account does.
    pub role: Role,
    /// Code of the agency it does it for.
    pub agency: String,
    /// PHC string; `None` for accounts that have API keys only.
    pub password_hash: Option<Private<String>>,
    /// When it was made.
    pub created_at: UnixTime,
    /// Since when it may do nothing.
    pub disabled_at: Option<UnixTime>,
}

/// An API key as the register knows it: by its digest.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct ApiKey {
    /// SHA-256 of the key; the key has 256 random bits, so it needs no salt.
    pub digest: Sha256,
    /// Whose it is.
    pub account: String,
    /// What its owner calls it.
    pub label: String,
    /// When it was made.
    pub created_at: UnixTime,
    /// After which moment it opens nothing; `None` for keys of systems.
    pub expires_at: Option<UnixTime>,
    /// Since when it opens nothing.
    pub revoked_at: Option<UnixTime>,
}

const INSERT: &str = "
    INSERT INTO accounts (id, login, display_name, role, agency_code, password_hash, created_at, disabled_at)
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
    ON CONFLICT DO NOTHING";

const BY_ID: &str = "
    SELECT id, login, display_name, role, agency_code, password_hash, created_at, disabled_at
    FROM accounts WHERE id = $1";

const BY_LOGIN: &str = "
    SELECT id, login, display_name, role, agency_code, password_hash, created_at, disabled_at
    FROM accounts WHERE login = $1";

const OF_AGENCY: &str = "
    SELECT id, login, display_name, role, agency_code, password_hash, created_at, disabled_at
    FROM accounts WHERE agency_code = $1 ORDER BY login";

const SET_PASSWORD: &str = "UPDATE accounts SET password_hash = $2 WHERE id = $1";

const DISABLE: &str = "
    UPDATE accounts SET disabled_at = $2 WHERE id = $1 AND disabled_at IS NULL";

const INSERT_KEY: &str = "
    INSERT INTO api_keys (digest, account_id, label, created_at, expires_at, revoked_at)
    VALUES ($1, $2, $3, $4, $5, $6)
    ON CONFLICT (digest) DO NOTHING";

const KEYS_OF: &str = "
    SELECT digest, account_id, label, created_at, expires_at, revoked_at
    FROM api_keys WHERE account_id = $1 ORDER BY created_at, digest";

const REVOKE_KEY: &str = "
    UPDATE api_keys SET revoked_at = $2 WHERE digest = $1 AND revoked_at IS NULL";

static CALLERS: LazyLock<ManyRows> = LazyLock::new(|| {
    let select = "
    SELECT api_keys.digest AS digest, api_keys.created_at AS created_at, api_keys.expires_at AS expires_at,
        accounts.id AS id, accounts.role AS role, accounts.agency_code AS agency_code
    FROM api_keys JOIN accounts ON accounts.id = api_keys.account_id
    WHERE api_keys.revoked_at IS NULL AND accounts.disabled_at IS NULL
      AND api_keys.digest IN (VALUES";
    ManyRows::new(select, 1, ")")
});

impl Tx {
    /// Makes an account.
    ///
    /// # Errors
    /// [`Conflict::Login`] when the login (or the id) is taken.
    pub async fn add_account(&mut self, account: &Account) -> Result<(), StoreError> {
        let password = account.password_hash.as_ref();
        let done = sqlx::query(INSERT)
            .bind(&account.id)
            .bind(&account.login)
            .bind(account.display_name.expose())
            .bind(account.role.name())
            .bind(&account.agency)
            .bind(password.map(|hash| hash.expose().as_str()))
            .bind(account.created_at.seconds())
            .bind(seconds(account.disabled_at))
            .execute(self.connection())
            .await?;
        match done.rows_affected() {
            0 => Err(StoreError::Conflict(Conflict::Login)),
            _ => Ok(()),
        }
    }

    /// The account with an id.
    pub async fn account(&mut self, id: &str) -> Result<Option<Account>, StoreError> {
        let query = sqlx::query(BY_ID).bind(id);
        let row = query.fetch_optional(self.connection()).await?;
        row.as_ref().map(read).transpose()
    }

    /// The account with a login.
    pub async fn account_of_login(&mut self, login: &str) -> Result<Option<Account>, StoreError> {
        let query = sqlx::query(BY_LOGIN).bind(login);
        let row = query.fetch_optional(self.connection()).await?;
        row.as_ref().map(read).transpose()
    }

    /// The accounts of an agency, by login.
    pub async fn accounts(&mut self, agency: &str) -> Result<Vec<Account>, StoreError> {
        let query = sqlx::query(OF_AGENCY).bind(agency);
        let rows = query.fetch_all(self.connection()).await?;
        rows.iter().map(read).collect()
    }

    /// Gives an account another password.
    ///
    /// # Errors
    /// [`StoreError::Missing`].
    pub async fn set_password_hash(
        &mut self,
        id: &str,
        hash: &Private<String>,
    ) -> Result<(), StoreError> {
        let query = sqlx::query(SET_PASSWORD).bind(id).bind(hash.expose());
        match query.execute(self.connection()).await?.rows_affected() {
            0 => Err(StoreError::Missing("account")),
            _ => Ok(()),
        }
    }

    /// Ends the use of an account and of its API keys.
    ///
    /// # Errors
    /// [`StoreError::Missing`] when it is unknown or disabled already.
    pub async fn disable_account(&mut self, id: &str, at: UnixTime) -> Result<(), StoreError> {
        let query = sqlx::query(DISABLE).bind(id).bind(at.seconds());
        match query.execute(self.connection()).await?.rows_affected() {
            0 => Err(StoreError::Missing("account in use")),
            _ => Ok(()),
        }
    }

    /// Gives an account an API key.
    ///
    /// # Errors
    /// [`Conflict::ApiKey`] when the key is known.
    pub async fn add_api_key(&mut self, key: &ApiKey) -> Result<(), StoreError> {
        let done = sqlx::query(INSERT_KEY)
            .bind(key.digest.0.as_slice())
            .bind(&key.account)
            .bind(&key.label)
            .bind(key.created_at.seconds())
            .bind(seconds(key.expires_at))
            .bind(seconds(key.revoked_at))
            .execute(self.connection())
            .await?;
        match done.rows_affected() {
            0 => Err(StoreError::Conflict(Conflict::ApiKey)),
            _ => Ok(()),
        }
    }

    /// The API keys of an account, also the revoked ones.
    pub async fn api_keys(&mut self, account: &str) -> Result<Vec<ApiKey>, StoreError> {
        let query = sqlx::query(KEYS_OF).bind(account);
        let rows = query.fetch_all(self.connection()).await?;
        rows.iter().map(read_key).collect()
    }

    /// Ends the use of an API key.
    ///
    /// # Errors
    /// [`StoreError::Missing`] when it is unknown or revoked already.
    pub async fn revoke_api_key(
        &mut self,
        digest: &Sha256,
        at: UnixTime,
    ) -> Result<(), StoreError> {
        let query = sqlx::query(REVOKE_KEY)
            .bind(digest.0.as_slice())
            .bind(at.seconds());
        match query.execute(self.connection()).await?.rows_affected() {
            0 => Err(StoreError::Missing("API key in use")),
            _ => Ok(()),
        }
    }

    /// Whoever holds the key with this digest; `None` when the key is unknown, revoked or expired, or its
    /// account disabled.
    pub async fn caller(
        &mut self,
        key: &Sha256,
        at: UnixTime,
    ) -> Result<Option<Caller>, StoreError> {
        let found = self.callers(&[*key]).await?.remove(key);
        Ok(found
            .filter(|(_, term)| term.holds(at))
            .map(|(caller, _)| caller))
    }

    /// Whoever holds keys with these digests, each with the term of the key.
    pub(super) async fn callers(
        &mut self,
        keys: &[Sha256],
    ) -> Result<HashMap<Sha256, (Caller, Term)>, StoreError> {
        let mut found = HashMap::new();
        for (sql, keys) in CALLERS.filled(keys) {
            let mut query = sqlx::query(sql);
            for key in &keys {
                query = query.bind(key.0.as_slice());
            }
            for row in query.fetch_all(self.connection()).await? {
                let columns = Columns(&row);
                let term = Term {
                    from: columns.time("created_at")?,
                    until: columns.time_or_null("expires_at")?,
                };
                found.insert(columns.digest("digest")?, (read_caller(&row)?, term));
            }
        }
        Ok(found)
    }
}

/// When an API key opens something.
#[derive(Clone, Copy, Debug)]
pub(super) struct Term {
    from: UnixTime,
    until: Option<UnixTime>,
}

/// Seconds that the clocks of two servers may differ.
const APART: i64 = 60;

impl Term {
    /// Whether it holds at a moment. A key that expires opens nothing before it was made either: a clock that
    /// was set back must not make it last longer.
    pub(super) fn holds(&self, at: UnixTime) -> bool {
        self.until
            .is_none_or(|until| until >= at && self.from.plus(-APART) <= at)
    }
}

fn read(row: &AnyRow) -> Result<Account, StoreError> {
    let row = Columns(row);
    Ok(Account {
        id: row.text("id")?,
        login: row.text("login")?,
        display_name: Private::new(row.text("display_name")?),
        role: row.word("role", Role::parse)?,
        agency: row.text("agency_code")?,
        password_hash: row.text_or_null("password_hash")?.map(Private::new),
        created_at: row.time("created_at")?,
        disabled_at: row.time_or_null("disabled_at")?,
    })
}

fn read_key(row: &AnyRow) -> Result<ApiKey, StoreError> {
    let row = Columns(row);
    Ok(ApiKey {
        digest: row.digest("digest")?,
        account: row.text("account_id")?,
        label: row.text("label")?,
        created_at: row.time("created_at")?,
        expires_at: row.time_or_null("expires_at")?,
        revoked_at: row.time_or_null("revoked_at")?,
    })
}

fn read_caller(row: &AnyRow) -> Result<Caller, StoreError> {
    let row = Columns(row);
    Ok(Caller {
        account: row.text("id")?,
        role: row.word("role", Role::parse)?,
        agency: row.text("agency_code")?,
    })
}
