//! What is known of the numbers of a stretch of time.

use crate::history::column::numbers::{at_scale, decimals_of, scaled};

/// Count, extremes, sum and last of at least one finite number.
///
/// To put buckets together is associative, and exact in all but a [`Sum::Near`].
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Bucket {
    pub count: u64,
    pub min: f64,
    pub max: f64,
    pub last: f64,
    pub sum: Sum,
}

/// A sum that stays exact for as long as all that was added were short decimals.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Sum {
    /// An integer with so many decimals.
    Exact { integer: i64, decimals: u8 },
    /// As good as floating point adds; never infinite.
    Near(f64),
}

impl Bucket {
    /// Of one finite number.
    pub fn of(number: f64) -> Bucket {
        Bucket {
            count: 1,
            min: number,
            max: number,
            last: number,
            sum: Sum::of(number),
        }
    }

    /// This one, and another that is no earlier.
    #[must_use]
    pub fn then(self, later: Bucket) -> Bucket {
        Bucket {
            count: self.count.saturating_add(later.count),
            min: least(self.min, later.min),
            max: -least(-self.max, -later.max),
            last: later.last,
            sum: self.sum.plus(later.sum),
        }
    }

    /// Never outside of the extremes.
    pub fn mean(&self) -> f64 {
        let mean = match self.sum {
            Sum::Exact { integer, decimals } => {
                at_scale(integer, decimals) / self.count.max(1) as f64
            }
            Sum::Near(sum) => sum / self.count.max(1) as f64,
        };
        mean.max(self.min).min(self.max)
    }

    /// Whether it can be what is known of numbers.
    pub fn is_sound(&self) -> bool {
        let sum_is_sound = match self.sum {
            Sum::Exact { .. } => true,
            Sum::Near(sum) => sum.is_finite(),
        };
        let finite = self.min.is_finite() && self.max.is_finite();
        let within = self.min <= self.last && self.last <= self.max;
        self.count > 0 && finite && within && sum_is_sound
    }
}

/// Also −0 is less than 0, so that it does not matter who comes first.
fn least(a: f64, b: f64) -> f64 {
    if a.total_cmp(&b).is_le() { a } else { b }
}

impl Sum {
    fn of(number: f64) -> Sum {
        let exact = decimals_of(number).and_then(|decimals| {
            let integer = scaled(number, decimals)?;
            Some(Sum::Exact { integer, decimals })
        });
        exact.unwrap_or(Sum::Near(number))
    }

    fn plus(self, other: Sum) -> Sum {
        let exact = || {
            let decimals = self.decimals()?.max(other.decimals()?);
            let integer = self.at(decimals)?.checked_add(other.at(decimals)?)?;
            Some(Sum::Exact { integer, decimals })
        };
        exact().unwrap_or_else(|| {
            let sum = self.near() + other.near();
            Sum::Near(sum.clamp(f64::MIN, f64::MAX))
        })
    }

    fn decimals(self) -> Option<u8> {
        match self {
            Sum::Exact { decimals, .. } => Some(decimals),
            Sum::Near(_) => None,
        }
    }

    /// The integer with that many decimals, which are no fewer.
    fn at(self, more: u8) -> Option<i64> {
        match self {
            Sum::Exact { integer, decimals } => {
                integer.checked_mul(10_i64.checked_pow(u32::from(more.checked_sub(decimals)?))?)
            }
            Sum::Near(_) => None,
        }
    }

    /// As a floating point number.
    pub fn near(self) -> f64 {
        match self {
            Sum::Exact { integer, decimals } => at_scale(integer, decimals),
            Sum::Near(sum) => sum,
        }
    }
}
