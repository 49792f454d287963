//! Packets that wait for the disk: acknowledgements that promise to remember,
//! and messages whose packet id must not be forgotten once it is used.
//!
//! They leave in order, and what must stay in order with them waits behind
//! them: acknowledgements and messages at QoS 1 and 2 (MQTT 5.0, 4.6), what a
//! subscription brings behind its SUBACK, and everything behind CONNACK. The
//! rest passes, so a slow disk does not look like a dead broker.

use std::collections::VecDeque;

use super::codec::Packet;
use super::journal::Wait;
use super::router::Out;

/// What one connection is still to be sent. Bounded by the window of its
/// messages and by [`MOST`] for what it sends itself.
#[derive(Debug, Default)]
pub struct Held {
    waiting: VecDeque<(Option<Wait>, Out)>,
    subacks: usize,
    /// Those whose wait others may share.
    paced: usize,
}

/// A connection that is owed so many packets is not read any further.
pub const MOST: usize = 1024;

impl Held {
    /// Gives the packet back if it may go now; else keeps it.
    pub fn pass(&mut self, out: Out, wait: Option<Wait>) -> Option<Out> {
        if wait.is_none() && (self.waiting.is_empty() || !self.is_ordered(&out)) {
            return Some(out);
        }
        self.subacks += usize::from(is_suback(&out));
        self.paced += usize::from(is_paced(wait));
        self.waiting.push_back((wait, out));
        None
    }

    /// The next packet whose wait is over.
    pub fn next(&mut self, is_over: impl Fn(Wait) -> bool) -> Option<Out> {
        let (wait, _) = self.waiting.front()?;
        if wait.is_some_and(|wait| !is_over(wait)) {
            return None;
        }
        self.pop()
    }

    /// CONNACK, if it is held, whatever it waits for.
    pub fn connack(&mut self) -> Option<Out> {
        match self.begins_with_connack() {
            true => self.pop(),
            false => None,
        }
    }

    fn pop(&mut self) -> Option<Out> {
        let (wait, out) = self.waiting.pop_front()?;
        self.subacks -= usize::from(is_suback(&out));
        self.paced -= usize::from(is_paced(wait));
        Some(out)
    }

    fn begins_with_connack(&self) -> bool {
        let first = self.waiting.front();
        first.is_some_and(|(_, out)| matches!(out, Out::Packet(Packet::ConnAck(_))))
    }

    /// Nobody waits for this message any more, so its publisher need not either.
    pub fn settle(&mut self, message: u64) {
        let is_it = |wait: &Wait| wait.message == Some(message);
        for (wait, _) in &mut self.waiting {
            if wait.as_ref().is_some_and(is_it) {
                *wait = None;
                return;
            }
        }
    }

    /// Whether what comes last may wait for others to share a sync.
    pub fn is_paced(&self) -> bool {
        self.paced > 0
    }

    pub fn is_empty(&self) -> bool {
        self.waiting.is_empty()
    }

    /// Whether the connection is not to be read further for now.
    pub fn is_full(&self) -> bool {
        self.waiting.len() >= MOST
    }

    /// A fence says that what is before it is written, so it waits too.
    fn is_ordered(&self, out: &Out) -> bool {
        match out {
            _ if self.begins_with_connack() => true,
            Out::Publish(sending) => sending.packet_id.is_some() || self.subacks > 0,
            Out::Fence => true,
            Out::Packet(packet) => matches!(
                packet,
                Packet::PubAck(_)
                    | Packet::PubRec(_)
                    | Packet::PubRel(_)
                    | Packet::PubComp(_)
                    | Packet::SubAck(_)
                    | Packet::UnsubAck(_)
            ),
        }
    }
}

fn is_paced(wait: Option<Wait>) -> bool {
    wait.is_some_and(|wait| wait.is_paced)
}

fn is_suback(out: &Out) -> bool {
    matches!(out, Out::Packet(Packet::SubAck(_)))
}
