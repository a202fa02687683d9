//! Checks: recorded once, never changed, seen by those whose business they are.

use super::samples::{AGENCY, OTHER_AGENCY, check, entry, now, record, result_id, uuid};
use crate::support::stores::both;
use dauso::digest::Sha256;
use dauso::metrics::Metrics;
use dauso::report::Verdict;
use dauso::store::{
    Alarm, AuditEntry, Check, CheckEntry, CheckQuery, Conflict, Recorder, Seen, StoreError,
};
use std::time::Duration;

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

/// What a phone sends after days offline: new ones, some sent before, one twice, one under a wrong id.
#[test]
fn a_batch_is_answered_check_by_check_in_its_order() {
    both(async |register| {
        let mut tx = register.store.begin().await.unwrap();
        let before = record(&mut tx, &check(5)).await.unwrap();
        let mut entries: Vec<_> = (0..150).map(|number| entry(&check(number))).collect();
        entries.push(entry(&check(7)));
        entries.push(entry(&Check {
            content: Sha256::of(b"other"),
            ..check(8)
        }));
        let entries: Vec<_> = entries.iter().collect();
        let answers = tx.record_checks(&entries).await.unwrap();
        assert_eq!(answers.len(), 152);
        assert_eq!(answers[5].as_ref().unwrap().check, before);
        assert_eq!(answers[150], answers[7]);
        assert_eq!(answers[151], Err(Conflict::CheckId));
        let places: Vec<u64> = answers[..150]
            .iter()
            .map(|answer| answer.as_ref().unwrap().check.leaf_index)
            .collect();
        let expected: Vec<u64> = (1..6).chain([0]).chain(6..150).collect();
        assert_eq!(places, expected);
        assert_eq!(tx.log_size().await.unwrap(), 150);
        for (place, number) in [(1, 0), (0, 5), (149, 149)] {
            let stored = tx.check(uuid(number)).await.unwrap();
            assert_eq!(stored.map(|check| check.leaf_index), Some(place));
        }
    });
}

#[test]
fn the_alarms_of_a_check_are_raised_once() {
    both(async |register| {
        let mut tx = register.store.begin().await.unwrap();
        let alarm = Alarm {
            id: uuid(9),
            agency: AGENCY.into(),
            kind: "register-mismatch".into(),
            result: Some(result_id(1)),
            check: Some(uuid(1)),
            detail: "credential".into(),
            at: now(),
        };
        let alarming = CheckEntry {
            alarms: vec![alarm.clone()],
            ..entry(&check(1))
        };
        for _ in 0..2 {
            tx.record_checks(&[&alarming]).await.unwrap();
        }
        assert_eq!(tx.alarms(AGENCY, None, 9).await.unwrap(), [alarm]);
    });
}

#[test]
fn checks_that_arrive_together_are_written_together_and_answered_apart() {
    both(async |register| {
        let recorder = Recorder::start(register.store.clone(), Metrics::new());
        let senders: Vec<_> = (0..40)
            .map(|number| {
                let recorder = recorder.clone();
                // Every check comes twice; one sender also claims somebody else's id.
                let sent = Check {
                    account: if number == 39 {
                        "somebody"
                    } else {
                        "inspector"
                    }
                    .into(),
                    ..check(number / 2)
                };
                tokio::spawn(async move { recorder.record(vec![entry(&sent)]).await.unwrap() })
            })
            .collect();
        let mut places = Vec::new();
        let mut refused = Vec::new();
        for (number, sender) in senders.into_iter().enumerate() {
            let answers = sender.await.unwrap();
            assert_eq!(answers.len(), 1);
            match &answers[0] {
                Ok(recorded) => places.push(recorded.check.leaf_index),
                Err(conflict) => refused.push((number, *conflict)),
            }
        }
        // Whoever of the last two came first has the id.
        assert_eq!(refused.len(), 1, "{refused:?}");
        assert!(matches!(refused[0], (38 | 39, Conflict::CheckId)));
        places.sort_unstable();
        places.dedup();
        assert_eq!(places, (0..20).collect::<Vec<u64>>());
    });
}

#[test]
fn a_check_that_the_database_refuses_does_not_take_others_with_it() {
    both(async |register| {
        let recorder = Recorder::start(register.store.clone(), Metrics::new());
        let twin = |number| {
            let mut entry = entry(&check(number));
            entry.alarms = vec![Alarm {
                id: uuid(1),
                agency: AGENCY.into(),
                kind: "clone".into(),
                result: None,
                check: None,
                detail: "place".into(),
                at: now(),
            }];
            entry
        };
        // Both raise an alarm of the same id, which only one of them can.
        let requests = [vec![twin(1)], vec![twin(2)], vec![entry(&check(3))]];
        let senders = requests.map(|entries| {
            let recorder = recorder.clone();
            tokio::spawn(async move { recorder.record(entries).await })
        });
        let mut recorded = 0;
        for sender in senders {
            match sender.await.unwrap() {
                Ok(answers) => recorded += answers.len(),
                Err(error) => assert!(matches!(error, StoreError::Database(_)), "{error:?}"),
            }
        }
        assert_eq!(recorded, 2);
        let mut tx = register.store.read().await.unwrap();
        assert_eq!(tx.log_size().await.unwrap(), 2);
    });
}

/// The second sending looks while the first is written but not committed.
#[test]
fn a_check_sent_again_before_the_first_is_committed_gets_the_first_answer() {
    both(async |register| {
        let store = register.store.clone();
        let mut first = store.begin().await.unwrap();
        let recorded = record(&mut first, &check(1)).await.unwrap();
        let second = tokio::spawn(async move {
            store
                .run(|mut tx| async move {
                    let recorded = record(&mut tx, &check(1)).await?;
                    Ok::<_, StoreError>((tx, recorded))
                })
                .await
        });
        tokio::time::sleep(Duration::from_millis(300)).await;
        first.commit().await.unwrap();
        assert_eq!(second.await.unwrap().unwrap(), recorded);
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
        assert_eq!(
            tx.audit_of("row", None, 2).await.unwrap(),
            [line(3), line(1)]
        );
        let rest = tx.audit_of("row", Some(uuid(3)), 2).await.unwrap();
        assert_eq!(rest, [line(1)]);
        assert_eq!(tx.audit_of("other", None, 2).await.unwrap(), []);
    });
}
