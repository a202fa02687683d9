//! Time stamps (RFC 3161).

use super::world::{DAY, World, around_now, now};
use crate::judges::run;
use crate::pki::{openssl, text};
use dauso::key::PublicKey;
use dauso::pki::timestamp::{Answer, Request, TimeStampError, Token, refused};
use dauso::pki::{ChainError, Hash, ObjectIdentifier};
use dauso::signer::authority::{Service, Validity};
use dauso::signer::services::{POLICY, TimeStampService};
use proptest::prelude::*;
use std::fs;
use std::sync::OnceLock;

const CONTENT: &[u8] = b"the value of a signature";
const NONCE: [u8; 8] = [0x91, 2, 3, 4, 5, 6, 7, 8];
const SKEW: i64 = 60;

fn request() -> Request {
    Request::of(Hash::Sha256, &[CONTENT], NONCE, None)
}

fn accept(world: &World, answer: &[u8], request: &Request) -> Result<(), TimeStampError> {
    let answer = Answer::parse(answer)?;
    let roots = world.roots();
    answer
        .accept(request, &roots, now().plus(-5), now(), SKEW)
        .map(drop)
}

#[test]
fn a_token_that_openssl_made_is_accepted_and_says_its_time() {
    let world = World::new();
    let tsa = world.outside_service("tsa", Service::TimeStamping, around_now());
    for hash in [Hash::Sha256, Hash::Sha384, Hash::Sha512] {
        for policy in ["1.3.6.1.4.1.32473.1.7", "1.3.6.1.4.1.32473.1.8"] {
            let policy = ObjectIdentifier::new_unwrap(policy);
            let request = Request::of(hash, &[CONTENT], NONCE, Some(policy));
            let query = world.write("query.tsq", request.der());
            let answer = world.openssl_stamps(&tsa, &query, "");
            let before = now().plus(-5);
            let (token, stamped) = Answer::parse(&answer)
                .unwrap()
                .accept(&request, &world.roots(), before, now(), SKEW)
                .unwrap();
            assert_eq!(stamped.info().policy(), policy);
            assert!((before..=now()).contains(&stamped.info().time()));
            assert_eq!(stamped.info().accuracy(), 2);
            assert_eq!(stamped.path().leaf(), Some(tsa.chain.leaf()));
            assert_eq!(token.info().is_of(&[CONTENT]), Ok(()));
            let again = Token::parse(&[token.der(), &[0; 40]].concat()).unwrap();
            let later = now().plus(300 * DAY);
            assert_eq!(
                again.check(&[], &world.roots(), later).unwrap().info(),
                stamped.info()
            );
        }
    }
}

#[test]
fn openssl_reads_our_question_and_believes_our_own_authority() {
    let world = World::new();
    let query = world.write("query.tsq", request().der());
    let said = openssl(&["ts", "-query", "-in", text(&query), "-text"]);
    let said = String::from_utf8(said).unwrap();
    for line in [
        "Hash Algorithm: sha256",
        "Nonce: 0x9102030405060708",
        "Certificate required: yes",
    ] {
        assert!(said.contains(line), "{said}");
    }
    let content = world.write("content", CONTENT);
    let root = world.path("root.pem");
    let ask = ["ts", "-query", "-sha512", "-cert", "-data", text(&content)];
    let theirs = openssl(&ask);
    for question in [request().der(), theirs] {
        let query = world.write("query.tsq", &question);
        let answer = world.stamps.answer(&question, now()).unwrap();
        let answer = world.write("answer.tsr", answer);
        let verify = ["ts", "-verify", "-queryfile", text(&query), "-in"];
        let against = [text(&answer), "-CAfile", text(&root)];
        let output = run("openssl", &[&verify[..], &against].concat());
        let said = String::from_utf8_lossy(&output.stdout).into_owned();
        assert!(said.contains("Verification: OK"), "{output:?}");
        let other = world.write("other", b"another content");
        let verify = ["ts", "-verify", "-data", text(&other), "-in"];
        let output = run("openssl", &[&verify[..], &against].concat());
        assert!(!output.status.success(), "{output:?}");
    }
}

#[test]
fn who_asks_for_no_certificates_gets_none() {
    let world = World::new();
    let content = world.write("content", CONTENT);
    let question = openssl(&["ts", "-query", "-sha256", "-data", text(&content)]);
    let answer = world.stamps.answer(&question, now()).unwrap();
    let file = world.write("answer.tsr", &answer);
    let said = openssl(&["ts", "-reply", "-in", text(&file), "-token_out", "-text"]);
    assert!(String::from_utf8(said).unwrap().contains("Time stamp:"));
    let request = Request::parse(&question).unwrap();
    assert_eq!(
        accept(&world, &answer, &request).unwrap_err().code(),
        "timestamp/signature"
    );
}

#[test]
fn each_lie_of_an_authority_has_its_own_error() {
    let world = World::new();
    let honest = |request: &Request| world.stamps.answer(&request.der(), now()).unwrap();
    let asked = request();
    assert_eq!(accept(&world, &honest(&asked), &asked), Ok(()));
    let other_content = Request::of(Hash::Sha256, &[b"other"], NONCE, None);
    let other_digest = Request::of(Hash::Sha512, &[CONTENT], NONCE, None);
    let other_nonce = Request::of(Hash::Sha256, &[CONTENT], [7; 8], None);
    let cases = [
        (&other_content, TimeStampError::Imprint),
        (&other_digest, TimeStampError::Imprint),
        (&other_nonce, TimeStampError::Nonce),
    ];
    for (lie, error) in cases {
        assert_eq!(accept(&world, &honest(lie), &asked), Err(error));
    }
    let other = ObjectIdentifier::new_unwrap("1.3.6.1.4.1.32473.9");
    let under_policy = Request::of(Hash::Sha256, &[CONTENT], NONCE, Some(other));
    assert_eq!(
        accept(&world, &honest(&asked), &under_policy),
        Err(TimeStampError::Policy(POLICY))
    );
    // Ours refuses what it does not offer.
    assert_eq!(
        accept(&world, &honest(&under_policy), &under_policy),
        Err(TimeStampError::Refused {
            status: 2,
            failure: Some(15)
        })
    );
    assert_eq!(
        accept(&world, &refused(14), &asked).unwrap_err().code(),
        "timestamp/refused"
    );
    for (seconds, holds) in [(-65, true), (-67, false), (60, true), (62, false)] {
        let lie = world.stamps.answer(&asked.der(), now().plus(seconds));
        let said = Answer::parse(&lie.unwrap()).unwrap().accept(
            &asked,
            &world.roots(),
            now().plus(-5),
            now(),
            SKEW,
        );
        let code = said.map(drop).map_err(|error| error.code());
        let expected = if holds { Ok(()) } else { Err("timestamp/time") };
        assert_eq!(code, expected, "{seconds}");
    }
}

#[test]
fn who_is_no_time_stamp_authority_of_ours_is_not_believed() {
    let world = World::new();
    let asked = request();
    let code = |answer: &[u8]| accept(&world, answer, &asked).map_err(|error| error.code());
    // An authority that we do not trust.
    let stranger = World::new().stamps.answer(&asked.der(), now()).unwrap();
    assert_eq!(code(&stranger), Err("timestamp/untrusted"));
    // Certificates that had ended, or had not begun.
    let past = Validity {
        not_before: now().plus(-10 * DAY),
        not_after: now().plus(-DAY),
    };
    let expired = TimeStampService::generate(&world.authority, past).unwrap();
    let expired = expired.answer(&asked.der(), now()).unwrap();
    assert_eq!(code(&expired), Err("timestamp/certificate-period"));
    // Some other purpose, a second one, none that is critical: OpenSSL signs none of these, so we do.
    let issued: [fn(&World, &PublicKey) -> dauso::pki::Chain; 2] = [
        |world, key| {
            let service = Service::OcspSigning;
            let issued = world
                .authority
                .issue_service(service, "OCSP", key, around_now());
            issued.unwrap()
        },
        |world, key| {
            let subject = dauso::signer::Subject::agency("Sở", "H00.9");
            world.authority.issue(&subject, key, around_now()).unwrap()
        },
    ];
    for issue in issued {
        let key = crate::pki::key(dauso::key::Algorithm::Es256);
        let chain = issue(&world, key.public_key());
        let stamping = dauso::pki::timestamp::Stamping {
            policy: POLICY,
            serial: &[1],
            at: now(),
            accuracy: 1,
        };
        let algorithm = key.public_key().algorithm();
        let made = dauso::pki::timestamp::stamping(&asked, &stamping, &chain, algorithm).unwrap();
        let signature = key.sign(&made.to_be_signed()).unwrap();
        let token = made.assemble(&signature).unwrap();
        let answer = dauso::pki::timestamp::granted(&token);
        assert_eq!(code(&answer), Err("timestamp/purpose"));
    }
}

#[test]
fn a_token_without_the_newer_binding_is_not_taken() {
    let world = World::new();
    let tsa = world.outside_service("tsa", Service::TimeStamping, around_now());
    let query = world.write("query.tsq", request().der());
    let answer = world.openssl_stamps(&tsa, &query, "");
    assert_eq!(accept(&world, &answer, &request()), Ok(()));
    let configuration = fs::read_to_string(world.path("ts.cnf")).unwrap();
    let configuration = configuration.replace("ess_cert_id_alg = sha256", "ess_cert_id_alg = sha1");
    let configuration = world.write("ts.cnf", configuration);
    let out = world.path("old.tsr");
    let reply = ["ts", "-reply", "-section", "tsa", "-config"];
    let files = [
        text(&configuration),
        "-queryfile",
        text(&query),
        "-out",
        text(&out),
    ];
    openssl(&[&reply[..], &files].concat());
    assert_eq!(
        accept(&world, &fs::read(out).unwrap(), &request()),
        Err(TimeStampError::Unbound)
    );
}

#[test]
fn what_is_no_time_stamp_at_all_has_an_error() {
    let world = World::new();
    let signature = {
        let algorithm = world.key.public_key().algorithm();
        let digest = dauso::digest::Sha256::of(CONTENT);
        let signing = dauso::pki::cms::Signing::new(&world.chain, digest, algorithm).unwrap();
        let made = world.key.sign(&signing.to_be_signed()).unwrap();
        signing.assemble(&made).unwrap()
    };
    assert_eq!(
        Token::parse(&signature).unwrap_err().code(),
        "timestamp/content-type"
    );
    assert_eq!(
        Token::parse(b"<html>").unwrap_err(),
        TimeStampError::Malformed
    );
    let roots = [World::new().authority.root().clone()];
    let answer = world.stamps.answer(&request().der(), now()).unwrap();
    let refused = Answer::parse(&answer)
        .unwrap()
        .accept(&request(), &roots, now(), now(), SKEW)
        .unwrap_err();
    assert_eq!(refused, TimeStampError::Authority(ChainError::NoPath));
}

#[test]
fn a_flipped_byte_never_leaves_another_time_or_content() {
    let world = World::new();
    let answer = world.stamps.answer(&request().der(), now()).unwrap();
    let (_, honest) = Answer::parse(&answer)
        .unwrap()
        .accept(&request(), &world.roots(), now(), now(), SKEW)
        .unwrap();
    for at in 0..answer.len() {
        let mut bent = answer.clone();
        bent[at] ^= 1;
        if let Ok(read) = Answer::parse(&bent)
            && let Ok((_, stamped)) = read.accept(&request(), &world.roots(), now(), now(), SKEW)
        {
            assert_eq!(stamped.info(), honest.info(), "byte {at}");
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1_000))]
    #[test]
    fn spliced_answers_are_refused_or_say_the_same(
        cut in 0..3_000_usize,
        length in 0..40_usize,
        put in prop::collection::vec(any::<u8>(), 0..40),
    ) {
        static MADE: OnceLock<(World, Vec<u8>)> = OnceLock::new();
        let (world, answer) = MADE.get_or_init(|| {
            let world = World::new();
            let answer = world.stamps.answer(&request().der(), now()).unwrap();
            (world, answer)
        });
        let cut = cut.min(answer.len());
        let after = (cut + length).min(answer.len());
        let spliced = [&answer[..cut], &put, &answer[after..]].concat();
        let whole = Answer::parse(answer).unwrap();
        let asked = now().plus(-600);
        let (token, _) = whole.accept(&request(), &world.roots(), asked, now(), SKEW).unwrap();
        if let Ok(read) = Answer::parse(&spliced)
            && let Ok((other, _)) = read.accept(&request(), &world.roots(), asked, now(), SKEW)
        {
            prop_assert_eq!(other.info(), token.info());
        }
    }
}
