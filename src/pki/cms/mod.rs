//! Detached CMS signatures (RFC 5652): making those of PAdES baseline, checking anybody's.
//!
//! ```text
//! ContentInfo { signedData, [0] SignedData {
//!     version, digestAlgorithms, encapContentInfo { data, nothing },
//!     certificates [0]  leaf and what is above it,
//!     signerInfos       exactly one { version, issuer and serial, digestAlgorithm,
//!         signedAttrs [0]  content-type, message-digest, signing-certificate-v2   ◄── signed as SET OF
//!         signatureAlgorithm, signature,
//!         unsignedAttrs [1] signature-time-stamp, from B-T on } } }
//! ```
//!
//! Written with the small DER writer of `pki` and not from the types of the `cms` crate, because chains go
//! in as the bytes they are and 2 % of real certificates do not encode again to what they were; the `cms`
//! crate judges our bytes in the tests.

mod check;
mod parse;
mod signing;

pub use check::{Binding, CmsCheck, CmsOutcome, Content};
pub use parse::{CmsError, SignedData};
pub use signing::{Signed, Signing, SigningError, size_bound, size_bound_stamped};

use der::asn1::ObjectIdentifier;

const fn known(oid: &str) -> ObjectIdentifier {
    ObjectIdentifier::new_unwrap(oid)
}

/// RFC 5652 §4 and §5.1.
const DATA: ObjectIdentifier = known("1.2.840.113549.1.7.1");
const SIGNED_DATA: ObjectIdentifier = known("1.2.840.113549.1.7.2");
/// RFC 5652 §11.
const CONTENT_TYPE: ObjectIdentifier = known("1.2.840.113549.1.9.3");
const MESSAGE_DIGEST: ObjectIdentifier = known("1.2.840.113549.1.9.4");
const SIGNING_TIME: ObjectIdentifier = known("1.2.840.113549.1.9.5");
/// RFC 5035 §3.
const SIGNING_CERTIFICATE_V2: ObjectIdentifier = known("1.2.840.113549.1.9.16.2.47");
/// RFC 3161 appendix A.
const TIME_STAMP_TOKEN: ObjectIdentifier = known("1.2.840.113549.1.9.16.2.14");

/// `directoryName` of a `GeneralName` (RFC 5280 §4.2.1.6).
const DIRECTORY_NAME: u8 = 0xa4;
