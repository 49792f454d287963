//! How long a series is kept: `raw 30d, minutes 2y, hours forever`.

use std::fmt;
use std::time::Duration;

use thiserror::Error;

const HOUR: u64 = 3600;
/// The units of a time to keep, the longest first. A year has a leap day, so that nothing
/// is gone a day early.
const UNITS: [(&str, u64); 4] = [
    ("y", 366 * 24 * HOUR),
    ("w", 7 * 24 * HOUR),
    ("d", 24 * HOUR),
    ("h", HOUR),
];
const LONGEST_YEARS: u64 = 100;
const FOREVER: &str = "forever";

/// How long each resolution of a series is kept; `None` is forever. What is coarser is
/// kept at least as long as what is finer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Keep {
    /// Samples as they came.
    pub raw: Option<Duration>,
    /// Count, least, most, mean and last of each minute.
    pub minutes: Option<Duration>,
    /// The same of each hour, and so of days.
    pub hours: Option<Duration>,
}

/// Why a text does not say how long to keep something.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum NoKeep {
    #[error("{0:?} is none of raw, minutes, hours")]
    Unknown(String),
    #[error("`{0}` is named twice")]
    Twice(&'static str),
    #[error("{0:?} is no time to keep something")]
    NoTime(String),
    #[error("{0:?} is out of range: from 1h to {LONGEST_YEARS}y, or forever")]
    OutOfRange(String),
    /// The finer, the coarser.
    #[error("`{1}` would be gone before `{0}`")]
    CoarserFirst(&'static str, &'static str),
}

impl Keep {
    pub const FOREVER: Keep = Keep {
        raw: None,
        minutes: None,
        hours: None,
    };

    /// Reads `raw 30d, minutes 2y, hours forever`, in any order; what is not named is kept
    /// forever. One time alone, `30d`, is for all.
    ///
    /// # Errors
    /// What is wrong with the text, as a sentence without its place.
    pub fn parse(text: &str) -> Result<Keep, NoKeep> {
        if !text.contains(',') && !text.trim().contains(char::is_whitespace) {
            let all = parse_time(text.trim())?;
            return Ok(Keep {
                raw: all,
                minutes: all,
                hours: all,
            });
        }
        let mut times: [Option<Option<Duration>>; 3] = [None; 3];
        for part in text.split(',') {
            let part = part.trim();
            let (name, time) = part.split_once(char::is_whitespace).unwrap_or((part, ""));
            let Some(at) = NAMES.iter().position(|known| *known == name) else {
                return Err(NoKeep::Unknown(name.to_owned()));
            };
            if times[at].is_some() {
                return Err(NoKeep::Twice(NAMES[at]));
            }
            times[at] = Some(parse_time(time.trim())?);
        }
        let [raw, minutes, hours] = times.map(Option::flatten);
        Keep {
            raw,
            minutes,
            hours,
        }
        .checked()
    }

    /// A chart of last year is drawn from minutes or hours once the samples are gone, and
    /// a list of samples says nothing about years; so the finer goes first.
    fn checked(self) -> Result<Keep, NoKeep> {
        let times = [self.raw, self.minutes, self.hours];
        for (finer, coarser) in [(0, 1), (1, 2), (0, 2)] {
            if reach(times[coarser]) < reach(times[finer]) {
                return Err(NoKeep::CoarserFirst(NAMES[finer], NAMES[coarser]));
            }
        }
        Ok(self)
    }

    /// Whether anything of it is ever thrown away.
    pub fn is_forever(&self) -> bool {
        *self == Keep::FOREVER
    }
}

const NAMES: [&str; 3] = ["raw", "minutes", "hours"];

fn reach(time: Option<Duration>) -> Duration {
    time.unwrap_or(Duration::MAX)
}

/// `30d`, `2y`, `forever`
fn parse_time(text: &str) -> Result<Option<Duration>, NoKeep> {
    if text == FOREVER {
        return Ok(None);
    }
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    let (number, unit) = text.split_at(digits);
    let unit = UNITS.iter().find(|(name, _)| *name == unit.trim_start());
    let (Some((_, seconds)), false) = (unit, number.is_empty()) else {
        return Err(NoKeep::NoTime(text.to_owned()));
    };
    let number: Option<u64> = number.parse().ok();
    let seconds = number.and_then(|number| number.checked_mul(*seconds));
    let longest = LONGEST_YEARS * UNITS[0].1;
    match seconds.filter(|seconds| (HOUR..=longest).contains(seconds)) {
        Some(seconds) => Ok(Some(Duration::from_secs(seconds))),
        None => Err(NoKeep::OutOfRange(text.to_owned())),
    }
}

/// As it is written in the config.
impl fmt::Display for Keep {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.raw == self.minutes && self.minutes == self.hours {
            return f.write_str(&time(self.raw));
        }
        let (raw, minutes, hours) = (time(self.raw), time(self.minutes), time(self.hours));
        write!(f, "raw {raw}, minutes {minutes}, hours {hours}")
    }
}

fn time(time: Option<Duration>) -> String {
    let Some(seconds) = time.map(|time| time.as_secs()) else {
        return FOREVER.to_owned();
    };
    let fits = UNITS.iter().find(|(_, unit)| seconds.is_multiple_of(*unit));
    match fits {
        Some((name, unit)) => format!("{}{name}", seconds / unit),
        None => format!("{seconds}s"),
    }
}
