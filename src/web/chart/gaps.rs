//! Where a series of numbers has gaps: it was silent for much longer than it usually is.

use std::time::Duration;

use super::Extent;
use crate::clock::UtcMillis;
use crate::history::Point;

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

/// The longest silence of a series that is no gap, in milliseconds.
///
/// What is usual is the distance that four out of five do not exceed: a series that
/// reports fast now and slow then has no gaps when it is slow.
pub fn longest_silence(points: &[Point], bucket: Duration) -> i64 {
    let mut distances: Vec<i64> = points.windows(2).map(distance).collect();
    let nth = (distances.len() * 4).div_ceil(5).saturating_sub(1);
    let usual = match distances.is_empty() {
        true => 0,
        false => *distances.select_nth_unstable(nth).1,
    };
    let bucket = i64::try_from(bucket.as_millis()).unwrap_or(i64::MAX);
    let by_distance = usual.saturating_mul(FACTOR);
    by_distance
        .max(bucket.saturating_mul(BUCKETS))
        .max(SHORTEST)
}

fn distance(pair: &[Point]) -> i64 {
    pair[1].at.0.saturating_sub(pair[0].at.0)
}

/// The pieces of a series between its gaps.
pub fn runs(points: &[Point], bucket: Duration) -> impl Iterator<Item = &[Point]> {
    let longest = longest_silence(points, bucket);
    points.chunk_by(move |a, b| b.at.0.saturating_sub(a.at.0) <= longest)
}

/// The gaps of a chart, those at its ends too; none where there are no readings at all.
pub fn gaps(points: &[Point], bucket: Duration, extent: &Extent) -> Vec<Gap> {
    let longest = longest_silence(points, bucket);
    let (Some(first), Some(last)) = (points.first(), points.last()) else {
        return Vec::new();
    };
    let before = std::iter::once((extent.from, first.at, longest));
    let within = points.windows(2);
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

#[cfg(test)]
mod tests {
    use jiff::tz::TimeZone;

    use super::*;

    const BUCKET: Duration = Duration::from_secs(1);

    fn points(seconds: &[i64]) -> Vec<Point> {
        let point = |second: &i64| Point {
            at: UtcMillis(second * 1000),
            min: 1.0,
            max: 1.0,
            mean: 1.0,
            last: 1.0,
            count: 1,
        };
        seconds.iter().map(point).collect()
    }

    fn found(seconds: &[i64], bucket: Duration) -> Vec<(i64, i64)> {
        found_at(2000, seconds, bucket)
    }

    fn found_at(now: i64, seconds: &[i64], bucket: Duration) -> Vec<(i64, i64)> {
        let extent = Extent {
            from: UtcMillis(0),
            to: UtcMillis(1_000_000),
            now: UtcMillis(now * 1000),
            zone: &TimeZone::UTC,
        };
        let gaps = gaps(&points(seconds), bucket, &extent).into_iter();
        gaps.map(|gap| (gap.from.0 / 1000, gap.to.0 / 1000))
            .collect()
    }

    #[test]
    fn a_silence_much_longer_than_usual_is_a_gap() {
        let steady: Vec<i64> = (0..=1000).collect();
        assert_eq!(found(&steady, BUCKET), []);
        let broken: Vec<i64> = (0..=1000).filter(|n| !(300..330).contains(n)).collect();
        assert_eq!(found(&broken, BUCKET), [(299, 330)]);
        // Ten seconds are nothing, however fast the series is.
        let short: Vec<i64> = (0..=1000).filter(|n| !(300..309).contains(n)).collect();
        assert_eq!(found(&short, BUCKET), []);
    }

    #[test]
    fn the_ends_are_gaps_too() {
        let late: Vec<i64> = (500..900).collect();
        assert_eq!(found(&late, BUCKET), [(0, 500), (899, 1000)]);
        assert_eq!(found(&[], BUCKET), []);
        assert_eq!(found(&[500], BUCKET), [(0, 500), (500, 1000)]);
    }

    #[test]
    fn what_waits_for_the_disk_is_no_gap_yet() {
        let steady: Vec<i64> = (0..=600).collect();
        assert_eq!(found_at(660, &steady, BUCKET), []);
        assert_eq!(found_at(680, &steady, BUCKET), [(600, 680)]);
        assert_eq!(found_at(2000, &steady, BUCKET), [(600, 1000)]);
    }

    #[test]
    fn slow_and_uneven_series_have_none() {
        assert_eq!(found(&[0, 250, 500, 750, 1000], BUCKET), []);
        // Said when it changes: fast for a while, then slow.
        let uneven: Vec<i64> = (0..20).chain((20..1000).step_by(60)).collect();
        assert_eq!(found(&uneven, BUCKET), []);
    }

    #[test]
    fn buckets_with_neighbours_have_none_between_them() {
        let minute = Duration::from_secs(60);
        // The first reading of one bucket, the last of the next.
        assert_eq!(found(&[0, 119, 120, 239, 240, 1000], minute), [(240, 1000)]);
        assert_eq!(
            runs(&points(&[0, 119, 120, 239, 240, 1000]), minute).count(),
            2
        );
    }
}
