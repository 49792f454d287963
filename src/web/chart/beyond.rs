//! Single readings so far from all others that an axis which reaches them would show nothing
//! else: the axis leaves them out, and each is told by an arrow at its edge.

use super::numbers::Numbers;
use crate::clock::UtcMillis;
use crate::history::Point;

/// So many times the range of all others lies between them and one that is left out …
const FAR: f64 = 50.0;
/// … and no more than one of so many points is.
const ONE_OF: usize = 100;
/// Of fewer points nobody can tell.
const FEWEST: usize = 20;

/// A reading that is left out.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Beyond {
    pub at: UtcMillis,
    pub value: f64,
    /// Whether it is above.
    pub is_above: bool,
}

/// What is left out of a line, and the ends of all the rest; none where all fits.
pub fn beyond(numbers: &Numbers) -> Option<(Vec<Beyond>, (f64, f64))> {
    let points = numbers.points;
    if points.len() < FEWEST || numbers.is_stepped() {
        return None;
    }
    let most = (points.len() / ONE_OF).max(1);
    let mut maxes: Vec<f64> = points.iter().map(|point| point.max).collect();
    let mut mins: Vec<f64> = points.iter().map(|point| point.min).collect();
    maxes.sort_unstable_by(|a, b| b.total_cmp(a));
    mins.sort_unstable_by(f64::total_cmp);
    let (low, high) = (*mins.get(most)?, *maxes.get(most)?);
    let far = FAR * (high - low);
    // All the same, and one that differs: nothing else is to be seen.
    if !far.is_finite() || far <= 0.0 {
        return None;
    }
    let mut found = Vec::new();
    let (mut least, mut greatest) = (high, low);
    for point in points {
        let above = (point.max > high + far).then_some((point.max, high));
        let below = (point.min < low - far).then_some((point.min, low));
        if above.is_none() {
            greatest = greatest.max(point.max);
        }
        if below.is_none() {
            least = least.min(point.min);
        }
        for (value, end) in above.into_iter().chain(below) {
            if !is_single(point, value, end) {
                return None;
            }
            found.push(Beyond {
                at: point.at,
                value,
                is_above: value > end,
            });
        }
    }
    (!found.is_empty()).then_some((found, (least, greatest)))
}

/// Whether it was one reading alone: several would pull the mean along.
fn is_single(point: &Point, value: f64, end: f64) -> bool {
    (point.mean - end) * f64::from(point.count) / (value - end) < 1.5
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::history::{Habit, Rhythm};

    fn found(spikes: &[(i64, Point)]) -> Option<(Vec<Beyond>, (f64, f64))> {
        let plain = |n: i64| point(n, 20.0, 20.5 + (n % 3) as f64 / 10.0, 21.0);
        let mut points: Vec<Point> = (0..200).map(plain).collect();
        for (n, spike) in spikes {
            points[usize::try_from(*n).unwrap()] = *spike;
        }
        let repeats = false;
        let usual = Duration::from_secs(1);
        beyond(&Numbers {
            points: &points,
            bucket: Duration::from_secs(10),
            habit: Habit {
                rhythm: Rhythm::Regular { usual, repeats },
                ..Habit::default()
            },
            is_set: false,
        })
    }

    fn point(at: i64, min: f64, mean: f64, max: f64) -> Point {
        Point {
            at: UtcMillis(at),
            min,
            mean,
            max,
            last: mean,
            count: 10,
        }
    }

    #[test]
    fn a_glitch_is_left_out_and_a_kettle_is_not() {
        assert_eq!(found(&[]), None);
        // 20,000 once in ten readings.
        let glitch = point(70, 20.0, 2018.0, 20_000.0);
        let (out, ends) = found(&[(70, glitch)]).unwrap();
        assert_eq!(ends, (20.0, 21.0));
        let expected = Beyond {
            at: UtcMillis(70),
            value: 20_000.0,
            is_above: true,
        };
        assert_eq!(out, [expected]);
        let below = point(71, -300.0, -12.0, 21.0);
        let (out, _) = found(&[(70, glitch), (71, below)]).unwrap();
        assert!(!out[1].is_above);
        // Half of its readings are high.
        assert_eq!(found(&[(70, point(70, 20.0, 10_000.0, 20_000.0))]), None);
        // What is not that far away is seen without.
        assert_eq!(found(&[(70, point(70, 20.0, 22.0, 40.0))]), None);
        let many: Vec<_> = (0..5)
            .map(|n| (n * 9, point(n * 9, 20.0, 2018.0, 20_000.0)))
            .collect();
        assert_eq!(found(&many), None);
    }
}
