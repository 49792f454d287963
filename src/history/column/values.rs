//! A column of values of any kind: which kinds, then each kind by itself.

use super::bytes::Input;
use super::{DecodeError, EncodeError, MOST, numbers, runs, texts};
use crate::history::sample::LONGEST_TEXT;
use crate::home::Value;

const NUMBER: u8 = 0;
const SWITCH: u8 = 1;
const TEXT: u8 = 2;

/// What can be written.
///
/// # Errors
/// If there is nothing, too much, or a value that is not kept.
pub fn check<'a>(values: impl ExactSizeIterator<Item = &'a Value>) -> Result<(), EncodeError> {
    match values.len() {
        0 => return Err(EncodeError::Empty),
        1..=MOST => {}
        count => return Err(EncodeError::TooMany(count)),
    }
    for value in values {
        match value {
            Value::Number(number) if !number.is_finite() => return Err(EncodeError::NotFinite),
            Value::Text(text) if text.len() > LONGEST_TEXT => {
                return Err(EncodeError::TextTooLong(text.len()));
            }
            _ => {}
        }
    }
    Ok(())
}

/// Writes at least one value. The numbers are a column for each length in `groups`, which
/// together are as long as `values`: what is near in a group is near in value.
pub fn write(out: &mut Vec<u8>, values: &[&Value], groups: &[usize]) {
    let kinds: Vec<u8> = values.iter().map(|value| kind_of(value)).collect();
    runs::write(out, &kinds);
    let mut rest = values;
    for length in groups {
        let (group, others) = rest.split_at(*length);
        let numbers: Vec<f64> = group.iter().filter_map(|value| value.as_number()).collect();
        if !numbers.is_empty() {
            numbers::write(out, &numbers);
        }
        rest = others;
    }
    let switches: Vec<u8> = values
        .iter()
        .filter_map(|value| value.as_switch())
        .map(u8::from)
        .collect();
    if !switches.is_empty() {
        runs::write(out, &switches);
    }
    let texts: Vec<&str> = values.iter().filter_map(|value| text_of(value)).collect();
    if !texts.is_empty() {
        texts::write(out, &texts);
    }
}

/// Reads the values of all groups.
pub fn read(input: &mut Input<'_>, groups: &[usize]) -> Result<Vec<Value>, DecodeError> {
    let count = groups.iter().sum();
    let kinds = runs::read(input, count, TEXT)?;
    let of_kind = |kinds: &[u8], kind: u8| kinds.iter().filter(|one| **one == kind).count();
    let mut numbers = Vec::with_capacity(of_kind(&kinds, NUMBER));
    let mut rest = &kinds[..];
    for length in groups {
        let (group, others) = rest.split_at(*length);
        let count = of_kind(group, NUMBER);
        if count > 0 {
            numbers.extend(numbers::read(input, count)?);
        }
        rest = others;
    }
    let switches = match of_kind(&kinds, SWITCH) {
        0 => Vec::new(),
        count => runs::read(input, count, 1)?,
    };
    let texts = match of_kind(&kinds, TEXT) {
        0 => Vec::new(),
        count => texts::read(input, count)?,
    };
    let (mut numbers, mut switches) = (numbers.into_iter(), switches.into_iter());
    let mut texts = texts.into_iter();
    let value = |kind: &u8| match *kind {
        NUMBER => numbers.next().map(Value::Number),
        SWITCH => switches.next().map(|on| Value::Switch(on == 1)),
        _ => texts.next().map(|text| Value::Text(text.to_owned())),
    };
    Ok(kinds.iter().filter_map(value).collect())
}

fn kind_of(value: &Value) -> u8 {
    match value {
        Value::Number(_) => NUMBER,
        Value::Switch(_) => SWITCH,
        Value::Text(_) => TEXT,
    }
}

fn text_of(value: &Value) -> Option<&str> {
    match value {
        Value::Text(text) => Some(text),
        _ => None,
    }
}
