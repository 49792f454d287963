//! Bridges to other brokers, as they tell of themselves.

use serde::Deserialize;

use crate::broker::Message;
use crate::clock::UtcMillis;

/// A bridge.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Deserialize)]
pub struct Bridge {
    #[serde(rename = "bridge")]
    pub name: String,
    pub address: String,
    status: String,
    pub since: UtcMillis,
    waiting: Waiting,
    pub trouble: Option<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Deserialize)]
struct Waiting {
    messages: u64,
}

impl Bridge {
    /// Whether it has a connection to the other broker.
    pub fn online(&self) -> bool {
        self.status == "online"
    }

    /// What the other side does not have yet, in words.
    pub fn waiting(&self) -> Option<String> {
        match self.waiting.messages {
            0 => None,
            1 => Some("1 message waits".to_owned()),
            many => Some(format!("{many} messages wait")),
        }
    }
}

/// Reads `hearth/bridge/<bridge>/about`.
pub fn read(message: &Message) -> Option<Bridge> {
    let is_about = message.topic.ends_with("/about");
    let bridge = is_about.then(|| serde_json::from_slice(&message.payload));
    bridge?.ok()
}
