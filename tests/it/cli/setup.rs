//! `init`, `agency`, `account`, `keys`: OpenSSL reads what they make.

use crate::judges::run;
use crate::support::installation::{Installed, day, in_force};
use dauso::digest::Sha256;
use serde_json::json;
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

#[test]
fn init_makes_keys_trust_and_agencies_and_refuses_to_do_it_again() {
    let installed = Installed::new();
    let dir = installed.dir();
    for file in [
        "dauso.toml",
        "dauso.db",
        "keys/passphrase",
        "trust/root.pem",
        "trust/operator.pem",
        "trust/bundle",
        "trust/status/1",
    ] {
        assert!(dir.join(file).is_file(), "{file}");
    }
    for entry in fs::read_dir(dir.join("keys")).unwrap() {
        let path = entry.unwrap().path();
        let secret = path.is_file() && path.extension().is_none_or(|extension| extension == "pem");
        if secret {
            let mode = path.metadata().unwrap().permissions().mode() & 0o777;
            assert_eq!(mode, 0o600, "{}", path.display());
        }
    }
    let listed = installed.run(&["agency", "list"], &[]).ended(0);
    let codes: Vec<&str> = listed
        .stdout
        .lines()
        .filter_map(|line| line.split('\t').next())
        .collect();
    assert_eq!(
        codes,
        [
            "000.00.04.H99",
            "000.00.13.H99",
            "000.00.16.H99",
            "000.07.21.H99"
        ]
    );

    let before = fs::read(dir.join("dauso.toml")).unwrap();
    let root = fs::read(dir.join("trust/root.pem")).unwrap();
    let again = installed.run(&["init"], &[]).ended(1);
    assert!(
        again.stderr.contains("is an installation already"),
        "{again:?}"
    );
    assert_eq!(fs::read(dir.join("dauso.toml")).unwrap(), before);
    assert_eq!(fs::read(dir.join("trust/root.pem")).unwrap(), root);
}

#[test]
fn an_agency_that_was_added_issues_with_its_own_keys_and_others_trust_it() {
    let installed = Installed::new();
    let added = [
        "--code",
        "000.00.98.H99",
        "--name",
        "Sở Mới Thử Nghiệm",
        "--algorithm",
        "ps256",
    ];
    let ran = installed.run(&["agency", "add"], &added).ended(0);
    assert_eq!(ran.stdout, "000.00.98.H99 98H99\n");
    let twice = installed.run(&["agency", "add"], &added).ended(1);
    assert!(twice.stderr.contains("is there already"), "{twice:?}");

    let mut data = in_force("vehicle-badge--a4-tagged");
    for (field, value) in [
        ("agency_code", json!("000.00.98.H99")),
        ("issuing_agency", json!("Sở Mới Thử Nghiệm")),
        ("dossier_code", json!("000.00.98.H99-260828-0001")),
        ("issue_date", json!(day(0))),
    ] {
        data.insert(field.to_owned(), value);
    }
    data.remove("result_code");
    data.remove("badge_number");
    let out = installed.file("badge.pdf");
    let pdf = crate::support::installation::pdf("vehicle-badge--a4-tagged");
    let paths = [
        "--pdf",
        pdf.to_str().unwrap(),
        "--out",
        out.to_str().unwrap(),
        "--json",
    ];
    let receipt = installed.issue("badge", &data, &paths).ended(0).json();
    // The first number of its own counter, by the type's pattern.
    let year = &day(0)[2..4];
    assert_eq!(receipt["number"], format!("HD48{year}000001"));
    assert_eq!(receipt["result_code"], "000.00.98.H99-260828-0001-KQ1");
    // The bundle was published anew: the folder alone is enough.
    let trust = installed.trust();
    let ran = crate::support::installation::dauso(&[
        "verify",
        out.to_str().unwrap(),
        "--trust",
        trust.to_str().unwrap(),
        "--json",
    ]);
    let answer = ran.ended(0).json();
    assert_eq!(
        answer["result"]["agency"]["name"]["vi"],
        "Sở Mới Thử Nghiệm"
    );
    let said = run("pdfsig", &["-nocert", out.to_str().unwrap()]).stdout;
    let said = String::from_utf8(said).unwrap();
    assert!(
        said.contains("Signer Certificate Common Name: Sở Mới Thử Nghiệm"),
        "{said}"
    );
}

#[test]
fn an_account_gets_a_key_that_is_shown_once() {
    let installed = Installed::new();
    let arguments = [
        "--login",
        "kiemtra",
        "--name",
        "Lê Thị Mẫu",
        "--role",
        "inspector",
        "--agency",
        "000.00.16.H99",
    ];
    let key = installed
        .run(&["account", "add"], &arguments)
        .ended(0)
        .stdout;
    let secret = key.trim_end().strip_prefix("dauso_").unwrap();
    assert!(
        secret.len() == 64 && secret.bytes().all(|b| b.is_ascii_hexdigit()),
        "{key}"
    );
    let listed = installed
        .run(&["account", "list"], &["--agency", "000.00.16.H99"])
        .ended(0);
    assert_eq!(listed.stdout, "kiemtra\tinspector\n");
    let taken = installed.run(&["account", "add"], &arguments).ended(1);
    assert_eq!(taken.stderr, "dauso: the login is taken\n");
    for entry in fs::read_dir(installed.dir()).unwrap() {
        let path = entry.unwrap().path();
        if path.is_file() {
            let bytes = fs::read(&path).unwrap();
            let found = bytes
                .windows(secret.len())
                .any(|window| window == secret.as_bytes());
            assert!(!found, "the key stands in {}", path.display());
        }
    }
}

/// The SHA-256 of the public key that OpenSSL finds in an encrypted key file.
fn fingerprint_by_openssl(key: &Path, passphrase: &Path) -> String {
    let password = format!("file:{}", passphrase.display());
    let arguments = [
        "pkey",
        "-in",
        key.to_str().unwrap(),
        "-passin",
        &password,
        "-pubout",
        "-outform",
        "DER",
    ];
    let output = run("openssl", &arguments);
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    Sha256::of(&output.stdout).hex()
}

#[test]
fn openssl_reads_the_keys_and_verifies_the_requests_made_for_them() {
    let installed = Installed::new();
    let keys = installed.dir().join("keys");
    let passphrase = keys.join("passphrase");
    for (algorithm, file) in [("es256", "a-2027.key.pem"), ("ps256", "b-2027.key.pem")] {
        let arguments = ["--file", file, "--algorithm", algorithm];
        let made = installed.run(&["keys", "make"], &arguments).ended(0);
        let fingerprint = made.stdout.trim_end();
        assert_eq!(
            fingerprint_by_openssl(&keys.join(file), &passphrase),
            fingerprint
        );
        let listed = installed.run(&["keys", "list"], &[]).ended(0);
        let line = format!("{fingerprint}\t{}\n", keys.join(file).display());
        assert!(listed.stdout.contains(&line), "{listed:?}");

        let again = installed.run(&["keys", "make"], &arguments).ended(1);
        assert!(again.stderr.contains("File exists"), "{again:?}");
        assert_eq!(
            fingerprint_by_openssl(&keys.join(file), &passphrase),
            fingerprint
        );

        let arguments = [
            "--file",
            file,
            "--name",
            "Sở Xây dựng Mẫu",
            "--code",
            "000.00.16.H99",
        ];
        let request = installed.run(&["keys", "csr"], &arguments).ended(0).stdout;
        let path = installed.write("request.pem", &request);
        let output = run(
            "openssl",
            &[
                "req",
                "-verify",
                "-noout",
                "-subject",
                "-nameopt",
                "utf8,sep_comma_plus",
                "-in",
                path.to_str().unwrap(),
            ],
        );
        let said = String::from_utf8([output.stdout, output.stderr].concat()).unwrap();
        assert!(
            output.status.success() && said.contains("verify OK"),
            "{said}"
        );
        assert!(
            said.contains("CN=Sở Xây dựng Mẫu") && said.contains("000.00.16.H99"),
            "{said}"
        );
    }
}

#[test]
fn a_key_from_elsewhere_is_brought_into_an_encrypted_file_under_a_plain_name() {
    let installed = Installed::new();
    let keys = installed.dir().join("keys");
    let source = installed.file("theirs.pem");
    let theirs = installed.write("theirs.pass", "mat-khau-cua-ho");
    fs::set_permissions(&theirs, fs::Permissions::from_mode(0o600)).unwrap();
    let password = format!("file:{}", theirs.display());
    let made = run(
        "openssl",
        &[
            "genpkey",
            "-algorithm",
            "EC",
            "-pkeyopt",
            "ec_paramgen_curve:P-256",
            "-aes-256-cbc",
            "-pass",
            &password,
            "-out",
            source.to_str().unwrap(),
        ],
    );
    assert!(
        made.status.success(),
        "{}",
        String::from_utf8_lossy(&made.stderr)
    );
    let expected = fingerprint_by_openssl(&source, &theirs);
    let arguments = [
        source.to_str().unwrap(),
        "--source-passphrase",
        theirs.to_str().unwrap(),
        "--file",
    ];
    let import =
        |file: &str| installed.run(&["keys", "import"], &[&arguments[..], &[file]].concat());
    let ran = import("imported.key.pem").ended(0);
    assert_eq!(ran.stdout.trim_end(), expected);
    assert_eq!(
        fingerprint_by_openssl(&keys.join("imported.key.pem"), &keys.join("passphrase")),
        expected
    );

    for name in [
        "../imported.key.pem",
        "/tmp/imported.key.pem",
        "imported.pem",
        ".key.pem",
        "a b.key.pem",
    ] {
        import(name).ended(64);
    }
    assert!(!installed.dir().join("imported.key.pem").exists());
}
