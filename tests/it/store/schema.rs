//! The tables themselves: alike on both, made once, append-only where they should be.

use super::samples::{AGENCY, begun, check, issued, leaf, now, record, uuid};
use crate::judges::root;
use crate::support::stores::{Kind, Register, both};
use dauso::catalogue::ChangeKind;
use dauso::store::{AuditEntry, Standing, StatusChange, Store, StoreError};
use sqlx::migrate::Migrator;
use sqlx::{AnyConnection, AssertSqlSafe, Connection as _, Row as _};
use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::fs;
use std::sync::Mutex;

/// What `sql` finds, one text a row under `said`.
async fn said(register: &Register, sql: &'static str) -> BTreeSet<String> {
    let mut connection = register.connection().await;
    let rows = sqlx::query(sql).fetch_all(&mut connection).await;
    let rows = rows.expect("the catalogue of the database");
    rows.iter()
        .map(|row| row.get::<String, _>("said"))
        .collect()
}

/// `table.column type null`, in the words of PostgreSQL.
async fn columns(register: &Register) -> BTreeSet<String> {
    let sql = match register.kind {
        Kind::Sqlite => {
            r#"SELECT t.name || '.' || c.name || ' '
                   || CASE c.type WHEN 'INTEGER' THEN 'bigint' WHEN 'BLOB' THEN 'bytea' ELSE lower(c.type) END
                   || CASE c."notnull" WHEN 1 THEN ' not null' ELSE '' END
                   || CASE WHEN c.dflt_value IS NULL THEN '' ELSE ' default' END AS said
               FROM sqlite_schema AS t JOIN pragma_table_info(t.name) AS c
               WHERE t.type = 'table' AND t.name NOT LIKE '\_sqlx%' ESCAPE '\' AND t.name NOT LIKE 'sqlite%'"#
        }
        Kind::Postgres => {
            r"SELECT table_name || '.' || column_name || ' ' || data_type
                   || CASE is_nullable WHEN 'NO' THEN ' not null' ELSE '' END
                   || CASE WHEN column_default IS NULL THEN '' ELSE ' default' END AS said
              FROM information_schema.columns
              WHERE table_schema = 'public' AND table_name NOT LIKE '\_sqlx%'"
        }
    };
    said(register, sql).await
}

/// `primary key table (columns)`, `unique table (columns)` and `index name table (columns) partial`. The
/// names of what a constraint made differ, those of the indexes are ours.
async fn indexes(register: &Register) -> BTreeSet<String> {
    let sql = match register.kind {
        Kind::Sqlite => {
            r#"SELECT 'primary key ' || t.name || ' (' || group_concat(c.name, ', ' ORDER BY c.pk) || ')' AS said
               FROM sqlite_schema AS t JOIN pragma_table_info(t.name) AS c
               WHERE t.type = 'table' AND t.name NOT LIKE '\_sqlx%' ESCAPE '\' AND c.pk > 0
               GROUP BY t.name
               UNION ALL
               SELECT CASE i.origin WHEN 'u' THEN 'unique' ELSE 'index ' || i.name END
                   || CASE WHEN i.origin = 'c' AND i."unique" THEN ' unique' ELSE '' END
                   || ' ' || t.name || ' (' || group_concat(c.name, ', ' ORDER BY c.seqno) || ')'
                   || CASE i.partial WHEN 1 THEN ' partial' ELSE '' END AS said
               FROM sqlite_schema AS t JOIN pragma_index_list(t.name) AS i JOIN pragma_index_info(i.name) AS c
               WHERE t.type = 'table' AND t.name NOT LIKE '\_sqlx%' ESCAPE '\' AND i.origin <> 'pk'
               GROUP BY t.name, i.name"#
        }
        Kind::Postgres => {
            r"SELECT CASE WHEN x.indisprimary THEN 'primary key' WHEN k.oid IS NOT NULL THEN 'unique'
                       ELSE 'index ' || i.relname || CASE WHEN x.indisunique THEN ' unique' ELSE '' END END
                   || ' ' || t.relname || ' ('
                   || (SELECT string_agg(a.attname, ', ' ORDER BY at.place)
                       FROM unnest(x.indkey::int[]) WITH ORDINALITY AS at (number, place)
                       JOIN pg_attribute AS a ON a.attrelid = t.oid AND a.attnum = at.number)
                   || ')' || CASE WHEN x.indpred IS NULL THEN '' ELSE ' partial' END AS said
              FROM pg_index AS x JOIN pg_class AS i ON i.oid = x.indexrelid JOIN pg_class AS t ON t.oid = x.indrelid
              LEFT JOIN pg_constraint AS k ON k.conindid = i.oid AND k.contype = 'u'
              WHERE t.relnamespace = 'public'::regnamespace AND t.relname NOT LIKE '\_sqlx%'"
        }
    };
    said(register, sql).await
}

/// `table.column -> table.column`.
async fn references(register: &Register) -> BTreeSet<String> {
    let sql = match register.kind {
        Kind::Sqlite => {
            r#"SELECT t.name || '.' || f."from" || ' -> ' || f."table" || '.' || f."to" AS said
               FROM sqlite_schema AS t JOIN pragma_foreign_key_list(t.name) AS f WHERE t.type = 'table'"#
        }
        Kind::Postgres => {
            r"SELECT t.relname || '.' || a.attname || ' -> ' || f.relname || '.' || b.attname AS said
              FROM pg_constraint AS k JOIN pg_class AS t ON t.oid = k.conrelid JOIN pg_class AS f ON f.oid = k.confrelid
              JOIN pg_attribute AS a ON a.attrelid = t.oid AND a.attnum = k.conkey[1]
              JOIN pg_attribute AS b ON b.attrelid = f.oid AND b.attnum = k.confkey[1]
              WHERE k.contype = 'f' AND array_length(k.conkey, 1) = 1"
        }
    };
    said(register, sql).await
}

#[test]
fn both_databases_have_the_same_tables_columns_keys_indexes_and_references() {
    let seen = Mutex::new(Vec::new());
    both(async |register| {
        let mut all = columns(register).await;
        all.extend(indexes(register).await);
        all.extend(references(register).await);
        for known in [
            "results.row_id text not null",
            "checks.latitude_e7 bigint",
            "primary key counters (agency_code, result_type, year)",
            "primary key status_lists (number)",
            "unique results (agency_code, result_type, year, number_text)",
            "index results_not_valid results (list_number) partial",
            "index checks_by_agency checks (agency_code, leaf_index)",
            "status_changes.leaf_index -> log_entries.leaf_index",
        ] {
            assert!(all.contains(known), "{known}: {all:#?}");
        }
        seen.lock().unwrap().push(all);
    });
    let seen = seen.into_inner().unwrap();
    let [sqlite, postgres] = seen.as_slice() else {
        panic!("two databases");
    };
    let apart: Vec<_> = sqlite.symmetric_difference(postgres).collect();
    assert!(apart.is_empty(), "{apart:#?}");
}

/// An engine that speaks PostgreSQL and has no triggers, or no procedural language.
#[test]
fn an_engine_without_triggers_gets_everything_else() {
    both(async |register| {
        if register.kind == Kind::Sqlite {
            return;
        }
        let whole = columns(register).await;
        let mut connection = register.connection().await;
        for refuses in [
            "DROP SCHEMA public CASCADE; CREATE SCHEMA public; DROP EXTENSION plpgsql",
            "DROP SCHEMA public CASCADE; CREATE SCHEMA public; CREATE EXTENSION plpgsql;
             CREATE FUNCTION pg_catalog.no_triggers() RETURNS event_trigger LANGUAGE plpgsql AS
                 $$ BEGIN RAISE EXCEPTION USING ERRCODE = 'feature_not_supported'; END $$;
             CREATE EVENT TRIGGER no_triggers ON ddl_command_start WHEN TAG IN ('CREATE TRIGGER')
                 EXECUTE FUNCTION pg_catalog.no_triggers()",
        ] {
            if refuses.contains("pg_catalog") {
                let allow = "SET allow_system_table_mods = on";
                sqlx::raw_sql(allow).execute(&mut connection).await.unwrap();
            }
            sqlx::raw_sql(refuses)
                .execute(&mut connection)
                .await
                .unwrap();
            for _ in 0..2 {
                let store = Store::open(&register.url).await.unwrap();
                store.ping().await.unwrap();
                store.close().await;
            }
            assert_eq!(columns(register).await, whole);
            let triggers = "SELECT tgname::text AS said FROM pg_trigger WHERE NOT tgisinternal";
            assert_eq!(said(register, triggers).await, BTreeSet::new());
        }
    });
}

/// What a distributed engine does not have, or does otherwise (docs/adr/0022).
#[test]
fn statements_and_migrations_keep_to_what_distributed_engines_have() {
    const NEVER: [&str; 16] = [
        "advisory",
        "listen ",
        "notify",
        "skip locked",
        "for update",
        " serial ",
        "bigserial",
        "identity",
        "exclude using",
        "deferrable",
        "ctid",
        "lock table",
        "create extension",
        "jsonb",
        "nextval",
        "last_insert",
    ];
    let mut found = Vec::new();
    for folder in ["src/store", "migrations/postgres", "migrations/sqlite"] {
        for entry in fs::read_dir(root(folder)).unwrap() {
            let path = entry.unwrap().path();
            let Ok(text) = fs::read_to_string(&path) else {
                continue;
            };
            let is_migration = folder.starts_with("migrations");
            let comment = if is_migration { "--" } else { "//" };
            let tables = text.split("\n-- Append-only tables.").next().unwrap();
            let code = tables
                .lines()
                .map(|line| line.split(comment).next().unwrap());
            for (number, line) in code.enumerate() {
                let line = line.to_lowercase();
                let never = NEVER.iter().filter(|word| line.contains(**word));
                // Triggers and functions stand behind the mark, where they can be left out.
                let extra = ["create trigger", "create function", "language "];
                let extra = extra
                    .iter()
                    .filter(|word| is_migration && line.contains(**word));
                for word in never.chain(extra) {
                    found.push(format!("{}:{}: {word}", path.display(), number + 1));
                }
            }
        }
    }
    assert!(found.is_empty(), "{found:#?}");
}

/// The register's tests run on both databases; what is kept beside it has its own pairs.
#[test]
fn every_test_of_the_register_runs_on_both_databases() {
    let mut alone = Vec::new();
    for entry in fs::read_dir(root("tests/it/store")).unwrap() {
        let path = entry.unwrap().path();
        let text = fs::read_to_string(&path).unwrap();
        let name = path.file_stem().unwrap().to_str().unwrap().to_owned();
        // These are about what one of them alone has (serialization failures, TLS; a log of its own), and about
        // documents.
        if ["serializable", "tls", "wal", "documents", "staging"].contains(&name.as_str()) {
            continue;
        }
        for test in text.split("#[test]\n").skip(1) {
            let body = test.split("\n}\n").next().unwrap();
            let of_files = body.contains("fs::read_dir");
            if !body.contains("both(") && !of_files {
                alone.push(format!("{name}: {}", body.lines().next().unwrap()));
            }
        }
        assert!(!text.contains(concat!("tokio", "::test")), "{name}");
    }
    assert!(alone.is_empty(), "{alone:#?}");
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
fn changes_from_before_the_life_cycle_keep_their_place_and_get_their_kind() {
    both(async |register| {
        // As the register was before: the first migration alone, with one result and three decisions.
        let (folder, nothing) = match register.kind {
            Kind::Sqlite => ("sqlite", None),
            Kind::Postgres => (
                "postgres",
                Some("DROP SCHEMA public CASCADE; CREATE SCHEMA public"),
            ),
        };
        let url = match register.kind {
            Kind::Sqlite => format!("{}-before?mode=rwc", register.url),
            Kind::Postgres => register.url.clone(),
        };
        let mut connection = AnyConnection::connect(&url).await.unwrap();
        if let Some(sql) = nothing {
            sqlx::raw_sql(sql).execute(&mut connection).await.unwrap();
        }
        let first = tempfile::tempdir().unwrap();
        let path = root("migrations").join(folder);
        fs::copy(
            path.join("0001_init.sql"),
            first.path().join("0001_init.sql"),
        )
        .unwrap();
        let mut migrator = Migrator::new(first.path()).await.unwrap();
        migrator.set_locking(false);
        migrator.run(&mut connection).await.unwrap();
        let blob = match register.kind {
            Kind::Sqlite => "x'00'",
            Kind::Postgres => "'\\x00'::bytea",
        };
        let mut sql = format!(
            "INSERT INTO agencies VALUES ('{AGENCY}', 'SXD', 'SXD', 'A', 'A', NULL, NULL, NULL, NULL, 0);
             INSERT INTO status_lists VALUES (1, 8, 'SXD', 0);
             INSERT INTO results VALUES ('{id}', 'r', '{AGENCY}', 't', 1, 2026, 1, '1', 'd', 'c', '2026-01-01',
                '2026-01-01', NULL, '{{}}', {blob}, '00a1ff10', 1, 1, 'revoked', NULL, NULL, 0, 'x', NULL, NULL,
                '1', {salt}, 0);",
            id = issued(1).id,
            salt = blob.replace("00", &"00".repeat(16)),
        );
        for (index, to) in [(1, "suspended"), (2, "valid"), (3, "revoked")] {
            write!(
                sql,
                "INSERT INTO log_entries VALUES ({index}, 'status_changed', {blob}, {blob}, 0);
                 INSERT INTO status_changes VALUES ('{change}', '{id}', 'valid', '{to}', 0, NULL, NULL, 'r', 'd',
                    'a', 'x', 0, {salt}, {index});",
                change = uuid(index),
                id = issued(1).id,
                salt = blob.replace("00", &"00".repeat(16)),
            )
            .unwrap();
        }
        sqlx::raw_sql(AssertSqlSafe(sql))
            .execute(&mut connection)
            .await
            .unwrap();
        connection.close().await.unwrap();

        let store = Store::open(&url).await.unwrap();
        let mut tx = store.read().await.unwrap();
        let changes = tx.status_changes(&issued(1).id).await.unwrap();
        let kinds: Vec<ChangeKind> = changes.iter().map(|one| one.kind).collect();
        assert_eq!(
            kinds,
            [
                ChangeKind::Suspension,
                ChangeKind::Reinstatement,
                ChangeKind::Revocation
            ]
        );
        drop(tx);
        store.close().await;
        // The table is append-only again.
        let mut connection = AnyConnection::connect(&url).await.unwrap();
        let refused = sqlx::query("UPDATE status_changes SET kind = 'x'")
            .execute(&mut connection)
            .await;
        assert!(refused.unwrap_err().to_string().contains("append-only"));
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
                    kind: ChangeKind::Revocation,
                    from: Standing::Valid,
                    to: Standing::Revoked,
                    effective_at: now(),
                    until: None,
                    successor: None,
                    reason: "x".into(),
                    decision: "12/QĐ-SXD".into(),
                    authority: "Sở Xây dựng Mẫu".into(),
                    actor: "registrar".into(),
                    confirmed_by: None,
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
