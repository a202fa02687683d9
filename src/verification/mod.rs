//! Answering whether a code or a document is what it says.
//!
//! With the register at hand its word on the status is taken, as of now; without it (`dauso verify`) the
//! trust bundle and the status lists decide, and say how old they are. Both ways give the same report.

mod answer;
mod document;
mod evidence;
mod register;
mod wire;

pub use answer::{Answered, Change, Notice, Shown, ShownField};
pub use document::{FileError, FileKind};
pub use evidence::{Folder, FolderError};
pub use register::{Known, Viewer};

use crate::catalogue::{Catalogue, Label, Language, Mask, ResultData, Visibility};
use crate::clock::{Clock, UnixTime};
use crate::credential::{self, Evidence, Lists, Trust, UnverifiedClaims, VerifiedClaims, fields};
use crate::id::ResultId;
use crate::pki::Certificate;
use crate::report::{CheckKind, Outcome, Reason, Report, Skip};
use crate::store::{Reader, StoreError, StoredResult};
use crate::trust::{self, TrustBundle};
use document::Signed;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError, RwLock};

/// What must pass before the verdict on a scanned code is "valid".
pub const REQUIRED: &[CheckKind] = credential::REQUIRED;

/// The same, with what the inspector saw.
pub const REQUIRED_WITH_MATCH: &[CheckKind] = &[
    CheckKind::Code,
    CheckKind::Credential,
    CheckKind::Issuer,
    CheckKind::CredentialSignature,
    CheckKind::Validity,
    CheckKind::Hours,
    CheckKind::Status,
    CheckKind::Match,
];

/// What must pass before the verdict on a PDF is "valid": its signatures, and the code inside.
pub const REQUIRED_OF_DOCUMENT: &[CheckKind] = &[
    CheckKind::DocumentIntegrity,
    CheckKind::DocumentTrust,
    CheckKind::Code,
    CheckKind::Credential,
    CheckKind::Issuer,
    CheckKind::CredentialSignature,
    CheckKind::Validity,
    CheckKind::Hours,
    CheckKind::Status,
];

/// When, and for whom.
#[derive(Clone, Copy, Debug)]
pub struct Question {
    /// The moment to judge for.
    pub at: UnixTime,
    /// Who looks.
    pub viewer: Viewer,
}

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub enum VerifyError {
    /// The file cannot be read.
    #[error(transparent)]
    File(#[from] FileError),
    /// The register failed.
    #[error("the register failed")]
    Store(#[from] StoreError),
}

/// Answers with the register at hand.
#[derive(Clone)]
pub struct Verifier {
    register: Reader,
    /// Data of results that were asked for lately. What was issued never changes, and reading it takes
    /// longer than a signature check.
    data: Arc<Mutex<HashMap<ResultId, Arc<ResultData>>>>,
    catalogue: Arc<Catalogue>,
    clock: Arc<dyn Clock>,
    trust: Arc<RwLock<Option<Arc<TrustBundle>>>>,
    anchors: Arc<Vec<Certificate>>,
}

/// Results whose data are kept: some ten megabytes.
const KEPT: usize = 4_096;

impl Verifier {
    /// Asks `register`; `anchors` are roots trusted beside those of the bundle.
    #[must_use]
    pub fn new(
        register: Reader,
        catalogue: Arc<Catalogue>,
        clock: Arc<dyn Clock>,
        anchors: Vec<Certificate>,
    ) -> Self {
        let (trust, anchors) = (Arc::default(), Arc::new(anchors));
        Self {
            register,
            data: Arc::default(),
            catalogue,
            clock,
            trust,
            anchors,
        }
    }

    /// Takes over the bundle in force.
    pub fn trust(&self, bundle: TrustBundle) {
        // A finished bundle is whole whenever the lock is given back.
        *self.trust.write().unwrap_or_else(PoisonError::into_inner) = Some(Arc::new(bundle));
    }

    fn bundle(&self) -> Option<Arc<TrustBundle>> {
        self.trust
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    /// The moment of an answer that is asked for now.
    #[must_use]
    pub fn now(&self, viewer: Viewer) -> Question {
        Question {
            at: self.clock.now(),
            viewer,
        }
    }

    /// What the register says of a look-up code alone. The code itself never came here: the signature is
    /// not performed.
    ///
    /// # Errors
    /// [`VerifyError`].
    pub async fn look_up(
        &self,
        id: ResultId,
        question: Question,
    ) -> Result<Option<(Answered, Known)>, VerifyError> {
        let Some(known) = self.known(id).await? else {
            return Ok(None);
        };
        let mut report = Report::new();
        report.record(
            CheckKind::CredentialSignature,
            Outcome::NotPerformed(Skip::CodeNotSent),
        );
        register::judge(&mut report, &known, question.at);
        report.record(CheckKind::Match, Outcome::NotPerformed(Skip::NotSeen));
        let shown = register::show(&known, question.viewer, question.at);
        let verdict = report.verdict(REQUIRED);
        let answered = Answered {
            report,
            verdict,
            id: Some(id),
            shown: Some(shown),
            claimed: Vec::new(),
        };
        Ok(Some((answered, known)))
    }

    /// Answers about the text of a QR.
    ///
    /// # Errors
    /// [`VerifyError::Store`]; a forged code is no error.
    pub async fn code(&self, text: &str, question: Question) -> Result<Answered, VerifyError> {
        Ok(self.code_known(text, question).await?.0)
    }

    /// [`Self::code`], with what the register has under its look-up code.
    ///
    /// # Errors
    /// As [`Self::code`].
    pub async fn code_known(
        &self,
        text: &str,
        question: Question,
    ) -> Result<(Answered, Option<Known>), VerifyError> {
        let bundle = self.bundle();
        let lists = Lists::none();
        let trust = Trust::from(bundle.as_deref());
        let judged = credential::judge(
            text,
            &Evidence {
                trust,
                lists: &lists,
                at: question.at,
            },
        );
        let mut report = judged.report;
        let known = match judged.id {
            Some(id) => self.known(id).await?,
            None => None,
        };
        let vouched = judged.claims.is_some();
        match &known {
            Some(known) => {
                let register = compare(text, known);
                report.record(CheckKind::Register, register);
                // What nobody vouches for is not looked up: a forged code must not borrow the status of
                // the result whose look-up code it carries.
                if vouched && register == Outcome::Pass {
                    register::judge(&mut report, known, question.at);
                }
            }
            None if vouched => register::judge_unknown(&mut report, question.at),
            None => {}
        }
        report.record(CheckKind::Match, Outcome::NotPerformed(Skip::NotSeen));
        let holds = vouched && report.outcome(CheckKind::Register) == Some(Outcome::Pass);
        let shown = match (&known, &judged.claims, &bundle) {
            (Some(known), _, _) if holds => {
                Some(register::show(known, question.viewer, question.at))
            }
            _ => None,
        };
        let claimed = match (&judged.claims, &judged.peeked, &bundle) {
            (Some(claims), _, Some(bundle)) if !holds => {
                of_verified(bundle, claims, question.viewer)
            }
            (None, Some(claims), Some(bundle)) => of_unverified(bundle, claims),
            _ => Vec::new(),
        };
        let verdict = report.verdict(REQUIRED);
        let answered = Answered {
            report,
            verdict,
            id: judged.id,
            shown,
            claimed,
        };
        Ok((answered, known))
    }

    /// Answers about a signed PDF or a picture with a QR.
    ///
    /// # Errors
    /// [`VerifyError`]; [`VerifyError::File`] when the file cannot be read at all.
    pub async fn file(&self, bytes: Vec<u8>, question: Question) -> Result<Answered, VerifyError> {
        let bundle = self.bundle();
        let mut roots = self.anchors.to_vec();
        let of_bundle = bundle.iter().flat_map(|bundle| &bundle.contents().roots);
        roots.extend(of_bundle.filter_map(|der| Certificate::from_der(der).ok()));
        let read = tokio::task::spawn_blocking(move || match FileKind::of(&bytes)? {
            FileKind::Picture => Ok(Read::Code(document::picture_text(&bytes)?)),
            FileKind::Document => {
                document::read_signed(&bytes, &roots, question.at).map(Read::Signed)
            }
        });
        let read = read
            .await
            .map_err(|_| FileError::Pdf(crate::pdf::PdfError::NotAPdf))?;
        match read? {
            Read::Code(text) => self.code(&text, question).await,
            Read::Signed(signed) => self.signed(&signed, question).await,
        }
    }

    async fn signed(&self, signed: &Signed, question: Question) -> Result<Answered, VerifyError> {
        let mut answered = if let Some(text) = &signed.code {
            self.code(text, question).await?
        } else {
            let mut report = Report::new();
            report.record(
                CheckKind::Status,
                Outcome::NotPerformed(Skip::NothingToCheck),
            );
            let verdict = report.verdict(REQUIRED_OF_DOCUMENT);
            Answered {
                report,
                verdict,
                id: None,
                shown: None,
                claimed: Vec::new(),
            }
        };
        signed.record(&mut answered.report);
        if let (Some(id), true) = (answered.id, answered.shown.is_some()) {
            let entry = self.register.result(id).await?;
            let recorded = entry.and_then(|entry| entry.decided.result.issued.document);
            let binding = match recorded {
                Some(digest) if digest == signed.digest => Outcome::Pass,
                Some(_) => Outcome::Fail(Reason::DocumentMismatch),
                None => Outcome::NotPerformed(Skip::NothingToCheck),
            };
            answered.report.record(CheckKind::DocumentBinding, binding);
        }
        answered.verdict = answered.report.verdict(REQUIRED_OF_DOCUMENT);
        Ok(answered)
    }

    async fn known(&self, id: ResultId) -> Result<Option<Known>, VerifyError> {
        let Some(entry) = self.register.result(id).await? else {
            return Ok(None);
        };
        let data = self.data_of(&entry.decided.result);
        Ok(Some(Known { entry, data }))
    }

    fn data_of(&self, stored: &StoredResult) -> Option<Arc<ResultData>> {
        let id = stored.issued.id;
        // A map of finished data is whole whenever its lock is given back.
        let kept = || self.data.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(data) = kept().get(&id).cloned() {
            return Some(data);
        }
        let data = Arc::new(register::data_of(&self.catalogue, stored)?);
        let mut kept = kept();
        if kept.len() >= KEPT {
            kept.clear();
        }
        kept.insert(id, Arc::clone(&data));
        Some(data)
    }
}

/// What a file held.
enum Read {
    Code(String),
    Signed(Signed),
}

/// Whether the register holds the very credential that was scanned.
fn compare(text: &str, known: &Known) -> Outcome {
    match credential::scan::parse(text) {
        Ok(scanned) if scanned.credential.bytes() == known.stored().issued.credential => {
            Outcome::Pass
        }
        Ok(_) => Outcome::Fail(Reason::RegisterMismatch),
        Err(_) => Outcome::NotPerformed(Skip::EarlierFailure),
    }
}

/// Fields that an issuer vouches for, as the bundle describes them.
fn of_verified(bundle: &TrustBundle, claims: &VerifiedClaims, viewer: Viewer) -> Vec<ShownField> {
    let Some(known) = bundle.result_type(claims.claims().type_number) else {
        return Vec::new();
    };
    let fields = claims.fields().iter().filter_map(|(number, value)| {
        let field = known.field(*number)?;
        let seen = viewer == Viewer::Inspector || field.visibility == Visibility::Public;
        seen.then(|| show(field, value))
    });
    fields.collect()
}

/// Fields that a code claims for itself.
fn of_unverified(bundle: &TrustBundle, claims: &UnverifiedClaims) -> Vec<ShownField> {
    let claims = claims.as_stated();
    let Some(known) = bundle.result_type(claims.type_number) else {
        return Vec::new();
    };
    let fields = known.fields.iter().filter_map(|field| {
        let value = fields::decode(field.kind, claims.field(field.number)?).ok()?;
        Some(show(field, &value))
    });
    fields.collect()
}

fn show(field: &trust::Field, value: &crate::catalogue::Value) -> ShownField {
    let described = crate::catalogue::Field {
        name: field.name.clone(),
        kind: field.kind,
        label: field.label.clone(),
        unit: field.unit.clone(),
        required: false,
        visibility: field.visibility,
        qr: None,
        mask: None::<Mask>,
        matched: None,
        max_chars: 0,
    };
    let say = |language| crate::catalogue::shown(&described, value, language);
    ShownField {
        name: described.name.clone(),
        kind: described.kind,
        label: described.label.clone(),
        value: Label {
            vi: say(Language::Vi),
            en: say(Language::En),
        },
        matched: described.matched,
    }
}
