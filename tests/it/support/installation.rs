//! Data directories as `dauso init` makes them, and the built program to run on them.
//!
//! Deriving keys from passphrases takes seconds without optimisation, so one directory is made per test
//! process and every test gets a copy.

use crate::judges::root;
use dauso::clock::{Clock as _, SystemClock, iso_date};
use serde_json::{Map, Value, json};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::sync::OnceLock;

/// A data directory of one test, beside room for what it writes.
pub(crate) struct Installed {
    directory: tempfile::TempDir,
}

/// What the program did.
#[derive(Debug)]
pub(crate) struct Ran {
    pub(crate) code: i32,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl From<Output> for Ran {
    fn from(output: Output) -> Self {
        let text = |bytes| String::from_utf8(bytes).expect("UTF-8");
        Self {
            code: output.status.code().expect("it ended by itself"),
            stdout: text(output.stdout),
            stderr: text(output.stderr),
        }
    }
}

impl Ran {
    /// The one JSON object it printed.
    #[track_caller]
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.stdout).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }

    /// The code in brackets at the end of what it complained about.
    #[track_caller]
    pub(crate) fn complaint(&self) -> &str {
        let line = self.stderr.trim_end();
        let code = line
            .strip_suffix(')')
            .and_then(|line| line.rsplit_once('('));
        code.unwrap_or_else(|| panic!("no code: {self:?}")).1
    }

    /// Fails the test if it did not end with this code.
    #[track_caller]
    pub(crate) fn ended(self, code: i32) -> Self {
        assert_eq!(self.code, code, "{self:?}");
        self
    }
}

/// The program, with nothing of the surroundings that would change what it does.
pub(crate) fn program() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_dauso"));
    command.env_remove("DATABASE_URL").stdin(Stdio::null());
    command
}

/// Runs the program to its end.
pub(crate) fn dauso(arguments: &[&str]) -> Ran {
    let output = program().args(arguments).output();
    output.expect("the program starts").into()
}

impl Installed {
    /// With the agencies of the samples, as `dauso init` makes it.
    pub(crate) fn new() -> Self {
        static TEMPLATE: OnceLock<Installed> = OnceLock::new();
        let template = TEMPLATE.get_or_init(|| {
            let made = Self::empty();
            let dir = made.dir();
            dauso(&["init", "--dir", dir.to_str().unwrap()]).ended(0);
            made
        });
        let made = Self::empty();
        copy(&template.dir(), &made.dir());
        made
    }

    /// Room for one that is not made yet.
    pub(crate) fn empty() -> Self {
        Self {
            directory: tempfile::tempdir().expect("a directory"),
        }
    }

    /// The data directory.
    pub(crate) fn dir(&self) -> PathBuf {
        self.directory.path().join("data")
    }

    /// What the server publishes.
    pub(crate) fn trust(&self) -> PathBuf {
        self.dir().join("trust")
    }

    /// A file beside the data directory.
    pub(crate) fn file(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    /// Writes a file beside the data directory.
    pub(crate) fn write(&self, name: &str, bytes: impl AsRef<[u8]>) -> PathBuf {
        let path = self.file(name);
        fs::write(&path, bytes).unwrap();
        path
    }

    /// Runs a command on the data directory.
    pub(crate) fn run(&self, command: &[&str], arguments: &[&str]) -> Ran {
        let dir = self.dir();
        let mut all = command.to_vec();
        all.extend(["--dir", dir.to_str().unwrap()]);
        all.extend(arguments);
        dauso(&all)
    }

    /// Issues a result with these data and arguments.
    pub(crate) fn issue(&self, name: &str, data: &Map<String, Value>, more: &[&str]) -> Ran {
        let data_file = self.write(
            &format!("{name}.json"),
            Value::Object(data.clone()).to_string(),
        );
        let mut arguments = vec!["--type", data["type"].as_str().unwrap(), "--data"];
        arguments.push(data_file.to_str().unwrap());
        arguments.extend(more);
        self.run(&["issue"], &arguments)
    }

    /// The arguments that issue a list of badges into the folder `out`.
    pub(crate) fn listing(&self, list: &Path) -> Vec<String> {
        let text = |path: &Path| path.to_str().unwrap().to_owned();
        let fixed = |words: &[&str]| words.iter().map(|word| (*word).to_owned()).collect();
        let all: [Vec<String>; 6] = [
            fixed(&["issue", "--dir"]),
            vec![text(&self.dir())],
            fixed(&["--type", "vehicle-badge", "--batch"]),
            vec![text(list)],
            fixed(&["--out-dir"]),
            vec![text(&self.file("out"))],
        ];
        all.concat()
    }

    /// Symbols that a list has left in the folder `out` so far.
    pub(crate) fn symbols(&self) -> usize {
        let entries = fs::read_dir(self.file("out"));
        let names = entries.into_iter().flatten().flatten();
        names
            .filter(|entry| entry.path().extension().is_some_and(|end| end == "svg"))
            .count()
    }

    /// Issues a sample with its PDF; the receipt and the signed file.
    pub(crate) fn issue_pdf(&self, name: &str) -> (Value, PathBuf) {
        let out = self.file(&format!("{name}.signed.pdf"));
        let ran = self.issue(
            name,
            &in_force(name),
            &[
                "--pdf",
                pdf(name).to_str().unwrap(),
                "--out",
                out.to_str().unwrap(),
                "--json",
            ],
        );
        (ran.ended(0).json(), out)
    }
}

/// The PDF of a sample.
pub(crate) fn pdf(name: &str) -> PathBuf {
    root("fixtures/pdf").join(format!("{name}.pdf"))
}

/// The data of a sample.
pub(crate) fn data(name: &str) -> Map<String, Value> {
    let path = root("fixtures/data").join(format!("{name}.json"));
    serde_json::from_slice(&fs::read(path).unwrap()).unwrap()
}

/// The data of a sample with its days moved so that it is in force today, whenever that is.
pub(crate) fn in_force(name: &str) -> Map<String, Value> {
    let mut data = data(name);
    for (field, days) in [("issue_date", -20), ("valid_from", -10)] {
        data.insert(field.to_owned(), json!(day(days)));
    }
    if data["valid_to"].is_string() {
        data.insert("valid_to".to_owned(), json!(day(300)));
    }
    data
}

/// The local day so many days from now.
pub(crate) fn day(from_now: i64) -> String {
    iso_date(SystemClock.now().plus(from_now * 86_400).local_date())
}

/// The moment so many hours from now.
pub(crate) fn moment(hours_from_now: i64) -> String {
    SystemClock.now().plus(hours_from_now * 3_600).rfc3339()
}

/// Copies a folder with all that is in it.
pub(crate) fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            copy(&entry.path(), &target);
        } else {
            fs::copy(entry.path(), &target).unwrap();
        }
    }
}
