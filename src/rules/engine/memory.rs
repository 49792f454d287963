//! What a rule must not forget: written down, and taken up again.
//!
//! A pending time is kept as what is left of it and as the time of day when it
//! is over. After a downtime the rule's `after_downtime` says which of them
//! counts; where nobody knows how long it was down, what was left does.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::chain::Chain;
use crate::clock::{Moment, Now, UtcMillis};
use crate::home::Value;
use crate::rules::rule::AfterDowntime;
use crate::rules::trace::Cause;
use crate::rules::trigger::Known;

/// Time that is left of a wait.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Left {
    ms: u64,
    until: UtcMillis,
}

impl Left {
    pub fn until(end: Moment, now: Now) -> Left {
        let rest = end.since(now.moment);
        Left {
            ms: u64::try_from(rest.as_millis()).unwrap_or(u64::MAX),
            until: now.utc + rest,
        }
    }

    /// When it is over, by the time of day.
    pub fn end(self) -> UtcMillis {
        self.until
    }
}

/// What lies between the writing of a memory and now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Gap {
    /// Nothing: the rules were read again.
    None,
    /// The gateway was down, and the clock says how long.
    Known,
    /// The gateway was down, nobody knows how long.
    Unknown,
}

/// The end of a time that was pending; none if it is dropped.
pub(super) fn end(left: Left, after: AfterDowntime, gap: Gap, now: Now) -> Option<Moment> {
    let left_over = now.moment.saturating_add_millis(left.ms);
    if gap != Gap::Known || after == AfterDowntime::Resume {
        return Some(left_over);
    }
    let is_over = left.until <= now.utc;
    match after {
        AfterDowntime::Skip if is_over => None,
        _ => Some(now.moment + left.until.since(now.utc)),
    }
}

/// All that one rule must not forget. Its JSON is in `state.db`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Memory {
    /// The rule's [`print`](crate::rules::program::Rule::print): what another rule of this
    /// name had pending is of no use.
    pub print: u64,
    pub written: UtcMillis,
    pub enabled: bool,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub triggers: Vec<Trigger>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub runs: Vec<Run>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub queue: Vec<Start>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cooldown: Option<Left>,
    /// Messages that may not have gone out yet.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub unsaid: Vec<Unsaid>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_fired: Option<UtcMillis>,
}

/// A trigger on one topic.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Trigger {
    /// Which of the rule's triggers.
    pub nth: usize,
    pub topic: Arc<str>,
    pub known: Known,
    #[serde(default, skip_serializing_if = "Chain::is_empty")]
    pub chain: Chain,
}

/// Actions that wait.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Run {
    pub id: u64,
    /// The step that it stands at.
    pub at: usize,
    pub counters: Vec<u32>,
    pub start: Start,
    pub left: Left,
}

/// What made a rule act.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Start {
    /// The sentence of its trace.
    pub why: String,
    pub cause: Option<Cause>,
    /// The values of `topic`, `payload` and what the topic's levels captured.
    pub names: Vec<Option<Value>>,
    #[serde(default, skip_serializing_if = "Chain::is_empty")]
    pub chain: Chain,
}

/// A message that waits until the memory is on the disk.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Unsaid {
    pub topic: Arc<str>,
    pub payload: Arc<str>,
    pub qos: u8,
    pub retain: bool,
}

/// By rule name.
pub type Memories = BTreeMap<Arc<str>, Memory>;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn downtime_counts_as_the_rule_says() {
        let now = |moment, utc| Now {
            moment: Moment(moment),
            utc: UtcMillis(utc),
        };
        let left = Left::until(Moment(15_000), now(5000, 1_000_000));
        let start = |after, gap, utc| end(left, after, gap, now(0, utc));
        use AfterDowntime::{Fire, Resume, Skip};
        // Four seconds down: six are left.
        for after in [Fire, Skip] {
            assert_eq!(start(after, Gap::Known, 1_004_000), Some(Moment(6000)));
        }
        assert_eq!(start(Resume, Gap::Known, 1_004_000), Some(Moment(10_000)));
        // An hour down.
        assert_eq!(start(Fire, Gap::Known, 4_600_000), Some(Moment(0)));
        assert_eq!(start(Skip, Gap::Known, 4_600_000), None);
        assert_eq!(start(Resume, Gap::Known, 4_600_000), Some(Moment(10_000)));
        // Nobody knows how long, or not at all.
        for gap in [Gap::None, Gap::Unknown] {
            for after in [Fire, Resume, Skip] {
                assert_eq!(start(after, gap, 0), Some(Moment(10_000)));
            }
        }
    }
}
