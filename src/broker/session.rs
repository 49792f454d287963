//! A client's session: what outlives its connection, and the connection itself.

use std::num::NonZeroU16;
use std::sync::Arc;
use std::time::Duration;

use rustc_hash::{FxHashMap, FxHashSet};

use super::access::rights::Rights;
use super::codec::{PacketId, Qos, SubscriptionOptions, Version, Will};
use super::hold::Held;
use super::journal::{Journal, Log, SessionRow};
use super::outbound::{Limits, Outbound, WhenFull};
use super::router::Epoch;
use crate::clock::{Moment, UtcMillis};

/// A session never expires by itself at this interval (MQTT 5.0, 3.1.2.11.2).
pub const NEVER_EXPIRES: u32 = u32::MAX;

/// How a part's session that outlives the part treats its messages.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Lasting {
    /// Bounds of its queue.
    pub queue: Limits,
    pub when_full: WhenFull,
    /// Publications at QoS 0 are delivered at QoS 1, so that they are kept too.
    pub at_least_once: bool,
    /// Unacknowledged messages that it takes at once, within the broker's limit.
    pub window: NonZeroU16,
}

/// State that the broker holds for one client id.
#[derive(Debug)]
pub struct Session {
    pub client_id: Arc<str>,
    /// A part of Hearth, not a client from outside.
    pub internal: bool,
    /// Set while a part that forwards messages to elsewhere has it open, or has
    /// had it since the start.
    pub wishes: Option<Lasting>,
    /// The only one who may come back to it; `None` is anonymous.
    pub user: Option<Arc<str>>,
    /// What it may read and write, as of now.
    pub rights: Rights,
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
    /// Its id in the journal.
    pub key: u64,
    /// `None` while it is connected.
    pub disconnected_at: Option<UtcMillis>,
    /// It was connected when the process fell: deliveries up to this id may have
    /// been sent without the disk knowing.
    pub doubtful: u64,
    /// The journal has a row of it.
    pub is_recorded: bool,
}

impl Session {
    /// Whether its messages outlive the connection.
    pub fn is_lasting(&self) -> bool {
        self.expiry > 0
    }

    /// Where to write down what becomes of it.
    pub fn log<'a>(&self, journal: &'a mut Journal) -> Log<'a> {
        journal.of(self.key, self.is_lasting())
    }

    /// Writes down who it is, if it lasts or has a will to be sent.
    pub fn record(&mut self, journal: &mut Journal) {
        if !self.is_lasting() && self.will.is_none() {
            return self.strike_out(journal);
        }
        self.is_recorded = true;
        self.log(journal).session(SessionRow {
            client_id: Arc::clone(&self.client_id),
            user: self.user.clone(),
            expiry: self.expiry,
            disconnected_at: self.disconnected_at,
            will: self.will.clone(),
            doubtful: self.doubtful,
        });
    }

    /// There is nothing to remember any more.
    pub fn strike_out(&mut self, journal: &mut Journal) {
        if std::mem::take(&mut self.is_recorded) {
            self.log(journal).session_ended();
        }
    }

    /// Its messages end with the connection from now on, if they did not before.
    pub fn set_expiry(&mut self, expiry: u32, journal: &mut Journal) {
        if expiry == 0 {
            let mut log = self.log(journal);
            self.outbound.forget(&mut log);
        }
        self.expiry = expiry;
    }

    /// How long the session outlives its connection; `None` for ever.
    pub fn lifetime(&self) -> Option<Duration> {
        (self.expiry != NEVER_EXPIRES).then(|| Duration::from_secs(self.expiry.into()))
    }

    /// Whether the bounds for clients of the network hold: messages that a part
    /// forwards come from elsewhere.
    pub fn is_bound(&self) -> bool {
        !self.internal || self.wishes.is_some()
    }

    /// The QoS at which it takes a message to be published; what a subscription
    /// grants still holds.
    pub fn published_at(&self, qos: Qos) -> Qos {
        match self.wishes {
            Some(lasting) if lasting.at_least_once => qos.max(Qos::AtLeastOnce),
            _ => qos,
        }
    }

    /// Hearth's own parts write what they like, but for what comes from elsewhere.
    pub fn may_write(&self, topic: &str) -> bool {
        !self.is_bound() || self.rights.may_write(topic)
    }

    /// Whether a retained message that a part brings from elsewhere comes too
    /// late: one for the same topic is still on its way there, and will be what
    /// the other side keeps. Without this, two states that cross change places.
    pub fn overtakes(&self, topic: &str, retain: bool) -> bool {
        retain && self.wishes.is_some() && self.outbound.is_on_its_way(topic)
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
    /// Packets that promise what is not yet on the disk.
    pub held: Held,
    /// Refused publications and subscriptions that the log was told of.
    pub complaints: u8,
}
