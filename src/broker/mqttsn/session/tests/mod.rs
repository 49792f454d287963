//! A session at a desk: what comes out of it for what is put in.

mod from_broker;
mod from_client;

use std::time::Duration;

use bytes::Bytes;
use hearth_wire::packet as sn;

use super::*;
use crate::broker::codec::{Ack, ConnAck, PacketId, PublishProperties, Qos, SubAck};
use crate::broker::message::Message;
use crate::broker::outbound::{Delivery, Sending};
use crate::clock::UtcMillis;

/// A session, and what has come out of it.
struct Desk {
    session: Session,
    now: Now,
    /// Packets for the client, read again.
    sent: Vec<String>,
    raw: Vec<Vec<u8>>,
    told: Vec<Packet>,
    entered: Vec<Connect>,
    rewilled: Vec<Option<Will>>,
    over: Option<End>,
}

impl Desk {
    fn new() -> Desk {
        let now = Now {
            moment: Moment(0),
            utc: UtcMillis(0),
        };
        let predefined = Predefined::from([(5, Arc::from("home/hall/lamp"))]);
        let patience = Patience {
            retry: Duration::from_secs(1),
            retries: 2,
        };
        Desk {
            session: Session::new(Arc::new(predefined), patience, now),
            now,
            sent: Vec::new(),
            raw: Vec::new(),
            told: Vec::new(),
            entered: Vec::new(),
            rewilled: Vec::new(),
            over: None,
        }
    }

    /// A client that is in.
    fn connected() -> Desk {
        let mut desk = Desk::new();
        desk.receive(connect(false));
        desk.connack();
        desk.forget();
        desk
    }

    fn collect(&mut self) {
        for effect in self.session.take_effects() {
            match effect {
                Effect::Send(bytes) => {
                    self.sent
                        .push(format!("{:?}", sn::Packet::decode(&bytes).unwrap()));
                    self.raw.push(bytes);
                }
                Effect::Tell(packet) => self.told.push(packet),
                Effect::Enter(connect) => self.entered.push(*connect),
                Effect::Rewill(will) => self.rewilled.push(will),
                Effect::Over(end) => assert_eq!(self.over.replace(end), None),
            }
        }
    }

    fn forget(&mut self) {
        self.collect();
        self.sent.clear();
        self.raw.clear();
        self.told.clear();
        self.entered.clear();
    }

    fn receive(&mut self, packet: sn::Packet<'_>) {
        self.session.received(packet, self.now);
        self.collect();
    }

    fn tell(&mut self, packet: &Packet) {
        self.session.told(packet, self.now);
        self.collect();
    }

    fn connack(&mut self) {
        self.tell(&Packet::ConnAck(Box::default()));
    }

    fn deliver(&mut self, topic: &str, qos: Qos, id: u16) {
        self.session.deliver(sending(topic, qos, id), self.now);
        self.collect();
    }

    fn wait(&mut self, seconds: u64) {
        self.now.moment = self.now.moment + Duration::from_secs(seconds);
        self.session.tick(self.now);
        self.collect();
    }

    /// The packets sent since the last look; nothing else.
    fn expect(&mut self, packets: &[sn::Packet<'_>]) {
        let packets: Vec<String> = packets.iter().map(|one| format!("{one:?}")).collect();
        assert_eq!(std::mem::take(&mut self.sent), packets);
    }

    fn expect_told(&mut self, packets: &[Packet]) {
        assert_eq!(std::mem::take(&mut self.told), packets);
    }
}

fn connect(will: bool) -> sn::Packet<'static> {
    sn::Packet::Connect(sn::Connect {
        will,
        clean_session: false,
        duration: 60,
        client_id: "shed".into(),
    })
}

fn sending(topic: &str, qos: Qos, id: u16) -> Sending {
    let message = Message {
        topic: topic.into(),
        payload: Bytes::from_static(b"on"),
        qos,
        retain: false,
        properties: PublishProperties::default(),
        publisher: "x".into(),
        received: UtcMillis(0),
        taken_in: None,
        expires: None,
    };
    Sending {
        delivery: Delivery {
            message: Arc::new(message),
            qos,
            retain: false,
            subscription_ids: Vec::new(),
            group: None,
        },
        dup: false,
        packet_id: PacketId::new(id),
        expiry_left: None,
    }
}

fn publish(qos: sn::Qos, topic: sn::TopicId, msg_id: u16) -> sn::Publish<'static> {
    sn::Publish {
        dup: false,
        qos,
        retain: false,
        topic,
        msg_id,
        data: b"on",
    }
}

fn puback(topic_id: u16, msg_id: u16, code: sn::ReturnCode) -> sn::Packet<'static> {
    sn::Packet::PubAck(sn::PubAck {
        topic_id,
        msg_id,
        code,
    })
}

fn regack(topic_id: u16, msg_id: u16, code: sn::ReturnCode) -> sn::Packet<'static> {
    sn::Packet::RegAck(sn::RegAck {
        topic_id,
        msg_id,
        code,
    })
}

fn ack(id: u16, reason: Reason) -> Ack {
    Ack {
        packet_id: PacketId::new(id).unwrap(),
        reason,
        reason_string: None,
    }
}

const ACCEPTED: sn::ReturnCode = sn::ReturnCode::Accepted;
