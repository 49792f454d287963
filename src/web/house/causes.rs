//! Who set each thing last, and through which rule: what the page tells of "why is this
//! on?" must be remembered, for commands are not retained.
//!
//! A rule's command and its trace come one after the other, in either order. They belong
//! together if topic and payload are the same and the times are close.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use super::trace::{Trace, Verdict};
use super::traces::Traces;
use crate::broker::Message;
use crate::clock::UtcMillis;
use crate::home::{Thing, Value};

/// Things that are remembered; a flood of invented ones stays bounded.
const MAX_THINGS: usize = 2000;
/// Traces that wait for the command that they tell of.
const MAX_RECENT: usize = 64;
/// Rules of one chain that are told.
const MAX_CHAIN: usize = 8;
/// A command and its trace are no further apart; pacing can hold a trace back, its time
/// stays.
const TRACE_WITHIN: Duration = Duration::from_secs(2);
/// A state that comes later after a command is not its answer any more.
const ANSWER_WITHIN: Duration = Duration::from_secs(15);
/// The part of Hearth that rules publish as.
const RULES: &str = "rules";

/// What is remembered of each thing.
#[derive(Clone, Debug, Default)]
pub struct Causes {
    things: BTreeMap<Thing, Known>,
    /// What rules told and no command was seen for yet; newest last.
    recent: VecDeque<Recent>,
    /// Acts that were numbered.
    acts: u64,
}

/// Of one thing.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Known {
    pub state: Option<State>,
    /// The last command.
    pub last: Option<Act>,
    /// The one before it, which may be on its way still.
    earlier: Option<Act>,
}

/// A state, from the moment at which it became what it is.
#[derive(Clone, Debug, PartialEq)]
pub struct State {
    pub value: Value,
    pub since: UtcMillis,
    /// Whether it was seen to change; else it was found so at the start.
    pub is_seen: bool,
    /// Who published it.
    pub publisher: Arc<str>,
    /// What led to it.
    pub act: Option<Act>,
}

/// A message that set a thing.
#[derive(Clone, Debug, PartialEq)]
pub struct Act {
    /// The same in all copies.
    number: u64,
    topic: Arc<str>,
    pub to: String,
    pub at: UtcMillis,
    pub publisher: Arc<str>,
    /// The rules that led to it, the one that did it first. Empty if it was no rule, or
    /// its trace did not come.
    pub story: Vec<Told>,
}

/// What a rule told of itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Told {
    pub rule: String,
    pub at: UtcMillis,
    pub because: String,
    /// The topic of the message that set it off.
    pub trigger: Option<String>,
}

#[derive(Clone, Debug)]
struct Recent {
    topic: String,
    payload: String,
    story: Arc<[Told]>,
}

impl Causes {
    /// What is known of a thing.
    pub fn of(&self, thing: &Thing) -> Option<&Known> {
        self.things.get(thing)
    }

    /// Takes in a command or a state; whether it was one.
    pub fn push(&mut self, message: &Message) -> bool {
        let topic = &message.topic;
        if let Some(thing) = Thing::from_set_topic(topic) {
            // One that was retained was not given now.
            if !message.retain {
                let act = self.act(message);
                if let Some(known) = self.place(thing) {
                    known.earlier = known.last.replace(act);
                }
            }
            true
        } else if let Some(thing) = Thing::from_topic(topic) {
            self.state(thing, message);
            true
        } else {
            false
        }
    }

    fn place(&mut self, thing: Thing) -> Option<&mut Known> {
        let is_full = self.things.len() >= MAX_THINGS && !self.things.contains_key(&thing);
        (!is_full).then(|| self.things.entry(thing).or_default())
    }

    fn act(&mut self, message: &Message) -> Act {
        self.acts += 1;
        let mut act = Act {
            number: self.acts,
            topic: Arc::clone(&message.topic),
            to: String::from_utf8_lossy(&message.payload).into_owned(),
            at: message.received,
            publisher: Arc::clone(&message.publisher),
            story: Vec::new(),
        };
        let told = self.recent.iter().position(|recent| act.fits(recent));
        if let Some(recent) = told.and_then(|index| self.recent.remove(index)) {
            act.story = recent.story.to_vec();
        }
        act
    }

    fn state(&mut self, thing: Thing, message: &Message) {
        if message.payload.is_empty() {
            self.things.remove(&thing);
            return;
        }
        let value = Value::parse(&String::from_utf8_lossy(&message.payload));
        let is_of_rule = message.part() == Some(RULES) && !message.retain;
        let own_act = is_of_rule.then(|| self.act(message));
        let Some(known) = self.place(thing) else {
            return;
        };
        if known
            .state
            .as_ref()
            .is_some_and(|state| state.value == value)
        {
            return;
        }
        let answers = |act: &&Act| {
            let is_soon = message.received.since(act.at) <= ANSWER_WITHIN;
            is_soon && Value::parse(&act.to) == value && !message.retain
        };
        known.state = Some(State {
            since: message.received,
            is_seen: !message.retain,
            publisher: Arc::clone(&message.publisher),
            act: own_act.or_else(|| {
                let mut given = known.last.iter().chain(&known.earlier);
                given.find(answers).cloned()
            }),
            value,
        });
    }

    /// Takes in what a rule told, and explains with it what it did.
    pub fn explain(&mut self, trace: &Trace, traces: &Traces) {
        if trace.actions.is_empty() {
            return;
        }
        let story: Arc<[Told]> = story(trace, traces).into();
        for action in &trace.actions {
            let recent = Recent {
                topic: action.topic.clone(),
                payload: action.payload.clone(),
                story: Arc::clone(&story),
            };
            let set = Thing::from_set_topic(&action.topic);
            let Some(thing) = set.or_else(|| Thing::from_topic(&action.topic)) else {
                continue;
            };
            let known = self.things.get_mut(&thing);
            if known.is_some_and(|known| known.explain(&recent)) {
                continue;
            }
            if self.recent.len() == MAX_RECENT {
                self.recent.pop_front();
            }
            self.recent.push_back(recent);
        }
    }
}

impl Known {
    /// Explains the oldest act that this fits: rules that do the same at once tell it in
    /// the order in which they did it. Whether there was one.
    fn explain(&mut self, recent: &Recent) -> bool {
        let fitting = self.acts().filter(|act| act.fits(recent));
        let Some(oldest) = fitting.map(|act| act.number).min() else {
            return false;
        };
        for act in self.acts().filter(|act| act.number == oldest) {
            act.story = recent.story.to_vec();
        }
        true
    }

    fn acts(&mut self) -> impl Iterator<Item = &mut Act> {
        let of_state = self.state.as_mut().and_then(|state| state.act.as_mut());
        let given = self.last.iter_mut().chain(&mut self.earlier);
        of_state.into_iter().chain(given)
    }
}

impl Act {
    /// A command that was not seen to come, but was reported by a board.
    pub fn reported(to: &str, at: UtcMillis, story: Vec<Told>) -> Act {
        let publisher = match story.is_empty() {
            true => "".into(),
            false => format!("\0{RULES}").into(),
        };
        Act {
            number: 0,
            topic: "".into(),
            to: to.to_owned(),
            at,
            publisher,
            story,
        }
    }

    /// Whether a rule did it.
    pub fn is_of_rule(&self) -> bool {
        self.publisher.strip_prefix('\0') == Some(RULES)
    }

    /// Whether a rule tells of this, and nobody did yet.
    fn fits(&self, recent: &Recent) -> bool {
        let is_close = |told: &Told| are_close(told.at, self.at);
        let is_same = *self.topic == *recent.topic && self.to == recent.payload;
        let is_close = recent.story.first().is_some_and(is_close);
        is_same && is_close && self.is_of_rule() && self.story.is_empty()
    }
}

/// Whether a trace at one time can tell of a message at the other.
pub fn are_close(one: UtcMillis, other: UtcMillis) -> bool {
    one.since(other).max(other.since(one)) <= TRACE_WITHIN
}

/// The rule of the trace, and those before it as far as their traces are known.
pub fn story(trace: &Trace, traces: &Traces) -> Vec<Told> {
    let mut story = vec![told(trace, traces)];
    let before = trace.chain.iter().rev().filter(|name| **name != trace.rule);
    for name in before.take(MAX_CHAIN) {
        let mut earlier = traces.read(name);
        let acted = earlier.find(|one| one.at <= trace.at && !one.actions.is_empty());
        story.push(match acted {
            Some(one) => told(&one, traces),
            None => Told {
                rule: name.clone(),
                at: trace.at,
                because: String::new(),
                trigger: None,
            },
        });
    }
    story
}

/// Why the rule did it. What goes on after a wait was set off by what began the run.
fn told(trace: &Trace, traces: &Traces) -> Told {
    let began = trace.run.filter(|_| trace.verdict != Verdict::Fired);
    let began = began.and_then(|run| {
        let mut of_run = traces.read(&trace.rule).filter(|one| one.run == Some(run));
        of_run.find(|one| one.verdict == Verdict::Fired)
    });
    let reason = began.as_ref().unwrap_or(trace);
    Told {
        rule: trace.rule.clone(),
        at: trace.at,
        because: reason.because.clone(),
        trigger: reason.trigger.clone(),
    }
}

#[cfg(test)]
mod tests;
