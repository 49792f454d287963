//! MQTT-SN 1.2: small clients that MQTT is too heavy for.
//!
//! [`session`] decides for one client and is pure. `client` runs it, between
//! whatever brings the packets and the broker; `udp` brings them from the
//! network, [`cable`] from whoever holds a serial line.

pub mod cable;
mod client;
pub mod session;
pub mod topics;
mod udp;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

pub(super) use udp::Gateway;

use session::Patience;
use topics::Predefined;

/// `[broker.mqttsn]` in the config.
#[derive(Clone, Debug, PartialEq)]
pub struct Settings {
    /// Where clients send their datagrams.
    pub listen: SocketAddr,
    /// How the gateway calls itself when it is searched for.
    pub gateway_id: u8,
    /// Where it is searched for, and says that it is there; a multicast group.
    pub group: Option<SocketAddr>,
    /// How often it says so.
    pub advertise: Duration,
    pub predefined: Arc<Predefined>,
    pub patience: Patience,
}

impl Settings {
    /// Without a group, and with nothing predefined.
    pub fn at(listen: SocketAddr) -> Settings {
        Settings {
            listen,
            gateway_id: 1,
            group: None,
            advertise: Duration::from_secs(15 * 60),
            predefined: Arc::default(),
            patience: Patience::default(),
        }
    }
}
