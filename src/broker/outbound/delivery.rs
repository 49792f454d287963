//! A message on its way to one session, and what becomes of it.

use std::sync::Arc;

use crate::broker::codec::{PacketId, Qos};
use crate::broker::journal::{Log, Sent};
use crate::broker::message::Message;

/// A message and how one session gets it.
#[derive(Clone, Debug, PartialEq)]
pub struct Delivery {
    pub message: Arc<Message>,
    /// The lower of published and granted.
    pub qos: Qos,
    pub retain: bool,
    /// Of all matching subscriptions; empty and without allocation for most.
    pub subscription_ids: Vec<u32>,
    /// The shared subscription that brought it.
    pub group: Option<Arc<str>>,
}

/// A delivery as it goes onto the wire.
#[derive(Clone, Debug, PartialEq)]
pub struct Sending {
    pub delivery: Delivery,
    pub dup: bool,
    /// Present exactly at QoS 1 and 2.
    pub packet_id: Option<PacketId>,
    /// Seconds left of the message's expiry.
    pub expiry_left: Option<u32>,
}

/// What leaves a session next.
#[derive(Clone, Debug, PartialEq)]
pub enum Next {
    Publish(Sending),
    PubRel(PacketId),
}

/// Why a message was not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Dropped {
    QueueFull,
    Expired,
    /// For what the receiver said that it takes.
    TooLarge,
    /// By the broker, before it was anybody's.
    Refused,
}

/// Bounds of a session's queue.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    pub messages: usize,
    pub bytes: usize,
}

/// How far an exchange at QoS 1 or 2 has come (MQTT 5.0, 4.3).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Awaiting {
    PubAck,
    PubRec,
    PubComp,
}

/// A delivery that was taken out for somebody else.
#[derive(Debug)]
pub struct Taken {
    pub(super) id: u64,
    pub delivery: Delivery,
}

/// A delivery as it was on the disk.
#[derive(Clone, Debug, PartialEq)]
pub struct Saved {
    pub id: u64,
    pub delivery: Delivery,
    pub replay: bool,
    pub packet_id: Option<PacketId>,
    /// If it is known to have been in flight.
    pub sent: Option<Sent>,
}

impl Taken {
    /// The session that it was taken from no longer waits for it.
    pub fn forget(&self, log: &mut Log<'_>) {
        log.finished(self.id, &self.delivery);
    }
}

impl Awaiting {
    /// What the next packet of the receiver is, at QoS 1 and 2.
    pub(super) fn at(qos: Qos, released: bool) -> Awaiting {
        match qos {
            Qos::ExactlyOnce if released => Awaiting::PubComp,
            Qos::ExactlyOnce => Awaiting::PubRec,
            Qos::AtMostOnce | Qos::AtLeastOnce => Awaiting::PubAck,
        }
    }
}
