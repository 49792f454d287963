//! What the page asks of the history: sparklines, charts and last values.

use std::collections::HashMap;
use std::time::Duration;

use super::house::{House, ThingView};
use super::{App, chart, wording};
use crate::clock::UtcMillis;
use crate::history::{HistoryError, Point, Stretch};
use crate::home::Value;

/// A sparkline is this wide.
const SPARK_POINTS: usize = 48;
const CHART_POINTS: usize = 240;
/// Width and height of a chart in CSS pixels.
const NARROW: (u32, u32) = (340, 220);
const WIDE: (u32, u32) = (1100, 320);
/// More sparklines than this would make a page slow; the rest goes without.
const MAX_SPARKS: usize = 60;
/// Rows of a thing's last values.
const LAST_VALUES: usize = 8;
/// A younger series is drawn as if it were this old.
const SHORTEST: Duration = Duration::from_secs(60);
const HOUR: Duration = Duration::from_secs(3600);

/// The time span of a chart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Span {
    Hour,
    Day,
    Week,
}

impl Span {
    pub const ALL: [Span; 3] = [Span::Hour, Span::Day, Span::Week];

    /// Reads `?span=`.
    pub fn parse(word: &str) -> Option<Span> {
        Span::ALL.into_iter().find(|span| span.word() == word)
    }

    /// As it stands in an address.
    pub fn word(self) -> &'static str {
        match self {
            Span::Hour => "hour",
            Span::Day => "day",
            Span::Week => "week",
        }
    }

    /// As a person reads it.
    pub fn title(self) -> &'static str {
        match self {
            Span::Hour => "Hour",
            Span::Day => "Day",
            Span::Week => "Week",
        }
    }

    fn length(self) -> Duration {
        match self {
            Span::Hour => HOUR,
            Span::Day => HOUR * 24,
            Span::Week => HOUR * 24 * 7,
        }
    }
}

/// One chart for phones, one for larger screens.
#[derive(Debug)]
pub struct Charts {
    pub narrow: String,
    pub wide: String,
}

/// A chart, or the sentence that stands in its place; and the last values.
#[derive(Debug)]
pub struct Past {
    pub chart: Result<Charts, String>,
    /// Newest first.
    pub last: Vec<(UtcMillis, String)>,
}

/// What a thing did within `span`, up to now.
pub async fn of(app: &App, view: &ThingView, span: Span) -> Past {
    match stretch(app, &view.live.thing, span, CHART_POINTS).await {
        Ok(drawn) => Past {
            last: last_values(&drawn.stretch, view),
            chart: Ok(draw(app, &drawn, view)),
        },
        Err(error) => Past {
            chart: Err(sentence(&error)),
            last: Vec::new(),
        },
    }
}

/// A stretch and the time that its drawing covers.
struct Drawn {
    stretch: Stretch,
    from: UtcMillis,
    to: UtcMillis,
}

/// The last `span`; of a series that is younger than half of it, what there is.
async fn stretch(app: &App, topic: &str, span: Span, points: usize) -> Result<Drawn, HistoryError> {
    let to = app.clock.now().utc;
    let mut from = to - span.length();
    let mut stretch = app.history.stretch(topic, from, to, points).await?;
    if let Some(first) = first(&stretch)
        && to.since(first) < span.length() / 2
    {
        from = first.min(to - SHORTEST);
        stretch = app.history.stretch(topic, from, to, points).await?;
    }
    Ok(Drawn { stretch, from, to })
}

fn first(stretch: &Stretch) -> Option<UtcMillis> {
    match stretch {
        Stretch::Numbers { points, .. } => points.first().map(|point| point.at),
        Stretch::States(changes) => changes.first().map(|change| change.at),
    }
}

/// Twice, for screens of two widths: letters in a drawing that is scaled down
/// could not be read.
fn draw(app: &App, drawn: &Drawn, view: &ThingView) -> Charts {
    let series = chart::Drawn {
        label: &view.title,
        unit: Some(view.live.unit.as_str()).filter(|unit| !unit.is_empty()),
        stretch: &drawn.stretch,
    };
    let draw = |(width, height)| {
        let zone = app.zone.clone();
        let options = chart::Options {
            width,
            height,
            zone,
        };
        chart::chart(&[series], drawn.from, drawn.to, &options)
    };
    Charts {
        narrow: draw(NARROW),
        wide: draw(WIDE),
    }
}

/// The last hour of each number, by topic. A thing without history has none.
pub async fn sparks(app: &App, house: &House) -> HashMap<String, String> {
    let mut sparks = HashMap::new();
    for view in house
        .things()
        .filter(|view| view.is_number())
        .take(MAX_SPARKS)
    {
        let topic = &view.live.thing;
        match stretch(app, topic, Span::Hour, SPARK_POINTS).await {
            Ok(drawn) => sparks.extend(spark(&drawn).map(|svg| (topic.clone(), svg))),
            // What one series cannot say, the next cannot either.
            Err(_) => break,
        }
    }
    sparks
}

fn spark(drawn: &Drawn) -> Option<String> {
    match &drawn.stretch {
        Stretch::Numbers { points, .. } if points.len() > 1 => {
            Some(chart::sparkline(&drawn.stretch, drawn.from, drawn.to))
        }
        _ => None,
    }
}

fn sentence(error: &HistoryError) -> String {
    match error {
        HistoryError::Off(reason) => format!("Nothing is recorded: {reason}."),
        HistoryError::Read(_) | HistoryError::Write(_) => {
            "The history did not answer; the log says why.".to_owned()
        }
    }
}

fn last_values(stretch: &Stretch, view: &ThingView) -> Vec<(UtcMillis, String)> {
    match stretch {
        Stretch::Numbers { points, .. } => {
            let newest = points.iter().rev().take(LAST_VALUES);
            newest
                .map(|point| (point.at, number(point, view)))
                .collect()
        }
        Stretch::States(changes) => {
            let newest = changes.iter().rev().take(LAST_VALUES);
            newest
                .map(|change| (change.at, state(&change.state, view)))
                .collect()
        }
    }
}

fn state(state: &str, view: &ThingView) -> String {
    wording::value(&Value::parse(state), view.kind, view.device_class)
}

/// A bucket's mean, and its extremes where they differ.
fn number(point: &Point, view: &ThingView) -> String {
    let words = |number| wording::number(number, view.device_class);
    let (min, max) = (words(point.min), words(point.max));
    let range = if min == max {
        String::new()
    } else {
        format!(" ({min} to {max})")
    };
    format!("{} {}{range}", words(point.mean), view.live.unit)
}
