//! MQTT over TLS: certificates, and handshakes that hold nobody up.

pub mod authority;
mod certificates;
pub(super) mod files;
mod handshake;
pub mod name;
mod watch;

use std::net::SocketAddr;
use std::path::PathBuf;

pub use certificates::check;
pub use files::{Fault, File, is_open_to_all};
pub(super) use handshake::Entrance;

/// `[broker.tls]` in the config.
#[derive(Clone, Debug, PartialEq)]
pub struct Settings {
    /// Where clients connect.
    pub listen: SocketAddr,
    /// The server's certificate and those that lead to its CA, as PEM.
    pub certificate: PathBuf,
    /// Its private key, as PEM.
    pub key: PathBuf,
    /// Whose certificates clients may prove themselves with.
    pub client_ca: Option<PathBuf>,
    /// Whether clients without a certificate are turned away.
    pub require_certificate: bool,
}

#[cfg(test)]
mod tests;
