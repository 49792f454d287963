//! What a rule sees of the house while it is looked at, and where it says what it does.

use std::sync::Arc;

use super::chain::{Chain, Echoes};
use super::timers::Timers;
use super::topics::Topics;
use super::{Action, Outcome};
use crate::clock::Now;
use crate::rules::trace::Trace;

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

    /// Publishes a message in the name of a rule.
    pub(super) fn publish(&mut self, action: Action, chain: &Chain) {
        let chain = chain.and(&action.rule);
        self.echoes
            .said(&action.topic, &action.payload, &chain, self.now.moment);
        self.outcome.actions.push(action);
    }
}
