//! Two servers, each a process of its own, on one PostgreSQL.

use crate::support::installation::{Installed, copy, in_force, program};
use crate::support::running::{Running, Said, send};
use crate::support::stores::{Kind, Register, both};
use serde_json::{Value, json};
use sqlx::Row as _;
use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};
use uuid::Uuid;

const AGENCY: &str = "000.00.16.H99";

/// Runs a command of the program on a data directory that is configured for the register.
fn run(arguments: &[&str], url: &str) -> String {
    let output = program().env("DATABASE_URL", url).args(arguments).output();
    let output = output.expect("the program starts");
    assert!(output.status.success(), "{arguments:?}: {output:?}");
    let said = String::from_utf8(output.stdout).expect("UTF-8");
    said.trim_end().to_owned()
}

/// A server on a data directory, and its address.
fn serve(dir: &Path) -> (Running, String) {
    let config = dir.join("dauso.toml");
    let arguments = ["serve", "--config", config.to_str().unwrap()];
    let (running, line) = Running::start(&arguments, Said::OnError, r#""message":"serving""#);
    let line: Value = serde_json::from_str(&line).unwrap();
    (running, line["address"].as_str().unwrap().to_owned())
}

/// Issues a badge of a dossier of its own.
fn issue(address: &str, key: &str, unique: usize) -> Value {
    let mut data = in_force("vehicle-badge--a4-tagged");
    data.remove("badge_number");
    data.remove("result_code");
    let dossier = format!("{AGENCY}-261120-{unique:04}");
    data.insert("dossier_code".to_owned(), dossier.into());
    let (status, answer) = send(address, "POST", "/api/v1/results", key, &json!(data));
    assert_eq!(status, 201, "{answer}");
    answer
}

fn check(address: &str, key: &str, scanned: &str) -> Value {
    let check = json!({
        "id": Uuid::now_v7().to_string(),
        "scanned": scanned,
        "device_time": "2026-11-21T09:41:58+07:00",
        "match": "fits",
    });
    let (status, answer) = send(address, "POST", "/api/v1/checks", key, &check);
    assert_eq!(status, 200, "{answer}");
    answer
}

/// What a thread of the load was told: numbers of results, places of leaves.
#[derive(Default)]
struct Told {
    numbers: Vec<String>,
    leaves: Vec<u64>,
}

fn load(addresses: &[String; 2], registrar: &str, inspector: &str, thread: usize) -> Told {
    const ROUNDS: usize = 12;
    let mut told = Told::default();
    for round in 0..ROUNDS {
        let here = &addresses[(thread + round) % 2];
        let there = &addresses[(thread + round + 1) % 2];
        let issued = issue(here, registrar, 100 * thread + round + 1);
        told.numbers
            .push(issued["number"].as_str().unwrap().to_owned());
        told.leaves.push(issued["log"]["index"].as_u64().unwrap());
        let text = issued["qr_text"].as_str().unwrap();
        // What one server has issued the other one knows at once.
        for server in [there, here] {
            let checked = check(server, inspector, text);
            assert_eq!(checked["verdict"], "valid", "{checked}");
            told.leaves.push(checked["log"]["index"].as_u64().unwrap());
        }
        if round % 4 == 0 {
            let path = format!(
                "/api/v1/results/{}/revocation",
                issued["id"].as_str().unwrap()
            );
            let grounds = json!({"reason": "Thử", "decision": "1/QĐ", "authority": "Sở Mẫu"});
            let (status, answer) = send(there, "POST", &path, registrar, &grounds);
            assert_eq!(status, 200, "{answer}");
            let checked = check(here, inspector, text);
            assert_eq!(checked["verdict"], "invalid", "{checked}");
            told.leaves.push(checked["log"]["index"].as_u64().unwrap());
        }
    }
    told
}

/// Writes down every claim and every end of a job.
const WITNESS: &str = "
    CREATE TABLE witness (job TEXT NOT NULL, what TEXT NOT NULL);
    CREATE FUNCTION see() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        INSERT INTO witness VALUES (OLD.id, TG_OP);
        RETURN NULL;
    END $$;
    CREATE TRIGGER see AFTER UPDATE OR DELETE ON jobs FOR EACH ROW EXECUTE FUNCTION see()";

async fn numbers_of(register: &Register, sql: &'static str) -> Vec<i64> {
    let mut connection = register.connection().await;
    let row = sqlx::query(sql).fetch_one(&mut connection).await.unwrap();
    (0..row.len()).map(|place| row.get(place)).collect()
}

#[test]
fn two_servers_issue_and_check_side_by_side_and_do_each_job_once() {
    const THREADS: usize = 6;
    both(async |register| {
        if register.kind == Kind::Sqlite {
            return;
        }
        let installed = Installed::empty();
        let first = installed.dir();
        let dir = first.to_str().unwrap();
        run(&["init", "--dir", dir], &register.url);
        let account = |role: &str| {
            run(
                &[
                    "account", "add", "--dir", dir, "--login", role, "--name", "Mẫu", "--role",
                    role, "--agency", AGENCY,
                ],
                &register.url,
            )
        };
        let (registrar, inspector) = (account("registrar"), account("inspector"));
        let config = first.join("dauso.toml");
        let text = fs::read_to_string(&config).unwrap();
        let text = text
            .replace("listen = \"127.0.0.1:8417\"", "listen = \"127.0.0.1:0\"")
            .replace(
                "database = \"sqlite:dauso.db\"",
                &format!("database = {:?}", register.url),
            );
        fs::write(&config, text).unwrap();
        let second = installed.file("second");
        copy(&first, &second);
        let mut connection = register.connection().await;
        sqlx::raw_sql(WITNESS)
            .execute(&mut connection)
            .await
            .unwrap();
        let before = numbers_of(register, "SELECT size FROM log_head").await[0];

        let servers = [serve(&first), serve(&second)];
        let addresses = [servers[0].1.clone(), servers[1].1.clone()];
        let told: Vec<Told> = thread::scope(|scope| {
            let threads: Vec<_> = (0..THREADS)
                .map(|thread| {
                    let (addresses, registrar, inspector) = (&addresses, &registrar, &inspector);
                    scope.spawn(move || load(addresses, registrar, inspector, thread))
                })
                .collect();
            threads
                .into_iter()
                .map(|thread| thread.join().unwrap())
                .collect()
        });

        let numbers: Vec<_> = told.iter().flat_map(|told| &told.numbers).collect();
        let mut expected: Vec<String> = (1..=numbers.len())
            .map(|at| format!("HD48{}{at:06}", year()))
            .collect();
        expected.sort_unstable();
        let distinct: BTreeSet<_> = numbers.iter().map(|number| (*number).clone()).collect();
        assert_eq!(
            distinct.into_iter().collect::<Vec<_>>(),
            expected,
            "every number once, none left out"
        );
        let leaves: BTreeSet<u64> = told.iter().flat_map(|told| told.leaves.clone()).collect();
        assert_eq!(
            leaves.len(),
            told.iter().map(|told| told.leaves.len()).sum::<usize>()
        );

        // Every job is gone, and each was begun once and ended once.
        let end = Instant::now() + Duration::from_secs(30);
        while numbers_of(register, "SELECT COUNT(*) FROM jobs").await != [0] {
            assert!(Instant::now() < end, "the jobs are not done");
            thread::sleep(Duration::from_millis(100));
        }
        for (running, _) in servers {
            assert_eq!(running.interrupt().code(), Some(0));
        }
        let jobs = numbers_of(
            register,
            "SELECT COUNT(DISTINCT job), COUNT(*) FILTER (WHERE what = 'UPDATE'),
                 COUNT(*) FILTER (WHERE what = 'DELETE') FROM witness",
        )
        .await;
        let revoked = i64::try_from(THREADS * 3).unwrap();
        assert_eq!(jobs, [revoked; 3], "distinct, claimed, finished");
        let register_says = numbers_of(
            register,
            "SELECT COUNT(*), COUNT(DISTINCT number), COUNT(DISTINCT list_index), COUNT(DISTINCT leaf_index)
             FROM results",
        )
        .await;
        assert_eq!(register_says, [i64::try_from(numbers.len()).unwrap(); 4]);
        let log = numbers_of(
            register,
            "SELECT size, (SELECT COUNT(*) FROM log_entries), (SELECT MAX(leaf_index) + 1 FROM log_entries)
             FROM log_head",
        )
        .await;
        assert_eq!(log, [log[0]; 3], "a log without a gap");
        let told = i64::try_from(leaves.len()).unwrap();
        assert!(log[0] >= before + told + revoked, "{log:?}");
    });
}

/// The last two digits of this year, as the numbers of badges have them.
fn year() -> String {
    crate::support::installation::day(-20)[2..4].to_owned()
}
