//! The services of the demo authority: time stamps and answers about certificates, made in this process. They
//! speak the formats of real ones, so that nothing else knows the difference, and are worth nothing.

use super::authority::{
    AuthorityError, DemoAuthority, Service, Validity, Withdrawn, random_serial,
};
use super::private_key::PrivateKey;
use crate::clock::UnixTime;
use crate::key::Algorithm;
use crate::pki::ocsp::{self, Answering};
use crate::pki::timestamp::{self, Stamping, TimeStampError};
use crate::pki::{CertificateStatus, Chain, ObjectIdentifier};

/// The name of the time-stamp authority.
pub const TIME_STAMPS_NAME: &str = "TSA THỬ NGHIỆM – KHÔNG CÓ GIÁ TRỊ PHÁP LÝ";

/// The name of the responder.
pub const STATUS_NAME: &str = "OCSP THỬ NGHIỆM – KHÔNG CÓ GIÁ TRỊ PHÁP LÝ";

/// The policy of its time stamps, below the arc for examples (RFC 5612).
pub const POLICY: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.6.1.4.1.32473.1.1");

/// Seconds by which its clock may be wrong.
const ACCURACY: u8 = 1;

/// A time-stamp authority.
#[derive(Debug)]
pub struct TimeStampService {
    chain: Chain,
    key: PrivateKey,
}

/// A responder for the certificates of the issuing authority.
#[derive(Debug)]
pub struct StatusService {
    chain: Chain,
    key: PrivateKey,
}

impl TimeStampService {
    /// Makes key and certificate.
    ///
    /// # Errors
    /// [`AuthorityError`].
    pub fn generate(authority: &DemoAuthority, validity: Validity) -> Result<Self, AuthorityError> {
        let key = PrivateKey::generate(Algorithm::Es256)?;
        let service = Service::TimeStamping;
        let chain =
            authority.issue_service(service, TIME_STAMPS_NAME, key.public_key(), validity)?;
        Ok(Self { chain, key })
    }

    /// Its certificate and those above.
    #[must_use]
    pub fn chain(&self) -> &Chain {
        &self.chain
    }

    /// The `TimeStampResp` to a `TimeStampReq`, at the time `at`.
    ///
    /// # Errors
    /// [`AuthorityError`] when randomness fails. What cannot be stamped gets a refusal.
    pub fn answer(&self, request: &[u8], at: UnixTime) -> Result<Vec<u8>, AuthorityError> {
        let serial = random_serial()?;
        let stamping = Stamping {
            policy: POLICY,
            serial: &serial,
            at,
            accuracy: ACCURACY,
        };
        let algorithm = self.key.public_key().algorithm();
        let prepared = timestamp::Request::parse(request)
            .and_then(|request| timestamp::stamping(&request, &stamping, &self.chain, algorithm));
        let failure = match prepared {
            Ok(prepared) => {
                let signature = self.key.sign(&prepared.to_be_signed());
                let token = signature
                    .ok()
                    .and_then(|made| prepared.assemble(&made).ok());
                match token {
                    Some(token) => return Ok(timestamp::granted(&token)),
                    None => SYSTEM_FAILURE,
                }
            }
            Err(TimeStampError::Digest(_)) => BAD_ALGORITHM,
            Err(TimeStampError::Policy(_)) => UNACCEPTED_POLICY,
            Err(TimeStampError::UnknownCriticalExtension(_)) => UNACCEPTED_EXTENSION,
            Err(_) => BAD_DATA_FORMAT,
        };
        Ok(timestamp::refused(failure))
    }
}

/// `PKIFailureInfo` (RFC 3161 §2.4.2).
const BAD_ALGORITHM: u8 = 0;
const BAD_DATA_FORMAT: u8 = 5;
const UNACCEPTED_POLICY: u8 = 15;
const UNACCEPTED_EXTENSION: u8 = 16;
const SYSTEM_FAILURE: u8 = 25;

impl StatusService {
    /// Makes key and certificate.
    ///
    /// # Errors
    /// [`AuthorityError`].
    pub fn generate(authority: &DemoAuthority, validity: Validity) -> Result<Self, AuthorityError> {
        let key = PrivateKey::generate(Algorithm::Es256)?;
        let service = Service::OcspSigning;
        let chain = authority.issue_service(service, STATUS_NAME, key.public_key(), validity)?;
        Ok(Self { chain, key })
    }

    /// Its certificate and those above.
    #[must_use]
    pub fn chain(&self) -> &Chain {
        &self.chain
    }

    /// The `OCSPResponse` to an `OCSPRequest`: withdrawn is what stands in the list, unknown what another
    /// authority issued, good is all else. It holds from `at` to `until`.
    #[must_use]
    pub fn answer(
        &self,
        request: &[u8],
        withdrawn: &Withdrawn,
        at: UnixTime,
        until: UnixTime,
    ) -> Vec<u8> {
        let Ok(request) = ocsp::Request::parse(request) else {
            return ocsp::refused(MALFORMED_REQUEST);
        };
        let ours = self.chain.issuers().first().is_some_and(|issuer| {
            let mut asked = request.certificates.iter();
            asked.all(|id| id.is_below(issuer))
        });
        if !ours {
            return ocsp::refused(UNAUTHORIZED);
        }
        let status = |serial: &[u8]| {
            withdrawn
                .iter()
                .find(|(known, _)| known == serial)
                .map_or(CertificateStatus::Good, |(_, revoked)| {
                    CertificateStatus::Revoked(*revoked)
                })
        };
        let answer = Answering::new(&request, status, at, until, &self.chain);
        answer
            .and_then(|answer| {
                let signature = self.key.sign(answer.to_be_signed());
                answer.assemble(&signature.unwrap_or_default())
            })
            .unwrap_or_else(|_| ocsp::refused(INTERNAL_ERROR))
    }
}

/// RFC 6960 §4.2.1.
const MALFORMED_REQUEST: u8 = 1;
const INTERNAL_ERROR: u8 = 2;
const UNAUTHORIZED: u8 = 6;
