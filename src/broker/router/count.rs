//! What the router counts and holds, for those who watch it.

use std::sync::Arc;

use super::Router;
use crate::broker::codec::{PublishProperties, Qos};
use crate::broker::journal::Saving;
use crate::broker::message::Message;
use crate::broker::outbound::Dropped;
use crate::broker::topic::SharedFilter;
use crate::clock::Now;

/// Counts what the router did since it started. Hearth's own parts are clients
/// here too, but for `connects`, `most_connected` and `expired_sessions`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counters {
    pub connects: u64,
    pub most_connected: u64,
    pub expired_sessions: u64,
    /// Packets of any kind.
    pub packets_received: u64,
    pub packets_sent: u64,
    /// Messages, and the bytes of their payloads.
    pub received: u64,
    pub received_bytes: u64,
    pub sent: u64,
    pub sent_bytes: u64,
    pub dropped_queue_full: u64,
    pub dropped_expired: u64,
    pub dropped_too_large: u64,
    /// Messages that were not taken in the first place.
    pub refused: u64,
    /// Of these, for want of room among the retained ones.
    pub refused_retained: u64,
    pub refused_subscriptions: u64,
    /// For lack of permission; publications, wills among them, are in `refused` too.
    pub forbidden_publications: u64,
    pub forbidden_subscriptions: u64,
    /// Connections cut because they took nothing any more.
    pub stalled: u64,
    pub dead_letters: u64,
    /// Batches that were written to the disk, their rows, and failed tries.
    pub writes: u64,
    pub written_rows: u64,
    pub failed_writes: u64,
}

impl Counters {
    /// Messages that were taken and did not reach one of their receivers.
    pub fn dropped(&self) -> u64 {
        self.dropped_queue_full + self.dropped_expired + self.dropped_too_large
    }

    pub(super) fn lost(&mut self, why: Dropped) {
        match why {
            Dropped::QueueFull => self.dropped_queue_full += 1,
            Dropped::Expired => self.dropped_expired += 1,
            Dropped::TooLarge => self.dropped_too_large += 1,
            Dropped::Refused => self.refused += 1,
        }
    }
}

/// What the router holds at one moment.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Holdings {
    /// Clients of the network: with a connection, and with a session at all.
    pub connected: u64,
    pub sessions: u64,
    pub subscriptions: u64,
    pub shared_subscriptions: u64,
    pub retained_messages: u64,
    pub retained_bytes: u64,
    /// Retained, and waiting for sessions; once for each that it waits for.
    pub stored_messages: u64,
    pub stored_bytes: u64,
}

impl Router {
    /// Counters since the start.
    pub fn counters(&self) -> Counters {
        self.counters
    }

    /// Looks at every session: not for every packet.
    pub fn holdings(&self) -> Holdings {
        let (messages, bytes) = (self.retained.len() as u64, self.retained.bytes() as u64);
        let mut held = Holdings {
            connected: self.connected_clients,
            retained_messages: messages,
            retained_bytes: bytes,
            stored_messages: messages,
            stored_bytes: bytes,
            ..Holdings::default()
        };
        for (_, session) in &self.sessions {
            held.sessions += u64::from(!session.internal);
            held.stored_messages += session.outbound.len() as u64;
            held.stored_bytes += session.outbound.queued_bytes() as u64;
            for filter in session.subscriptions.keys() {
                let is_shared = SharedFilter::parse(filter).is_some();
                held.subscriptions += 1;
                held.shared_subscriptions += u64::from(is_shared);
            }
        }
        held
    }

    /// The broker's own word: retained, at QoS 0.
    pub fn announce(&mut self, topic: &str, text: String, now: Now) {
        let message = Message {
            topic: topic.into(),
            payload: text.into(),
            qos: Qos::AtMostOnce,
            retain: true,
            properties: PublishProperties::default(),
            publisher: "\0broker".into(),
            taken_in: None,
            received: now.utc,
            expires: None,
        };
        self.route(&Arc::new(message), None, Saving::Soon, now);
    }
}
