//! MQTT over WebSocket (MQTT 5.0 and 3.1.1, section 6), at `/mqtt` on the
//! page's port and on a port of its own.

mod origin;
mod port;
mod stream;

use std::net::SocketAddr;

use axum::extract::ws::WebSocketUpgrade;
use axum::extract::ws::rejection::WebSocketUpgradeRejection;
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;

use super::door::{Door, Peer, Place};
use stream::Bytestream;

pub(super) use port::welcome;

/// The subprotocol that clients ask for [MQTT-6.0.0-3].
const SUBPROTOCOL: &str = "mqtt";
/// Of a connection that says little. The library's 128 KiB would be the larger
/// part of an idle client.
const READ_BUFFER: usize = 4096;
const WRITE_BUFFER: usize = 16 * 1024;

/// `[broker.websocket]` in the config.
#[derive(Clone, Debug, PartialEq)]
pub struct Settings {
    /// A port for WebSocket alone.
    pub listen: Option<SocketAddr>,
    /// Whether `/mqtt` is served on the page's port.
    pub page: bool,
    /// Pages of other sites that may connect, such as `http://localhost:3000`;
    /// `*` for all.
    pub origins: Vec<String>,
}

impl Default for Settings {
    fn default() -> Settings {
        Settings {
            listen: None,
            page: true,
            origins: Vec::new(),
        }
    }
}

/// Why a WebSocket is not opened, as HTTP says it.
#[derive(Debug)]
pub struct Refusal {
    pub status: StatusCode,
    /// What happened and what to do instead, in a sentence.
    pub detail: &'static str,
}

/// A request for a WebSocket, as far as HTTP goes.
pub type Upgrade = Result<WebSocketUpgrade, WebSocketUpgradeRejection>;

impl Door {
    /// Answers a browser or program that wants to speak MQTT over a WebSocket,
    /// and serves it once it does. `ticket` is dropped when it leaves.
    ///
    /// # Errors
    /// The answer to a request that is no such wish, or comes from a page
    /// that may not have one.
    pub fn open_websocket(
        self,
        headers: &HeaderMap,
        upgrade: Upgrade,
        peer: Peer,
        place: Place,
        ticket: impl Send + 'static,
    ) -> Result<Response, Refusal> {
        let upgrade = upgrade.map_err(|rejection| Refusal {
            status: rejection.status(),
            detail: "This address speaks MQTT over WebSocket, to MQTT clients.",
        })?;
        let upgrade = upgrade.protocols([SUBPROTOCOL]);
        if upgrade.selected_protocol().is_none() {
            return Err(Refusal {
                status: StatusCode::BAD_REQUEST,
                detail: "Ask for the WebSocket subprotocol \"mqtt\".",
            });
        }
        if !origin::may_enter(headers, &self.websocket.origins) {
            tracing::info!(%peer, origin = ?headers.get("origin"), "refused: a page of another site");
            return Err(Refusal {
                status: StatusCode::FORBIDDEN,
                detail: "This comes from a page of another site. If you trust it, name its origin \
                         in `origins` under [broker.websocket] in Hearth's config.",
            });
        }
        // A frame may hold many packets [MQTT-6.0.0-2], but is held as a whole
        // until it is complete: it may be as long as the largest packet.
        let most = self.limits.packet_size as usize + 1024;
        Ok(upgrade
            .read_buffer_size(READ_BUFFER)
            .write_buffer_size(WRITE_BUFFER)
            .max_write_buffer_size(most)
            .max_frame_size(most)
            .max_message_size(most)
            .on_upgrade(async move |socket| {
                let (reader, writer) = tokio::io::split(Bytestream::new(socket));
                self.serve(reader, writer, peer, place).await;
                drop(ticket);
            }))
    }
}
