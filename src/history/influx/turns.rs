//! Which of its series and millisecond a sample is.
//!
//! The databases keep one point for each series and time, so a further sample of the same
//! millisecond gets a further nanosecond. It must get the same one whenever it is pushed
//! again: what is known of the last samples goes into the file with the cursor.

use std::collections::BTreeMap;
use std::fmt::Write;

use crate::clock::UtcMillis;

/// So long after the newest sample nobody speaks in the same millisecond any more; in ms.
const REMEMBERED: i64 = 1000;

/// The last millisecond of each series, and how many samples it had before the last one.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Turns {
    last: BTreeMap<u32, (UtcMillis, i64)>,
}

impl Turns {
    /// The next sample's place among those of its millisecond, from 0.
    pub fn next(&mut self, series: u32, at: UtcMillis) -> i64 {
        let last = self.last.entry(series).or_insert((at, -1));
        *last = match *last {
            (same, nth) if same == at => (at, nth + 1),
            _ => (at, 0),
        };
        last.1
    }

    /// Forgets what is over. To be called after each block, as what is remembered must not
    /// depend on where the push was interrupted.
    pub fn end_of_block(&mut self) {
        let newest = self.last.values().map(|(at, _)| at.0).max();
        let begin = newest.map_or(i64::MIN, |newest| newest.saturating_sub(REMEMBERED));
        self.last.retain(|_, (at, _)| at.0 >= begin);
    }

    /// As it goes into the file.
    pub fn to_text(&self) -> String {
        let mut text = String::new();
        for (series, (at, nth)) in &self.last {
            // Writing to a String cannot fail.
            let _ = write!(text, "{series}:{}:{nth} ", at.0);
        }
        text
    }

    /// What was written; what cannot be read was never pushed.
    pub fn from_text(text: &str) -> Turns {
        let one = |word: &str| {
            let mut parts = word.split(':');
            let series = parts.next()?.parse().ok()?;
            let at = UtcMillis(parts.next()?.parse().ok()?);
            Some((series, (at, parts.next()?.parse().ok()?)))
        };
        Turns {
            last: text.split_whitespace().filter_map(one).collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn samples_of_a_millisecond_are_counted_by_series() {
        let mut turns = Turns::default();
        let mut next = |series, at| turns.next(series, UtcMillis(at));
        let said = [(1, 5), (2, 5), (1, 5), (1, 6), (1, 5), (2, 5)];
        let told = said.map(|(series, at)| next(series, at));
        assert_eq!(told, [0, 0, 1, 0, 0, 1]);
    }

    proptest! {
        /// Wherever it is interrupted and begun again from the file, every sample gets the
        /// same turn.
        #[test]
        fn turns_do_not_depend_on_interruptions(
            blocks in prop::collection::vec(
                prop::collection::vec((0..4_u32, -3..3_i64), 1..20),
                1..20,
            ),
            cuts: [bool; 20],
        ) {
            let run = |cuts: &[bool]| {
                let (mut turns, mut told, mut now) = (Turns::default(), Vec::new(), 0);
                for (block, cut) in blocks.iter().zip(cuts) {
                    now += 500;
                    for (series, after) in block {
                        told.push(turns.next(*series, UtcMillis(now + after)));
                    }
                    turns.end_of_block();
                    if *cut {
                        turns = Turns::from_text(&turns.to_text());
                    }
                }
                told
            };
            prop_assert_eq!(run(&cuts), run(&[false; 20]));
        }
    }
}
