//! Tokens of SoftHSM 2, each in a folder of its own; OpenSC's spy, which writes down every call; and p11-kit's
//! server, which makes of a token a network HSM that can be switched off.

use super::serving::Site;
use crate::judges::run;
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

const PIN: &str = "987654";

pub(crate) struct Token {
    folder: tempfile::TempDir,
}

/// A library below `/usr/lib`, wherever the distribution puts it.
fn library(name: &str) -> PathBuf {
    let found = run("find", &["/usr/lib", "-name", name]);
    let found = String::from_utf8(found.stdout).unwrap();
    let first = found.lines().next();
    first
        .unwrap_or_else(|| panic!("{name} is not installed"))
        .into()
}

impl Token {
    /// An empty token with a PIN.
    pub(crate) fn new(label: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let token = Self { folder };
        fs::create_dir(token.path("tokens")).unwrap();
        let lines = format!(
            "directories.tokendir = {}\nobjectstore.backend = file\nlog.level = ERROR\n",
            token.path("tokens").display()
        );
        fs::write(token.path("softhsm2.conf"), lines).unwrap();
        token.add(label);
        token
    }

    /// One more token beside it.
    pub(crate) fn add(&self, label: &str) {
        let arguments = [
            "--init-token",
            "--free",
            "--so-pin",
            "12345678",
            "--pin",
            PIN,
            "--label",
        ];
        let mut command = Command::new("softhsm2-util");
        command.args(arguments).arg(label).envs(self.environment());
        let made = command.output().unwrap();
        assert!(made.status.success(), "{made:?}");
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub(crate) fn module() -> PathBuf {
        library("libsofthsm2.so")
    }

    /// What a program needs to find it.
    pub(crate) fn environment(&self) -> [(&'static str, String); 1] {
        [(
            "SOFTHSM2_CONF",
            self.path("softhsm2.conf").display().to_string(),
        )]
    }

    /// An address in it, `path` behind `pkcs11:`; the PIN lies among the keys of the site.
    pub(crate) fn uri(module: &Path, path: &str) -> String {
        format!(
            "pkcs11:{path}?module-path={}&pin-source=file:token.pin",
            module.display()
        )
    }

    /// A site whose programs find the token, and its PIN.
    pub(crate) fn site(&self) -> Site {
        let mut site = Site::new();
        site.environment.extend(self.environment());
        write_pin(&site, PIN);
        site
    }

    /// What another program sees in the token.
    pub(crate) fn listed(&self, kind: &str) -> String {
        let mut command = Command::new("pkcs11-tool");
        command.args([
            "--module",
            Self::module().to_str().unwrap(),
            "--login",
            "--pin",
            PIN,
        ]);
        command
            .args(["--list-objects", "--type", kind])
            .envs(self.environment());
        let listed = command.output().unwrap();
        assert!(listed.status.success(), "{listed:?}");
        String::from_utf8(listed.stdout).unwrap()
    }
}

/// Puts a PIN where the addresses of [`Token::uri`] say.
pub(crate) fn write_pin(site: &Site, pin: &str) {
    let path = site.installed.dir().join("keys/token.pin");
    fs::write(&path, pin).unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
}

/// The library that writes down what it is asked before it asks the token.
pub(crate) struct Spy {
    log: PathBuf,
}

impl Spy {
    pub(crate) fn on(token: &Token, site: &mut Site) -> Self {
        let log = token.path("spy.log");
        let module = Token::module().display().to_string();
        site.environment.push(("PKCS11SPY", module));
        site.environment
            .push(("PKCS11SPY_OUTPUT", log.display().to_string()));
        Self { log }
    }

    pub(crate) fn module() -> PathBuf {
        library("pkcs11-spy.so")
    }

    /// How often a function was called.
    pub(crate) fn calls(&self, function: &str) -> usize {
        let log = fs::read_to_string(&self.log).unwrap_or_default();
        let called = |line: &&str| {
            line.split_once(": ")
                .is_some_and(|(_, name)| name == function)
        };
        log.lines().filter(called).count()
    }
}

/// A network HSM; gone when dropped.
pub(crate) struct NetworkToken {
    server: Child,
}

impl NetworkToken {
    pub(crate) fn module() -> PathBuf {
        library("p11-kit-client.so")
    }

    pub(crate) fn socket(token: &Token) -> PathBuf {
        token.path("p11.sock")
    }

    pub(crate) fn start(token: &Token) -> Self {
        let socket = Self::socket(token);
        let _ = fs::remove_file(&socket);
        let mut command = Command::new("p11-kit");
        command
            .args(["server", "--foreground", "--provider"])
            .arg(Token::module());
        command
            .arg("--name")
            .arg(&socket)
            .arg("pkcs11:")
            .envs(token.environment());
        let server = command.stdout(Stdio::null()).spawn().unwrap();
        let end = Instant::now() + Duration::from_secs(20);
        while !socket.exists() {
            assert!(Instant::now() < end, "the token is not served");
            thread::sleep(Duration::from_millis(10));
        }
        Self { server }
    }

    /// Switches it off, with every connection to it.
    pub(crate) fn kill(self) {
        drop(self);
    }
}

impl Drop for NetworkToken {
    fn drop(&mut self) {
        // A process for each connection stays when its parent is killed: they go first.
        let parent = self.server.id().to_string();
        let _ = Command::new("pkill")
            .args(["-KILL", "-P", &parent])
            .status();
        let _ = self.server.kill();
        let _ = self.server.wait();
    }
}
