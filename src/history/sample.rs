//! One reading of one series, as history keeps it.

use crate::clock::{ClockQuality, UtcMillis};
use crate::home::Value;

/// A text that is kept has at most so many bytes.
pub const LONGEST_TEXT: usize = 256;

/// A value, when it was read, and how far that time can be trusted.
#[derive(Clone, Debug, PartialEq)]
pub struct Sample {
    pub at: UtcMillis,
    /// A number is finite, a text has at most [`LONGEST_TEXT`] bytes.
    pub value: Value,
    /// Who counted it; none where nobody counts.
    pub origin: Option<Origin>,
    /// The clock that `at` was read from.
    pub clock: ClockQuality,
}

/// A value as it is kept: texts are cut between characters, for history keeps states and not
/// documents. None if it is a number that is infinite or none.
pub fn kept(value: Value) -> Option<Value> {
    match value {
        Value::Number(number) if !number.is_finite() => None,
        Value::Text(mut text) => {
            text.truncate(text.floor_char_boundary(LONGEST_TEXT));
            Some(Value::Text(text))
        }
        value => Some(value),
    }
}

/// A board's own count of what it says: the same pair is the same reading, however
/// often it arrives.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Origin {
    /// Differs after each start of the board.
    pub boot: u32,
    pub sequence: u32,
}

/// Samples for tests.
#[cfg(test)]
pub mod any;
