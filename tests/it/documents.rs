//! Holds the documents to the tree: links lead somewhere, named files exist, the floors are all explained.

use crate::judges::root;
use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

/// The longest line of prose, in characters; rows of tables cannot be broken.
const WIDTH: usize = 140;

#[test]
fn every_relative_link_of_the_documents_leads_to_a_file() {
    let mut broken = Vec::new();
    for document in documents() {
        let text = fs::read_to_string(&document).unwrap();
        let folder = document.parent().unwrap();
        for target in between(&text, "](", ")") {
            let path = target.split('#').next().unwrap_or("");
            let outside = target.contains("://") || path.is_empty();
            if !outside && !folder.join(path).exists() {
                broken.push(format!("{}: {target}", document.display()));
            }
        }
    }
    assert!(broken.is_empty(), "{broken:#?}");
}

#[test]
fn every_test_that_the_threats_name_as_a_proof_exists() {
    let text = fs::read_to_string(root("docs/THREATS.md")).unwrap();
    let makefile = fs::read_to_string(root("Makefile")).unwrap();
    let mut tests = BTreeSet::new();
    for folder in ["src", "tests/it"] {
        collect_tests(&root(folder), &mut tests);
    }
    assert!(tests.len() > 300, "{}", tests.len());
    let rows: Vec<&str> = text
        .lines()
        .filter(|line| line.starts_with("| T"))
        .collect();
    for (at, row) in rows.iter().enumerate() {
        let number = format!("| T{} ", at + 1);
        assert!(row.starts_with(&number), "{number}is due: {row}");
        let (_, shown_by) = row.trim_end_matches([' ', '|']).rsplit_once("| ").unwrap();
        let names = between(shown_by, "`", "`");
        assert!(!names.is_empty(), "nothing shows {row}");
        for name in names {
            let there = match name.strip_prefix("make ") {
                Some(target) => makefile.contains(&format!("\n{target}:")),
                None => tests.contains(&name),
            };
            assert!(there, "{number}names {name}, which is no test");
        }
    }
}

/// The names of the functions that stand below `#[test]` or `#[tokio::test]`.
fn collect_tests(folder: &Path, found: &mut BTreeSet<String>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            collect_tests(&path, found);
            continue;
        }
        if path.extension().is_none_or(|extension| extension != "rs") {
            continue;
        }
        let text = fs::read_to_string(&path).unwrap();
        for marked in ["#[test]", "#[tokio::test"] {
            for after in text.split(marked).skip(1) {
                let Some((_, name)) = after.split_once("fn ") else {
                    continue;
                };
                let end = name.find(['(', '<']).unwrap_or(0);
                found.insert(name[..end].to_owned());
            }
        }
    }
}

#[test]
fn the_architecture_explains_every_module() {
    let text = fs::read_to_string(root("docs/ARCHITECTURE.md")).unwrap();
    let unexplained: Vec<String> = fs::read_dir(root("src"))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .map(|path| path.file_stem().unwrap().to_string_lossy().into_owned())
        .filter(|name| name != "lib" && name != "main")
        .filter(|name| !text.contains(&format!("\n* `{name}` – ")))
        .collect();
    assert!(unexplained.is_empty(), "{unexplained:?}");
}

#[test]
fn the_list_of_decisions_is_complete() {
    let listed: BTreeSet<String> = between(
        &fs::read_to_string(root("docs/adr/README.md")).unwrap(),
        "](",
        ")",
    )
    .into_iter()
    .collect();
    let written: BTreeSet<String> = fs::read_dir(root("docs/adr"))
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .filter(|name| name != "README.md")
        .collect();
    assert_eq!(listed, written);
}

#[test]
fn no_line_of_the_documents_is_too_long_to_read() {
    let mut long = Vec::new();
    for document in documents() {
        let text = fs::read_to_string(&document).unwrap();
        for (at, line) in text.lines().enumerate() {
            if !line.starts_with('|') && line.chars().count() > WIDTH {
                long.push(format!("{}:{}", document.display(), at + 1));
            }
        }
    }
    assert!(long.is_empty(), "{long:#?}");
}

/// Every Markdown file of the project.
fn documents() -> Vec<PathBuf> {
    let mut found = Vec::new();
    collect(&root(""), &mut found);
    assert!(found.len() > 20, "{found:?}");
    found
}

fn collect(folder: &Path, found: &mut Vec<PathBuf>) {
    // What was built, installed or issued.
    const NOT_OURS: [&str; 3] = ["target", "node_modules", "demo"];
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        if path.is_dir() {
            if !name.starts_with('.') && !NOT_OURS.contains(&name.as_str()) {
                collect(&path, found);
            }
        } else if path.extension().is_some_and(|extension| extension == "md") {
            found.push(path);
        }
    }
}

/// Every piece of one line that stands between two marks.
fn between(text: &str, open: &str, close: &str) -> Vec<String> {
    let mut pieces = Vec::new();
    for line in text.lines() {
        let mut rest = line;
        while let Some((_, after)) = rest.split_once(open) {
            let Some((piece, behind)) = after.split_once(close) else {
                break;
            };
            pieces.push(piece.to_owned());
            rest = behind;
        }
    }
    pieces
}
