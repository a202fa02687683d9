//! The database goes away while the service works.

use super::ledger::{Ledger, Told, audit};
use crate::support::cluster::OwnCluster;
use crate::support::serving::{Request, Site};
use dauso::store::Store;
use serde_json::json;
use sqlx::{AnyConnection, Connection as _};
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};
use uuid::Uuid;

fn check(site: &Site) -> Request {
    let request = Request::new("POST", "/api/v1/checks").by(site.key("inspector"));
    request.json(&json!({
        "id": Uuid::now_v7().to_string(),
        "scanned": "HTTPS://QR.VIDU.TEST/7K3M9QX2TB4C5D6E",
        "device_time": "2026-11-21T09:41:58+07:00",
        "match": "fits",
    }))
}

#[test]
fn a_database_that_goes_and_comes_back_in_mid_load_needs_no_restart_and_loses_nothing() {
    let mut cluster = OwnCluster::start();
    let site = Site::on(&cluster.url());
    let server = site.serve();
    server.becomes_ready(Duration::from_secs(30));
    let (stop, told) = (AtomicBool::new(false), Mutex::new(Vec::new()));
    let problems = Mutex::new(Vec::new());
    thread::scope(|scope| {
        for _ in 0..3 {
            scope.spawn(|| {
                while !stop.load(Ordering::Relaxed) {
                    let request = check(&site);
                    let reply = request.send(&server.address).unwrap();
                    if reply.status == 200 {
                        let answer = reply.json();
                        told.lock().unwrap().push(Told {
                            id: answer["id"].as_str().unwrap().to_owned(),
                            index: answer["log"]["index"].as_u64().unwrap(),
                            leaf: answer["log"]["leaf"].as_str().unwrap().to_owned(),
                        });
                    } else {
                        problems.lock().unwrap().push(reply.problem());
                    }
                }
            });
        }
        thread::sleep(Duration::from_millis(700));
        cluster.kill();
        // Longer than anybody waits for a connection.
        thread::sleep(Duration::from_secs(12));
        let (status, body) = server.ready();
        assert_eq!(
            (status, &body["database"]),
            (503, &json!("failed")),
            "{body}"
        );
        cluster.restart();
        server.becomes_ready(Duration::from_secs(30));
        let before = told.lock().unwrap().len();
        let end = Instant::now() + Duration::from_secs(30);
        while told.lock().unwrap().len() == before && Instant::now() < end {
            thread::sleep(Duration::from_millis(50));
        }
        stop.store(true, Ordering::Relaxed);
        assert!(told.lock().unwrap().len() > before, "it does not go on");
    });
    let problems = problems.into_inner().unwrap();
    assert!(!problems.is_empty(), "the outage was not seen");
    for problem in problems {
        let expected = (503, "register/unavailable".to_owned(), "5".to_owned());
        assert_eq!(problem, expected);
    }
    let checks = told.into_inner().unwrap();
    audit(
        &site,
        &Ledger {
            checks,
            ..Ledger::default()
        },
    );
}

/// `synchronous_commit` can be off for a server, a database or a role; fsync only for a server.
#[test]
fn what_would_let_the_database_forget_is_switched_on_or_named() {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .unwrap();
    let cluster = OwnCluster::start();
    runtime.block_on(async {
        let store = Store::open(&cluster.url()).await.unwrap();
        assert_eq!(store.forgetful().await.unwrap(), [] as [&str; 0]);
        store.close().await;
        let mut connection = AnyConnection::connect(&cluster.url()).await.unwrap();
        let sql = "ALTER DATABASE postgres SET synchronous_commit = off";
        sqlx::raw_sql(sql).execute(&mut connection).await.unwrap();
        connection.close().await.unwrap();
        let store = Store::open(&cluster.url()).await.unwrap();
        assert_eq!(store.forgetful().await.unwrap(), [] as [&str; 0]);
        store.close().await;
    });
    // The PostgreSQL that other tests share is set up to be fast.
    crate::support::stores::both(async |register| {
        let expected: &[&str] = match register.kind {
            crate::support::stores::Kind::Sqlite => &[],
            crate::support::stores::Kind::Postgres => &["fsync", "full_page_writes"],
        };
        assert_eq!(register.store.forgetful().await.unwrap(), expected);
    });
}
