//! Reading a signature that anybody made, keeping the bytes that were signed.

use super::{
    CONTENT_TYPE, DIRECTORY_NAME, MESSAGE_DIGEST, SIGNED_DATA, SIGNING_CERTIFICATE_V2,
    SIGNING_TIME, TIME_STAMP_TOKEN,
};
use crate::clock::UnixTime;
use crate::limits;
use crate::pki::asn1::{
    self, Broken, CONTEXT_0, CONTEXT_0_PRIMITIVE, CONTEXT_1, Element, INTEGER, OCTET_STRING,
    Reader, SEQUENCE, SET,
};
use crate::pki::certificate::Certificate;
use crate::pki::moment;
use crate::pki::scheme::{Hash, Scheme, Unsupported};
use der::asn1::ObjectIdentifier;

/// A parsed `SignedData` with one signer. Nothing of it is checked yet; see [`Self::check`].
#[derive(Clone, Debug)]
pub struct SignedData {
    pub(super) content_type: ObjectIdentifier,
    content: Option<Vec<u8>>,
    certificates: Vec<Certificate>,
    pub(super) signer: SignerInfo,
}

/// Why bytes are no signature that can be checked.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub enum CmsError {
    /// Longer than [`limits::CMS`], or more certificates than [`limits::CERTIFICATES`].
    #[error("larger than a signature may be")]
    TooLarge,
    /// Not the BER of a `ContentInfo` with `SignedData`.
    #[error("malformed CMS")]
    Malformed,
    /// Another content than signed data.
    #[error("CMS content {0} is not signed data")]
    NotSignedData(ObjectIdentifier),
    /// PAdES wants exactly one signer (EN 319 142-1 §6.3).
    #[error("{0} signers instead of one")]
    Signers(usize),
    /// A signed attribute occurs twice, or is not what its standard says.
    #[error("signed attribute {0} is malformed")]
    Attribute(ObjectIdentifier),
    /// Something other than zeros stands behind the signature.
    #[error("bytes behind the CMS")]
    TrailingBytes,
}

impl From<Broken> for CmsError {
    fn from(Broken: Broken) -> Self {
        Self::Malformed
    }
}

#[derive(Clone, Debug)]
pub(super) struct SignerInfo {
    pub(super) id: SignerId,
    pub(super) digest: Result<Hash, Unsupported>,
    pub(super) attributes: Option<SignedAttributes>,
    pub(super) scheme: Result<Scheme, Unsupported>,
    pub(super) signature: Vec<u8>,
    time_stamp: Option<Vec<u8>>,
}

#[derive(Clone, Debug)]
pub(super) enum SignerId {
    /// Raw name, content of the serial number.
    IssuerSerial(Vec<u8>, Vec<u8>),
    KeyId(Vec<u8>),
}

#[derive(Clone, Debug)]
pub(super) struct SignedAttributes {
    /// As they are signed: tagged SET OF (RFC 5652 §5.4).
    pub(super) signed: Vec<u8>,
    pub(super) content_type: Option<ObjectIdentifier>,
    pub(super) message_digest: Option<Vec<u8>>,
    pub(super) certificate: Option<CertificateId>,
    signing_time: Option<UnixTime>,
}

/// `ESSCertIDv2` (RFC 5035 §4).
#[derive(Clone, Debug)]
pub(super) struct CertificateId {
    pub(super) hash: Result<Hash, Unsupported>,
    pub(super) digest: Vec<u8>,
    pub(super) issuer_serial: Option<(Vec<u8>, Vec<u8>)>,
}

impl SignedData {
    /// Reads a signature; zeros behind it are the padding of a PDF's `/Contents`.
    ///
    /// # Errors
    /// [`CmsError`] when it is not a signature with one signer.
    pub fn parse(bytes: &[u8]) -> Result<Self, CmsError> {
        if bytes.len() > limits::CMS {
            return Err(CmsError::TooLarge);
        }
        let mut outer = Reader::new(bytes);
        let mut info = outer.expect(SEQUENCE)?.inside();
        if outer.rest().iter().any(|byte| *byte != 0) {
            return Err(CmsError::TrailingBytes);
        }
        let kind = info.any()?.oid()?;
        if kind != SIGNED_DATA {
            return Err(CmsError::NotSignedData(kind));
        }
        let mut wrapped = info.expect(CONTEXT_0)?.inside();
        let mut data = wrapped.expect(SEQUENCE)?.inside();
        data.expect(INTEGER)?;
        data.expect(SET)?;
        let mut content = data.expect(SEQUENCE)?.inside();
        let content_type = content.any()?.oid()?;
        let content = match content.optional(CONTEXT_0)? {
            Some(wrapped) => Some(wrapped.inside().any()?.octets()?),
            None => None,
        };
        let certificates = match data.optional(CONTEXT_0)? {
            Some(set) => read_certificates(set.inside())?,
            None => Vec::new(),
        };
        // Revocation lists: a PDF keeps its own in /DSS.
        data.optional(CONTEXT_1)?;
        let signer = one(data.expect(SET)?)?.map_err(CmsError::Signers)?;
        Ok(Self {
            content_type,
            content,
            certificates,
            signer: SignerInfo::read(signer)?,
        })
    }

    /// The certificates inside, in the order they came; certificates of other kinds are left out.
    #[must_use]
    pub fn certificates(&self) -> &[Certificate] {
        &self.certificates
    }

    /// The content, where it is inside (time stamp tokens) and not beside.
    #[must_use]
    pub fn content(&self) -> Option<&[u8]> {
        self.content.as_deref()
    }

    /// What the content is: plain data, a `TSTInfo` …
    #[must_use]
    pub fn content_type(&self) -> ObjectIdentifier {
        self.content_type
    }

    /// The digest algorithm that the content is to be hashed with.
    ///
    /// # Errors
    /// [`Unsupported`] for SHA-1 and unknown ones.
    pub fn digest_algorithm(&self) -> Result<Hash, Unsupported> {
        self.signer.digest
    }

    /// When the signer says it signed. A claim, not evidence.
    #[must_use]
    pub fn claimed_signing_time(&self) -> Option<UnixTime> {
        self.signer.attributes.as_ref()?.signing_time
    }

    /// The DER of the signature's RFC 3161 token, not checked.
    #[must_use]
    pub fn time_stamp_token(&self) -> Option<&[u8]> {
        self.signer.time_stamp.as_deref()
    }

    /// The content of the signature's OCTET STRING, of which a signature time stamp is.
    #[must_use]
    pub fn signature_value(&self) -> &[u8] {
        &self.signer.signature
    }

    /// The certificate that the signer names, if it is inside.
    #[must_use]
    pub fn signer(&self) -> Option<&Certificate> {
        self.certificates.iter().find(|one| match &self.signer.id {
            SignerId::IssuerSerial(issuer, serial) => {
                one.issuer().raw() == issuer && one.serial() == serial
            }
            SignerId::KeyId(id) => one.subject_key_id() == Some(id),
        })
    }
}

fn read_certificates(mut set: Reader<'_>) -> Result<Vec<Certificate>, CmsError> {
    let mut certificates = Vec::new();
    while let Some(element) = set.next()? {
        if certificates.len() >= limits::CERTIFICATES {
            return Err(CmsError::TooLarge);
        }
        // Attribute certificates and other formats carry context tags (RFC 5652 §10.2.2).
        if element.tag == SEQUENCE {
            let certificate =
                Certificate::from_der(element.raw).map_err(|_| CmsError::Malformed)?;
            certificates.push(certificate);
        }
    }
    Ok(certificates)
}

/// The one element of a SET, or how many there are.
fn one(set: Element<'_>) -> Result<Result<Element<'_>, usize>, Broken> {
    let mut inside = set.inside();
    let first = inside.next()?;
    let mut count = usize::from(first.is_some());
    while inside.next()?.is_some() {
        count = count.saturating_add(1);
    }
    Ok(first.filter(|_| count == 1).ok_or(count))
}

impl SignerInfo {
    fn read(element: Element<'_>) -> Result<Self, CmsError> {
        let mut info = element.inside();
        info.expect(INTEGER)?;
        let id = if let Some(key_id) = info.optional(CONTEXT_0_PRIMITIVE)? {
            SignerId::KeyId(key_id.content.to_vec())
        } else {
            let mut id = info.expect(SEQUENCE)?.inside();
            SignerId::IssuerSerial(
                id.expect(SEQUENCE)?.raw.to_vec(),
                id.expect(INTEGER)?.content.to_vec(),
            )
        };
        let digest = Hash::read(info.expect(SEQUENCE)?);
        let attributes = info.optional(CONTEXT_0)?;
        let scheme = Scheme::read(info.expect(SEQUENCE)?, digest.ok());
        let signature = info.any()?.octets()?;
        let unsigned = info.optional(CONTEXT_1)?;
        info.end()?;
        Ok(Self {
            id,
            digest,
            attributes: attributes.map(SignedAttributes::read).transpose()?,
            scheme,
            signature,
            time_stamp: unsigned.map(time_stamp).transpose()?.flatten(),
        })
    }
}

impl SignedAttributes {
    fn read(set: Element<'_>) -> Result<Self, CmsError> {
        let mut read = Self {
            // The same bytes unless the length was BER's.
            signed: asn1::element(SET, &[set.content]),
            content_type: None,
            message_digest: None,
            certificate: None,
            signing_time: None,
        };
        let mut seen = Vec::new();
        let mut attributes = set.inside();
        while let Some(attribute) = attributes.next()? {
            let (kind, values) = kind_and_values(attribute)?;
            if seen.contains(&kind) {
                return Err(CmsError::Attribute(kind));
            }
            seen.push(kind);
            let bad = |_| CmsError::Attribute(kind);
            let only = || {
                one(values)
                    .map_err(bad)?
                    .map_err(|_| CmsError::Attribute(kind))
            };
            match kind {
                CONTENT_TYPE => read.content_type = Some(only()?.oid().map_err(bad)?),
                MESSAGE_DIGEST => read.message_digest = Some(only()?.octets().map_err(bad)?),
                SIGNING_CERTIFICATE_V2 => {
                    read.certificate = Some(CertificateId::read(only()?).map_err(bad)?);
                }
                // Some signers write nonsense here; it is a claim anyway.
                SIGNING_TIME => {
                    read.signing_time = only().ok().and_then(|at| moment::read(at).ok());
                }
                _ => {}
            }
        }
        Ok(read)
    }
}

impl CertificateId {
    /// The first `ESSCertIDv2`, which is the signer's (RFC 5035 §3).
    fn read(value: Element<'_>) -> Result<Self, Broken> {
        let mut list = value.inside().expect(SEQUENCE)?.inside();
        let mut id = list.expect(SEQUENCE)?.inside();
        let hash = id.optional(SEQUENCE)?.map_or(Ok(Hash::Sha256), Hash::read);
        let digest = id.expect(OCTET_STRING)?.content.to_vec();
        let issuer_serial = match id.optional(SEQUENCE)? {
            Some(pair) => {
                let mut pair = pair.inside();
                let mut names = pair.expect(SEQUENCE)?.inside();
                let name = names.expect(DIRECTORY_NAME)?.content.to_vec();
                Some((name, pair.expect(INTEGER)?.content.to_vec()))
            }
            None => None,
        };
        Ok(Self {
            hash,
            digest,
            issuer_serial,
        })
    }
}

fn kind_and_values(attribute: Element<'_>) -> Result<(ObjectIdentifier, Element<'_>), Broken> {
    if attribute.tag != SEQUENCE {
        return Err(Broken);
    }
    let mut inside = attribute.inside();
    let kind = inside.any()?.oid()?;
    let values = inside.expect(SET)?;
    inside.end()?;
    Ok((kind, values))
}

fn time_stamp(unsigned: Element<'_>) -> Result<Option<Vec<u8>>, Broken> {
    let mut attributes = unsigned.inside();
    while let Some(attribute) = attributes.next()? {
        let (kind, values) = kind_and_values(attribute)?;
        if kind == TIME_STAMP_TOKEN {
            return Ok(values.inside().next()?.map(|token| token.raw.to_vec()));
        }
    }
    Ok(None)
}
