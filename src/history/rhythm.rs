//! How a series speaks: regularly, so that a silence means something, or when something
//! changes, so that it means that nothing did.

use std::time::Duration;

use crate::clock::UtcMillis;

/// More readings than this are not looked at.
pub const MOST: usize = 4096;
/// Readings that are closer than this, in milliseconds, are one: no shorter silence is told
/// of, and a knob that is turned speaks many times.
const CLOSE: i64 = 10_000;
/// Of fewer distances nobody can tell.
const FEWEST: usize = 4;

/// How readings follow one another.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Rhythm {
    /// Four out of five distances are alike.
    Regular {
        /// The distance that four out of five do not exceed.
        usual: Duration,
        /// Whether one in five says what the one before has said.
        repeats: bool,
    },
    /// When there is something to say, or too seldom to tell.
    #[default]
    OnChange,
}

/// How a series speaks, besides what it says: tells a silence from a value that holds.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Habit {
    pub rhythm: Rhythm,
    /// The last number before the stretch.
    pub held: Option<(UtcMillis, f64)>,
    /// The longest time that a point tells of: a bucket's length, or a minute or an hour
    /// where roll-ups tell what samples do not.
    pub coarsest: Duration,
}

impl Rhythm {
    /// Of readings in order of time; the last [`MOST`] count.
    pub fn of(readings: &[(UtcMillis, f64)]) -> Rhythm {
        let readings = &readings[readings.len().saturating_sub(MOST)..];
        let repeated = readings.windows(2).filter(|pair| is_same(pair)).count();
        let repeats = repeated > 0 && repeated * 5 >= readings.len() - 1;
        Rhythm::of_times(readings.iter().map(|(at, _)| *at), repeats)
    }

    /// Of times in order, where it is known whether values repeat.
    pub fn of_times(times: impl Iterator<Item = UtcMillis>, repeats: bool) -> Rhythm {
        let times: Vec<i64> = times.map(|at| at.0).collect();
        let mut turns = times.clone();
        turns.dedup_by(|at, before| at.saturating_sub(*before) < CLOSE);
        if !are_alike(distances(&turns)) {
            return Rhythm::OnChange;
        }
        let usual = nth(&mut distances(&times), 4, 5);
        Rhythm::Regular {
            usual: Duration::from_millis(usual.unsigned_abs()),
            repeats,
        }
    }
}

fn is_same(pair: &[(UtcMillis, f64)]) -> bool {
    pair[0].1.to_bits() == pair[1].1.to_bits()
}

fn distances(times: &[i64]) -> Vec<i64> {
    let pairs = times.windows(2);
    pairs
        .map(|pair| pair[1].saturating_sub(pair[0]).max(0))
        .collect()
}

/// Whether four out of five are between two thirds and one and a half of the middle one.
fn are_alike(mut distances: Vec<i64>) -> bool {
    if distances.len() < FEWEST {
        return false;
    }
    let middle = nth(&mut distances, 1, 2);
    let alike = |distance: &&i64| **distance >= middle / 3 * 2 && **distance / 3 * 2 <= middle;
    distances.iter().filter(alike).count() * 5 >= distances.len() * 4
}

/// The distance that `part` out of `of` do not exceed; zero if there are none.
fn nth(distances: &mut [i64], part: usize, of: usize) -> i64 {
    let nth = (distances.len() * part).div_ceil(of).saturating_sub(1);
    match distances.is_empty() {
        true => 0,
        false => *distances.select_nth_unstable(nth).1,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn of(seconds: impl IntoIterator<Item = i64>) -> Rhythm {
        let numbers = seconds.into_iter().enumerate();
        let readings: Vec<_> = numbers
            .map(|(n, second)| (UtcMillis(second * 1000), n as f64))
            .collect();
        Rhythm::of(&readings)
    }

    fn each(seconds: u64) -> Rhythm {
        Rhythm::Regular {
            usual: Duration::from_secs(seconds),
            repeats: false,
        }
    }

    #[test]
    fn who_reports_at_equal_distances_is_regular() {
        assert_eq!(of(0..3600), each(1));
        assert_eq!(of((0..10).map(|n| n * 900)), each(900));
        // With an outage, and with some lost on the way.
        assert_eq!(of((0..600).chain(9000..9600)), each(1));
        assert_eq!(
            of((0..100).filter(|n| n % 7 != 3).map(|n| n * 60)),
            each(60)
        );
    }

    #[test]
    fn who_reports_changes_is_not() {
        assert_eq!(of([]), Rhythm::OnChange);
        assert_eq!(of([0, 60, 120]), Rhythm::OnChange, "too few to tell");
        let fan = [0, 40, 3000, 3100, 9000, 9020, 9300, 30_000, 52_000];
        assert_eq!(of(fan), Rhythm::OnChange);
        // Four times a day, as somebody gets up, leaves, comes home and goes to bed.
        let day = [21_600, 30_000, 62_000, 80_000];
        let setpoint = (0..5).flat_map(|n| day.map(move |at| at + n * 86_400));
        assert_eq!(of(setpoint), Rhythm::OnChange);
        // A knob that is turned now and then, for four seconds each time.
        let turned = [0, 500, 9000, 9400, 30_000, 70_000];
        let knob = turned.iter().flat_map(|at| (0..4).map(move |n| at + n));
        assert_eq!(of(knob), Rhythm::OnChange);
    }

    #[test]
    fn a_value_that_is_told_again_is_known() {
        let told = |numbers: [f64; 6]| {
            let times = (0..).map(|n| UtcMillis(n * 60_000));
            Rhythm::of(&times.zip(numbers).collect::<Vec<_>>())
        };
        let minute = |repeats| Rhythm::Regular {
            usual: Duration::from_secs(60),
            repeats,
        };
        assert_eq!(told([5.0, 5.0, 5.0, 7.0, 7.0, 9.0]), minute(true));
        assert_eq!(told([5.0, 6.0, 5.0, 7.0, 8.0, 9.0]), minute(false));
    }

    proptest! {
        #[test]
        fn any_times_have_a_rhythm(mut times in proptest::collection::vec(any::<i64>(), 0..50)) {
            times.sort_unstable();
            let readings: Vec<_> = times.iter().map(|at| (UtcMillis(*at), 0.0)).collect();
            Rhythm::of(&readings);
        }
    }
}
