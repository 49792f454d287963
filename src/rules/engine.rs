//! The engine: a message and the time in, actions and the next wake-up out.
//!
//! It reads no clock and does no I/O, so a scenario, a replay and the live
//! house run the very same code. A message costs one look-up of its topic and
//! then only the rules that watch it. The engine remembers the current value of
//! the topics that its rules name, and of no others.

mod clocks;
mod limit;
mod telling;
mod topics;

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use self::clocks::Clocks;
pub use self::limit::FIRINGS_PER_SECOND;
use self::limit::{Limit, Permission};
use self::telling::no_number;
use self::topics::Topics;
pub use self::topics::{MAX_VALUE_BYTES, Unreadable};
use super::expression::{Ask, Expression};
use super::rule::{ClockSettings, Subject, TriggerSettings};
use super::schedule::Place;
use super::trace::{Trace, Verdict, spoken};
use super::trigger::{Step, Trigger};
use crate::broker::Qos;
use crate::clock::{Moment, Now, UtcMillis};
use crate::home::Value;

/// A time that was missed by more is over: nobody wants the morning's light at noon.
const LATEST: Duration = Duration::from_secs(60);

/// A rule that has passed its checks; made by [`super::check::compile`].
#[derive(Debug)]
pub struct Rule {
    pub name: String,
    pub triggers: Vec<TriggerSettings>,
    pub clocks: Vec<ClockSettings>,
    pub place: Place,
    pub condition: Option<Expression>,
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
    clocks: Clocks,
}

#[derive(Debug)]
struct Running {
    rule: Arc<Rule>,
    triggers: Vec<Trigger>,
    /// The topics that the condition's questions are about, in its order.
    asked: Vec<Option<usize>>,
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
            clocks: Clocks::default(),
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
        let rules = self.rules.iter().map(|running| &*running.rule);
        self.clocks.start(rules, now);
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
                let topic = self.topics.know(trigger.topic());
                let already = self.topics.silence(topic, now).unwrap_or_default();
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
        while let Some(rung) = self.clocks.ring(now) {
            let running = &mut self.rules[rung.rule];
            let Some(clock) = running.rule.clocks.get(rung.clock).cloned() else {
                continue;
            };
            self.clocks.set_again(&rung, &running.rule, now);
            running.strike(&clock, rung.late, &self.topics, now, &mut outcome);
        }
        outcome
    }

    /// When [`Engine::wake`] has something to do.
    pub fn next_wake(&self) -> Option<Moment> {
        let timer = self.timers.first().map(|(deadline, _, _)| *deadline);
        timer.into_iter().chain(self.clocks.next_look()).min()
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
            if let Subject::Topic(topic) = &settings.subject {
                topics.watch(topic, (index, trigger));
            }
        }
        let inputs = rule.condition.iter().flat_map(Expression::inputs);
        Running {
            asked: inputs
                .map(|input| Some(topics.know(input.ask.topic()?)))
                .collect(),
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

    /// The trigger has fired.
    fn fire(&mut self, trigger: usize, topics: &Topics, now: Now, outcome: &mut Outcome) {
        let why = self.triggers[trigger].fired();
        self.act(why, Some(trigger), topics, now, outcome);
    }

    /// A time of the house's clock has come, so long ago.
    fn strike(
        &mut self,
        clock: &ClockSettings,
        late: Duration,
        topics: &Topics,
        now: Now,
        outcome: &mut Outcome,
    ) {
        if late <= LATEST {
            let why = format!("it is {}", clock.text);
            return self.act(why, None, topics, now, outcome);
        }
        let because = format!(
            "it was {} {} ago, while the clock was set or the computer slept; that is over",
            clock.text,
            spoken(Duration::from_secs(late.as_secs()))
        );
        let trace = self.trace(Verdict::Waiting, because, now);
        outcome.traces.push(trace);
    }

    /// Judges the condition and acts.
    fn act(
        &mut self,
        why: String,
        trigger: Option<usize>,
        topics: &Topics,
        now: Now,
        outcome: &mut Outcome,
    ) {
        let answers = self.answers(topics, now);
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
            let trace = match trigger {
                Some(trigger) => trace.caused_by(&self.triggers[trigger]),
                None => trace,
            };
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
            Some(condition) => condition.judge(answers, &[]).map(Some),
            None => Ok(None),
        }
    }

    fn answers(&self, topics: &Topics, now: Now) -> Vec<Option<Value>> {
        let inputs = self.rule.condition.iter().flat_map(Expression::inputs);
        inputs
            .zip(&self.asked)
            .map(|(input, topic)| match (&input.ask, *topic) {
                (Ask::Value(_), Some(topic)) => topics.value(topic).cloned(),
                (Ask::Age(_), Some(topic)) => topics.age(topic, now).map(Value::Number),
                (ask, _) => ask.by_clock(now.utc, &self.rule.place).flatten(),
            })
            .collect()
    }
}

#[cfg(test)]
mod tests;
