//! A client's session: what outlives its connection, and the connection itself.

use std::sync::Arc;
use std::time::Duration;

use rustc_hash::{FxHashMap, FxHashSet};

use super::codec::{PacketId, SubscriptionOptions, Version, Will};
use super::outbound::Outbound;
use super::router::Epoch;
use crate::clock::Moment;

/// A session never expires by itself at this interval (MQTT 5.0, 3.1.2.11.2).
pub const NEVER_EXPIRES: u32 = u32::MAX;

/// State that the broker holds for one client id.
#[derive(Debug)]
pub struct Session {
    pub client_id: Arc<str>,
    /// A part of Hearth, not a client from outside.
    pub internal: bool,
    /// Of the present or the last connection.
    pub epoch: Epoch,
    pub connection: Option<Connection>,
    /// Seconds that the session outlives its connection.
    pub expiry: u32,
    pub subscriptions: FxHashMap<Arc<str>, SubscriptionOptions>,
    pub outbound: Outbound,
    /// QoS 2 messages that came in and whose PUBREL has not.
    pub received: FxHashSet<PacketId>,
    pub will: Option<Will>,
}

impl Session {
    /// How long the session outlives its connection; `None` for ever.
    pub fn lifetime(&self) -> Option<Duration> {
        (self.expiry != NEVER_EXPIRES).then(|| Duration::from_secs(self.expiry.into()))
    }

    /// The connection wrote or acknowledged something.
    pub fn made_progress(&mut self, at: Moment) {
        if let Some(behind) = self
            .connection
            .as_mut()
            .and_then(|connection| connection.behind.as_mut())
        {
            *behind = at;
        }
    }
}

/// What belongs to one connection alone.
#[derive(Debug)]
pub struct Connection {
    pub version: Version,
    /// Unacknowledged messages at QoS 1 and 2 that the client takes at once.
    pub window: usize,
    /// Larger packets are not sent to this client [MQTT-3.1.2-24].
    pub maximum_packet_size: Option<u32>,
    /// Topics for which the client has set an alias.
    pub aliases: FxHashMap<u16, Arc<str>>,
    /// The client takes topic aliases, which make some packets longer.
    pub has_aliases: bool,
    /// Bytes handed to the connection since it last said that all is written.
    pub unwritten: usize,
    /// Part of `unwritten` that lies before the fence on its way.
    pub fenced: Option<usize>,
    /// When it last wrote or acknowledged something, if publishers wait for it.
    pub behind: Option<Moment>,
}
