//! Boards for programs: how they are, and what shall be on their pins.

use axum::Json;
use axum::extract::rejection::{JsonRejection, PathRejection};
use axum::extract::{Path, State};
use axum::http::StatusCode;
use serde::Serialize;
use serde_json::{Value as JsonValue, json};

use crate::clock::UtcMillis;
use crate::home::pin_map::MapReport;
use crate::home::{PinMap, Vitals, topic};
use crate::web::error::Problem;
use crate::web::house::Board;
use crate::web::{Shared, map};

/// A board: where it is, what is on it and how it is.
#[derive(Debug, Serialize)]
pub struct BoardJson {
    name: String,
    online: bool,
    /// Since when it is here or away.
    #[serde(skip_serializing_if = "Option::is_none")]
    since: Option<UtcMillis>,
    port: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    usb: Option<String>,
    firmware: String,
    room: String,
    /// Their topics.
    things: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    fault: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    map: Option<MapReport>,
    #[serde(skip_serializing_if = "Option::is_none")]
    vitals: Option<Vitals>,
}

impl From<&Board> for BoardJson {
    fn from(board: &Board) -> BoardJson {
        let board = board.clone();
        BoardJson {
            name: board.name,
            online: board.online,
            since: board.since,
            port: board.port,
            usb: board.usb,
            firmware: board.firmware,
            room: board.room,
            things: board.things,
            fault: board.fault,
            map: board.map,
            vitals: board.vitals,
        }
    }
}

/// `GET /api/boards`
pub async fn all(State(app): State<Shared>) -> Result<Json<JsonValue>, Problem> {
    let house = app.house().await?;
    let boards: Vec<BoardJson> = house.boards.iter().map(BoardJson::from).collect();
    Ok(Json(
        json!({ "now": app.clock.now().utc, "boards": boards }),
    ))
}

type BoardPath = Result<Path<String>, PathRejection>;

/// `GET /api/boards/{board}`
pub async fn one(State(app): State<Shared>, path: BoardPath) -> Result<Json<BoardJson>, Problem> {
    let Path(name) = path?;
    let house = app.house().await?;
    Ok(Json(map::board(&house, &name)?.into()))
}

/// `GET /api/boards/{board}/map`: the wanted one.
pub async fn map(State(app): State<Shared>, path: BoardPath) -> Result<Json<PinMap>, Problem> {
    let Path(name) = path?;
    let house = app.house().await?;
    let wanted = map::wanted(&app, map::board(&house, &name)?).await?;
    let unreadable = |why| Problem::new(StatusCode::CONFLICT, why);
    Ok(Json(wanted.map_err(unreadable)?))
}

/// `PUT /api/boards/{board}/map`
pub async fn put_map(
    State(app): State<Shared>,
    path: BoardPath,
    json: Result<Json<PinMap>, JsonRejection>,
) -> Result<(StatusCode, Json<JsonValue>), Problem> {
    let Path(name) = path?;
    let house = app.house().await?;
    let board = map::board(&house, &name)?;
    map::takes_maps(board)?;
    let Json(wanted) = json?;
    wanted
        .plan(&board.room)
        .map_err(|problem| Problem::bad_request(problem.to_string()))?;
    map::publish(&app, board, &wanted).await?;
    let accepted = json!({
        "board": name,
        "topic": topic::board_config(&name),
        "report": topic::board_map(&name),
    });
    Ok((StatusCode::ACCEPTED, Json(accepted)))
}
