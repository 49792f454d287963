//! Messages of the other side on their way into the house.

use super::{Arrival, MOST_LEFT_OUT, Relay, ack, size};
use crate::broker::bridge::mapping;
use crate::broker::codec::{Packet, PacketId, Publish, Qos, Reason, Version};
use crate::clock::Moment;

impl Relay {
    pub(super) fn arrive(&mut self, publish: Publish, now: Moment) {
        let (qos, packet_id) = (publish.qos, publish.packet_id);
        let crossed = self.crossed(publish, now);
        if let Some(packet_id) = packet_id {
            let is_left_out = crossed.is_none();
            self.note_left_out(packet_id, qos, is_left_out);
            self.arrivals.push_back(Arrival {
                packet_id,
                qos,
                answer: is_left_out.then_some(Reason::Success),
            });
        }
        if let Some(publish) = crossed {
            self.tally.received += 1;
            self.to_house.push(Packet::Publish(publish));
        }
        self.answer();
    }

    /// The message as the house gets it; `None` if it does not cross.
    fn crossed(&mut self, publish: Publish, now: Moment) -> Option<Publish> {
        let was_left_out = |id| self.left_out.contains_key(&id);
        if publish.dup && publish.packet_id.is_some_and(was_left_out) {
            return None;
        }
        if self.is_ours(&publish, now) {
            self.tally.loops += 1;
            return None;
        }
        let Some((rule, local)) = mapping::inward(&self.rules, &publish.topic) else {
            self.not_for_us(&publish.topic);
            return None;
        };
        let retain = rule.retain.apply(publish.retain);
        let crossed = Publish {
            dup: false,
            retain,
            topic: local.into(),
            topic_alias: None,
            subscription_ids: Vec::new(),
            properties: match self.version {
                Version::V5 => self.mark.entering(&publish.properties),
                Version::V311 => publish.properties,
            },
            ..publish
        };
        let size = size(&crossed, self.version);
        if size <= self.largest {
            return Some(crossed);
        }
        self.tally.refused_here += 1;
        let (topic, largest) = (&crossed.topic, self.largest);
        self.complain(format!(
            "a message of {size} bytes on {topic:?} is too large for this house: it takes \
             {largest}, see `packet_bytes`"
        ));
        None
    }

    /// A wide pattern also brings what only the house itself may say; anything
    /// else is left from another config.
    fn not_for_us(&mut self, topic: &str) {
        if !mapping::is_asked_for(&self.rules, topic) {
            self.tally.refused_here += 1;
            self.complain(format!("nobody asked for {topic:?}, which it sends"));
        }
    }

    fn note_left_out(&mut self, id: PacketId, qos: Qos, is_left_out: bool) {
        if !is_left_out {
            self.left_out.remove(&id);
            return;
        }
        if self.left_out.len() >= MOST_LEFT_OUT {
            self.left_out.retain(|_, qos| *qos == Qos::ExactlyOnce);
        }
        self.left_out.insert(id, qos);
    }

    /// Whether a message has left this house before, and comes round.
    fn is_ours(&mut self, publish: &Publish, now: Moment) -> bool {
        match self.version {
            Version::V5 => self.mark.was_here(&publish.properties),
            // An echo is sent as new, not as what was kept from before.
            Version::V311 => {
                !publish.retain && self.echoes.take(&publish.topic, &publish.payload, now)
            }
        }
    }

    /// The house has taken a message, or refuses it.
    pub(super) fn taken(&mut self, id: PacketId, reason: Reason) {
        let mut arrivals = self.arrivals.iter_mut();
        let Some(arrival) =
            arrivals.find(|arrival| arrival.packet_id == id && arrival.answer.is_none())
        else {
            return;
        };
        // That nobody here wants it is none of the other side's business.
        arrival.answer = Some(match reason.is_error() {
            true => reason,
            false => Reason::Success,
        });
        if reason.is_error() {
            self.tally.received -= 1;
            self.tally.refused_here += 1;
            self.complain(format!(
                "this house refuses a message from there: {reason:?}"
            ));
        }
        self.answer();
    }

    /// Acknowledges what is taken, in the order in which it came.
    fn answer(&mut self) {
        while let Some(Arrival {
            packet_id,
            qos,
            answer: Some(reason),
        }) = self.arrivals.front().copied()
        {
            self.arrivals.pop_front();
            let ack = ack(packet_id, reason);
            self.to_remote.push(match qos {
                Qos::ExactlyOnce => Packet::PubRec(ack),
                _ => Packet::PubAck(ack),
            });
        }
    }

    /// PUBREL.
    pub(super) fn release_here(&mut self, id: PacketId) {
        let ack = ack(id, Reason::Success);
        match self.left_out.remove(&id) {
            Some(_) => self.to_remote.push(Packet::PubComp(ack)),
            None => self.to_house.push(Packet::PubRel(ack)),
        }
    }

    /// The house has ended an exchange.
    pub(super) fn released_here(&mut self, id: PacketId) {
        if !self.stale.remove(&id) {
            self.to_remote
                .push(Packet::PubComp(ack(id, Reason::Success)));
        }
    }
}
