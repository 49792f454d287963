//! Tables as Hearth writes them, as others do, and as nobody should.

use super::*;
use crate::clock::ClockQuality;
use crate::history::formats::Format;
use crate::history::formats::tests::{read_all, row, written};

const AT: i64 = 1_795_860_000_000;

fn read(text: &str) -> Vec<Row> {
    read_all(Reader::new(text.as_bytes(), TimeZone::UTC).unwrap())
}

/// What is wrong first.
fn problem(text: &str) -> String {
    let mut reader = match Reader::new(text.as_bytes(), TimeZone::UTC) {
        Ok(reader) => reader,
        Err(error) => return error.to_string(),
    };
    loop {
        match reader.next() {
            Ok(Some(_)) => {}
            Ok(None) => panic!("nothing is wrong with {text}"),
            Err(error) => return error.to_string(),
        }
    }
}

#[test]
fn a_table_has_a_record_for_each_row() {
    let mut cold = row("home/hall/temperature", AT, Value::Number(-3.5));
    cold.unit = Some("°C".into());
    let mut note = row("home/hall/note", AT + 1, Value::Text("a, \"b\"\nc".into()));
    note.sample.clock = ClockQuality::Unknown;
    note.sample.origin = Some(Origin {
        boot: 1,
        sequence: 2,
    });
    let expected = "time,topic,value,type,unit,clock,boot,sequence\n\
        2026-11-28T10:00:00.000Z,home/hall/temperature,-3.5,number,°C,synchronised,,\n\
        2026-11-28T10:00:00.001Z,home/hall/note,\"a, \"\"b\"\"\nc\",text,,unknown,1,2\n";
    assert_eq!(written(Format::Csv, &[cold, note]), expected);
}

#[test]
fn tables_of_others_are_read() {
    let expected = [
        row("home/a/x", AT, Value::Number(21.5)),
        row("home/a/lamp", AT, Value::Switch(true)),
    ];
    for text in [
        "time,topic,value\n1795860000000,home/a/x,21.50\n1795860000000,home/a/lamp,ON\n",
        "\u{feff}Value;Note;Topic;Time\r\n21.5;x;home/a/x;2026-11-28 10:00\r\n\
         on;;home/a/lamp;2026-11-28 10:00\r\n",
        "topic\tvalue\ttime\n\"home/a/x\"\t21.5\t2026-11-28T11:00+01:00\n\
         home/a/lamp\ttrue\t1795860000000",
    ] {
        assert_eq!(read(text), expected, "{text}");
    }
    assert_eq!(read("time,topic,value\n"), []);
}

#[test]
fn each_problem_is_told_with_its_line_and_column() {
    let after = |line: &str| {
        problem(&format!(
            "time,topic,value,type,boot\n0,home/a/x,1,,\n{line}\n"
        ))
    };
    for (line, told) in [
        (
            "noon,home/a/x,1,,",
            "line 3, column 1 (time): `noon` is no time: write 2026-11-28T10:00:00.000Z, or \
             milliseconds since 1970",
        ),
        (
            "0,home/a/x,\"21,5\",,",
            "line 3, column 3 (value): `21,5` has a comma: write 21.5",
        ),
        (
            "0,home/a/x,open,number,",
            "line 3, column 3 (value): `open` is no number: write 21.5",
        ),
        (
            "0,home/a/x,dim,switch,",
            "line 3, column 3 (value): `dim` is no switch: write on or off",
        ),
        (
            "0,home/a/x,,,",
            "line 3, column 3 (value): there is no value; for a text that is empty, write text \
             under `type`",
        ),
        (
            "0,home/a/x,1,float,",
            "line 3, column 4 (type): `float` is no type: write number, switch or text, or nothing",
        ),
        (
            "0,home/a/x,1,,-1",
            "line 3, column 5 (boot): `-1` is no count: write a whole number from 0 to 4294967295",
        ),
        (
            "0,home/a/x,1,,3",
            "line 3, column 5 (boot): there is a boot, but no sequence",
        ),
        (
            "0,home/a/x,1",
            "line 3, column 1: 3 fields, but the first line names 5 columns",
        ),
    ] {
        assert_eq!(after(line), told);
    }
}

#[test]
fn the_first_line_is_explained() {
    assert_eq!(
        problem("1795860000000,home/a/x,21.5\n"),
        "line 1, column 1: no column is called `time`: the first line names the columns, such as \
         time,topic,value"
    );
    assert_eq!(
        problem("time,topic,value,value\n"),
        "line 1, column 1: two columns are called `value`"
    );
    assert!(problem("").starts_with("the file: no column is called `time`"));
}

#[test]
fn the_line_is_right_after_quoted_lines_and_reading_goes_on_after_a_problem() {
    let text = "time,topic,value\n0,home/a/x,\"a\nb\"\nx,home/a/x,1\n2,home/a/x,3\n";
    let mut reader = Reader::new(text.as_bytes(), TimeZone::UTC).unwrap();
    reader.next().unwrap();
    let error = reader.next().unwrap_err();
    assert!(matches!(error, ReadError::Row { .. }));
    assert!(
        error.to_string().starts_with("line 4, column 1 (time)"),
        "{error}"
    );
    let third = reader.next().unwrap().unwrap();
    assert_eq!(third, row("home/a/x", 2, Value::Number(3.0)));
    assert_eq!(reader.place().to_string(), "line 5, column 2 (topic)");
}

#[test]
fn what_is_no_text_is_told_with_its_field() {
    let bytes = b"time,topic,value\n0,home/a/x,\xff\n1,home/a/x,2\n".as_slice();
    let mut reader = Reader::new(bytes, TimeZone::UTC).unwrap();
    let told = reader.next().unwrap_err().to_string();
    assert_eq!(
        told,
        "line 2, column 3 (value): this is no UTF-8 text; save it as UTF-8"
    );
    assert!(reader.next().unwrap().is_some());
}

#[test]
fn a_quote_that_is_never_closed_costs_bounded_memory() {
    let begin = b"time,topic,value\n0,home/a/x,\"".as_slice();
    let endless = std::io::BufReader::new(begin.chain(io::repeat(b'x')));
    let mut reader = Reader::new(endless, TimeZone::UTC).unwrap();
    let error = reader.next().unwrap_err();
    assert!(matches!(error, ReadError::Rest { .. }));
    let told = error.to_string();
    assert!(told.contains("is a quote (\") not closed?"), "{told}");
}
