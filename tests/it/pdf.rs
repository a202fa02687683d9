//! Tests of pdf.

mod reading;

use super::judges::root;
use std::path::PathBuf;

/// A file of `fixtures/`.
fn fixture(path: &str) -> Vec<u8> {
    std::fs::read(root("fixtures").join(path)).unwrap()
}

/// The PDFs of a directory of `fixtures/`, by name.
fn pdfs(directory: &str) -> Vec<(String, Vec<u8>)> {
    let entries = std::fs::read_dir(root("fixtures").join(directory)).unwrap();
    let mut paths: Vec<PathBuf> = entries.map(|entry| entry.unwrap().path()).collect();
    paths.retain(|path| path.extension().is_some_and(|extension| extension == "pdf"));
    paths.sort();
    paths
        .into_iter()
        .map(|path| {
            let name = path.file_stem().unwrap().to_str().unwrap().to_owned();
            (name, std::fs::read(path).unwrap())
        })
        .collect()
}
