//! The meeting place: an MQTT 3.1.1 and 5.0 broker.
//!
//! [`codec`] reads and writes packets. The router, its sessions,
//! subscriptions and retained messages are pure: packets and the time in,
//! deliveries and the next wake-up out. Around them are thin shells: a task
//! that owns the router, listeners for TCP, [`tls`] and [`websocket`], and one
//! connection for each client. Other parts of Hearth meet here through
//! [`Client`], under the same rules.

mod aliases;
pub mod client;
pub mod codec;
mod connection;
mod door;
mod farewell;
mod lane;
mod listener;
pub mod message;
pub mod outbound;
pub mod retained;
pub mod router;
pub mod session;
pub mod subscriptions;
mod task;
pub mod tls;
pub mod topic;
mod ways;
pub mod websocket;

use std::net::{Ipv4Addr, SocketAddr};

use tokio::sync::mpsc;

pub use client::{Client, Handle, Message, Publication, Publisher, Stopped};
pub use codec::Qos;
pub use door::{Door, Peer, Way};
pub use listener::Taken;

use crate::clock::Clock;
use crate::supervisor::{Stage, Supervisor};

/// Inputs that wait for the router. When it is full, connections wait, and
/// with them, through TCP, their clients.
const INPUTS: usize = 1024;

/// `[broker]` in the config.
#[derive(Clone, Debug, PartialEq)]
pub struct Settings {
    /// Where MQTT clients connect.
    pub listen: SocketAddr,
    /// Where they connect over TLS, if anywhere.
    pub tls: Option<tls::Settings>,
    pub websocket: websocket::Settings,
}

impl Default for Settings {
    fn default() -> Settings {
        Settings {
            listen: (Ipv4Addr::LOCALHOST, 1883).into(),
            tls: None,
            websocket: websocket::Settings::default(),
        }
    }
}

/// A running broker.
#[derive(Debug)]
pub struct Broker {
    /// The way in for the other parts.
    pub handle: Handle,
    /// Where clients connect; the port is chosen by the system if the settings say 0.
    pub address: SocketAddr,
}

/// Takes the addresses and starts serving.
///
/// # Errors
/// If an address cannot be taken ([`Taken`]) or a certificate cannot be used.
pub async fn start(
    settings: Settings,
    clock: Clock,
    supervisor: &Supervisor,
) -> anyhow::Result<Broker> {
    let ways = ways::Ways::bind(&settings).await?;
    let address = ways.address();
    let limits = router::Limits::default();
    let (inputs, queue) = mpsc::channel(INPUTS);
    let door = Door::new(inputs, limits.clone(), settings.websocket);
    ways.open(settings.tls, &door, clock, supervisor)?;
    let stop = supervisor.stop_signal(Stage::Core);
    let task = task::Task::new(limits, clock);
    supervisor.part(Stage::Core, "broker", task.run(queue, stop));
    Ok(Broker {
        handle: Handle::new(door),
        address,
    })
}
