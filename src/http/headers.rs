//! Headers of every answer, also of errors and of what no route knows: strict unless a handler said otherwise.
//!
//! Nothing may be kept by caches, framed, sniffed or read by pages of other origins. What may, says so where
//! it is answered: signed publications may be kept and read by anybody, pages name their style and script.

use axum::http::{HeaderName, HeaderValue, header};
use axum::response::Response;

const STRICT: [(HeaderName, &str); 10] = [
    (
        header::CONTENT_SECURITY_POLICY,
        "default-src 'none'; form-action 'none'; base-uri 'none'; frame-ancestors 'none'",
    ),
    (header::CACHE_CONTROL, "no-store"),
    (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (header::X_FRAME_OPTIONS, "DENY"),
    (header::REFERRER_POLICY, "no-referrer"),
    (HeaderName::from_static("x-robots-tag"), "noindex"),
    (
        HeaderName::from_static("permissions-policy"),
        "camera=(), geolocation=(), microphone=()",
    ),
    (
        HeaderName::from_static("cross-origin-opener-policy"),
        "same-origin",
    ),
    (
        HeaderName::from_static("cross-origin-resource-policy"),
        "same-origin",
    ),
    (
        HeaderName::from_static("x-permitted-cross-domain-policies"),
        "none",
    ),
];

/// Two years, as browsers' lists ask for. Subdomains are not ours to decide about.
const HSTS: &str = "max-age=63072000";

/// Puts them on, and HSTS where the public comes by TLS.
pub(super) fn strict(secure: bool, mut response: Response) -> Response {
    let headers = response.headers_mut();
    for (name, value) in STRICT {
        headers
            .entry(name)
            .or_insert(HeaderValue::from_static(value));
    }
    if secure {
        let hsts = HeaderValue::from_static(HSTS);
        headers.insert(header::STRICT_TRANSPORT_SECURITY, hsts);
    }
    response
}
