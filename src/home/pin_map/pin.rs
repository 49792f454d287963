//! A pin's name: as on the board, and as the board's firmware numbers it.

use std::fmt;

use serde::{Deserialize, Serialize};

const FIRST_ANALOG: u8 = 14;
const LAST: u8 = 19;

/// A pin of an Uno, 0 to 19; A0 is 14.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "Written", into = "String")]
pub struct Pin(u8);

/// How people write it.
#[derive(Deserialize)]
#[serde(untagged)]
enum Written {
    Number(u8),
    Name(String),
}

impl Pin {
    pub fn number(self) -> u8 {
        self.0
    }

    /// Reads `7`, `D7`, `A0`.
    pub fn parse(text: &str) -> Option<Pin> {
        let text = text.trim();
        let digits = text.trim_start_matches(['A', 'a', 'D', 'd']);
        let prefix = text.len().checked_sub(digits.len())?;
        let number: u8 = digits.parse().ok()?;
        let number = match (prefix, text.as_bytes().first()?) {
            (0, _) | (1, b'D' | b'd') => number,
            (1, _) => number.checked_add(FIRST_ANALOG)?,
            _ => return None,
        };
        (number <= LAST).then_some(Pin(number))
    }
}

impl TryFrom<Written> for Pin {
    type Error = String;

    fn try_from(written: Written) -> Result<Pin, String> {
        let text = match written {
            Written::Number(number) => number.to_string(),
            Written::Name(name) => name,
        };
        Pin::parse(&text)
            .ok_or_else(|| format!("an Uno has no pin {text:?}: it has 2 to 13 and A0 to A5"))
    }
}

impl From<Pin> for String {
    fn from(pin: Pin) -> String {
        pin.to_string()
    }
}

impl fmt::Display for Pin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0.checked_sub(FIRST_ANALOG) {
            Some(channel) => write!(f, "A{channel}"),
            None => write!(f, "D{}", self.0),
        }
    }
}
