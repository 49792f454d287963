//! `[[rule.test]]`: a rule tried on a virtual clock.
//!
//! The rule runs alone, in the engine that runs the house. What it publishes
//! comes back to it as it would through the broker.

use std::collections::VecDeque;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use super::engine::{Action, Engine, Event, Outcome, Rule};
use super::rule::{Expectation, Expected, Given, Happening, Scenario};
use super::trace::{Verdict, spoken};
use crate::clock::{Moment, Now, UtcMillis};

/// How long after the last given message the clock runs on.
const AFTERMATH: Duration = Duration::from_secs(3600);
/// A rule that feeds itself is stopped after this many of its own messages.
const MAX_ECHOES: usize = 1000;
/// What the rule did about a message is indented below it.
const DECIDED: &str = "  ";

/// Why a scenario fails: what was expected, and all that happened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    pub reasons: Vec<String>,
    pub timeline: Vec<Entry>,
}

impl Failure {
    /// One line: what was expected, and what the rule decided last.
    pub fn essence(&self) -> String {
        let decided = self
            .timeline
            .iter()
            .rev()
            .find(|e| e.what.starts_with(DECIDED));
        let decided = decided.map_or("the rule decided nothing".to_owned(), |entry| {
            let (at, what) = (spoken(entry.at), entry.what.trim_start());
            format!("the rule's last decision, at {at}, was {what}")
        });
        format!("{}; {decided}", self.reasons.join("; "))
    }
}

/// Something that happened at a time of the virtual clock.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    pub at: Duration,
    pub what: String,
}

/// The reasons, then the timeline, a line each.
impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}", self.reasons.join("; "))?;
        let times: Vec<String> = self.timeline.iter().map(|e| spoken(e.at)).collect();
        let width = times.iter().map(String::len).max().unwrap_or(0);
        let lines: Vec<String> = times
            .iter()
            .zip(&self.timeline)
            .map(|(time, entry)| format!("{time:>width$}  {}", entry.what))
            .collect();
        f.write_str(&lines.join("\n"))
    }
}

/// Runs a scenario.
///
/// # Errors
///
/// What was expected and did not happen, or happened though it must not.
pub fn run(rule: &Arc<Rule>, scenario: &Scenario) -> Result<(), Failure> {
    let mut run = Run::new(rule, scenario);
    let end = end_of(scenario);
    let mut given: Vec<&Given> = scenario.given.iter().collect();
    given.sort_by_key(|given| given.at);
    for given in given {
        run.until(given.at);
        match &given.what {
            Happening::Message { topic, payload, .. } => run.say(given.at, topic, payload),
            Happening::Restart(_) => {}
        }
    }
    run.until(end);
    let reasons = run.unmet(scenario, end);
    if reasons.is_empty() {
        return Ok(());
    }
    Err(Failure {
        reasons,
        timeline: run.timeline,
    })
}

fn end_of(scenario: &Scenario) -> Duration {
    let last = scenario.given.iter().map(|given| given.at).max();
    let expected = scenario.expect.iter().chain(&scenario.expect_not);
    let windows = expected.filter_map(|expectation| expectation.before);
    windows
        .chain([last.unwrap_or_default().saturating_add(AFTERMATH)])
        .max()
        .unwrap_or(AFTERMATH)
}

struct Run {
    /// When it begins, on the house's clock.
    base: UtcMillis,
    engine: Engine,
    sent: Vec<(Duration, Action)>,
    timeline: Vec<Entry>,
    echoes: usize,
}

impl Run {
    fn new(rule: &Arc<Rule>, scenario: &Scenario) -> Run {
        let mut engine = Engine::new([Arc::clone(rule)]);
        let base = base(rule, scenario);
        engine.start([], now_at(base, Duration::ZERO));
        Run {
            base,
            engine,
            sent: Vec::new(),
            timeline: Vec::new(),
            echoes: 0,
        }
    }

    /// Lets time pass, with everything that falls due.
    fn until(&mut self, end: Duration) {
        while let Some(due) = self.engine.next_wake().map(since_start)
            && due <= end
        {
            let outcome = self.engine.wake(now_at(self.base, due));
            self.follow(due, outcome);
        }
    }

    fn say(&mut self, at: Duration, topic: &str, payload: &str) {
        self.note(at, format!("{topic} = {payload}"));
        let outcome = self.hear(at, topic, payload);
        self.follow(at, outcome);
    }

    fn hear(&mut self, at: Duration, topic: &str, payload: &str) -> Outcome {
        let now = now_at(self.base, at);
        let event = Event {
            topic,
            payload: payload.as_bytes(),
            received: now.utc,
        };
        self.engine.handle(event, now)
    }

    /// Notes what the engine decided, and lets it hear its own messages.
    fn follow(&mut self, at: Duration, outcome: Outcome) {
        let mut outcomes = VecDeque::from([outcome]);
        while let Some(outcome) = outcomes.pop_front() {
            for trace in outcome.traces {
                self.note(
                    at,
                    format!("{DECIDED}{}: {}", verdict(trace.outcome), trace.because),
                );
            }
            for action in outcome.actions {
                self.note(
                    at,
                    format!("{DECIDED}sent {} = {}", action.topic, action.payload),
                );
                if self.echoes < MAX_ECHOES {
                    self.echoes += 1;
                    outcomes.push_back(self.hear(at, &action.topic, &action.payload));
                }
                self.sent.push((at, action));
            }
        }
    }

    fn note(&mut self, at: Duration, what: String) {
        self.timeline.push(Entry { at, what });
    }

    fn unmet(&self, scenario: &Scenario, end: Duration) -> Vec<String> {
        let missing = scenario.expect.iter().filter_map(|wanted| {
            let window = Window::new(wanted, end);
            let met = self
                .sent
                .iter()
                .any(|(at, action)| window.takes(*at, action));
            (!met).then(|| format!("expected {window}, but {}", self.instead(wanted)))
        });
        let unwanted = scenario.expect_not.iter().filter_map(|unwanted| {
            let window = Window::new(unwanted, end);
            let (at, action) = self
                .sent
                .iter()
                .find(|(at, action)| window.takes(*at, action))?;
            let (at, payload) = (spoken(*at), &action.payload);
            Some(format!(
                "expected no {window}, but {payload} was sent at {at}"
            ))
        });
        missing.chain(unwanted).collect()
    }

    /// What was sent to the topic in place of what was expected.
    fn instead(&self, wanted: &Expectation) -> String {
        let there = self
            .sent
            .iter()
            .filter(|(_, action)| matches!(&wanted.what, Expected::Message { topic, .. } if **topic == *action.topic));
        let sent: Vec<String> = there
            .map(|(at, action)| format!("{} at {}", action.payload, spoken(*at)))
            .collect();
        match sent.len() {
            0 => "nothing was sent there".to_owned(),
            1..=5 => format!("there was only {}", sent.join(", ")),
            n => format!("there was only {} and {} more", sent[..5].join(", "), n - 5),
        }
    }
}

/// An expectation with its window closed.
struct Window<'a> {
    wanted: &'a Expectation,
    before: Duration,
}

impl<'a> Window<'a> {
    fn new(wanted: &'a Expectation, end: Duration) -> Window<'a> {
        Window {
            wanted,
            before: wanted.before.unwrap_or(end),
        }
    }

    fn takes(&self, at: Duration, action: &Action) -> bool {
        let is_it = match &self.wanted.what {
            Expected::Message { topic, payload } => {
                let payload = payload.as_deref();
                *action.topic == **topic
                    && payload.is_none_or(|payload| payload == &*action.payload)
            }
            Expected::Notice(_) => false,
        };
        is_it && (self.wanted.after..=self.before).contains(&at)
    }
}

impl fmt::Display for Window<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.wanted.what {
            Expected::Message {
                topic,
                payload: Some(payload),
            } => write!(f, "{topic} = {payload}")?,
            Expected::Message {
                topic,
                payload: None,
            } => write!(f, "message to {topic}")?,
            Expected::Notice(text) => write!(f, "notification with `{text}`")?,
        }
        let (after, before) = (spoken(self.wanted.after), spoken(self.before));
        write!(f, " from {after} to {before}")
    }
}

fn verdict(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Waiting => "waiting",
        Verdict::Holding => "holding",
        Verdict::Fired => "fired",
        Verdict::Running => "running",
        Verdict::Done => "done",
        Verdict::Passed => "passed",
        Verdict::ConditionFalse => "condition false",
        Verdict::Error => "error",
    }
}

fn since_start(moment: Moment) -> Duration {
    moment.since(Moment::default())
}

/// When the scenario begins, in the zone of the rule's times.
fn base(rule: &Rule, scenario: &Scenario) -> UtcMillis {
    let zone = &rule.place.zone;
    let moment = scenario
        .starts
        .and_then(|local| zone.to_timestamp(local).ok());
    moment.map_or(UtcMillis::default(), |at| UtcMillis(at.as_millisecond()))
}

fn now_at(base: UtcMillis, at: Duration) -> Now {
    Now {
        moment: Moment::default() + at,
        utc: base + at,
    }
}

#[cfg(test)]
mod tests;
