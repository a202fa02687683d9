//! Runs a test on SQLite and on PostgreSQL. A missing PostgreSQL fails the test; it never skips.

use dauso::store::Store;
use sqlx::{AnyConnection, AssertSqlSafe, Connection as _};
use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{ChildStdin, Command, Stdio};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};

/// An empty register, and how to reach it behind its back.
pub(crate) struct Register {
    pub(crate) store: Store,
    pub(crate) url: String,
    pub(crate) kind: Kind,
    /// The file of SQLite lives in it.
    _directory: Option<tempfile::TempDir>,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Kind {
    Sqlite,
    Postgres,
}

/// Runs `body` once on each database, each time with an empty register of its own.
#[expect(clippy::needless_pass_by_value, reason = "callers write a closure")]
pub(crate) fn both(body: impl AsyncFn(&Register)) {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .expect("a runtime");
    for kind in [Kind::Sqlite, Kind::Postgres] {
        runtime.block_on(async {
            let named = Named(kind);
            let register = Register::open(kind).await;
            body(&register).await;
            register.close().await;
            drop(named);
        });
    }
}

/// Runs `body` on a PostgreSQL whose transactions are all SERIALIZABLE, with an empty register.
#[expect(clippy::needless_pass_by_value, reason = "callers write a closure")]
pub(crate) fn serializable(body: impl AsyncFn(&Register)) {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .expect("a runtime");
    runtime.block_on(async {
        let mut register = Register::open(Kind::Postgres).await;
        let name = register.name().to_owned();
        let set = "SET default_transaction_isolation = 'serializable'";
        administer(&format!("ALTER DATABASE {name} {set}")).await;
        // The connections made before know nothing of it.
        register.store.close().await;
        register.store = Store::open(&register.url).await.expect("the register");
        body(&register).await;
        register.close().await;
    });
}

impl Register {
    /// Name of its database, on PostgreSQL.
    fn name(&self) -> &str {
        self.url.split(['/', '?']).nth(3).expect("a database name")
    }

    pub(crate) async fn open(kind: Kind) -> Self {
        sqlx::any::install_default_drivers();
        let (url, directory) = match kind {
            Kind::Sqlite => {
                let directory = tempfile::tempdir().expect("a directory");
                let file = directory.path().join("register.db");
                (format!("sqlite://{}", file.display()), Some(directory))
            }
            Kind::Postgres => (new_database().await, None),
        };
        let store = Store::open(&url).await.expect("an empty register");
        Self {
            store,
            url,
            kind,
            _directory: directory,
        }
    }

    /// A connection of its own, for what the program itself never does.
    pub(crate) async fn connection(&self) -> AnyConnection {
        AnyConnection::connect(&self.url)
            .await
            .expect("a connection")
    }

    async fn close(self) {
        self.store.close().await;
        if self.kind == Kind::Postgres {
            let name = self.name();
            administer(&format!("DROP DATABASE {name} WITH (FORCE)")).await;
        }
    }
}

/// Says on which database a test failed.
struct Named(Kind);

impl Drop for Named {
    #[expect(
        clippy::print_stderr,
        reason = "it belongs to the message of the panic"
    )]
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("(on {:?})", self.0);
        }
    }
}

async fn new_database() -> String {
    static NEXT: AtomicU32 = AtomicU32::new(1);
    let name = format!("register{}", NEXT.fetch_add(1, Ordering::Relaxed));
    administer(&format!("CREATE DATABASE {name}")).await;
    database_url(&name)
}

async fn administer(sql: &str) {
    let mut connection = AnyConnection::connect(&database_url("postgres"))
        .await
        .expect("a connection to the cluster");
    sqlx::raw_sql(AssertSqlSafe(sql))
        .execute(&mut connection)
        .await
        .unwrap_or_else(|error| panic!("{sql}: {error}"));
    connection.close().await.expect("closing");
}

fn database_url(name: &str) -> String {
    let socket = cluster().socket.display();
    format!("postgres:///{name}?host={socket}&user=dauso")
}

/// One PostgreSQL for all tests of this process.
struct Cluster {
    socket: PathBuf,
    /// Closed by the kernel when this process ends, in whatever way: that stops the cluster.
    _alive: ChildStdin,
}

/// A PostgreSQL that is reached over TCP and has a certificate; it ends with this value.
pub(crate) struct Remote {
    cluster: Cluster,
    pub(crate) port: u16,
}

impl Remote {
    pub(crate) fn start() -> Self {
        let free = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
        let port = free.local_addr().expect("its address").port();
        drop(free);
        Self {
            cluster: Cluster::start(Some(port)),
            port,
        }
    }

    /// The certificate of the authority that its own comes from.
    pub(crate) fn authority(&self) -> PathBuf {
        self.cluster.socket.join("ca.pem")
    }
}

fn cluster() -> &'static Cluster {
    static CLUSTER: OnceLock<Cluster> = OnceLock::new();
    CLUSTER.get_or_init(|| Cluster::start(None))
}

impl Cluster {
    #[expect(
        clippy::zombie_processes,
        reason = "it outlives every test, and ends with its stdin"
    )]
    fn start(port: Option<u16>) -> Self {
        let binaries = binaries().expect("PostgreSQL is not installed; `make deps` does it");
        let mut command = as_anybody_but_root();
        let mut child = command
            .args(["sh", "-c", include_str!("postgres.sh"), "postgres.sh"])
            .arg(binaries)
            .arg(port.map_or(String::new(), |port| port.to_string()))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("a shell");
        let alive = child.stdin.take().expect("its stdin");
        let mut socket = String::new();
        BufReader::new(child.stdout.take().expect("its stdout"))
            .read_line(&mut socket)
            .expect("the directory of the socket");
        assert!(!socket.is_empty(), "PostgreSQL does not start");
        Self {
            socket: PathBuf::from(socket.trim_end()),
            _alive: alive,
        }
    }
}

/// Where initdb and postgres are: the newest of Debian's directories, or on the path.
fn binaries() -> Option<PathBuf> {
    let debian = std::fs::read_dir("/usr/lib/postgresql").into_iter();
    let version = |home: &PathBuf| {
        let name = home.file_name()?.to_str()?;
        name.parse::<u32>().ok()
    };
    let newest = debian
        .flatten()
        .filter_map(|entry| entry.ok().map(|entry| entry.path()))
        .filter(|home| home.join("bin/initdb").exists())
        .max_by_key(version)
        .map(|home| home.join("bin"));
    newest.or_else(|| {
        let path = std::env::var_os("PATH")?;
        std::env::split_paths(&path).find(|directory| directory.join("initdb").exists())
    })
}

/// PostgreSQL refuses to run as root.
fn as_anybody_but_root() -> Command {
    let id = Command::new("id").arg("-u").output().expect("id");
    if id.stdout.trim_ascii() != b"0" {
        return Command::new("env");
    }
    let users = std::fs::read_to_string("/etc/passwd").expect("/etc/passwd");
    let user = ["postgres", "nobody"]
        .into_iter()
        .find(|user| {
            users
                .lines()
                .any(|line| line.split(':').next() == Some(user))
        })
        .expect("a user without privileges");
    assert!(
        Path::new("/usr/sbin/runuser").exists() || Path::new("/sbin/runuser").exists(),
        "runuser is missing"
    );
    let mut command = Command::new("runuser");
    command.args(["-u", user, "--"]);
    command
}
