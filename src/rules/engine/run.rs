//! Actions that take time: how they begin, wait, go on and end.

use std::collections::BTreeMap;

use super::Dirt;
use super::memory::{self, Left, Start};
use super::running::Running;
use super::scene::Scene;
use super::steps::MOST_STEPS;
use super::timers::Due;
use crate::clock::Moment;
use crate::rules::program::Op;
use crate::rules::rule::OnTimeout;
use crate::rules::trace::{Published, Verdict, spoken};

/// Actions that go on over time.
#[derive(Debug)]
pub(super) struct Run {
    pub(super) id: u64,
    /// The step that it stands at.
    pub(super) at: usize,
    pub(super) counters: Vec<u32>,
    pub(super) start: Start,
    /// When the wait that it stands at is over.
    pub(super) until: Moment,
}

/// What there is to tell of an evaluation.
#[derive(Debug, Default)]
pub(super) struct Report {
    pub(super) values: BTreeMap<String, serde_json::Value>,
    pub(super) actions: Vec<Published>,
    pub(super) steps: Vec<String>,
    pub(super) run: Option<u64>,
    pub(super) error: Option<String>,
}

/// Where actions stand after as many steps as could be done.
pub(super) enum Stand {
    Over,
    Waits,
    /// They would go on for ever.
    Endless,
}

impl Run {
    pub(super) fn memory(&self, now: crate::clock::Now) -> memory::Run {
        memory::Run {
            id: self.id,
            at: self.at,
            counters: self.counters.clone(),
            start: self.start.clone(),
            left: Left::until(self.until, now),
        }
    }

    /// Takes up what was written down; its wait is over at `until`.
    pub(super) fn resume(memory: memory::Run, until: Moment) -> Run {
        Run {
            id: memory.id,
            at: memory.at,
            counters: memory.counters,
            start: memory.start,
            until,
        }
    }
}

impl Running {
    /// Begins the actions.
    pub(super) fn run(&mut self, start: Start, mut report: Report, scene: &mut Scene<'_>) {
        let mut run = Run {
            id: self.next_run,
            at: 0,
            counters: vec![0; self.rule.counters],
            start,
            until: scene.now.moment,
        };
        self.next_run += 1;
        let stand = self.advance(&mut run, &mut report, scene);
        if matches!(stand, Stand::Waits) || self.rule.takes_time() {
            report.run = Some(run.id);
        }
        let why = match &self.rule.condition {
            Some(_) => format!("{}; condition was true", run.start.why),
            None => run.start.why.clone(),
        };
        self.finish(run, stand, Verdict::Fired, why, report, scene);
    }

    /// The wait of a run may be over.
    pub(super) fn wake_run(&mut self, id: u64, scene: &mut Scene<'_>) {
        let found = self.runs.iter().position(|run| run.id == id);
        let Some(found) = found.filter(|at| self.runs[*at].until <= scene.now.moment) else {
            return;
        };
        let mut run = self.runs.remove(found);
        let mut report = Report {
            run: Some(id),
            ..Report::default()
        };
        let why = match self.rule.steps.get(run.at).map(|step| &step.op) {
            Some(Op::WaitFor {
                condition,
                timeout,
                on_timeout,
            }) => match self.judge_in(&run, *condition, &mut report, scene) {
                Ok(true) => "what it waited for has come".to_owned(),
                _ if *on_timeout == OnTimeout::GoOn => {
                    format!("{} went by in vain; it goes on", spoken(*timeout))
                }
                _ => {
                    let why = format!(
                        "{} went by without what it waited for; it ends here",
                        spoken(*timeout)
                    );
                    return self.finish(run, Stand::Over, Verdict::Done, why, report, scene);
                }
            },
            Some(Op::Delay(duration)) => format!("{} went by", spoken(*duration)),
            _ => "it goes on".to_owned(),
        };
        run.at += 1;
        self.go_on(run, why, report, scene);
    }

    fn go_on(&mut self, mut run: Run, why: String, mut report: Report, scene: &mut Scene<'_>) {
        let stand = self.advance(&mut run, &mut report, scene);
        let verdict = match stand {
            Stand::Waits => Verdict::Running,
            _ => Verdict::Done,
        };
        let why = format!("{why}, after {}", run.start.why);
        self.finish(run, stand, verdict, why, report, scene);
    }

    /// Looks at the conditions that runs wait for.
    pub(super) fn look(&mut self, scene: &mut Scene<'_>) {
        let mut waiting: Vec<u64> = self.runs.iter().map(|run| run.id).collect();
        while !waiting.is_empty() {
            let id = waiting.remove(0);
            let Some(at) = self.runs.iter().position(|run| run.id == id) else {
                continue;
            };
            let mut report = Report {
                run: Some(id),
                ..Report::default()
            };
            let Some(condition) = self.waited_for(&self.runs[at]) else {
                continue;
            };
            if self.judge_in(&self.runs[at], condition, &mut report, scene) == Ok(true) {
                let mut run = self.runs.remove(at);
                scene.timers.remove(run.until, self.index, Due::Run(id));
                run.at += 1;
                self.go_on(run, "what it waited for has come".to_owned(), report, scene);
            }
        }
        self.look_again(scene);
    }

    /// The condition that a run waits for.
    fn waited_for(&self, run: &Run) -> Option<usize> {
        match self.rule.steps.get(run.at).map(|step| &step.op) {
            Some(Op::WaitFor { condition, .. }) => Some(*condition),
            _ => None,
        }
    }

    /// Plans the next look, where time alone may make a condition true.
    pub(super) fn look_again(&self, scene: &mut Scene<'_>) {
        let waited_for = self.runs.iter().filter_map(|run| self.waited_for(run));
        let paces = waited_for.filter_map(|condition| self.rule.pace(condition));
        if let Some(pace) = paces.min() {
            scene.plan_look(self.index, pace);
        }
    }

    /// Puts away a run that waits, or ends it and lets the next one begin.
    fn finish(
        &mut self,
        run: Run,
        stand: Stand,
        verdict: Verdict,
        mut because: String,
        mut report: Report,
        scene: &mut Scene<'_>,
    ) {
        let mut verdict = verdict;
        if let Some(error) = report.error.take() {
            because = format!("{because}; {error}");
            verdict = Verdict::Error;
        }
        if matches!(stand, Stand::Endless) {
            verdict = Verdict::Error;
            because = format!(
                "{because}; stopped after {MOST_STEPS} steps without a wait, because it would never end"
            );
        }
        let start = run.start.clone();
        match stand {
            Stand::Waits => {
                scene.timers.add(run.until, self.index, Due::Run(run.id));
                self.runs.push(run);
                self.soil(Dirt::Sure);
                self.look_again(scene);
            }
            Stand::Over | Stand::Endless if self.rule.takes_time() => self.soil(Dirt::Sure),
            Stand::Over | Stand::Endless => {}
        }
        self.tell(verdict, because, &start, report, scene);
        self.next_in_queue(scene);
    }

    /// Lets those begin whose turn has come.
    pub(super) fn next_in_queue(&mut self, scene: &mut Scene<'_>) {
        while self.runs.is_empty()
            && let Some(start) = self.queue.pop_front()
        {
            self.soil(Dirt::Sure);
            if self.permitted(&start.why, &start, scene) {
                self.act(start, Report::default(), scene);
            }
        }
    }

    /// Ends what goes on, what waits for its turn, and what it sees to.
    pub(super) fn end_all(&mut self, scene: &mut Scene<'_>) {
        if !self.queue.is_empty() {
            self.queue.clear();
            self.soil(Dirt::Sure);
        }
        self.end_runs(scene);
        self.keep_no_more(scene);
    }

    /// Ends what goes on.
    pub(super) fn end_runs(&mut self, scene: &mut Scene<'_>) {
        for run in self.runs.drain(..) {
            scene.timers.remove(run.until, self.index, Due::Run(run.id));
            self.dirt = Dirt::Sure;
        }
    }
}
