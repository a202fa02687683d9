//! What an operator ends or changes: agencies, accounts, their API keys and passwords. Each leaves a line in the
//! audit.

use super::Installation;
use super::setup::tenths;
use crate::digest::Sha256;
use crate::login;
use crate::pdf::image::Picture;
use crate::private::Private;
use crate::store::{Account, Agency, ApiKey, AuditEntry, StoreError, Tx};
use anyhow::{Context as _, bail, ensure};
use serde_json::json;
use uuid::Uuid;

/// Whom the audit names for commands on the data directory.
pub const ACTOR: &str = "command-line";

/// What is to change about an agency; its codes never do. An empty text takes away what need not be there.
#[derive(Clone, Debug, Default)]
pub struct AgencyUpdate {
    /// Its name.
    pub name: Option<String>,
    /// Its name in English.
    pub name_en: Option<String>,
    /// Name of the agency above it.
    pub parent: Option<String>,
    /// Where to call.
    pub phone: Option<String>,
    /// PNG of its seal: transparent ground, red.
    pub seal: Option<Vec<u8>>,
    /// Diameter of the real seal in millimetres.
    pub seal_mm: Option<f64>,
}

impl AgencyUpdate {
    /// Applies it; the names of what it changes. `image` is the picture of the new seal among the documents.
    fn apply(
        &self,
        agency: &mut Agency,
        image: Option<Sha256>,
        diameter: Option<u32>,
    ) -> Vec<&'static str> {
        let before = agency.clone();
        let given =
            |text: &Option<String>, old: &String| text.clone().unwrap_or_else(|| old.clone());
        let optional = |text: &Option<String>, old: &Option<String>| match text {
            Some(text) => Some(text.clone()).filter(|text| !text.is_empty()),
            None => old.clone(),
        };
        agency.name_vi = given(&self.name, &before.name_vi);
        agency.name_en = given(&self.name_en, &before.name_en);
        agency.parent = optional(&self.parent, &before.parent);
        agency.phone = optional(&self.phone, &before.phone);
        if let Some(seal) = &mut agency.seal {
            seal.image = image.unwrap_or(seal.image);
            seal.diameter_tenths_mm = diameter.unwrap_or(seal.diameter_tenths_mm);
        }
        let changed = [
            ("name", agency.name_vi != before.name_vi),
            ("name_en", agency.name_en != before.name_en),
            ("parent", agency.parent != before.parent),
            ("phone", agency.phone != before.phone),
            ("seal", agency.seal != before.seal),
        ];
        let changed = changed.into_iter().filter(|(_, changed)| *changed);
        changed.map(|(name, _)| name).collect()
    }
}

impl Installation {
    /// The account with a login.
    ///
    /// # Errors
    /// When there is none.
    async fn account(&self, login: &str) -> anyhow::Result<Account> {
        let found = self.store.read().await?.account_of_login(login).await?;
        found.with_context(|| format!("there is no account {login}"))
    }

    pub(super) fn audit(&self, action: &str, subject: &str) -> AuditEntry {
        AuditEntry {
            id: Uuid::now_v7(),
            at: self.clock.now(),
            actor: ACTOR.to_owned(),
            action: action.to_owned(),
            subject: Some(subject.to_owned()),
            detail: "{}".to_owned(),
        }
    }

    /// Changes names, telephone number and seal of an agency. What was issued keeps what it was issued with;
    /// certificates keep the name that they were made for.
    ///
    /// # Errors
    /// When it is unknown, a name is empty or the seal cannot be used.
    pub async fn update_agency(&self, code: &str, update: &AgencyUpdate) -> anyhow::Result<Agency> {
        for name in [&update.name, &update.name_en].into_iter().flatten() {
            ensure!(!name.trim().is_empty(), "an agency has a name");
        }
        let diameter = update.seal_mm.map(tenths).transpose()?;
        let image = match &update.seal {
            None => None,
            Some(seal) => {
                Picture::seal(seal).context("the picture of the seal cannot be used")?;
                Some(self.documents.put(seal.clone()).await?)
            }
        };
        let line = self.audit("agency.update", code);
        let updated = self
            .store
            .run(|mut tx: Tx| {
                let mut line = line.clone();
                async move {
                    let found = tx.agency(code).await?;
                    let mut agency = found.ok_or(StoreError::Missing("agency"))?;
                    let changed = update.apply(&mut agency, image, diameter);
                    tx.update_agency(&agency).await?;
                    line.detail = json!({ "changed": changed }).to_string();
                    tx.append_audit(&line).await?;
                    Ok::<_, StoreError>((tx, agency))
                }
            })
            .await;
        match updated {
            Err(StoreError::Missing(_)) => bail!("there is no agency {code}"),
            updated => Ok(updated?),
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
}
