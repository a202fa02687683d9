//! What stands in QRs and in the published files: credentials, bundles, status lists.

use dauso::clock::UnixTime;
use dauso::cose::cbor;
use dauso::credential::{Evidence, Lists, REQUIRED, Trust, judge, numeric, scan};
use dauso::report::Verdict;
use dauso::status::token;
use dauso::trust::TrustBundle;
use std::sync::LazyLock;

/// The evidence of the vectors, by operator and lists that exist only there.
static BUNDLE: LazyLock<TrustBundle> = LazyLock::new(|| {
    let bytes = include_bytes!("../../fixtures/credential/trust/current.cose");
    TrustBundle::open(bytes, None).expect("the bundle of the vectors")
});
static LISTS: LazyLock<Lists> = LazyLock::new(|| {
    let list: &[u8] = include_bytes!("../../fixtures/credential/lists/1.cwt");
    Lists::open(&BUNDLE, [list])
});

/// A scanned text; behind a first byte of 0 the bytes of a credential, so that the fuzzer need not learn
/// arithmetic.
pub(crate) fn credential(data: &[u8]) {
    let text = match data {
        [0, bytes @ ..] => format!(
            "HTTPS://QR.VIDU.TEST/7K3M9QX2TB4C5D6E#{}",
            numeric::encode(bytes)
        ),
        _ => String::from_utf8_lossy(data).into_owned(),
    };
    let at = UnixTime::parse_rfc3339("2026-11-21T09:42:00+07:00").expect("a time");
    for trust in [Trust::Missing, Trust::Held(&BUNDLE)] {
        let evidence = Evidence {
            at,
            trust,
            lists: &LISTS,
        };
        let judged = judge(&text, &evidence);
        let valid = judged.report.verdict(&REQUIRED) == Verdict::Valid;
        let held = matches!(trust, Trust::Held(_));
        assert!(!valid || held, "valid without anybody to vouch for it");
        assert!(!valid || scan::parse(&text).is_ok(), "valid but unread");
    }
}

/// Digits: one text for each byte string.
pub(crate) fn numeric(data: &[u8]) {
    assert_eq!(numeric::decode(&numeric::encode(data)).as_deref(), Ok(data));
    let text = String::from_utf8_lossy(data);
    if let Ok(bytes) = numeric::decode(&text) {
        assert_eq!(numeric::encode(&bytes), text);
    }
}

/// Deterministic CBOR: what is accepted is written the same way again.
pub(crate) fn cbor(data: &[u8]) {
    if let Ok(value) = cbor::decode(data) {
        assert_eq!(cbor::encode(&value), data);
    }
}

/// A trust bundle, opened without and with the pinned key.
pub(crate) fn trust(data: &[u8]) {
    let pinned = BUNDLE.contents().operator.key.clone();
    let open = TrustBundle::open(data, None);
    if TrustBundle::open(data, Some(&pinned)).is_ok() {
        assert!(open.is_ok(), "pinning a key opens nothing more");
    }
}

/// A status list token.
pub(crate) fn status(data: &[u8]) {
    let _ = token::stated_uri(data);
    let _ = Lists::open(&BUNDLE, [data]);
}
