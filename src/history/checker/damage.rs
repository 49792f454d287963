//! What cannot be read, in words.

use std::fmt;

use crate::clock::UtcMillis;
use crate::history::sealer::Outcome;

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
    /// Whether it holds minutes or hours, and no samples.
    pub is_rollup: bool,
    pub then: Then,
}

/// What became of a part that cannot be read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Then {
    /// It is where it was.
    #[default]
    Stays,
    /// It is where nobody meets it.
    Aside,
    /// It holds again what is finer tells.
    Again(Outcome),
}

impl Damage {
    /// Whether it is as if nothing had been.
    pub fn is_mended(&self) -> bool {
        self.then == Then::Again(Outcome::Whole)
    }
}

impl fmt::Display for Damage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.what)?;
        if let Some(topic) = &self.topic {
            write!(f, " of {topic}")?;
        }
        if let Some((first, last)) = self.stretch {
            write!(f, " ({} to {})", time(first), time(last))?;
        }
        write!(f, " {}{}", self.reason, self.then)
    }
}

impl fmt::Display for Then {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Then::Stays => Ok(()),
            Then::Aside => f.write_str("; it is set aside"),
            Then::Again(Outcome::Whole) => f.write_str("; it is told again from what is finer"),
            Then::Again(Outcome::Part { told, of }) => write!(
                f,
                "; {told} of its {of} readings are told again, the others were thinned or are \
                 kept no longer"
            ),
            Then::Again(Outcome::Since(first)) => write!(
                f,
                "; it is told again from {} on, what was before is lost",
                time(*first)
            ),
            Then::Again(Outcome::Lost) => {
                f.write_str("; it is lost and set aside: no samples are kept that would tell it")
            }
        }
    }
}

fn time(at: UtcMillis) -> String {
    let at = jiff::Timestamp::from_millisecond(at.0).unwrap_or_default();
    format!("{at:.0}")
}
