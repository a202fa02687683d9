//! The demo authority: certificates that look and check like real ones and are worth nothing.
//!
//! ```text
//! root      CN=CA THỬ NGHIỆM – KHÔNG CÓ GIÁ TRỊ PHÁP LÝ   path length 1   root.pem     root.key.pem
//!  └ issuing  CN=CA cấp phát THỬ NGHIỆM …                  path length 0   issuing.pem  issuing.key.pem
//!      └ agencies' seals, persons, services ([`super::services`])
//! ```
//!
//! A real deployment brings certificates of VGCA or a public CA for the same keys (`keys` → CSR) and never
//! makes this.

use super::file::{self, FileSigner, KeyFileError};
use super::private_key::{PrivateKey, UnusableKey};
use super::subject::Subject;
use crate::clock::UnixTime;
use crate::key::{Algorithm, PublicKey};
use crate::pki::{Certificate, CertificateError, Chain, RevocationReason, Revoked, chain};
use crate::private::Private;
use rcgen::{
    BasicConstraints, CertificateParams, CertificateRevocationListParams, CrlDistributionPoint,
    CustomExtension, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyIdMethod, KeyUsagePurpose,
    RevokedCertParams, SerialNumber, SubjectPublicKeyInfo,
};
use ring::rand::{SecureRandom as _, SystemRandom};
use std::io;
use std::path::{Path, PathBuf};
use time::OffsetDateTime;

/// The name of the root, which every viewer shows: "test authority, without legal value".
pub const ROOT_NAME: &str = "CA THỬ NGHIỆM – KHÔNG CÓ GIÁ TRỊ PHÁP LÝ";

/// The name of the authority that issues to agencies and persons.
pub const ISSUING_NAME: &str = "CA cấp phát THỬ NGHIỆM – KHÔNG CÓ GIÁ TRỊ PHÁP LÝ";

/// From which to which second a certificate is valid.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Validity {
    /// The first second.
    pub not_before: UnixTime,
    /// The last second.
    pub not_after: UnixTime,
}

/// Why the authority cannot be made, opened or used.
#[derive(Debug, thiserror::Error)]
pub enum AuthorityError {
    /// One of its keys cannot be used.
    #[error(transparent)]
    KeyFile(#[from] KeyFileError),
    /// A key could not be made.
    #[error(transparent)]
    Key(#[from] UnusableKey),
    /// A certificate file cannot be read or written.
    #[error("{path}: {source}")]
    File {
        /// Which file.
        path: PathBuf,
        /// What the file system said.
        #[source]
        source: io::Error,
    },
    /// A file holds no certificate.
    #[error("{path}: {source}")]
    Certificate {
        /// Which file.
        path: PathBuf,
        /// What is wrong.
        #[source]
        source: CertificateError,
    },
    /// The certificates and keys of the folder do not belong together.
    #[error("the authority's certificates and keys do not belong together")]
    Mismatch,
    /// A certificate could not be written: the subject cannot be encoded, or its key is unknown.
    #[error("the certificate could not be made")]
    NotIssued(#[source] rcgen::Error),
    /// The random generator failed.
    #[error("no randomness to be had")]
    NoRandomness,
}

impl From<rcgen::Error> for AuthorityError {
    fn from(source: rcgen::Error) -> Self {
        Self::NotIssued(source)
    }
}

/// Where its certificates say that one may ask about them.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Addresses {
    /// About those of the issuing authority, by OCSP.
    pub ocsp: String,
    /// The root's list of withdrawn authorities.
    pub root_list: String,
}

/// Names that nobody has (RFC 6761 §6.2): real certificates carry addresses, and verifiers look for them.
impl Default for Addresses {
    fn default() -> Self {
        Self {
            ocsp: "http://ocsp.dauso.test/".to_owned(),
            root_list: "http://crl.dauso.test/root.crl".to_owned(),
        }
    }
}

/// A root and the authority below it that issues certificates.
#[derive(Debug)]
pub struct DemoAuthority {
    addresses: Addresses,
    root: Certificate,
    root_key: PrivateKey,
    issuing: Certificate,
    issuing_key: PrivateKey,
}

impl DemoAuthority {
    /// Makes an authority in memory.
    ///
    /// # Errors
    /// [`AuthorityError`] when randomness fails.
    pub fn generate(validity: Validity) -> Result<Self, AuthorityError> {
        Self::generate_at(validity, Addresses::default())
    }

    /// The same with addresses where somebody answers.
    ///
    /// # Errors
    /// [`AuthorityError`] when randomness fails.
    pub fn generate_at(validity: Validity, addresses: Addresses) -> Result<Self, AuthorityError> {
        let root_key = PrivateKey::generate(Algorithm::Es256)?;
        let root_params = authority(ROOT_NAME, 1, validity)?;
        let root = read(root_params.self_signed(&root_key)?.der())?;
        let issuing_key = PrivateKey::generate(Algorithm::Es256)?;
        let mut issuing_params = authority(ISSUING_NAME, 0, validity)?;
        issuing_params.crl_distribution_points = vec![CrlDistributionPoint {
            uris: vec![addresses.root_list.clone()],
        }];
        let issuing =
            issuing_params.signed_by(&issuing_key, &Issuer::new(root_params, &root_key))?;
        Ok(Self {
            addresses,
            root,
            root_key,
            issuing: read(issuing.der())?,
            issuing_key,
        })
    }

    /// Makes an authority and writes it to a folder, which must not hold one yet.
    ///
    /// # Errors
    /// [`AuthorityError`].
    pub fn create(
        folder: &Path,
        passphrase: &Private<String>,
        validity: Validity,
    ) -> Result<Self, AuthorityError> {
        let made = Self::generate(validity)?;
        for (name, key, certificate) in [
            ("root", &made.root_key, &made.root),
            ("issuing", &made.issuing_key, &made.issuing),
        ] {
            file::write_encrypted(&key_path(folder, name), key, passphrase)?;
            let path = certificate_path(folder, name);
            std::fs::write(&path, certificate.pem())
                .map_err(|source| AuthorityError::File { path, source })?;
        }
        Ok(made)
    }

    /// Opens the authority of a folder.
    ///
    /// # Errors
    /// [`AuthorityError`]; [`AuthorityError::Mismatch`] when a key does not go with its certificate.
    pub fn open(folder: &Path, passphrase: &Private<String>) -> Result<Self, AuthorityError> {
        let open = |name| FileSigner::open(&key_path(folder, name), passphrase);
        let made = Self {
            addresses: Addresses::default(),
            root: read_file(certificate_path(folder, "root"))?,
            root_key: open("root")?.into_key(),
            issuing: read_file(certificate_path(folder, "issuing"))?,
            issuing_key: open("issuing")?.into_key(),
        };
        let belong = |certificate: &Certificate, key: &PrivateKey| {
            certificate.spki() == key.public_key().spki()
        };
        if belong(&made.root, &made.root_key)
            && belong(&made.issuing, &made.issuing_key)
            && made.issuing.is_signed_by(&made.root) == Ok(true)
        {
            Ok(made)
        } else {
            Err(AuthorityError::Mismatch)
        }
    }

    /// The root certificate, which verifiers of the demo trust.
    #[must_use]
    pub fn root(&self) -> &Certificate {
        &self.root
    }

    /// The certificate of the issuing authority.
    #[must_use]
    pub fn issuing(&self) -> &Certificate {
        &self.issuing
    }

    /// Issues a certificate for signing documents: an agency's seal or a person's key. The chain ends with
    /// the root.
    ///
    /// # Errors
    /// [`AuthorityError::NotIssued`] when the subject or the key cannot be written.
    pub fn issue(
        &self,
        subject: &Subject,
        key: &PublicKey,
        validity: Validity,
    ) -> Result<Chain, AuthorityError> {
        let mut params = subject.document_signing();
        params.extended_key_usages = vec![
            // id-kp-documentSigning (RFC 9336); S/MIME readers of CMS look for e-mail protection.
            ExtendedKeyUsagePurpose::Other(vec![1, 3, 6, 1, 5, 5, 7, 3, 36]),
            ExtendedKeyUsagePurpose::EmailProtection,
        ];
        self.sign(params, key, validity)
    }
}

/// Certificates that an authority withdrew: serial number and how.
pub type Withdrawn = Vec<(Vec<u8>, Revoked)>;

/// What a service below the issuing authority does.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Service {
    /// Gives time stamps (RFC 3161 §2.3): that purpose alone, critical.
    TimeStamping,
    /// Answers OCSP for the issuing authority (RFC 6960 §4.2.2.2); nobody need ask about it.
    OcspSigning,
}

/// Which of the two authorities signs a list.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum ListOf {
    /// The root: of the authorities below it.
    Root,
    /// The issuing authority: of agencies, persons and services.
    Issuing,
}

impl DemoAuthority {
    /// Issues a certificate for a service. The chain ends with the root.
    ///
    /// # Errors
    /// [`AuthorityError::NotIssued`] when the key cannot be written.
    pub fn issue_service(
        &self,
        service: Service,
        common_name: &str,
        key: &PublicKey,
        validity: Validity,
    ) -> Result<Chain, AuthorityError> {
        // SEQUENCE { OID 1.3.6.1.5.5.7.3.x }
        let purpose = |last| vec![0x30, 10, 6, 8, 0x2b, 6, 1, 5, 5, 7, 3, last];
        let mut extensions = Vec::new();
        let mut used_for = CustomExtension::from_oid_content(
            &[2, 5, 29, 37],
            match service {
                Service::TimeStamping => purpose(8),
                Service::OcspSigning => purpose(9),
            },
        );
        used_for.set_criticality(service == Service::TimeStamping);
        extensions.push(used_for);
        if service == Service::OcspSigning {
            let no_check = [1, 3, 6, 1, 5, 5, 7, 48, 1, 5];
            extensions.push(CustomExtension::from_oid_content(&no_check, vec![5, 0]));
        }
        let mut params = CertificateParams::default();
        params.distinguished_name = Subject {
            common_name: common_name.to_owned(),
            ..Subject::default()
        }
        .distinguished_name();
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        params.custom_extensions = extensions;
        self.sign(params, key, validity)
    }

    /// The list of what one of the two authorities withdrew.
    ///
    /// # Errors
    /// [`AuthorityError::NotIssued`] when it cannot be written, because it would end before it begins.
    pub fn revocation_list(
        &self,
        of: ListOf,
        withdrawn: &Withdrawn,
        number: u64,
        validity: Validity,
    ) -> Result<Vec<u8>, AuthorityError> {
        let entries = withdrawn.iter().map(|(serial, revoked)| {
            Ok(RevokedCertParams {
                serial_number: SerialNumber::from_slice(serial),
                revocation_time: moment(revoked.at)?,
                reason_code: revoked.reason.map(reason),
                invalidity_date: revoked.invalid_since.map(moment).transpose()?,
            })
        });
        let list = CertificateRevocationListParams {
            this_update: moment(validity.not_before)?,
            next_update: moment(validity.not_after)?,
            crl_number: SerialNumber::from(number),
            issuing_distribution_point: None,
            revoked_certs: entries.collect::<Result<_, AuthorityError>>()?,
            key_identifier_method: KeyIdMethod::Sha256,
        };
        let (certificate, key) = match of {
            ListOf::Root => (&self.root, &self.root_key),
            ListOf::Issuing => (&self.issuing, &self.issuing_key),
        };
        let issuer = Issuer::from_ca_cert_der(&certificate.der().into(), key)?;
        Ok(list.signed_by(&issuer)?.der().to_vec())
    }

    /// Signs a certificate of the issuing authority that is no authority itself.
    fn sign(
        &self,
        mut params: CertificateParams,
        key: &PublicKey,
        validity: Validity,
    ) -> Result<Chain, AuthorityError> {
        // Writes an empty BasicConstraints and the subject key identifier.
        params.is_ca = IsCa::ExplicitNoCa;
        params.use_authority_key_identifier_extension = true;
        let access = authority_information_access(&self.addresses.ocsp)?;
        params.custom_extensions.push(access);
        fill(&mut params, validity)?;
        let issuer = Issuer::from_ca_cert_der(&self.issuing.der().into(), &self.issuing_key)?;
        let leaf = params.signed_by(&SubjectPublicKeyInfo::from_der(key.spki())?, &issuer)?;
        let certificates = vec![read(leaf.der())?, self.issuing.clone(), self.root.clone()];
        Chain::new(certificates).map_err(|_: chain::ChainOrderError| AuthorityError::Mismatch)
    }
}

/// RFC 5280 §4.2.2.1: `SEQUENCE { SEQUENCE { id-ad-ocsp, [6] address } }`.
fn authority_information_access(ocsp: &str) -> Result<CustomExtension, AuthorityError> {
    let mut description = vec![6, 8, 0x2b, 6, 1, 5, 5, 7, 0x30, 1];
    let around = |tag: u8, content: &[u8]| match u8::try_from(content.len()) {
        Ok(length @ 0..0x80) => Ok([&[tag, length], content].concat()),
        _ => Err(AuthorityError::Mismatch),
    };
    description.extend(around(0x86, ocsp.as_bytes())?);
    let content = around(0x30, &around(0x30, &description)?)?;
    let oid = [1, 3, 6, 1, 5, 5, 7, 1, 1];
    Ok(CustomExtension::from_oid_content(&oid, content))
}

fn reason(reason: RevocationReason) -> rcgen::RevocationReason {
    use rcgen::RevocationReason as Written;
    match reason {
        RevocationReason::Unspecified => Written::Unspecified,
        RevocationReason::KeyCompromise => Written::KeyCompromise,
        RevocationReason::AuthorityCompromise => Written::CaCompromise,
        RevocationReason::AffiliationChanged => Written::AffiliationChanged,
        RevocationReason::Superseded => Written::Superseded,
        RevocationReason::CessationOfOperation => Written::CessationOfOperation,
        RevocationReason::CertificateHold => Written::CertificateHold,
        RevocationReason::RemoveFromCrl => Written::RemoveFromCrl,
        RevocationReason::PrivilegeWithdrawn => Written::PrivilegeWithdrawn,
        RevocationReason::AttributeAuthorityCompromise => Written::AaCompromise,
    }
}

fn moment(at: UnixTime) -> Result<OffsetDateTime, AuthorityError> {
    OffsetDateTime::from_unix_timestamp(at.seconds())
        .map_err(|_| AuthorityError::NotIssued(rcgen::Error::Time))
}

fn authority(
    name: &str,
    path_length: u8,
    validity: Validity,
) -> Result<CertificateParams, AuthorityError> {
    let mut params = CertificateParams::default();
    params.distinguished_name = Subject {
        common_name: name.to_owned(),
        ..Subject::default()
    }
    .distinguished_name();
    params.is_ca = IsCa::Ca(BasicConstraints::Constrained(path_length));
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    params.use_authority_key_identifier_extension = true;
    fill(&mut params, validity)?;
    Ok(params)
}

/// The fields that every certificate has.
fn fill(params: &mut CertificateParams, validity: Validity) -> Result<(), AuthorityError> {
    params.not_before = moment(validity.not_before)?;
    params.not_after = moment(validity.not_after)?;
    params.serial_number = Some(serial()?);
    Ok(())
}

/// 126 random bits (RFC 5280 §4.1.2.2 asks for a positive number of at most 20 bytes): two fixed bits keep
/// it positive and of one length.
fn serial() -> Result<SerialNumber, AuthorityError> {
    random_serial().map(|bytes| SerialNumber::from_slice(&bytes))
}

/// The same for whatever else needs a number that nobody had.
pub(super) fn random_serial() -> Result<[u8; 16], AuthorityError> {
    let mut bytes = [0; 16];
    SystemRandom::new()
        .fill(&mut bytes)
        .map_err(|_| AuthorityError::NoRandomness)?;
    bytes[0] = bytes[0] & 0x7f | 0x40;
    Ok(bytes)
}

fn read(der: &[u8]) -> Result<Certificate, AuthorityError> {
    Certificate::from_der(der).map_err(|_| AuthorityError::Mismatch)
}

fn read_file(path: PathBuf) -> Result<Certificate, AuthorityError> {
    let bytes = std::fs::read(&path).map_err(|source| AuthorityError::File {
        path: path.clone(),
        source,
    })?;
    Certificate::read_all(&bytes)
        .map(|mut certificates| certificates.swap_remove(0))
        .map_err(|source| AuthorityError::Certificate { path, source })
}

fn key_path(folder: &Path, name: &str) -> PathBuf {
    folder.join(format!("{name}.key.pem"))
}

fn certificate_path(folder: &Path, name: &str) -> PathBuf {
    folder.join(format!("{name}.pem"))
}
