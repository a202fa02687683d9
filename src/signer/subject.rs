//! Whom a certificate is for.

use rcgen::string::PrintableString;
use rcgen::{CertificateParams, DistinguishedName, DnType, DnValue, KeyUsagePurpose};

/// The subject of a certificate or request; the country is always VN.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Subject {
    /// The agency, the person or the service.
    pub common_name: String,
    /// The agency that a person or service belongs to; for an agency, what it is under.
    pub organization: Option<String>,
    /// A part of the organisation.
    pub organizational_unit: Option<String>,
    /// The office that a person holds (NĐ 23/2025 Đ13).
    pub title: Option<String>,
    /// The code of an agency.
    pub agency_code: Option<String>,
}

impl Subject {
    /// An agency's seal.
    #[must_use]
    pub fn agency(name: &str, code: &str) -> Self {
        Self {
            common_name: name.to_owned(),
            organization: Some(name.to_owned()),
            agency_code: Some(code.to_owned()),
            ..Self::default()
        }
    }

    /// A person who signs for an agency.
    #[must_use]
    pub fn person(name: &str, title: &str, agency: &str) -> Self {
        Self {
            common_name: name.to_owned(),
            organization: Some(agency.to_owned()),
            title: Some(title.to_owned()),
            ..Self::default()
        }
    }

    pub(super) fn distinguished_name(&self) -> DistinguishedName {
        // RFC 4519 title, X.520 organizationIdentifier
        const TITLE: [u64; 4] = [2, 5, 4, 12];
        const ORGANIZATION_IDENTIFIER: [u64; 4] = [2, 5, 4, 97];
        let mut name = DistinguishedName::new();
        // RFC 5280 appendix A: a country is a PrintableString.
        if let Ok(country) = PrintableString::try_from("VN") {
            name.push(DnType::CountryName, DnValue::PrintableString(country));
        }
        let parts = [
            (DnType::OrganizationName, &self.organization),
            (DnType::OrganizationalUnitName, &self.organizational_unit),
            (
                DnType::CustomDnType(ORGANIZATION_IDENTIFIER.to_vec()),
                &self.agency_code,
            ),
            (DnType::CustomDnType(TITLE.to_vec()), &self.title),
        ];
        for (kind, value) in parts {
            if let Some(value) = value {
                name.push(kind, value.as_str());
            }
        }
        name.push(DnType::CommonName, self.common_name.as_str());
        name
    }

    /// What a certificate that signs documents has in common with the request for it.
    pub(super) fn document_signing(&self) -> CertificateParams {
        let mut params = CertificateParams::default();
        params.distinguished_name = self.distinguished_name();
        params.key_usages = vec![
            KeyUsagePurpose::DigitalSignature,
            KeyUsagePurpose::ContentCommitment,
        ];
        params
    }
}
