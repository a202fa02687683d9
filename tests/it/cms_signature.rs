//! CMS signatures, with OpenSSL and the `cms` crate as judges.

use crate::judges::{root, run};
use crate::pki::{Seal, key, midyear, one_year, openssl, seal, text};
use dauso::digest::Sha256;
use dauso::key::Algorithm;
use dauso::pki::chain::{self, Purpose};
use dauso::pki::cms::{
    Binding, CmsError, CmsOutcome, SignedData, Signing, SigningError, size_bound,
};
use dauso::pki::{Certificate, Hash, Scheme, Unsupported};
use dauso::signer::Subject;
use der::{Decode as _, Encode as _};
use proptest::prelude::*;
use std::fs;
use std::sync::OnceLock;

const CONTENT: &[u8] = b"n\xe1\xbb\x99i dung \x00\xff of a result";

const PSS: Scheme = Scheme::RsaPss {
    hash: Hash::Sha256,
    salt: 32,
};

impl Seal {
    fn sign(&self, content: &[u8]) -> Vec<u8> {
        let algorithm = self.key.public_key().algorithm();
        let signing = Signing::new(&self.chain, Sha256::of(content), algorithm).unwrap();
        let signature = self.key.sign(&signing.to_be_signed()).unwrap();
        signing.assemble(&signature).unwrap()
    }
}

#[test]
fn openssl_accepts_our_signature_and_refuses_another_content() {
    for algorithm in [Algorithm::Es256, Algorithm::Ps256] {
        let seal = seal(algorithm);
        let folder = tempfile::tempdir().unwrap();
        let [cms, content, ca] = ["cms", "content", "ca"].map(|name| folder.path().join(name));
        fs::write(&cms, seal.sign(CONTENT)).unwrap();
        fs::write(&ca, seal.authority.root().pem()).unwrap();
        let verify = |bytes: &[u8]| {
            fs::write(&content, bytes).unwrap();
            let from = [
                "cms",
                "-verify",
                "-binary",
                "-inform",
                "DER",
                "-in",
                text(&cms),
            ];
            let time = midyear().seconds().to_string();
            let against = [
                "-content",
                text(&content),
                "-CAfile",
                text(&ca),
                "-cades",
                "-attime",
                &time,
            ];
            let output = run("openssl", &[&from[..], &against[..]].concat());
            let said = String::from_utf8_lossy(&output.stderr).into_owned();
            (output.status.success(), said)
        };
        let (accepted, said) = verify(CONTENT);
        assert!(accepted, "{algorithm:?}: {said}");
        let (accepted, said) = verify(b"another content");
        assert!(
            !accepted && said.contains("verification failure"),
            "{algorithm:?}: {said}"
        );

        let print = [
            "cms",
            "-cmsout",
            "-print",
            "-inform",
            "DER",
            "-in",
            text(&cms),
        ];
        let printed = String::from_utf8(openssl(&print)).unwrap();
        for attribute in [
            "object: contentType",
            "object: messageDigest",
            "object: id-smime-aa-signingCertificateV2",
        ] {
            assert_eq!(
                printed.matches(attribute).count(),
                1,
                "{attribute}\n{printed}"
            );
        }
        assert!(!printed.contains("signingTime"), "{printed}");
        assert_eq!(
            printed.matches("d.issuerAndSerialNumber").count(),
            1,
            "{printed}"
        );
        assert_eq!(printed.matches("d.certificate:").count(), 3, "{printed}");
    }
}

#[test]
fn the_cms_crate_reads_our_signature_as_der_and_writes_the_same_bytes() {
    for algorithm in [Algorithm::Es256, Algorithm::Ps256] {
        let bytes = seal(algorithm).sign(CONTENT);
        let info = cms::content_info::ContentInfo::from_der(&bytes).unwrap();
        let data: cms::signed_data::SignedData = info.content.decode_as().unwrap();
        assert_eq!(data.to_der().unwrap(), info.content.to_der().unwrap());
        assert_eq!(data.signer_infos.0.len(), 1);
        assert_eq!(info.to_der().unwrap(), bytes);
    }
}

#[test]
fn the_room_left_for_a_signature_always_suffices() {
    for (algorithm, rounds) in [(Algorithm::Es256, 60), (Algorithm::Ps256, 2)] {
        let seal = seal(algorithm);
        let bound = size_bound(&seal.chain, algorithm).unwrap();
        for round in 0..rounds {
            let length = seal.sign(&[round]).len();
            assert!(
                (bound - 20..=bound).contains(&length),
                "{length} of {bound}"
            );
        }
    }
}

#[test]
fn our_signature_is_intact_and_bound_to_its_certificate() {
    for (algorithm, scheme) in [
        (Algorithm::Es256, Scheme::Ecdsa(Hash::Sha256)),
        (Algorithm::Ps256, PSS),
    ] {
        let seal = seal(algorithm);
        let padded = [seal.sign(CONTENT), vec![0; 100]].concat();
        let check = SignedData::parse(&padded)
            .unwrap()
            .check(Sha256::of(CONTENT));
        assert_eq!(check.outcome, CmsOutcome::Intact);
        assert_eq!(check.signer.as_ref(), Some(seal.chain.leaf()));
        assert_eq!(check.scheme, Some(scheme));
        assert_eq!(check.binding, Binding::SigningCertificateV2);
    }
}

#[test]
fn each_kind_of_tampering_has_its_own_outcome() {
    let seal = seal(Algorithm::Es256);
    let bytes = seal.sign(CONTENT);
    let digest = Sha256::of(CONTENT);
    let outcome = |bytes: &[u8], digest| SignedData::parse(bytes).unwrap().check(digest).outcome;
    let flipped = |at: usize| {
        let mut changed = bytes.clone();
        changed[at] ^= 1;
        changed
    };
    let digest_at = find(&bytes, &digest.0);
    let serial = seal.chain.leaf().serial();
    let last_serial = bytes
        .windows(serial.len())
        .rposition(|window| window == serial)
        .unwrap();
    let certificate = seal.chain.leaf().der();
    let certificate_at = find(&bytes, certificate);
    assert_eq!(
        outcome(&bytes, Sha256::of(b"other")),
        CmsOutcome::DigestMismatch
    );
    assert_eq!(
        outcome(&flipped(digest_at), digest),
        CmsOutcome::BadSignature
    );
    assert_eq!(
        outcome(&flipped(bytes.len() - 1), digest),
        CmsOutcome::BadSignature
    );
    // The last byte of the certificate is its issuer's signature: only the signed digest of it tells.
    let changed = flipped(certificate_at + certificate.len() - 1);
    assert_eq!(outcome(&changed, digest), CmsOutcome::CertificateMismatch);
    // The serial number occurs in the certificate, in the signer's id and in the signed attributes.
    assert_eq!(
        outcome(&flipped(last_serial), digest),
        CmsOutcome::BadSignature
    );
    let id = find(&bytes[certificate_at + certificate.len()..], serial);
    let id = certificate_at + certificate.len() + id;
    assert_eq!(
        outcome(&flipped(id), digest),
        CmsOutcome::NoSignerCertificate
    );
    let parse = |bytes: &[u8]| SignedData::parse(bytes).unwrap_err();
    assert_eq!(parse(&bytes[..bytes.len() - 1]), CmsError::Malformed);
    assert_eq!(
        parse(&[bytes.as_slice(), &[0, 1]].concat()),
        CmsError::TrailingBytes
    );
    assert_eq!(parse(&vec![0; dauso::limits::CMS + 1]), CmsError::TooLarge);
}

#[test]
fn a_flipped_byte_never_leaves_another_content_or_signer_intact() {
    let seal = seal(Algorithm::Es256);
    let bytes = seal.sign(CONTENT);
    for at in 0..bytes.len() {
        let mut changed = bytes.clone();
        changed[at] ^= 1;
        if let Ok(parsed) = SignedData::parse(&changed) {
            let check = parsed.check(Sha256::of(CONTENT));
            if check.outcome == CmsOutcome::Intact {
                assert_eq!(check.signer.as_ref(), Some(seal.chain.leaf()), "byte {at}");
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]
    #[test]
    fn spliced_signatures_break_or_keep_their_signer(
        cut in 0..2_000_usize,
        length in 0..40_usize,
        put in prop::collection::vec(any::<u8>(), 0..40),
    ) {
        static SIGNED: OnceLock<(Vec<u8>, Certificate)> = OnceLock::new();
        let (bytes, leaf) = SIGNED.get_or_init(|| {
            let seal = seal(Algorithm::Es256);
            (seal.sign(CONTENT), seal.chain.leaf().clone())
        });
        let cut = cut.min(bytes.len());
        let after = (cut + length).min(bytes.len());
        let spliced = [&bytes[..cut], &put, &bytes[after..]].concat();
        if let Ok(parsed) = SignedData::parse(&spliced) {
            let check = parsed.check(Sha256::of(CONTENT));
            if check.outcome == CmsOutcome::Intact {
                prop_assert_eq!(check.signer.as_ref(), Some(leaf));
            }
        }
    }
}

#[test]
fn a_signature_of_another_key_or_algorithm_is_not_assembled() {
    let seal = seal(Algorithm::Es256);
    let digest = Sha256::of(CONTENT);
    let prepare = |algorithm| Signing::new(&seal.chain, digest, algorithm);
    assert_eq!(
        prepare(Algorithm::Ps256).map(|_| ()),
        Err(SigningError::Key(Algorithm::Ps256))
    );
    let signing = prepare(Algorithm::Es256).unwrap();
    let stranger = key(Algorithm::Es256).sign(&signing.to_be_signed()).unwrap();
    assert_eq!(signing.assemble(&stranger), Err(SigningError::BadSignature));
}

#[test]
fn signatures_that_openssl_makes_are_checked() {
    let folder = tempfile::tempdir().unwrap();
    let seal = seal(Algorithm::Ps256);
    let [content, signer] = ["content", "signer"].map(|name| folder.path().join(name));
    fs::write(&content, CONTENT).unwrap();
    fs::write(&signer, seal.chain.leaf().pem()).unwrap();
    let rsa = root("fixtures/pki/rsa-3072.test-key.pem");
    let sign = |options: &[&str]| {
        let mut arguments = vec![
            "cms",
            "-sign",
            "-binary",
            "-outform",
            "DER",
            "-in",
            text(&content),
        ];
        arguments.extend(["-signer", text(&signer), "-inkey", text(&rsa)]);
        arguments.extend(options);
        openssl(&arguments)
    };
    let pkcs1 = |hash| Some(Scheme::RsaPkcs1(hash));
    let pss = [
        "-keyopt",
        "rsa_padding_mode:pss",
        "-keyopt",
        "rsa_pss_saltlen:digest",
    ];
    let intact = CmsOutcome::Intact;
    let sha1 = CmsOutcome::Unsupported(Unsupported::Sha1);
    let cases: [(&[&str], CmsOutcome, Option<Scheme>, Binding); 9] = [
        (
            &["-md", "sha256"],
            intact,
            pkcs1(Hash::Sha256),
            Binding::None,
        ),
        (
            &["-md", "sha512"],
            intact,
            pkcs1(Hash::Sha512),
            Binding::None,
        ),
        (
            &["-cades"],
            intact,
            pkcs1(Hash::Sha256),
            Binding::SigningCertificateV2,
        ),
        (
            &["-cades", "-md", "sha384"],
            intact,
            pkcs1(Hash::Sha384),
            Binding::SigningCertificateV2,
        ),
        (&pss, intact, Some(PSS), Binding::None),
        // Indefinite lengths; the signer named by its key.
        (
            &["-stream", "-keyid"],
            intact,
            pkcs1(Hash::Sha256),
            Binding::None,
        ),
        (&["-md", "sha1"], sha1, None, Binding::None),
        (
            &["-noattr"],
            CmsOutcome::IncompleteAttributes,
            pkcs1(Hash::Sha256),
            Binding::None,
        ),
        (
            &["-nocerts"],
            CmsOutcome::NoSignerCertificate,
            pkcs1(Hash::Sha256),
            Binding::None,
        ),
    ];
    for (options, outcome, scheme, binding) in cases {
        let parsed = SignedData::parse(&sign(options)).unwrap();
        let check = parsed.check_content(&[&CONTENT[..5], &CONTENT[5..]]);
        assert_eq!(
            (check.outcome, check.binding),
            (outcome, binding),
            "{options:?}"
        );
        if outcome == CmsOutcome::Intact {
            assert_eq!(check.scheme, scheme, "{options:?}");
            assert_eq!(
                parsed.check_content(&[b"other"]).outcome,
                CmsOutcome::DigestMismatch,
                "{options:?}"
            );
        }
    }
    assert_eq!(
        SignedData::parse(&sign(&["-md", "sha512"]))
            .unwrap()
            .check(Sha256::of(CONTENT))
            .outcome,
        CmsOutcome::Unsupported(Unsupported::OtherDigest(Hash::Sha512))
    );
    let other = folder.path().join("other");
    let subject = Subject::agency("Sở Y tế thành phố Ví Dụ", "H00.2");
    let issued = seal
        .authority
        .issue(&subject, seal.key.public_key(), one_year())
        .unwrap();
    fs::write(&other, issued.leaf().pem()).unwrap();
    let twice = sign(&["-signer", text(&other), "-inkey", text(&rsa)]);
    assert_eq!(SignedData::parse(&twice).unwrap_err(), CmsError::Signers(2));
}

#[test]
fn the_signed_sample_files_of_other_programs_are_intact_and_trusted() {
    let roots =
        Certificate::read_all(&fs::read(root("fixtures/pdf/test-ca.pem")).unwrap()).unwrap();
    let cases: [(&str, &[&str], bool); 2] = [
        (
            "practising-certificate--signed-once.pdf",
            &["Nguyễn Văn Mẫu"],
            false,
        ),
        (
            "vehicle-badge--signed-twice-timestamped.pdf",
            &["Đỗ Quỳnh Thử Nghiệm", "Sở Xây dựng Mẫu"],
            true,
        ),
    ];
    for (file, names, stamped) in cases {
        let pdf = fs::read(root("fixtures/pdf").join(file)).unwrap();
        let signatures = signatures(&pdf);
        assert_eq!(signatures.len(), names.len(), "{file}");
        for (([first, second], contents), name) in signatures.into_iter().zip(names) {
            let signed = SignedData::parse(&contents).unwrap();
            let digest = Sha256::of_parts(&[first, second]);
            let check = signed.check(digest);
            assert_eq!(check.outcome, CmsOutcome::Intact, "{file}");
            assert_eq!(signed.check_content(&[first, second]), check, "{file}");
            assert_eq!(check.binding, Binding::SigningCertificateV2, "{file}");
            assert_eq!(signed.time_stamp_token().is_some(), stamped, "{file}");
            let leaf = check.signer.unwrap();
            assert_eq!(leaf.subject().common_name(), Some(*name));
            let found = chain::build(
                &leaf,
                signed.certificates(),
                &roots,
                midyear(),
                Purpose::DocumentSigning,
            );
            assert_eq!(found.unwrap().root(), roots.first(), "{file}");
            let changed = Sha256::of_parts(&[first, &second[1..]]);
            assert_eq!(
                signed.check(changed).outcome,
                CmsOutcome::DigestMismatch,
                "{file}"
            );
        }
    }
}

fn find(bytes: &[u8], wanted: &[u8]) -> usize {
    bytes
        .windows(wanted.len())
        .position(|window| window == wanted)
        .expect("the bytes are there")
}

/// The two signed ranges and the contents of every `/ByteRange` in a file.
fn signatures(pdf: &[u8]) -> Vec<([&[u8]; 2], Vec<u8>)> {
    const KEY: &[u8] = b"/ByteRange";
    let starts = (0..pdf.len()).filter(|at| pdf[*at..].starts_with(KEY));
    starts
        .map(|at| {
            let array = &pdf[at + KEY.len()..];
            let array = &array[find(array, b"[") + 1..find(array, b"]")];
            let numbers: Vec<usize> = std::str::from_utf8(array)
                .unwrap()
                .split_ascii_whitespace()
                .map(|number| number.parse().unwrap())
                .collect();
            let [a, b, c, d] = numbers.try_into().unwrap();
            let hex = &pdf[a + b + 1..c - 1];
            let contents = hex
                .chunks(2)
                .map(|pair| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap())
                .collect();
            ([&pdf[a..a + b], &pdf[c..c + d]], contents)
        })
        .collect()
}
