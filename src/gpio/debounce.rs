//! Debounce: a contact's chatter in, one settled state out.
//!
//! A state counts once the line has kept it without a break for the whole
//! period. Pure: the caller brings the time and comes back at
//! [`Debounce::next_wake`].

use std::time::Duration;

use crate::clock::Moment;

/// One input's memory.
#[derive(Clone, Debug)]
pub struct Debounce {
    period: Duration,
    settled: bool,
    /// When the opposite of `settled` will have been still for long enough.
    due: Option<Moment>,
}

impl Debounce {
    /// Starts settled at `active`. A `period` of zero passes every change on.
    pub fn new(active: bool, period: Duration) -> Debounce {
        Debounce {
            period,
            settled: active,
            due: None,
        }
    }

    /// The last state that was still for long enough.
    pub fn settled(&self) -> bool {
        self.settled
    }

    /// When [`Debounce::wake`] has something to say, if the line stays still.
    pub fn next_wake(&self) -> Option<Moment> {
        self.due
    }

    /// The line is `active` from `now` on. Returns a state that has settled.
    pub fn edge(&mut self, active: bool, now: Moment) -> Option<bool> {
        // A wake-up may be late: what was still until now has settled before.
        let settled = self.wake(now);
        if active == self.settled {
            self.due = None;
        } else if self.due.is_none() {
            self.due = Some(now + self.period);
        }
        // With a period of zero the new state is due at once.
        self.wake(now).or(settled)
    }

    /// Time has passed. Returns a state that has settled.
    pub fn wake(&mut self, now: Moment) -> Option<bool> {
        if self.due.is_none_or(|due| now < due) {
            return None;
        }
        self.due = None;
        self.settled = !self.settled;
        Some(self.settled)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const PERIOD: Duration = Duration::from_millis(20);

    #[test]
    fn a_press_counts_once_it_is_still() {
        let mut button = Debounce::new(false, PERIOD);
        assert_eq!(button.edge(true, Moment(100)), None);
        assert_eq!(button.next_wake(), Some(Moment(120)));
        assert_eq!(button.wake(Moment(119)), None);
        assert_eq!(button.wake(Moment(120)), Some(true));
        assert_eq!(button.next_wake(), None);
    }

    #[test]
    fn chatter_starts_the_time_again() {
        let mut button = Debounce::new(false, PERIOD);
        button.edge(true, Moment(100));
        assert_eq!(button.edge(false, Moment(110)), None);
        assert_eq!(button.next_wake(), None);
        button.edge(true, Moment(115));
        assert_eq!(button.wake(Moment(134)), None);
        assert_eq!(button.wake(Moment(135)), Some(true));
    }

    #[test]
    fn a_late_wake_up_loses_nothing() {
        let mut button = Debounce::new(false, PERIOD);
        button.edge(true, Moment(100));
        assert_eq!(button.edge(false, Moment(500)), Some(true));
        assert_eq!(button.wake(Moment(520)), Some(false));
    }

    #[test]
    fn without_a_period_every_change_counts() {
        let mut button = Debounce::new(false, Duration::ZERO);
        assert_eq!(button.edge(true, Moment(1)), Some(true));
        assert_eq!(button.edge(true, Moment(1)), None);
        assert_eq!(button.edge(false, Moment(1)), Some(false));
    }

    /// Looks at every millisecond: settled is what the last `period` of them agreed on.
    fn naive(levels: &[bool], period: usize) -> Vec<(u64, bool)> {
        let mut settled = false;
        let mut changes = Vec::new();
        for now in period..levels.len() {
            let still = levels[now - period..now].iter().all(|l| *l != settled);
            if still {
                settled = !settled;
                changes.push((now as u64, settled));
            }
        }
        changes
    }

    fn debounced(levels: &[bool], period: usize) -> Vec<(u64, bool)> {
        let mut debounce = Debounce::new(false, Duration::from_millis(period as u64));
        let mut changes = Vec::new();
        for (now, level) in (0..).zip(levels) {
            let changed = debounce.edge(*level, Moment(now));
            changes.extend(changed.map(|to| (now, to)));
        }
        changes
    }

    proptest! {
        #[test]
        fn agrees_with_looking_at_every_millisecond(
            runs in prop::collection::vec((any::<bool>(), 1_usize..40), 1..60),
            period in 1_usize..30,
        ) {
            let quiet = std::iter::repeat_n(false, period);
            let noisy = runs.iter().flat_map(|(level, ms)| std::iter::repeat_n(*level, *ms));
            let levels: Vec<bool> = quiet.chain(noisy).collect();
            prop_assert_eq!(debounced(&levels, period), naive(&levels, period));
        }

        #[test]
        fn a_caller_who_wakes_on_time_hears_the_same(
            runs in prop::collection::vec(1_u64..40, 1..60),
            period in 1_u64..30,
        ) {
            let mut levels = vec![false; usize::try_from(period).unwrap()];
            let mut sparse = Vec::new();
            let mut debounce = Debounce::new(false, Duration::from_millis(period));
            let (mut now, mut level) = (period, false);
            for run in runs {
                level = !level;
                sparse.extend(debounce.edge(level, Moment(now)).map(|to| (now, to)));
                let end = now + run;
                if let Some(due) = debounce.next_wake().filter(|due| due.0 < end) {
                    sparse.extend(debounce.wake(due).map(|to| (due.0, to)));
                }
                levels.extend(std::iter::repeat_n(level, usize::try_from(run).unwrap()));
                now = end;
            }
            prop_assert_eq!(sparse, naive(&levels, usize::try_from(period).unwrap()));
        }
    }
}
