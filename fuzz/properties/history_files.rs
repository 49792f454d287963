//! Any bytes as a file of history: its rows are read or refused with a place, in bounded
//! memory, and what was read can be written and is read again as it is.
//!
//! The first byte says as which.

use std::io::Cursor;

use hearth::history::formats::{
    Format, LONGEST_RECORD, ReadError, Row, RowReader, WriteError, parquet, reader, writer,
};
use jiff::tz::TimeZone;

/// A Parquet file may say a row a thousand times in a few bytes.
const MOST_ROWS: usize = 4096;

pub fn hold(bytes: &[u8]) {
    let Some((&kind, bytes)) = bytes.split_first() else {
        return;
    };
    let format = match kind % 4 {
        0 => Format::Csv,
        1 => Format::Jsonl,
        2 => Format::Line,
        _ => Format::Parquet,
    };
    let (mut carried, mut file) = (Vec::new(), Vec::new());
    write(format, &read(format, bytes), &mut carried, &mut file);
    assert_eq!(read(format, &file), carried, "{format:?}");
}

fn open(format: Format, bytes: &[u8]) -> Result<Box<dyn RowReader + '_>, ReadError> {
    match format {
        Format::Parquet => {
            let reader = parquet::Reader::new(Cursor::new(bytes), TimeZone::UTC)?;
            Ok(Box::new(reader))
        }
        format => reader(format, bytes, TimeZone::UTC),
    }
}

/// The rows that can be read, as far as there are any.
fn read(format: Format, bytes: &[u8]) -> Vec<Row> {
    let mut rows = Vec::new();
    let Ok(mut reader) = open(format, bytes) else {
        return rows;
    };
    // Each row, and each that is refused, takes bytes of a text.
    let mut steps = 0;
    while rows.len() < MOST_ROWS {
        match reader.next() {
            Ok(Some(row)) => {
                assert!(row.topic.len() <= LONGEST_RECORD);
                let number = row.sample.value.as_number();
                assert!(number.is_none_or(f64::is_finite));
                rows.push(row);
            }
            Err(ReadError::Row { .. }) => {}
            Ok(None) | Err(_) => return rows,
        }
        steps += 1;
        assert!(format == Format::Parquet || steps <= bytes.len());
        if steps > 4 * MOST_ROWS {
            break;
        }
    }
    rows
}

/// Writes what the format can carry.
fn write(format: Format, rows: &[Row], carried: &mut Vec<Row>, file: &mut Vec<u8>) {
    let mut writer = match writer(format, file) {
        Ok(writer) => writer,
        Err(error) => panic!("{error}"),
    };
    for row in rows {
        match writer.write(row) {
            Ok(()) => carried.push(row.clone()),
            Err(WriteError::Uncarried(_)) => {}
            Err(WriteError::Io(error)) => panic!("{error}"),
        }
    }
    if let Err(error) = writer.finish() {
        panic!("{error}");
    }
}
