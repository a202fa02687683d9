//! Disks that are full, cannot be written, or are not there. They are real ones, mounted by the test: that
//! needs root, and a test that cannot mount fails.

use super::ledger::{Ledger, Told, audit, shelved, staged};
use crate::judges::run;
use crate::support::installation::{Installed, dauso, in_force, pdf};
use crate::support::serving::{AGENCY, Reply, Request, Server, Site};
use serde_json::{Map, Value, json};
use sqlx::{AnyConnection, AssertSqlSafe, Connection as _};
use std::fs::{self, File};
use std::io::{ErrorKind, Write as _};
use std::path::{Path, PathBuf};
use std::time::Duration;
use uuid::Uuid;

/// Something mounted over a folder, until the test ends.
struct Mounted(PathBuf);

impl Mounted {
    fn new(arguments: &[&str], at: &Path) -> Self {
        let at_text = at.to_str().unwrap();
        let mounted = run("mount", &[arguments, &[at_text]].concat());
        assert!(mounted.status.success(), "mount as root: {mounted:?}");
        Self(at.to_owned())
    }

    /// A disk of this many mebibytes over a folder, with what was in it.
    fn small(size: u32, at: &Path) -> Self {
        let aside = at.with_extension("aside");
        crate::support::installation::copy(at, &aside);
        let options = format!("size={size}m");
        let mounted = Self::new(&["-t", "tmpfs", "-o", &options, "tmpfs"], at);
        crate::support::installation::copy(&aside, at);
        mounted
    }

    /// Takes all the room that is left.
    fn fill(&self) -> PathBuf {
        let path = self.0.join("filler");
        let mut file = File::create(&path).unwrap();
        for piece in [1024 * 1024, 4096, 1] {
            loop {
                match file.write(&vec![0; piece]) {
                    Ok(0) => break,
                    Ok(_) => {}
                    Err(error) if error.kind() == ErrorKind::StorageFull => break,
                    Err(error) => panic!("{error}"),
                }
            }
        }
        path
    }
}

impl Drop for Mounted {
    fn drop(&mut self) {
        // Detached even while something is open; a failure shows in the directory that cannot be removed.
        let _ = std::process::Command::new("umount")
            .arg("-l")
            .arg(&self.0)
            .status();
    }
}

fn badge(number: u32) -> Map<String, Value> {
    let mut data = in_force("vehicle-badge--a4-tagged");
    data.remove("badge_number");
    data.remove("result_code");
    let dossier = format!("{AGENCY}-261120-{number:04}");
    data.insert("dossier_code".to_owned(), dossier.into());
    data
}

fn issuing(site: &Site, number: u32) -> Request {
    let request = Request::new("POST", "/api/v1/results").by(site.key("registrar"));
    let request = request.header("Idempotency-Key", &format!("request-{number}"));
    request.json(&Value::Object(badge(number)))
}

fn issuing_pdf(site: &Site, number: u32) -> Request {
    let request = Request::new("POST", "/api/v1/results").by(site.key("registrar"));
    let request = request.header("Idempotency-Key", &format!("request-{number}"));
    let paper = fs::read(pdf("vehicle-badge--a4-tagged")).unwrap();
    request.with_pdf(&Value::Object(badge(number)), &paper)
}

fn checking(site: &Site) -> Request {
    let request = Request::new("POST", "/api/v1/checks").by(site.key("inspector"));
    request.json(&json!({
        "id": Uuid::now_v7().to_string(),
        "scanned": "HTTPS://QR.VIDU.TEST/7K3M9QX2TB4C5D6E",
        "device_time": "2026-11-21T09:41:58+07:00",
        "match": "fits",
    }))
}

/// Copies the register, whole and in one file, to another disk, and waits until it is there.
fn copy_register(site: &Site, to: &Path) {
    sqlx::any::install_default_drivers();
    let runtime = tokio::runtime::Builder::new_multi_thread();
    let runtime = { runtime }.enable_all().build().unwrap();
    runtime.block_on(async {
        let mut register = AnyConnection::connect(&site.url()).await.unwrap();
        let sql = format!("VACUUM INTO '{}'", to.join("dauso.db").display());
        let copied = sqlx::raw_sql(AssertSqlSafe(sql));
        copied.execute(&mut register).await.unwrap();
        register.close().await.unwrap();
    });
    assert!(run("sync", &[]).status.success());
}

fn send(server: &Server, request: &Request) -> Reply {
    request.send(&server.address).unwrap()
}

#[track_caller]
fn told(reply: &Reply, status: u16) -> Told {
    assert_eq!(reply.status, status, "{}", reply.json());
    let answer = reply.json();
    Told {
        id: answer["id"].as_str().unwrap().to_owned(),
        index: answer["log"]["index"].as_u64().unwrap(),
        leaf: answer["log"]["leaf"].as_str().unwrap().to_owned(),
    }
}

fn out_of_order(code: &str) -> (u16, String, String) {
    (503, code.to_owned(), "5".to_owned())
}

#[track_caller]
fn unready(server: &Server, part: &str) {
    let (status, body) = server.ready();
    assert_eq!((status, &body["ready"]), (503, &json!(false)), "{body}");
    for known in ["database", "documents", "clock"] {
        let expected = if known == part { "failed" } else { "ok" };
        assert!(
            body[known] == expected || part == "database",
            "{known}: {body}"
        );
    }
    assert_eq!(body[part], "failed", "{body}");
}

#[test]
fn a_full_disk_of_the_database_is_said_and_room_heals_it_without_a_restart() {
    let mut site = Site::new();
    let folder = site.installed.file("register");
    fs::create_dir(&folder).unwrap();
    copy_register(&site, &folder);
    let disk = Mounted::small(8, &folder);
    site.database = Some(format!("sqlite://{}", folder.join("dauso.db").display()));
    let server = site.serve();
    let issued = send(&server, &issuing(&site, 1));
    let first = told(&issued, 201);

    let filler = disk.fill();
    let (check, issue) = (checking(&site), issuing_pdf(&site, 2));
    // What the write-ahead log has room for already may still succeed.
    let mut written = Vec::new();
    let refused = loop {
        let reply = send(&server, &check);
        match reply.status {
            200 => written.push(told(&reply, 200)),
            _ => break reply,
        }
        let reply = send(&server, &checking(&site));
        match reply.status {
            200 => written.push(told(&reply, 200)),
            _ => break reply,
        }
    };
    assert_eq!(refused.problem(), out_of_order("register/full"));
    assert_eq!(
        send(&server, &issue).problem(),
        out_of_order("register/full")
    );
    assert_eq!(
        server.get(&format!("/{}", first.id)).status,
        200,
        "reading goes on"
    );
    let data = site
        .installed
        .write("b.json", Value::Object(badge(3)).to_string());
    let out = site.installed.file("b.svg");
    let mut by_hand = site.program();
    by_hand.args([
        "issue",
        "--type",
        "vehicle-badge",
        "--data",
        data.to_str().unwrap(),
    ]);
    by_hand.args(["--dir", site.installed.dir().to_str().unwrap()]);
    let said = by_hand
        .args(["--out", out.to_str().unwrap()])
        .output()
        .unwrap();
    let words = String::from_utf8(said.stderr).unwrap();
    assert_eq!(said.status.code(), Some(1), "{words}");
    assert!(
        words.contains("the disk of the database is full"),
        "{words}"
    );
    assert!(!out.exists());

    fs::remove_file(filler).unwrap();
    server.becomes_ready(Duration::from_secs(10));
    let checked = told(&send(&server, &check), 200);
    let again = told(&send(&server, &issue), 201);
    written.retain(|one| one.id != checked.id);
    written.push(checked);
    server.kill();
    let ledger = Ledger {
        results: vec![(first, "request-1".into()), (again, "request-2".into())],
        checks: written,
        ..Ledger::default()
    };
    let server = site.serve();
    server.becomes_ready(Duration::from_secs(10));
    audit(&site, &ledger);
}

#[test]
fn a_full_disk_of_the_documents_is_said_and_room_heals_it_without_a_restart() {
    let site = Site::new();
    let documents = site.installed.dir().join("documents");
    let disk = Mounted::small(8, &documents);
    let server = site.serve();
    let filler = disk.fill();
    let with_pdf = issuing_pdf(&site, 1);
    assert_eq!(
        send(&server, &with_pdf).problem(),
        out_of_order("documents/full")
    );
    assert_eq!(
        staged(&documents),
        [] as [PathBuf; 0],
        "nothing half-written"
    );
    unready(&server, "documents");
    // Whatever needs no document goes on.
    let without = told(&send(&server, &issuing(&site, 2)), 201);
    let check = told(&send(&server, &checking(&site)), 200);

    fs::remove_file(filler).unwrap();
    server.becomes_ready(Duration::from_secs(10));
    let with = told(&send(&server, &with_pdf), 201);
    let ledger = Ledger {
        results: vec![(without, "request-2".into()), (with, "request-1".into())],
        checks: vec![check],
        ..Ledger::default()
    };
    audit(&site, &ledger);
}

#[test]
fn documents_that_cannot_be_written_or_are_gone_are_said_and_their_return_heals_it() {
    let site = Site::new();
    let documents = site.installed.dir().join("documents");
    let server = site.serve();
    let first = told(&send(&server, &issuing_pdf(&site, 1)), 201);
    let pdf_of = format!("/api/v1/results/{}/pdf", first.id);
    let pdf_of = Request::new("GET", &pdf_of).by(site.key("registrar"));
    let with_pdf = issuing_pdf(&site, 2);

    let path = documents.to_str().unwrap();
    let over = Mounted::new(&["--bind", path], &documents);
    let remounted = run("mount", &["-o", "remount,bind,ro", path]);
    assert!(remounted.status.success(), "{remounted:?}");
    let refused = send(&server, &with_pdf).problem();
    assert_eq!(refused, out_of_order("documents/unavailable"));
    unready(&server, "documents");
    assert_eq!(send(&server, &pdf_of).status, 200, "reading goes on");
    drop(over);
    server.becomes_ready(Duration::from_secs(10));

    let aside = site.installed.file("aside");
    fs::rename(&documents, &aside).unwrap();
    for request in [&with_pdf, &pdf_of] {
        let refused = send(&server, request).problem();
        assert_eq!(refused, out_of_order("documents/unavailable"));
    }
    unready(&server, "documents");
    assert!(
        !documents.exists(),
        "no folder is made where a volume belongs"
    );
    fs::rename(&aside, &documents).unwrap();
    server.becomes_ready(Duration::from_secs(10));
    let second = told(&send(&server, &with_pdf), 201);
    assert_eq!(
        shelved(&documents)
            .values()
            .filter(|path| is_pdf(path))
            .count(),
        2
    );
    let results = vec![(first, "request-1".into()), (second, "request-2".into())];
    audit(
        &site,
        &Ledger {
            results,
            ..Ledger::default()
        },
    );
}

fn is_pdf(path: &Path) -> bool {
    fs::read(path).unwrap().starts_with(b"%PDF")
}

/// What Linux does to a disk with errors: from one moment to the next nothing can be written to it.
#[test]
fn a_database_on_a_disk_that_turns_read_only_is_said_and_all_is_there_after_its_repair() {
    let mut site = Site::new();
    let folder = site.installed.file("register");
    fs::create_dir(&folder).unwrap();
    let image = site.installed.file("disk.img");
    File::create(&image)
        .unwrap()
        .set_len(32 * 1024 * 1024)
        .unwrap();
    let image = image.to_str().unwrap();
    let made = run("mkfs.ext4", &["-q", image]);
    assert!(made.status.success(), "{made:?}");
    let disk = Mounted::new(&["-o", "loop", image], &folder);
    copy_register(&site, &folder);
    site.database = Some(format!("sqlite://{}", folder.join("dauso.db").display()));
    let server = site.serve();
    let first = told(&send(&server, &issuing(&site, 1)), 201);

    let folder_text = folder.to_str().unwrap();
    let aborted = run("mount", &["-o", "remount,abort", folder_text]);
    assert!(aborted.status.success(), "{aborted:?}");
    let check = checking(&site);
    assert_eq!(
        send(&server, &check).problem(),
        out_of_order("register/unavailable")
    );
    unready(&server, "database");
    server.kill();
    let gone = run("umount", &[folder_text]);
    assert!(gone.status.success(), "{gone:?}");
    drop(disk);
    let repaired = run("e2fsck", &["-p", image]);
    assert!(
        repaired.status.code().is_some_and(|code| code < 4),
        "{repaired:?}"
    );
    let _disk = Mounted::new(&["-o", "loop", image], &folder);
    let server = site.serve();
    a_check_is_taken_and_all_is_there(&site, &server, &check, first);
}

/// Sends a check, which is taken, and compares what was told with what is there.
fn a_check_is_taken_and_all_is_there(site: &Site, server: &Server, check: &Request, issued: Told) {
    let ledger = Ledger {
        results: vec![(issued, "request-1".into())],
        checks: vec![told(&send(server, check), 200)],
        ..Ledger::default()
    };
    audit(site, &ledger);
}

#[test]
fn a_database_file_that_another_process_has_locked_makes_writers_wait_and_then_say_so() {
    let site = Site::new();
    let server = site.serve();
    let first = told(&send(&server, &issuing(&site, 1)), 201);
    let check = checking(&site);
    sqlx::any::install_default_drivers();
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .unwrap();
    let mut other = runtime.block_on(async {
        let mut other = AnyConnection::connect(&site.url()).await.unwrap();
        sqlx::raw_sql("BEGIN EXCLUSIVE")
            .execute(&mut other)
            .await
            .unwrap();
        other
    });
    let waiting = std::time::Instant::now();
    let (status, code, retry_after) = send(&server, &check).problem();
    assert_eq!(
        (status, code.as_str(), retry_after.as_str()),
        (503, "register/busy", "1")
    );
    assert!(
        waiting.elapsed() < Duration::from_secs(25),
        "{:?}",
        waiting.elapsed()
    );
    assert_eq!(
        server.get(&format!("/{}", first.id)).status,
        200,
        "reading goes on"
    );
    assert_eq!(server.ready().0, 200, "a lock is no fault");
    runtime.block_on(async {
        sqlx::raw_sql("ROLLBACK").execute(&mut other).await.unwrap();
        other.close().await.unwrap();
    });
    a_check_is_taken_and_all_is_there(&site, &server, &check, first);
}

#[test]
fn a_service_without_its_passphrase_or_its_documents_does_not_start_and_says_why() {
    let installed = Installed::new();
    let dir = installed.dir();
    let config = dir.join("dauso.toml");
    let serve = || dauso(&["serve", "--config", config.to_str().unwrap()]).ended(1);
    for file in ["keys/passphrase", "documents"] {
        let aside = installed.file("aside");
        fs::rename(dir.join(file), &aside).unwrap();
        let ran = serve();
        let last = ran.stderr.lines().last().unwrap();
        assert!(last.starts_with("dauso: "), "{ran:?}");
        assert!(last.contains(dir.join(file).to_str().unwrap()), "{ran:?}");
        assert!(last.contains("No such file or directory"), "{ran:?}");
        fs::rename(&aside, dir.join(file)).unwrap();
    }
}
