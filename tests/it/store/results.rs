//! Results, their status and their places in status lists.

use super::samples::{
    AGENCY, OTHER_AGENCY, begun, issued, leaf, now, other_agency, result_id, uuid,
};
use crate::support::stores::both;
use dauso::catalogue::ChangeKind;
use dauso::private::Private;
use dauso::store::{
    Conflict, Issued, Standing, StatusChange, StatusListRegister, StoreError, StoredResult, Tx,
};
use time::macros::date;

#[test]
fn a_result_comes_back_as_it_was_issued() {
    both(async |register| {
        begun(&register.store).await.unwrap();
        let without_end = Issued {
            valid_to: None,
            number: None,
            source_document: None,
            ..issued(2)
        };
        let mut tx = register.store.begin().await.unwrap();
        for new in [issued(1), without_end] {
            tx.add_result(&new).await.unwrap();
            let expected = StoredResult {
                issued: Issued {
                    plates: Private::new(vec![]),
                    ..new.clone()
                },
                standing: Standing::Valid,
                until: None,
                successor: None,
            };
            let found = [
                tx.result(&new.id).await.unwrap(),
                tx.result_of_row(new.row).await.unwrap(),
                tx.result_of_code(&new.result_code).await.unwrap(),
            ];
            assert_eq!(found, [(); 3].map(|()| Some(expected.clone())));
        }
        assert_eq!(tx.result(&result_id(3)).await.unwrap(), None);
        assert_eq!(tx.result_count().await.unwrap(), 2);
    });
}

#[test]
fn what_is_unique_is_given_once_and_the_refusal_says_which() {
    both(async |register| {
        begun(&register.store).await.unwrap();
        let mut tx = register.store.begin().await.unwrap();
        tx.add_result(&issued(1)).await.unwrap();
        let one = issued(1);
        let cases = [
            (
                Conflict::ResultId,
                Issued {
                    id: one.id,
                    ..issued(2)
                },
            ),
            (
                Conflict::ResultCode,
                Issued {
                    result_code: one.result_code.clone(),
                    ..issued(2)
                },
            ),
            (
                Conflict::Number,
                Issued {
                    number: one.number,
                    ..issued(2)
                },
            ),
            (
                Conflict::Number,
                Issued {
                    number: None,
                    number_text: one.number_text.clone(),
                    ..issued(2)
                },
            ),
            (
                Conflict::StatusIndex,
                Issued {
                    index: one.index,
                    ..issued(2)
                },
            ),
        ];
        for (expected, new) in cases {
            match tx.add_result(&new).await {
                Err(StoreError::Conflict(conflict)) => assert_eq!(conflict, expected),
                other => panic!("{expected:?}: {other:?}"),
            }
        }
        // The same number of another year, type or agency, and the same place of another list, are free.
        for (place, new) in [
            Issued {
                year: 2027,
                number: one.number,
                ..issued(3)
            },
            Issued {
                result_type: "oversize-permit".into(),
                number: one.number,
                ..issued(4)
            },
            Issued {
                agency: OTHER_AGENCY.into(),
                number: one.number,
                ..issued(5)
            },
            Issued {
                list: 2,
                index: one.index,
                ..issued(6)
            },
        ]
        .into_iter()
        .enumerate()
        {
            tx.add_result(&new)
                .await
                .unwrap_or_else(|error| panic!("{place}: {error:?}"));
        }
    });
}

#[test]
fn results_are_found_by_plate_and_listed_in_pages() {
    both(async |register| {
        begun(&register.store).await.unwrap();
        let mut tx = register.store.begin().await.unwrap();
        for number in 1..=5 {
            let plates = vec![
                "43C00000".into(),
                format!("43D0000{number}"),
                "43C00000".into(),
            ];
            let new = Issued {
                plates: Private::new(plates),
                ..issued(number)
            };
            tx.add_result(&new).await.unwrap();
        }
        let rows = |results: &[StoredResult]| -> Vec<_> {
            results.iter().map(|result| result.issued.row).collect()
        };
        let by_plate = tx.results_of_plate("43D00003", None, 10).await.unwrap();
        assert_eq!(rows(&by_plate), [uuid(3)]);
        let by_plate = tx.results_of_plate("43C00000", None, 2).await.unwrap();
        assert_eq!(rows(&by_plate), [uuid(5), uuid(4)]);
        let theirs = tx.results_of_plate("43C00000", Some(OTHER_AGENCY), 9);
        assert_eq!(theirs.await.unwrap(), []);
        let of_number = async |tx: &mut Tx, spellings, agency| {
            let found = tx.results_of_number(spellings, agency, 9).await.unwrap();
            rows(&found)
        };
        let number = issued(4).number_text;
        let nobody: [uuid::Uuid; 0] = [];
        for (spellings, agency, expected) in [
            ([number.as_str(), "x"], None, &[uuid(4)][..]),
            (["x", number.as_str()], Some(AGENCY), &[uuid(4)]),
            ([number.as_str(), "x"], Some(OTHER_AGENCY), &nobody),
            (["x", "x"], None, &nobody),
        ] {
            assert_eq!(of_number(&mut tx, spellings, agency).await, expected);
        }
        let first = tx.results(AGENCY, None, 3).await.unwrap();
        assert_eq!(rows(&first), [uuid(5), uuid(4), uuid(3)]);
        let second = tx.results(AGENCY, Some(uuid(3)), 3).await.unwrap();
        assert_eq!(rows(&second), [uuid(2), uuid(1)]);
        assert_eq!(tx.results(OTHER_AGENCY, None, 3).await.unwrap(), []);
    });
}

async fn change(
    tx: &mut Tx,
    number: u32,
    from: Standing,
    to: Standing,
) -> Result<StatusChange, StoreError> {
    let leaf_index = tx.append_leaf(&leaf("status changed")).await?.index;
    let change = StatusChange {
        id: uuid(u32::try_from(leaf_index).expect("a short log")),
        result: result_id(number),
        kind: match to {
            Standing::Suspended => ChangeKind::Suspension,
            Standing::Cancelled => ChangeKind::Cancellation,
            Standing::Superseded => ChangeKind::Replacement,
            _ => ChangeKind::Revocation,
        },
        from,
        to,
        effective_at: now().plus(60),
        until: (to == Standing::Suspended).then_some(date!(2026 - 12 - 31)),
        successor: (to == Standing::Superseded).then_some(result_id(9)),
        reason: "vi-pham".into(),
        decision: "12/QĐ-SXD".into(),
        authority: "Sở Xây dựng Mẫu".into(),
        actor: "registrar".into(),
        confirmed_by: Some("signatory".into()),
        at: now(),
        salt: [7; 16],
        leaf_index,
    };
    tx.change_status(&change).await.map(|()| change)
}

#[test]
fn a_change_starts_only_from_the_standing_it_names() {
    both(async |register| {
        begun(&register.store).await.unwrap();
        let mut tx = register.store.begin().await.unwrap();
        tx.add_result(&issued(1)).await.unwrap();
        let suspended = change(&mut tx, 1, Standing::Valid, Standing::Suspended)
            .await
            .unwrap();
        let stored = tx.result(&result_id(1)).await.unwrap().unwrap();
        assert_eq!(
            (stored.standing, stored.until),
            (Standing::Suspended, Some(date!(2026 - 12 - 31)))
        );
        for (number, from) in [(1, Standing::Valid), (2, Standing::Valid)] {
            let refused = change(&mut tx, number, from, Standing::Revoked).await;
            assert!(
                matches!(refused, Err(StoreError::Conflict(Conflict::Standing))),
                "{number}: {refused:?}"
            );
        }
        let superseded = change(&mut tx, 1, Standing::Suspended, Standing::Superseded)
            .await
            .unwrap();
        let stored = tx.result(&result_id(1)).await.unwrap().unwrap();
        assert_eq!((stored.until, stored.successor), (None, Some(result_id(9))));
        let history = tx.status_changes(&result_id(1)).await.unwrap();
        assert_eq!(history, [suspended, superseded]);
    });
}

#[test]
fn two_decisions_at_once_leave_one_standing() {
    both(async |register| {
        begun(&register.store).await.unwrap();
        let store = &register.store;
        store
            .run(|mut tx| async move {
                tx.add_result(&issued(1)).await?;
                Ok::<_, StoreError>((tx, ()))
            })
            .await
            .unwrap();
        let decisions = [Standing::Revoked, Standing::Cancelled].map(|to| {
            let store = store.clone();
            tokio::spawn(async move {
                store
                    .run(|mut tx| async move {
                        change(&mut tx, 1, Standing::Valid, to).await?;
                        Ok::<_, StoreError>((tx, ()))
                    })
                    .await
            })
        });
        let mut taken = 0;
        for decision in decisions {
            match decision.await.unwrap() {
                Ok(()) => taken += 1,
                Err(StoreError::Conflict(Conflict::Standing)) => {}
                Err(other) => panic!("{other:?}"),
            }
        }
        assert_eq!(taken, 1);
        let mut tx = store.read().await.unwrap();
        assert_eq!(tx.status_changes(&result_id(1)).await.unwrap().len(), 1);
        assert_eq!(tx.log_size().await.unwrap(), 1);
    });
}

#[test]
fn a_status_list_says_what_is_not_valid() {
    both(async |register| {
        begun(&register.store).await.unwrap();
        let mut tx = register.store.begin().await.unwrap();
        for number in 1..=3 {
            tx.add_result(&issued(number)).await.unwrap();
        }
        tx.add_result(&Issued {
            list: 2,
            ..issued(4)
        })
        .await
        .unwrap();
        change(&mut tx, 3, Standing::Valid, Standing::Revoked)
            .await
            .unwrap();
        change(&mut tx, 1, Standing::Valid, Standing::Suspended)
            .await
            .unwrap();
        change(&mut tx, 4, Standing::Valid, Standing::Revoked)
            .await
            .unwrap();
        let said = tx.statuses(1, now()).await.unwrap();
        assert_eq!(said, [(1, Standing::Suspended), (3, Standing::Revoked)]);
        for (list, index, taken) in [(1, 1, true), (1, 3, true), (1, 4, false), (2, 4, true)] {
            let found = tx.status_place_taken(list, index).await.unwrap();
            assert_eq!(found, taken, "place {index} of list {list}");
        }
    });
}

#[test]
fn the_newest_list_of_an_issuer_is_its_current_one() {
    both(async |register| {
        begun(&register.store).await.unwrap();
        let mut tx = register.store.begin().await.unwrap();
        let number = tx.next_status_list_number().await.unwrap();
        let list = StatusListRegister {
            number,
            capacity: 1 << 20,
            issuer: other_agency().issuer,
            created_at: now(),
        };
        tx.add_status_list(&list).await.unwrap();
        let again = tx.add_status_list(&list).await;
        assert!(matches!(
            again,
            Err(StoreError::Conflict(Conflict::StatusList))
        ));
        assert_eq!(number, 3);
        assert_eq!(
            tx.current_status_list("SCT").await.unwrap(),
            Some(list.clone())
        );
        assert_eq!(tx.current_status_list("none").await.unwrap(), None);
        assert_eq!(tx.status_list(3).await.unwrap(), Some(list));
        let numbers: Vec<_> = tx
            .status_lists()
            .await
            .unwrap()
            .iter()
            .map(|l| l.number)
            .collect();
        assert_eq!(numbers, [1, 2, 3]);
    });
}
