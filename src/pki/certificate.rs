//! A certificate: its bytes, and what they say.

use super::asn1::{self, Reader};
use super::name::Name;
use super::scheme::{Scheme, Unsupported};
use crate::clock::UnixTime;
use crate::digest::{Sha256, hex};
use crate::key::{InvalidPublicKey, PublicKey};
use crate::limits;
use base64::prelude::{BASE64_STANDARD, Engine as _};
use der::asn1::ObjectIdentifier;
use std::fmt;
use x509_parser::extensions::{DistributionPointName, GeneralName, ParsedExtension};
use x509_parser::prelude::{FromDer as _, X509Certificate, X509Extension};

/// An X.509 certificate (RFC 5280 §4): owned DER with a parsed view. Nobody vouched for it yet; see
/// [`super::chain::build`].
#[derive(Clone)]
pub struct Certificate {
    der: Vec<u8>,
    /// The part that the issuer signed.
    signed: Vec<u8>,
    scheme: Result<Scheme, Unsupported>,
    signature: Vec<u8>,
    subject: Name,
    issuer: Name,
    serial: Vec<u8>,
    not_before: UnixTime,
    not_after: UnixTime,
    spki: Vec<u8>,
    extensions: Extensions,
}

/// Why bytes are no certificate.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub enum CertificateError {
    /// Longer than [`limits::CERTIFICATE`], or more than [`limits::CERTIFICATES`] of them.
    #[error("larger than a certificate may be")]
    TooLarge,
    /// Not the DER of a certificate, or bytes behind it.
    #[error("not a certificate")]
    Malformed,
    /// The same extension twice (RFC 5280 §4.2).
    #[error("an extension occurs twice")]
    DuplicateExtension,
    /// The text has no `CERTIFICATE` block.
    #[error("no certificate in the PEM text")]
    NoPem,
}

/// What the key may be used for (RFC 5280 §4.2.1.3).
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct KeyUsage(u16);

impl KeyUsage {
    /// Signatures other than those on certificates and CRLs.
    #[must_use]
    pub fn digital_signature(self) -> bool {
        self.0 & 1 != 0
    }

    /// Signatures that somebody is held to (nonRepudiation).
    #[must_use]
    pub fn content_commitment(self) -> bool {
        self.0 >> 1 & 1 != 0
    }

    /// Signatures on certificates.
    #[must_use]
    pub fn key_cert_sign(self) -> bool {
        self.0 >> 5 & 1 != 0
    }

    /// Signatures on CRLs.
    #[must_use]
    pub fn crl_sign(self) -> bool {
        self.0 >> 6 & 1 != 0
    }
}

#[derive(Clone, Default)]
struct Extensions {
    key_usage: Option<KeyUsage>,
    extended_key_usage: Option<Vec<ObjectIdentifier>>,
    extended_key_usage_critical: bool,
    is_ca: bool,
    path_length: Option<u32>,
    subject_key_id: Option<Vec<u8>>,
    authority_key_id: Option<Vec<u8>>,
    ocsp_no_check: bool,
    ocsp_addresses: Vec<String>,
    crl_addresses: Vec<String>,
    unknown_critical: Option<ObjectIdentifier>,
}

impl Certificate {
    /// Reads one DER certificate.
    ///
    /// # Errors
    /// [`CertificateError`] when it is too large, broken, or followed by other bytes.
    pub fn from_der(bytes: &[u8]) -> Result<Self, CertificateError> {
        if bytes.len() > limits::CERTIFICATE {
            return Err(CertificateError::TooLarge);
        }
        let (rest, parsed) =
            X509Certificate::from_der(bytes).map_err(|_| CertificateError::Malformed)?;
        if !rest.is_empty() || parsed.tbs_certificate.signature != parsed.signature_algorithm {
            return Err(CertificateError::Malformed);
        }
        let (signed, scheme, signature) =
            outer(bytes).map_err(|asn1::Broken| CertificateError::Malformed)?;
        let validity = parsed.validity();
        Ok(Self {
            der: bytes.to_vec(),
            signed,
            scheme,
            signature,
            subject: Name::read(parsed.subject()),
            issuer: Name::read(parsed.issuer()),
            serial: parsed.tbs_certificate.raw_serial().to_vec(),
            not_before: UnixTime::from_seconds(validity.not_before.timestamp()),
            not_after: UnixTime::from_seconds(validity.not_after.timestamp()),
            spki: parsed.tbs_certificate.subject_pki.raw.to_vec(),
            extensions: Extensions::read(parsed.extensions())?,
        })
    }

    /// Reads all certificates of a PEM text (RFC 7468 §5), or the one of a DER file.
    ///
    /// # Errors
    /// [`CertificateError`] of the first block that is no certificate; [`CertificateError::NoPem`] when
    /// there is none.
    pub fn read_all(bytes: &[u8]) -> Result<Vec<Self>, CertificateError> {
        const BEGIN: &str = "-----BEGIN CERTIFICATE-----";
        const END: &str = "-----END CERTIFICATE-----";
        if bytes.first() == Some(&asn1::SEQUENCE) {
            return Ok(vec![Self::from_der(bytes)?]);
        }
        let text = std::str::from_utf8(bytes).map_err(|_| CertificateError::NoPem)?;
        let mut certificates = Vec::new();
        for block in text.split(BEGIN).skip(1) {
            if certificates.len() >= limits::CERTIFICATES {
                return Err(CertificateError::TooLarge);
            }
            let (body, _) = block.split_once(END).ok_or(CertificateError::Malformed)?;
            let body: String = body.split_ascii_whitespace().collect();
            let der = BASE64_STANDARD
                .decode(body)
                .map_err(|_| CertificateError::Malformed)?;
            certificates.push(Self::from_der(&der)?);
        }
        if certificates.is_empty() {
            return Err(CertificateError::NoPem);
        }
        Ok(certificates)
    }

    /// The DER bytes as they came.
    #[must_use]
    pub fn der(&self) -> &[u8] {
        &self.der
    }

    /// PEM text (RFC 7468 §5).
    #[must_use]
    pub fn pem(&self) -> String {
        let mut text = String::from("-----BEGIN CERTIFICATE-----\n");
        let body = BASE64_STANDARD.encode(&self.der);
        let mut rest = body.as_str();
        while let Some((line, after)) = rest.split_at_checked(64) {
            text.push_str(line);
            text.push('\n');
            rest = after;
        }
        if !rest.is_empty() {
            text.push_str(rest);
            text.push('\n');
        }
        text.push_str("-----END CERTIFICATE-----\n");
        text
    }

    /// Whom the key belongs to.
    #[must_use]
    pub fn subject(&self) -> &Name {
        &self.subject
    }

    /// Who signed the certificate.
    #[must_use]
    pub fn issuer(&self) -> &Name {
        &self.issuer
    }

    /// The content bytes of the serial number's INTEGER.
    #[must_use]
    pub fn serial(&self) -> &[u8] {
        &self.serial
    }

    /// The serial number as lower-case hex digits.
    #[must_use]
    pub fn serial_hex(&self) -> String {
        hex(&self.serial)
    }

    /// The first second in which it is valid.
    #[must_use]
    pub fn not_before(&self) -> UnixTime {
        self.not_before
    }

    /// The last second in which it is valid.
    #[must_use]
    pub fn not_after(&self) -> UnixTime {
        self.not_after
    }

    /// The key, if it is one that this service signs with.
    ///
    /// # Errors
    /// [`InvalidPublicKey`] for P-384 and other keys; their signatures on documents are checked all the same.
    pub fn public_key(&self) -> Result<PublicKey, InvalidPublicKey> {
        PublicKey::from_spki(&self.spki)
    }

    /// The DER `SubjectPublicKeyInfo`.
    #[must_use]
    pub fn spki(&self) -> &[u8] {
        &self.spki
    }

    /// The content of the `subjectPublicKey` bit string, of which OCSP names an issuer by its digest.
    #[must_use]
    pub fn key_bits(&self) -> &[u8] {
        let bits = || {
            let mut info = Reader::new(&self.spki).expect(asn1::SEQUENCE)?.inside();
            info.expect(asn1::SEQUENCE)?;
            info.expect(asn1::BIT_STRING)?.bits()
        };
        bits().unwrap_or_default()
    }

    /// What the key may be used for; `None` sets no limit.
    #[must_use]
    pub fn key_usage(&self) -> Option<KeyUsage> {
        self.extensions.key_usage
    }

    /// The purposes of the key (RFC 5280 §4.2.1.12); `None` sets no limit.
    #[must_use]
    pub fn extended_key_usage(&self) -> Option<&[ObjectIdentifier]> {
        self.extensions.extended_key_usage.as_deref()
    }

    /// Whether the extension with the purposes is marked critical.
    #[must_use]
    pub fn extended_key_usage_is_critical(&self) -> bool {
        self.extensions.extended_key_usage_critical
    }

    /// Whether it belongs to a certification authority (RFC 5280 §4.2.1.9).
    #[must_use]
    pub fn is_ca(&self) -> bool {
        self.extensions.is_ca
    }

    /// How many authorities may stand below this one.
    #[must_use]
    pub fn path_length(&self) -> Option<u32> {
        self.extensions.path_length
    }

    /// The subject key identifier.
    #[must_use]
    pub fn subject_key_id(&self) -> Option<&[u8]> {
        self.extensions.subject_key_id.as_deref()
    }

    /// The key identifier of the issuer.
    #[must_use]
    pub fn authority_key_id(&self) -> Option<&[u8]> {
        self.extensions.authority_key_id.as_deref()
    }

    /// Whether its issuer says that nobody need ask whether it was revoked (RFC 6960 §4.2.2.2.1).
    #[must_use]
    pub fn ocsp_no_check(&self) -> bool {
        self.extensions.ocsp_no_check
    }

    /// Where its issuer answers OCSP (RFC 5280 §4.2.2.1). Whoever asks there decides first whether he may.
    #[must_use]
    pub fn ocsp_addresses(&self) -> &[String] {
        &self.extensions.ocsp_addresses
    }

    /// Where its issuer publishes CRLs (RFC 5280 §4.2.1.13). Whoever asks there decides first whether he may.
    #[must_use]
    pub fn crl_addresses(&self) -> &[String] {
        &self.extensions.crl_addresses
    }

    /// A critical extension that this program does not process (RFC 5280 §4.2: then refuse).
    #[must_use]
    pub fn unknown_critical_extension(&self) -> Option<ObjectIdentifier> {
        self.extensions.unknown_critical
    }

    /// SHA-256 of the DER bytes.
    #[must_use]
    pub fn fingerprint(&self) -> Sha256 {
        Sha256::of(&self.der)
    }

    /// Whether subject and issuer are the same name.
    #[must_use]
    pub fn is_self_issued(&self) -> bool {
        self.subject == self.issuer
    }

    /// Whether `issuer`'s key made the signature on this certificate.
    ///
    /// # Errors
    /// [`Unsupported`] when the algorithm or the issuer's key is not one that is checked.
    pub fn is_signed_by(&self, issuer: &Self) -> Result<bool, Unsupported> {
        self.scheme?
            .verifies(&issuer.spki, &self.signed, &self.signature)
    }
}

impl Eq for Certificate {}

impl PartialEq for Certificate {
    fn eq(&self, other: &Self) -> bool {
        self.der == other.der
    }
}

impl fmt::Debug for Certificate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // A certificate is public; its subject may still be a person.
        write!(f, "Certificate(serial {})", self.serial_hex())
    }
}

type Outer = (Vec<u8>, Result<Scheme, Unsupported>, Vec<u8>);

/// The three parts of `Certificate ::= SEQUENCE { tbsCertificate, signatureAlgorithm, signature }`.
fn outer(der: &[u8]) -> Result<Outer, asn1::Broken> {
    let mut parts = Reader::new(der).expect(asn1::SEQUENCE)?.inside();
    let signed = parts.expect(asn1::SEQUENCE)?;
    let algorithm = parts.expect(asn1::SEQUENCE)?;
    let signature = parts.expect(asn1::BIT_STRING)?.bits()?;
    parts.end()?;
    Ok((
        signed.raw.to_vec(),
        Scheme::read(algorithm, None),
        signature.to_vec(),
    ))
}

impl Extensions {
    fn read(extensions: &[X509Extension<'_>]) -> Result<Self, CertificateError> {
        let mut read = Self::default();
        let mut seen = Vec::with_capacity(extensions.len());
        for extension in extensions {
            let oid = ObjectIdentifier::from_bytes(extension.oid.as_bytes())
                .map_err(|_| CertificateError::Malformed)?;
            if seen.contains(&oid) {
                return Err(CertificateError::DuplicateExtension);
            }
            seen.push(oid);
            match extension.parsed_extension() {
                ParsedExtension::KeyUsage(usage) => read.key_usage = Some(KeyUsage(usage.flags)),
                ParsedExtension::BasicConstraints(constraints) => {
                    read.is_ca = constraints.ca;
                    read.path_length = constraints.path_len_constraint;
                }
                ParsedExtension::ExtendedKeyUsage(_) => {
                    read.extended_key_usage = Some(purposes(extension.value)?);
                    read.extended_key_usage_critical = extension.critical;
                }
                ParsedExtension::SubjectKeyIdentifier(id) => {
                    read.subject_key_id = Some(id.0.to_vec());
                }
                ParsedExtension::AuthorityKeyIdentifier(authority) => {
                    read.authority_key_id =
                        authority.key_identifier.as_ref().map(|id| id.0.to_vec());
                }
                ParsedExtension::AuthorityInfoAccess(access) if !extension.critical => {
                    for description in &access.accessdescs {
                        if let GeneralName::URI(address) = description.access_location
                            && description.access_method.as_bytes() == OCSP.as_bytes()
                        {
                            read.ocsp_addresses.push(address.to_owned());
                        }
                    }
                }
                ParsedExtension::CRLDistributionPoints(points) if !extension.critical => {
                    for point in points.iter() {
                        // Partitioned by reason, or issued by somebody else: not processed.
                        if point.reasons.is_none()
                            && point.crl_issuer.is_none()
                            && let Some(DistributionPointName::FullName(names)) =
                                &point.distribution_point
                        {
                            let addresses = names.iter().filter_map(|name| match name {
                                GeneralName::URI(address) => Some((*address).to_owned()),
                                _ => None,
                            });
                            read.crl_addresses.extend(addresses);
                        }
                    }
                }
                _ if oid == OCSP_NO_CHECK => read.ocsp_no_check = true,
                // Policies need no processing when the verifier asks for none (RFC 5280 §6.1.1 (c));
                // alternative names say more about the subject and constrain nothing.
                ParsedExtension::CertificatePolicies(_)
                | ParsedExtension::SubjectAlternativeName(_) => {}
                ParsedExtension::ParseError { .. } => return Err(CertificateError::Malformed),
                _ if extension.critical => read.unknown_critical = Some(oid),
                _ => {}
            }
        }
        Ok(read)
    }
}

/// id-pkix-ocsp-nocheck (RFC 6960 §4.2.2.2.1).
const OCSP_NO_CHECK: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.6.1.5.5.7.48.1.5");

/// id-ad-ocsp (RFC 5280 §4.2.2.1).
const OCSP: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.6.1.5.5.7.48.1");

fn purposes(value: &[u8]) -> Result<Vec<ObjectIdentifier>, CertificateError> {
    let read = || {
        let mut list = Reader::new(value).expect(asn1::SEQUENCE)?.inside();
        let mut purposes = Vec::new();
        while let Some(purpose) = list.next()? {
            purposes.push(purpose.oid()?);
        }
        Ok(purposes)
    };
    read().map_err(|asn1::Broken| CertificateError::Malformed)
}

#[cfg(test)]
#[expect(clippy::indexing_slicing, reason = "a test may panic")]
mod tests {
    use super::*;

    const ROOT: &[u8] = include_bytes!("../../fixtures/pdf/test-ca.pem");

    #[test]
    fn the_fields_of_a_foreign_root_are_read() {
        let [root] = Certificate::read_all(ROOT).unwrap().try_into().unwrap();
        assert_eq!(
            root.subject().common_name(),
            Some("CA THỬ NGHIỆM - KHÔNG CÓ GIÁ TRỊ PHÁP LÝ")
        );
        assert_eq!(root.subject().organization(), Some("Thành phố Ví Dụ"));
        assert_eq!(
            root.serial_hex(),
            "7c899b10c72638aacc4920c24888cde9777bf1eb"
        );
        assert_eq!(root.not_before().rfc3339(), "2026-01-01T07:00:00+07:00");
        assert!(root.is_ca() && root.is_self_issued());
        assert_eq!(root.path_length(), Some(0));
        let usage = root.key_usage().unwrap();
        assert!(usage.key_cert_sign() && usage.crl_sign() && !usage.digital_signature());
        assert_eq!(root.subject_key_id(), root.authority_key_id());
        assert_eq!(root.is_signed_by(&root), Ok(true));
        assert_eq!(root.pem().as_bytes(), ROOT);
    }

    #[test]
    fn every_flipped_byte_is_seen_or_breaks_the_signature() {
        let [root] = Certificate::read_all(ROOT).unwrap().try_into().unwrap();
        let issuer: Certificate = root.clone();
        for at in 0..root.der().len() {
            let mut bytes = root.der().to_vec();
            bytes[at] ^= 1;
            if let Ok(changed) = Certificate::from_der(&bytes) {
                assert_ne!(changed.is_signed_by(&issuer), Ok(true), "byte {at}");
            }
        }
    }

    #[test]
    fn bytes_behind_a_certificate_and_texts_without_one_are_refused() {
        let [root] = Certificate::read_all(ROOT).unwrap().try_into().unwrap();
        let longer = [root.der(), &[0]].concat();
        assert_eq!(
            Certificate::from_der(&longer),
            Err(CertificateError::Malformed)
        );
        assert_eq!(
            Certificate::read_all(b"hello"),
            Err(CertificateError::NoPem)
        );
        assert_eq!(
            Certificate::from_der(&vec![0x30; limits::CERTIFICATE + 1]),
            Err(CertificateError::TooLarge)
        );
    }
}
