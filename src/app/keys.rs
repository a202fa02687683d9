//! Signing keys come into use and go out of it. Each step leaves a line in the audit.

use super::Installation;
use super::setup::{CREDENTIAL_KEY_DAYS, DAY};
use crate::digest::Sha256;
use crate::key::{Algorithm, PublicKey};
use crate::pki::{self, Certificate, Chain};
use crate::store::{AuditEntry, Key, Purpose, StoreError, Tx, TypeScope};
use anyhow::{Context as _, bail, ensure};
use serde_json::json;

/// A key of an agency that is to come into use.
#[derive(Clone, Debug)]
pub struct KeyEntry {
    /// Name of its file in the folder of the keys.
    pub file: String,
    /// What it signs: credentials or documents.
    pub purpose: Purpose,
    /// Code of the agency.
    pub agency: String,
    /// For documents: its certificate and those of the authorities above it, PEM or DER, its own first.
    pub certificates: Vec<u8>,
}

impl Installation {
    /// Puts a key into use beside those that are. A key for documents comes with its certificate, which must
    /// lead to a root in `trust/` and decides how long the key signs.
    ///
    /// # Errors
    /// When the agency is unknown, the key cannot be opened or is in use, or its certificate does not fit.
    pub async fn enter_key(&self, entry: &KeyEntry) -> anyhow::Result<Key> {
        let mut tx = self.store.read().await?;
        let agency = tx.agency(&entry.agency).await?;
        ensure!(agency.is_some(), "there is no agency {}", entry.agency);
        let (keys, file) = (self.keys.clone(), entry.file.clone());
        let opened = tokio::task::spawn_blocking(move || keys.public_key(&file)).await?;
        let public = opened.with_context(|| entry.file.clone())?;
        let known = tx.key(&public.fingerprint()).await?;
        ensure!(known.is_none(), "the register knows this key already");
        drop(tx);
        let line = self.audit("key.enter", &public.fingerprint().hex());
        let line = AuditEntry {
            detail: json!({"agency": entry.agency, "purpose": entry.purpose.name()}).to_string(),
            ..line
        };
        let now = line.at;
        let (chain_pem, not_before, not_after) = match entry.purpose {
            Purpose::Document => {
                let chain = self.chain(&public, &entry.certificates)?;
                let leaf = chain.leaf();
                (chain.pem(), leaf.not_before(), leaf.not_after())
            }
            Purpose::Credential => {
                ensure!(
                    public.algorithm() == Algorithm::Es256,
                    "credentials are signed with P-256 keys"
                );
                (String::new(), now, now.plus(CREDENTIAL_KEY_DAYS * DAY))
            }
            Purpose::Status | Purpose::Operator => bail!("not a key of an agency"),
        };
        let key = Key {
            public,
            agency: Some(entry.agency.clone()),
            purpose: entry.purpose,
            chain_pem,
            not_before,
            not_after,
            file: entry.file.clone(),
            types: TypeScope::Every,
            retired_at: None,
        };
        self.store
            .run(|mut tx: Tx| {
                let (key, line) = (&key, &line);
                async move {
                    tx.add_key(key).await?;
                    tx.append_audit(line).await?;
                    Ok::<_, StoreError>((tx, ()))
                }
            })
            .await?;
        Ok(key)
    }

    /// The chain of a key, if its first certificate is the key's own and leads to a root of ours now.
    fn chain(&self, public: &PublicKey, certificates: &[u8]) -> anyhow::Result<Chain> {
        let certificates =
            Certificate::read_all(certificates).context("the certificates cannot be read")?;
        let chain = Chain::new(certificates).context("the certificates are not in order")?;
        ensure!(
            chain.leaf().key_bits() == public.bits(),
            "the first certificate belongs to another key"
        );
        let purpose = pki::chain::Purpose::DocumentSigning;
        let now = self.clock.now();
        pki::chain::build(chain.leaf(), chain.issuers(), &self.roots, now, purpose)
            .context("the certificate cannot be used")?;
        Ok(chain)
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
