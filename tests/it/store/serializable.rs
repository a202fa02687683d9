//! PostgreSQL where every transaction is SERIALIZABLE, as distributed engines have it: serialization
//! failures and deadlocks happen, and the work is done all the same.

use super::samples::{AGENCY, begun, check, entry, issued, job, leaf, now};
use crate::support::stores::serializable;
use dauso::metrics::Metrics;
use dauso::store::{Contention, Issued, Recorder, StoreError};
use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use tokio::sync::Barrier;

#[test]
fn the_second_of_two_writers_that_read_the_same_fails_and_says_why() {
    serializable(async |register| {
        let store = &register.store;
        let mut first = store.begin().await.unwrap();
        let mut second = store.begin().await.unwrap();
        assert_eq!(first.log_size().await.unwrap(), 0);
        assert_eq!(second.log_size().await.unwrap(), 0);
        first.append_leaf(&leaf("a")).await.unwrap();
        first.commit().await.unwrap();
        let refused = second.append_leaf(&leaf("b")).await;
        assert!(
            matches!(
                refused,
                Err(StoreError::Contended(Contention::Serialization))
            ),
            "{refused:?}"
        );
    });
}

/// The database finds out only when the second one commits.
#[test]
fn a_serialization_failure_at_the_commit_is_tried_again() {
    serializable(async |register| {
        begun(&register.store).await.unwrap();
        let store = &register.store;
        let tries = AtomicU32::new(0);
        let tries = &tries;
        store
            .run(|mut tx| async move {
                let waiting = tx.claim_job(now(), now().plus(60)).await?;
                assert!(waiting.is_none() || tries.load(Ordering::Relaxed) > 0);
                if tries.fetch_add(1, Ordering::Relaxed) == 0 {
                    // Another one reads what we are about to write, and writes what we have read.
                    let mut other = store.begin().await?;
                    other.take_number(AGENCY, "vehicle-badge", 2026).await?;
                    other.enqueue(&job(1)).await?;
                    other.commit().await?;
                }
                tx.take_number(AGENCY, "vehicle-badge", 2026).await?;
                Ok::<_, StoreError>((tx, ()))
            })
            .await
            .unwrap();
        assert_eq!(tries.load(Ordering::Relaxed), 2);
    });
}

#[test]
fn of_two_transactions_that_wait_for_each_other_both_are_done() {
    serializable(async |register| {
        let both_hold_one = Arc::new(Barrier::new(2));
        let tries = Arc::new(AtomicU32::new(0));
        let tasks = [("a", "b"), ("b", "a")].map(|(first, second)| {
            let (store, tries) = (register.store.clone(), Arc::clone(&tries));
            let barrier = Arc::clone(&both_hold_one);
            tokio::spawn(async move {
                let mine = AtomicU32::new(0);
                let (mine, tries, barrier) = (&mine, &tries, &barrier);
                store
                    .run(|mut tx| async move {
                        tries.fetch_add(1, Ordering::Relaxed);
                        tx.take_number(AGENCY, first, 2026).await?;
                        if mine.fetch_add(1, Ordering::Relaxed) == 0 {
                            barrier.wait().await;
                        }
                        tx.take_number(AGENCY, second, 2026).await?;
                        Ok::<_, StoreError>((tx, ()))
                    })
                    .await
            })
        });
        for task in tasks {
            task.await.unwrap().unwrap();
        }
        assert!(tries.load(Ordering::Relaxed) > 2);
        let mut tx = register.store.begin().await.unwrap();
        for counter in ["a", "b"] {
            assert_eq!(tx.take_number(AGENCY, counter, 2026).await.unwrap(), 3);
        }
    });
}

#[test]
fn results_issued_at_once_get_every_number_and_every_leaf_once() {
    const TASKS: u32 = 4;
    const EACH: u32 = 15;
    serializable(async |register| {
        begun(&register.store).await.unwrap();
        let tries = Arc::new(AtomicU32::new(0));
        let tasks: Vec<_> = (0..TASKS)
            .map(|task| {
                let (store, tries) = (register.store.clone(), Arc::clone(&tries));
                tokio::spawn(async move {
                    for round in 0..EACH {
                        let unique = 1_000 * (task + 1) + round;
                        let tries = &tries;
                        store
                            .run(|mut tx| async move {
                                tries.fetch_add(1, Ordering::Relaxed);
                                let number = tx.take_number(AGENCY, "vehicle-badge", 2026).await?;
                                let leaf_index = tx.append_leaf(&leaf("issued")).await?.index;
                                tx.add_result(&Issued {
                                    number: Some(number),
                                    number_text: format!("HD{number}"),
                                    leaf_index,
                                    ..issued(unique)
                                })
                                .await?;
                                Ok::<_, StoreError>((tx, ()))
                            })
                            .await
                            .unwrap();
                    }
                })
            })
            .collect();
        for task in tasks {
            task.await.unwrap();
        }
        let all = u64::from(TASKS * EACH);
        let mut tx = register.store.read().await.unwrap();
        let results = tx.results(AGENCY, None, 1_000).await.unwrap();
        let numbers: BTreeSet<_> = results.iter().filter_map(|r| r.issued.number).collect();
        assert_eq!(numbers, (1..=all).collect());
        let leaves: BTreeSet<_> = results.iter().map(|r| r.issued.leaf_index).collect();
        assert_eq!(leaves, (0..all).collect());
        assert_eq!(tx.log_size().await.unwrap(), all);
        let tries = u64::from(tries.load(Ordering::Relaxed));
        assert!(tries > all, "no failure was met, so nothing was proven");
    });
}

#[test]
fn checks_of_several_servers_get_every_leaf_once() {
    const SERVERS: u32 = 3;
    const EACH: u32 = 40;
    serializable(async |register| {
        begun(&register.store).await.unwrap();
        let tasks: Vec<_> = (0..SERVERS)
            .flat_map(|server| {
                let recorder = Recorder::start(register.store.clone(), Metrics::new());
                (0..EACH).map(move |round| {
                    let recorder = recorder.clone();
                    let check = check(1_000 * server + round);
                    tokio::spawn(async move { recorder.record(vec![entry(&check)]).await })
                })
            })
            .collect();
        let mut leaves = BTreeSet::new();
        for task in tasks {
            let recorded = task.await.unwrap().unwrap();
            leaves.insert(recorded[0].as_ref().unwrap().check.leaf_index);
        }
        assert_eq!(leaves, (0..u64::from(SERVERS * EACH)).collect());
    });
}

#[test]
fn every_job_is_claimed_once() {
    const JOBS: u32 = 40;
    serializable(async |register| {
        let store = &register.store;
        let mut tx = store.begin().await.unwrap();
        for number in 0..JOBS {
            tx.enqueue(&job(number)).await.unwrap();
        }
        tx.commit().await.unwrap();
        let workers: Vec<_> = (0..4)
            .map(|_| {
                let store = store.clone();
                tokio::spawn(async move {
                    let mut held = Vec::new();
                    loop {
                        let claimed = store.run(|mut tx| async move {
                            let job = tx.claim_job(now(), now().plus(60)).await?;
                            Ok::<_, StoreError>((tx, job))
                        });
                        match claimed.await.unwrap() {
                            Some(job) => held.push(job.id),
                            None => return held,
                        }
                    }
                })
            })
            .collect();
        let mut claimed = Vec::new();
        for worker in workers {
            claimed.extend(worker.await.unwrap());
        }
        assert_eq!(claimed.len(), 40);
        assert_eq!(claimed.into_iter().collect::<BTreeSet<_>>().len(), 40);
    });
}
