//! PostgreSQL on another machine: over TCP, with TLS, and only if its certificate is the right one.

use super::samples::leaf;
use crate::support::stores::Remote;
use dauso::store::{Store, StoreError};
use sqlx::{AnyConnection, Connection as _, Row as _};

#[tokio::test]
async fn a_remote_postgresql_is_reached_with_tls_and_only_under_its_own_name() {
    let remote = Remote::start();
    let (port, authority) = (remote.port, remote.authority());
    let url = |host: &str, rest: &str| format!("postgres://dauso@{host}:{port}/postgres?{rest}");
    let known = format!("&sslrootcert={}", authority.display());

    let full = url("localhost", &format!("sslmode=verify-full{known}"));
    let store = Store::open(&full).await.unwrap();
    let mut tx = store.begin().await.unwrap();
    tx.append_leaf(&leaf("a")).await.unwrap();
    tx.commit().await.unwrap();
    store.ping().await.unwrap();
    store.close().await;
    let mut connection = AnyConnection::connect(&full).await.unwrap();
    let seen = "SELECT version, CASE WHEN ssl THEN 1 ELSE 0 END AS tls FROM pg_stat_ssl WHERE pid = pg_backend_pid()";
    let row = sqlx::query(seen).fetch_one(&mut connection).await.unwrap();
    assert_eq!(row.get::<i32, _>("tls"), 1);
    assert_eq!(row.get::<String, _>("version"), "TLSv1.3");

    for (url, opens) in [
        (url("127.0.0.1", &format!("sslmode=verify-ca{known}")), true),
        (
            url("127.0.0.1", &format!("sslmode=verify-full{known}")),
            false,
        ),
        (url("localhost", "sslmode=verify-full"), false),
        (url("localhost", "sslmode=require"), true),
    ] {
        let opened = Store::open(&url).await;
        match (opened, opens) {
            (Ok(store), true) => store.close().await,
            (Err(StoreError::Outage(_, fault)), false) => {
                assert!(
                    fault.to_string().contains("invalid peer certificate"),
                    "{url}: {fault}"
                );
            }
            (opened, _) => panic!("{url}: {opened:?}"),
        }
    }
}
