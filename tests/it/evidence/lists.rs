//! Certificate revocation lists (RFC 5280 §5).

use super::world::{DAY, Outside, World, around_now, now};
use crate::judges::run;
use crate::pki::{openssl, text};
use dauso::clock::UnixTime;
use dauso::pki::crl::{Crl, CrlError};
use dauso::pki::{CertificateStatus, Freshness, RevocationReason, Revoked};
use dauso::signer::authority::{ListOf, Validity};
use std::fs;

fn today() -> Validity {
    Validity {
        not_before: now().plus(-60),
        not_after: now().plus(DAY),
    }
}

fn withdrawn(world: &World, reason: Option<RevocationReason>) -> (Vec<u8>, Revoked) {
    let revoked = Revoked {
        at: now().plus(-DAY),
        reason,
        invalid_since: Some(now().plus(-2 * DAY)),
    };
    (world.leaf().serial().to_vec(), revoked)
}

/// The list that OpenSSL makes as an authority of its own, which has the key of `issuer`.
fn openssl_list(world: &World, issuer: &Outside, index: &str, extensions: &str) -> Vec<u8> {
    world.write("database.txt", index);
    world.write("crlnumber", "1F\n");
    let configuration = format!(
        "[ca]\ndefault_ca = d\n[d]\ndatabase = {}\ncrlnumber = {}\ndefault_md = sha256\n\
         default_crl_days = 1\ncrl_extensions = e\n[e]\nauthorityKeyIdentifier = keyid\n{extensions}\n",
        text(&world.path("database.txt")),
        text(&world.path("crlnumber")),
    );
    let configuration = world.write("ca.cnf", configuration);
    let out = world.path("list.pem");
    let make = ["ca", "-gencrl", "-config", text(&configuration)];
    let by = [
        "-cert",
        text(&issuer.certificate),
        "-keyfile",
        text(&issuer.key),
        "-out",
        text(&out),
    ];
    openssl(&[&make[..], &by].concat());
    openssl(&["crl", "-in", text(&out), "-outform", "DER"])
}

/// An authority of OpenSSL, with a certificate that it signed itself.
fn openssl_authority(world: &World) -> Outside {
    let key = world.path("ca.key");
    let certificate = world.path("ca.pem");
    let make = [
        "req",
        "-x509",
        "-newkey",
        "ec",
        "-pkeyopt",
        "ec_paramgen_curve:P-256",
    ];
    let named = ["-nodes", "-days", "30", "-subj", "/C=VN/CN=CA cua OpenSSL"];
    let usage = [
        "-addext",
        "keyUsage=critical,keyCertSign,cRLSign",
        "-keyout",
        text(&key),
        "-out",
        text(&certificate),
    ];
    openssl(&[&make[..], &named, &usage].concat());
    let read = dauso::pki::Certificate::read_all(&fs::read(&certificate).unwrap()).unwrap();
    let chain = dauso::pki::Chain::new(read).unwrap();
    Outside {
        certificate,
        key,
        chain,
    }
}

#[test]
fn openssl_reads_our_list_and_finds_it_signed_by_its_issuer() {
    let world = World::new();
    let list = vec![withdrawn(&world, Some(RevocationReason::KeyCompromise))];
    let bytes = world
        .authority
        .revocation_list(ListOf::Issuing, &list, 4711, today())
        .unwrap();
    let file = world.write("list.crl", &bytes);
    let issuing = world.path("issuing.pem");
    let show = [
        "crl",
        "-inform",
        "DER",
        "-in",
        text(&file),
        "-noout",
        "-text",
    ];
    let output = run(
        "openssl",
        &[&show[..], &["-CAfile", text(&issuing)]].concat(),
    );
    let said = [output.stdout, output.stderr].concat();
    let said = String::from_utf8_lossy(&said);
    for word in ["verify OK", "Key Compromise", "Invalidity Date", "4711"] {
        assert!(said.contains(word), "{word}: {said}");
    }
    let crl = Crl::parse(&bytes).unwrap();
    assert_eq!(crl.number(), Some(&4711_u16.to_be_bytes()[..]));
    let checked = crl.check(world.issuing(), now(), Freshness::USUAL).unwrap();
    assert_eq!(
        checked.status_of(world.leaf()),
        CertificateStatus::Revoked(list[0].1)
    );
    let other = world.stamps.chain().leaf();
    assert_eq!(checked.status_of(other), CertificateStatus::Good);
}

#[test]
fn a_list_that_openssl_made_is_read_with_reason_and_date_of_loss() {
    let world = World::new();
    let ca = openssl_authority(&world);
    let serial = ca.chain.leaf().serial_hex().to_uppercase();
    let index = format!(
        "R\t361231235959Z\t261101000000Z,keyTime,20261030120000Z\t{serial}\tunknown\t/CN=Mau\n\
         R\t361231235959Z\t261102000000Z,superseded\t77\tunknown\t/CN=Khac\n"
    );
    let crl = Crl::parse(&openssl_list(&world, &ca, &index, "")).unwrap();
    assert_eq!(crl.number(), Some(&[0x1f][..]));
    let issuer = ca.chain.leaf();
    let checked = crl.check(issuer, now(), Freshness::USUAL).unwrap();
    let at = |text| UnixTime::parse_rfc3339(text).unwrap();
    assert_eq!(
        checked.status_of(issuer),
        CertificateStatus::Revoked(Revoked {
            at: at("2026-11-01T00:00:00Z"),
            reason: Some(RevocationReason::KeyCompromise),
            invalid_since: Some(at("2026-10-30T12:00:00Z")),
        })
    );
    assert_eq!(checked.status_of(world.leaf()), CertificateStatus::Good);
    let empty = Crl::parse(&openssl_list(&world, &ca, "", "")).unwrap();
    let checked = empty.check(issuer, now(), Freshness::USUAL).unwrap();
    assert_eq!(checked.status_of(issuer), CertificateStatus::Good);
}

#[test]
fn lists_of_a_part_of_others_or_of_changes_are_refused_by_name() {
    let world = World::new();
    let ca = openssl_authority(&world);
    let oid = |text: &str| CrlError::UnknownCriticalExtension(text.parse().unwrap());
    let cases = [
        (
            "issuingDistributionPoint = critical, @idp\n[idp]\nindirectCRL = TRUE",
            oid("2.5.29.28"),
        ),
        (
            "issuingDistributionPoint = critical, @idp\n[idp]\nonlyuser = TRUE",
            oid("2.5.29.28"),
        ),
        ("2.5.29.27 = critical,DER:020101", oid("2.5.29.27")),
        ("1.2.3.4 = critical,DER:0500", oid("1.2.3.4")),
    ];
    for (extensions, error) in cases {
        let list = openssl_list(&world, &ca, "", extensions);
        assert_eq!(Crl::parse(&list).map(drop), Err(error), "{extensions}");
    }
    let harmless = openssl_list(&world, &ca, "", "1.2.3.4 = DER:0500");
    assert!(Crl::parse(&harmless).is_ok());
}

#[test]
fn each_fault_of_a_list_has_its_own_error() {
    let world = World::new();
    let made = |of, validity| {
        world
            .authority
            .revocation_list(of, &Vec::new(), 1, validity)
            .unwrap()
    };
    let check = |bytes: &[u8], issuer: &dauso::pki::Certificate| {
        let list = Crl::parse(bytes)?;
        list.check(issuer, now(), Freshness::USUAL).map(drop)
    };
    let code = |bytes: &[u8]| check(bytes, world.issuing()).map_err(|error| error.code());
    assert_eq!(code(&made(ListOf::Issuing, today())), Ok(()));
    assert_eq!(code(&made(ListOf::Root, today())), Err("crl/other-issuer"));
    let root = world.authority.root();
    assert_eq!(check(&made(ListOf::Root, today()), root), Ok(()));
    // The same name, another key.
    let stranger = World::new();
    let theirs = stranger
        .authority
        .revocation_list(ListOf::Issuing, &Vec::new(), 1, today());
    assert_eq!(code(&theirs.unwrap()), Err("crl/other-issuer"));
    let past = Validity {
        not_before: now().plus(-2 * DAY),
        not_after: now().plus(-DAY),
    };
    assert_eq!(code(&made(ListOf::Issuing, past)), Err("crl/too-old"));
    let future = Validity {
        not_before: now().plus(DAY),
        not_after: now().plus(2 * DAY),
    };
    assert_eq!(code(&made(ListOf::Issuing, future)), Err("crl/future"));
    let mut bent = made(ListOf::Issuing, around_now());
    let last = bent.len() - 1;
    bent[last] ^= 1;
    assert_eq!(code(&bent), Err("crl/signature"));
    let named_otherwise = check(&made(ListOf::Issuing, today()), world.leaf());
    assert_eq!(named_otherwise, Err(CrlError::OtherIssuer));
    assert_eq!(code(b"-----BEGIN X509 CRL-----"), Err("crl/malformed"));
    assert_eq!(
        code(&vec![0x30; dauso::limits::CRL + 1]),
        Err("crl/too-large")
    );
}

#[test]
fn a_flipped_byte_of_a_list_is_seen() {
    let world = World::new();
    let list = vec![withdrawn(&world, Some(RevocationReason::Superseded))];
    let bytes = world
        .authority
        .revocation_list(ListOf::Issuing, &list, 7, today())
        .unwrap();
    for at in 0..bytes.len() {
        let mut bent = bytes.clone();
        bent[at] ^= 1;
        let checked = Crl::parse(&bent).and_then(|list| {
            list.check(world.issuing(), now(), Freshness::USUAL)
                .map(|checked| checked.status_of(world.leaf()))
        });
        assert_eq!(checked.ok(), None, "byte {at}");
    }
}

#[test]
fn a_long_list_is_read_at_once() {
    let world = World::new();
    let revoked = withdrawn(&world, Some(RevocationReason::CessationOfOperation)).1;
    let mut list: Vec<(Vec<u8>, Revoked)> = (0..20_000_u32)
        .map(|number| {
            let serial = [&[0x40][..], &number.to_be_bytes(), &[7; 8]].concat();
            (serial, revoked)
        })
        .collect();
    list.push((world.leaf().serial().to_vec(), revoked));
    let bytes = world
        .authority
        .revocation_list(ListOf::Issuing, &list, 7, today())
        .unwrap();
    let crl = Crl::parse(&bytes).unwrap();
    let checked = crl.check(world.issuing(), now(), Freshness::USUAL).unwrap();
    assert_eq!(
        checked.status_of(world.leaf()),
        CertificateStatus::Revoked(revoked)
    );
}
