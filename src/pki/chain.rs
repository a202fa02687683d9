//! From a certificate to a trusted root (RFC 5280 §6.1, without policies).
//!
//! ```text
//! leaf ── signed by ──► intermediate ── signed by ──► root (one of those given as trusted)
//!   0                        1                          2      position in errors
//! ```
//!
//! Checked for every certificate of the path: names chain, the signature holds, the moment lies in the
//! validity, no unknown critical extension. For every authority also: CA flag, keyCertSign, path length;
//! also for the root, because somebody put it there by hand. For the leaf: its purpose.

use super::certificate::Certificate;
use super::scheme::Unsupported;
use crate::clock::UnixTime;
use crate::key::{InvalidPublicKey, PublicKey};
use crate::limits;
use der::asn1::ObjectIdentifier;

/// Certificates of one signer, leaf first; each is issued by the next. Nobody vouched for it.
///
/// It may end with its root or before it: a verifier uses only roots of its own. What
/// `signer::authority` makes includes the root, so that a reader of the file can show it.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Chain {
    leaf: Certificate,
    issuers: Vec<Certificate>,
}

/// Certificates in another order than leaf first, or of different origins.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub enum ChainOrderError {
    /// There is none.
    #[error("a chain has at least one certificate")]
    Empty,
    /// More than [`limits::CHAIN`].
    #[error("more than {max} certificates", max = limits::CHAIN)]
    TooLong,
    /// A certificate was not issued by the one behind it.
    #[error("certificate {position} was not issued by the next one")]
    NotIssuedByNext {
        /// 0 is the leaf.
        position: usize,
    },
}

impl Chain {
    /// A chain of certificates, leaf first.
    ///
    /// # Errors
    /// [`ChainOrderError`] when a certificate is not signed by the next one.
    pub fn new(certificates: Vec<Certificate>) -> Result<Self, ChainOrderError> {
        if certificates.len() > limits::CHAIN {
            return Err(ChainOrderError::TooLong);
        }
        for (position, pair) in certificates.windows(2).enumerate() {
            if let [subject, issuer] = pair
                && (subject.issuer() != issuer.subject()
                    || subject.is_signed_by(issuer) != Ok(true))
            {
                return Err(ChainOrderError::NotIssuedByNext { position });
            }
        }
        let mut certificates = certificates.into_iter();
        Ok(Self {
            leaf: certificates.next().ok_or(ChainOrderError::Empty)?,
            issuers: certificates.collect(),
        })
    }

    /// The signer's certificate.
    #[must_use]
    pub fn leaf(&self) -> &Certificate {
        &self.leaf
    }

    /// The certificates above the leaf.
    #[must_use]
    pub fn issuers(&self) -> &[Certificate] {
        &self.issuers
    }

    /// All certificates, leaf first.
    pub fn certificates(&self) -> impl Iterator<Item = &Certificate> {
        std::iter::once(&self.leaf).chain(&self.issuers)
    }

    /// The leaf's key.
    ///
    /// # Errors
    /// [`InvalidPublicKey`] when it is not a kind that this service signs with.
    pub fn public_key(&self) -> Result<PublicKey, InvalidPublicKey> {
        self.leaf.public_key()
    }

    /// PEM text, leaf first.
    #[must_use]
    pub fn pem(&self) -> String {
        self.certificates().map(Certificate::pem).collect()
    }
}

/// What a leaf is wanted for.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Purpose {
    /// Signing documents. Key usage, where present, has digitalSignature or nonRepudiation; extended key
    /// usage, where present, names document signing (RFC 9336), e-mail protection (which Vietnamese
    /// official-duty certificates carry), a vendor's document signing, or any.
    DocumentSigning,
    /// Signing time stamps: extended key usage is critical and names nothing else (RFC 3161 §2.3).
    TimeStamping,
}

/// Why no trusted path was found. Positions count from the leaf, 0.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub enum ChainError {
    /// No trusted root above it.
    #[error("no path to a trusted root")]
    NoPath,
    /// Not valid any more.
    #[error("certificate {position} expired at {not_after}, before {at}")]
    Expired {
        /// Which certificate.
        position: usize,
        /// Its last second.
        not_after: UnixTime,
        /// The moment asked about.
        at: UnixTime,
    },
    /// Not valid yet.
    #[error("certificate {position} is valid from {not_before}, after {at}")]
    NotYetValid {
        /// Which certificate.
        position: usize,
        /// Its first second.
        not_before: UnixTime,
        /// The moment asked about.
        at: UnixTime,
    },
    /// The certificate that should have signed it did not.
    #[error("the signature on certificate {position} does not hold")]
    BadSignature {
        /// Which certificate.
        position: usize,
    },
    /// The signature on a certificate cannot be checked.
    #[error("the signature on certificate {position} cannot be checked")]
    Unsupported {
        /// Which certificate.
        position: usize,
        /// What is not supported.
        #[source]
        source: Unsupported,
    },
    /// It signed a certificate without being an authority.
    #[error("certificate {position} is no authority")]
    NotAnAuthority {
        /// Which certificate.
        position: usize,
    },
    /// Its key usage lacks keyCertSign.
    #[error("certificate {position} may not sign certificates")]
    MayNotSignCertificates {
        /// Which certificate.
        position: usize,
    },
    /// More authorities below it than it allows.
    #[error("certificate {position} allows {allowed} authorities below it")]
    PathLength {
        /// Which certificate.
        position: usize,
        /// Its path length constraint.
        allowed: u32,
    },
    /// It must not be used for this.
    #[error("the certificate is not meant for this purpose")]
    WrongPurpose(Purpose),
    /// RFC 5280 §4.2: what must be understood and is not.
    #[error("certificate {position} has the unknown critical extension {oid}")]
    UnknownCriticalExtension {
        /// Which certificate.
        position: usize,
        /// The extension.
        oid: ObjectIdentifier,
    },
    /// The search was given up.
    #[error("more than {max} certificates or signatures to look at")]
    TooLong {
        /// The limit.
        max: usize,
    },
}

/// Whether somebody withdrew a certificate of the chain.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Revocation {
    /// Neither CRL nor OCSP was asked.
    NotPerformed,
}

/// A path that held at a moment, root included. [`build`] is the only way to make one.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct VerifiedChain {
    certificates: Vec<Certificate>,
    at: UnixTime,
    purpose: Purpose,
}

impl VerifiedChain {
    /// All certificates, leaf first, root last.
    #[must_use]
    pub fn certificates(&self) -> &[Certificate] {
        &self.certificates
    }

    /// The certificate that the path was built for.
    #[must_use]
    pub fn leaf(&self) -> Option<&Certificate> {
        self.certificates.first()
    }

    /// The trusted root.
    #[must_use]
    pub fn root(&self) -> Option<&Certificate> {
        self.certificates.last()
    }

    /// The moment for which the path held.
    #[must_use]
    pub fn at(&self) -> UnixTime {
        self.at
    }

    /// What the leaf was wanted for.
    #[must_use]
    pub fn purpose(&self) -> Purpose {
        self.purpose
    }

    /// Revocation is not checked here.
    #[must_use]
    pub fn revocation(&self) -> Revocation {
        Revocation::NotPerformed
    }
}

/// Finds a path from `leaf` over `intermediates` (in any order, from anybody) to one of the trusted `roots`
/// that holds at the moment `at`.
///
/// # Errors
/// The fault of the leaf, or of the first path that led closest to a root; [`ChainError::NoPath`] when no
/// certificate with the issuer's name and key identifier is at hand.
pub fn build(
    leaf: &Certificate,
    intermediates: &[Certificate],
    roots: &[Certificate],
    at: UnixTime,
    purpose: Purpose,
) -> Result<VerifiedChain, ChainError> {
    check_itself(leaf, 0, at)?;
    check_purpose(leaf, purpose)?;
    let mut search = Search {
        intermediates,
        roots,
        at,
        signatures_left: limits::CHAIN_SIGNATURES,
        closest: None,
    };
    let mut path = vec![leaf];
    if search.climb(&mut path)? {
        return Ok(VerifiedChain {
            certificates: path.into_iter().cloned().collect(),
            at,
            purpose,
        });
    }
    Err(search
        .closest
        .map_or(ChainError::NoPath, |(_, fault)| fault))
}

struct Search<'a> {
    intermediates: &'a [Certificate],
    roots: &'a [Certificate],
    at: UnixTime,
    signatures_left: usize,
    /// The fault found highest up, and how high that was.
    closest: Option<(usize, ChainError)>,
}

impl<'a> Search<'a> {
    /// Extends `path` up to a root; leaves it as it was and says `false` if there is no way.
    fn climb(&mut self, path: &mut Vec<&'a Certificate>) -> Result<bool, ChainError> {
        let position = path.len();
        let Some(subject) = path.last().copied() else {
            return Ok(false);
        };
        if position >= limits::CHAIN {
            return Err(ChainError::TooLong { max: limits::CHAIN });
        }
        let candidates = self.roots.iter().map(|root| (root, true)).chain(
            self.intermediates
                .iter()
                .map(|intermediate| (intermediate, false)),
        );
        for (issuer, trusted) in candidates {
            if issuer.subject() != subject.issuer()
                || names_another_key(subject, issuer)
                || path.contains(&issuer)
            {
                continue;
            }
            if let Err(fault) = self.check_issuer(path, subject, issuer)? {
                if self.closest.is_none_or(|(height, _)| position > height) {
                    self.closest = Some((position, fault));
                }
                continue;
            }
            path.push(issuer);
            if trusted || self.climb(path)? {
                return Ok(true);
            }
            path.pop();
        }
        Ok(false)
    }

    /// Whether `issuer` may stand above `subject`, the last of `path`. The outer error ends the search.
    fn check_issuer(
        &mut self,
        path: &[&Certificate],
        subject: &Certificate,
        issuer: &Certificate,
    ) -> Result<Result<(), ChainError>, ChainError> {
        self.signatures_left = self
            .signatures_left
            .checked_sub(1)
            .ok_or(ChainError::TooLong {
                max: limits::CHAIN_SIGNATURES,
            })?;
        Ok(check_authority(path, issuer, self.at).and_then(|()| {
            let position = path.len().saturating_sub(1);
            match subject.is_signed_by(issuer) {
                Ok(true) => Ok(()),
                Ok(false) => Err(ChainError::BadSignature { position }),
                Err(source) => Err(ChainError::Unsupported { position, source }),
            }
        }))
    }
}

/// Whether the key identifiers say that another key of the same authority signed `subject`: test
/// authorities and renewed ones share their name with others.
fn names_another_key(subject: &Certificate, issuer: &Certificate) -> bool {
    match (subject.authority_key_id(), issuer.subject_key_id()) {
        (Some(wanted), Some(offered)) => wanted != offered,
        _ => false,
    }
}

/// What holds for every certificate of a path.
fn check_itself(
    certificate: &Certificate,
    position: usize,
    at: UnixTime,
) -> Result<(), ChainError> {
    if let Some(oid) = certificate.unknown_critical_extension() {
        return Err(ChainError::UnknownCriticalExtension { position, oid });
    }
    let (not_before, not_after) = (certificate.not_before(), certificate.not_after());
    if at < not_before {
        return Err(ChainError::NotYetValid {
            position,
            not_before,
            at,
        });
    }
    if at > not_after {
        return Err(ChainError::Expired {
            position,
            not_after,
            at,
        });
    }
    Ok(())
}

/// What holds for every certificate that signed another, if it stood above `below`.
fn check_authority(
    below: &[&Certificate],
    issuer: &Certificate,
    at: UnixTime,
) -> Result<(), ChainError> {
    let position = below.len();
    if !issuer.is_ca() {
        return Err(ChainError::NotAnAuthority { position });
    }
    if issuer
        .key_usage()
        .is_some_and(|usage| !usage.key_cert_sign())
    {
        return Err(ChainError::MayNotSignCertificates { position });
    }
    if let Some(allowed) = issuer.path_length() {
        // RFC 5280 §4.2.1.9: self-issued authorities do not count, nor does the leaf.
        let authorities = below
            .iter()
            .skip(1)
            .filter(|certificate| !certificate.is_self_issued())
            .count();
        if u32::try_from(authorities).is_ok_and(|count| count > allowed) {
            return Err(ChainError::PathLength { position, allowed });
        }
    }
    check_itself(issuer, position, at)
}

fn check_purpose(leaf: &Certificate, purpose: Purpose) -> Result<(), ChainError> {
    let signs = leaf
        .key_usage()
        .is_none_or(|usage| usage.digital_signature() || usage.content_commitment());
    let fits = match (purpose, leaf.extended_key_usage()) {
        (Purpose::DocumentSigning, None) => true,
        (Purpose::DocumentSigning, Some(purposes)) => {
            purposes.iter().any(|one| DOCUMENT_SIGNING.contains(one))
        }
        (Purpose::TimeStamping, purposes) => {
            purposes == Some(&[TIME_STAMPING]) && leaf.extended_key_usage_is_critical()
        }
    };
    if signs && fits {
        Ok(())
    } else {
        Err(ChainError::WrongPurpose(purpose))
    }
}

const DOCUMENT_SIGNING: &[ObjectIdentifier] = &[
    // anyExtendedKeyUsage, id-kp-emailProtection (RFC 5280 §4.2.1.12)
    ObjectIdentifier::new_unwrap("2.5.29.37.0"),
    ObjectIdentifier::new_unwrap("1.3.6.1.5.5.7.3.4"),
    // id-kp-documentSigning (RFC 9336)
    ObjectIdentifier::new_unwrap("1.3.6.1.5.5.7.3.36"),
    // Microsoft's and Adobe's own
    ObjectIdentifier::new_unwrap("1.3.6.1.4.1.311.10.3.12"),
    ObjectIdentifier::new_unwrap("1.2.840.113583.1.1.5"),
];

/// id-kp-timeStamping (RFC 3161 §2.3).
const TIME_STAMPING: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.6.1.5.5.7.3.8");
