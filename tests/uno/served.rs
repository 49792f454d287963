//! A board that is served: things, maps, commands, silence and rules, on the chip. What
//! the logic does in every case is tested beside it; here it meets the hardware.

use std::time::Instant;

use hearth_wire::Packet;
use hearth_wire::board::{
    Answer, BoardTopic, Kind, MAX_MAP, Op, ResetCause, Rule, Thing, Vitals, encode_map,
};
use hearth_wire::packet::{PubAck, Publish, Qos, ReturnCode, SubAck, Topic, TopicId};

use crate::board::{PATIENCE, Uno, eventually};
use crate::talk::Talk;

/// A board and a gateway that answers whatever it asks.
struct Served {
    uno: Uno,
    talk: Talk,
    said: Vec<(BoardTopic, Vec<u8>)>,
    msg_id: u16,
}

fn thing(kind: Kind, pin: u8) -> Thing {
    Thing {
        kind,
        pin,
        period: 0,
        a: 0,
        b: 0,
    }
}

fn map(silence: u16, things: &[Thing], rules: &[Rule]) -> Vec<u8> {
    let mut buffer = [0; MAX_MAP];
    let length = encode_map(silence, things, rules, &mut buffer).unwrap();
    buffer[..length].to_vec()
}

impl Served {
    fn with(silence: u16, things: &[Thing], rules: &[Rule]) -> Served {
        let mut served = Served::on(Uno::start());
        served.want(&map(silence, things, rules));
        served
    }

    fn on(uno: Uno) -> Served {
        let talk = Talk::open(&uno);
        let mut served = Served {
            uno,
            talk,
            said: Vec::new(),
            msg_id: 0,
        };
        served.wait_for(BoardTopic::Vitals);
        served
    }

    /// Wants a map and waits until it is in force and kept.
    fn want(&mut self, map: &[u8]) {
        self.publish(BoardTopic::WantedMap, map);
        loop {
            let said = self.wait_for(BoardTopic::Map);
            let answer = Answer::decode(&said).unwrap();
            assert_eq!((answer.status, answer.slot), (0, 0));
            if answer.map == map {
                return;
            }
        }
    }

    fn publish(&mut self, topic: BoardTopic, data: &[u8]) {
        self.msg_id += 1;
        let topic = TopicId::Predefined(topic.id());
        let (qos, msg_id) = (Qos::AtLeastOnce, self.msg_id);
        let publish = Publish {
            dup: false,
            qos,
            retain: false,
            topic,
            msg_id,
            data,
        };
        self.talk.send(&Packet::Publish(publish));
    }

    /// Commands, and waits for the answer that has the command's id.
    fn command(&mut self, slot: u8, command: &str) {
        self.publish(BoardTopic::Set(slot), command.as_bytes());
        self.wait_until(slot, command);
    }

    fn wait_until(&mut self, slot: u8, state: &str) {
        while self.wait_for(BoardTopic::State(slot)) != state.as_bytes() {}
    }

    /// The next word on a topic; those before it are forgotten.
    fn wait_for(&mut self, topic: BoardTopic) -> Vec<u8> {
        let deadline = Instant::now() + PATIENCE;
        loop {
            if let Some(at) = self.said.iter().position(|(said, _)| *said == topic) {
                let (_, data) = self.said.drain(..=at).next_back().unwrap();
                return data;
            }
            assert!(Instant::now() < deadline, "waited in vain for {topic:?}");
            self.serve();
        }
    }

    fn serve(&mut self) {
        self.talk.take();
        for octets in self.talk.take_packets() {
            self.answer(Packet::decode(&octets).unwrap());
        }
    }

    fn answer(&mut self, packet: Packet<'_>) {
        let code = ReturnCode::Accepted;
        match packet {
            Packet::Connect(_) => self.talk.send(&Packet::ConnAck(code)),
            Packet::PingReq(_) => self.talk.send(&Packet::PingResp),
            Packet::Subscribe(subscribe) => {
                let Topic::Predefined(topic_id) = subscribe.topic else {
                    panic!("{subscribe:?}");
                };
                let (qos, msg_id) = (Qos::AtLeastOnce, subscribe.msg_id);
                self.talk.send(&Packet::SubAck(SubAck {
                    qos,
                    topic_id,
                    msg_id,
                    code,
                }));
            }
            Packet::Publish(publish) => self.hear(publish),
            _ => (),
        }
    }

    fn hear(&mut self, publish: Publish<'_>) {
        let topic_id = publish.topic.code();
        if publish.qos == Qos::AtLeastOnce {
            let (msg_id, code) = (publish.msg_id, ReturnCode::Accepted);
            self.talk.send(&Packet::PubAck(PubAck {
                topic_id,
                msg_id,
                code,
            }));
        }
        let topic = BoardTopic::of(topic_id).unwrap();
        self.said.push((topic, publish.data.to_vec()));
    }
}

#[test]
fn the_largest_map_and_all_that_it_does_leave_memory_unused() {
    let kinds = [
        (Kind::Relay, 7),
        (Kind::Pwm, 5),
        (Kind::Servo, 8),
        (Kind::Ds18b20, 6),
        (Kind::Analog, 14),
        (Kind::Analog, 15),
        (Kind::Digital, 4),
        (Kind::Counter, 2),
    ];
    let rule = Rule {
        output: 1,
        input: 5,
        op: Op::Below,
        level: 1,
        threshold: 1023,
        hysteresis: 1,
    };
    let mut board = Served::with(3, &kinds.map(|(kind, pin)| thing(kind, pin)), &[rule; 4]);
    board.uno.set_thermometer("D6", 2100);
    board.command(1, "off 1");
    board.command(2, "200 2");
    board.command(3, "90 3");
    board.wait_until(4, "2100");
    // And once more while nobody answers.
    board.uno.wait_for_pin("D7", "1");
    let unused = board.uno.unused();
    assert!(unused >= 256, "only {unused} bytes of 2048 were never used");
}

#[test]
fn a_board_gets_its_things_without_a_new_program() {
    let mut board = Served::with(0, &[thing(Kind::Relay, 7)], &[]);
    board.command(1, "on 1");
    assert_eq!(board.uno.pin("D7"), "1");
    let things = [
        thing(Kind::Relay, 7),
        thing(Kind::Relay, 8),
        thing(Kind::Digital, 4),
    ];
    board.want(&map(0, &things, &[]));
    assert_eq!(board.uno.pin("D7"), "1", "what stays keeps its state");
    board.command(2, "on 2");
    assert_eq!(board.uno.pin("D8"), "1");
    board.uno.drive("D4", Some(true));
    board.wait_until(3, "on");
}

#[test]
fn every_kind_of_sensor_says_what_is_there() {
    let things = [
        Thing {
            a: 2,
            ..thing(Kind::Analog, 14)
        },
        Thing {
            a: 20,
            b: 0b11,
            ..thing(Kind::Digital, 4)
        },
        Thing {
            a: 2,
            ..thing(Kind::Counter, 2)
        },
        thing(Kind::Ds18b20, 6),
    ];
    let mut board = Served::with(0, &things, &[]);
    board.uno.set_millivolts(0, 2500);
    board.wait_until(1, "511");
    board.uno.drive("D4", Some(false));
    board.wait_until(2, "on");
    board.uno.set_thermometer("D6", -550);
    board.wait_until(4, "-550");
    board.uno.drive("D2", Some(false));
    for pulses in 1..=3 {
        board.uno.drive("D2", Some(true));
        board.wait_until(3, &pulses.to_string());
        board.uno.drive("D2", Some(false));
        let low = board.uno.time() + 20;
        eventually("a pulse that is over", || {
            (board.uno.time() > low).then_some(())
        });
    }
}

#[test]
fn every_kind_of_output_obeys() {
    let things = [
        Thing {
            b: 0b10,
            ..thing(Kind::Relay, 7)
        },
        thing(Kind::Pwm, 5),
        Thing {
            a: 90,
            ..thing(Kind::Servo, 8)
        },
    ];
    let mut board = Served::with(0, &things, &[]);
    assert_eq!(board.uno.pin("D7"), "1", "off, where low is on");
    board.command(1, "on 1");
    assert_eq!(board.uno.pin("D7"), "0");
    board.command(2, "200 2");
    eventually("the duty", || {
        (board.uno.duty("D5") == Some(200)).then_some(())
    });
    board.command(3, "180 3");
    eventually("the longest pulse", || {
        (board.uno.pulse("D8").0 > 2350).then_some(())
    });
    board.publish(BoardTopic::Set(1), b"maybe 4");
    board.wait_until(1, "!bad 4");
}

#[test]
fn a_map_is_kept_over_a_power_cycle_and_outputs_start_safe() {
    let lamp = Thing {
        a: 1,
        ..thing(Kind::Relay, 7)
    };
    let mut board = Served::with(30, &[lamp], &[]);
    board.command(1, "off 1");
    board.uno.power_cycle();
    board.uno.wait_for_pin("D7", "1");
    board.wait_for(BoardTopic::Vitals);
    let said = board.wait_for(BoardTopic::State(1));
    assert_eq!(said, b"on");
}

#[test]
fn a_board_that_hung_starts_safe_and_says_why() {
    let mut board = Served::with(30, &[thing(Kind::Relay, 7)], &[]);
    board.command(1, "on 1");
    board.said.clear();
    board.uno.hang();
    board.uno.wait_for_pin("D7", "0");
    let vitals = Vitals::decode(&board.wait_for(BoardTopic::Vitals)).unwrap();
    assert_eq!(vitals.cause, ResetCause::Watchdog);
}

#[test]
fn a_board_whose_supply_broke_down_starts_safe_and_says_why() {
    let lamp = Thing {
        a: 1,
        ..thing(Kind::Relay, 8)
    };
    let mut board = Served::with(30, &[thing(Kind::Relay, 7), lamp], &[]);
    board.command(1, "on 1");
    board.command(2, "off 2");
    board.said.clear();
    board.uno.brown_out();
    board.uno.wait_for_pin("D7", "0");
    board.uno.wait_for_pin("D8", "1");
    let vitals = Vitals::decode(&board.wait_for(BoardTopic::Vitals)).unwrap();
    assert_eq!(vitals.cause, ResetCause::BrownOut);
}

#[test]
fn without_a_gateway_outputs_become_safe_and_rules_hold() {
    let rule = Rule {
        output: 2,
        input: 3,
        op: Op::Below,
        level: 1,
        threshold: 300,
        hysteresis: 20,
    };
    let things = [
        thing(Kind::Relay, 7),
        thing(Kind::Relay, 8),
        thing(Kind::Analog, 14),
    ];
    let mut board = Served::with(3, &things, &[rule]);
    board.uno.set_millivolts(0, 4000);
    board.wait_until(3, "818");
    board.command(1, "on 1");
    board.command(2, "off 2");
    let left = board.uno.time();
    // From here on nobody answers.
    board.uno.wait_for_pin("D7", "0");
    let alone = board.uno.time() - left;
    assert!((1900..6000).contains(&alone), "safe after {alone} ms");
    assert_eq!(board.uno.pin("D8"), "0");
    board.uno.set_millivolts(0, 1000);
    board.uno.wait_for_pin("D8", "1");
    board.uno.set_millivolts(0, 1540);
    board.uno.set_millivolts(0, 3000);
    board.uno.wait_for_pin("D8", "0");
    // And when it is back, it is obeyed again.
    board.command(1, "on 3");
    assert_eq!(board.uno.pin("D7"), "1");
}
