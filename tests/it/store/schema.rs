//! The tables themselves: alike on both, made once, append-only where they should be.

use super::samples::{begun, check, issued, leaf, now, record, uuid};
use crate::support::stores::{Kind, Register, both};
use dauso::store::{AuditEntry, Standing, StatusChange, Store, StoreError};
use sqlx::{AssertSqlSafe, Row as _};
use std::collections::BTreeSet;
use std::sync::Mutex;

/// `table.column type null`, in the words of PostgreSQL.
async fn columns(register: &Register) -> BTreeSet<String> {
    let mut connection = register.connection().await;
    let sql = match register.kind {
        Kind::Sqlite => {
            r#"SELECT t.name || '.' || c.name || ' '
                   || CASE c.type WHEN 'INTEGER' THEN 'bigint' WHEN 'BLOB' THEN 'bytea' ELSE lower(c.type) END
                   || CASE c."notnull" WHEN 1 THEN ' not null' ELSE '' END AS said
               FROM sqlite_schema AS t JOIN pragma_table_info(t.name) AS c
               WHERE t.type = 'table' AND t.name NOT LIKE '\_sqlx%' ESCAPE '\' AND t.name NOT LIKE 'sqlite%'"#
        }
        Kind::Postgres => {
            r"SELECT table_name || '.' || column_name || ' ' || data_type
                   || CASE is_nullable WHEN 'NO' THEN ' not null' ELSE '' END AS said
              FROM information_schema.columns
              WHERE table_schema = 'public' AND table_name NOT LIKE '\_sqlx%'"
        }
    };
    let rows = sqlx::query(sql).fetch_all(&mut connection).await;
    let rows = rows.expect("the catalogue of the database");
    rows.iter()
        .map(|row| row.get::<String, _>("said"))
        .collect()
}

#[test]
fn both_databases_have_the_same_tables_and_columns() {
    let seen = Mutex::new(Vec::new());
    both(async |register| {
        let columns = columns(register).await;
        assert!(
            columns.contains("results.row_id text not null"),
            "{columns:#?}"
        );
        assert!(
            columns.contains("checks.latitude_e7 bigint"),
            "{columns:#?}"
        );
        seen.lock().unwrap().push(columns);
    });
    let seen = seen.into_inner().unwrap();
    let [sqlite, postgres] = seen.as_slice() else {
        panic!("two databases");
    };
    let apart: Vec<_> = sqlite.symmetric_difference(postgres).collect();
    assert!(apart.is_empty(), "{apart:#?}");
}

#[test]
fn opening_a_register_again_changes_nothing_and_loses_nothing() {
    both(async |register| {
        begun(&register.store).await.unwrap();
        let before = columns(register).await;
        for _ in 0..2 {
            let again = Store::open(&register.url).await.unwrap();
            again.ping().await.unwrap();
            assert_eq!(
                again.read().await.unwrap().agencies().await.unwrap().len(),
                2
            );
            again.close().await;
        }
        assert_eq!(columns(register).await, before);
    });
}

#[test]
fn servers_that_open_an_empty_register_at_once_all_get_it() {
    both(async |register| {
        let mut connection = register.connection().await;
        // What the first opening made is taken away again, so that all of these find nothing.
        if register.kind == Kind::Postgres {
            sqlx::raw_sql("DROP SCHEMA public CASCADE; CREATE SCHEMA public")
                .execute(&mut connection)
                .await
                .unwrap();
        }
        let url = match register.kind {
            Kind::Sqlite => format!("{}-fresh", register.url),
            Kind::Postgres => register.url.clone(),
        };
        let opening: Vec<_> = (0..3)
            .map(|_| {
                let url = url.clone();
                tokio::spawn(async move { Store::open(&url).await })
            })
            .collect();
        for opened in opening {
            let store = opened.await.unwrap().unwrap();
            store.ping().await.unwrap();
            store.close().await;
        }
    });
}

#[test]
fn a_ping_fails_when_the_tables_are_gone() {
    both(async |register| {
        register.store.ping().await.unwrap();
        let mut connection = register.connection().await;
        sqlx::raw_sql("DROP TABLE log_head")
            .execute(&mut connection)
            .await
            .unwrap();
        let answer = register.store.ping().await;
        assert!(matches!(answer, Err(StoreError::Database(_))), "{answer:?}");
    });
}

#[test]
fn append_only_tables_refuse_change_and_removal() {
    both(async |register| {
        let store = &register.store;
        begun(store).await.unwrap();
        store
            .run(|mut tx| async move {
                tx.add_result(&issued(1)).await?;
                let leaf_index = tx.append_leaf(&leaf("revoked")).await?.index;
                tx.change_status(&StatusChange {
                    id: uuid(1),
                    result: issued(1).id,
                    from: Standing::Valid,
                    to: Standing::Revoked,
                    effective_at: now(),
                    until: None,
                    successor: None,
                    reason: "x".into(),
                    decision: "12/QĐ-SXD".into(),
                    authority: "Sở Xây dựng Mẫu".into(),
                    actor: "registrar".into(),
                    at: now(),
                    salt: [7; 16],
                    leaf_index,
                })
                .await?;
                record(&mut tx, &check(1)).await?;
                tx.append_audit(&AuditEntry {
                    id: uuid(1),
                    at: now(),
                    actor: "registrar".into(),
                    action: "revoke".into(),
                    subject: Some(uuid(1).to_string()),
                    detail: "{}".into(),
                })
                .await?;
                Ok::<_, StoreError>((tx, ()))
            })
            .await
            .unwrap();
        let mut connection = register.connection().await;
        for (table, column) in [
            ("log_entries", "kind"),
            ("audit", "actor"),
            ("status_changes", "reason"),
            ("checks", "verdict"),
            ("checks", "note"),
        ] {
            for sql in [
                format!("UPDATE {table} SET {column} = 'changed'"),
                format!("DELETE FROM {table}"),
            ] {
                let refused = sqlx::raw_sql(AssertSqlSafe(sql.clone()))
                    .execute(&mut connection)
                    .await
                    .unwrap_err();
                let said = refused.to_string();
                assert!(
                    said.contains(&format!("{table} is append-only")),
                    "{sql}: {said}"
                );
            }
        }
    });
}
