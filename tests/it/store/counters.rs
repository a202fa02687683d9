//! Numbers: each once, from 1 each year.

use super::samples::{AGENCY, OTHER_AGENCY, begun, issued};
use crate::support::stores::both;
use dauso::store::{Issued, StoreError};

#[test]
fn counters_are_apart_and_begin_again_with_the_year() {
    both(async |register| {
        let mut tx = register.store.begin().await.unwrap();
        for (agency, result_type, year, number) in [
            (AGENCY, "vehicle-badge", 2026, 1),
            (AGENCY, "vehicle-badge", 2026, 2),
            (AGENCY, "oversize-permit", 2026, 1),
            (OTHER_AGENCY, "vehicle-badge", 2026, 1),
            (AGENCY, "vehicle-badge", 2027, 1),
            (AGENCY, "vehicle-badge", 2026, 3),
        ] {
            let taken = tx.take_number(agency, result_type, year).await.unwrap();
            assert_eq!(taken, number, "{agency} {result_type} {year}");
        }
    });
}

#[test]
fn numbers_that_came_with_the_data_are_skipped() {
    both(async |register| {
        begun(&register.store).await.unwrap();
        let mut tx = register.store.begin().await.unwrap();
        for number in [2, 3, 5] {
            tx.add_result(&issued(number)).await.unwrap();
        }
        let mut taken = Vec::new();
        for _ in 0..4 {
            let number = tx.take_number(AGENCY, "vehicle-badge", 2026).await.unwrap();
            taken.push(number);
        }
        assert_eq!(taken, [1, 4, 6, 7]);
    });
}

/// Two registrars issue at once: no number twice, none left out.
#[test]
fn results_issued_at_once_get_every_number_once() {
    const EACH: u32 = 15;
    both(async |register| {
        begun(&register.store).await.unwrap();
        let tasks: Vec<_> = (0..2_u32)
            .map(|task| {
                let store = register.store.clone();
                tokio::spawn(async move {
                    for round in 0..EACH {
                        let unique = 1_000 * (task + 1) + round;
                        store
                            .run(|mut tx| async move {
                                let number = tx.take_number(AGENCY, "vehicle-badge", 2026).await?;
                                tx.add_result(&Issued {
                                    number: Some(number),
                                    number_text: format!("HD{number}"),
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
        let mut tx = register.store.read().await.unwrap();
        let results = tx.results(AGENCY, None, 100).await.unwrap();
        let mut numbers: Vec<_> = results.iter().filter_map(|r| r.issued.number).collect();
        numbers.sort_unstable();
        assert_eq!(numbers, (1..=u64::from(2 * EACH)).collect::<Vec<_>>());
    });
}
