//! Making public what was decided: the trust bundle and the status lists, as signed files that any web
//! server may hold.
//!
//! What is published is made from the register alone and kept in it, so every server of an installation
//! serves the same bytes. Versions only grow; a bundle is signed anew only when something in it changed
//! or it grows old.

use crate::catalogue::{Catalogue, Label};
use crate::clock::{Clock, UnixTime};
use crate::pki::Certificate;
use crate::signer::{Keyring, SignerError};
use crate::status::{Status, StatusError, StatusList, token};
use crate::store::{
    Conflict, Key, Leaf, Publication, Purpose, Standing, Store, StoreError, Tx, TypeScope,
};
use crate::tlog;
use crate::trust::{self, Contents, TrustBundle, TrustError};
use ring::rand::{SecureRandom as _, SystemRandom};
use std::sync::Arc;

/// How publications are called and how long they hold.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Terms {
    /// Where the service is found, without a slash at its end.
    pub public_url: String,
    /// A code of the operator that stays.
    pub operator_code: String,
    /// Who runs the service.
    pub operator: Label,
    /// The information system.
    pub system: Label,
    /// Seconds after which a fresh status list should be fetched.
    pub list_ttl: u32,
    /// Seconds for which a status list may be used at all.
    pub list_lifetime: u32,
    /// Days for which a bundle may be used.
    pub bundle_days: u32,
}

/// Why nothing was published.
#[derive(Debug, thiserror::Error)]
pub enum PublishError {
    /// There is no key for it.
    #[error("there is no {} key in force", .0.name())]
    NoKey(Purpose),
    /// A key cannot be used.
    #[error("the key cannot be used")]
    Signer(#[from] SignerError),
    /// A key makes other signatures than ES256.
    #[error("the key makes other signatures than ES256")]
    NotEs256,
    /// The bundle breaks a rule of its format.
    #[error("the trust bundle cannot be made")]
    Trust(#[from] TrustError),
    /// A status list breaks a rule of its format.
    #[error("the status list cannot be made")]
    Status(#[from] StatusError),
    /// The register failed.
    #[error("the register failed")]
    Store(#[from] StoreError),
}

/// Signs what is published.
#[derive(Clone)]
pub struct Publisher {
    store: Store,
    keys: Arc<Keyring>,
    catalogue: Arc<Catalogue>,
    roots: Arc<Vec<Certificate>>,
    terms: Arc<Terms>,
    clock: Arc<dyn Clock>,
}

/// Name of the bundle among the publications.
const BUNDLE: &str = "trust";

fn list_name(number: u32) -> String {
    format!("status/{number}")
}

impl Publisher {
    /// Publishes what `store` holds; `roots` are trusted for signatures of documents.
    #[must_use]
    pub fn new(
        store: Store,
        keys: Arc<Keyring>,
        catalogue: Arc<Catalogue>,
        roots: Arc<Vec<Certificate>>,
        terms: Arc<Terms>,
        clock: Arc<dyn Clock>,
    ) -> Self {
        Self {
            store,
            keys,
            catalogue,
            roots,
            terms,
            clock,
        }
    }

    /// The bundle in force; made anew when what it says has changed or half of its time is over.
    ///
    /// # Errors
    /// [`PublishError`].
    pub async fn bundle(&self) -> Result<Publication, PublishError> {
        let now = self.clock.now();
        let mut tx = self.store.read().await?;
        let held = tx.publication(BUNDLE).await?;
        let (mut contents, operator) = self.contents(&mut tx, now).await?;
        drop(tx);
        let opened = held
            .as_ref()
            .and_then(|held| TrustBundle::open(&held.content, Some(&operator.public)).ok());
        if let (Some(held), Some(opened)) = (&held, &opened) {
            let before = opened.contents();
            let as_before = Contents {
                counter: before.counter,
                issued_at: before.issued_at,
                expires: before.expires,
                ..contents.clone()
            };
            let half = before.expires.since(before.issued_at) / 2;
            if *before == as_before && now.since(before.issued_at) < half {
                return Ok(held.clone());
            }
        }
        contents.counter = held.map_or(1, |held| held.version.saturating_add(1));
        let draft = trust::Draft::new(&contents)?;
        let signature = self.sign(&operator, draft.to_be_signed()).await?;
        let publication = Publication {
            name: BUNDLE.to_owned(),
            version: contents.counter,
            content: draft.seal(signature),
            signed_at: now,
        };
        let logged = Some(tlog::Kind::BundlePublished);
        let entered = self.enter(&publication, logged).await;
        self.settled(publication, entered).await
    }

    /// A status list, as it was last published; made now if it never was or has grown old.
    ///
    /// # Errors
    /// [`PublishError`].
    pub async fn status_list(&self, number: u32) -> Result<Option<Publication>, PublishError> {
        let now = self.clock.now();
        let held = self
            .store
            .read()
            .await?
            .publication(&list_name(number))
            .await?;
        match held {
            Some(held) if now.since(held.signed_at) < i64::from(self.terms.list_ttl) => {
                Ok(Some(held))
            }
            _ => self.publish_status_list(number).await,
        }
    }

    /// Makes and publishes a status list from the register as it is now; `None` if there is no such list.
    ///
    /// # Errors
    /// [`PublishError`].
    pub async fn publish_status_list(
        &self,
        number: u32,
    ) -> Result<Option<Publication>, PublishError> {
        let now = self.clock.now();
        let mut tx = self.store.read().await?;
        let Some(register) = tx.status_list(number).await? else {
            return Ok(None);
        };
        let mut list = StatusList::new(register.capacity)?;
        for (index, standing) in tx.statuses(number, now).await? {
            list.set(index, listed(standing))?;
        }
        let version = tx.published_version(&list_name(number)).await?;
        let key = only(
            tx.signing_keys(Purpose::Status, None, now).await?,
            Purpose::Status,
        )?;
        drop(tx);
        let terms = token::Terms {
            uri: self.list_uri(number),
            issued_at: now,
            expires: now.plus(i64::from(self.terms.list_lifetime)),
            ttl: self.terms.list_ttl,
        };
        let draft = token::Draft::new(&list, &terms, key.public.kid());
        let signature = self.sign(&key, draft.to_be_signed()).await?;
        let publication = Publication {
            name: list_name(number),
            version: version.saturating_add(1),
            content: draft.seal(signature),
            signed_at: now,
        };
        let entered = self.enter(&publication, None).await;
        Ok(Some(self.settled(publication, entered).await?))
    }

    /// What counts after an attempt to enter a publication: this one, or a newer one that another server
    /// of the installation entered meanwhile.
    async fn settled(
        &self,
        publication: Publication,
        entered: Result<(), StoreError>,
    ) -> Result<Publication, PublishError> {
        match entered {
            Ok(()) => Ok(publication),
            Err(StoreError::Conflict(Conflict::Version)) => {
                let held = self
                    .store
                    .read()
                    .await?
                    .publication(&publication.name)
                    .await?;
                held.ok_or(PublishError::Store(StoreError::Missing("publication")))
            }
            Err(error) => Err(error.into()),
        }
    }

    /// Every publication by its name, for an installation that puts them on another web server.
    ///
    /// # Errors
    /// [`PublishError`].
    pub async fn everything(&self) -> Result<Vec<Publication>, PublishError> {
        let lists = self.store.read().await?.status_lists().await?;
        let mut all = vec![self.bundle().await?];
        for list in lists {
            all.extend(self.status_list(list.number).await?);
        }
        Ok(all)
    }

    fn list_uri(&self, number: u32) -> String {
        format!("{}/status/{number}", self.terms.public_url)
    }

    async fn contents(&self, tx: &mut Tx, now: UnixTime) -> Result<(Contents, Key), PublishError> {
        let keys = tx.keys().await?;
        let operator = only(
            tx.signing_keys(Purpose::Operator, None, now).await?,
            Purpose::Operator,
        )?;
        let status = only(
            tx.signing_keys(Purpose::Status, None, now).await?,
            Purpose::Status,
        )?;
        let agencies = tx.agencies().await?;
        let lists = tx.status_lists().await?;
        let types: Vec<trust::ResultType> = self
            .catalogue
            .types()
            .iter()
            .map(|known| trust::ResultType::of(known))
            .collect();
        let numbers: Vec<u32> = types.iter().map(|known| known.number).collect();
        let credential_keys = keys.iter().filter(|key| key.purpose == Purpose::Credential);
        let credential_keys = credential_keys.filter_map(|key| {
            let owner = key.agency.as_deref()?;
            let agency = agencies.iter().find(|agency| agency.code == owner)?;
            let may = |number: &&u32| key.types.allows(**number);
            Some(trust::CredentialKey {
                key: key.public.clone(),
                issuer: agency.issuer.clone(),
                not_before: key.not_before,
                not_after: key
                    .retired_at
                    .map_or(key.not_after, |at| at.min(key.not_after)),
                types: match &key.types {
                    TypeScope::Every => numbers.clone(),
                    TypeScope::Only(_) => numbers.iter().filter(may).copied().collect(),
                },
            })
        });
        let contents = Contents {
            operator: trust::Operator {
                code: self.terms.operator_code.clone(),
                name: self.terms.operator.clone(),
                key: operator.public.clone(),
                next_key: None,
            },
            counter: 0,
            issued_at: now,
            expires: now.plus(i64::from(self.terms.bundle_days) * 86_400),
            keys: credential_keys.collect(),
            agencies: agencies
                .iter()
                .map(|agency| trust::Agency {
                    issuer: agency.issuer.clone(),
                    code: agency.code.clone(),
                    name: Label {
                        vi: agency.name_vi.clone(),
                        en: agency.name_en.clone(),
                    },
                    system: self.terms.system.clone(),
                    seal: agency.seal.map(|seal| seal.image),
                })
                .collect(),
            lists: lists
                .iter()
                .map(|list| trust::ListLocation {
                    number: list.number,
                    uri: self.list_uri(list.number),
                    key: status.public.clone(),
                })
                .collect(),
            types,
            roots: self.roots.iter().map(|root| root.der().to_vec()).collect(),
        };
        Ok((contents, operator))
    }

    async fn sign(&self, key: &Key, message: &[u8]) -> Result<[u8; 64], PublishError> {
        let signer = self.keys.signer(&key.file, &key.public).await?;
        signer
            .sign(message)
            .await?
            .try_into()
            .map_err(|_| PublishError::NotEs256)
    }

    async fn enter(
        &self,
        publication: &Publication,
        logged: Option<tlog::Kind>,
    ) -> Result<(), StoreError> {
        let mut salt = [0; tlog::SALT];
        SystemRandom::new()
            .fill(&mut salt)
            .map_err(|_| StoreError::Missing("randomness"))?;
        // What is public needs no salt to hide it; the leaf has the form of all leaves all the same.
        let leaf = logged.map(|kind| {
            let party = &self.terms.operator_code;
            tlog::Leaf::new(
                kind,
                publication.signed_at,
                party,
                &salt,
                &publication.content,
            )
        });
        self.store
            .run(|mut tx: Tx| {
                let leaf = leaf.clone();
                async move {
                    tx.publish(publication).await?;
                    if let Some(leaf) = leaf {
                        tx.append_leaf(&Leaf::from(&leaf)).await?;
                    }
                    Ok::<_, StoreError>((tx, ()))
                }
            })
            .await
    }
}

/// What the list says of a standing (draft-ietf-oauth-status-list §7.1).
fn listed(standing: Standing) -> Status {
    match standing {
        Standing::Valid => Status::Valid,
        Standing::Suspended => Status::Suspended,
        Standing::Superseded => Status::Superseded,
        Standing::Revoked | Standing::Recalled | Standing::Cancelled | Standing::Surrendered => {
            Status::Invalid
        }
    }
}

fn only(keys: Vec<Key>, purpose: Purpose) -> Result<Key, PublishError> {
    keys.into_iter().next().ok_or(PublishError::NoKey(purpose))
}
