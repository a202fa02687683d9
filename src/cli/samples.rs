//! The samples of the demo: invented agencies and results, inside the program.

use crate::access::Role;
use crate::app::NewAgency;
use crate::clock::{iso_date, parse_iso_date};
use crate::key::Algorithm;
use serde_json::{Map, Value};
use time::{Date, Duration};

/// The seal of every sample agency. It says MẪU.
pub(super) const SEAL: &[u8] =
    include_bytes!("../../fixtures/images/seal-transparent-35mm-300dpi.png");

/// One sample result.
pub(super) struct Sample {
    data: &'static str,
    /// The agency's PDF.
    pub(super) pdf: &'static [u8],
}

macro_rules! sample {
    ($name:literal) => {
        Sample {
            data: include_str!(concat!("../../fixtures/data/", $name, ".json")),
            pdf: include_bytes!(concat!("../../fixtures/pdf/", $name, ".pdf")),
        }
    };
}

/// One of each type; the first is in force at every hour.
pub(super) const SAMPLES: [Sample; 8] = [
    sample!("vehicle-badge--a4-tagged"),
    sample!("restricted-road-permit--classic-xref-1.4"),
    sample!("oversize-permit--appendix-pages"),
    sample!("transport-business-licence--xref-stream"),
    sample!("food-safety-certificate--user-unit"),
    sample!("promotion-notice--ghostscript"),
    sample!("construction-permit--a3-landscape"),
    sample!("practising-certificate--empty-signature-field"),
];

/// What the demo revokes.
pub(super) const REVOKED: Sample = sample!("vehicle-badge--scanned-blank-300dpi");

impl Sample {
    /// The data with every day moved so that the result is in force on `today`.
    ///
    /// # Errors
    /// When the sample is no JSON object.
    pub(super) fn data(&self, today: Date) -> anyhow::Result<Map<String, Value>> {
        let mut data: Map<String, Value> = serde_json::from_str(self.data)?;
        let day = |name: &str| parse_iso_date(data.get(name)?.as_str()?).ok();
        let from = day("valid_from").unwrap_or(today);
        let ended = day("valid_to").is_some_and(|to| to < today);
        if from <= today && !ended {
            return Ok(data);
        }
        let by: Duration = today - from;
        for value in data.values_mut() {
            let moved = value.as_str().and_then(|text| parse_iso_date(text).ok());
            let moved = moved.and_then(|date| date.checked_add(by));
            if let Some(moved) = moved {
                *value = Value::from(iso_date(moved));
            }
        }
        Ok(data)
    }
}

/// The agencies of the samples.
pub(super) fn agencies() -> Vec<NewAgency> {
    let agency = |code: &str, symbol: &str, name: &str, name_en: &str, algorithm| NewAgency {
        code: code.to_owned(),
        issuer: None,
        symbol: Some(symbol.to_owned()),
        name: name.to_owned(),
        name_en: Some(name_en.to_owned()),
        phone: Some("0000 000 000".to_owned()),
        seal: SEAL.to_vec(),
        seal_mm: 35.0,
        algorithm,
    };
    vec![
        agency(
            "000.00.16.H99",
            "SXD",
            "Sở Xây dựng Mẫu",
            "Sample Department of Construction",
            Algorithm::Es256,
        ),
        agency(
            "000.00.04.H99",
            "SCT",
            "Sở Công Thương Ví Dụ",
            "Ví Dụ Department of Industry and Trade",
            Algorithm::Ps256,
        ),
        agency(
            "000.00.13.H99",
            "SATTP",
            "Sở An toàn thực phẩm Thử Nghiệm",
            "Thử Nghiệm Department of Food Safety",
            Algorithm::Es256,
        ),
        agency(
            "000.07.21.H99",
            "UBND",
            "Ủy ban nhân dân phường Mẫu Thượng",
            "People's Committee of Mẫu Thượng Ward",
            Algorithm::Ps256,
        ),
    ]
}

/// The accounts of the demo: login, name, role.
pub(super) const ACCOUNTS: [(&str, &str, Role); 6] = [
    ("chuyenvien", "Nguyễn Thị Mẫu", Role::CaseOfficer),
    ("lanhdao", "Đỗ Quỳnh Thử Nghiệm", Role::Signatory),
    ("vanthu", "Trần Văn Ví Dụ", Role::Registrar),
    ("kiemtra", "Lê Thị Thử Nghiệm", Role::Inspector),
    ("giamsat", "Phạm Văn Mẫu", Role::Supervisor),
    ("quantri", "Võ Thị Ví Dụ", Role::Admin),
];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalogue::Catalogue;
    use time::macros::date;

    #[test]
    fn every_sample_is_in_force_whatever_the_day() {
        let catalogue = Catalogue::built_in().unwrap();
        for today in [
            date!(2026 - 01 - 01),
            date!(2026 - 11 - 21),
            date!(2031 - 02 - 28),
        ] {
            for sample in SAMPLES.iter().chain([&REVOKED]) {
                let data = sample.data(today).unwrap();
                let known = catalogue.by_code(data["type"].as_str().unwrap()).unwrap();
                let read = known.read(&data, today).unwrap();
                assert!(read.valid_from() <= today, "{}", known.code);
                assert!(
                    read.valid_to().is_none_or(|end| end >= today),
                    "{}",
                    known.code
                );
            }
        }
    }
}
