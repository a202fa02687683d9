//! Making an installation: its keys and trust, agencies, accounts.
//!
//! Certificates come from a demo authority whose name says that it has no legal value. For real use the
//! keys are made here and their certificates come from the agency's own authority (`dauso keys csr`).

use super::{Installation, replace};
use crate::access::Role;
use crate::clock::{Clock, UnixTime};
use crate::config::Config;
use crate::digest::Sha256;
use crate::key::{Algorithm, PublicKey};
use crate::limits;
use crate::login;
use crate::pdf::image::Picture;
use crate::private::Private;
use crate::signer::Subject;
use crate::signer::authority::{DemoAuthority, Validity};
use crate::signer::file::{make_key, make_passphrase};
use crate::store::{
    Account, Agency, ApiKey, Key, Purpose, Seal, StatusListRegister, StoreError, Tx, TypeScope,
};
use anyhow::{Context as _, bail, ensure};
use std::path::Path;
use std::sync::Arc;
use uuid::Uuid;

pub(super) const DAY: i64 = 86_400;

/// A credential key signs for a year and two months; its public half stays in the bundle for good.
pub(super) const CREDENTIAL_KEY_DAYS: i64 = 425;

/// Status lists and bundles are signed by keys that verifiers hold for long.
const OPERATOR_KEY_DAYS: i64 = 5 * 365;

/// Certificates of the demo authority.
const AUTHORITY_DAYS: i64 = 10 * 365;
const CERTIFICATE_DAYS: i64 = 3 * 365;

/// An agency to add.
#[derive(Clone, Debug)]
pub struct NewAgency {
    /// Its identifier, `000.00.16.H99`.
    pub code: String,
    /// The short code in credentials; made of the code if absent.
    pub issuer: Option<String>,
    /// What numbers of its documents call it, `SXD`; the initials of its name if absent.
    pub symbol: Option<String>,
    /// Its name.
    pub name: String,
    /// Its name in English.
    pub name_en: Option<String>,
    /// Where to call.
    pub phone: Option<String>,
    /// PNG of its seal: transparent ground, red.
    pub seal: Vec<u8>,
    /// Diameter of the real seal in millimetres.
    pub seal_mm: f64,
    /// What its documents are signed with.
    pub algorithm: Algorithm,
}

/// An account to add.
#[derive(Clone, Debug)]
pub struct NewAccount {
    /// What the person types.
    pub login: String,
    /// The person's name.
    pub name: String,
    /// What the account does.
    pub role: Role,
    /// Code of the agency it does it for.
    pub agency: String,
    /// A password, for accounts of people.
    pub password: Option<Private<String>>,
}

impl Installation {
    /// Makes a data directory: configuration, passphrase, keys, demo authority, register.
    ///
    /// # Errors
    /// When the directory is an installation already, or something cannot be written.
    pub async fn create(
        dir: &Path,
        config: &Config,
        database: Option<&str>,
        clock: Arc<dyn Clock>,
    ) -> anyhow::Result<Self> {
        let file = dir.join(Config::FILE);
        ensure!(
            !file.exists(),
            "{} is an installation already",
            dir.display()
        );
        for folder in ["keys/authority", "trust", "documents", "catalogue"] {
            std::fs::create_dir_all(dir.join(folder))
                .with_context(|| format!("{} cannot be made", dir.join(folder).display()))?;
        }
        let passphrase = make_passphrase(&dir.join(&config.passphrase_file))?;
        let now = clock.now();
        let authority = DemoAuthority::create(
            &dir.join("keys/authority"),
            &passphrase,
            validity(now, AUTHORITY_DAYS),
        )?;
        replace(
            &dir.join("trust/root.pem"),
            authority.root().pem().as_bytes(),
        )?;
        let mut keys = Vec::new();
        for purpose in [Purpose::Operator, Purpose::Status] {
            let name = format!("{}.key.pem", purpose.name());
            let public = make_key(&dir.join("keys").join(&name), Algorithm::Es256, &passphrase)?;
            if purpose == Purpose::Operator {
                replace(
                    &dir.join("trust/operator.pem"),
                    public_pem(&public)?.as_bytes(),
                )?;
            }
            keys.push(Key {
                public,
                agency: None,
                purpose,
                chain_pem: String::new(),
                not_before: now,
                not_after: now.plus(OPERATOR_KEY_DAYS * DAY),
                file: name,
                types: TypeScope::Every,
                retired_at: None,
            });
        }
        // Last: whoever finds it finds everything else as well.
        replace(&file, toml::to_string(config)?.as_bytes())?;
        let opened = Self::open(dir, database, clock).await?;
        opened
            .store
            .run(|mut tx: Tx| {
                let keys = &keys;
                async move {
                    for key in keys {
                        tx.add_key(key).await?;
                    }
                    Ok::<_, StoreError>((tx, ()))
                }
            })
            .await?;
        Ok(opened)
    }

    /// Adds an agency with its seal, keys, certificates and status list.
    ///
    /// # Errors
    /// When its codes are taken, its seal cannot be used, or a key cannot be made.
    pub async fn add_agency(&self, new: &NewAgency) -> anyhow::Result<Agency> {
        let issuer = new.issuer.clone().unwrap_or_else(|| issuer_code(&new.code));
        ensure!(
            crate::trust::is_issuer_code(&issuer),
            "the short code {issuer:?} must have 1 to 8 of A-Z and 0-9; give --issuer"
        );
        Picture::seal(&new.seal).context("the picture of the seal cannot be used")?;
        let image = self.documents.put(new.seal.clone()).await?;
        let now = self.clock.now();
        let agency = Agency {
            code: new.code.clone(),
            issuer: issuer.clone(),
            symbol: new.symbol.clone().unwrap_or_else(|| initials(&new.name)),
            name_vi: new.name.clone(),
            name_en: new.name_en.clone().unwrap_or_else(|| new.name.clone()),
            parent: None,
            phone: new.phone.clone(),
            seal: Some(Seal {
                image,
                diameter_tenths_mm: tenths(new.seal_mm)?,
            }),
            created_at: now,
        };
        if self.store.read().await?.agency(&new.code).await?.is_some() {
            bail!("the agency {} is there already", new.code);
        }
        let keys = [
            self.agency_key(new, &issuer, Purpose::Credential, now)
                .await?,
            self.agency_key(new, &issuer, Purpose::Document, now)
                .await?,
        ];
        self.store
            .run(|mut tx: Tx| {
                let (agency, keys) = (&agency, &keys);
                async move {
                    tx.add_agency(agency).await?;
                    for key in keys {
                        tx.add_key(key).await?;
                    }
                    let number = tx.next_status_list_number().await?;
                    tx.add_status_list(&StatusListRegister {
                        number,
                        capacity: limits::STATUS_LIST_ENTRIES,
                        issuer: agency.issuer.clone(),
                        created_at: now,
                    })
                    .await?;
                    Ok::<_, StoreError>((tx, ()))
                }
            })
            .await?;
        Ok(agency)
    }

    async fn agency_key(
        &self,
        new: &NewAgency,
        issuer: &str,
        purpose: Purpose,
        now: UnixTime,
    ) -> anyhow::Result<Key> {
        let file = format!("{}-{}.key.pem", issuer.to_lowercase(), purpose.name());
        let path = self.keys.directory().join(&file);
        let passphrase = self.keys.passphrase()?;
        let algorithm = match purpose {
            Purpose::Document => new.algorithm,
            _ => Algorithm::Es256,
        };
        let authority = self.keys.directory().join("authority");
        let subject = Subject::agency(&new.name, &new.code);
        let made = tokio::task::spawn_blocking(move || -> anyhow::Result<_> {
            let public = make_key(&path, algorithm, &passphrase)?;
            let chain = if purpose == Purpose::Document {
                let authority = DemoAuthority::open(&authority, &passphrase)?;
                authority
                    .issue(&subject, &public, validity(now, CERTIFICATE_DAYS))?
                    .pem()
            } else {
                String::new()
            };
            Ok((public, chain))
        });
        let (public, chain_pem) = made.await??;
        let days = if purpose == Purpose::Document {
            CERTIFICATE_DAYS
        } else {
            CREDENTIAL_KEY_DAYS
        };
        Ok(Key {
            public,
            agency: Some(new.code.clone()),
            purpose,
            chain_pem,
            not_before: now,
            not_after: now.plus(days * DAY),
            file,
            types: TypeScope::Every,
            retired_at: None,
        })
    }

    /// Adds an account and hands out its API key, which is stored nowhere.
    ///
    /// # Errors
    /// When the login is taken or the agency unknown.
    pub async fn add_account(&self, new: &NewAccount) -> anyhow::Result<Private<String>> {
        let key = login::new_secret().context("no randomness")?;
        let now = self.clock.now();
        let password_hash = match new.password.clone() {
            Some(password) => {
                let hashed = tokio::task::spawn_blocking(move || login::hash_password(&password));
                Some(hashed.await??)
            }
            None => None,
        };
        let account = Account {
            id: Uuid::now_v7().to_string(),
            login: new.login.clone(),
            display_name: Private::new(new.name.clone()),
            role: new.role,
            agency: new.agency.clone(),
            password_hash,
            created_at: now,
            disabled_at: None,
        };
        let api_key = ApiKey {
            digest: Sha256::of(key.expose().as_bytes()),
            account: account.id.clone(),
            label: "first".to_owned(),
            created_at: now,
            expires_at: None,
            revoked_at: None,
        };
        if self
            .store
            .read()
            .await?
            .agency(&new.agency)
            .await?
            .is_none()
        {
            bail!("there is no agency {}", new.agency);
        }
        self.store
            .run(|mut tx: Tx| {
                let (account, api_key) = (&account, &api_key);
                async move {
                    tx.add_account(account).await?;
                    tx.add_api_key(api_key).await?;
                    Ok::<_, StoreError>((tx, ()))
                }
            })
            .await?;
        Ok(key)
    }
}

fn validity(now: UnixTime, days: i64) -> Validity {
    Validity {
        not_before: now,
        not_after: now.plus(days * DAY),
    }
}

/// `000.00.16.H99` → `16H99`: the groups behind the leading zeros, without points.
fn issuer_code(code: &str) -> String {
    let groups = code
        .split('.')
        .skip_while(|group| group.bytes().all(|b| b == b'0'));
    groups.collect::<String>().to_ascii_uppercase()
}

/// `Sở Xây dựng Mẫu` → `SXDM`, in ASCII.
fn initials(name: &str) -> String {
    use unicode_normalization::UnicodeNormalization as _;
    let first = name
        .split_whitespace()
        .filter_map(|word| word.chars().next());
    let upper: String = first.flat_map(char::to_uppercase).collect();
    upper
        .replace('Đ', "D")
        .nfd()
        .filter(char::is_ascii_uppercase)
        .collect()
}

#[expect(clippy::cast_possible_truncation, reason = "checked to be small")]
#[expect(clippy::cast_sign_loss, reason = "checked to be above zero")]
pub(super) fn tenths(millimetres: f64) -> anyhow::Result<u32> {
    ensure!(
        (10.0..=60.0).contains(&millimetres),
        "a seal measures 10 to 60 mm"
    );
    Ok((millimetres * 10.0).round() as u32)
}

fn public_pem(key: &PublicKey) -> anyhow::Result<String> {
    der::pem::encode_string("PUBLIC KEY", der::pem::LineEnding::LF, key.spki())
        .map_err(|error| anyhow::anyhow!("{error}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn short_codes_are_made_of_what_distinguishes_an_agency() {
        assert_eq!(issuer_code("000.00.16.H99"), "16H99");
        assert_eq!(issuer_code("000.07.21.H99"), "0721H99");
        assert_eq!(issuer_code("G22.99.08"), "G229908");
        assert_eq!(initials("Sở Xây dựng Mẫu"), "SXDM");
        assert_eq!(initials("Đài Ví Dụ"), "DVD");
    }
}
