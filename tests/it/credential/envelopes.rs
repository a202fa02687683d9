//! Vectors about bytes that are almost a credential: signed by the right key, and refused for their form.

use super::vectors::Vector;
use super::world::{self, HOST, TestKey};
use dauso::cose::cbor::{self, Value};
use dauso::credential::numeric;
use dauso::key::with_low_s;

/// A COSE_Sign1 whose parts can be spoiled one by one.
pub(super) struct Envelope {
    protected: Vec<u8>,
    unprotected: Value,
    payload: Vec<u8>,
}

const ALG: (i64, i64) = (1, -7);

impl Envelope {
    /// The badge, in perfect order.
    pub(super) fn good() -> Self {
        let key = TestKey::load("sxd");
        Self {
            protected: cbor::encode(&headers_of(&key)),
            unprotected: Value::map([]),
            payload: payload(),
        }
    }

    fn protected(mut self, entries: Vec<(i64, Value)>) -> Self {
        self.protected = cbor::encode(&Value::map(entries));
        self
    }

    fn unprotected(mut self, entries: Vec<(i64, Value)>) -> Self {
        self.unprotected = Value::map(entries);
        self
    }

    pub(super) fn payload(mut self, payload: Vec<u8>) -> Self {
        self.payload = payload;
        self
    }

    /// The signature of the right key over these parts, with the low `s`.
    fn signature(&self) -> [u8; 64] {
        let structure = cbor::encode(&Value::Array(vec![
            Value::text("Signature1"),
            Value::Bytes(self.protected.clone()),
            Value::Bytes(world::id().as_bytes().to_vec()),
            Value::Bytes(self.payload.clone()),
        ]));
        with_low_s(TestKey::load("sxd").sign(&structure))
    }

    fn parts(&self, signature: &[u8]) -> Value {
        Value::Array(vec![
            Value::Bytes(self.protected.clone()),
            self.unprotected.clone(),
            Value::Bytes(self.payload.clone()),
            Value::Bytes(signature.to_vec()),
        ])
    }

    fn bytes_with(&self, signature: &[u8]) -> Vec<u8> {
        cbor::encode(&Value::Tag(18, Box::new(self.parts(signature))))
    }

    fn bytes(&self) -> Vec<u8> {
        self.bytes_with(&self.signature())
    }

    pub(super) fn text(&self) -> String {
        text(&self.bytes())
    }
}

fn headers_of(key: &TestKey) -> Value {
    Value::map([
        (ALG.0, Value::int(ALG.1)),
        (4, Value::Bytes(key.kid().to_vec())),
    ])
}

/// The QR text of a COSE_Sign1.
fn text(cose: &[u8]) -> String {
    let digits = numeric::encode(&[&[1], cose].concat());
    format!("HTTPS://{HOST}/{}#{digits}", world::ID)
}

/// The badge's claims, encoded.
pub(super) fn payload() -> Vec<u8> {
    let credential = world::sealed(&world::badge(), "sxd");
    let Ok(Value::Tag(_, parts)) = cbor::decode(&credential.bytes()[1..]) else {
        panic!("a tagged COSE_Sign1")
    };
    parts.into_array().unwrap()[2].clone().into_bytes().unwrap()
}

/// DER of a raw signature.
fn der(raw: &[u8; 64]) -> Vec<u8> {
    let integer = |half: &[u8]| {
        let start = half.iter().position(|byte| *byte != 0).unwrap();
        let pad = if half[start] > 0x7f { vec![0] } else { vec![] };
        let digits = [pad.as_slice(), &half[start..]].concat();
        [&[2, u8::try_from(digits.len()).unwrap()], digits.as_slice()].concat()
    };
    let body = [integer(&raw[..32]), integer(&raw[32..])].concat();
    [&[0x30, u8::try_from(body.len()).unwrap()], body.as_slice()].concat()
}

/// The other one of two signatures: `s` becomes the order of P-256 less `s`.
fn high_s(low: &[u8; 64]) -> Vec<u8> {
    let order = "ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551";
    let mut high = low.to_vec();
    let mut borrow = 0;
    for place in (0..32).rev() {
        let digit = i32::from_str_radix(&order[2 * place..2 * place + 2], 16).unwrap();
        let difference = digit - i32::from(low[32 + place]) - borrow;
        borrow = i32::from(difference < 0);
        high[32 + place] = u8::try_from(difference.rem_euclid(256)).unwrap();
    }
    high
}

/// Envelope, headers and signature.
pub(super) fn headers() -> Vec<Vector> {
    let key = TestKey::load("sxd");
    let alg = || (1, Value::int(-7));
    let kid = || (4, Value::Bytes(key.kid().to_vec()));
    let good = Envelope::good;
    let bytes = good().bytes();
    let signature = good().signature();
    let algorithm = "fail credential/algorithm";
    let key_id = "fail credential/key-id";
    let critical = "fail credential/critical-header";
    let shape = "fail credential/malformed";
    let determinism = "fail credential/not-deterministic";
    let form = "fail credential/signature-form";
    let bad = Vector::malformed;
    let mut reversed = good();
    let [alg_bytes, kid_bytes] = [vec![1, 0x26], [&[4, 0x44], key.kid().as_slice()].concat()];
    reversed.protected = [&[0xa2], kid_bytes.as_slice(), &alg_bytes].concat();
    let mut twice = good();
    twice.protected = [&[0xa3], alg_bytes.as_slice(), &alg_bytes, &kid_bytes].concat();
    let mut long_alg = good();
    long_alg.protected = [&[0xa2, 1, 0x38, 6], kid_bytes.as_slice()].concat();
    let untagged = cbor::encode(&good().parts(&signature));
    let mac = cbor::encode(&Value::Tag(17, Box::new(good().parts(&signature))));
    let endless = [&bytes[..1], &[0x9f], &bytes[2..], &[0xff]].concat();
    let empty_header = Envelope {
        protected: Vec::new(),
        ..good()
    };
    vec![
        bad(
            "credential-truncated",
            "The last byte is missing",
            text(&bytes[..bytes.len() - 1]),
            shape,
        ),
        bad(
            "credential-empty",
            "Nothing behind the version byte",
            text(&[]),
            shape,
        ),
        bad(
            "credential-trailing-byte",
            "A byte behind the envelope",
            text(&[&bytes[..], &[0]].concat()),
            shape,
        ),
        bad("credential-untagged", "No tag 18", text(&untagged), shape),
        bad(
            "credential-other-tag",
            "Tag 17, a COSE_Mac0",
            text(&mac),
            shape,
        ),
        bad(
            "credential-not-cbor",
            "Bytes that are not CBOR",
            text(&[0xff; 40]),
            determinism,
        ),
        bad(
            "credential-endless-array",
            "The envelope is an array of indefinite length",
            text(&endless),
            determinism,
        ),
        bad(
            "credential-long-tag",
            "Tag 18 in two bytes",
            text(&[&[0xd8, 18], &bytes[1..]].concat()),
            determinism,
        ),
        bad(
            "credential-header-unsorted",
            "The protected header has kid before alg",
            reversed.text(),
            determinism,
        ),
        bad(
            "credential-header-long-int",
            "The algorithm -7 in two bytes",
            long_alg.text(),
            determinism,
        ),
        bad(
            "credential-header-duplicate",
            "The protected header has alg twice",
            twice.text(),
            "fail credential/duplicate-key",
        ),
        bad(
            "credential-header-empty",
            "The protected header is empty",
            empty_header.text(),
            algorithm,
        ),
        bad(
            "credential-alg-missing",
            "No algorithm",
            good().protected(vec![kid()]).text(),
            algorithm,
        ),
        bad(
            "credential-alg-es384",
            "ES384 (-35) is said",
            good().protected(vec![(1, Value::int(-35)), kid()]).text(),
            algorithm,
        ),
        bad(
            "credential-alg-eddsa",
            "EdDSA (-8) is said",
            good().protected(vec![(1, Value::int(-8)), kid()]).text(),
            algorithm,
        ),
        bad(
            "credential-alg-text",
            "The algorithm as a text",
            good()
                .protected(vec![(1, Value::text("ES256")), kid()])
                .text(),
            algorithm,
        ),
        bad(
            "credential-alg-unprotected",
            "The algorithm in the unprotected header",
            good()
                .protected(vec![kid()])
                .unprotected(vec![alg()])
                .text(),
            algorithm,
        ),
        bad(
            "credential-alg-in-both",
            "The algorithm in both headers",
            good().unprotected(vec![alg()]).text(),
            algorithm,
        ),
        bad(
            "credential-kid-missing",
            "No key id",
            good().protected(vec![alg()]).text(),
            key_id,
        ),
        bad(
            "credential-kid-long",
            "A key id of 8 bytes",
            good()
                .protected(vec![alg(), (4, Value::Bytes(vec![7; 8]))])
                .text(),
            key_id,
        ),
        bad(
            "credential-kid-text",
            "A key id as a text",
            good()
                .protected(vec![alg(), (4, Value::text("abcd"))])
                .text(),
            key_id,
        ),
        bad(
            "credential-kid-unprotected",
            "The key id in the unprotected header",
            good()
                .protected(vec![alg()])
                .unprotected(vec![kid()])
                .text(),
            key_id,
        ),
        bad(
            "credential-crit",
            "crit names a header that nobody knows",
            good()
                .protected(vec![
                    alg(),
                    (2, Value::Array(vec![Value::Uint(99)])),
                    kid(),
                    (99, Value::Uint(1)),
                ])
                .text(),
            critical,
        ),
        bad(
            "credential-header-content-type",
            "A content type",
            good()
                .protected(vec![alg(), (3, Value::Uint(61)), kid()])
                .text(),
            critical,
        ),
        bad(
            "credential-header-typ",
            "The typ of a status list",
            good()
                .protected(vec![
                    alg(),
                    kid(),
                    (16, Value::text("application/statuslist+cwt")),
                ])
                .text(),
            critical,
        ),
        bad(
            "credential-header-x5chain",
            "A certificate in the unprotected header",
            good()
                .unprotected(vec![(33, Value::Bytes(vec![0x30]))])
                .text(),
            critical,
        ),
        bad(
            "credential-signature-der",
            "The signature in DER",
            text(&good().bytes_with(&der(&signature))),
            form,
        ),
        bad(
            "credential-signature-short",
            "A signature of 63 bytes",
            text(&good().bytes_with(&signature[..63])),
            form,
        ),
        bad(
            "credential-signature-empty",
            "A signature of no bytes",
            text(&good().bytes_with(&[])),
            form,
        ),
        bad(
            "credential-signature-p384",
            "A signature of 96 bytes",
            text(&good().bytes_with(&[1; 96])),
            form,
        ),
        bad(
            "credential-high-s",
            "The signature with the other s: it verifies, and would be a second text of one credential",
            text(&good().bytes_with(&high_s(&signature))),
            "fail credential/high-s",
        ),
    ]
}
