//! A board between a chip and a gateway that a test can look into.

#![allow(dead_code, reason = "not every test looks at everything")]

mod chip;

use std::collections::BTreeMap;

pub use chip::{Chip, Drive};
use hearth_logic::Station;
use hearth_wire::board::{
    Answer, BoardTopic, Kind, MAX_MAP, ResetCause, Rule, Thing, Vitals, encode_map,
};
use hearth_wire::frame::{Deframer, frame_bytes};
use hearth_wire::packet::{Packet, PubAck, Publish, Qos, ReturnCode, SubAck, Topic, TopicId};

pub const ID: u32 = 0x0012_ABEF;

/// A gateway that answers at once, if it is there.
#[derive(Default)]
pub struct Gateway {
    pub is_away: bool,
    pub session: bool,
    pub connects: u32,
    pub subscriptions: Vec<u16>,
    /// What was published, in order, with its QoS.
    pub published: Vec<(u16, Qos, Vec<u8>)>,
    /// PUBACKs that the board sent, by their ids.
    pub acknowledged: Vec<u16>,
}

pub struct Bench {
    pub station: Station,
    pub chip: Chip,
    pub gateway: Gateway,
    pub now: u32,
    /// Octets still to be seen by the gateway.
    deframer: Deframer<256>,
    msg_id: u16,
}

pub fn thing(kind: Kind, pin: u8) -> Thing {
    Thing {
        kind,
        pin,
        period: 0,
        a: 0,
        b: 0,
    }
}

pub fn map(silence: u16, things: &[Thing], rules: &[Rule]) -> Vec<u8> {
    let mut buffer = [0; MAX_MAP];
    let length = encode_map(silence, things, rules, &mut buffer).expect("there is room");
    buffer[..length].to_vec()
}

impl Bench {
    /// A board on a chip; its clock is about to wrap, so that every test sees it wrap.
    pub fn new(chip: Chip) -> Self {
        Self::started(chip, ResetCause::PowerOn)
    }

    pub fn started(mut chip: Chip, cause: ResetCause) -> Self {
        let now = u32::MAX - 1500;
        let station = Station::new(ID, cause, now, &mut chip);
        let (gateway, deframer) = (Gateway::default(), Deframer::new());
        Self {
            station,
            chip,
            gateway,
            now,
            deframer,
            msg_id: 0,
        }
    }

    /// Connected, with a map in force, and with all of its first words over.
    pub fn with(silence: u16, things: &[Thing], rules: &[Rule]) -> Self {
        let mut bench = Self::new(Chip::default());
        bench.run(100);
        bench.want(&map(silence, things, rules));
        bench.run(1000);
        assert_eq!(
            bench.answer().map(|(status, slot, _)| (status, slot)),
            Some((0, 0))
        );
        bench.gateway.published.clear();
        bench
    }

    /// Lets time pass, a millisecond at a time.
    pub fn run(&mut self, milliseconds: u32) {
        for _ in 0..milliseconds {
            self.now = self.now.wrapping_add(1);
            self.chip.pass_millisecond();
            self.station.poll(self.now, &mut self.chip);
            self.exchange();
        }
    }

    /// Cuts the power and brings it back.
    pub fn power_cycle(mut self, cause: ResetCause) -> Self {
        self.chip.lose_power();
        Self::started(self.chip, cause)
    }

    pub fn send(&mut self, packet: Packet<'_>) {
        let mut buffer = [0; 256];
        let length = packet.encode(&mut buffer).expect("it may be sent");
        let octets: Vec<u8> = frame_bytes(&buffer[..length]).collect();
        self.send_octets(&octets);
    }

    pub fn send_octets(&mut self, octets: &[u8]) {
        for octet in octets {
            self.station.receive(*octet, self.now, &mut self.chip);
        }
    }

    pub fn publish(&mut self, topic: BoardTopic, data: &[u8]) {
        self.msg_id += 1;
        self.send(Packet::Publish(Publish {
            dup: false,
            qos: Qos::AtLeastOnce,
            retain: false,
            topic: TopicId::Predefined(topic.id()),
            msg_id: self.msg_id,
            data,
        }));
    }

    pub fn want(&mut self, map: &[u8]) {
        self.publish(BoardTopic::WantedMap, map);
    }

    pub fn command(&mut self, slot: u8, command: &str) {
        self.publish(BoardTopic::Set(slot), command.as_bytes());
    }

    /// What was said of a slot since the last look, in order.
    pub fn said(&mut self, slot: u8) -> Vec<String> {
        let mut said = Vec::new();
        self.gateway.published.retain(|(topic, _, data)| {
            let mine = *topic == BoardTopic::State(slot).id();
            if mine {
                said.push(String::from_utf8(data.clone()).expect("states are ASCII"));
            }
            !mine
        });
        said
    }

    /// The last word on the map, and how often there was one.
    pub fn answer(&self) -> Option<(u8, u8, Vec<u8>)> {
        let map = BoardTopic::Map.id();
        let (.., data) = self
            .gateway
            .published
            .iter()
            .rfind(|(topic, ..)| *topic == map)?;
        let answer = Answer::decode(data).expect("it is an answer");
        Some((answer.status, answer.slot, answer.map.to_vec()))
    }

    pub fn vitals(&self) -> Vec<Vitals> {
        let vitals = BoardTopic::Vitals.id();
        let published = self.gateway.published.iter();
        let mine = published.filter(|(topic, ..)| *topic == vitals);
        mine.map(|(.., data)| Vitals::decode(data).expect("they are vitals"))
            .collect()
    }

    /// Carries what the board sent to the gateway, and its answers back.
    fn exchange(&mut self) {
        for octet in std::mem::take(&mut self.chip.sent) {
            let Ok(Some(packet)) = self.deframer.push(octet) else {
                continue;
            };
            let packet = packet.to_vec();
            let packet = Packet::decode(&packet).expect("a board sends packets");
            if !self.gateway.is_away
                && let Some(answer) = self.gateway.receive(packet)
            {
                self.send(answer);
            }
        }
    }
}

impl Gateway {
    /// How often something was published, by topic.
    pub fn counts(&self) -> BTreeMap<u16, usize> {
        let mut counts = BTreeMap::new();
        for (topic, ..) in &self.published {
            *counts.entry(*topic).or_default() += 1;
        }
        counts
    }

    fn receive(&mut self, packet: Packet<'_>) -> Option<Packet<'static>> {
        let code = ReturnCode::Accepted;
        match packet {
            Packet::Connect(connect) => {
                assert_eq!(connect.client_id.as_str(), "uno-0012abef");
                assert!(!connect.will && !connect.clean_session);
                self.session = true;
                self.connects += 1;
                Some(Packet::ConnAck(code))
            }
            _ if !self.session => Some(Packet::Disconnect(None)),
            Packet::Subscribe(subscribe) => {
                let Topic::Predefined(topic_id) = subscribe.topic else {
                    panic!("{subscribe:?}");
                };
                self.subscriptions.push(topic_id);
                let msg_id = subscribe.msg_id;
                Some(Packet::SubAck(SubAck {
                    qos: Qos::AtLeastOnce,
                    topic_id,
                    msg_id,
                    code,
                }))
            }
            Packet::Publish(publish) => self.published(publish),
            Packet::PubAck(ack) => {
                self.acknowledged.push(ack.msg_id);
                None
            }
            Packet::PingReq(None) => Some(Packet::PingResp),
            other => panic!("not expected of a board: {other:?}"),
        }
    }

    fn published(&mut self, publish: Publish<'_>) -> Option<Packet<'static>> {
        let TopicId::Predefined(topic_id) = publish.topic else {
            panic!("{publish:?}");
        };
        self.published
            .push((topic_id, publish.qos, publish.data.to_vec()));
        let (msg_id, code) = (publish.msg_id, ReturnCode::Accepted);
        let ack = PubAck {
            topic_id,
            msg_id,
            code,
        };
        (publish.qos == Qos::AtLeastOnce).then_some(Packet::PubAck(ack))
    }
}
