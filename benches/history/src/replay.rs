//! Recordings as rows for a commit: at their own times, or faster and slower.

use hearth::clock::UtcMillis;
use hearth::history::workbench::Row;
use hearth::home::Value;

use crate::load::{BEGIN, Dice};
use crate::recordings::Series;

/// All samples of the first `milliseconds`, at their own times, as if the recordings had begun
/// together.
pub fn as_it_was<'a>(series: impl Iterator<Item = &'a Series>, milliseconds: i64) -> Vec<Row> {
    let mut rows: Vec<Row> = Vec::new();
    for one in series {
        let early = one.samples.iter().filter(|(at, _)| *at < milliseconds);
        rows.extend(early.map(|(at, value)| row(one, *at, *value)));
    }
    rows.sort_by_key(|row| row.1);
    rows
}

/// So many samples a second of all series together, in turn, for so many minutes: each
/// series says its values in their order, and begins again at its end. Up to 6 ms off the
/// beat, as what comes over a network is.
pub fn in_turn<'a>(
    series: impl Iterator<Item = &'a Series>,
    per_second: u32,
    minutes: u32,
) -> Vec<Row> {
    let series: Vec<&Series> = series.collect();
    let mut dice = Dice::default();
    let samples = per_second * minutes * 60;
    let sample = |nth: u32| {
        let (one, round) = (nth as usize % series.len(), nth as usize / series.len());
        let one = series[one];
        let at = i64::from(nth) * 1000 / i64::from(per_second) + dice.below(7);
        row(one, at, one.samples[round % one.samples.len()].1)
    };
    (0..samples).map(sample).collect()
}

fn row(series: &Series, at: i64, value: f64) -> Row {
    let at = UtcMillis(BEGIN + at);
    (series.topic.clone(), at, Value::Number(value))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn series(name: &str, samples: &[(i64, f64)]) -> Series {
        Series {
            topic: name.into(),
            samples: samples.to_vec(),
        }
    }

    fn said(rows: &[Row]) -> Vec<(i64, f64)> {
        let said = |row: &Row| (row.1.0 - BEGIN, row.2.as_number().unwrap());
        rows.iter().map(said).collect()
    }

    #[test]
    fn own_times_are_merged_and_end() {
        let both = [
            series("a", &[(0, 1.0), (60, 2.0), (90, 3.0)]),
            series("b", &[(30, 9.0)]),
        ];
        let rows = as_it_was(both.iter(), 90);
        assert_eq!(said(&rows), [(0, 1.0), (30, 9.0), (60, 2.0)]);
    }

    #[test]
    fn turns_come_at_their_pace_and_begin_again() {
        let both = [
            series("a", &[(0, 1.0), (60, 2.0)]),
            series("b", &[(0, 9.0)]),
        ];
        let rows = said(&in_turn(both.iter(), 2, 1));
        assert_eq!(rows.len(), 120);
        let values: Vec<f64> = rows.iter().take(6).map(|row| row.1).collect();
        assert_eq!(values, [1.0, 9.0, 2.0, 9.0, 1.0, 9.0]);
        let late = |(nth, row): (usize, &(i64, f64))| row.0 - nth as i64 * 500;
        assert!(
            rows.iter()
                .enumerate()
                .map(late)
                .all(|late| (0..7).contains(&late))
        );
    }
}
