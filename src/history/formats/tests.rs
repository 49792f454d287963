//! What every format must do: carry rows there and back, and survive anything.

use proptest::collection::vec;
use proptest::prelude::*;

use super::*;
use crate::clock::{ClockQuality, UtcMillis};
use crate::history::sample::any;
use crate::home::Value;

const ALL: [Format; 4] = [Format::Csv, Format::Jsonl, Format::Line, Format::Parquet];

/// A row without a unit.
pub fn row(topic: &str, at: i64, value: Value) -> Row {
    Row {
        topic: topic.into(),
        unit: None,
        sample: any::sample(at, value),
    }
}

/// A file as text.
pub fn written(format: Format, rows: &[Row]) -> String {
    String::from_utf8(bytes(format, rows)).unwrap()
}

fn bytes(format: Format, rows: &[Row]) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut writer = writer(format, &mut bytes).unwrap();
    for row in rows {
        writer.write(row).unwrap();
    }
    writer.finish().unwrap();
    drop(writer);
    bytes
}

fn open(format: Format, bytes: &[u8]) -> Result<Box<dyn RowReader + '_>, ReadError> {
    match format {
        Format::Parquet => {
            let input = std::io::Cursor::new(bytes);
            Ok(Box::new(parquet::Reader::new(input, TimeZone::UTC)?))
        }
        format => reader(format, bytes, TimeZone::UTC),
    }
}

/// All rows of a file that has no problem.
pub fn read_all(mut reader: impl RowReader) -> Vec<Row> {
    std::iter::from_fn(|| reader.next().unwrap()).collect()
}

/// Rows of several topics, some in the same millisecond, all within the years that every
/// format has.
fn rows() -> impl Strategy<Value = Vec<Row>> {
    let topic = prop_oneof![
        4 => prop::sample::select(vec!["home/hall/temperature", "home/hall/fan/set", "home/étage/a"])
            .prop_map(str::to_owned),
        1 => "[a-z,= \"\\\\éж\n/]{1,12}",
    ];
    let unit = prop::option::of(prop::sample::select(vec![
        "°C", "%", "µg/m³", "a b", "m=s,",
    ]));
    let one = (
        topic,
        unit,
        0..2_000_i64,
        any::value(),
        any::origin(),
        any::clock(),
    );
    vec(one, 0..40).prop_map(|all| {
        let mut rows: Vec<Row> = all
            .into_iter()
            .map(|(topic, unit, at, value, origin, clock)| Row {
                topic: topic.into(),
                unit: unit.map(Into::into),
                sample: Sample {
                    at: UtcMillis(1_790_000_000_000 + at * at % 700),
                    value,
                    origin,
                    clock,
                },
            })
            .collect();
        rows.sort_by_key(|row| row.sample.at);
        rows
    })
}

proptest! {
    #[test]
    fn rows_come_back_as_they_went(rows in rows()) {
        for format in ALL {
            let bytes = bytes(format, &rows);
            let mut reader = open(format, &bytes).unwrap();
            let read: Vec<Row> = std::iter::from_fn(|| reader.next().unwrap()).collect();
            prop_assert_eq!(&read, &rows, "{:?}", format);
        }
    }

    #[test]
    fn changed_bytes_are_read_or_refused(
        rows in rows(),
        changes in vec((any::<prop::sample::Index>(), any::<u8>()), 1..6),
    ) {
        for format in ALL {
            let mut bytes = bytes(format, &rows);
            for (place, byte) in changes.iter().filter(|_| !bytes.is_empty()).collect::<Vec<_>>() {
                let place = place.index(bytes.len());
                bytes[place] = *byte;
            }
            read_to_the_end(format, &bytes);
        }
    }

    #[test]
    fn anything_is_read_or_refused(bytes in vec(any::<u8>(), 0..300)) {
        for format in ALL {
            read_to_the_end(format, &bytes);
        }
    }
}

/// Reads on after each problem; the end comes.
fn read_to_the_end(format: Format, bytes: &[u8]) {
    let Ok(mut reader) = open(format, bytes) else {
        return;
    };
    // A packed file has more rows than bytes.
    for _ in 0..=bytes.len() * 1000 {
        match reader.next() {
            Ok(Some(row)) => assert!(row.sample.value.as_number().is_none_or(f64::is_finite)),
            Err(ReadError::Row { .. }) => {}
            Ok(None) | Err(_) => return,
        }
    }
    // The rows of a Parquet file cost nothing where all are the same.
    assert_eq!(format, Format::Parquet, "there is no end");
}

/// A pipe that nobody reads any more.
struct Gone;

impl Write for Gone {
    fn write(&mut self, _: &[u8]) -> io::Result<usize> {
        Err(io::ErrorKind::BrokenPipe.into())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[test]
fn a_pipe_that_nobody_reads_is_told_as_such() {
    let kind = |format| {
        let mut writer = match writer(format, Gone) {
            Ok(writer) => writer,
            Err(error) => return error.kind(),
        };
        for at in 0..100_000 {
            match writer.write(&row("home/a/x", at, Value::Switch(true))) {
                Ok(()) => {}
                Err(WriteError::Io(error)) => return error.kind(),
                Err(other) => panic!("{other}"),
            }
        }
        panic!("{format:?} writes nothing");
    };
    for format in ALL {
        assert_eq!(kind(format), io::ErrorKind::BrokenPipe, "{format:?}");
    }
}

#[test]
fn files_are_known_by_their_names() {
    for (name, format) in [
        ("a.csv", Some(Format::Csv)),
        ("a.b.JSONL", Some(Format::Jsonl)),
        ("x/a.lp", Some(Format::Line)),
        ("csv", None),
        ("a.txt", None),
    ] {
        assert_eq!(Format::from_name(name), format, "{name}");
    }
}

#[test]
fn names_are_shared_up_to_a_bound() {
    let mut names = Names::default();
    assert!(Arc::ptr_eq(&names.share("a"), &names.share("a")));
    for name in 0..MOST_NAMES + 10 {
        names.share(&name.to_string());
    }
    assert_eq!(names.known.len(), MOST_NAMES);
    assert_eq!(&*names.share("another"), "another");
    let _ = ClockQuality::default();
}
