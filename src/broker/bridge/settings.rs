//! `[bridge.NAME]` in the config: another broker, how to come in there, and
//! which topics cross.

use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

use super::mapping::Rule;
use crate::broker::codec::Version;
use crate::broker::outbound::{Limits, WhenFull};

/// One bridge.
#[derive(Clone, Debug, PartialEq)]
pub struct Settings {
    /// A word; the bridge's place in topics, figures and the log.
    pub name: String,
    pub address: Address,
    pub version: Version,
    /// Made of the computer's name and the bridge's where absent.
    pub client_id: Option<String>,
    pub user: Option<String>,
    /// Holds the password and, at most, a line's end.
    pub password_file: Option<PathBuf>,
    pub tls: Tls,
    /// In the order of the config: the first that fits a topic holds.
    pub topics: Vec<Rule>,
    /// Messages and bytes that wait for the other side.
    pub queue: Limits,
    pub when_full: WhenFull,
    /// A connection on which nothing crosses for this long is probed; whole
    /// seconds, 5 to 65,535.
    pub keep_alive: Duration,
    /// How long the other side shall keep what it has for us while we are
    /// away; whole seconds. 3.1.1 cannot say it.
    pub session_expiry: Duration,
    /// Have the other side forget us when a connection ends.
    pub clean_start: bool,
    /// A topic of the other side that is kept at `online` or `offline`.
    pub presence: Option<String>,
}

/// What the other side is shown and must show, where it speaks TLS.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Tls {
    /// Who vouches for the other side; the system's CAs where absent.
    pub ca: Option<PathBuf>,
    /// Our own certificate and key, where the other side asks for one.
    pub certificate: Option<PathBuf>,
    pub key: Option<PathBuf>,
    /// Named in the handshake, for ports that more than one protocol shares.
    pub alpn: Option<String>,
}

/// Where another broker is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Address {
    pub scheme: Scheme,
    /// A name or an IP address, the latter without brackets.
    pub host: String,
    pub port: u16,
}

/// How bytes travel there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scheme {
    Mqtt,
    Mqtts,
}

impl Scheme {
    /// As an address begins.
    pub fn name(self) -> &'static str {
        match self {
            Scheme::Mqtt => "mqtt",
            Scheme::Mqtts => "mqtts",
        }
    }

    /// The port that is registered for it.
    pub fn port(self) -> u16 {
        match self {
            Scheme::Mqtt => 1883,
            Scheme::Mqtts => 8883,
        }
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (scheme, host, port) = (self.scheme.name(), &self.host, self.port);
        match host.contains(':') {
            true => write!(f, "{scheme}://[{host}]:{port}"),
            false => write!(f, "{scheme}://{host}:{port}"),
        }
    }
}

impl Settings {
    /// The same, with a client id that no other bridge of this computer has,
    /// unless it has one already.
    pub fn with_client_id(mut self, computer: &str) -> Settings {
        let name = &self.name;
        self.client_id
            .get_or_insert_with(|| format!("hearth-{computer}-{name}"));
        self
    }

    /// What the config means where it only says where the other side is.
    pub fn new(name: impl Into<String>, address: Address) -> Settings {
        Settings {
            name: name.into(),
            address,
            version: Version::V5,
            client_id: None,
            user: None,
            password_file: None,
            tls: Tls::default(),
            topics: Vec::new(),
            queue: Limits {
                messages: 10_000,
                bytes: 8 * 1024 * 1024,
            },
            when_full: WhenFull::DropOldest,
            keep_alive: Duration::from_secs(60),
            session_expiry: Duration::from_secs(7 * 24 * 3600),
            clean_start: false,
            presence: None,
        }
    }
}
