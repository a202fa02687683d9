//! The log's leaves: in order, without a gap, whatever happens beside.

use super::samples::{leaf, leaf_at, now};
use crate::support::stores::both;
use dauso::store::{Contention, Store, StoreError};

#[test]
fn leaves_come_back_in_the_order_they_were_appended() {
    both(async |register| {
        let leaves = [leaf("a"), leaf("b"), leaf("c")];
        let leaves = &leaves;
        let places = register
            .store
            .run(|mut tx| async move {
                let first = tx.append_leaf(&leaves[0]).await?.index;
                let others = tx.append_leaves(&[&leaves[1], &leaves[2]]).await?;
                let others: Vec<u64> = others.iter().map(|one| one.index).collect();
                Ok::<_, StoreError>((tx, (first, others)))
            })
            .await
            .unwrap();
        assert_eq!(places, (0, vec![1, 2]));
        let mut tx = register.store.read().await.unwrap();
        let stored = tx.leaves(1..9).await.unwrap();
        assert_eq!(stored.iter().map(|s| s.index).collect::<Vec<_>>(), [1, 2]);
        assert_eq!(stored[0].leaf.bytes, leaves[1].bytes());
        assert_eq!(stored[0].leaf.at, leaves[1].at());
        let hashes = tx.leaf_hashes(0..2).await.unwrap();
        assert_eq!(hashes, [leaves[0].hash(), leaves[1].hash()]);
        assert_eq!(tx.log_size().await.unwrap(), 3);
    });
}

#[test]
fn an_empty_batch_appends_nothing() {
    both(async |register| {
        let mut tx = register.store.begin().await.unwrap();
        assert_eq!(tx.append_leaves(&[]).await.unwrap(), []);
    });
}

/// Four writers of two servers, some of whose transactions are undone: the indexes still have no gap.
#[test]
fn indexes_have_no_gap_under_concurrency_and_undone_transactions() {
    both(async |register| {
        let other_server = Store::open(&register.url).await.unwrap();
        let writers: Vec<_> = (0..4)
            .map(|writer| {
                let store = match writer % 2 {
                    0 => register.store.clone(),
                    _ => other_server.clone(),
                };
                tokio::spawn(async move {
                    let mut given = Vec::new();
                    for round in 0..10 {
                        let undone: Result<u64, StoreError> = store
                            .run(|mut tx| async move {
                                let leaf = leaf(&format!("{writer}"));
                                let index = tx.append_leaf(&leaf).await?.index;
                                if round % 3 == 2 {
                                    return Err(StoreError::Missing("reason to commit"));
                                }
                                Ok((tx, index))
                            })
                            .await;
                        match undone {
                            Ok(index) => given.push(index),
                            Err(StoreError::Missing(_)) => {}
                            Err(error) => panic!("{error:?}"),
                        }
                    }
                    given
                })
            })
            .collect();
        let mut given = Vec::new();
        for writer in writers {
            given.extend(writer.await.unwrap());
        }
        given.sort_unstable();
        assert_eq!(given, (0..28).collect::<Vec<u64>>());
        let mut tx = register.store.read().await.unwrap();
        let stored = tx.leaves(0..100).await.unwrap();
        let indexes: Vec<u64> = stored.iter().map(|s| s.index).collect();
        assert_eq!(indexes, given);
        assert_eq!(tx.log_size().await.unwrap(), 28);
        other_server.close().await;
    });
}

/// Whoever sees the size sees every leaf below it.
#[test]
fn a_reader_never_sees_a_size_without_its_leaves() {
    both(async |register| {
        let store = register.store.clone();
        let writer = tokio::spawn(async move {
            for _ in 0..30 {
                store
                    .run(|mut tx| async move {
                        tx.append_leaves(&[&leaf("a"), &leaf("b")]).await?;
                        Ok::<_, StoreError>((tx, ()))
                    })
                    .await
                    .unwrap();
            }
        });
        while !writer.is_finished() {
            let mut tx = register.store.read().await.unwrap();
            let size = tx.log_size().await.unwrap();
            let seen = tx.leaf_hashes(0..1_000).await.unwrap().len();
            assert_eq!(u64::try_from(seen), Ok(size));
        }
        writer.await.unwrap();
    });
}

#[test]
fn transactions_that_lock_in_opposite_orders_both_get_through() {
    both(async |register| {
        super::samples::begun(&register.store).await.unwrap();
        let barrier = std::sync::Arc::new(tokio::sync::Barrier::new(2));
        let workers: Vec<_> = [true, false]
            .map(|log_first| {
                let store = register.store.clone();
                let barrier = barrier.clone();
                tokio::spawn(async move {
                    barrier.wait().await;
                    for _ in 0..10 {
                        store
                            .run(|mut tx| async move {
                                if log_first {
                                    tx.append_leaf(&leaf("x")).await?;
                                }
                                tx.take_number(super::samples::AGENCY, "t", 2026).await?;
                                if !log_first {
                                    tx.append_leaf(&leaf("x")).await?;
                                }
                                Ok::<_, StoreError>((tx, ()))
                            })
                            .await?;
                    }
                    Ok::<_, StoreError>(())
                })
            })
            .into();
        for worker in workers {
            let done = worker.await.unwrap();
            let lost = matches!(done, Err(StoreError::Contended(Contention::Deadlock)));
            assert!(!lost, "run gave a deadlock up");
            done.unwrap();
        }
        let mut tx = register.store.read().await.unwrap();
        assert_eq!(tx.log_size().await.unwrap(), 20);
    });
}

/// A request that took longer than the one behind it, or the server whose clock is slower.
#[test]
fn a_leaf_that_comes_late_gets_the_time_of_the_one_before_it() {
    both(async |register| {
        let mut tx = register.store.begin().await.unwrap();
        tx.append_leaf(&leaf_at(now(), "a")).await.unwrap();
        let late = leaf_at(now().plus(-60), "b");
        let appended = tx.append_leaf(&late).await.unwrap();
        let later = [&leaf_at(now().plus(9), "c"), &leaf_at(now().plus(5), "d")];
        let places = tx.append_leaves(&later).await.unwrap();
        let places: Vec<u64> = places.iter().map(|one| one.index).collect();
        assert_eq!(places, [2, 3]);
        tx.commit().await.unwrap();
        let mut tx = register.store.read().await.unwrap();
        let stored = tx.leaves(0..4).await.unwrap();
        let times: Vec<i64> = stored.iter().map(|s| s.leaf.at.since(now())).collect();
        assert_eq!(times, [0, 0, 9, 9]);
        // The bytes say the same time, and the hash is theirs.
        assert_eq!(stored[1].leaf.bytes, leaf_at(now(), "b").bytes());
        assert_eq!(stored[1].leaf.hash, leaf_at(now(), "b").hash());
        assert_eq!((appended.index, appended.hash), (1, stored[1].leaf.hash));
    });
}

#[test]
fn a_leaf_of_a_clock_that_was_set_back_is_refused_and_nothing_is_written() {
    both(async |register| {
        let append = async |seconds: i64| {
            let leaf = leaf_at(now().plus(seconds), "a");
            let leaf = &leaf;
            let run = register.store.run(|mut tx| async move {
                let appended = tx.append_leaf(leaf).await?;
                Ok::<_, StoreError>((tx, appended.index))
            });
            run.await
        };
        assert_eq!(append(0).await.unwrap(), 0);
        match append(-61).await {
            Err(StoreError::ClockBehind { seconds }) => assert_eq!(seconds, 61),
            other => panic!("{other:?}"),
        }
        let mut tx = register.store.read().await.unwrap();
        assert_eq!(tx.log_size().await.unwrap(), 1);
        let behind = tx.clock_behind(now().plus(-61)).await.unwrap();
        assert_eq!(behind, Some(61));
        assert_eq!(tx.clock_behind(now().plus(-60)).await.unwrap(), None);
        drop(tx);
        assert_eq!(append(1).await.unwrap(), 1);
    });
}
