//! The engine: a message and the time in, actions and the next wake-up out.
//!
//! It reads no clock and does no I/O, so a scenario, a replay and the live
//! house run the very same code. A message costs one look-up of its topic and
//! then only the rules that watch it. The engine remembers the current value of
//! the topics that its rules name, and of no others.

mod limit;
mod topics;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

pub use self::limit::FIRINGS_PER_SECOND;
use self::limit::{Limit, Permission};
use self::topics::Topics;
pub use self::topics::{MAX_VALUE_BYTES, Unreadable};
use super::condition::{Ask, Condition};
use super::rule::TriggerSettings;
use super::trace::{Cause, Published, Trace, Verdict, as_json};
use super::trigger::{Step, Trigger, shown};
use crate::broker::Qos;
use crate::clock::{Moment, Now, UtcMillis};
use crate::home::Value;

/// A rule that has passed its checks; made by [`super::check::compile`].
#[derive(Debug)]
pub struct Rule {
    pub name: String,
    pub triggers: Vec<TriggerSettings>,
    pub condition: Option<Condition>,
    pub actions: Vec<Action>,
}

/// A message that a rule publishes.
#[derive(Clone, Debug, PartialEq)]
pub struct Action {
    pub topic: Arc<str>,
    pub payload: Arc<str>,
    pub qos: Qos,
    pub retain: bool,
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
    pub traces: Vec<Trace>,
}

/// The rules at work.
#[derive(Debug)]
pub struct Engine {
    rules: Vec<Running>,
    topics: Topics,
    /// Ends of hold times: when, which rule, which of its triggers.
    timers: BTreeSet<(Moment, usize, usize)>,
}

#[derive(Debug)]
struct Running {
    rule: Arc<Rule>,
    triggers: Vec<Trigger>,
    /// Where the answers to the condition's questions are, in its order.
    asked: Vec<usize>,
    limit: Limit,
    last_fired: Option<UtcMillis>,
}

impl Engine {
    /// An engine that has heard nothing yet.
    pub fn new(rules: impl IntoIterator<Item = Arc<Rule>>) -> Engine {
        let mut topics = Topics::default();
        let running = rules.into_iter().enumerate();
        let rules = running
            .map(|(index, rule)| Running::new(index, rule, &mut topics))
            .collect();
        Engine {
            rules,
            topics,
            timers: BTreeSet::new(),
        }
    }

    /// The topics to listen to.
    pub fn topics(&self) -> impl Iterator<Item = &Arc<str>> {
        self.topics.names()
    }

    /// Begins with the state in which the house is found.
    ///
    /// All values are taken in before any rule looks at one, so that no
    /// condition is judged on half a house. Each rule leaves a trace.
    pub fn start<'a>(&mut self, found: impl IntoIterator<Item = Event<'a>>, now: Now) -> Outcome {
        let mut outcome = Outcome {
            actions: Vec::new(),
            traces: self.rules.iter().map(|rule| rule.waiting(now)).collect(),
        };
        let taken: Vec<_> = found
            .into_iter()
            .filter_map(|event| self.topics.take_in(event, now))
            .collect();
        for (topic, readable) in taken {
            self.look_at(topic, readable, now, &mut outcome);
        }
        self.listen(now);
        outcome
    }

    /// Silence counts from the last message, which may be from before the start; where
    /// nothing was ever said, from the start.
    fn listen(&mut self, now: Now) {
        for (rule, running) in self.rules.iter_mut().enumerate() {
            for (nth, trigger) in running.triggers.iter_mut().enumerate() {
                if !trigger.is_quiet() {
                    continue;
                }
                let begun = trigger.deadline();
                let already = self
                    .topics
                    .silence(trigger.topic(), now)
                    .unwrap_or_default();
                trigger.listen(already, now.moment);
                if let Some(begun) = begun {
                    self.timers.remove(&(begun, rule, nth));
                }
                self.timers
                    .extend(trigger.deadline().map(|until| (until, rule, nth)));
            }
        }
    }

    /// Takes a message. Hold times that are over by `now` end before it.
    pub fn handle(&mut self, event: Event<'_>, now: Now) -> Outcome {
        let mut outcome = self.wake(now);
        if let Some((topic, readable)) = self.topics.take_in(event, now) {
            self.look_at(topic, readable, now, &mut outcome);
        }
        outcome
    }

    /// Ends the hold times that are over.
    pub fn wake(&mut self, now: Now) -> Outcome {
        let mut outcome = Outcome::default();
        while let Some(&(deadline, rule, trigger)) = self.timers.first()
            && deadline <= now.moment
        {
            self.timers.pop_first();
            if self.rules[rule].triggers[trigger].wake(now.moment) {
                self.rules[rule].fire(trigger, &self.topics, now, &mut outcome);
            }
        }
        outcome
    }

    /// When [`Engine::wake`] has something to do.
    pub fn next_wake(&self) -> Option<Moment> {
        self.timers.first().map(|(deadline, _, _)| *deadline)
    }

    /// Shows a topic's new value to the triggers that watch it.
    fn look_at(
        &mut self,
        topic: usize,
        readable: Result<(), Unreadable>,
        now: Now,
        outcome: &mut Outcome,
    ) {
        for &(rule, trigger) in self.topics.watchers(topic) {
            let running = &mut self.rules[rule];
            // Whatever came, it was not silence.
            if let Err(unreadable) = readable
                && !running.triggers[trigger].is_quiet()
            {
                let because = format!("{} {unreadable}", running.triggers[trigger].topic());
                outcome
                    .traces
                    .push(running.trace(Verdict::Error, because, now));
                continue;
            }
            let watching = &mut running.triggers[trigger];
            let held_until = watching.deadline();
            let value = self.topics.value(topic);
            let step = watching.observe(value, now.moment);
            let holds_until = watching.deadline();
            if held_until != holds_until {
                if let Some(until) = held_until {
                    self.timers.remove(&(until, rule, trigger));
                }
                self.timers
                    .extend(holds_until.map(|until| (until, rule, trigger)));
            }
            running.follow(step, trigger, &self.topics, now, outcome);
        }
    }
}

impl Running {
    fn new(index: usize, rule: Arc<Rule>, topics: &mut Topics) -> Running {
        for (trigger, settings) in rule.triggers.iter().enumerate() {
            topics.watch(&settings.topic, (index, trigger));
        }
        let inputs = rule.condition.iter().flat_map(Condition::inputs);
        Running {
            asked: inputs.map(|input| topics.know(&input.topic)).collect(),
            triggers: rule.triggers.iter().cloned().map(Trigger::new).collect(),
            limit: Limit::default(),
            last_fired: None,
            rule,
        }
    }

    fn follow(
        &mut self,
        step: Step,
        trigger: usize,
        topics: &Topics,
        now: Now,
        outcome: &mut Outcome,
    ) {
        let watching = &self.triggers[trigger];
        let (verdict, because) = match step {
            Step::Nothing => return,
            Step::Fire => return self.fire(trigger, topics, now, outcome),
            Step::Held => (Verdict::Holding, watching.held()),
            Step::Broken => (Verdict::Waiting, watching.broken()),
            Step::Rearmed => (Verdict::Waiting, watching.rearmed()),
            Step::NoNumber => (Verdict::Error, no_number(watching, topics)),
        };
        let trace = self.trace(verdict, because, now);
        outcome.traces.push(trace.caused_by(watching));
    }

    /// The trigger has fired: judges the condition and acts.
    fn fire(&mut self, trigger: usize, topics: &Topics, now: Now, outcome: &mut Outcome) {
        let answers = self.answers(topics, now);
        let why = self.triggers[trigger].fired();
        let (verdict, because) = match self.judge(&answers) {
            Ok(None) => self.permit(why, now),
            Ok(Some(true)) => self.permit(format!("{why}; condition was true"), now),
            Ok(Some(false)) => (
                Verdict::ConditionFalse,
                format!("{why}; condition was false, so nothing was done"),
            ),
            Err(error) => (
                Verdict::Error,
                format!("{why}; the condition could not be judged: {error}"),
            ),
        };
        if verdict == Verdict::Fired {
            self.last_fired = Some(now.utc);
            outcome.actions.extend(self.rule.actions.iter().cloned());
        }
        if !because.is_empty() {
            let trace = self.trace(verdict, because, now);
            let trace = trace.caused_by(&self.triggers[trigger]);
            outcome.traces.push(self.with_values(trace, answers));
        }
    }

    /// Whether the rule may act; the sentence is empty when all is said.
    fn permit(&mut self, why: String, now: Now) -> (Verdict, String) {
        match self.limit.ask(now.moment) {
            Permission::Granted => (Verdict::Fired, why),
            Permission::FirstDenied => (
                Verdict::Error,
                format!(
                    "{why}; held back, because this rule has already acted {FIRINGS_PER_SECOND} times \
                     within a second: does it trigger itself, or another rule that triggers it?"
                ),
            ),
            Permission::Denied => (Verdict::Error, String::new()),
        }
    }

    fn judge(&self, answers: &[Option<Value>]) -> Result<Option<bool>, String> {
        match &self.rule.condition {
            Some(condition) => condition.judge(answers).map(Some),
            None => Ok(None),
        }
    }

    fn answers(&self, topics: &Topics, now: Now) -> Vec<Option<Value>> {
        let inputs = self.rule.condition.iter().flat_map(Condition::inputs);
        inputs
            .zip(&self.asked)
            .map(|(input, topic)| match input.ask {
                Ask::Value => topics.value(*topic).cloned(),
                Ask::Age => topics.age(*topic, now).map(Value::Number),
            })
            .collect()
    }

    /// The trace that shows the rule to the page before anything has happened.
    fn waiting(&self, now: Now) -> Trace {
        let awaited: Vec<String> = self
            .triggers
            .iter()
            .map(|trigger| format!("{} {}", trigger.topic(), trigger.awaited()))
            .collect();
        let because = format!("waiting for {}", awaited.join(", or for "));
        self.trace(Verdict::Waiting, because, now)
    }

    fn trace(&self, outcome: Verdict, because: String, now: Now) -> Trace {
        Trace {
            rule: self.rule.name.clone(),
            at: now.utc,
            outcome,
            because,
            trigger: None,
            condition: self.rule.condition.as_ref().map(|c| c.text().to_owned()),
            values: BTreeMap::new(),
            actions: Vec::new(),
            last_fired: self.last_fired,
            took_us: 0,
        }
    }

    /// Adds what the condition saw and, if it fired, what was published.
    fn with_values(&self, mut trace: Trace, answers: Vec<Option<Value>>) -> Trace {
        let inputs = self.rule.condition.iter().flat_map(Condition::inputs);
        let seen = inputs.zip(answers);
        trace.values = seen
            .map(|(input, answer)| (input.to_string(), as_json(answer.as_ref())))
            .collect();
        if trace.outcome == Verdict::Fired {
            trace.actions = self.rule.actions.iter().map(published).collect();
        }
        trace
    }
}

impl Trace {
    fn caused_by(self, trigger: &Trigger) -> Trace {
        let cause = Cause {
            topic: trigger.topic().to_owned(),
            before: as_json(trigger.before()),
            after: as_json(trigger.last()),
        };
        Trace {
            trigger: Some(cause),
            ..self
        }
    }
}

fn published(action: &Action) -> Published {
    Published {
        topic: action.topic.to_string(),
        payload: action.payload.to_string(),
    }
}

fn no_number(trigger: &Trigger, topics: &Topics) -> String {
    let said = shown(topics.value_of(trigger.topic()));
    let topic = trigger.topic();
    format!("{topic} said {said}, which is no number; the rule goes on as if it had not come")
}

#[cfg(test)]
mod tests;
