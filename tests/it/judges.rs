//! Other people's programs as judges. A missing one fails the test run; it never skips.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

/// A file below the project's root.
pub(crate) fn root(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

/// Runs a program and hands back what it said, whatever its exit code.
pub(crate) fn run(program: &str, arguments: &[&str]) -> Output {
    Command::new(program)
        .args(arguments)
        .output()
        .unwrap_or_else(|error| {
            panic!("{program} does not start ({error}); `make deps` installs it")
        })
}

/// Runs a script of `tests/judges/` with the Python of `make deps`; panics with its words if it fails.
pub(crate) fn python(script: &str, arguments: &[&str]) -> String {
    let script = root("tests/judges").join(script);
    let mut all = vec![script.to_str().expect("a UTF-8 path")];
    all.extend(arguments);
    let python = root(".judges/bin/python");
    let output = run(python.to_str().expect("a UTF-8 path"), &all);
    assert!(
        output.status.success(),
        "{}: {}{}",
        script.display(),
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
    String::from_utf8(output.stdout).expect("UTF-8")
}
