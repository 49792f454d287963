//! The door of the broker: what every way in hands a client's stream to.
//!
//! TCP, TLS and WebSocket differ in how bytes arrive and in what they tell of
//! the client; before the door there is one gate, behind it one protocol.

use std::fmt;
use std::net::{Ipv6Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::mpsc;
use tokio::time::timeout;
use tokio_util::task::TaskTracker;
use tokio_util::task::task_tracker::TaskTrackerToken;

use super::access::rights::CABLE;
use super::entrance::{Entrance, Visit};
use super::login::Login;
use super::router::Limits;
use super::task::Input;
use super::{connection, demands, websocket};

/// How long a stop waits for connections to say goodbye.
pub const GOODBYE: Duration = Duration::from_millis(2500);

/// The way in for clients on the network. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Door {
    pub(super) inputs: mpsc::Sender<Input>,
    pub(super) limits: Arc<Limits>,
    pub(super) websocket: Arc<websocket::Settings>,
    pub(super) entrance: Arc<Entrance>,
    pub(super) login: Arc<Login>,
    inside: TaskTracker,
}

/// A connection that the gate has seen, from its first moment; over when the
/// last clone is dropped.
#[derive(Clone, Debug)]
pub struct Place {
    pub(super) visit: Arc<Visit>,
    _inside: TaskTrackerToken,
}

/// How a client came in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    Tcp,
    Tls,
    /// WebSocket, on the broker's own port.
    WebSocket,
    /// WebSocket, on the page's port.
    Page,
    /// MQTT-SN over UDP.
    MqttSn,
    /// MQTT-SN on a serial line of this computer.
    Serial,
}

/// Who is at the other end, as far as the way in tells.
#[derive(Clone, Debug)]
pub struct Peer {
    pub address: SocketAddr,
    pub way: Way,
    /// The name in the certificate that the client has proved to be its own.
    pub user: Option<Arc<str>>,
    /// It came through an address that only this computer reaches.
    pub local: bool,
}

impl Door {
    pub(super) fn new(
        inputs: mpsc::Sender<Input>,
        limits: Limits,
        websocket: websocket::Settings,
        entrance: Arc<Entrance>,
        login: Arc<Login>,
    ) -> Door {
        Door {
            inputs,
            limits: Arc::new(limits),
            websocket: Arc::new(websocket),
            entrance,
            login,
            inside: TaskTracker::new(),
        }
    }

    /// Lets a connection in, if only to tell it why it is refused; `None` if it
    /// is to be closed at once. Before anything else is done for it.
    pub fn place(&self, peer: &Peer) -> Option<Place> {
        let Some(visit) = self.entrance.enter(peer.address.ip()) else {
            tracing::debug!(%peer, "closed: too many are being refused");
            return None;
        };
        Some(Place {
            visit: Arc::new(visit),
            _inside: self.inside.token(),
        })
    }

    /// Serves one client until it goes, breaks a rule or is taken over.
    pub(super) async fn serve(
        self,
        reader: impl AsyncRead + Unpin,
        writer: impl AsyncWrite + Unpin,
        peer: Peer,
        place: Place,
    ) {
        Box::pin(connection::serve(reader, writer, peer, self, &place.visit)).await;
    }

    /// Whether `/mqtt` is served on the page's port.
    pub fn is_on_page(&self) -> bool {
        self.websocket.page
    }

    /// Waits until the connections have said goodbye, but not for ever.
    pub(super) async fn empty(&self) {
        self.inside.close();
        let _ = timeout(GOODBYE, self.inside.wait()).await;
    }
}

impl Peer {
    /// A client of which nothing but its address is known, and `through` which
    /// of ours it came in.
    pub fn new(address: SocketAddr, way: Way, through: SocketAddr) -> Peer {
        Peer {
            address,
            way,
            user: None,
            local: demands::is_local(through),
        }
    }

    /// Somebody at the other end of a cable, who needs no password. No user can
    /// have this name, so nobody takes over what is a board's.
    pub fn on_a_cable() -> Peer {
        Peer {
            address: (Ipv6Addr::UNSPECIFIED, 0).into(),
            way: Way::Serial,
            user: Some(CABLE.into()),
            local: true,
        }
    }
}

impl fmt::Display for Way {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Way::Tcp => "MQTT",
            Way::Tls => "MQTT over TLS",
            Way::WebSocket => "MQTT over WebSocket",
            Way::Page => "MQTT on the page's port",
            Way::MqttSn => "MQTT-SN over UDP",
            Way::Serial => "MQTT-SN on a serial line",
        })
    }
}

/// As log lines name it, such as `192.168.1.7:50000 (MQTT over TLS, "kitchen")`.
impl fmt::Display for Peer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.user {
            _ if self.way == Way::Serial => write!(f, "{}", self.way),
            Some(user) => write!(f, "{} ({}, {user:?})", self.address, self.way),
            None => write!(f, "{} ({})", self.address, self.way),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::broker::users::Users;

    fn tls_peer() -> Peer {
        let (address, through) = (([192, 168, 1, 7], 50_000), ([0, 0, 0, 0], 8883));
        Peer::new(address.into(), Way::Tls, through.into())
    }

    #[test]
    fn a_peer_is_named_with_its_way_and_user() {
        let mut peer = tls_peer();
        assert_eq!(peer.to_string(), "192.168.1.7:50000 (MQTT over TLS)");
        peer.user = Some("kitchen".into());
        let named = "192.168.1.7:50000 (MQTT over TLS, \"kitchen\")";
        assert_eq!(peer.to_string(), named);
    }

    #[tokio::test(start_paused = true)]
    async fn a_stop_waits_for_the_last_connection_but_not_for_ever() {
        let (inputs, _queue) = mpsc::channel(1);
        let clock = crate::clock::Clock::start();
        let door = Door::new(
            inputs,
            Limits::default(),
            websocket::Settings::default(),
            Entrance::new(crate::broker::gate::Limits::default(), clock),
            Login::new(Users::nobody(), None, clock),
        );
        let place = door.place(&tls_peer()).unwrap();
        let began = tokio::time::Instant::now();
        door.empty().await;
        assert_eq!(began.elapsed(), GOODBYE);
        drop(place);
        door.empty().await;
        assert_eq!(began.elapsed(), GOODBYE);
    }
}
