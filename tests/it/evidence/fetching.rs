//! Asking authorities over HTTP: each of their faults, and what becomes of it.

use super::levels::{days, world};
use super::world::{DAY, Outside, World, around_now, now};
use crate::pki::{key, openssl, text};
use dauso::authorities::{
    Client, Host, NoTimeStamp, Reach, StampFault, StatusFault, StatusSource, TimeStampSource,
    TimeStamps,
};
use dauso::clock::SystemClock;
use dauso::key::Algorithm;
use dauso::pki::chain::{self, Purpose};
use dauso::pki::timestamp::{Request, Stamping, granted, refused, stamping};
use dauso::pki::{Chain, Freshness, Hash, RevocationReason, Revoked, Standing, VerifiedChain};
use dauso::signer::authority::{Addresses, DemoAuthority, ListOf, Service, Validity, Withdrawn};
use dauso::signer::services::{POLICY, StatusService, TimeStampService};
use dauso::signer::{PrivateKey, Subject};
use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

const PATIENCE: Duration = Duration::from_secs(2);

/// An HTTP server of the test, which counts its calls.
pub(super) struct Server {
    port: u16,
    calls: Arc<AtomicUsize>,
}

pub(super) type Handler = Box<dyn Fn(&str, &[u8]) -> Vec<u8> + Send + Sync>;

impl Server {
    pub(super) fn new(handler: Handler) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let calls = Arc::new(AtomicUsize::new(0));
        let counter = Arc::clone(&calls);
        let handler = Arc::new(handler);
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                counter.fetch_add(1, Ordering::SeqCst);
                let handler = Arc::clone(&handler);
                thread::spawn(move || serve(stream, &handler));
            }
        });
        Self { port, calls }
    }

    pub(super) fn address(&self) -> String {
        format!("http://127.0.0.1:{}/", self.port)
    }

    pub(super) fn calls(&self) -> usize {
        self.calls.load(Ordering::SeqCst)
    }
}

fn serve(mut stream: TcpStream, handler: &Handler) {
    let mut read = Vec::new();
    let mut part = [0; 4_096];
    let (head, length) = loop {
        let count = stream.read(&mut part).unwrap_or(0);
        if count == 0 {
            return;
        }
        read.extend_from_slice(&part[..count]);
        let Some(end) = read.windows(4).position(|four| four == b"\r\n\r\n") else {
            continue;
        };
        let head = String::from_utf8_lossy(&read[..end]).to_ascii_lowercase();
        let length = head
            .lines()
            .find_map(|line| line.strip_prefix("content-length: "))
            .map_or(0, |length| length.parse::<usize>().unwrap());
        if read.len() >= end + 4 + length {
            break (end + 4, length);
        }
    };
    let line = String::from_utf8_lossy(&read[..head]).into_owned();
    let path = line.split(' ').nth(1).unwrap_or_default().to_owned();
    let answer = handler(&path, &read[head..head + length]);
    let _ = stream.write_all(&answer);
}

fn ok(kind: &str, body: &[u8]) -> Vec<u8> {
    let length = body.len();
    let head = format!(
        "HTTP/1.1 200 OK\r\nContent-Type: {kind}\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n"
    );
    [head.as_bytes(), body].concat()
}

pub(super) fn reply(body: &[u8]) -> Vec<u8> {
    ok("application/timestamp-reply", body)
}

fn client(reach: Reach) -> Client {
    let hosts = ["127.0.0.1", "localhost"].map(|name| Host {
        name: name.to_owned(),
        reach,
    });
    Client::new(&hosts, PATIENCE).unwrap()
}

fn stamps(world: &World, addresses: &[String], reach: Reach) -> TimeStamps {
    let sources = addresses.iter().map(|address| TimeStampSource {
        address: address.clone(),
        policy: None,
    });
    TimeStamps::new(
        client(reach),
        sources.collect(),
        vec![world.authority.root().clone()],
        Arc::new(SystemClock),
        5,
    )
}

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap()
}

fn digest() -> Vec<u8> {
    Hash::Sha256.of(&[b"the value of a signature"])
}

fn stamp(stamps: &TimeStamps) -> Result<(), NoTimeStamp> {
    runtime()
        .block_on(stamps.stamp(Hash::Sha256, &digest()))
        .map(drop)
}

/// The code of the fault of the only authority.
fn fault(world: &World, handler: Handler) -> &'static str {
    let server = Server::new(handler);
    let stamps = stamps(world, &[server.address()], Reach::Internal);
    let [fault] = stamp(&stamps).unwrap_err().tried.try_into().unwrap();
    fault.code()
}

/// OpenSSL as an authority that may be asked from other threads.
fn openssl_authority(world: &World) -> impl Fn(&[u8]) -> Vec<u8> + Send + Sync + use<> {
    let tsa = world.outside_service("tsa", Service::TimeStamping, around_now());
    world.write("issuing.pem", world.authority.issuing().pem());
    let folder = tempfile::tempdir().unwrap();
    let serial = folder.path().join("serial");
    let configuration = folder.path().join("ts.cnf");
    let Outside {
        certificate, key, ..
    } = &tsa;
    let copied = ["tsa.pem", "tsa.key", "issuing.pem"].map(|name| folder.path().join(name));
    for (from, to) in [certificate, key, &world.path("issuing.pem")]
        .into_iter()
        .zip(&copied)
    {
        std::fs::copy(from, to).unwrap();
    }
    let [certificate, key, above] = copied;
    let tsa = Outside {
        certificate,
        key,
        chain: tsa.chain.clone(),
    };
    let text_of = super::world::stamps_configuration(&serial, &tsa, &above, "");
    std::fs::write(&configuration, text_of).unwrap();
    let turn = Mutex::new(folder);
    move |query| {
        let folder = turn.lock().unwrap();
        let [question, answer] = ["q", "a"].map(|name| folder.path().join(name));
        std::fs::write(&question, query).unwrap();
        let reply = ["ts", "-reply", "-section", "tsa", "-config"];
        let files = [
            text(&configuration),
            "-queryfile",
            text(&question),
            "-out",
            text(&answer),
        ];
        openssl(&[&reply[..], &files].concat());
        std::fs::read(answer).unwrap()
    }
}

#[test]
fn a_time_stamp_of_openssl_comes_over_http() {
    let world = world();
    let authority = openssl_authority(&world);
    let server = Server::new(Box::new(move |_, query| reply(&authority(query))));
    let stamps = stamps(&world, &[server.address()], Reach::Internal);
    let (token, stamped) = runtime()
        .block_on(stamps.stamp(Hash::Sha256, &digest()))
        .unwrap();
    let content: &[u8] = b"the value of a signature";
    assert_eq!(token.info().is_of(&[content]), Ok(()));
    assert!((now().since(stamped.info().time())).abs() < 5);
}

#[test]
fn an_authority_that_lies_is_told_by_what_it_lied_about() {
    let world = world();
    let lie = |change: fn(&[u8]) -> Vec<u8>| {
        let authority = openssl_authority(&world);
        let handler = move |_: &str, query: &[u8]| reply(&authority(&change(query)));
        fault(&world, Box::new(handler))
    };
    assert_eq!(
        lie(|query| {
            // The nonce stands before the wish for certificates.
            let mut other = query.to_vec();
            let at = other.len() - 4;
            other[at] ^= 1;
            other
        }),
        "timestamp/nonce"
    );
    assert_eq!(
        lie(|query| {
            let imprint = digest();
            let at = query.windows(32).position(|part| part == imprint).unwrap();
            let mut other = query.to_vec();
            other[at] ^= 1;
            other
        }),
        "timestamp/imprint"
    );
    // Stamped ahead of its time, or a week ago.
    for seconds in [60, -7 * DAY] {
        let stamps = TimeStampService::generate(&world.authority, days(-9, 9)).unwrap();
        let handler =
            move |_: &str, query: &[u8]| reply(&stamps.answer(query, now().plus(seconds)).unwrap());
        assert_eq!(fault(&world, Box::new(handler)), "timestamp/time");
    }
    assert_eq!(
        fault(&world, Box::new(|_, _| reply(&refused(25)))),
        "timestamp/refused"
    );
}

#[test]
fn an_authority_that_is_none_is_told_by_its_certificate() {
    let world = world();
    let by = |chain: Chain, key: PrivateKey| {
        let handler = move |_: &str, query: &[u8]| {
            let request = Request::parse(query).unwrap();
            let says = Stamping {
                policy: POLICY,
                serial: &[1],
                at: now(),
                accuracy: 1,
            };
            let algorithm = key.public_key().algorithm();
            let made = stamping(&request, &says, &chain, algorithm).unwrap();
            let signature = key.sign(&made.to_be_signed()).unwrap();
            reply(&granted(&made.assemble(&signature).unwrap()))
        };
        fault(&world, Box::new(handler))
    };
    let service = |authority: &DemoAuthority, service, validity: Validity| {
        let key = key(Algorithm::Es256);
        let public = key.public_key();
        let chain = authority.issue_service(service, "Ai đó", public, validity);
        (chain.unwrap(), key)
    };
    let (chain, key) = service(&world.authority, Service::OcspSigning, around_now());
    assert_eq!(by(chain, key), "timestamp/purpose");
    let (chain, key) = service(&world.authority, Service::TimeStamping, days(-9, -1));
    assert_eq!(by(chain, key), "timestamp/certificate-period");
    let stranger = DemoAuthority::generate(days(-9, 900)).unwrap();
    let (chain, key) = service(&stranger, Service::TimeStamping, days(-5, 5));
    assert_eq!(by(chain, key), "timestamp/untrusted");
}

#[test]
fn an_authority_that_hangs_errs_or_sends_rubbish_ends_in_a_code_and_in_time() {
    let world = world();
    let started = Instant::now();
    let hangs = fault(
        &world,
        Box::new(|_, _| {
            thread::sleep(PATIENCE * 3);
            Vec::new()
        }),
    );
    assert_eq!(hangs, "fetch/too-slow");
    assert!(started.elapsed() < PATIENCE * 2);
    let cases: [(&str, Handler); 8] = [
        (
            "fetch/media-type",
            Box::new(|_, _| ok("text/html", b"<html>")),
        ),
        ("timestamp/malformed", Box::new(|_, _| reply(b"<html>"))),
        ("timestamp/malformed", Box::new(|_, _| reply(b""))),
        (
            "fetch/too-large",
            Box::new(|_, _| reply(&vec![0x30; dauso::limits::TIME_STAMP + 1])),
        ),
        (
            // It does not say how long it is.
            "fetch/too-large",
            Box::new(|_, _| {
                let head = b"HTTP/1.1 200 OK\r\nContent-Type: application/timestamp-reply\r\n\r\n";
                [&head[..], &vec![0x30; 1 << 20]].concat()
            }),
        ),
        (
            "fetch/redirect",
            Box::new(|_, _| {
                b"HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1/\r\nContent-Length: 0\r\n\r\n"
                    .to_vec()
            }),
        ),
        (
            "fetch/status",
            Box::new(|_, _| b"HTTP/1.1 503 Busy\r\nContent-Length: 0\r\n\r\n".to_vec()),
        ),
        ("fetch/unreachable", Box::new(|_, _| Vec::new())),
    ];
    for (code, handler) in cases {
        assert_eq!(fault(&world, handler), code);
    }
    let closed = {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        format!(
            "http://127.0.0.1:{}/",
            listener.local_addr().unwrap().port()
        )
    };
    let nobody = stamps(&world, &[closed], Reach::Internal);
    let tried = stamp(&nobody).unwrap_err().tried;
    assert_eq!(tried[0].code(), "fetch/unreachable");
}

#[test]
fn a_private_address_is_not_asked_unless_its_host_is_an_internal_one() {
    let world = world();
    let server = Server::new(Box::new(|_, _| reply(&refused(25))));
    let port = server.port;
    for host in ["127.0.0.1", "localhost", "0x7f.1", "2130706433"] {
        let address = format!("http://{host}:{port}/");
        let guarded = stamps(&world, &[address], Reach::Public);
        let tried = stamp(&guarded).unwrap_err().tried;
        assert_eq!(tried[0].code(), "fetch/private-address", "{host}");
    }
    let other = stamps(&world, &[format!("http://[::1]:{port}/")], Reach::Internal);
    let tried = stamp(&other).unwrap_err().tried;
    assert_eq!(tried[0].code(), "fetch/host-not-allowed");
    assert_eq!(server.calls(), 0);
    let inside = stamps(
        &world,
        &[format!("http://localhost:{port}/")],
        Reach::Internal,
    );
    let tried = stamp(&inside).unwrap_err().tried;
    assert_eq!(tried[0].code(), "timestamp/refused");
    assert_eq!(server.calls(), 1);
}

#[test]
fn when_the_first_authority_fails_the_second_is_asked_and_the_first_rests() {
    let world = world();
    let broken = Server::new(Box::new(|_, _| reply(b"<html>")));
    let authority = openssl_authority(&world);
    let honest = Server::new(Box::new(move |_, query| reply(&authority(query))));
    let both = [broken.address(), honest.address()];
    let both = stamps(&world, &both, Reach::Internal);
    for _ in 0..5 {
        assert_eq!(stamp(&both), Ok(()));
    }
    // Three failures in a row, and then nobody asks it for a while.
    assert_eq!((broken.calls(), honest.calls()), (3, 5));
    let alone = stamps(&world, &[broken.address()], Reach::Internal);
    for _ in 0..3 {
        assert_eq!(
            stamp(&alone).unwrap_err().tried[0].code(),
            "timestamp/malformed"
        );
    }
    let rests = stamp(&alone).unwrap_err().tried;
    assert_eq!(rests, [StampFault::Resting]);
}

/// An authority whose certificates name a server of the test.
struct Asked {
    authority: DemoAuthority,
    path: VerifiedChain,
    server: Server,
}

/// Who answers by OCSP, what was withdrawn, and the root's list.
type Answers = (StatusService, Withdrawn, Vec<u8>);

/// `list`: the list that the root publishes; the issuing authority answers by OCSP.
fn asked(withdrawn: Option<RevocationReason>, list: fn(Vec<u8>) -> Vec<u8>) -> Asked {
    let parts: Arc<Mutex<Option<Answers>>> = Arc::default();
    let shared = Arc::clone(&parts);
    let server = Server::new(Box::new(move |path, query| {
        let parts = shared.lock().unwrap();
        let (status, withdrawn, list) = parts.as_ref().unwrap();
        if path == "/root.crl" {
            return ok("application/pkix-crl", list);
        }
        let answer = status.answer(query, withdrawn, now(), now().plus(DAY));
        ok("application/ocsp-response", &answer)
    }));
    let addresses = Addresses {
        ocsp: server.address(),
        root_list: format!("{}root.crl", server.address()),
    };
    let authority = DemoAuthority::generate_at(days(-9, 900), addresses).unwrap();
    let key = PrivateKey::generate(Algorithm::Es256).unwrap();
    let subject = Subject::agency("Sở Xây dựng", "H00.1");
    let chain = authority
        .issue(&subject, key.public_key(), days(-5, 100))
        .unwrap();
    let withdrawn = withdrawn.map(|reason| {
        let revoked = Revoked {
            at: now().plus(-DAY),
            reason: Some(reason),
            invalid_since: None,
        };
        (chain.leaf().serial().to_vec(), revoked)
    });
    let root_list = authority
        .revocation_list(ListOf::Root, &Vec::new(), 1, days(-1, 30))
        .unwrap();
    let status = StatusService::generate(&authority, days(-5, 100)).unwrap();
    let withdrawn = withdrawn.into_iter().collect();
    *parts.lock().unwrap() = Some((status, withdrawn, list(root_list)));
    let path = chain::build(
        chain.leaf(),
        chain.issuers(),
        &[authority.root().clone()],
        now(),
        Purpose::DocumentSigning,
    );
    Asked {
        path: path.unwrap(),
        authority,
        server,
    }
}

fn source(reach: Reach) -> StatusSource {
    StatusSource::new(client(reach), Arc::new(SystemClock), Freshness::USUAL)
}

#[test]
fn status_is_gathered_once_and_remembered_while_it_holds() {
    let asked = asked(None, |list| list);
    let source = source(Reach::Internal);
    for _ in 0..3 {
        let evidence = runtime().block_on(source.gather(&asked.path)).unwrap();
        let standing = evidence.standing(&asked.path, now(), now(), Freshness::USUAL);
        assert_eq!(standing, Standing::Good);
        assert_eq!((evidence.answers.len(), evidence.lists.len()), (1, 1));
        assert!(evidence.certificates.contains(asked.authority.issuing()));
    }
    assert_eq!(asked.server.calls(), 2);
}

#[test]
fn a_withdrawn_certificate_is_told_and_asked_about_again() {
    let asked = asked(Some(RevocationReason::KeyCompromise), |list| list);
    let source = source(Reach::Internal);
    for _ in 0..2 {
        let evidence = runtime().block_on(source.gather(&asked.path)).unwrap();
        let standing = evidence.standing(&asked.path, now(), now(), Freshness::USUAL);
        assert!(matches!(standing, Standing::Revoked { position: 0, .. }));
    }
    // Twice by OCSP, once for the list.
    assert_eq!(asked.server.calls(), 3);
}

#[test]
fn without_a_word_on_a_certificate_there_is_an_error_that_names_it_and_every_fault() {
    let bent = asked(None, |mut list| {
        let last = list.len() - 1;
        list[last] ^= 1;
        list
    });
    let inside = source(Reach::Internal);
    let error = runtime().block_on(inside.gather(&bent.path)).unwrap_err();
    assert_eq!(error.position, 1);
    let codes: Vec<&str> = error.tried.iter().map(StatusFault::code).collect();
    assert_eq!(codes, ["crl/signature"]);
    let outside = source(Reach::Public);
    let error = runtime().block_on(outside.gather(&bent.path)).unwrap_err();
    assert_eq!(error.position, 0);
    let codes: Vec<&str> = error.tried.iter().map(StatusFault::code).collect();
    assert_eq!(codes, ["fetch/private-address"]);
}
