//! A port that speaks nothing but MQTT over WebSocket.

use std::time::Duration;

use axum::Router;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use hyper::server::conn::http1;
use hyper_util::rt::TokioIo;
use hyper_util::service::TowerToHyperService;
use tokio::net::TcpStream;
use tokio::time::timeout;

use super::{Refusal, Upgrade};
use crate::broker::door::{Door, Peer, Place};

/// A client that has not become a WebSocket by then is not served.
const UPGRADE_WITHIN: Duration = Duration::from_secs(10);
/// Head of a request; browsers send cookies of other services on this host.
const MAX_HEAD: usize = 16 * 1024;

/// Answers the HTTP requests of one connection, which at best end with a
/// WebSocket.
pub async fn welcome(stream: TcpStream, peer: Peer, place: Place, door: Door) {
    let routes = Router::new()
        .route("/mqtt", get(open))
        .fallback(elsewhere)
        .with_state((door, peer.clone(), place));
    let serving = http1::Builder::new()
        .max_buf_size(MAX_HEAD)
        .serve_connection(TokioIo::new(stream), TowerToHyperService::new(routes))
        .with_upgrades();
    match timeout(UPGRADE_WITHIN, serving).await {
        Ok(Ok(())) => {}
        Ok(Err(error)) => tracing::info!(%peer, "no WebSocket: {error}"),
        Err(_) => tracing::info!(%peer, "no WebSocket within 10 s"),
    }
}

async fn open(
    State((door, peer, place)): State<(Door, Peer, Place)>,
    headers: HeaderMap,
    upgrade: Upgrade,
) -> Result<Response, Refusal> {
    door.open_websocket(&headers, upgrade, peer, place, ())
}

async fn elsewhere() -> Refusal {
    Refusal {
        status: StatusCode::NOT_FOUND,
        detail: "MQTT over WebSocket is at /mqtt.",
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        (self.status, format!("{}\n", self.detail)).into_response()
    }
}
