//! The average, least and greatest of a topic's numbers over the last while.
//!
//! A window is divided into sixty stretches; of each, only the count, the mean
//! and the extremes are kept. So it takes the same memory however often a sensor
//! speaks, and what it knows is at most a sixtieth too young.

use std::time::Duration;

use crate::clock::Moment;

const BUCKETS: i64 = 60;

/// What is made of the numbers of a window.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Fold {
    /// `avg`: each message counts the same, however long its value lasted.
    Average,
    /// `min`
    Least,
    /// `max`
    Greatest,
}

impl Fold {
    /// As expressions name it.
    pub fn word(self) -> &'static str {
        match self {
            Fold::Average => "avg",
            Fold::Least => "min",
            Fold::Greatest => "max",
        }
    }
}

/// The numbers of one topic over a sliding time.
#[derive(Clone, Debug)]
pub struct Window {
    /// Milliseconds.
    over: i64,
    /// The stretch `n` is kept at `n mod 60`, until a later one takes its place.
    buckets: Vec<Bucket>,
}

#[derive(Clone, Copy, Debug, Default)]
struct Bucket {
    /// Counted from the gateway's start; negative before it.
    stretch: i64,
    numbers: Numbers,
}

/// What is kept of some numbers; all zero of none.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Numbers {
    pub count: u32,
    pub mean: f64,
    pub least: f64,
    pub greatest: f64,
}

impl Numbers {
    /// Of one.
    pub fn one(number: f64) -> Numbers {
        Numbers {
            count: 1,
            mean: number,
            least: number,
            greatest: number,
        }
    }

    fn join(&mut self, others: Numbers) {
        let count = self.count.saturating_add(others.count);
        let share = f64::from(others.count) / f64::from(count);
        // Not `(others.mean - self.mean) * share`: the difference may be beyond all numbers.
        self.mean += others.mean * share - self.mean * share;
        self.count = count;
        self.least = self.least.min(others.least);
        self.greatest = self.greatest.max(others.greatest);
    }
}

impl Window {
    /// A window that has heard nothing. `over` is at least a millisecond.
    pub fn new(over: Duration) -> Window {
        let over = i64::try_from(over.as_millis()).unwrap_or(i64::MAX);
        Window {
            over: over.max(1),
            buckets: vec![Bucket::default(); usize::try_from(BUCKETS).unwrap_or(0)],
        }
    }

    /// Takes in a number that came at `at`: milliseconds since the gateway started,
    /// negative before. Numbers may come in any order; one that is older than the
    /// window, or no finite number, is passed over.
    pub fn push(&mut self, at: i64, number: f64) {
        self.merge(at, Numbers::one(number));
    }

    /// The same for several numbers that came about then.
    pub fn merge(&mut self, at: i64, numbers: Numbers) {
        let stretch = self.stretch(at);
        let Some(bucket) = self.bucket(stretch) else {
            return;
        };
        let is_late = bucket.numbers.count > 0 && bucket.stretch > stretch;
        if !numbers.mean.is_finite() || numbers.count == 0 || is_late {
            return;
        }
        if bucket.numbers.count == 0 || bucket.stretch < stretch {
            *bucket = Bucket { stretch, numbers };
        } else {
            bucket.numbers.join(numbers);
        }
    }

    /// What the numbers make that came within the window up to `now`; none if
    /// there were none. Nothing older than the window counts.
    pub fn fold(&self, fold: Fold, now: Moment) -> Option<f64> {
        let newest = self.stretch(i64::try_from(now.0).unwrap_or(i64::MAX));
        let recent = |bucket: &&Bucket| {
            let age = newest.saturating_sub(bucket.stretch);
            bucket.numbers.count > 0 && (0..BUCKETS).contains(&age)
        };
        let buckets = self.buckets.iter().filter(recent);
        let buckets = buckets.map(|bucket| bucket.numbers);
        match fold {
            Fold::Least => buckets.map(|bucket| bucket.least).reduce(f64::min),
            Fold::Greatest => buckets.map(|bucket| bucket.greatest).reduce(f64::max),
            Fold::Average => {
                let total: f64 = buckets.clone().map(|bucket| f64::from(bucket.count)).sum();
                let share = |bucket: Numbers| bucket.mean * (f64::from(bucket.count) / total);
                (total > 0.0).then(|| buckets.map(share).sum())
            }
        }
    }

    /// The number of the stretch in which a time lies.
    fn stretch(&self, at: i64) -> i64 {
        let stretch = (i128::from(at) * i128::from(BUCKETS)).div_euclid(i128::from(self.over));
        i64::try_from(stretch).unwrap_or(if at < 0 { i64::MIN } else { i64::MAX })
    }

    fn bucket(&mut self, stretch: i64) -> Option<&mut Bucket> {
        let index = usize::try_from(stretch.rem_euclid(BUCKETS)).ok()?;
        self.buckets.get_mut(index)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const MINUTE: Duration = Duration::from_secs(60);

    fn folds(window: &Window, now: u64) -> [Option<f64>; 3] {
        [Fold::Average, Fold::Least, Fold::Greatest].map(|fold| window.fold(fold, Moment(now)))
    }

    #[test]
    fn numbers_come_and_go() {
        let mut window = Window::new(MINUTE);
        assert_eq!(folds(&window, 0), [None; 3]);
        window.push(-30_000, 4.0);
        window.push(0, 1.0);
        window.push(10, 1.0);
        assert_eq!(folds(&window, 10), [Some(2.0), Some(1.0), Some(4.0)]);
        assert_eq!(folds(&window, 29_999), [Some(2.0), Some(1.0), Some(4.0)]);
        assert_eq!(folds(&window, 30_000), [Some(1.0); 3]);
        assert_eq!(folds(&window, 60_000), [None; 3]);
    }

    #[test]
    fn what_is_too_old_or_no_number_is_passed_over() {
        let mut window = Window::new(MINUTE);
        window.push(120_000, 5.0);
        window.push(60_000, 7.0);
        window.push(120_000, f64::NAN);
        window.push(120_000, f64::INFINITY);
        assert_eq!(folds(&window, 120_000), [Some(5.0); 3]);
        assert_eq!(folds(&window, 60_000), [None; 3]);
    }

    #[test]
    fn the_ends_of_all_numbers_and_times_are_survived() {
        let mut window = Window::new(Duration::ZERO);
        for at in [i64::MIN, -1, 0, i64::MAX] {
            window.push(at, f64::MAX);
            window.push(at, f64::MIN);
            window.push(at, f64::MAX);
        }
        let average = window.fold(Fold::Average, Moment(u64::MAX)).unwrap();
        assert!(average.is_finite(), "{average}");
    }

    /// The numbers that came at or after `from`.
    fn since(samples: &[(i64, f64)], from: i64, now: i64) -> Vec<f64> {
        let within = samples.iter().filter(|(at, _)| (from..=now).contains(at));
        within.map(|(_, number)| *number).collect()
    }

    fn naive(numbers: &[f64]) -> [Option<f64>; 3] {
        let count = f64::from(u32::try_from(numbers.len()).unwrap());
        let average = (count > 0.0).then(|| numbers.iter().sum::<f64>() / count);
        let least = numbers.iter().copied().reduce(f64::min);
        [average, least, numbers.iter().copied().reduce(f64::max)]
    }

    fn alike(one: [Option<f64>; 3], other: [Option<f64>; 3]) -> bool {
        one.iter().zip(&other).all(|pair| match pair {
            (Some(one), Some(other)) => (one - other).abs() < 1e-6,
            (one, other) => one == other,
        })
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(2000))]

        /// A list that is cut somewhere within the oldest sixtieth gives the same.
        #[test]
        fn a_window_is_a_list_that_forgets(
            over in 1000_i64..100_000,
            steps in prop::collection::vec((0_i64..3000, -50.0..50.0_f64), 0..200),
            start in -100_000_i64..0,
            rest in 0_i64..20_000,
        ) {
            let mut window = Window::new(Duration::from_millis(u64::try_from(over).unwrap()));
            let (mut now, mut samples) = (start, Vec::new());
            for (step, number) in steps {
                now += step;
                window.push(now, number);
                samples.push((now, number));
            }
            now = (now + rest).max(0);
            let found = folds(&window, u64::try_from(now).unwrap());
            let oldest = now - over + 1;
            let mut cuts = (oldest..=oldest + over / 60 + 1)
                .map(|from| naive(&since(&samples, from, now)));
            prop_assert!(cuts.any(|cut| alike(cut, found)), "{found:?}");
        }
    }
}
