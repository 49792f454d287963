//! What one session still has to be sent: in flight, replayed, queued.
//!
//! Order is kept: what is in flight goes first, then the retained messages of
//! a new subscription, then the queue. Bounds and what happens at them:
//! the queue holds [`Limits::messages`] messages and [`Limits::bytes`] bytes;
//! a message that finds it full is dropped and counted, or the oldest make room
//! for it ([`WhenFull`]). A replay is bounded by the retained messages
//! themselves and by [`MAX_REPLAY`].

mod bounds;
mod delivery;
mod handover;

use std::collections::VecDeque;

use rustc_hash::FxHashSet;

use super::codec::{PacketId, Qos};
use super::journal::{Log, Sent};
use crate::clock::Now;

/// No more retained messages than this wait for one session.
pub const MAX_REPLAY: usize = 100_000;
/// Messages that have a packet id before they are sent; the window, far below
/// 65,535, must find ids besides them.
const MOST_CHOSEN_BEFORE: usize = 32_768;

pub use bounds::{Backlog, WhenFull};
pub use delivery::{Awaiting, Delivery, Dropped, Limits, Next, Saved, Sending, Taken};

/// A delivery that is not in flight.
#[derive(Debug)]
struct Waiting {
    /// Of the journal; 0 if that has it not.
    id: u64,
    /// Chosen before it is sent, so that the journal need not hear of that.
    packet_id: Option<PacketId>,
    /// It may have been on the wire before the last restart.
    may_be_known: bool,
    delivery: Delivery,
}

#[derive(Debug)]
struct Inflight {
    id: u64,
    /// Its place among those in flight, in the journal.
    place: u64,
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
    replay: VecDeque<Waiting>,
    queue: VecDeque<Waiting>,
    queued_bytes: usize,
    last_id: u16,
    /// Ids of exchanges, and of those to come.
    used: FxHashSet<PacketId>,
    limits: Limits,
    when_full: WhenFull,
    /// Messages dropped for want of room since the process started.
    dropped: u64,
}

impl Outbound {
    /// Nothing to send; the newest message is dropped when the queue is full.
    pub fn new(limits: Limits) -> Outbound {
        Outbound {
            inflight: VecDeque::new(),
            sent: 0,
            replay: VecDeque::new(),
            queue: VecDeque::new(),
            queued_bytes: 0,
            last_id: 0,
            used: FxHashSet::default(),
            limits,
            when_full: WhenFull::default(),
            dropped: 0,
        }
    }

    fn is_full_for(&self, size: usize) -> bool {
        self.queue.len() >= self.limits.messages || self.queued_bytes + size > self.limits.bytes
    }

    /// Adds a message at the end. One that finds the queue full is dropped.
    pub fn push(
        &mut self,
        delivery: Delivery,
        is_away: bool,
        log: &mut Log<'_>,
    ) -> Result<(), Dropped> {
        let size = delivery.message.size();
        if self.is_full_for(size) {
            self.dropped += 1;
            return Err(Dropped::QueueFull);
        }
        self.queued_bytes += size;
        let waiting = self.waiting(delivery, false, is_away, log);
        self.queue.push_back(waiting);
        Ok(())
    }

    /// Adds a retained message for a new subscription.
    pub fn push_replay(&mut self, delivery: Delivery, log: &mut Log<'_>) -> Result<(), Dropped> {
        if self.replay.len() >= MAX_REPLAY {
            return Err(Dropped::QueueFull);
        }
        let waiting = self.waiting(delivery, true, false, log);
        self.replay.push_back(waiting);
        Ok(())
    }

    fn waiting(
        &mut self,
        delivery: Delivery,
        replay: bool,
        is_away: bool,
        log: &mut Log<'_>,
    ) -> Waiting {
        let has_id = log.is_kept()
            && delivery.qos != Qos::AtMostOnce
            && self.used.len() < MOST_CHOSEN_BEFORE;
        let packet_id = has_id.then(|| self.free_id());
        Waiting {
            id: log.queued(&delivery, packet_id, replay, is_away),
            packet_id,
            may_be_known: false,
            delivery,
        }
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
        log: &mut Log<'_>,
    ) -> Option<Next> {
        while let Some(first) = self.inflight.get(self.sent) {
            if self.sent >= window {
                return None;
            }
            if first.awaiting == Awaiting::PubComp || fits(&first.delivery) {
                return Some(self.resend(now, log));
            }
            let first = self.inflight.remove(self.sent)?;
            self.used.remove(&first.packet_id);
            log.finished(first.id, &first.delivery);
            dropped(&first.delivery, Dropped::TooLarge);
        }
        loop {
            let first = self.replay.front().or(self.queue.front())?;
            if first.delivery.qos != Qos::AtMostOnce && self.sent >= window {
                return None;
            }
            let first = self.pop()?;
            let lost = match first.delivery.message.is_expired(now) {
                true => Some(Dropped::Expired),
                false => (!fits(&first.delivery)).then_some(Dropped::TooLarge),
            };
            if let Some(why) = lost {
                self.give_up(&first, log);
                dropped(&first.delivery, why);
                continue;
            }
            return Some(Next::Publish(self.send(first, now, log)));
        }
    }

    /// Whether anything waits for the wire.
    pub fn is_waiting(&self) -> bool {
        self.sent < self.inflight.len() || !self.replay.is_empty() || !self.queue.is_empty()
    }

    /// PUBACK, or a PUBREC that refuses: the exchange is over.
    pub fn finish(&mut self, packet_id: PacketId, awaiting: Awaiting, log: &mut Log<'_>) -> bool {
        let position = self.position(packet_id, awaiting);
        let Some(done) = position.and_then(|index| self.inflight.remove(index)) else {
            return false;
        };
        self.used.remove(&packet_id);
        log.finished(done.id, &done.delivery);
        self.sent -= 1;
        true
    }

    /// PUBREC: the message is delivered, its id is not yet free.
    pub fn received(&mut self, packet_id: PacketId, log: &mut Log<'_>) -> bool {
        let again = self.position(packet_id, Awaiting::PubComp).is_some();
        match self.position(packet_id, Awaiting::PubRec) {
            Some(index) => {
                let one = &mut self.inflight[index];
                one.awaiting = Awaiting::PubComp;
                log.in_flight(one.id, &one.delivery, packet_id, one.as_sent());
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
        let is_kept = |one: &Waiting| one.delivery.qos != Qos::AtMostOnce;
        self.replay.retain(is_kept);
        self.queue.retain(is_kept);
        self.count_queue();
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
            .map(|one| one.delivery.message.size())
            .sum();
    }

    fn pop(&mut self) -> Option<Waiting> {
        if let Some(first) = self.replay.pop_front() {
            return Some(first);
        }
        let first = self.queue.pop_front()?;
        self.queued_bytes -= first.delivery.message.size();
        Some(first)
    }

    fn send(&mut self, waiting: Waiting, now: Now, log: &mut Log<'_>) -> Sending {
        let expiry_left = waiting.delivery.message.expiry_left(now);
        let dup = waiting.may_be_known;
        let (delivery, packet_id) = match waiting.delivery.qos {
            Qos::AtMostOnce => (waiting.delivery, None),
            _ => {
                let delivery = waiting.delivery.clone();
                (delivery, Some(self.begin(waiting, log)))
            }
        };
        Sending {
            delivery,
            dup,
            packet_id,
            expiry_left,
        }
    }

    /// Begins an exchange.
    fn begin(&mut self, waiting: Waiting, log: &mut Log<'_>) -> PacketId {
        let Waiting { id, delivery, .. } = waiting;
        let is_known = waiting.packet_id.is_some();
        let packet_id = waiting.packet_id.unwrap_or_else(|| self.free_id());
        self.inflight.push_back(Inflight {
            id,
            place: log.sent(id, &delivery, packet_id, is_known),
            packet_id,
            awaiting: Awaiting::at(delivery.qos, false),
            delivery,
            sent: true,
            dup: waiting.may_be_known,
        });
        self.sent += 1;
        packet_id
    }

    /// Sends the oldest exchange again that the present connection has not seen.
    fn resend(&mut self, now: Now, log: &mut Log<'_>) -> Next {
        let inflight = &mut self.inflight[self.sent];
        log.sent_again(inflight.id);
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

    /// The next id that nothing has; far fewer than all are in use.
    fn free_id(&mut self) -> PacketId {
        loop {
            self.last_id = self.last_id.checked_add(1).unwrap_or(1);
            if let Some(id) = PacketId::new(self.last_id)
                && self.used.insert(id)
            {
                return id;
            }
        }
    }
}

impl Inflight {
    fn as_sent(&self) -> Sent {
        Sent {
            place: self.place,
            released: self.awaiting == Awaiting::PubComp,
        }
    }
}
