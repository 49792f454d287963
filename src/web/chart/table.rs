//! A chart as a table: what its lines show in numbers, for those who do not see it, for
//! who wants to copy it, and for the script that says the values under the pointer.

use std::collections::BTreeMap;

use super::draw::{in_words, points, states};
use super::gaps::gaps;
use super::times::Moments;
use super::{Drawn, Extent};
use crate::clock::UtcMillis;
use crate::history::{Change, Point};
use crate::web::wording;

/// With more changes of state than this, those of a bucket share a row.
const MOST_CHANGES: usize = 400;
/// What stands where a series has said nothing.
const NOTHING: &str = "–";

/// A line of the table.
#[derive(Clone, Debug, PartialEq)]
pub struct Row {
    pub at: UtcMillis,
    /// The end of a stretch without readings.
    pub until: Option<UtcMillis>,
    /// The time in words.
    pub when: String,
    /// One for each series; a single one where there are no readings.
    pub cells: Vec<String>,
}

/// What is in one slot of time, by series.
#[derive(Default)]
struct Slot<'a> {
    at: UtcMillis,
    numbers: BTreeMap<usize, Point>,
    changes: BTreeMap<usize, Vec<&'a Change>>,
}

/// The rows, oldest first.
pub fn rows(series: &[Drawn], extent: &Extent) -> Vec<Row> {
    let moments = extent.moments();
    let mut held: Vec<Option<&str>> = vec![None; series.len()];
    let mut rows: Vec<Row> = slots(series, extent)
        .into_values()
        .map(|slot| Row {
            at: slot.at,
            until: None,
            when: moments.say(slot.at),
            cells: cells(series, &slot, &mut held),
        })
        .collect();
    if let [drawn] = series {
        rows.extend(silences(drawn, extent, &moments));
        rows.sort_by_key(|row| row.at);
    }
    rows
}

fn slots<'a>(series: &[Drawn<'a>], extent: &Extent) -> BTreeMap<i64, Slot<'a>> {
    let length = slot_length(series, extent);
    let nth = |at: UtcMillis| at.0.saturating_sub(extent.from.0) / length;
    let mut slots: BTreeMap<i64, Slot> = BTreeMap::new();
    for (n, drawn) in series.iter().enumerate() {
        for point in points(drawn.stretch).map_or(&[][..], |(points, _)| points) {
            let at = point.at.max(extent.from);
            slots.entry(nth(at)).or_default().add(n, at, point);
        }
    }
    for (n, drawn) in series.iter().enumerate() {
        for change in states(drawn.stretch).unwrap_or_default() {
            let at = change.at.max(extent.from);
            slots.entry(nth(at)).or_default().add_change(n, at, change);
        }
    }
    slots
}

impl<'a> Slot<'a> {
    fn add(&mut self, n: usize, at: UtcMillis, point: &Point) {
        self.at = self.at.max(at);
        let before = self.numbers.get(&n);
        let merged = before.map_or(*point, |before| merge(before, point));
        self.numbers.insert(n, merged);
    }

    /// Where there are numbers, the row stands where they are drawn.
    fn add_change(&mut self, n: usize, at: UtcMillis, change: &'a Change) {
        if self.numbers.is_empty() {
            self.at = self.at.max(at);
        }
        self.changes.entry(n).or_default().push(change);
    }
}

/// As long as the longest bucket; states alone have a row for each change.
fn slot_length(series: &[Drawn], extent: &Extent) -> i64 {
    let numbers = series.iter().filter_map(|drawn| points(drawn.stretch));
    let buckets = numbers.filter(|(points, _)| !points.is_empty());
    let longest = buckets.map(|(_, bucket)| bucket.as_millis()).max();
    let longest = longest.and_then(|longest| i64::try_from(longest).ok());
    let changes = series.iter().filter_map(|drawn| states(drawn.stretch));
    let changes: usize = changes.map(<[Change]>::len).sum();
    let length = match longest {
        Some(longest) => longest,
        None if changes <= MOST_CHANGES => 1,
        None => extent.to.0.saturating_sub(extent.from.0) / MOST_CHANGES as i64,
    };
    length.max(1)
}

fn merge(a: &Point, b: &Point) -> Point {
    let count = a.count.saturating_add(b.count);
    let part = f64::from(b.count) / f64::from(count.max(1));
    Point {
        at: b.at,
        min: a.min.min(b.min),
        max: a.max.max(b.max),
        // Not their difference, which may be infinite.
        mean: a.mean * (1.0 - part) + b.mean * part,
        last: b.last,
        count,
    }
}

fn cells<'a>(series: &[Drawn], slot: &Slot<'a>, held: &mut [Option<&'a str>]) -> Vec<String> {
    let cell = |(n, drawn): (usize, &Drawn)| {
        if states(drawn.stretch).is_none() {
            let number = slot.numbers.get(&n).map(|point| number(point, drawn));
            return number.unwrap_or_else(|| NOTHING.to_owned());
        }
        let changes = slot.changes.get(&n).map_or(&[][..], Vec::as_slice);
        let before = held[n].into_iter();
        let states = before.chain(changes.iter().map(|change| change.state.as_str()));
        let said: Vec<_> = states.map(|state| in_words(state, drawn.words())).collect();
        held[n] = changes.last().map_or(held[n], |last| Some(&last.state));
        match said.len() {
            0 => NOTHING.to_owned(),
            // In a row of its own, a change is what it leads to.
            2 if slot.numbers.is_empty() => said[1].clone(),
            _ => said.join(" → "),
        }
    };
    series.iter().enumerate().map(cell).collect()
}

/// A bucket's mean, and its extremes where they differ.
fn number(point: &Point, drawn: &Drawn) -> String {
    let words = |number| wording::number(number, drawn.class);
    let (min, max) = (words(point.min), words(point.max));
    let range = match min == max {
        true => String::new(),
        false => format!(" ({min} to {max})"),
    };
    format!("{}{range}", words(point.mean))
}

fn silences(drawn: &Drawn, extent: &Extent, moments: &Moments) -> Vec<Row> {
    let Some((points, bucket)) = points(drawn.stretch) else {
        return Vec::new();
    };
    let gaps = gaps(points, bucket, extent);
    let row = |gap: super::gaps::Gap| Row {
        at: UtcMillis(gap.from.0.saturating_add(1)),
        until: Some(UtcMillis(gap.to.0.saturating_sub(1))),
        when: format!("{} to {}", moments.say(gap.from), moments.say(gap.to)),
        cells: vec!["no readings".to_owned()],
    };
    gaps.into_iter().map(row).collect()
}

#[cfg(test)]
mod tests;
