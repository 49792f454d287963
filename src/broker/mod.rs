//! The meeting place: an MQTT 3.1.1 and 5.0 broker.
//!
//! [`codec`] reads and writes packets. The router, its sessions,
//! subscriptions and retained messages are pure: packets and the time in,
//! deliveries and the next wake-up out. Around them are thin shells: a task
//! that owns the router, a listener, and one connection for each client. Other
//! parts of Hearth meet here through [`Client`], under the same rules.

mod aliases;
pub mod client;
pub mod codec;
mod connection;
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
pub mod topic;

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;

use anyhow::Context;
use tokio::sync::mpsc;

pub use client::{Client, Handle, Message, Publication, Publisher, Stopped};
pub use codec::Qos;

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
}

impl Default for Settings {
    fn default() -> Settings {
        Settings {
            listen: (Ipv4Addr::LOCALHOST, 1883).into(),
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

/// Takes the address and starts serving.
///
/// # Errors
/// If the address cannot be taken.
pub async fn start(
    settings: Settings,
    clock: Clock,
    supervisor: &Supervisor,
) -> anyhow::Result<Broker> {
    let listener = listener::bind(settings.listen).await?;
    let address = listener
        .local_addr()
        .context("the MQTT listener has no address")?;
    let limits = router::Limits::default();
    let (inputs, queue) = mpsc::channel(INPUTS);
    let door = connection::Door {
        inputs: inputs.clone(),
        limits: Arc::new(limits.clone()),
    };
    let stop = supervisor.stop_signal(Stage::Core);
    let task = task::Task::new(limits, clock);
    supervisor.part(Stage::Core, "broker", task.run(queue, stop.clone()));
    supervisor.part(
        Stage::Core,
        "MQTT listener",
        listener::run(listener, door, stop),
    );
    Ok(Broker {
        handle: Handle::new(inputs),
        address,
    })
}
