//! History as files that other programs read and write.
//!
//! A file is rows: one reading of one topic each, in order of time. Everything here is
//! pure: bytes come from a `Read` and go to a `Write`, one row at a time, so that a file
//! may be longer than the memory. What a format cannot carry is in `docs/history-files.md`.

pub mod csv;
pub mod jsonl;
pub mod line;
mod lines;
pub mod parquet;
mod words;

#[cfg(test)]
pub mod tests;

use std::collections::HashSet;
use std::fmt;
use std::io::{self, BufRead, Write};
use std::sync::Arc;

use jiff::tz::TimeZone;
use thiserror::Error;

use super::sample::Sample;
pub use words::time;

/// A line or record has at most so many bytes: what is longer is no history.
pub const LONGEST_RECORD: usize = 1 << 20;
/// So many names are kept to be shared among rows; further ones are made anew.
const MOST_NAMES: usize = 65_536;

/// One reading, as a file carries it.
#[derive(Clone, Debug, PartialEq)]
pub struct Row {
    pub topic: Arc<str>,
    pub unit: Option<Arc<str>>,
    pub sample: Sample,
}

/// How rows are written in a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// A table with a line of names above it, for spreadsheets.
    Csv,
    /// A JSON object on each line.
    Jsonl,
    /// InfluxDB's line protocol.
    Line,
    /// Columns, packed, for data frames.
    Parquet,
}

impl Format {
    /// By the end of a file's name.
    pub fn from_name(name: &str) -> Option<Format> {
        let (_, end) = name.rsplit_once('.')?;
        match end.to_ascii_lowercase().as_str() {
            "csv" | "tsv" => Some(Format::Csv),
            "jsonl" | "ndjson" => Some(Format::Jsonl),
            "line" | "lp" | "influx" => Some(Format::Line),
            "parquet" => Some(Format::Parquet),
            _ => None,
        }
    }
}

/// Where in a file something is wrong; all count from 1.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Place {
    /// A character of a line.
    Text { line: u64, column: u64 },
    /// A field of a record that begins in this line.
    Field {
        line: u64,
        column: u64,
        name: String,
    },
    /// A cell of a table that has no lines.
    Cell { row: u64, column: String },
    /// The file as a whole.
    File,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Place::Text { line, column } => write!(f, "line {line}, column {column}"),
            Place::Field { line, column, name } => {
                write!(f, "line {line}, column {column} ({name})")
            }
            Place::Cell { row, column } => write!(f, "row {row}, column {column}"),
            Place::File => f.write_str("the file"),
        }
    }
}

/// Why rows cannot be read.
#[derive(Debug, Error)]
pub enum ReadError {
    /// What is wrong, where, and what to write instead. The next row may be read.
    #[error("{place}: {problem}")]
    Row { place: Place, problem: String },
    /// The rest cannot be read either.
    #[error("{place}: {problem}")]
    Rest { place: Place, problem: String },
    #[error(transparent)]
    Io(#[from] io::Error),
}

/// Why a row cannot be written.
#[derive(Debug, Error)]
pub enum WriteError {
    /// The format cannot carry it; the next row may be written.
    #[error("{0}")]
    Uncarried(&'static str),
    #[error(transparent)]
    Io(#[from] io::Error),
}

/// Rows on their way into a file.
pub trait RowWriter {
    /// Adds a row.
    ///
    /// # Errors
    /// If the format cannot carry it, or the file takes no more.
    fn write(&mut self, row: &Row) -> Result<(), WriteError>;

    /// Writes what is left, and what stands at the end.
    ///
    /// # Errors
    /// If the file takes no more.
    fn finish(&mut self) -> io::Result<()>;
}

/// Rows on their way out of a file.
pub trait RowReader {
    /// The next row; none at the end.
    ///
    /// # Errors
    /// What is wrong, and where. After [`ReadError::Row`] the next row may be asked for.
    fn next(&mut self) -> Result<Option<Row>, ReadError>;

    /// Where the last row is.
    fn place(&self) -> Place;
}

/// Writes rows in a format.
///
/// # Errors
/// If what stands at the beginning cannot be written.
pub fn writer<'a>(format: Format, out: impl Write + 'a) -> io::Result<Box<dyn RowWriter + 'a>> {
    Ok(match format {
        Format::Csv => Box::new(csv::Writer::new(out)?),
        Format::Jsonl => Box::new(jsonl::Writer::new(out)),
        Format::Line => Box::new(line::Writer::new(out)),
        Format::Parquet => Box::new(parquet::Writer::new(out)?),
    })
}

/// Reads rows in a format. Times that name no zone are on the clock of `zone`. What is
/// read from its end on has a reader of its own: [`parquet::Reader`].
///
/// # Errors
/// If the beginning says that it is no such file.
pub fn reader<'a>(
    format: Format,
    input: impl BufRead + 'a,
    zone: TimeZone,
) -> Result<Box<dyn RowReader + 'a>, ReadError> {
    Ok(match format {
        Format::Csv => Box::new(csv::Reader::new(input, zone)?),
        Format::Jsonl => Box::new(jsonl::Reader::new(input, zone)),
        Format::Line => Box::new(line::Reader::new(input)),
        Format::Parquet => {
            return Err(ReadError::Rest {
                place: Place::File,
                problem: "a Parquet file is read from its end on, so it cannot come from a pipe"
                    .to_owned(),
            });
        }
    })
}

/// Names that many rows share.
#[derive(Debug, Default)]
struct Names {
    known: HashSet<Arc<str>>,
}

impl Names {
    fn share(&mut self, name: &str) -> Arc<str> {
        if let Some(known) = self.known.get(name) {
            return Arc::clone(known);
        }
        let shared: Arc<str> = name.into();
        if self.known.len() < MOST_NAMES {
            self.known.insert(Arc::clone(&shared));
        }
        shared
    }

    /// A unit, if it says anything.
    fn unit(&mut self, unit: &str) -> Option<Arc<str>> {
        let unit = unit.trim();
        (!unit.is_empty()).then(|| self.share(unit))
    }
}
