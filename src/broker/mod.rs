//! The meeting place: an MQTT 3.1.1 and 5.0 broker.
//!
//! [`codec`] reads and writes packets. The router, its sessions,
//! subscriptions and retained messages are pure: packets and the time in,
//! deliveries and the next wake-up out. Around them are thin shells: a task
//! that owns the router, a listener, and one connection for each client. Other
//! parts of Hearth meet here through [`Client`], under the same rules.

pub mod client;
pub mod codec;
pub mod topic;

use std::net::{Ipv4Addr, SocketAddr};

pub use client::{Client, Handle, Message, Publication, Publisher, Stopped};
pub use codec::Qos;

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
