//! `[history.influx]` of the config: where readings are pushed, and which.

use std::path::PathBuf;
use std::time::Duration;

use crate::post::Address;

/// Another database that gets what is recorded.
#[derive(Clone, Debug, PartialEq)]
pub struct Settings {
    /// The whole address that takes lines. It may hold secrets, and prints itself without.
    pub to: Address,
    /// How we come in there.
    pub login: Option<Login>,
    /// Who vouches for the server; the system's CAs where absent.
    pub ca: Option<PathBuf>,
    /// Valid MQTT filters; a topic that matches one of them is pushed.
    pub topics: Vec<String>,
    /// Further tags of every line, by key.
    pub tags: Vec<(String, String)>,
    /// How long one request may take.
    pub timeout: Duration,
    /// Bytes that may wait once they have left the log; with more, the oldest is given up.
    pub queue: u64,
}

/// What is shown to the server. Files hold the secret and, at most, a line's end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Login {
    Token(PathBuf),
    Password { user: String, file: PathBuf },
}

/// What happens in the house, and not what boards and people say to the gateway itself.
pub const TOPICS: [&str; 1] = ["home/#"];
pub const TIMEOUT: Duration = Duration::from_secs(10);
/// Two weeks of twenty series at 1 Hz.
pub const QUEUE: u64 = 64_000_000;

impl Settings {
    /// What the config means where it only says where to.
    pub fn new(to: Address) -> Settings {
        Settings {
            to,
            login: None,
            ca: None,
            topics: TOPICS.map(str::to_owned).to_vec(),
            tags: Vec::new(),
            timeout: TIMEOUT,
            queue: QUEUE,
        }
    }
}
