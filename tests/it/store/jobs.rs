//! Jobs: each done by one worker at a time, never lost.

use super::samples::{job, now};
use crate::support::stores::both;
use dauso::clock::UnixTime;
use dauso::store::{Conflict, Job, NewJob, Store, StoreError};
use std::collections::BTreeSet;

async fn claim(store: &Store, at: UnixTime) -> Option<Job> {
    store
        .run(|mut tx| async move {
            let job = tx.claim_job(at, at.plus(60)).await?;
            Ok::<_, StoreError>((tx, job))
        })
        .await
        .expect("a claim")
}

async fn enqueue(store: &Store, jobs: &[NewJob]) {
    store
        .run(|mut tx| async move {
            for job in jobs {
                tx.enqueue(job).await?;
            }
            Ok::<_, StoreError>((tx, ()))
        })
        .await
        .expect("enqueued");
}

#[test]
fn two_claimants_never_get_one_job() {
    const JOBS: u32 = 20;
    both(async |register| {
        let jobs: Vec<_> = (0..JOBS).map(job).collect();
        enqueue(&register.store, &jobs).await;
        let workers: Vec<_> = (0..4)
            .map(|_| {
                let store = register.store.clone();
                tokio::spawn(async move {
                    let mut held = Vec::new();
                    while let Some(job) = claim(&store, now()).await {
                        held.push(job.id);
                    }
                    held
                })
            })
            .collect();
        let mut claimed = Vec::new();
        for worker in workers {
            claimed.extend(worker.await.unwrap());
        }
        assert_eq!(claimed.len(), jobs.len());
        let distinct: BTreeSet<_> = claimed.into_iter().collect();
        assert_eq!(distinct, jobs.iter().map(|job| job.id).collect());
    });
}

#[test]
fn jobs_are_done_in_turn_and_not_before_their_time() {
    both(async |register| {
        let store = &register.store;
        let later = NewJob {
            run_at: now().plus(10),
            ..job(1)
        };
        enqueue(store, &[later, job(3), job(2)]).await;
        let first = claim(store, now()).await.unwrap();
        assert_eq!(
            first,
            Job {
                id: job(2).id,
                kind: "publish-status".into(),
                payload: r#"{"list":2}"#.into(),
                attempts: 1,
            }
        );
        assert_eq!(claim(store, now()).await.unwrap().id, job(3).id);
        assert_eq!(claim(store, now()).await, None);
        assert_eq!(claim(store, now().plus(10)).await.unwrap().id, job(1).id);
    });
}

#[test]
fn a_worker_that_was_slower_than_its_lock_has_lost_the_job() {
    both(async |register| {
        let store = &register.store;
        enqueue(store, &[job(1)]).await;
        let slow = claim(store, now()).await.unwrap();
        assert_eq!(claim(store, now().plus(59)).await, None);
        let quick = claim(store, now().plus(60)).await.unwrap();
        assert_eq!((quick.id, quick.attempts), (slow.id, 2));
        let mut tx = store.begin().await.unwrap();
        for refused in [
            tx.finish_job(&slow).await,
            tx.retry_job(&slow, now(), "late").await,
            tx.bury_job(&slow, "late").await,
        ] {
            assert!(
                matches!(refused, Err(StoreError::Conflict(Conflict::Job))),
                "{refused:?}"
            );
        }
        tx.finish_job(&quick).await.unwrap();
        assert_eq!(tx.waiting_jobs().await.unwrap(), 0);
        let again = tx.finish_job(&quick).await;
        assert!(matches!(again, Err(StoreError::Conflict(Conflict::Job))));
    });
}

#[test]
fn a_failed_job_runs_again_and_a_hopeless_one_is_buried() {
    both(async |register| {
        let store = &register.store;
        enqueue(store, &[job(1)]).await;
        let held = claim(store, now()).await.unwrap();
        let mut tx = store.begin().await.unwrap();
        tx.retry_job(&held, now().plus(30), "signer/unavailable")
            .await
            .unwrap();
        tx.commit().await.unwrap();
        assert_eq!(claim(store, now().plus(29)).await, None);
        let held = claim(store, now().plus(30)).await.unwrap();
        assert_eq!(held.attempts, 2);
        let mut tx = store.begin().await.unwrap();
        tx.bury_job(&held, "signer/unavailable").await.unwrap();
        tx.commit().await.unwrap();
        assert_eq!(claim(store, now().plus(9_999)).await, None);
        let mut tx = store.read().await.unwrap();
        assert_eq!(tx.waiting_jobs().await.unwrap(), 0);
        assert_eq!(tx.buried_jobs().await.unwrap(), 1);
    });
}
