//! Roll-ups: a series by minutes and hours of UTC, so that a chart of a year reads
//! thousands of values and not millions.
//!
//! A day is a matter of who asks: it begins at midnight in the house's zone, and is put
//! together from hours, or from minutes where a zone is off by half an hour.

mod bucket;
mod page;

#[cfg(test)]
mod tests;

pub use bucket::{Bucket, Sum};
pub use page::{decode, encode};

use crate::clock::UtcMillis;

/// How long a bucket is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Period {
    Minute,
    Hour,
}

impl Period {
    pub fn millis(self) -> i64 {
        match self {
            Period::Minute => 60_000,
            Period::Hour => 3_600_000,
        }
    }

    /// Begin of the period that holds `at`.
    pub fn start(self, at: UtcMillis) -> UtcMillis {
        let into = at.0.rem_euclid(self.millis());
        UtcMillis(at.0.saturating_sub(into))
    }
}

/// A bucket and when it begins.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Rolled {
    pub start: UtcMillis,
    pub bucket: Bucket,
}

/// Rolls numbers up that are in order of time. A period without any has no bucket.
pub fn roll(period: Period, numbers: impl IntoIterator<Item = (UtcMillis, f64)>) -> Vec<Rolled> {
    let one = |(at, number)| Rolled {
        start: at,
        bucket: Bucket::of(number),
    };
    gather(period, numbers.into_iter().map(one))
}

/// Longer periods from shorter ones that are in order of time.
pub fn coarser(period: Period, rolled: &[Rolled]) -> Vec<Rolled> {
    gather(period, rolled.iter().copied())
}

/// All as one bucket, such as the hours of a day; none if there are none.
pub fn together(rolled: &[Rolled]) -> Option<Bucket> {
    let buckets = rolled.iter().map(|one| one.bucket);
    buckets.reduce(Bucket::then)
}

fn gather(period: Period, parts: impl Iterator<Item = Rolled>) -> Vec<Rolled> {
    let mut gathered: Vec<Rolled> = Vec::new();
    for part in parts {
        let start = period.start(part.start);
        match gathered.last_mut() {
            Some(last) if last.start == start => last.bucket = last.bucket.then(part.bucket),
            _ => gathered.push(Rolled {
                start,
                bucket: part.bucket,
            }),
        }
    }
    gathered
}
