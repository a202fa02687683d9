//! The answer of every verification: what was checked, how it went, what was not done.
//!
//! A report has three answers that are never merged: the signature, the status, the match with what
//! stands in front of the inspector. The verdict is computed from the checks and never stored apart from
//! them; nothing that was not performed ever adds up to valid.

use crate::clock::UnixTime;

/// How one check went.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Outcome {
    /// It was performed and holds.
    Pass,
    /// It was performed and does not hold.
    Fail(Reason),
    /// It was performed and could not decide.
    Undetermined(Reason),
    /// It was not performed.
    NotPerformed(Skip),
}

impl Outcome {
    /// `pass`, `fail`, `undetermined` or `not_performed`.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Pass => "pass",
            Self::Fail(_) => "fail",
            Self::Undetermined(_) => "undetermined",
            Self::NotPerformed(_) => "not_performed",
        }
    }

    /// The stable code of the reason, where there is one.
    #[must_use]
    pub fn reason(self) -> Option<&'static str> {
        match self {
            Self::Pass => None,
            Self::Fail(reason) | Self::Undetermined(reason) => Some(reason.code()),
            Self::NotPerformed(skip) => Some(skip.code()),
        }
    }
}

/// Which question a check belongs to.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum Answer {
    /// (1) Who vouches, was it altered.
    Signature,
    /// (2) In force or not, and how old that knowledge is.
    Status,
    /// (3) Does what stands in front of me fit.
    Match,
}

macro_rules! codes {
    ($(#[$doc:meta])* $name:ident { $($(#[$variant_doc:meta])* $variant:ident = $code:literal,)* }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
        pub enum $name { $($(#[$variant_doc])* $variant,)* }

        impl $name {
            /// Every one of them, in order.
            pub const ALL: &'static [Self] = &[$(Self::$variant),*];

            /// The stable code.
            #[must_use]
            pub fn code(self) -> &'static str {
                match self { $(Self::$variant => $code,)* }
            }

            /// Reads [`Self::code`].
            #[must_use]
            pub fn from_code(code: &str) -> Option<Self> {
                Self::ALL.iter().copied().find(|one| one.code() == code)
            }
        }
    };
}

codes! {
    /// What was checked.
    CheckKind {
        /// The text of the QR has our form and its one spelling.
        Code = "code",
        /// COSE and claims have our form and their one encoding.
        Credential = "credential",
        /// The key is in the trust bundle and may sign this type at this time.
        Issuer = "issuer",
        /// The signature of the credential, bound to the look-up code.
        CredentialSignature = "credential_signature",
        /// The register holds the same credential under this id.
        Register = "register",
        /// The signatures in the PDF are intact and cover the whole file.
        DocumentIntegrity = "document_integrity",
        /// The PDF's certificates lead to a trusted root.
        DocumentTrust = "document_trust",
        /// The PDF is the file that the register recorded with this result.
        DocumentBinding = "document_binding",
        /// Today lies within `valid_from` and `valid_to`.
        Validity = "validity",
        /// Now lies within the permitted hours.
        Hours = "hours",
        /// The status list or the register, and its age.
        Status = "status",
        /// What the inspector saw.
        Match = "match",
    }
}

impl CheckKind {
    /// Whether it compares with records that a verifier need not have.
    #[must_use]
    pub fn is_comparison(self) -> bool {
        matches!(self, Self::Register | Self::DocumentBinding)
    }

    /// The question that this check helps to answer.
    #[must_use]
    pub fn answer(self) -> Answer {
        match self {
            Self::Code
            | Self::Credential
            | Self::Issuer
            | Self::CredentialSignature
            | Self::Register
            | Self::DocumentIntegrity
            | Self::DocumentTrust
            | Self::DocumentBinding => Answer::Signature,
            Self::Validity | Self::Hours | Self::Status => Answer::Status,
            Self::Match => Answer::Match,
        }
    }
}

codes! {
    /// Why a check failed or could not decide.
    Reason {
        /// Not a code of this system at all: another URL, a text, a number.
        CodeForeign = "code/foreign",
        /// Longer than any code of ours.
        CodeTooLong = "code/too-long",
        /// The look-up code in the text is misspelled.
        CodeBadId = "code/bad-id",
        /// No digits follow the look-up code.
        CodeNoCredential = "code/no-credential",
        /// Something other than digits stands behind the `#`.
        CodeTrailingText = "code/trailing-text",
        /// No encoder makes this number of digits.
        CodeTailLength = "code/tail-length",
        /// Digits that stand for a value beyond their bytes.
        CodeNotCanonical = "code/not-canonical",
        /// A newer format than this program knows.
        CodeUnknownVersion = "code/unknown-version",
        /// Not well-formed COSE or CBOR, or it ends too early.
        CredentialMalformed = "credential/malformed",
        /// Another encoding than the deterministic one.
        CredentialNotDeterministic = "credential/not-deterministic",
        /// A map with the same key twice.
        CredentialDuplicateKey = "credential/duplicate-key",
        /// The header carries an algorithm other than ES256, or not where it belongs.
        CredentialAlgorithm = "credential/algorithm",
        /// The key id is missing, has another length, or is not where it belongs.
        CredentialKeyId = "credential/key-id",
        /// A header that must be understood and is not.
        CredentialCritical = "credential/critical-header",
        /// The signature has not the raw form `r ‖ s` of 64 bytes.
        CredentialSignatureForm = "credential/signature-form",
        /// The signature uses the higher one of its two `s`.
        CredentialHighS = "credential/high-s",
        /// A claim is missing, has the wrong type or does not belong.
        CredentialClaims = "credential/claims",
        /// Larger than a credential may be.
        CredentialOversize = "credential/oversize",
        /// No key of the trust bundle has this key id.
        IssuerUnknown = "issuer/unknown",
        /// The key belongs to another issuer, or may not sign this type.
        IssuerOutOfScope = "issuer/out-of-scope",
        /// The credential was signed outside the key's validity.
        IssuerKeyPeriod = "issuer/key-period",
        /// The trust bundle is not signed by the pinned operator.
        TrustBundleInvalid = "trust/bundle-invalid",
        /// The trust bundle has expired.
        TrustBundleExpired = "trust/bundle-expired",
        /// The signature does not match content, key and look-up code.
        SignatureInvalid = "signature/invalid",
        /// The register holds another credential under this id.
        RegisterMismatch = "register/mismatch",
        /// The register has no result with this id.
        RegisterUnknown = "register/unknown",
        /// The PDF has no signature.
        DocumentUnsigned = "document/unsigned",
        /// The PDF was changed after it was signed.
        DocumentChanged = "document/changed-after-signing",
        /// A signature of the PDF does not match what it covers.
        DocumentSignatureInvalid = "document/signature-invalid",
        /// A signature of the PDF cannot be read or uses an algorithm that is not accepted.
        DocumentSignatureForm = "document/signature-form",
        /// No path from the signing certificate to a trusted root.
        DocumentNoPath = "document/no-trusted-path",
        /// The signing certificate was not in force when the signature was made.
        DocumentCertificatePeriod = "document/certificate-period",
        /// The signing certificate had been withdrawn when the signature was made.
        DocumentCertificateRevoked = "document/certificate-revoked",
        /// The PDF is not the file recorded with this result.
        DocumentMismatch = "document/mismatch",
        /// Before the first day.
        NotYetEffective = "validity/not-yet",
        /// After the last day.
        Expired = "validity/expired",
        /// In force, but not at this hour.
        OutsideHours = "hours/outside",
        /// Revoked.
        Revoked = "status/revoked",
        /// Suspended for a time.
        Suspended = "status/suspended",
        /// Cancelled (NĐ 45/2020 Đ15).
        Cancelled = "status/cancelled",
        /// Replaced by another result.
        Superseded = "status/superseded",
        /// Given back by its holder.
        Surrendered = "status/surrendered",
        /// The status list is older than the result type allows.
        StatusStale = "status/stale",
        /// The status list is not signed by who the trust bundle says.
        StatusListInvalid = "status/list-invalid",
        /// The inspector ticked that it does not fit.
        DoesNotFit = "match/does-not-fit",
    }
}

codes! {
    /// Why a check was not performed.
    Skip {
        /// An earlier check of the same answer failed.
        EarlierFailure = "skip/earlier-failure",
        /// The input carries nothing to check here.
        NothingToCheck = "skip/nothing-to-check",
        /// There is no trust bundle at hand.
        NoTrust = "skip/no-trust",
        /// There is no status list at hand.
        NoStatusList = "skip/no-status-list",
        /// There is no register at hand.
        NoRegister = "skip/no-register",
        /// The knowledge at hand is too old to use.
        TooOld = "skip/too-old",
        /// The code itself never reached this place.
        CodeNotSent = "skip/code-not-sent",
        /// The catalogue does not have the type of this result any more.
        TypeUnknown = "skip/type-unknown",
        /// Nobody looked, or it could not be seen.
        NotSeen = "skip/not-seen",
    }
}

codes! {
    /// What the status answer says about the result (domain: status model).
    State {
        /// In force now.
        InForce = "in_force",
        /// In force, outside its permitted hours.
        OutsideHours = "outside_hours",
        /// Its first day has not come.
        NotYetEffective = "not_yet_effective",
        /// Its last day has passed.
        Expired = "expired",
        /// Suspended for a time.
        Suspended = "suspended",
        /// Revoked.
        Revoked = "revoked",
        /// Cancelled.
        Cancelled = "cancelled",
        /// Replaced by another result.
        Superseded = "superseded",
        /// Given back.
        Surrendered = "surrendered",
        /// The register does not know it.
        Unknown = "unknown",
        /// Cannot be decided: no list, or one that is too old.
        Undecided = "undecided",
    }
}

/// What all checks add up to.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Verdict {
    /// Every required check was performed and holds.
    Valid,
    /// A check was performed and does not hold.
    Invalid,
    /// Neither.
    Undetermined,
}

impl Verdict {
    /// `valid`, `invalid` or `undetermined`.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Valid => "valid",
            Self::Invalid => "invalid",
            Self::Undetermined => "undetermined",
        }
    }
}

/// What was checked and how it went, in the order of the checks.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Report {
    checks: Vec<(CheckKind, Outcome)>,
    state: Option<State>,
    as_of: Option<UnixTime>,
    standing: Option<Standing>,
}

/// How long the signature of a document can be checked, and when it is proven to have been made.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Standing {
    /// `B-B`, `B-T`, `B-LT` or `B-LTA` (ETSI EN 319 142-1).
    pub level: &'static str,
    /// Not after this moment; `None` if only its maker says when.
    pub proven: Option<UnixTime>,
}

impl Report {
    /// A report of nothing.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Writes down how a check went. A check is written once; the later word replaces the earlier.
    pub fn record(&mut self, kind: CheckKind, outcome: Outcome) {
        match self.checks.iter_mut().find(|(known, _)| *known == kind) {
            Some(entry) => entry.1 = outcome,
            None => self.checks.push((kind, outcome)),
        }
    }

    /// Writes down what the status answer says, and the moment of the knowledge it rests on.
    pub fn record_state(&mut self, state: State, as_of: Option<UnixTime>) {
        self.state = Some(state);
        self.as_of = as_of;
    }

    /// Writes down what the signature of a document is worth.
    pub fn record_standing(&mut self, standing: Standing) {
        self.standing = Some(standing);
    }

    /// What the signature of a document is worth; `None` if there is none that holds.
    #[must_use]
    pub fn standing(&self) -> Option<Standing> {
        self.standing
    }

    /// Every check that was written down.
    #[must_use]
    pub fn checks(&self) -> &[(CheckKind, Outcome)] {
        &self.checks
    }

    /// How one check went; `None` if nobody wrote it down.
    #[must_use]
    pub fn outcome(&self, kind: CheckKind) -> Option<Outcome> {
        self.checks
            .iter()
            .find(|(known, _)| *known == kind)
            .map(|(_, outcome)| *outcome)
    }

    /// What the status answer says.
    #[must_use]
    pub fn state(&self) -> Option<State> {
        self.state
    }

    /// The moment of the knowledge that the status answer rests on.
    #[must_use]
    pub fn as_of(&self) -> Option<UnixTime> {
        self.as_of
    }

    /// One of the three answers: the worst of its checks. Without a check it was not performed. A
    /// comparison with a register that nobody had at hand takes nothing away from what was checked.
    #[must_use]
    pub fn answer(&self, answer: Answer) -> Outcome {
        let rank = |outcome: &Outcome| match outcome {
            Outcome::Fail(_) => 0,
            Outcome::Undetermined(_) => 1,
            Outcome::NotPerformed(_) => 2,
            Outcome::Pass => 3,
        };
        self.checks
            .iter()
            .filter(|(kind, outcome)| {
                let skipped = matches!(outcome, Outcome::NotPerformed(_));
                kind.answer() == answer && !(skipped && kind.is_comparison())
            })
            .map(|(_, outcome)| *outcome)
            .min_by_key(rank)
            .unwrap_or(Outcome::NotPerformed(Skip::NothingToCheck))
    }

    /// `Invalid` if any check failed, `Valid` if every one of `required` passed, else `Undetermined`.
    #[must_use]
    pub fn verdict(&self, required: &[CheckKind]) -> Verdict {
        if self
            .checks
            .iter()
            .any(|(_, outcome)| matches!(outcome, Outcome::Fail(_)))
        {
            return Verdict::Invalid;
        }
        let passed = |kind: &CheckKind| self.outcome(*kind) == Some(Outcome::Pass);
        if !required.is_empty() && required.iter().all(passed) {
            Verdict::Valid
        } else {
            Verdict::Undetermined
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use CheckKind::{CredentialSignature, Match, Status, Validity};

    fn report(checks: &[(CheckKind, Outcome)]) -> Report {
        let mut report = Report::new();
        for (kind, outcome) in checks {
            report.record(*kind, *outcome);
        }
        report
    }

    #[test]
    fn a_required_check_that_was_skipped_never_yields_valid() {
        let skipped = report(&[
            (CredentialSignature, Outcome::Pass),
            (Status, Outcome::NotPerformed(Skip::NoStatusList)),
        ]);
        assert_eq!(
            skipped.verdict(&[CredentialSignature, Status]),
            Verdict::Undetermined
        );
        assert_eq!(Report::new().verdict(&[]), Verdict::Undetermined);
    }

    #[test]
    fn one_failure_makes_the_verdict_invalid_whatever_else_passed() {
        let failed = report(&[
            (CredentialSignature, Outcome::Pass),
            (Status, Outcome::Fail(Reason::Revoked)),
        ]);
        assert_eq!(failed.verdict(&[CredentialSignature]), Verdict::Invalid);
    }

    #[test]
    fn the_three_answers_stay_apart() {
        let mixed = report(&[
            (CredentialSignature, Outcome::Pass),
            (Validity, Outcome::Pass),
            (Status, Outcome::Fail(Reason::Revoked)),
        ]);
        assert_eq!(mixed.answer(Answer::Signature), Outcome::Pass);
        assert_eq!(mixed.answer(Answer::Status), Outcome::Fail(Reason::Revoked));
        assert_eq!(
            mixed.answer(Answer::Match),
            Outcome::NotPerformed(Skip::NothingToCheck)
        );
        assert_eq!(mixed.outcome(Match), None);
    }

    #[test]
    fn a_register_that_is_not_at_hand_takes_nothing_from_a_good_signature() {
        let offline = report(&[
            (CredentialSignature, Outcome::Pass),
            (CheckKind::Register, Outcome::NotPerformed(Skip::NoRegister)),
        ]);
        assert_eq!(offline.answer(Answer::Signature), Outcome::Pass);
        let differs = report(&[
            (CredentialSignature, Outcome::Pass),
            (CheckKind::Register, Outcome::Fail(Reason::RegisterMismatch)),
        ]);
        assert_eq!(
            differs.answer(Answer::Signature),
            Outcome::Fail(Reason::RegisterMismatch)
        );
    }

    #[test]
    fn every_code_is_unique_and_reads_back() {
        for reason in Reason::ALL {
            assert_eq!(Reason::from_code(reason.code()), Some(*reason));
        }
        for skip in Skip::ALL {
            assert_eq!(Skip::from_code(skip.code()), Some(*skip));
        }
    }
}
