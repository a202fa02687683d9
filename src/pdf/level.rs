//! What a signature is worth later: its PAdES level and the time that is proven (ETSI EN 319 142-1, clause 6;
//! ETSI EN 319 102-1, clause 5.6, in short).
//!
//! ```text
//! B-B    signature
//! B-T    … and a time stamp of it, inside its CMS or of the whole file
//! B-LT   … and in /DSS whether every certificate of it and of the time stamp was good at that time
//! B-LTA  … and a time stamp of the file with all that
//! ```
//!
//! Time is counted backwards. A time stamp counts while its authority's certificate is in force, *or* while a
//! later one that counts was made in that period; so each has to hold at the time of the next, the last one now.
//! What is proven to have existed then is judged as of then: certificates may have ended since.

use super::dss;
use super::error::PdfError;
use super::inspect::{Coverage, SignatureField};
use super::reader::Document;
use crate::clock::UnixTime;
use crate::limits;
use crate::pki::chain::{self, Purpose};
use crate::pki::cms::SignedData;
use crate::pki::timestamp::{Stamped, Token};
use crate::pki::{Certificate, ChainError, Evidence, Freshness, Standing, VerifiedChain};
use std::cell::Cell;

/// How long a signature can be checked, by what it brings along.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub enum Level {
    /// A signature, at a time that only its maker states.
    BB,
    /// At a proven time.
    BT,
    /// With the status of all certificates at that time.
    BLT,
    /// Kept together by a time stamp of the whole, which can be renewed.
    BLTA,
}

impl Level {
    /// `B-B`, `B-T`, `B-LT` or `B-LTA`.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::BB => "B-B",
            Self::BT => "B-T",
            Self::BLT => "B-LT",
            Self::BLTA => "B-LTA",
        }
    }

    /// Reads [`Self::name`], in any case of letters.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        [Self::BB, Self::BT, Self::BLT, Self::BLTA]
            .into_iter()
            .find(|level| level.name().eq_ignore_ascii_case(name))
    }
}

/// The `/SubFilter` of a time stamp of the whole file.
pub const TIME_STAMP: &str = "ETSI.RFC3161";

/// The time stamps of a file and what it keeps, judged as of a moment; asked about each signature.
#[derive(Debug)]
pub struct Archive {
    /// What the newest store holds.
    evidence: Evidence,
    /// Time stamps of the file that count, newest first.
    stamps: Vec<DocumentStamp>,
    now: UnixTime,
    budget: Budget,
}

/// How many paths may yet be judged by what the file keeps; of further ones nothing is known.
#[derive(Debug)]
struct Budget(Cell<u32>);

impl Budget {
    fn standing(
        &self,
        evidence: &Evidence,
        path: &VerifiedChain,
        at: UnixTime,
        by: UnixTime,
    ) -> Standing {
        match self.0.get().checked_sub(1) {
            Some(left) => {
                self.0.set(left);
                evidence.standing(path, at, by, Freshness::USUAL)
            }
            None => Standing::Unknown { position: 0 },
        }
    }
}

#[derive(Debug)]
struct DocumentStamp {
    /// The revision it covers.
    revision: usize,
    stamped: Stamped,
    /// What the store held in that revision.
    evidence: Evidence,
    /// The moment for which it was judged: the time of the next one, or now.
    judged_at: UnixTime,
}

/// What one signature is worth.
#[derive(Clone, Debug)]
pub struct Worth {
    /// Its level.
    pub level: Level,
    /// The second before which it is proven to have been made.
    pub proven: Option<UnixTime>,
    /// The way from its certificate to a trusted root, as of the proven time or of now.
    pub path: Result<VerifiedChain, ChainError>,
    /// What is known about the certificates of that path; [`Standing::Unknown`] where the file keeps nothing
    /// about them.
    pub standing: Standing,
}

impl Archive {
    /// Reads the time stamps of a file, the last one first.
    ///
    /// # Errors
    /// If the store cannot be read.
    pub fn read(
        document: &Document<'_>,
        fields: &[SignatureField],
        roots: &[Certificate],
        now: UnixTime,
    ) -> Result<Self, PdfError> {
        let evidence = dss::read(document)?;
        let mut stamps = Vec::new();
        let mut judged_at = now;
        let budget = Budget(Cell::new(limits::PDF_JUDGEMENTS));
        for field in fields.iter().rev() {
            if field.sub_filter != TIME_STAMP {
                continue;
            }
            let found = document_stamp(document, field, roots, (&evidence, &budget), judged_at);
            let Some(stamped) = found else {
                continue;
            };
            let revision = revision_of(document, field.coverage);
            let then = document.as_of(revision)?;
            let time = stamped.info().latest();
            stamps.push(DocumentStamp {
                revision,
                stamped,
                evidence: dss::read(&then)?,
                judged_at,
            });
            judged_at = judged_at.min(time);
        }
        Ok(Self {
            evidence,
            stamps,
            now,
            budget,
        })
    }

    /// What the newest store holds.
    #[must_use]
    pub fn evidence(&self) -> &Evidence {
        &self.evidence
    }

    /// The newest time stamp of the file that counts: when it was made, and the end of its authority's
    /// certificate, by when it has to be renewed.
    #[must_use]
    pub fn newest(&self) -> Option<(UnixTime, UnixTime)> {
        let newest = self.stamps.first()?;
        let leaf = newest.stamped.path().leaf()?;
        Some((newest.stamped.info().time(), leaf.not_after()))
    }

    /// What a signature is worth whose bytes and cryptography hold. `signer` is its certificate.
    #[must_use]
    pub fn worth(
        &self,
        document: &Document<'_>,
        field: &SignatureField,
        signed: &SignedData,
        signer: &Certificate,
        roots: &[Certificate],
    ) -> Worth {
        let revision = revision_of(document, field.coverage);
        // Those that cover it; the oldest of them proves the earliest time.
        let covering = || self.stamps.iter().filter(|one| one.revision > revision);
        let oldest = covering().next_back();
        let by = oldest.map_or(self.now, |oldest| oldest.stamped.info().latest());
        let own = self.own_stamp(signed, roots, by);
        let stamped = own.as_ref().or(oldest.map(|oldest| &oldest.stamped));
        let proven = stamped.map(|stamped| stamped.info().latest());
        let at = proven.unwrap_or(self.now);
        let known = [signed.certificates(), self.evidence.certificates.as_slice()].concat();
        let path = chain::build(signer, &known, roots, at, Purpose::DocumentSigning);
        let standing = |evidence: &Evidence, by: UnixTime| match &path {
            Ok(path) => self.budget.standing(evidence, path, at, by),
            Err(_) => Standing::Unknown { position: 0 },
        };
        let stamp_holds = |evidence: &Evidence, by: UnixTime| {
            stamped.is_some_and(|stamped| {
                let path = stamped.path();
                self.budget.standing(evidence, path, at, by) == Standing::Good
            })
        };
        let kept = |evidence: &Evidence, by: UnixTime| {
            standing(evidence, by) == Standing::Good && stamp_holds(evidence, by)
        };
        let archived = covering().any(|one| kept(&one.evidence, one.judged_at));
        let level = match proven {
            None => Level::BB,
            Some(_) if archived => Level::BLTA,
            Some(_) if kept(&self.evidence, self.now) => Level::BLT,
            Some(_) => Level::BT,
        };
        Worth {
            level,
            proven,
            standing: standing(&self.evidence, self.now),
            path,
        }
    }

    /// The time stamp inside a signature's CMS, if it counts at the moment `by`.
    fn own_stamp(
        &self,
        signed: &SignedData,
        roots: &[Certificate],
        by: UnixTime,
    ) -> Option<Stamped> {
        let token = Token::parse(signed.time_stamp_token()?).ok()?;
        token.info().is_of(&[signed.signature_value()]).ok()?;
        counts(&token, roots, (&self.evidence, &self.budget), by)
    }
}

/// A time stamp of the file that covers a revision of it and counts at the moment `by`.
fn document_stamp(
    document: &Document<'_>,
    field: &SignatureField,
    roots: &[Certificate],
    kept: (&Evidence, &Budget),
    by: UnixTime,
) -> Option<Stamped> {
    let covered = field.covered(document)?;
    let token = Token::parse(field.cms()).ok()?;
    token.info().is_of(&covered).ok()?;
    counts(&token, roots, kept, by)
}

/// A token whose authority was trusted when it was made, still is at the moment `by`, and was not withdrawn as
/// far as the file knows.
fn counts(
    token: &Token,
    roots: &[Certificate],
    (evidence, budget): (&Evidence, &Budget),
    by: UnixTime,
) -> Option<Stamped> {
    let others = &evidence.certificates;
    let made = token.info().time();
    if made > by.plus(Freshness::USUAL.skew) {
        return None;
    }
    token.check(others, roots, by.max(made)).ok()?;
    let stamped = token.check(others, roots, made).ok()?;
    let standing = budget.standing(evidence, stamped.path(), made, by);
    (!matches!(standing, Standing::Revoked { .. })).then_some(stamped)
}

fn revision_of(document: &Document<'_>, coverage: Coverage) -> usize {
    match coverage {
        Coverage::WholeFile => document.revisions().len(),
        Coverage::Revision(number) => number,
        Coverage::Broken(_) => 0,
    }
}
