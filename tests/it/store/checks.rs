//! Checks: recorded once, never changed, seen by those whose business they are.

use super::samples::{AGENCY, OTHER_AGENCY, check, now, record, result_id, uuid};
use crate::support::stores::both;
use dauso::digest::Sha256;
use dauso::report::Verdict;
use dauso::store::{Alarm, AuditEntry, Check, CheckQuery, Conflict, Seen, StoreError};

#[test]
fn a_check_comes_back_as_it_was_recorded() {
    both(async |register| {
        let bare = Check {
            result: None,
            result_agency: None,
            verdict: Verdict::Undetermined,
            seen: Seen::NotSeen,
            finding: Some("wrong-vehicle".into()),
            note: None,
            place: None,
            salt: None,
            signed: true,
            ..check(2)
        };
        let mut tx = register.store.begin().await.unwrap();
        for new in [check(1), bare] {
            let recorded = record(&mut tx, &new).await.unwrap();
            assert_eq!(tx.check(new.id).await.unwrap(), Some(recorded));
        }
        assert_eq!(tx.check(uuid(3)).await.unwrap(), None);
    });
}

#[test]
fn the_same_check_again_gets_the_first_answer_and_another_one_is_refused() {
    both(async |register| {
        let mut tx = register.store.begin().await.unwrap();
        let first = record(&mut tx, &check(1)).await.unwrap();
        let later = Check {
            received_at: now().plus(3600),
            verdict: Verdict::Invalid,
            ..check(1)
        };
        assert_eq!(record(&mut tx, &later).await.unwrap(), first);
        assert_eq!(tx.log_size().await.unwrap(), 1);
        for other in [
            Check {
                content: Sha256::of(b"other"),
                ..check(1)
            },
            Check {
                account: "somebody-else".into(),
                ..check(1)
            },
        ] {
            let refused = record(&mut tx, &other).await;
            assert!(
                matches!(refused, Err(StoreError::Conflict(Conflict::CheckId))),
                "{refused:?}"
            );
        }
    });
}

/// A phone that sends twice because the first answer was lost, while the first is still being written.
#[test]
fn one_check_sent_many_times_at_once_is_recorded_once() {
    both(async |register| {
        let senders: Vec<_> = (0..6)
            .map(|_| {
                let store = register.store.clone();
                tokio::spawn(async move {
                    store
                        .run(|mut tx| async move {
                            let recorded = record(&mut tx, &check(1)).await?;
                            Ok::<_, StoreError>((tx, recorded))
                        })
                        .await
                        .unwrap()
                })
            })
            .collect();
        for sender in senders {
            assert_eq!(sender.await.unwrap().leaf_index, 0);
        }
        let mut tx = register.store.read().await.unwrap();
        assert_eq!(tx.log_size().await.unwrap(), 1);
    });
}

fn query(agency: &str) -> CheckQuery {
    CheckQuery {
        agency: agency.into(),
        account: None,
        received: None,
        before: None,
        limit: 10,
    }
}

#[test]
fn a_supervisor_sees_the_checks_of_his_people_and_of_his_results_page_by_page() {
    both(async |register| {
        let mut tx = register.store.begin().await.unwrap();
        let unknown_result = Check {
            result_agency: None,
            ..check(1)
        };
        let by_others = Check {
            agency: OTHER_AGENCY.into(),
            account: "other-inspector".into(),
            ..check(2)
        };
        let of_others = Check {
            result_agency: Some(OTHER_AGENCY.into()),
            ..check(3)
        };
        let not_ours = Check {
            agency: OTHER_AGENCY.into(),
            account: "other-inspector".into(),
            result_agency: Some(OTHER_AGENCY.into()),
            ..check(4)
        };
        let later = Check {
            received_at: now().plus(86_400),
            ..check(5)
        };
        for new in [unknown_result, by_others, of_others, not_ours, later] {
            record(&mut tx, &new).await.unwrap();
        }
        let cases = [
            ("all of ours", query(AGENCY), vec![4, 2, 1, 0]),
            ("all of the others'", query(OTHER_AGENCY), vec![3, 2, 1]),
            (
                "first page",
                CheckQuery {
                    limit: 2,
                    ..query(AGENCY)
                },
                vec![4, 2],
            ),
            (
                "second page",
                CheckQuery {
                    limit: 2,
                    before: Some(2),
                    ..query(AGENCY)
                },
                vec![1, 0],
            ),
            (
                "one inspector",
                CheckQuery {
                    account: Some("other-inspector".into()),
                    ..query(AGENCY)
                },
                vec![1],
            ),
            (
                "one day",
                CheckQuery {
                    received: Some(now()..now().plus(3600)),
                    ..query(AGENCY)
                },
                vec![2, 1, 0],
            ),
        ];
        for (name, query, expected) in cases {
            let page = tx.checks(&query).await.unwrap();
            let places: Vec<u64> = page.iter().map(|check| check.leaf_index).collect();
            assert_eq!(places, expected, "{name}");
        }
        let of_result = tx.checks_of_result(&result_id(3), None, 10).await.unwrap();
        assert_eq!(
            of_result.iter().map(|c| c.id).collect::<Vec<_>>(),
            [uuid(3)]
        );
    });
}

#[test]
fn personal_parts_can_be_erased_and_the_rest_stays() {
    both(async |register| {
        let mut tx = register.store.begin().await.unwrap();
        let old = record(&mut tx, &check(1)).await.unwrap();
        let new = Check {
            received_at: now().plus(60),
            ..check(2)
        };
        let new = record(&mut tx, &new).await.unwrap();
        assert_eq!(tx.erase_check_details(now().plus(60)).await.unwrap(), 1);
        assert_eq!(tx.erase_check_details(now().plus(60)).await.unwrap(), 0);
        let erased = Check {
            note: None,
            place: None,
            salt: None,
            ..old
        };
        assert_eq!(tx.check(uuid(1)).await.unwrap(), Some(erased));
        assert_eq!(tx.check(uuid(2)).await.unwrap(), Some(new));
    });
}

#[test]
fn alarms_are_listed_for_their_agency_the_newest_first() {
    both(async |register| {
        let mut tx = register.store.begin().await.unwrap();
        let alarm = |number| Alarm {
            id: uuid(number),
            agency: AGENCY.into(),
            kind: "register-mismatch".into(),
            result: Some(result_id(number)),
            check: (number == 1).then(|| uuid(number)),
            detail: "credential".into(),
            at: now(),
        };
        for number in 1..=3 {
            tx.add_alarm(&alarm(number)).await.unwrap();
        }
        assert_eq!(
            tx.alarms(AGENCY, None, 2).await.unwrap(),
            [alarm(3), alarm(2)]
        );
        assert_eq!(
            tx.alarms(AGENCY, Some(uuid(2)), 2).await.unwrap(),
            [alarm(1)]
        );
        assert_eq!(tx.alarms(OTHER_AGENCY, None, 2).await.unwrap(), []);
    });
}

#[test]
fn the_audit_is_listed_as_a_whole_and_by_its_subject() {
    both(async |register| {
        let mut tx = register.store.begin().await.unwrap();
        let line = |number: u32| AuditEntry {
            id: uuid(number),
            at: now(),
            actor: "registrar".into(),
            action: "issue".into(),
            subject: (number != 2).then(|| "row".into()),
            detail: "{}".into(),
        };
        for number in 1..=3 {
            tx.append_audit(&line(number)).await.unwrap();
        }
        assert_eq!(tx.audit(None, 2).await.unwrap(), [line(3), line(2)]);
        assert_eq!(tx.audit(Some(uuid(2)), 2).await.unwrap(), [line(1)]);
        assert_eq!(tx.audit_of("row").await.unwrap(), [line(1), line(3)]);
    });
}
