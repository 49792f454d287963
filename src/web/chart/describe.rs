//! What a chart shows, in sentences for those who do not see it.

use super::draw::{in_words, states};
use super::numbers::{Gap, Numbers};
use super::times::Moments;
use super::values::brief;
use super::{Drawn, Extent};
use crate::history::{Change, Point};

/// The names of the series.
pub fn title(series: &[Drawn]) -> String {
    let labels: Vec<_> = series.iter().map(|drawn| drawn.label).collect();
    labels.join(", ")
}

/// A sentence for each series.
pub fn description(series: &[Drawn], extent: &Extent) -> String {
    let moments = extent.moments();
    let sentences = series.iter().map(|drawn| {
        let said = match states(drawn.stretch) {
            Some(changes) => describe_states(drawn, changes, &moments),
            None => describe_numbers(drawn, extent, &moments),
        };
        let said = said.unwrap_or_else(|| "no readings in this time".to_owned());
        format!("{}: {said}.", drawn.label)
    });
    sentences.collect::<Vec<_>>().join(" ")
}

fn describe_numbers(drawn: &Drawn, extent: &Extent, moments: &Moments) -> Option<String> {
    let numbers = Numbers::of(drawn)?;
    let unit = drawn
        .unit
        .map_or_else(String::new, |unit| format!(" {unit}"));
    let points = numbers.points;
    let Some(latest) = points.last() else {
        let held = brief(numbers.held()?);
        return Some(format!("{held}{unit} all the time"));
    };
    let lowest = points.iter().min_by(|a, b| a.min.total_cmp(&b.min))?;
    let highest = points.iter().max_by(|a, b| a.max.total_cmp(&b.max))?;
    let said = |number, point: &Point, word| {
        format!("{}{unit} {word} {}", brief(number), moments.say(point.at))
    };
    let word = match numbers.is_on_change() {
        true => "since",
        false => "at",
    };
    let held = numbers.held();
    let held = held.map(|held| format!("{}{unit} as it begins, ", brief(held)));
    Some(format!(
        "{}lowest {}, highest {}, latest {}{}",
        held.unwrap_or_default(),
        said(lowest.min, lowest, "at"),
        said(highest.max, highest, "at"),
        said(latest.last, latest, word),
        describe_gaps(&numbers.gaps(extent), moments)
    ))
}

fn describe_gaps(gaps: &[Gap], moments: &Moments) -> String {
    let Some(longest) = gaps.iter().max_by_key(|gap| gap.millis()) else {
        return String::new();
    };
    let (from, to) = (moments.say(longest.from), moments.say(longest.to));
    match gaps.len() {
        1 => format!("; no readings from {from} to {to}"),
        more => format!("; {more} times without readings, longest from {from} to {to}"),
    }
}

fn describe_states(drawn: &Drawn, changes: &[Change], moments: &Moments) -> Option<String> {
    let latest = changes.last()?;
    let since = moments.say(latest.at);
    let changed = match changes.len() - 1 {
        1 => "1 change".to_owned(),
        count => format!("{count} changes"),
    };
    let state = in_words(&latest.state, drawn.words());
    Some(format!("{changed}, latest {state} since {since}"))
}
