//! The engine: a message and the time in, actions and the next wake-up out.
//!
//! It reads no clock and does no I/O, so a scenario, a replay and the live
//! house run the very same code. A message costs one look-up of its topic and
//! then only the rules that watch it. The engine remembers the current value of
//! the topics that its rules name, and of no others.

mod about;
mod asked;
mod chain;
mod clocks;
mod hearing;
mod keeping;
mod limit;
mod memory;
mod recall;
mod run;
mod running;
mod scene;
mod steps;
mod telling;
mod timers;
mod topics;

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use rustc_hash::FxHashMap;

use self::chain::{Chain, Echoes};
use self::clocks::Clocks;
pub use self::memory::{Gap, Left, Memories, Memory};
use self::running::Running;
pub use self::running::TRIPPED_FOR;
use self::scene::Scene;
pub use self::steps::MOST_STEPS;
use self::timers::{Due, Timers};
pub use self::topics::{MAX_VALUE_BYTES, MOST_MATCHED, Unreadable};
use self::topics::{Taken, Topics};
pub use super::program::Rule;
use super::rule::Channel;
use super::trace::{Trace, Verdict};
use super::trigger::Trigger;
use super::window::Numbers;
use crate::broker::Qos;
use crate::clock::{Moment, Now, UtcMillis};
use crate::home::topic;

/// Where boards say whether they are there.
const BOARDS: &str = "hearth/board/+/status";
/// Where rules are turned on and off.
const SWITCHES: &str = "hearth/rule/+/set";

/// A message that a rule publishes.
#[derive(Clone, Debug, PartialEq)]
pub struct Action {
    /// The rule's name.
    pub rule: Arc<str>,
    pub topic: Arc<str>,
    pub payload: Arc<str>,
    pub qos: Qos,
    pub retain: bool,
}

/// A word to people that leaves the house.
#[derive(Clone, Debug, PartialEq)]
pub struct Notice {
    /// The rule's name.
    pub rule: Arc<str>,
    pub message: Arc<str>,
    pub title: Option<Arc<str>>,
    pub to: Channel,
    /// How long one try may take.
    pub timeout: Duration,
    /// How many more tries there are after the first.
    pub retries: u32,
}

/// What a rule must not forget, to be written down.
#[derive(Clone, Debug, PartialEq)]
pub struct Record {
    /// The rule's name.
    pub rule: Arc<str>,
    /// Nothing, if there is nothing that it could forget.
    pub memory: Option<Memory>,
    /// Whether a time hangs on it: it is on the disk before anything else counts.
    pub sure: bool,
}

/// A message that arrived.
#[derive(Clone, Copy, Debug)]
pub struct Event<'a> {
    pub topic: &'a str,
    pub payload: &'a [u8],
    /// When the broker got it; long before now if it was retained.
    pub received: UtcMillis,
}

/// What follows, in the order in which it was decided.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Outcome {
    pub actions: Vec<Action>,
    pub notices: Vec<Notice>,
    pub records: Vec<Record>,
    pub traces: Vec<Trace>,
    /// How many steps of actions were done.
    pub steps: usize,
}

/// Whether a rule's memory is as it was written down.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Dirt {
    Clean,
    Lazy,
    Sure,
}

/// The rules at work.
#[derive(Debug)]
pub struct Engine {
    rules: Vec<Running>,
    by_word: FxHashMap<String, usize>,
    topics: Topics,
    echoes: Echoes,
    timers: Timers,
    clocks: Clocks,
    /// Whether the house knows the time of day.
    knows_time: bool,
    keeps: Vec<usize>,
    /// Rules that have something to write down.
    dirty: BTreeSet<usize>,
}

impl Engine {
    /// An engine that has heard nothing yet.
    pub fn new(rules: impl IntoIterator<Item = Arc<Rule>>) -> Engine {
        let mut topics = Topics::default();
        let running = rules.into_iter().enumerate();
        let rules: Vec<Running> = running
            .map(|(index, rule)| Running::new(index, rule, &mut topics))
            .collect();
        let words = rules.iter().enumerate();
        let keeps = rules.iter().filter(|rule| rule.keeping.is_some());
        Engine {
            by_word: words
                .map(|(n, rule)| (topic::word(&rule.rule.name), n))
                .collect(),
            keeps: keeps.map(|rule| rule.index).collect(),
            rules,
            topics,
            echoes: Echoes::default(),
            timers: Timers::default(),
            clocks: Clocks::default(),
            knows_time: true,
            dirty: BTreeSet::new(),
        }
    }

    /// What to subscribe to: topics and filters.
    pub fn filters(&self) -> Vec<String> {
        let mut filters: Vec<String> = self.topics.names().map(|name| name.to_string()).collect();
        filters.extend(self.topics.patterns().map(|pattern| pattern.filter()));
        if !self.keeps.is_empty() {
            filters.push(BOARDS.to_owned());
        }
        if !self.rules.is_empty() {
            filters.push(SWITCHES.to_owned());
        }
        filters.sort_unstable();
        filters.dedup();
        filters
    }

    /// The topics whose numbers of the last time rules ask for, and of how long.
    pub fn windows(&self) -> impl Iterator<Item = (&Arc<str>, Duration)> {
        self.topics.windows()
    }

    /// Numbers that a topic said so long before `now`, for the windows. In the order of
    /// time, before [`Engine::start`].
    pub fn recall(&mut self, topic: &str, ago: Duration, numbers: Numbers, now: Now) {
        let at = i64::try_from(now.moment.0).unwrap_or(i64::MAX);
        let ago = i64::try_from(ago.as_millis()).unwrap_or(i64::MAX);
        self.topics.recall(topic, at.saturating_sub(ago), numbers);
    }

    /// A trace of something that became of what a rule did; none if there is no such rule.
    pub fn note(&self, rule: &str, outcome: Verdict, because: String, now: Now) -> Option<Trace> {
        let running = self.named(rule)?;
        Some(self.rules[running].trace(outcome, because, now))
    }

    /// The index of the rule of this name.
    fn named(&self, name: &str) -> Option<usize> {
        let found = self.by_word.get(&topic::word(name)).copied();
        found.filter(|found| *self.rules[*found].rule.name == *name)
    }

    /// Begins with the state in which the house is found.
    ///
    /// All values are taken in before any rule looks at one, so that no
    /// condition is judged on half a house. Each rule leaves a trace.
    pub fn start<'a>(&mut self, found: impl IntoIterator<Item = Event<'a>>, now: Now) -> Outcome {
        let mut outcome = Outcome {
            traces: self.rules.iter().map(|rule| rule.waiting(now)).collect(),
            ..Outcome::default()
        };
        let taken = self.take_in_all(found, now);
        self.say_unsaid(&mut outcome);
        for taken in taken {
            self.look_at(taken, Trigger::find, now, &mut outcome);
        }
        self.listen(now);
        let rules = self.rules.iter().map(|running| &*running.rule);
        self.clocks.start(rules, now);
        for rule in 0..self.rules.len() {
            self.with(rule, now, &mut outcome, |running, scene| {
                if running.rule.at_start {
                    let start = running.nameless("Hearth started");
                    running.begin(start, scene);
                }
                running.keep("found at the start", Chain::default(), scene);
                running.look_again(scene);
                // What it waited for may have been dropped.
                running.next_in_queue(scene);
            });
        }
        self.write_down(now, &mut outcome);
        outcome
    }

    fn take_in_all<'a>(
        &mut self,
        found: impl IntoIterator<Item = Event<'a>>,
        now: Now,
    ) -> Vec<Taken> {
        let mut taken = Vec::new();
        for event in found {
            self.meet(event.topic);
            taken.extend(self.topics.take_in(event, now));
        }
        taken
    }

    /// Silence counts from the last message, which may be from before the start; where
    /// nothing was ever said, from the start.
    fn listen(&mut self, now: Now) {
        for rule in 0..self.rules.len() {
            for nth in 0..self.rules[rule].triggers.len() {
                self.listen_to(rule, nth, now);
            }
        }
    }

    fn listen_to(&mut self, rule: usize, nth: usize, now: Now) {
        let trigger = &mut self.rules[rule].triggers[nth].trigger;
        if !trigger.is_quiet() {
            return;
        }
        let begun = trigger.deadline();
        let topic = self.topics.know(trigger.topic());
        let already = self.topics.silence(topic, now);
        trigger.listen(already, now.moment);
        if let Some(begun) = begun {
            self.timers.remove(begun, rule, Due::Hold(nth));
        }
        if let Some(until) = trigger.deadline() {
            self.timers.add(until, rule, Due::Hold(nth));
        }
    }

    /// Takes a message. Times that are over by `now` end before it.
    pub fn handle(&mut self, event: Event<'_>, now: Now) -> Outcome {
        let mut outcome = Outcome::default();
        self.end_times(now, &mut outcome);
        self.meet(event.topic);
        if let Some(taken) = self.topics.take_in(event, now) {
            self.look_at(taken, Trigger::observe, now, &mut outcome);
        }
        if event.topic.starts_with("hearth/") {
            self.hear_of_house(event, now, &mut outcome);
        }
        self.write_down(now, &mut outcome);
        outcome
    }

    /// Lets triggers on many topics have a part in one that is heard of for the first time.
    fn meet(&mut self, name: &str) {
        for watcher in self.topics.meet(name) {
            self.rules[watcher.rule].watch(watcher.nth, name, &mut self.topics);
        }
    }

    /// Ends the times that are over.
    pub fn wake(&mut self, now: Now) -> Outcome {
        let mut outcome = Outcome::default();
        self.end_times(now, &mut outcome);
        self.write_down(now, &mut outcome);
        outcome
    }

    fn end_times(&mut self, now: Now, outcome: &mut Outcome) {
        while let Some((rule, due)) = self.timers.take(now.moment) {
            self.with(rule, now, outcome, |running, scene| match due {
                Due::Hold(trigger) => {
                    let watching = running.triggers.get_mut(trigger);
                    if watching.is_some_and(|watching| watching.trigger.wake(now.moment)) {
                        running.fire(trigger, scene);
                    }
                }
                Due::Run(id) => running.wake_run(id, scene),
                Due::Look => {
                    running.look(scene);
                    running.keep("it is time", Chain::default(), scene);
                }
                Due::Keep => running.keep_again(scene),
                Due::Close => {
                    running.close(scene);
                    running.keep("on again", Chain::default(), scene);
                }
                Due::Said => running.has_said(now.moment),
            });
        }
        while self.knows_time
            && let Some(rung) = self.clocks.ring(now)
        {
            let rule = Arc::clone(&self.rules[rung.rule].rule);
            let Some(clock) = rule.clocks.get(rung.clock) else {
                continue;
            };
            self.clocks.set_again(&rung, &rule, now);
            self.with(rung.rule, now, outcome, |running, scene| {
                running.strike(clock, rung.late, scene);
            });
        }
    }

    /// When [`Engine::wake`] has something to do.
    pub fn next_wake(&self) -> Option<Moment> {
        let look = self.clocks.next_look().filter(|_| self.knows_time);
        self.timers.next().into_iter().chain(look).min()
    }

    fn switch(&mut self, rule: usize, on: bool, by: &str, now: Now, outcome: &mut Outcome) {
        self.with(rule, now, outcome, |running, scene| {
            running.switch(on, by, scene);
            running.keep("turned on", Chain::default(), scene);
        });
    }

    /// Lets a rule do something, and then does what follows for others.
    fn with(
        &mut self,
        rule: usize,
        now: Now,
        outcome: &mut Outcome,
        work: impl FnOnce(&mut Running, &mut Scene<'_>),
    ) {
        let mut switches = Vec::new();
        let running = &mut self.rules[rule];
        let mut scene = Scene {
            topics: &self.topics,
            echoes: &mut self.echoes,
            timers: &mut self.timers,
            outcome,
            switches: &mut switches,
            now,
            knows_time: self.knows_time,
        };
        let first = scene.outcome.actions.len();
        work(running, &mut scene);
        running.owe(&scene.outcome.actions[first..]);
        if running.dirt != Dirt::Clean || !running.fresh.is_empty() {
            self.dirty.insert(rule);
        }
        for (name, on, by) in switches {
            if let Some(&other) = self.by_word.get(&topic::word(&name)) {
                self.switch(other, on, &format!("the rule `{by}`"), now, outcome);
            }
        }
    }
}

#[cfg(test)]
mod tests;
