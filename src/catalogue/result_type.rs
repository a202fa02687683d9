//! One result type, as its file describes it.

use super::change::ChangeKind;
use super::number::NumberPattern;
use super::value::FieldKind;
use std::collections::BTreeSet;
use time::Date;

/// Words in both languages.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Label {
    /// Vietnamese.
    pub vi: String,
    /// English.
    pub en: String,
}

/// A result type.
#[derive(Clone, Debug, PartialEq)]
pub struct ResultType {
    /// `vehicle-badge`.
    pub code: String,
    /// What stands for the type in the QR.
    pub number: u32,
    /// Code of the administrative procedure.
    pub procedure_code: String,
    /// What the result is called.
    pub label: Label,
    /// A field whose value says more precisely what it is (the kind of a badge).
    pub title_field: Option<String>,
    /// The field with the permitted hours.
    pub hours_field: Option<String>,
    /// Who must sign.
    pub signatures: Signatures,
    /// The changes that a second person must confirm.
    pub four_eyes: BTreeSet<ChangeKind>,
    /// Seconds for which a status list may be relied on.
    pub max_status_age: i64,
    /// Years for which the result is kept after it ended.
    pub retention_years: u32,
    /// Whether it ends.
    pub validity_end: ValidityEnd,
    /// The field that holds the number.
    pub number_field: String,
    /// How numbers are made where the data brings none.
    pub number_pattern: NumberPattern,
    /// Where the QR goes.
    pub symbol: SymbolPlace,
    /// Where the seal goes.
    pub seal: SealPlace,
    /// Where the footer goes first; the lower margin of page 1 if absent or taken.
    pub footer: Option<FooterPlace>,
    /// The law it rests on.
    pub legal: Vec<LegalReference>,
    /// Its own fields in display order, then those that all types share.
    pub fields: Vec<Field>,
}

impl ResultType {
    /// The field of this name.
    pub fn field(&self, name: &str) -> Option<&Field> {
        self.fields.iter().find(|field| field.name == name)
    }
}

/// Who signs a result of the type (NĐ 45/2020 Đ14.3b, NĐ 30/2020 Đ5.1).
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Signatures {
    /// The agency alone.
    Agency,
    /// The authorised person, then the agency.
    SignatoryThenAgency,
}

/// Whether results of the type have a last day.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum ValidityEnd {
    /// Always.
    Required,
    /// Some have.
    Optional,
    /// Never.
    None,
}

/// One field.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Field {
    /// Its name in data.
    pub name: String,
    /// Kind of value.
    pub kind: FieldKind,
    /// What it is called.
    pub label: Label,
    /// Unit of a count or decimal.
    pub unit: Option<Label>,
    /// Whether data must have it.
    pub required: bool,
    /// Who sees it on pages and in the API.
    pub visibility: Visibility,
    /// Whether and how the QR carries it. Whoever holds the paper can read that.
    pub qr: Option<QrCarriage>,
    /// What the public sees of it.
    pub mask: Option<Mask>,
    /// What the inspector compares with it, if it is for that.
    pub matched: Option<Matched>,
    /// Characters of a text.
    pub max_chars: usize,
}

/// What stands before the inspector.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Matched {
    /// A vehicle with a plate.
    Plate,
    /// A person.
    Person,
    /// A business.
    Organisation,
    /// A place.
    Site,
}

/// Who sees a field on pages and in the API.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Visibility {
    /// Everybody who has the look-up code.
    Public,
    /// Inspectors and the issuing agency.
    Inspector,
}

/// How the QR carries a field.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct QrCarriage {
    /// Key in the credential's private map; 0 to 2 belong to the format.
    pub key: u32,
    /// Bytes that all texts of the field may take; longer ones are cut at a word with "…".
    pub bytes: Option<usize>,
}

/// What the public sees of a value.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Mask {
    /// The last word of a name; of the others the first letter.
    Name,
}

/// A reference to law with the days on which it is in force.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct LegalReference {
    /// `NĐ 158/2024/NĐ-CP`.
    pub reference: String,
    /// First day.
    pub from: Date,
    /// Last day.
    pub to: Option<Date>,
}

/// A corner of the page as the reader sees it.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Corner {
    /// Above, left.
    UpperLeft,
    /// Above, right.
    UpperRight,
    /// Below, left.
    LowerLeft,
    /// Below, right.
    LowerRight,
}

/// Where the symbol goes on page 1: millimetres inward from a corner.
#[derive(Clone, Debug, PartialEq)]
pub struct SymbolPlace {
    /// The corner.
    pub corner: Corner,
    /// Millimetres from the side.
    pub x_mm: f64,
    /// Millimetres from the upper or lower edge.
    pub y_mm: f64,
    /// Width of the symbol with its quiet zone.
    pub width_mm: f64,
    /// Corners to try, in order, when the first is not free.
    pub alternatives: Vec<Corner>,
}

/// Which page.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum PageChoice {
    /// The first.
    First,
    /// The last.
    Last,
}

/// Where the seal goes when the signatory's name cannot be found on the pages: its centre.
#[derive(Clone, Debug, PartialEq)]
pub struct SealPlace {
    /// The page.
    pub page: PageChoice,
    /// The corner.
    pub corner: Corner,
    /// Millimetres from the side.
    pub x_mm: f64,
    /// Millimetres from the upper or lower edge.
    pub y_mm: f64,
}

/// Where the footer of NĐ 45/2020 Đ18 goes on page 1: millimetres inward from a corner.
#[derive(Clone, Debug, PartialEq)]
pub struct FooterPlace {
    /// The corner.
    pub corner: Corner,
    /// Millimetres from the side.
    pub x_mm: f64,
    /// Millimetres from the upper or lower edge.
    pub y_mm: f64,
}

/// Something an inspector may file.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Finding {
    /// `plate_differs`.
    pub code: String,
    /// What it is called.
    pub label: Label,
}
