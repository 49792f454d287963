//! `[[rule.test]]`: a rule tried on a virtual clock.
//!
//! The rule runs alone, in the engine that runs the house. What it publishes
//! comes back to it as it would through the broker.

mod expected;

use std::collections::{BTreeMap, VecDeque};
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use self::expected::{Sent, unmet};
use super::engine::{Engine, Event, Gap, Memories, Outcome, Rule};
use super::rule::{Given, Happening, Scenario};
use super::trace::{Verdict, spoken};
use crate::clock::{Moment, Now, UtcMillis};

/// How long after the last given message the clock runs on.
const AFTERMATH: Duration = Duration::from_secs(3600);
/// A rule that feeds itself is stopped after this many of its own messages.
const MAX_ECHOES: usize = 1000;
/// A rule may wake up and do steps so often in one test, that a test takes no minutes.
pub const MOST_WORK: usize = 100_000;
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
        let decided = self.timeline.iter().rev().find(|entry| entry.is_decision);
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
    /// Whether it is what the rule decided, and neither what came nor what was sent.
    pub is_decision: bool,
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
            Happening::Message {
                topic,
                payload,
                retain,
            } => run.say(given.at, topic, payload, *retain),
            Happening::Restart(down) => run.restart(given.at, *down),
        }
    }
    run.until(end);
    let reasons = match run.given_up {
        Some(at) => vec![too_much(at, end)],
        None => unmet(scenario, &run.sent, end),
    };
    if reasons.is_empty() {
        return Ok(());
    }
    Err(Failure {
        reasons,
        timeline: run.timeline,
    })
}

fn too_much(at: Duration, end: Duration) -> String {
    format!(
        "the test was given up at {}, because until then the rule had woken up and done steps \
         {MOST_WORK} times; it would have gone on until {}: end it earlier, with `before`, or \
         let the rule look less often",
        spoken(at),
        spoken(end)
    )
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
    rule: Arc<Rule>,
    engine: Engine,
    /// What the rule had written down, as `state.db` would have it.
    memories: Memories,
    /// By topic, with the time of the message.
    retained: BTreeMap<String, (Duration, String)>,
    /// Until when the gateway is down.
    down: Duration,
    sent: Vec<(Duration, Sent)>,
    timeline: Vec<Entry>,
    echoes: usize,
    /// How often the rule woke up, and how many steps it did.
    work: usize,
    /// When that was too much.
    given_up: Option<Duration>,
}

impl Run {
    fn new(rule: &Arc<Rule>, scenario: &Scenario) -> Run {
        let mut run = Run {
            base: base(rule, scenario),
            rule: Arc::clone(rule),
            engine: Engine::new([Arc::clone(rule)]),
            memories: Memories::new(),
            retained: BTreeMap::new(),
            down: Duration::ZERO,
            sent: Vec::new(),
            timeline: Vec::new(),
            echoes: 0,
            work: 0,
            given_up: None,
        };
        let outcome = run.engine.start([], run.now(Duration::ZERO));
        run.follow(Duration::ZERO, outcome);
        run
    }

    fn now(&self, at: Duration) -> Now {
        Now {
            moment: Moment::default() + at,
            utc: self.base + at,
        }
    }

    /// The gateway is killed, and comes back with what it had written down.
    fn restart(&mut self, at: Duration, down: Duration) {
        self.note(
            at,
            format!("Hearth is killed, and down for {}", spoken(down)),
        );
        let back = at.saturating_add(down);
        self.down = back;
        let now = self.now(back);
        self.engine = Engine::new([Arc::clone(&self.rule)]);
        let memories = self.memories.clone();
        let resumed = self.engine.resume(memories, Gap::Known, now);
        let retained = self.retained.clone();
        let found = retained.iter().map(|(topic, (said, payload))| Event {
            topic,
            payload: payload.as_bytes(),
            received: self.base + *said,
        });
        let outcome = self.engine.start(found, now);
        self.note(back, "Hearth starts".to_owned());
        self.follow(back, resumed);
        self.follow(back, outcome);
    }

    /// Lets time pass, with everything that falls due.
    fn until(&mut self, end: Duration) {
        while let Some(due) = self.engine.next_wake().map(since_start)
            && due <= end
            && self.given_up.is_none()
        {
            self.work += 1;
            let outcome = self.engine.wake(self.now(due));
            self.follow(due, outcome);
        }
    }

    fn say(&mut self, at: Duration, topic: &str, payload: &str, retain: bool) {
        if self.given_up.is_some() {
            return;
        }
        self.note(at, format!("{topic} = {payload}"));
        if at < self.down {
            return self.note(at, "  lost, for Hearth is down".to_owned());
        }
        if retain {
            self.retained
                .insert(topic.to_owned(), (at, payload.to_owned()));
        }
        let outcome = self.hear(at, topic, payload);
        self.follow(at, outcome);
    }

    fn hear(&mut self, at: Duration, topic: &str, payload: &str) -> Outcome {
        let now = self.now(at);
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
            self.work += outcome.steps;
            if self.work > MOST_WORK {
                self.given_up.get_or_insert(at);
                return;
            }
            for record in outcome.records {
                match record.memory {
                    Some(memory) => self.memories.insert(record.rule, memory),
                    None => self.memories.remove(&record.rule),
                };
            }
            for trace in outcome.traces {
                self.timeline.push(Entry {
                    at,
                    what: format!("{DECIDED}{}: {}", verdict(trace.outcome), trace.because),
                    is_decision: true,
                });
            }
            for action in outcome.actions {
                self.note(
                    at,
                    format!("{DECIDED}sent {} = {}", action.topic, action.payload),
                );
                let now = self.now(at);
                self.engine.said(&action, now);
                if self.echoes < MAX_ECHOES {
                    self.echoes += 1;
                    outcomes.push_back(self.hear(at, &action.topic, &action.payload));
                }
                if action.retain {
                    let said = (at, action.payload.to_string());
                    self.retained.insert(action.topic.to_string(), said);
                }
                let tells = self.rule.tells.iter().any(|topic| **topic == *action.topic);
                self.sent.push((at, Sent::Message { action, tells }));
            }
            for notice in outcome.notices {
                self.note(at, format!("{DECIDED}told people: {}", notice.message));
                self.sent.push((at, Sent::Notice(notice)));
            }
        }
    }

    fn note(&mut self, at: Duration, what: String) {
        self.timeline.push(Entry {
            at,
            what,
            is_decision: false,
        });
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

#[cfg(test)]
mod tests;
