//! Status lists: the draft's vectors, cbor2, zlib and pycose as judges, and every refusal.

use crate::credential::world::{self, REVOKED, SUPERSEDED, SUSPENDED, TestKey, unhex};
use crate::judges::{python, root};
use dauso::cose::CoseError;
use dauso::cose::cbor::{self, Value};
use dauso::cose::sign1::ToBeSigned;
use dauso::credential::Lists;
use dauso::digest::hex;
use dauso::key::PublicKey;
use dauso::limits;
use dauso::status::token::{self, CONTENT_TYPE};
use dauso::status::{Status, StatusError, StatusList};
use dauso::trust::TrustBundle;
use serde_json::{Value as Json, json};
use std::fs;

const IAT: &str = "2026-11-21T08:00:00+07:00";
const EXP: &str = "2026-11-24T08:00:00+07:00";

fn token() -> Vec<u8> {
    world::token(1, IAT, EXP, 1 << 20, "lists")
}

fn key() -> PublicKey {
    TestKey::load("lists").public
}

/// Claims signed by the key of the lists.
fn signed(claims: &Value) -> Vec<u8> {
    let key = TestKey::load("lists");
    let draft = ToBeSigned::new(key.kid(), Some(CONTENT_TYPE), cbor::encode(claims), b"");
    let signature = key.sign(draft.bytes());
    draft.seal(signature)
}

/// The claims of a token around these compressed bytes.
fn claims(bits: u64, lst: &[u8]) -> Vec<(i64, Value)> {
    let status_list = Value::Map(vec![
        (Value::text("lst"), Value::Bytes(lst.to_vec())),
        (Value::text("bits"), Value::Uint(bits)),
    ]);
    vec![
        (2, Value::text(world::list_uri(1))),
        (4, Value::int(world::at(EXP).seconds())),
        (6, Value::int(world::at(IAT).seconds())),
        (65_533, status_list),
        (65_534, Value::Uint(900)),
    ]
}

/// draft-ietf-oauth-status-list Appendix C.2: 2^20 entries of two bits, compressed by somebody else.
const DRAFT_C2: &str = concat!(
    "78daeddb310d00211000412ea1a04004fe5520ed",
    "357c28c81d3312b6df68bc65480000000000406e2101000000000000000000000000",
    "0000000000000000000000000000000000000040795b020000000000000000000000",
    "00000000000000000000000000000000000000000000000000000000000000000000",
    "00000000000000000000000000000000000000000000000000000000000000000000",
    "0080f4ba0400000000000000000000000000406d764a000000000000000000000000",
    "000000000000000000e0922101000000000000000000000000000000000000fc1312",
    "00000000000000000000000000000000000000000000000000000000000000c0912e",
    "01000000000000000000000000000000000000c07d4b020000000000000000000000",
    "00000000a8614a0000000000000000000000406a1fcd60010c",
);

#[test]
fn the_vector_of_the_draft_with_a_million_entries_is_read() {
    let lst = unhex(DRAFT_C2);
    let opened = token::open(&signed(&Value::map(claims(2, &lst))), &key()).unwrap();
    let list = opened.list();
    assert_eq!(list.entries(), 1 << 20);
    let set = [
        (0, Status::Invalid),
        (1_993, Status::Suspended),
        (25_460, Status::Invalid),
        (159_495, Status::Superseded),
        (495_669, Status::Invalid),
        (554_353, Status::Invalid),
        (645_645, Status::Suspended),
        (723_232, Status::Invalid),
        (854_545, Status::Invalid),
        (934_534, Status::Suspended),
        (1_000_345, Status::Superseded),
    ];
    let mut made = StatusList::new(1 << 20).unwrap();
    for (index, status) in set {
        assert_eq!(list.get(index), Some(status), "{index}");
        made.set(index, status).unwrap();
    }
    assert_eq!(list, &made);
}

#[test]
fn cbor2_and_zlib_read_the_list_and_pycose_verifies_it() {
    let file = tempfile::NamedTempFile::new().unwrap();
    fs::write(file.path(), token()).unwrap();
    let path = file.path().to_str().unwrap();
    let indices = [0, REVOKED, SUSPENDED, SUPERSEDED, (1 << 20) - 1].map(|index| index.to_string());
    let mut arguments = vec![path];
    arguments.extend(indices.iter().map(String::as_str));
    let read: Json = serde_json::from_str(&python("status_read.py", &arguments)).unwrap();
    assert_eq!(
        read,
        json!({
            "sub": "https://qr.vidu.test/status/1",
            "exp": world::at(EXP).seconds(),
            "iat": world::at(IAT).seconds(),
            "ttl": 900,
            "bits": 2,
            "entries": 1 << 20,
            "statuses": [0, 1, 2, 3, 0],
        })
    );
    let verified = python("cose_verify.py", &[path, &hex(key().bits()), ""]);
    let verified: Json = serde_json::from_str(&verified).unwrap();
    assert_eq!(verified["typ"], CONTENT_TYPE);
}

#[test]
fn a_list_opens_with_its_terms_and_statuses() {
    let opened = token::open(&token(), &key()).unwrap();
    assert_eq!(opened.terms().uri, world::list_uri(1));
    assert_eq!(opened.terms().issued_at, world::at(IAT));
    assert_eq!(opened.terms().expires, world::at(EXP));
    assert_eq!(opened.terms().ttl, 900);
    assert_eq!(opened.list().get(SUSPENDED), Some(Status::Suspended));
    assert_eq!(opened.age(world::at("2026-11-21T09:00:00+07:00")), 3_600);
    assert_eq!(opened.age(world::at("2026-11-20T09:00:00+07:00")), 0);
    assert_eq!(token::stated_uri(&token()), Some(world::list_uri(1)));
}

#[test]
fn only_a_later_list_of_the_same_address_supersedes() {
    let open = |number, issued: &str| {
        token::open(&world::token(number, issued, EXP, 64, "lists"), &key()).unwrap()
    };
    let (held, later) = (open(1, IAT), open(1, "2026-11-21T08:00:01+07:00"));
    assert!(later.supersedes(&held));
    assert!(!held.supersedes(&later));
    assert!(!held.supersedes(&held));
    assert!(!open(2, "2026-11-22T08:00:00+07:00").supersedes(&held));
}

#[test]
fn every_fault_of_a_token_has_its_own_error() {
    let good = StatusList::new(64).unwrap();
    let lst = compressed(&good);
    let with = |key: i64, value: Option<Value>| {
        let mut all = claims(2, &lst);
        all.retain(|(known, _)| *known != key);
        all.extend(value.map(|value| (key, value)));
        signed(&Value::map(all))
    };
    let mut flipped = token();
    let last = flipped.len() - 1;
    flipped[last] ^= 1;
    let untyped = ToBeSigned::new(key().kid(), None, vec![0xa0], b"").seal([1; 64]);
    let other_kid = ToBeSigned::new([9; 4], Some(CONTENT_TYPE), vec![0xa0], b"").seal([1; 64]);
    let cases: [(&str, Vec<u8>, StatusError); 16] = [
        (
            "another key",
            world::token(1, IAT, EXP, 64, "stranger"),
            StatusError::Signature,
        ),
        (
            "a flipped bit of the signature",
            flipped,
            StatusError::Signature,
        ),
        ("another key id", other_kid, StatusError::Signature),
        (
            "no type",
            untyped,
            StatusError::Cose(CoseError::ContentType),
        ),
        ("no address", with(2, None), StatusError::Claim(2)),
        ("no end", with(4, None), StatusError::Claim(4)),
        ("no beginning", with(6, None), StatusError::Claim(6)),
        ("no list", with(65_533, None), StatusError::Claim(65_533)),
        (
            "ttl 0",
            with(65_534, Some(Value::Uint(0))),
            StatusError::Claim(65_534),
        ),
        (
            "another claim",
            with(1, Some(Value::text("VIDU"))),
            StatusError::Claim(1),
        ),
        (
            "one bit",
            signed(&Value::map(claims(1, &lst))),
            StatusError::Claim(65_533),
        ),
        ("no claims", signed(&Value::Uint(1)), StatusError::NotAMap),
        (
            "a damaged list",
            signed(&Value::map(claims(2, &lst[1..]))),
            StatusError::Compressed,
        ),
        (
            "bytes behind it",
            signed(&Value::map(claims(2, &[&lst[..], &[0]].concat()))),
            StatusError::Compressed,
        ),
        (
            "a bomb",
            signed(&Value::map(claims(2, &bomb()))),
            StatusError::Bomb,
        ),
        (
            "a large token",
            vec![0; limits::STATUS_TOKEN + 1],
            StatusError::TooLarge(limits::STATUS_TOKEN + 1),
        ),
    ];
    for (name, token, error) in cases {
        assert_eq!(token::open(&token, &key()), Err(error), "{name}");
    }
}

/// 64 MiB of zeros in some 64 KiB.
fn bomb() -> Vec<u8> {
    zlib(std::io::Read::take(std::io::repeat(0), 1 << 26))
}

fn compressed(list: &StatusList) -> Vec<u8> {
    zlib(list.bytes())
}

fn zlib(bytes: impl std::io::Read) -> Vec<u8> {
    let mut out = Vec::new();
    let mut encoder = flate2::read::ZlibEncoder::new(bytes, flate2::Compression::best());
    std::io::Read::read_to_end(&mut encoder, &mut out).unwrap();
    out
}

#[test]
fn a_full_list_that_does_not_compress_fits_the_limit_of_a_token() {
    let mut list = StatusList::new(1 << 20).unwrap();
    let mut noise = 1_u32;
    for index in 0..1 << 20 {
        noise = noise.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        let status = Status::ALL[usize::try_from(noise >> 30).unwrap()];
        list.set(index, status).unwrap();
    }
    let token = signed(&Value::map(claims(2, &compressed(&list))));
    assert!(token.len() <= limits::STATUS_TOKEN, "{}", token.len());
    assert_eq!(token::open(&token, &key()).unwrap().list(), &list);
}

#[test]
fn a_reader_keeps_the_newest_list_and_says_why_it_refused_another() {
    let bundle = fs::read(root("fixtures/credential/trust/current.cose")).unwrap();
    let bundle = TrustBundle::open(&bundle, None).unwrap();
    let mut lists = Lists::none();
    let later = "2026-11-21T09:00:00+07:00";
    for (issued, newest) in [(IAT, IAT), (later, later), (IAT, later)] {
        let token = world::token(1, issued, EXP, 64, "lists");
        assert_eq!(lists.add(&bundle, &token), Ok(()));
        assert_eq!(lists.list(1).unwrap().terms().issued_at, world::at(newest));
    }
    let stranger = world::token(1, later, EXP, 64, "stranger");
    assert_eq!(lists.add(&bundle, &stranger), Err(StatusError::Signature));
    assert!(lists.list(1).is_some());
    assert_eq!(lists.list(2), None);
}
