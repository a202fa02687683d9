//! Issuing a result: read → reserve → seal → stamp and sign → commit.
//!
//! Nothing is written before everything is signed, but for the number, which comes from its own short
//! transaction so that no key is used while the register is locked. The decision itself is one
//! transaction: result, leaf, audit line, and the answer that a repeated request gets.

mod document;
mod error;
mod list;
mod place;
mod rehearsal;
mod replacement;
mod seal;

pub use document::{Imprint, Seals};
pub use error::IssueError;
pub use rehearsal::Rehearsal;
pub use replacement::{Confirmed, Replaced, Replacement};

use crate::access::{Caller, Permission};
use crate::catalogue::{Catalogue, ResultData, Signatures};
use crate::clock::{Clock, UnixTime, iso_date};
use crate::credential::SealedCredential;
use crate::digest::Sha256;
use crate::id::ResultId;
use crate::private::Private;
use crate::signer::Keyring;
use crate::store::documents::Documents;
use crate::store::{
    Agency, Answer, AuditEntry, Conflict, Issued, Key, Leaf, Purpose, Store, StoreError, Tx,
};
use crate::tlog;
use list::StatusPlace;
use ring::rand::{SecureRandom as _, SystemRandom};
use seal::Sealed;
use serde_json::{Map, Value as Json, json};
use std::sync::Arc;
use uuid::Uuid;

/// What somebody asks to be issued.
#[derive(Clone, Debug)]
pub struct Request {
    /// The flat JSON object of the result.
    pub data: Map<String, Json>,
    /// The agency's own PDF.
    pub pdf: Option<Vec<u8>>,
    /// What makes a repeated request harmless.
    pub once: Option<Once>,
}

/// A request that is answered once.
#[derive(Clone)]
pub struct Once {
    /// The caller's key for it.
    pub key: String,
    /// Digest of the whole request.
    pub request: Sha256,
    /// Makes the answer that is kept: status and body.
    pub answer: fn(&Receipt) -> (u16, String),
}

impl std::fmt::Debug for Once {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Once")
            .field("request", &self.request)
            .finish_non_exhaustive()
    }
}

/// What was issued.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Receipt {
    /// The look-up code.
    pub id: ResultId,
    /// The number.
    pub number: String,
    /// The result code.
    pub result_code: String,
    /// Text of the QR.
    pub qr_text: String,
    /// Digest of the signed PDF.
    pub document: Option<Sha256>,
    /// Place of the leaf.
    pub leaf_index: u64,
    /// Its hash.
    pub leaf_hash: Sha256,
}

/// How a request was answered.
#[derive(Clone, Debug)]
pub enum Outcome {
    /// Issued now.
    Issued(Receipt),
    /// Issued before, under the same key: the first answer.
    Replayed(Answer),
}

/// Issues results.
#[derive(Clone)]
pub struct Issuer {
    /// The register.
    pub store: Store,
    /// The files.
    pub documents: Documents,
    /// What may be issued.
    pub catalogue: Arc<Catalogue>,
    /// The keys.
    pub keys: Arc<Keyring>,
    /// The seals that were used so far.
    pub seals: Seals,
    /// What stands on the paper beside the symbol.
    pub imprint: Arc<Imprint>,
    /// The time.
    pub clock: Arc<dyn Clock>,
}

impl Issuer {
    /// The text of the QR of an issued result.
    ///
    /// # Errors
    /// [`IssueError::Host`], [`IssueError::Corrupt`].
    pub fn qr_text(&self, issued: &Issued) -> Result<String, IssueError> {
        let credential = SealedCredential::from_bytes(issued.id, issued.credential.clone());
        Ok(credential
            .map_err(|_| IssueError::Corrupt)?
            .qr_text(&self.imprint.host)?)
    }
}

/// Everything that a result is issued with, known before a key is used.
struct Reserved {
    data: ResultData,
    number: Option<u64>,
    agency: Agency,
    credential_key: Key,
    document_key: Option<Key>,
    place: StatusPlace,
    at: UnixTime,
}

/// How many numbers that are taken already are passed over for one result.
const NUMBERS: usize = 20;

/// A place or an id that somebody else drew first is drawn again; ten times is once in a universe, but for
/// lists of a few places.
const DRAWS: usize = 10;

impl Issuer {
    /// Issues a result for a caller of its agency.
    ///
    /// # Errors
    /// [`IssueError`]; nothing is issued then, though a number may be skipped.
    pub async fn issue(&self, caller: &Caller, request: Request) -> Result<Outcome, IssueError> {
        self.issue_in_place(caller, request, None).await
    }

    /// Issues a result, in the place of another one if there is one.
    async fn issue_in_place(
        &self,
        caller: &Caller,
        request: Request,
        replacement: Option<&Replacement>,
    ) -> Result<Outcome, IssueError> {
        caller.require(Permission::Issue)?;
        if let Some(answer) = self.earlier(caller, request.once.as_ref()).await? {
            return Ok(Outcome::Replayed(answer));
        }
        let data = self.read(&request.data)?;
        caller.require_at(Permission::Issue, data.agency_code())?;
        let mut unnumbered = data.clone();
        let reserved = self.reserve(data, request.pdf.is_some()).await?;
        let mut reserved = reserved;
        let mut draws = 1;
        loop {
            match self.attempt(caller, &reserved, &request, replacement).await {
                Err(IssueError::Store(StoreError::Conflict(Conflict::ResultId)))
                    if draws < DRAWS =>
                {
                    draws += 1;
                }
                Err(IssueError::Store(StoreError::Conflict(Conflict::StatusIndex)))
                    if draws < DRAWS =>
                {
                    draws += 1;
                    reserved.place = self.draw_place(&reserved.agency.issuer).await?;
                }
                // A number of ours that came in with somebody's data before: the next one.
                Err(IssueError::Duplicate(Conflict::Number))
                    if reserved.number.is_some() && draws < NUMBERS =>
                {
                    draws += 1;
                    let (data, number) = self.numbered(unnumbered, &reserved.agency).await?;
                    unnumbered = data.clone().without_number();
                    (reserved.data, reserved.number) = (data, number);
                }
                done => return done,
            }
        }
    }

    /// Reads the data of a result and says what is wrong with it; issues nothing.
    ///
    /// # Errors
    /// [`IssueError::UnknownType`], [`IssueError::Data`].
    pub fn read(&self, data: &Map<String, Json>) -> Result<ResultData, IssueError> {
        let code = data.get("type").and_then(Json::as_str).unwrap_or_default();
        let known = self
            .catalogue
            .by_code(code)
            .ok_or(IssueError::UnknownType)?;
        Ok(known.read(data, self.clock.now().local_date())?)
    }

    async fn earlier(
        &self,
        caller: &Caller,
        once: Option<&Once>,
    ) -> Result<Option<Answer>, IssueError> {
        let Some(once) = once else { return Ok(None) };
        let mut tx = self.store.read().await?;
        match tx
            .earlier_answer(&caller.account, &once.key, &once.request)
            .await
        {
            Err(StoreError::Conflict(Conflict::IdempotencyKey)) => Err(IssueError::KeyReused),
            found => Ok(found?),
        }
    }

    async fn reserve(&self, data: ResultData, with_pdf: bool) -> Result<Reserved, IssueError> {
        if data.result_type().signatures == Signatures::SignatoryThenAgency {
            return Err(IssueError::SignatoryNeeded);
        }
        let at = self.clock.now();
        let code = data.agency_code().to_owned();
        let mut tx = self.store.read().await?;
        let agency = tx.agency(&code).await?.ok_or(IssueError::UnknownAgency)?;
        if tx.result_of_code(data.result_code()).await?.is_some() {
            return Err(IssueError::Duplicate(Conflict::ResultCode));
        }
        let type_number = data.result_type().number;
        let mut key = async |purpose: Purpose| {
            let keys = tx.signing_keys(purpose, Some(&code), at).await?;
            let fit = keys.into_iter().find(|key| key.types.allows(type_number));
            fit.ok_or(IssueError::NoKey(purpose))
        };
        let credential_key = key(Purpose::Credential).await?;
        let document_key = if with_pdf {
            Some(key(Purpose::Document).await?)
        } else {
            None
        };
        drop(tx);
        let place = self.draw_place(&agency.issuer).await?;
        let (data, number) = self.numbered(data, &agency).await?;
        Ok(Reserved {
            data,
            number,
            agency,
            credential_key,
            document_key,
            place,
            at,
        })
    }

    /// The data with its number: the one it brought, or the next of the register.
    async fn numbered(
        &self,
        data: ResultData,
        agency: &Agency,
    ) -> Result<(ResultData, Option<u64>), IssueError> {
        if data.number().is_some() {
            return Ok((data, None));
        }
        let year = data.issue_date().year();
        let known = Arc::clone(data.result_type());
        let taken = self
            .store
            .run(|mut tx: Tx| {
                let (agency, known) = (agency.code.clone(), known.code.clone());
                async move {
                    let taken = tx.take_number(&agency, &known, year).await?;
                    Ok::<_, StoreError>((tx, taken))
                }
            })
            .await?;
        let pattern = &known.number_pattern;
        let code = pattern
            .code_field()
            .and_then(|field| data.text(field))
            .map(str::to_owned);
        let number = pattern.number(taken, year, &agency.symbol, code.as_deref());
        Ok((data.with_number(number), Some(taken)))
    }

    async fn attempt(
        &self,
        caller: &Caller,
        reserved: &Reserved,
        request: &Request,
        replacement: Option<&Replacement>,
    ) -> Result<Outcome, IssueError> {
        let sealed = self.seal(reserved).await?;
        let document = match (&request.pdf, &reserved.document_key) {
            (Some(pdf), Some(key)) => Some(self.stamp_and_sign(pdf, reserved, key, &sealed).await?),
            _ => None,
        };
        let source = request.pdf.as_deref().map(Sha256::of);
        let stored = match document {
            Some(document) => Some(self.documents.put(document).await?),
            None => None,
        };
        self.commit(
            caller,
            reserved,
            &sealed,
            source,
            stored,
            request.once.as_ref(),
            replacement,
        )
        .await
    }

    async fn commit(
        &self,
        caller: &Caller,
        reserved: &Reserved,
        sealed: &Sealed,
        source_document: Option<Sha256>,
        document: Option<Sha256>,
        once: Option<&Once>,
        replacement: Option<&Replacement>,
    ) -> Result<Outcome, IssueError> {
        let data = &reserved.data;
        let record = json!({
            "result": sealed.id.to_string(),
            "credential": Sha256::of(&sealed.credential).hex(),
            "document": document.map(|digest| digest.hex()),
            "issue_date": iso_date(data.issue_date()),
            "predecessor": replacement.map(|one| one.replaced.to_string()),
            "at": reserved.at.seconds(),
            "actor": caller.account,
        });
        let mut salt = [0; tlog::SALT];
        random(&mut salt)?;
        let leaf = tlog::Leaf::new(
            tlog::Kind::Issued,
            reserved.at,
            &reserved.agency.issuer,
            &salt,
            record.to_string().as_bytes(),
        );
        let issued = Issued {
            id: sealed.id,
            row: Uuid::now_v7(),
            agency: reserved.agency.code.clone(),
            result_type: data.result_type().code.clone(),
            type_number: data.result_type().number,
            year: data.issue_date().year(),
            number: reserved.number,
            number_text: data.number().unwrap_or_default().to_owned(),
            dossier_code: data.dossier_code().to_owned(),
            result_code: data.result_code().to_owned(),
            issue_date: data.issue_date(),
            valid_from: data.valid_from(),
            valid_to: data.valid_to(),
            data: Private::new(Json::Object(data.to_json()).to_string()),
            credential: sealed.credential.clone(),
            kid: reserved.credential_key.public.kid(),
            list: reserved.place.list,
            index: reserved.place.index,
            issued_at: reserved.at,
            issued_by: caller.account.clone(),
            source_document,
            document,
            predecessor: replacement.map(|one| one.replaced),
            catalogue_version: env!("CARGO_PKG_VERSION").to_owned(),
            salt,
            leaf_index: 0,
            plates: Private::new(data.plate_keys()),
        };
        let committed = self
            .store
            .run(|mut tx: Tx| {
                let (mut issued, leaf) = (issued.clone(), leaf.clone());
                let mut receipt = receipt(&issued, sealed, &leaf);
                async move {
                    if let Some(once) = once {
                        let account = &issued.issued_by;
                        let earlier = tx.earlier_answer(account, &once.key, &once.request).await?;
                        if let Some(answer) = earlier {
                            return Ok((tx, Outcome::Replayed(answer)));
                        }
                    }
                    tx.append_audit(&AuditEntry {
                        id: Uuid::now_v7(),
                        at: issued.issued_at,
                        actor: issued.issued_by.clone(),
                        action: "result.issue".to_owned(),
                        subject: Some(issued.row.to_string()),
                        detail: "{}".to_owned(),
                    })
                    .await?;
                    issued.leaf_index = tx.append_leaf(&Leaf::from(&leaf)).await?;
                    receipt.leaf_index = issued.leaf_index;
                    if let Some(replacement) = replacement {
                        self.supersede(&mut tx, replacement, &issued).await?;
                    }
                    tx.add_result(&issued).await?;
                    if let Some(once) = once {
                        let (status, body) = (once.answer)(&receipt);
                        let answer = Answer {
                            status,
                            body: Private::new(body),
                        };
                        let account = &issued.issued_by;
                        tx.keep_answer(
                            account,
                            &once.key,
                            &once.request,
                            &answer,
                            issued.issued_at,
                        )
                        .await?;
                    }
                    Ok::<_, IssueError>((tx, Outcome::Issued(receipt)))
                }
            })
            .await;
        committed.map_err(|error| match error {
            IssueError::Store(StoreError::Conflict(
                conflict @ (Conflict::ResultCode | Conflict::Number),
            )) => IssueError::Duplicate(conflict),
            other => other,
        })
    }
}

fn receipt(issued: &Issued, sealed: &Sealed, leaf: &tlog::Leaf) -> Receipt {
    Receipt {
        id: issued.id,
        number: issued.number_text.clone(),
        result_code: issued.result_code.clone(),
        qr_text: sealed.qr_text.clone(),
        document: issued.document,
        leaf_index: issued.leaf_index,
        leaf_hash: leaf.hash(),
    }
}

/// Fills `bytes` from the system's random source.
fn random(bytes: &mut [u8]) -> Result<(), IssueError> {
    SystemRandom::new()
        .fill(bytes)
        .map_err(|_| IssueError::NoRandomness)
}
