//! Answering: what the authority of tests and demonstrations does.

use super::request::nonce_extension;
use super::{BASIC, Request};
use crate::clock::UnixTime;
use crate::key::PublicKey;
use crate::pki::asn1::{
    self, BIT_STRING, CONTEXT_0, CONTEXT_0_PRIMITIVE, CONTEXT_1, CONTEXT_2_PRIMITIVE, ENUMERATED,
    OCTET_STRING, element, sequence,
};
use crate::pki::certificate::Certificate;
use crate::pki::chain::Chain;
use crate::pki::cms::SigningError;
use crate::pki::moment;
use crate::pki::revocation::{CertificateStatus, Revoked};
use crate::pki::scheme::Scheme;

/// A prepared answer, waiting for the responder's key.
#[derive(Debug)]
pub struct Answering {
    data: Vec<u8>,
    key: PublicKey,
    responder: Certificate,
}

impl Answering {
    /// Answers a request with what `status` says of each serial number; it holds from `at` to `until`. The
    /// leaf of `chain` is the responder.
    ///
    /// # Errors
    /// [`SigningError::BadSignature`] when the responder's key is not one of ours.
    pub fn new(
        request: &Request,
        status: impl Fn(&[u8]) -> CertificateStatus,
        at: UnixTime,
        until: UnixTime,
        chain: &Chain,
    ) -> Result<Self, SigningError> {
        let key = chain.public_key();
        let key = key.map_err(|_| SigningError::BadSignature)?;
        let now = moment::write(at);
        let next = element(CONTEXT_0, &[&moment::write(until)]);
        let answers: Vec<Vec<u8>> = request
            .certificates
            .iter()
            .map(|id| sequence(&[&id.der(), &spelled(status(id.serial())), &now, &next]))
            .collect();
        let nonce = request.nonce.as_deref().map(|nonce| {
            let list = sequence(&[&nonce_extension(nonce)]);
            element(CONTEXT_1, &[&list])
        });
        let data = sequence(&[
            &element(CONTEXT_1, &[chain.leaf().subject().raw()]),
            &now,
            &sequence(&[&answers.concat()]),
            &nonce.unwrap_or_default(),
        ]);
        Ok(Self {
            data,
            key,
            responder: chain.leaf().clone(),
        })
    }

    /// What the key signs.
    #[must_use]
    pub fn to_be_signed(&self) -> &[u8] {
        &self.data
    }

    /// The finished `OCSPResponse`. An ES256 signature comes as raw `r ‖ s` of 64 bytes.
    ///
    /// # Errors
    /// [`SigningError::BadSignature`] when the responder's key did not make it.
    pub fn assemble(self, signature: &[u8]) -> Result<Vec<u8>, SigningError> {
        if !self.key.verifies(&self.data, signature) {
            return Err(SigningError::BadSignature);
        }
        let algorithm = self.key.algorithm();
        let value = Scheme::value(algorithm, signature).ok_or(SigningError::BadSignature)?;
        let certificates = sequence(&[self.responder.der()]);
        let basic = sequence(&[
            &self.data,
            &Scheme::identifier(algorithm),
            &element(BIT_STRING, &[&[0], &value]),
            &element(CONTEXT_0, &[&certificates]),
        ]);
        let body = sequence(&[&asn1::oid(BASIC), &element(OCTET_STRING, &[&basic])]);
        Ok(sequence(&[
            &element(ENUMERATED, &[&[0]]),
            &element(CONTEXT_0, &[&body]),
        ]))
    }
}

/// The answer that gives none: 1 malformed, 2 internal error, 3 try later, 6 not authorised.
#[must_use]
pub fn refused(status: u8) -> Vec<u8> {
    sequence(&[&element(ENUMERATED, &[&[status]])])
}

fn spelled(status: CertificateStatus) -> Vec<u8> {
    match status {
        CertificateStatus::Good => element(CONTEXT_0_PRIMITIVE, &[]),
        CertificateStatus::Unknown => element(CONTEXT_2_PRIMITIVE, &[]),
        CertificateStatus::Revoked(Revoked { at, reason, .. }) => {
            let reason = reason.map(|reason| {
                let number = element(ENUMERATED, &[&[reason.number()]]);
                element(CONTEXT_0, &[&number])
            });
            element(
                CONTEXT_1,
                &[&moment::write(at), &reason.unwrap_or_default()],
            )
        }
    }
}
