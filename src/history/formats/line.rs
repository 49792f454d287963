//! InfluxDB's line protocol, which VictoriaMetrics and Telegraf take as well.
//!
//! `temperature,room=hall,topic=home/hall/temperature,unit=°C value=21.5 1795860000000000000`.
//! A number is the field `value`, on and off are `on`, a text is `text`, as a field must
//! not change its type. `clock`, `boot` and `sequence` are there where they say something.

mod parse;

use std::collections::{HashMap, VecDeque};
use std::io::{self, BufRead, Write};
use std::sync::Arc;

use self::parse::{Field, Line, Scalar};
use super::lines::Lines;
use super::{Names, Place, ReadError, Row, RowReader, RowWriter, WriteError, words};
use crate::clock::{ClockQuality, UtcMillis};
use crate::history::sample::{Origin, Sample};
use crate::home::{Thing, Value};

const NANOS: i64 = 1_000_000;
/// What is no name of a series: what Hearth says of a reading beside its value.
const BESIDE: [&str; 3] = ["clock", "boot", "sequence"];

/// A line for each row.
#[derive(Debug)]
pub struct Writer<W> {
    out: W,
    /// The millisecond of the last row, and how many rows each topic had in it.
    at: UtcMillis,
    counts: HashMap<Arc<str>, i64>,
    line: String,
}

impl<W: Write> Writer<W> {
    pub fn new(out: W) -> Writer<W> {
        Writer {
            out,
            at: UtcMillis(0),
            counts: HashMap::new(),
            line: String::new(),
        }
    }

    /// Which row of its topic and millisecond this is: points of one series and time take
    /// each other's place.
    fn nth(&mut self, row: &Row) -> i64 {
        if row.sample.at != self.at {
            self.counts.clear();
            self.at = row.sample.at;
        }
        let count = self.counts.entry(Arc::clone(&row.topic)).or_default();
        let nth = *count;
        *count += 1;
        nth
    }
}

impl<W: Write> RowWriter for Writer<W> {
    fn write(&mut self, row: &Row) -> Result<(), WriteError> {
        let nth = self.nth(row);
        self.line.clear();
        push(row, nth, "", &mut self.line)?;
        Ok(self.out.write_all(self.line.as_bytes())?)
    }

    fn finish(&mut self) -> io::Result<()> {
        self.out.flush()
    }
}

/// Writes a line with its end. Its time is in nanoseconds, `nth` (from 0) of them later than
/// the sample's millisecond: points of one series and time take each other's place. `further`
/// are tags as [`tag`] writes them.
///
/// # Errors
/// If its time cannot be told; nothing is written then.
pub fn push(row: &Row, nth: i64, further: &str, line: &mut String) -> Result<(), WriteError> {
    let nanos = row.sample.at.0.checked_mul(NANOS);
    let time = nanos.and_then(|time| time.checked_add(nth.clamp(0, NANOS - 1)));
    let time = time.ok_or(WriteError::Uncarried(
        "the line protocol has no times before 1677 and after 2262",
    ))?;
    push_series(row, line);
    line.push_str(further);
    line.push(' ');
    push_fields(&row.sample, line);
    line.push(' ');
    line.push_str(&time.to_string());
    line.push('\n');
    Ok(())
}

/// Writes a tag that stands behind those of a row.
pub fn tag(key: &str, value: &str, tags: &mut String) {
    tags.push(',');
    push_name(key, tags);
    tags.push('=');
    push_name(value, tags);
}

/// Writes a sample as one line without its end; none if its time cannot be told. Two samples
/// of one topic and millisecond have the same time.
pub fn of(row: &Row) -> Option<String> {
    let mut line = String::new();
    push(row, 0, "", &mut line).ok()?;
    line.pop();
    Some(line)
}

/// The name and the tags, by which points are one series.
fn push_series(row: &Row, line: &mut String) {
    let thing = Thing::from_topic(&row.topic);
    let commanded = Thing::from_set_topic(&row.topic);
    let (name, room) = match (&thing, &commanded) {
        (Some(thing), _) => (thing.name.clone(), Some(&*thing.room)),
        (_, Some(thing)) => (format!("{}_set", thing.name), Some(&*thing.room)),
        _ => (last_level(&row.topic).to_owned(), None),
    };
    if name.starts_with('#') {
        // A line that begins with it is a remark. Elsewhere InfluxDB keeps the backslash.
        line.push('\\');
    }
    push_name(&name, line);
    let tags = [
        ("room", room),
        ("topic", Some(&*row.topic)),
        ("unit", row.unit.as_deref()),
    ];
    for (key, value) in tags {
        if let Some(value) = value.filter(|value| !value.is_empty()) {
            tag(key, value, line);
        }
    }
}

/// A measurement must have a name.
fn last_level(topic: &str) -> &str {
    let last = topic.rsplit('/').find(|level| !level.is_empty());
    last.unwrap_or("reading")
}

fn push_fields(sample: &Sample, line: &mut String) {
    match &sample.value {
        Value::Number(number) => {
            line.push_str("value=");
            line.push_str(&words::number(*number));
        }
        Value::Switch(on) => line.push_str(if *on { "on=true" } else { "on=false" }),
        Value::Text(text) => {
            line.push_str("text=");
            push_text(text, line);
        }
    }
    if let Some(clock) = words::doubtful(sample.clock) {
        line.push_str(",clock=");
        push_text(clock, line);
    }
    if let Some(origin) = sample.origin {
        line.push_str(&format!(
            ",boot={}i,sequence={}i",
            origin.boot, origin.sequence
        ));
    }
}

fn push_name(name: &str, line: &mut String) {
    for c in name.chars() {
        push_escaped(c, matches!(c, ',' | '=' | ' ' | '\\'), line);
    }
}

fn push_text(text: &str, line: &mut String) {
    line.push('"');
    for c in text.chars() {
        push_escaped(c, matches!(c, '"' | '\\'), line);
    }
    line.push('"');
}

/// A line's end would end the line, in whatever it stands.
fn push_escaped(c: char, is_special: bool, line: &mut String) {
    match c {
        '\n' => line.push_str("\\n"),
        '\r' => line.push_str("\\r"),
        c => {
            if is_special {
                line.push('\\');
            }
            line.push(c);
        }
    }
}

/// Lines; one with several fields is as many rows.
#[derive(Debug)]
pub struct Reader<R> {
    lines: Lines<R>,
    names: Names,
    /// Further rows of the last line, at most as many as it has fields.
    further: VecDeque<Row>,
}

impl<R: BufRead> Reader<R> {
    pub fn new(input: R) -> Reader<R> {
        Reader {
            lines: Lines::new(input),
            names: Names::default(),
            further: VecDeque::new(),
        }
    }

    fn read(&mut self) -> Result<(), parse::Wrong> {
        let line = Line::parse(self.lines.text())?;
        let time = line.time.ok_or_else(|| {
            let problem = "there is no time at the end: it is in nanoseconds since 1970";
            (line.end, problem.to_owned())
        })?;
        let at = UtcMillis(time.div_euclid(NANOS));
        let unit = line.tag("unit").and_then(|unit| self.names.unit(unit));
        let is_ours = is_ours(&line);
        let (clock, origin) = match is_ours {
            true => beside(&line)?,
            false => (ClockQuality::Synchronised, None),
        };
        for field in &line.fields {
            if is_ours && BESIDE.contains(&&*field.key) {
                continue;
            }
            let row = Row {
                topic: self.names.share(&name(&line, field)),
                unit: unit.clone(),
                sample: Sample {
                    at,
                    value: value(field)?,
                    origin,
                    clock,
                },
            };
            self.further.push_back(row);
        }
        Ok(())
    }
}

impl<R: BufRead> RowReader for Reader<R> {
    fn next(&mut self) -> Result<Option<Row>, ReadError> {
        loop {
            if let Some(row) = self.further.pop_front() {
                return Ok(Some(row));
            }
            if !self.lines.advance()? {
                return Ok(None);
            }
            if self.lines.text().trim_start().starts_with('#') {
                continue;
            }
            if let Err((offset, problem)) = self.read() {
                self.further.clear();
                let before = self.lines.text().get(..offset).unwrap_or_default();
                let place = self.lines.place(before.chars().count() as u64 + 1);
                return Err(ReadError::Row { place, problem });
            }
        }
    }

    fn place(&self) -> Place {
        self.lines.place(1)
    }
}

/// Whether this is a reading of a topic, and not one of many figures of something else.
fn is_ours(line: &Line<'_>) -> bool {
    line.tag("topic").is_some() && line.fields.iter().any(is_value)
}

fn is_value(field: &Field) -> bool {
    matches!(&*field.key, "value" | "on" | "text")
}

/// What the line says of its reading beside the value.
fn beside(line: &Line<'_>) -> Result<(ClockQuality, Option<Origin>), parse::Wrong> {
    let field = |key: &str| line.fields.iter().find(|field| field.key == key);
    let count = |key: &str| match field(key) {
        None => Ok(None),
        Some(field) => match field.value {
            Scalar::Integer(count) if u32::try_from(count).is_ok() => Ok(u32::try_from(count).ok()),
            _ => Err((
                field.offset,
                "a count is a whole number from 0 to 4294967295".to_owned(),
            )),
        },
    };
    let clock = match field("clock") {
        None => words::clock(""),
        Some(field) => match &field.value {
            Scalar::Text(text) => words::clock(text),
            _ => words::clock("?"),
        },
    };
    let clock = clock.map_err(|problem| (field("clock").map_or(0, |f| f.offset), problem))?;
    let origin = words::origin(count("boot")?, count("sequence")?);
    Ok((clock, origin.map_err(|problem| (0, problem))?))
}

fn value(field: &Field) -> Result<Value, parse::Wrong> {
    match &field.value {
        Scalar::Number(number) => Ok(Value::Number(*number)),
        // History keeps numbers as floating point.
        Scalar::Integer(number) => Ok(Value::Number(*number as f64)),
        Scalar::Switch(on) => Ok(Value::Switch(*on)),
        Scalar::Text(text) if field.key == "text" => Ok(Value::Text(text.clone())),
        Scalar::Text(text) => words::payload(text).map_err(|problem| (field.offset, problem)),
    }
}

/// The topic of a field: what the line says, where its tags say room and thing, or what
/// stands before the equals sign, to be given a topic by whoever imports.
fn name(line: &Line<'_>, field: &Field) -> String {
    let is_value = is_value(field);
    match (line.tag("topic"), line.tag("room")) {
        (Some(topic), _) if is_value => topic.to_owned(),
        (None, Some(room)) if is_value => Thing::new(room, &*line.name).topic(),
        _ => format!("{} {}", line.series, field.key),
    }
}

#[cfg(test)]
mod tests;
