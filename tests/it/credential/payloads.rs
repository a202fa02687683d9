//! Vectors about claims that are signed and nevertheless not ours.

use super::envelopes::{Envelope, payload};
use super::vectors::Vector;
use dauso::cose::cbor::{self, Value};

/// The badge's claims with one of the outer ones put in, changed or (`None`) taken out.
fn outer(key: i64, value: Option<Value>) -> Vec<u8> {
    changed(&payload(), key, value)
}

/// The same with one of the private claims.
fn inner(key: i64, value: Option<Value>) -> Vec<u8> {
    let Ok(Value::Map(entries)) = cbor::decode(&payload()) else {
        panic!("a map of claims")
    };
    let private = entries
        .iter()
        .find(|(k, _)| k.as_int() == Some(-70_001))
        .unwrap();
    let private = changed(&cbor::encode(&private.1), key, value);
    outer(-70_001, Some(cbor::decode(&private).unwrap()))
}

fn changed(map: &[u8], key: i64, value: Option<Value>) -> Vec<u8> {
    let Ok(Value::Map(mut entries)) = cbor::decode(map) else {
        panic!("a map")
    };
    entries.retain(|(known, _)| known.as_int() != Some(key));
    entries.extend(value.map(|value| (Value::int(key), value)));
    cbor::encode(&Value::Map(entries))
}

/// Bytes with the one place of `from` replaced.
fn replaced(bytes: &[u8], from: &[u8], to: &[u8]) -> Vec<u8> {
    let place = bytes
        .windows(from.len())
        .position(|window| window == from)
        .unwrap();
    [&bytes[..place], to, &bytes[place + from.len()..]].concat()
}

/// The claims.
pub(super) fn vectors() -> Vec<Vector> {
    let good = payload();
    let of = |payload: Vec<u8>| Envelope::good().payload(payload).text();
    let claims = "fail credential/claims";
    let determinism = "fail credential/not-deterministic";
    let bad = Vector::malformed;
    let number = Value::Uint;
    // The map of the claims begins with A5 and the issuer.
    let endless = [&[0xbf], &good[1..], &[0xff]].concat();
    let unsorted = [&good[..1], &good[6..12], &good[1..6], &good[12..]].concat();
    let duplicate = [&[0xa6], &good[1..6], &good[1..]].concat();
    let long_seats = replaced(&good, &[8, 0x18, 29], &[8, 0x19, 0, 29]);
    let long_text = replaced(&good, b"\x63SXD", b"\x78\x03SXD");
    let float = replaced(&good, &[8, 0x18, 29], &[8, 0xf9, 0x4f, 0x40]);
    let oversize = (11..16).map(|number| (i64::from(number), Value::text("a".repeat(100))));
    let oversize = oversize.fold(good.clone(), |payload, (key, value)| {
        let Ok(Value::Map(entries)) = cbor::decode(&payload) else {
            panic!("a map of claims")
        };
        let (_, private) = entries
            .into_iter()
            .find(|(k, _)| k.as_int() == Some(-70_001))
            .unwrap();
        let private = changed(&cbor::encode(&private), key, Some(value));
        changed(&payload, -70_001, Some(cbor::decode(&private).unwrap()))
    });
    vec![
        bad(
            "credential-oversize",
            "More than 512 bytes",
            of(oversize),
            "fail credential/oversize",
        ),
        bad(
            "credential-claims-truncated",
            "The claims end too early",
            of(good[..good.len() - 1].to_vec()),
            "fail credential/malformed",
        ),
        bad(
            "credential-claims-trailing",
            "A byte behind the claims",
            of([&good[..], &[0]].concat()),
            "fail credential/malformed",
        ),
        bad(
            "credential-claims-float",
            "29 seats as a floating-point number",
            of(float),
            "fail credential/malformed",
        ),
        bad(
            "credential-claims-long-int",
            "29 in three bytes",
            of(long_seats),
            determinism,
        ),
        bad(
            "credential-claims-long-length",
            "The length of the issuer in two bytes",
            of(long_text),
            determinism,
        ),
        bad(
            "credential-claims-endless",
            "A map of indefinite length",
            of(endless),
            determinism,
        ),
        bad(
            "credential-claims-unsorted",
            "exp before iss",
            of(unsorted),
            determinism,
        ),
        bad(
            "credential-claims-duplicate",
            "iss twice",
            of(duplicate),
            "fail credential/duplicate-key",
        ),
        bad(
            "credential-claims-array",
            "An array instead of a map",
            of(cbor::encode(&Value::Array(vec![]))),
            claims,
        ),
        bad(
            "credential-claims-text-key",
            "A claim with a text as its key",
            of(cbor::encode(&Value::Map(vec![(
                Value::text("iss"),
                Value::text("SXD"),
            )]))),
            claims,
        ),
        bad(
            "credential-claims-no-iss",
            "No issuer",
            of(outer(1, None)),
            claims,
        ),
        bad(
            "credential-claims-no-nbf",
            "No first second",
            of(outer(5, None)),
            claims,
        ),
        bad(
            "credential-claims-no-iat",
            "No second of issue",
            of(outer(6, None)),
            claims,
        ),
        bad(
            "credential-claims-no-private",
            "No private claim",
            of(outer(-70_001, None)),
            claims,
        ),
        bad(
            "credential-claims-no-type",
            "No result type",
            of(inner(0, None)),
            claims,
        ),
        bad(
            "credential-claims-no-status",
            "No place in a status list",
            of(inner(1, None)),
            claims,
        ),
        bad(
            "credential-claims-unknown",
            "cti (7), which the format does not have",
            of(outer(7, Some(Value::Bytes(vec![1])))),
            claims,
        ),
        bad(
            "credential-claims-iss-number",
            "The issuer as a number",
            of(outer(1, Some(number(5)))),
            claims,
        ),
        bad(
            "credential-claims-iss-lower-case",
            "The issuer in lower case",
            of(outer(1, Some(Value::text("sxd")))),
            claims,
        ),
        bad(
            "credential-claims-iss-long",
            "An issuer of 9 characters",
            of(outer(1, Some(Value::text("SXDSXDSXD")))),
            claims,
        ),
        bad(
            "credential-claims-exp-text",
            "exp as a text",
            of(outer(4, Some(Value::text("2028-08-31")))),
            claims,
        ),
        bad(
            "credential-claims-exp-null",
            "exp is null",
            of(outer(4, Some(Value::Null))),
            claims,
        ),
        bad(
            "credential-claims-nbf-negative",
            "nbf before 1970",
            of(outer(5, Some(Value::int(-1)))),
            claims,
        ),
        bad(
            "credential-claims-iat-year-10000",
            "iat after the year 9999",
            of(outer(6, Some(number(253_402_275_600)))),
            claims,
        ),
        bad(
            "credential-claims-ends-before-it-begins",
            "exp before nbf",
            of(outer(4, Some(number(1_700_000_000)))),
            claims,
        ),
        bad(
            "credential-claims-type-2-32",
            "A result type beyond 32 bits",
            of(inner(0, Some(number(1 << 32)))),
            claims,
        ),
        bad(
            "credential-claims-status-2-52",
            "A status list beyond 32 bits",
            of(inner(1, Some(number(1 << 52)))),
            claims,
        ),
        bad(
            "credential-claims-field-2",
            "Field number 2",
            of(inner(2, Some(number(1)))),
            claims,
        ),
        bad(
            "credential-claims-field-256",
            "Field number 256",
            of(inner(256, Some(number(1)))),
            claims,
        ),
        bad(
            "credential-claims-field-map",
            "A map as a field",
            of(inner(8, Some(Value::map([])))),
            claims,
        ),
        bad(
            "credential-claims-field-bytes",
            "Bytes as a field",
            of(inner(8, Some(Value::Bytes(vec![29])))),
            claims,
        ),
        bad(
            "credential-claims-field-2-53",
            "2^53 as a field",
            of(inner(8, Some(number(1 << 53)))),
            claims,
        ),
        bad(
            "credential-claims-field-empty-text",
            "An empty text as a field",
            of(inner(7, Some(Value::text("")))),
            claims,
        ),
        bad(
            "credential-claims-field-empty-list",
            "An empty list as a field",
            of(inner(7, Some(Value::Array(vec![])))),
            claims,
        ),
        bad(
            "credential-claims-field-mixed-list",
            "A list of texts and numbers",
            of(inner(
                7,
                Some(Value::Array(vec![Value::text("a"), number(1)])),
            )),
            claims,
        ),
        bad(
            "credential-claims-field-nfd",
            "A text in NFD",
            of(inner(7, Some(Value::text("Ca\u{323}\u{302}p")))),
            claims,
        ),
        bad(
            "credential-claims-field-bidi",
            "A text with a character that turns the direction of writing",
            of(inner(7, Some(Value::text("43B\u{202e}000")))),
            claims,
        ),
        bad(
            "credential-claims-field-control",
            "A text with a control character",
            of(inner(7, Some(Value::text("43B\u{8}000")))),
            claims,
        ),
    ]
}
