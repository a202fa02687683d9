//! What an operator ends or changes: accounts, their keys and passwords, signing keys. Each leaves a line in
//! the audit.

use super::Installation;
use crate::digest::Sha256;
use crate::login;
use crate::private::Private;
use crate::store::{Account, ApiKey, AuditEntry, Purpose, StoreError, Tx};
use anyhow::{Context as _, ensure};
use uuid::Uuid;

/// Who did it, for commands on the data directory.
const ACTOR: &str = "command-line";

impl Installation {
    /// The account with a login.
    ///
    /// # Errors
    /// When there is none.
    async fn account(&self, login: &str) -> anyhow::Result<Account> {
        let found = self.store.read().await?.account_of_login(login).await?;
        found.with_context(|| format!("there is no account {login}"))
    }

    fn audit(&self, action: &str, subject: &str) -> AuditEntry {
        AuditEntry {
            id: Uuid::now_v7(),
            at: self.clock.now(),
            actor: ACTOR.to_owned(),
            action: action.to_owned(),
            subject: Some(subject.to_owned()),
            detail: "{}".to_owned(),
        }
    }

    /// Ends an account with all its API keys and tokens, for good.
    ///
    /// # Errors
    /// When it is unknown or disabled already.
    pub async fn disable_account(&self, login: &str) -> anyhow::Result<()> {
        let account = self.account(login).await?;
        ensure!(
            account.disabled_at.is_none(),
            "the account {login} is disabled already"
        );
        let line = self.audit("account.disable", &account.id);
        self.store
            .run(|mut tx: Tx| {
                let (id, line) = (&account.id, &line);
                async move {
                    tx.disable_account(id, line.at).await?;
                    tx.append_audit(line).await?;
                    Ok::<_, StoreError>((tx, ()))
                }
            })
            .await?;
        Ok(())
    }

    /// Gives an account another password. Tokens that the old one was exchanged for open nothing any more.
    ///
    /// # Errors
    /// When it is unknown.
    pub async fn set_password(&self, login: &str, password: Private<String>) -> anyhow::Result<()> {
        ensure!(
            password.expose().chars().count() >= 12,
            "a password has at least 12 characters"
        );
        let account = self.account(login).await?;
        let hashed = tokio::task::spawn_blocking(move || login::hash_password(&password));
        let hash = hashed.await??;
        let line = self.audit("account.password", &account.id);
        self.store
            .run(|mut tx: Tx| {
                let (id, hash, line) = (&account.id, &hash, &line);
                async move {
                    tx.set_password_hash(id, hash).await?;
                    let keys = tx.api_keys(id).await?;
                    let tokens = keys.iter().filter(|key| key.expires_at.is_some());
                    for token in tokens.filter(|key| key.revoked_at.is_none()) {
                        tx.revoke_api_key(&token.digest, line.at).await?;
                    }
                    tx.append_audit(line).await?;
                    Ok::<_, StoreError>((tx, ()))
                }
            })
            .await?;
        Ok(())
    }

    /// The API keys of an account, the oldest first.
    ///
    /// # Errors
    /// When it is unknown.
    pub async fn api_keys(&self, login: &str) -> anyhow::Result<Vec<ApiKey>> {
        let account = self.account(login).await?;
        Ok(self.store.read().await?.api_keys(&account.id).await?)
    }

    /// Ends an API key of an account.
    ///
    /// # Errors
    /// When the account has no such key in use.
    pub async fn revoke_api_key(&self, login: &str, digest: &Sha256) -> anyhow::Result<()> {
        let keys = self.api_keys(login).await?;
        let key = keys.iter().find(|key| key.digest == *digest);
        let key = key.with_context(|| format!("{login} has no such key"))?;
        ensure!(key.revoked_at.is_none(), "the key is revoked already");
        let line = self.audit("account.key.revoke", &key.account);
        self.store
            .run(|mut tx: Tx| {
                let line = &line;
                async move {
                    tx.revoke_api_key(digest, line.at).await?;
                    tx.append_audit(line).await?;
                    Ok::<_, StoreError>((tx, ()))
                }
            })
            .await?;
        Ok(())
    }

    /// Takes a signing key out of use from now on; what it signed before stays valid.
    ///
    /// # Errors
    /// When it is unknown or retired, and when it is the last one to sign what is published.
    pub async fn retire_key(&self, fingerprint: &Sha256) -> anyhow::Result<()> {
        let line = self.audit("key.retire", &fingerprint.hex());
        let mut tx = self.store.read().await?;
        let key = tx.key(fingerprint).await?;
        let key = key.context("the register knows no such key")?;
        ensure!(key.retired_at.is_none(), "the key is retired already");
        if matches!(key.purpose, Purpose::Operator | Purpose::Status) {
            let others = tx.signing_keys(key.purpose, None, line.at).await?;
            ensure!(
                others.iter().any(|other| other.public != key.public),
                "nothing could be published without this key: enter its successor first"
            );
        }
        drop(tx);
        self.store
            .run(|mut tx: Tx| {
                let line = &line;
                async move {
                    tx.retire_key(fingerprint, line.at).await?;
                    tx.append_audit(line).await?;
                    Ok::<_, StoreError>((tx, ()))
                }
            })
            .await?;
        Ok(())
    }
}
