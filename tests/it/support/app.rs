//! The whole service in process: a real installation in a directory of its own, under a clock that the
//! test holds, called through its router. No socket, no sleep.
//!
//! Making keys takes a second, so it happens once for a test run; every test gets a copy of that
//! directory. What is sent and answered is compared with `openapi.yaml` on the way ([`super::contract`]).

use super::contract;
use crate::judges::root;
use axum::Router;
use axum::body::Body;
use axum::extract::ConnectInfo;
use axum::http::{HeaderMap, HeaderName, Method, Request, StatusCode, header};
use dauso::access::Role;
use dauso::app::{Installation, NewAccount, NewAgency};
use dauso::clock::{Clock, UnixTime};
use dauso::config::Config;
use dauso::http::{self, Limits, Service};
use dauso::key::Algorithm;
use serde_json::{Map, Value};
use std::collections::HashMap;
use std::net::SocketAddr;
use std::os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};
use tower::ServiceExt as _;

/// When the installation was made: before the first of the sample results.
const MADE: &str = "2026-08-01T08:00:00+07:00";
/// What the clock says when a test begins: a Saturday.
pub(crate) const NOW: &str = "2026-11-21T09:42:00+07:00";
/// The agency that issues most samples.
pub(crate) const OURS: &str = "000.00.16.H99";
/// Another one; it signs documents with RSASSA-PSS.
pub(crate) const THEIRS: &str = "000.00.04.H99";

/// A clock with hands.
#[derive(Debug)]
pub(crate) struct Hands(AtomicI64);

impl Hands {
    fn at(moment: &str) -> Arc<Self> {
        let at = UnixTime::parse_rfc3339(moment).unwrap();
        Arc::new(Self(AtomicI64::new(at.seconds())))
    }

    pub(crate) fn set(&self, moment: &str) {
        let at = UnixTime::parse_rfc3339(moment).unwrap();
        self.0.store(at.seconds(), Ordering::SeqCst);
    }

    pub(crate) fn forward(&self, seconds: i64) {
        self.0.fetch_add(seconds, Ordering::SeqCst);
    }
}

impl Clock for Hands {
    fn now(&self) -> UnixTime {
        UnixTime::from_seconds(self.0.load(Ordering::SeqCst))
    }
}

/// A running service, without the running.
pub(crate) struct TestApp {
    pub(crate) installation: Installation,
    pub(crate) service: Service,
    pub(crate) clock: Arc<Hands>,
    keys: Arc<HashMap<(String, Role), String>>,
    router: Router,
    directory: tempfile::TempDir,
}

/// What a test may want otherwise.
#[derive(Default)]
pub(crate) struct Wanted<'a> {
    /// Requests a minute of one address, for whatever purpose; many by default.
    pub(crate) per_minute: Option<u32>,
    /// Other limits than those of an installation.
    pub(crate) limits: Option<fn(&mut Limits)>,
    /// Whether the public comes by TLS.
    pub(crate) secure: bool,
    /// A type file for the catalogue's folder.
    pub(crate) catalogue: Option<&'a Path>,
}

impl TestApp {
    /// On a SQLite register of its own.
    pub(crate) async fn start() -> Self {
        Self::start_with(Wanted::default()).await
    }

    pub(crate) async fn start_with(wanted: Wanted<'_>) -> Self {
        let template = template();
        let directory = tempfile::tempdir().unwrap();
        for file in &template.files {
            file.write_below(directory.path());
        }
        if let Some(path) = wanted.catalogue {
            let name = path.file_name().unwrap();
            std::fs::copy(path, directory.path().join("catalogue").join(name)).unwrap();
        }
        let clock = Hands::at(NOW);
        let clock_of = Arc::clone(&clock);
        let opened = Installation::open(directory.path(), None, clock_of).await;
        let keys = Arc::clone(&template.keys);
        Self::with(opened.unwrap(), directory, keys, clock, wanted).await
    }

    /// On an empty register at `url`; makes new keys.
    pub(crate) async fn start_on(url: &str) -> Self {
        Self::start_as(&Config::default(), url).await
    }

    /// Configured so, on an empty register at `url`; makes new keys.
    pub(crate) async fn start_as(config: &Config, url: &str) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let clock = Hands::at(MADE);
        let (installation, keys) = build(directory.path(), config, Some(url), &clock).await;
        clock.set(NOW);
        let wanted = Wanted::default();
        Self::with(installation, directory, Arc::new(keys), clock, wanted).await
    }

    async fn with(
        installation: Installation,
        directory: tempfile::TempDir,
        keys: Arc<HashMap<(String, Role), String>>,
        clock: Arc<Hands>,
        wanted: Wanted<'_>,
    ) -> Self {
        let mut parts = installation.parts().await.unwrap();
        let limits = &mut parts.limits;
        let per_minute = wanted.per_minute.unwrap_or(1_000_000).try_into().unwrap();
        for rate in [
            &mut limits.look_ups,
            &mut limits.uploads,
            &mut limits.sign_ins,
            &mut limits.searches,
        ] {
            *rate = per_minute;
        }
        if let Some(change) = wanted.limits {
            change(limits);
        }
        parts.secure = wanted.secure;
        let service = Service::from(parts);
        installation.worker(&service).refresh_trust().await;
        Self {
            router: http::router(service.clone()),
            installation,
            service,
            clock,
            keys,
            directory,
        }
    }

    /// The same installation, opened again without the files of its catalogue.
    pub(crate) async fn without_catalogue_files(self) -> Self {
        for entry in std::fs::read_dir(self.path().join("catalogue")).unwrap() {
            std::fs::remove_file(entry.unwrap().path()).unwrap();
        }
        let (directory, keys, clock) = (self.directory, self.keys, self.clock);
        let clock_of = Arc::clone(&clock);
        let opened = Installation::open(directory.path(), None, clock_of).await;
        Self::with(opened.unwrap(), directory, keys, clock, Wanted::default()).await
    }

    /// A second API key of the account with this role at an agency.
    pub(crate) async fn another_key(&self, agency: &str, role: Role) -> String {
        let key = "dauso_mot-khoa-khac".to_owned();
        let now = self.clock.now();
        let store = self.installation.store();
        let accounts = store.read().await.unwrap().accounts(agency).await.unwrap();
        let account = accounts.iter().find(|one| one.role == role).unwrap();
        let entered = store
            .run(|mut tx: dauso::store::Tx| {
                let new = dauso::store::ApiKey {
                    digest: dauso::digest::Sha256::of(key.as_bytes()),
                    account: account.id.clone(),
                    label: "second".to_owned(),
                    created_at: now,
                    expires_at: None,
                    revoked_at: None,
                };
                async move {
                    tx.add_api_key(&new).await?;
                    Ok::<_, dauso::store::StoreError>((tx, ()))
                }
            })
            .await;
        entered.unwrap();
        key
    }

    /// The data directory.
    pub(crate) fn path(&self) -> &Path {
        self.directory.path()
    }

    /// The API key of the account with this role at an agency.
    pub(crate) fn key(&self, agency: &str, role: Role) -> &str {
        &self.keys[&(agency.to_owned(), role)]
    }

    /// Does everything that is due.
    pub(crate) async fn work(&self) {
        let worker = self.installation.worker(&self.service);
        while worker.work_once().await.unwrap() {}
    }

    /// Leaves of the log.
    pub(crate) async fn log_size(&self) -> u64 {
        let mut tx = self.installation.store().read().await.unwrap();
        tx.log_size().await.unwrap()
    }

    pub(crate) fn get(&self, path: &str) -> Call<'_> {
        self.call(Method::GET, path)
    }

    pub(crate) fn post(&self, path: &str) -> Call<'_> {
        self.call(Method::POST, path)
    }

    pub(crate) fn call(&self, method: Method, path: &str) -> Call<'_> {
        Call {
            app: self,
            method,
            path: path.to_owned(),
            headers: HeaderMap::new(),
            body: Vec::new(),
            address: SocketAddr::from(([192, 0, 2, 1], 50_000)),
        }
    }

    /// Issues a result for its own agency and hands back the answer, which must be 201.
    pub(crate) async fn issue(&self, data: &Map<String, Value>) -> Value {
        let agency = data["agency_code"].as_str().unwrap();
        let call = self
            .post("/api/v1/results")
            .by_at(agency, Role::Registrar)
            .json(data);
        let answer = call.send().await;
        assert_eq!(answer.status, StatusCode::CREATED, "{}", answer.text());
        answer.json()
    }

    /// Issues the sample badge with its print.
    pub(crate) async fn printed_badge(&self) -> Issued {
        let name = "vehicle-badge--a4-tagged";
        let data = serde_json::to_vec(&sample(name)).unwrap();
        let pdf = printed(name);
        let parts = [("data", None, &data[..]), ("pdf", Some("a.pdf"), &pdf[..])];
        let call = self
            .post("/api/v1/results")
            .by(Role::Registrar)
            .form(&parts);
        let answer = call.send().await;
        assert_eq!(answer.status, StatusCode::CREATED, "{}", answer.text());
        Issued::of(&answer.json())
    }

    /// Issues the sample badge under a dossier of its own.
    pub(crate) async fn badge(&self) -> Issued {
        Issued::of(&self.issue(&badge()).await)
    }
}

/// What most tests need of an issued result.
#[derive(Clone, Debug)]
pub(crate) struct Issued {
    pub(crate) id: String,
    pub(crate) qr_text: String,
}

impl Issued {
    pub(crate) fn of(answer: &Value) -> Self {
        let text = |name: &str| answer[name].as_str().unwrap().to_owned();
        Self {
            id: text("id"),
            qr_text: text("qr_text"),
        }
    }

    pub(crate) fn path(&self, rest: &str) -> String {
        format!("/api/v1/results/{}{rest}", self.id)
    }
}

/// The data of a sample, as it stands in the fixtures.
pub(crate) fn sample(name: &str) -> Map<String, Value> {
    let path = root("fixtures/data").join(format!("{name}.json"));
    serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap()
}

/// The printed sample.
pub(crate) fn printed(name: &str) -> Vec<u8> {
    std::fs::read(root("fixtures/pdf").join(format!("{name}.pdf"))).unwrap()
}

/// A badge in force, with number and result code to be given by the register, each time another dossier.
pub(crate) fn badge() -> Map<String, Value> {
    let mut data = sample("vehicle-badge--a4-tagged");
    data.remove("badge_number");
    data.remove("result_code");
    renew(&mut data);
    data
}

/// Gives data a dossier that no other test of this process has.
pub(crate) fn renew(data: &mut Map<String, Value>) {
    static NEXT: AtomicU64 = AtomicU64::new(1);
    let next = NEXT.fetch_add(1, Ordering::Relaxed);
    let agency = data["agency_code"].as_str().unwrap();
    let dossier = format!("{agency}-261120-{next:04}");
    data.insert("dossier_code".to_owned(), dossier.into());
    data.remove("result_code");
}

/// A request on its way.
pub(crate) struct Call<'a> {
    app: &'a TestApp,
    method: Method,
    path: String,
    headers: HeaderMap,
    body: Vec<u8>,
    address: SocketAddr,
}

impl Call<'_> {
    /// With the key of this role at our agency.
    pub(crate) fn by(self, role: Role) -> Self {
        self.by_at(OURS, role)
    }

    pub(crate) fn by_at(self, agency: &str, role: Role) -> Self {
        let key = self.app.key(agency, role).to_owned();
        self.key(&key)
    }

    pub(crate) fn key(self, key: &str) -> Self {
        self.header("authorization", &format!("Bearer {key}"))
    }

    pub(crate) fn header(mut self, name: &str, value: &str) -> Self {
        let name = HeaderName::from_bytes(name.as_bytes()).unwrap();
        self.headers.insert(name, value.parse().unwrap());
        self
    }

    pub(crate) fn from(mut self, address: [u8; 4]) -> Self {
        self.address = SocketAddr::from((address, 50_000));
        self
    }

    pub(crate) fn json(self, body: &impl serde::Serialize) -> Self {
        self.body("application/json", serde_json::to_vec(body).unwrap())
    }

    pub(crate) fn body(mut self, kind: &str, body: impl Into<Vec<u8>>) -> Self {
        self.body = body.into();
        self.header("content-type", kind)
    }

    /// A form of files and texts: name, file name if any, content.
    pub(crate) fn form(self, parts: &[(&str, Option<&str>, &[u8])]) -> Self {
        const BOUNDARY: &str = "ranh-gioi-7K3M9QX2";
        let mut body = Vec::new();
        for (name, file, content) in parts {
            let file = file.map_or(String::new(), |file| format!("; filename=\"{file}\""));
            let head = format!(
                "--{BOUNDARY}\r\nContent-Disposition: form-data; name=\"{name}\"{file}\r\n\r\n"
            );
            body.extend_from_slice(head.as_bytes());
            body.extend_from_slice(content);
            body.extend_from_slice(b"\r\n");
        }
        body.extend_from_slice(format!("--{BOUNDARY}--\r\n").as_bytes());
        self.body(&format!("multipart/form-data; boundary={BOUNDARY}"), body)
    }

    /// Sends it, and compares the answer with the contract.
    pub(crate) async fn send(self) -> Answer {
        let contract = (self.method.clone(), self.path.clone());
        let answer = self.send_off_contract().await;
        contract::check(&contract.0, &contract.1, &answer);
        answer
    }

    /// Sends what the contract does not speak of.
    pub(crate) async fn send_off_contract(self) -> Answer {
        let mut request = Request::builder().method(self.method).uri(&self.path);
        *request.headers_mut().unwrap() = self.headers;
        let mut request = request.body(Body::from(self.body)).unwrap();
        request.extensions_mut().insert(ConnectInfo(self.address));
        let response = self.app.router.clone().oneshot(request).await.unwrap();
        let (parts, body) = response.into_parts();
        let body = axum::body::to_bytes(body, usize::MAX).await.unwrap();
        Answer {
            status: parts.status,
            headers: parts.headers,
            body: body.to_vec(),
        }
    }
}

/// What came back.
#[derive(Clone, Debug)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Vec<u8>,
}

impl Answer {
    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers
            .get(name)
            .map_or("", |value| value.to_str().unwrap())
    }

    /// The media type without its parameters.
    pub(crate) fn kind(&self) -> &str {
        let kind = self.header(header::CONTENT_TYPE.as_str());
        kind.split(';').next().unwrap_or_default().trim()
    }

    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|error| {
            panic!("{error}: {} {}", self.status, self.text());
        })
    }

    /// The body of a 200.
    pub(crate) fn ok(&self) -> Value {
        assert_eq!(self.status, StatusCode::OK, "{}", self.text());
        self.json()
    }

    /// Status and code of a problem document.
    pub(crate) fn problem(&self) -> (u16, String) {
        assert_eq!(self.kind(), "application/problem+json", "{}", self.text());
        let problem = self.json();
        assert_eq!(problem["status"], self.status.as_u16(), "{problem}");
        let code = problem["code"].as_str().unwrap().to_owned();
        let kind = format!("urn:dauso:problem:{}", code.replace('/', ":"));
        assert_eq!(problem["type"], kind, "{problem}");
        (self.status.as_u16(), code)
    }

    /// The fields that a problem names, with their codes.
    pub(crate) fn fields(&self) -> Vec<(String, String)> {
        let text = |value: &Value| value.as_str().unwrap().to_owned();
        let errors = self.json()["errors"]
            .as_array()
            .cloned()
            .unwrap_or_default();
        let pair = |error: &Value| (text(&error["field"]), text(&error["code"]));
        errors.iter().map(pair).collect()
    }
}

/// `("status", "code")` of a problem, written short.
pub(crate) fn problem(status: u16, code: &str) -> (u16, String) {
    (status, code.to_owned())
}

/// A data directory in memory, and the API keys of its accounts.
struct Template {
    files: Vec<File>,
    keys: Arc<HashMap<(String, Role), String>>,
}

struct File {
    path: PathBuf,
    mode: u32,
    /// `None` for a directory.
    bytes: Option<Vec<u8>>,
}

impl File {
    fn write_below(&self, directory: &Path) {
        use std::io::Write as _;
        let path = directory.join(&self.path);
        let Some(bytes) = &self.bytes else {
            std::fs::create_dir_all(&path).unwrap();
            let mode = std::fs::Permissions::from_mode(self.mode);
            return std::fs::set_permissions(&path, mode).unwrap();
        };
        let mut options = std::fs::OpenOptions::new();
        options.write(true).create_new(true).mode(self.mode);
        options.open(&path).unwrap().write_all(bytes).unwrap();
    }
}

fn template() -> &'static Template {
    static TEMPLATE: OnceLock<Template> = OnceLock::new();
    TEMPLATE.get_or_init(|| {
        // A runtime of its own: this is called inside the runtime of the test that comes first.
        let made = std::thread::spawn(|| {
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build()
                .unwrap();
            let directory = tempfile::tempdir().unwrap();
            let keys = runtime.block_on(async {
                let clock = Hands::at(MADE);
                let (installation, keys) =
                    build(directory.path(), &Config::default(), None, &clock).await;
                // The file is whole once nobody has it open.
                installation.store().close().await;
                keys
            });
            let mut files = Vec::new();
            collect(directory.path(), directory.path(), &mut files);
            Template {
                files,
                keys: Arc::new(keys),
            }
        });
        made.join().unwrap()
    })
}

fn collect(base: &Path, directory: &Path, files: &mut Vec<File>) {
    for entry in std::fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        let meta = path.metadata().unwrap();
        files.push(File {
            path: path.strip_prefix(base).unwrap().to_owned(),
            mode: meta.permissions().mode() & 0o777,
            bytes: meta.is_file().then(|| std::fs::read(&path).unwrap()),
        });
        if meta.is_dir() {
            collect(base, &path, files);
        }
    }
}

/// An installation with two agencies and an account of every role at each.
async fn build(
    directory: &Path,
    config: &Config,
    database: Option<&str>,
    clock: &Arc<Hands>,
) -> (Installation, HashMap<(String, Role), String>) {
    let clock: Arc<dyn Clock> = Arc::<Hands>::clone(clock);
    let made = Installation::create(directory, config, database, clock).await;
    let installation = made.unwrap();
    let seal = root("fixtures/images/seal-transparent-35mm-300dpi.png");
    let seal = std::fs::read(seal).unwrap();
    let mut keys = HashMap::new();
    for (code, symbol, name, algorithm) in [
        (OURS, "SXD", "Sở Xây dựng Mẫu", Algorithm::Es256),
        (THEIRS, "SCT", "Sở Công Thương Ví Dụ", Algorithm::Ps256),
    ] {
        let agency = NewAgency {
            code: code.to_owned(),
            issuer: None,
            symbol: Some(symbol.to_owned()),
            name: name.to_owned(),
            name_en: Some(format!("Sample agency {symbol}")),
            phone: Some("0000 000 000".to_owned()),
            seal: seal.clone(),
            seal_mm: 35.0,
            algorithm,
        };
        installation.add_agency(&agency).await.unwrap();
        for role in Role::ALL {
            let account = NewAccount {
                login: format!("{}.{symbol}", role.name()),
                name: "Nguyễn Văn Mẫu".to_owned(),
                role,
                agency: code.to_owned(),
                password: None,
            };
            let key = installation.add_account(&account).await.unwrap();
            keys.insert((code.to_owned(), role), key.expose().clone());
        }
    }
    (installation, keys)
}
