//! How often one rule may act.

use crate::clock::Moment;
use crate::rules::rule::Rate;

/// Counts what one rule does.
#[derive(Clone, Copy, Debug)]
pub(super) struct Limit {
    rate: Rate,
    began: Moment,
    firings: u32,
}

/// May the rule act?
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Permission {
    Granted,
    /// Held back for the first time within this stretch of time.
    FirstDenied,
    Denied,
}

impl Limit {
    pub(super) fn new(rate: Rate) -> Limit {
        Limit {
            rate,
            began: Moment::default(),
            firings: 0,
        }
    }

    /// Counts a wish to act at `now`.
    pub(super) fn ask(&mut self, now: Moment) -> Permission {
        if now.since(self.began) >= self.rate.per {
            self.began = now;
            self.firings = 0;
        }
        self.firings = self.firings.saturating_add(1);
        if self.firings <= self.rate.times {
            Permission::Granted
        } else if self.firings == self.rate.times + 1 {
            Permission::FirstDenied
        } else {
            Permission::Denied
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_new_stretch_starts_anew() {
        let mut limit = Limit::new(Rate::default());
        for _ in 0..50 {
            assert_eq!(limit.ask(Moment(5)), Permission::Granted);
        }
        assert_eq!(limit.ask(Moment(6)), Permission::FirstDenied);
        assert_eq!(limit.ask(Moment(7)), Permission::Denied);
        assert_eq!(limit.ask(Moment(1005)), Permission::Granted);
    }
}
