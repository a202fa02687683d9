//! The judgement of a scanned text: which checks are made, in which order, and what each says.
//!
//! The order and every rule are those of docs/formats/credential.md §5. Two of them carry the others:
//! nothing that nobody vouches for is looked up in a status list, and what could not be decided is never
//! called forged.

use super::claims::Claims;
use super::evidence::{Evidence, Held, Trust};
use super::fields;
use super::scan::{self, ScanError, Scanned};
use super::seal::UnverifiedClaims;
use crate::catalogue::Value;
use crate::clock::UnixTime;
use crate::digest::Sha256;
use crate::id::ResultId;
use crate::report::{CheckKind, Outcome, Reason, Report, Skip, State};
use crate::status::Status;
use crate::trust::{CredentialKey, ResultType, TrustBundle};

/// What must pass before the verdict on a code is "valid".
pub const REQUIRED: &[CheckKind] = &[
    CheckKind::Code,
    CheckKind::Credential,
    CheckKind::Issuer,
    CheckKind::CredentialSignature,
    CheckKind::Validity,
    CheckKind::Hours,
    CheckKind::Status,
];

/// The answer about one text.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Judged {
    /// Every check of [`REQUIRED`], in that order.
    pub report: Report,
    /// The look-up code, where the text has one.
    pub id: Option<ResultId>,
    /// What the credential says, if an issuer vouches for it.
    pub claims: Option<VerifiedClaims>,
    /// What the credential says, if nobody does.
    pub peeked: Option<UnverifiedClaims>,
}

/// Claims under a signature that holds, by a key that may sign them. [`judge()`] is the only way to them.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct VerifiedClaims {
    claims: Claims,
    fields: Vec<(u32, Value)>,
    key: Sha256,
}

impl VerifiedClaims {
    /// The claims.
    #[must_use]
    pub fn claims(&self) -> &Claims {
        &self.claims
    }

    /// The fields that the trust bundle describes, by number, in the order in which they are shown.
    #[must_use]
    pub fn fields(&self) -> &[(u32, Value)] {
        &self.fields
    }

    /// Fingerprint of the key that signed.
    #[must_use]
    pub fn key(&self) -> Sha256 {
        self.key
    }
}

/// Judges a scanned text with the evidence at hand. Never fails: whatever is wrong is in the report.
#[must_use]
pub fn judge(text: &str, evidence: &Evidence<'_>) -> Judged {
    match scan::parse(text) {
        Ok(scanned) => judge_scanned(&scanned, evidence),
        Err(error) => unread(error),
    }
}

/// Judges a text that was read already.
#[must_use]
pub fn judge_scanned(scanned: &Scanned, evidence: &Evidence<'_>) -> Judged {
    let mut report = Report::new();
    report.record(CheckKind::Code, Outcome::Pass);
    report.record(CheckKind::Credential, Outcome::Pass);
    let claims = match signer(scanned, evidence) {
        Ok((bundle, key, claims)) => vouched(&mut report, bundle, key, claims, evidence),
        Err((issuer, signature)) => {
            report.record(CheckKind::Issuer, issuer);
            report.record(CheckKind::CredentialSignature, signature);
            None
        }
    };
    skip_rest(
        &mut report,
        match evidence.trust {
            Trust::Missing => Skip::NoTrust,
            Trust::Refused | Trust::Held(_) => Skip::EarlierFailure,
        },
    );
    let peeked = match claims {
        Some(_) => None,
        None => scanned.credential.peek(),
    };
    Judged {
        report,
        id: Some(scanned.id),
        claims,
        peeked,
    }
}

/// The report on a text that holds no credential.
fn unread(error: ScanError) -> Judged {
    let mut report = Report::new();
    if error.check() == CheckKind::Credential {
        report.record(CheckKind::Code, Outcome::Pass);
    }
    report.record(error.check(), error.outcome());
    skip_rest(&mut report, Skip::EarlierFailure);
    Judged {
        report,
        id: error.id,
        claims: None,
        peeked: None,
    }
}

/// The key that signed, or how the checks of issuer and signature went instead.
fn signer<'a>(
    scanned: &Scanned,
    evidence: &Evidence<'a>,
) -> Result<(&'a TrustBundle, &'a CredentialKey, Claims), (Outcome, Outcome)> {
    let earlier = Outcome::NotPerformed(Skip::EarlierFailure);
    let no_trust = Outcome::NotPerformed(Skip::NoTrust);
    let bundle = match evidence.trust {
        Trust::Held(bundle) => bundle,
        Trust::Missing => return Err((no_trust, no_trust)),
        Trust::Refused => {
            return Err((Outcome::Undetermined(Reason::TrustBundleInvalid), earlier));
        }
    };
    let Ok((sealed, claims)) = scanned.credential.opened() else {
        // `Scanned` holds only credentials that open.
        return Err((earlier, earlier));
    };
    let mut keys = bundle.keys_with(sealed.kid()).peekable();
    if keys.peek().is_none() {
        return Err((Outcome::Undetermined(Reason::IssuerUnknown), earlier));
    }
    match keys.find(|one| scanned.credential.is_signed_by(&sealed, &one.key)) {
        Some(key) => Ok((bundle, key, claims)),
        None => Err((earlier, Outcome::Fail(Reason::SignatureInvalid))),
    }
}

/// Every check of [`REQUIRED`] that nobody wrote down was not performed.
fn skip_rest(report: &mut Report, skip: Skip) {
    for kind in REQUIRED {
        if report.outcome(*kind).is_none() {
            report.record(*kind, Outcome::NotPerformed(skip));
        }
    }
}

/// The signature holds: may this key say so, and what is the status of what it says?
fn vouched(
    report: &mut Report,
    bundle: &TrustBundle,
    key: &CredentialKey,
    claims: Claims,
    evidence: &Evidence<'_>,
) -> Option<VerifiedClaims> {
    let issuer = issuer(bundle, key, &claims, evidence.at);
    report.record(CheckKind::Issuer, issuer);
    report.record(CheckKind::CredentialSignature, Outcome::Pass);
    if matches!(issuer, Outcome::Fail(_)) {
        return None;
    }
    let known = bundle.result_type(claims.type_number);
    let Ok(fields) = known.map_or(Ok(Vec::new()), |known| read_fields(known, &claims)) else {
        report.record(
            CheckKind::Credential,
            Outcome::Fail(Reason::CredentialClaims),
        );
        return None;
    };
    let validity = validity(&claims, evidence.at);
    report.record(CheckKind::Validity, validity);
    let hours = match validity {
        Outcome::Pass => hours(known, &claims, &fields, evidence.at),
        _ => Outcome::NotPerformed(Skip::EarlierFailure),
    };
    report.record(CheckKind::Hours, hours);
    let (status, listed, as_of) = status(known, &claims, evidence);
    report.record(CheckKind::Status, status);
    report.record_state(state(validity, hours, status, listed), as_of);
    Some(VerifiedClaims {
        claims,
        fields,
        key: key.key.fingerprint(),
    })
}

/// Whether the key may sign for this issuer, this type, at the time of issue.
fn issuer(bundle: &TrustBundle, key: &CredentialKey, claims: &Claims, at: UnixTime) -> Outcome {
    // A bundle that is older than the credential cannot rule out that the key was given more since.
    let against = |reason| {
        if claims.issued_at > bundle.contents().issued_at {
            Outcome::Undetermined(reason)
        } else {
            Outcome::Fail(reason)
        }
    };
    if key.issuer != claims.issuer {
        return Outcome::Fail(Reason::IssuerOutOfScope);
    }
    if !key.types.contains(&claims.type_number) {
        return against(Reason::IssuerOutOfScope);
    }
    if claims.issued_at < key.not_before {
        return Outcome::Fail(Reason::IssuerKeyPeriod);
    }
    if claims.issued_at > key.not_after {
        return against(Reason::IssuerKeyPeriod);
    }
    if bundle.is_expired(at) {
        return Outcome::Undetermined(Reason::TrustBundleExpired);
    }
    Outcome::Pass
}

/// The fields that the bundle describes, read as it says, in its order.
fn read_fields(
    known: &ResultType,
    claims: &Claims,
) -> Result<Vec<(u32, Value)>, super::FieldError> {
    let present = known.fields.iter().filter_map(|field| {
        let wire = claims.field(field.number)?;
        Some(fields::decode(field.kind, wire).map(|value| (field.number, value)))
    });
    present.collect()
}

/// Both ends are inside: `exp` is the last second of the last day.
fn validity(claims: &Claims, at: UnixTime) -> Outcome {
    if at < claims.not_before {
        Outcome::Fail(Reason::NotYetEffective)
    } else if claims.expires.is_some_and(|last| at > last) {
        Outcome::Fail(Reason::Expired)
    } else {
        Outcome::Pass
    }
}

/// A result without hours may be used at any; one with fields that the bundle does not describe may have
/// hours that this verifier cannot see.
fn hours(
    known: Option<&ResultType>,
    claims: &Claims,
    fields: &[(u32, Value)],
    at: UnixTime,
) -> Outcome {
    let described = |(number, _): &(u32, _)| known.is_some_and(|one| one.field(*number).is_some());
    if known.is_none() || !claims.fields.iter().all(described) {
        return Outcome::NotPerformed(Skip::TooOld);
    }
    let local = at.local();
    let permitted = fields.iter().all(|(_, value)| match value {
        Value::Windows(windows) => windows
            .iter()
            .any(|window| window.contains(local.weekday(), local.time())),
        _ => true,
    });
    if permitted {
        Outcome::Pass
    } else {
        Outcome::Fail(Reason::OutsideHours)
    }
}

/// How the check of the status went, what the list says, and when the list was made.
fn status(
    known: Option<&ResultType>,
    claims: &Claims,
    evidence: &Evidence<'_>,
) -> (Outcome, Option<Status>, Option<UnixTime>) {
    let list_invalid = Outcome::Undetermined(Reason::StatusListInvalid);
    let list = match evidence.lists.held(claims.status.list) {
        Held::List(list) => list,
        Held::Refused => return (list_invalid, None, None),
        Held::Nothing => return (Outcome::NotPerformed(Skip::NoStatusList), None, None),
    };
    let as_of = Some(list.terms().issued_at);
    let Some(listed) = list.list().get(claims.status.index) else {
        return (list_invalid, None, as_of);
    };
    let most = known.map_or(0, |known| known.max_status_age);
    let too_old = list.age(evidence.at) > most || evidence.at > list.terms().expires;
    let outcome = match listed {
        // What is final was final then and is now, however old the list.
        Status::Invalid => Outcome::Fail(Reason::Revoked),
        Status::Superseded => Outcome::Fail(Reason::Superseded),
        Status::Suspended if too_old => Outcome::Undetermined(Reason::StatusStale),
        Status::Suspended => Outcome::Fail(Reason::Suspended),
        Status::Valid if too_old => Outcome::NotPerformed(Skip::TooOld),
        Status::Valid => Outcome::Pass,
    };
    (outcome, Some(listed), as_of)
}

/// The one word for all of it: what is final before what passes, and "in force" only when all of it is
/// known.
fn state(validity: Outcome, hours: Outcome, status: Outcome, listed: Option<Status>) -> State {
    match (listed, status, validity, hours) {
        (Some(Status::Invalid), ..) => State::Revoked,
        (Some(Status::Superseded), ..) => State::Superseded,
        (_, _, Outcome::Fail(Reason::Expired), _) => State::Expired,
        (_, Outcome::Fail(Reason::Suspended), ..) => State::Suspended,
        (_, _, Outcome::Fail(Reason::NotYetEffective), _) => State::NotYetEffective,
        (_, Outcome::Pass, Outcome::Pass, Outcome::Fail(_)) => State::OutsideHours,
        (_, Outcome::Pass, Outcome::Pass, Outcome::Pass) => State::InForce,
        _ => State::Undecided,
    }
}
