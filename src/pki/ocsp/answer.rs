//! `OCSPResponse` (RFC 6960 §4.2).

use super::request::{CertificateId, read_nonce};
use super::{BASIC, OCSP_SIGNING, OcspError, opened};
use crate::clock::UnixTime;
use crate::limits;
use crate::pki::asn1::{
    self, BIT_STRING, Broken, CONTEXT_0, CONTEXT_0_PRIMITIVE, CONTEXT_1, CONTEXT_2,
    CONTEXT_2_PRIMITIVE, ENUMERATED, Element, GENERALIZED_TIME, OCTET_STRING, SEQUENCE,
};
use crate::pki::certificate::Certificate;
use crate::pki::moment;
use crate::pki::revocation::{
    CertificateStatus, Freshness, RevocationReason, Revoked, Stale, extensions,
};
use crate::pki::scheme::{Scheme, Unsupported};

/// An answer that was read. Not checked yet; see [`Self::check`].
#[derive(Clone, Debug)]
pub struct Answer {
    der: Vec<u8>,
    signed: Vec<u8>,
    responder: Responder,
    produced_at: UnixTime,
    answers: Vec<One>,
    nonce: Option<Vec<u8>>,
    scheme: Result<Scheme, Unsupported>,
    signature: Vec<u8>,
    certificates: Vec<Certificate>,
}

#[derive(Clone, Debug)]
enum Responder {
    /// Raw name.
    Name(Vec<u8>),
    /// SHA-1 of the key's bits.
    Key(Vec<u8>),
}

#[derive(Clone, Debug)]
struct One {
    id: Option<CertificateId>,
    status: CertificateStatus,
    this_update: UnixTime,
    next_update: Option<UnixTime>,
}

/// What an answer is checked against.
#[derive(Clone, Copy, Debug)]
pub struct Question<'a> {
    /// The certificate asked about.
    pub certificate: &'a Certificate,
    /// Its issuer, which is trusted already.
    pub issuer: &'a Certificate,
    /// The nonce that was sent. An answer without one was made beforehand and is judged by its age
    /// (RFC 6960 §4.4.1); one with another is refused.
    pub nonce: Option<&'a [u8]>,
    /// The moment for which the answer is to hold.
    pub at: UnixTime,
    /// How fresh it must be.
    pub freshness: Freshness,
}

/// What is known about a certificate. [`Answer::check`] is the only way to make one.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Known {
    /// What the responder said.
    pub status: CertificateStatus,
    /// When it was known to be so.
    pub this_update: UnixTime,
    /// Until when nothing newer is to be had.
    pub next_update: Option<UnixTime>,
    /// When the answer was signed.
    pub produced_at: UnixTime,
    /// Who signed it, if it was not the issuer.
    pub responder: Option<Certificate>,
}

impl Answer {
    /// Reads an answer.
    ///
    /// # Errors
    /// [`OcspError`]; [`OcspError::Refused`] when the responder gives none.
    pub fn parse(bytes: &[u8]) -> Result<Self, OcspError> {
        let mut parts = opened(bytes)?;
        let status = parts.expect(ENUMERATED)?.small()?;
        let body = parts.optional(CONTEXT_0)?;
        parts.end()?;
        if status != 0 {
            return Err(OcspError::Refused(status));
        }
        let mut explicit = body.ok_or(OcspError::Malformed)?.inside();
        let mut body = explicit.expect(SEQUENCE)?.inside();
        explicit.end()?;
        let kind = body.any()?.oid()?;
        if kind != BASIC {
            return Err(OcspError::Kind(kind));
        }
        let basic = body.expect(OCTET_STRING)?.content;
        body.end()?;
        Self::read(bytes, asn1::der(basic)?)
    }

    fn read(bytes: &[u8], basic: Element<'_>) -> Result<Self, OcspError> {
        if basic.tag != SEQUENCE {
            return Err(OcspError::Malformed);
        }
        let mut parts = basic.inside();
        let signed = parts.expect(SEQUENCE)?;
        let scheme = Scheme::read(parts.expect(SEQUENCE)?, None);
        let signature = parts.expect(BIT_STRING)?.bits()?.to_vec();
        let certificates = match parts.optional(CONTEXT_0)? {
            Some(list) => read_certificates(list)?,
            None => Vec::new(),
        };
        parts.end()?;
        let mut data = signed.inside();
        // Version 1 is the default, which DER leaves out.
        if data.optional(CONTEXT_0)?.is_some() {
            return Err(OcspError::Malformed);
        }
        let responder = data.any()?;
        let responder = match responder.tag {
            CONTEXT_1 => Responder::Name(responder.content.to_vec()),
            CONTEXT_2 => Responder::Key(responder.inside().expect(OCTET_STRING)?.content.to_vec()),
            _ => return Err(OcspError::Malformed),
        };
        let produced_at = moment::read(data.expect(GENERALIZED_TIME)?)?;
        let mut list = data.expect(SEQUENCE)?.inside();
        let mut answers = Vec::new();
        while let Some(one) = list.next()? {
            if answers.len() >= limits::OCSP_ANSWERS {
                return Err(OcspError::TooLarge);
            }
            answers.push(One::read(one)?);
        }
        let nonce = match data.optional(CONTEXT_1)? {
            Some(explicit) => read_nonce(explicit)?,
            None => None,
        };
        data.end()?;
        Ok(Self {
            der: bytes.to_vec(),
            signed: signed.raw.to_vec(),
            responder,
            produced_at,
            answers,
            nonce,
            scheme,
            signature,
            certificates,
        })
    }

    /// The bytes as they came: an `OCSPResponse`.
    #[must_use]
    pub fn der(&self) -> &[u8] {
        &self.der
    }

    /// The certificates inside.
    #[must_use]
    pub fn certificates(&self) -> &[Certificate] {
        &self.certificates
    }

    /// Of when it speaks about this certificate; `None` if it does not.
    #[must_use]
    pub fn known_at(&self, certificate: &Certificate, issuer: &Certificate) -> Option<UnixTime> {
        let mut answers = self.answers.iter();
        let about = answers.find(|one| one.means(certificate, issuer));
        about.map(|one| one.this_update)
    }

    /// What it says about a certificate, if its responder may say so and it holds at that moment.
    ///
    /// # Errors
    /// [`OcspError`]. That a certificate was withdrawn, or is unknown, is an answer and no error.
    pub fn check(&self, question: &Question<'_>) -> Result<Known, OcspError> {
        let one = self
            .answers
            .iter()
            .find(|one| one.means(question.certificate, question.issuer))
            .ok_or(OcspError::OtherCertificate)?;
        if let (Some(sent), Some(came)) = (question.nonce, self.nonce.as_deref())
            && sent != came
        {
            return Err(OcspError::Nonce);
        }
        let responder = self.responder(question)?;
        let holds = self
            .scheme
            .and_then(|scheme| scheme.verifies(responder.spki(), &self.signed, &self.signature))
            .map_err(OcspError::Unsupported)?;
        if !holds {
            return Err(OcspError::BadSignature);
        }
        let freshness = question.freshness;
        if self.produced_at > question.at.plus(freshness.skew) {
            return Err(OcspError::Future(self.produced_at));
        }
        freshness
            .judge(one.this_update, one.next_update, question.at)
            .map_err(|stale| match stale {
                Stale::Future => OcspError::Future(one.this_update),
                Stale::TooOld => OcspError::TooOld(one.this_update),
            })?;
        Ok(Known {
            status: one.status,
            this_update: one.this_update,
            next_update: one.next_update,
            produced_at: self.produced_at,
            responder: (responder != question.issuer).then(|| responder.clone()),
        })
    }

    /// The issuer, or a certificate inside that the issuer delegated answering to (RFC 6960 §4.2.2.2).
    fn responder<'a>(&'a self, question: &Question<'a>) -> Result<&'a Certificate, OcspError> {
        let issuer = question.issuer;
        if self.names(issuer) {
            return Ok(issuer);
        }
        let delegate = self
            .certificates
            .iter()
            .find(|certificate| self.names(certificate))
            .ok_or(OcspError::NoResponder)?;
        let purposes = delegate.extended_key_usage().unwrap_or_default();
        let signs = delegate
            .key_usage()
            .is_none_or(|usage| usage.digital_signature() || usage.content_commitment());
        let below = delegate.issuer() == issuer.subject()
            && delegate
                .is_signed_by(issuer)
                .map_err(OcspError::Unsupported)?;
        if !purposes.contains(&OCSP_SIGNING)
            || !signs
            || !below
            || delegate.unknown_critical_extension().is_some()
        {
            return Err(OcspError::NotAuthorised);
        }
        if self.produced_at < delegate.not_before() || self.produced_at > delegate.not_after() {
            return Err(OcspError::ResponderPeriod(self.produced_at));
        }
        if !delegate.ocsp_no_check() {
            return Err(OcspError::ResponderStatus);
        }
        Ok(delegate)
    }

    fn names(&self, certificate: &Certificate) -> bool {
        match &self.responder {
            Responder::Name(name) => name == certificate.subject().raw(),
            Responder::Key(key) => {
                let algorithm = &ring::digest::SHA1_FOR_LEGACY_USE_ONLY;
                let digest = ring::digest::digest(algorithm, certificate.key_bits());
                digest.as_ref() == key
            }
        }
    }
}

impl One {
    fn means(&self, certificate: &Certificate, issuer: &Certificate) -> bool {
        self.id
            .as_ref()
            .is_some_and(|id| id.means(certificate, issuer))
    }

    /// `SingleResponse`.
    fn read(one: Element<'_>) -> Result<Self, OcspError> {
        if one.tag != SEQUENCE {
            return Err(OcspError::Malformed);
        }
        let mut parts = one.inside();
        let id = CertificateId::read(parts.expect(SEQUENCE)?)?;
        let status = parts.any()?;
        let status = match status.tag {
            CONTEXT_0_PRIMITIVE if status.content.is_empty() => CertificateStatus::Good,
            CONTEXT_1 => CertificateStatus::Revoked(revoked(status)?),
            CONTEXT_2_PRIMITIVE if status.content.is_empty() => CertificateStatus::Unknown,
            _ => return Err(OcspError::Malformed),
        };
        let this_update = moment::read(parts.expect(GENERALIZED_TIME)?)?;
        let next_update = match parts.optional(CONTEXT_0)? {
            Some(explicit) => Some(moment::read(explicit.inside().expect(GENERALIZED_TIME)?)?),
            None => None,
        };
        if let Some(explicit) = parts.optional(CONTEXT_1)? {
            let list = extensions(explicit.inside().expect(SEQUENCE)?)?;
            if let Some(unknown) = list.iter().find(|extension| extension.critical) {
                return Err(OcspError::UnknownCriticalExtension(unknown.oid));
            }
        }
        parts.end()?;
        Ok(Self {
            id,
            status,
            this_update,
            next_update,
        })
    }
}

/// `RevokedInfo`.
fn revoked(info: Element<'_>) -> Result<Revoked, Broken> {
    let mut parts = info.inside();
    let at = moment::read(parts.expect(GENERALIZED_TIME)?)?;
    let reason = match parts.optional(CONTEXT_0)? {
        Some(explicit) => {
            let number = explicit.inside().expect(ENUMERATED)?.small()?;
            Some(RevocationReason::read(number)?)
        }
        None => None,
    };
    parts.end()?;
    Ok(Revoked {
        at,
        reason,
        invalid_since: None,
    })
}

fn read_certificates(explicit: Element<'_>) -> Result<Vec<Certificate>, OcspError> {
    let mut inside = explicit.inside();
    let mut list = inside.expect(SEQUENCE)?.inside();
    inside.end()?;
    let mut certificates = Vec::new();
    while let Some(one) = list.next()? {
        if certificates.len() >= limits::CERTIFICATES {
            return Err(OcspError::TooLarge);
        }
        let read = Certificate::from_der(one.raw).map_err(|_| OcspError::Malformed)?;
        certificates.push(read);
    }
    Ok(certificates)
}
