//! Idempotency keys: one request, one answer.

use super::samples::{leaf, now};
use crate::support::stores::both;
use dauso::digest::Sha256;
use dauso::private::Private;
use dauso::store::{Answer, Conflict, Store, StoreError};

/// Does its work once per key and answers with what it did.
async fn answer(store: &Store, account: &str, request: &[u8]) -> Result<Answer, StoreError> {
    let request = &Sha256::of(request);
    store
        .run(|mut tx| async move {
            if let Some(earlier) = tx.earlier_answer(account, "key", request).await? {
                return Ok((tx, earlier));
            }
            let index = tx.append_leaf(&leaf("issued")).await?.index;
            let new = Answer {
                status: 201,
                body: Private::new(format!("leaf {index}")),
            };
            tx.keep_answer(account, "key", request, &new, now()).await?;
            Ok((tx, new))
        })
        .await
}

#[test]
fn the_same_request_gets_the_first_answer_and_another_one_is_refused() {
    both(async |register| {
        let store = &register.store;
        let first = answer(store, "a", b"request").await.unwrap();
        assert_eq!(first.body.expose(), "leaf 0");
        assert_eq!(answer(store, "a", b"request").await.unwrap(), first);
        let refused = answer(store, "a", b"another").await;
        assert!(
            matches!(refused, Err(StoreError::Conflict(Conflict::IdempotencyKey))),
            "{refused:?}"
        );
        let of_another_account = answer(store, "b", b"another").await.unwrap();
        assert_eq!(of_another_account.body.expose(), "leaf 1");
    });
}

#[test]
fn one_request_sent_many_times_at_once_is_done_once() {
    both(async |register| {
        let senders: Vec<_> = (0..6)
            .map(|_| {
                let store = register.store.clone();
                tokio::spawn(async move { answer(&store, "a", b"request").await })
            })
            .collect();
        for sender in senders {
            let answer = sender.await.unwrap().unwrap();
            assert_eq!(answer.body.expose(), "leaf 0");
        }
        let mut tx = register.store.read().await.unwrap();
        assert_eq!(tx.log_size().await.unwrap(), 1);
    });
}

#[test]
fn old_answers_are_forgotten() {
    both(async |register| {
        let store = &register.store;
        answer(store, "a", b"request").await.unwrap();
        let mut tx = store.begin().await.unwrap();
        assert_eq!(tx.forget_answers(now()).await.unwrap(), 0);
        assert_eq!(tx.forget_answers(now().plus(1)).await.unwrap(), 1);
        tx.commit().await.unwrap();
        let again = answer(store, "a", b"request").await.unwrap();
        assert_eq!(again.body.expose(), "leaf 1");
    });
}
