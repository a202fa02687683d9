//! Keys in files and the demo authority, with OpenSSL as judge.

use crate::judges::root;
use crate::pki::{key, one_year, openssl, text};
use dauso::digest::Sha256;
use dauso::key::{Algorithm, PublicKey};
use dauso::pki::{Certificate, ObjectIdentifier};
use dauso::private::Private;
use dauso::signer::authority::{AuthorityError, DemoAuthority, ROOT_NAME};
use dauso::signer::file::{self, FileSigner, KeyFileError, fingerprint_path};
use dauso::signer::{KeyMismatch, Signer, SigningIdentity, Subject, UnusableKey};
use std::fs::{self, Permissions};
use std::io;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use tempfile::TempDir;

const PASSPHRASE: &str = "mật khẩu thử nghiệm";

fn passphrase() -> Private<String> {
    Private::new(PASSPHRASE.to_owned())
}

/// A folder with one P-256 key.
fn made() -> (TempDir, PathBuf, PublicKey) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("seal.key.pem");
    let public = file::make_key(&path, Algorithm::Es256, &passphrase()).unwrap();
    (folder, path, public)
}

fn open(path: &Path) -> Result<FileSigner, KeyFileError> {
    FileSigner::open(path, &passphrase())
}

#[test]
fn openssl_opens_our_key_file_and_finds_the_promised_encryption() {
    let (_folder, path, public) = made();
    let pass = format!("pass:{PASSPHRASE}");
    let spki = openssl(&[
        "pkey",
        "-in",
        text(&path),
        "-passin",
        &pass,
        "-pubout",
        "-outform",
        "DER",
    ]);
    assert_eq!(spki, public.spki());
    let structure = String::from_utf8(openssl(&["asn1parse", "-in", text(&path)])).unwrap();
    // 600 000 = 0x0927C0
    for part in [
        "PBES2",
        "PBKDF2",
        "hmacWithSHA256",
        "aes-256-cbc",
        ":0927C0",
    ] {
        assert!(structure.contains(part), "{part}\n{structure}");
    }
    assert_eq!(mode(&path), 0o600);
    let listed = file::list(path.parent().unwrap()).unwrap();
    assert_eq!(listed, [(path, public.fingerprint())]);
}

#[tokio::test]
async fn both_kinds_of_keys_sign_after_they_were_closed_and_opened() {
    for algorithm in [Algorithm::Es256, Algorithm::Ps256] {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.key.pem");
        file::write_encrypted(&path, &key(algorithm), &passphrase()).unwrap();
        let signer: Arc<dyn Signer> = Arc::new(open(&path).unwrap());
        let signature = signer.sign(b"message").await.unwrap();
        assert_eq!(signer.algorithm(), algorithm);
        assert!(signer.public_key().verifies(b"message", &signature));
        assert!(!signer.public_key().verifies(b"massage", &signature));
    }
}

#[test]
fn a_wrong_passphrase_and_a_damaged_file_are_one_error() {
    let (_folder, path, _) = made();
    let wrong = FileSigner::open(&path, &Private::new("mật khẩu khác".to_owned()));
    assert!(matches!(wrong, Err(KeyFileError::WrongPassphrase { path: named }) if named == path));
    // The last full line of the PEM body: within the ciphertext.
    let mut lines: Vec<String> = read(&path).lines().map(str::to_owned).collect();
    let last = lines.len() - 3;
    let first = if lines[last].starts_with('A') {
        "B"
    } else {
        "A"
    };
    lines[last].replace_range(..1, first);
    fs::write(&path, lines.join("\n")).unwrap();
    let damaged = open(&path);
    assert!(
        matches!(
            damaged,
            Err(KeyFileError::WrongPassphrase { .. }
                | KeyFileError::OtherKey { .. }
                | KeyFileError::Unusable(UnusableKey::Kind))
        ),
        "{damaged:?}"
    );
}

#[test]
fn a_key_or_passphrase_file_that_others_may_read_is_refused() {
    let (folder, path, _) = made();
    for bits in [0o644, 0o640, 0o620] {
        fs::set_permissions(&path, Permissions::from_mode(bits)).unwrap();
        let refused = open(&path);
        assert!(
            matches!(refused, Err(KeyFileError::Mode { mode, .. }) if mode == bits),
            "{bits:o}"
        );
    }
    let secret = folder.path().join("passphrase");
    let made = file::make_passphrase(&secret).unwrap();
    assert_eq!(file::read_passphrase(&secret).unwrap(), made);
    fs::set_permissions(&secret, Permissions::from_mode(0o604)).unwrap();
    let refused = file::read_passphrase(&secret);
    assert!(matches!(
        refused,
        Err(KeyFileError::Mode { mode: 0o604, .. })
    ));
}

#[test]
fn a_key_that_was_swapped_for_another_is_refused() {
    let (folder, path, _) = made();
    let other = folder.path().join("other.key.pem");
    file::make_key(&other, Algorithm::Es256, &passphrase()).unwrap();
    fs::rename(&other, &path).unwrap();
    let swapped = open(&path);
    assert!(matches!(swapped, Err(KeyFileError::OtherKey { path: named }) if named == path));
    fs::remove_file(fingerprint_path(&path)).unwrap();
    let missing = open(&path);
    assert!(
        matches!(missing, Err(KeyFileError::File { path: named, source })
            if named == fingerprint_path(&path) && source.kind() == io::ErrorKind::NotFound)
    );
}

#[test]
fn a_key_file_is_never_overwritten_nor_opened_by_a_short_passphrase() {
    let (_folder, path, _) = made();
    let again = file::make_key(&path, Algorithm::Es256, &passphrase());
    assert!(matches!(again, Err(KeyFileError::File { source, .. })
            if source.kind() == io::ErrorKind::AlreadyExists));
    assert!(open(&path).is_ok());
    let short = file::make_key(
        &path.with_file_name("short.key.pem"),
        Algorithm::Es256,
        &Private::new("mười một ch".to_owned()),
    );
    assert!(matches!(short, Err(KeyFileError::ShortPassphrase)));
}

#[test]
fn keys_of_other_programs_come_in_by_import_only() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    let rsa = root("fixtures/pki/rsa-3072.test-key.pem");
    let weak = path("weak.pem");
    let pass = format!("pass:{PASSPHRASE}");
    let encrypt = [
        "pkcs8",
        "-topk8",
        "-v2",
        "aes-128-cbc",
        "-iter",
        "2048",
        "-passout",
        &pass,
    ];
    openssl(&[&encrypt[..], &["-in", text(&rsa), "-out", text(&weak)]].concat());
    fs::set_permissions(&weak, Permissions::from_mode(0o600)).unwrap();
    assert!(matches!(
        open(&weak),
        Err(KeyFileError::WeakEncryption { .. })
    ));
    let plain = path("plain.pem");
    fs::copy(&rsa, &plain).unwrap();
    fs::set_permissions(&plain, Permissions::from_mode(0o600)).unwrap();
    assert!(matches!(
        open(&plain),
        Err(KeyFileError::NotEncryptedKey { .. })
    ));

    let ours = path("ours.key.pem");
    let imported = file::import_pkcs8(&weak, Some(&passphrase()), &ours, &passphrase()).unwrap();
    assert_eq!(&imported, key(Algorithm::Ps256).public_key());
    assert_eq!(open(&ours).unwrap().public_key(), &imported);
}

#[test]
fn keys_that_the_law_or_we_do_not_sign_with_are_not_imported() {
    let folder = tempfile::tempdir().unwrap();
    let cases: [&[&str]; 3] = [
        &["-algorithm", "ED25519"],
        &["-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-384"],
        &["-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:1024"],
    ];
    for options in cases {
        let source = folder.path().join("source.pem");
        openssl(&[&["genpkey", "-out", text(&source)], options].concat());
        let target = folder.path().join("target.key.pem");
        let refused = file::import_pkcs8(&source, None, &target, &passphrase());
        assert!(
            matches!(refused, Err(KeyFileError::Unusable(UnusableKey::Kind))),
            "{options:?}: {refused:?}"
        );
        assert!(!target.exists());
    }
}

#[test]
fn nothing_that_is_printed_shows_a_key_or_a_passphrase() {
    let (_folder, path, public) = made();
    let signer = open(&path).unwrap();
    let shown = format!("FileSigner {{ key: PrivateKey({}) }}", public.fingerprint());
    assert_eq!(format!("{signer:?}"), shown);
    let wrong = FileSigner::open(&path, &Private::new("không phải nó".to_owned())).unwrap_err();
    assert!(!format!("{wrong:?} {wrong}").contains("không"));
}

#[test]
fn openssl_verifies_a_request_for_each_kind_of_key() {
    let subject = Subject::person("Nguyễn Văn Mẫu", "Phó Chủ tịch", "UBND thành phố Ví Dụ");
    for algorithm in [Algorithm::Es256, Algorithm::Ps256] {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("request.pem");
        fs::write(&path, key(algorithm).request(&subject).unwrap()).unwrap();
        let arguments = [
            "req",
            "-verify",
            "-noout",
            "-text",
            "-nameopt",
            "utf8,sep_comma_plus_space",
        ];
        let said = openssl(&[&arguments[..], &["-in", text(&path)]].concat());
        let said = String::from_utf8(said).unwrap();
        let name = "C=VN, O=UBND thành phố Ví Dụ, title=Phó Chủ tịch, CN=Nguyễn Văn Mẫu";
        assert!(said.contains(name), "{said}");
        assert!(
            said.contains("Digital Signature, Non Repudiation"),
            "{said}"
        );
    }
}

#[test]
fn openssl_finds_the_demo_certificates_strict_and_fit_for_signing() {
    let authority = DemoAuthority::generate(one_year()).unwrap();
    for (algorithm, subject) in [
        (
            Algorithm::Es256,
            Subject::agency("Sở Xây dựng Ví Dụ", "H00.1"),
        ),
        (
            Algorithm::Ps256,
            Subject::person("Trần Thị Mẫu", "Giám đốc", "Sở Xây dựng Ví Dụ"),
        ),
    ] {
        let chain = authority
            .issue(&subject, key(algorithm).public_key(), one_year())
            .unwrap();
        let folder = tempfile::tempdir().unwrap();
        let [leaf, issuing, ca] = ["leaf", "issuing", "ca"].map(|name| folder.path().join(name));
        fs::write(&leaf, chain.leaf().pem()).unwrap();
        fs::write(&issuing, authority.issuing().pem()).unwrap();
        fs::write(&ca, authority.root().pem()).unwrap();
        let at = one_year().not_before.plus(86_400).seconds().to_string();
        let strict = [
            "verify",
            "-x509_strict",
            "-purpose",
            "smimesign",
            "-attime",
            &at,
        ];
        let files = [
            "-CAfile",
            text(&ca),
            "-untrusted",
            text(&issuing),
            text(&leaf),
        ];
        openssl(&[&strict[..], &files[..]].concat());
        let shown = openssl(&["x509", "-noout", "-text", "-in", text(&leaf)]);
        let shown = String::from_utf8(shown).unwrap();
        for line in [
            "X509v3 Key Usage: critical",
            "Digital Signature, Non Repudiation",
            "X509v3 Basic Constraints: critical",
            "CA:FALSE",
            "X509v3 Subject Key Identifier",
            "X509v3 Authority Key Identifier",
        ] {
            assert!(shown.contains(line), "{line}\n{shown}");
        }
    }
}

#[test]
fn an_agency_certificate_says_what_the_demo_must_say() {
    let authority = DemoAuthority::generate(one_year()).unwrap();
    let key = key(Algorithm::Es256);
    let subject = Subject::agency("Sở Xây dựng Ví Dụ", "H00.1");
    let issue = || {
        authority
            .issue(&subject, key.public_key(), one_year())
            .unwrap()
    };
    let (one, other) = (issue(), issue());
    let leaf = one.leaf();
    assert_eq!(
        leaf.subject().to_string(),
        "CN=Sở Xây dựng Ví Dụ, organizationIdentifier=H00.1, O=Sở Xây dựng Ví Dụ, C=VN"
    );
    assert_eq!(authority.root().subject().common_name(), Some(ROOT_NAME));
    assert_eq!(leaf.public_key().as_ref(), Ok(key.public_key()));
    assert_eq!(
        (leaf.not_before(), leaf.not_after()),
        (one_year().not_before, one_year().not_after)
    );
    assert_eq!(
        leaf.authority_key_id(),
        authority.issuing().subject_key_id()
    );
    assert!(leaf.key_usage().unwrap().content_commitment() && !leaf.is_ca());
    let document_signing = ObjectIdentifier::new_unwrap("1.3.6.1.5.5.7.3.36");
    assert!(
        leaf.extended_key_usage()
            .unwrap()
            .contains(&document_signing)
    );
    assert_eq!(leaf.serial().len(), 16);
    assert_ne!(leaf.serial(), other.leaf().serial());
    assert_eq!(authority.root().path_length(), Some(1));
    assert_eq!(authority.issuing().path_length(), Some(0));
}

#[test]
fn an_authority_opens_again_and_its_parts_must_belong_together() {
    let folders = [(); 2].map(|()| tempfile::tempdir().unwrap());
    let [one, other] = folders
        .each_ref()
        .map(|folder| DemoAuthority::create(folder.path(), &passphrase(), one_year()).unwrap());
    let [here, there] = folders.each_ref().map(TempDir::path);
    let opened = DemoAuthority::open(here, &passphrase()).unwrap();
    assert_eq!(
        (opened.root(), opened.issuing()),
        (one.root(), one.issuing())
    );
    let key = key(Algorithm::Es256);
    let subject = Subject::agency("Sở Xây dựng Ví Dụ", "H00.1");
    let chain = opened
        .issue(&subject, key.public_key(), one_year())
        .unwrap();
    assert_eq!(chain.issuers(), [one.issuing().clone(), one.root().clone()]);
    fs::copy(there.join("issuing.pem"), here.join("issuing.pem")).unwrap();
    let mixed = DemoAuthority::open(here, &passphrase());
    assert!(matches!(mixed, Err(AuthorityError::Mismatch)), "{mixed:?}");
    assert_ne!(one.root(), other.root());
    let wrong = DemoAuthority::open(there, &Private::new("không phải nó".to_owned()));
    assert!(matches!(
        wrong,
        Err(AuthorityError::KeyFile(
            KeyFileError::WrongPassphrase { .. }
        ))
    ));
}

#[test]
fn an_identity_is_a_certificate_with_its_own_key() {
    let (_folder, path, public) = made();
    let signer: Arc<dyn Signer> = Arc::new(open(&path).unwrap());
    let authority = DemoAuthority::generate(one_year()).unwrap();
    let subject = Subject::agency("Sở Xây dựng Ví Dụ", "H00.1");
    let issue = |key: &PublicKey| authority.issue(&subject, key, one_year()).unwrap();
    let identity = SigningIdentity::new(issue(&public), Arc::clone(&signer)).unwrap();
    assert_eq!(identity.algorithm(), Algorithm::Es256);
    assert_eq!(
        identity.chain().leaf().fingerprint(),
        Sha256::of(identity.chain().leaf().der())
    );
    let stranger = key(Algorithm::Es256);
    let mismatch = SigningIdentity::new(issue(stranger.public_key()), signer);
    assert_eq!(mismatch.map(|_| ()).unwrap_err(), KeyMismatch);
}

#[test]
fn a_chain_is_leaf_first_and_each_signed_by_the_next() {
    use dauso::pki::{Chain, chain::ChainOrderError};
    let authority = DemoAuthority::generate(one_year()).unwrap();
    let [root, issuing] = [authority.root().clone(), authority.issuing().clone()];
    let order = |certificates: &[&Certificate]| {
        Chain::new(certificates.iter().map(|one| (*one).clone()).collect()).map(|_| ())
    };
    assert_eq!(order(&[&issuing, &root]), Ok(()));
    assert_eq!(order(&[]), Err(ChainOrderError::Empty));
    assert_eq!(
        order(&[&root, &issuing]),
        Err(ChainOrderError::NotIssuedByNext { position: 0 })
    );
    assert_eq!(order(&[&root; 9]), Err(ChainOrderError::TooLong));
}

fn read(path: &Path) -> String {
    fs::read_to_string(path).unwrap()
}

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().permissions().mode() & 0o7777
}
