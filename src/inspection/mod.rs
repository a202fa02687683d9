//! Recording what inspectors check in the field.
//!
//! A check is judged anew from what is known when it arrives, and written with its leaf in one
//! transaction. It is idempotent by the id that the client made: the same check again gets the first
//! answer, another check under the same id is refused. Nothing is dropped silently.

use crate::access::{Caller, Permission};
use crate::catalogue::Catalogue;
use crate::clock::{Clock, UnixTime};
use crate::digest::Sha256;
use crate::limits;
use crate::private::Private;
use crate::report::{CheckKind, Outcome, Reason, Skip};
use crate::store::{Alarm, Check, CheckEntry, Place, RecordedCheck, Recorder, Seen, StoreError};
use crate::tlog;
use crate::verification::{Question, REQUIRED_WITH_MATCH, Verifier, VerifyError, Viewer};
use ring::rand::{SecureRandom as _, SystemRandom};
use serde_json::{Value as Json, json};
use std::sync::Arc;
use uuid::{Uuid, Version};

/// One check, as the client recorded it.
#[derive(Clone, Debug)]
pub struct Record {
    /// UUID of version 7 that the client made.
    pub id: Uuid,
    /// The scanned text.
    pub scanned: Private<String>,
    /// The device's clock.
    pub device_time: UnixTime,
    /// What the inspector saw.
    pub seen: Seen,
    /// Code of his finding.
    pub finding: Option<String>,
    /// His words.
    pub note: Option<Private<String>>,
    /// Where, as far as the agency wants to know.
    pub place: Option<Place>,
    /// What the device showed: verdict, age of its list, its floor of time.
    pub shown: Option<Json>,
    /// Digest of everything above, so that a repetition is told from another check.
    pub content: Sha256,
}

/// A check that stands in the log.
#[derive(Clone, Debug, PartialEq)]
pub struct Recorded {
    /// Its id.
    pub id: Uuid,
    /// The verdict as it was recorded.
    pub verdict: &'static str,
    /// The report as it was recorded: JSON.
    pub report: String,
    /// Place of the leaf.
    pub leaf_index: u64,
    /// Its hash.
    pub leaf_hash: Sha256,
}

/// Why one check of a request was not recorded.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Refused {
    /// The id is no UUID of version 7.
    Id,
    /// Another check was recorded under this id.
    IdTaken,
    /// No such finding.
    Finding,
    /// A text is too long.
    TooLong,
}

impl Refused {
    /// The stable code.
    #[must_use]
    pub fn code(self) -> &'static str {
        match self {
            Self::Id => "check/id-not-uuidv7",
            Self::IdTaken => "check/id-taken",
            Self::Finding => "check/unknown-finding",
            Self::TooLong => "check/too-long",
        }
    }
}

/// Why a request with checks failed as a whole.
#[derive(Debug, thiserror::Error)]
pub enum InspectionError {
    /// Not this caller.
    #[error(transparent)]
    Forbidden(#[from] crate::access::Forbidden),
    /// More checks than one request may carry.
    #[error("more than {} checks in one request", limits::CHECKS_PER_REQUEST)]
    TooMany,
    /// The verification failed.
    #[error("the verification failed")]
    Verify(#[from] VerifyError),
    /// The register failed.
    #[error("the register failed")]
    Store(#[from] StoreError),
}

/// Records checks.
#[derive(Clone)]
pub struct Inspection {
    recorder: Recorder,
    verifier: Verifier,
    catalogue: Arc<Catalogue>,
    clock: Arc<dyn Clock>,
}

/// Characters of a note.
const NOTE: usize = 1_000;

impl Inspection {
    /// Checks are judged by `verifier` and written by `recorder`.
    #[must_use]
    pub fn new(
        recorder: Recorder,
        verifier: Verifier,
        catalogue: Arc<Catalogue>,
        clock: Arc<dyn Clock>,
    ) -> Self {
        Self {
            recorder,
            verifier,
            catalogue,
            clock,
        }
    }

    /// Records checks in one transaction; each is recorded, or refused with a reason, in its place. The
    /// answer comes when they are on the disk.
    ///
    /// # Errors
    /// [`InspectionError`] when nothing at all was recorded.
    pub async fn record(
        &self,
        caller: &Caller,
        records: &[Record],
    ) -> Result<Vec<Result<Recorded, Refused>>, InspectionError> {
        caller.require(Permission::Check)?;
        if records.len() > limits::CHECKS_PER_REQUEST {
            return Err(InspectionError::TooMany);
        }
        let mut admitted = Vec::with_capacity(records.len());
        let mut entries = Vec::with_capacity(records.len());
        for record in records {
            let admission = self.admit(record);
            if admission.is_ok() {
                entries.push(self.entry(caller, record).await?);
            }
            admitted.push(admission);
        }
        let mut written = self.recorder.record(entries).await?.into_iter();
        let mut answers = Vec::with_capacity(records.len());
        for admission in admitted {
            answers.push(match admission.map(|()| written.next()) {
                Err(refused) => Err(refused),
                Ok(Some(Ok(recorded))) => Ok(recorded.into()),
                Ok(_) => Err(Refused::IdTaken),
            });
        }
        Ok(answers)
    }

    fn admit(&self, record: &Record) -> Result<(), Refused> {
        if record.id.get_version() != Some(Version::SortRand) {
            return Err(Refused::Id);
        }
        let note = record
            .note
            .as_ref()
            .map_or(0, |note| note.expose().chars().count());
        if note > NOTE || record.scanned.expose().len() > 2 * limits::SCANNED_TEXT {
            return Err(Refused::TooLong);
        }
        let known = |code: &String| self.catalogue.findings().iter().any(|f| f.code == *code);
        if record.finding.as_ref().is_some_and(|code| !known(code)) {
            return Err(Refused::Finding);
        }
        Ok(())
    }

    async fn entry(&self, caller: &Caller, record: &Record) -> Result<CheckEntry, InspectionError> {
        let now = self.clock.now();
        let question = Question {
            at: now,
            viewer: Viewer::Inspector,
        };
        let (mut answered, known) = self
            .verifier
            .code_known(record.scanned.expose(), question)
            .await?;
        answered.report.record(
            CheckKind::Match,
            match record.seen {
                Seen::Fits => Outcome::Pass,
                Seen::DoesNotFit => Outcome::Fail(Reason::DoesNotFit),
                Seen::NotSeen => Outcome::NotPerformed(Skip::NotSeen),
            },
        );
        answered.verdict = answered.report.verdict(REQUIRED_WITH_MATCH);
        let agency = known.map(|known| known.entry.agency.code.clone());
        let scanned = Sha256::of(record.scanned.expose().as_bytes());
        let mut salt = [0; tlog::SALT];
        SystemRandom::new()
            .fill(&mut salt)
            .map_err(|_| StoreError::Missing("randomness"))?;
        let report = answered.to_text_with(record.shown.as_ref());
        let committed = json!({
            "id": record.id.to_string(),
            "content": record.content.hex(),
            "account": caller.account,
            "result": answered.id.map(|id| id.to_string()),
            "scanned": scanned.hex(),
            "verdict": answered.verdict.name(),
            "match": record.seen.name(),
            "received_at": now.seconds(),
        });
        let leaf = tlog::Leaf::new(
            tlog::Kind::Checked,
            now,
            &caller.agency,
            &salt,
            committed.to_string().as_bytes(),
        );
        let differs = answered.report.outcome(CheckKind::Register)
            == Some(Outcome::Fail(Reason::RegisterMismatch));
        let alarm = differs.then(|| Alarm {
            id: Uuid::now_v7(),
            agency: agency.clone().unwrap_or_else(|| caller.agency.clone()),
            kind: Reason::RegisterMismatch.code().to_owned(),
            result: answered.id,
            check: Some(record.id),
            detail: String::new(),
            at: now,
        });
        Ok(CheckEntry {
            check: Check {
                id: record.id,
                content: record.content,
                account: caller.account.clone(),
                agency: caller.agency.clone(),
                result: answered.id,
                result_agency: agency,
                scanned,
                verdict: answered.verdict,
                report,
                seen: record.seen,
                finding: record.finding.clone(),
                note: record.note.clone(),
                place: record.place,
                device_time: record.device_time,
                received_at: now,
                salt: Some(salt.to_vec()),
                leaf_index: 0,
                signed: false,
            },
            leaf,
            alarms: alarm.into_iter().collect(),
        })
    }
}

impl From<RecordedCheck> for Recorded {
    fn from(RecordedCheck { check, leaf_hash }: RecordedCheck) -> Self {
        Self {
            id: check.id,
            verdict: check.verdict.name(),
            report: check.report,
            leaf_index: check.leaf_index,
            leaf_hash,
        }
    }
}
