//! Time stamps, OCSP answers and CRLs of strangers.

use dauso::clock::UnixTime;
use dauso::pki::crl::Crl;
use dauso::pki::ocsp::{self, CertificateId, IdHash, Question};
use dauso::pki::timestamp::{Answer, Info, Request, Token};
use dauso::pki::{Certificate, Freshness, Hash};
use std::sync::LazyLock;

static ROOT: LazyLock<Certificate> = LazyLock::new(|| {
    let pem = include_bytes!("../../fixtures/pdf/test-ca.pem");
    let mut read = Certificate::read_all(pem).expect("a certificate");
    read.swap_remove(0)
});

fn now() -> UnixTime {
    UnixTime::parse_rfc3339("2026-12-01T09:00:00+07:00").expect("a time")
}

/// A question, an answer, a token or what is in it.
pub(crate) fn timestamp(data: &[u8]) {
    if let Ok(request) = Request::parse(data) {
        let _ = Request::parse(&request.der());
    }
    let _ = Info::parse(data).map(|info| info.is_of(&[b"x"]));
    let roots = [ROOT.clone()];
    if let Ok(token) = Token::parse(data) {
        let _ = token.check(&[], &roots, now());
    }
    if let Ok(answer) = Answer::parse(data) {
        let request = Request::of(Hash::Sha256, &[b"x"], [1; 8], None);
        // Nobody here knows the key of the root.
        assert!(answer.accept(&request, &roots, now(), now(), 60).is_err());
    }
}

/// A question or an answer.
pub(crate) fn ocsp(data: &[u8]) {
    if let Ok(request) = ocsp::Request::parse(data) {
        assert_eq!(ocsp::Request::parse(&request.der()), Ok(request));
    }
    let Ok(answer) = ocsp::Answer::parse(data) else {
        return;
    };
    let id = CertificateId::of(&ROOT, &ROOT, IdHash::Sha1);
    assert!(id.means(&ROOT, &ROOT));
    for certificate in answer.certificates() {
        let _ = answer.known_at(certificate, &ROOT);
    }
    let question = Question {
        certificate: &ROOT,
        issuer: &ROOT,
        nonce: None,
        at: now(),
        freshness: Freshness::USUAL,
    };
    assert!(answer.check(&question).is_err());
}

/// A list.
pub(crate) fn crl(data: &[u8]) {
    if let Ok(list) = Crl::parse(data) {
        assert_eq!(list.der(), data);
        assert!(list.check(&ROOT, now(), Freshness::USUAL).is_err());
    }
}
