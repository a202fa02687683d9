//! Bytes of strangers, one target per reader: `FUZZ_TARGET=pdf dauso-fuzz FOLDER…` (tools/fuzz.sh).
//!
//! A target panics when something is wrong; libFuzzer catches panics, hangs and memory beyond its limits.

#![no_main]

mod codes;
mod evidence;
mod pdf;
mod signatures;

use libfuzzer_sys::fuzz_target;
use std::sync::LazyLock;

/// What each target does with its input.
const TARGETS: &[(&str, fn(&[u8]))] = &[
    ("pdf", pdf::file),
    ("stamp", pdf::stamp),
    ("page", pdf::page),
    ("credential", codes::credential),
    ("numeric", codes::numeric),
    ("cbor", codes::cbor),
    ("trust", codes::trust),
    ("status", codes::status),
    ("cms", signatures::cms),
    ("certificate", signatures::certificate),
    ("timestamp", evidence::timestamp),
    ("ocsp", evidence::ocsp),
    ("crl", evidence::crl),
];

static TARGET: LazyLock<fn(&[u8])> = LazyLock::new(|| {
    let wanted = std::env::var("FUZZ_TARGET").unwrap_or_default();
    let found = TARGETS.iter().find(|(name, _)| *name == wanted);
    let names: Vec<&str> = TARGETS.iter().map(|(name, _)| *name).collect();
    found
        .unwrap_or_else(|| panic!("FUZZ_TARGET is one of {names:?}"))
        .1
});

fuzz_target!(|data: &[u8]| TARGET(data));
