//! Tests of pdf.

mod reading;
mod refusing;
mod signing;
mod writing;

use super::judges::root;
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
