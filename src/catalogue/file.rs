//! The TOML file of a result type.

use super::change::ChangeKind;
use super::number::{NumberPattern, PatternError};
use super::result_type::{
    Corner, Field, Finding, FooterPlace, Label, LegalReference, Mask, Matched, PageChoice,
    QrCarriage, ResultType, SealPlace, Signatures, SymbolPlace, ValidityEnd, Visibility,
};
use super::value::FieldKind;
use crate::clock::parse_iso_date;
use crate::limits;
use serde::Deserialize;
use std::collections::{BTreeMap, BTreeSet};

/// Why a file does not describe a result type.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum TypeFileError {
    /// Not TOML, a key is missing or unknown.
    #[error("not a catalogue file: {0}")]
    Syntax(String),
    /// A word that this key does not know.
    #[error("{key}: unknown word {word:?}")]
    UnknownWord {
        /// The key.
        key: &'static str,
        /// The word.
        word: String,
    },
    /// The code has other characters than a-z, 0-9 and hyphens, or more than 32.
    #[error("code {0:?}: 1 to 32 of a-z, 0-9 and hyphens")]
    Code(String),
    /// Two fields of one name.
    #[error("field {0:?} appears twice")]
    FieldTwice(String),
    /// Two fields with one key in the QR, or a key that belongs to the format.
    #[error("field {field:?}: key {key} in the QR is taken")]
    QrKey {
        /// The field.
        field: String,
        /// The key.
        key: u32,
    },
    /// A field of this kind is never in the QR.
    #[error("field {0:?}: a personal identification number is never in the QR")]
    NeverInQr(String),
    /// Something names a field that the type does not have.
    #[error("{key} names the field {field:?}, which the type does not have")]
    NoSuchField {
        /// The key.
        key: &'static str,
        /// The field.
        field: String,
    },
    /// The number pattern cannot be read.
    #[error("number pattern: {0}")]
    Pattern(#[from] PatternError),
    /// A day that does not exist.
    #[error("legal reference {0:?}: not a day")]
    Day(String),
    /// A duration that cannot be read.
    #[error("max_status_age {0:?}: a number and h or d")]
    Age(String),
    /// Another type has the number.
    #[error("type {code:?}: number {number} belongs to {other:?}")]
    NumberTaken {
        /// The number.
        number: u32,
        /// The type of the file.
        code: String,
        /// Who has it.
        other: String,
    },
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct TypeFile {
    code: String,
    number: u32,
    procedure_code: String,
    label: LabelEntry,
    title_field: Option<String>,
    hours_field: Option<String>,
    signatures: String,
    #[serde(default)]
    four_eyes: Vec<String>,
    max_status_age: String,
    retention_years: u32,
    validity: ValidityEntry,
    number_pattern: PatternEntry,
    symbol: SymbolEntry,
    seal: SealEntry,
    footer: Option<FooterEntry>,
    #[serde(default)]
    legal: Vec<LegalEntry>,
    field: Vec<FieldEntry>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct CommonFile {
    field: Vec<FieldEntry>,
    finding: Vec<FindingEntry>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct LabelEntry {
    vi: String,
    en: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ValidityEntry {
    end: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct PatternEntry {
    field: String,
    pattern: String,
    code_field: Option<String>,
    #[serde(default)]
    codes: BTreeMap<String, String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct SymbolEntry {
    corner: String,
    x_mm: f64,
    y_mm: f64,
    width_mm: f64,
    #[serde(default)]
    alternatives: Vec<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct SealEntry {
    fallback: FallbackEntry,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct FallbackEntry {
    page: String,
    corner: String,
    x_mm: f64,
    y_mm: f64,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct FooterEntry {
    corner: String,
    x_mm: f64,
    y_mm: f64,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct LegalEntry {
    reference: String,
    from: String,
    to: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct FindingEntry {
    code: String,
    label: LabelEntry,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct FieldEntry {
    name: String,
    kind: String,
    label: LabelEntry,
    unit: Option<LabelEntry>,
    #[serde(default)]
    required: bool,
    visibility: String,
    qr: Option<QrEntry>,
    mask: Option<String>,
    #[serde(rename = "match")]
    matched: Option<String>,
    max_chars: Option<usize>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct QrEntry {
    key: u32,
    bytes: Option<usize>,
}

/// Keys 0 to 2 of the private map belong to the credential format.
const FIRST_QR_KEY: u32 = 3;

/// Characters of a text whose file does not say.
const DEFAULT_CHARS: usize = 500;

pub(super) fn read_findings(common: &str) -> Result<Vec<Finding>, TypeFileError> {
    let file: CommonFile = parse(common)?;
    Ok(file
        .finding
        .into_iter()
        .map(|entry| Finding {
            code: entry.code,
            label: label(entry.label),
        })
        .collect())
}

pub(super) fn read_type(text: &str, common: &str) -> Result<ResultType, TypeFileError> {
    let file: TypeFile = parse(text)?;
    let shared: CommonFile = parse(common)?;
    let allowed = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-';
    if !(1..=32).contains(&file.code.len()) || !file.code.bytes().all(allowed) {
        return Err(TypeFileError::Code(file.code));
    }
    let fields: Vec<Field> = file
        .field
        .into_iter()
        .chain(shared.field)
        .map(field)
        .collect::<Result<_, _>>()?;
    check_fields(&fields)?;
    let named = |key: &'static str, name: &str| {
        if fields.iter().any(|field| field.name == name) {
            Ok(())
        } else {
            Err(TypeFileError::NoSuchField {
                key,
                field: name.to_owned(),
            })
        }
    };
    named("number_pattern.field", &file.number_pattern.field)?;
    for (key, name) in [
        ("title_field", &file.title_field),
        ("hours_field", &file.hours_field),
        ("number_pattern.code_field", &file.number_pattern.code_field),
    ] {
        if let Some(name) = name {
            named(key, name)?;
        }
    }
    let pattern = file.number_pattern;
    Ok(ResultType {
        code: file.code,
        number: file.number,
        procedure_code: file.procedure_code,
        label: label(file.label),
        title_field: file.title_field,
        hours_field: file.hours_field,
        signatures: match file.signatures.as_str() {
            "agency" => Signatures::Agency,
            "signatory-then-agency" => Signatures::SignatoryThenAgency,
            word => return Err(unknown("signatures", word)),
        },
        four_eyes: file
            .four_eyes
            .iter()
            .map(|word| ChangeKind::parse(word).ok_or_else(|| unknown("four_eyes", word)))
            .collect::<Result<_, _>>()?,
        max_status_age: age(&file.max_status_age)?,
        retention_years: file.retention_years,
        validity_end: match file.validity.end.as_str() {
            "required" => ValidityEnd::Required,
            "optional" => ValidityEnd::Optional,
            "none" => ValidityEnd::None,
            word => return Err(unknown("validity.end", word)),
        },
        number_field: pattern.field,
        number_pattern: NumberPattern::parse(&pattern.pattern, pattern.code_field, pattern.codes)?,
        symbol: SymbolPlace {
            corner: corner("symbol.corner", &file.symbol.corner)?,
            x_mm: file.symbol.x_mm,
            y_mm: file.symbol.y_mm,
            width_mm: file.symbol.width_mm,
            alternatives: file
                .symbol
                .alternatives
                .iter()
                .map(|word| corner("symbol.alternatives", word))
                .collect::<Result<_, _>>()?,
        },
        seal: SealPlace {
            page: match file.seal.fallback.page.as_str() {
                "first" => PageChoice::First,
                "last" => PageChoice::Last,
                word => return Err(unknown("seal.fallback.page", word)),
            },
            corner: corner("seal.fallback.corner", &file.seal.fallback.corner)?,
            x_mm: file.seal.fallback.x_mm,
            y_mm: file.seal.fallback.y_mm,
        },
        footer: file.footer.as_ref().map(footer).transpose()?,
        legal: file
            .legal
            .into_iter()
            .map(legal)
            .collect::<Result<_, _>>()?,
        fields,
    })
}

fn parse<T: for<'de> Deserialize<'de>>(text: &str) -> Result<T, TypeFileError> {
    toml::from_str(text).map_err(|error| TypeFileError::Syntax(error.message().to_owned()))
}

fn unknown(key: &'static str, word: &str) -> TypeFileError {
    TypeFileError::UnknownWord {
        key,
        word: word.to_owned(),
    }
}

fn label(entry: LabelEntry) -> Label {
    Label {
        vi: entry.vi,
        en: entry.en,
    }
}

fn footer(entry: &FooterEntry) -> Result<FooterPlace, TypeFileError> {
    Ok(FooterPlace {
        corner: corner("footer.corner", &entry.corner)?,
        x_mm: entry.x_mm,
        y_mm: entry.y_mm,
    })
}

fn corner(key: &'static str, word: &str) -> Result<Corner, TypeFileError> {
    match word {
        "upper-left" => Ok(Corner::UpperLeft),
        "upper-right" => Ok(Corner::UpperRight),
        "lower-left" => Ok(Corner::LowerLeft),
        "lower-right" => Ok(Corner::LowerRight),
        _ => Err(unknown(key, word)),
    }
}

/// `24h` or `7d` in seconds.
fn age(text: &str) -> Result<i64, TypeFileError> {
    let refuse = || TypeFileError::Age(text.to_owned());
    let (number, unit) = match text.strip_suffix('h') {
        Some(number) => (number, 3_600),
        None => (text.strip_suffix('d').ok_or_else(refuse)?, 86_400),
    };
    let number: u16 = number.parse().map_err(|_| refuse())?;
    Ok(i64::from(number) * unit)
}

fn legal(entry: LegalEntry) -> Result<LegalReference, TypeFileError> {
    let day =
        |text: &str| parse_iso_date(text).map_err(|_| TypeFileError::Day(entry.reference.clone()));
    Ok(LegalReference {
        from: day(&entry.from)?,
        to: entry.to.as_deref().map(day).transpose()?,
        reference: entry.reference,
    })
}

fn field(entry: FieldEntry) -> Result<Field, TypeFileError> {
    let kind = FieldKind::parse(&entry.kind).ok_or_else(|| unknown("field.kind", &entry.kind))?;
    Ok(Field {
        name: entry.name,
        kind,
        label: label(entry.label),
        unit: entry.unit.map(label),
        required: entry.required,
        visibility: match entry.visibility.as_str() {
            "public" => Visibility::Public,
            "inspector" => Visibility::Inspector,
            word => return Err(unknown("field.visibility", word)),
        },
        qr: entry.qr.map(|qr| QrCarriage {
            key: qr.key,
            bytes: qr.bytes,
        }),
        mask: match entry.mask.as_deref() {
            None => None,
            Some("name") => Some(Mask::Name),
            Some(word) => return Err(unknown("field.mask", word)),
        },
        matched: match entry.matched.as_deref() {
            None => None,
            Some("plate") => Some(Matched::Plate),
            Some("person") => Some(Matched::Person),
            Some("organisation") => Some(Matched::Organisation),
            Some("site") => Some(Matched::Site),
            Some(word) => return Err(unknown("field.match", word)),
        },
        max_chars: entry
            .max_chars
            .unwrap_or(DEFAULT_CHARS)
            .min(limits::FIELD_TEXT),
    })
}

fn check_fields(fields: &[Field]) -> Result<(), TypeFileError> {
    let mut names = BTreeSet::new();
    let mut keys = BTreeSet::new();
    for field in fields {
        if !names.insert(&field.name) {
            return Err(TypeFileError::FieldTwice(field.name.clone()));
        }
        let Some(qr) = field.qr else { continue };
        if field.kind == FieldKind::PersonalId {
            return Err(TypeFileError::NeverInQr(field.name.clone()));
        }
        if qr.key < FIRST_QR_KEY || !keys.insert(qr.key) {
            return Err(TypeFileError::QrKey {
                field: field.name.clone(),
                key: qr.key,
            });
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::super::Catalogue;
    use super::*;

    const BADGE: &str = include_str!("types/vehicle-badge.toml");

    fn refusal(text: &str) -> TypeFileError {
        Catalogue::built_in().unwrap().with_file(text).unwrap_err()
    }

    #[test]
    fn the_eight_built_in_types_are_read_and_stand_in_order() {
        let catalogue = Catalogue::built_in().unwrap();
        let numbers: Vec<u32> = catalogue.types().iter().map(|known| known.number).collect();
        assert_eq!(numbers, [1, 2, 3, 4, 5, 6, 7, 8]);
        let badge = catalogue.by_code("vehicle-badge").unwrap();
        assert_eq!(badge.max_status_age, 24 * 3_600);
        assert_eq!(badge.field("plate").unwrap().kind, FieldKind::Plate);
        assert_eq!(badge.field("dossier_code").unwrap().qr.unwrap().key, 3);
        assert!(
            catalogue
                .findings()
                .iter()
                .any(|finding| finding.code == "plate_differs")
        );
    }

    #[test]
    fn a_file_of_the_same_code_replaces_the_type() {
        let text = BADGE.replace("max_status_age = \"24h\"", "max_status_age = \"2h\"");
        let catalogue = Catalogue::built_in().unwrap().with_file(&text).unwrap();
        assert_eq!(catalogue.types().len(), 8);
        assert_eq!(catalogue.by_number(1).unwrap().max_status_age, 7_200);
    }

    #[test]
    fn every_fault_of_a_file_is_named() {
        let swap = |from: &str, to: &str| refusal(&BADGE.replacen(from, to, 1));
        assert_eq!(
            swap("\"vehicle-badge\"", "\"Vehicle\""),
            TypeFileError::Code("Vehicle".to_owned())
        );
        assert_eq!(
            swap("\"vehicle-badge\"", "\"other\""),
            TypeFileError::NumberTaken {
                number: 1,
                code: "other".to_owned(),
                other: "vehicle-badge".to_owned()
            }
        );
        assert_eq!(
            swap("key = 5,", "key = 4,"),
            TypeFileError::QrKey {
                field: "badge_type".to_owned(),
                key: 4
            }
        );
        assert_eq!(
            swap("key = 5,", "key = 2,"),
            TypeFileError::QrKey {
                field: "badge_type".to_owned(),
                key: 2
            }
        );
        assert_eq!(
            swap("kind = \"plate\"", "kind = \"personal_id\""),
            TypeFileError::NeverInQr("plate".to_owned())
        );
        assert_eq!(
            swap("field = \"badge_number\"", "field = \"number\""),
            TypeFileError::NoSuchField {
                key: "number_pattern.field",
                field: "number".to_owned()
            }
        );
        assert_eq!(
            swap("\"24h\"", "\"24m\""),
            TypeFileError::Age("24m".to_owned())
        );
        assert_eq!(
            swap(
                "max_status_age",
                "four_eyes = [\"recall\", \"deletion\"]\nmax_status_age"
            ),
            TypeFileError::UnknownWord {
                key: "four_eyes",
                word: "deletion".to_owned()
            }
        );
        assert_eq!(
            swap("\"upper-left\"", "\"top\""),
            TypeFileError::UnknownWord {
                key: "symbol.corner",
                word: "top".to_owned()
            }
        );
        assert_eq!(
            swap(
                "[footer]\ncorner = \"lower-left\"",
                "[footer]\ncorner = \"foot\""
            ),
            TypeFileError::UnknownWord {
                key: "footer.corner",
                word: "foot".to_owned()
            }
        );
    }
}
