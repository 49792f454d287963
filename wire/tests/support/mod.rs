//! Any packet that may be sent, for properties.

use hearth_wire::packet::{
    Connect, Forwarded, Kind, Packet, PubAck, Publish, Qos, RegAck, Register, ReturnCode, SubAck,
    Subscribe, Topic, TopicId, Unsubscribe, Will,
};
use proptest::prelude::*;
use proptest::sample::select;

/// What a packet of any kind is made from.
#[derive(Clone, Debug)]
pub struct Parts {
    kind: Kind,
    a: bool,
    b: bool,
    octet: u8,
    one: u16,
    two: u16,
    qos: Qos,
    code: ReturnCode,
    text: String,
    id: String,
    data: Vec<u8>,
    node: Vec<u8>,
    topic: u8,
}

pub fn parts() -> impl Strategy<Value = Parts> {
    use ReturnCode::*;
    let codes = select(vec![Accepted, Congestion, InvalidTopicId, NotSupported]);
    let qos = select(vec![Qos::AtMostOnce, Qos::AtLeastOnce, Qos::ExactlyOnce]);
    let numbers = (any::<u8>(), any::<u16>(), any::<u16>(), 0..3_u8);
    let octets = |most: usize| prop::collection::vec(any::<u8>(), 0..most);
    let octets = (octets(300), octets(20));
    let texts = (any_text(), prop::collection::vec(any::<char>(), 1..24));
    let flags = (any::<bool>(), any::<bool>(), qos, codes);
    (select(Kind::ALL), numbers, octets, texts, flags).prop_map(
        |(kind, (octet, one, two, topic), (data, node), (text, id), (a, b, qos, code))| Parts {
            kind,
            a,
            b,
            octet,
            one,
            two,
            qos,
            code,
            text,
            id: id.into_iter().collect(),
            data,
            node,
            topic,
        },
    )
}

fn any_text() -> impl Strategy<Value = String> {
    prop::collection::vec(any::<char>(), 1..80).prop_map(|text| text.into_iter().collect())
}

impl Parts {
    pub fn packet(&self) -> Packet<'_> {
        match self.kind {
            Kind::Advertise => Packet::Advertise {
                gw_id: self.octet,
                duration: self.one,
            },
            Kind::SearchGw => Packet::SearchGw { radius: self.octet },
            Kind::GwInfo => Packet::GwInfo {
                gw_id: self.octet,
                address: &self.node,
            },
            Kind::Connect => Packet::Connect(self.connect()),
            Kind::ConnAck => Packet::ConnAck(self.code),
            Kind::WillTopicReq => Packet::WillTopicReq,
            Kind::WillTopic => Packet::WillTopic(self.will()),
            Kind::WillMsgReq => Packet::WillMsgReq,
            Kind::WillMsg => Packet::WillMsg(&self.data),
            Kind::Register => Packet::Register(self.register()),
            Kind::RegAck => Packet::RegAck(RegAck {
                topic_id: self.one,
                msg_id: self.two,
                code: self.code,
            }),
            Kind::Publish => Packet::Publish(self.publish()),
            Kind::PubAck => Packet::PubAck(PubAck {
                topic_id: self.one,
                msg_id: self.two,
                code: self.code,
            }),
            Kind::PubComp => Packet::PubComp(self.one),
            Kind::PubRec => Packet::PubRec(self.one),
            Kind::PubRel => Packet::PubRel(self.one),
            Kind::Subscribe => Packet::Subscribe(self.subscribe()),
            Kind::SubAck => Packet::SubAck(self.sub_ack()),
            Kind::Unsubscribe => Packet::Unsubscribe(Unsubscribe {
                msg_id: self.one,
                topic: self.topic(),
            }),
            Kind::UnsubAck => Packet::UnsubAck(self.one),
            Kind::PingReq => Packet::PingReq(self.a.then(|| self.id.as_str().into())),
            Kind::PingResp => Packet::PingResp,
            Kind::Disconnect => Packet::Disconnect(self.a.then_some(self.one)),
            Kind::WillTopicUpd => Packet::WillTopicUpd(self.will()),
            Kind::WillTopicResp => Packet::WillTopicResp(self.code),
            Kind::WillMsgUpd => Packet::WillMsgUpd(&self.data),
            Kind::WillMsgResp => Packet::WillMsgResp(self.code),
            Kind::Forwarded => Packet::Forwarded(self.forwarded()),
        }
    }

    fn connect(&self) -> Connect<'_> {
        Connect {
            will: self.a,
            clean_session: self.b,
            duration: self.one,
            client_id: self.id.as_str().into(),
        }
    }

    fn will(&self) -> Option<Will<'_>> {
        let topic = self.text.as_str().into();
        self.b.then_some(Will {
            qos: self.qos,
            retain: self.a,
            topic,
        })
    }

    fn register(&self) -> Register<'_> {
        let name = self.text.as_str().into();
        Register {
            topic_id: self.one,
            msg_id: self.two,
            name,
        }
    }

    fn publish(&self) -> Publish<'_> {
        let acknowledged = matches!(self.qos, Qos::AtLeastOnce | Qos::ExactlyOnce);
        let unconnected = !acknowledged && self.octet.is_multiple_of(2);
        let topic = match self.topic {
            0 => TopicId::Normal(self.one),
            1 => TopicId::Predefined(self.one),
            _ => TopicId::Short(self.one.to_be_bytes()),
        };
        Publish {
            dup: self.a,
            qos: if unconnected {
                Qos::WithoutConnection
            } else {
                self.qos
            },
            retain: self.b,
            topic,
            msg_id: if acknowledged { self.two.max(1) } else { 0 },
            data: &self.data,
        }
    }

    fn subscribe(&self) -> Subscribe<'_> {
        Subscribe {
            dup: self.a,
            qos: self.qos,
            msg_id: self.two,
            topic: self.topic(),
        }
    }

    fn sub_ack(&self) -> SubAck {
        SubAck {
            qos: self.qos,
            topic_id: self.one,
            msg_id: self.two,
            code: self.code,
        }
    }

    fn topic(&self) -> Topic<'_> {
        match self.topic {
            0 => Topic::Name(self.text.as_str().into()),
            1 => Topic::Predefined(self.one),
            _ => Topic::Short(self.one.to_be_bytes()),
        }
    }

    fn forwarded(&self) -> Forwarded<'_> {
        let node = if self.node.is_empty() {
            &[1][..]
        } else {
            &self.node
        };
        Forwarded {
            radius: self.octet % 4,
            node,
            message: &[4, 0x18, 0, 9],
        }
    }
}
