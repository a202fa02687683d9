//! What a file says for itself: the signatures of a PDF, the QR of a picture.
//!
//! Pure: bytes and trusted roots in, outcomes out. Our own PDFs carry the text of their QR in the
//! signature dictionary (`/ContactInfo`), inside what is signed. Where the credential also travels as an
//! associated file, the two must be one.

use crate::clock::UnixTime;
use crate::credential::scan;
use crate::digest::Sha256;
use crate::pdf::attachment;
use crate::pdf::inspect::{Changes, Coverage, SignatureField, changes_after, legible, signatures};
use crate::pdf::{Document, PdfError};
use crate::pki::chain::{self, Purpose};
use crate::pki::cms::{CmsOutcome, SignedData};
use crate::pki::{Certificate, ChainError};
use crate::qr::read::{self, ReadError};
use crate::report::{CheckKind, Outcome, Reason, Report, Skip};

/// Why a file has no answer.
#[derive(Debug, thiserror::Error)]
pub enum FileError {
    /// Neither a PDF nor a picture.
    #[error("neither a PDF nor a PNG or JPEG picture")]
    UnknownKind,
    /// The PDF cannot be read.
    #[error(transparent)]
    Pdf(#[from] PdfError),
    /// The picture cannot be read, or no QR was found in it.
    #[error(transparent)]
    Picture(#[from] ReadError),
}

impl FileError {
    /// The stable code.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::UnknownKind => "file/unknown-kind",
            Self::Pdf(error) => error.code(),
            Self::Picture(error) => error.code(),
        }
    }
}

/// What a file is.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum FileKind {
    /// A PDF.
    Document,
    /// A PNG or JPEG.
    Picture,
}

impl FileKind {
    /// By the first bytes.
    ///
    /// # Errors
    /// [`FileError::UnknownKind`].
    pub fn of(bytes: &[u8]) -> Result<Self, FileError> {
        if bytes.starts_with(b"%PDF-") {
            Ok(Self::Document)
        } else if bytes.starts_with(b"\x89PNG") || bytes.starts_with(b"\xff\xd8\xff") {
            Ok(Self::Picture)
        } else {
            Err(FileError::UnknownKind)
        }
    }
}

/// The text of the QR in a picture: ours if there is one among several.
pub(super) fn picture_text(bytes: &[u8]) -> Result<String, FileError> {
    let mut texts = read::picture(bytes)?;
    let ours = texts
        .iter()
        .position(|text| scan::parse(text).is_ok())
        .unwrap_or(0);
    Ok(texts.swap_remove(ours))
}

/// What the signatures of a PDF say.
pub(super) struct Signed {
    /// Whether they hold and cover the file.
    pub(super) integrity: Outcome,
    /// Whether their certificates lead to a trusted root.
    pub(super) trust: Outcome,
    /// The text of the QR that the last of them signed.
    pub(super) code: Option<String>,
    /// Digest of the whole file.
    pub(super) digest: Sha256,
}

impl Signed {
    /// Writes the outcomes into a report.
    pub(super) fn record(&self, report: &mut Report) {
        report.record(CheckKind::DocumentIntegrity, self.integrity);
        report.record(CheckKind::DocumentTrust, self.trust);
    }
}

/// Checks every signature of a PDF; certificates as of `at`.
pub(super) fn read_signed(
    bytes: &[u8],
    roots: &[Certificate],
    at: UnixTime,
) -> Result<Signed, FileError> {
    let document = Document::open(bytes)?;
    let fields = signatures(&document)?;
    let digest = Sha256::of(bytes);
    if fields.is_empty() {
        // Nobody vouches for it, so damage is the better answer.
        legible(&document)?;
        return Ok(Signed {
            integrity: Outcome::Undetermined(Reason::DocumentUnsigned),
            trust: Outcome::NotPerformed(Skip::NothingToCheck),
            code: None,
            digest,
        });
    }
    let code = fields.last().and_then(|last| last.contact.clone());
    let ours = fields.last().is_some_and(is_ours);
    // A signature on what nobody can show is none.
    document.page_count()?;
    let mut integrity = after_the_last(&document, &fields, ours)?;
    if ours && !carries_the_same(&document, code.as_deref().unwrap_or_default())? {
        integrity = Outcome::Fail(Reason::DocumentChanged);
    }
    let mut trust = Outcome::Pass;
    for field in &fields {
        // A file of ours may have signatures of others, spelled as they spell them.
        let (holds, leads) = check(&document, field, roots, at, is_ours(field));
        integrity = worse(integrity, holds);
        trust = worse(trust, leads);
    }
    Ok(Signed {
        integrity,
        trust,
        code,
        digest,
    })
}

/// Whether a signature carries the text of a QR as this system writes it.
fn is_ours(field: &SignatureField) -> bool {
    let text = field.contact.as_deref().map(scan::parse);
    text.is_some_and(|parsed| parsed.is_ok())
}

/// Whether the credential that travels as an associated file, if there is one, is that of the QR.
fn carries_the_same(document: &Document<'_>, code: &str) -> Result<bool, FileError> {
    let Ok(scanned) = scan::parse(code) else {
        return Ok(true);
    };
    let name = attachment::credential_name(scanned.id);
    let cose = scanned.credential.bytes().get(1..).unwrap_or_default();
    let files = attachment::associated(document)?;
    Ok(files
        .iter()
        .all(|(other, data)| *other != name || data == cose))
}

/// What came after the last signature. This system appends nothing to what it sealed, so anything is a
/// change there; in other files further signatures are lawful and nothing else.
fn after_the_last(
    document: &Document<'_>,
    fields: &[SignatureField],
    ours: bool,
) -> Result<Outcome, FileError> {
    let covered = fields.iter().filter_map(|field| match field.coverage {
        Coverage::WholeFile => Some(document.revisions().len()),
        Coverage::Revision(number) => Some(number),
        Coverage::Broken(_) => None,
    });
    let Some(covered) = covered.max() else {
        return Ok(Outcome::Pass);
    };
    let last = document.revisions().len();
    if covered >= last {
        return Ok(Outcome::Pass);
    }
    let changed = Outcome::Fail(Reason::DocumentChanged);
    if ours {
        return Ok(changed);
    }
    Ok(match changes_after(document, covered)? {
        Changes::Nothing | Changes::Signatures => Outcome::Pass,
        Changes::Other(_) => changed,
    })
}

/// One signature: whether it holds, whether its certificate leads to a root.
fn check(
    document: &Document<'_>,
    field: &SignatureField,
    roots: &[Certificate],
    at: UnixTime,
    ours: bool,
) -> (Outcome, Outcome) {
    let skipped = Outcome::NotPerformed(Skip::EarlierFailure);
    let Some(parts) = field.covered(document) else {
        return (Outcome::Fail(Reason::DocumentChanged), skipped);
    };
    // We write lower-case digits and pad with zeros; another spelling of the same signature is a change.
    let padding = field.contents.get(field.cms().len()..).unwrap_or_default();
    if ours && (padding.iter().any(|byte| *byte != 0) || !is_lower_case(document, field)) {
        return (Outcome::Fail(Reason::DocumentChanged), skipped);
    }
    let Ok(signed) = SignedData::parse(field.cms()) else {
        return (Outcome::Fail(Reason::DocumentSignatureForm), skipped);
    };
    let checked = signed.check_content(&parts);
    let holds = match checked.outcome {
        CmsOutcome::Intact => Outcome::Pass,
        CmsOutcome::DigestMismatch => Outcome::Fail(Reason::DocumentChanged),
        CmsOutcome::BadSignature | CmsOutcome::CertificateMismatch => {
            Outcome::Fail(Reason::DocumentSignatureInvalid)
        }
        CmsOutcome::NoSignerCertificate
        | CmsOutcome::IncompleteAttributes
        | CmsOutcome::Unsupported(_) => Outcome::Undetermined(Reason::DocumentSignatureForm),
    };
    let Some(signer) = checked.signer.filter(|_| holds == Outcome::Pass) else {
        return (holds, skipped);
    };
    let built = chain::build(
        &signer,
        signed.certificates(),
        roots,
        at,
        Purpose::DocumentSigning,
    );
    let leads = match built {
        // The signature does not cover all of the CMS around it; a byte changed there changes the file.
        Ok(path) if ours && !signed.is_spelled_as_ours(field.cms(), &path) => {
            return (Outcome::Fail(Reason::DocumentChanged), skipped);
        }
        Ok(_) => Outcome::Pass,
        Err(ChainError::Expired { .. } | ChainError::NotYetValid { .. }) => {
            Outcome::Undetermined(Reason::DocumentCertificatePeriod)
        }
        Err(_) => Outcome::Undetermined(Reason::DocumentNoPath),
    };
    (holds, leads)
}

fn is_lower_case(document: &Document<'_>, field: &SignatureField) -> bool {
    let gap = field
        .byte_range
        .map(|[_, first, second, _]| document.part(first..second));
    matches!(gap, Some(Ok(gap)) if !gap.iter().any(u8::is_ascii_uppercase))
}

fn worse(a: Outcome, b: Outcome) -> Outcome {
    let rank = |outcome: &Outcome| match outcome {
        Outcome::Fail(_) => 0,
        Outcome::Undetermined(_) => 1,
        Outcome::NotPerformed(_) => 2,
        Outcome::Pass => 3,
    };
    if rank(&b) < rank(&a) { b } else { a }
}
