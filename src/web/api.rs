//! The same house for programs: JSON, times in UTC milliseconds.

pub mod boards;
pub mod recording;
pub mod rules;

use axum::Json;
use axum::extract::rejection::{PathRejection, QueryRejection};
use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use serde::{Deserialize, Serialize};
use serde_json::{Value as JsonValue, json};

use super::error::Problem;
use super::house::why::Why;
use super::house::{Live, ThingView};
use super::{Shared, commands};
use crate::clock::UtcMillis;
use crate::history::Stretch;
use crate::home::{DeviceClass, Kind, Thing, Value};

const DEFAULT_POINTS: usize = 300;
const MAX_POINTS: usize = 2000;
const DEFAULT_SPAN_MS: i64 = 3_600_000;

/// A thing: what it is, what it says, and how the page words that.
#[derive(Debug, Serialize)]
pub struct ThingJson {
    topic: String,
    room: String,
    name: String,
    kind: Kind,
    #[serde(skip_serializing_if = "Option::is_none")]
    device_class: Option<DeviceClass>,
    #[serde(skip_serializing_if = "Option::is_none")]
    board: Option<String>,
    takes_commands: bool,
    value: Option<Value>,
    live: Live,
}

impl From<&ThingView> for ThingJson {
    fn from(view: &ThingView) -> ThingJson {
        ThingJson {
            topic: view.live.thing.clone(),
            room: view.thing.room.clone(),
            name: view.thing.name.clone(),
            kind: view.kind,
            device_class: view.device_class,
            board: view.board.clone(),
            takes_commands: view.control.is_some(),
            value: view.value.clone(),
            live: view.live.clone(),
        }
    }
}

/// `GET /api/things`
pub async fn things(State(app): State<Shared>) -> Result<Json<JsonValue>, Problem> {
    let house = app.house().await?;
    let things: Vec<ThingJson> = house.things().map(ThingJson::from).collect();
    Ok(Json(
        json!({ "now": app.clock.now().utc, "things": things }),
    ))
}

type ThingPath = Result<Path<(String, String)>, PathRejection>;

/// `GET /api/things/{room}/{name}`
pub async fn thing(State(app): State<Shared>, path: ThingPath) -> Result<Json<ThingJson>, Problem> {
    let Path((room, name)) = path?;
    let thing = Thing::new(room, name);
    let house = app.house().await?;
    let view = house
        .thing(&thing)
        .ok_or_else(|| commands::no_such(&thing))?;
    Ok(Json(view.into()))
}

/// `GET /api/things/{room}/{name}/why`
pub async fn why(State(app): State<Shared>, path: ThingPath) -> Result<Json<Why>, Problem> {
    let Path((room, name)) = path?;
    let thing = Thing::new(room, name);
    let house = app.house().await?;
    let view = house
        .thing(&thing)
        .ok_or_else(|| commands::no_such(&thing))?;
    Ok(Json(app.why(&house, view)))
}

/// Which stretch: UTC milliseconds, both ends included.
#[derive(Debug, Deserialize)]
pub struct Asked {
    from: Option<i64>,
    to: Option<i64>,
    points: Option<usize>,
}

impl Asked {
    /// The last hour in 300 points, where the query leaves it open.
    fn stretch(&self, now: UtcMillis) -> Result<(UtcMillis, UtcMillis, usize), Problem> {
        let to = self.to.unwrap_or(now.0);
        let from = self.from.unwrap_or(to.saturating_sub(DEFAULT_SPAN_MS));
        let points = self.points.unwrap_or(DEFAULT_POINTS);
        if from >= to {
            return Err(Problem::bad_request(format!(
                "\"from\" ({from}) must be earlier than \"to\" ({to}); both are UTC milliseconds."
            )));
        }
        if !(1..=MAX_POINTS).contains(&points) {
            return Err(Problem::bad_request(format!(
                "\"points\" must be from 1 to {MAX_POINTS}, not {points}."
            )));
        }
        Ok((UtcMillis(from), UtcMillis(to), points))
    }
}

/// `GET /api/history/{room}/{name}?from&to&points`
pub async fn history(
    State(app): State<Shared>,
    path: ThingPath,
    query: Result<Query<Asked>, QueryRejection>,
) -> Result<Json<JsonValue>, Problem> {
    let (Path((room, name)), Query(asked)) = (path?, query?);
    let topic = Thing::new(room, name).topic();
    let (from, to, points) = asked.stretch(app.clock.now().utc)?;
    let stretch = app
        .history
        .stretch(&topic, from, to, points)
        .await
        .map_err(|error| Problem::new(StatusCode::SERVICE_UNAVAILABLE, error.to_string()))?;
    let mut body = json!({ "topic": topic, "from": from, "to": to });
    match stretch {
        Stretch::Numbers { points, .. } => {
            let point = |p: &crate::history::Point| json!({ "at": p.at, "min": p.min, "max": p.max, "mean": p.mean, "count": p.count });
            body["points"] = points.iter().map(point).collect();
        }
        Stretch::States(changes) => {
            let change = |c: &crate::history::Change| json!({ "at": c.at, "state": c.state });
            body["states"] = changes.iter().map(change).collect();
        }
    }
    Ok(Json(body))
}
