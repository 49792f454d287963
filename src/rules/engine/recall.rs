//! Writing down what rules must not forget, and taking it up again.

use std::sync::Arc;
use std::time::Duration;

use super::memory::{self, Gap, Left, Memories, Memory, Unsaid};
use super::run::Run;
use super::running::Running;
use super::timers::Due;
use super::{Action, Dirt, Engine, Event, Outcome, Record};
use crate::broker::Qos;
use crate::clock::{Moment, Now};
use crate::rules::program::Rule;
use crate::rules::rule::{AfterDowntime, Mode, Test, TriggerSettings};
use crate::rules::trace::Verdict;

/// The broker has handed on what a rule said, or written it down for those who are away,
/// after this. Until then the memory holds it too.
const SAID_AFTER: Duration = Duration::from_millis(250);

/// A message that is part of the memory.
#[derive(Clone, Debug)]
pub(super) struct Pending {
    message: Unsaid,
    /// When the broker took it.
    said: Option<Moment>,
}

impl From<Unsaid> for Pending {
    fn from(message: Unsaid) -> Pending {
        Pending {
            message,
            said: None,
        }
    }
}

impl Running {
    /// Takes note of messages that go out when the memory is on the disk, and until then
    /// are part of it.
    pub(super) fn owe(&mut self, actions: &[Action]) {
        if !actions.is_empty() && self.remembers() {
            self.fresh.extend(actions.iter().map(|action| Unsaid {
                topic: Arc::clone(&action.topic),
                payload: Arc::clone(&action.payload),
                qos: action.qos as u8,
                retain: action.retain,
            }));
        }
    }

    /// The memory, if it is not as it was written down.
    fn write_down(&mut self, now: Now) -> Option<Record> {
        let dirt = std::mem::replace(&mut self.dirt, Dirt::Clean);
        let fresh = std::mem::take(&mut self.fresh);
        let remembers = self.remembers();
        if dirt == Dirt::Clean || !(remembers || dirt == Dirt::Sure) {
            return None;
        }
        let sure = dirt == Dirt::Sure;
        if sure {
            self.unsaid.extend(fresh.into_iter().map(Pending::from));
        }
        Some(Record {
            rule: Arc::clone(&self.rule.name),
            memory: (remembers || !self.enabled).then(|| self.memory(now)),
            sure,
        })
    }

    /// Whether a stop of the gateway could make the rule forget something that matters.
    /// One that only names states says them again instead, which is harmless.
    pub(super) fn remembers(&self) -> bool {
        let rule = &self.rule;
        let holds = |t: &TriggerSettings| t.test != Test::Quiet && !t.hold.is_zero();
        let has_edges = |t: &TriggerSettings| !matches!(t.test, Test::Changes | Test::Comes);
        rule.takes_time()
            || !rule.cooldown.is_zero()
            || matches!(rule.mode, Mode::Queued { .. })
            || rule.triggers.iter().any(holds)
            || (!rule.only_sets() && rule.triggers.iter().any(has_edges))
    }

    /// All that the rule knows.
    pub(super) fn memory(&self, now: Now) -> Memory {
        let triggers = self.triggers.iter().map(|watching| memory::Trigger {
            nth: watching.nth,
            topic: watching.trigger.topic().into(),
            known: watching.trigger.known(now),
            chain: watching.chain.clone(),
        });
        let cooldown = self.cooldown.filter(|until| *until > now.moment);
        Memory {
            print: self.rule.print,
            written: now.utc,
            enabled: self.enabled,
            triggers: triggers.collect(),
            runs: self.runs.iter().map(|run| run.memory(now)).collect(),
            queue: self.queue.iter().cloned().collect(),
            cooldown: cooldown.map(|until| Left::until(until, now)),
            unsaid: self.unsaid.iter().map(|one| one.message.clone()).collect(),
            last_fired: self.last_fired,
        }
    }

    /// The broker has taken a message, in the order in which the rule said them.
    fn said(&mut self, action: &Action, now: Now) -> bool {
        let mut unsaid = self.unsaid.iter_mut();
        let is_it = |one: &&mut Pending| {
            one.said.is_none()
                && one.message.topic == action.topic
                && one.message.payload == action.payload
        };
        let found = unsaid.find(is_it);
        found.map(|one| one.said = Some(now.moment)).is_some()
    }

    /// What has gone out a while ago need not be said again after a stop.
    pub(super) fn has_said(&mut self, now: Moment) {
        let before = self.unsaid.len();
        let is_fresh = |said: Moment| said + SAID_AFTER > now;
        self.unsaid.retain(|one| one.said.is_none_or(is_fresh));
        if self.unsaid.len() < before {
            self.soil(Dirt::Lazy);
        }
    }
}

impl Engine {
    /// A rule's message has gone out: its memory need not hold it much longer. Whoever
    /// runs the rules says so of each action, after it.
    pub fn said(&mut self, action: &Action, now: Now) {
        if let Some(rule) = self.named(&action.rule)
            && self.rules[rule].said(action, now)
        {
            let then = now.moment + SAID_AFTER;
            self.timers.add(then, rule, Due::Said);
        }
    }

    /// Hands out what has to be written down, once for each rule.
    pub(super) fn write_down(&mut self, now: Now, outcome: &mut Outcome) {
        for rule in std::mem::take(&mut self.dirty) {
            let record = self.rules[rule].write_down(now);
            outcome.records.extend(record);
        }
    }

    /// What every rule knows.
    pub fn memories(&self, now: Now) -> Memories {
        let rules = self.rules.iter();
        rules
            .map(|rule| (Arc::clone(&rule.rule.name), rule.memory(now)))
            .collect()
    }

    /// Goes on where the rules stood before the gateway stopped; before [`Engine::start`].
    pub fn resume(&mut self, memories: Memories, gap: Gap, now: Now) -> Outcome {
        let mut outcome = Outcome::default();
        for (name, memory) in memories {
            let Some(rule) = self.named(&name) else {
                continue;
            };
            // A clock that stands before the time of writing does not know how long it was.
            let gap = match gap {
                Gap::Known if memory.written > now.utc => Gap::Unknown,
                gap => gap,
            };
            self.resume_one(rule, memory, gap, now, &mut outcome);
        }
        outcome
    }

    fn resume_one(
        &mut self,
        rule: usize,
        memory: Memory,
        gap: Gap,
        now: Now,
        outcome: &mut Outcome,
    ) {
        let running = &mut self.rules[rule];
        running.enabled = memory.enabled;
        running.last_fired = memory.last_fired;
        if memory.print != running.rule.print {
            return;
        }
        let after = running.rule.after_downtime;
        let end = |left| memory::end(left, after, gap, now);
        running.cooldown = memory.cooldown.and_then(end);
        running.queue = memory.queue.into();
        // Without a stop, whoever runs the rules has them still.
        if gap != Gap::None {
            running.unsaid = memory.unsaid.into_iter().map(Pending::from).collect();
        }
        let runs = memory.runs.len();
        for mut run in memory.runs {
            run.counters.resize(running.rule.counters, 0);
            running.next_run = running.next_run.max(run.id + 1);
            if let Some(until) = end(run.left) {
                self.timers.add(until, rule, Due::Run(run.id));
                running.runs.push(Run::resume(run, until));
            }
        }
        let dropped = runs - running.runs.len();
        if dropped > 0 {
            let because = format!(
                "{dropped} waiting to go on ran out of time while Hearth was down; dropped, as \
                 after_downtime = \"skip\" says"
            );
            outcome
                .traces
                .push(running.trace(Verdict::Passed, because, now));
        }
        for trigger in memory.triggers {
            self.resume_trigger(rule, trigger, after, gap, now);
        }
    }

    fn resume_trigger(
        &mut self,
        rule: usize,
        memory: memory::Trigger,
        after: AfterDowntime,
        gap: Gap,
        now: Now,
    ) {
        self.meet(&memory.topic);
        let running = &mut self.rules[rule];
        // To name a state again is harmless, and boards may have lost it meanwhile.
        let says_again = gap != Gap::None && running.rule.only_sets();
        let found = running.triggers.iter().position(|watching| {
            watching.nth == memory.nth && *watching.trigger.topic() == *memory.topic
        });
        let Some(trigger) = found else {
            return;
        };
        let watching = &mut running.triggers[trigger];
        watching.chain = memory.chain;
        // How long it has been silent is for the topic to say.
        let is_quiet = watching.trigger.is_quiet();
        let until = |left| memory::end(left, after, gap, now).filter(|_| !is_quiet);
        watching.trigger.resume(memory.known, until);
        if says_again {
            watching.trigger.rearm();
        }
        if let Some(until) = watching.trigger.deadline() {
            self.timers.add(until, rule, Due::Hold(trigger));
        }
    }

    /// Messages that may not have gone out before the stop.
    pub(super) fn say_unsaid(&mut self, outcome: &mut Outcome) {
        for running in &self.rules {
            outcome
                .actions
                .extend(
                    running
                        .unsaid
                        .iter()
                        .map(|one| &one.message)
                        .map(|unsaid| Action {
                            rule: Arc::clone(&running.rule.name),
                            topic: Arc::clone(&unsaid.topic),
                            payload: Arc::clone(&unsaid.payload),
                            qos: match unsaid.qos {
                                0 => Qos::AtMostOnce,
                                1 => Qos::AtLeastOnce,
                                _ => Qos::ExactlyOnce,
                            },
                            retain: unsaid.retain,
                        }),
                );
        }
    }

    /// Other rules from now on. Those that are as they were go on as if nothing had
    /// happened; the others begin, with what the house has said so far and what is
    /// `found` on topics that no rule has named before.
    pub fn replace<'a>(
        &mut self,
        rules: impl IntoIterator<Item = Arc<Rule>>,
        found: impl IntoIterator<Item = Event<'a>>,
        now: Now,
    ) -> Outcome {
        let memories = self.memories(now);
        let mut next = Engine::new(rules);
        next.knows_time = self.knows_time;
        let old = std::mem::replace(self, next);
        for old in old.rules {
            if let Some(index) = self.named(&old.rule.name) {
                let running = &mut self.rules[index];
                running.limit.inherit(old.limit);
                running.tripped = old.tripped;
                if let Some(until) = old.tripped {
                    self.timers.add(until, index, Due::Close);
                }
                running.unsaid = old.unsaid;
                if !running.unsaid.is_empty() {
                    let then = now.moment + SAID_AFTER;
                    self.timers.add(then, index, Due::Said);
                }
            }
        }
        for name in old.topics.names() {
            self.meet(name);
        }
        self.topics.inherit(old.topics);
        self.echoes = old.echoes;
        self.take_in_all(found, now);
        let untouched: Vec<bool> = self
            .rules
            .iter()
            .map(|rule| {
                let memory = memories.get(&rule.rule.name);
                memory.is_some_and(|memory| memory.print == rule.rule.print)
            })
            .collect();
        let mut outcome = self.resume(memories, Gap::None, now);
        self.begin_anew(&untouched, now, &mut outcome);
        self.write_down(now, &mut outcome);
        outcome
    }

    fn begin_anew(&mut self, untouched: &[bool], now: Now, outcome: &mut Outcome) {
        self.listen(now);
        let rules = self.rules.iter().map(|running| &*running.rule);
        self.clocks.start(rules, now);
        for topic in self.topics.heard() {
            for at in 0.. {
                let Some(&(rule, trigger)) = self.topics.watchers(topic).get(at) else {
                    break;
                };
                if untouched[rule] {
                    continue;
                }
                let value = self.topics.value(topic);
                let watching = &mut self.rules[rule].triggers[trigger].trigger;
                let step = watching.find(value, now.moment);
                if let Some(until) = watching.deadline() {
                    self.timers.add(until, rule, Due::Hold(trigger));
                }
                self.with(rule, now, outcome, |running, scene| {
                    running.follow(step, trigger, super::Chain::default(), scene);
                });
            }
        }
        for (rule, untouched) in untouched.iter().enumerate() {
            let is_new = !untouched;
            if is_new {
                outcome.traces.push(self.rules[rule].waiting(now));
            }
            self.with(rule, now, outcome, |running, scene| {
                running.keep("the rules were read again", super::Chain::default(), scene);
                running.look_again(scene);
                running.next_in_queue(scene);
                if is_new {
                    running.soil(Dirt::Sure);
                }
            });
        }
    }

    /// Whether there is a rule of this name.
    pub fn has(&self, rule: &str) -> bool {
        self.rules().any(|known| *known.name == *rule)
    }

    /// The rules as they are, for whoever wants to know which there are.
    pub fn rules(&self) -> impl Iterator<Item = &Arc<Rule>> {
        self.rules.iter().map(|running| &running.rule)
    }
}
