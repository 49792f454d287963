//! A reading: what a thing said, and when.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::clock::UtcMillis;

/// What a payload says, read as plainly as a student would.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Value {
    /// `on`, `off`, `true`, `false` in any case.
    Switch(bool),
    /// A finite decimal number.
    Number(f64),
    /// Anything else, such as `open`.
    Text(String),
}

impl Value {
    /// Reads a payload. Never fails: what is neither number nor switch is text.
    pub fn parse(payload: &str) -> Value {
        let payload = payload.trim();
        match payload.to_ascii_lowercase().as_str() {
            "on" | "true" => return Value::Switch(true),
            "off" | "false" => return Value::Switch(false),
            _ => {}
        }
        match payload.parse::<f64>() {
            Ok(number) if number.is_finite() => Value::Number(number),
            _ => Value::Text(payload.to_owned()),
        }
    }

    /// The number, if it is one.
    pub fn as_number(&self) -> Option<f64> {
        match self {
            Value::Number(number) => Some(*number),
            _ => None,
        }
    }

    /// `Some(true)` for `on`, `Some(false)` for `off`.
    pub fn as_switch(&self) -> Option<bool> {
        match self {
            Value::Switch(on) => Some(*on),
            _ => None,
        }
    }
}

/// As it is written in a payload: `on`, `21.5`, `open`.
impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Value::Switch(true) => f.write_str("on"),
            Value::Switch(false) => f.write_str("off"),
            Value::Number(number) => write!(f, "{number}"),
            Value::Text(text) => f.write_str(text),
        }
    }
}

/// One value of one topic at one time.
#[derive(Clone, Debug, PartialEq)]
pub struct Reading {
    pub topic: String,
    pub value: Value,
    pub at: UtcMillis,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn payloads_are_read_plainly() {
        assert_eq!(Value::parse(" ON "), Value::Switch(true));
        assert_eq!(Value::parse("false"), Value::Switch(false));
        assert_eq!(Value::parse("21.50"), Value::Number(21.5));
        assert_eq!(Value::parse("-3e2"), Value::Number(-300.0));
        assert_eq!(Value::parse("nan"), Value::Text("nan".into()));
        assert_eq!(Value::parse("open"), Value::Text("open".into()));
        assert_eq!(Value::parse(""), Value::Text(String::new()));
    }

    #[test]
    fn values_are_written_as_they_are_read() {
        for payload in ["on", "off", "21.5", "-3", "open"] {
            assert_eq!(Value::parse(payload).to_string(), payload);
        }
    }
}
