//! A rule made ready to run: its actions laid out as a list of steps.
//!
//! Nested actions become jumps, so a run is a place in the list and a few
//! counters: small enough to be written down whenever it has to wait.

use std::sync::Arc;
use std::time::Duration;

use super::expression::{Ask, Expression, Template};
use super::rule::{AfterDowntime, Channel, ClockSettings, Mode, OnTimeout, Rate, TriggerSettings};
use super::schedule::Place;
use crate::broker::Qos;
use crate::home::Thing;

/// A rule that has passed its checks; made by [`super::compile::compile`].
#[derive(Debug)]
pub struct Rule {
    pub name: Arc<str>,
    pub triggers: Vec<TriggerSettings>,
    pub clocks: Vec<ClockSettings>,
    pub at_start: bool,
    pub button: Option<String>,
    /// What levels of topics capture, after `topic` and `payload` and before `round`.
    pub captures: Vec<String>,
    /// Every expression of the rule, those within templates too.
    pub expressions: Vec<Expression>,
    /// Which of them is the `if`.
    pub condition: Option<usize>,
    pub keep: Option<Keep>,
    pub steps: Vec<Step>,
    /// Topics at which it tells people.
    pub tells: Vec<String>,
    /// How many counters its repeats need.
    pub counters: usize,
    pub mode: Mode,
    pub cooldown: Duration,
    pub rate: Rate,
    pub after_downtime: AfterDowntime,
    pub allow_cycle: u32,
    pub place: Place,
    /// Tells whether two rules of one name do the same.
    pub print: u64,
}

/// How often a condition is looked at that time alone may change.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum LookPace {
    Second,
    /// It asks only for what changes with the minute.
    Minute,
}

/// A level to see to.
#[derive(Debug)]
pub struct Keep {
    pub thing: Thing,
    pub at: String,
    pub condition: Option<usize>,
    pub inverted: bool,
    pub otherwise: Option<String>,
}

/// One step of a rule's actions.
#[derive(Debug)]
pub struct Step {
    pub op: Op,
    /// The counter of the innermost repeat around it: `round`.
    pub counter: Option<usize>,
}

/// What a step does. Conditions are indices of expressions, targets those of steps.
#[derive(Debug)]
pub enum Op {
    Publish {
        topic: Text,
        payload: Text,
        qos: Qos,
        retain: bool,
    },
    Notify(Words),
    Delay(Duration),
    WaitFor {
        condition: usize,
        timeout: Duration,
        on_timeout: OnTimeout,
    },
    /// Goes on at the target if the condition is false.
    Unless {
        condition: usize,
        to: usize,
    },
    Jump(usize),
    /// Sets a counter to zero.
    Begin(usize),
    /// Begins the next round, or goes on at `out` when there is none.
    Round {
        counter: usize,
        times: u32,
        condition: Option<usize>,
        out: usize,
    },
    /// Turns a rule on or off.
    Switch {
        rule: String,
        on: bool,
    },
    Stop,
}

/// A template, and the index of its first expression.
#[derive(Debug)]
pub struct Text {
    pub template: Template,
    pub first: usize,
}

/// A word to people.
#[derive(Debug)]
pub struct Words {
    pub message: Text,
    pub title: Option<Text>,
    pub to: Channel,
    pub timeout: Duration,
    pub retries: u32,
}

impl Rule {
    /// Whether it does nothing but name states: to do that again is harmless.
    pub fn only_sets(&self) -> bool {
        let is_set = |step: &Step| match &step.op {
            Op::Publish { topic, .. } => topic.template.text().ends_with("/set"),
            Op::Unless { .. } | Op::Jump(_) | Op::Begin(_) | Op::Round { .. } | Op::Stop => true,
            Op::Notify(_) | Op::Delay(_) | Op::WaitFor { .. } | Op::Switch { .. } => false,
        };
        self.steps.iter().all(is_set)
    }

    /// Whether another rule does the same, in the same way.
    pub fn is_like(&self, other: &Rule) -> bool {
        let how = |rule: &Rule| {
            let Rule {
                print,
                at_start,
                mode,
                cooldown,
                rate,
                after_downtime,
                allow_cycle,
                ..
            } = *rule;
            (
                print,
                at_start,
                mode,
                cooldown,
                rate,
                after_downtime,
                allow_cycle,
            )
        };
        how(self) == how(other) && self.button == other.button && self.place == other.place
    }

    /// Whether its actions take time.
    pub fn takes_time(&self) -> bool {
        let waits = |step: &Step| matches!(step.op, Op::Delay(_) | Op::WaitFor { .. });
        self.steps.iter().any(waits)
    }

    /// The conditions that are looked at whenever an answer changes.
    pub fn waited_for(&self) -> impl Iterator<Item = usize> {
        let waits = self.steps.iter().filter_map(|step| match step.op {
            Op::WaitFor { condition, .. } => Some(condition),
            _ => None,
        });
        waits.chain(self.keep.as_ref().and_then(|keep| keep.condition))
    }

    /// How often to look at a condition that may become true though no message comes;
    /// none if it may not.
    pub fn pace(&self, condition: usize) -> Option<LookPace> {
        let inputs = self.expressions[condition].inputs().iter();
        let paces = inputs.filter_map(|input| match input.ask {
            Ask::Value(_) => None,
            Ask::Age(_) | Ask::Since(_) | Ask::Window { .. } => Some(LookPace::Second),
            Ask::Between { from, to } if from.second() != 0 || to.second() != 0 => {
                Some(LookPace::Second)
            }
            Ask::Between { .. } | Ask::Hour | Ask::Minute | Ask::Weekday | Ask::Month => {
                Some(LookPace::Minute)
            }
            // The sun's times are not known to the second.
            Ask::SunUp => Some(LookPace::Minute),
        });
        paces.min()
    }
}
