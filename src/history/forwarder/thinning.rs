//! The deadband of a series whose samples are sent in small portions.
//!
//! The last sample is always there, as a file's log would show it. If the next one makes it
//! needless it is taken back, so what stays is the same as if all had come at once.

use crate::history::deadband::Deadband;
use crate::history::sample::Sample;

/// What one series' portions have in common.
#[derive(Clone, Debug)]
pub struct Thinning {
    filter: Deadband,
    /// The last sample, if it was sent and may be taken back, and its place among those of
    /// its millisecond.
    sent: Option<(Sample, i32)>,
}

/// What to do for a portion.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Thinned {
    /// In order of time.
    pub to_send: Vec<Sample>,
    /// Whether the last of them may be taken back later.
    pub last_is_held: bool,
    pub to_take_back: Option<(Sample, i32)>,
}

impl Thinning {
    pub fn new(width: f64) -> Thinning {
        Thinning {
            filter: Deadband::new(width),
            sent: None,
        }
    }

    /// Takes samples that are later than all before, in order of time.
    pub fn thin(&mut self, fresh: Vec<Sample>) -> Thinned {
        let mut thinned = Thinned::default();
        for sample in fresh {
            let kept = self.filter.push(sample).into_iter().flatten();
            thinned.to_send.extend(kept);
        }
        let held = self.filter.held();
        if let Some((sent, nth)) = self.sent.take() {
            if thinned.to_send.first() == Some(&sent) {
                // It turned out to matter, and is there.
                thinned.to_send.remove(0);
            } else if held == Some(&sent) {
                self.sent = Some((sent, nth));
                return thinned;
            } else {
                thinned.to_take_back = Some((sent, nth));
            }
        }
        if let Some(held) = held {
            thinned.to_send.push(held.clone());
            thinned.last_is_held = true;
        }
        thinned
    }

    /// Remembers where the held sample was put.
    pub fn sent(&mut self, sample: Sample, nth: i32) {
        self.sent = Some((sample, nth));
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;

    use super::*;
    use crate::history::sample::any::sample;
    use crate::home::Value;

    proptest! {
        #[test]
        fn in_portions_as_at_once(
            numbers in proptest::collection::vec((1_i64..400_000, 0_i32..20), 1..80),
            cuts in proptest::collection::vec(1_usize..6, 80),
        ) {
            let mut at = 0;
            let samples: Vec<Sample> = numbers
                .into_iter()
                .map(|(step, tenths)| {
                    at += step;
                    sample(at, Value::Number(f64::from(tenths) / 10.0))
                })
                .collect();
            let mut once = Deadband::new(0.5);
            let mut expected = Vec::new();
            for sample in &samples {
                expected.extend(once.push(sample.clone()).into_iter().flatten());
            }
            expected.extend(once.finish());

            let mut thinning = Thinning::new(0.5);
            let mut there: BTreeMap<i64, Sample> = BTreeMap::new();
            let mut rest = samples;
            for cut in cuts {
                let later = rest.split_off(cut.min(rest.len()));
                let portion = std::mem::replace(&mut rest, later);
                let last = portion.last().cloned();
                let thinned = thinning.thin(portion);
                if let Some((gone, _)) = thinned.to_take_back {
                    prop_assert_eq!(there.remove(&gone.at.0), Some(gone));
                }
                if let (true, Some(held)) = (thinned.last_is_held, thinned.to_send.last()) {
                    thinning.sent(held.clone(), 0);
                }
                for sample in thinned.to_send {
                    prop_assert!(there.insert(sample.at.0, sample).is_none());
                }
                if let Some(last) = last {
                    prop_assert_eq!(there.values().next_back(), Some(&last));
                }
            }
            prop_assert!(rest.is_empty());
            prop_assert_eq!(there.into_values().collect::<Vec<_>>(), expected);
        }
    }
}
