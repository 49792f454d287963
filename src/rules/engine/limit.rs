//! How often one rule may act.

use std::collections::VecDeque;

use crate::clock::Moment;
use crate::rules::rule::Rate;

/// Remembers when one rule acted, as far back as its rate asks.
#[derive(Clone, Debug)]
pub(super) struct Limit {
    rate: Rate,
    /// At most as many as the rate allows.
    acted: VecDeque<Moment>,
    /// When it was last told that it is held back.
    told: Option<Moment>,
}

/// May the rule act?
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Permission {
    Granted,
    /// Held back, and not yet told within this stretch of time.
    FirstDenied,
    Denied,
}

impl Limit {
    pub(super) fn new(rate: Rate) -> Limit {
        Limit {
            rate,
            acted: VecDeque::new(),
            told: None,
        }
    }

    /// Takes over what another one has counted, if it counts alike.
    pub(super) fn inherit(&mut self, other: Limit) {
        if other.rate == self.rate {
            *self = other;
        }
    }

    /// Counts a wish to act at `now`: granted if it has acted less often than the rate
    /// allows in the time that ends now.
    pub(super) fn ask(&mut self, now: Moment) -> Permission {
        let per = self.rate.per;
        let is_over = |then: &Moment| now.since(*then) >= per;
        while self.acted.front().is_some_and(is_over) {
            self.acted.pop_front();
        }
        if self.acted.len() < self.rate.times as usize {
            self.acted.push_back(now);
            return Permission::Granted;
        }
        if self.told.is_some_and(|then| !is_over(&then)) {
            return Permission::Denied;
        }
        self.told = Some(now);
        Permission::FirstDenied
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn any_stretch_of_time_has_at_most_so_many() {
        let mut limit = Limit::new(Rate::default());
        for _ in 0..50 {
            assert_eq!(limit.ask(Moment(5)), Permission::Granted);
        }
        assert_eq!(limit.ask(Moment(6)), Permission::FirstDenied);
        assert_eq!(limit.ask(Moment(7)), Permission::Denied);
        assert_eq!(limit.ask(Moment(1004)), Permission::Denied);
        assert_eq!(limit.ask(Moment(1005)), Permission::Granted);
    }

    #[test]
    fn two_hours_that_meet_do_not_make_twice_as_many() {
        let (times, per) = (2, Duration::from_millis(100));
        let mut limit = Limit::new(Rate { times, per });
        let mut asked = |at| limit.ask(Moment(at)) == Permission::Granted;
        let granted: Vec<bool> = [0, 90, 99, 100, 110, 190, 200].map(&mut asked).into();
        assert_eq!(granted, [true, true, false, true, false, true, true]);
    }
}
