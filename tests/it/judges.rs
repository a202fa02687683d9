//! Other people's programs as judges. A missing one fails the test run; it never skips.

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

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
    judge(script, arguments, "")
}

/// The same for a script that reads what it is to judge from its standard input.
pub(crate) fn judge(script: &str, arguments: &[&str], input: &str) -> String {
    let script = root("tests/judges").join(script);
    let python = root(".judges/bin/python");
    let mut child = Command::new(&python)
        .arg(&script)
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap_or_else(|error| {
            panic!(
                "{} does not start ({error}); `make deps` installs it",
                python.display()
            )
        });
    let mut stdin = child.stdin.take().expect("its stdin");
    // A script that reads nothing may be gone already.
    let _ = stdin.write_all(input.as_bytes());
    drop(stdin);
    let output = child.wait_with_output().expect("its output");
    assert!(
        output.status.success(),
        "{}: {}{}",
        script.display(),
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
    String::from_utf8(output.stdout).expect("UTF-8")
}
