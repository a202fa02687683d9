//! Migrations run forward on a filled register and lose nothing.

use crate::judges::root;
use crate::support::stores::{Kind, Register, both};
use dauso::digest::Sha256;
use dauso::store::Store;
use sqlx::migrate::Migrator;
use sqlx::{AnyConnection, AssertSqlSafe, Column as _, Connection as _, Row as _};

/// Every table of the first migration, what refers to others behind them.
const TABLES: [&str; 16] = [
    "agencies",
    "keys",
    "accounts",
    "api_keys",
    "status_lists",
    "counters",
    "results",
    "result_plates",
    "log_entries",
    "status_changes",
    "checks",
    "alarms",
    "audit",
    "answers",
    "jobs",
    "publications",
];

const ROWS: i64 = 5;

/// Where the value of a column comes from: the column that it refers to.
fn origin<'a>(table: &'a str, column: &'a str) -> (&'a str, &'a str) {
    match (table, column) {
        ("keys" | "accounts" | "results", "agency_code") => ("agencies", "code"),
        ("api_keys", "account_id") => ("accounts", "id"),
        ("status_lists", "issuer") => ("agencies", "issuer"),
        ("results", "list_number") => ("status_lists", "number"),
        ("result_plates" | "status_changes", "result_id") => ("results", "id"),
        ("status_changes" | "checks", "leaf_index") => ("log_entries", "leaf_index"),
        other => other,
    }
}

/// What a later migration may read stands as the program writes it.
fn text(table: &str, column: &str, row: i64) -> String {
    match (table, column) {
        ("results", "status") | ("status_changes", "from_status") | ("checks", "verdict") => {
            "valid".into()
        }
        ("status_changes", "to_status") => "revoked".into(),
        ("accounts", "role") => "registrar".into(),
        ("keys", "types") => "*".into(),
        ("jobs", "state") => "queued".into(),
        ("results", "data") | ("checks", "report") | (_, "detail" | "payload" | "body") => {
            format!("{{\"row\":{row}}}")
        }
        (_, "issue_date" | "valid_from" | "valid_to" | "until" | "status_until") => {
            format!("2026-08-{:02}", row + 1)
        }
        _ => format!("{table}.{column}.{row} Đường bộ"),
    }
}

async fn columns(
    register: &Register,
    connection: &mut AnyConnection,
    table: &str,
) -> Vec<(String, String)> {
    let sql = match register.kind {
        Kind::Sqlite => "SELECT name AS name, lower(type) AS kind FROM pragma_table_info($1) ORDER BY cid",
        Kind::Postgres => {
            "SELECT column_name::text AS name, data_type::text AS kind FROM information_schema.columns
             WHERE table_schema = 'public' AND table_name = $1 ORDER BY ordinal_position"
        }
    };
    let rows = sqlx::query(sql).bind(table).fetch_all(connection).await;
    let rows = rows.unwrap();
    rows.iter()
        .map(|row| (row.get("name"), row.get("kind")))
        .collect()
}

async fn fill(register: &Register, connection: &mut AnyConnection, table: &str) {
    let columns = columns(register, connection, table).await;
    assert!(columns.len() > 1, "{table}");
    let names: Vec<&str> = columns.iter().map(|(name, _)| name.as_str()).collect();
    let places: Vec<String> = (1..=names.len()).map(|place| format!("${place}")).collect();
    let sql = format!(
        "INSERT INTO {table} ({}) VALUES ({})",
        names.join(", "),
        places.join(", ")
    );
    for row in 0..ROWS {
        let mut query = sqlx::query(AssertSqlSafe(sql.clone()));
        for (name, kind) in &columns {
            let (origin, column) = origin(table, name);
            query = match kind.as_str() {
                "text" => query.bind(text(origin, column, row)),
                "bigint" | "integer" => {
                    query.bind(1_000 * row + i64::try_from(column.len()).unwrap())
                }
                "bytea" | "blob" => query.bind(
                    Sha256::of(format!("{origin}.{column}.{row}").as_bytes())
                        .0
                        .to_vec(),
                ),
                other => panic!("{other}"),
            };
        }
        query
            .execute(&mut *connection)
            .await
            .unwrap_or_else(|error| panic!("{table}: {error}"));
    }
}

/// Every value of the named columns, in order, as bytes or text.
async fn values(
    connection: &mut AnyConnection,
    table: &str,
    columns: &[(String, String)],
) -> Vec<String> {
    let names: Vec<&str> = columns.iter().map(|(name, _)| name.as_str()).collect();
    let names = names.join(", ");
    let sql = format!("SELECT {names} FROM {table} ORDER BY {names}");
    let rows = sqlx::query(AssertSqlSafe(sql)).fetch_all(connection).await;
    let rows = rows.unwrap_or_else(|error| panic!("{table}: {error}"));
    let value = |row: &sqlx::any::AnyRow, place: usize, kind: &str| match kind {
        "text" => format!("{:?}", row.get::<Option<String>, _>(place)),
        "bigint" | "integer" => format!("{:?}", row.get::<Option<i64>, _>(place)),
        _ => format!("{:?}", row.get::<Option<Vec<u8>>, _>(place)),
    };
    rows.iter()
        .map(|row| {
            let row = row
                .columns()
                .iter()
                .zip(columns)
                .map(|(column, (name, kind))| {
                    assert_eq!(column.name(), name);
                    format!("{name}={}", value(row, column.ordinal(), kind))
                });
            row.collect::<Vec<_>>().join(" ")
        })
        .collect()
}

#[test]
fn a_register_filled_at_the_first_version_keeps_every_row_to_the_newest() {
    both(async |register| {
        let (url, folder) = match register.kind {
            Kind::Sqlite => (
                format!("{}-first?mode=rwc", register.url),
                "migrations/sqlite",
            ),
            Kind::Postgres => (register.url.clone(), "migrations/postgres"),
        };
        let mut connection = AnyConnection::connect(&url).await.unwrap();
        if register.kind == Kind::Postgres {
            let empty = "DROP SCHEMA public CASCADE; CREATE SCHEMA public";
            sqlx::raw_sql(empty).execute(&mut connection).await.unwrap();
        }
        let migrator = Migrator::new(root(folder).as_path()).await.unwrap();
        migrator.run_to(1, &mut connection).await.unwrap();
        let mut before = Vec::new();
        for table in TABLES {
            fill(register, &mut connection, table).await;
        }
        for table in TABLES.into_iter().chain(["log_head"]) {
            let columns = columns(register, &mut connection, table).await;
            let values = values(&mut connection, table, &columns).await;
            let rows = if table == "log_head" { 1 } else { ROWS };
            assert_eq!(i64::try_from(values.len()).unwrap(), rows, "{table}");
            before.push((table, columns, values));
        }
        // Nothing but these tables: another one would be left out of this test.
        let tables = match register.kind {
            Kind::Sqlite => {
                "SELECT COUNT(*) AS tables FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite%'"
            }
            Kind::Postgres => {
                "SELECT COUNT(*) AS tables FROM pg_tables WHERE schemaname = 'public'"
            }
        };
        let row = sqlx::query(tables)
            .fetch_one(&mut connection)
            .await
            .unwrap();
        assert_eq!(
            row.get::<i64, _>("tables"),
            18,
            "with the head of the log and sqlx's own"
        );
        connection.close().await.unwrap();

        let store = Store::open(&url).await.unwrap();
        let mut connection = AnyConnection::connect(&url).await.unwrap();
        let applied = "SELECT COUNT(*) AS applied FROM _sqlx_migrations WHERE success";
        let row = sqlx::query(applied)
            .fetch_one(&mut connection)
            .await
            .unwrap();
        let known = i64::try_from(migrator.iter().count()).unwrap();
        assert_eq!(row.get::<i64, _>("applied"), known);
        for (table, columns, rows) in before {
            assert_eq!(
                values(&mut connection, table, &columns).await,
                rows,
                "{table}"
            );
        }
        let mut tx = store.read().await.unwrap();
        let rows = usize::try_from(ROWS).unwrap();
        assert_eq!(tx.agencies().await.unwrap().len(), rows);
        assert_eq!(tx.leaf_hashes(0..u64::MAX).await.unwrap().len(), rows);
        drop(tx);
        store.close().await;
    });
}
