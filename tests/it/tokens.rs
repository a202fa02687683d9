//! Keys in tokens and HSMs: SoftHSM 2 behind PKCS #11, with OpenSSL, pkcs11-tool and pyHanko as judges.

use crate::judges::judge;
use crate::pki::{openssl, text};
use crate::support::installation::{Ran, in_force, pdf};
use crate::support::running::send;
use crate::support::serving::{AGENCY, Server, Site};
use crate::support::tokens::{NetworkToken, Spy, Token, write_pin};
use serde_json::{Value, json};
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, Instant};

/// Runs a command of the program on the data directory of a site.
fn run(site: &Site, command: &[&str], arguments: &[&str]) -> Ran {
    let dir = site.installed.dir();
    let mut program = site.program();
    program.args(command).arg("--dir").arg(dir).args(arguments);
    program.output().unwrap().into()
}

fn make(site: &Site, file: &str, uri: &str, more: &[&str]) -> Ran {
    let mut arguments = vec!["--file", file, "--token", uri];
    arguments.extend(more);
    run(site, &["keys", "make"], &arguments)
}

fn enter(site: &Site, file: &str, purpose: &str, certificate: Option<&Path>) -> Ran {
    let mut arguments = vec!["--file", file, "--purpose", purpose, "--agency", AGENCY];
    if let Some(certificate) = certificate {
        arguments.extend(["--certificate", text(certificate)]);
    }
    run(site, &["keys", "enter"], &arguments)
}

/// An authority that OpenSSL runs, trusted by a site.
struct Authority {
    folder: tempfile::TempDir,
}

impl Authority {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let authority = Self { folder };
        let (key, root) = (authority.path("root.key"), authority.path("root.pem"));
        openssl(&[
            "req",
            "-x509",
            "-newkey",
            "ec",
            "-pkeyopt",
            "ec_paramgen_curve:P-256",
            "-noenc",
            "-keyout",
            text(&key),
            "-out",
            text(&root),
            "-days",
            "30",
            "-subj",
            "/C=VN/O=THỬ NGHIỆM/CN=Cơ quan chứng thực thử nghiệm",
            "-addext",
            "keyUsage=critical,keyCertSign,cRLSign",
            "-utf8",
        ]);
        authority
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn trusted_by(&self, site: &Site) {
        let trust = site.installed.trust().join("authority.pem");
        fs::copy(self.path("root.pem"), trust).unwrap();
    }

    /// The certificate that it gives to a request, which must be signed by its own key.
    fn certify(&self, request: &str, days: &str) -> PathBuf {
        let (asked, given) = (self.path("request.pem"), self.path("leaf.pem"));
        fs::write(&asked, request).unwrap();
        openssl(&["req", "-in", text(&asked), "-verify", "-noout"]);
        openssl(&[
            "x509",
            "-req",
            "-in",
            text(&asked),
            "-CA",
            text(&self.path("root.pem")),
            "-CAkey",
            text(&self.path("root.key")),
            "-days",
            days,
            "-copy_extensions",
            "copy",
            "-sha256",
            "-out",
            text(&given),
        ]);
        given
    }
}

fn request(site: &Site, file: &str) -> String {
    let arguments = ["--file", file, "--name", "Sở Mẫu", "--code", AGENCY];
    run(site, &["keys", "csr"], &arguments).ended(0).stdout
}

#[test]
fn keys_made_in_a_token_are_certified_entered_and_sign_papers_that_pyhanko_trusts() {
    let token = Token::new("con dấu");
    let site = token.site();
    let authority = Authority::new();
    authority.trusted_by(&site);
    let uri = Token::uri(&Token::module(), "token=con%20d%E1%BA%A5u");
    for (scheme, mechanism) in [("es256", "ecdsa"), ("ps256", "rsassa_pss")] {
        let file = format!("seal-{scheme}.pkcs11");
        let made = make(&site, &file, &uri, &["--algorithm", scheme]).ended(0);
        let path = site.installed.dir().join("keys").join(&file);
        assert_eq!(
            fs::metadata(&path).unwrap().permissions().mode() & 0o777,
            0o600
        );
        let listed = run(&site, &["keys", "list"], &[]).ended(0).stdout;
        let line = format!("{}\t{}", made.stdout.trim(), path.display());
        assert!(listed.lines().any(|one| one == line), "{listed}");

        let certificate = authority.certify(&request(&site, &file), "20");
        let entered = enter(&site, &file, "document", Some(&certificate)).ended(0);
        assert!(
            entered.stdout.starts_with(made.stdout.trim()),
            "{entered:?}"
        );

        let name = "vehicle-badge--a4-tagged";
        let mut data = in_force(name);
        data.remove("badge_number");
        data.remove("result_code");
        data.insert(
            "dossier_code".into(),
            json!(format!("{AGENCY}-261120-{:04}", mechanism.len())),
        );
        let data_file = site
            .installed
            .write("data.json", Value::Object(data).to_string());
        let out = site.installed.file(&format!("{scheme}.pdf"));
        let source = pdf(name);
        let arguments = [
            "--type",
            "vehicle-badge",
            "--data",
            text(&data_file),
            "--pdf",
            text(&source),
            "--out",
            text(&out),
            "--json",
        ];
        run(&site, &["issue"], &arguments).ended(0);
        let cases = json!([{"before": source, "after": out, "signatory": "Nguyễn Văn Mẫu"}]);
        let root = authority.path("root.pem");
        let seen = judge("pades_seen.py", &[text(&root)], &cases.to_string());
        let seen: Value = serde_json::from_str(&seen).unwrap();
        let signature = &seen[0]["signatures"][0];
        assert_eq!(
            signature["summary"], "INTACT:TRUSTED,UNTOUCHED",
            "{signature}"
        );
        assert_eq!(signature["algorithm"], mechanism, "{signature}");
        assert_eq!(signature["bottom_line"], true, "{signature}");
    }
    let private = token.listed("privkey");
    assert_eq!(
        private.matches("Private Key Object").count(),
        2,
        "{private}"
    );
    let locked_in = "Access:     sensitive, always sensitive, never extractable, local";
    assert_eq!(private.matches(locked_in).count(), 2, "{private}");
}

#[test]
fn a_key_that_is_in_a_token_already_is_attached_by_its_name() {
    let token = Token::new("dấu");
    let site = token.site();
    let module = Token::module();
    let made = make(
        &site,
        "first.pkcs11",
        &Token::uri(&module, "token=d%E1%BA%A5u;object=seal"),
        &[],
    );
    let made = made.ended(0).stdout;
    let attach = |path: &str| {
        let uri = Token::uri(&module, path);
        let arguments = ["--file", "second.pkcs11", "--token", &uri];
        run(&site, &["keys", "attach"], &arguments)
    };
    let missing = attach("token=d%E1%BA%A5u;object=other").ended(1);
    assert!(
        missing.stderr.contains("no such private key"),
        "{missing:?}"
    );
    let gone = attach("token=other;object=seal").ended(1);
    assert!(gone.stderr.contains("the token is not there"), "{gone:?}");
    assert!(!site.installed.dir().join("keys/second.pkcs11").exists());
    assert_eq!(
        attach("token=d%E1%BA%A5u;object=seal").ended(0).stdout,
        made
    );

    // The same label twice: only the serial tells them apart.
    token.add("dấu");
    let several = attach("token=d%E1%BA%A5u;object=seal").ended(1);
    assert!(
        several.stderr.contains("more than one token"),
        "{several:?}"
    );
    // A second key of the same name is not made.
    let twice = make(
        &site,
        "third.pkcs11",
        &Token::uri(&module, "manufacturer=SoftHSM%20project;object=seal"),
        &[],
    );
    assert_eq!(twice.code, 1, "{twice:?}");
}

#[test]
fn a_certificate_must_belong_to_the_key_lead_to_a_trusted_root_and_be_in_force() {
    let token = Token::new("seal");
    let site = token.site();
    let uri = Token::uri(&Token::module(), "token=seal");
    make(&site, "one.pkcs11", &uri, &[]).ended(0);
    make(&site, "two.pkcs11", &uri, &[]).ended(0);
    let authority = Authority::new();
    let certificate = authority.certify(&request(&site, "one.pkcs11"), "20");
    let refused = |file: &str, certificate: &Path, why: &str| {
        let ran = enter(&site, file, "document", Some(certificate)).ended(1);
        assert!(ran.stderr.contains(why), "{why}: {ran:?}");
    };
    refused("one.pkcs11", &certificate, "no path to a trusted root");
    authority.trusted_by(&site);
    refused("two.pkcs11", &certificate, "belongs to another key");
    let wrong = site
        .installed
        .write("not-a-certificate.pem", "-----BEGIN NOTHING-----");
    refused("one.pkcs11", &wrong, "the certificates cannot be read");
    let nobody = run(
        &site,
        &["keys", "enter"],
        &[
            "--file",
            "one.pkcs11",
            "--purpose",
            "credential",
            "--agency",
            "000.00.99.H99",
        ],
    );
    assert!(nobody.stderr.contains("there is no agency"), "{nobody:?}");

    enter(&site, "one.pkcs11", "document", Some(&certificate)).ended(0);
    refused("one.pkcs11", &certificate, "knows this key already");
    let audit = run(&site, &["audit"], &["--action", "key.enter"])
        .ended(0)
        .stdout;
    assert_eq!(audit.lines().count(), 1, "{audit}");
    assert!(audit.contains(AGENCY), "{audit}");

    let without = run(
        &site,
        &["keys", "enter"],
        &[
            "--file",
            "two.pkcs11",
            "--purpose",
            "document",
            "--agency",
            AGENCY,
        ],
    );
    assert_eq!(without.code, 64, "{without:?}");
}

fn issue(server: &Server, site: &Site, unique: usize) -> (u16, Value) {
    let mut data = in_force("vehicle-badge--a4-tagged");
    data.remove("badge_number");
    data.remove("result_code");
    data.insert(
        "dossier_code".into(),
        json!(format!("{AGENCY}-261120-{unique:04}")),
    );
    let key = site.key("registrar");
    send(
        &server.address,
        "POST",
        "/api/v1/results",
        key,
        &json!(data),
    )
}

#[test]
fn sixty_papers_take_few_sessions_and_as_many_signatures_as_papers() {
    const PAPERS: usize = 60;
    let token = Token::new("seal");
    let mut site = token.site();
    let uri = Token::uri(&Spy::module(), "token=seal");
    let spy = Spy::on(&token, &mut site);
    make(&site, "code.pkcs11", &uri, &[]).ended(0);
    enter(&site, "code.pkcs11", "credential", None).ended(0);
    let before = ["C_OpenSession", "C_Login", "C_SignInit"].map(|name| spy.calls(name));
    let server = site.serve();
    let (server, site) = (&server, &site);
    thread::scope(|scope| {
        for caller in 0..12 {
            scope.spawn(move || {
                for paper in 0..PAPERS / 12 {
                    let (status, answer) = issue(server, site, 100 * caller + paper);
                    assert_eq!(status, 201, "{answer}");
                }
            });
        }
    });
    let after = ["C_OpenSession", "C_Login", "C_SignInit"].map(|name| spy.calls(name));
    let [sessions, sign_ins, signatures] = [0, 1, 2].map(|at| after[at] - before[at]);
    assert_eq!(signatures, PAPERS);
    assert!((1..=8).contains(&sessions), "{sessions} sessions");
    assert_eq!(sign_ins, sessions);
}

#[test]
fn a_wrong_pin_is_tried_once_and_never_again() {
    let token = Token::new("seal");
    let mut site = token.site();
    let uri = Token::uri(&Spy::module(), "token=seal");
    let spy = Spy::on(&token, &mut site);
    make(&site, "code.pkcs11", &uri, &[]).ended(0);
    enter(&site, "code.pkcs11", "credential", None).ended(0);
    write_pin(&site, "000000");
    let server = site.serve();
    let before = spy.calls("C_Login");
    for unique in 0..3 {
        assert_eq!(issue(&server, &site, unique).0, 503);
    }
    assert_eq!(spy.calls("C_Login"), before + 1);
    assert!(
        server.log().contains("refused the PIN"),
        "{:?}",
        server.log()
    );
    assert!(!server.log().contains("000000"));
    write_pin(&site, "987654");
    let (status, answer) = issue(&server, &site, 4);
    assert_eq!(status, 201, "{answer}");
}

#[test]
fn a_network_token_that_is_killed_under_load_and_comes_back_signs_again_without_a_restart() {
    let token = Token::new("seal");
    let mut site = token.site();
    let socket = format!("unix:path={}", NetworkToken::socket(&token).display());
    site.environment.push(("P11_KIT_SERVER_ADDRESS", socket));
    let uri = Token::uri(&NetworkToken::module(), "token=seal");
    let hsm = NetworkToken::start(&token);
    make(&site, "code.pkcs11", &uri, &[]).ended(0);
    enter(&site, "code.pkcs11", "credential", None).ended(0);
    let server = site.serve();
    let (status, answer) = issue(&server, &site, 0);
    assert_eq!(status, 201, "{answer}");

    let results = thread::scope(|scope| {
        let (server, site) = (&server, &site);
        let callers: Vec<_> = (1..5)
            .map(|caller| {
                scope.spawn(move || {
                    let issued = (0..40).map(|paper| issue(server, site, 1_000 * caller + paper));
                    issued.collect::<Vec<_>>()
                })
            })
            .collect();
        thread::sleep(Duration::from_millis(100));
        hsm.kill();
        callers
            .into_iter()
            .flat_map(|caller| caller.join().unwrap())
            .collect::<Vec<_>>()
    });
    let failed = results.iter().filter(|(status, _)| *status != 201).count();
    assert!(failed > 0, "the token was not killed in time");
    assert!(
        results
            .iter()
            .all(|(status, _)| [201, 503].contains(status))
    );
    assert!(server.log().contains("token"));

    let _hsm = NetworkToken::start(&token);
    let end = Instant::now() + Duration::from_secs(20);
    let mut unique = 9_000;
    while issue(&server, &site, unique).0 != 201 {
        assert!(Instant::now() < end, "{:?}", server.log());
        unique += 1;
        thread::sleep(Duration::from_millis(200));
    }
    // No number was lost to a paper that was never signed, none was given twice.
    let mut numbers: Vec<&str> = results
        .iter()
        .filter_map(|(_, answer)| answer["number"].as_str())
        .collect();
    let issued = numbers.len();
    numbers.sort_unstable();
    numbers.dedup();
    assert_eq!(numbers.len(), issued);
}
