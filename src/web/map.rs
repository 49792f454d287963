//! The pin map that a board shall have: who can have one, what is retained, and how
//! another one gets there.

use axum::http::StatusCode;

use super::error::Problem;
use super::house::{Board, House};
use super::{App, wording};
use crate::broker::Publication;
use crate::home::{PinMap, topic};

/// The board, or 404 in the words of the house.
pub fn board<'a>(house: &'a House, name: &str) -> Result<&'a Board, Problem> {
    house.board(name).ok_or_else(|| {
        Problem::not_found(format!(
            "There is no board {}: none has announced itself under this name.",
            wording::cut(name),
        ))
    })
}

/// What is retained for the board, an empty map where nothing is; or why it cannot be read.
pub async fn wanted(app: &App, board: &Board) -> Result<Result<PinMap, String>, Problem> {
    let topic = topic::board_config(&board.name);
    let retained = app.handle.retained(&topic).await?;
    let Some(message) = retained.first() else {
        return Ok(Ok(PinMap::default()));
    };
    let map = serde_json::from_slice(&message.payload);
    Ok(map.map_err(|error| {
        format!("What is retained at {topic} is no pin map ({error}); saving one replaces it.")
    }))
}

/// Whether the board takes maps, or 409 with what to do instead.
pub fn takes_maps(board: &Board) -> Result<(), Problem> {
    match why_not(board) {
        None => Ok(()),
        Some(why) => Err(Problem::new(StatusCode::CONFLICT, why)),
    }
}

/// Why the board takes no map, if it does not.
pub fn why_not(board: &Board) -> Option<String> {
    if board.takes_maps() {
        return None;
    }
    let name = &board.name;
    Some(match board.firmware.as_str() {
        "" => {
            format!("{name} has not said yet which firmware it runs. Try again when it is online.")
        }
        "pins" => format!(
            "{name} is the pins of this computer: the config says what is on them, under [pin.NAME]."
        ),
        "text" => format!(
            "{name} runs a sketch, which itself says what is on its pins. To set it up here, put Hearth's firmware \
             on it: hearth flash {}",
            board.port
        ),
        _ => format!(
            "{name} does not run Hearth's firmware, so it cannot be told what is on its pins."
        ),
    })
}

/// Publishes the map, which has been checked, and returns when nobody forgets it any more.
/// What becomes of it the board's report tells.
pub async fn publish(app: &App, board: &Board, map: &PinMap) -> Result<(), Problem> {
    let json = serde_json::to_vec(map).map_err(|error| Problem::bad_request(error.to_string()))?;
    let publication = Publication::new(topic::board_config(&board.name), json).retained();
    let mut client = app.handle.connect("pin-map").await?;
    Ok(client.publish_surely(publication).await?)
}
