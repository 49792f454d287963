//! Which series share a drawing.

use std::time::Duration;

use super::*;
use crate::history::{Change, Habit, Point};

fn numbers(count: i64) -> Stretch {
    let point = |n| Point {
        at: UtcMillis(n * 1000),
        min: 1.0,
        max: 1.0,
        mean: 1.0,
        last: 1.0,
        count: 1,
    };
    Stretch::Numbers {
        points: (0..count).map(point).collect(),
        bucket: Duration::from_secs(1),
        habit: Habit::default(),
    }
}

fn lamp() -> Stretch {
    Stretch::States(vec![Change {
        at: UtcMillis(0),
        state: "on".into(),
    }])
}

/// The places of the series in each drawing.
fn shared(series: &[(&Stretch, Option<&str>)]) -> Vec<Vec<usize>> {
    let series: Vec<Drawn> = series
        .iter()
        .enumerate()
        .map(|(nth, (stretch, unit))| Drawn {
            nth,
            label: "One",
            unit: *unit,
            class: None,
            is_set: false,
            range: None,
            stretch,
        })
        .collect();
    let groups = groups(&series).into_iter();
    groups
        .map(|group| group.iter().map(|drawn| drawn.nth).collect())
        .collect()
}

#[test]
fn a_unit_has_an_axis_and_states_stand_below() {
    let (some, none, lamp) = (numbers(9), numbers(0), lamp());
    let celsius = Some("°C");
    assert_eq!(
        shared(&[
            (&some, celsius),
            (&lamp, None),
            (&some, Some("%")),
            (&some, celsius),
            (&none, Some("hPa")),
        ]),
        [vec![0, 3], vec![2, 1]]
    );
    assert_eq!(shared(&[(&lamp, None), (&none, celsius)]), [vec![0]]);
    assert_eq!(shared(&[(&none, None), (&none, celsius)]), [vec![0, 1]]);
}
