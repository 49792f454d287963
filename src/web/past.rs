//! What the page asks of the history: sparklines, and charts with all that belongs to
//! them.

mod figure;
mod subject;
pub mod ways;

use std::collections::HashMap;

pub use figure::Figure;
pub use subject::{Subject, all, named};

use super::house::House;
use super::{App, chart};
use crate::clock::UtcMillis;
use crate::history::{HistoryError, Stretch};

/// A sparkline shows so much, …
const SPARK_MS: i64 = 3_600_000;
/// … a point for each such piece of it, …
const SPARK_BUCKET_MS: i64 = 75_000;
/// … or this at least, of a series that is younger than half of it.
const SHORTEST_SPARK_MS: i64 = 60_000;
/// More sparklines than this would make a page slow; the rest goes without.
const MAX_SPARKS: usize = 60;

/// The last hour of each number, by topic. A thing without history has none.
pub async fn sparks(app: &App, house: &House) -> HashMap<String, String> {
    let mut sparks = HashMap::new();
    for view in house
        .things()
        .filter(|view| view.is_number())
        .take(MAX_SPARKS)
    {
        let topic = &view.live.thing;
        match spark(app, topic).await {
            Ok(svg) => sparks.extend(svg.map(|svg| (topic.clone(), svg))),
            // What one series cannot say, the next cannot either.
            Err(_) => break,
        }
    }
    sparks
}

async fn spark(app: &App, topic: &str) -> Result<Option<String>, HistoryError> {
    let to = app.clock.now().utc;
    let begin = to.0 - SPARK_MS;
    let begin = UtcMillis(begin - begin.rem_euclid(SPARK_BUCKET_MS));
    let mut from = begin;
    let points = usize::try_from((to.0 - begin.0) / SPARK_BUCKET_MS + 1).unwrap_or(1);
    let mut stretch = app.history.stretch(topic, from, to, points).await?;
    if let Some(first) = first(&stretch)
        && to.0 - first.0 < SPARK_MS / 2
    {
        from = first.min(UtcMillis(to.0 - SHORTEST_SPARK_MS));
        stretch = app.history.stretch(topic, from, to, points).await?;
    }
    Ok(match &stretch {
        // A value that holds is a level, and no more of a line than what stands beside it.
        Stretch::Numbers { points, .. } if points.len() > 1 => {
            Some(chart::sparkline(&stretch, from, to))
        }
        _ => None,
    })
}

/// The time of the first reading.
fn first(stretch: &Stretch) -> Option<UtcMillis> {
    match stretch {
        Stretch::Numbers { points, .. } => points.first().map(|point| point.at),
        Stretch::States(changes) => changes.first().map(|change| change.at),
    }
}

/// Whether an address asks for an axis that reaches everything: `axis=whole`.
pub fn is_whole(query: &[(String, String)]) -> bool {
    query
        .iter()
        .any(|(key, value)| key == "axis" && value == "whole")
}

/// Why there is no chart, as a sentence.
fn sentence(error: &HistoryError) -> String {
    match error {
        HistoryError::Off(reason) => format!("Nothing is recorded: {reason}."),
        HistoryError::Away(_) => format!("The {error}. Readings wait on the disk meanwhile."),
        _ => "The history did not answer; the log says why.".to_owned(),
    }
}
