//! Giving time stamps: what the authority of tests and demonstrations does. A real one is somebody else's.

use super::info;
use super::{Request, TST_INFO, TimeStampError};
use crate::clock::UnixTime;
use crate::key::Algorithm;
use crate::pki::asn1::{BIT_STRING, element, sequence, unsigned};
use crate::pki::chain::Chain;
use crate::pki::cms::Signing;
use der::asn1::ObjectIdentifier;

/// What the authority is to say.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Stamping<'a> {
    /// Its policy.
    pub policy: ObjectIdentifier,
    /// Big-endian digits of a number it has not used yet.
    pub serial: &'a [u8],
    /// The time.
    pub at: UnixTime,
    /// Seconds by which its clock may be wrong.
    pub accuracy: u8,
}

/// Prepares a token that answers a request; the signed one goes into [`granted`].
///
/// # Errors
/// [`TimeStampError::Digest`] for an imprint that nobody can check, [`TimeStampError::Policy`] for another
/// policy than its own; [`TimeStampError::Malformed`] when the key does not go with the algorithm.
pub fn stamping(
    request: &Request,
    stamping: &Stamping<'_>,
    chain: &Chain,
    algorithm: Algorithm,
) -> Result<Signing, TimeStampError> {
    let hash = request.hash.map_err(TimeStampError::Digest)?;
    if let Some(wanted) = request.policy.filter(|wanted| *wanted != stamping.policy) {
        return Err(TimeStampError::Policy(wanted));
    }
    let content = info::write(
        stamping.policy,
        (hash, &request.digest),
        stamping.serial,
        stamping.at,
        stamping.accuracy,
        request.nonce.as_deref(),
    );
    Signing::enclosing(
        chain,
        TST_INFO,
        content,
        algorithm,
        request.wants_certificates,
    )
    .map_err(|_| TimeStampError::Malformed)
}

/// The answer with a token.
#[must_use]
pub fn granted(token: &[u8]) -> Vec<u8> {
    sequence(&[&sequence(&[&unsigned(&[0])]), token])
}

/// The answer without one: a rejection, and the bit of `PKIFailureInfo` that says why.
#[must_use]
pub fn refused(failure: u8) -> Vec<u8> {
    let mut bits = vec![0; usize::from(failure / 8)];
    let within = failure % 8;
    bits.push(0x80_u8.checked_shr(u32::from(within)).unwrap_or(0));
    let unused = 7_u8.saturating_sub(within);
    let failure = element(BIT_STRING, &[&[unused], &bits]);
    sequence(&[&sequence(&[&unsigned(&[2]), &failure])])
}
