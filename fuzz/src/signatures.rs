//! Signatures and certificates of strangers.

use dauso::clock::UnixTime;
use dauso::pki::Certificate;
use dauso::pki::chain::{self, Purpose};
use dauso::pki::cms::SignedData;

fn now() -> UnixTime {
    UnixTime::parse_rfc3339("2026-12-01T09:00:00+07:00").expect("a time")
}

/// A CMS as it stands in `/Contents`.
pub(crate) fn cms(data: &[u8]) {
    let Ok(signed) = SignedData::parse(data) else {
        return;
    };
    let checked = signed.check_content(&["what was", " signed"]);
    if let Some(signer) = checked.signer.or_else(|| signed.signer().cloned()) {
        path(&signer, signed.certificates());
    }
}

/// Certificates, DER or PEM: the first is the signer's, all others may lead to a root, and each may be one.
pub(crate) fn certificate(data: &[u8]) {
    let Ok(all) = Certificate::read_all(data) else {
        return;
    };
    if let Some(first) = all.first() {
        path(first, &all);
    }
}

fn path(signer: &Certificate, others: &[Certificate]) {
    let _ = chain::build(signer, others, others, now(), Purpose::DocumentSigning);
    for certificate in others {
        let again = Certificate::from_der(certificate.der());
        assert!(again.is_ok_and(|again| again.der() == certificate.der()));
    }
}
