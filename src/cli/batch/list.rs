//! The list of a batch: CSV, JSON lines, or a folder of PDFs with their data beside them. Rows are read one
//! at a time; only the names of a folder are held.

use super::reasons::Fault;
use super::records::{Record, RecordError, Records};
use crate::catalogue::ResultType;
use crate::limits;
use serde_json::{Map, Value};
use std::collections::BTreeSet;
use std::fs::File;
use std::io::{BufRead, BufReader, Read as _};
use std::path::{Component, Path, PathBuf};
use std::sync::Arc;
use unicode_normalization::UnicodeNormalization as _;

/// The column that names a row's PDF.
const PDF: &str = "pdf";

/// Columns that begin so are ours: the reasons in a report of refused rows, which is a list again.
pub(super) const REMARK: char = '#';

const BOM: &[u8] = "\u{feff}".as_bytes();

/// A list that was looked through once: it can be read to its end, and its rows are counted.
pub(super) struct List {
    result_type: Arc<ResultType>,
    pdfs: Option<PathBuf>,
    rows: u64,
    source: Source,
}

enum Source {
    Csv {
        records: Records<BufReader<File>>,
        delimiter: u8,
        columns: Vec<String>,
    },
    Json {
        records: Records<BufReader<File>>,
        pdfs: Pdfs,
    },
    Folder {
        folder: PathBuf,
        names: std::vec::IntoIter<String>,
        at: u64,
    },
}

/// Which lines of JSON have a PDF.
#[derive(Clone, Copy, Eq, PartialEq)]
enum Pdfs {
    /// All: a folder of PDFs was given.
    OfEveryRow,
    /// Those that name one.
    WhereNamed,
}

/// One row.
pub(super) struct Row {
    /// As the spreadsheet shows it; of a folder the place in the order of names.
    pub(super) place: u64,
    /// As it stands in the list: the cells, the line, or the name.
    pub(super) raw: Raw,
    /// Its data and where its PDF is.
    pub(super) found: Result<(Map<String, Value>, Option<PathBuf>), Fault>,
}

pub(super) enum Raw {
    Cells(Vec<String>),
    Line(String),
    Name(String),
}

impl List {
    /// Opens a list and looks through it, so that a file that cannot be read to its end is refused before
    /// its first row is issued.
    pub(super) fn open(
        path: &Path,
        pdf_dir: Option<&Path>,
        result_type: Arc<ResultType>,
    ) -> Result<Self, Fault> {
        let folder = |path: &Path| {
            let real = path.canonicalize();
            real.ok()
                .filter(|path| path.is_dir())
                .ok_or(Fault::of("list/no-folder"))
        };
        if path.is_dir() {
            let (folder, names) = (folder(pdf_dir.unwrap_or(path))?, names(path)?);
            return Ok(Self {
                result_type,
                pdfs: Some(folder),
                rows: names.len() as u64,
                source: Source::Folder {
                    folder: path.to_owned(),
                    names: names.into_iter(),
                    at: 0,
                },
            });
        }
        let beside = path
            .parent()
            .filter(|parent| !parent.as_os_str().is_empty());
        let beside = folder(beside.unwrap_or(Path::new(".")))?;
        let given = pdf_dir.map(folder).transpose()?;
        let extension = path.extension().unwrap_or_default().to_ascii_lowercase();
        if extension == "jsonl" || extension == "ndjson" {
            let rows = look_through(&mut Records::of_lines(text(path)?))?;
            let records = Records::of_lines(text(path)?);
            let pdfs = match given {
                Some(_) => Pdfs::OfEveryRow,
                None => Pdfs::WhereNamed,
            };
            return Ok(Self {
                result_type,
                pdfs: Some(given.unwrap_or(beside)),
                rows,
                source: Source::Json { records, pdfs },
            });
        }
        let header = Records::of_lines(text(path)?).next().map_err(Fault::from)?;
        let header = header.ok_or(Fault::of("list/empty"))?;
        let (delimiter, columns) = columns(&header, &result_type)?;
        let mut records = Records::new(text(path)?, delimiter);
        let rows = look_through(&mut records)?.saturating_sub(1);
        let mut records = Records::new(text(path)?, delimiter);
        records.next().map_err(Fault::from)?;
        let named = columns.iter().any(|column| column == PDF);
        Ok(Self {
            result_type,
            pdfs: given.or(named.then_some(beside)),
            rows,
            source: Source::Csv {
                records,
                delimiter,
                columns,
            },
        })
    }

    /// How many rows there are, those without a cell among them.
    pub(super) fn rows(&self) -> u64 {
        self.rows
    }

    /// The columns and the delimiter of a CSV file.
    pub(super) fn columns(&self) -> Option<(&[String], u8)> {
        match &self.source {
            Source::Csv {
                columns, delimiter, ..
            } => Some((columns, *delimiter)),
            Source::Json { .. } | Source::Folder { .. } => None,
        }
    }

    pub(super) fn next(&mut self) -> Result<Option<Row>, Fault> {
        match &mut self.source {
            Source::Csv {
                records,
                delimiter,
                columns,
            } => loop {
                let Some(record) = records.next()? else {
                    return Ok(None);
                };
                let cells = cells(&record.bytes, *delimiter)?;
                // A spreadsheet writes rows of delimiters for what was emptied.
                if cells.iter().any(|cell| !cell.trim().is_empty()) {
                    let found = row(columns, &cells, &self.result_type);
                    let found = found.and_then(|data| with_pdf(data, self.pdfs.as_deref()));
                    return Ok(Some(Row {
                        place: record.row,
                        raw: Raw::Cells(cells),
                        found,
                    }));
                }
            },
            Source::Json { records, pdfs } => {
                let Some(record) = records.next()? else {
                    return Ok(None);
                };
                let line =
                    String::from_utf8(record.bytes).map_err(|_| Fault::of("list/encoding"))?;
                let found = serde_json::from_str(&line).map_err(|_| Fault::of("row/not-json"));
                let named = |data: Map<String, Value>| {
                    let wanted = data.contains_key(PDF) || *pdfs == Pdfs::OfEveryRow;
                    with_pdf(data, self.pdfs.as_deref().filter(|_| wanted))
                };
                Ok(Some(Row {
                    place: record.row,
                    found: found.and_then(named),
                    raw: Raw::Line(line),
                }))
            }
            Source::Folder { folder, names, at } => Ok(names.next().map(|name| {
                *at += 1;
                let found = in_folder(folder, &name).and_then(|mut data| {
                    data.insert(PDF.to_owned(), Value::from(format!("{name}.pdf")));
                    with_pdf(data, self.pdfs.as_deref())
                });
                Row {
                    place: *at,
                    raw: Raw::Name(name),
                    found,
                }
            })),
        }
    }
}

/// The file behind its byte order mark; UTF-16 is told by its own, or by its zero bytes.
fn text(path: &Path) -> Result<BufReader<File>, Fault> {
    let file = File::open(path).map_err(|_| Fault::of("list/unreadable"))?;
    let mut reader = BufReader::new(file);
    let start = reader
        .fill_buf()
        .map_err(|_| Fault::of("list/unreadable"))?;
    if start.starts_with(&[0xff, 0xfe]) || start.starts_with(&[0xfe, 0xff]) || start.contains(&0) {
        return Err(Fault::of("list/utf-16"));
    }
    if start.starts_with(BOM) {
        reader.consume(BOM.len());
    }
    Ok(reader)
}

/// Reads to the end: every record ends, and all of it is UTF-8.
fn look_through(records: &mut Records<BufReader<File>>) -> Result<u64, Fault> {
    let mut rows = 0;
    while let Some(record) = records.next()? {
        if std::str::from_utf8(&record.bytes).is_err() {
            return Err(Fault::of("list/encoding").at_row(record.row));
        }
        rows += 1;
    }
    Ok(rows)
}

/// The delimiter under which the first line names most fields of the type, and the columns then.
fn columns(header: &Record, result_type: &ResultType) -> Result<(u8, Vec<String>), Fault> {
    let is_known = |name: &str| result_type.knows(name) || name == PDF;
    let mut best: Option<(usize, u8, Vec<String>)> = None;
    for delimiter in [b',', b';', b'\t'] {
        let names = cells(&header.bytes, delimiter)?;
        let names: Vec<String> = names.iter().map(|name| name.trim().to_owned()).collect();
        let known = names.iter().filter(|name| is_known(name)).count();
        if known > best.as_ref().map_or(0, |(most, ..)| *most) {
            best = Some((known, delimiter, names));
        }
    }
    let (_, delimiter, names) = best.ok_or(Fault::of("list/no-header"))?;
    let mut seen = BTreeSet::new();
    for name in &names {
        let ours = name.is_empty() || name.starts_with(REMARK);
        if !ours && !is_known(name) {
            return Err(Fault::of("list/unknown-column").in_column(name));
        }
        if !ours && !seen.insert(name) {
            return Err(Fault::of("list/column-twice").in_column(name));
        }
    }
    Ok((delimiter, names))
}

fn cells(record: &[u8], delimiter: u8) -> Result<Vec<String>, Fault> {
    let mut reader = csv::ReaderBuilder::new()
        .has_headers(false)
        .delimiter(delimiter)
        .buffer_capacity(record.len().max(1))
        .from_reader(record);
    let mut cells = csv::StringRecord::new();
    let read = reader.read_record(&mut cells);
    read.map_err(|_| Fault::of("list/encoding"))?;
    Ok(cells.iter().map(str::to_owned).collect())
}

fn row(
    columns: &[String],
    cells: &[String],
    result_type: &ResultType,
) -> Result<Map<String, Value>, Fault> {
    let extra = cells.iter().skip(columns.len());
    let unnamed = columns
        .iter()
        .zip(cells)
        .filter(|(name, _)| name.is_empty());
    let mut stray = extra.chain(unnamed.map(|(_, cell)| cell));
    if stray.any(|cell| !cell.trim().is_empty()) || cells.len() < columns.len() {
        return Err(Fault::of("row/cells"));
    }
    let named = columns
        .iter()
        .map(String::as_str)
        .zip(cells.iter().map(String::as_str));
    let named = named.filter(|(name, _)| !name.is_empty() && !name.starts_with(REMARK));
    Ok(result_type.row(named))
}

/// Takes the name of the PDF out of the data and finds the file. Where there is a folder of PDFs, every
/// row must name one of it.
fn with_pdf(
    mut data: Map<String, Value>,
    pdfs: Option<&Path>,
) -> Result<(Map<String, Value>, Option<PathBuf>), Fault> {
    let named = data.remove(PDF);
    let Some(pdfs) = pdfs else {
        return Ok((data, None));
    };
    let named = named
        .as_ref()
        .and_then(Value::as_str)
        .unwrap_or_default()
        .trim();
    if named.is_empty() {
        return Err(Fault::of("row/no-pdf").in_column(PDF));
    }
    let pdf = inside(pdfs, named).map_err(|fault| fault.in_column(PDF))?;
    Ok((data, Some(pdf)))
}

/// The file of this name in a folder or below, wherever links lead.
fn inside(folder: &Path, name: &str) -> Result<PathBuf, Fault> {
    let is_plain = |path: &Path| {
        let mut parts = path.components();
        parts.all(|part| matches!(part, Component::Normal(_)))
    };
    if !is_plain(Path::new(name)) || name.contains(['\\', '\0']) {
        return Err(Fault::of("row/pdf-path"));
    }
    // An archive from another system may hold the same letters in their other form.
    let forms = [name.to_owned(), name.nfc().collect(), name.nfd().collect()];
    let found = forms
        .iter()
        .find_map(|form| folder.join(form).canonicalize().ok());
    let found = found.ok_or(Fault::of("row/no-pdf"))?;
    if !found.starts_with(folder) || !found.is_file() {
        return Err(Fault::of("row/pdf-path"));
    }
    Ok(found)
}

/// What a folder has results for: names with a `.json`, a `.pdf` or both, in order.
fn names(folder: &Path) -> Result<Vec<String>, Fault> {
    let unreadable = |_| Fault::of("list/unreadable");
    let mut names = BTreeSet::new();
    for entry in folder.read_dir().map_err(unreadable)? {
        let path = entry.map_err(unreadable)?.path();
        let known = path
            .extension()
            .is_some_and(|end| end == "json" || end == "pdf");
        if known && let Some(name) = path.file_stem().and_then(|stem| stem.to_str()) {
            names.insert(name.to_owned());
        }
    }
    Ok(names.into_iter().collect())
}

fn in_folder(folder: &Path, name: &str) -> Result<Map<String, Value>, Fault> {
    let file = File::open(folder.join(format!("{name}.json")));
    let file = file.map_err(|_| Fault::of("row/no-data"))?;
    let mut bytes = Vec::new();
    file.take(limits::LIST_ROW as u64)
        .read_to_end(&mut bytes)
        .map_err(|_| Fault::of("row/no-data"))?;
    let bytes = bytes.strip_prefix(BOM).unwrap_or(&bytes);
    serde_json::from_slice(bytes).map_err(|_| Fault::of("row/not-json"))
}

impl From<RecordError> for Fault {
    fn from(error: RecordError) -> Self {
        match error {
            RecordError::Unreadable => Self::of("list/unreadable"),
            RecordError::Endless(row) => Self::of("list/endless-row").at_row(row),
        }
    }
}
