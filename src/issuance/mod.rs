//! Issuing a result: read → reserve → seal → stamp and sign → commit.
//!
//! Nothing is written before everything is signed, but for the number, which comes from its own short
//! transaction so that no key is used while the register is locked. The decision itself is one
//! transaction: result, leaf, audit line, and the answer that a repeated request gets.

mod document;
mod entry;
mod error;
mod list;
mod place;
mod rehearsal;
mod replacement;
mod seal;
mod settle;
mod together;

pub use document::{Imprint, Seals};
pub use error::IssueError;
pub use rehearsal::Rehearsal;
pub use replacement::{Confirmed, Replaced, Replacement};
pub use together::{Examined, Together};

use crate::access::{Caller, Permission};
use crate::authorities::TimeStamps;
use crate::catalogue::{Catalogue, ResultData, Signatures};
use crate::clock::{Clock, UnixTime};
use crate::credential::SealedCredential;
use crate::digest::Sha256;
use crate::id::ResultId;
use crate::pdf::PdfError;
use crate::private::Private;
use crate::signer::Keyring;
pub use crate::store::documents::Original;
use crate::store::documents::{Documents, Staged};
use crate::store::{
    Agency, Answer, Conflict, Issued, Key, Purpose, StatusListRegister, Store, StoreError, Tx,
};
use entry::Entry;
use list::StatusPlace;
use ring::rand::{SecureRandom as _, SystemRandom};
use seal::Sealed;
use serde_json::{Map, Value as Json};
use std::collections::BTreeSet;
use std::sync::Arc;

/// What somebody asks to be issued.
#[derive(Clone, Debug)]
pub struct Request {
    /// The flat JSON object of the result.
    pub data: Map<String, Json>,
    /// The agency's own PDF.
    pub pdf: Option<Original>,
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
    /// Who time-stamps the signatures; without it they are of level B-B.
    pub stamps: Option<Arc<TimeStamps>>,
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

/// What results of one agency and type are issued with.
#[derive(Clone)]
struct Grounds {
    agency: Agency,
    credential_key: Key,
    document_key: Option<Key>,
    list: StatusListRegister,
    at: UnixTime,
}

impl Grounds {
    fn reserved(self, data: ResultData, number: Option<u64>, place: StatusPlace) -> Reserved {
        Reserved {
            data,
            number,
            agency: self.agency,
            credential_key: self.credential_key,
            document_key: self.document_key,
            list: self.list,
            place,
            at: self.at,
        }
    }
}

/// Everything that a result is issued with, known before a key is used.
struct Reserved {
    data: ResultData,
    number: Option<u64>,
    agency: Agency,
    credential_key: Key,
    document_key: Option<Key>,
    list: StatusListRegister,
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
                    reserved.place = self.draw_place(&reserved.list, &BTreeSet::new()).await?;
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
        let mut tx = self.store.read().await?;
        let grounds = self.grounds(&mut tx, &data, with_pdf).await?;
        if tx.result_of_code(data.result_code()).await?.is_some() {
            return Err(IssueError::Duplicate(Conflict::ResultCode));
        }
        drop(tx);
        let place = self.draw_place(&grounds.list, &BTreeSet::new()).await?;
        let (data, number) = self.numbered(data, &grounds.agency).await?;
        Ok(grounds.reserved(data, number, place))
    }

    /// Agency, keys and status list for a result.
    async fn grounds(
        &self,
        tx: &mut Tx,
        data: &ResultData,
        with_pdf: bool,
    ) -> Result<Grounds, IssueError> {
        if data.result_type().signatures == Signatures::SignatoryThenAgency {
            return Err(IssueError::SignatoryNeeded);
        }
        let at = self.clock.now();
        let code = data.agency_code();
        let agency = tx.agency(code).await?.ok_or(IssueError::UnknownAgency)?;
        let type_number = data.result_type().number;
        let mut key = async |purpose: Purpose| {
            let keys = tx.signing_keys(purpose, Some(code), at).await?;
            let fit = keys.into_iter().find(|key| key.types.allows(type_number));
            fit.ok_or(IssueError::NoKey(purpose))
        };
        let credential_key = key(Purpose::Credential).await?;
        let document_key = if with_pdf {
            Some(key(Purpose::Document).await?)
        } else {
            None
        };
        let list = tx.current_status_list(&agency.issuer).await?;
        let list = list.ok_or(IssueError::NoStatusList)?;
        Ok(Grounds {
            agency,
            credential_key,
            document_key,
            list,
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
        Ok((with_number(data, agency, taken), Some(taken)))
    }

    async fn attempt(
        &self,
        caller: &Caller,
        reserved: &Reserved,
        request: &Request,
        replacement: Option<&Replacement>,
    ) -> Result<Outcome, IssueError> {
        let made = self.make(reserved, request.pdf.as_ref()).await?;
        let once = request.once.as_ref();
        let committed = self.commit(caller, reserved, &made, once, replacement);
        let outcome = committed.await?;
        if let (Outcome::Issued(_), Some(staged)) = (&outcome, made.staged) {
            self.keep(staged).await;
        }
        Ok(outcome)
    }

    /// Seals; stamps and signs the PDF if there is one, and stages it.
    async fn make(&self, reserved: &Reserved, pdf: Option<&Original>) -> Result<Made, IssueError> {
        let sealed = self.seal(reserved).await?;
        let (Some(pdf), Some(key)) = (pdf, &reserved.document_key) else {
            return Ok(Made {
                sealed,
                source: None,
                staged: None,
            });
        };
        self.takes(pdf)?;
        let draft = self.documents.draft(pdf).await?;
        let source = draft.digest();
        let signed = self.stamp_and_sign(draft, reserved, key, &sealed).await?;
        Ok(Made {
            sealed,
            source: Some(source),
            staged: Some(self.documents.stage(signed).await?),
        })
    }

    /// Whether a PDF is small enough for where documents are kept.
    fn takes(&self, pdf: &Original) -> Result<(), IssueError> {
        let bytes = pdf.length();
        if bytes > self.documents.most() {
            return Err(PdfError::TooLarge { bytes }.into());
        }
        Ok(())
    }

    /// Issued is issued: the document is safe where it is staged, and is kept when that is possible again.
    async fn keep(&self, staged: Staged) {
        if let Err(error) = self.documents.keep(staged).await {
            tracing::warn!(error.cause = %error, "a document stays staged for now");
        }
    }

    async fn commit(
        &self,
        caller: &Caller,
        reserved: &Reserved,
        made: &Made,
        once: Option<&Once>,
        replacement: Option<&Replacement>,
    ) -> Result<Outcome, IssueError> {
        let entry = Entry::new(caller, reserved, made, replacement)?;
        let entry = &entry;
        let committed = self
            .store
            .run(|mut tx: Tx| async move {
                let issued = &entry.issued;
                if let Some(once) = once {
                    let account = &issued.issued_by;
                    let earlier = tx.earlier_answer(account, &once.key, &once.request).await?;
                    if let Some(answer) = earlier {
                        return Ok((tx, Outcome::Replayed(answer)));
                    }
                }
                let appended = entry.log(&mut tx).await?;
                if let Some(replacement) = replacement {
                    self.supersede(&mut tx, replacement, issued).await?;
                }
                let receipt = entry.record(&mut tx, appended).await?;
                if let Some(once) = once {
                    let (status, body) = (once.answer)(&receipt);
                    let answer = Answer {
                        status,
                        body: Private::new(body),
                    };
                    let (account, at) = (&issued.issued_by, issued.issued_at);
                    tx.keep_answer(account, &once.key, &once.request, &answer, at)
                        .await?;
                }
                Ok::<_, IssueError>((tx, Outcome::Issued(receipt)))
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

/// What was signed and is not in the register yet.
struct Made {
    sealed: Sealed,
    /// Digest of the PDF that came with the request.
    source: Option<Sha256>,
    /// The signed PDF, which lasts already.
    staged: Option<Staged>,
}

/// The data with a number of ours, by the pattern of its type.
fn with_number(data: ResultData, agency: &Agency, taken: u64) -> ResultData {
    let year = data.issue_date().year();
    let pattern = &data.result_type().number_pattern;
    let code = pattern.code_field().and_then(|field| data.text(field));
    let number = pattern.number(taken, year, &agency.symbol, code);
    data.with_number(number)
}

/// Fills `bytes` from the system's random source.
fn random(bytes: &mut [u8]) -> Result<(), IssueError> {
    SystemRandom::new()
        .fill(bytes)
        .map_err(|_| IssueError::NoRandomness)
}
