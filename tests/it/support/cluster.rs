//! A PostgreSQL of one test's own, with durable settings, that may be killed and started again.

use super::stores::{as_anybody_but_root, binaries};
use crate::judges::run;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

/// Runs until its stdin is closed: by [`Drop`], or by the kernel when the test process ends.
const RUN: &str = r#"
trap '' INT TERM HUP
"$1/postgres" -D "$2/data" -k "$2" -c listen_addresses= >>"$2/log" 2>&1 </dev/null &
server=$!
cat >/dev/null || true
kill -QUIT "$server" 2>/dev/null || true
wait "$server" || true
"#;

/// Not under `$TMPDIR`: the path of a socket has at most 107 bytes, and another user makes it.
const MAKE: &str = r#"
set -e
cd /
dir=$(mktemp -d /tmp/dauso-cluster.XXXXXX)
"$1/initdb" --pgdata="$dir/data" --username=dauso --auth=trust --encoding=UTF8 --locale=C --no-sync >"$dir/log" 2>&1
echo "$dir"
"#;

pub(crate) struct OwnCluster {
    binaries: PathBuf,
    directory: PathBuf,
    running: Option<Child>,
}

impl OwnCluster {
    pub(crate) fn start() -> Self {
        let binaries = binaries().expect("PostgreSQL is not installed; `make deps` does it");
        let mut command = as_anybody_but_root();
        let made = command.args(["sh", "-c", MAKE, "make"]).arg(&binaries);
        let made = made.output().expect("a shell");
        assert!(made.status.success(), "{made:?}");
        let directory = String::from_utf8(made.stdout).unwrap();
        let mut cluster = Self {
            binaries,
            directory: PathBuf::from(directory.trim_end()),
            running: None,
        };
        cluster.restart();
        cluster
    }

    pub(crate) fn url(&self) -> String {
        let socket = self.directory.display();
        format!("postgres:///postgres?host={socket}&user=dauso")
    }

    /// Starts it and waits until it takes connections; what an earlier one left is recovered first.
    pub(crate) fn restart(&mut self) {
        let end = Instant::now() + Duration::from_mins(1);
        self.running = None;
        loop {
            let child = self.running.get_or_insert_with(|| {
                let mut command = as_anybody_but_root();
                command.args(["sh", "-c", RUN, "run"]).arg(&self.binaries);
                command.arg(&self.directory).stdin(Stdio::piped());
                command.spawn().expect("a shell")
            });
            let _ = child;
            thread::sleep(Duration::from_millis(150));
            let ready = self.binaries.join("pg_isready");
            let host = format!("--host={}", self.directory.display());
            if run(ready.to_str().unwrap(), &["--quiet", &host])
                .status
                .success()
            {
                return;
            }
            if self.postmaster().is_none_or(|pid| !is_alive(&pid)) {
                // The dead one's children may still hold its memory: once more.
                self.end();
            }
            assert!(Instant::now() < end, "PostgreSQL does not start");
        }
    }

    /// `kill -9` of the postmaster.
    pub(crate) fn kill(&mut self) {
        let pid = self.postmaster().expect("a running PostgreSQL");
        let killed = Command::new("kill").args(["-9", &pid]).status();
        assert!(killed.expect("kill").success());
        self.end();
    }

    fn postmaster(&self) -> Option<String> {
        let file = self.directory.join("data/postmaster.pid");
        let text = std::fs::read_to_string(file).ok()?;
        text.lines().next().map(str::to_owned)
    }

    /// Closes the script's stdin and waits for it.
    fn end(&mut self) {
        if let Some(mut child) = self.running.take() {
            drop(child.stdin.take());
            let _ = child.wait();
        }
    }
}

fn is_alive(pid: &str) -> bool {
    PathBuf::from("/proc").join(pid).exists()
}

impl Drop for OwnCluster {
    fn drop(&mut self) {
        self.end();
        // Nobody needs it any more, and /tmp is emptied in the end.
        let _ = std::fs::remove_dir_all(&self.directory);
    }
}
