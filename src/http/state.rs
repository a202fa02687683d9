//! What handlers can reach.

use super::pages::Site;
use crate::clock::Clock;
use crate::inspection::Inspection;
use crate::issuance::Issuer;
use crate::lifecycle::Lifecycle;
use crate::login::Login;
use crate::publication::Publisher;
use crate::store::documents::Documents;
use crate::store::{Reader, Store};
use crate::verification::Verifier;
use std::num::NonZeroU32;
use std::sync::Arc;

/// The use cases and what pages say of the service. Cheap to clone.
#[derive(Clone)]
pub struct Service {
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
    /// Limits of what anybody may ask.
    pub limits: Limits,
}

/// Limits of what anybody may ask.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Requests a minute of one address without an account.
    pub per_minute: NonZeroU32,
    /// Whether a proxy of our own writes `X-Forwarded-For`.
    pub behind_proxy: bool,
}
