//! One trigger: when a topic's values make it fire.
//!
//! A trigger is *armed* until its test holds. Then it is *holding* for as long
//! as its hold time says, and has *fired* after that. It is armed again once
//! the value has come back. The first value after a start is treated like any
//! other: a house that is found too hot is too hot. Only `changes` needs a value
//! to compare with, so its first one is silent.

mod sentences;

pub use sentences::shown;

use std::mem::discriminant;
use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::engine::Left;
use super::rule::{Test, TriggerSettings};
use super::trace::{Cause, as_json};
use crate::clock::{Moment, Now};
use crate::home::Value;

/// A trigger on one topic, and where it stands.
#[derive(Clone, Debug)]
pub struct Trigger {
    topic: Arc<str>,
    test: Test,
    hold: Duration,
    state: State,
    /// The last two values that the test could judge.
    before: Option<Value>,
    last: Option<Value>,
    /// A value that is no number is told once, not each time it comes again.
    told_no_number: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Armed,
    Holding(Moment),
    Fired,
}

/// What a trigger knows, written down.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Known {
    pub stands: Stands,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last: Option<Value>,
}

/// A state without a clock.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Stands {
    Armed,
    /// What is left of the hold time.
    Holding(Left),
    Fired,
}

/// What a value did to a trigger.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    /// Nothing worth telling.
    Nothing,
    /// The test holds; the hold time has begun.
    Held,
    /// The test held and does so no more, before its time was over.
    Broken,
    /// Fire now.
    Fire,
    /// Ready to fire again.
    Rearmed,
    /// The test needs a number and this is none.
    NoNumber,
}

impl Trigger {
    /// An armed trigger that has seen nothing.
    pub fn new(settings: &TriggerSettings, topic: Arc<str>) -> Trigger {
        Trigger {
            topic,
            test: settings.test.clone(),
            hold: settings.hold,
            state: State::Armed,
            before: None,
            last: None,
            told_no_number: false,
        }
    }

    pub fn topic(&self) -> &str {
        &self.topic
    }

    /// What would be lost if the gateway stopped now.
    pub fn known(&self, now: Now) -> Known {
        Known {
            stands: match self.state {
                State::Armed => Stands::Armed,
                State::Holding(until) => Stands::Holding(Left::until(until, now)),
                State::Fired => Stands::Fired,
            },
            last: self.last.clone(),
        }
    }

    /// Goes on where it stood; `until` says when what is left of a time is over.
    pub fn resume(&mut self, known: Known, until: impl FnOnce(Left) -> Option<Moment>) {
        self.last = known.last;
        self.state = match known.stands {
            Stands::Armed => State::Armed,
            Stands::Fired => State::Fired,
            Stands::Holding(left) => until(left).map_or(State::Armed, State::Holding),
        };
    }

    /// Makes it ready to fire again, if it has fired.
    pub fn rearm(&mut self) {
        if self.state == State::Fired {
            self.state = State::Armed;
        }
    }

    /// The two values that it compared last.
    pub fn cause(&self) -> Cause {
        Cause {
            topic: self.topic.to_string(),
            before: as_json(self.before()),
            after: as_json(self.last()),
        }
    }

    /// The last value that the test could judge.
    pub fn last(&self) -> Option<&Value> {
        self.last.as_ref()
    }

    /// What the next value must differ from, where a change is waited for.
    pub fn compares_with(&self) -> Option<&Value> {
        self.last.as_ref().filter(|_| self.test == Test::Changes)
    }

    /// The one before [`Trigger::last`].
    pub fn before(&self) -> Option<&Value> {
        self.before.as_ref()
    }

    /// When the hold time is over, while holding.
    pub fn deadline(&self) -> Option<Moment> {
        match self.state {
            State::Holding(until) => Some(until),
            State::Armed | State::Fired => None,
        }
    }

    /// Whether it waits for silence.
    pub fn is_quiet(&self) -> bool {
        self.test == Test::Quiet
    }

    /// Begins to wait for silence, which has lasted for `already`, if anything was said
    /// ever. A silence that was told is not told again before something comes.
    pub fn listen(&mut self, already: Option<Duration>, now: Moment) {
        let is_told = self.state == State::Fired;
        if !(is_told && already.is_none_or(|already| already >= self.hold)) {
            self.count(already.unwrap_or_default(), now);
        }
    }

    fn count(&mut self, already: Duration, now: Moment) {
        let rest = self.hold.saturating_sub(already);
        self.state = State::Holding(now + rest);
    }

    /// Something came, so it is not silent; `value` if it could be read.
    fn hear(&mut self, value: Option<&Value>, now: Moment) -> Step {
        self.before = self.last.take();
        self.last = value.cloned();
        let was_silent = self.state == State::Fired;
        self.count(Duration::ZERO, now);
        match was_silent {
            true => Step::Rearmed,
            false => Step::Nothing,
        }
    }

    /// Takes a value that was there before: for a trigger that waits for messages, or for
    /// none, nothing has come.
    pub fn find(&mut self, value: Option<&Value>, now: Moment) -> Step {
        if !matches!(self.test, Test::Comes | Test::Quiet) {
            return self.observe(value, now);
        }
        self.last = value.cloned();
        Step::Nothing
    }

    /// Takes a value; `None` is an emptied topic, which ends `is` and says
    /// nothing to the other tests.
    pub fn observe(&mut self, value: Option<&Value>, now: Moment) -> Step {
        if self.is_quiet() {
            return self.hear(value, now);
        }
        match (self.judge(value), value) {
            (Some(holds), value) => {
                self.told_no_number = false;
                self.before = self.last.take();
                self.last = value.cloned();
                self.step(holds, now)
            }
            (None, Some(_)) if self.needs_number() && !self.told_no_number => {
                self.told_no_number = true;
                Step::NoNumber
            }
            (None, _) => Step::Nothing,
        }
    }

    fn needs_number(&self) -> bool {
        matches!(self.test, Test::Above { .. } | Test::Below { .. })
    }

    /// Ends the hold time if it is over; then the rule fires.
    pub fn wake(&mut self, now: Moment) -> bool {
        let over = self.deadline().is_some_and(|until| until <= now);
        if over {
            self.state = self.after_firing();
        }
        over
    }

    /// Whether the test holds for a value; `None` if it cannot judge it.
    fn judge(&self, value: Option<&Value>) -> Option<bool> {
        match &self.test {
            Test::Is(wanted) => Some(value == Some(wanted)),
            Test::IsNot(unwanted) => {
                let value = value?;
                let is_same_kind = discriminant(value) == discriminant(unwanted);
                is_same_kind.then(|| value != unwanted)
            }
            Test::Above { limit, .. } => Some(value?.as_number()? > *limit),
            Test::Below { limit, .. } => Some(value?.as_number()? < *limit),
            Test::Changes => {
                let value = value?;
                Some(self.last.as_ref().is_some_and(|last| last != value))
            }
            Test::Comes => Some(true),
            // Judged by the clock.
            Test::Quiet => None,
        }
    }

    fn step(&mut self, holds: bool, now: Moment) -> Step {
        match (self.state, holds) {
            // Every change begins its hold time anew; an unchanged value goes on holding.
            (State::Holding(_), false) if self.test == Test::Changes => Step::Nothing,
            (State::Holding(_), true) if self.test == Test::Changes => self.begin(now),
            (State::Armed, true) => self.begin(now),
            (State::Holding(_), false) => {
                self.state = State::Armed;
                Step::Broken
            }
            (State::Fired, false) if self.is_back() => {
                self.state = State::Armed;
                Step::Rearmed
            }
            _ => Step::Nothing,
        }
    }

    fn begin(&mut self, now: Moment) -> Step {
        if self.hold.is_zero() {
            self.state = self.after_firing();
            return Step::Fire;
        }
        self.state = State::Holding(now + self.hold);
        Step::Held
    }

    fn after_firing(&self) -> State {
        match self.test {
            Test::Changes | Test::Comes => State::Armed,
            _ => State::Fired,
        }
    }

    /// Whether the last value, for which the test does not hold, lies beyond
    /// the hysteresis.
    fn is_back(&self) -> bool {
        let number = self.last.as_ref().and_then(Value::as_number);
        match (&self.test, number) {
            (Test::Above { limit, until_below }, Some(number)) => {
                number < *until_below || until_below == limit
            }
            (Test::Below { limit, until_above }, Some(number)) => {
                number > *until_above || until_above == limit
            }
            _ => true,
        }
    }
}

#[cfg(test)]
mod tests;
