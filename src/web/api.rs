//! The same house for programs: JSON, times in UTC milliseconds.

pub mod boards;
pub mod recording;
pub mod history;
pub mod rules;

use axum::Json;
use axum::extract::rejection::PathRejection;
use axum::extract::{Path, State};
use serde::Serialize;
use serde_json::{Value as JsonValue, json};

use super::error::Problem;
use super::house::why::Why;
use super::house::{Live, ThingView};
use super::{Shared, commands};
use crate::home::{DeviceClass, Kind, Thing, Value};

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
