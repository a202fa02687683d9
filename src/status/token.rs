//! The signed list: COSE_Sign1 around the claims of draft-ietf-oauth-status-list-20 §5.2.

use super::{StatusError, StatusList};
use crate::clock::UnixTime;
use crate::cose::cbor::{self, IntMap, Value};
use crate::cose::sign1::{Sealed, ToBeSigned};
use crate::key::PublicKey;
use crate::limits;

/// The header `typ`.
pub const CONTENT_TYPE: &str = "application/statuslist+cwt";

const SUB: i64 = 2;
const EXP: i64 = 4;
const IAT: i64 = 6;
const STATUS_LIST: i64 = 65_533;
const TTL: i64 = 65_534;

/// What a token says beside the list.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Terms {
    /// Where the list is published; the trust bundle names the same address.
    pub uri: String,
    /// When it was made.
    pub issued_at: UnixTime,
    /// The last second in which it may be used at all.
    pub expires: UnixTime,
    /// Seconds after which a fresh one should be fetched; above 0.
    pub ttl: u32,
}

/// A list that waits for its signature.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Draft(ToBeSigned);

impl Draft {
    /// A list and its terms, to be signed by the key `kid`.
    #[must_use]
    pub fn new(list: &StatusList, terms: &Terms, kid: [u8; 4]) -> Self {
        let status_list = Value::Map(vec![
            (Value::text("bits"), Value::Uint(2)),
            (Value::text("lst"), Value::Bytes(list.compressed())),
        ]);
        let claims = Value::map([
            (SUB, Value::text(&terms.uri)),
            (EXP, Value::int(terms.expires.seconds())),
            (IAT, Value::int(terms.issued_at.seconds())),
            (STATUS_LIST, status_list),
            (TTL, Value::Uint(terms.ttl.into())),
        ]);
        let payload = cbor::encode(&claims);
        Self(ToBeSigned::new(kid, Some(CONTENT_TYPE), payload, b""))
    }

    /// The bytes to sign with ES256.
    #[must_use]
    pub fn to_be_signed(&self) -> &[u8] {
        self.0.bytes()
    }

    /// The token with its signature, raw `r ‖ s`.
    #[must_use]
    pub fn seal(self, signature: [u8; 64]) -> Vec<u8> {
        self.0.seal(signature)
    }
}

/// A status list whose signature holds. [`open`] is the only way to one.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct VerifiedStatusList {
    terms: Terms,
    list: StatusList,
}

impl VerifiedStatusList {
    /// Its terms.
    #[must_use]
    pub fn terms(&self) -> &Terms {
        &self.terms
    }

    /// The statuses.
    #[must_use]
    pub fn list(&self) -> &StatusList {
        &self.list
    }

    /// Seconds since it was made; 0 for a moment before that.
    #[must_use]
    pub fn age(&self, at: UnixTime) -> i64 {
        at.since(self.terms.issued_at).max(0)
    }

    /// Whether it is of the same address as `held` and was made later. A reader keeps what it has
    /// otherwise: an old list brought back would make revoked results valid again.
    #[must_use]
    pub fn supersedes(&self, held: &Self) -> bool {
        self.terms.uri == held.terms.uri && self.terms.issued_at > held.terms.issued_at
    }
}

/// The address that a token gives itself, with nobody's word for it: to find the key that must have
/// signed it.
#[must_use]
pub fn stated_uri(token: &[u8]) -> Option<String> {
    let sealed = parse(token).ok()?;
    let mut claims = IntMap::of(cbor::decode(sealed.payload()).ok()?)?;
    claims.take(SUB)?.into_text()
}

/// Checks the signature and reads the list.
///
/// # Errors
/// [`StatusError`]; the signature is checked before anything is inflated.
pub fn open(token: &[u8], key: &PublicKey) -> Result<VerifiedStatusList, StatusError> {
    let sealed = parse(token)?;
    if sealed.kid() != key.kid() || !sealed.verify(key, b"") {
        return Err(StatusError::Signature);
    }
    let payload = cbor::decode(sealed.payload()).map_err(|_| StatusError::NotAMap)?;
    let mut claims = IntMap::of(payload).ok_or(StatusError::NotAMap)?;
    let terms = Terms {
        uri: need(&mut claims, SUB, Value::into_text)?,
        expires: need(&mut claims, EXP, |v| v.as_time())?,
        issued_at: need(&mut claims, IAT, |v| v.as_time())?,
        ttl: need(&mut claims, TTL, |v| {
            v.as_uint()?.try_into().ok().filter(|ttl| *ttl > 0)
        })?,
    };
    let compressed = need(&mut claims, STATUS_LIST, two_bit_list)?;
    if let Some((key, _)) = claims.rest().first() {
        return Err(StatusError::Claim(*key));
    }
    Ok(VerifiedStatusList {
        terms,
        list: StatusList::inflated(&compressed)?,
    })
}

fn parse(token: &[u8]) -> Result<Sealed, StatusError> {
    if token.len() > limits::STATUS_TOKEN {
        return Err(StatusError::TooLarge(token.len()));
    }
    Ok(Sealed::parse(token, Some(CONTENT_TYPE))?)
}

fn need<T>(
    map: &mut IntMap,
    key: i64,
    read: impl FnOnce(Value) -> Option<T>,
) -> Result<T, StatusError> {
    map.take(key).and_then(read).ok_or(StatusError::Claim(key))
}

/// `{"lst": bytes, "bits": 2}`, in the order of deterministic CBOR.
fn two_bit_list(value: Value) -> Option<Vec<u8>> {
    let Value::Map(entries) = value else {
        return None;
    };
    let [(lst_key, lst), (bits_key, bits)] = <[_; 2]>::try_from(entries).ok()?;
    let named = lst_key == Value::text("lst") && bits_key == Value::text("bits");
    (named && bits == Value::Uint(2)).then(|| lst.into_bytes())?
}
