//! The times that rules wait for, on the house's clock.
//!
//! That clock may be set while the house runs, and the computer may sleep. So it is looked
//! at again and again, each time is set from the present, and none comes twice: what is
//! next is later than what was.

use std::collections::BTreeSet;
use std::time::Duration;

use super::{Engine, Outcome, Rule};
use crate::clock::{Moment, Now, UtcMillis};
use crate::rules::rule::ClockSettings;
use crate::rules::schedule::Place;
use crate::rules::trace::Verdict;

/// How long a clock that was set may go unnoticed.
const LOOK_EVERY: Duration = Duration::from_secs(30);

#[derive(Debug, Default)]
pub(super) struct Clocks {
    /// When, which rule, which of its times.
    due: BTreeSet<(UtcMillis, usize, usize)>,
    /// When the wall clock is looked at next.
    look: Option<Moment>,
}

/// A time that has come.
pub(super) struct Rung {
    pub rule: usize,
    pub clock: usize,
    due: UtcMillis,
    /// How long ago.
    pub late: Duration,
}

impl Clocks {
    pub(super) fn start<'a>(&mut self, rules: impl Iterator<Item = &'a Rule>, now: Now) {
        for (index, rule) in rules.enumerate() {
            for (clock, settings) in rule.clocks.iter().enumerate() {
                self.set((index, clock), settings, &rule.place, now.utc);
            }
        }
        self.plan(now);
    }

    /// Sets a time for its first occasion after a moment.
    fn set(
        &mut self,
        (rule, clock): (usize, usize),
        settings: &ClockSettings,
        place: &Place,
        after: UtcMillis,
    ) {
        let next = settings.schedule.next_after(after, place);
        self.due.extend(next.map(|next| (next, rule, clock)));
    }

    /// Sets a time that has come for its next occasion: a clock that was set back does not
    /// bring it once more.
    pub(super) fn set_again(&mut self, rung: &Rung, rule: &Rule, now: Now) {
        if let Some(settings) = rule.clocks.get(rung.clock) {
            let after = rung.due.max(now.utc);
            self.set((rung.rule, rung.clock), settings, &rule.place, after);
        }
        self.plan(now);
    }

    /// The next time that has come, taken out; when none has, the next look is planned.
    pub(super) fn ring(&mut self, now: Now) -> Option<Rung> {
        let (due, rule, clock) = *self.due.first()?;
        if due > now.utc {
            self.plan(now);
            return None;
        }
        self.due.pop_first();
        Some(Rung {
            rule,
            clock,
            due,
            late: now.utc.since(due),
        })
    }

    pub(super) fn next_look(&self) -> Option<Moment> {
        self.look
    }

    fn plan(&mut self, now: Now) {
        let next = self.due.first().map(|(due, _, _)| due.since(now.utc));
        self.look = next.map(|wait| now.moment + wait.min(LOOK_EVERY));
    }
}

impl Engine {
    /// Says whether the house knows the time of day. While it does not, rules that wait
    /// for one wait, and say so.
    pub fn know_time(&mut self, knows: bool, now: Now) -> Outcome {
        let mut outcome = Outcome::default();
        if self.knows_time == knows {
            return outcome;
        }
        self.knows_time = knows;
        if knows {
            let rules = self.rules.iter().map(|running| &*running.rule);
            self.clocks = Clocks::default();
            self.clocks.start(rules, now);
        }
        let because = match knows {
            true => "the clock is right now; times count again",
            false => {
                "nobody knows what time it is: this computer has no clock that runs without power, and \
                 no network has told it; times wait until then"
            }
        };
        for running in self
            .rules
            .iter()
            .filter(|running| !running.rule.clocks.is_empty())
        {
            let verdict = Verdict::Waiting;
            outcome
                .traces
                .push(running.trace(verdict, because.to_owned(), now));
        }
        outcome
    }
}
