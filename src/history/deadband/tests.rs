//! What a deadband leaves out can be told from what it keeps.

use proptest::prelude::*;

use super::*;
use crate::history::sample::any::sample;

const MINUTE: i64 = 60_000;

fn kept(width: f64, samples: impl IntoIterator<Item = Sample>) -> Vec<Sample> {
    let mut filter = Deadband::new(width);
    let mut kept: Vec<Sample> = samples
        .into_iter()
        .flat_map(|sample| filter.push(sample))
        .flatten()
        .collect();
    kept.extend(filter.finish());
    assert_eq!(filter.finish(), None);
    kept
}

fn numbers(width: f64, numbers: &[(i64, f64)]) -> Vec<(i64, f64)> {
    let samples = numbers
        .iter()
        .map(|(at, number)| sample(*at, Value::Number(*number)));
    kept(width, samples)
        .into_iter()
        .map(|one| (one.at.0, one.value.as_number().unwrap()))
        .collect()
}

#[test]
fn a_step_stays_a_step() {
    let all = [
        (0, 20.0),
        (1, 20.0),
        (2, 20.02),
        (3, 25.0),
        (4, 25.0),
        (5, 25.0),
    ];
    let expected = [(0, 20.0), (2, 20.02), (3, 25.0), (5, 25.0)];
    assert_eq!(numbers(0.1, &all), expected);
}

#[test]
fn a_slow_drift_is_followed() {
    let all: Vec<(i64, f64)> = (0..100).map(|n| (n, n as f64 / 100.0)).collect();
    let kept = numbers(0.1, &all);
    // Every tenth, and the one before it.
    assert_eq!(kept.len(), 20);
    assert_eq!(&kept[..3], [(0, 0.0), (9, 0.09), (10, 0.1)]);
}

#[test]
fn who_says_the_same_is_still_alive() {
    let all: Vec<(i64, f64)> = (0..=60).map(|n| (n * MINUTE, 20.0)).collect();
    let at: Vec<i64> = numbers(0.1, &all)
        .iter()
        .map(|(at, _)| at / MINUTE)
        .collect();
    assert_eq!(at, [0, 10, 20, 30, 40, 50, 60]);
}

#[test]
fn every_change_of_a_state_matters() {
    let states = [true, true, false, false, true];
    let samples = (0..)
        .zip(states)
        .map(|(at, on)| sample(at, Value::Switch(on)));
    let at: Vec<i64> = kept(5.0, samples).iter().map(|one| one.at.0).collect();
    assert_eq!(at, [0, 1, 2, 3, 4]);
    let text = |at, text: &str| sample(at, Value::Text(text.to_owned()));
    let kept = kept(5.0, [text(0, "open"), text(1, "open"), text(2, "shut")]);
    assert_eq!(kept.len(), 3);
}

#[test]
fn without_a_width_all_is_kept() {
    let all = [(0, 1.0), (1, 1.0), (2, 1.0)];
    for width in [0.0, -1.0, f64::NAN, f64::INFINITY] {
        assert_eq!(numbers(width, &all), all, "{width}");
    }
}

#[test]
fn what_is_late_is_kept() {
    let all = [(10, 1.0), (20, 1.0), (5, 1.0), (30, 1.0)];
    assert_eq!(numbers(0.5, &all), [(10, 1.0), (5, 1.0), (30, 1.0)]);
}

proptest! {
    #[test]
    fn what_is_left_out_can_be_told(
        steps in prop::collection::vec((1..200_000_i64, -30..30_i64), 1..200),
        width in 1..100_i64,
    ) {
        let width = width as f64 / 10.0;
        let mut now = (0, 0);
        let all: Vec<(i64, f64)> = steps.iter().map(|(later, step)| {
            now = (now.0 + later, now.1 + step);
            (now.0, now.1 as f64 / 10.0)
        }).collect();
        let kept = numbers(width, &all);
        prop_assert_eq!(kept.first(), all.first());
        prop_assert_eq!(kept.last(), all.last());
        prop_assert!(kept.is_sorted_by(|a, b| a.0 < b.0));
        for (nth, one) in all.iter().enumerate() {
            let next = kept.partition_point(|other| other.0 <= one.0);
            let before = kept[next - 1];
            prop_assert!(before == *one || (before.1 - one.1).abs() < 2.0 * width);
            // A change has its neighbour: no slope where there was a step.
            if nth > 0 && before == *one && (all[nth - 1].1 - one.1).abs() >= 2.0 * width {
                prop_assert!(kept.contains(&all[nth - 1]));
            }
            let longest = 10 * MINUTE + 200_000;
            prop_assert!(one.0 - before.0 <= longest);
        }
    }
}
