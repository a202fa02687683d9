//! OCSP (RFC 6960).

use super::world::{DAY, Outside, World, around_now, now};
use crate::judges::run;
use crate::pki::{openssl, text};
use dauso::clock::UnixTime;
use dauso::pki::ocsp::{Answer, CertificateId, IdHash, Known, OcspError, Question, Request};
use dauso::pki::{CertificateStatus, Freshness, RevocationReason, Revoked};
use dauso::signer::Subject;
use dauso::signer::authority::{Service, Validity};
use dauso::signer::services::StatusService;
use std::fs;

const NONCE: [u8; 32] = [9; 32];

fn request(world: &World, hash: IdHash) -> Request {
    let id = CertificateId::of(world.leaf(), world.issuing(), hash);
    Request::about(id, Some(NONCE))
}

fn question(world: &World, at: UnixTime) -> Question<'_> {
    Question {
        certificate: world.leaf(),
        issuer: world.issuing(),
        nonce: Some(&NONCE),
        at,
        freshness: Freshness::USUAL,
    }
}

fn check(world: &World, answer: &[u8]) -> Result<Known, OcspError> {
    Answer::parse(answer)?.check(&question(world, now()))
}

/// OpenSSL's answer as a responder with this index of certificates.
fn openssl_answers(world: &World, responder: &Outside, query: &[u8], index: &str) -> Vec<u8> {
    let index = world.write("index.txt", index);
    world.write("index.txt.attr", "unique_subject = no\n");
    let query = world.write("query.der", query);
    let (issuing, out) = (world.path("issuing.pem"), world.path("answer.der"));
    let answer = ["ocsp", "-index", text(&index), "-CA", text(&issuing)];
    let signer = [
        "-rsigner",
        text(&responder.certificate),
        "-rkey",
        text(&responder.key),
        "-ndays",
        "1",
    ];
    let files = ["-reqin", text(&query), "-respout", text(&out)];
    openssl(&[&answer[..], &signer, &files].concat());
    fs::read(out).unwrap()
}

fn index_line(world: &World, status: &str, revoked: &str) -> String {
    let serial = world.leaf().serial_hex().to_uppercase();
    format!("{status}\t361231235959Z\t{revoked}\t{serial}\tunknown\t/CN=Mau\n")
}

#[test]
fn answers_of_openssl_are_read_whatever_they_say() {
    let world = World::new();
    let responder = world.outside_service("ocsp", Service::OcspSigning, around_now());
    let since = UnixTime::parse_rfc3339("2026-11-01T00:00:00Z").unwrap();
    let cases = [
        (index_line(&world, "V", ""), CertificateStatus::Good),
        (
            index_line(&world, "R", "261101000000Z,keyCompromise"),
            CertificateStatus::Revoked(Revoked {
                at: since,
                reason: Some(RevocationReason::KeyCompromise),
                invalid_since: None,
            }),
        ),
        (
            index_line(&world, "R", "261101000000Z"),
            CertificateStatus::Revoked(Revoked {
                at: since,
                reason: None,
                invalid_since: None,
            }),
        ),
        (String::new(), CertificateStatus::Unknown),
    ];
    for hash in [IdHash::Sha1, IdHash::Sha256] {
        for (index, status) in &cases {
            let query = request(&world, hash).der();
            let answer = openssl_answers(&world, &responder, &query, index);
            let known = check(&world, &answer).unwrap();
            assert_eq!(known.status, *status, "{index}");
            assert_eq!(known.responder.as_ref(), Some(responder.chain.leaf()));
            assert!(known.next_update.is_some_and(|next| next > now()));
        }
    }
}

#[test]
fn openssl_asks_our_responder_and_believes_it() {
    let world = World::new();
    let [root, issuing, leaf] =
        ["root.pem", "issuing.pem", "leaf.pem"].map(|name| world.path(name));
    let query = world.path("query.der");
    // With one OpenSSL would make a new one when it reads the answer.
    let ask = [
        "ocsp",
        "-no_nonce",
        "-issuer",
        text(&issuing),
        "-cert",
        text(&leaf),
    ];
    openssl(&[&ask[..], &["-reqout", text(&query)]].concat());
    let question = fs::read(&query).unwrap();
    let withdrawn = vec![(
        world.leaf().serial().to_vec(),
        Revoked {
            at: now().plus(-DAY),
            reason: Some(RevocationReason::Superseded),
            invalid_since: None,
        },
    )];
    for (list, word) in [(Vec::new(), "good"), (withdrawn, "revoked")] {
        let answer = world
            .status
            .answer(&question, &list, now(), now().plus(DAY));
        let answer = world.write("answer.der", answer);
        let files = ["-reqin", text(&query), "-respin", text(&answer)];
        let trust = ["-CAfile", text(&root), "-verify_other", text(&issuing)];
        let output = run("openssl", &[&ask[..], &files, &trust].concat());
        let said = [output.stdout, output.stderr].concat();
        let said = String::from_utf8_lossy(&said);
        assert!(said.contains("Response verify OK"), "{said}");
        assert!(said.contains(&format!("leaf.pem: {word}")), "{said}");
    }
}

#[test]
fn each_fault_of_an_answer_has_its_own_error() {
    let world = World::new();
    let asked = request(&world, IdHash::Sha256);
    let answer = |status: &StatusService, request: &Request, at: UnixTime, until: UnixTime| {
        status.answer(&request.der(), &Vec::new(), at, until)
    };
    let code = |answer: &[u8]| {
        check(&world, answer)
            .map(|known| known.status)
            .map_err(|error| error.code())
    };
    let tomorrow = now().plus(DAY);
    assert_eq!(
        code(&answer(&world.status, &asked, now(), tomorrow)),
        Ok(CertificateStatus::Good)
    );
    let other_nonce = Request {
        nonce: Some(vec![1; 32]),
        ..asked.clone()
    };
    assert_eq!(
        code(&answer(&world.status, &other_nonce, now(), tomorrow)),
        Err("ocsp/nonce")
    );
    // Made beforehand, without one.
    let without = Request {
        nonce: None,
        ..asked.clone()
    };
    assert_eq!(
        code(&answer(&world.status, &without, now(), tomorrow)),
        Ok(CertificateStatus::Good)
    );
    assert_eq!(
        code(&answer(&world.status, &asked, now().plus(400), tomorrow)),
        Err("ocsp/future")
    );
    let (from, until) = (now().plus(-2 * DAY), now().plus(-DAY));
    assert_eq!(
        code(&answer(&world.status, &asked, from, until)),
        Err("ocsp/too-old")
    );
    let another = CertificateId::of(world.stamps.chain().leaf(), world.issuing(), IdHash::Sha1);
    let another = Request::about(another, Some(NONCE));
    assert_eq!(
        code(&answer(&world.status, &another, now(), tomorrow)),
        Err("ocsp/other-certificate")
    );
    // A responder of somebody else who has the name of ours.
    let stranger = World::new();
    let theirs = CertificateId::of(world.leaf(), stranger.issuing(), IdHash::Sha1);
    let theirs = Request::about(theirs, Some(NONCE));
    assert_eq!(
        code(&answer(&stranger.status, &theirs, now(), tomorrow)),
        Err("ocsp/other-certificate")
    );
    assert_eq!(
        code(&answer(&stranger.status, &asked, now(), tomorrow)),
        Err("ocsp/refused")
    );
    let mut bent = answer(&world.status, &asked, now(), tomorrow);
    let last = bent.len() - 1 - world.status.chain().leaf().der().len() - 12;
    bent[last] ^= 1;
    assert_eq!(code(&bent), Err("ocsp/signature"));
    assert_eq!(code(b"<html>"), Err("ocsp/malformed"));
    assert_eq!(
        code(&vec![0x30; dauso::limits::OCSP + 1]),
        Err("ocsp/too-large")
    );
}

#[test]
fn only_the_issuer_or_whom_it_delegated_may_answer() {
    let world = World::new();
    let query = request(&world, IdHash::Sha256).der();
    let index = index_line(&world, "V", "");
    let code = |responder: &Outside| {
        let answer = openssl_answers(&world, responder, &query, &index);
        check(&world, &answer)
            .map(|known| known.status)
            .map_err(|error| error.code())
    };
    // Below the issuer, but for documents.
    let agency = world.outside("agency", |authority, key| {
        let subject = Subject::agency("Sở Y tế", "H00.2");
        authority.issue(&subject, key, around_now()).unwrap()
    });
    assert_eq!(code(&agency), Err("ocsp/not-authorised"));
    // For answering, but below another issuer.
    let elsewhere = World::new();
    let stranger = elsewhere.outside_service("stranger", Service::OcspSigning, around_now());
    assert_eq!(code(&stranger), Err("ocsp/not-authorised"));
    // Its time is over.
    let past = Validity {
        not_before: now().plus(-10 * DAY),
        not_after: now().plus(-DAY),
    };
    let expired = world.outside_service("expired", Service::OcspSigning, past);
    assert_eq!(code(&expired), Err("ocsp/responder-period"));
}

#[test]
fn a_flipped_byte_never_makes_another_answer() {
    let world = World::new();
    let request = request(&world, IdHash::Sha256);
    let answer = world
        .status
        .answer(&request.der(), &Vec::new(), now(), now().plus(DAY));
    let honest = check(&world, &answer).unwrap();
    for at in 0..answer.len() {
        let mut bent = answer.clone();
        bent[at] ^= 1;
        if let Ok(known) = check(&world, &bent) {
            assert_eq!(known.status, honest.status, "byte {at}");
            assert_eq!(known.this_update, honest.this_update, "byte {at}");
        }
    }
}
