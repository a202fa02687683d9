//! Certificates and paths, with OpenSSL as judge.

use crate::judges::{root, run};
use base64::prelude::{BASE64_STANDARD, Engine as _};
use dauso::clock::UnixTime;
use dauso::key::Algorithm;
use dauso::pki::chain::{Purpose, Revocation};
use dauso::pki::{
    Certificate, Chain, ChainError, ObjectIdentifier, Unsupported, VerifiedChain, chain,
};
use dauso::signer::authority::{DemoAuthority, Validity};
use dauso::signer::{PrivateKey, Subject};
use rcgen::{
    BasicConstraints, CertificateParams, CustomExtension, DnType, IsCa, Issuer, KeyUsagePurpose,
};
use std::fs;
use std::path::Path;

/// 2026-01-01 and a year on, UTC.
const START: i64 = 1_767_225_600;
const YEAR: i64 = 365 * 86_400;

pub(crate) fn one_year() -> Validity {
    Validity {
        not_before: UnixTime::from_seconds(START),
        not_after: UnixTime::from_seconds(START + YEAR),
    }
}

pub(crate) fn midyear() -> UnixTime {
    UnixTime::from_seconds(START + YEAR / 2)
}

/// A key of the algorithm; the RSA one is a fixture, because making one takes a second.
pub(crate) fn key(algorithm: Algorithm) -> PrivateKey {
    match algorithm {
        Algorithm::Es256 => PrivateKey::generate(algorithm).unwrap(),
        Algorithm::Ps256 => {
            let pem = fs::read_to_string(root("fixtures/pki/rsa-3072.test-key.pem")).unwrap();
            let body: String = pem.lines().filter(|line| !line.starts_with('-')).collect();
            PrivateKey::from_pkcs8(&BASE64_STANDARD.decode(body).unwrap()).unwrap()
        }
    }
}

/// An agency's seal under a fresh demo authority.
pub(crate) struct Seal {
    pub(crate) authority: DemoAuthority,
    pub(crate) key: PrivateKey,
    pub(crate) chain: Chain,
}

pub(crate) fn seal(algorithm: Algorithm) -> Seal {
    let authority = DemoAuthority::generate(one_year()).unwrap();
    let key = key(algorithm);
    let subject = Subject::agency("Sở Xây dựng thành phố Ví Dụ", "H00.1");
    let chain = authority
        .issue(&subject, key.public_key(), one_year())
        .unwrap();
    Seal {
        authority,
        key,
        chain,
    }
}

impl Seal {
    fn build(&self, at: UnixTime) -> Result<VerifiedChain, ChainError> {
        chain::build(
            self.chain.leaf(),
            self.chain.issuers(),
            &[self.authority.root().clone()],
            at,
            Purpose::DocumentSigning,
        )
    }
}

#[test]
fn a_path_leads_from_the_seal_to_the_root_and_says_that_nobody_asked_for_revocation() {
    let seal = seal(Algorithm::Es256);
    let verified = seal.build(midyear()).unwrap();
    assert_eq!(verified.leaf(), Some(seal.chain.leaf()));
    assert_eq!(verified.certificates().len(), 3);
    assert_eq!(verified.root(), Some(seal.authority.root()));
    assert_eq!(verified.revocation(), Revocation::NotPerformed);
}

#[test]
fn a_path_holds_from_the_first_to_the_last_second_of_the_leaf() {
    let seal = seal(Algorithm::Es256);
    let Validity {
        not_before,
        not_after,
    } = one_year();
    assert!(seal.build(not_before).is_ok() && seal.build(not_after).is_ok());
    assert_eq!(
        seal.build(not_after.plus(1)),
        Err(ChainError::Expired {
            position: 0,
            not_after,
            at: not_after.plus(1)
        })
    );
    assert_eq!(
        seal.build(not_before.plus(-1)),
        Err(ChainError::NotYetValid {
            position: 0,
            not_before,
            at: not_before.plus(-1)
        })
    );
}

#[test]
fn an_expired_authority_above_a_valid_leaf_is_told_by_its_position() {
    let authority = DemoAuthority::generate(one_year()).unwrap();
    let longer = Validity {
        not_after: one_year().not_after.plus(YEAR),
        ..one_year()
    };
    let key = key(Algorithm::Es256);
    let subject = Subject::person("Nguyễn Văn Mẫu", "Giám đốc", "Sở Xây dựng");
    let chain = authority.issue(&subject, key.public_key(), longer).unwrap();
    let seal = Seal {
        authority,
        key,
        chain,
    };
    let not_after = one_year().not_after;
    let at = not_after.plus(86_400);
    assert_eq!(
        seal.build(at),
        Err(ChainError::Expired {
            position: 1,
            not_after,
            at
        })
    );
}

#[test]
fn another_authority_of_the_same_name_is_not_the_root() {
    let seal = seal(Algorithm::Es256);
    let stranger = DemoAuthority::generate(one_year()).unwrap();
    assert_eq!(stranger.root().subject(), seal.authority.root().subject());
    let build = |intermediates: &[Certificate], roots: &[Certificate]| {
        chain::build(
            seal.chain.leaf(),
            intermediates,
            roots,
            midyear(),
            Purpose::DocumentSigning,
        )
    };
    let strangers = [stranger.root().clone()];
    assert_eq!(
        build(seal.chain.issuers(), &strangers),
        Err(ChainError::NoPath)
    );
    assert_eq!(
        build(&[], &[seal.authority.root().clone()]),
        Err(ChainError::NoPath)
    );
    assert_eq!(build(seal.chain.issuers(), &[]), Err(ChainError::NoPath));
}

#[test]
fn each_fault_of_a_path_has_its_own_error() {
    let leaf = |_: &mut CertificateParams| {};
    let oid = ObjectIdentifier::new_unwrap("1.2.3.4");
    let cases: Vec<(&str, Made, ChainError)> = vec![
        (
            "an intermediate that is no authority",
            Made::with(|params| params.is_ca = IsCa::ExplicitNoCa, leaf),
            ChainError::NotAnAuthority { position: 1 },
        ),
        (
            "an intermediate that may not sign certificates",
            Made::with(
                |params| {
                    authority_params(params);
                    params.key_usages = vec![KeyUsagePurpose::CrlSign];
                },
                leaf,
            ),
            ChainError::MayNotSignCertificates { position: 1 },
        ),
        (
            "an authority below one that allows none",
            Made::with(
                |params| params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained),
                leaf,
            )
            .under_path_length(0),
            ChainError::PathLength {
                position: 2,
                allowed: 0,
            },
        ),
        (
            "a critical extension of the leaf that nobody knows",
            Made::with(authority_params, |params| {
                let mut unknown = CustomExtension::from_oid_content(&[1, 2, 3, 4], vec![5, 0]);
                unknown.set_criticality(true);
                params.custom_extensions = vec![unknown];
            }),
            ChainError::UnknownCriticalExtension { position: 0, oid },
        ),
        (
            "a certificate for servers",
            Made::with(authority_params, |params| {
                params.extended_key_usages = vec![rcgen::ExtendedKeyUsagePurpose::ServerAuth];
            }),
            ChainError::WrongPurpose(Purpose::DocumentSigning),
        ),
        (
            "a key for encryption only",
            Made::with(authority_params, |params| {
                params.key_usages = vec![KeyUsagePurpose::KeyEncipherment];
            }),
            ChainError::WrongPurpose(Purpose::DocumentSigning),
        ),
        (
            "a leaf signed by another key of that name",
            Made::with(authority_params, leaf).signed_by_a_stranger(),
            ChainError::BadSignature { position: 0 },
        ),
    ];
    for (name, made, fault) in cases {
        assert_eq!(made.build(Purpose::DocumentSigning), Err(fault), "{name}");
    }
    let sound = Made::with(authority_params, leaf);
    assert_eq!(
        sound
            .build(Purpose::DocumentSigning)
            .unwrap()
            .certificates()
            .len(),
        3
    );
    assert_eq!(
        sound.build(Purpose::TimeStamping),
        Err(ChainError::WrongPurpose(Purpose::TimeStamping))
    );
}

#[test]
fn authorities_that_sign_each_other_end_the_search() {
    // A thicket of intermediates, all of one name and key: each may stand above each.
    let (key, leaf_key) = (key(Algorithm::Es256), key(Algorithm::Es256));
    let name = |params: &mut CertificateParams, name: &str| {
        params.distinguished_name.push(DnType::CommonName, name);
    };
    let mut params = CertificateParams::default();
    name(&mut params, "thicket");
    authority_params(&mut params);
    valid(&mut params);
    let thicket: Vec<Certificate> = (0..40)
        .map(|_| Certificate::from_der(params.self_signed(&key).unwrap().der()).unwrap())
        .collect();
    let mut leaf = CertificateParams::default();
    name(&mut leaf, "leaf");
    valid(&mut leaf);
    let leaf = leaf
        .signed_by(&leaf_key, &Issuer::new(params, &key))
        .unwrap();
    let leaf = Certificate::from_der(leaf.der()).unwrap();
    let found = chain::build(&leaf, &thicket, &[], midyear(), Purpose::DocumentSigning);
    assert_eq!(
        found,
        Err(ChainError::TooLong {
            max: dauso::limits::CHAIN
        })
    );
}

/// Key file, digest, further options, what checking says.
type Case<'a> = (&'a Path, &'a str, &'a [&'a str], Result<bool, Unsupported>);

#[test]
fn signatures_that_openssl_makes_on_certificates_are_judged_by_their_algorithm() {
    let folder = tempfile::tempdir().unwrap();
    let rsa = root("fixtures/pki/rsa-3072.test-key.pem");
    let fresh = |algorithm: &str, option: &str| {
        let path = folder.path().join(format!("{algorithm}-{}", option.len()));
        openssl(&[
            "genpkey",
            "-algorithm",
            algorithm,
            "-pkeyopt",
            option,
            "-out",
            text(&path),
        ]);
        path
    };
    let p384 = fresh("EC", "ec_paramgen_curve:P-384");
    let p521 = fresh("EC", "ec_paramgen_curve:secp521r1");
    let ed25519 = folder.path().join("ed25519");
    openssl(&["genpkey", "-algorithm", "ED25519", "-out", text(&ed25519)]);
    let short = fresh("RSA", "rsa_keygen_bits:1024");
    let pss = [
        "-sigopt",
        "rsa_padding_mode:pss",
        "-sigopt",
        "rsa_pss_saltlen:digest",
    ];
    let long_salt = [
        "-sigopt",
        "rsa_padding_mode:pss",
        "-sigopt",
        "rsa_pss_saltlen:64",
    ];
    let [no_salt, longest_salt] = ["rsa_pss_saltlen:0", "rsa_pss_saltlen:max"]
        .map(|salt| ["-sigopt", "rsa_padding_mode:pss", "-sigopt", salt]);
    let ed25519_oid = ObjectIdentifier::new_unwrap("1.3.101.112");
    let cases: [Case<'_>; 12] = [
        (&rsa, "-sha256", &[], Ok(true)),
        (&rsa, "-sha512", &[], Ok(true)),
        (&rsa, "-sha256", &pss, Ok(true)),
        (&rsa, "-sha384", &pss, Ok(true)),
        (&rsa, "-sha256", &long_salt, Ok(true)),
        (&rsa, "-sha512", &no_salt, Ok(true)),
        (&rsa, "-sha256", &longest_salt, Ok(true)),
        (&rsa, "-sha1", &[], Err(Unsupported::Sha1)),
        (&p384, "-sha384", &[], Ok(true)),
        (&p521, "-sha256", &[], Err(Unsupported::Key)),
        (
            &ed25519,
            "-sha256",
            &[],
            Err(Unsupported::Signature(ed25519_oid)),
        ),
        (&short, "-sha256", &[], Err(Unsupported::Key)),
    ];
    for (key, digest, options, expected) in cases {
        let mut arguments = vec![
            "req",
            "-x509",
            "-subj",
            "/CN=root",
            "-key",
            text(key),
            digest,
        ];
        arguments.extend(options);
        let certificates = Certificate::read_all(&openssl(&arguments)).unwrap();
        let [made] = certificates.as_slice() else {
            panic!("one certificate")
        };
        let mut changed = made.der().to_vec();
        *changed.last_mut().unwrap() ^= 1;
        let changed = Certificate::from_der(&changed).unwrap();
        assert_eq!(changed.is_signed_by(made), expected.map(|_| false));
        assert_eq!(
            made.is_signed_by(made),
            expected,
            "{} {digest} {options:?}",
            key.display()
        );
    }
}

/// A root, an intermediate and a leaf, each as somebody wanted it.
struct Made {
    authority: Box<dyn Fn(&mut CertificateParams)>,
    leaf: Box<dyn Fn(&mut CertificateParams)>,
    root_path_length: Option<u8>,
    stranger: bool,
}

fn authority_params(params: &mut CertificateParams) {
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign];
}

fn valid(params: &mut CertificateParams) {
    let moment = |seconds| time::OffsetDateTime::from_unix_timestamp(seconds).unwrap();
    params.not_before = moment(START);
    params.not_after = moment(START + YEAR);
}

impl Made {
    fn with(
        authority: impl Fn(&mut CertificateParams) + 'static,
        leaf: impl Fn(&mut CertificateParams) + 'static,
    ) -> Self {
        Self {
            authority: Box::new(authority),
            leaf: Box::new(leaf),
            root_path_length: None,
            stranger: false,
        }
    }

    fn under_path_length(mut self, allowed: u8) -> Self {
        self.root_path_length = Some(allowed);
        self
    }

    fn signed_by_a_stranger(mut self) -> Self {
        self.stranger = true;
        self
    }

    fn build(&self, purpose: Purpose) -> Result<VerifiedChain, ChainError> {
        let params = |name: &str, change: &dyn Fn(&mut CertificateParams)| {
            let mut params = CertificateParams::default();
            params.distinguished_name.push(DnType::CommonName, name);
            valid(&mut params);
            change(&mut params);
            params
        };
        let keys = [(); 4].map(|()| key(Algorithm::Es256));
        let [root_key, issuing_key, leaf_key, stranger] = &keys;
        let root_params = params("root", &|params| {
            authority_params(params);
            if let Some(allowed) = self.root_path_length {
                params.is_ca = IsCa::Ca(BasicConstraints::Constrained(allowed));
            }
        });
        let issuing_params = params("issuing", &*self.authority);
        let root = root_params.self_signed(root_key).unwrap();
        let root_issuer = Issuer::new(root_params, root_key);
        let issuing = issuing_params.signed_by(issuing_key, &root_issuer).unwrap();
        let issuer_key = if self.stranger { stranger } else { issuing_key };
        let issuing_issuer = Issuer::new(issuing_params, issuer_key);
        let leaf = params("leaf", &*self.leaf)
            .signed_by(leaf_key, &issuing_issuer)
            .unwrap();
        let [root, issuing, leaf] =
            [root, issuing, leaf].map(|made| Certificate::from_der(made.der()).unwrap());
        chain::build(&leaf, &[issuing], &[root], midyear(), purpose)
    }
}

pub(crate) fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}

pub(crate) fn openssl(arguments: &[&str]) -> Vec<u8> {
    let output = run("openssl", arguments);
    assert!(
        output.status.success(),
        "{arguments:?}: {}",
        String::from_utf8_lossy(&output.stderr)
    );
    output.stdout
}
