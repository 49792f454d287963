//! How a series is treated, by its topic: how much of it a power cut may cost, how long it
//! is kept, how finely, and whether at all.
//!
//! Whoever writes a pattern says only what is to be different for its topics; of all
//! patterns that match, a later one overrides key by key.

mod keep;

#[cfg(test)]
mod tests;

use std::fmt;
use std::time::Duration;

pub use keep::{Keep, NoKeep};

use crate::broker::topic::matches;
use crate::home::Thing;

/// What a power cut may cost where the config says nothing.
pub const LOSE_AT_MOST: Duration = Duration::from_secs(10);
/// Critical series wait no longer than this.
const CRITICAL: Duration = Duration::from_secs(1);
/// Lazy series may wait so many times as long as others, before they are stretched.
const LAZY: f64 = 6.0;
/// … and no longer than this, unless even others wait longer.
const LONGEST_LAZY: Duration = Duration::from_mins(10);

/// How soon a series is safe on the disk.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Class {
    /// Within a second.
    Critical,
    /// Within `lose_at_most`.
    #[default]
    Normal,
    /// When it is cheap: later, and later still while the write budget is short.
    Lazy,
}

/// What is different for the topics of one filter; `None` leaves it as it is.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Pattern {
    /// A valid MQTT filter.
    pub filter: String,
    pub class: Option<Class>,
    pub keep: Option<Keep>,
    /// Finite and not negative, in the series' own unit.
    pub deadband: Option<f64>,
    pub record: Option<bool>,
}

/// `lose_at_most` and `[[history.series]]` of the config.
#[derive(Clone, Debug, PartialEq)]
pub struct Policy {
    pub lose_at_most: Duration,
    /// A later one counts more.
    pub patterns: Vec<Pattern>,
}

/// What one series gets.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Treatment {
    pub class: Class,
    pub keep: Keep,
    pub deadband: Option<f64>,
    pub record: bool,
}

impl Class {
    pub const ALL: [Class; 3] = [Class::Critical, Class::Normal, Class::Lazy];

    /// As it stands in the config.
    pub fn word(self) -> &'static str {
        match self {
            Class::Critical => "critical",
            Class::Normal => "normal",
            Class::Lazy => "lazy",
        }
    }
}

impl fmt::Display for Class {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.word())
    }
}

impl Default for Policy {
    fn default() -> Policy {
        Policy {
            lose_at_most: LOSE_AT_MOST,
            patterns: Vec::new(),
        }
    }
}

impl Default for Treatment {
    fn default() -> Treatment {
        Treatment {
            class: Class::Normal,
            keep: Keep::FOREVER,
            deadband: None,
            record: true,
        }
    }
}

impl Policy {
    /// What the series of `topic` gets.
    ///
    /// Commands to a thing go with the thing: who keeps a bedroom out of the history does
    /// not want to find there when its lamp was switched. But they are never thinned, as
    /// each of them is something that somebody did.
    pub fn of(&self, topic: &str) -> Treatment {
        let thing = Thing::from_set_topic(topic).map(|thing| thing.topic());
        let is_for = |pattern: &&Pattern| {
            let of_thing = |thing: &String| matches(&pattern.filter, thing);
            matches(&pattern.filter, topic) || thing.as_ref().is_some_and(of_thing)
        };
        let mut treatment = Treatment::default();
        for pattern in self.patterns.iter().filter(is_for) {
            pattern.apply(&mut treatment);
        }
        if thing.is_some() {
            treatment.deadband = None;
        }
        treatment
    }

    /// How long samples of a class may wait for their commit, with lazy ones `stretch`
    /// times as long as they would (from 1).
    pub fn window(&self, class: Class, stretch: f64) -> Duration {
        match class {
            Class::Critical => self.lose_at_most.min(CRITICAL),
            Class::Normal => self.lose_at_most,
            Class::Lazy => {
                let longest = LONGEST_LAZY.max(self.lose_at_most);
                // `max` passes over what is no number.
                let seconds = self.lose_at_most.as_secs_f64() * LAZY * stretch.max(1.0);
                Duration::try_from_secs_f64(seconds).map_or(longest, |window| window.min(longest))
            }
        }
    }
}

impl Pattern {
    fn apply(&self, treatment: &mut Treatment) {
        treatment.class = self.class.unwrap_or(treatment.class);
        treatment.keep = self.keep.unwrap_or(treatment.keep);
        // A deadband of zero takes back what an earlier pattern said.
        let deadband = self.deadband.or(treatment.deadband);
        treatment.deadband = deadband.filter(|width| *width > 0.0);
        treatment.record = self.record.unwrap_or(treatment.record);
    }
}
