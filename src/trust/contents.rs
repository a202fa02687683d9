//! What a bundle says, as values.

use super::{Part, TrustError};
use crate::catalogue::{self, FieldKind, Label, Visibility};
use crate::clock::UnixTime;
use crate::digest::Sha256;
use crate::key::{Algorithm, PublicKey};
use std::collections::BTreeSet;

/// Who runs the service and signs the bundle.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Operator {
    /// A code that stays, e.g. `DANANG`.
    pub code: String,
    /// What the operator is called.
    pub name: Label,
    /// The P-256 key that signs the bundle.
    pub key: PublicKey,
    /// The key that will sign later bundles. A verifier that trusts this bundle may pin it too.
    pub next_key: Option<PublicKey>,
}

/// An issuer.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Agency {
    /// The short code in credentials: 1 to 8 of `A-Z0-9`.
    pub issuer: String,
    /// Identification code, e.g. `000.00.16.H99` (QĐ 20/2020/QĐ-TTg).
    pub code: String,
    /// What it is called.
    pub name: Label,
    /// The information system that issues for it (TT 01/2023/TT-VPCP).
    pub system: Label,
    /// SHA-256 of the picture of its seal.
    pub seal: Option<Sha256>,
}

/// A key that signs credentials.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct CredentialKey {
    /// The P-256 key; its id in credentials is [`PublicKey::kid`].
    pub key: PublicKey,
    /// The agency it belongs to, by its short code.
    pub issuer: String,
    /// First second in which it may sign.
    pub not_before: UnixTime,
    /// Last second in which it may sign. What it signed stays good after that.
    pub not_after: UnixTime,
    /// The result types that it may sign, by number, ascending.
    pub types: Vec<u32>,
}

/// Where a status list is and who signs it.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct ListLocation {
    /// The number that credentials use.
    pub number: u32,
    /// The address at which it is published, which it repeats as `sub`.
    pub uri: String,
    /// The P-256 key that signs it.
    pub key: PublicKey,
}

/// How to show results of one type, and how fresh their status must be.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct ResultType {
    /// The number in credentials.
    pub number: u32,
    /// `vehicle-badge`.
    pub code: String,
    /// Code of the administrative procedure.
    pub procedure_code: String,
    /// What the result is called.
    pub label: Label,
    /// Seconds for which a status list may be relied on.
    pub max_status_age: i64,
    /// The field whose value says more precisely what it is, by number.
    pub title_field: Option<u32>,
    /// The fields that the QR carries, in the order in which they are shown.
    pub fields: Vec<Field>,
}

/// A field that the QR carries.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Field {
    /// The number in credentials, 3 to 255.
    pub number: u32,
    /// Its name in data.
    pub name: String,
    /// What it is called.
    pub label: Label,
    /// Kind of its values.
    pub kind: FieldKind,
    /// Unit of a count or decimal.
    pub unit: Option<Label>,
    /// Who sees it on pages.
    pub visibility: Visibility,
    /// Whether the inspector compares it with what stands before him.
    pub matched: bool,
}

impl ResultType {
    /// What a verifier must know of a type of the catalogue: only the fields that the QR carries.
    #[must_use]
    pub fn of(known: &catalogue::ResultType) -> Self {
        let number = |name: &String| known.field(name)?.qr.map(|qr| qr.key);
        let fields = known.fields.iter().filter_map(|field| {
            Some(Field {
                number: field.qr?.key,
                name: field.name.clone(),
                label: field.label.clone(),
                kind: field.kind,
                unit: field.unit.clone(),
                visibility: field.visibility,
                matched: field.matched.is_some(),
            })
        });
        Self {
            number: known.number,
            code: known.code.clone(),
            procedure_code: known.procedure_code.clone(),
            label: known.label.clone(),
            max_status_age: known.max_status_age,
            title_field: known.title_field.as_ref().and_then(number),
            fields: fields.collect(),
        }
    }

    /// The field with this number.
    #[must_use]
    pub fn field(&self, number: u32) -> Option<&Field> {
        self.fields.iter().find(|field| field.number == number)
    }
}

/// Whether `code` may be the short code of an issuer: 1 to 8 of `A-Z0-9`.
#[must_use]
pub fn is_issuer_code(code: &str) -> bool {
    let allowed = |byte: u8| byte.is_ascii_uppercase() || byte.is_ascii_digit();
    (1..=8).contains(&code.len()) && code.bytes().all(allowed)
}

/// Everything that a bundle says.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Contents {
    /// Who signs it.
    pub operator: Operator,
    /// Grows with every bundle of this operator.
    pub counter: u64,
    /// When it was made.
    pub issued_at: UnixTime,
    /// The last second in which it may be relied on.
    pub expires: UnixTime,
    /// Issuers.
    pub agencies: Vec<Agency>,
    /// Their keys.
    pub keys: Vec<CredentialKey>,
    /// Status lists.
    pub lists: Vec<ListLocation>,
    /// Result types.
    pub types: Vec<ResultType>,
    /// DER certificates of the roots trusted for signatures of documents.
    pub roots: Vec<Vec<u8>>,
}

impl Contents {
    /// Checks what the types alone do not: ranges, unique codes, keys that point at agencies and types of
    /// this bundle.
    pub(super) fn check(&self) -> Result<(), TrustError> {
        let in_range = |part, key, holds: bool| {
            if holds {
                Ok(())
            } else {
                Err(TrustError::Malformed { part, key })
            }
        };
        let es256 = |key: &PublicKey| key.algorithm() == Algorithm::Es256;
        in_range(Part::Operator, 2, es256(&self.operator.key))?;
        in_range(
            Part::Operator,
            3,
            self.operator.next_key.as_ref().is_none_or(es256),
        )?;
        in_range(Part::Bundle, 4, self.expires > self.issued_at)?;
        for agency in &self.agencies {
            in_range(Part::Agency, 0, is_issuer_code(&agency.issuer))?;
        }
        for key in &self.keys {
            in_range(Part::Key, 0, es256(&key.key))?;
            in_range(Part::Key, 3, key.not_before <= key.not_after)?;
            in_range(Part::Key, 4, key.types.is_sorted_by(|a, b| a < b))?;
            let agency = self
                .agencies
                .iter()
                .any(|agency| agency.issuer == key.issuer);
            let known = |number: &u32| self.types.iter().any(|one| one.number == *number);
            if !agency || !key.types.iter().all(known) {
                return Err(TrustError::Dangling);
            }
        }
        for list in &self.lists {
            in_range(Part::List, 2, es256(&list.key))?;
        }
        for one in &self.types {
            in_range(Part::Type, 4, one.max_status_age >= 0)?;
            let title = one
                .title_field
                .is_none_or(|number| one.field(number).is_some());
            in_range(Part::Type, 6, title)?;
            for field in &one.fields {
                in_range(Part::Field, 0, (3..=255).contains(&field.number))?;
                in_range(Part::Field, 3, field.kind != FieldKind::PersonalId)?;
            }
            once(Part::Field, one.fields.iter().map(|field| field.number))?;
            once(Part::Field, one.fields.iter().map(|field| &field.name))?;
        }
        once(
            Part::Agency,
            self.agencies.iter().map(|agency| &agency.issuer),
        )?;
        once(
            Part::Agency,
            self.agencies.iter().map(|agency| &agency.code),
        )?;
        once(Part::Key, self.keys.iter().map(|key| key.key.fingerprint()))?;
        once(Part::List, self.lists.iter().map(|list| list.number))?;
        once(Part::List, self.lists.iter().map(|list| &list.uri))?;
        once(Part::Type, self.types.iter().map(|one| one.number))?;
        once(Part::Type, self.types.iter().map(|one| &one.code))
    }
}

fn once<T: Ord>(part: Part, values: impl Iterator<Item = T>) -> Result<(), TrustError> {
    let mut seen = BTreeSet::new();
    for value in values {
        if !seen.insert(value) {
            return Err(TrustError::Twice(part));
        }
    }
    Ok(())
}
