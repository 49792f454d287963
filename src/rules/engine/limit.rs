//! How often one rule may act.

use std::time::Duration;

use crate::clock::Moment;

/// A rule that would act more often within one second is held back: two rules
/// that feed each other must not keep the house from its other work.
pub const FIRINGS_PER_SECOND: u32 = 50;
const WINDOW: Duration = Duration::from_secs(1);

/// Counts the firings of one rule.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Limit {
    began: Moment,
    firings: u32,
}

/// May the rule act?
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Permission {
    Granted,
    /// Held back for the first time within this second.
    FirstDenied,
    Denied,
}

impl Limit {
    /// Counts a wish to act at `now`.
    pub(super) fn ask(&mut self, now: Moment) -> Permission {
        if now.since(self.began) >= WINDOW {
            *self = Limit {
                began: now,
                firings: 0,
            };
        }
        self.firings = self.firings.saturating_add(1);
        match self.firings {
            1..=FIRINGS_PER_SECOND => Permission::Granted,
            n if n == FIRINGS_PER_SECOND + 1 => Permission::FirstDenied,
            _ => Permission::Denied,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_new_second_starts_anew() {
        let mut limit = Limit::default();
        for _ in 0..FIRINGS_PER_SECOND {
            assert_eq!(limit.ask(Moment(5)), Permission::Granted);
        }
        assert_eq!(limit.ask(Moment(6)), Permission::FirstDenied);
        assert_eq!(limit.ask(Moment(7)), Permission::Denied);
        assert_eq!(limit.ask(Moment(1005)), Permission::Granted);
    }
}
