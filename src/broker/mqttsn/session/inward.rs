//! What the client sends, and what the broker answers to it.

use std::collections::VecDeque;
use std::num::NonZeroU16;
use std::time::Duration;

use bytes::Bytes;
use hearth_wire::packet as sn;

use super::{Session, State, return_code};
use crate::broker::codec::{
    Ack, Packet, PacketId, Publish, PublishProperties, Qos, Reason, Subscribe, SubscriptionOptions,
    Unsubscribe,
};
use crate::broker::topic;
use crate::clock::Now;

/// Requests of the client that the broker has not answered. The standard has
/// one at a time (6.13); there is room for repetitions.
const MOST_ASKED: usize = 16;

/// What the client has asked for.
#[derive(Debug, Default)]
pub(super) struct Inward {
    /// By message id: what goes into the answer besides it.
    asked: VecDeque<(u16, Asked)>,
}

#[derive(Clone, Copy, Debug)]
enum Asked {
    /// The topic id of a PUBLISH.
    Published(u16),
    /// The topic id that a SUBACK tells.
    Subscribed(u16),
}

impl Inward {
    /// False if too much is asked already.
    fn ask(&mut self, msg_id: u16, asked: Asked) -> bool {
        self.asked.retain(|(id, _)| *id != msg_id);
        let has_room = self.asked.len() < MOST_ASKED;
        if has_room {
            self.asked.push_back((msg_id, asked));
        }
        has_room
    }

    fn topic_id(&self, msg_id: u16) -> u16 {
        let found = self.asked.iter().find(|(id, _)| *id == msg_id);
        found.map_or(0, |(_, Asked::Published(id) | Asked::Subscribed(id))| *id)
    }

    fn answered(&mut self, msg_id: u16) -> u16 {
        let topic_id = self.topic_id(msg_id);
        self.asked.retain(|(id, _)| *id != msg_id);
        topic_id
    }
}

impl Session {
    /// A packet of the client.
    pub fn received(&mut self, packet: sn::Packet<'_>, now: Now) {
        if self.state == State::Over {
            return;
        }
        self.heard = now.moment;
        match packet {
            sn::Packet::Connect(connect) => self.connect(&connect, now),
            sn::Packet::WillTopic(will) if self.state == State::WillTopic => self.will_topic(will),
            sn::Packet::WillMsg(message) if self.state == State::WillMessage => {
                self.will_message(message);
            }
            // Who is not connected is told so, that it may connect again.
            _ if matches!(self.state, State::Outside) => {
                self.send(&sn::Packet::Disconnect(None));
            }
            _ if self.is_connected() => self.received_inside(packet, now),
            // It repeats itself while the broker is being asked.
            _ => {}
        }
    }

    fn received_inside(&mut self, packet: sn::Packet<'_>, now: Now) {
        match packet {
            sn::Packet::Register(register) => self.register(register),
            sn::Packet::Publish(publish) => self.publish(&publish),
            sn::Packet::PubRel(msg_id) => self.pubrel(msg_id),
            sn::Packet::Subscribe(subscribe) => self.subscribe(&subscribe),
            sn::Packet::Unsubscribe(unsubscribe) => self.unsubscribe(&unsubscribe),
            sn::Packet::PingReq(Some(_)) => self.wake_up(now),
            sn::Packet::PingReq(None) => self.send(&sn::Packet::PingResp),
            sn::Packet::Disconnect(None) => {
                self.send(&sn::Packet::Disconnect(None));
                self.leave();
            }
            sn::Packet::Disconnect(Some(seconds)) => {
                self.state = State::Asleep(Duration::from_secs(seconds.into()));
                self.outward.rest();
                self.send(&sn::Packet::Disconnect(None));
            }
            sn::Packet::WillTopicUpd(will) => self.update_will_topic(will),
            sn::Packet::WillMsgUpd(message) => self.update_will_message(message),
            answer => self.answered(answer, now),
        }
    }

    fn connect(&mut self, connect: &sn::Connect<'_>, now: Now) {
        let id = connect.client_id.as_str();
        if id.contains('\0') {
            return self.send(&sn::Packet::ConnAck(sn::ReturnCode::NotSupported));
        }
        let is_back = id == self.client_id && !connect.clean_session && !connect.will;
        self.keep_alive = Duration::from_secs(connect.duration.into());
        match self.state {
            // From sleep to active (6.14): its session was open all the time.
            State::Asleep(_) | State::Awake(_) if is_back => {
                self.state = State::Active;
                self.send(&sn::Packet::ConnAck(sn::ReturnCode::Accepted));
                return self.pump(now);
            }
            // The broker has not answered the first one yet.
            State::Entering if is_back => return,
            _ => {}
        }
        self.client_id = id.to_owned();
        self.clean = connect.clean_session;
        self.will = None;
        self.rewills.clear();
        self.inward = Inward::default();
        self.outward.clear();
        if connect.will {
            self.state = State::WillTopic;
            self.send(&sn::Packet::WillTopicReq);
        } else {
            self.enter();
        }
    }

    fn register(&mut self, register: sn::Register<'_>) {
        let name = register.name.as_str();
        let given = match topic::valid_name(name) {
            true => self.topics.register(name).ok_or(sn::ReturnCode::Congestion),
            false => Err(sn::ReturnCode::NotSupported),
        };
        self.send(&sn::Packet::RegAck(sn::RegAck {
            topic_id: given.unwrap_or(0),
            msg_id: register.msg_id,
            code: given.err().unwrap_or(sn::ReturnCode::Accepted),
        }));
    }

    fn publish(&mut self, publish: &sn::Publish<'_>) {
        let (topic_id, msg_id) = (publish.topic.code(), publish.msg_id);
        let refuse = |code| {
            sn::Packet::PubAck(sn::PubAck {
                topic_id,
                msg_id,
                code,
            })
        };
        let Some(topic) = self.topics.name(publish.topic) else {
            return self.send(&refuse(sn::ReturnCode::InvalidTopicId));
        };
        // Who is connected needs no −1, but may use it.
        let qos = qos(publish.qos);
        let packet_id = NonZeroU16::new(msg_id).filter(|_| qos != Qos::AtMostOnce);
        if packet_id.is_some() && !self.inward.ask(msg_id, Asked::Published(topic_id)) {
            return self.send(&refuse(sn::ReturnCode::Congestion));
        }
        self.tell(Packet::Publish(Publish {
            dup: publish.dup && packet_id.is_some(),
            qos,
            retain: publish.retain,
            topic,
            packet_id,
            payload: Bytes::copy_from_slice(publish.data),
            topic_alias: None,
            subscription_ids: Vec::new(),
            properties: PublishProperties::default(),
        }));
    }

    fn pubrel(&mut self, msg_id: u16) {
        if let Some(packet_id) = NonZeroU16::new(msg_id) {
            self.tell(Packet::PubRel(ack(packet_id)));
        }
    }

    fn subscribe(&mut self, subscribe: &sn::Subscribe<'_>) {
        let granted = self.filter(subscribe.topic).and_then(|filter| {
            let topic_id = self.id_for(subscribe.topic, &filter)?;
            Ok((filter, topic_id))
        });
        let msg_id = subscribe.msg_id;
        let granted = granted.and_then(|(filter, topic_id)| {
            let packet_id = NonZeroU16::new(msg_id).ok_or(sn::ReturnCode::NotSupported)?;
            match self.inward.ask(msg_id, Asked::Subscribed(topic_id)) {
                true => Ok((filter, packet_id)),
                false => Err(sn::ReturnCode::Congestion),
            }
        });
        let (filter, packet_id) = match granted {
            Ok(granted) => granted,
            Err(code) => return self.send(&suback(Qos::AtMostOnce, 0, msg_id, code)),
        };
        let options = SubscriptionOptions {
            qos: qos(subscribe.qos),
            ..SubscriptionOptions::default()
        };
        self.tell(Packet::Subscribe(Box::new(Subscribe {
            packet_id,
            id: None,
            filters: vec![(filter, options)],
            user_properties: Vec::new(),
        })));
    }

    /// The id that messages of a subscription come with; 0 where none is told
    /// (5.4.16).
    fn id_for(&mut self, asked: sn::Topic<'_>, filter: &str) -> Result<u16, sn::ReturnCode> {
        match asked {
            sn::Topic::Predefined(id) => Ok(id),
            sn::Topic::Name(_) if topic::valid_name(filter) => {
                let id = self.topics.register(filter);
                id.ok_or(sn::ReturnCode::Congestion)
            }
            sn::Topic::Name(_) | sn::Topic::Short(_) => Ok(0),
        }
    }

    fn filter(&self, asked: sn::Topic<'_>) -> Result<String, sn::ReturnCode> {
        match asked {
            sn::Topic::Name(name) => Some(name.as_str().to_owned())
                .filter(|filter| topic::valid_filter(filter))
                .ok_or(sn::ReturnCode::NotSupported),
            sn::Topic::Predefined(id) => self
                .topics
                .name(sn::TopicId::Predefined(id))
                .map(|name| name.to_string())
                .ok_or(sn::ReturnCode::InvalidTopicId),
            // A filter of two characters may be `+/` or `#`, too.
            sn::Topic::Short(name) => String::from_utf8(name.to_vec())
                .ok()
                .filter(|filter| topic::valid_filter(filter))
                .ok_or(sn::ReturnCode::NotSupported),
        }
    }

    fn unsubscribe(&mut self, unsubscribe: &sn::Unsubscribe<'_>) {
        let msg_id = unsubscribe.msg_id;
        let (Ok(filter), Some(packet_id)) =
            (self.filter(unsubscribe.topic), NonZeroU16::new(msg_id))
        else {
            // UNSUBACK has no code; nothing was subscribed to.
            return self.send(&sn::Packet::UnsubAck(msg_id));
        };
        self.tell(Packet::Unsubscribe(Box::new(Unsubscribe {
            packet_id,
            filters: vec![filter],
            user_properties: Vec::new(),
        })));
    }

    /// The broker's answer to something that the client asked for.
    pub fn told(&mut self, packet: &Packet, now: Now) {
        match packet {
            Packet::ConnAck(connack) if !connack.reason.is_error() => self.entered(Ok(()), now),
            Packet::PubAck(ack) => self.puback(ack),
            Packet::PubRec(ack) if ack.reason.is_error() => self.puback(ack),
            Packet::PubRec(ack) => self.send(&sn::Packet::PubRec(ack.packet_id.get())),
            Packet::PubComp(ack) => {
                self.inward.answered(ack.packet_id.get());
                self.send(&sn::Packet::PubComp(ack.packet_id.get()));
            }
            Packet::SubAck(answer) => {
                let msg_id = answer.packet_id.get();
                let topic_id = self.inward.answered(msg_id);
                let reason = answer.reasons.first().copied().unwrap_or_default();
                let granted = Qos::from_bits(reason.code()).unwrap_or_default();
                self.send(&suback(granted, topic_id, msg_id, return_code(reason)));
            }
            Packet::UnsubAck(answer) => {
                self.send(&sn::Packet::UnsubAck(answer.packet_id.get()));
            }
            Packet::PubRel(ack) => self.released(ack.packet_id, now),
            _ => {}
        }
    }

    fn puback(&mut self, ack: &Ack) {
        let msg_id = ack.packet_id.get();
        let topic_id = self.inward.answered(msg_id);
        self.send(&sn::Packet::PubAck(sn::PubAck {
            topic_id,
            msg_id,
            code: return_code(ack.reason),
        }));
    }

    pub(super) fn tell(&mut self, packet: Packet) {
        self.effects.push(super::Effect::Tell(packet));
    }
}

pub(super) fn ack(packet_id: PacketId) -> Ack {
    Ack {
        packet_id,
        reason: Reason::Success,
        reason_string: None,
    }
}

fn suback(granted: Qos, topic_id: u16, msg_id: u16, code: sn::ReturnCode) -> sn::Packet<'static> {
    sn::Packet::SubAck(sn::SubAck {
        qos: match granted {
            Qos::AtMostOnce => sn::Qos::AtMostOnce,
            Qos::AtLeastOnce => sn::Qos::AtLeastOnce,
            Qos::ExactlyOnce => sn::Qos::ExactlyOnce,
        },
        topic_id,
        msg_id,
        code,
    })
}

pub(super) fn qos(qos: sn::Qos) -> Qos {
    match qos {
        sn::Qos::AtMostOnce | sn::Qos::WithoutConnection => Qos::AtMostOnce,
        sn::Qos::AtLeastOnce => Qos::AtLeastOnce,
        sn::Qos::ExactlyOnce => Qos::ExactlyOnce,
    }
}
