//! The order in which an issuance makes things last, as the kernel sees it.

use crate::judges::run;
use crate::large::scans;
use crate::support::installation::{Installed, in_force, pdf};
use serde_json::Value;
use std::fs;
use std::path::Path;

/// The document is on the disk before the record refers to it; the record is, before the document gets its
/// lasting name; the name is, before anybody is told.
#[test]
fn a_document_is_synced_before_its_record_and_its_name_after_it() {
    let installed = Installed::new();
    lasts_in_order(&installed, &pdf(BADGE));
}

/// One that is copied into the folder of the documents first, and signed there.
#[test]
fn so_is_one_that_is_too_large_for_memory() {
    let installed = Installed::new();
    let large = installed.file("large.pdf");
    scans(&large, 2);
    lasts_in_order(&installed, &large);
}

const BADGE: &str = "vehicle-badge--a4-tagged";

fn lasts_in_order(installed: &Installed, pdf: &Path) {
    let data = Value::Object(in_force(BADGE)).to_string();
    let data = installed.write("badge.json", data);
    let (out, trace) = (installed.file("badge.pdf"), installed.file("trace"));
    let calls = "trace=fsync,fdatasync,rename,renameat,renameat2,pwrite64";
    let dir = installed.dir();
    let texts = [&dir, &data, &out, &trace].map(|path| path.to_str().unwrap());
    let [dir, data, out, trace] = texts;
    let program = env!("CARGO_BIN_EXE_dauso");
    let mut arguments = vec!["-f", "-y", "-qq", "-s", "0", "-e", calls, "-o", trace];
    arguments.extend([program, "issue", "--dir", dir, "--type", "vehicle-badge"]);
    arguments.extend(["--data", data, "--pdf", pdf.to_str().unwrap(), "--out", out]);
    let ran = run("strace", &arguments);
    assert!(ran.status.success(), "{ran:?}");

    let trace = fs::read_to_string(trace).unwrap();
    let lines: Vec<&str> = trace.lines().collect();
    let place = |what: &str, from: usize, wanted: &dyn Fn(&str) -> bool| {
        let found = lines.iter().skip(from).position(|line| wanted(line));
        from + found.unwrap_or_else(|| panic!("no {what} after line {from}:\n{trace}"))
    };
    let is_sync = |line: &str| line.contains("fsync(") || line.contains("fdatasync(");
    let written = place("sync of the new file", 0, &|line| {
        is_sync(line) && line.contains("/documents/new/") && line.contains("/.tmp")
    });
    let staged = place("rename of the new file", written, &|line| {
        line.contains("rename") && line.contains("/.tmp")
    });
    let folder = place("sync of its folder", staged, &|line| {
        is_sync(line) && line.contains("/documents/new/")
    });
    let committed = place("sync of the register", folder, &|line| {
        is_sync(line) && line.contains("dauso.db")
    });
    let kept = place("rename to the lasting name", committed, &|line| {
        line.contains("rename") && line.contains("/documents/new/")
    });
    let lasting = place("sync of the shelf", kept, &|line| {
        is_sync(line) && line.contains("/documents/") && !line.contains("/documents/new/")
    });
    let told = place("file of the caller", lasting, &|line| {
        line.contains("rename") && line.contains("badge.pdf")
    });
    // Between staging and the lasting name the register is the only thing that is written, and synced last.
    let last_write = (folder..kept).rev().find(|at| {
        let line = lines[*at];
        line.contains("pwrite64(") && line.contains("dauso.db-wal")
    });
    assert!(last_write.is_some_and(|at| at < kept), "{trace}");
    let synced = last_write.into_iter().flat_map(|at| at..kept);
    assert!(synced.map(|at| lines[at]).any(is_sync), "{trace}");
    assert!(told > lasting);
}
