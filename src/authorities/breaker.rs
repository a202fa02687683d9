//! Whom it is no use asking just now.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// Failures in a row after which nobody is asked for a while.
const FAILURES: u32 = 3;

/// How long.
const REST: Duration = Duration::from_secs(30);

/// Counts the failures of one authority. After three in a row it rests for half a minute; then one call tries
/// again, and the others wait for what that one finds.
#[derive(Debug, Default)]
pub(super) struct Breaker(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    failures: u32,
    rests_until: Option<Instant>,
}

impl Breaker {
    /// Whether it may be asked now.
    pub(super) fn allows(&self, now: Instant) -> bool {
        let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match state.rests_until {
            Some(until) if now < until => false,
            Some(_) => {
                state.rests_until = now.checked_add(REST);
                true
            }
            None => true,
        }
    }

    pub(super) fn succeeded(&self) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = State::default();
    }

    pub(super) fn failed(&self, now: Instant) {
        let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        state.failures = state.failures.saturating_add(1);
        if state.failures >= FAILURES {
            state.rests_until = now.checked_add(REST);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn three_failures_in_a_row_bring_a_rest_after_which_one_call_tries() {
        let breaker = Breaker::default();
        let start = Instant::now();
        for _ in 0..2 {
            breaker.failed(start);
        }
        breaker.succeeded();
        for _ in 0..2 {
            breaker.failed(start);
        }
        assert!(breaker.allows(start));
        breaker.failed(start);
        assert!(!breaker.allows(start));
        assert!(!breaker.allows(start + REST / 2));
        assert!(breaker.allows(start + REST));
        assert!(!breaker.allows(start + REST), "one call tries");
        breaker.succeeded();
        assert!(breaker.allows(start + REST));
    }
}
