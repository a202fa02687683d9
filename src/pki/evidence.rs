//! What was gathered about the certificates of a path, and what it adds up to.
//!
//! ```text
//!      proven time          known by
//! ──────────┼───────────────────┼──────────►
//!  [ this update … next update ]              says what was so at the proven time
//!           │    [ this update … next update ]  made later: whoever is good then was good before
//! ```

use super::certificate::Certificate;
use super::chain::VerifiedChain;
use super::crl::Crl;
use super::ocsp::{Answer, Question};
use super::revocation::{CertificateStatus, Freshness, RevocationReason, Revoked};
use crate::clock::UnixTime;

/// Certificates, OCSP answers and CRLs, from anybody. Each is checked before it counts.
#[derive(Clone, Debug, Default)]
pub struct Evidence {
    /// Certificates that help to find paths.
    pub certificates: Vec<Certificate>,
    /// OCSP answers.
    pub answers: Vec<Answer>,
    /// Lists.
    pub lists: Vec<Crl>,
}

/// What is known about the certificates of a path at a moment. Positions count from the leaf, 0.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Standing {
    /// None of them was withdrawn.
    Good,
    /// One was withdrawn by then.
    Revoked {
        /// Which.
        position: usize,
        /// Since when and why.
        revoked: Revoked,
    },
    /// Of one nothing is known that counts.
    Unknown {
        /// Which.
        position: usize,
    },
}

impl Evidence {
    /// How the certificates of a path stood at the moment `at`, by what was known at the moment `by`, which is
    /// not before it. The root is trusted without a question, as is whoever says that nobody need ask.
    #[must_use]
    pub fn standing(
        &self,
        path: &VerifiedChain,
        at: UnixTime,
        by: UnixTime,
        freshness: Freshness,
    ) -> Standing {
        for (position, pair) in path.certificates().windows(2).enumerate() {
            let [certificate, issuer] = pair else {
                continue;
            };
            if certificate.ocsp_no_check() {
                continue;
            }
            match self.status(certificate, issuer, at, by, freshness) {
                Some(CertificateStatus::Good) => {}
                Some(CertificateStatus::Revoked(revoked)) => {
                    return Standing::Revoked { position, revoked };
                }
                Some(CertificateStatus::Unknown) | None => return Standing::Unknown { position },
            }
        }
        Standing::Good
    }

    /// How one certificate stood at the moment `at`; `None` if nothing says so. That it was withdrawn counts
    /// more than that it was good.
    #[must_use]
    pub fn status(
        &self,
        certificate: &Certificate,
        issuer: &Certificate,
        at: UnixTime,
        by: UnixTime,
        freshness: Freshness,
    ) -> Option<CertificateStatus> {
        let answers = self.answers.iter().filter_map(|answer| {
            let made = answer.known_at(certificate, issuer)?;
            moments(at, by, made).find_map(|at| {
                let question = Question {
                    certificate,
                    issuer,
                    nonce: None,
                    at,
                    freshness,
                };
                answer.check(&question).ok().map(|known| known.status)
            })
        });
        let lists = self.lists.iter().filter_map(|list| {
            moments(at, by, list.this_update()).find_map(|at| {
                let checked = list.check(issuer, at, freshness).ok()?;
                Some(checked.status_of(certificate))
            })
        });
        let mut said = None;
        for status in answers.chain(lists) {
            match status {
                CertificateStatus::Revoked(revoked) if reaches(revoked, at) => return Some(status),
                // Withdrawn later: it was good then.
                CertificateStatus::Revoked(_) | CertificateStatus::Good => {
                    said = Some(CertificateStatus::Good);
                }
                CertificateStatus::Unknown => said = said.or(Some(status)),
            }
        }
        said
    }
}

/// Evidence counts if it holds at the moment itself, or was made later, but not after what was known.
fn moments(at: UnixTime, by: UnixTime, made: UnixTime) -> impl Iterator<Item = UnixTime> {
    let later = Some(made).filter(|made| at < *made && *made <= by);
    std::iter::once(at).chain(later)
}

/// Whether a certificate counts as withdrawn at a moment. Whoever lost a key may have lost it at any time
/// before; only the date of the loss, where it is stated, says otherwise.
fn reaches(revoked: Revoked, at: UnixTime) -> bool {
    let since = match revoked.reason {
        Some(RevocationReason::KeyCompromise | RevocationReason::AuthorityCompromise) => {
            revoked.invalid_since.unwrap_or(revoked.at).min(revoked.at)
        }
        _ => revoked.at,
    };
    since <= at
}
