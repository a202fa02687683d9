//! The trust bundle: pycose as a judge, pinning, the counter, and every refusal.

use crate::credential::world::{self, NOW, TestKey};
use crate::judges::python;
use dauso::catalogue::{FieldKind, Visibility};
use dauso::cose::cbor::{self, Value};
use dauso::cose::sign1::ToBeSigned;
use dauso::cose::{CborError, CoseError};
use dauso::digest::hex;
use dauso::limits;
use dauso::trust::{Contents, Draft, Part, TrustBundle, TrustError};
use serde_json::Value as Json;
use std::fs;

const CONTENT_TYPE: &str = "application/vnd.dauso.trust+cbor";

fn bytes() -> Vec<u8> {
    world::signed_bundle(&world::contents(), "operator")
}

/// A payload signed by the operator.
fn signed(payload: &Value) -> Vec<u8> {
    let key = TestKey::load("operator");
    let draft = ToBeSigned::new(key.kid(), Some(CONTENT_TYPE), cbor::encode(payload), b"");
    let signature = key.sign(draft.bytes());
    draft.seal(signature)
}

/// The payload of the bundle as CBOR.
fn payload() -> Vec<(Value, Value)> {
    let Ok(Value::Tag(_, parts)) = cbor::decode(&bytes()) else {
        panic!("a tagged COSE_Sign1")
    };
    let payload = parts.into_array().unwrap()[2].clone().into_bytes().unwrap();
    let Ok(Value::Map(entries)) = cbor::decode(&payload) else {
        panic!("a map")
    };
    entries
}

#[test]
fn a_bundle_opens_with_the_pinned_key_and_says_what_was_put_in() {
    let operator = TestKey::load("operator").public;
    let bundle = TrustBundle::open(&bytes(), Some(&operator)).unwrap();
    assert_eq!(bundle.contents(), &world::contents());
    assert_eq!(bundle.agency("SXD").unwrap().code, "000.00.16.H99");
    assert_eq!(bundle.agency("XYZ"), None);
    let badge = bundle.result_type(1).unwrap();
    assert_eq!(badge.label.vi, "Phù hiệu xe");
    assert_eq!(badge.max_status_age, 86_400);
    let plate = badge
        .fields
        .iter()
        .find(|field| field.name == "plate")
        .unwrap();
    assert_eq!(
        (plate.kind, plate.visibility),
        (FieldKind::Plate, Visibility::Public)
    );
    assert!(plate.matched);
    assert_eq!(badge.title_field, Some(5));
    assert_eq!(bundle.list(2).unwrap().uri, world::list_uri(2));
    assert_eq!(bundle.list_at(&world::list_uri(1)).unwrap().number, 1);
}

#[test]
fn the_first_use_takes_the_operator_at_his_word_and_a_pinned_key_does_not() {
    let foreign = world::bundles().pop().unwrap().1;
    let operator = TestKey::load("operator").public;
    let other = TestKey::load("other-operator").public;
    assert_eq!(
        TrustBundle::open(&foreign, None)
            .unwrap()
            .contents()
            .operator
            .key,
        other
    );
    assert_eq!(
        TrustBundle::open(&foreign, Some(&operator)),
        Err(TrustError::Signature)
    );
    // Signed by the pinned key, but naming another as the operator's.
    let named = world::signed_bundle(&foreign_named(), "operator");
    assert_eq!(
        TrustBundle::open(&named, Some(&operator)),
        Err(TrustError::Signature)
    );
    assert_eq!(TrustBundle::open(&named, None), Err(TrustError::Signature));
}

fn foreign_named() -> Contents {
    let mut contents = world::contents();
    contents.operator.key = TestKey::load("other-operator").public;
    contents
}

#[test]
fn the_counter_never_goes_back() {
    let bundle = TrustBundle::open(&bytes(), None).unwrap();
    assert!(bundle.accepts(0));
    assert!(bundle.accepts(7), "the same bundle again");
    assert!(!bundle.accepts(8));
}

#[test]
fn a_bundle_holds_to_its_last_second() {
    let bundle = TrustBundle::open(&bytes(), None).unwrap();
    assert!(!bundle.is_expired(world::at(NOW)));
    assert!(!bundle.is_expired(world::at("2026-12-20T08:00:00+07:00")));
    assert!(bundle.is_expired(world::at("2026-12-20T08:00:01+07:00")));
}

#[test]
fn two_keys_with_one_key_id_are_both_found() {
    let bundle = TrustBundle::open(&bytes(), None).unwrap();
    let twins = bundle.keys_with(TestKey::load("twin-a").kid());
    let twins: Vec<_> = twins.map(|one| one.key.clone()).collect();
    let expected = ["twin-a", "twin-b"].map(|name| TestKey::load(name).public);
    assert_eq!(twins, expected);
    assert_ne!(twins[0], twins[1]);
}

#[test]
fn pycose_verifies_the_bundle() {
    let file = tempfile::NamedTempFile::new().unwrap();
    fs::write(file.path(), bytes()).unwrap();
    let point = hex(TestKey::load("operator").public.bits());
    let read = python(
        "cose_verify.py",
        &[file.path().to_str().unwrap(), &point, ""],
    );
    let read: Json = serde_json::from_str(&read).unwrap();
    assert_eq!(read["typ"], CONTENT_TYPE);
    assert_eq!(read["kid"], hex(&TestKey::load("operator").kid()));
}

/// What spoils good contents.
type Spoil = fn(&mut Contents);

#[test]
fn contents_that_contradict_themselves_are_not_signed() {
    let malformed = |part, key| TrustError::Malformed { part, key };
    let cases: [(&str, Spoil, TrustError); 16] = [
        (
            "ends before it begins",
            |c| c.expires = c.issued_at,
            malformed(Part::Bundle, 4),
        ),
        (
            "a lower-case issuer",
            |c| c.agencies[0].issuer = "sxd".into(),
            malformed(Part::Agency, 0),
        ),
        (
            "no English name",
            |c| c.agencies[0].name.en.clear(),
            malformed(Part::Agency, 2),
        ),
        (
            "a key that ends early",
            |c| c.keys[0].not_after = world::at("2020-01-01T00:00:00Z"),
            malformed(Part::Key, 3),
        ),
        (
            "types out of order",
            |c| c.keys[0].types = vec![2, 1],
            malformed(Part::Key, 4),
        ),
        (
            "a type twice in a key",
            |c| c.keys[0].types = vec![1, 1],
            malformed(Part::Key, 4),
        ),
        (
            "a key of nobody",
            |c| c.keys[0].issuer = "XYZ".into(),
            TrustError::Dangling,
        ),
        (
            "a key for a type that is not there",
            |c| c.keys[0].types = vec![1, 99],
            TrustError::Dangling,
        ),
        (
            "an agency twice",
            |c| c.agencies[1].code = c.agencies[0].code.clone(),
            TrustError::Twice(Part::Agency),
        ),
        (
            "a key twice",
            |c| c.keys[1] = c.keys[0].clone(),
            TrustError::Twice(Part::Key),
        ),
        (
            "a list number twice",
            |c| c.lists[1].number = 1,
            TrustError::Twice(Part::List),
        ),
        (
            "a list address twice",
            |c| c.lists[1].uri = c.lists[0].uri.clone(),
            TrustError::Twice(Part::List),
        ),
        (
            "a field twice",
            |c| c.types[0].fields[2].number = c.types[0].fields[0].number,
            TrustError::Twice(Part::Field),
        ),
        (
            "field number 2",
            |c| c.types[0].fields[0].number = 2,
            malformed(Part::Field, 0),
        ),
        (
            "a personal number in the QR",
            |c| c.types[0].fields[0].kind = FieldKind::PersonalId,
            malformed(Part::Field, 3),
        ),
        (
            "a title that is no field",
            |c| c.types[0].title_field = Some(200),
            malformed(Part::Type, 6),
        ),
    ];
    for (name, spoil, error) in cases {
        let mut contents = world::contents();
        spoil(&mut contents);
        assert_eq!(Draft::new(&contents), Err(error), "{name}");
    }
}

#[test]
fn every_fault_of_a_bundle_has_its_own_error() {
    let operator = TestKey::load("operator").public;
    let open = |bytes: &[u8]| TrustBundle::open(bytes, Some(&operator)).unwrap_err();
    let with = |key: i64, value: Option<Value>| {
        let mut entries = payload();
        entries.retain(|(known, _)| known.as_int() != Some(key));
        entries.extend(value.map(|value| (Value::int(key), value)));
        signed(&Value::Map(entries))
    };
    let malformed = |key| TrustError::Malformed {
        part: Part::Bundle,
        key,
    };
    let unknown = |key| TrustError::Unknown {
        part: Part::Bundle,
        key,
    };
    let too_large = vec![0; limits::TRUST_BUNDLE + 1];
    let mut flipped = bytes();
    flipped[500] ^= 1;
    let untyped = ToBeSigned::new(operator.kid(), None, vec![0xa0], b"").seal([1; 64]);
    let short = &bytes()[..100];
    let cases: [(&str, &[u8], TrustError); 9] = [
        (
            "too large",
            &too_large,
            TrustError::TooLarge(limits::TRUST_BUNDLE + 1),
        ),
        (
            "cut short",
            short,
            TrustError::Cose(CoseError::Cbor(CborError::Truncated)),
        ),
        (
            "without its type",
            &untyped,
            TrustError::Cose(CoseError::ContentType),
        ),
        ("a flipped bit", &flipped, TrustError::Signature),
        (
            "version 2",
            &with(0, Some(Value::Uint(2))),
            TrustError::Version(2),
        ),
        ("no counter", &with(2, None), malformed(2)),
        (
            "a negative counter",
            &with(2, Some(Value::int(-1))),
            malformed(2),
        ),
        (
            "an unknown value",
            &with(10, Some(Value::Null)),
            unknown(10),
        ),
        ("no map", &signed(&Value::Null), malformed(-1)),
    ];
    for (name, bytes, error) in cases {
        assert_eq!(open(bytes), error, "{name}");
    }
}

/// Number 32 is where bundles of other operators will go: an older reader leaves it alone.
#[test]
fn additions_from_number_32_on_are_left_alone() {
    let mut entries = payload();
    entries.push((Value::Uint(32), Value::Array(vec![Value::text("later")])));
    let bundle = TrustBundle::open(&signed(&Value::Map(entries)), None).unwrap();
    assert_eq!(bundle.contents(), &world::contents());
}

#[test]
fn a_payload_that_is_not_deterministic_is_refused_even_if_it_is_signed() {
    let key = TestKey::load("operator");
    let draft = ToBeSigned::new(key.kid(), Some(CONTENT_TYPE), vec![0xbf, 0xff], b"");
    let signature = key.sign(draft.bytes());
    assert_eq!(
        TrustBundle::open(&draft.seal(signature), Some(&key.public)),
        Err(TrustError::Cbor(CborError::Indefinite))
    );
}
