//! pycose and cbor2 as judges.

use super::vectors::files;
use super::world::{self, TestKey, unhex};
use crate::judges::{python, root};
use dauso::cose::sign1::Sealed;
use dauso::credential::Draft;
use dauso::digest::{Sha256, hex};
use dauso::key::PublicKey;
use serde_json::{Value as Json, json};
use std::fs;

#[test]
fn another_program_reads_every_credential_that_holds_by_the_specification_alone() {
    let mut keys = serde_json::Map::new();
    for key in &world::contents().keys {
        let points = keys.entry(hex(&key.key.kid())).or_insert(json!([]));
        points
            .as_array_mut()
            .unwrap()
            .push(hex(key.key.bits()).into());
    }
    let folder = tempfile::tempdir().unwrap();
    let keys_file = folder.path().join("keys.json");
    fs::write(&keys_file, Json::from(keys).to_string()).unwrap();
    let holding: Vec<(Json, String)> = files()
        .into_iter()
        .filter(|(vector, _)| !vector["expected"]["claims"].is_null())
        .collect();
    assert!(holding.len() > 40, "{}", holding.len());
    let paths: Vec<String> = holding
        .iter()
        .map(|(_, file)| root("fixtures/credential").join(file).display().to_string())
        .collect();
    let mut arguments = vec![keys_file.to_str().unwrap()];
    arguments.extend(paths.iter().map(String::as_str));
    let read: Vec<Json> = serde_json::from_str(&python("credential_read.py", &arguments)).unwrap();
    assert_eq!(read.len(), holding.len());
    for (read, (vector, file)) in read.iter().zip(&holding) {
        assert_eq!(read, &vector["expected"]["claims"], "{file}");
    }
}

#[test]
fn a_credential_that_pycose_made_is_read_and_verified() {
    let (aad, payload) = (world::id(), b"made elsewhere".as_slice());
    let made = python("cose_make.py", &[&hex(aad.as_bytes()), &hex(payload)]);
    let made: Json = serde_json::from_str(&made).unwrap();
    let key = PublicKey::from_p256_point(&unhex(made["point"].as_str().unwrap())).unwrap();
    let cose = unhex(made["cose"].as_str().unwrap());
    let sealed = Sealed::parse(&cose, None).unwrap();
    assert_eq!((sealed.kid(), sealed.payload()), (key.kid(), payload));
    assert!(sealed.verify(&key, aad.as_bytes()));
    assert!(!sealed.verify(&key, b""));
    assert!(!sealed.verify(&TestKey::load("sxd").public, aad.as_bytes()));
}

#[test]
fn pycose_verifies_a_credential_bound_to_its_look_up_code() {
    let key = TestKey::load("sxd");
    let credential = world::sealed(&world::badge(), "sxd");
    let file = tempfile::NamedTempFile::new().unwrap();
    fs::write(file.path(), &credential.bytes()[1..]).unwrap();
    let path = file.path().to_str().unwrap();
    let point = hex(key.public.bits());
    let read = python(
        "cose_verify.py",
        &[path, &point, &hex(world::id().as_bytes())],
    );
    let read: Json = serde_json::from_str(&read).unwrap();
    assert_eq!(read["alg"], "ES256");
    assert_eq!(read["kid"], hex(&key.kid()));
    assert_eq!(read["typ"], Json::Null);
}

#[test]
fn the_worked_example_of_the_specification_is_the_badge() {
    let badge = Draft::new(&world::badge(), world::id(), TestKey::load("sxd").kid()).unwrap();
    let specification = fs::read_to_string(root("docs/formats/credential.md")).unwrap();
    let structure = badge.to_be_signed();
    assert!(specification.contains(&format!("`Sig_structure`, {} bytes", structure.len())));
    assert!(specification.contains(&Sha256::of(structure).hex()));
    let (vector, _) = files()
        .into_iter()
        .find(|(vector, _)| vector["name"] == "valid-vehicle-badge")
        .unwrap();
    let (_, digits) = vector["text"].as_str().unwrap().split_once('#').unwrap();
    let begin = format!(
        "`{} {} …`; {} digits",
        &digits[..17],
        &digits[17..34],
        digits.len()
    );
    assert!(specification.contains(&begin), "{begin}");
    let bundle = fs::read(root("fixtures/credential/trust/older.cose")).unwrap();
    let specification = fs::read_to_string(root("docs/formats/trust-bundle.md")).unwrap();
    assert!(specification.contains(&format!(
        "{},{} bytes",
        bundle.len() / 1_000,
        bundle.len() % 1_000
    )));
}
