//! The program as a server in a process of its own.

use super::installation::program;
use serde_json::Value;
use std::io::{BufRead as _, BufReader, Read, Write as _};
use std::net::TcpStream;
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
    /// Starts the program and waits for a line that begins so, at most 90 seconds.
    pub(crate) fn start(arguments: &[&str], said: Said, begin: &str) -> (Self, String) {
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
            if line.starts_with(begin) {
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

    /// Ctrl-C; it must end within 15 seconds.
    pub(crate) fn interrupt(mut self) -> ExitStatus {
        let kill = format!("kill -INT {}", self.child.id());
        let sent = Command::new("sh").args(["-c", &kill]).status();
        assert!(sent.expect("a shell").success());
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
        head.push_str(&format!("Authorization: Bearer {key}\r\n"));
    }
    let (status, answer) = exchange(address, &format!("{method} {path}"), &head, &body);
    let answer = serde_json::from_slice(&answer).expect("JSON");
    (status, answer)
}

/// Status and body of `GET path`; `address` is a host and a port.
pub(crate) fn get(address: &str, path: &str) -> (u16, Vec<u8>) {
    exchange(address, &format!("GET {path}"), "", "")
}

fn exchange(address: &str, asked: &str, head: &str, body: &str) -> (u16, Vec<u8>) {
    let mut stream = TcpStream::connect(address).expect("the server listens");
    stream
        .set_read_timeout(Some(Duration::from_secs(60)))
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
