//! How often one rule's traces go out.
//!
//! A sensor that flaps a thousand times a second must not flood the page. In
//! each second a rule's first traces pass; of the others only the last is kept
//! and goes out when the second is over, so what is retained is always the truth.

use std::collections::BTreeMap;
use std::time::Duration;

use super::trace::Trace;
use crate::clock::Moment;

const WINDOW: Duration = Duration::from_secs(1);
const TRACES_PER_WINDOW: u32 = 20;

/// Traces on their way out.
#[derive(Debug, Default)]
pub struct Pace {
    by_rule: BTreeMap<String, Lane>,
    /// The kept ones by when they are due, then by rule: of thousands of rules few keep
    /// one, and a wake must not walk the others.
    kept: BTreeMap<(Moment, String), Trace>,
}

#[derive(Debug, Default)]
struct Lane {
    began: Moment,
    passed: u32,
}

impl Pace {
    /// The trace, if it may go out now; otherwise it replaces the one kept.
    pub fn offer(&mut self, trace: Trace, now: Moment) -> Option<Trace> {
        let lane = self.by_rule.entry(trace.rule.clone()).or_default();
        if now.since(lane.began) >= WINDOW {
            if lane.passed > TRACES_PER_WINDOW {
                self.kept.remove(&(lane.began + WINDOW, trace.rule.clone()));
            }
            lane.began = now;
            lane.passed = 0;
        }
        lane.passed = lane.passed.saturating_add(1);
        if lane.passed <= TRACES_PER_WINDOW {
            return Some(trace);
        }
        let due = (lane.began + WINDOW, trace.rule.clone());
        self.kept.insert(due, trace);
        None
    }

    /// The kept traces whose second is over.
    pub fn due(&mut self, now: Moment) -> Vec<Trace> {
        let mut due = Vec::new();
        while let Some(first) = self.kept.first_entry()
            && first.key().0 <= now
        {
            due.push(first.remove());
        }
        due
    }

    /// When [`Pace::due`] has something to give.
    pub fn next_wake(&self) -> Option<Moment> {
        self.kept.first_key_value().map(|((due, _), _)| *due)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::UtcMillis;
    use crate::rules::trace::Verdict;

    fn trace(n: i64) -> Trace {
        Trace {
            rule: "r".to_owned(),
            at: UtcMillis(n),
            outcome: Verdict::Waiting,
            because: String::new(),
            trigger: None,
            condition: None,
            values: BTreeMap::new(),
            actions: Vec::new(),
            steps: Vec::new(),
            run: None,
            chain: Vec::new(),
            last_fired: None,
            took_us: 0,
        }
    }

    #[test]
    fn the_last_trace_always_goes_out() {
        let mut pace = Pace::default();
        let passed = (0..100).filter(|n| pace.offer(trace(*n), Moment(10)).is_some());
        assert_eq!(passed.count(), 20);
        assert_eq!(pace.next_wake(), Some(Moment(1000)));
        assert_eq!(pace.due(Moment(999)), []);
        assert_eq!(pace.due(Moment(1000)), [trace(99)]);
        assert_eq!(pace.next_wake(), None);
        assert_eq!(pace.offer(trace(100), Moment(1010)), Some(trace(100)));
    }

    #[test]
    fn a_newer_trace_overtakes_the_kept_one() {
        let mut pace = Pace::default();
        for n in 0..30 {
            pace.offer(trace(n), Moment(2000));
        }
        assert_eq!(pace.offer(trace(30), Moment(3500)), Some(trace(30)));
        assert_eq!(pace.due(Moment(9000)), []);
    }
}
