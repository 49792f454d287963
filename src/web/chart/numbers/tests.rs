//! Gaps of a series that reports regularly, and levels of one that does not.

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

fn habit(points: &[Point]) -> Habit {
    let readings: Vec<_> = points.iter().map(|point| (point.at, point.last)).collect();
    Habit {
        rhythm: Rhythm::of(&readings),
        ..Habit::default()
    }
}

fn found(seconds: &[i64], bucket: Duration) -> Vec<(i64, i64)> {
    found_at(2000, seconds, bucket)
}

fn found_at(now: i64, seconds: &[i64], bucket: Duration) -> Vec<(i64, i64)> {
    let points = points(seconds);
    let numbers = Numbers {
        habit: habit(&points),
        points: &points,
        bucket,
        is_set: false,
    };
    gaps_at(now, &numbers)
}

fn gaps_at(now: i64, numbers: &Numbers) -> Vec<(i64, i64)> {
    let extent = Extent {
        from: UtcMillis(0),
        to: UtcMillis(1_000_000),
        now: UtcMillis(now * 1000),
        zone: &TimeZone::UTC,
        is_whole: false,
    };
    let gaps = numbers.gaps(&extent).into_iter();
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
    assert_eq!(found(&[500], BUCKET), []);
}

#[test]
fn buckets_with_neighbours_have_none_between_them() {
    let minute = Duration::from_secs(60);
    // The first reading of one bucket, the last of the next.
    let times = [0, 119, 120, 239, 240, 359, 360, 1000];
    let points = points(&times);
    let numbers = Numbers {
        points: &points,
        bucket: minute,
        habit: Habit {
            rhythm: each(1, false),
            ..Habit::default()
        },
        is_set: false,
    };
    // The distances of points are those that count, where they are longer.
    assert_eq!(gaps_at(2000, &numbers), [(360, 1000)]);
    assert_eq!(numbers.runs().count(), 2);
}

fn each(seconds: u64, repeats: bool) -> Rhythm {
    Rhythm::Regular {
        usual: Duration::from_secs(seconds),
        repeats,
    }
}

#[test]
fn minutes_that_tell_what_was_thinned_are_no_gaps() {
    // The shelf has minutes, the log each second.
    let times: Vec<i64> = (0..5).map(|n| n * 60).chain(300..=1000).collect();
    let points = points(&times);
    let numbers = |coarsest| Numbers {
        points: &points,
        bucket: BUCKET,
        habit: Habit {
            rhythm: each(1, false),
            coarsest: Duration::from_secs(coarsest),
            ..Habit::default()
        },
        is_set: false,
    };
    assert_eq!(gaps_at(2000, &numbers(1)).len(), 5);
    assert_eq!(gaps_at(2000, &numbers(60)), []);
}

#[test]
fn what_is_told_on_change_holds() {
    let points = points(&[500]);
    let before = Some((UtcMillis(-9), 7.0));
    let of = |rhythm, is_set| Numbers {
        points: &points,
        bucket: BUCKET,
        habit: Habit {
            rhythm,
            held: before,
            ..Habit::default()
        },
        is_set,
    };
    let fan = of(Rhythm::OnChange, false);
    assert!(fan.is_stepped() && gaps_at(2000, &fan).is_empty());
    assert_eq!((fan.held(), fan.ends()), (Some(7.0), Some((1.0, 7.0))));
    let sensor = of(each(1, true), false);
    assert!(!sensor.is_stepped() && sensor.held().is_none());
    assert_eq!(gaps_at(2000, &sensor), [(0, 500), (500, 1000)]);
    // A rule sets it each minute, and then rests; or its board tells it each minute.
    assert_eq!(gaps_at(2000, &of(each(1, false), true)), []);
    let told = of(each(1, true), true);
    assert!(told.is_stepped());
    assert_eq!(gaps_at(2000, &told).len(), 2);
    let nothing = Numbers { points: &[], ..fan };
    assert!(!nothing.is_empty());
}
