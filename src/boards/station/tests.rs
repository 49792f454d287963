//! A station, on a virtual clock, between a board and a broker that a test plays.

use hearth_wire::board::{BoardTopic, MAX_MAP, Status, Vitals as Said, encode_map};
use hearth_wire::board::{Firmware, Kind as WireKind, ResetCause, Thing as WireThing};
use hearth_wire::packet::{Packet, PubAck, Publish, Qos as SnQos, ReturnCode, TopicId};

use super::*;
use crate::boards::frames::framed;
use crate::boards::registry::Introduced;
use crate::clock::Now;
use crate::home::pin_map::{MapReport, MapState};
use crate::home::{CommandReport, PinMap, Stage, Vitals};

const CLIENT: &str = "uno-0000002a";

struct Bench {
    station: Station,
    now: Now,
    published: Vec<(String, Vec<u8>)>,
    /// What goes to the board, and what goes to the broker.
    frames: Vec<Vec<u8>>,
    packets: usize,
    filters: Vec<String>,
    forgotten: bool,
    introduced: Vec<String>,
}

impl Bench {
    fn new() -> Bench {
        let mut bench = Bench {
            station: Station::new("pond", None, CLIENT, 115_200),
            now: Now::default(),
            published: Vec::new(),
            frames: Vec::new(),
            packets: 0,
            filters: Vec::new(),
            forgotten: false,
            introduced: Vec::new(),
        };
        bench.pass(1000);
        let found = Found {
            device: "/dev/ttyUSB0".into(),
            path: "/dev/ttyUSB0".into(),
            usb: None,
            client: Some(Introduced {
                id: CLIENT.into(),
                baud: 115_200,
            }),
        };
        bench.station.opened(&found, bench.now);
        bench.gather();
        bench
    }

    /// A board with a pump in slot 1 and a probe in slot 2.
    fn with_pump() -> Bench {
        let mut bench = Bench::new();
        bench.want(
            r#"{"things": [{"name": "pump", "kind": "relay", "pin": 7},
                           {"name": "probe", "kind": "analog", "pin": "A0", "scale": [0, 100], "unit": "%"}]}"#,
        );
        let wanted = bench.bytes("hearth/wire/uno-0000002a/map/set");
        bench.answers(Status::InForce, 0, &wanted);
        bench
    }

    fn gather(&mut self) {
        for effect in self.station.take_effects() {
            match effect {
                Effect::Publish(one) => {
                    self.published
                        .push((one.topic.to_string(), one.payload.to_vec()));
                }
                Effect::Frame(packet) => self.frames.push(packet),
                Effect::Packet(_) => self.packets += 1,
                Effect::Subscribe(filter) => self.filters.push(filter),
                Effect::Unsubscribe(filter) => self.filters.retain(|one| *one != filter),
                Effect::Introduce(client) => self.introduced.push(client),
                Effect::Forget => self.forgotten = true,
                _ => {}
            }
        }
    }

    fn pass(&mut self, millis: u64) {
        let end = self.now + Duration::from_millis(millis);
        while let Some(at) = self.station.wake_at().filter(|at| *at <= end.moment) {
            let step = at.since(self.now.moment).max(Duration::from_millis(1));
            self.now = self.now + step;
            self.station.tick(self.now);
            self.gather();
        }
        self.now = end;
    }

    fn want(&mut self, json: &str) {
        self.message("hearth/board/pond/config", json.as_bytes());
    }

    fn message(&mut self, topic: &str, payload: &[u8]) {
        self.station.message(topic, payload, false, self.now);
        self.gather();
    }

    /// The board's word on its map, as the broker brings it.
    fn answers(&mut self, status: Status, slot: u8, map: &[u8]) {
        let payload = [&[status as u8, slot], map].concat();
        self.message("hearth/wire/uno-0000002a/map", &payload);
    }

    fn says(&mut self, slot: u8, state: &str) {
        let topic = format!("hearth/wire/uno-0000002a/state/{slot}");
        self.message(&topic, state.as_bytes());
    }

    /// A packet of the broker that goes down the line.
    fn sends(&mut self, topic: BoardTopic, msg_id: u16, data: &[u8]) {
        let publish = Packet::Publish(Publish {
            dup: false,
            qos: SnQos::AtLeastOnce,
            retain: false,
            topic: TopicId::Predefined(topic.id()),
            msg_id,
            data,
        });
        self.station.send(&encoded(&publish), self.now);
        self.gather();
    }

    /// A packet of the board.
    fn receives(&mut self, packet: &Packet<'_>) {
        self.station.received(&framed(&encoded(packet)), self.now);
        self.gather();
    }

    fn acknowledges(&mut self, topic: BoardTopic, msg_id: u16) {
        self.receives(&Packet::PubAck(PubAck {
            topic_id: topic.id(),
            msg_id,
            code: ReturnCode::Accepted,
        }));
    }

    fn bytes(&self, topic: &str) -> Vec<u8> {
        let last = self.published.iter().rfind(|(on, _)| on == topic);
        last.map(|(_, payload)| payload.clone()).unwrap_or_default()
    }

    fn text(&self, topic: &str) -> String {
        String::from_utf8(self.bytes(topic)).unwrap()
    }

    fn report(&self) -> CommandReport {
        serde_json::from_slice(&self.bytes("hearth/board/pond/command/pump")).unwrap()
    }

    fn map_report(&self) -> MapReport {
        serde_json::from_slice(&self.bytes("hearth/board/pond/map")).unwrap()
    }
}

fn encoded(packet: &Packet<'_>) -> Vec<u8> {
    let mut buffer = [0; 128];
    let length = packet.encode(&mut buffer).unwrap();
    buffer[..length].to_vec()
}

#[test]
fn a_command_is_followed_to_the_pin_and_back() {
    let mut bench = Bench::with_pump();
    bench.message("home/pond/pump/set", b"ON");
    assert_eq!(bench.text("hearth/wire/uno-0000002a/set/1"), "on 1");
    bench.pass(2);
    bench.sends(BoardTopic::Set(1), 9, b"on 1");
    assert_eq!((bench.report().stage, bench.report().ms), (Stage::Sent, 2));
    bench.pass(5);
    bench.acknowledges(BoardTopic::Set(1), 9);
    assert_eq!(bench.report().stage, Stage::Acknowledged);
    bench.pass(3);
    bench.says(1, "on 1");
    let report = bench.report();
    assert_eq!(
        (report.stage, report.ms, report.id),
        (Stage::Reported, 10, Some(1))
    );
    let steps: Vec<_> = report
        .steps
        .iter()
        .map(|step| (step.stage, step.ms))
        .collect();
    let expected = [
        (Stage::Received, 0),
        (Stage::Sent, 2),
        (Stage::Acknowledged, 7),
        (Stage::ReadBack, 10),
        (Stage::Reported, 10),
    ];
    assert_eq!(steps, expected);
    assert_eq!(bench.text("home/pond/pump"), "on");
    let obedience: Obedience =
        serde_json::from_slice(&bench.bytes("hearth/board/pond/obedience")).unwrap();
    assert_eq!(
        (obedience.obeyed, obedience.hops["acknowledged"].sum),
        (1, 5)
    );
}

#[test]
fn a_board_that_does_not_do_what_it_was_told_is_told_apart_from_one_that_cannot() {
    let mut bench = Bench::with_pump();
    // Nothing comes back at all.
    bench.message("home/pond/pump/set", b"on");
    bench.sends(BoardTopic::Set(1), 9, b"on 1");
    bench.pass(3000);
    bench.receives(&Packet::PingReq(None));
    bench.pass(1999);
    assert_eq!(bench.report().stage, Stage::Sent);
    bench.pass(1);
    assert_eq!(
        (bench.report().stage, bench.report().ms),
        (Stage::Ignored, 5000)
    );
    // The pin is not what it was set to.
    bench.message("home/pond/pump/set", b"on");
    bench.says(1, "off 2");
    let report = bench.report();
    assert_eq!(report.stage, Stage::Ignored);
    assert!(report.reason.unwrap().contains("read back as off"));
    assert_eq!(bench.text("home/pond/pump"), "off");
    // The board knows better.
    bench.message("home/pond/pump/set", b"off");
    bench.says(1, "!slot 3");
    assert_eq!(bench.report().stage, Stage::Refused);
    // It cannot be, and nothing is sent.
    let before = bench.text("hearth/wire/uno-0000002a/set/1");
    bench.message("home/pond/pump/set", b"fast");
    assert_eq!(
        bench.report().reason.as_deref(),
        Some("pump takes on or off, not fast")
    );
    bench.message("home/pond/probe/set", b"3");
    assert_eq!(bench.text("hearth/wire/uno-0000002a/set/1"), before);
    let obedience: Obedience =
        serde_json::from_slice(&bench.bytes("hearth/board/pond/obedience")).unwrap();
    assert_eq!((obedience.obeyed, obedience.ignored), (0, 3));
}

#[test]
fn the_answer_to_an_overtaken_command_ends_nothing() {
    let mut bench = Bench::with_pump();
    bench.message("home/pond/pump/set", b"on");
    bench.message("home/pond/pump/set", b"off");
    bench.says(1, "on 1");
    assert_eq!(bench.text("home/pond/pump"), "on");
    bench.says(1, "off 2");
    assert_eq!(
        (bench.report().stage, bench.report().id),
        (Stage::Reported, Some(2))
    );
}

#[test]
fn states_that_come_before_the_word_on_the_map_are_told_then() {
    let mut bench = Bench::new();
    bench.want(r#"{"things": [{"name": "pump", "kind": "relay", "pin": 7}]}"#);
    assert_eq!(bench.map_report().state, MapState::Waiting);
    bench.says(1, "off");
    assert_eq!(bench.text("home/pond/pump"), "");
    let wanted = bench.bytes("hearth/wire/uno-0000002a/map/set");
    bench.answers(Status::InForce, 0, &wanted);
    assert_eq!(bench.text("home/pond/pump"), "off");
    assert_eq!(bench.map_report().state, MapState::InForce);
    // Another name for the same pin: its state is known already.
    bench.want(r#"{"things": [{"name": "fountain", "kind": "relay", "pin": 7}]}"#);
    assert_eq!(bench.text("home/pond/fountain"), "off");
}

#[test]
fn a_refusal_names_the_thing_in_words_and_the_old_map_stays() {
    let mut bench = Bench::with_pump();
    let old = bench.bytes("hearth/wire/uno-0000002a/map/set");
    bench.want(r#"{"things": [{"name": "door", "kind": "digital", "pin": 3}]}"#);
    // As a board of a later version might.
    bench.answers(Status::UnknownKind, 1, &old);
    let report = bench.map_report();
    assert_eq!(
        (report.state, report.at.as_deref()),
        (MapState::Refused, Some("door"))
    );
    assert!(report.reason.unwrap().contains("run `hearth flash`"));
    bench.says(1, "on");
    assert_eq!(bench.text("home/pond/pump"), "on");
    // Nor does what nobody could have.
    bench.want("{");
    bench.answers(Status::InForce, 0, &old);
    bench.says(1, "off");
    assert_eq!(bench.text("home/pond/pump"), "off");
    assert_eq!(bench.text("hearth/board/pond/config"), "");
}

#[test]
fn a_board_from_elsewhere_keeps_its_pins_and_they_are_named_after_them() {
    let mut bench = Bench::new();
    let relay = WireThing {
        kind: WireKind::Relay,
        pin: 7,
        period: 0,
        a: 1,
        b: 0,
    };
    let mut map = [0; MAX_MAP];
    let length = encode_map(30, &[relay], &[], &mut map).unwrap();
    bench.answers(Status::InForce, 0, &map[..length]);
    bench.says(1, "on");
    assert_eq!(bench.text("home/pond/relay-d7"), "on");
    let adopted: PinMap = serde_json::from_slice(&bench.bytes("hearth/board/pond/config")).unwrap();
    assert_eq!(adopted.plan("pond").unwrap().octets, &map[..length]);
}

#[test]
fn a_silent_board_is_offline_until_it_speaks() {
    let mut bench = Bench::with_pump();
    bench.receives(&Packet::PingReq(None));
    bench.pass(3499);
    assert_eq!(bench.text("hearth/board/pond/status"), "online");
    bench.pass(1);
    assert_eq!(bench.text("hearth/board/pond/status"), "offline");
    assert!(
        bench
            .text("hearth/board/pond/fault")
            .starts_with("says nothing")
    );
    bench.message("home/pond/pump/set", b"on");
    assert_eq!(
        bench.report().reason.as_deref(),
        Some("the board is not here")
    );
    bench.receives(&Packet::PingReq(None));
    assert_eq!(bench.text("hearth/board/pond/status"), "online");
    assert_eq!(bench.text("hearth/board/pond/fault"), "");
}

#[test]
fn another_program_or_another_board_on_the_line_is_noticed() {
    let mut bench = Bench::new();
    bench.receives(&Packet::Connect(hearth_wire::packet::Connect {
        will: false,
        clean_session: false,
        duration: 10,
        client_id: "uno-0000002b".into(),
    }));
    assert_eq!(
        (bench.introduced.as_slice(), bench.packets),
        (&["uno-0000002b".to_owned()][..], 0)
    );
    bench.station.received(b"\xff\x80boot v1\r\n", bench.now);
    bench.gather();
    assert_eq!(bench.text("hearth/board/pond/log"), "boot v1");
    for _ in 0..16 {
        bench.station.received(b"temp:21\r\n", bench.now);
        bench.gather();
    }
    assert!(bench.forgotten);
}

#[test]
fn an_input_that_is_not_connected_does_not_flood_the_house() {
    let mut bench = Bench::with_pump();
    for noise in 0..1000 {
        bench.says(2, &(noise % 7 * 100).to_string());
        bench.pass(2);
    }
    let said = bench
        .published
        .iter()
        .filter(|(topic, _)| topic == "home/pond/probe");
    assert!((30..=45).contains(&said.count()));
}

#[test]
fn vitals_are_told_in_words_and_a_hang_is_a_fault() {
    let mut bench = Bench::new();
    let said = |frames, uptime, cause| Said {
        min: 1,
        current: 1,
        firmware: Firmware {
            major: 0,
            minor: 3,
            patch: 1,
        },
        cause,
        uptime,
        frames,
        bad_frames: 1,
        overruns: 0,
    };
    let tell = |bench: &mut Bench, said: Said| {
        bench.message("hearth/wire/uno-0000002a/vitals", &said.encode());
        serde_json::from_slice::<Vitals>(&bench.bytes("hearth/board/pond/vitals")).unwrap()
    };
    let vitals = tell(&mut bench, said(3, 1, ResetCause::PowerOn));
    assert_eq!(
        (vitals.firmware.as_str(), vitals.reset.as_str()),
        ("0.3.1", "power-on")
    );
    assert_eq!((vitals.restarts, vitals.link_quality), (0, 75));
    let vitals = tell(&mut bench, said(99, 31, ResetCause::PowerOn));
    assert_eq!((vitals.damaged, vitals.link_quality), (1, 100));
    assert_eq!(bench.text("hearth/board/pond/fault"), "");
    let vitals = tell(&mut bench, said(2, 0, ResetCause::Watchdog));
    assert_eq!(vitals.restarts, 1);
    assert!(
        bench
            .text("hearth/board/pond/fault")
            .contains("its program hung")
    );
}

#[test]
fn it_hears_what_concerns_it_and_nothing_more_when_it_is_taken_for_another() {
    let mut bench = Bench::with_pump();
    let mut filters = bench.filters.clone();
    filters.sort();
    let expected = [
        "hearth/board/pond/config",
        "hearth/wire/uno-0000002a/map",
        "hearth/wire/uno-0000002a/state/+",
        "hearth/wire/uno-0000002a/vitals",
        "home/pond/+/set",
    ];
    assert_eq!(filters, expected);
    bench.station.retract();
    bench.gather();
    assert!(bench.filters.is_empty());
    assert_eq!(bench.text("hearth/board/pond/status"), "");
}
