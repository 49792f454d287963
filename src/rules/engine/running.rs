//! One rule at work: whether it acts when something makes it.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use super::asked::Asked;
use super::chain::Chain;
use super::keeping::Keeping;
use super::limit::{Limit, Permission};
use super::memory::Start;
use super::run::{Report, Run};
use super::scene::Scene;
use super::timers::Due;
use super::topics::{Topics, Watcher};
use super::{Dirt, Rule};
use crate::clock::{Moment, UtcMillis};
use crate::home::Value;
use crate::rules::expression::Answer;
use crate::rules::rule::{ClockSettings, Mode, Subject};
use crate::rules::trace::{Trace, Verdict, spoken};
use crate::rules::trigger::{Step, Trigger};

/// A time that was missed by more is over: nobody wants the morning's light at noon.
const LATEST: Duration = Duration::from_secs(60);
/// How long a rule that tripped stays off.
pub const TRIPPED_FOR: Duration = Duration::from_secs(60);

#[derive(Debug)]
pub(super) struct Running {
    pub(super) rule: Arc<Rule>,
    pub(super) index: usize,
    pub(super) triggers: Vec<Watching>,
    /// Where the answers to each expression's questions are.
    pub(super) asked: Vec<Vec<Asked>>,
    pub(super) runs: Vec<Run>,
    /// Starts that wait for their turn; the rule's mode bounds them.
    pub(super) queue: VecDeque<Start>,
    pub(super) next_run: u64,
    pub(super) cooldown: Option<Moment>,
    pub(super) enabled: bool,
    /// Until when it is off because it triggered itself.
    pub(super) tripped: Option<Moment>,
    pub(super) keeping: Option<Keeping>,
    pub(super) limit: Limit,
    pub(super) last_fired: Option<UtcMillis>,
    pub(super) dirt: Dirt,
    /// Messages that may not have gone out yet; they are part of its memory.
    pub(super) unsaid: Vec<super::recall::Pending>,
    /// Messages since the memory was last handed out.
    pub(super) fresh: Vec<super::memory::Unsaid>,
}

/// A trigger on one topic.
#[derive(Debug)]
pub(super) struct Watching {
    pub(super) trigger: Trigger,
    /// Which of the rule's triggers it is.
    pub(super) nth: usize,
    /// By the rule's names for them; none where this trigger captures nothing so named.
    pub(super) captures: Vec<Answer>,
    /// The rules behind the message that began its hold time.
    pub(super) chain: Chain,
}

impl Running {
    pub(super) fn new(index: usize, rule: Arc<Rule>, topics: &mut Topics) -> Running {
        let asked = Asked::all(&rule, index, topics);
        let keeping = rule
            .keep
            .as_ref()
            .map(|keep| Keeping::new(keep, index, topics));
        let mut running = Running {
            index,
            triggers: Vec::new(),
            asked,
            runs: Vec::new(),
            queue: VecDeque::new(),
            next_run: 1,
            cooldown: None,
            enabled: true,
            tripped: None,
            keeping,
            limit: Limit::new(rule.rate),
            last_fired: None,
            dirt: Dirt::Clean,
            unsaid: Vec::new(),
            fresh: Vec::new(),
            rule: Arc::clone(&rule),
        };
        for (nth, settings) in rule.triggers.iter().enumerate() {
            match &settings.subject {
                Subject::Topic(topic) => {
                    running.watch(nth, topic, topics);
                }
                Subject::Matches(pattern) => {
                    let watcher = Watcher { rule: index, nth };
                    topics.watch_all(pattern.clone(), watcher);
                }
            }
        }
        running
    }

    /// Sets one of the rule's triggers on a topic; gives its index.
    pub(super) fn watch(&mut self, nth: usize, topic: &str, topics: &mut Topics) -> Option<usize> {
        let rule = Arc::clone(&self.rule);
        let settings = rule.triggers.get(nth)?;
        let captures = match &settings.subject {
            Subject::Topic(_) => vec![None; rule.captures.len()],
            Subject::Matches(pattern) => {
                let captured: Vec<_> = pattern.names().zip(pattern.captures(topic)?).collect();
                let find = |wanted: &String| {
                    let found = captured.iter().find(|(name, _)| name == wanted);
                    found.map(|(_, word)| Value::Text((*word).to_owned()))
                };
                rule.captures.iter().map(find).collect()
            }
        };
        let known = topics.know(topic);
        self.triggers.push(Watching {
            trigger: Trigger::new(settings, Arc::clone(topics.name(known))),
            nth,
            captures,
            chain: Chain::default(),
        });
        let index = self.triggers.len() - 1;
        topics.watch(known, self.index, index);
        Some(index)
    }

    /// What a message did to one of the triggers.
    pub(super) fn follow(
        &mut self,
        step: Step,
        trigger: usize,
        chain: Chain,
        scene: &mut Scene<'_>,
    ) {
        let watching = &mut self.triggers[trigger];
        if let Step::Held | Step::Fire = step {
            watching.chain = chain;
        }
        let heard = &watching.trigger;
        let (verdict, because) = match step {
            Step::Nothing => return,
            Step::Fire => return self.fire(trigger, scene),
            Step::Held => (Verdict::Holding, heard.held()),
            Step::Broken => (Verdict::Waiting, heard.broken()),
            Step::Rearmed => (Verdict::Waiting, heard.rearmed()),
            Step::NoNumber => (
                Verdict::Error,
                super::telling::no_number(heard, scene.topics),
            ),
        };
        let timed = matches!(step, Step::Held | Step::Broken);
        self.soil(if timed { Dirt::Sure } else { Dirt::Lazy });
        let trace = self.trace(verdict, because, scene.now);
        let trace = trace.caused_by(&self.triggers[trigger].trigger);
        scene.tell(trace);
    }

    /// A trigger has fired.
    pub(super) fn fire(&mut self, trigger: usize, scene: &mut Scene<'_>) {
        let watching = &self.triggers[trigger];
        let heard = &watching.trigger;
        let mut names = vec![
            Some(Value::Text(heard.topic().to_owned())),
            heard.last().cloned(),
        ];
        names.extend(watching.captures.iter().cloned());
        let start = Start {
            why: heard.fired(),
            cause: Some(heard.cause()),
            names,
            chain: watching.chain.clone(),
        };
        self.soil(Dirt::Lazy);
        self.begin(start, scene);
    }

    /// A time of the house's clock has come, so long ago.
    pub(super) fn strike(&mut self, clock: &ClockSettings, late: Duration, scene: &mut Scene<'_>) {
        if late <= LATEST {
            return self.begin(self.nameless(format!("it is {}", clock.text)), scene);
        }
        let because = format!(
            "it was {} {} ago, while the clock was set or the computer slept; that is over",
            clock.text,
            spoken(Duration::from_secs(late.as_secs()))
        );
        let trace = self.trace(Verdict::Waiting, because, scene.now);
        scene.tell(trace);
    }

    /// A start that no message made.
    pub(super) fn nameless(&self, why: impl Into<String>) -> Start {
        Start {
            why: why.into(),
            cause: None,
            names: vec![None; 2 + self.rule.captures.len()],
            chain: Chain::default(),
        }
    }

    /// Acts, unless something speaks against it.
    pub(super) fn begin(&mut self, start: Start, scene: &mut Scene<'_>) {
        // Its last trace says why it is off; that is not to be hidden.
        if self.is_tripped(scene.now.moment) {
            return;
        }
        if let Some(reason) = self.is_off(scene.now.moment) {
            return self.pass(&start, reason, scene);
        }
        if start.chain.count(&self.rule.name) > self.rule.allow_cycle as usize {
            return self.trip(&start, scene);
        }
        let mut report = Report::default();
        if let Some(condition) = self.rule.condition {
            match self.judge(condition, &start.names, None, &mut report, scene) {
                Ok(true) => {}
                Ok(false) => {
                    let because =
                        format!("{}; condition was false, so nothing was done", start.why);
                    return self.tell(Verdict::ConditionFalse, because, &start, report, scene);
                }
                Err(error) => {
                    let because =
                        format!("{}; the condition could not be judged: {error}", start.why);
                    return self.tell(Verdict::Error, because, &start, report, scene);
                }
            }
        }
        if let Some(reason) = self.is_busy(&start) {
            return self.pass(&start, reason, scene);
        }
        if !self.permitted(&start.why, &start, scene) {
            return;
        }
        // Only now: what may not begin anew goes on.
        if self.rule.mode == Mode::Restart {
            self.end_runs(scene);
        }
        self.act(start, report, scene);
    }

    /// Whether it is off because it triggered itself.
    pub(super) fn is_tripped(&self, now: Moment) -> bool {
        self.tripped.is_some_and(|until| until > now)
    }

    /// Why the rule lets triggers pass now, whatever comes.
    fn is_off(&self, now: Moment) -> Option<String> {
        if !self.enabled {
            return Some("the rule is turned off".to_owned());
        }
        let rest = self.cooldown?.since(now);
        (!rest.is_zero()).then(|| format!("the rule rests for another {}", spoken(rest)))
    }

    /// Why the rule's mode lets a trigger pass; what may wait for its turn is queued.
    fn is_busy(&mut self, start: &Start) -> Option<String> {
        if self.runs.is_empty() {
            return None;
        }
        match self.rule.mode {
            Mode::Single => Some("its actions still go on".to_owned()),
            Mode::Restart => None,
            Mode::Parallel { max } if self.runs.len() >= max => Some(format!(
                "its actions go on {max} times already, which is the most"
            )),
            Mode::Parallel { .. } => None,
            Mode::Queued { max } if self.queue.len() >= max => Some(format!(
                "{max} wait for their turn already, which is the most"
            )),
            Mode::Queued { .. } => {
                self.queue.push_back(start.clone());
                self.soil(Dirt::Sure);
                Some(format!(
                    "it waits for its turn, as number {}",
                    self.queue.len()
                ))
            }
        }
    }

    /// Whether the rule may act once more; told when it may not for the first time.
    pub(super) fn permitted(&mut self, why: &str, start: &Start, scene: &mut Scene<'_>) -> bool {
        match self.limit.ask(scene.now.moment) {
            Permission::Granted => true,
            Permission::Denied => false,
            Permission::FirstDenied => {
                let rate = self.rule.rate;
                let because = format!(
                    "{why}; held back, because this rule has already acted {} times within {}: does it \
                     trigger itself, or another rule that triggers it?",
                    rate.times,
                    spoken(rate.per)
                );
                self.tell(Verdict::Error, because, start, Report::default(), scene);
                false
            }
        }
    }

    fn pass(&mut self, start: &Start, reason: String, scene: &mut Scene<'_>) {
        let because = format!("{}; {reason}", start.why);
        self.tell(Verdict::Passed, because, start, Report::default(), scene);
    }

    /// It stands in the chain that led to it: it is off for a while.
    pub(super) fn trip(&mut self, start: &Start, scene: &mut Scene<'_>) {
        let until = scene.now.moment + TRIPPED_FOR;
        self.tripped = Some(until);
        scene.timers.add(until, self.index, Due::Close);
        self.end_all(scene);
        let path: Vec<&str> = start.chain.names().map(|name| &**name).collect();
        let because = format!(
            "{}; but that was the work of {}, so this rule triggers itself: it is off for {}",
            start.why,
            path.join(", then "),
            spoken(TRIPPED_FOR)
        );
        self.tell(Verdict::Error, because, start, Report::default(), scene);
    }

    /// The time for which it was off because it had tripped is over.
    pub(super) fn close(&mut self, scene: &mut Scene<'_>) {
        self.tripped = None;
        let because = "on again after it had triggered itself".to_owned();
        let trace = self.trace(Verdict::Waiting, because, scene.now);
        scene.tell(trace);
    }

    pub(super) fn act(&mut self, start: Start, report: Report, scene: &mut Scene<'_>) {
        self.last_fired = Some(scene.now.utc);
        if !self.rule.cooldown.is_zero() {
            self.cooldown = Some(scene.now.moment + self.rule.cooldown);
            self.soil(Dirt::Sure);
        }
        self.run(start, report, scene);
    }

    /// Turns it on or off.
    pub(super) fn switch(&mut self, on: bool, by: &str, scene: &mut Scene<'_>) {
        if self.enabled == on {
            return;
        }
        self.enabled = on;
        self.soil(Dirt::Sure);
        let because = match on {
            true => format!("turned on by {by}"),
            false => {
                let pending = self.runs.len() + self.queue.len();
                self.end_all(scene);
                match pending {
                    0 => format!("turned off by {by}"),
                    _ => format!("turned off by {by}; what it had begun ends here"),
                }
            }
        };
        let trace = self.trace(Verdict::Waiting, because, scene.now);
        scene.tell(trace);
    }

    pub(super) fn soil(&mut self, dirt: Dirt) {
        self.dirt = self.dirt.max(dirt);
    }

    pub(super) fn tell(
        &mut self,
        verdict: Verdict,
        because: String,
        start: &Start,
        report: Report,
        scene: &mut Scene<'_>,
    ) {
        let trace = self.trace(verdict, because, scene.now);
        scene.tell(Trace {
            trigger: start.cause.clone(),
            values: report.values,
            actions: report.actions,
            steps: report.steps,
            run: report.run,
            chain: start.chain.names().map(|name| name.to_string()).collect(),
            ..trace
        });
    }
}
