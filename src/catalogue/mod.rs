//! What may be issued: the result types of administrative procedures (TTHC), as data.
//!
//! Nothing about a result type is in code. A type is one TOML file: its fields, what of them the QR
//! carries, how it is numbered, where symbol and seal go, how fresh its status must be known. The eight
//! files under `types/` are built in; a directory may add more or replace them by code
//! ([`Catalogue::with_file`]). `common.toml` has the fields that every type shares.
//!
//! **Invariant:** a [`ResultData`] fits its type. [`ResultType::read`] is the only way to make one, and
//! after it nobody checks again.

mod change;
mod data;
mod file;
mod number;
mod read;
mod result_type;
mod show;
mod value;

pub use change::ChangeKind;
pub use data::{DataError, FieldError, FieldProblem, ResultData};
pub use file::TypeFileError;
pub use number::NumberPattern;
pub use read::{plate_key, typed_number, typed_plate_key, valid_dossier_code, valid_result_code};
pub use result_type::{
    Corner, Field, Finding, FooterPlace, Label, LegalReference, Mask, Matched, PageChoice,
    QrCarriage, ResultType, SealPlace, Signatures, SymbolPlace, ValidityEnd, Visibility,
};
pub use show::{Language, masked, shown};
pub use value::{FieldKind, TimeWindow, Value};

use std::sync::Arc;

const COMMON: &str = include_str!("common.toml");

const BUILT_IN: [&str; 8] = [
    include_str!("types/vehicle-badge.toml"),
    include_str!("types/restricted-road-permit.toml"),
    include_str!("types/oversize-permit.toml"),
    include_str!("types/transport-business-licence.toml"),
    include_str!("types/food-safety-certificate.toml"),
    include_str!("types/promotion-notice.toml"),
    include_str!("types/construction-permit.toml"),
    include_str!("types/practising-certificate.toml"),
];

/// The result types that may be issued, in the order of their numbers.
#[derive(Clone, Debug)]
pub struct Catalogue {
    types: Vec<Arc<ResultType>>,
    findings: Vec<Finding>,
}

impl Catalogue {
    /// The built-in types.
    ///
    /// # Errors
    /// [`TypeFileError`] names the file's fault; a test reads every built-in file.
    pub fn built_in() -> Result<Self, TypeFileError> {
        let findings = file::read_findings(COMMON)?;
        let empty = Self {
            types: Vec::new(),
            findings,
        };
        BUILT_IN.into_iter().try_fold(empty, Self::with_file)
    }

    /// This catalogue and the type of one more file, which replaces a type of the same code.
    ///
    /// # Errors
    /// [`TypeFileError`] when the file does not describe a type, or takes another type's number.
    pub fn with_file(mut self, text: &str) -> Result<Self, TypeFileError> {
        let added = file::read_type(text, COMMON)?;
        self.types.retain(|known| known.code != added.code);
        if let Some(other) = self.by_number(added.number) {
            return Err(TypeFileError::NumberTaken {
                number: added.number,
                code: added.code.clone(),
                other: other.code.clone(),
            });
        }
        self.types.push(Arc::new(added));
        self.types.sort_by_key(|known| known.number);
        Ok(self)
    }

    /// Every type, in the order of their numbers.
    pub fn types(&self) -> &[Arc<ResultType>] {
        &self.types
    }

    /// The type with this code.
    pub fn by_code(&self, code: &str) -> Option<&Arc<ResultType>> {
        self.types.iter().find(|known| known.code == code)
    }

    /// The type with this number in the QR.
    pub fn by_number(&self, number: u32) -> Option<&Arc<ResultType>> {
        self.types.iter().find(|known| known.number == number)
    }

    /// What an inspector may file as his finding.
    pub fn findings(&self) -> &[Finding] {
        &self.findings
    }
}
