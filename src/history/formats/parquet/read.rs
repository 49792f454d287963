//! Rows on their way out of a Parquet file.

use std::io::{Read, Seek, SeekFrom};

use jiff::Timestamp;
use jiff::tz::TimeZone;

use super::cursor::{Cell, Cursor, Failed};
use super::footer::{self, Column, Footer, Unit};
use super::{COLUMNS, MAGIC};
use crate::clock::UtcMillis;
use crate::history::formats::{Names, Place, ReadError, Row, RowReader, words};
use crate::history::sample::Sample;
use crate::home::Value;

/// The end of a file has at most so many bytes.
const LONGEST_FOOTER: u64 = 16 << 20;
/// In tables of others one column holds all values.
const VALUE: &str = "value";

/// Rows, group by group. Memory is bounded by a page of each column.
#[derive(Debug)]
pub struct Reader<R> {
    input: R,
    footer: Footer,
    zone: TimeZone,
    names: Names,
    /// The next group, and what is left of the last one.
    group: usize,
    left: u64,
    cursors: Vec<Cursor>,
    row: u64,
}

impl<R: Read + Seek> Reader<R> {
    /// Reads what the file tells of itself. Times without a zone are on the clock of `zone`.
    ///
    /// # Errors
    /// If it is no Parquet file, or none with readings.
    pub fn new(mut input: R, zone: TimeZone) -> Result<Reader<R>, ReadError> {
        let footer = read_footer(&mut input)?;
        let has = |name: &str| footer.columns.iter().any(|column| column.name == name);
        let missing = ["time", "topic"].into_iter().find(|name| !has(name));
        let has_value = ["number", "switch", "text", VALUE].into_iter().any(has);
        if let Some(missing) = missing.or((!has_value).then_some(VALUE)) {
            return Err(whole(format!(
                "no column is called `{missing}`: needed are time, topic, and value or number, \
                 switch and text"
            )));
        }
        Ok(Reader {
            input,
            footer,
            zone,
            names: Names::default(),
            group: 0,
            left: 0,
            cursors: Vec::new(),
            row: 0,
        })
    }

    /// How many rows were read, and how many there are.
    pub fn progress(&self) -> (u64, u64) {
        (self.row, self.footer.rows)
    }

    fn next_group(&mut self) -> bool {
        let Some(group) = self.footer.groups.get(self.group) else {
            return false;
        };
        self.left = group.rows;
        let columns = self.footer.columns.iter().zip(&group.chunks);
        self.cursors = columns
            .map(|(column, chunk)| Cursor::new(column, chunk))
            .collect();
        self.group += 1;
        true
    }

    /// The value of each column.
    fn cells(&mut self) -> Result<Vec<Option<Cell>>, ReadError> {
        let mut cells = Vec::with_capacity(self.cursors.len());
        for (cursor, column) in self.cursors.iter_mut().zip(&self.footer.columns) {
            cells.push(match cursor.next(&mut self.input) {
                Ok(cell) => cell,
                Err(Failed::Io(error)) => return Err(error.into()),
                Err(Failed::Damaged(problem)) => {
                    let (row, column) = (self.row, column.name.clone());
                    let place = Place::Cell { row, column };
                    return Err(ReadError::Rest { place, problem });
                }
            });
        }
        Ok(cells)
    }

    fn make(&mut self, cells: &[Option<Cell>]) -> Result<Row, (&'static str, String)> {
        let columns = &self.footer.columns;
        let get = |name: &str| {
            let index = columns.iter().position(|column| column.name == name)?;
            Some((cells.get(index)?.as_ref()?, &columns[index]))
        };
        let text = |name: &'static str| match get(name) {
            None => Ok(""),
            Some((Cell::Text(text), _)) => Ok(&**text),
            Some(_) => Err((name, "this is no text".to_owned())),
        };
        let count = |name: &'static str| match get(name) {
            None => Ok(None),
            Some((cell, _)) => count(cell).map(Some).map_err(|why| (name, why)),
        };
        let (cell, column) = get("time").ok_or(("time", "there is no time".to_owned()))?;
        let at = time(cell, column, &self.zone).map_err(|why| ("time", why))?;
        let origin = words::origin(count("boot")?, count("sequence")?);
        let sample = Sample {
            at,
            value: value(get)?,
            origin: origin.map_err(|why| ("boot", why))?,
            clock: words::clock(text("clock")?).map_err(|why| ("clock", why))?,
        };
        Ok(Row {
            topic: self.names.share(text("topic")?),
            unit: self.names.unit(text("unit")?),
            sample,
        })
    }
}

impl<R: Read + Seek> RowReader for Reader<R> {
    fn next(&mut self) -> Result<Option<Row>, ReadError> {
        while self.left == 0 {
            if !self.next_group() {
                return Ok(None);
            }
        }
        self.left -= 1;
        self.row += 1;
        let cells = self.cells()?;
        self.make(&cells).map(Some).map_err(|(column, problem)| {
            let (row, column) = (self.row, column.to_owned());
            let place = Place::Cell { row, column };
            ReadError::Row { place, problem }
        })
    }

    fn place(&self) -> Place {
        Place::Cell {
            row: self.row,
            column: "topic".to_owned(),
        }
    }
}

fn whole(problem: impl Into<String>) -> ReadError {
    ReadError::Rest {
        place: Place::File,
        problem: problem.into(),
    }
}

fn read_footer(input: &mut (impl Read + Seek)) -> Result<Footer, ReadError> {
    let no_parquet = || whole("this is no Parquet file, or it is cut off");
    let size = input.seek(SeekFrom::End(0))?;
    let at = size
        .checked_sub(8)
        .filter(|at| *at >= 4)
        .ok_or_else(no_parquet)?;
    input.seek(SeekFrom::Start(at))?;
    let mut end = [0; 8];
    input.read_exact(&mut end)?;
    let [a, b, c, d, magic @ ..] = end;
    let length = u64::from(u32::from_le_bytes([a, b, c, d]));
    if magic != MAGIC || length > at {
        return Err(no_parquet());
    }
    if length > LONGEST_FOOTER {
        return Err(whole("it tells more than 16 MiB about itself"));
    }
    input.seek(SeekFrom::Start(at - length))?;
    let mut bytes = Vec::new();
    input.by_ref().take(length).read_to_end(&mut bytes)?;
    let wanted = |name: &str| name == VALUE || COLUMNS.iter().any(|column| column.name == name);
    footer::read(&bytes, wanted).map_err(whole)
}

fn time(cell: &Cell, column: &Column, zone: &TimeZone) -> Result<UtcMillis, String> {
    let int = match cell {
        Cell::Int(int) => *int,
        Cell::Text(text) => return words::time(text, zone),
        _ => return Err("this is no time: write a TIMESTAMP".to_owned()),
    };
    let (unit, is_utc) = column.time.unwrap_or((Unit::Millis, true));
    let millis = int.div_euclid(match unit {
        Unit::Millis => 1,
        Unit::Micros => 1000,
        Unit::Nanos => 1_000_000,
    });
    if is_utc {
        return Ok(UtcMillis(millis));
    }
    let local = Timestamp::from_millisecond(millis)
        .map(|at| TimeZone::UTC.to_datetime(at))
        .and_then(|local| zone.to_timestamp(local));
    let local = local.map_err(|_| "this is no time of this world".to_owned())?;
    Ok(UtcMillis(local.as_millisecond()))
}

fn count(cell: &Cell) -> Result<u32, String> {
    let count = match cell {
        Cell::Int(int) => u32::try_from(*int).ok(),
        _ => None,
    };
    count.ok_or_else(|| "a count is a whole number from 0 to 4294967295".to_owned())
}

fn value<'a>(
    get: impl Fn(&str) -> Option<(&'a Cell, &'a Column)>,
) -> Result<Value, (&'static str, String)> {
    for name in ["number", "switch", "text", VALUE] {
        let Some((cell, _)) = get(name) else {
            continue;
        };
        let value = match cell {
            Cell::Truth(on) => Ok(Value::Switch(*on)),
            Cell::Int(int) => Ok(Value::Number(*int as f64)),
            Cell::Number(number) if number.is_finite() => Ok(Value::Number(*number)),
            Cell::Number(number) => Err(format!("`{number}` cannot be kept: no finite number")),
            Cell::Text(text) if name == "text" => Ok(Value::Text((**text).to_owned())),
            Cell::Text(text) => words::payload(text),
        };
        return value.map_err(|why| (name, why));
    }
    Err((VALUE, "there is no value".to_owned()))
}
