//! How often somebody may ask for something, by what it costs us: an address without an account, an account.

use super::problem::Problem;
use super::state::{Limits, Service};
use crate::access::Caller;
use crate::metrics::{Metrics, Refusal};
use axum::extract::{ConnectInfo, MatchedPath, Request};
use axum::http::{Method, StatusCode};
use axum::response::{IntoResponse as _, Response};
use governor::clock::{Clock as _, DefaultClock};
use governor::{DefaultKeyedRateLimiter, Quota, RateLimiter};
use std::hash::Hash;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::num::NonZeroU32;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use tokio::sync::Semaphore;

/// Questions to a limiter between two rounds of forgetting who asked long ago.
const ROUND: u32 = 4_096;

/// What an address without an account asks for.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Purpose {
    LookUp,
    Verification,
    Upload,
    SignIn,
}

impl Purpose {
    fn of(request: &Request) -> Self {
        let post = request.method() == Method::POST;
        match route(request) {
            "/" | "/api/v1/verifications/document" if post => Self::Upload,
            "/api/v1/verifications" => Self::Verification,
            "/api/v1/tokens" => Self::SignIn,
            _ => Self::LookUp,
        }
    }

    fn refusal(self) -> Refusal {
        match self {
            Self::LookUp => Refusal::LookUp,
            Self::Verification => Refusal::Verification,
            Self::Upload => Refusal::Upload,
            Self::SignIn => Refusal::SignIn,
        }
    }
}

/// The template of the route, `-` if there is none.
pub(super) fn route(request: &Request) -> &str {
    let matched = request.extensions().get::<MatchedPath>();
    matched.map_or("-", MatchedPath::as_str)
}

/// A rate for each key of a kind. It forgets who asked long ago, so it holds no more than asked of late.
struct Rate<K: Clone + Eq + Hash> {
    cells: DefaultKeyedRateLimiter<K>,
    asked: AtomicU32,
}

impl<K: Clone + Eq + Hash> Rate<K> {
    /// So many a minute on average, as many at once.
    fn new(per_minute: NonZeroU32) -> Self {
        Self {
            cells: RateLimiter::keyed(Quota::per_minute(per_minute)),
            asked: AtomicU32::new(0),
        }
    }

    /// Counts one; the seconds to wait if it is one too many.
    fn admit(&self, key: &K) -> Result<(), u64> {
        if self.asked.fetch_add(1, Ordering::Relaxed) % ROUND == ROUND - 1 {
            self.cells.retain_recent();
        }
        self.cells.check_key(key).map_err(|until| {
            let wait = until.wait_time_from(DefaultClock::default().now());
            wait.as_secs().saturating_add(1)
        })
    }
}

/// All rates of one service.
#[derive(Clone)]
pub(super) struct Rates(Arc<Inner>);

struct Inner {
    look_ups: Rate<IpAddr>,
    verifications: Rate<IpAddr>,
    uploads: Rate<IpAddr>,
    sign_ins: Rate<IpAddr>,
    guesses: Rate<IpAddr>,
    searches: Rate<String>,
    accounts: Rate<String>,
    forwarded: bool,
    metrics: Metrics,
}

impl Rates {
    pub(super) fn new(limits: &Limits, metrics: Metrics) -> Self {
        Self(Arc::new(Inner {
            look_ups: Rate::new(limits.look_ups),
            verifications: Rate::new(limits.look_ups),
            uploads: Rate::new(limits.uploads),
            sign_ins: Rate::new(limits.sign_ins),
            guesses: Rate::new(limits.sign_ins),
            searches: Rate::new(limits.searches),
            accounts: Rate::new(limits.of_account),
            forwarded: limits.behind_proxy,
            metrics,
        }))
    }

    /// Counts a key that opens nothing against its address.
    pub(super) fn guess(&self, request: &Request) -> Result<(), Problem> {
        let admitted = self.0.guesses.admit(&self.client(request));
        admitted.map_err(|wait| self.refuse(Refusal::Guess, wait))
    }

    /// Counts what an address asks for.
    fn ask(&self, purpose: Purpose, request: &Request) -> Result<(), Problem> {
        let rate = match purpose {
            Purpose::LookUp => &self.0.look_ups,
            Purpose::Verification => &self.0.verifications,
            Purpose::Upload => &self.0.uploads,
            Purpose::SignIn => &self.0.sign_ins,
        };
        let admitted = rate.admit(&self.client(request));
        admitted.map_err(|wait| self.refuse(purpose.refusal(), wait))
    }

    fn refuse(&self, why: Refusal, wait: u64) -> Problem {
        self.0.metrics.refused(why);
        Problem::new(StatusCode::TOO_MANY_REQUESTS, "request/too-many").retry_after(wait)
    }

    /// Whose request this is. Behind a proxy of our own the client is the last address of
    /// `X-Forwarded-For`, which only that proxy can have written.
    pub(super) fn client(&self, request: &Request) -> IpAddr {
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
        neighbourhood(match forwarded {
            Some(address) if self.0.forwarded => address,
            _ => direct.unwrap_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED)),
        })
    }
}

/// What one subscriber has: an address of IPv4, a /64 of IPv6, from which he may choose at will.
pub(super) fn neighbourhood(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(long) => {
            let own = u128::from(long) >> 64 << 64;
            IpAddr::V6(Ipv6Addr::from(own))
        }
        short @ IpAddr::V4(_) => short,
    }
}

/// Refuses an address that asks too often. A caller with an account is not held up here: whether there
/// is one was found out before (`auth::identify`), the mere header opens nothing. Signing in is held up
/// with an account too, or one account could try the passwords of others.
pub(super) fn public(rates: &Rates, request: &Request) -> Result<(), Problem> {
    let purpose = Purpose::of(request);
    let known = request.extensions().get::<Caller>().is_some();
    if known && purpose != Purpose::SignIn {
        return Ok(());
    }
    rates.ask(purpose, request)
}

/// Refuses an account that asks too often: far above what an agency's busiest hour needs. Searches have a rate
/// of their own, or whoever has an inspector's key could try every plate.
pub(super) fn account(rates: &Rates, request: &Request) -> Result<(), Problem> {
    let Some(caller) = request.extensions().get::<Caller>() else {
        return Ok(());
    };
    let admitted = rates.0.accounts.admit(&caller.account);
    admitted.map_err(|wait| rates.refuse(Refusal::Account, wait))?;
    if route(request) != "/api/v1/results/search" {
        return Ok(());
    }
    let admitted = rates.0.searches.admit(&caller.account);
    admitted.map_err(|wait| rates.refuse(Refusal::Search, wait))
}

/// Asks to come again when as many requests are under way as there is room for: a queue would only make
/// everybody wait until nobody waits any more.
pub(super) async fn shed(
    service: &Service,
    places: &Semaphore,
    request: Request,
    next: impl AsyncFnOnce(Request) -> Response,
) -> Response {
    // Whoever watches the service must hear that it lives, above all when it is busy.
    if matches!(route(&request), "/healthz" | "/readyz") {
        return next(request).await;
    }
    let Ok(_place) = places.try_acquire() else {
        service.metrics.refused(Refusal::Busy);
        return busy().into_response();
    };
    next(request).await
}

/// There is no room now.
pub(super) fn busy() -> Problem {
    Problem::new(StatusCode::SERVICE_UNAVAILABLE, "service/busy").retry_after(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_subscriber_of_ipv6_is_one_however_many_addresses_he_has() {
        let of = |text: &str| neighbourhood(text.parse().unwrap()).to_string();
        assert_eq!(of("2001:db8:1:2:3:4:5:6"), "2001:db8:1:2::");
        assert_eq!(of("2001:db8:1:3:3:4:5:6"), "2001:db8:1:3::");
        assert_eq!(of("192.0.2.7"), "192.0.2.7");
        assert_eq!(of("::ffff:192.0.2.7"), "192.0.2.7");
    }

    #[test]
    fn a_rate_forgets_who_asked_long_ago() {
        let rate = Rate::new(NonZeroU32::MAX);
        for key in 0..3 * ROUND {
            assert_eq!(rate.admit(&key), Ok(()));
        }
        assert!(rate.cells.len() <= ROUND as usize, "{}", rate.cells.len());
    }
}
