//! A rule as the config file gives it, and what can be wrong with one.

use std::ops::Range;
use std::time::Duration;

use jiff::civil::DateTime;

use super::schedule::{Place, Schedule};
use crate::broker::Qos;
use crate::home::{Thing, Value};

/// One `[[rule]]`.
#[derive(Clone, Debug, PartialEq)]
pub struct RuleSettings {
    pub name: String,
    /// Any of them starts an evaluation.
    pub when: Vec<TriggerSettings>,
    /// Times that start one too.
    pub clocks: Vec<ClockSettings>,
    /// A CEL expression over current values.
    pub condition: Option<String>,
    pub then: Vec<ActionSettings>,
    pub tests: Vec<Scenario>,
}

/// A change that a rule waits for.
#[derive(Clone, Debug, PartialEq)]
pub struct TriggerSettings {
    pub topic: String,
    pub test: Test,
    /// The test must hold this long without a break; for [`Test::Quiet`], so long must
    /// nothing come.
    pub hold: Duration,
}

/// A time that a rule waits for.
#[derive(Clone, Debug, PartialEq)]
pub struct ClockSettings {
    pub schedule: Schedule,
    /// As traces name it: `07:30 on mon-fri`.
    pub text: String,
    pub place: Place,
}

/// What a trigger asks of a topic's value.
#[derive(Clone, Debug, PartialEq)]
pub enum Test {
    Is(Value),
    /// Fires on another value of the same kind: `unavailable` is not "not off".
    IsNot(Value),
    /// Fires on rising above `limit`; ready again below `until_below`.
    Above {
        limit: f64,
        until_below: f64,
    },
    /// Fires on falling below `limit`; ready again above `until_above`.
    Below {
        limit: f64,
        until_above: f64,
    },
    /// Fires whenever the value is another one than before.
    Changes,
    /// Fires when no message has come for the hold time.
    Quiet,
}

/// What a rule does.
#[derive(Clone, Debug, PartialEq)]
pub enum ActionSettings {
    /// Publishes the wanted state to `…/set`.
    Set { thing: Thing, to: String },
    Publish {
        topic: String,
        payload: String,
        qos: Qos,
        retain: bool,
    },
}

/// One `[[rule.test]]`: what happens to the house, and what the rules make of it.
#[derive(Clone, Debug, PartialEq)]
pub struct Scenario {
    pub name: String,
    /// What the house's clock shows when it begins; 1970 where absent.
    pub starts: Option<DateTime>,
    pub given: Vec<Given>,
    pub expect: Vec<Expectation>,
    pub expect_not: Vec<Expectation>,
}

/// A message at a time of the virtual clock.
#[derive(Clone, Debug, PartialEq)]
pub struct Given {
    pub at: Duration,
    pub topic: String,
    pub payload: String,
}

/// An action within a window of the virtual clock.
#[derive(Clone, Debug, PartialEq)]
pub struct Expectation {
    pub topic: String,
    /// Any payload where absent.
    pub payload: Option<String>,
    /// Not earlier than this.
    pub after: Duration,
    /// Not later than this; one hour after the last given message where absent.
    pub before: Option<Duration>,
}

/// A rule that cannot be used, and why.
#[derive(Clone, Debug, PartialEq)]
pub struct RuleProblem {
    /// Index into the list of rules.
    pub rule: usize,
    pub at: Where,
    /// Byte range within the text at `at`, such as a CEL expression.
    pub within: Option<Range<usize>>,
    pub message: String,
    pub hint: Option<String>,
}

/// The place in a rule that a problem speaks of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Where {
    Name,
    When(usize),
    Condition,
    Then(usize),
    Test(usize),
}

/// MQTT's limit for a topic.
const MAX_TOPIC_BYTES: usize = 65_535;

/// What keeps a text from being the name of one topic.
pub(super) fn topic_problem(topic: &str) -> Result<(), String> {
    if topic.is_empty() {
        Err("a topic is missing".to_owned())
    } else if topic.contains(['+', '#']) {
        Err(format!(
            "`{topic}` stands for many topics; one is needed here"
        ))
    } else if topic.starts_with("$share/") {
        Err(format!("`{topic}` is a shared subscription, not a topic"))
    } else if topic.contains('\0') {
        Err("a topic holds no zero byte".to_owned())
    } else if topic.len() > MAX_TOPIC_BYTES {
        Err(format!("a topic has at most {MAX_TOPIC_BYTES} bytes"))
    } else {
        Ok(())
    }
}
