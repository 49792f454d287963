//! A chart as a table: what its lines show in numbers, for those who do not see it, for
//! who wants to copy it, and for the script that says the values under the pointer.

use std::collections::BTreeMap;

use super::draw::{in_words, states};
use super::numbers::{Gap, Numbers};
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
    /// How far what it says holds, where that is longer than a moment.
    pub holds: Option<UtcMillis>,
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

/// What a series said last, while the rows are made.
#[derive(Clone, Copy, Default)]
struct Held<'a> {
    state: Option<&'a str>,
    /// Of a series that is told on change.
    number: Option<f64>,
}

/// The rows, oldest first.
pub fn rows(series: &[Drawn], extent: &Extent) -> Vec<Row> {
    let moments = extent.moments();
    let mut held: Vec<Held> = series.iter().map(Held::of).collect();
    let mut rows: Vec<Row> = slots(series, extent)
        .into_values()
        .map(|slot| Row {
            at: slot.at,
            until: None,
            holds: None,
            when: moments.say(slot.at),
            cells: cells(series, &slot, &mut held),
        })
        .collect();
    if let [drawn] = series {
        match is_held(drawn) {
            true => hold(&mut rows, extent.end()),
            false => rows.extend(silences(drawn, extent, &moments)),
        }
        rows.sort_by_key(|row| row.at);
    }
    rows
}

impl<'a> Held<'a> {
    fn of(drawn: &Drawn<'a>) -> Held<'a> {
        Held {
            state: None,
            number: Numbers::of(drawn).and_then(|numbers| numbers.held()),
        }
    }
}

/// Whether what is said holds until something else is.
fn is_held(drawn: &Drawn) -> bool {
    Numbers::of(drawn).is_none_or(|numbers| numbers.is_on_change())
}

fn hold(rows: &mut [Row], end: UtcMillis) {
    for nth in 0..rows.len() {
        let next = rows.get(nth + 1).map_or(end, |next| next.at);
        rows[nth].holds = Some(UtcMillis(next.0.saturating_sub(1)).max(rows[nth].at));
    }
}

fn slots<'a>(series: &[Drawn<'a>], extent: &Extent) -> BTreeMap<i64, Slot<'a>> {
    let length = slot_length(series, extent);
    let nth = |at: UtcMillis| at.0.saturating_sub(extent.from.0) / length;
    let mut slots: BTreeMap<i64, Slot> = BTreeMap::new();
    for (n, drawn) in series.iter().enumerate() {
        let Some(numbers) = Numbers::of(drawn) else {
            continue;
        };
        // What held as it begins has a row, as a state has.
        if numbers.held().is_some() && !numbers.points.iter().any(|point| nth(point.at) == 0) {
            let first = slots.entry(0).or_default();
            first.at = first.at.max(extent.from);
        }
        for point in numbers.points {
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
    let numbers = series.iter().filter_map(Numbers::of);
    let told = numbers.filter(|numbers| !numbers.points.is_empty());
    let longest = told.map(|numbers| numbers.bucket.as_millis()).max();
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

fn cells<'a>(series: &[Drawn], slot: &Slot<'a>, held: &mut [Held<'a>]) -> Vec<String> {
    let cell = |(n, drawn): (usize, &Drawn)| match Numbers::of(drawn) {
        Some(numbers) => number_cell(drawn, &numbers, slot.numbers.get(&n), &mut held[n]),
        None => {
            let changes = slot.changes.get(&n).map_or(&[][..], Vec::as_slice);
            state_cell(drawn, changes, slot.numbers.is_empty(), &mut held[n])
        }
    };
    series.iter().enumerate().map(cell).collect()
}

fn number_cell(drawn: &Drawn, numbers: &Numbers, point: Option<&Point>, held: &mut Held) -> String {
    if let Some(point) = point {
        if numbers.is_on_change() {
            held.number = Some(point.last);
        }
        return number(point, drawn, numbers);
    }
    let holds = held.number.map(|held| wording::number(held, drawn.class));
    holds.unwrap_or_else(|| NOTHING.to_owned())
}

fn state_cell<'a>(
    drawn: &Drawn,
    changes: &[&'a Change],
    is_alone: bool,
    held: &mut Held<'a>,
) -> String {
    let states = changes.iter().map(|change| change.state.as_str());
    let states = held.state.into_iter().chain(states);
    let said: Vec<_> = states.map(|state| in_words(state, drawn.words())).collect();
    held.state = changes.last().map_or(held.state, |last| Some(&last.state));
    match said.len() {
        0 => NOTHING.to_owned(),
        // In a row of its own, a change is what it leads to.
        2 if is_alone => said[1].clone(),
        _ => said.join(" → "),
    }
}

/// A bucket's mean, or what holds after it, and its extremes where they differ.
fn number(point: &Point, drawn: &Drawn, numbers: &Numbers) -> String {
    let words = |number| wording::number(number, drawn.class);
    let (min, max) = (words(point.min), words(point.max));
    let range = match min == max {
        true => String::new(),
        false => format!(" ({min} to {max})"),
    };
    let told = match numbers.is_stepped() {
        true => point.last,
        false => point.mean,
    };
    format!("{}{range}", words(told))
}

fn silences(drawn: &Drawn, extent: &Extent, moments: &Moments) -> Vec<Row> {
    let gaps = Numbers::of(drawn).map(|numbers| numbers.gaps(extent));
    let row = |gap: Gap| Row {
        at: UtcMillis(gap.from.0.saturating_add(1)),
        until: Some(UtcMillis(gap.to.0.saturating_sub(1))),
        holds: None,
        when: format!("{} to {}", moments.say(gap.from), moments.say(gap.to)),
        cells: vec!["no readings".to_owned()],
    };
    gaps.unwrap_or_default().into_iter().map(row).collect()
}

#[cfg(test)]
mod tests;
