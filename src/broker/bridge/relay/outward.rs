//! Messages of the house on their way to the other side.

use super::{Flight, MOST_HELD, Relay, ack, size};
use crate::broker::bridge::mapping::{self, Rule};
use crate::broker::codec::{
    Ack, Packet, PacketId, Publish, PublishProperties, Qos, Reason, Version,
};
use crate::broker::outbound::Sending;
use crate::clock::Moment;

impl Relay {
    /// Sends a message, or keeps it until its turn comes.
    pub(super) fn hold(&mut self, sending: Sending, now: Moment) {
        let is_fleeting = sending.packet_id.is_none();
        if is_fleeting && self.held.len() >= MOST_HELD {
            self.tally.dropped += 1;
            return;
        }
        self.held.push_back(sending);
        self.send_held(now);
    }

    /// Sends what is held, as far as the other side takes it [MQTT-3.3.4-9].
    pub(super) fn send_held(&mut self, now: Moment) {
        while self.subscribed && self.flight.len() < self.there.receive_maximum {
            let Some(sending) = self.held.pop_front() else {
                return;
            };
            self.send(sending, now);
        }
    }

    fn send(&mut self, sending: Sending, now: Moment) {
        let owed = sending.delivery.qos;
        let Some(publish) = self.publish(&sending) else {
            return self.settle(sending.packet_id, owed);
        };
        if self.version == Version::V311 && mapping::is_asked_for(&self.rules, &publish.topic) {
            self.echoes.sent(&publish.topic, &publish.payload, now);
        }
        let (awaited, qos) = (publish.packet_id, publish.qos);
        self.to_remote.push(Packet::Publish(publish));
        match awaited {
            Some(id) => {
                self.flight.insert(id, Flight { qos, owed });
            }
            None => {
                self.tally.sent += 1;
                self.settle(sending.packet_id, owed);
            }
        }
    }

    /// The message as the other side gets it; `None` if it does not cross.
    fn publish(&mut self, sending: &Sending) -> Option<Publish> {
        let message = &sending.delivery.message;
        if message.topic.starts_with(&self.own) {
            return None;
        }
        if self.mark.has_left(&message.properties) {
            self.tally.loops += 1;
            return None;
        }
        let (rule, topic) = mapping::outward(&self.rules, &message.topic)?;
        let publish = self.written(sending, rule, topic);
        let size = size(&publish, self.version);
        if size <= self.there.largest {
            return Some(publish);
        }
        self.tally.too_large += 1;
        let (topic, largest) = (&message.topic, self.there.largest);
        self.complain(format!(
            "a message of {size} bytes on {topic:?} is too large for it: it takes {largest}"
        ));
        None
    }

    fn written(&self, sending: &Sending, rule: &Rule, topic: String) -> Publish {
        let delivery = &sending.delivery;
        let qos = delivery.qos.min(rule.qos).min(self.there.maximum_qos);
        let properties = match self.version {
            Version::V5 => PublishProperties {
                message_expiry: sending.expiry_left,
                ..self.mark.leaving(&delivery.message.properties)
            },
            Version::V311 => PublishProperties::default(),
        };
        Publish {
            dup: sending.dup && qos != Qos::AtMostOnce,
            qos,
            retain: rule.retain.apply(delivery.retain) && self.there.retain,
            topic: topic.into(),
            packet_id: sending.packet_id.filter(|_| qos != Qos::AtMostOnce),
            payload: delivery.message.payload.clone(),
            topic_alias: None,
            subscription_ids: Vec::new(),
            properties,
        }
    }

    /// The message is over for the house, whatever the other side does.
    fn settle(&mut self, packet_id: Option<PacketId>, owed: Qos) {
        let Some(id) = packet_id else { return };
        self.to_house.push(match owed {
            Qos::ExactlyOnce => {
                self.closing.insert(id);
                Packet::PubRec(ack(id, Reason::Success))
            }
            _ => Packet::PubAck(ack(id, Reason::Success)),
        });
    }

    /// PUBACK.
    pub(super) fn acknowledged(&mut self, puback: &Ack, now: Moment) {
        if let Some(flight) = self.landed(puback.packet_id, Qos::AtLeastOnce) {
            self.count(puback.reason);
            self.settle(Some(puback.packet_id), flight.owed);
            self.send_held(now);
        }
    }

    /// PUBREC: the house answers with PUBREL, unless it is a refusal.
    pub(super) fn received(&mut self, pubrec: &Ack, now: Moment) {
        let (id, reason) = (pubrec.packet_id, pubrec.reason);
        if !self.is_in_flight(id, Qos::ExactlyOnce) {
            let unknown = ack(id, Reason::PacketIdentifierNotFound);
            return self.to_remote.push(Packet::PubRel(unknown));
        }
        self.to_house.push(Packet::PubRec(ack(id, reason)));
        if reason.is_error() {
            self.flight.remove(&id);
            self.count(reason);
            self.send_held(now);
        }
    }

    fn is_in_flight(&self, id: PacketId, qos: Qos) -> bool {
        let flight = self.flight.get(&id);
        flight.is_some_and(|flight| flight.qos == qos)
    }

    /// The exchange, if the other side has one of that kind to end.
    fn landed(&mut self, id: PacketId, qos: Qos) -> Option<Flight> {
        match self.is_in_flight(id, qos) {
            true => self.flight.remove(&id),
            false => None,
        }
    }

    /// The house ends its half of an exchange.
    pub(super) fn release_there(&mut self, id: PacketId) {
        if self.closing.remove(&id) {
            self.to_house
                .push(Packet::PubComp(ack(id, Reason::Success)));
            return;
        }
        let qos = Qos::ExactlyOnce;
        self.flight.entry(id).or_insert(Flight { qos, owed: qos });
        self.to_remote
            .push(Packet::PubRel(ack(id, Reason::Success)));
    }

    /// PUBCOMP.
    pub(super) fn completed(&mut self, pubcomp: &Ack, now: Moment) {
        let id = pubcomp.packet_id;
        if self.landed(id, Qos::ExactlyOnce).is_some() {
            self.count(Reason::Success);
            self.to_house
                .push(Packet::PubComp(ack(id, Reason::Success)));
            self.send_held(now);
        }
    }

    fn count(&mut self, reason: Reason) {
        if !reason.is_error() {
            self.tally.sent += 1;
            return;
        }
        self.tally.refused_there += 1;
        self.complain(format!("it refuses a message: {reason:?}"));
    }
}
