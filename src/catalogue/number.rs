//! How the number of a result is made from a counter.

use std::collections::BTreeMap;

/// A pattern such as `{seq:4}/GP-{agency}`.
///
/// `{seq:N}` is the counter of agency, type and year with at least N digits, `{yy}` and `{yyyy}` the
/// year, `{agency}` the agency's symbol, `{code}` what the type's `codes` give for a field's value.
/// Counters restart on 1 January (NĐ 30/2020 Đ15.1).
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct NumberPattern {
    parts: Vec<Part>,
    code_field: Option<String>,
    codes: BTreeMap<String, String>,
}

#[derive(Clone, Debug, Eq, PartialEq)]
enum Part {
    Text(String),
    Sequence(usize),
    ShortYear,
    LongYear,
    Agency,
    Code,
}

/// Why a pattern cannot be read.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum PatternError {
    /// A `{` without its `}`.
    #[error("a brace is not closed")]
    OpenBrace,
    /// A word in braces that means nothing.
    #[error("unknown place {{{0}}}")]
    UnknownPlace(String),
    /// Exactly one `{seq:N}` is needed.
    #[error("needs exactly one {{seq:N}}")]
    Sequence,
    /// `{code}` needs `code_field` and `codes`.
    #[error("{{code}} needs code_field and codes")]
    NoCodes,
}

impl NumberPattern {
    pub(super) fn parse(
        text: &str,
        code_field: Option<String>,
        codes: BTreeMap<String, String>,
    ) -> Result<Self, PatternError> {
        let mut parts = Vec::new();
        let mut rest = text;
        while let Some((before, after)) = rest.split_once('{') {
            if !before.is_empty() {
                parts.push(Part::Text(before.to_owned()));
            }
            let (place, next) = after.split_once('}').ok_or(PatternError::OpenBrace)?;
            let unknown = || PatternError::UnknownPlace(place.to_owned());
            parts.push(match place {
                "yy" => Part::ShortYear,
                "yyyy" => Part::LongYear,
                "agency" => Part::Agency,
                "code" => Part::Code,
                _ => {
                    let width = place.strip_prefix("seq:").ok_or_else(unknown)?;
                    Part::Sequence(width.parse().map_err(|_| unknown())?)
                }
            });
            rest = next;
        }
        if !rest.is_empty() {
            parts.push(Part::Text(rest.to_owned()));
        }
        if parts
            .iter()
            .filter(|part| matches!(part, Part::Sequence(_)))
            .count()
            != 1
        {
            return Err(PatternError::Sequence);
        }
        if parts.contains(&Part::Code) && (code_field.is_none() || codes.is_empty()) {
            return Err(PatternError::NoCodes);
        }
        Ok(Self {
            parts,
            code_field,
            codes,
        })
    }

    /// The field whose value `{code}` stands for.
    #[must_use]
    pub fn code_field(&self) -> Option<&str> {
        self.code_field.as_deref()
    }

    /// The number for the `sequence`th result of `year`. `code_value` is the value of
    /// [`Self::code_field`]; a value without a code gives `XX`.
    #[must_use]
    pub fn number(
        &self,
        sequence: u64,
        year: i32,
        agency_symbol: &str,
        code_value: Option<&str>,
    ) -> String {
        self.parts
            .iter()
            .map(|part| match part {
                Part::Text(text) => text.clone(),
                Part::Sequence(width) => format!("{sequence:0width$}"),
                Part::ShortYear => format!("{:02}", year.rem_euclid(100)),
                Part::LongYear => format!("{year:04}"),
                Part::Agency => agency_symbol.to_owned(),
                Part::Code => code_value
                    .and_then(|value| self.codes.get(value))
                    .map_or_else(|| "XX".to_owned(), Clone::clone),
            })
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_is_made_of_counter_year_agency_and_code() {
        let codes = BTreeMap::from([("XE TẢI".to_owned(), "TA".to_owned())]);
        let badge =
            NumberPattern::parse("{code}48{yy}{seq:6}", Some("badge_type".to_owned()), codes);
        let badge = badge.unwrap();
        assert_eq!(badge.number(7, 2026, "SXD", Some("XE TẢI")), "TA4826000007");
        assert_eq!(
            badge.number(7, 2026, "SXD", Some("XE BUÝT")),
            "XX4826000007"
        );
        let permit = NumberPattern::parse("{seq:4}/{yyyy}/GP-{agency}", None, BTreeMap::new());
        assert_eq!(
            permit.unwrap().number(12_345, 2027, "SXD", None),
            "12345/2027/GP-SXD"
        );
    }

    #[test]
    fn a_pattern_that_could_not_number_is_refused() {
        let refusal = |text: &str| NumberPattern::parse(text, None, BTreeMap::new()).unwrap_err();
        assert_eq!(refusal("GP-{yy}"), PatternError::Sequence);
        assert_eq!(refusal("{seq:4}{seq:4}"), PatternError::Sequence);
        assert_eq!(
            refusal("{seq:4}/{month}"),
            PatternError::UnknownPlace("month".to_owned())
        );
        assert_eq!(refusal("{seq:4"), PatternError::OpenBrace);
        assert_eq!(refusal("{code}{seq:4}"), PatternError::NoCodes);
    }
}
