//! A series of numbers, and how it was said: where a value holds until the next one, and where
//! nobody spoke. `docs/charts.md` tells the rule.

use std::time::Duration;

use super::{Drawn, Extent};
use crate::clock::UtcMillis;
use crate::history::{Habit, Point, Rhythm, Stretch};

/// A silence is a gap if it is longer than this many usual distances …
const FACTOR: i64 = 5;
/// … and than this, in milliseconds, …
const SHORTEST: i64 = 10_000;
/// … and than so many buckets: the readings of one may come early, those of the next late.
const BUCKETS: i64 = 2;
/// Up to now a silence has to be longer by this: readings wait in memory for the disk, those
/// of a series that is written lazily for a minute.
const WAITING: i64 = 60_000;

/// A stretch without readings.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Gap {
    pub from: UtcMillis,
    pub to: UtcMillis,
}

impl Gap {
    pub fn millis(&self) -> i64 {
        self.to.0.saturating_sub(self.from.0)
    }
}

/// A stretch of numbers.
#[derive(Clone, Copy, Debug)]
pub struct Numbers<'a> {
    pub points: &'a [Point],
    pub bucket: Duration,
    pub habit: Habit,
    /// Whether somebody sets it: then it goes in steps.
    pub is_set: bool,
}

impl<'a> Numbers<'a> {
    /// Of a series, if it has numbers.
    pub fn of(drawn: &Drawn<'a>) -> Option<Numbers<'a>> {
        Numbers::of_stretch(drawn.stretch, drawn.is_set)
    }

    pub fn of_stretch(stretch: &'a Stretch, is_set: bool) -> Option<Numbers<'a>> {
        match stretch {
            Stretch::Numbers {
                points,
                bucket,
                habit,
            } => Some(Numbers {
                points,
                bucket: *bucket,
                habit: *habit,
                is_set,
            }),
            Stretch::States(_) => None,
        }
    }

    /// Whether it is told when it changes: no silence is a gap then.
    ///
    /// Who is set regularly by a rule looks like a sensor, until the rule rests; but a board
    /// that tells the same again and again will tell it, too.
    pub fn is_on_change(&self) -> bool {
        match self.habit.rhythm {
            Rhythm::OnChange => true,
            Rhythm::Regular { repeats, .. } => self.is_set && !repeats,
        }
    }

    /// Whether a value is drawn on until the next one.
    pub fn is_stepped(&self) -> bool {
        self.is_set || self.is_on_change()
    }

    /// The value that holds as the chart begins.
    pub fn held(&self) -> Option<f64> {
        let held = self.habit.held.filter(|_| self.is_on_change());
        held.map(|(_, value)| value)
    }

    /// Whether there is nothing to draw.
    pub fn is_empty(&self) -> bool {
        self.points.is_empty() && self.held().is_none()
    }

    /// The least and the greatest value that is drawn.
    pub fn ends(&self) -> Option<(f64, f64)> {
        let points = self.points.iter().map(|point| (point.min, point.max));
        let held = self.held().map(|value| (value, value));
        points
            .chain(held)
            .reduce(|a, b| (a.0.min(b.0), a.1.max(b.1)))
    }

    /// The longest silence that is no gap, in milliseconds.
    ///
    /// What is usual is the distance that four out of five do not exceed, of readings or of
    /// points: a series that reports fast now and slowly then has no gaps when it is slow.
    fn longest_silence(&self) -> i64 {
        let Rhythm::Regular { usual, repeats: _ } = self.habit.rhythm else {
            return i64::MAX;
        };
        if self.is_on_change() {
            return i64::MAX;
        }
        let mut distances: Vec<i64> = self.points.windows(2).map(distance).collect();
        let nth = (distances.len() * 4).div_ceil(5).saturating_sub(1);
        let of_points = match distances.is_empty() {
            true => 0,
            false => *distances.select_nth_unstable(nth).1,
        };
        let usual = millis(usual).max(of_points);
        let coarsest = millis(self.habit.coarsest.max(self.bucket));
        let by_distance = usual.saturating_mul(FACTOR);
        by_distance
            .max(coarsest.saturating_mul(BUCKETS))
            .max(SHORTEST)
    }

    /// The pieces of a series between its gaps.
    pub fn runs(&self) -> impl Iterator<Item = &'a [Point]> {
        let longest = self.longest_silence();
        self.points
            .chunk_by(move |a, b| millis_between(a, b) <= longest)
    }

    /// The gaps of a chart, those at its ends too; none where there are no readings at all.
    pub fn gaps(&self, extent: &Extent) -> Vec<Gap> {
        let longest = self.longest_silence();
        let (Some(first), Some(last)) = (self.points.first(), self.points.last()) else {
            return Vec::new();
        };
        let before = std::iter::once((extent.from, first.at, longest));
        let within = self.points.windows(2);
        let within = within.map(|pair| (pair[0].at, pair[1].at, longest));
        let (end, waiting) = match extent.to < extent.now {
            true => (extent.to, 0),
            false => (extent.now, WAITING),
        };
        let after = std::iter::once((last.at, end, longest.saturating_add(waiting)));
        let silences = before.chain(within).chain(after);
        silences
            .map(|(from, to, longest)| (Gap { from, to }, longest))
            .filter(|(silence, longest)| silence.millis() > *longest)
            .map(|(gap, _)| gap)
            .collect()
    }
}

fn distance(pair: &[Point]) -> i64 {
    millis_between(&pair[0], &pair[1])
}

fn millis_between(a: &Point, b: &Point) -> i64 {
    b.at.0.saturating_sub(a.at.0)
}

fn millis(duration: Duration) -> i64 {
    i64::try_from(duration.as_millis()).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests;
