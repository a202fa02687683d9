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
use crate::pdf::level::{self, Archive};
use crate::pdf::{Document, PdfError};
use crate::pki::cms::{CmsOutcome, SignedData};
use crate::pki::timestamp::{TimeStampError, Token};
use crate::pki::{self, Certificate, ChainError};
use crate::qr::read::{self, ReadError};
use crate::report::{CheckKind, Outcome, Reason, Report, Skip, Standing};

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
    /// What the last of them is worth, if it holds.
    pub(super) standing: Option<Standing>,
}

impl Signed {
    /// Writes the outcomes into a report.
    pub(super) fn record(&self, report: &mut Report) {
        report.record(CheckKind::DocumentIntegrity, self.integrity);
        report.record(CheckKind::DocumentTrust, self.trust);
        if let Some(standing) = self.standing {
            report.record_standing(standing);
        }
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
    if fields.iter().all(is_time_stamp) {
        // Nobody vouches for it, so damage is the better answer.
        legible(&document)?;
        return Ok(Signed {
            integrity: Outcome::Undetermined(Reason::DocumentUnsigned),
            trust: Outcome::NotPerformed(Skip::NothingToCheck),
            code: None,
            digest,
            standing: None,
        });
    }
    let last = fields.iter().rfind(|field| !is_time_stamp(field));
    let code = last.and_then(|last| last.contact.clone());
    let ours = last.is_some_and(is_ours);
    // A signature on what nobody can show is none.
    document.page_count()?;
    let mut integrity = after_the_last(&document, &fields, ours)?;
    let archive = Archive::read(&document, &fields, roots, at)?;
    if ours && !carries_the_same(&document, code.as_deref().unwrap_or_default())? {
        integrity = Outcome::Fail(Reason::DocumentChanged);
    }
    let mut trust = Outcome::Pass;
    let mut standing = None;
    for field in &fields {
        if is_time_stamp(field) {
            integrity = worse(integrity, check_time_stamp(&document, field));
            continue;
        }
        // A file of ours may have signatures of others, spelled as they spell them.
        let checked = check(&document, field, roots, &archive, is_ours(field));
        integrity = worse(integrity, checked.holds);
        trust = worse(trust, checked.leads);
        standing = checked.standing;
    }
    Ok(Signed {
        integrity,
        trust,
        code,
        digest,
        standing,
    })
}

fn is_time_stamp(field: &SignatureField) -> bool {
    field.sub_filter == level::TIME_STAMP
}

/// A time stamp of the whole file: whether it is of this file and was signed by somebody. Whether anybody
/// trusts that one makes a difference to what it proves and none to the file.
fn check_time_stamp(document: &Document<'_>, field: &SignatureField) -> Outcome {
    let changed = Outcome::Fail(Reason::DocumentChanged);
    let Some(parts) = field.covered(document) else {
        return changed;
    };
    let Ok(token) = Token::parse(field.cms()) else {
        return Outcome::Fail(Reason::DocumentSignatureForm);
    };
    match token.info().is_of(&parts) {
        Err(TimeStampError::Imprint) => return changed,
        Err(_) => return Outcome::Undetermined(Reason::DocumentSignatureForm),
        Ok(()) => {}
    }
    match token.check(&[], &[], token.info().time()) {
        Err(TimeStampError::Signature(
            CmsOutcome::DigestMismatch | CmsOutcome::BadSignature | CmsOutcome::CertificateMismatch,
        )) => Outcome::Fail(Reason::DocumentSignatureInvalid),
        Err(TimeStampError::Signature(_)) => Outcome::Undetermined(Reason::DocumentSignatureForm),
        Ok(_) | Err(_) => Outcome::Pass,
    }
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

/// What came after the last signature. To what it sealed this system appends at most evidence and time
/// stamps, so anything else is a change there; in other files further signatures are lawful.
fn after_the_last(
    document: &Document<'_>,
    fields: &[SignatureField],
    ours: bool,
) -> Result<Outcome, FileError> {
    // A time stamp vouches for a time and not for what the file says.
    let signatures = fields.iter().filter(|field| !is_time_stamp(field));
    let covered = signatures.filter_map(|field| match field.coverage {
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
    // The last of ours may be no time stamp, and then nothing but a store of evidence stands behind it.
    if ours && !document.catalog()?.contains(b"DSS") {
        return Ok(changed);
    }
    Ok(match changes_after(document, covered)? {
        Changes::Nothing | Changes::Signatures => Outcome::Pass,
        Changes::Other(_) => changed,
    })
}

/// How one signature was found.
struct Checked {
    /// Whether it holds.
    holds: Outcome,
    /// Whether its certificate leads to a root.
    leads: Outcome,
    /// What it is worth, if it holds.
    standing: Option<Standing>,
}

impl Checked {
    /// Nobody need ask who made it.
    fn broken(holds: Outcome) -> Self {
        Self {
            holds,
            leads: Outcome::NotPerformed(Skip::EarlierFailure),
            standing: None,
        }
    }
}

fn check(
    document: &Document<'_>,
    field: &SignatureField,
    roots: &[Certificate],
    archive: &Archive,
    ours: bool,
) -> Checked {
    let changed = || Checked::broken(Outcome::Fail(Reason::DocumentChanged));
    let Some(parts) = field.covered(document) else {
        return changed();
    };
    // We write lower-case digits and pad with zeros; another spelling of the same signature is a change.
    let padding = field.contents.get(field.cms().len()..).unwrap_or_default();
    if ours && (padding.iter().any(|byte| *byte != 0) || !is_lower_case(document, field)) {
        return changed();
    }
    let Ok(signed) = SignedData::parse(field.cms()) else {
        return Checked::broken(Outcome::Fail(Reason::DocumentSignatureForm));
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
        return Checked::broken(holds);
    };
    // A time stamp of ours that is of something else was put there by somebody else.
    if ours && !own_time_stamp_fits(&signed) {
        return changed();
    }
    let worth = archive.worth(document, field, &signed, &signer, roots);
    let leads = match &worth.path {
        // The signature does not cover all of the CMS around it; a byte changed there changes the file.
        Ok(path) if ours && !signed.is_spelled_as_ours(field.cms(), path) => return changed(),
        Ok(_) if matches!(worth.standing, pki::Standing::Revoked { .. }) => {
            Outcome::Fail(Reason::DocumentCertificateRevoked)
        }
        Ok(_) => Outcome::Pass,
        Err(ChainError::Expired { .. } | ChainError::NotYetValid { .. }) => {
            Outcome::Undetermined(Reason::DocumentCertificatePeriod)
        }
        Err(_) => Outcome::Undetermined(Reason::DocumentNoPath),
    };
    Checked {
        holds,
        leads,
        standing: Some(Standing {
            level: worth.level.name(),
            proven: worth.proven,
        }),
    }
}

fn own_time_stamp_fits(signed: &SignedData) -> bool {
    let Some(token) = signed.time_stamp_token() else {
        return true;
    };
    let token = Token::parse(token);
    token.is_ok_and(|token| token.info().is_of(&[signed.signature_value()]).is_ok())
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
