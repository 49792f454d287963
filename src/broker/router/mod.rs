//! The router: packets and the time in, deliveries and the next wake-up out.
//!
//! It owns every session, subscription and retained message, and does no I/O.
//! A connection is known by its [`Link`]: the session and the epoch in which
//! the connection took it over, so that word of an earlier one changes nothing.

mod access;
mod connect;
mod count;
mod dead;
mod deliver;
mod expiry;
mod lasting;
mod publish;
mod restore;
mod safe;
mod stalled;
mod subscribe;
#[cfg(test)]
mod tests;

use std::collections::BinaryHeap;
use std::num::NonZeroU16;
use std::sync::Arc;
use std::time::Duration;

use rustc_hash::{FxHashMap, FxHashSet};
use slab::Slab;

use super::access::{Access, Forbidden};
use super::codec::{self, Connect, Disconnect, Packet, Reason, Version};
use super::journal::{Journal, Wait};
use super::message::Message;
use super::outbound::{Awaiting, Sending};
use super::retained::Retained;
use super::session::Session;
use super::subscriptions::{Subscriber, Subscriptions};
use crate::clock::Now;
pub use connect::Origin;
pub use count::{Counters, Holdings};
use dead::DeadLetters;
use expiry::Timer;
pub use lasting::Held;
pub use restore::{SavedSession, State};

/// A session's place in the router.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SessionId(pub u32);

/// Counts connections; no two have the same.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Epoch(pub u64);

/// One connection to one session.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Link {
    pub session: SessionId,
    pub epoch: Epoch,
}

/// What the router wants done, in this order.
#[derive(Debug, PartialEq)]
pub enum Effect {
    Send {
        link: Link,
        out: Out,
    },
    /// Close once everything before it is written.
    Close {
        link: Link,
        reason: Reason,
    },
}

/// What goes to a connection.
#[derive(Debug, PartialEq)]
pub enum Out {
    Publish(Sending),
    Packet(Packet),
    /// Nothing for the wire: answer with [`Router::drained`] once everything
    /// before it is written.
    Fence,
}

/// Bounds of the broker.
#[derive(Clone, Debug, PartialEq)]
pub struct Limits {
    /// Largest packet a client may send, in bytes.
    pub packet_size: u32,
    /// Unacknowledged messages that one client is sent at once.
    pub inflight: u16,
    /// Unacknowledged QoS 2 messages that one client may send at once.
    pub receive_maximum: u16,
    /// Topic aliases that one client may set.
    pub topic_aliases: u16,
    /// Messages and bytes that wait for one session; further ones are dropped.
    pub queue: super::outbound::Limits,
    /// Subscriptions of one client.
    pub subscriptions: usize,
    /// Messages and bytes that are retained for clients of the network; further
    /// topics are refused.
    pub retained: super::outbound::Limits,
    /// A connection that is behind and takes nothing for this long is cut.
    pub stalled_after: Duration,
    /// Longest time in seconds that a session outlives its connection.
    pub session_expiry: u32,
    /// Longest keep alive in seconds; `None` leaves it to the clients.
    pub keep_alive: Option<NonZeroU16>,
}

impl Limits {
    /// The Server Keep Alive for a client that asks for a longer one, or for
    /// none. 3.1.1 cannot be told another than its own.
    pub fn keep_alive_for(&self, connect: &Connect) -> Option<u16> {
        let longest = self.keep_alive?.get();
        let too_long = connect.keep_alive == 0 || connect.keep_alive > longest;
        (connect.version == Version::V5 && too_long).then_some(longest)
    }
}

impl Default for Limits {
    fn default() -> Limits {
        Limits {
            packet_size: 1024 * 1024,
            inflight: 128,
            receive_maximum: 256,
            topic_aliases: 64,
            queue: super::outbound::Limits {
                messages: 10_000,
                bytes: 8 * 1024 * 1024,
            },
            subscriptions: 1_000,
            retained: super::outbound::Limits {
                messages: 50_000,
                bytes: 32 * 1024 * 1024,
            },
            stalled_after: Duration::from_secs(60),
            session_expiry: super::session::NEVER_EXPIRES,
            keep_alive: None,
        }
    }
}

/// The state of the broker.
#[derive(Debug)]
pub struct Router {
    limits: Limits,
    access: Access,
    /// Whether anybody's permissions have to be asked for.
    guarded: bool,
    /// Refusals that the log has not been told of yet.
    forbidden: Vec<Forbidden>,
    sessions: Slab<Session>,
    clients: FxHashMap<Arc<str>, SessionId>,
    subscriptions: Subscriptions,
    retained: Retained,
    timers: BinaryHeap<Timer>,
    last_epoch: Epoch,
    effects: Vec<Effect>,
    counters: Counters,
    /// Clients of the network with a connection.
    connected_clients: u64,
    dead: DeadLetters,
    journal: Journal,
    /// Connections that hold packets back until they are safe.
    holding: FxHashSet<Link>,
    /// Connections to be closed once it is safe that they have said goodbye.
    closing: Vec<(Wait, Link)>,
    /// Connections that publishers wait for.
    behind: Vec<Link>,
    /// Matches of the topic being routed; kept for its memory.
    matches: Vec<(Subscriber, Option<Arc<str>>)>,
}

impl Router {
    /// An empty broker.
    pub fn new(limits: Limits) -> Router {
        Router {
            limits,
            access: Access::default(),
            guarded: false,
            forbidden: Vec::new(),
            sessions: Slab::new(),
            clients: FxHashMap::default(),
            subscriptions: Subscriptions::default(),
            retained: Retained::default(),
            timers: BinaryHeap::new(),
            last_epoch: Epoch::default(),
            effects: Vec::new(),
            counters: Counters::default(),
            connected_clients: 0,
            dead: DeadLetters::default(),
            journal: Journal::off(),
            holding: FxHashSet::default(),
            closing: Vec::new(),
            behind: Vec::new(),
            matches: Vec::new(),
        }
    }

    /// The same; lost messages are published as dead letters, if that is wanted.
    pub fn with_dead_letters(self, wanted: bool) -> Router {
        Router {
            dead: DeadLetters::new(wanted),
            ..self
        }
    }

    /// A packet came in on this connection.
    pub fn receive(&mut self, link: Link, packet: Packet, now: Now) {
        if self.connected(link).is_none() {
            return;
        }
        self.counters.packets_received += 1;
        match packet {
            Packet::Publish(publish) => self.publish(link, publish, now),
            Packet::PubAck(ack) => self.acknowledged(link, &ack, Awaiting::PubAck, now),
            Packet::PubRec(ack) => self.puback_received(link, &ack, now),
            Packet::PubRel(ack) => self.released(link, &ack),
            Packet::PubComp(ack) => self.acknowledged(link, &ack, Awaiting::PubComp, now),
            Packet::Subscribe(subscribe) => self.subscribe(link, *subscribe, now),
            Packet::Unsubscribe(unsubscribe) => self.unsubscribe(link, &unsubscribe),
            Packet::PingReq => self.send_when(link, Packet::PingResp, None),
            Packet::Disconnect(disconnect) => self.goodbye(link, &disconnect, now),
            // A second CONNECT [MQTT-3.1.0-2], AUTH without a method, and what
            // only a broker may send.
            Packet::Connect(_)
            | Packet::Auth(_)
            | Packet::ConnAck(_)
            | Packet::SubAck(_)
            | Packet::UnsubAck(_)
            | Packet::PingResp => self.fail(link, Reason::ProtocolError, now),
        }
    }

    /// The connection broke one of the protocol's rules: tells it which, and
    /// closes it as one that went without a word.
    pub fn fail(&mut self, link: Link, reason: Reason, now: Now) {
        self.dismiss(link, reason);
        self.lost(link, now);
    }

    /// What is to be done, in order; the caller takes it away.
    pub fn effects(&mut self) -> &mut Vec<Effect> {
        self.settle();
        &mut self.effects
    }

    /// The retained messages that match, for those who ask without subscribing.
    pub fn retained(&mut self, filter: &str, now: Now) -> Vec<Arc<Message>> {
        let journal = &mut self.journal;
        let mut expired = |topic: &Arc<str>| journal.retained_expired(topic);
        self.retained.matching(filter, now, &mut expired)
    }

    /// Says goodbye to every connection. Sessions that last go on after the
    /// next start, and wills that are due are sent then.
    pub fn shut_down(&mut self, now: Now) {
        let links: Vec<Link> = self.links().collect();
        for link in links {
            if let Some((session, journal)) = self.with_journal(link) {
                session.disconnected_at = Some(now.utc);
                session.record(journal);
            }
            self.dismiss(link, Reason::ServerShuttingDown);
        }
    }

    fn links(&self) -> impl Iterator<Item = Link> {
        self.sessions
            .iter()
            .filter(|(_, session)| session.connection.is_some())
            .map(|(index, session)| Link {
                session: session_id(index),
                epoch: session.epoch,
            })
    }

    /// Sends the reason, where the version knows how, and closes.
    fn dismiss(&mut self, link: Link, reason: Reason) {
        self.let_in(link);
        if self.version(link) == Some(Version::V5) {
            self.send(
                link,
                Packet::Disconnect(Disconnect {
                    reason: reason.in_disconnect(),
                    ..Disconnect::default()
                }),
            );
        }
        self.effects.push(Effect::Close { link, reason });
    }

    /// Sends a packet; one that is larger than the client takes cannot be left
    /// out, and ends the connection instead [MQTT-3.1.2-24].
    fn send(&mut self, link: Link, packet: Packet) {
        if self.exceeds(link, &packet) {
            if !matches!(packet, Packet::Disconnect(_)) {
                self.dismiss(link, Reason::PacketTooLarge);
            }
            return;
        }
        self.counters.packets_sent += 1;
        self.effects.push(Effect::Send {
            link,
            out: Out::Packet(packet),
        });
    }

    fn exceeds(&mut self, link: Link, packet: &Packet) -> bool {
        let session = self.connected(link);
        let connection = session.and_then(|session| session.connection.as_ref());
        connection.is_some_and(|connection| {
            let largest = connection.maximum_packet_size;
            let len = || codec::encoded_len(packet, connection.version);
            largest.is_some_and(|largest| len() > largest as usize)
        })
    }

    /// The session, if this is its present connection.
    fn connected(&mut self, link: Link) -> Option<&mut Session> {
        self.sessions
            .get_mut(link.session.index())
            .filter(|session| session.epoch == link.epoch && session.connection.is_some())
    }

    fn version(&mut self, link: Link) -> Option<Version> {
        self.connected(link)?
            .connection
            .as_ref()
            .map(|connection| connection.version)
    }
}

impl SessionId {
    fn index(self) -> usize {
        self.0 as usize
    }
}

fn session_id(index: usize) -> SessionId {
    // A slab of four thousand million sessions does not fit into memory.
    SessionId(u32::try_from(index).unwrap_or(u32::MAX))
}
