//! CBOR → [`Contents`].

use super::contents::{Agency, Contents, CredentialKey, Field, ListLocation, Operator, ResultType};
use super::encode::{VERSION, visibility_number};
use super::{Part, TrustError};
use crate::catalogue::{FieldKind, Label, Visibility};
use crate::cose::cbor::{self, IntMap, Value};
use crate::digest::Sha256;
use crate::key::PublicKey;

/// Keys from here on belong to later additions that an older reader may leave alone (§4 of the
/// specification: bundles of other operators).
const ADDITIONS: i64 = 32;

/// One part of the bundle, whose values are taken out one by one.
struct Reader {
    part: Part,
    map: IntMap,
}

impl Reader {
    fn new(part: Part, value: Value) -> Result<Self, TrustError> {
        let map = IntMap::of(value).ok_or(TrustError::Malformed { part, key: -1 })?;
        Ok(Self { part, map })
    }

    fn need<T>(
        &mut self,
        key: i64,
        read: impl FnOnce(Value) -> Option<T>,
    ) -> Result<T, TrustError> {
        let part = self.part;
        let value = self.map.take(key).and_then(read);
        value.ok_or(TrustError::Malformed { part, key })
    }

    fn may<T>(
        &mut self,
        key: i64,
        read: impl FnOnce(Value) -> Option<T>,
    ) -> Result<Option<T>, TrustError> {
        let part = self.part;
        match self.map.take(key) {
            Some(value) => read(value)
                .map(Some)
                .ok_or(TrustError::Malformed { part, key }),
            None => Ok(None),
        }
    }

    fn list<T>(
        &mut self,
        key: i64,
        part: Part,
        read: impl Fn(&mut Self) -> Result<T, TrustError>,
    ) -> Result<Vec<T>, TrustError> {
        let items = self.need(key, Value::into_array)?;
        let one = |value| {
            let mut reader = Self::new(part, value)?;
            let item = read(&mut reader)?;
            reader.finish().map(|()| item)
        };
        items.into_iter().map(one).collect()
    }

    fn finish(self) -> Result<(), TrustError> {
        let part = self.part;
        let unknown = |(key, _): &(i64, Value)| *key < ADDITIONS;
        match self.map.rest().into_iter().find(unknown) {
            Some((key, _)) => Err(TrustError::Unknown { part, key }),
            None => Ok(()),
        }
    }
}

/// Reads the one encoding of [`Contents`], not yet checked for what its parts say about each other.
pub(super) fn contents(payload: &[u8]) -> Result<Contents, TrustError> {
    let value = cbor::decode(payload).map_err(TrustError::Cbor)?;
    let mut bundle = Reader::new(Part::Bundle, value)?;
    let version = bundle.need(0, |v| v.as_uint())?;
    if version != VERSION {
        return Err(TrustError::Version(version));
    }
    let contents = Contents {
        operator: operator(bundle.need(1, Some)?)?,
        counter: bundle.need(2, |v| v.as_uint())?,
        issued_at: bundle.need(3, |v| v.as_time())?,
        expires: bundle.need(4, |v| v.as_time())?,
        agencies: bundle.list(5, Part::Agency, agency)?,
        keys: bundle.list(6, Part::Key, key)?,
        lists: bundle.list(7, Part::List, location)?,
        types: bundle.list(8, Part::Type, result_type)?,
        roots: bundle.need(9, |value| {
            value
                .into_array()?
                .into_iter()
                .map(Value::into_bytes)
                .collect()
        })?,
    };
    bundle.finish()?;
    Ok(contents)
}

fn operator(value: Value) -> Result<Operator, TrustError> {
    let mut reader = Reader::new(Part::Operator, value)?;
    let operator = Operator {
        code: reader.need(0, Value::into_text)?,
        name: reader.need(1, label)?,
        key: reader.need(2, point)?,
        next_key: reader.may(3, point)?,
    };
    reader.finish().map(|()| operator)
}

fn agency(reader: &mut Reader) -> Result<Agency, TrustError> {
    Ok(Agency {
        issuer: reader.need(0, Value::into_text)?,
        code: reader.need(1, Value::into_text)?,
        name: reader.need(2, label)?,
        system: reader.need(3, label)?,
        seal: reader.may(4, |value| value.into_bytes()?.try_into().ok().map(Sha256))?,
    })
}

fn key(reader: &mut Reader) -> Result<CredentialKey, TrustError> {
    Ok(CredentialKey {
        key: reader.need(0, point)?,
        issuer: reader.need(1, Value::into_text)?,
        not_before: reader.need(2, |v| v.as_time())?,
        not_after: reader.need(3, |v| v.as_time())?,
        types: reader.need(4, |value| value.into_array()?.iter().map(number).collect())?,
    })
}

fn location(reader: &mut Reader) -> Result<ListLocation, TrustError> {
    Ok(ListLocation {
        number: reader.need(0, |v| number(&v))?,
        uri: reader.need(1, Value::into_text)?,
        key: reader.need(2, point)?,
    })
}

fn result_type(reader: &mut Reader) -> Result<ResultType, TrustError> {
    Ok(ResultType {
        number: reader.need(0, |v| number(&v))?,
        code: reader.need(1, Value::into_text)?,
        procedure_code: reader.need(2, Value::into_text)?,
        label: reader.need(3, label)?,
        max_status_age: reader.need(4, |value| value.as_int())?,
        fields: reader.list(5, Part::Field, field)?,
        title_field: reader.may(6, |v| number(&v))?,
    })
}

fn field(reader: &mut Reader) -> Result<Field, TrustError> {
    Ok(Field {
        number: reader.need(0, |v| number(&v))?,
        name: reader.need(1, Value::into_text)?,
        label: reader.need(2, label)?,
        kind: reader.need(3, |value| {
            FieldKind::ALL
                .get(usize::try_from(value.as_uint()?).ok()?)
                .copied()
        })?,
        visibility: reader.need(4, |value| {
            let stated = value.as_uint()?;
            let known = [Visibility::Public, Visibility::Inspector];
            known
                .into_iter()
                .find(|one| visibility_number(*one) == stated)
        })?,
        matched: reader.need(5, |value| match value {
            Value::Bool(matched) => Some(matched),
            _ => None,
        })?,
        unit: reader.may(6, label)?,
    })
}

fn number(value: &Value) -> Option<u32> {
    value.as_uint()?.try_into().ok()
}

fn point(value: Value) -> Option<PublicKey> {
    PublicKey::from_p256_point(&value.into_bytes()?).ok()
}

/// `[vi, en]`, neither of them empty.
fn label(value: Value) -> Option<Label> {
    let [vi, en] = <[Value; 2]>::try_from(value.into_array()?).ok()?;
    let (vi, en) = (vi.into_text()?, en.into_text()?);
    (!vi.is_empty() && !en.is_empty()).then_some(Label { vi, en })
}
