//! What a rule sees of the house while it is looked at, and where it says what it does.

use std::sync::Arc;

use super::chain::{Chain, Echoes};
use super::timers::{Due, Timers};
use super::topics::Topics;
use super::{Action, Outcome};
use crate::clock::{Moment, Now};
use crate::rules::program::LookPace;
use crate::rules::trace::Trace;

/// Milliseconds.
const SECOND: u64 = 1000;
/// Milliseconds.
const MINUTE: i64 = 60_000;

pub(super) struct Scene<'a> {
    pub(super) topics: &'a Topics,
    pub(super) echoes: &'a mut Echoes,
    pub(super) timers: &'a mut Timers,
    pub(super) outcome: &'a mut Outcome,
    /// Rules to turn on or off: by which name, on, by whom.
    pub(super) switches: &'a mut Vec<(String, bool, Arc<str>)>,
    pub(super) now: Now,
    /// Whether the house knows the time of day.
    pub(super) knows_time: bool,
}

impl Scene<'_> {
    pub(super) fn tell(&mut self, trace: Trace) {
        self.outcome.traces.push(trace);
    }

    /// Plans a look at a condition. All looks of one pace fall on the same moments, so
    /// one is pending at most, however often it is planned.
    pub(super) fn plan_look(&mut self, rule: usize, pace: LookPace) {
        let now = self.now;
        let at = |every: u64| Moment((now.moment.0 / every + 1).saturating_mul(every));
        let next = match pace {
            LookPace::Second => at(SECOND),
            // The wall clock may be set meanwhile.
            LookPace::Minute => {
                let passed = now.utc.0.rem_euclid(MINUTE);
                let rest = u64::try_from(MINUTE - passed).unwrap_or_default();
                now.moment.saturating_add_millis(rest).min(at(30 * SECOND))
            }
        };
        self.timers.add(next, rule, Due::Look);
    }

    /// Publishes a message in the name of a rule.
    pub(super) fn publish(&mut self, action: Action, chain: &Chain) {
        let chain = chain.and(&action.rule);
        self.echoes
            .said(&action.topic, &action.payload, &chain, self.now.moment);
        self.outcome.actions.push(action);
    }
}
