//! Whether the certificates of a path were withdrawn: asked of their issuers, and remembered for as long as
//! the answers hold.

use super::client::{Call, Client, FetchError};
use crate::clock::{Clock, UnixTime};
use crate::digest::Sha256;
use crate::limits;
use crate::pki::crl::{Crl, CrlError};
use crate::pki::ocsp::{Answer, CertificateId, IdHash, OcspError, Question, Request};
use crate::pki::{Certificate, CertificateStatus, Evidence, Freshness, VerifiedChain};
use ring::rand::{SecureRandom as _, SystemRandom};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

/// RFC 6960 appendix A.
const QUERY: &str = "application/ocsp-request";
const REPLY: &str = "application/ocsp-response";

/// Certificates whose status is remembered; one installation signs with some hundred.
const REMEMBERED: usize = 1_000;

/// Seconds before the end of an answer from which a new one is asked for.
const MARGIN: i64 = 60;

/// Asks the issuers of certificates.
pub struct StatusSource {
    client: Client,
    clock: Arc<dyn Clock>,
    freshness: Freshness,
    /// By the certificate that they speak of.
    answers: Mutex<BTreeMap<Sha256, (UnixTime, Answer)>>,
    /// By address.
    lists: Mutex<BTreeMap<String, Arc<Crl>>>,
}

/// What was wrong with one source.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum StatusFault {
    /// It gave no answer.
    #[error(transparent)]
    Fetch(#[from] FetchError),
    /// Its OCSP answer does not count.
    #[error(transparent)]
    Ocsp(#[from] OcspError),
    /// Its list does not count.
    #[error(transparent)]
    Crl(#[from] CrlError),
}

impl StatusFault {
    /// The stable code.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::Fetch(error) => error.code(),
            Self::Ocsp(error) => error.code(),
            Self::Crl(error) => error.code(),
        }
    }
}

/// Nobody says whether a certificate was withdrawn.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[error("nobody says whether certificate {position} was withdrawn")]
pub struct NoStatus {
    /// Which of the path, 0 is the leaf.
    pub position: usize,
    /// What was wrong with each source; none if the certificate names none.
    pub tried: Vec<StatusFault>,
}

impl StatusSource {
    /// One that remembers nothing yet.
    #[must_use]
    pub fn new(client: Client, clock: Arc<dyn Clock>, freshness: Freshness) -> Self {
        Self {
            client,
            clock,
            freshness,
            answers: Mutex::default(),
            lists: Mutex::default(),
        }
    }

    /// What the issuers say about the certificates of a path, with the certificates themselves. That one was
    /// withdrawn is an answer: [`Evidence::standing`] says so.
    ///
    /// # Errors
    /// [`NoStatus`] for the first certificate of which nothing is known.
    pub async fn gather(&self, path: &VerifiedChain) -> Result<Evidence, NoStatus> {
        let mut evidence = Evidence {
            certificates: path.certificates().to_vec(),
            ..Evidence::default()
        };
        for (position, pair) in path.certificates().windows(2).enumerate() {
            let [certificate, issuer] = pair else {
                continue;
            };
            if certificate.ocsp_no_check() {
                continue;
            }
            let mut tried = Vec::new();
            if !self
                .ask(certificate, issuer, &mut evidence, &mut tried)
                .await
            {
                return Err(NoStatus { position, tried });
            }
        }
        Ok(evidence)
    }

    /// Whether anything was found: by OCSP, else by a list.
    async fn ask(
        &self,
        certificate: &Certificate,
        issuer: &Certificate,
        evidence: &mut Evidence,
        tried: &mut Vec<StatusFault>,
    ) -> bool {
        if let Some(answer) = self.remembered(certificate) {
            evidence
                .certificates
                .extend_from_slice(answer.certificates());
            evidence.answers.push(answer);
            return true;
        }
        for address in certificate.ocsp_addresses() {
            match self.ask_responder(address, certificate, issuer).await {
                Ok(answer) => {
                    evidence
                        .certificates
                        .extend_from_slice(answer.certificates());
                    evidence.answers.push(answer);
                    return true;
                }
                Err(fault) => tried.push(fault),
            }
        }
        for address in certificate.crl_addresses() {
            match self.list(address, issuer).await {
                Ok(list) => {
                    evidence.lists.push(list.as_ref().clone());
                    return true;
                }
                Err(fault) => tried.push(fault),
            }
        }
        false
    }

    fn remembered(&self, certificate: &Certificate) -> Option<Answer> {
        let answers = self.answers.lock().unwrap_or_else(PoisonError::into_inner);
        let (until, answer) = answers.get(&certificate.fingerprint())?;
        (self.clock.now().plus(MARGIN) < *until).then(|| answer.clone())
    }

    async fn ask_responder(
        &self,
        address: &str,
        certificate: &Certificate,
        issuer: &Certificate,
    ) -> Result<Answer, StatusFault> {
        let mut nonce = [0; 32];
        let filled = SystemRandom::new().fill(&mut nonce);
        filled.map_err(|_| FetchError::Unreachable)?;
        let id = CertificateId::of(certificate, issuer, IdHash::Sha1);
        let request = Request::about(id, Some(nonce));
        let answer = self
            .client
            .call(Call {
                address,
                body: Some((QUERY, &request.der())),
                answer: Some(REPLY),
                limit: limits::OCSP,
            })
            .await?;
        let answer = Answer::parse(&answer)?;
        let known = answer.check(&Question {
            certificate,
            issuer,
            nonce: Some(&nonce),
            at: self.clock.now(),
            freshness: self.freshness,
        })?;
        // What was withdrawn may be asked about again at once; what is good is good until the answer's end.
        if let (CertificateStatus::Good, Some(until)) = (known.status, known.next_update) {
            let mut answers = self.answers.lock().unwrap_or_else(PoisonError::into_inner);
            if answers.len() >= REMEMBERED {
                answers.clear();
            }
            answers.insert(certificate.fingerprint(), (until, answer.clone()));
        }
        Ok(answer)
    }

    async fn list(&self, address: &str, issuer: &Certificate) -> Result<Arc<Crl>, StatusFault> {
        let now = self.clock.now();
        let known = {
            let lists = self.lists.lock().unwrap_or_else(PoisonError::into_inner);
            lists.get(address).cloned()
        };
        if let Some(known) = known
            && now.plus(MARGIN) < known.next_update()
            && known.check(issuer, now, self.freshness).is_ok()
        {
            return Ok(known);
        }
        let list = self
            .client
            .call(Call {
                address,
                body: None,
                answer: None,
                limit: limits::CRL,
            })
            .await?;
        let list = Arc::new(Crl::parse(&list)?);
        list.check(issuer, now, self.freshness)?;
        let mut lists = self.lists.lock().unwrap_or_else(PoisonError::into_inner);
        if lists.len() >= REMEMBERED {
            lists.clear();
        }
        lists.insert(address.to_owned(), Arc::clone(&list));
        Ok(list)
    }
}
