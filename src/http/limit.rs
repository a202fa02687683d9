//! Rate limits of what anybody may ask.

use super::problem::Problem;
use crate::access::Caller;
use axum::extract::{ConnectInfo, Request, State};
use axum::http::StatusCode;
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};
use governor::clock::{Clock as _, DefaultClock};
use governor::{DefaultKeyedRateLimiter, Quota, RateLimiter};
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::num::NonZeroU32;
use std::sync::Arc;

/// How often one address may ask without an account.
#[derive(Clone)]
pub(super) struct PublicLimit {
    addresses: Arc<DefaultKeyedRateLimiter<IpAddr>>,
    forwarded: bool,
}

impl PublicLimit {
    /// `per_minute` requests on average, as many at once. With `forwarded` the client is the last address
    /// of `X-Forwarded-For`, which only a proxy of our own may have written.
    #[must_use]
    pub(super) fn new(per_minute: NonZeroU32, forwarded: bool) -> Self {
        let quota = Quota::per_minute(per_minute);
        Self {
            addresses: Arc::new(RateLimiter::keyed(quota)),
            forwarded,
        }
    }

    /// Counts one request of the client's address.
    pub(super) fn admit(&self, request: &Request) -> Result<(), Problem> {
        self.addresses
            .check_key(&self.client(request))
            .map_err(|until| {
                // The limiter keeps a cell for every address it saw; full ones say nothing and go.
                self.addresses.retain_recent();
                let wait = until.wait_time_from(DefaultClock::default().now());
                Problem::new(StatusCode::TOO_MANY_REQUESTS, "request/too-many")
                    .retry_after(wait.as_secs().saturating_add(1))
            })
    }

    fn client(&self, request: &Request) -> IpAddr {
        let forwarded = request
            .headers()
            .get_all("x-forwarded-for")
            .iter()
            .next_back()
            .and_then(|value| value.to_str().ok()?.rsplit(',').next()?.trim().parse().ok());
        let direct = request
            .extensions()
            .get::<ConnectInfo<SocketAddr>>()
            .map(|info| info.ip());
        match forwarded {
            Some(address) if self.forwarded => address,
            _ => direct.unwrap_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED)),
        }
    }
}

/// Refuses an address that asks too often. A caller with an account is not held up here: whether there
/// is one was found out before (`auth::identify`), the mere header opens nothing.
pub(super) async fn public(
    State(limit): State<PublicLimit>,
    request: Request,
    next: Next,
) -> Response {
    if request.extensions().get::<Caller>().is_some() {
        return next.run(request).await;
    }
    match limit.admit(&request) {
        Ok(()) => next.run(request).await,
        Err(problem) => problem.into_response(),
    }
}
