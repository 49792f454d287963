//! When which rule has something to do without being told.

use std::collections::BTreeSet;

use crate::clock::Moment;

/// What falls due.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Due {
    /// The hold time of a trigger.
    Hold(usize),
    /// The wait of a run.
    Run(u64),
    /// A look at a condition that time alone may change.
    Look,
    /// The next try of a `keep`.
    Keep,
    /// The time for which a rule that tripped is off.
    Close,
    /// Messages have gone out since the memory was written.
    Said,
}

/// What falls due, of which rule, in order.
#[derive(Debug, Default)]
pub(super) struct Timers {
    due: BTreeSet<(Moment, usize, Due)>,
}

impl Timers {
    pub(super) fn add(&mut self, at: Moment, rule: usize, due: Due) {
        self.due.insert((at, rule, due));
    }

    pub(super) fn remove(&mut self, at: Moment, rule: usize, due: Due) {
        self.due.remove(&(at, rule, due));
    }

    /// The next that is due by now, taken out.
    pub(super) fn take(&mut self, now: Moment) -> Option<(usize, Due)> {
        let (at, rule, due) = *self.due.first()?;
        if at > now {
            return None;
        }
        self.due.pop_first();
        Some((rule, due))
    }

    pub(super) fn next(&self) -> Option<Moment> {
        self.due.first().map(|(at, ..)| *at)
    }
}
