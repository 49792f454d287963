//! Keeps a long list of changes short without hiding a short state.

use crate::clock::UtcMillis;

use super::Change;

/// Takes changes in the order of time and keeps at most `most` of them.
///
/// The stretch is cut into slots of equal length. Each keeps the first change
/// in it, so that a blink shorter than a slot still shows, and the last one,
/// so that the state at the end of the slot is right.
#[derive(Debug)]
pub struct Thinner {
    from: UtcMillis,
    slot_length: i64,
    slot: Option<i64>,
    /// Changes kept from the current slot: 0, 1 or 2.
    in_slot: usize,
    kept: Vec<Change>,
}

impl Thinner {
    /// For a stretch from `from` up to and including `to`.
    pub fn new(from: UtcMillis, to: UtcMillis, most: usize) -> Thinner {
        // One change may be the state that held before the stretch.
        let slots = i64::try_from(most.saturating_sub(1) / 2)
            .unwrap_or(i64::MAX)
            .max(1);
        let span = to.0.saturating_sub(from.0).max(0).saturating_add(1);
        Thinner {
            from,
            slot_length: span / slots + i64::from(span % slots != 0),
            slot: None,
            in_slot: 0,
            kept: Vec::new(),
        }
    }

    /// Adds a change. One that repeats the state before it is no change.
    pub fn push(&mut self, change: Change) {
        if self
            .kept
            .last()
            .is_some_and(|last| last.state == change.state)
        {
            return;
        }
        let slot = self.slot_of(change.at);
        if self.slot != Some(slot) {
            (self.slot, self.in_slot) = (Some(slot), 0);
        }
        if self.in_slot == 2 {
            self.kept.pop();
            self.in_slot = 1;
            return self.push(change);
        }
        self.in_slot += 1;
        self.kept.push(change);
    }

    /// The changes that were kept.
    pub fn finish(self) -> Vec<Change> {
        self.kept
    }

    /// What held before the stretch has a slot of its own.
    fn slot_of(&self, at: UtcMillis) -> i64 {
        at.0.saturating_sub(self.from.0)
            .div_euclid(self.slot_length)
            .max(-1)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn thin(changes: &[(i64, &str)], to: i64, most: usize) -> Vec<(i64, String)> {
        let mut thinner = Thinner::new(UtcMillis(0), UtcMillis(to), most);
        for (at, state) in changes {
            thinner.push(Change {
                at: UtcMillis(*at),
                state: (*state).to_owned(),
            });
        }
        let kept = thinner.finish().into_iter();
        kept.map(|change| (change.at.0, change.state)).collect()
    }

    #[test]
    fn a_blink_in_one_slot_still_shows() {
        let kept = thin(
            &[
                (-5, "off"),
                (40, "on"),
                (41, "off"),
                (42, "on"),
                (43, "off"),
            ],
            99,
            5,
        );
        let expected = [(-5, "off"), (40, "on"), (43, "off")];
        assert_eq!(kept, expected.map(|(at, state)| (at, state.to_owned())));
    }

    #[test]
    fn a_repeated_state_is_no_change() {
        assert_eq!(thin(&[(1, "on"), (2, "on"), (90, "on")], 99, 9).len(), 1);
    }

    proptest! {
        #[test]
        fn never_more_than_asked_for_and_right_at_the_end(
            mut times in proptest::collection::vec((0_i64..1000, "[abc]"), 0..200),
            most in 3_usize..40,
        ) {
            times.sort_by_key(|(at, _)| *at);
            let changes: Vec<_> = times.iter().map(|(at, state)| (*at, state.as_str())).collect();
            let kept = thin(&changes, 999, most);
            prop_assert!(kept.len() <= most);
            prop_assert_eq!(
                kept.last().map(|(_, state)| state.as_str()),
                changes.last().map(|(_, state)| *state)
            );
        }
    }
}
