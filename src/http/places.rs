//! Places that there are so many of, and of which nobody holds more than his share.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// So many places in all, and so many for each `K`.
#[derive(Clone, Debug)]
pub(super) struct Places<K> {
    all: usize,
    each: usize,
    held: Arc<Mutex<Held<K>>>,
}

#[derive(Debug)]
struct Held<K> {
    all: usize,
    by: HashMap<K, usize>,
}

impl<K: Clone + Eq + Hash> Places<K> {
    pub(super) fn new(all: usize, each: usize) -> Self {
        Self {
            all,
            each,
            held: Arc::new(Mutex::new(Held {
                all: 0,
                by: HashMap::new(),
            })),
        }
    }

    /// A place for `key` until it is dropped; none if all are held, or `key` has its share.
    pub(super) fn take(&self, key: K) -> Option<Place<K>> {
        let mut held = self.lock();
        if held.all >= self.all {
            return None;
        }
        let own = held.by.entry(key.clone()).or_default();
        if *own >= self.each {
            return None;
        }
        *own += 1;
        held.all += 1;
        let places = self.clone();
        Some(Place { places, key })
    }

    fn lock(&self) -> MutexGuard<'_, Held<K>> {
        // Nothing panics between the two counts.
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A place that somebody holds.
#[derive(Debug)]
pub(super) struct Place<K: Clone + Eq + Hash> {
    places: Places<K>,
    key: K,
}

impl<K: Clone + Eq + Hash> Drop for Place<K> {
    fn drop(&mut self) {
        let mut held = self.places.lock();
        held.all = held.all.saturating_sub(1);
        if let Some(own) = held.by.get_mut(&self.key) {
            *own -= 1;
            if *own == 0 {
                held.by.remove(&self.key);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nobody_holds_more_than_his_share_and_all_no_more_than_there_are() {
        let places = Places::new(3, 2);
        let first = places.take("a");
        let second = places.take("a");
        assert!(first.is_some() && second.is_some());
        assert!(places.take("a").is_none(), "its share is two");
        let third = places.take("b");
        assert!(third.is_some());
        assert!(places.take("c").is_none(), "there are three");
        drop(first);
        assert!(places.take("c").is_some());
        drop((second, third));
        assert_eq!(places.lock().all, 0);
        assert!(places.lock().by.is_empty(), "nothing is remembered");
    }
}
