//! Reads one printed line.
//!
//! * labelled: `Temp: 21.5 C  Hum: 40 %`, `x:1,y:2`, `Soil moisture = 512`
//! * bare: `temp 21.5 C hum 40`, where a name is a single word
//! * numbers alone: `21.5` is the thing `value`, `512,300` are `value-1` and
//!   `value-2`, as the Serial Plotter draws them
//!
//! Every word of the line must fit, or the line is prose.

use super::{Said, json, scalar};
use crate::home::topic;

/// A longer name is prose, in bytes.
pub(super) const MAX_NAME: usize = 40;
const MAX_NAME_WORDS: usize = 4;
/// More numbers without names are a table, not readings.
const MAX_NUMBERS: usize = 8;

/// Words that begin prose such as `Error 5` or `Attempt 3` and name no thing,
/// unless a colon follows them.
const PROSE: &[&str] = &[
    "ack", "attempt", "error", "init", "is", "line", "ok", "retry", "set", "setup", "step", "tail",
    "test", "try", "turn", "version", "was",
];

/// The readings of a line, or `None` for prose.
pub(super) fn read(line: &str) -> Option<Vec<Said>> {
    let line = line.trim().trim_end_matches([',', ';']);
    if line.starts_with('{') {
        return json::read(line);
    }
    labelled(line)
        .or_else(|| bare(line))
        .or_else(|| numbers(line))
}

/// Whether text can name a thing.
pub(super) fn is_name(text: &str) -> bool {
    let fits = |c: char| c.is_alphanumeric() || " _-./#()".contains(c);
    text.len() <= MAX_NAME
        && text.starts_with(char::is_alphabetic)
        && text.chars().all(fits)
        && text.split_whitespace().count() <= MAX_NAME_WORDS
        && !topic::word(text).is_empty()
}

fn labelled(line: &str) -> Option<Vec<Said>> {
    let mut said = Vec::new();
    for segment in segments(line) {
        let mut rest = segment.trim();
        while !rest.is_empty() {
            rest = labelled_one(rest, &mut said)?;
        }
    }
    (!said.is_empty()).then_some(said)
}

/// Splits at commas, semicolons, bars, tabs and runs of spaces; a label stays
/// with its value.
fn segments(line: &str) -> Vec<String> {
    let mut segments: Vec<String> = Vec::new();
    for piece in line
        .split([',', ';', '|', '\t'])
        .flat_map(|part| part.split("  "))
    {
        let piece = piece.trim();
        match segments.last_mut() {
            _ if piece.is_empty() => {}
            Some(label) if label.ends_with([':', '=']) || scalar::unit(piece).is_some() => {
                label.push(' ');
                label.push_str(piece);
            }
            _ => segments.push(piece.to_owned()),
        }
    }
    segments
}

/// Reads `name: value [unit]` and returns what follows.
fn labelled_one<'a>(text: &'a str, said: &mut Vec<Said>) -> Option<&'a str> {
    let (label, rest) = text.split_once([':', '='])?;
    let (name, unit_of_label) = split_unit(label.trim());
    let (token, rest) = next_token(rest)?;
    let (value, unit, rest) = value_with_unit(token, rest)?;
    if !is_name(name) {
        return None;
    }
    said.push(Said {
        name: name.to_owned(),
        value,
        unit: unit.or(unit_of_label),
    });
    Some(skip_other_units(rest))
}

/// Splits `Temp (C)` into the name and the unit.
fn split_unit(label: &str) -> (&str, Option<String>) {
    let inside = label
        .strip_suffix([')', ']'])
        .and_then(|open| open.rsplit_once(['(', '[']));
    match inside.and_then(|(name, unit)| Some((name.trim(), scalar::unit(unit.trim())?))) {
        Some((name, unit)) => (name, Some(unit)),
        None => (label, None),
    }
}

type Scalar = Option<crate::home::Value>;

/// A value with its unit, attached or as the next word, and what follows.
fn value_with_unit<'a>(token: &str, rest: &'a str) -> Option<(Scalar, Option<String>, &'a str)> {
    let (value, unit) = scalar::read(token)?;
    if unit.is_none()
        && let Some((next, after)) = next_token(rest)
        && let Some(unit) = scalar::unit(next)
    {
        return Some((value, Some(unit), after));
    }
    Some((value, unit, rest))
}

/// Skips the same value in other units: `Temperature: 23.10°C 73.58°F`.
fn skip_other_units(mut rest: &str) -> &str {
    while let Some((token, after)) = next_token(rest)
        && let Some((_, Some(_), after)) = value_with_unit(token, after)
    {
        rest = after;
    }
    rest.trim_start()
}

fn bare(line: &str) -> Option<Vec<Said>> {
    let mut said = Vec::new();
    for segment in line.split([',', ';', '|']) {
        let mut rest = segment.trim();
        while let Some((name, after)) = next_token(rest) {
            let (token, after) = next_token(after)?;
            let (value, unit, after) = value_with_unit(token, after)?;
            if !is_bare_name(name) {
                return None;
            }
            said.push(Said {
                name: name.to_owned(),
                value,
                unit,
            });
            rest = after;
        }
    }
    (!said.is_empty()).then_some(said)
}

/// `Waiting 5` and `Turning on` are prose.
fn is_bare_name(name: &str) -> bool {
    let lower = name.to_lowercase();
    is_name(name) && !lower.ends_with("ing") && !PROSE.contains(&lower.as_str())
}

fn numbers(line: &str) -> Option<Vec<Said>> {
    if let Some((token, rest)) = next_token(line)
        && scalar::number(token).is_some()
        && let Some((value, unit, "")) = value_with_unit(token, rest)
    {
        return Some(vec![Said {
            name: "value".into(),
            value,
            unit,
        }]);
    }
    let separators = |c: char| c.is_whitespace() || c == ',' || c == ';';
    let tokens = line.split(separators).filter(|token| !token.is_empty());
    let mut said = Vec::new();
    for token in tokens {
        let (value, unit) = scalar::read(token).filter(|_| scalar::number(token).is_some())?;
        let name = format!("value-{}", said.len() + 1);
        said.push(Said { name, value, unit });
    }
    (2..=MAX_NUMBERS).contains(&said.len()).then_some(said)
}

/// The next word and what follows it.
fn next_token(text: &str) -> Option<(&str, &str)> {
    let text = text.trim_start();
    if text.is_empty() {
        return None;
    }
    let end = text.find(char::is_whitespace).unwrap_or(text.len());
    Some((&text[..end], text[end..].trim_start()))
}
