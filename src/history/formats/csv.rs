//! A table with a line of names above it, for spreadsheets and data frames.
//!
//! `time,topic,value,type,unit,clock,boot,sequence`; the first three are needed to read
//! one, in any order. Where no `type` says what a value is, it is read as a payload.

mod columns;

use std::cell::Cell;
use std::io::{self, BufRead, Read, Write};
use std::rc::Rc;

use ::csv::{ByteRecord, ErrorKind, Position, ReaderBuilder, StringRecord};
use jiff::tz::TimeZone;

use self::columns::{Column, Columns, ORDER};
use super::{
    LONGEST_RECORD, Names, Place, ReadError, Row, RowReader, RowWriter, WriteError, words,
};
use crate::history::sample::{Origin, Sample};
use crate::home::Value;

/// A record for each row.
#[derive(Debug)]
pub struct Writer<W: Write> {
    out: ::csv::Writer<W>,
    time: String,
}

impl<W: Write> Writer<W> {
    /// Writes the names of the columns.
    ///
    /// # Errors
    /// If the file takes nothing.
    pub fn new(out: W) -> io::Result<Writer<W>> {
        let mut out = ::csv::Writer::from_writer(out);
        let names = out.write_record(ORDER.map(Column::name));
        names.map_err(io_error)?;
        Ok(Writer {
            out,
            time: String::new(),
        })
    }
}

impl<W: Write> RowWriter for Writer<W> {
    fn write(&mut self, row: &Row) -> Result<(), WriteError> {
        let sample = &row.sample;
        self.time.clear();
        words::push_time(sample.at, &mut self.time);
        let (kind, value) = match &sample.value {
            Value::Number(number) => ("number", words::number(*number)),
            Value::Switch(_) => ("switch", sample.value.to_string()),
            Value::Text(text) => ("text", text.clone()),
        };
        let (boot, sequence) = match sample.origin {
            Some(Origin { boot, sequence }) => (boot.to_string(), sequence.to_string()),
            None => (String::new(), String::new()),
        };
        let record = [
            self.time.as_str(),
            &row.topic,
            &value,
            kind,
            row.unit.as_deref().unwrap_or_default(),
            words::clock_name(sample.clock),
            &boot,
            &sequence,
        ];
        self.out.write_record(record).map_err(io_error)?;
        Ok(())
    }

    fn finish(&mut self) -> io::Result<()> {
        self.out.flush()
    }
}

/// What went wrong with the file, and not around it: whoever reads a pipe may go away.
fn io_error(error: ::csv::Error) -> io::Error {
    match error.into_kind() {
        ErrorKind::Io(error) => error,
        other => io::Error::other(format!("{other:?}")),
    }
}

/// Records, divided by commas, semicolons or tabs, as the first line is.
#[derive(Debug)]
pub struct Reader<R> {
    input: ::csv::Reader<Metered<R>>,
    /// Bytes that the next record may take.
    allowance: Rc<Cell<usize>>,
    columns: Columns,
    record: ByteRecord,
    fields: StringRecord,
    names: Names,
    zone: TimeZone,
}

impl<R: BufRead> Reader<R> {
    /// Reads the names of the columns.
    ///
    /// # Errors
    /// If one is missing, or this is no such file.
    pub fn new(mut input: R, zone: TimeZone) -> Result<Reader<R>, ReadError> {
        let delimiter = delimiter(input.fill_buf()?);
        let allowance = Rc::new(Cell::new(LONGEST_RECORD));
        let metered = Metered {
            input,
            left: Rc::clone(&allowance),
        };
        let mut reader = Reader {
            input: ReaderBuilder::new()
                .delimiter(delimiter)
                .has_headers(false)
                .flexible(true)
                .from_reader(metered),
            allowance,
            columns: Columns::default(),
            record: ByteRecord::new(),
            fields: StringRecord::new(),
            names: Names::default(),
            zone,
        };
        let is_there = reader.advance()?;
        let names: Vec<&str> = reader.fields.iter().collect();
        reader.columns = Columns::read(&names).map_err(|problem| ReadError::Rest {
            place: match is_there {
                true => Place::Text { line: 1, column: 1 },
                false => Place::File,
            },
            problem,
        })?;
        Ok(reader)
    }

    /// Goes to the next record; false at the end.
    fn advance(&mut self) -> Result<bool, ReadError> {
        // The reader is ahead by a buffer of its own, which does not matter here.
        self.allowance.set(LONGEST_RECORD);
        let read = self.input.read_byte_record(&mut self.record);
        let is_there = read.map_err(|error| self.broken(error))?;
        if !is_there {
            return Ok(false);
        }
        let record = std::mem::take(&mut self.record);
        match StringRecord::from_byte_record(record) {
            Ok(fields) => {
                self.record = std::mem::replace(&mut self.fields, fields).into_byte_record();
                Ok(true)
            }
            Err(error) => {
                let column = error.utf8_error().field();
                self.record = error.into_byte_record();
                let line = self.record.position().map_or(1, Position::line);
                Err(ReadError::Row {
                    place: self.field(line, column),
                    problem: "this is no UTF-8 text; save it as UTF-8".to_owned(),
                })
            }
        }
    }

    fn broken(&self, error: ::csv::Error) -> ReadError {
        let line = self.input.position().line();
        match error.into_kind() {
            ErrorKind::Io(error) if error.kind() == io::ErrorKind::FileTooLarge => {
                ReadError::Rest {
                    place: Place::Text { line, column: 1 },
                    problem: format!(
                        "the record that begins here is longer than {LONGEST_RECORD} bytes; is a \
                     quote (\") not closed?"
                    ),
                }
            }
            ErrorKind::Io(error) => error.into(),
            other => ReadError::Rest {
                place: Place::Text { line, column: 1 },
                problem: format!("{other:?}"),
            },
        }
    }

    /// The line in which the last record begins.
    fn line(&self) -> u64 {
        self.fields.position().map_or(1, Position::line)
    }

    fn field(&self, line: u64, index: usize) -> Place {
        Place::Field {
            line,
            column: index as u64 + 1,
            name: self.columns.name(index).to_owned(),
        }
    }

    fn get(&self, column: Column) -> &str {
        let index = self.columns.index(column);
        index
            .and_then(|index| self.fields.get(index))
            .unwrap_or_default()
    }

    fn row(&mut self) -> Result<Row, (Column, String)> {
        let of = |column| move |problem| (column, problem);
        let at = words::time(self.get(Column::Time), &self.zone).map_err(of(Column::Time))?;
        let value = value(self.get(Column::Type), self.get(Column::Value))?;
        let clock = words::clock(self.get(Column::Clock)).map_err(of(Column::Clock))?;
        let boot = count(self.get(Column::Boot)).map_err(of(Column::Boot))?;
        let sequence = count(self.get(Column::Sequence)).map_err(of(Column::Sequence))?;
        let origin = words::origin(boot, sequence).map_err(of(Column::Boot))?;
        // Borrowed apart, as the names change.
        let text = |column| {
            let index = self.columns.index(column);
            index
                .and_then(|index| self.fields.get(index))
                .unwrap_or_default()
        };
        Ok(Row {
            topic: self.names.share(text(Column::Topic)),
            unit: self.names.unit(text(Column::Unit)),
            sample: Sample {
                at,
                value,
                origin,
                clock,
            },
        })
    }
}

impl<R: BufRead> RowReader for Reader<R> {
    fn next(&mut self) -> Result<Option<Row>, ReadError> {
        if !self.advance()? {
            return Ok(None);
        }
        let line = self.line();
        if self.fields.len() != self.columns.len() {
            let problem = format!(
                "{} fields, but the first line names {} columns",
                self.fields.len(),
                self.columns.len()
            );
            let place = Place::Text { line, column: 1 };
            return Err(ReadError::Row { place, problem });
        }
        match self.row() {
            Ok(row) => Ok(Some(row)),
            Err((column, problem)) => {
                let index = self.columns.index(column).unwrap_or_default();
                let place = self.field(line, index);
                Err(ReadError::Row { place, problem })
            }
        }
    }

    fn place(&self) -> Place {
        self.field(
            self.line(),
            self.columns.index(Column::Topic).unwrap_or_default(),
        )
    }
}

fn value(kind: &str, text: &str) -> Result<Value, (Column, String)> {
    let of = |column| move |problem| (column, problem);
    match kind {
        "" if text.trim().is_empty() => Err((
            Column::Value,
            "there is no value; for a text that is empty, write text under `type`".to_owned(),
        )),
        "" => words::payload(text).map_err(of(Column::Value)),
        "number" => words::finite(text)
            .map(Value::Number)
            .map_err(of(Column::Value)),
        "text" => Ok(Value::Text(text.to_owned())),
        "switch" => match Value::parse(text) {
            switch @ Value::Switch(_) => Ok(switch),
            _ => Err((
                Column::Value,
                format!("{} is no switch: write on or off", words::quoted(text)),
            )),
        },
        _ => Err((
            Column::Type,
            format!(
                "{} is no type: write number, switch or text, or nothing",
                words::quoted(kind)
            ),
        )),
    }
}

fn count(text: &str) -> Result<Option<u32>, String> {
    if text.is_empty() {
        return Ok(None);
    }
    text.parse().map(Some).map_err(|_| {
        format!(
            "{} is no count: write a whole number from 0 to 4294967295",
            words::quoted(text)
        )
    })
}

/// What divides the first line most often.
fn delimiter(beginning: &[u8]) -> u8 {
    let first = beginning
        .split(|byte| *byte == b'\n')
        .next()
        .unwrap_or_default();
    let count = |wanted: u8| first.iter().filter(|byte| **byte == wanted).count();
    // Of equals the last one is taken.
    let most = [b'\t', b';', b',']
        .into_iter()
        .max_by_key(|byte| count(*byte));
    most.unwrap_or(b',')
}

/// Gives no more bytes than are left for a record.
#[derive(Debug)]
struct Metered<R> {
    input: R,
    left: Rc<Cell<usize>>,
}

impl<R: BufRead> Read for Metered<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let left = self.left.get();
        if left == 0 && !self.input.fill_buf()?.is_empty() {
            return Err(io::ErrorKind::FileTooLarge.into());
        }
        let most = buffer.len().min(left);
        let read = self.input.read(&mut buffer[..most])?;
        self.left.set(left - read);
        Ok(read)
    }
}

#[cfg(test)]
mod tests;
