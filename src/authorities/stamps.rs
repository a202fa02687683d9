//! Time stamps from one of several authorities.

use super::breaker::Breaker;
use super::client::{Call, Client, FetchError};
use crate::clock::Clock;
use crate::limits;
use crate::pki::timestamp::{Answer, Request, Stamped, TimeStampError, Token};
use crate::pki::{Certificate, Hash, ObjectIdentifier};
use ring::rand::{SecureRandom as _, SystemRandom};
use std::sync::Arc;
use std::time::Instant;

/// RFC 3161 §3.4.
const QUERY: &str = "application/timestamp-query";
const REPLY: &str = "application/timestamp-reply";

/// Where time stamps are had.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct TimeStampSource {
    /// The address.
    pub address: String,
    /// The policy to ask for; `None` takes the authority's own.
    pub policy: Option<ObjectIdentifier>,
}

/// Asks the authorities in their order until one gives a time stamp that holds.
pub struct TimeStamps {
    client: Client,
    sources: Vec<(TimeStampSource, Breaker)>,
    roots: Vec<Certificate>,
    clock: Arc<dyn Clock>,
    /// Seconds by which clocks may differ.
    skew: i64,
}

/// What was wrong with one authority.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum StampFault {
    /// It was not asked: it failed too often just now.
    #[error("not asked, it failed too often just now")]
    Resting,
    /// It gave no answer.
    #[error(transparent)]
    Fetch(#[from] FetchError),
    /// It gave an answer that does not count.
    #[error(transparent)]
    Answer(#[from] TimeStampError),
}

impl StampFault {
    /// The stable code.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::Resting => "timestamp/resting",
            Self::Fetch(error) => error.code(),
            Self::Answer(error) => error.code(),
        }
    }
}

/// No authority gave a time stamp.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[error("no authority gives a time stamp now")]
pub struct NoTimeStamp {
    /// What was wrong with each, in their order.
    pub tried: Vec<StampFault>,
}

impl TimeStamps {
    /// Those of these authorities, below these roots.
    #[must_use]
    pub fn new(
        client: Client,
        sources: Vec<TimeStampSource>,
        roots: Vec<Certificate>,
        clock: Arc<dyn Clock>,
        skew: i64,
    ) -> Self {
        Self {
            client,
            sources: sources
                .into_iter()
                .map(|source| (source, Breaker::default()))
                .collect(),
            roots,
            clock,
            skew,
        }
    }

    /// A time stamp of the content with this digest, made now.
    ///
    /// # Errors
    /// [`NoTimeStamp`].
    pub async fn stamp(&self, hash: Hash, digest: &[u8]) -> Result<(Token, Stamped), NoTimeStamp> {
        let mut tried = Vec::new();
        for (source, breaker) in &self.sources {
            if !breaker.allows(Instant::now()) {
                tried.push(StampFault::Resting);
                continue;
            }
            match self.ask(source, hash, digest).await {
                Ok(stamped) => {
                    breaker.succeeded();
                    return Ok(stamped);
                }
                Err(fault) => {
                    breaker.failed(Instant::now());
                    tracing::warn!(
                        error.code = fault.code(),
                        "no time stamp from {}",
                        source.address
                    );
                    tried.push(fault);
                }
            }
        }
        Err(NoTimeStamp { tried })
    }

    async fn ask(
        &self,
        source: &TimeStampSource,
        hash: Hash,
        digest: &[u8],
    ) -> Result<(Token, Stamped), StampFault> {
        let mut nonce = [0; 8];
        let filled = SystemRandom::new().fill(&mut nonce);
        filled.map_err(|_| FetchError::Unreachable)?;
        let request = Request::of_digest(hash, digest.to_vec(), nonce, source.policy);
        let asked = self.clock.now();
        let answer = self
            .client
            .call(Call {
                address: &source.address,
                body: Some((QUERY, &request.der())),
                answer: Some(REPLY),
                limit: limits::TIME_STAMP,
            })
            .await?;
        let answer = Answer::parse(&answer)?;
        let now = self.clock.now();
        Ok(answer.accept(&request, &self.roots, asked, now, self.skew)?)
    }
}
