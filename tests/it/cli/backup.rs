//! `dauso backup` and `dauso restore`: a copy made under load is whole, and a damaged one is named.

use crate::support::installation::{Installed, Ran, copy, dauso, in_force};
use crate::support::running::Running;
use serde_json::{Value, json};
use sqlx::{AnyConnection, AssertSqlSafe, Connection as _};
use std::fs;
use std::path::{Path, PathBuf};

/// What is done to a file of a back-up.
type Harm<'a> = &'a dyn Fn(PathBuf);

fn back_up(installed: &Installed, name: &str) -> PathBuf {
    let out = installed.file(name);
    let arguments = ["--out", out.to_str().unwrap()];
    installed.run(&["backup"], &arguments).ended(0);
    out
}

fn verify(folder: &Path, more: &[&str]) -> Ran {
    let own = ["restore", "--verify", "--from", folder.to_str().unwrap()];
    dauso(&[&own[..], more].concat())
}

/// 2,000 badges, which a debug build takes many seconds for.
fn many(installed: &Installed) -> PathBuf {
    let lines: Vec<String> = (1..=2_000)
        .map(|row| {
            let mut data = in_force("vehicle-badge--a4-tagged");
            data.remove("badge_number");
            data.remove("result_code");
            data.insert(
                "dossier_code".to_owned(),
                json!(format!("000.00.16.H99-261102-{row:04}")),
            );
            format!("{}\n", Value::Object(data))
        })
        .collect();
    installed.write("many.jsonl", lines.concat())
}

#[test]
fn a_copy_made_while_a_batch_issues_and_is_killed_has_all_that_was_acknowledged_and_none_half() {
    let installed = Installed::new();
    installed.issue_pdf("vehicle-badge--a4-tagged");
    let (dir, list) = (installed.dir(), many(&installed));
    let arguments = installed.listing(&list);
    let acknowledged = || installed.symbols();
    let folder = installed.file("backup");
    let before = std::cell::Cell::new(0);
    Running::cut_when(&arguments, || {
        if acknowledged() < 150 {
            return false;
        }
        before.set(acknowledged());
        back_up(&installed, "backup");
        true
    });
    let restored = installed.file("restored");
    let ran = verify(&folder, &["--dir", restored.to_str().unwrap()]).ended(0);
    let results: usize = ran.stdout.split(' ').next().unwrap().parse().unwrap();
    assert!(
        results > before.get() && results < 2_001,
        "{results} of {before:?}"
    );
    // What was killed is whole too, and goes on in the copy where that ends.
    installed.run(&["restore"], &["--verify"]).ended(0);
    assert!(!restored.join("keys/passphrase").exists());
    fs::copy(
        dir.join("keys/passphrase"),
        restored.join("keys/passphrase"),
    )
    .unwrap();
    let again = dauso(&[
        "issue",
        "--dir",
        restored.to_str().unwrap(),
        "--type",
        "vehicle-badge",
        "--json",
        "--batch",
        list.to_str().unwrap(),
        "--out-dir",
        installed.file("out2").to_str().unwrap(),
    ]);
    let said = again.ended(0).json();
    assert_eq!(said["before"], results - 1);
    assert_eq!(said["issued"], 2_001 - results);
}

#[test]
fn whatever_is_wrong_with_a_back_up_is_named() {
    let installed = Installed::new();
    installed.issue_pdf("vehicle-badge--a4-tagged");
    let folder = back_up(&installed, "backup");
    let ran = verify(&folder, &[]).ended(0);
    assert!(ran.stdout.ends_with("1 results, 2 log leaves\n"), "{ran:?}");
    verify(&folder, &["--seen", "1"]).ended(0);
    let older = verify(&folder, &["--seen", "2"]).ended(65);
    assert_eq!(older.complaint(), "backup/older-than-seen");

    let again = installed
        .run(&["backup"], &["--out", folder.to_str().unwrap()])
        .ended(65);
    assert_eq!(again.complaint(), "backup/not-empty");
    let onto = verify(&folder, &["--dir", installed.dir().to_str().unwrap()]).ended(65);
    assert_eq!(onto.complaint(), "backup/not-empty");

    let document = fs::read_to_string(folder.join("documents.txt")).unwrap();
    let document = document.lines().last().unwrap().to_owned();
    let document = format!("documents/{}/{document}", &document[..2]);
    let flip = |path: PathBuf| {
        let mut bytes = fs::read(&path).unwrap();
        let middle = bytes.len() / 2;
        bytes[middle] ^= 1;
        fs::write(path, bytes).unwrap();
    };
    let cut = |path: PathBuf| {
        let bytes = fs::read(&path).unwrap();
        fs::write(path, &bytes[..bytes.len() / 2]).unwrap();
    };
    let remove: Harm<'_> = &|path| fs::remove_file(path).unwrap();
    let cases: [(&str, Harm<'_>, &str); 8] = [
        ("register.db", &flip, "backup/damaged"),
        ("register.db", &cut, "backup/damaged"),
        ("register.db", remove, "backup/missing"),
        ("manifest.json", &cut, "backup/no-manifest"),
        ("manifest.json", remove, "backup/no-manifest"),
        (&document, &flip, "backup/damaged"),
        (&document, remove, "backup/missing"),
        ("keys/operator.key.pem", &flip, "backup/damaged"),
    ];
    for (at, (path, harm, code)) in cases.into_iter().enumerate() {
        let harmed = installed.file(&format!("harmed-{at}"));
        copy(&folder, &harmed);
        harm(harmed.join(path));
        let target = installed.file("never");
        let ran = verify(&harmed, &["--dir", target.to_str().unwrap()]).ended(65);
        assert_eq!(ran.complaint(), code, "{path}: {ran:?}");
        assert!(!target.exists(), "{path}");
    }
}

#[test]
fn a_row_that_was_changed_behind_our_back_is_found_by_its_leaf() {
    let installed = Installed::new();
    let (_, _) = installed.issue_pdf("vehicle-badge--a4-tagged");
    let check = |code: &str| {
        let ran = installed.run(&["restore"], &["--verify"]).ended(65);
        assert_eq!(ran.complaint(), code, "{ran:?}");
    };
    let execute = |sql: &'static str| {
        sqlx::any::install_default_drivers();
        let url = format!("sqlite:{}", installed.dir().join("dauso.db").display());
        tokio::runtime::Runtime::new().unwrap().block_on(async {
            let mut connection = AnyConnection::connect(&url).await.unwrap();
            sqlx::raw_sql(AssertSqlSafe(sql))
                .execute(&mut connection)
                .await
                .unwrap();
            connection.close().await.unwrap();
        });
    };
    installed.run(&["restore"], &["--verify"]).ended(0);
    execute("UPDATE results SET issued_by = 'somebody else'");
    check("backup/result");
    execute("UPDATE results SET issued_by = 'command-line'");
    installed.run(&["restore"], &["--verify"]).ended(0);
    execute(
        "DROP TRIGGER log_entries_keep; UPDATE log_entries SET leaf = x'00' WHERE leaf_index = 0",
    );
    check("backup/log");
    execute("DELETE FROM result_plates; DELETE FROM results");
    execute("UPDATE log_head SET size = size + 1");
    check("backup/log");

    let other = Installed::new();
    other.issue_pdf("vehicle-badge--a4-tagged");
    let folder = back_up(&other, "backup");
    let names = fs::read_to_string(folder.join("documents.txt")).unwrap();
    let name = names.lines().last().unwrap();
    fs::remove_file(other.dir().join("documents").join(&name[..2]).join(name)).unwrap();
    let ran = other.run(&["restore"], &["--verify"]).ended(65);
    assert_eq!(ran.complaint(), "backup/document");
}
