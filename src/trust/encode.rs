//! [`Contents`] → CBOR.

use super::contents::{Agency, Contents, CredentialKey, Field, ListLocation, Operator, ResultType};
use crate::catalogue::{FieldKind, Label, Visibility};
use crate::clock::UnixTime;
use crate::cose::cbor::{self, Value};
use crate::key::PublicKey;

/// The version of this format.
pub(super) const VERSION: u64 = 1;

/// The one encoding of `contents`.
pub(super) fn contents(contents: &Contents) -> Vec<u8> {
    cbor::encode(&Value::map([
        (0, Value::Uint(VERSION)),
        (1, operator(&contents.operator)),
        (2, Value::Uint(contents.counter)),
        (3, time(contents.issued_at)),
        (4, time(contents.expires)),
        (5, list(&contents.agencies, agency)),
        (6, list(&contents.keys, key)),
        (7, list(&contents.lists, location)),
        (8, list(&contents.types, result_type)),
        (9, list(&contents.roots, |der| Value::Bytes(der.clone()))),
    ]))
}

fn operator(operator: &Operator) -> Value {
    let next = operator.next_key.as_ref().map(|key| (3, point(key)));
    let always = [
        (0, Value::text(&operator.code)),
        (1, label(&operator.name)),
        (2, point(&operator.key)),
    ];
    Value::map(always.into_iter().chain(next))
}

fn agency(agency: &Agency) -> Value {
    let seal = agency.seal.map(|seal| (4, Value::Bytes(seal.0.to_vec())));
    let always = [
        (0, Value::text(&agency.issuer)),
        (1, Value::text(&agency.code)),
        (2, label(&agency.name)),
        (3, label(&agency.system)),
    ];
    Value::map(always.into_iter().chain(seal))
}

fn key(key: &CredentialKey) -> Value {
    Value::map([
        (0, point(&key.key)),
        (1, Value::text(&key.issuer)),
        (2, time(key.not_before)),
        (3, time(key.not_after)),
        (4, list(&key.types, |number| Value::Uint((*number).into()))),
    ])
}

fn location(location: &ListLocation) -> Value {
    Value::map([
        (0, Value::Uint(location.number.into())),
        (1, Value::text(&location.uri)),
        (2, point(&location.key)),
    ])
}

fn result_type(known: &ResultType) -> Value {
    let title = known
        .title_field
        .map(|number| (6, Value::Uint(number.into())));
    let always = [
        (0, Value::Uint(known.number.into())),
        (1, Value::text(&known.code)),
        (2, Value::text(&known.procedure_code)),
        (3, label(&known.label)),
        (4, Value::int(known.max_status_age)),
        (5, list(&known.fields, field)),
    ];
    Value::map(always.into_iter().chain(title))
}

fn field(field: &Field) -> Value {
    let unit = field.unit.as_ref().map(|unit| (6, label(unit)));
    let always = [
        (0, Value::Uint(field.number.into())),
        (1, Value::text(&field.name)),
        (2, label(&field.label)),
        (3, kind(field.kind)),
        (4, Value::Uint(visibility_number(field.visibility))),
        (5, Value::Bool(field.matched)),
    ];
    Value::map(always.into_iter().chain(unit))
}

fn list<T>(items: &[T], one: impl Fn(&T) -> Value) -> Value {
    Value::Array(items.iter().map(one).collect())
}

fn label(label: &Label) -> Value {
    Value::Array(vec![Value::text(&label.vi), Value::text(&label.en)])
}

fn time(at: UnixTime) -> Value {
    Value::int(at.seconds())
}

/// The uncompressed point, 65 bytes.
fn point(key: &PublicKey) -> Value {
    Value::Bytes(key.bits().to_vec())
}

/// The place in [`FieldKind::ALL`].
fn kind(kind: FieldKind) -> Value {
    let place = FieldKind::ALL.iter().position(|known| *known == kind);
    Value::Uint(
        place
            .and_then(|place| place.try_into().ok())
            .unwrap_or(u64::MAX),
    )
}

pub(super) fn visibility_number(visibility: Visibility) -> u64 {
    match visibility {
        Visibility::Public => 0,
        Visibility::Inspector => 1,
    }
}
