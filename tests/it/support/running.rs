//! The program as a server in a process of its own.

use super::installation::program;
use serde_json::Value;
use std::ffi::OsStr;
use std::fmt::Write as _;
use std::fs;
use std::io::{BufRead as _, BufReader, Read, Write as _};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

/// A program that goes on until it is told to stop; killed when a test fails before.
pub(crate) struct Running {
    child: Child,
}

/// Where the program says the one line that a test waits for.
#[derive(Clone, Copy)]
pub(crate) enum Said {
    OnOutput,
    OnError,
}

impl Running {
    /// Starts the program and waits for a line with this in it, at most 90 seconds.
    pub(crate) fn start(arguments: &[&str], said: Said, part: &str) -> (Self, String) {
        let (out, error) = match said {
            Said::OnOutput => (Stdio::piped(), Stdio::inherit()),
            Said::OnError => (Stdio::inherit(), Stdio::piped()),
        };
        let mut command = program();
        command.args(arguments).stdout(out).stderr(error);
        let mut child = command.spawn().expect("the program starts");
        let pipe: Box<dyn Read + Send> = match said {
            Said::OnOutput => Box::new(child.stdout.take().expect("its output")),
            Said::OnError => Box::new(child.stderr.take().expect("its errors")),
        };
        let running = Self { child };
        let (tell, told) = mpsc::channel();
        // Reads on to the end, so that the program never waits for somebody to read.
        thread::spawn(move || {
            for line in BufReader::new(pipe).lines().map_while(Result::ok) {
                // The test has its line and listens no more.
                let _ = tell.send(line);
            }
        });
        let end = Instant::now() + Duration::from_secs(90);
        loop {
            let left = end.saturating_duration_since(Instant::now());
            let line = told.recv_timeout(left);
            let line = line.unwrap_or_else(|error| panic!("{arguments:?} says nothing: {error}"));
            if line.contains(part) {
                return (running, line);
            }
        }
    }

    /// Starts the program and kills it after a while, wherever it is then.
    pub(crate) fn cut_short(arguments: &[&str], after: Duration) {
        let mut command = program();
        command
            .args(arguments)
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        let mut running = Self {
            child: command.spawn().expect("the program starts"),
        };
        thread::sleep(after);
        let ended = running.child.try_wait().expect("its state");
        assert!(ended.is_none(), "it ended by itself: {ended:?}");
        running.child.kill().expect("killing it");
        running.child.wait().expect("its end");
    }

    /// Starts the program and kills it as soon as `moment` has come.
    pub(crate) fn cut_when(arguments: &[impl AsRef<OsStr>], moment: impl Fn() -> bool) {
        let mut running = Self::silent(arguments);
        running.wait_for(moment);
        running.child.kill().expect("killing it");
        running.child.wait().expect("its end");
    }

    /// Starts the program and presses Ctrl-C as soon as `moment` has come.
    pub(crate) fn interrupted_when(
        arguments: &[impl AsRef<OsStr>],
        moment: impl Fn() -> bool,
    ) -> ExitStatus {
        let mut running = Self::silent(arguments);
        running.wait_for(moment);
        running.interrupt()
    }

    fn silent(arguments: &[impl AsRef<OsStr>]) -> Self {
        let mut command = program();
        command
            .args(arguments)
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        Self {
            child: command.spawn().expect("the program starts"),
        }
    }

    fn wait_for(&mut self, moment: impl Fn() -> bool) {
        let end = Instant::now() + Duration::from_secs(90);
        while !moment() {
            let ended = self.child.try_wait().expect("its state");
            assert!(ended.is_none(), "it ended by itself: {ended:?}");
            assert!(Instant::now() < end, "the moment does not come");
            thread::sleep(Duration::from_millis(1));
        }
    }

    /// Sends a signal.
    pub(crate) fn signal(&self, name: &str) {
        let kill = format!("kill -{name} {}", self.child.id());
        let sent = Command::new("sh").args(["-c", &kill]).status();
        assert!(sent.expect("a shell").success());
    }

    /// Ctrl-C; it must end within 15 seconds.
    pub(crate) fn interrupt(self) -> ExitStatus {
        self.signal("INT");
        self.ended()
    }

    /// How it ended, within 15 seconds.
    pub(crate) fn ended(mut self) -> ExitStatus {
        let end = Instant::now() + Duration::from_secs(15);
        loop {
            if let Some(status) = self.child.try_wait().expect("its state") {
                return status;
            }
            assert!(Instant::now() < end, "it does not stop");
            thread::sleep(Duration::from_millis(20));
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Status and JSON of a request, with an API key unless it is empty; `address` is a host and a port.
pub(crate) fn send(
    address: &str,
    method: &str,
    path: &str,
    key: &str,
    body: &Value,
) -> (u16, Value) {
    let body = body.to_string();
    let mut head = format!(
        "Content-Type: application/json\r\nContent-Length: {}\r\n",
        body.len()
    );
    if !key.is_empty() {
        write!(head, "Authorization: Bearer {key}\r\n").unwrap();
    }
    let (status, answer) = exchange(address, &format!("{method} {path}"), &head, &body);
    let answer = serde_json::from_slice(&answer).expect("JSON");
    (status, answer)
}

/// `dauso serve` on a data directory.
pub(crate) struct Served {
    pub(crate) running: Running,
    /// Host and port.
    pub(crate) address: String,
    /// Host and port of the figures; `nowhere` unless configured.
    pub(crate) figures: String,
    /// What it logs.
    log: PathBuf,
}

impl Served {
    /// Adds lines to `dauso.toml`, starts the service on a free port and waits until it serves.
    pub(crate) fn start(dir: &Path, lines: &str) -> Self {
        let log = dir.join("log.jsonl");
        let config = configure(dir, lines);
        let mut command = program();
        command.args(["serve", "--config", config.to_str().unwrap()]);
        let file = fs::File::create(&log).unwrap();
        command.stdout(Stdio::null()).stderr(file);
        let child = command.spawn().expect("the program starts");
        let mut served = Self {
            running: Running { child },
            address: String::new(),
            figures: String::new(),
            log,
        };
        let told = served.logged(|line| line["message"] == "serving");
        let text = |name: &str| told[name].as_str().unwrap().to_owned();
        (served.address, served.figures) = (text("address"), text("metrics"));
        served
    }

    /// The first line of the log that fits, as soon as it is there.
    pub(crate) fn logged(&self, fits: impl Fn(&Value) -> bool) -> Value {
        let end = Instant::now() + Duration::from_mins(1);
        loop {
            let log = fs::read_to_string(&self.log).unwrap();
            let lines = log
                .lines()
                .filter_map(|line| serde_json::from_str(line).ok());
            if let Some(line) = lines.into_iter().find(&fits) {
                return line;
            }
            assert!(Instant::now() < end, "not logged: {log}");
            thread::sleep(Duration::from_millis(20));
        }
    }

    /// Stops it with SIGTERM; all that it logged.
    pub(crate) fn stop(self) -> String {
        self.running.signal("TERM");
        assert_eq!(self.running.ended().code(), Some(0));
        fs::read_to_string(self.log).unwrap()
    }
}

/// Writes lines before those that a configuration has; a key that stands in them replaces the other one.
pub(crate) fn configure(dir: &Path, lines: &str) -> PathBuf {
    let path = dir.join("dauso.toml");
    let old = fs::read_to_string(&path).unwrap();
    let key = |line: &str| line.split_once(" = ").map(|(key, _)| key.to_owned());
    let ours: Vec<String> = lines.lines().filter_map(key).collect();
    let free = if ours.iter().any(|key| key == "listen") {
        ""
    } else {
        "listen = \"127.0.0.1:0\"\n"
    };
    let rest: Vec<&str> = old
        .lines()
        .filter(|line| key(line).is_none_or(|key| key != "listen" && !ours.contains(&key)))
        .collect();
    fs::write(&path, format!("{free}{lines}\n{}\n", rest.join("\n"))).unwrap();
    path
}

/// Status and body of `GET path`; `address` is a host and a port.
pub(crate) fn get(address: &str, path: &str) -> (u16, Vec<u8>) {
    exchange(address, &format!("GET {path}"), "", "")
}

fn exchange(address: &str, asked: &str, head: &str, body: &str) -> (u16, Vec<u8>) {
    let mut stream = TcpStream::connect(address).expect("the server listens");
    stream
        .set_read_timeout(Some(Duration::from_mins(1)))
        .expect("a timeout");
    let request = format!("{asked} HTTP/1.0\r\nHost: {address}\r\n{head}\r\n{body}");
    stream.write_all(request.as_bytes()).expect("the request");
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).expect("the answer");
    let end = answer
        .windows(4)
        .position(|window| window == b"\r\n\r\n")
        .expect("headers");
    let head = std::str::from_utf8(&answer[..end]).expect("ASCII");
    let status = head.split(' ').nth(1).and_then(|code| code.parse().ok());
    (status.expect("a status"), answer[end + 4..].to_vec())
}
