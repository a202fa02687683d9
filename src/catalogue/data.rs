//! The data of one result, checked against its type.

use super::read::{self, plate_key, valid_dossier_code, valid_result_code};
use super::result_type::{Field, ResultType, ValidityEnd};
use super::value::{FieldKind, Value};
use crate::clock::{iso_date, parse_iso_date};
use serde_json::{Map, Value as Json};
use std::collections::BTreeMap;
use std::sync::Arc;
use time::Date;

/// Names that data of every type may have and that are not fields of the catalogue.
const STRUCTURE: [&str; 7] = [
    "type",
    "procedure_code",
    "agency_code",
    "issuing_agency",
    "issue_date",
    "valid_from",
    "valid_to",
];

/// What is wrong with a field.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum FieldProblem {
    /// It must be there and is not.
    Missing,
    /// The type does not know it.
    Unknown,
    /// Not a text.
    NotAText,
    /// Not a list.
    NotAList,
    /// Not an existing day as `2028-08-31`.
    NotADate,
    /// Not a plate as `43C-000.00`.
    NotAPlate,
    /// Not 10 digits, or 10-3.
    NotATaxCode,
    /// Not 12 digits.
    NotAPersonalId,
    /// Not a whole number from 0.
    NotACount,
    /// Not a number from 0 with at most three decimals.
    NotANumber,
    /// Not days, from and to.
    NotATimeWindow,
    /// Not a dossier code.
    NotADossierCode,
    /// Not a result code of this dossier.
    NotAResultCode,
    /// Longer than the field may be.
    TooLong,
    /// Control characters, or characters that turn the direction of writing.
    ControlCharacter,
    /// Another value than the one it must have here.
    Differs,
    /// The last day lies before the first.
    EndsBeforeItBegins,
    /// The type has no last day.
    HasNoEnd,
}

impl FieldProblem {
    /// The stable code.
    #[must_use]
    pub fn code(self) -> &'static str {
        match self {
            Self::Missing => "field/missing",
            Self::Unknown => "field/unknown",
            Self::NotAText => "field/not-a-text",
            Self::NotAList => "field/not-a-list",
            Self::NotADate => "field/not-a-date",
            Self::NotAPlate => "field/not-a-plate",
            Self::NotATaxCode => "field/not-a-tax-code",
            Self::NotAPersonalId => "field/not-a-personal-id",
            Self::NotACount => "field/not-a-count",
            Self::NotANumber => "field/not-a-number",
            Self::NotATimeWindow => "field/not-a-time-window",
            Self::NotADossierCode => "field/not-a-dossier-code",
            Self::NotAResultCode => "field/not-a-result-code",
            Self::TooLong => "field/too-long",
            Self::ControlCharacter => "field/control-character",
            Self::Differs => "field/differs",
            Self::EndsBeforeItBegins => "field/ends-before-it-begins",
            Self::HasNoEnd => "field/has-no-end",
        }
    }
}

/// A problem and the field that has it. The value is never repeated.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct FieldError {
    /// The field's name in data.
    pub field: String,
    /// What is wrong.
    pub problem: FieldProblem,
}

/// Everything that is wrong with the data of one result.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[error("{}", .0.iter().map(|e| format!("{}: {}", e.field, e.problem.code())).collect::<Vec<_>>().join(", "))]
pub struct DataError(pub Vec<FieldError>);

/// The data of one result, which fits its type.
#[derive(Clone, Debug, PartialEq)]
pub struct ResultData {
    result_type: Arc<ResultType>,
    agency_code: String,
    issue_date: Date,
    valid_from: Date,
    valid_to: Option<Date>,
    values: BTreeMap<String, Value>,
}

impl ResultType {
    /// Reads the flat JSON object of a result. A missing `issue_date` is `today`, a missing `valid_from`
    /// the issue date, a missing `result_code` the dossier's `-KQ1`.
    ///
    /// # Errors
    /// [`DataError`] with every problem, in the order of the type's fields.
    pub fn read(
        self: &Arc<Self>,
        data: &Map<String, Json>,
        today: Date,
    ) -> Result<ResultData, DataError> {
        let mut errors = Vec::new();
        let mut refuse = |field: &str, problem| {
            errors.push(FieldError {
                field: field.to_owned(),
                problem,
            });
        };
        for key in data.keys() {
            if !self.knows(key) {
                refuse(key, FieldProblem::Unknown);
            }
        }
        for (key, expected) in [
            ("type", &self.code),
            ("procedure_code", &self.procedure_code),
        ] {
            if data
                .get(key)
                .is_some_and(|given| given.as_str() != Some(expected))
            {
                refuse(key, FieldProblem::Differs);
            }
        }
        let agency_code = match data.get("agency_code").map(|code| read::text(code, 13)) {
            Some(Ok(code)) => code,
            Some(Err(problem)) => {
                refuse("agency_code", problem);
                String::new()
            }
            None => {
                refuse("agency_code", FieldProblem::Missing);
                String::new()
            }
        };
        let mut day = |name: &str| match data.get(name) {
            None | Some(Json::Null) => None,
            Some(Json::String(text)) if text.is_empty() => None,
            Some(given) => {
                let read = given.as_str().and_then(|text| parse_iso_date(text).ok());
                if read.is_none() {
                    refuse(name, FieldProblem::NotADate);
                }
                read
            }
        };
        let issue_date = day("issue_date").unwrap_or(today);
        let valid_from = day("valid_from").unwrap_or(issue_date);
        let valid_to = day("valid_to");
        match (self.validity_end, valid_to) {
            (ValidityEnd::Required, None) if !data.get("valid_to").is_some_and(Json::is_string) => {
                refuse("valid_to", FieldProblem::Missing);
            }
            (ValidityEnd::None, Some(_)) => refuse("valid_to", FieldProblem::HasNoEnd),
            (_, Some(end)) if end < valid_from => {
                refuse("valid_to", FieldProblem::EndsBeforeItBegins);
            }
            _ => {}
        }
        let mut values = BTreeMap::new();
        for field in &self.fields {
            match read::value(field, data.get(&field.name).unwrap_or(&Json::Null)) {
                Ok(Some(value)) => {
                    values.insert(field.name.clone(), value);
                }
                Ok(None) if field.required => refuse(&field.name, FieldProblem::Missing),
                Ok(None) => {}
                Err(problem) => refuse(&field.name, problem),
            }
        }
        if let Some(Value::Text(dossier)) = values.get("dossier_code").cloned() {
            if !valid_dossier_code(&dossier) {
                refuse("dossier_code", FieldProblem::NotADossierCode);
            }
            let code = values
                .entry("result_code".to_owned())
                .or_insert_with(|| Value::Text(format!("{dossier}-KQ1")));
            let fits = matches!(code, Value::Text(code)
                if valid_result_code(code) && code.to_uppercase().starts_with(&dossier));
            if !fits {
                refuse("result_code", FieldProblem::NotAResultCode);
            }
        }
        if errors.is_empty() {
            let result_type = Arc::clone(self);
            Ok(ResultData {
                result_type,
                agency_code,
                issue_date,
                valid_from,
                valid_to,
                values,
            })
        } else {
            Err(DataError(errors))
        }
    }

    /// Whether data of the type may have something of this name.
    #[must_use]
    pub fn knows(&self, name: &str) -> bool {
        STRUCTURE.contains(&name) || self.field(name).is_some()
    }

    /// The JSON object that a row of a CSV file stands for: one text for each column.
    #[must_use]
    pub fn row<'a>(&self, cells: impl Iterator<Item = (&'a str, &'a str)>) -> Map<String, Json> {
        cells
            .map(|(column, text)| {
                let kind = self
                    .field(column)
                    .map_or(FieldKind::Text, |field| field.kind);
                (column.to_owned(), read::cell(kind, text))
            })
            .filter(|(_, json)| !json.is_null())
            .collect()
    }
}

impl ResultData {
    /// Its type.
    pub fn result_type(&self) -> &Arc<ResultType> {
        &self.result_type
    }

    /// Code of the issuing agency.
    pub fn agency_code(&self) -> &str {
        &self.agency_code
    }

    /// Local day of issue.
    pub fn issue_date(&self) -> Date {
        self.issue_date
    }

    /// First local day in force.
    pub fn valid_from(&self) -> Date {
        self.valid_from
    }

    /// Last local day in force, itself included.
    pub fn valid_to(&self) -> Option<Date> {
        self.valid_to
    }

    /// The number, if the data has one.
    pub fn number(&self) -> Option<&str> {
        self.text(&self.result_type.number_field)
    }

    /// Gives the result its number where the data brought none.
    #[must_use]
    pub fn with_number(mut self, number: String) -> Self {
        self.values
            .entry(self.result_type.number_field.clone())
            .or_insert(Value::Text(number));
        self
    }

    /// The same data without its number.
    #[must_use]
    pub fn without_number(mut self) -> Self {
        self.values.remove(&self.result_type.number_field);
        self
    }

    /// The dossier code; empty for a type whose data has none.
    pub fn dossier_code(&self) -> &str {
        self.text("dossier_code").unwrap_or_default()
    }

    /// The result code.
    pub fn result_code(&self) -> &str {
        self.text("result_code").unwrap_or_default()
    }

    /// The value of a field.
    pub fn value(&self, name: &str) -> Option<&Value> {
        self.values.get(name)
    }

    /// The value of a field that is one text.
    pub fn text(&self, name: &str) -> Option<&str> {
        match self.values.get(name) {
            Some(Value::Text(text)) => Some(text),
            _ => None,
        }
    }

    /// The fields that have a value, in display order.
    pub fn fields(&self) -> impl Iterator<Item = (&Field, &Value)> {
        self.result_type
            .fields
            .iter()
            .filter_map(|field| Some((field, self.values.get(&field.name)?)))
    }

    /// Every plate, as it is searched for.
    pub fn plate_keys(&self) -> Vec<String> {
        let plates = self
            .fields()
            .filter(|(field, _)| matches!(field.kind, FieldKind::Plate | FieldKind::Plates));
        plates
            .flat_map(|(_, value)| match value {
                Value::Text(plate) => vec![plate_key(plate)],
                Value::Texts(plates) => plates.iter().map(|plate| plate_key(plate)).collect(),
                _ => Vec::new(),
            })
            .collect()
    }

    /// The flat JSON object again: what [`ResultType::read`] reads to the same data.
    #[must_use]
    pub fn to_json(&self) -> Map<String, Json> {
        let end = self
            .valid_to
            .map_or(Json::Null, |day| Json::from(iso_date(day)));
        let mut json: Map<String, Json> = Map::new();
        json.insert("type".into(), Json::from(self.result_type.code.as_str()));
        json.insert(
            "procedure_code".into(),
            Json::from(self.result_type.procedure_code.as_str()),
        );
        json.insert("agency_code".into(), Json::from(self.agency_code.as_str()));
        json.insert("issue_date".into(), Json::from(iso_date(self.issue_date)));
        json.insert("valid_from".into(), Json::from(iso_date(self.valid_from)));
        json.insert("valid_to".into(), end);
        for (name, value) in &self.values {
            json.insert(name.clone(), read::json(value));
        }
        json
    }
}

#[cfg(test)]
mod tests {
    use super::super::Catalogue;
    use super::*;
    use serde_json::json;
    use std::fs;
    use time::macros::date;

    fn badge() -> Map<String, Json> {
        let text = fs::read_to_string("fixtures/data/vehicle-badge--a4-tagged.json").unwrap();
        serde_json::from_str(&text).unwrap()
    }

    fn read(data: &Map<String, Json>) -> Result<ResultData, DataError> {
        let catalogue = Catalogue::built_in().unwrap();
        catalogue
            .by_code("vehicle-badge")
            .unwrap()
            .read(data, date!(2026 - 11 - 21))
    }

    fn problems(change: impl FnOnce(&mut Map<String, Json>)) -> Vec<(String, &'static str)> {
        let mut data = badge();
        change(&mut data);
        let DataError(errors) = read(&data).unwrap_err();
        errors
            .into_iter()
            .map(|error| (error.field, error.problem.code()))
            .collect()
    }

    #[test]
    fn every_sample_fits_its_type_and_reads_back_from_its_own_json() {
        let catalogue = Catalogue::built_in().unwrap();
        let mut seen = 0;
        for entry in fs::read_dir("fixtures/data").unwrap() {
            let path = entry.unwrap().path();
            if path.extension().is_none_or(|extension| extension != "json") {
                continue;
            }
            let data: Map<String, Json> =
                serde_json::from_str(&fs::read_to_string(&path).unwrap()).unwrap();
            let known = catalogue.by_code(data["type"].as_str().unwrap()).unwrap();
            let read = known.read(&data, date!(2026 - 11 - 21));
            let read = read.unwrap_or_else(|error| panic!("{}: {error}", path.display()));
            let again = known.read(&read.to_json(), date!(2000 - 01 - 01)).unwrap();
            assert_eq!(again, read, "{}", path.display());
            seen += 1;
        }
        assert_eq!(seen, 25);
    }

    #[test]
    fn what_is_missing_is_filled_from_the_dossier_and_the_day() {
        let mut data = badge();
        for name in ["issue_date", "result_code", "badge_number"] {
            data.remove(name);
        }
        let read = read(&data).unwrap();
        assert_eq!(read.issue_date(), date!(2026 - 11 - 21));
        assert_eq!(read.result_code(), "000.00.16.H99-260828-0002-KQ1");
        assert_eq!(read.number(), None);
        assert_eq!(read.with_number("HD1".into()).number(), Some("HD1"));
    }

    #[test]
    fn every_problem_is_named_at_once_and_no_value_is_repeated() {
        let found = problems(|data| {
            data["plate"] = json!("43C-00.0O");
            data["operator_name"] = json!("");
            data["valid_to"] = json!("2026-08-31");
            data.insert("colour".into(), json!("red"));
        });
        let expected = [
            ("colour", "field/unknown"),
            ("valid_to", "field/ends-before-it-begins"),
            ("plate", "field/not-a-plate"),
            ("operator_name", "field/missing"),
        ];
        assert_eq!(
            found,
            expected.map(|(field, code)| (field.to_owned(), code))
        );
    }

    #[test]
    fn a_result_code_belongs_to_its_dossier() {
        let found = problems(|data| data["result_code"] = json!("000.00.16.H99-260828-0009-KQ1"));
        assert_eq!(
            found,
            [("result_code".to_owned(), "field/not-a-result-code")]
        );
    }

    #[test]
    fn data_of_another_type_is_refused() {
        let found = problems(|data| data["type"] = json!("oversize-permit"));
        assert_eq!(found, [("type".to_owned(), "field/differs")]);
        let found = problems(|data| {
            data.remove("valid_to");
        });
        assert_eq!(found, [("valid_to".to_owned(), "field/missing")]);
    }
}
