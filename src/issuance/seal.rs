//! The credential and its symbol.

use super::{IssueError, Issuer, Reserved, random};
use crate::catalogue::{Field, ResultType};
use crate::clock::UnixTime;
use crate::cose::cbor;
use crate::credential::{Claims, Draft, DraftError, StatusRef, fields};
use crate::id::ResultId;
use crate::qr::{QrError, Symbol};

/// A signed credential in its symbol.
pub(super) struct Sealed {
    pub(super) id: ResultId,
    pub(super) credential: Vec<u8>,
    pub(super) qr_text: String,
    pub(super) symbol: Symbol,
}

impl Issuer {
    /// Draws the id, signs the credential, makes the symbol and reads it back.
    pub(super) async fn seal(&self, reserved: &Reserved) -> Result<Sealed, IssueError> {
        let mut id = [0; 10];
        random(&mut id)?;
        let id = ResultId::from_bytes(id);
        let claims = claims(reserved)?;
        let key = &reserved.credential_key;
        let result_type = reserved.data.result_type();
        let draft = Draft::new(&claims, id, key.public.kid())
            .map_err(|error| too_large(error, result_type))?;
        let signer = self.keys.signer(&key.file, &key.public).await?;
        let signature = signer.sign(draft.to_be_signed()).await?;
        let signature = signature
            .try_into()
            .map_err(|_| IssueError::NotACredentialKey)?;
        let credential = draft.seal(signature);
        let qr_text = credential.qr_text(&self.imprint.host)?;
        let symbol = Symbol::for_issue(&qr_text).map_err(|error| match error {
            QrError::TooLong { .. } => {
                IssueError::TooLarge(field_sizes(result_type, &claims.fields))
            }
            other => IssueError::Symbol(other),
        })?;
        let credential = credential.bytes().to_vec();
        Ok(Sealed {
            id,
            credential,
            qr_text,
            symbol,
        })
    }
}

fn claims(reserved: &Reserved) -> Result<Claims, IssueError> {
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
            list: reserved.place.list,
            index: reserved.place.index,
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
