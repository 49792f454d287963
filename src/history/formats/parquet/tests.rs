//! Parquet files that Hearth writes, and what should not be one. Files of others, and what
//! they make of ours: `scripts/check-parquet`.

use std::io::Cursor;

use jiff::tz::TimeZone;

use super::*;
use crate::history::formats::tests::row;
use crate::history::formats::{ReadError, Row, RowReader, RowWriter};
use crate::home::Value;

fn file(rows: &[Row]) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut writer = Writer::new(&mut bytes).unwrap();
    for row in rows {
        writer.write(row).unwrap();
    }
    writer.finish().unwrap();
    bytes
}

fn problem(bytes: &[u8]) -> String {
    let mut reader = match Reader::new(Cursor::new(bytes), TimeZone::UTC) {
        Ok(reader) => reader,
        Err(error) => return error.to_string(),
    };
    loop {
        match reader.next() {
            Ok(Some(_)) => {}
            Ok(None) => panic!("nothing is wrong"),
            Err(error) => {
                assert!(matches!(error, ReadError::Rest { .. }));
                return error.to_string();
            }
        }
    }
}

/// A day of three things at 1 Hz.
fn day() -> Vec<Row> {
    let say = |at: i64| {
        let value = match at % 3 {
            0 => Value::Number((at / 100) as f64 / 10.0),
            1 => Value::Switch(at / 1000 % 2 == 0),
            _ => Value::Text(format!("note {}", at / 5000)),
        };
        let topic = ["home/a/x", "home/a/lamp", "home/a/note"][(at % 3) as usize];
        row(topic, 1_795_860_000_000 + at * 333, value)
    };
    (0..150_000).map(say).collect()
}

#[test]
fn groups_follow_each_other_and_are_packed_well() {
    let rows = day();
    let bytes = file(&rows);
    let mut reader = Reader::new(Cursor::new(&bytes), TimeZone::UTC).unwrap();
    for row in &rows {
        assert_eq!(reader.next().unwrap().as_ref(), Some(row));
    }
    assert_eq!(reader.next().unwrap(), None);
    assert_eq!(reader.progress(), (150_000, 150_000));
    let each = bytes.len() as f64 / rows.len() as f64;
    assert!(each < 4.0, "{each} bytes a row");
}

#[test]
fn a_file_without_rows_has_none() {
    let bytes = file(&[]);
    let mut reader = Reader::new(Cursor::new(&bytes), TimeZone::UTC).unwrap();
    assert_eq!(reader.next().unwrap(), None);
}

#[test]
fn what_is_cut_off_or_something_else_is_told() {
    let bytes = file(&day()[..1000]);
    let told = "the file: this is no Parquet file, or it is cut off";
    for end in [0, 3, 8, 100, bytes.len() - 1] {
        assert_eq!(problem(&bytes[..end]), told);
    }
    let mut bytes = bytes;
    bytes[5..900].fill(0xff);
    let told = problem(&bytes);
    assert_eq!(told, "row 1, column time: the head of a page is damaged");
}

#[test]
fn a_file_that_claims_too_much_is_refused_or_bounded() {
    let element = |writer: &mut thrift::Writer, name: &str, children: i32| {
        writer.element(|column| {
            column.int(1, Physical::Int64 as i32);
            column.int(3, 0);
            column.text(4, name);
            column.int(5, children);
        });
    };
    let bytes = thrift::Writer::structure(|file| {
        file.list(2, thrift::STRUCT, 3);
        element(file, "schema", 2);
        element(file, "time", 0);
        element(file, "time", 0);
        file.list(4, thrift::STRUCT, 3);
        for _ in 0..3 {
            file.element(|group| group.long(3, i64::MAX));
        }
    });
    let twice = footer::read(&bytes, |_| true).unwrap_err();
    assert_eq!(twice, "column time is there twice");
    let none = footer::read(&bytes, |_| false).unwrap();
    assert_eq!((none.columns.len(), none.rows), (0, u64::MAX));
}
