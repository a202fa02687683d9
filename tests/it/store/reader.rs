//! Group reads: many questions at once, each with its own answer, and none older than its question.

use super::samples::{
    AGENCY, account, agency, begun, issued, leaf, now, other_agency, result_id, uuid,
};
use crate::support::stores::both;
use dauso::access::Role;
use dauso::catalogue::ChangeKind;
use dauso::digest::Sha256;
use dauso::id::ResultId;
use dauso::store::{ApiKey, Reader, Standing, StatusChange, Store, StoreError};

fn key(number: u32) -> Sha256 {
    Sha256::of(&number.to_be_bytes())
}

async fn filled(store: &Store, results: u32) {
    begun(store).await.unwrap();
    store
        .run(|mut tx| async move {
            tx.add_account(&account("inspector", Role::Inspector))
                .await?;
            for (number, expires) in [(1, None), (2, Some(now().plus(60)))] {
                tx.add_api_key(&ApiKey {
                    digest: key(number),
                    account: "inspector".into(),
                    label: "phone".into(),
                    created_at: now(),
                    expires_at: expires,
                    revoked_at: None,
                })
                .await?;
            }
            for number in 1..=results {
                let leaf_index = tx.append_leaf(&leaf("issued")).await?.index;
                let agency = if number % 2 == 0 {
                    agency()
                } else {
                    other_agency()
                };
                let issued = dauso::store::Issued {
                    leaf_index,
                    agency: agency.code,
                    ..issued(number)
                };
                tx.add_result(&issued).await?;
            }
            Ok::<_, StoreError>((tx, ()))
        })
        .await
        .unwrap();
}

/// Revokes a result by a decision with a number.
async fn revoke(store: &Store, result: ResultId, number: u32) -> StatusChange {
    let revoked = store.run(|mut tx| async move {
        let leaf_index = tx.append_leaf(&leaf("x")).await?.index;
        let change = StatusChange {
            id: uuid(number),
            result,
            kind: ChangeKind::Revocation,
            from: Standing::Valid,
            to: Standing::Revoked,
            effective_at: now(),
            until: None,
            successor: None,
            reason: "vi-pham".into(),
            decision: "12/QĐ-SXD".into(),
            authority: AGENCY.into(),
            actor: "registrar".into(),
            confirmed_by: None,
            at: now(),
            salt: [7; 16],
            leaf_index,
        };
        tx.change_status(&change).await?;
        Ok::<_, StoreError>((tx, change))
    });
    revoked.await.unwrap()
}

#[test]
fn many_questions_at_once_get_the_answers_of_one_by_one() {
    both(async |register| {
        filled(&register.store, 150).await;
        let reader = Reader::start(register.store.clone());
        let mut asked = Vec::new();
        for number in 0..300 {
            let reader = reader.clone();
            asked.push(tokio::spawn(async move {
                // Half of them are unknown; some are asked for twice.
                let id = result_id(number * 2 % 302);
                (id, reader.result(id).await.unwrap())
            }));
        }
        for asked in asked {
            let (id, found) = asked.await.unwrap();
            let mut tx = register.store.read().await.unwrap();
            let alone = tx.result(&id).await.unwrap();
            let agency = match &alone {
                Some(result) => tx.agency(&result.issued.agency).await.unwrap(),
                None => None,
            };
            assert_eq!(
                found.as_ref().map(|entry| &entry.decided.result),
                alone.as_ref()
            );
            assert_eq!(found.map(|entry| (*entry.agency).clone()), agency);
        }
    });
}

#[test]
fn an_answer_knows_what_was_committed_before_the_question() {
    both(async |register| {
        filled(&register.store, 3).await;
        let reader = Reader::start(register.store.clone());
        for (round, id) in [result_id(1), result_id(2)].into_iter().enumerate() {
            assert_eq!(
                reader.result(id).await.unwrap().unwrap().decided.changes,
                []
            );
            let change = revoke(&register.store, id, 500 + u32::try_from(round).unwrap()).await;
            let entry = reader.result(id).await.unwrap().unwrap();
            assert_eq!(entry.decided.result.standing, Standing::Revoked);
            assert_eq!(entry.decided.changes, [change]);
        }
        assert!(reader.result(result_id(4)).await.unwrap().is_none());
    });
}

#[test]
fn what_is_remembered_heeds_one_decision_and_hundreds_of_another_server() {
    both(async |register| {
        filled(&register.store, 302).await;
        let reader = Reader::start(register.store.clone());
        let other_server = Store::open(&register.url).await.unwrap();
        let standing = async |number| {
            let entry = reader.result(result_id(number)).await.unwrap().unwrap();
            (entry.decided.result.standing, entry.decided.changes.len())
        };
        for number in 1..=302 {
            assert_eq!(standing(number).await, (Standing::Valid, 0));
        }
        revoke(&other_server, result_id(1), 500).await;
        assert_eq!(standing(1).await, (Standing::Revoked, 1));
        assert_eq!(standing(2).await, (Standing::Valid, 0));
        // More than the reader asks for at once.
        for number in 2..=301 {
            revoke(&other_server, result_id(number), 500 + number).await;
        }
        for number in 1..=301 {
            assert_eq!(standing(number).await, (Standing::Revoked, 1), "{number}");
        }
        assert_eq!(standing(302).await, (Standing::Valid, 0));
        other_server.close().await;
    });
}

#[test]
fn a_key_opens_until_its_last_moment_and_not_after_it_was_revoked() {
    both(async |register| {
        filled(&register.store, 0).await;
        let reader = Reader::start(register.store.clone());
        let expected = register
            .store
            .read()
            .await
            .unwrap()
            .caller(&key(1), now())
            .await
            .unwrap();
        assert!(expected.is_some());
        assert_eq!(reader.caller(key(1), now()).await.unwrap(), expected);
        assert_eq!(
            reader.caller(key(2), now().plus(60)).await.unwrap(),
            expected
        );
        assert_eq!(reader.caller(key(2), now().plus(61)).await.unwrap(), None);
        assert_eq!(reader.caller(key(3), now()).await.unwrap(), None);
        let revoked = register.store.run(|mut tx| async move {
            tx.revoke_api_key(&key(1), now()).await?;
            Ok::<_, StoreError>((tx, ()))
        });
        revoked.await.unwrap();
        assert_eq!(reader.caller(key(1), now()).await.unwrap(), None);
    });
}
