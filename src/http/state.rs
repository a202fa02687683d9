//! What handlers can reach.

use super::pages::Site;
use crate::clock::Clock;
use crate::inspection::Inspection;
use crate::issuance::Issuer;
use crate::lifecycle::Lifecycle;
use crate::login::Login;
use crate::metrics::Metrics;
use crate::publication::Publisher;
use crate::search::Search;
use crate::store::documents::Documents;
use crate::store::{Reader, Store};
use crate::verification::Verifier;
use std::num::NonZeroU32;
use std::ops::Deref;
use std::sync::Arc;
use std::time::Duration;

/// What handlers can reach. Cheap to clone: every request has its own.
#[derive(Clone)]
pub struct Service(Arc<Parts>);

impl From<Parts> for Service {
    fn from(parts: Parts) -> Self {
        Self(Arc::new(parts))
    }
}

impl Deref for Service {
    type Target = Parts;

    fn deref(&self) -> &Parts {
        &self.0
    }
}

/// The use cases and what pages say of the service.
pub struct Parts {
    /// The register.
    pub store: Store,
    /// Questions about the register that many ask.
    pub reader: Reader,
    /// The files.
    pub documents: Documents,
    /// Issues results.
    pub issuer: Issuer,
    /// Changes their status.
    pub lifecycle: Lifecycle,
    /// Finds results without their look-up codes.
    pub search: Search,
    /// Exchanges passwords for tokens.
    pub login: Login,
    /// Answers about codes and documents.
    pub verifier: Verifier,
    /// Records checks.
    pub inspection: Inspection,
    /// Signs what is published.
    pub publisher: Publisher,
    /// Whose service this is.
    pub site: Arc<Site>,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// What everybody may ask for, and how long it may take.
    pub limits: Limits,
    /// Whether the public reaches the service by TLS, here or at a proxy of its own.
    pub secure: bool,
    /// What is counted.
    pub metrics: Metrics,
}

/// What everybody may ask for, and how long it may take.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Look-ups a minute of one address without an account, and verifications.
    pub look_ups: NonZeroU32,
    /// Files a minute that one address may have checked without an account.
    pub uploads: NonZeroU32,
    /// Sign-ins a minute of one address, and keys that open nothing.
    pub sign_ins: NonZeroU32,
    /// Searches a minute of one account: a person looks for what is in front of him.
    pub searches: NonZeroU32,
    /// Requests a minute of one account.
    pub of_account: NonZeroU32,
    /// Connections at once.
    pub connections: usize,
    /// Connections at once of one address.
    pub connections_per_address: usize,
    /// Requests that are worked on at once.
    pub requests_at_once: usize,
    /// Files that accounts have taken in at once; the public has half as many places besides.
    pub uploads_at_once: usize,
    /// Whether a proxy of our own writes `X-Forwarded-For`.
    pub behind_proxy: bool,
    /// How long others may take.
    pub patience: Patience,
}

/// How long others may take: who is slower holds a place that somebody else could use.
#[derive(Clone, Copy, Debug)]
pub struct Patience {
    /// For a TLS handshake.
    pub handshake: Duration,
    /// From the first byte of a connection, or from the last answer, to the end of the next headers.
    pub headers: Duration,
    /// Between two pieces of a body.
    pub pause: Duration,
    /// For a body that is no file.
    pub body: Duration,
    /// For a file: 64 MiB over a line of 5 Mbit/s.
    pub file: Duration,
    /// For taking any of an answer.
    pub reading: Duration,
    /// For our own work on one request, when its body is there: a large PDF on a busy machine.
    pub work: Duration,
    /// For what is under way when the service is told to stop.
    pub farewell: Duration,
}

impl Default for Patience {
    fn default() -> Self {
        Self {
            handshake: Duration::from_secs(10),
            headers: Duration::from_secs(15),
            pause: Duration::from_secs(10),
            body: Duration::from_secs(30),
            file: Duration::from_mins(2),
            reading: Duration::from_secs(20),
            work: Duration::from_secs(30),
            farewell: Duration::from_secs(20),
        }
    }
}
