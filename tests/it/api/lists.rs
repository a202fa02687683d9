//! What happens when a status list is full.

use super::checks::{check_of, send};
use crate::support::app::{Hands, OURS, TestApp, badge};
use crate::support::stores::both;
use dauso::access::{Caller, Role};
use dauso::app::Installation;
use dauso::clock::Clock;
use dauso::issuance::{Outcome, Request};
use dauso::store::{StatusListRegister, StoreError};
use std::collections::BTreeSet;
use std::sync::Arc;

const PLACES: u32 = 16;

#[test]
fn two_servers_that_fill_a_list_open_the_next_one_once() {
    const EACH: usize = 30;
    both(async |register| {
        let app = TestApp::start_on(&register.url).await;
        let store = app.installation.store();
        let at = app.clock.now();
        store
            .run(|mut tx| async move {
                tx.add_status_list(&StatusListRegister {
                    number: 10,
                    capacity: PLACES,
                    issuer: "16H99".to_owned(),
                    created_at: at,
                })
                .await?;
                Ok::<_, StoreError>((tx, ()))
            })
            .await
            .unwrap();
        let clock: Arc<dyn Clock> = Arc::<Hands>::clone(&app.clock);
        let other = Installation::open(app.path(), Some(&register.url), clock);
        let other = other.await.unwrap();
        let tasks = [&app.installation, &other].map(|server| {
            let issuer = server.issuer().unwrap();
            tokio::spawn(async move {
                let caller = Caller {
                    account: "registrar".to_owned(),
                    role: Role::Registrar,
                    agency: OURS.to_owned(),
                };
                let mut texts = Vec::new();
                for _ in 0..EACH {
                    let request = Request {
                        data: badge(),
                        pdf: None,
                        once: None,
                    };
                    match issuer.issue(&caller, request).await.unwrap() {
                        Outcome::Issued(receipt) => texts.push(receipt.qr_text),
                        Outcome::Replayed(_) => panic!("issued before"),
                    }
                }
                texts
            })
        });
        let mut texts = Vec::new();
        for task in tasks {
            texts.extend(task.await.unwrap());
        }
        app.work().await;
        let mut tx = store.read().await.unwrap();
        let results = tx.results(OURS, None, 1_000).await.unwrap();
        let places: BTreeSet<_> = results
            .iter()
            .map(|r| (r.issued.list, r.issued.index))
            .collect();
        assert_eq!(places.len(), 2 * EACH, "every place once");
        assert!(places.iter().all(|(_, index)| *index < PLACES));
        let lists: Vec<_> = tx.status_lists().await.unwrap();
        let opened: Vec<_> = lists.iter().filter(|list| list.number >= 10).collect();
        let used: BTreeSet<_> = places.iter().map(|(list, _)| *list).collect();
        assert!(opened.len() >= 4, "{opened:?}");
        assert_eq!(
            used,
            opened.iter().map(|list| list.number).collect(),
            "no list was opened in vain"
        );
        assert_eq!(
            used,
            (10..10 + u32::try_from(opened.len()).unwrap()).collect()
        );
        assert!(
            opened
                .iter()
                .all(|list| list.capacity == PLACES && list.issuer == "16H99")
        );
        // All but the last are left with most of their places taken.
        for list in used.iter().take(used.len() - 1) {
            let taken = places.iter().filter(|(number, _)| number == list).count();
            assert!(taken >= 8, "list {list}: {taken}");
        }
        drop(tx);
        // The bundle says where the new lists are, and results in them are in force.
        app.installation.worker(&app.service).refresh_trust().await;
        for list in used {
            assert_eq!(app.get(&format!("/status/{list}")).send().await.status, 200);
        }
        for text in [&texts[0], texts.last().unwrap()] {
            assert_eq!(send(&app, &check_of(text)).await.ok()["verdict"], "valid");
        }
        other.store().close().await;
        app.installation.store().close().await;
    });
}
