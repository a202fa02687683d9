//! The text of a QR → a sealed credential, or what is wrong with it.

use super::numeric;
use super::seal::{MalformedCredential, SealedCredential};
use super::{ClaimsError, NumericError};
use crate::cose::{CborError, CoseError};
use crate::id::ResultId;
use crate::limits;
use crate::report::{CheckKind, Outcome, Reason};

/// What a text of our form holds.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Scanned {
    /// The look-up code.
    pub id: ResultId,
    /// The host, which no check looks at.
    pub host: String,
    /// The credential, still sealed.
    pub credential: SealedCredential,
}

/// Why a text holds no credential.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[error("{}", reason.code())]
pub struct ScanError {
    /// The first fault.
    pub reason: Reason,
    /// The look-up code, where the text has one: the register can still be asked.
    pub id: Option<ResultId>,
}

impl ScanError {
    /// The check that did not pass: [`CheckKind::Code`] or [`CheckKind::Credential`].
    #[must_use]
    pub fn check(&self) -> CheckKind {
        if self.reason.code().starts_with("code/") {
            CheckKind::Code
        } else {
            CheckKind::Credential
        }
    }

    /// How that check went. A text that does not claim to be ours, or that is newer than this program,
    /// says nothing against the paper it stands on.
    #[must_use]
    pub fn outcome(&self) -> Outcome {
        match self.reason {
            Reason::CodeForeign
            | Reason::CodeTooLong
            | Reason::CodeNoCredential
            | Reason::CodeUnknownVersion => Outcome::Undetermined(self.reason),
            reason => Outcome::Fail(reason),
        }
    }
}

/// Reads exactly what [`SealedCredential::qr_text`] makes.
///
/// # Errors
/// [`ScanError`] with the first fault, in the order of docs/formats/numeric-url.md §3.
pub fn parse(text: &str) -> Result<Scanned, ScanError> {
    let nameless = |reason| ScanError { reason, id: None };
    if text.len() > limits::SCANNED_TEXT {
        return Err(nameless(Reason::CodeTooLong));
    }
    let (host, rest) = text
        .strip_prefix("HTTPS://")
        .and_then(|rest| rest.split_once('/'))
        .filter(|(host, _)| is_host(host))
        .ok_or(nameless(Reason::CodeForeign))?;
    let (id, digits) = match rest.split_once('#') {
        Some((id, digits)) => (id, Some(digits)),
        None => (rest, None),
    };
    let starts_with_digit = |text: &str| text.starts_with(|c: char| c.is_ascii_digit());
    let Ok(id) = ResultId::parse(id) else {
        // Any upper-case address looks like this; only one that carries digits claims to be ours.
        return Err(nameless(if digits.is_some_and(starts_with_digit) {
            Reason::CodeBadId
        } else {
            Reason::CodeForeign
        }));
    };
    let fault = |reason| ScanError {
        reason,
        id: Some(id),
    };
    let digits = digits.filter(|digits| !digits.is_empty());
    let digits = digits.ok_or(fault(Reason::CodeNoCredential))?;
    let bytes = numeric::decode(digits).map_err(|error| fault(numeric_reason(error)))?;
    let credential = SealedCredential::from_bytes(id, bytes).map_err(|e| fault(reason(e)))?;
    Ok(Scanned {
        id,
        host: host.to_owned(),
        credential,
    })
}

/// Whether `host` is a host name or IPv4 address in upper case, perhaps with a port, of at most 100
/// characters: all of them in the alphanumeric mode of a QR.
#[must_use]
pub fn is_host(host: &str) -> bool {
    let (name, port) = match host.split_once(':') {
        Some((name, port)) => (name, Some(port)),
        None => (host, None),
    };
    let is_label = |label: &str| {
        let allowed = |b: u8| b.is_ascii_uppercase() || b.is_ascii_digit() || b == b'-';
        !label.is_empty() && label.bytes().all(allowed)
    };
    let is_port = |port: &str| {
        (1..=5).contains(&port.len()) && port.bytes().all(|digit| digit.is_ascii_digit())
    };
    host.len() <= 100 && name.split('.').all(is_label) && port.is_none_or(is_port)
}

fn numeric_reason(error: NumericError) -> Reason {
    match error {
        NumericError::NotADigit => Reason::CodeTrailingText,
        NumericError::TailLength => Reason::CodeTailLength,
        NumericError::NotCanonical => Reason::CodeNotCanonical,
    }
}

/// The stable reason behind a malformed credential.
#[must_use]
pub fn reason(error: MalformedCredential) -> Reason {
    match error {
        MalformedCredential::Version => Reason::CodeUnknownVersion,
        MalformedCredential::Oversize(_) => Reason::CredentialOversize,
        MalformedCredential::Cose(error) => cose_reason(error),
        MalformedCredential::Claims(ClaimsError::Cbor(error)) => cbor_reason(error),
        MalformedCredential::Claims(_) => Reason::CredentialClaims,
    }
}

fn cose_reason(error: CoseError) -> Reason {
    match error {
        CoseError::Cbor(error) => cbor_reason(error),
        CoseError::Shape => Reason::CredentialMalformed,
        CoseError::AlgorithmMissing
        | CoseError::AlgorithmUnsupported
        | CoseError::AlgorithmUnprotected => Reason::CredentialAlgorithm,
        CoseError::KeyIdMissing | CoseError::KeyIdLength | CoseError::KeyIdUnprotected => {
            Reason::CredentialKeyId
        }
        // Every header must be understood in this format, `crit` or not.
        CoseError::Critical | CoseError::UnknownHeader | CoseError::ContentType => {
            Reason::CredentialCritical
        }
        CoseError::SignatureIsDer | CoseError::SignatureLength(_) => {
            Reason::CredentialSignatureForm
        }
        CoseError::HighS => Reason::CredentialHighS,
    }
}

fn cbor_reason(error: CborError) -> Reason {
    if error.is_another_encoding() {
        Reason::CredentialNotDeterministic
    } else if error == CborError::DuplicateKey {
        Reason::CredentialDuplicateKey
    } else {
        Reason::CredentialMalformed
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosts_are_upper_case_names_or_addresses_with_or_without_a_port() {
        for good in ["QR.DANANG.GOV.VN", "LOCALHOST:8080", "192.168.1.5:80", "A"] {
            assert!(is_host(good), "{good}");
        }
        for bad in [
            "", "qr.vn", "A..B", ".A", "A.", "A:", "A:123456", "A:B", "A B", "[::1]", "A:1:2",
        ] {
            assert!(!is_host(bad), "{bad}");
        }
        assert!(!is_host(&"A".repeat(101)));
    }

    #[test]
    fn a_text_that_does_not_claim_to_be_ours_is_not_called_forged() {
        let cases = [
            ("https://qr.vn/7K3M9QX2TB4C5D6E#000", Reason::CodeForeign),
            ("WIFI:T:WPA;S:net;;", Reason::CodeForeign),
            ("", Reason::CodeForeign),
            ("HTTPS://EXAMPLE.VN/MENU", Reason::CodeForeign),
            ("HTTPS://EXAMPLE.VN/MENU#TOP", Reason::CodeForeign),
            (
                "HTTPS://EXAMPLE.VN/7K3M9QX2TB4C5D6E",
                Reason::CodeNoCredential,
            ),
            (
                "HTTPS://EXAMPLE.VN/7K3M9QX2TB4C5D6E#",
                Reason::CodeNoCredential,
            ),
        ];
        for (text, reason) in cases {
            let error = parse(text).unwrap_err();
            assert_eq!(error.outcome(), Outcome::Undetermined(reason), "{text}");
        }
        let bad_id = parse("HTTPS://EXAMPLE.VN/7K3M9QX2TB4C5D6U#000").unwrap_err();
        assert_eq!(bad_id.outcome(), Outcome::Fail(Reason::CodeBadId));
    }
}
