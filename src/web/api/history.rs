//! Series for programs: `GET /api/history/{room}/{name}`, any stretch of time at any
//! resolution. `docs/charts.md` says what may be asked.

use std::str::FromStr;

use axum::Json;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use jiff::tz::TimeZone;
use serde_json::{Map, Value as JsonValue, json};

use super::ThingPath;
use crate::clock::UtcMillis;
use crate::history::{Change, Point, Stretch};
use crate::home::{Thing, duration};
use crate::web::chart::instant;
use crate::web::error::Problem;
use crate::web::{Shared, wording};

const DEFAULT_POINTS: usize = 300;
const MAX_POINTS: usize = 2000;
/// The history gives no fewer.
const FEWEST_POINTS: usize = 3;
const DEFAULT_SPAN_MS: i64 = 3_600_000;
/// The keys of a query.
const KEYS: [&str; 6] = ["from", "to", "points", "resolution", "aggregate", "times"];

type Pairs = Vec<(String, String)>;

/// What is told of a bucket of numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Aggregate {
    Min,
    Mean,
    Max,
    Last,
    Count,
}

impl Aggregate {
    const ALL: [Aggregate; 5] = [
        Aggregate::Min,
        Aggregate::Mean,
        Aggregate::Max,
        Aggregate::Last,
        Aggregate::Count,
    ];

    fn word(self) -> &'static str {
        match self {
            Aggregate::Min => "min",
            Aggregate::Mean => "mean",
            Aggregate::Max => "max",
            Aggregate::Last => "last",
            Aggregate::Count => "count",
        }
    }

    fn of(self, point: &Point) -> JsonValue {
        match self {
            Aggregate::Min => point.min.into(),
            Aggregate::Mean => point.mean.into(),
            Aggregate::Max => point.max.into(),
            Aggregate::Last => point.last.into(),
            Aggregate::Count => point.count.into(),
        }
    }
}

/// A query that can be answered.
#[derive(Clone, Debug, PartialEq)]
struct Asked {
    from: UtcMillis,
    /// Part of it.
    to: UtcMillis,
    points: usize,
    aggregates: Vec<Aggregate>,
    /// Times as ISO 8601 rather than UTC milliseconds.
    iso: bool,
}

/// `GET /api/history/{room}/{name}?from&to&points|resolution&aggregate&times`
pub async fn get(
    State(app): State<Shared>,
    path: ThingPath,
    query: Result<Query<Pairs>, QueryRejection>,
) -> Result<Json<JsonValue>, Problem> {
    let (Path((room, name)), Query(query)) = (path?, query?);
    let topic = Thing::new(room, name).topic();
    let asked = Asked::read(&query, app.clock.now().utc, &app.zone)?;
    let stretch = app
        .history
        .stretch(&topic, asked.from, asked.to, asked.points)
        .await
        .map_err(|error| Problem::new(StatusCode::SERVICE_UNAVAILABLE, error.to_string()))?;
    let mut body = json!({
        "topic": topic,
        "from": asked.time(asked.from),
        "to": asked.time(asked.to),
    });
    match stretch {
        Stretch::Numbers { points, bucket, .. } => {
            body["resolution"] = u64::try_from(bucket.as_millis()).unwrap_or(u64::MAX).into();
            body["points"] = points.iter().map(|point| asked.point(point)).collect();
        }
        Stretch::States(changes) => {
            body["states"] = changes.iter().map(|change| asked.change(change)).collect();
        }
    }
    Ok(Json(body))
}

impl Asked {
    /// The last hour in 300 points, where the query leaves it open. A time without an
    /// offset is one of `zone`.
    fn read(query: &Pairs, now: UtcMillis, zone: &TimeZone) -> Result<Asked, Problem> {
        for (key, _) in query {
            known(key)?;
        }
        let to = value(query, "to")?.map(|text| time("to", text, zone));
        let to = to.transpose()?.unwrap_or(now);
        let from = value(query, "from")?.map(|text| time("from", text, zone));
        let from = from
            .transpose()?
            .unwrap_or(UtcMillis(to.0 - DEFAULT_SPAN_MS));
        if from >= to {
            return Err(Problem::bad_request(format!(
                "\"from\" ({}) must be earlier than \"to\" ({}).",
                from.0, to.0
            )));
        }
        let asked = Asked {
            from,
            to,
            points: DEFAULT_POINTS,
            aggregates: aggregates(value(query, "aggregate")?)?,
            iso: iso(value(query, "times")?)?,
        };
        match (value(query, "points")?, value(query, "resolution")?) {
            (None, None) => Ok(asked),
            (Some(text), None) => Ok(Asked {
                points: points(text)?,
                ..asked
            }),
            (None, Some(text)) => asked.at_resolution(text, zone),
            (Some(_), Some(_)) => Err(Problem::bad_request(
                "Give \"points\" or \"resolution\", not both: each follows from the other.",
            )),
        }
    }

    /// The same in buckets of a length, begun at a round time of the house's clock.
    fn at_resolution(self, text: &str, zone: &TimeZone) -> Result<Asked, Problem> {
        let length = duration::parse(text).ok();
        let length = length.and_then(|length| i64::try_from(length.as_millis()).ok());
        let Some(length) = length.filter(|length| *length > 0) else {
            return Err(Problem::bad_request(format!(
                "\"resolution\" is a length of time from 1ms to 366d, such as 5m, not \"{}\".",
                wording::cut(text)
            )));
        };
        let offset = instant::zoned(self.from, zone).map_or(0, |from| from.offset().seconds());
        let into = (self.from.0 + i64::from(offset) * 1000).rem_euclid(length);
        let from = UtcMillis(self.from.0 - into);
        // What begins at "to" is no part of it.
        let points = (self.to.0 - from.0 + length - 1) / length;
        let fits = usize::try_from(points).ok().filter(|n| *n <= MAX_POINTS);
        let points = fits.ok_or_else(|| {
            // The first bucket may begin before "from", the last may end after "to".
            let whole = MAX_POINTS as i64 - 2;
            let seconds = (self.to.0 - self.from.0) / whole / 1000 + 1;
            Problem::bad_request(format!(
                "From {} to {} there are {points} buckets of {text}, and an answer holds \
                 {MAX_POINTS}. Ask for a resolution of {seconds}s or for less time.",
                instant::write(from),
                instant::write(self.to)
            ))
        })?;
        // With so many buckets each is exactly that long.
        let points = points.max(FEWEST_POINTS);
        let to = UtcMillis(from.0 + points as i64 * length - 1);
        Ok(Asked {
            from,
            to,
            points,
            ..self
        })
    }

    fn time(&self, at: UtcMillis) -> JsonValue {
        match self.iso {
            true => instant::write(at).into(),
            false => at.0.into(),
        }
    }

    fn point(&self, point: &Point) -> JsonValue {
        let aggregates = self.aggregates.iter();
        let told = aggregates.map(|one| (one.word().to_owned(), one.of(point)));
        let at = ("at".to_owned(), self.time(point.at));
        JsonValue::Object(std::iter::once(at).chain(told).collect::<Map<_, _>>())
    }

    fn change(&self, change: &Change) -> JsonValue {
        json!({ "at": self.time(change.at), "state": change.state })
    }
}

fn known(key: &str) -> Result<(), Problem> {
    if KEYS.contains(&key) {
        return Ok(());
    }
    Err(Problem::bad_request(format!(
        "There is no \"{}\" to ask for; there are {}.",
        wording::cut(key),
        KEYS.join(", ")
    )))
}

/// The value of a key that may be given once.
fn value<'a>(query: &'a Pairs, key: &str) -> Result<Option<&'a str>, Problem> {
    let mut values = query.iter().filter(|pair| pair.0 == key);
    let value = values.next().map(|pair| pair.1.trim());
    match values.next() {
        None => Ok(value),
        Some(_) => Err(Problem::bad_request(format!("Give \"{key}\" once."))),
    }
}

fn time(key: &str, text: &str, zone: &TimeZone) -> Result<UtcMillis, Problem> {
    instant::read(text, zone).ok_or_else(|| {
        Problem::bad_request(format!(
            "\"{key}\" is {}, not \"{}\".",
            instant::EXAMPLES,
            wording::cut(text)
        ))
    })
}

fn points(text: &str) -> Result<usize, Problem> {
    let points = usize::from_str(text).ok();
    points
        .filter(|points| (1..=MAX_POINTS).contains(points))
        .ok_or_else(|| {
            Problem::bad_request(format!(
                "\"points\" must be from 1 to {MAX_POINTS}, not {}.",
                wording::cut(text)
            ))
        })
}

fn aggregates(text: Option<&str>) -> Result<Vec<Aggregate>, Problem> {
    let Some(text) = text else {
        return Ok(Aggregate::ALL.to_vec());
    };
    let one = |word: &str| {
        let found = Aggregate::ALL.into_iter().find(|one| one.word() == word);
        found.ok_or_else(|| {
            let words: Vec<_> = Aggregate::ALL.map(Aggregate::word).to_vec();
            Problem::bad_request(format!(
                "\"aggregate\" is one or more of {}, with commas between them, not \"{}\".",
                words.join(", "),
                wording::cut(word)
            ))
        })
    };
    text.split(',').map(str::trim).map(one).collect()
}

fn iso(text: Option<&str>) -> Result<bool, Problem> {
    match text {
        None | Some("ms") => Ok(false),
        Some("iso") => Ok(true),
        Some(other) => Err(Problem::bad_request(format!(
            "\"times\" is ms or iso, not \"{}\".",
            wording::cut(other)
        ))),
    }
}

#[cfg(test)]
mod tests;
