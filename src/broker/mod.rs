//! The meeting place: an MQTT 3.1.1 and 5.0 broker.
//!
//! [`codec`] reads and writes packets. The router, its sessions,
//! subscriptions and retained messages are pure: packets and the time in,
//! deliveries and the next wake-up out. Around them are thin shells: a task
//! that owns the router, listeners for TCP, [`tls`] and [`websocket`], and one
//! connection for each client. Other parts of Hearth meet here through
//! [`Client`], under the same rules.

pub mod access;
mod aliases;
pub mod bridge;
pub mod client;
pub mod codec;
mod connection;
pub mod demands;
mod door;
mod farewell;
mod entrance;
pub mod figures;
pub mod gate;
mod hold;
pub mod journal;
mod keeper;
mod lane;
pub mod lasting;
mod listener;
mod login;
pub mod message;
pub mod mqttsn;
pub mod outbound;
pub mod patience;
mod queue;
mod reception;
pub mod retained;
pub mod router;
pub mod session;
pub mod subscriptions;
mod task;
#[cfg(test)]
mod tests;
pub mod tls;
pub mod topic;
pub mod traffic;
pub mod users;
mod wakes;
mod ways;
pub mod websocket;

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::mpsc;

pub use client::{Client, Handle, Message, Publication, Publisher, Stopped};
pub use codec::{Qos, Version};
pub use door::{Door, Peer, Way};
pub use figures::Figures;
pub use gate::{MOST_REFUSED, Refusal};
pub use listener::Taken;
pub use mqttsn::cable::Cable;

use access::Access;
use users::{Users, store::Store};

use crate::clock::Clock;
use crate::database::Database;
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
    /// Where MQTT-SN clients send datagrams, if anywhere.
    pub mqttsn: Option<mqttsn::Settings>,
    /// Whether clients may come in without a name. Where absent, they may at
    /// addresses that only this computer reaches.
    pub anonymous: Option<bool>,
    pub access: Access,
    /// How often the figures are published; zero is never.
    pub sys_interval: Duration,
    /// Whether lost messages are published under `$hearth/dead`.
    pub dead_letters: bool,
    /// Retained messages at QoS 0 may wait this long for the disk.
    pub save_every: Duration,
    /// Ways to other brokers.
    pub bridges: Vec<bridge::Settings>,
    /// Bounds of connections.
    pub entry: gate::Limits,
    /// Bounds of everything else.
    pub limits: router::Limits,
}

impl Default for Settings {
    fn default() -> Settings {
        Settings {
            listen: (Ipv4Addr::LOCALHOST, 1883).into(),
            tls: None,
            websocket: websocket::Settings::default(),
            mqttsn: None,
            anonymous: None,
            access: Access::default(),
            sys_interval: Duration::from_secs(10),
            dead_letters: false,
            save_every: Duration::from_secs(60),
            bridges: Vec::new(),
            entry: gate::Limits::default(),
            limits: router::Limits::default(),
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

/// Takes the addresses and starts serving. Without a database nothing outlives
/// the process, and there are no users.
///
/// # Errors
/// If an address cannot be taken ([`Taken`]), a certificate cannot be used or
/// the database cannot be read.
pub async fn start(
    settings: Settings,
    state: Option<Database>,
    clock: Clock,
    supervisor: &Supervisor,
) -> anyhow::Result<Broker> {
    let ways = ways::Ways::bind(&settings).await?;
    let address = ways.address();
    let entrance = entrance::Entrance::new(settings.entry, clock);
    let (inputs, queue) = mpsc::channel(INPUTS);
    let users = read_users(state.clone(), &inputs, supervisor).await?;
    let login = login::Login::new(users, settings.anonymous, clock);
    let door = Door::new(
        inputs,
        settings.limits.clone(),
        settings.websocket,
        Arc::clone(&entrance),
        login,
    );
    let stop = supervisor.stop_signal(Stage::Core);
    let mut router = router::Router::new(settings.limits).with_dead_letters(settings.dead_letters);
    router.permit(settings.access);
    let keeper = match state {
        Some(database) => {
            let now = clock.now();
            let (keeper, state) = keeper::start(database, now, supervisor).await?;
            router.restore(state, journal::Journal::new(settings.save_every), now);
            Some(keeper)
        }
        None => None,
    };
    let report = figures::Report::new(settings.sys_interval);
    let task = task::Task::new(router, clock, report, entrance, keeper);
    supervisor.part(Stage::Core, "broker", task.run(queue, stop));
    // Bridges have their sessions before the first client publishes.
    let bridges = bridge::Bridges::new(settings.bridges, clock);
    let handle = Handle::new(door.clone(), bridges.clone());
    bridges.start(&handle, clock, supervisor).await?;
    ways.open(settings.tls, &door, clock, supervisor)?;
    Ok(Broker { handle, address })
}

/// The users of the database, kept up to date by a task.
async fn read_users(
    state: Option<Database>,
    inputs: &mpsc::Sender<task::Input>,
    supervisor: &Supervisor,
) -> anyhow::Result<Users> {
    let Some(state) = state else {
        return Ok(Users::nobody());
    };
    let (users, watch) = Users::read(Store::new(state)).await?;
    let stop = supervisor.stop_signal(Stage::Core);
    supervisor.part(Stage::Core, "users", watch.run(inputs.clone(), stop));
    Ok(users)
}
