//! Rows as people read them, for one series and for several.

use std::time::Duration;

use jiff::tz::TimeZone;

use super::*;
use crate::history::{Habit, Rhythm, Stretch};
use crate::home::DeviceClass;

/// 2026-11-28T00:00:00Z, and a minute.
const MIDNIGHT: i64 = 1_795_824_000_000;
const MINUTE: i64 = 60_000;

fn numbers(points: &[(i64, f64, f64, f64)]) -> Stretch {
    let point = |(minute, min, mean, max): &(i64, f64, f64, f64)| Point {
        at: UtcMillis(MIDNIGHT + minute * MINUTE),
        min: *min,
        mean: *mean,
        max: *max,
        last: *mean,
        count: 2,
    };
    let points: Vec<Point> = points.iter().map(point).collect();
    let bucket = Duration::from_millis(5 * MINUTE as u64);
    in_buckets(points, bucket, regular(bucket))
}

fn regular(usual: Duration) -> Habit {
    let repeats = false;
    Habit {
        rhythm: Rhythm::Regular { usual, repeats },
        ..Habit::default()
    }
}

fn in_buckets(points: Vec<Point>, bucket: Duration, habit: Habit) -> Stretch {
    Stretch::Numbers {
        points,
        bucket,
        habit,
    }
}

fn states(changes: &[(i64, &str)]) -> Stretch {
    let change = |(minute, state): &(i64, &str)| Change {
        at: UtcMillis(MIDNIGHT + minute * MINUTE),
        state: (*state).to_owned(),
    };
    Stretch::States(changes.iter().map(change).collect())
}

/// `when | cell | cell`, of the first hour of the day.
fn told(stretches: &[(&Stretch, Option<DeviceClass>)]) -> Vec<String> {
    let series: Vec<Drawn> = stretches
        .iter()
        .enumerate()
        .map(|(nth, (stretch, class))| Drawn {
            nth,
            label: "One",
            unit: None,
            class: *class,
            is_set: false,
            range: None,
            stretch,
        })
        .collect();
    let extent = Extent {
        from: UtcMillis(MIDNIGHT),
        to: UtcMillis(MIDNIGHT + 60 * MINUTE),
        now: UtcMillis(MIDNIGHT + 60 * MINUTE),
        zone: &TimeZone::UTC,
        is_whole: false,
    };
    let rows = rows(&series, &extent).into_iter();
    rows.map(|row| format!("{} | {}", row.when, row.cells.join(" | ")))
        .collect()
}

#[test]
fn numbers_have_their_extremes_and_gaps_a_row() {
    let mut said: Vec<_> = (0..12).map(|n| (n * 5, 20.0, 20.0, 20.0)).collect();
    said[1] = (5, 19.0, 20.26, 31.0);
    said.drain(3..9);
    let rows = told(&[(&numbers(&said), Some(DeviceClass::Temperature))]);
    assert_eq!(rows.len(), 7);
    assert_eq!(
        rows[..4],
        [
            "00:00:00 | 20.0",
            "00:05:00 | 20.3 (19.0 to 31.0)",
            "00:10:00 | 20.0",
            "00:10:00 to 00:45:00 | no readings",
        ]
    );
}

#[test]
fn states_have_a_row_for_each_change() {
    let door = states(&[(-90, "off"), (10, "on"), (11, "off"), (12, "")]);
    assert_eq!(
        told(&[(&door, Some(DeviceClass::Door))]),
        [
            "00:00:00 | closed",
            "00:10:00 | open",
            "00:11:00 | closed",
            "00:12:00 | empty",
        ]
    );
}

#[test]
fn series_share_rows_and_a_blink_stays() {
    let said: Vec<_> = (0..4).map(|n| (n * 5 + 4, 1.0, 1.0, 1.0)).collect();
    let mut late = said.clone();
    late.drain(..2);
    let lamp = states(&[(-5, "off"), (6, "on"), (7, "off"), (16, "on"), (30, "off")]);
    assert_eq!(
        told(&[
            (&numbers(&said), None),
            (&numbers(&late), None),
            (&lamp, None)
        ]),
        [
            "00:04:00 | 1 | – | off",
            "00:09:00 | 1 | – | off → on → off",
            "00:14:00 | 1 | 1 | off",
            "00:19:00 | 1 | 1 | off → on",
            "00:30:00 | – | – | off",
        ]
    );
}

#[test]
fn a_finer_series_is_merged_into_the_rows_of_a_coarser_one() {
    let coarse = numbers(&[(4, 1.0, 1.0, 1.0), (9, 1.0, 1.0, 1.0)]);
    let Stretch::Numbers { points, .. } = numbers(&[(1, 1.0, 2.0, 3.0), (2, 3.0, 4.0, 9.0)]) else {
        panic!("states");
    };
    let bucket = Duration::from_secs(60);
    let fine = in_buckets(points, bucket, regular(bucket));
    let rows = told(&[(&coarse, None), (&fine, None)]);
    assert_eq!(rows, ["00:04:00 | 1 | 3 (1 to 9)", "00:09:00 | 1 | –"]);
}

#[test]
fn a_level_has_a_row_as_it_begins_and_holds_beside_others() {
    let Stretch::Numbers { points, bucket, .. } = numbers(&[(21, 40.0, 40.0, 40.0)]) else {
        panic!("states");
    };
    let habit = Habit {
        held: Some((UtcMillis(0), 55.0)),
        ..Habit::default()
    };
    let fan = in_buckets(points, bucket, habit);
    assert_eq!(told(&[(&fan, None)]), ["00:00:00 | 55", "00:21:00 | 40"]);
    let said: Vec<_> = (0..6).map(|n| (n * 10 + 4, 1.0, 1.0, 1.0)).collect();
    let both = told(&[(&fan, None), (&numbers(&said), None)]);
    assert_eq!(
        both,
        [
            "00:04:00 | 55 | 1",
            "00:14:00 | 55 | 1",
            "00:24:00 | 40 | 1",
            "00:34:00 | 40 | 1",
            "00:44:00 | 40 | 1",
            "00:54:00 | 40 | 1",
        ]
    );
}
