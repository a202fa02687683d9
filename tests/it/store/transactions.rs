//! Transactions: all or nothing, tried again when another one was in the way, never written by readers.

use super::samples::{AGENCY, agency, begun, job, leaf};
use crate::support::stores::both;
use dauso::store::{ATTEMPTS, Conflict, Contention, Outage, Store, StoreError};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

#[derive(Debug, thiserror::Error)]
enum Refused {
    #[error("the use case refused")]
    ByUseCase,
    #[error(transparent)]
    ByStore(#[from] StoreError),
}

#[test]
fn what_a_failed_transaction_wrote_is_gone() {
    both(async |register| {
        let store = &register.store;
        begun(store).await.unwrap();
        let refused: Result<(), Refused> = store
            .run(|mut tx| async move {
                tx.append_leaf(&leaf("a")).await?;
                tx.enqueue(&job(1)).await?;
                tx.take_number(AGENCY, "vehicle-badge", 2026).await?;
                Err(Refused::ByUseCase)
            })
            .await;
        assert!(matches!(refused, Err(Refused::ByUseCase)), "{refused:?}");
        let mut tx = store.begin().await.unwrap();
        assert_eq!(tx.log_size().await.unwrap(), 0);
        assert_eq!(tx.waiting_jobs().await.unwrap(), 0);
        let number = tx.take_number(AGENCY, "vehicle-badge", 2026).await.unwrap();
        assert_eq!(number, 1);
    });
}

#[test]
fn a_transaction_that_is_dropped_leaves_nothing() {
    both(async |register| {
        let mut tx = register.store.begin().await.unwrap();
        tx.add_agency(&agency()).await.unwrap();
        drop(tx);
        let mut tx = register.store.read().await.unwrap();
        assert_eq!(tx.agencies().await.unwrap(), []);
    });
}

#[test]
fn work_that_met_another_transaction_is_done_again_and_no_other_work_is() {
    both(async |register| {
        let tries = AtomicU32::new(0);
        let tries = &tries;
        let size = register
            .store
            .run(|mut tx| async move {
                tx.append_leaf(&leaf("a")).await?;
                if tries.fetch_add(1, Ordering::Relaxed) < 2 {
                    return Err(StoreError::Contended(Contention::Overtaken).into());
                }
                let size = tx.log_size().await?;
                Ok::<_, Refused>((tx, size))
            })
            .await
            .unwrap();
        assert_eq!((size, tries.load(Ordering::Relaxed)), (1, 3));

        tries.store(0, Ordering::Relaxed);
        let conflict: Result<(), _> = register
            .store
            .run(|_tx| async move {
                tries.fetch_add(1, Ordering::Relaxed);
                Err(StoreError::Conflict(Conflict::Number))
            })
            .await;
        assert!(matches!(
            conflict,
            Err(StoreError::Conflict(Conflict::Number))
        ));
        assert_eq!(tries.load(Ordering::Relaxed), 1);
    });
}

#[test]
fn contention_without_end_comes_to_the_caller() {
    both(async |register| {
        let tries = AtomicU32::new(0);
        let tries = &tries;
        let given_up: Result<(), _> = register
            .store
            .run(|_tx| async move {
                tries.fetch_add(1, Ordering::Relaxed);
                Err(StoreError::Contended(Contention::Deadlock))
            })
            .await;
        let deadlock = Err(Contention::Deadlock);
        let given_up = given_up.map_err(|error| match error {
            StoreError::Contended(contention) => contention,
            other => panic!("{other:?}"),
        });
        assert_eq!(given_up, deadlock);
        assert_eq!(tries.load(Ordering::Relaxed), ATTEMPTS);
    });
}

#[test]
fn a_reader_sees_one_moment_and_cannot_write() {
    both(async |register| {
        let store = &register.store;
        let mut reader = store.read().await.unwrap();
        assert_eq!(reader.log_size().await.unwrap(), 0);
        let mut writer = store.begin().await.unwrap();
        writer.append_leaf(&leaf("a")).await.unwrap();
        writer.commit().await.unwrap();
        assert_eq!(reader.log_size().await.unwrap(), 0);
        let refused = reader.append_leaf(&leaf("b")).await;
        assert!(
            matches!(refused, Err(StoreError::Outage(Outage::Unavailable, _))),
            "{refused:?}"
        );
        drop(reader);
        let mut reader = store.read().await.unwrap();
        assert_eq!(reader.log_size().await.unwrap(), 1);
    });
}

/// SQLite would refuse the write of a transaction that began by reading an older state, for good.
#[test]
fn a_transaction_that_reads_first_can_write_although_another_server_wants_to() {
    both(async |register| {
        let other_server = Store::open(&register.url).await.unwrap();
        let mut first = register.store.begin().await.unwrap();
        assert_eq!(first.log_size().await.unwrap(), 0);
        let second = tokio::spawn(async move {
            let mut tx = other_server.begin().await?;
            tx.log_size().await?;
            tx.append_leaf(&leaf("b")).await?;
            tx.commit().await?;
            other_server.close().await;
            Ok::<_, StoreError>(())
        });
        tokio::time::sleep(Duration::from_millis(200)).await;
        first.append_leaf(&leaf("a")).await.unwrap();
        first.commit().await.unwrap();
        second.await.unwrap().unwrap();
        let mut tx = register.store.read().await.unwrap();
        assert_eq!(tx.log_size().await.unwrap(), 2);
    });
}

/// Handlers move between threads, so what `run` returns must too, also when its work borrows.
#[test]
fn the_work_of_a_transaction_may_borrow_and_move_between_threads() {
    async fn of_borrowed(store: &Store, texts: &[String]) -> Result<u64, StoreError> {
        store
            .run(|mut tx| async move {
                for text in texts {
                    tx.append_leaf(&leaf(text)).await?;
                }
                let size = tx.log_size().await?;
                Ok((tx, size))
            })
            .await
    }
    both(async |register| {
        let store = register.store.clone();
        let task = tokio::spawn(async move {
            let texts = [String::from("a"), String::from("b")];
            of_borrowed(&store, &texts).await
        });
        assert_eq!(task.await.unwrap().unwrap(), 2);
    });
}

#[test]
fn an_error_of_the_database_shows_no_values() {
    both(async |register| {
        begun(&register.store).await.unwrap();
        let mut tx = register.store.begin().await.unwrap();
        let mut stranger = super::samples::account("a", dauso::access::Role::Inspector);
        stranger.agency = "no-such-agency".into();
        let refused = tx.add_account(&stranger).await;
        let refused = match refused {
            Err(StoreError::Database(_)) => format!("{refused:?}"),
            // SQLite and PostgreSQL both check the reference at once.
            other => panic!("{other:?}"),
        };
        assert!(!refused.contains("no-such-agency"), "{refused}");
        assert!(!refused.contains("Trần"), "{refused}");
    });
}
