//! What cannot be read, in words.

use std::fmt;

use crate::clock::UtcMillis;

/// A part of the file that cannot be read. The rest can.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Damage {
    /// Such as `chunk 12`.
    pub what: String,
    /// Whose readings it holds, if one series alone has any in it.
    pub topic: Option<String>,
    /// The time of its first and its last reading, where that is known.
    pub stretch: Option<(UtcMillis, UtcMillis)>,
    /// As in "is damaged: its checksum is wrong".
    pub reason: String,
}

impl fmt::Display for Damage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.what)?;
        if let Some(topic) = &self.topic {
            write!(f, " of {topic}")?;
        }
        if let Some((first, last)) = self.stretch {
            let time = |at: UtcMillis| {
                let at = jiff::Timestamp::from_millisecond(at.0).unwrap_or_default();
                format!("{at:.0}")
            };
            write!(f, " ({} to {})", time(first), time(last))?;
        }
        write!(f, " {}", self.reason)
    }
}
