//! COSE_Sign1 with ES256 (RFC 9052 §4.2, RFC 9053 §2.1): what is signed, sealing it, checking it.

use super::cbor::{self, IntMap, Value};
use super::{CborError, CoseError};
use crate::key::{self, Algorithm, PublicKey};

/// The tag of a COSE_Sign1 (RFC 9052 §2).
const TAG: u64 = 18;
/// Header labels (RFC 9052 §3.1, RFC 9596).
const ALG: i64 = 1;
const CRIT: i64 = 2;
const KID: i64 = 4;
const TYP: i64 = 16;
/// ES256 (RFC 9053 §2.1).
const ES256: i64 = -7;

/// A content that waits for its signature.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct ToBeSigned {
    protected: Vec<u8>,
    payload: Vec<u8>,
    bytes: Vec<u8>,
}

impl ToBeSigned {
    /// A payload, the id of the key that will sign it, and what is signed but travels elsewhere.
    /// `content_type` becomes the header `typ`: formats that have one cannot be taken for each other.
    #[must_use]
    pub fn new(
        kid: [u8; 4],
        content_type: Option<&str>,
        payload: Vec<u8>,
        external_aad: &[u8],
    ) -> Self {
        let alg_and_kid = [(ALG, Value::int(ES256)), (KID, Value::Bytes(kid.to_vec()))];
        let typ = content_type.map(|text| (TYP, Value::text(text)));
        let protected = cbor::encode(&Value::map(alg_and_kid.into_iter().chain(typ)));
        let bytes = sig_structure(&protected, &payload, external_aad);
        Self {
            protected,
            payload,
            bytes,
        }
    }

    /// The bytes to sign: the `Sig_structure` of RFC 9052 §4.4.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// The tagged COSE_Sign1. Of the two signatures that verify alike the one with the low `s` is taken.
    #[must_use]
    pub fn seal(self, signature: [u8; 64]) -> Vec<u8> {
        let parts = vec![
            Value::Bytes(self.protected),
            Value::Map(Vec::new()),
            Value::Bytes(self.payload),
            Value::Bytes(key::with_low_s(signature).to_vec()),
        ];
        cbor::encode(&Value::Tag(TAG, Box::new(Value::Array(parts))))
    }
}

/// `["Signature1", protected, external_aad, payload]`.
fn sig_structure(protected: &[u8], payload: &[u8], external_aad: &[u8]) -> Vec<u8> {
    cbor::encode(&Value::Array(vec![
        Value::text("Signature1"),
        Value::Bytes(protected.to_vec()),
        Value::Bytes(external_aad.to_vec()),
        Value::Bytes(payload.to_vec()),
    ]))
}

/// A COSE_Sign1 of the right form, whose signature nobody has checked yet.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Sealed {
    protected: Vec<u8>,
    kid: [u8; 4],
    payload: Vec<u8>,
    signature: [u8; 64],
}

impl Sealed {
    /// Reads a tagged COSE_Sign1 with exactly the headers that [`ToBeSigned::new`] writes for
    /// `content_type`.
    ///
    /// # Errors
    /// [`CoseError`], looked for in the order of its variants.
    pub fn parse(bytes: &[u8], content_type: Option<&str>) -> Result<Self, CoseError> {
        let Value::Tag(TAG, array) = cbor::decode(bytes)? else {
            return Err(CoseError::Shape);
        };
        let parts = array.into_array().ok_or(CoseError::Shape)?;
        let Ok([protected, unprotected, payload, signature]) = <[Value; 4]>::try_from(parts) else {
            return Err(CoseError::Shape);
        };
        let protected = protected.into_bytes().ok_or(CoseError::Shape)?;
        let unprotected = IntMap::of(unprotected).ok_or(CoseError::Shape)?;
        let payload = payload.into_bytes().ok_or(CoseError::Shape)?;
        let signature = signature.into_bytes().ok_or(CoseError::Shape)?;
        Ok(Self {
            kid: checked_headers(&protected, unprotected, content_type)?,
            signature: checked_signature(&signature)?,
            protected,
            payload,
        })
    }

    /// The id of the key that is said to have signed.
    #[must_use]
    pub fn kid(&self) -> [u8; 4] {
        self.kid
    }

    /// What was sealed. Nobody vouches for it before [`Self::verify`].
    #[must_use]
    pub fn payload(&self) -> &[u8] {
        &self.payload
    }

    /// Whether `key` signed this payload together with `external_aad`.
    #[must_use]
    pub fn verify(&self, key: &PublicKey, external_aad: &[u8]) -> bool {
        let message = sig_structure(&self.protected, &self.payload, external_aad);
        key.algorithm() == Algorithm::Es256 && key.verifies(&message, &self.signature)
    }
}

/// The key id, if both headers hold what they must and nothing else.
fn checked_headers(
    protected: &[u8],
    unprotected: IntMap,
    content_type: Option<&str>,
) -> Result<[u8; 4], CoseError> {
    let mut headers = match cbor::decode(protected) {
        Ok(map) => IntMap::of(map).ok_or(CoseError::Shape)?,
        // RFC 9052 §3: a header without entries is a byte string without bytes.
        Err(CborError::Truncated) if protected.is_empty() => {
            IntMap::of(Value::map([])).ok_or(CoseError::Shape)?
        }
        Err(error) => return Err(error.into()),
    };
    let mut unprotected = unprotected;
    if unprotected.take(ALG).is_some() {
        return Err(CoseError::AlgorithmUnprotected);
    }
    if unprotected.take(KID).is_some() {
        return Err(CoseError::KeyIdUnprotected);
    }
    if headers.take(CRIT).or(unprotected.take(CRIT)).is_some() {
        return Err(CoseError::Critical);
    }
    let (alg, kid, typ) = (headers.take(ALG), headers.take(KID), headers.take(TYP));
    if !headers.rest().is_empty() || !unprotected.rest().is_empty() {
        return Err(CoseError::UnknownHeader);
    }
    if alg.ok_or(CoseError::AlgorithmMissing)?.as_int() != Some(ES256) {
        return Err(CoseError::AlgorithmUnsupported);
    }
    let kid = kid.ok_or(CoseError::KeyIdMissing)?;
    let kid = kid.into_bytes().and_then(|bytes| bytes.try_into().ok());
    let kid = kid.ok_or(CoseError::KeyIdLength)?;
    match (typ, content_type) {
        (None, None) => Ok(kid),
        (Some(Value::Text(typ)), Some(wanted)) if typ == wanted => Ok(kid),
        _ => Err(CoseError::ContentType),
    }
}

fn checked_signature(bytes: &[u8]) -> Result<[u8; 64], CoseError> {
    let Ok(signature) = <[u8; 64]>::try_from(bytes) else {
        // SEQUENCE { INTEGER r, INTEGER s } of a P-256 signature is always shorter than 128 bytes.
        let is_der =
            matches!(bytes, [0x30, length, rest @ ..] if rest.len() == usize::from(*length));
        return Err(if is_der {
            CoseError::SignatureIsDer
        } else {
            CoseError::SignatureLength(bytes.len())
        });
    };
    if key::has_low_s(&signature) {
        Ok(signature)
    } else {
        Err(CoseError::HighS)
    }
}

#[cfg(test)]
#[expect(clippy::indexing_slicing, reason = "a test may panic")]
mod tests {
    use super::*;
    use ring::rand::SystemRandom;
    use ring::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair as _};

    fn pair() -> (EcdsaKeyPair, PublicKey) {
        let (random, scheme) = (SystemRandom::new(), &ECDSA_P256_SHA256_FIXED_SIGNING);
        let pkcs8 = EcdsaKeyPair::generate_pkcs8(scheme, &random).unwrap();
        let pair = EcdsaKeyPair::from_pkcs8(scheme, pkcs8.as_ref(), &random).unwrap();
        let key = PublicKey::from_p256_point(pair.public_key().as_ref()).unwrap();
        (pair, key)
    }

    fn signed(pair: &EcdsaKeyPair, message: &[u8]) -> [u8; 64] {
        let signature = pair.sign(&SystemRandom::new(), message).unwrap();
        signature.as_ref().try_into().unwrap()
    }

    #[test]
    fn what_is_sealed_verifies_with_its_key_and_its_outside_data_only() {
        let (pair, key) = pair();
        let draft = ToBeSigned::new(key.kid(), None, b"payload".to_vec(), b"outside");
        let signature = signed(&pair, draft.bytes());
        let sealed = Sealed::parse(&draft.seal(signature), None).unwrap();
        assert_eq!(
            (sealed.kid(), sealed.payload()),
            (key.kid(), b"payload".as_slice())
        );
        assert!(sealed.verify(&key, b"outside"));
        assert!(!sealed.verify(&key, b"another"));
        assert!(!sealed.verify(&self::pair().1, b"outside"));
    }

    #[test]
    fn the_envelope_costs_81_bytes() {
        let payload = vec![0; 100];
        let sealed = ToBeSigned::new([1, 2, 3, 4], None, payload, b"").seal([1; 64]);
        assert_eq!(sealed.len(), 181);
        assert_eq!(
            sealed[..15],
            [
                0xd2, 0x84, 0x49, 0xa2, 1, 0x26, 4, 0x44, 1, 2, 3, 4, 0xa0, 0x58, 100
            ]
        );
    }

    /// A COSE_Sign1 with these headers and this signature.
    fn envelope(protected: &Value, unprotected: Value, signature: &[u8]) -> Vec<u8> {
        let parts = vec![
            Value::Bytes(cbor::encode(protected)),
            unprotected,
            Value::Bytes(b"payload".to_vec()),
            Value::Bytes(signature.to_vec()),
        ];
        cbor::encode(&Value::Tag(TAG, Box::new(Value::Array(parts))))
    }

    type Entries = Vec<(i64, Value)>;

    #[test]
    fn every_fault_of_the_headers_has_its_own_error() {
        use CoseError as E;
        let alg = || (ALG, Value::int(ES256));
        let kid = || (KID, Value::Bytes(vec![1, 2, 3, 4]));
        let typ = |text: &str| (TYP, Value::text(text));
        let none = Vec::new;
        let cases: [(&str, Entries, Entries, CoseError); 14] = [
            ("nothing", none(), none(), E::AlgorithmMissing),
            ("no alg", vec![kid()], none(), E::AlgorithmMissing),
            (
                "PS256",
                vec![(ALG, Value::int(-37)), kid()],
                none(),
                E::AlgorithmUnsupported,
            ),
            (
                "alg as text",
                vec![(ALG, Value::text("ES256")), kid()],
                none(),
                E::AlgorithmUnsupported,
            ),
            (
                "alg unprotected",
                vec![kid()],
                vec![alg()],
                E::AlgorithmUnprotected,
            ),
            (
                "alg in both",
                vec![alg(), kid()],
                vec![alg()],
                E::AlgorithmUnprotected,
            ),
            ("no kid", vec![alg()], none(), E::KeyIdMissing),
            (
                "long kid",
                vec![alg(), (KID, Value::Bytes(vec![1; 8]))],
                none(),
                E::KeyIdLength,
            ),
            (
                "kid as text",
                vec![alg(), (KID, Value::text("1234"))],
                none(),
                E::KeyIdLength,
            ),
            (
                "kid unprotected",
                vec![alg()],
                vec![kid()],
                E::KeyIdUnprotected,
            ),
            (
                "crit",
                vec![alg(), (CRIT, Value::Array(vec![])), kid()],
                none(),
                E::Critical,
            ),
            (
                "x5chain",
                vec![alg(), kid()],
                vec![(33, Value::Null)],
                E::UnknownHeader,
            ),
            (
                "cty",
                vec![alg(), (3, Value::Uint(0)), kid()],
                none(),
                E::UnknownHeader,
            ),
            (
                "a type where none belongs",
                vec![alg(), kid(), typ("a")],
                none(),
                E::ContentType,
            ),
        ];
        for (name, protected, unprotected, error) in cases {
            let bytes = envelope(&Value::map(protected), Value::map(unprotected), &[1; 64]);
            assert_eq!(Sealed::parse(&bytes, None), Err(error), "{name}");
        }
        let typed = envelope(
            &Value::map([alg(), kid(), typ("a")]),
            Value::map([]),
            &[1; 64],
        );
        assert!(Sealed::parse(&typed, Some("a")).is_ok());
        assert_eq!(Sealed::parse(&typed, Some("b")), Err(E::ContentType));
    }

    #[test]
    fn a_signature_of_another_form_is_told_apart_from_a_wrong_one() {
        let headers = Value::map([(ALG, Value::int(ES256)), (KID, Value::Bytes(vec![1; 4]))]);
        let parse = |signature: &[u8]| {
            Sealed::parse(&envelope(&headers, Value::map([]), signature), None).map(|_| ())
        };
        let der = [[0x30, 68].as_slice(), &[1; 68]].concat();
        assert_eq!(parse(&[1; 64]), Ok(()));
        assert_eq!(parse(&der), Err(CoseError::SignatureIsDer));
        assert_eq!(parse(&[1; 63]), Err(CoseError::SignatureLength(63)));
        assert_eq!(parse(&[]), Err(CoseError::SignatureLength(0)));
        assert_eq!(parse(&[0xff; 64]), Err(CoseError::HighS));
    }

    #[test]
    fn another_shape_than_a_tagged_array_of_four_is_refused() {
        let good = ToBeSigned::new([1; 4], None, b"payload".to_vec(), b"").seal([1; 64]);
        assert_eq!(
            Sealed::parse(&good[1..], None),
            Err(CoseError::Shape),
            "untagged"
        );
        let other_tag = [&[0xd1], &good[1..]].concat();
        assert_eq!(
            Sealed::parse(&other_tag, None),
            Err(CoseError::Shape),
            "COSE_Mac0"
        );
        let three = cbor::encode(&Value::Tag(
            TAG,
            Box::new(Value::Array(vec![Value::Null; 3])),
        ));
        assert_eq!(
            Sealed::parse(&three, None),
            Err(CoseError::Shape),
            "three parts"
        );
        assert_eq!(
            Sealed::parse(&good[..good.len() - 1], None),
            Err(CoseError::Cbor(CborError::Truncated))
        );
    }
}
