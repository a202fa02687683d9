//! Tests of pdf.

mod attaching;
mod attacks;
mod fields;
mod foreign;
mod reading;
mod refusing;
mod signing;
mod windows;
mod writing;

use super::judges::{python, root, run};
use std::path::PathBuf;

/// A file of `fixtures/`.
fn fixture(path: &str) -> Vec<u8> {
    std::fs::read(root("fixtures").join(path)).expect("a fixture")
}

/// The PDFs of a directory of `fixtures/`, by name.
fn pdfs(directory: &str) -> Vec<(String, Vec<u8>)> {
    let entries = std::fs::read_dir(root("fixtures").join(directory)).expect("a directory");
    let mut paths: Vec<PathBuf> = entries
        .map(|entry| entry.expect("an entry").path())
        .collect();
    paths.retain(|path| path.extension().is_some_and(|extension| extension == "pdf"));
    paths.sort();
    paths
        .into_iter()
        .map(|path| {
            let name = path.file_stem().and_then(|stem| stem.to_str());
            (
                name.expect("a UTF-8 name").to_owned(),
                std::fs::read(&path).expect("a fixture"),
            )
        })
        .collect()
}

/// Writes a file for somebody else's program; its path.
fn goes_in(directory: &tempfile::TempDir, name: &str, bytes: &[u8]) -> String {
    let path = directory.path().join(format!("{name}.pdf"));
    std::fs::write(&path, bytes).expect("a written file");
    path.into_os_string().into_string().expect("a UTF-8 path")
}

/// qpdf finds nothing to complain about.
fn qpdf(path: &str) {
    let output = run("qpdf", &["--check", path]);
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success() && said.is_empty(), "{path}: {said}");
}

/// The number of pages of each file, by pikepdf, which finds nothing to complain about.
fn open_judges(paths: &[String]) -> Vec<usize> {
    let paths: Vec<&str> = paths.iter().map(String::as_str).collect();
    let lines = python("pdf_open.py", &paths);
    lines
        .lines()
        .map(|line| line.parse().expect("a number"))
        .collect()
}
