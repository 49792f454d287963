//! A rule of the board itself, in one line: `pump on while moisture < 30, until 35`.

use hearth_wire::board::{Op, Rule};

use super::Slot;
use crate::home::Value;

const FORM: &str =
    "write it like \"pump on while moisture < 30, until 35\" or \"lamp on while door is on\"";

/// Reads a rule about things of the map.
///
/// # Errors
/// A sentence for people.
pub(super) fn read(text: &str, slots: &[Slot]) -> Result<Rule, String> {
    let words: Vec<&str> = text
        .split([' ', ','])
        .filter(|word| !word.is_empty())
        .collect();
    let [output, level, "while", input, op, threshold, rest @ ..] = words.as_slice() else {
        return Err(format!("this is no rule: {FORM}"));
    };
    let (output, out) = find(output, slots)?;
    let (input, sensor) = find(input, slots)?;
    if !out.is_output() {
        return Err(format!("{} is no output", out.thing.name));
    }
    if sensor.is_output() {
        return Err(format!("{} is no sensor", sensor.thing.name));
    }
    let level = out.level(&Value::parse(level))?;
    let (is_below, threshold) = match (*op, Value::parse(threshold)) {
        ("<", Value::Number(number)) => (true, number),
        (">", Value::Number(number)) => (false, number),
        ("is", Value::Switch(on)) => (!on, f64::from(u8::from(!on))),
        _ => return Err(format!("this is no condition: {FORM}")),
    };
    let until = match rest {
        [] => threshold,
        ["until", until] => match Value::parse(until) {
            Value::Number(until) if is_below == (until > threshold) => until,
            _ => return Err(format!("`until` must lie on the other side of {threshold}")),
        },
        _ => return Err(format!("too much is behind the condition: {FORM}")),
    };
    let counts = |value: f64| {
        sensor
            .threshold(value)
            .ok_or_else(|| format!("{} is never {value}", sensor.thing.name))
    };
    let threshold = counts(threshold)?;
    let hysteresis = counts(until)?.abs_diff(threshold);
    Ok(Rule {
        output,
        input,
        op: match is_below != sensor.falls() {
            true => Op::Below,
            false => Op::Above,
        },
        level,
        threshold,
        hysteresis,
    })
}

/// The slot's number, from 1 on, and the slot.
fn find<'a>(name: &str, slots: &'a [Slot]) -> Result<(u8, &'a Slot), String> {
    let found = (1..).zip(slots).find(|(_, slot)| slot.thing.name == name);
    found.ok_or_else(|| format!("this map has no {name}"))
}
