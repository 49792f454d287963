//! `GET /mqtt`: MQTT clients that come by WebSocket, on the page's port. They
//! are the broker's; only the door is here.

use std::sync::Arc;

use axum::extract::{ConnectInfo, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use tokio::sync::Semaphore;

use super::Shared;
use super::error::Problem;
use super::listener::{Caller, MAX_CONNECTIONS};
use crate::broker::websocket::{Refusal, Upgrade};
use crate::broker::{Peer, Way};

/// Places for MQTT clients; the others are for people.
#[derive(Debug)]
pub struct Guests(Arc<Semaphore>);

impl Guests {
    pub fn new() -> Guests {
        Guests(Arc::new(Semaphore::new(MAX_CONNECTIONS / 2)))
    }
}

pub async fn get(
    State(app): State<Shared>,
    ConnectInfo(Caller(address)): ConnectInfo<Caller>,
    headers: HeaderMap,
    upgrade: Upgrade,
) -> Result<Response, Problem> {
    let door = app.handle.door();
    if !door.is_on_page() {
        return Err(Problem::not_found(
            "MQTT is not spoken here: the config says so.",
        ));
    }
    let guest = Arc::clone(&app.guests.0).try_acquire_owned();
    let guest = guest.map_err(|_| {
        full("Too many MQTT clients are connected here; use one of the broker's own ports.")
    })?;
    let peer = Peer::new(address, Way::Page, app.address);
    let place = door
        .place(&peer)
        .ok_or_else(|| full("There are too many connections; try again later."))?;
    Ok(door.open_websocket(&headers, upgrade, peer, place, guest)?)
}

fn full(detail: &'static str) -> Problem {
    Problem::new(StatusCode::SERVICE_UNAVAILABLE, detail)
}

impl From<Refusal> for Problem {
    fn from(refusal: Refusal) -> Problem {
        Problem::new(refusal.status, refusal.detail)
    }
}
