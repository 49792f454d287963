//! JSON lines: an object for each reading.
//!
//! `{"time":"2026-11-28T10:00:00.000Z","topic":"home/hall/temperature","value":21.5,"unit":"°C"}`
//! with `clock`, `boot` and `sequence` where there is something to say. A number is a JSON
//! number, on and off are `true` and `false`.

use std::io::{self, BufRead, Write};

use jiff::tz::TimeZone;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use super::lines::Lines;
use super::{Names, Place, ReadError, Row, RowReader, RowWriter, WriteError, words};
use crate::clock::UtcMillis;
use crate::history::sample::Sample;
use crate::home::Value;

/// What a text says of itself that would be read as something else.
const TEXT: &str = "text";

/// An object on each line.
#[derive(Debug)]
pub struct Writer<W> {
    out: W,
    time: String,
}

#[derive(Serialize)]
struct Written<'a> {
    time: &'a str,
    topic: &'a str,
    value: &'a Value,
    #[serde(rename = "type", skip_serializing_if = "Option::is_none")]
    kind: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    unit: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    clock: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    boot: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    sequence: Option<u32>,
}

impl<W: Write> Writer<W> {
    pub fn new(out: W) -> Writer<W> {
        Writer {
            out,
            time: String::new(),
        }
    }
}

impl<W: Write> RowWriter for Writer<W> {
    fn write(&mut self, row: &Row) -> Result<(), WriteError> {
        let sample = &row.sample;
        self.time.clear();
        words::push_time(sample.at, &mut self.time);
        let is_odd = matches!(&sample.value, Value::Text(text)
            if words::payload(text).as_ref() != Ok(&sample.value));
        let written = Written {
            time: &self.time,
            topic: &row.topic,
            value: &sample.value,
            kind: is_odd.then_some(TEXT),
            unit: row.unit.as_deref(),
            clock: words::doubtful(sample.clock),
            boot: sample.origin.map(|origin| origin.boot),
            sequence: sample.origin.map(|origin| origin.sequence),
        };
        serde_json::to_writer(&mut self.out, &written).map_err(io::Error::from)?;
        Ok(self.out.write_all(b"\n")?)
    }

    fn finish(&mut self) -> io::Result<()> {
        self.out.flush()
    }
}

/// Objects, one a line; members that are not known do not matter.
#[derive(Debug)]
pub struct Reader<R> {
    lines: Lines<R>,
    names: Names,
    zone: TimeZone,
}

#[derive(Deserialize)]
struct Read<'a> {
    #[serde(borrow)]
    time: &'a RawValue,
    topic: String,
    #[serde(borrow)]
    value: &'a RawValue,
    #[serde(rename = "type")]
    kind: Option<String>,
    unit: Option<String>,
    clock: Option<String>,
    boot: Option<u32>,
    sequence: Option<u32>,
}

impl<R: BufRead> Reader<R> {
    pub fn new(input: R, zone: TimeZone) -> Reader<R> {
        Reader {
            lines: Lines::new(input),
            names: Names::default(),
            zone,
        }
    }
}

impl<R: BufRead> RowReader for Reader<R> {
    fn next(&mut self) -> Result<Option<Row>, ReadError> {
        if !self.lines.advance()? {
            return Ok(None);
        }
        let text = self.lines.text();
        let wrong = |(column, problem)| ReadError::Row {
            place: self.lines.place(column),
            problem,
        };
        let read: Read<'_> = serde_json::from_str(text).map_err(|error| wrong(told(&error)))?;
        let sample = read.sample(&self.zone);
        let sample = sample.map_err(|(member, problem)| wrong((column(text, member), problem)))?;
        let unit = read.unit.as_deref().unwrap_or_default();
        Ok(Some(Row {
            topic: self.names.share(&read.topic),
            unit: self.names.unit(unit),
            sample,
        }))
    }

    fn place(&self) -> Place {
        self.lines.place(1)
    }
}

/// A problem, and where its value is written.
type Wrong<'a> = (&'a str, String);

impl<'a> Read<'a> {
    fn sample(&self, zone: &TimeZone) -> Result<Sample, Wrong<'a>> {
        let origin = words::origin(self.boot, self.sequence);
        let clock = words::clock(self.clock.as_deref().unwrap_or_default());
        Ok(Sample {
            at: time(self.time.get(), zone).map_err(|problem| (self.time.get(), problem))?,
            value: self
                .value()
                .map_err(|problem| (self.value.get(), problem))?,
            origin: origin.map_err(|problem| ("", problem))?,
            clock: clock.map_err(|problem| ("", problem))?,
        })
    }

    fn value(&self) -> Result<Value, String> {
        let raw = self.value.get();
        let is_text = match self.kind.as_deref() {
            None => false,
            Some(TEXT) => true,
            Some(kind) => return Err(format!("{} is no type: write text", words::quoted(kind))),
        };
        match raw.as_bytes().first() {
            Some(b't') => Ok(Value::Switch(true)),
            Some(b'f') => Ok(Value::Switch(false)),
            Some(b'"') => {
                let text: String = serde_json::from_str(raw).map_err(|error| error.to_string())?;
                if is_text {
                    Ok(Value::Text(text))
                } else {
                    words::payload(&text)
                }
            }
            Some(b'-' | b'0'..=b'9') => words::finite(raw).map(Value::Number),
            _ => Err("a value is a number, true, false or a text".to_owned()),
        }
    }
}

fn time(raw: &str, zone: &TimeZone) -> Result<UtcMillis, String> {
    if !raw.starts_with('"') {
        return words::time(raw, zone);
    }
    let text: String = serde_json::from_str(raw).map_err(|error| error.to_string())?;
    words::time(&text, zone)
}

/// What serde found, without its own words for the place.
fn told(error: &serde_json::Error) -> (u64, String) {
    let said = error.to_string();
    let problem = said
        .rsplit_once(" at line ")
        .map_or(&*said, |(said, _)| said);
    let problem = match problem {
        "missing field `time`" | "missing field `topic`" | "missing field `value`" => {
            format!("{problem}: a line is {{\"time\":…,\"topic\":…,\"value\":…}}")
        }
        problem => problem.to_owned(),
    };
    (error.column().max(1) as u64, problem)
}

/// Where a part of a line begins.
fn column(line: &str, part: &str) -> u64 {
    let offset = (part.as_ptr() as usize).checked_sub(line.as_ptr() as usize);
    let before = offset.and_then(|offset| line.get(..offset));
    before.map_or(1, |before| before.chars().count() as u64 + 1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::history::formats::tests::{read_all, row, written};
    use crate::history::sample::Origin;

    fn problem(text: &str) -> String {
        let mut reader = Reader::new(text.as_bytes(), TimeZone::UTC);
        loop {
            match reader.next() {
                Ok(Some(_)) => {}
                Ok(None) => panic!("nothing is wrong with {text}"),
                Err(error) => return error.to_string(),
            }
        }
    }

    #[test]
    fn a_line_says_what_there_is_to_say() {
        let mut cold = row(
            "home/hall/temperature",
            1_795_860_000_123,
            Value::Number(-3.5),
        );
        cold.unit = Some("°C".into());
        let mut lamp = row("home/hall/lamp", 1_795_860_000_124, Value::Switch(true));
        lamp.sample.clock = crate::clock::ClockQuality::Rtc;
        lamp.sample.origin = Some(Origin {
            boot: 7,
            sequence: 9,
        });
        let odd = row(
            "home/hall/door",
            1_795_860_000_125,
            Value::Text("on".into()),
        );
        let expected = r#"{"time":"2026-11-28T10:00:00.123Z","topic":"home/hall/temperature","value":-3.5,"unit":"°C"}
{"time":"2026-11-28T10:00:00.124Z","topic":"home/hall/lamp","value":true,"clock":"rtc","boot":7,"sequence":9}
{"time":"2026-11-28T10:00:00.125Z","topic":"home/hall/door","value":"on","type":"text"}
"#;
        assert_eq!(
            written(super::super::Format::Jsonl, &[cold, lamp, odd]),
            expected
        );
    }

    #[test]
    fn what_others_write_is_read() {
        let text = r#"
{"host":"pi","value":"on","topic":"home/a/lamp","time":1795860000000}
{"topic":"home/a/x","time":"2026-11-28 10:00:00+00:00","value":1e3,"unit":""}
"#;
        let rows = read_all(Reader::new(text.as_bytes(), TimeZone::UTC));
        let at = 1_795_860_000_000;
        assert_eq!(rows[0], row("home/a/lamp", at, Value::Switch(true)));
        assert_eq!(rows[1], row("home/a/x", at, Value::Number(1000.0)));
    }

    #[test]
    fn each_problem_is_told_with_its_place() {
        let good = r#"{"time":0,"topic":"home/a/x","value":1}"#;
        let after = |line: &str| problem(&format!("{good}\n{line}\n"));
        assert_eq!(
            after(r#"{"time":"noon","topic":"home/a/x","value":1}"#),
            "line 2, column 9: `noon` is no time: write 2026-11-28T10:00:00.000Z, or milliseconds \
             since 1970"
        );
        assert_eq!(
            after(r#"{"time":0,"topic":"home/é/x","value":[1]}"#),
            "line 2, column 38: a value is a number, true, false or a text"
        );
        assert_eq!(
            after(r#"{"time":0,"topic":"home/a/x"}"#),
            "line 2, column 29: missing field `value`: a line is \
             {\"time\":…,\"topic\":…,\"value\":…}"
        );
        assert_eq!(
            after(r#"{"time":0,"topic":"home/a/x","value":1e999}"#),
            "line 2, column 38: `1e999` cannot be kept: no finite number"
        );
        assert_eq!(after("[]]").split(':').next(), Some("line 2, column 2"));
        assert_eq!(
            after(r#"{"time":0,"topic":"home/a/x","value":1,"boot":3}"#),
            "line 2, column 1: there is a boot, but no sequence"
        );
    }
}
