//! Keeps the floors drawn in docs/ARCHITECTURE.md: a module names only modules below its own floor.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

const FLOORS: &[&[&str]] = &[
    &[
        "clock", "digest", "id", "key", "limits", "metrics", "nfc", "private", "report",
    ],
    &["access", "catalogue", "cose", "pki", "qr"],
    &["credential", "pdf", "status", "tlog", "trust"],
    &["authorities", "signer", "store"],
    &[
        "inspection",
        "issuance",
        "lifecycle",
        "login",
        "publication",
        "search",
        "verification",
    ],
    &["http", "worker"],
    &["app", "cli", "config", "telemetry"],
];

/// The edges allowed inside a floor.
const BESIDE: &[(&str, &str)] = &[
    ("key", "digest"),
    ("report", "clock"),
    ("app", "config"),
    ("cli", "app"),
    ("cli", "config"),
    ("cli", "telemetry"),
    ("inspection", "verification"),
    ("issuance", "lifecycle"),
    ("credential", "status"),
    ("credential", "trust"),
];

/// The longest file a reader should meet.
const LINES: usize = 600;

#[test]
fn every_module_names_only_lower_floors() {
    let mut broken = BTreeSet::new();
    for file in rust_files(Path::new("src")) {
        let from = top_module(&file);
        if matches!(from.as_str(), "lib" | "main") {
            continue;
        }
        let from_floor = floor(&from).unwrap_or_else(|| panic!("{from} stands on no floor"));
        for to in named_modules(&fs::read_to_string(&file).unwrap()) {
            let to_floor = floor(&to).unwrap_or_else(|| panic!("{to} stands on no floor"));
            let beside = BESIDE.contains(&(from.as_str(), to.as_str()));
            if to != from && to_floor >= from_floor && !beside {
                broken.insert(format!("{}: {from} -> {to}", file.display()));
            }
        }
    }
    assert!(broken.is_empty(), "{broken:#?}");
}

#[test]
fn no_file_is_longer_than_a_reader_can_hold() {
    let long: Vec<String> = ["src", "tests"]
        .into_iter()
        .flat_map(|dir| rust_files(Path::new(dir)))
        .map(|file| (fs::read_to_string(&file).unwrap().lines().count(), file))
        .filter(|(lines, _)| *lines > LINES)
        .map(|(lines, file)| format!("{}: {lines}", file.display()))
        .collect();
    assert!(long.is_empty(), "over {LINES} lines: {long:#?}");
}

#[test]
fn only_the_store_names_sqlx_and_only_commands_print() {
    for (word, home) in [("sqlx", "src/store"), ("println!", "src/cli")] {
        let strangers: Vec<PathBuf> = rust_files(Path::new("src"))
            .into_iter()
            .filter(|file| !file.starts_with(home))
            .filter(|file| code_of(&fs::read_to_string(file).unwrap()).contains(word))
            .collect();
        assert!(strangers.is_empty(), "{word} outside {home}: {strangers:?}");
    }
}

#[test]
fn no_module_has_a_name_that_says_nothing() {
    let banned = [
        "util", "utils", "helper", "helpers", "common", "misc", "manager",
    ];
    for file in rust_files(Path::new("src")) {
        let stem = file.file_stem().unwrap().to_string_lossy().into_owned();
        assert!(!banned.contains(&stem.as_str()), "{}", file.display());
    }
}

#[test]
fn main_stays_under_forty_lines() {
    assert!(fs::read_to_string("src/main.rs").unwrap().lines().count() < 40);
}

fn floor(module: &str) -> Option<usize> {
    FLOORS.iter().position(|floor| floor.contains(&module))
}

fn top_module(file: &Path) -> String {
    let first = file.components().nth(1).expect("a file under src");
    first
        .as_os_str()
        .to_string_lossy()
        .trim_end_matches(".rs")
        .to_owned()
}

/// The source without its comments, on one line.
fn code_of(source: &str) -> String {
    source
        .lines()
        .map(|line| line.split("//").next().unwrap_or(""))
        .collect::<Vec<_>>()
        .join(" ")
}

/// The first path segment after each `crate::`, also inside `crate::{a, b::c}`.
fn named_modules(source: &str) -> BTreeSet<String> {
    let code = code_of(source);
    let mut names = BTreeSet::new();
    for rest in code.split("crate::").skip(1) {
        match rest.strip_prefix('{') {
            Some(group) => names.extend(top_level_segments(group)),
            None => names.extend(segment(rest)),
        }
    }
    names
}

/// The first segments of `a, b::{c, d}, e::f`, up to the brace that closes the group.
fn top_level_segments(group: &str) -> Vec<String> {
    let mut depth = 0_usize;
    let mut item = String::new();
    let mut names = Vec::new();
    for c in group.chars() {
        match c {
            '}' if depth == 0 => break,
            '{' => depth += 1,
            '}' => depth -= 1,
            ',' if depth == 0 => names.extend(segment(&std::mem::take(&mut item))),
            _ if depth == 0 => item.push(c),
            _ => {}
        }
    }
    names.extend(segment(&item));
    names
}

fn segment(path: &str) -> Option<String> {
    let name: String = path
        .trim_start()
        .chars()
        .take_while(|c| c.is_alphanumeric() || *c == '_')
        .collect();
    (!name.is_empty()).then_some(name)
}

fn rust_files(dir: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for entry in fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files.extend(rust_files(&path));
        } else if path.extension().is_some_and(|ext| ext == "rs") {
            files.push(path);
        }
    }
    files
}
