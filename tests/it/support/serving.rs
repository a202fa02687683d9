//! `dauso serve` in a process of its own, that may be killed at any moment and started again.

use super::installation::{Installed, program};
use serde_json::Value;
use std::collections::HashMap;
use std::fmt::Write as _;
use std::fs;
use std::io::{self, BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::process::{Child, Stdio};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

pub(crate) const AGENCY: &str = "000.00.16.H99";

/// An installation with accounts, and where its register is.
pub(crate) struct Site {
    pub(crate) installed: Installed,
    pub(crate) database: Option<String>,
    /// What every run of the program finds in its environment.
    pub(crate) environment: Vec<(&'static str, String)>,
    keys: HashMap<&'static str, String>,
}

impl Site {
    /// On the SQLite file of its data directory.
    pub(crate) fn new() -> Self {
        Self::with(Installed::new(), None)
    }

    /// On an empty PostgreSQL database.
    pub(crate) fn on(url: &str) -> Self {
        let installed = Installed::empty();
        let mut init = program();
        init.args(["init", "--dir", installed.dir().to_str().unwrap()]);
        let made = init.env("DATABASE_URL", url).output().unwrap();
        assert!(made.status.success(), "{made:?}");
        Self::with(installed, Some(url.to_owned()))
    }

    fn with(installed: Installed, database: Option<String>) -> Self {
        let config = installed.dir().join("dauso.toml");
        let text = fs::read_to_string(&config).unwrap();
        let lines = text.lines().map(|line| match line.split_once(" = ") {
            Some(("listen", _)) => "listen = \"127.0.0.1:0\"",
            Some(("public_requests_per_minute", _)) => "public_requests_per_minute = 1000000",
            _ => line,
        });
        fs::write(&config, lines.collect::<Vec<_>>().join("\n")).unwrap();
        let mut site = Self {
            installed,
            database,
            environment: Vec::new(),
            keys: HashMap::new(),
        };
        for role in ["registrar", "inspector"] {
            let dir = site.installed.dir();
            let mut add = site.program();
            add.args(["account", "add", "--dir", dir.to_str().unwrap()]);
            add.args(["--login", role, "--name", "Nguyễn Văn Mẫu", "--role", role]);
            let added = add.args(["--agency", AGENCY]).output().unwrap();
            assert!(added.status.success(), "{added:?}");
            let key = String::from_utf8(added.stdout).unwrap();
            site.keys.insert(role, key.trim().to_owned());
        }
        site
    }

    /// The program, on the register of this site.
    pub(crate) fn program(&self) -> std::process::Command {
        let mut command = program();
        if let Some(url) = &self.database {
            command.env("DATABASE_URL", url);
        }
        command.envs(self.environment.iter().map(|(name, value)| (name, value)));
        command
    }

    /// Where the register is, for looking into it.
    pub(crate) fn url(&self) -> String {
        let file = || self.installed.dir().join("dauso.db");
        let url = self.database.clone();
        url.unwrap_or_else(|| format!("sqlite://{}", file().display()))
    }

    pub(crate) fn key(&self, role: &str) -> &str {
        &self.keys[role]
    }

    /// Starts the service and waits until it listens.
    pub(crate) fn serve(&self) -> Server {
        let config = self.installed.dir().join("dauso.toml");
        let mut command = self.program();
        command.args(["serve", "--config", config.to_str().unwrap()]);
        command.stdout(Stdio::null()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let lines = Arc::new(Mutex::new(Vec::<String>::new()));
        let (pipe, kept) = (child.stderr.take().unwrap(), Arc::clone(&lines));
        thread::spawn(move || {
            for line in BufReader::new(pipe).lines().map_while(Result::ok) {
                kept.lock().unwrap().push(line);
            }
        });
        let end = Instant::now() + Duration::from_mins(1);
        loop {
            let address = lines.lock().unwrap().iter().find_map(|line| {
                let line: Value = serde_json::from_str(line).ok()?;
                Some(line.get("address")?.as_str()?.to_owned())
            });
            if let Some(address) = address {
                return Server {
                    child,
                    address,
                    lines,
                };
            }
            let ended = child.try_wait().unwrap();
            assert!(ended.is_none(), "{ended:?}: {:?}", lines.lock().unwrap());
            assert!(Instant::now() < end, "{:?}", lines.lock().unwrap());
            thread::sleep(Duration::from_millis(5));
        }
    }
}

/// A running service; killed when dropped.
pub(crate) struct Server {
    child: Child,
    pub(crate) address: String,
    lines: Arc<Mutex<Vec<String>>>,
}

impl Server {
    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    /// `kill -9`.
    pub(crate) fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// What it has logged.
    pub(crate) fn log(&self) -> String {
        self.lines.lock().unwrap().join("\n")
    }

    pub(crate) fn get(&self, path: &str) -> Reply {
        let reply = Request::new("GET", path).send(&self.address);
        reply.unwrap_or_else(|error| panic!("{path}: {error}"))
    }

    /// Status and body of `/readyz`.
    pub(crate) fn ready(&self) -> (u16, Value) {
        let reply = self.get("/readyz");
        (reply.status, reply.json())
    }

    /// Waits until it is ready.
    pub(crate) fn becomes_ready(&self, within: Duration) {
        let end = Instant::now() + within;
        loop {
            let (status, body) = self.ready();
            if status == 200 {
                return;
            }
            assert!(Instant::now() < end, "not ready: {body}\n{}", self.log());
            thread::sleep(Duration::from_millis(100));
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A request that can be sent more than once.
#[derive(Clone)]
pub(crate) struct Request {
    head: String,
    body: Vec<u8>,
}

impl Request {
    pub(crate) fn new(method: &str, path: &str) -> Self {
        Self {
            head: format!("{method} {path} HTTP/1.0\r\nHost: localhost\r\n"),
            body: Vec::new(),
        }
    }

    pub(crate) fn header(mut self, name: &str, value: &str) -> Self {
        write!(self.head, "{name}: {value}\r\n").unwrap();
        self
    }

    pub(crate) fn by(self, key: &str) -> Self {
        self.header("Authorization", &format!("Bearer {key}"))
    }

    pub(crate) fn json(mut self, body: &Value) -> Self {
        self.body = body.to_string().into_bytes();
        self.header("Content-Type", "application/json")
    }

    /// A form of data and PDF.
    pub(crate) fn with_pdf(mut self, data: &Value, pdf: &[u8]) -> Self {
        const BOUNDARY: &str = "ranh-gioi-7K3M9QX2";
        let data = data.to_string();
        for (name, content) in [("data", data.as_bytes()), ("pdf", pdf)] {
            let head =
                format!("--{BOUNDARY}\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n");
            self.body.extend_from_slice(head.as_bytes());
            self.body.extend_from_slice(content);
            self.body.extend_from_slice(b"\r\n");
        }
        let end = format!("--{BOUNDARY}--\r\n");
        self.body.extend_from_slice(end.as_bytes());
        self.header(
            "Content-Type",
            &format!("multipart/form-data; boundary={BOUNDARY}"),
        )
    }

    /// Sends it; an answer that was cut short is an error.
    pub(crate) fn send(&self, address: &str) -> io::Result<Reply> {
        let mut stream = TcpStream::connect(address)?;
        stream.set_read_timeout(Some(Duration::from_mins(1)))?;
        write!(
            stream,
            "{}Content-Length: {}\r\n\r\n",
            self.head,
            self.body.len()
        )?;
        stream.write_all(&self.body)?;
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer)?;
        let cut = || io::Error::from(io::ErrorKind::UnexpectedEof);
        let end = answer.windows(4).position(|window| window == b"\r\n\r\n");
        let (head, body) = answer.split_at(end.ok_or_else(cut)?);
        let head = String::from_utf8_lossy(head).into_owned();
        let status = head.split(' ').nth(1).and_then(|code| code.parse().ok());
        let reply = Reply {
            status: status.ok_or_else(cut)?,
            body: body[4..].to_vec(),
            head,
        };
        let length = reply.header("content-length");
        match length.parse::<usize>() {
            Ok(length) if length != reply.body.len() => Err(cut()),
            _ => Ok(reply),
        }
    }
}

/// What came back.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Reply {
    pub(crate) status: u16,
    head: String,
    pub(crate) body: Vec<u8>,
}

impl Reply {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|error| {
            panic!(
                "{error}: {} {}",
                self.status,
                String::from_utf8_lossy(&self.body)
            )
        })
    }

    pub(crate) fn header(&self, name: &str) -> String {
        let mut lines = self.head.lines().filter_map(|line| line.split_once(": "));
        let found = lines.find(|(known, _)| known.eq_ignore_ascii_case(name));
        found.map_or(String::new(), |(_, value)| value.to_owned())
    }

    /// Status, code and `Retry-After` of a problem.
    pub(crate) fn problem(&self) -> (u16, String, String) {
        let code = self.json()["code"].as_str().unwrap_or_default().to_owned();
        (self.status, code, self.header("retry-after"))
    }
}
