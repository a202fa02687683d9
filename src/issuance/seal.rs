//! The credential and its symbol.

use super::{IssueError, Issuer, Reserved, random};
use crate::catalogue::{Field, ResultType};
use crate::clock::UnixTime;
use crate::cose::cbor;
use crate::credential::{Claims, Draft, DraftError, StatusRef, fields};
use crate::id::ResultId;
use crate::limits;
use crate::qr::{QrError, Symbol};
use crate::store::{StatusListRegister, Tx};
use std::collections::BTreeSet;

/// A signed credential in its symbol.
pub(super) struct Sealed {
    pub(super) id: ResultId,
    pub(super) status_index: u32,
    pub(super) credential: Vec<u8>,
    pub(super) qr_text: String,
    pub(super) symbol: Symbol,
}

impl Issuer {
    /// Draws the id, signs the credential, makes the symbol and reads it back.
    pub(super) async fn seal(
        &self,
        reserved: &Reserved,
        status_index: u32,
    ) -> Result<Sealed, IssueError> {
        let mut id = [0; 10];
        random(&mut id)?;
        let (claims, draft) = draft(reserved, ResultId::from_bytes(id), status_index)?;
        let key = &reserved.credential_key;
        let signer = self.keys.signer(&key.file, &key.public).await?;
        let signature = signer.sign(draft.to_be_signed()).await?;
        let signature = signature
            .try_into()
            .map_err(|_| IssueError::NotACredentialKey)?;
        self.symbol(reserved, &claims, draft, signature)
    }

    /// What sealing would make, without a key: as large, and worth nothing.
    pub(super) fn rehearse_seal(&self, reserved: &Reserved) -> Result<Sealed, IssueError> {
        let last = reserved.list.capacity.saturating_sub(1);
        let (claims, draft) = draft(reserved, ResultId::from_bytes([0; 10]), last)?;
        self.symbol(reserved, &claims, draft, [1; 64])
    }

    fn symbol(
        &self,
        reserved: &Reserved,
        claims: &Claims,
        draft: Draft,
        signature: [u8; 64],
    ) -> Result<Sealed, IssueError> {
        let result_type = reserved.data.result_type();
        let credential = draft.seal(signature);
        let qr_text = credential.qr_text(&self.imprint.host)?;
        let symbol = Symbol::for_issue(&qr_text).map_err(|error| match error {
            QrError::TooLong { .. } => {
                IssueError::TooLarge(field_sizes(result_type, &claims.fields))
            }
            other => IssueError::Symbol(other),
        })?;
        Ok(Sealed {
            id: credential.id(),
            status_index: claims.status.index,
            credential: credential.bytes().to_vec(),
            qr_text,
            symbol,
        })
    }
}

fn draft(
    reserved: &Reserved,
    id: ResultId,
    status_index: u32,
) -> Result<(Claims, Draft), IssueError> {
    let claims = claims(reserved, status_index)?;
    let draft = Draft::new(&claims, id, reserved.credential_key.public.kid())
        .map_err(|error| too_large(error, reserved.data.result_type()))?;
    Ok((claims, draft))
}

/// How often a place is drawn until a free one is found: a list that is nine tenths full needs seven.
const DRAWS: usize = 64;

/// A place in the list that no result has and that is not among `promised`. Another process may take it
/// before us; the register finds out.
pub(super) async fn free_index(
    tx: &mut Tx,
    list: &StatusListRegister,
    promised: &BTreeSet<(u32, u32)>,
) -> Result<u32, IssueError> {
    let mut index = draw_index(list.capacity)?;
    for _ in 1..DRAWS {
        let free = !promised.contains(&(list.number, index))
            && !tx.status_index_is_taken(list.number, index).await?;
        if free {
            break;
        }
        index = draw_index(list.capacity)?;
    }
    Ok(index)
}

/// A place below `capacity`, each as likely: what lies beyond the last whole multiple is drawn again.
fn draw_index(capacity: u32) -> Result<u32, IssueError> {
    let capacity = capacity.clamp(1, limits::STATUS_LIST_ENTRIES);
    let limit = u32::MAX - u32::MAX % capacity;
    loop {
        let mut bytes = [0; 4];
        random(&mut bytes)?;
        let drawn = u32::from_be_bytes(bytes);
        if drawn < limit {
            return Ok(drawn % capacity);
        }
    }
}

fn claims(reserved: &Reserved, status_index: u32) -> Result<Claims, IssueError> {
    let data = &reserved.data;
    let mut carried = Vec::new();
    for (field, value) in data.fields() {
        carried.extend(fields::carry(field, value)?);
    }
    carried.sort_by_key(|(key, _)| *key);
    Ok(Claims {
        issuer: reserved.agency.issuer.clone(),
        issued_at: reserved.at,
        not_before: UnixTime::start_of(data.valid_from()),
        expires: data.valid_to().map(UnixTime::end_of),
        type_number: data.result_type().number,
        status: StatusRef {
            list: reserved.list.number,
            index: status_index,
        },
        fields: carried,
    })
}

fn too_large(error: DraftError, result_type: &ResultType) -> IssueError {
    match error {
        DraftError::Oversize { fields, .. } => IssueError::TooLarge(
            fields
                .into_iter()
                .map(|(key, bytes)| (name(result_type, key), bytes))
                .collect(),
        ),
        other @ DraftError::Claims(_) => IssueError::Draft(other),
    }
}

/// Bytes of each field by its name, largest first.
fn field_sizes(result_type: &ResultType, carried: &[(u32, cbor::Value)]) -> Vec<(String, usize)> {
    let mut sizes: Vec<(String, usize)> = carried
        .iter()
        .map(|(key, value)| (name(result_type, *key), cbor::encode(value).len()))
        .collect();
    sizes.sort_by_key(|(_, bytes)| std::cmp::Reverse(*bytes));
    sizes
}

fn name(result_type: &ResultType, key: u32) -> String {
    let carries = |field: &&Field| field.qr.is_some_and(|qr| qr.key == key);
    result_type
        .fields
        .iter()
        .find(carries)
        .map(|field| field.name.clone())
        .unwrap_or_default()
}
