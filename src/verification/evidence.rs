//! Answers without the register: a folder with the trust bundle and the status lists, as published.

use super::answer::{Answered, Shown};
use super::document::{self, FileError, FileKind};
use super::{Question, REQUIRED, Viewer, of_unverified, of_verified};
use crate::catalogue::Label;
use crate::clock::UnixTime;
use crate::credential::{self, Evidence, Lists, Trust, VerifiedClaims};
use crate::key::PublicKey;
use crate::pki::Certificate;
use crate::report::{CheckKind, Outcome, Report, Skip};
use crate::status::token;
use crate::trust::TrustBundle;

/// What a verifier holds without a register.
#[derive(Clone, Debug, Default)]
pub struct Folder {
    bundle: Option<TrustBundle>,
    refused: bool,
    lists: Lists,
    roots: Vec<Certificate>,
}

/// Why files are no evidence.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub enum FolderError {
    /// Nothing in it is a trust bundle.
    #[error("no trust bundle among the files")]
    NoBundle,
}

impl Folder {
    /// Sorts out files by what they are: trust bundles (the newest counts), status lists, certificates and
    /// the public key of the operator. With an operator's key the bundle must be signed by it; without one
    /// the bundle is taken at its word, which is for whoever filled the folder to answer for.
    ///
    /// # Errors
    /// [`FolderError::NoBundle`].
    pub fn of(files: &[Vec<u8>], anchors: Vec<Certificate>) -> Result<Self, FolderError> {
        let pinned: Vec<PublicKey> = files.iter().filter_map(|file| public_key(file)).collect();
        let mut folder = Self {
            roots: anchors,
            ..Self::default()
        };
        for file in files {
            if token::stated_uri(file).is_some() {
                continue;
            }
            let opened = match pinned.as_slice() {
                [] => TrustBundle::open(file, None).ok(),
                keys => keys
                    .iter()
                    .find_map(|key| TrustBundle::open(file, Some(key)).ok()),
            };
            let newer = |bundle: &TrustBundle| {
                folder
                    .bundle
                    .as_ref()
                    .is_none_or(|held| bundle.contents().counter > held.contents().counter)
            };
            match opened {
                Some(bundle) if newer(&bundle) => folder.bundle = Some(bundle),
                Some(_) => {}
                None => folder.refused |= TrustBundle::open(file, None).is_ok(),
            }
        }
        let Some(bundle) = &folder.bundle else {
            return if folder.refused {
                Ok(folder)
            } else {
                Err(FolderError::NoBundle)
            };
        };
        let tokens = files
            .iter()
            .filter(|file| token::stated_uri(file).is_some());
        folder.lists = Lists::open(bundle, tokens);
        let roots = bundle
            .contents()
            .roots
            .iter()
            .filter_map(|der| Certificate::from_der(der).ok());
        folder.roots.extend(roots);
        Ok(folder)
    }

    /// No evidence at all but trusted roots for signatures of documents.
    #[must_use]
    pub fn nothing(anchors: Vec<Certificate>) -> Self {
        Self {
            roots: anchors,
            ..Self::default()
        }
    }

    /// Answers about the text of a QR.
    #[must_use]
    pub fn code(&self, text: &str, question: Question) -> Answered {
        self.judge(Report::new(), Some(text), question, REQUIRED)
    }

    /// Answers about a signed PDF or a picture with a QR.
    ///
    /// # Errors
    /// [`FileError`] when the file cannot be read at all.
    pub fn file(&self, bytes: &[u8], question: Question) -> Result<Answered, FileError> {
        if FileKind::of(bytes)? == FileKind::Picture {
            return Ok(self.code(&document::picture_text(bytes)?, question));
        }
        let signed = document::read_signed(bytes, &self.roots, question.at)?;
        let mut report = Report::new();
        signed.record(&mut report);
        Ok(self.judge(
            report,
            signed.code.as_deref(),
            question,
            super::REQUIRED_OF_DOCUMENT,
        ))
    }

    fn judge(
        &self,
        mut report: Report,
        text: Option<&str>,
        question: Question,
        required: &[CheckKind],
    ) -> Answered {
        let trust = match &self.bundle {
            Some(bundle) => Trust::Held(bundle),
            None if self.refused => Trust::Refused,
            None => Trust::Missing,
        };
        let evidence = Evidence {
            trust,
            lists: &self.lists,
            at: question.at,
        };
        let Some(text) = text else {
            // No code: what is missing is the status, not the signature of a code that nobody promised.
            report.record(
                CheckKind::Status,
                Outcome::NotPerformed(Skip::NothingToCheck),
            );
            let verdict = report.verdict(required);
            return Answered {
                report,
                verdict,
                id: None,
                shown: None,
                claimed: Vec::new(),
            };
        };
        let judged = credential::judge(text, &evidence);
        for (kind, outcome) in judged.report.checks() {
            report.record(*kind, *outcome);
        }
        if let Some(state) = judged.report.state() {
            report.record_state(state, judged.report.as_of());
        }
        report.record(CheckKind::Register, Outcome::NotPerformed(Skip::NoRegister));
        report.record(CheckKind::Match, Outcome::NotPerformed(Skip::NotSeen));
        let shown = match (&self.bundle, &judged.claims) {
            (Some(bundle), Some(claims)) => show(bundle, claims, question.viewer),
            _ => None,
        };
        let claimed = match (&self.bundle, &judged.peeked) {
            (Some(bundle), Some(claims)) => of_unverified(bundle, claims),
            _ => Vec::new(),
        };
        let verdict = report.verdict(required);
        Answered {
            report,
            verdict,
            id: judged.id,
            shown,
            claimed,
        }
    }
}

/// What an issuer vouches for, as the bundle describes it.
fn show(bundle: &TrustBundle, verified: &VerifiedClaims, viewer: Viewer) -> Option<Shown> {
    let claims = verified.claims();
    let known = bundle.result_type(claims.type_number)?;
    let agency = bundle.agency(&claims.issuer)?;
    let fields = of_verified(bundle, verified, viewer);
    let value = |name: &str| fields.iter().find(|field| field.name == name);
    let title = known.title_field.and_then(|number| known.field(number));
    Some(Shown {
        type_code: known.code.clone(),
        label: known.label.clone(),
        title: title
            .and_then(|field| value(&field.name))
            .map(|field| field.value.vi.clone()),
        agency_code: agency.code.clone(),
        agency: Label {
            vi: agency.name.vi.clone(),
            en: agency.name.en.clone(),
        },
        phone: None,
        number: String::new(),
        issue_date: claims.issued_at.local_date(),
        valid_from: claims.not_before.local_date(),
        valid_to: claims.expires.map(UnixTime::local_date),
        fields,
        change: None,
        errata: Vec::new(),
        predecessor: None,
        successor: None,
    })
}

/// A public key in PEM.
fn public_key(file: &[u8]) -> Option<PublicKey> {
    use der::pem;
    let (label, bytes) = pem::decode_vec(file.trim_ascii_end()).ok()?;
    (label == "PUBLIC KEY").then(|| PublicKey::from_spki(&bytes).ok())?
}
