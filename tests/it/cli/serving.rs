//! `dauso serve`: TLS with real clients, what is refused at start, figures, and the end.

use crate::judges::{judge, run};
use crate::support::certificates::{Authority, Period};
use crate::support::installation::{Installed, dauso, in_force};
use crate::support::running::{Served, configure, get};
use dauso::clock::{Clock as _, SystemClock};
use std::fs;
use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::{Child, Command, Stdio};

/// A code, and how to bring it about.
type Fault<'a> = (&'a str, &'a dyn Fn());

const HOST: &str = "qr.vidu.test";
const TLS: &str = "tls_certificate = \"tls/chain.pem\"\ntls_key = \"tls/key.pem\"";

fn days(from: i64, to: i64) -> Period {
    Period {
        at: SystemClock.now().local(),
        from,
        to,
    }
}

/// What curl says: headers and body.
fn curl(served: &Served, trusted: &Path, host: &str, path: &str) -> Result<String, i32> {
    let port = served.address.rsplit(':').next().unwrap();
    let output = run(
        "curl",
        &[
            "--silent",
            "--max-time",
            "20",
            "--include",
            "--cacert",
            trusted.to_str().unwrap(),
            "--resolve",
            &format!("{host}:{port}:127.0.0.1"),
            &format!("https://{host}:{port}{path}"),
        ],
    );
    if output.status.success() {
        Ok(String::from_utf8(output.stdout).unwrap())
    } else {
        Err(output.status.code().unwrap())
    }
}

/// What `openssl s_client` says of a handshake, and whether it was one.
fn handshake(served: &Served, trusted: &Path, more: &[&str]) -> (bool, String) {
    let mut arguments = vec!["s_client", "-connect", &served.address, "-servername", HOST];
    let trusted = trusted.to_str().unwrap();
    arguments.extend(["-CAfile", trusted, "-verify_return_error"]);
    arguments.extend(["-verify_hostname", HOST]);
    arguments.extend(more);
    let output = Command::new("openssl")
        .args(arguments)
        .stdin(Stdio::null())
        .output()
        .expect("openssl starts; `make deps` installs it");
    let said = [output.stdout, output.stderr].concat();
    let said = String::from_utf8_lossy(&said).into_owned();
    (output.status.success(), said)
}

/// A connection that stays open.
struct Held(Child);

impl Held {
    fn open(served: &Served, trusted: &Path) -> Self {
        let child = Command::new("openssl")
            .args(["s_client", "-quiet", "-connect", &served.address])
            .args(["-servername", HOST, "-CAfile", trusted.to_str().unwrap()])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn();
        Self(child.expect("openssl starts"))
    }

    fn healthy(&mut self) -> bool {
        let ask = b"GET /healthz HTTP/1.1\r\nhost: a\r\n\r\n";
        self.0.stdin.as_mut().unwrap().write_all(ask).unwrap();
        let mut said = Vec::new();
        let mut byte = [0];
        let output = self.0.stdout.as_mut().unwrap();
        while !said.ends_with(b"}") {
            if output.read(&mut byte).unwrap() == 0 {
                return false;
            }
            said.push(byte[0]);
        }
        said.starts_with(b"HTTP/1.1 200 OK\r\n")
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// The base64 of the first certificate in a text.
fn certificate(text: &str) -> String {
    let (_, rest) = text.split_once("BEGIN CERTIFICATE-----").unwrap();
    let (body, _) = rest.split_once("-----END").unwrap();
    body.split_whitespace().collect()
}

#[test]
fn curl_and_openssl_speak_tls_with_it_and_a_new_certificate_needs_no_restart() {
    let installed = Installed::new();
    let (dir, folder) = (installed.dir(), installed.dir().join("tls"));
    let authority = Authority::new();
    authority.issue(&folder, HOST, &days(-1, 90));
    let trusted = authority.write(&installed.file("trusted.pem"));
    let stranger = Authority::named("A stranger").write(&installed.file("stranger.pem"));
    let served = Served::start(&dir, TLS);

    let home = curl(&served, &trusted, HOST, "/").unwrap();
    assert!(home.starts_with("HTTP/1.1 200 OK\r\n"), "{home}");
    assert!(home.contains("strict-transport-security: max-age=63072000\r\n"));
    assert!(home.contains("</html>"), "{home}");
    // 60: the certificate is not of an authority that the client trusts, or names another host.
    assert_eq!(curl(&served, &stranger, HOST, "/"), Err(60));
    assert_eq!(curl(&served, &trusted, "khac.vidu.test", "/"), Err(60));
    for (version, name) in [("-tls1_3", "TLSv1.3"), ("-tls1_2", "TLSv1.2")] {
        let (done, said) = handshake(&served, &trusted, &[version, "-alpn", "http/1.1"]);
        assert!(done && said.contains(name), "{said}");
        assert!(said.contains("ALPN protocol: http/1.1"), "{said}");
        assert!(said.contains("Verify return code: 0 (ok)"), "{said}");
    }
    // The client may want them, at the lowest level of its own security; the service does not.
    for version in ["-tls1_1", "-tls1"] {
        let old = [version, "-cipher", "ALL:@SECLEVEL=0"];
        let (done, said) = handshake(&served, &trusted, &old);
        assert!(!done && said.contains("SSL alert number"), "{said}");
    }
    let (done, said) = handshake(&served, &trusted, &["-tls1_2", "-cipher", "AES128-SHA"]);
    assert!(!done, "{said}");
    // Plain words on this port are no request.
    let mut plain = TcpStream::connect(&served.address).unwrap();
    plain.write_all(b"GET / HTTP/1.0\r\n\r\n").unwrap();
    let mut said = Vec::new();
    let _ = plain.read_to_end(&mut said);
    assert!(!String::from_utf8_lossy(&said).contains("HTTP"));

    let first = certificate(&fs::read_to_string(folder.join("chain.pem")).unwrap());
    let shown = || certificate(&handshake(&served, &trusted, &[]).1);
    assert_eq!(shown(), first);
    let mut held = Held::open(&served, &trusted);
    assert!(held.healthy());
    authority.issue(&folder, HOST, &days(-1, 60));
    served.running.signal("HUP");
    served.logged(|line| line["message"] == "the TLS certificate was read anew");
    let second = certificate(&fs::read_to_string(folder.join("chain.pem")).unwrap());
    assert_ne!(first, second);
    assert_eq!(shown(), second);
    assert!(held.healthy(), "an open connection stays");
    // What cannot be used does not replace what can.
    authority.issue(&folder, "khac.vidu.test", &days(-1, 90));
    served.running.signal("HUP");
    let told = served.logged(|line| line["message"] == "the TLS certificate stays as it was");
    assert_eq!(told["code"], "tls/other-host");
    assert_eq!(shown(), second);
    assert!(held.healthy());
    drop(held);
    served.running.signal("TERM");
    assert_eq!(served.running.ended().code(), Some(0));
}

#[test]
fn what_phones_or_verifiers_could_not_use_is_refused_at_start_with_a_code() {
    let installed = Installed::new();
    let (dir, folder) = (installed.dir(), installed.dir().join("tls"));
    let original = fs::read_to_string(dir.join("dauso.toml")).unwrap();
    let authority = Authority::new();
    let refused = |lines: &str, prepare: &dyn Fn()| {
        fs::write(dir.join("dauso.toml"), &original).unwrap();
        authority.issue(&folder, HOST, &days(-1, 90));
        prepare();
        let config = configure(&dir, lines);
        let ran = dauso(&["serve", "--config", config.to_str().unwrap()]).ended(1);
        assert!(ran.stdout.is_empty(), "{ran:?}");
        let line = ran.stderr.lines().last().unwrap();
        assert!(line.starts_with("dauso: "), "{ran:?}");
        let (words, code) = line.trim_end_matches(')').rsplit_once(" (").unwrap();
        assert!(words.len() > 40, "it says what to do: {words}");
        code.to_owned()
    };
    let chain = folder.join("chain.pem");
    let key = folder.join("key.pem");
    let nothing = || {};
    let one = |line: &str| refused(line, &nothing);
    assert_eq!(
        one("public_url = \"http://qr.vidu.test\""),
        "config/public-url-insecure"
    );
    assert_eq!(
        one("public_url = \"http://192.0.2.1:8417\"\nlisten = \"0.0.0.0:0\""),
        "config/public-url-insecure"
    );
    assert_eq!(
        one(&format!("{TLS}\npublic_url = \"http://qr.vidu.test\"")),
        "config/public-url-without-tls"
    );
    assert_eq!(
        one(&format!("{TLS}\nbehind_proxy = true")),
        "config/tls-behind-proxy"
    );
    assert_eq!(one("tls_key = \"tls/key.pem\""), "config/tls-incomplete");
    assert_eq!(
        one("public_url = \"https://qr.vidu.test/ket-qua\""),
        "config/public-url"
    );
    let faults: [Fault<'_>; 9] = [
        ("tls/other-host", &|| {
            authority.issue(&folder, "qr.khac.test", &days(-1, 90));
        }),
        ("tls/expired", &|| {
            authority.issue(&folder, HOST, &days(-9, -1));
        }),
        ("tls/not-yet-valid", &|| {
            authority.issue(&folder, HOST, &days(1, 90));
        }),
        ("tls/other-key", &|| {
            let other = folder.join("other");
            authority.issue(&other, HOST, &days(-1, 90));
            fs::copy(other.join("key.pem"), &key).unwrap();
        }),
        ("tls/exposed-key", &|| {
            fs::set_permissions(&key, fs::Permissions::from_mode(0o644)).unwrap();
        }),
        ("tls/no-key", &|| fs::write(&key, "x").unwrap()),
        ("tls/no-certificate", &|| fs::write(&chain, "x").unwrap()),
        ("tls/unreadable", &|| fs::remove_file(&chain).unwrap()),
        ("tls/no-certificate", &|| {
            let broken = "-----BEGIN CERTIFICATE-----\nMAA=\n-----END CERTIFICATE-----\n";
            fs::write(&chain, broken).unwrap();
        }),
    ];
    for (code, prepare) in faults {
        assert_eq!(refused(TLS, prepare), code);
    }
}

#[test]
fn https_without_tls_here_or_before_is_said_aloud() {
    let installed = Installed::new();
    let served = Served::start(&installed.dir(), "");
    let told = served.logged(|line| line["code"] == "config/no-tls");
    assert_eq!(told["level"], "WARN");
    assert_eq!(served.running.interrupt().code(), Some(0));
}

#[test]
fn the_figures_are_read_by_prometheus_and_stand_on_a_port_of_their_own() {
    let installed = Installed::new();
    let data = in_force("vehicle-badge--a4-tagged");
    let out = installed.file("one.svg");
    let more = ["--out", out.to_str().unwrap()];
    installed.issue("one", &data, &more).ended(0);
    let served = Served::start(&installed.dir(), "metrics_listen = \"127.0.0.1:0\"");
    for _ in 0..3 {
        assert_eq!(get(&served.address, "/healthz").0, 200);
    }
    get(&served.address, "/7K3M9QX2TB4C5D6E");
    get(&served.address, "/status/1");
    assert_eq!(get(&served.address, "/metrics").0, 404);
    assert_eq!(get(&served.figures, "/").0, 404);
    assert_eq!(get(&served.figures, "/healthz").0, 200);
    // The health check of a container, whatever the public port speaks.
    dauso(&["healthcheck", "--address", &served.figures]).ended(0);
    let (status, text) = get(&served.figures, "/metrics");
    assert_eq!(status, 200);
    let text = String::from_utf8(text).unwrap();
    assert!(!text.contains("7K3M9QX2TB4C5D6E"), "{text}");
    // A line for each sample: name, labels, value.
    let read = judge("metrics_read.py", &[], &text);
    let has = |sample: &str| {
        let found = read.lines().any(|line| line == sample);
        assert!(found, "{sample}\n{read}");
    };
    has("dauso_http_requests_total method=GET route=/healthz status=2xx 3");
    has("dauso_http_requests_total method=GET route=/{id} status=4xx 2");
    has("dauso_http_request_duration_seconds_count method=GET route=/healthz 3");
    has("dauso_checks_recorded_total 0");
    has("dauso_check_batch_size_count 0");
    has("dauso_signer_failures_total 0");
    has("dauso_jobs state=buried 0");
    has("dauso_tls_certificate_not_after_seconds 0");
    for begin in [
        "dauso_jobs state=waiting ",
        "dauso_log_entries ",
        "dauso_publication_age_seconds name=trust ",
        "dauso_publication_age_seconds name=status/1 ",
        "dauso_database_connections state=idle ",
    ] {
        assert!(
            read.lines().any(|line| line.starts_with(begin)),
            "{begin}\n{read}"
        );
    }
    assert_eq!(served.running.interrupt().code(), Some(0));
}
