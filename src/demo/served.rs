//! The gateway's side of a board with Hearth's firmware, in its simplest form,
//! for tests: it lets the board in, wants the map that fits its wiring, and
//! speaks of its things by their names. Pure.

use std::collections::BTreeMap;

use hearth_wire::board::{Answer, BoardTopic, Report, Said, Vitals};
use hearth_wire::frame::{DEFRAMER_SIZE, Deframer, frame_bytes};
use hearth_wire::packet::{Packet, PubAck, Publish, Qos, ReturnCode, SubAck, Topic, TopicId};

use super::firmware::Firmware;
use super::physics::House;
use super::wiring::Wiring;
use crate::clock::Moment;
use crate::home::PinMap;
use crate::home::pin_map::Plan;

pub struct Served {
    plan: Plan,
    deframer: Deframer<DEFRAMER_SIZE>,
    /// The board shall have the map.
    wants: bool,
    /// Octets for the board.
    to_board: Vec<u8>,
    msg_id: u16,
    /// Of each thing, as the house says it.
    pub values: BTreeMap<String, String>,
    pub vitals: Option<Vitals>,
    /// The board has said that it has the map.
    pub is_in_force: bool,
    pub connects: Vec<String>,
}

impl Served {
    pub fn new(wiring: Wiring) -> Served {
        let map: PinMap = serde_json::from_str(wiring.map()).unwrap();
        Served {
            plan: map.plan(wiring.name()).unwrap(),
            deframer: Deframer::new(),
            wants: true,
            to_board: Vec::new(),
            msg_id: 0,
            values: BTreeMap::new(),
            vitals: None,
            is_in_force: false,
            connects: Vec::new(),
        }
    }

    /// A gateway that lets the board keep what it has.
    pub fn that_wants_nothing(wiring: Wiring) -> Served {
        Served {
            wants: false,
            ..Served::new(wiring)
        }
    }

    /// Lets a board live up to then, with this gateway at the end of its line.
    pub fn serve(&mut self, board: &mut Firmware, until: Moment, house: &mut House) {
        while board.next_wake() <= until {
            let now = board.next_wake();
            self.take(&board.run(now, house));
            let answers = self.take_answers();
            if !answers.is_empty() {
                board.receive(&answers, now, house);
            }
        }
    }

    /// Takes what the board sent.
    pub fn take(&mut self, octets: &[u8]) {
        for octet in octets {
            let packet = match self.deframer.push(*octet) {
                Ok(Some(packet)) => packet.to_vec(),
                Ok(None) => continue,
                // The rest of a frame from before the port was opened.
                Err(_) => continue,
            };
            self.answer(Packet::decode(&packet).unwrap());
        }
    }

    /// What is to go to the board.
    pub fn take_answers(&mut self) -> Vec<u8> {
        std::mem::take(&mut self.to_board)
    }

    /// Commands a thing.
    pub fn command(&mut self, thing: &str, wanted: &str) {
        let mut slots = (1..).zip(&self.plan.slots);
        let (number, slot) = slots.find(|(_, slot)| slot.thing.name == thing).unwrap();
        let level = slot.command(wanted).unwrap();
        let payload = format!("{level} {}", self.msg_id + 1);
        self.publish(BoardTopic::Set(number), payload.as_bytes());
    }

    fn answer(&mut self, packet: Packet<'_>) {
        let code = ReturnCode::Accepted;
        match packet {
            Packet::Connect(connect) => {
                self.connects.push(connect.client_id.as_str().to_owned());
                self.send(&Packet::ConnAck(code));
                if self.wants {
                    self.publish(BoardTopic::WantedMap, &self.plan.octets.clone());
                }
            }
            Packet::PingReq(_) => self.send(&Packet::PingResp),
            Packet::Subscribe(subscribe) => {
                let Topic::Predefined(topic_id) = subscribe.topic else {
                    panic!("{subscribe:?}");
                };
                let (qos, msg_id) = (Qos::AtLeastOnce, subscribe.msg_id);
                self.send(&Packet::SubAck(SubAck {
                    qos,
                    topic_id,
                    msg_id,
                    code,
                }));
            }
            Packet::Publish(publish) => self.hear(publish),
            Packet::PubAck(ack) => assert_eq!(ack.code, code),
            other => panic!("not expected of a board: {other:?}"),
        }
    }

    fn hear(&mut self, publish: Publish<'_>) {
        let topic_id = publish.topic.code();
        if publish.qos == Qos::AtLeastOnce {
            let (msg_id, code) = (publish.msg_id, ReturnCode::Accepted);
            self.send(&Packet::PubAck(PubAck {
                topic_id,
                msg_id,
                code,
            }));
        }
        match BoardTopic::of(topic_id).unwrap() {
            BoardTopic::State(number) => self.said(number, publish.data),
            BoardTopic::Vitals => self.vitals = Some(Vitals::decode(publish.data).unwrap()),
            BoardTopic::Map => {
                let answer = Answer::decode(publish.data).unwrap();
                assert_eq!(answer.status, 0, "{answer:?}");
                self.is_in_force = answer.map == self.plan.octets;
            }
            other => panic!("a board does not write {other:?}"),
        }
    }

    fn said(&mut self, number: u8, data: &[u8]) {
        let slot = &self.plan.slots[usize::from(number) - 1];
        let Said::State(state) = Report::parse(data).unwrap().said else {
            panic!("refused: {}", String::from_utf8_lossy(data));
        };
        if let Some(value) = slot.value(state) {
            self.values.insert(slot.thing.name.clone(), value);
        }
    }

    fn publish(&mut self, topic: BoardTopic, data: &[u8]) {
        self.msg_id += 1;
        let topic = TopicId::Predefined(topic.id());
        let (qos, msg_id) = (Qos::AtLeastOnce, self.msg_id);
        self.send(&Packet::Publish(Publish {
            dup: false,
            qos,
            retain: false,
            topic,
            msg_id,
            data,
        }));
    }

    fn send(&mut self, packet: &Packet<'_>) {
        let mut octets = [0; 128];
        let length = packet.encode(&mut octets).unwrap();
        self.to_board.extend(frame_bytes(&octets[..length]));
    }
}
