//! What one session still has to be sent: in flight, replayed, queued.
//!
//! Order is kept: what is in flight goes first, then the retained messages of
//! a new subscription, then the queue. Bounds and what happens at them:
//! the queue holds [`Limits::messages`] messages and [`Limits::bytes`] bytes;
//! a message that finds it full is dropped and counted. A replay is bounded by
//! the retained messages themselves and by [`MAX_REPLAY`].

use std::collections::VecDeque;
use std::sync::Arc;

use super::codec::{PacketId, Qos};
use super::message::Message;
use crate::clock::Now;

/// No more retained messages than this wait for one session.
pub const MAX_REPLAY: usize = 100_000;

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

#[derive(Debug)]
struct Inflight {
    packet_id: PacketId,
    delivery: Delivery,
    awaiting: Awaiting,
    /// On the wire of the present connection.
    sent: bool,
    /// On the wire of an earlier connection, too.
    dup: bool,
}

/// The outgoing half of a session.
#[derive(Debug)]
pub struct Outbound {
    inflight: VecDeque<Inflight>,
    /// How many of `inflight` are sent; the rest waits for the window.
    sent: usize,
    replay: VecDeque<Delivery>,
    queue: VecDeque<Delivery>,
    queued_bytes: usize,
    last_id: u16,
    limits: Limits,
}

impl Outbound {
    /// Nothing to send.
    pub fn new(limits: Limits) -> Outbound {
        Outbound {
            inflight: VecDeque::new(),
            sent: 0,
            replay: VecDeque::new(),
            queue: VecDeque::new(),
            queued_bytes: 0,
            last_id: 0,
            limits,
        }
    }

    /// Adds a message at the end. One that finds the queue full is dropped.
    pub fn push(&mut self, delivery: Delivery) -> Result<(), Dropped> {
        let size = delivery.message.size();
        if self.queue.len() >= self.limits.messages || self.queued_bytes + size > self.limits.bytes
        {
            return Err(Dropped::QueueFull);
        }
        self.queued_bytes += size;
        self.queue.push_back(delivery);
        Ok(())
    }

    /// Adds a retained message for a new subscription.
    pub fn push_replay(&mut self, delivery: Delivery) -> Result<(), Dropped> {
        if self.replay.len() >= MAX_REPLAY {
            return Err(Dropped::QueueFull);
        }
        self.replay.push_back(delivery);
        Ok(())
    }

    /// Takes what goes onto the wire next, while fewer than `window` messages
    /// at QoS 1 and 2 are unacknowledged. What has expired, or is larger than
    /// this connection takes, is over, as if it were sent [MQTT-3.1.2-25], and
    /// `dropped` is told.
    pub fn next(
        &mut self,
        window: usize,
        now: Now,
        fits: impl Fn(&Delivery) -> bool,
        dropped: &mut impl FnMut(&Delivery, Dropped),
    ) -> Option<Next> {
        while let Some(first) = self.inflight.get(self.sent) {
            if self.sent >= window {
                return None;
            }
            if first.awaiting == Awaiting::PubComp || fits(&first.delivery) {
                return Some(self.resend(now));
            }
            let first = self.inflight.remove(self.sent)?;
            dropped(&first.delivery, Dropped::TooLarge);
        }
        loop {
            let delivery = self.replay.front().or(self.queue.front())?;
            if delivery.qos != Qos::AtMostOnce && self.sent >= window {
                return None;
            }
            let delivery = self.pop()?;
            if delivery.message.is_expired(now) {
                dropped(&delivery, Dropped::Expired);
                continue;
            }
            if !fits(&delivery) {
                dropped(&delivery, Dropped::TooLarge);
                continue;
            }
            return Some(Next::Publish(self.send(delivery, now)));
        }
    }

    /// Whether anything waits for the wire.
    pub fn is_waiting(&self) -> bool {
        self.sent < self.inflight.len() || !self.replay.is_empty() || !self.queue.is_empty()
    }

    /// PUBACK, or a PUBREC that refuses: the exchange is over.
    pub fn finish(&mut self, packet_id: PacketId, awaiting: Awaiting) -> bool {
        match self.position(packet_id, awaiting) {
            Some(index) => {
                self.inflight.remove(index);
                self.sent -= 1;
                true
            }
            None => false,
        }
    }

    /// PUBREC: the message is delivered, its id is not yet free.
    pub fn received(&mut self, packet_id: PacketId) -> bool {
        let again = self.position(packet_id, Awaiting::PubComp).is_some();
        match self.position(packet_id, Awaiting::PubRec) {
            Some(index) => {
                self.inflight[index].awaiting = Awaiting::PubComp;
                true
            }
            None => again,
        }
    }

    /// The connection is gone: what was on its wire must be sent again, QoS 0
    /// is over, retained messages wait for the next subscription.
    pub fn disconnected(&mut self) {
        self.sent = 0;
        for inflight in &mut self.inflight {
            inflight.dup |= inflight.sent;
            inflight.sent = false;
        }
        self.replay
            .retain(|delivery| delivery.qos != Qos::AtMostOnce);
        self.queue
            .retain(|delivery| delivery.qos != Qos::AtMostOnce);
        self.count_queue();
    }

    /// Takes out what came through one of these shared subscriptions and may go
    /// to another member. A QoS 2 message that was on the wire may not
    /// [MQTT-4.8.2-4]. Called without a connection.
    pub fn take_shared(&mut self, is_one: impl Fn(&str) -> bool) -> Vec<Delivery> {
        let is_one = |delivery: &Delivery| delivery.group.as_deref().is_some_and(&is_one);
        let mut taken = Vec::new();
        self.inflight.retain(|one| {
            let begun = one.dup && one.delivery.qos == Qos::ExactlyOnce;
            let stays = begun || !is_one(&one.delivery);
            if !stays {
                taken.push(one.delivery.clone());
            }
            stays
        });
        self.queue.retain(|delivery| {
            if is_one(delivery) {
                taken.push(delivery.clone());
            }
            !is_one(delivery)
        });
        self.count_queue();
        taken
    }

    /// Whether a quarter of the queue's bounds is taken.
    pub fn is_filling(&self) -> bool {
        self.queue.len() > self.limits.messages / 4 || self.queued_bytes > self.limits.bytes / 4
    }

    /// What the queue costs in memory, about.
    pub fn queued_bytes(&self) -> usize {
        self.queued_bytes
    }

    /// Messages that wait, in flight or queued.
    pub fn len(&self) -> usize {
        self.inflight.len() + self.replay.len() + self.queue.len()
    }

    /// Whether nothing waits.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    fn count_queue(&mut self) {
        self.queued_bytes = self
            .queue
            .iter()
            .map(|delivery| delivery.message.size())
            .sum();
    }

    fn pop(&mut self) -> Option<Delivery> {
        if let Some(delivery) = self.replay.pop_front() {
            return Some(delivery);
        }
        let delivery = self.queue.pop_front()?;
        self.queued_bytes -= delivery.message.size();
        Some(delivery)
    }

    fn send(&mut self, delivery: Delivery, now: Now) -> Sending {
        let awaiting = match delivery.qos {
            Qos::AtMostOnce => None,
            Qos::AtLeastOnce => Some(Awaiting::PubAck),
            Qos::ExactlyOnce => Some(Awaiting::PubRec),
        };
        let packet_id = awaiting.map(|awaiting| {
            let packet_id = self.free_id();
            let delivery = delivery.clone();
            self.inflight.push_back(Inflight {
                packet_id,
                delivery,
                awaiting,
                sent: true,
                dup: false,
            });
            self.sent += 1;
            packet_id
        });
        let expiry_left = delivery.message.expiry_left(now);
        Sending {
            delivery,
            dup: false,
            packet_id,
            expiry_left,
        }
    }

    /// Sends the oldest exchange again that the present connection has not seen.
    fn resend(&mut self, now: Now) -> Next {
        let inflight = &mut self.inflight[self.sent];
        inflight.sent = true;
        self.sent += 1;
        match inflight.awaiting {
            Awaiting::PubComp => Next::PubRel(inflight.packet_id),
            Awaiting::PubAck | Awaiting::PubRec => Next::Publish(Sending {
                delivery: inflight.delivery.clone(),
                dup: inflight.dup,
                packet_id: Some(inflight.packet_id),
                expiry_left: inflight.delivery.message.expiry_left(now),
            }),
        }
    }

    fn position(&self, packet_id: PacketId, awaiting: Awaiting) -> Option<usize> {
        let sent = self.inflight.iter().take(self.sent);
        let mut sent = sent.enumerate();
        sent.find(|(_, one)| one.packet_id == packet_id && one.awaiting == awaiting)
            .map(|(index, _)| index)
    }

    /// The next id that no exchange holds; the window is far below 65,535.
    fn free_id(&mut self) -> PacketId {
        loop {
            self.last_id = self.last_id.checked_add(1).unwrap_or(1);
            let Some(id) = PacketId::new(self.last_id) else {
                continue;
            };
            if !self.inflight.iter().any(|one| one.packet_id == id) {
                return id;
            }
        }
    }
}
