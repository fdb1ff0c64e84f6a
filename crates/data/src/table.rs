//! Tables: rows of fields separated by commas, tabs or semicolons.

use std::io::Cursor;
use std::path::{Path, PathBuf};

use csv::{Reader, ReaderBuilder, StringRecord};

use crate::{DataError, ErrorKind, counted};

/// The format of a table's fields.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Dialect {
    /// The separator.
    pub delimiter: u8,
    /// Whether fields may be in quotation marks.
    pub quoting: bool,
    /// Whether white space around fields is removed.
    pub trim: bool,
    /// Whether rows may have fewer or more fields than the first.
    pub flexible: bool,
}

impl Dialect {
    /// Commas and quotation marks.
    pub(crate) const CSV: Self = Self { delimiter: b',', quoting: true, trim: false, flexible: false };
    /// Tabs, with literal quotation marks.
    pub(crate) const TSV: Self = Self { delimiter: b'\t', quoting: false, trim: false, flexible: false };

    /// This dialect with semicolons or tabs in place of commas, if the first row has those and no comma: spreadsheets
    /// write such `.csv` files where the decimal mark is a comma.
    pub(crate) fn fitted_to(self, text: &str) -> Self {
        let first = text.lines().next().unwrap_or_default();
        let other = [';', '\t'].into_iter().find(|&other| first.contains(other) && !first.contains(','));
        Self { delimiter: other.map_or(self.delimiter, |other| other as u8), ..self }
    }
}

/// A reader of a table's rows.
#[derive(Debug)]
pub(crate) struct Table {
    path: PathBuf,
    reader: Reader<Cursor<String>>,
}

/// A row with its first line.
#[derive(Debug)]
pub(crate) struct Row {
    /// The line, from 1.
    pub line: u64,
    /// Its fields.
    pub fields: StringRecord,
}

/// The names of columns.
#[derive(Debug)]
pub(crate) struct Header {
    path: PathBuf,
    names: StringRecord,
}

impl Table {
    /// Opens the table in `text`, the content of the file `path`.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Format`] for a quotation mark that is not closed, or is closed on a later line within a field.
    pub(crate) fn new(path: &Path, text: String, dialect: Dialect) -> Result<Self, DataError> {
        let Dialect { delimiter, quoting, trim, flexible } = dialect;
        if quoting && let Some(line) = open_quote(text.as_bytes(), delimiter) {
            let message = "a quotation mark opens a field here and is not closed at the end of one; \
                           a quotation mark at the beginning of a field is written \"\"\" where it belongs to the text";
            return Err(ErrorKind::Format.error(message).within(path).line(line));
        }
        let trim = if trim { csv::Trim::All } else { csv::Trim::None };
        let mut builder = ReaderBuilder::new();
        builder.has_headers(false).delimiter(delimiter).quoting(quoting).trim(trim).flexible(flexible);
        Ok(Self { path: path.to_owned(), reader: builder.from_reader(Cursor::new(text)) })
    }

    /// The next row.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Format`] for a row with another number of fields than the first.
    pub(crate) fn row(&mut self) -> Result<Option<Row>, DataError> {
        let mut fields = StringRecord::new();
        match self.reader.read_record(&mut fields) {
            Ok(false) => Ok(None),
            Ok(true) => Ok(Some(Row { line: fields.position().map_or(0, csv::Position::line), fields })),
            Err(error) => Err(self.error(error)),
        }
    }

    /// Reads the first row as column names.
    ///
    /// # Errors
    ///
    /// As [`row`](Self::row).
    pub(crate) fn header(&mut self) -> Result<Header, DataError> {
        let names = self.row()?.map(|row| row.fields).unwrap_or_default();
        Ok(Header { path: self.path.clone(), names })
    }

    fn error(&self, error: csv::Error) -> DataError {
        match error.kind() {
            csv::ErrorKind::UnequalLengths { pos, expected_len, len } => {
                let line = pos.as_ref().map_or(0, csv::Position::line);
                let message = format!("{}, and the first row has {expected_len}", counted(*len as usize, "fields"));
                ErrorKind::Format.error(message).within(&self.path).line(line)
            }
            _ => ErrorKind::Format.error("not a table that can be read").within(&self.path).because(error),
        }
    }
}

impl Header {
    /// The names in the first row of a table.
    pub(crate) fn of(path: &Path, names: StringRecord) -> Self {
        Self { path: path.to_owned(), names }
    }

    /// The names with their column indices.
    pub(crate) fn names(&self) -> impl Iterator<Item = (usize, &str)> {
        self.names.iter().enumerate()
    }

    /// Number of columns.
    pub(crate) fn len(&self) -> usize {
        self.names.len()
    }

    /// The index of a column, if it exists.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Column`] when several columns have the name.
    pub(crate) fn find(&self, name: &str) -> Result<Option<usize>, DataError> {
        let places: Vec<usize> =
            self.names().filter(|(_, known)| known.trim() == name).map(|(place, _)| place).collect();
        match places[..] {
            [] => Ok(None),
            [place] => Ok(Some(place)),
            _ => {
                let numbers: Vec<String> = places.iter().map(|place| (place + 1).to_string()).collect();
                let message = format!(
                    "{} columns have the name `{name}` (columns {}): give each a name of its own",
                    places.len(),
                    numbers.join(", ")
                );
                Err(ErrorKind::Column.error(message).within(&self.path).line(1))
            }
        }
    }

    /// The index of a column.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Column`] when none, listing the existing ones, or several have the name.
    pub(crate) fn column(&self, name: &str) -> Result<usize, DataError> {
        self.find(name)?.ok_or_else(|| self.missing(name))
    }

    /// The error for a missing column.
    pub(crate) fn missing(&self, name: &str) -> DataError {
        self.missing_with(name, "")
    }

    /// The same, with `advice` at its end.
    pub(crate) fn missing_with(&self, name: &str, advice: &str) -> DataError {
        missing_column(&self.path, name, self.names.iter(), advice)
    }
}

/// The error for a missing column, with the existing ones and `advice`.
pub(crate) fn missing_column<'a>(
    path: &Path,
    name: &str,
    known: impl Iterator<Item = &'a str>,
    advice: &str,
) -> DataError {
    // The first row of a table without a header may be a whole review.
    let shown = |name: &str| {
        if name.chars().count() <= 40 { name.to_owned() } else { name.chars().take(39).chain(['…']).collect() }
    };
    let known: Vec<String> = known.map(shown).collect();
    let message = format!("there is no column `{name}`; there are: {}{advice}", known.join(", "));
    ErrorKind::Column.error(message).within(path)
}

/// The line of a quotation mark that opens a field and is not closed at its end: it is never closed, or the field
/// continues after it on another line.
fn open_quote(text: &[u8], delimiter: u8) -> Option<u64> {
    let (mut line, mut at) = (1, 0);
    let mut begins = true;
    while let Some(&byte) = text.get(at) {
        at += 1;
        if !(begins && byte == b'"') {
            line += u64::from(byte == b'\n');
            begins = byte == delimiter || matches!(byte, b'\n' | b'\r');
            continue;
        }
        let opened = line;
        loop {
            match (text.get(at), text.get(at + 1)) {
                (None, _) => return Some(opened),
                (Some(b'"'), Some(b'"')) => at += 2,
                (Some(b'"'), next) => {
                    at += 1;
                    let ends = next.is_none_or(|&next| next == delimiter || matches!(next, b'\n' | b'\r'));
                    if !ends && line > opened {
                        return Some(opened);
                    }
                    break;
                }
                (Some(byte), _) => {
                    line += u64::from(*byte == b'\n');
                    at += 1;
                }
            }
        }
        begins = false;
    }
    None
}

#[cfg(test)]
mod tests;
