//! One printed value and its unit: `21.5`, `48%`, `on`, `nan`.

use crate::home::{Quantity, Value};

/// Nothing that a sketch measures is larger; what is, is a defect or an id.
const LARGEST: f64 = 1e12;

/// Units beyond those that tell a quantity; as printed, and as published.
const MORE_UNITS: &[(&str, &str)] = &[
    ("*C", "°C"),
    ("ºC", "°C"),
    ("*F", "°F"),
    ("ºF", "°F"),
    ("°", "°"),
    ("deg", "°"),
    ("degrees", "°"),
    ("percent", "%"),
    ("bpm", "bpm"),
    ("rpm", "rpm"),
    ("RPM", "rpm"),
    ("min", "min"),
    ("h", "h"),
    ("us", "µs"),
    ("µs", "µs"),
    ("kHz", "kHz"),
    ("MHz", "MHz"),
    ("kPa", "kPa"),
    ("bar", "bar"),
    ("psi", "psi"),
    ("in", "in"),
    ("inches", "in"),
    ("ft", "ft"),
    ("km", "km"),
    ("uV", "µV"),
    ("uA", "µA"),
    ("µA", "µA"),
    ("mW", "mW"),
    ("ohm", "Ω"),
    ("ohms", "Ω"),
    ("Ohm", "Ω"),
    ("Ω", "Ω"),
    ("kOhm", "kΩ"),
    ("L", "L"),
    ("mL", "mL"),
    ("ml", "mL"),
    ("L/min", "L/min"),
    ("ppb", "ppb"),
    ("NTU", "NTU"),
    ("mg/L", "mg/L"),
    ("uS/cm", "µS/cm"),
    ("G", "G"),
    ("rad/s", "rad/s"),
    ("m/s^2", "m/s²"),
    ("bytes", "B"),
    ("B", "B"),
    ("kB", "kB"),
];

/// Reads `21.5`, `21.5C`, `on` or `nan`; the value is `None` for what a sketch
/// prints when it has no number. Anything else is no value.
pub(super) fn read(token: &str) -> Option<(Option<Value>, Option<String>)> {
    if let Some(state) = state(token) {
        return Some((Some(state), None));
    }
    if let Some(rest) = not_a_number(token) {
        return attached(rest).map(|unit| (None, unit));
    }
    let (number, rest) = number(token)?;
    attached(rest).map(|unit| (Some(Value::Number(number)), unit))
}

/// The unit as it is published, if `token` is one.
pub(super) fn unit(token: &str) -> Option<String> {
    if let Some(Quantity {
        unit: Some(unit), ..
    }) = Quantity::from_unit(token)
    {
        return Some(unit.to_owned());
    }
    let known = MORE_UNITS.iter().find(|(printed, _)| *printed == token);
    known.map(|(_, unit)| (*unit).to_owned())
}

/// The words for a state.
fn state(token: &str) -> Option<Value> {
    Some(match token.to_ascii_lowercase().as_str() {
        "on" | "true" => Value::Switch(true),
        "off" | "false" => Value::Switch(false),
        text @ ("open" | "closed") => Value::Text(text.to_owned()),
        _ => return None,
    })
}

/// What follows `nan`, `inf` or Arduino's `ovf`.
fn not_a_number(token: &str) -> Option<&str> {
    let unsigned = token.strip_prefix(['-', '+']).unwrap_or(token);
    let (word, rest) = unsigned.split_at_checked(3)?;
    ["nan", "inf", "ovf"]
        .iter()
        .any(|known| word.eq_ignore_ascii_case(known))
        .then_some(rest)
}

/// Splits `21.5C` after the decimal number; a number in small units has no
/// negative zero.
pub(super) fn number(token: &str) -> Option<(f64, &str)> {
    let (number, rest) = token.split_at(number_length(token));
    let number: f64 = number.parse().ok()?;
    (number.abs() <= LARGEST).then_some((number + 0.0, rest))
}

/// The length of `[+-]digits[.digits][e[+-]digits]` at the start.
fn number_length(token: &str) -> usize {
    let bytes = token.as_bytes();
    let digits = |from: usize| {
        let rest = bytes.get(from..).unwrap_or_default();
        from + rest.iter().take_while(|b| b.is_ascii_digit()).count()
    };
    let sign = |from: usize| from + usize::from(matches!(bytes.get(from), Some(b'+' | b'-')));
    let mut end = digits(sign(0));
    if bytes.get(end) == Some(&b'.') {
        end = digits(end + 1);
    }
    if matches!(bytes.get(end), Some(b'e' | b'E')) {
        let exponent = sign(end + 1);
        if digits(exponent) > exponent {
            end = digits(exponent);
        }
    }
    end
}

/// The unit that follows a number without a space: none, a known one, or the
/// token is no value.
fn attached(rest: &str) -> Option<Option<String>> {
    if rest.is_empty() {
        return Some(None);
    }
    unit(rest).map(Some)
}
