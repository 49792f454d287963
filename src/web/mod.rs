//! The page: complete as HTML, kept live over one WebSocket.

pub mod chart;

use std::net::{Ipv4Addr, SocketAddr};

/// `[web]` in the config.
#[derive(Clone, Debug, PartialEq)]
pub struct Settings {
    pub listen: SocketAddr,
}

impl Default for Settings {
    fn default() -> Settings {
        Settings {
            listen: (Ipv4Addr::LOCALHOST, 8080).into(),
        }
    }
}
