//! A line that is one JSON object: `{"temperature":21.5,"window":"open"}`.

use serde_json::Value as Json;

use super::{Said, scalar, sentence};
use crate::home::Value;

/// Objects nest no deeper than this many names.
const DEEPEST: usize = 4;

/// Reads the object's numbers, switches and state words; nested names are
/// joined with `-`. Arrays and other texts are left out.
pub(super) fn read(line: &str) -> Option<Vec<Said>> {
    let Ok(Json::Object(object)) = serde_json::from_str(line) else {
        return None;
    };
    let mut said = Vec::new();
    for (name, value) in &object {
        collect(name, value, 1, &mut said);
    }
    (!said.is_empty()).then_some(said)
}

fn collect(name: &str, value: &Json, depth: usize, said: &mut Vec<Said>) {
    if let Json::Object(object) = value {
        if depth < DEEPEST {
            for (inner, value) in object {
                collect(&format!("{name}-{inner}"), value, depth + 1, said);
            }
        }
        return;
    }
    let Some((value, unit)) = plain(value) else {
        return;
    };
    if sentence::is_name(name) {
        said.push(Said {
            name: name.to_owned(),
            value,
            unit,
        });
    }
}

fn plain(value: &Json) -> Option<(Option<Value>, Option<String>)> {
    match value {
        Json::Null => Some((None, None)),
        Json::Bool(on) => Some((Some(Value::Switch(*on)), None)),
        Json::Number(number) => scalar::read(&number.to_string()),
        Json::String(text) => scalar::read(text.trim()),
        Json::Array(_) | Json::Object(_) => None,
    }
}
