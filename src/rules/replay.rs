//! Rules run over what was recorded, on a virtual clock.
//!
//! The engine that runs the house takes the readings in order of time. What the
//! house said stays what it was: no thing answers what the rules would do. What a
//! rule says where nothing is recorded is heard by the others at once, as it would
//! be through the broker.

mod compare;

pub use compare::{Compare, Row, Summary};

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use super::engine::{Action, Engine, Event, Outcome, Rule};
use super::window::Numbers;
use crate::clock::{Moment, Now, UtcMillis};
use crate::home::Reading;
use crate::home::topic::is_recorded;

/// Rules that feed each other are stopped after so many messages of their own, at
/// one time.
const MAX_ECHOES: usize = 1000;

/// What stands for the topic of a word to people that leaves the house.
const NOTICE: &str = "notify";

/// What rules would have said, and when.
#[derive(Clone, Debug, PartialEq)]
pub struct Taken {
    pub at: UtcMillis,
    pub topic: Arc<str>,
    pub payload: Arc<str>,
}

/// Rules at work in the past.
#[derive(Debug)]
pub struct Replay {
    engine: Engine,
    began: UtcMillis,
}

impl Replay {
    /// Rules that have heard nothing yet.
    pub fn new(rules: impl IntoIterator<Item = Arc<Rule>>) -> Replay {
        Replay {
            engine: Engine::new(rules),
            began: UtcMillis::default(),
        }
    }

    /// The topics, or filters, whose readings the rules need.
    pub fn listens(&self) -> Vec<String> {
        self.engine.filters()
    }

    /// The topics whose numbers from before the beginning are asked for, and of how long.
    pub fn windows(&self) -> Vec<(String, Duration)> {
        let windows = self.engine.windows();
        windows
            .map(|(topic, over)| (topic.to_string(), over))
            .collect()
    }

    /// A number that was said before it begins at `at`. In order of time, before
    /// [`Replay::begin`].
    pub fn recall(&mut self, reading: &Reading, at: UtcMillis) {
        self.began = at;
        let now = self.now(at);
        if let Some(number) = reading.value.as_number() {
            let ago = at.since(reading.at);
            let number = Numbers::one(number);
            self.engine.recall(&reading.topic, ago, number, now);
        }
    }

    /// Starts the rules in a house in which this was found.
    pub fn begin(&mut self, found: &[Reading], at: UtcMillis) -> Vec<Taken> {
        self.began = at;
        let payloads: Vec<String> = found.iter().map(|one| one.value.to_string()).collect();
        let events = found.iter().zip(&payloads).map(|(reading, payload)| Event {
            topic: &reading.topic,
            payload: payload.as_bytes(),
            received: reading.at,
        });
        let now = self.now(at);
        let outcome = self.engine.start(events, now);
        let mut taken = Vec::new();
        self.follow(outcome, now, &mut taken);
        taken
    }

    /// Lets time pass until a reading comes, and takes it. Readings come in order.
    pub fn take(&mut self, reading: &Reading) -> Vec<Taken> {
        let mut taken = self.until(reading.at);
        let now = self.now(reading.at);
        let payload = reading.value.to_string();
        let outcome = self
            .engine
            .handle(event(&reading.topic, &payload, now), now);
        self.follow(outcome, now, &mut taken);
        taken
    }

    /// Lets time pass, with everything that falls due.
    pub fn until(&mut self, at: UtcMillis) -> Vec<Taken> {
        let end = self.now(at).moment;
        let mut taken = Vec::new();
        while let Some(due) = self.engine.next_wake()
            && due <= end
        {
            let now = Now {
                moment: due,
                utc: self.began + due.since(Moment::default()),
            };
            let outcome = self.engine.wake(now);
            self.follow(outcome, now, &mut taken);
        }
        taken
    }

    fn follow(&mut self, outcome: Outcome, now: Now, taken: &mut Vec<Taken>) {
        let mut outcomes = VecDeque::from([outcome]);
        let mut echoes = 0;
        while let Some(outcome) = outcomes.pop_front() {
            let take = |topic: Arc<str>, payload| Taken {
                at: now.utc,
                topic,
                payload,
            };
            for action in outcome.actions {
                self.engine.said(&action, now);
                let Action { topic, payload, .. } = action;
                if !is_recorded(&topic) && echoes < MAX_ECHOES {
                    echoes += 1;
                    let heard = self.engine.handle(event(&topic, &payload, now), now);
                    outcomes.push_back(heard);
                }
                taken.push(take(topic, payload));
            }
            let notices = outcome.notices.into_iter();
            taken.extend(notices.map(|notice| take(NOTICE.into(), notice.message)));
        }
    }

    fn now(&self, at: UtcMillis) -> Now {
        Now {
            moment: Moment::default() + at.since(self.began),
            utc: at,
        }
    }
}

fn event<'a>(topic: &'a str, payload: &'a str, now: Now) -> Event<'a> {
    Event {
        topic,
        payload: payload.as_bytes(),
        received: now.utc,
    }
}

#[cfg(test)]
mod tests;
