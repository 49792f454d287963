//! Merges numbers into buckets of equal length that keep their extremes.

use std::time::Duration;

use crate::clock::UtcMillis;
use crate::history::Point;
use crate::history::rollup::{Period, Rolled};

/// Buckets of a stretch of time.
#[derive(Clone, Debug)]
pub struct Slots {
    from: UtcMillis,
    to: UtcMillis,
    /// In milliseconds; more than an `i64` holds for the longest stretches.
    length: i128,
    slots: Vec<Option<Point>>,
}

impl Slots {
    /// At most `most` buckets from `from` up to and including `to`.
    pub fn new(from: UtcMillis, to: UtcMillis, most: usize) -> Slots {
        let span = (i128::from(to.0) - i128::from(from.0) + 1).max(0);
        let most = most.max(1) as i128;
        let length = (span + most - 1).div_euclid(most).max(1);
        let count = (span + length - 1).div_euclid(length);
        Slots {
            from,
            to,
            length,
            slots: vec![None; usize::try_from(count).unwrap_or(0)],
        }
    }

    /// How long each is.
    pub fn length(&self) -> Duration {
        Duration::from_millis(u64::try_from(self.length).unwrap_or(u64::MAX))
    }

    /// Adds a number; one that is not within the stretch counts for nothing.
    pub fn add(&mut self, at: UtcMillis, number: f64) {
        if at < self.from || at > self.to {
            return;
        }
        let point = Point {
            at,
            min: number,
            max: number,
            mean: number,
            last: number,
            count: 1,
        };
        self.put(at, point);
    }

    /// Adds what is known of a period, which is told as of its end, but not after `to`.
    pub fn merge(&mut self, rolled: Rolled, period: Period, to: UtcMillis) {
        let end = rolled.start.0.saturating_add(period.millis() - 1);
        let point = Point {
            at: UtcMillis(end).min(to).min(self.to),
            min: rolled.bucket.min,
            max: rolled.bucket.max,
            mean: rolled.bucket.mean(),
            last: rolled.bucket.last,
            count: u32::try_from(rolled.bucket.count).unwrap_or(u32::MAX),
        };
        self.put(rolled.start.max(self.from), point);
    }

    fn put(&mut self, at: UtcMillis, point: Point) {
        let nth = (i128::from(at.0) - i128::from(self.from.0)).div_euclid(self.length);
        let slot = usize::try_from(nth).ok();
        let Some(slot) = slot.and_then(|nth| self.slots.get_mut(nth)) else {
            return;
        };
        // A period may end within the next slot, whose points are later.
        let end = i128::from(self.from.0) + (nth + 1) * self.length - 1;
        let end = UtcMillis(i64::try_from(end).unwrap_or(i64::MAX));
        let point = Point {
            at: point.at.min(end),
            ..point
        };
        *slot = Some(match slot {
            Some(there) => both(there, &point),
            None => point,
        });
    }

    /// Those that there are so far.
    pub fn points(&self) -> impl Iterator<Item = &Point> {
        self.slots.iter().flatten()
    }

    /// A bucket without numbers has no point.
    pub fn finish(self) -> Vec<Point> {
        self.slots.into_iter().flatten().collect()
    }
}

fn both(one: &Point, other: &Point) -> Point {
    let count = one.count.saturating_add(other.count);
    let (min, max) = (one.min.min(other.min), one.max.max(other.max));
    let part = f64::from(other.count) / f64::from(count.max(1));
    // Means are moved and not summed up: a sum may be infinite.
    let mean = one.mean + (other.mean - one.mean) * part;
    let mean = if mean.is_finite() {
        mean
    } else {
        min / 2.0 + max / 2.0
    };
    Point {
        at: one.at.max(other.at),
        min,
        max,
        mean: mean.max(min).min(max),
        last: if other.at >= one.at {
            other.last
        } else {
            one.last
        },
        count,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn buckets_keep_every_extreme(
            said in proptest::collection::vec((-20_i64..520, -1e6_f64..1e6), 0..120),
            from in 0_i64..250, length in 0_i64..300, most in 1_usize..60,
        ) {
            let to = from + length;
            let mut slots = Slots::new(UtcMillis(from), UtcMillis(to), most);
            for (at, number) in &said {
                slots.add(UtcMillis(*at), *number);
            }
            let bucket = i64::try_from(slots.length().as_millis()).unwrap();
            let points = slots.finish();
            prop_assert!(points.len() <= most);
            let mut expected = Vec::new();
            for begin in (from..=to).step_by(usize::try_from(bucket).unwrap()) {
                let end = (begin + bucket - 1).min(to);
                let inside: Vec<_> = said.iter().filter(|(at, _)| (begin..=end).contains(at)).collect();
                let numbers = || inside.iter().map(|(_, number)| *number);
                if let Some((at, last)) = inside.iter().max_by_key(|(at, _)| *at) {
                    let at = *at;
                    let (min, max) = (numbers().fold(f64::MAX, f64::min), numbers().fold(f64::MIN, f64::max));
                    expected.push((at, min, max, inside.len()));
                    let mean = numbers().sum::<f64>() / inside.len() as f64;
                    let point = points.iter().find(|point| point.at.0 == at).unwrap();
                    prop_assert!((point.mean - mean).abs() < 1e-6 * mean.abs().max(1.0));
                    // Of several at the same moment the one that came last.
                    prop_assert_eq!(point.last, *last);
                    prop_assert!(point.min <= point.mean && point.mean <= point.max);
                }
            }
            let found = points.iter().map(|p| (p.at.0, p.min, p.max, p.count as usize));
            prop_assert_eq!(found.collect::<Vec<_>>(), expected);
        }

        #[test]
        fn any_stretch_has_its_buckets(from: i64, to: i64, most in 1_usize..50, number: f64) {
            let mut slots = Slots::new(UtcMillis(from), UtcMillis(to), most);
            prop_assert!(slots.slots.len() <= most);
            prop_assert_eq!(slots.slots.is_empty(), to < from);
            for at in [from, to, 0, i64::MIN, i64::MAX] {
                slots.add(UtcMillis(at), number);
            }
            prop_assert_eq!(slots.finish().is_empty(), to < from);
        }
    }

    #[test]
    fn huge_numbers_have_a_mean() {
        let mut slots = Slots::new(UtcMillis(0), UtcMillis(9), 1);
        for number in [f64::MAX, f64::MIN, f64::MAX, f64::MAX] {
            slots.add(UtcMillis(1), number);
        }
        let mean = slots.finish()[0].mean;
        assert!(mean.is_finite(), "{mean}");
    }
}
