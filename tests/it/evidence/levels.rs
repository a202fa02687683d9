//! PAdES levels in files, with pyHanko, pdfsig and qpdf as judges.

use super::world::{DAY, World, now};
use crate::judges::{judge, run};
use crate::pki::text;
use crate::support::installation::pdf;
use dauso::clock::UnixTime;
use dauso::key::Algorithm;
use dauso::pdf::inspect::{Changes, SignatureField, changes_after, signatures};
use dauso::pdf::level::{Archive, Level, Worth};
use dauso::pdf::signature::{self, Place, Request};
use dauso::pdf::{Document, Update, dss};
use dauso::pki::cms::{self, SignedData, Signing};
use dauso::pki::crl::Crl;
use dauso::pki::ocsp::{self, CertificateId, IdHash};
use dauso::pki::timestamp::{self, Answer, Token};
use dauso::pki::{
    Certificate, Chain, Evidence, Freshness, Hash, RevocationReason, Revoked, Standing,
};
use dauso::signer::authority::{DemoAuthority, ListOf, Validity, Withdrawn};
use dauso::signer::services::{StatusService, TimeStampService};
use dauso::signer::{PrivateKey, Subject};
use serde_json::{Value, json};
use std::fs;
use std::path::{Path, PathBuf};

/// Room for a token of the demo authority.
const TOKEN: usize = 4_096;

pub(crate) fn days(from: i64, to: i64) -> Validity {
    Validity {
        not_before: now().plus(from * DAY),
        not_after: now().plus(to * DAY),
    }
}

/// A world in which agencies' certificates last 100 days, those of time stamps ten years.
pub(crate) fn world() -> World {
    let mut world = World::new();
    world.authority = DemoAuthority::generate(days(-10, 7_300)).unwrap();
    world.key = PrivateKey::generate(Algorithm::Es256).unwrap();
    let subject = Subject::agency("Sở Xây dựng thành phố Ví Dụ", "H00.1");
    let key = world.key.public_key();
    world.chain = world.authority.issue(&subject, key, days(-5, 100)).unwrap();
    world.stamps = TimeStampService::generate(&world.authority, days(-5, 3_650)).unwrap();
    world.status = StatusService::generate(&world.authority, days(-5, 100)).unwrap();
    world
}

pub(crate) fn stamp(world: &World, hash: &[u8], at: UnixTime) -> Token {
    let nonce = [3, 1, 4, 1, 5, 9, 2, 6];
    let request = timestamp::Request::of_digest(Hash::Sha256, hash.to_vec(), nonce, None);
    let answer = world.stamps.answer(&request.der(), at).unwrap();
    let answer = Answer::parse(&answer).unwrap();
    let roots = [world.authority.root().clone()];
    answer.accept(&request, &roots, at, at, 5).unwrap().0
}

/// Signs in an invisible field; `stamped` puts a time stamp into the CMS.
pub(crate) fn sign(
    world: &World,
    file: &[u8],
    field: &str,
    at: UnixTime,
    stamped: bool,
) -> Vec<u8> {
    let document = Document::open(file).unwrap();
    let mut update = Update::new(&document).unwrap();
    let algorithm = world.key.public_key().algorithm();
    let space = if stamped {
        cms::size_bound_stamped(&world.chain, algorithm, TOKEN).unwrap()
    } else {
        cms::size_bound(&world.chain, algorithm).unwrap()
    };
    let request = Request {
        place: Place::New {
            field,
            page: 0,
            rect: [0.0; 4],
        },
        appearance: None,
        signed_at: at,
        signer: None,
        reason: None,
        location: None,
        contact: None,
        space,
    };
    let placeholder = signature::add(&mut update, &request).unwrap();
    let prepared = signature::prepare(update, placeholder).unwrap();
    let signing = Signing::new(&world.chain, prepared.digest(), algorithm).unwrap();
    let made = world.key.sign(&signing.to_be_signed()).unwrap();
    let signed = signing.signed(&made).unwrap();
    let token = stamped.then(|| stamp(world, &Hash::Sha256.of(&[signed.value()]), at));
    let tail = prepared.fill(&signed.der(token.as_ref())).unwrap();
    [file, &tail].concat()
}

/// What the authority says of both certificates at a time, and of itself.
pub(crate) fn gathered(world: &World, at: UnixTime, withdrawn: &Withdrawn) -> Evidence {
    let issuing = world.authority.issuing();
    let answers = [world.chain.leaf(), world.stamps.chain().leaf()].map(|leaf| {
        let id = CertificateId::of(leaf, issuing, IdHash::Sha256);
        let request = ocsp::Request::about(id, None).der();
        let answer = world.status.answer(&request, withdrawn, at, at.plus(DAY));
        ocsp::Answer::parse(&answer).unwrap()
    });
    let period = Validity {
        not_before: at.plus(-DAY),
        not_after: at.plus(30 * DAY),
    };
    let list = world
        .authority
        .revocation_list(ListOf::Root, &Vec::new(), 1, period)
        .unwrap();
    let chains = [&world.chain, world.stamps.chain(), world.status.chain()];
    Evidence {
        certificates: chains
            .into_iter()
            .flat_map(Chain::certificates)
            .cloned()
            .collect(),
        answers: answers.to_vec(),
        lists: vec![Crl::parse(&list).unwrap()],
    }
}

fn with_evidence(file: &[u8], evidence: &Evidence) -> Vec<u8> {
    let document = Document::open(file).unwrap();
    let fields = signatures(&document).unwrap();
    let mut update = Update::new(&document).unwrap();
    let contents = &fields.last().unwrap().contents;
    dss::add(&mut update, evidence, Some(contents)).unwrap();
    [file, &update.finish()].concat()
}

pub(crate) fn archived(world: &World, file: &[u8], evidence: &Evidence, at: UnixTime) -> Vec<u8> {
    let document = Document::open(file).unwrap();
    let fields = signatures(&document).unwrap();
    let mut update = Update::new(&document).unwrap();
    let contents = &fields.last().unwrap().contents;
    dss::add(&mut update, evidence, Some(contents)).unwrap();
    let name = format!("DauThoiGian{}", fields.len());
    let placeholder = signature::add_time_stamp(&mut update, &name, TOKEN).unwrap();
    let prepared = signature::prepare(update, placeholder).unwrap();
    let token = stamp(world, &prepared.digest().0, at);
    let tail = prepared.fill(token.der()).unwrap();
    [file, &tail].concat()
}

/// The worth of the signature in this field, years later if need be.
fn worth(file: &[u8], field: &str, root: &Certificate, at: UnixTime) -> Worth {
    let document = Document::open(file).unwrap();
    let fields = signatures(&document).unwrap();
    let roots = [root.clone()];
    let archive = Archive::read(&document, &fields, &roots, at).unwrap();
    let found = fields.iter().find(|one| one.name == field).unwrap();
    let signed = SignedData::parse(found.cms()).unwrap();
    let signer = signed.signer().unwrap();
    archive.worth(&document, found, &signed, signer, &roots)
}

struct Made {
    level: Level,
    file: Vec<u8>,
}

fn every_level(world: &World, file: &[u8]) -> Vec<Made> {
    // Judges ask for the real time now and then.
    let at = now().plus(-3_600);
    let basic = sign(world, file, "DauSoMau", at, false);
    let timed = sign(world, file, "DauSoMau", at, true);
    let evidence = gathered(world, at.plus(1), &Vec::new());
    let kept = with_evidence(&timed, &evidence);
    let archive = archived(world, &timed, &evidence, at.plus(2));
    [
        (Level::BB, basic),
        (Level::BT, timed),
        (Level::BLT, kept),
        (Level::BLTA, archive),
    ]
    .map(|(level, file)| Made { level, file })
    .into()
}

const FILES: [&str; 6] = [
    "restricted-road-permit--classic-xref-1.4",
    "transport-business-licence--xref-stream",
    "transport-business-licence--linearized",
    "promotion-notice--pdfa-2b",
    "practising-certificate--signed-once",
    "vehicle-badge--signed-twice-timestamped",
];

/// What pyHanko says: of the archive at that time, and as of the signature's own time stamp.
fn pyhanko(root: &Path, asked: &[(PathBuf, UnixTime)]) -> Vec<(String, Value)> {
    let cases: Vec<Value> = asked
        .iter()
        .map(|(path, at)| json!({"path": path, "field": "DauSoMau", "at": at.rfc3339()}))
        .collect();
    let said = judge(
        "pades_levels.py",
        &[text(root)],
        &Value::from(cases).to_string(),
    );
    let said: Vec<Value> = serde_json::from_str(&said).unwrap();
    assert_eq!(said.len(), asked.len());
    said.into_iter()
        .map(|said| {
            let archive = said["archive"].as_str().unwrap().to_owned();
            (archive, said["kept"].clone())
        })
        .collect()
}

#[test]
fn every_level_is_what_pyhanko_pdfsig_and_qpdf_find() {
    let world = world();
    let root = world.write("root.pem", world.authority.root().pem());
    // Later than the judges' own clock, however long they take to begin.
    let soon = now().plus(3_600);
    let mut cases = Vec::new();
    let mut asked = Vec::new();
    for name in FILES {
        let before = fs::read(pdf(name)).unwrap();
        for made in every_level(&world, &before) {
            let path = format!("{name}-{}.pdf", made.level.name());
            let path = world.write(&path, &made.file);
            assert!(made.file.starts_with(&before), "{name}");
            let output = run("qpdf", &["--check", text(&path)]);
            assert!(output.status.success(), "{name}: {output:?}");
            let output = run("pdfsig", &["-nocert", text(&path)]);
            let said = String::from_utf8_lossy(&output.stdout).into_owned();
            let signed = said.matches("Signature is Valid.").count();
            let expected = said.matches("ETSI.CAdES.detached").count();
            assert!(signed >= expected && signed > 0, "{name}: {said}");
            let found = worth(&made.file, "DauSoMau", world.authority.root(), soon);
            assert_eq!(found.level, made.level, "{name}");
            asked.push((path, soon));
            cases.push((name, made.level));
        }
    }
    for ((name, level), (archive, kept)) in cases.into_iter().zip(pyhanko(&root, &asked)) {
        let context = format!("{name} {}: {archive} {kept}", level.name());
        // Without a word on withdrawal nothing is certain; that word counts once a time stamp holds it.
        assert_eq!(archive == "PASSED:OK", level == Level::BLTA, "{context}");
        assert_eq!(kept.is_null(), level == Level::BB, "{context}");
        assert_eq!(kept == json!(true), level >= Level::BLT, "{context}");
    }
}

#[test]
fn years_after_the_certificate_ended_an_archive_that_was_renewed_is_valid_without_a_network() {
    let mut world = world();
    let root = world.write("root.pem", world.authority.root().pem());
    // Judges ask for the real time now and then.
    let at = now().plus(-3_600);
    let renewed_at = at.plus(900 * DAY);
    let later = renewed_at.plus(3_600);
    let mut asked = Vec::new();
    let evidence = gathered(&world, at.plus(1), &Vec::new());
    let archives = FILES.map(|name| {
        let before = fs::read(pdf(name)).unwrap();
        let timed = sign(&world, &before, "DauSoMau", at, true);
        (name, archived(&world, &timed, &evidence, at.plus(2)))
    });
    world.status = StatusService::generate(&world.authority, days(890, 1_000)).unwrap();
    for (name, first) in archives {
        let evidence = gathered(&world, renewed_at, &Vec::new());
        let renewed = archived(&world, &first, &evidence, renewed_at.plus(1));
        assert!(later > world.chain.leaf().not_after());
        let found = worth(&renewed, "DauSoMau", world.authority.root(), later);
        assert_eq!(found.level, Level::BLTA, "{name}");
        assert!(found.proven.is_some_and(|proven| proven <= at.plus(5)));
        asked.push((world.write(&format!("{name}.pdf"), &renewed), later));
    }
    for ((path, _), (archive, kept)) in asked.iter().zip(pyhanko(&root, &asked)) {
        assert_eq!(archive, "PASSED:OK", "{}: {kept}", path.display());
        assert_eq!(kept, json!(true), "{}", path.display());
    }
}

#[test]
fn a_certificate_that_ended_leaves_what_was_stamped_in_time_and_nothing_else() {
    let world = world();
    let before = fs::read(pdf("promotion-notice--pdfa-2b")).unwrap();
    let later = now().plus(1_000 * DAY);
    for made in every_level(&world, &before) {
        let found = worth(&made.file, "DauSoMau", world.authority.root(), later);
        assert_eq!(found.level, made.level);
        assert_eq!(found.path.is_ok(), made.level > Level::BB, "{found:?}");
    }
}

#[test]
fn what_others_signed_before_stays_signed_and_only_signing_came_after() {
    let world = world();
    for name in [
        "practising-certificate--signed-once",
        "vehicle-badge--signed-twice-timestamped",
    ] {
        let before = fs::read(pdf(name)).unwrap();
        let revisions = Document::open(&before).unwrap().revisions().len();
        for made in every_level(&world, &before) {
            let document = Document::open(&made.file).unwrap();
            for revision in 1..=revisions {
                let last_signed = signatures(&document.as_of(revision).unwrap()).unwrap();
                if !last_signed.is_empty() {
                    let changes = changes_after(&document, revision).unwrap();
                    assert_eq!(changes, Changes::Signatures, "{name} {:?}", made.level);
                }
            }
        }
    }
}

#[test]
fn an_archive_time_stamp_can_be_renewed_before_its_authority_ends() {
    let mut world = world();
    let before = fs::read(pdf("promotion-notice--pdfa-2b")).unwrap();
    let at = now();
    let timed = sign(&world, &before, "DauSoMau", at, true);
    let first = archived(
        &world,
        &timed,
        &gathered(&world, at, &Vec::new()),
        at.plus(1),
    );
    let end = at.plus(4_000 * DAY);
    let root = world.authority.root().clone();
    // The authority of the time stamps has ended by then.
    let found = worth(&first, "DauSoMau", &root, end);
    assert_eq!((found.level, found.proven), (Level::BB, None));
    // Renewed by a younger one in time.
    let renewed_at = at.plus(3_000 * DAY);
    let evidence = gathered(&world, renewed_at, &Vec::new());
    world.stamps = TimeStampService::generate(&world.authority, days(2_900, 7_000)).unwrap();
    let renewed = archived(&world, &first, &evidence, renewed_at);
    let found = worth(&renewed, "DauSoMau", &root, end);
    assert_eq!(found.level, Level::BLTA);
    assert!(found.proven.is_some_and(|proven| proven <= at.plus(5)));
    assert!(found.path.is_ok());
    let output = run("qpdf", &["--check", text(&world.write("r.pdf", &renewed))]);
    assert!(output.status.success(), "{output:?}");
}

#[test]
fn what_was_withdrawn_before_the_proven_time_is_told_and_later_withdrawal_is_harmless() {
    let world = world();
    let before = fs::read(pdf("promotion-notice--pdfa-2b")).unwrap();
    let at = now();
    let timed = sign(&world, &before, "DauSoMau", at, true);
    let serial = world.chain.leaf().serial().to_vec();
    let root = world.authority.root();
    let cases = [
        (at.plus(-DAY), RevocationReason::Superseded, Level::BT),
        (at.plus(100), RevocationReason::Superseded, Level::BLT),
        (at.plus(-DAY), RevocationReason::KeyCompromise, Level::BT),
    ];
    for (since, reason, level) in cases {
        let revoked = Revoked {
            at: since,
            reason: Some(reason),
            invalid_since: None,
        };
        let evidence = gathered(&world, at.plus(200), &vec![(serial.clone(), revoked)]);
        let kept = with_evidence(&timed, &evidence);
        let found = worth(&kept, "DauSoMau", root, at.plus(300));
        assert_eq!(found.level, level, "{since} {reason:?}");
        let withdrawn = matches!(found.standing, Standing::Revoked { position: 0, .. });
        assert_eq!(withdrawn, level == Level::BT, "{since} {reason:?}");
    }
    // Nothing about the time stamp's own authority: the level is not reached.
    let mut part = gathered(&world, at, &Vec::new());
    part.answers.truncate(1);
    let kept = with_evidence(&timed, &part);
    assert_eq!(worth(&kept, "DauSoMau", root, at.plus(9)).level, Level::BT);
}

#[test]
fn a_store_keeps_what_it_had_and_names_each_signature_by_its_contents() {
    let world = world();
    let before = fs::read(pdf("promotion-notice--pdfa-2b")).unwrap();
    let first = sign(&world, &before, "Mot", now(), true);
    let evidence = gathered(&world, now(), &Vec::new());
    let first = with_evidence(&first, &evidence);
    let second = sign(&world, &first, "Hai", now(), true);
    let later = gathered(&world, now().plus(7), &Vec::new());
    let second = with_evidence(&second, &later);
    let document = Document::open(&second).unwrap();
    let kept = dss::read(&document).unwrap();
    // The same certificates and not twice; each answer is another one.
    assert_eq!(kept.certificates.len(), 5);
    assert_eq!((kept.answers.len(), kept.lists.len()), (4, 2));
    let store = document
        .lookup(&document.catalog().unwrap(), b"DSS")
        .unwrap();
    let about = document.lookup(store.as_dict().unwrap(), b"VRI").unwrap();
    let named: Vec<String> = about
        .as_dict()
        .unwrap()
        .iter()
        .map(|(name, _)| String::from_utf8_lossy(name).into_owned())
        .collect();
    let fields = signatures(&document).unwrap();
    let mut expected: Vec<String> = fields
        .iter()
        .map(|field: &SignatureField| dss::name_of(&field.contents))
        .collect();
    expected.sort();
    assert_eq!(named, expected);
    let standing = kept.standing(
        &worth(&second, "Hai", world.authority.root(), now())
            .path
            .unwrap(),
        now(),
        now(),
        Freshness::USUAL,
    );
    assert_eq!(standing, Standing::Good);
}
