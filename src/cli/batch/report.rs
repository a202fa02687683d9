//! The two reports of a batch. They are written beside their place and moved there when the batch ends or
//! is stopped, so a report is never half of one. A batch that is run again writes both anew.

use super::list::{List, Raw, Row};
use super::reasons::Fault;
use crate::issuance::Receipt;
use std::fs::{self, File};
use std::io::{self, BufWriter, Write as _};
use std::path::{Path, PathBuf};

/// What was issued: row, number, look-up code, result code, text of the QR, file.
pub(super) struct IssuedReport(Table);

/// What was refused and why; the cells of a CSV list follow, so that it can be mended and given again.
pub(super) struct RefusedReport {
    table: Table,
    /// The lines of a JSONL list that were refused, as they were.
    lines: Option<Lines>,
}

struct Table {
    writer: csv::Writer<File>,
    path: PathBuf,
}

struct Lines {
    writer: BufWriter<File>,
    path: PathBuf,
    any: bool,
}

impl IssuedReport {
    pub(super) const NAME: &str = "issued.csv";

    pub(super) fn begin(folder: &Path, list: &List) -> anyhow::Result<Self> {
        let mut table = Table::begin(folder.join(Self::NAME), list)?;
        let columns = [
            "row",
            "number",
            "lookup_code",
            "result_code",
            "qr_text",
            "file",
        ];
        table.writer.write_record(columns)?;
        Ok(Self(table))
    }

    pub(super) fn add(&mut self, row: &Row, receipt: &Receipt, file: &str) -> anyhow::Result<()> {
        let (place, code) = (row.place.to_string(), receipt.id.grouped());
        let cells = [
            place.as_str(),
            &receipt.number,
            &code,
            &receipt.result_code,
            &receipt.qr_text,
            file,
        ];
        Ok(self.0.writer.write_record(cells)?)
    }

    pub(super) fn end(self) -> anyhow::Result<()> {
        self.0.end()
    }
}

impl RefusedReport {
    pub(super) const NAME: &str = "refused.csv";
    const LINES: &str = "refused.jsonl";

    pub(super) fn begin(folder: &Path, list: &List) -> anyhow::Result<Self> {
        let mut table = Table::begin(folder.join(Self::NAME), list)?;
        let ours = ["#row", "#column", "#code", "#ly_do", "#reason"];
        let theirs = match list.columns() {
            // The reasons of an earlier report are not repeated.
            Some((columns, _)) => columns
                .iter()
                .filter(|name| is_theirs(name))
                .cloned()
                .collect(),
            None => vec!["#name".to_owned()],
        };
        let ours = ours.iter().map(ToString::to_string);
        table.writer.write_record(ours.chain(theirs))?;
        let lines = list
            .columns()
            .is_none()
            .then(|| Lines::begin(folder.join(Self::LINES)));
        Ok(Self {
            table,
            lines: lines.transpose()?,
        })
    }

    pub(super) fn add(&mut self, list: &List, row: &Row, faults: &[Fault]) -> anyhow::Result<()> {
        let all = |part: &dyn Fn(&Fault) -> String| {
            let parts: Vec<String> = faults
                .iter()
                .map(part)
                .filter(|one| !one.is_empty())
                .collect();
            parts.join("; ")
        };
        let mut cells = vec![
            row.place.to_string(),
            all(&|fault| fault.column().to_owned()),
            all(&|fault| fault.code().to_owned()),
            all(&Fault::vi),
            all(&Fault::en),
        ];
        match &row.raw {
            Raw::Cells(raw) => {
                let columns = list.columns().map_or(&[][..], |(columns, _)| columns);
                let stray = raw.iter().skip(columns.len());
                let named = columns.iter().zip(raw).filter(|(name, _)| is_theirs(name));
                cells.extend(named.map(|(_, cell)| cell).chain(stray).cloned());
            }
            Raw::Line(line) => {
                cells.push(String::new());
                if let Some(lines) = &mut self.lines {
                    lines.add(line)?;
                }
            }
            Raw::Name(name) => cells.push(name.clone()),
        }
        Ok(self.table.writer.write_record(cells)?)
    }

    pub(super) fn end(self) -> anyhow::Result<()> {
        self.table.end()?;
        self.lines.map_or(Ok(()), Lines::end)
    }
}

fn is_theirs(column: &str) -> bool {
    !column.starts_with(super::list::REMARK)
}

impl Table {
    /// With the delimiter of the list, which the registrar's Excel takes, and the mark by which it knows
    /// UTF-8.
    fn begin(path: PathBuf, list: &List) -> anyhow::Result<Self> {
        let mut file = File::create(unfinished(&path))?;
        file.write_all("\u{feff}".as_bytes())?;
        let delimiter = list.columns().map_or(b',', |(_, delimiter)| delimiter);
        let writer = csv::WriterBuilder::new()
            .delimiter(delimiter)
            .terminator(csv::Terminator::CRLF)
            .flexible(true)
            .from_writer(file);
        Ok(Self { writer, path })
    }

    fn end(self) -> anyhow::Result<()> {
        let file = self
            .writer
            .into_inner()
            .map_err(csv::IntoInnerError::into_error)?;
        file.sync_all()?;
        Ok(fs::rename(unfinished(&self.path), self.path)?)
    }
}

impl Lines {
    fn begin(path: PathBuf) -> io::Result<Self> {
        let writer = BufWriter::new(File::create(unfinished(&path))?);
        let any = false;
        Ok(Self { writer, path, any })
    }

    fn add(&mut self, line: &str) -> io::Result<()> {
        self.any = true;
        writeln!(self.writer, "{line}")
    }

    /// A list without refused lines, or without lines, leaves none.
    fn end(mut self) -> anyhow::Result<()> {
        self.writer.flush()?;
        if self.any {
            return Ok(fs::rename(unfinished(&self.path), self.path)?);
        }
        fs::remove_file(unfinished(&self.path))?;
        match fs::remove_file(&self.path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error.into()),
            _ => Ok(()),
        }
    }
}

fn unfinished(path: &Path) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(".part");
    PathBuf::from(name)
}
