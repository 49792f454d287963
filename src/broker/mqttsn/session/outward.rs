//! What the client is sent: one message at a time, repeated until it is
//! acknowledged, and kept while the client sleeps.

use std::collections::VecDeque;

use hearth_wire::packet as sn;

use super::inward::ack;
use super::{End, Patience, Session, State};
use crate::broker::codec::{Ack, Packet, PacketId, Qos, Reason};
use crate::broker::outbound::Sending;
use crate::clock::{Moment, Now};

/// Messages at QoS 0 that wait for a client that sleeps or is slow; beyond them
/// the oldest is dropped. At QoS 1 and 2 the broker waits for acknowledgements
/// first.
const MOST_WAITING: usize = 64;

/// What waits, and what is on its way.
#[derive(Debug, Default)]
pub(super) struct Outward {
    waiting: VecDeque<Sending>,
    exchange: Option<Exchange>,
    /// Of the REGISTERs of the gateway.
    last_id: u16,
}

/// One message on its way.
#[derive(Debug)]
struct Exchange {
    sending: Sending,
    stage: Stage,
    /// The client had lost the topic's id, and was told another.
    retold: bool,
    /// How often its present packet was sent.
    sent: u8,
    at: Moment,
}

/// What the client is to answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    RegAck { msg_id: u16, topic_id: u16 },
    PubAck(sn::TopicId),
    PubRec(sn::TopicId),
    PubComp,
}

impl Exchange {
    /// Whether its topic id was given, so that another can be.
    fn is_registered(&self) -> bool {
        let (Stage::PubAck(id) | Stage::PubRec(id)) = self.stage else {
            return false;
        };
        matches!(id, sn::TopicId::Normal(_))
    }
}

impl Outward {
    /// The client connects afresh: the broker sends again what it did not take.
    pub fn clear(&mut self) {
        *self = Outward {
            last_id: self.last_id,
            ..Outward::default()
        };
    }

    /// The client sleeps: what is on its way begins again when it is awake.
    pub fn rest(&mut self) {
        if let Some(exchange) = &mut self.exchange {
            exchange.sent = 0;
        }
    }

    pub fn retry_at(&self, patience: &Patience) -> Option<Moment> {
        let exchange = self.exchange.as_ref()?;
        Some(exchange.at + patience.retry)
    }

    fn push(&mut self, sending: Sending) {
        let is_loose = |one: &Sending| one.packet_id.is_none();
        if is_loose(&sending) && self.waiting.len() >= MOST_WAITING {
            let oldest = self.waiting.iter().position(is_loose);
            match oldest.and_then(|oldest| self.waiting.remove(oldest)) {
                Some(dropped) => tracing::debug!(
                    topic = %dropped.delivery.message.topic,
                    "dropped for an MQTT-SN client that sleeps or is slow"
                ),
                None => return,
            }
        }
        self.waiting.push_back(sending);
    }

    fn next_id(&mut self) -> u16 {
        self.last_id = self.last_id.checked_add(1).unwrap_or(1);
        self.last_id
    }
}

impl Session {
    /// A message for the client.
    pub fn deliver(&mut self, sending: Sending, now: Now) {
        self.outward.push(sending);
        self.pump(now);
    }

    /// The client listens for a moment (6.14).
    pub(super) fn wake_up(&mut self, now: Now) {
        match self.state {
            State::Asleep(longest) | State::Awake(longest) => {
                self.state = State::Awake(longest);
                self.repeat(now);
                self.pump(now);
            }
            _ => self.send(&sn::Packet::PingResp),
        }
    }

    /// Sends what waits, as far as nothing must be answered first.
    pub(super) fn pump(&mut self, now: Now) {
        while self.is_reachable() && self.outward.exchange.is_none() {
            let Some(sending) = self.outward.waiting.pop_front() else {
                break;
            };
            self.begin(sending, false, now);
        }
        if let State::Awake(longest) = self.state
            && self.outward.exchange.is_none()
        {
            self.state = State::Asleep(longest);
            self.send(&sn::Packet::PingResp);
        }
    }

    fn begin(&mut self, sending: Sending, retold: bool, now: Now) {
        let topic = &sending.delivery.message.topic;
        let stage = match self.topics.known(topic) {
            Some(id) => match sending.delivery.qos {
                Qos::AtMostOnce => return self.send_publish(&sending, id, false),
                Qos::AtLeastOnce => Stage::PubAck(id),
                Qos::ExactlyOnce => Stage::PubRec(id),
            },
            None => match self.topics.register(topic) {
                Some(topic_id) => {
                    let msg_id = self.outward.next_id();
                    Stage::RegAck { msg_id, topic_id }
                }
                None => return self.give_up(&sending, "it has too many topics"),
            },
        };
        self.outward.exchange = Some(Exchange {
            sending,
            stage,
            retold,
            sent: 0,
            at: now.moment,
        });
        self.repeat(now);
    }

    /// Sends the packet of the exchange, for the first time or again.
    fn repeat(&mut self, now: Now) {
        let Some(mut exchange) = self.outward.exchange.take() else {
            return;
        };
        let again = exchange.sent > 0;
        let message = &exchange.sending.delivery.message;
        match exchange.stage {
            Stage::RegAck { msg_id, topic_id } => {
                self.send(&sn::Packet::Register(sn::Register {
                    topic_id,
                    msg_id,
                    name: (&*message.topic).into(),
                }));
            }
            Stage::PubAck(id) | Stage::PubRec(id) => {
                self.send_publish(&exchange.sending, id, again);
            }
            Stage::PubComp => {
                let id = exchange.sending.packet_id.map_or(0, PacketId::get);
                self.send(&sn::Packet::PubRel(id));
            }
        }
        exchange.sent = exchange.sent.saturating_add(1);
        exchange.at = now.moment;
        self.outward.exchange = Some(exchange);
    }

    pub(super) fn retry(&mut self, now: Now) {
        let Some(exchange) = self
            .outward
            .exchange
            .as_ref()
            .filter(|_| self.is_reachable())
        else {
            return;
        };
        if exchange.at + self.patience.retry > now.moment {
            return;
        }
        if exchange.sent > self.patience.retries {
            self.send(&sn::Packet::Disconnect(None));
            return self.end(End::Lost);
        }
        self.repeat(now);
    }

    fn send_publish(&mut self, sending: &Sending, topic: sn::TopicId, again: bool) {
        let delivery = &sending.delivery;
        self.send(&sn::Packet::Publish(sn::Publish {
            dup: sending.dup || again,
            qos: match delivery.qos {
                Qos::AtMostOnce => sn::Qos::AtMostOnce,
                Qos::AtLeastOnce => sn::Qos::AtLeastOnce,
                Qos::ExactlyOnce => sn::Qos::ExactlyOnce,
            },
            retain: delivery.retain,
            topic,
            msg_id: sending.packet_id.map_or(0, PacketId::get),
            data: &delivery.message.payload,
        }));
    }

    /// An answer of the client to what it was sent.
    pub(super) fn answered(&mut self, answer: sn::Packet<'_>, now: Now) {
        let Some(exchange) = &self.outward.exchange else {
            return self.stray(answer);
        };
        let id = exchange.sending.packet_id.map_or(0, PacketId::get);
        match (exchange.stage, answer) {
            (Stage::RegAck { msg_id, .. }, sn::Packet::RegAck(ack)) if ack.msg_id == msg_id => {
                self.registered(ack.code, now);
            }
            (Stage::PubAck(_) | Stage::PubRec(_), sn::Packet::PubAck(ack)) if ack.msg_id == id => {
                self.acknowledged(ack.code, now);
            }
            (Stage::PubRec(_), sn::Packet::PubRec(msg_id)) if msg_id == id => {
                if let Some(packet_id) = exchange.sending.packet_id {
                    self.tell(Packet::PubRec(ack(packet_id)));
                }
            }
            (Stage::PubComp, sn::Packet::PubComp(msg_id)) if msg_id == id => {
                if let Some(packet_id) = exchange.sending.packet_id {
                    self.tell(Packet::PubComp(ack(packet_id)));
                }
                self.outward.exchange = None;
                self.pump(now);
            }
            (_, stray) => self.stray(stray),
        }
    }

    /// The broker answers a PUBREC of the client, who is to complete the exchange.
    pub(super) fn released(&mut self, packet_id: PacketId, now: Now) {
        let exchange = self.outward.exchange.as_mut();
        match exchange.filter(|one| one.sending.packet_id == Some(packet_id)) {
            Some(exchange) => {
                (exchange.stage, exchange.sent) = (Stage::PubComp, 0);
                if self.is_reachable() {
                    self.repeat(now);
                }
            }
            // Of an earlier connection, whose PUBLISH is not sent again.
            None => self.send(&sn::Packet::PubRel(packet_id.get())),
        }
    }

    /// What nothing here has asked for: an exchange of an earlier connection is
    /// brought to its end, everything else is passed over.
    fn stray(&mut self, answer: sn::Packet<'_>) {
        let told = match answer {
            sn::Packet::PubRec(id) => PacketId::new(id).map(|id| Packet::PubRec(ack(id))),
            sn::Packet::PubComp(id) => PacketId::new(id).map(|id| Packet::PubComp(ack(id))),
            _ => None,
        };
        if let Some(packet) = told {
            self.tell(packet);
        }
    }

    fn registered(&mut self, code: sn::ReturnCode, now: Now) {
        let Some(exchange) = self.outward.exchange.take() else {
            return;
        };
        match code {
            sn::ReturnCode::Accepted => self.begin(exchange.sending, exchange.retold, now),
            sn::ReturnCode::Congestion => {
                // It is asked again after a while.
                self.outward.exchange = Some(exchange);
                return;
            }
            sn::ReturnCode::InvalidTopicId | sn::ReturnCode::NotSupported => {
                self.topics.forget(&exchange.sending.delivery.message.topic);
                self.give_up(&exchange.sending, "it takes no such topic");
            }
        }
        self.pump(now);
    }

    fn acknowledged(&mut self, code: sn::ReturnCode, now: Now) {
        let Some(exchange) = self.outward.exchange.take() else {
            return;
        };
        match code {
            sn::ReturnCode::Accepted => self.finish(&exchange.sending, Reason::Success),
            sn::ReturnCode::Congestion => {
                self.outward.exchange = Some(exchange);
                return;
            }
            // It has lost the id: told again, once.
            sn::ReturnCode::InvalidTopicId if exchange.is_registered() && !exchange.retold => {
                self.topics.forget(&exchange.sending.delivery.message.topic);
                self.begin(exchange.sending, true, now);
            }
            _ => self.give_up(&exchange.sending, "it refuses it"),
        }
        self.pump(now);
    }

    fn give_up(&mut self, sending: &Sending, why: &str) {
        let topic = &sending.delivery.message.topic;
        tracing::debug!(client = self.client_id, %topic, "not delivered: {why}");
        self.finish(sending, Reason::UnspecifiedError);
    }

    /// The broker need not send it again. At QoS 2 a PUBREC that refuses ends
    /// the exchange (MQTT 5.0, 4.3.3).
    fn finish(&mut self, sending: &Sending, reason: Reason) {
        let Some(packet_id) = sending.packet_id else {
            return;
        };
        let ack = Ack {
            reason,
            ..ack(packet_id)
        };
        self.tell(match sending.delivery.qos {
            Qos::ExactlyOnce => Packet::PubRec(ack),
            _ => Packet::PubAck(ack),
        });
    }
}
