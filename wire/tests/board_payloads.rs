//! Topic ids, client ids, vitals, answers, states and commands: their frozen octets, and
//! that each side reads what the other writes.

#![allow(
    clippy::arithmetic_side_effects,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test fails by panicking"
)]

use hearth_wire::board::{
    Answer, BoardTopic, CURRENT, Command, Firmware, Kind, MIN, Report, ResetCause, Said, Status,
    Value, Vitals, client_id, of_client_id, write_command,
};
use proptest::prelude::*;

#[test]
fn topic_ids_are_frozen() {
    for (topic, id) in [
        (BoardTopic::State(1), 0x0001),
        (BoardTopic::State(8), 0x0008),
        (BoardTopic::Set(1), 0x0101),
        (BoardTopic::Set(8), 0x0108),
        (BoardTopic::WantedMap, 0x0200),
        (BoardTopic::Map, 0x0201),
        (BoardTopic::Vitals, 0x0202),
    ] {
        assert_eq!(topic.id(), id);
        assert_eq!(BoardTopic::of(id), Some(topic));
    }
    let known = (0..=u16::MAX).filter(|id| BoardTopic::of(*id).is_some());
    assert_eq!(known.count(), 19);
}

#[test]
fn versions_are_frozen() {
    assert_eq!((MIN, CURRENT), (1, 1));
}

#[test]
fn client_ids_are_frozen() {
    assert_eq!(&client_id(0x0012_ABEF), b"uno-0012abef");
    assert_eq!(of_client_id("uno-0012abef"), Some(0x0012_ABEF));
    for other in [
        "uno-",
        "uno-12abef",
        "uno-0012ABEF",
        "uno-+012abef",
        "uno-0012abef0",
        "due-0012abef",
    ] {
        assert_eq!(of_client_id(other), None, "{other}");
    }
}

#[test]
fn vitals_are_frozen_and_may_grow() {
    let vitals = Vitals {
        min: 1,
        current: 2,
        firmware: Firmware {
            major: 0,
            minor: 3,
            patch: 4,
        },
        cause: ResetCause::Watchdog,
        uptime: 0x0102_0304,
        frames: 0x0A0B_0C0D,
        bad_frames: 0x1112,
        overruns: 0x2122,
    };
    let octets = [
        1, 2, 0, 3, 4, 4, 1, 2, 3, 4, 0x0A, 0x0B, 0x0C, 0x0D, 0x11, 0x12, 0x21, 0x22,
    ];
    assert_eq!(vitals.encode(), octets);
    assert_eq!(Vitals::decode(&octets), Some(vitals));
    assert_eq!(Vitals::decode(&[&octets[..], &[9]].concat()), Some(vitals));
    assert_eq!(Vitals::decode(&octets[..17]), None);
    assert_eq!(ResetCause::from_code(77), ResetCause::Unknown);
}

#[test]
fn answers_are_frozen() {
    let answer = Answer::decode(&[5, 2, 1, 0, 0, 0, 0]).expect("it is one");
    assert_eq!(
        answer,
        Answer {
            status: 5,
            slot: 2,
            map: &[1, 0, 0, 0, 0]
        }
    );
    assert_eq!(Status::from_code(5), Some(Status::UsedTwice));
    assert_eq!(Answer::decode(&[0]), None);
    for code in 0..=u8::MAX {
        assert_eq!(
            Status::from_code(code).map(|status| status as u8),
            (code <= 9).then_some(code)
        );
        let kind = Kind::from_code(code).map(|kind| kind as u8);
        assert_eq!(kind, (1..=7).contains(&code).then_some(code));
    }
}

#[test]
fn states_are_frozen() {
    for (value, id, payload) in [
        (Value::Switch(true), Some(17), "on 17"),
        (Value::Switch(false), None, "off"),
        (Value::Count(0), None, "0"),
        (Value::Count(1023), Some(0), "1023 0"),
        (Value::Count(u32::MAX), Some(u16::MAX), "4294967295 65535"),
        (Value::Signed(-5512), None, "-5512"),
        (Value::Signed(i16::MIN), Some(1), "-32768 1"),
        (Value::Signed(2150), None, "2150"),
        (Value::Unknown, None, "?"),
        (Value::BadValue, Some(17), "!bad 17"),
        (Value::NoOutput, Some(17), "!slot 17"),
    ] {
        assert_eq!(value.write(id).as_bytes(), payload.as_bytes());
        let report = Report::parse(payload.as_bytes()).expect("the gateway reads it");
        assert_eq!(report.id, id);
        let state = payload.split(' ').next().expect("there is one");
        let said = match value {
            Value::BadValue => Said::BadValue,
            Value::NoOutput => Said::NoOutput,
            _ => Said::State(state),
        };
        assert_eq!(report.said, said);
    }
}

#[test]
fn what_no_board_says() {
    for payload in [
        "",
        " ",
        "on17",
        "ON",
        "21.5",
        "--5",
        "-",
        "on 65536",
        "on  17",
        "on x",
        "!no 17",
        "?!",
        "1234567890123456789",
    ] {
        assert_eq!(Report::parse(payload.as_bytes()), None, "{payload:?}");
    }
}

#[test]
fn commands_are_frozen() {
    let mut buffer = [0; 16];
    let length = write_command("on", 17, &mut buffer).expect("there is room");
    assert_eq!(&buffer[..length], b"on 17");
    assert_eq!(write_command("on", 17, &mut buffer[..4]), None);
    for (payload, kind, level, id) in [
        ("on 17", Kind::Relay, Some(1), Some(17)),
        ("off", Kind::Relay, Some(0), None),
        ("255 65535", Kind::Pwm, Some(255), Some(65_535)),
        ("256 1", Kind::Pwm, None, Some(1)),
        ("180 1", Kind::Servo, Some(180), Some(1)),
        ("181 1", Kind::Servo, None, Some(1)),
        ("1 17", Kind::Relay, None, Some(17)),
        ("on 17", Kind::Pwm, None, Some(17)),
        ("toggle 17", Kind::Relay, None, Some(17)),
        (" 17", Kind::Pwm, None, Some(17)),
        ("on 17", Kind::Analog, None, Some(17)),
        ("0 17", Kind::Ds18b20, None, Some(17)),
    ] {
        let command = Command::parse(payload.as_bytes());
        assert_eq!((command.level(kind), command.id), (level, id), "{payload}");
    }
}

proptest! {
    #[test]
    fn any_payload_is_survived(payload: Vec<u8>) {
        let command = Command::parse(&payload);
        let _ = Kind::ALL.map(|kind| command.level(kind));
        let _ = (Report::parse(&payload), Answer::decode(&payload), Vitals::decode(&payload));
    }

    #[test]
    fn a_board_obeys_what_a_gateway_writes(level: u8, id: u16) {
        let mut buffer = [0; 16];
        let length = write_command(&level.to_string(), id, &mut buffer).expect("there is room");
        let command = Command::parse(&buffer[..length]);
        prop_assert_eq!((command.level(Kind::Pwm), command.id), (Some(level), Some(id)));
    }

    #[test]
    fn a_gateway_reads_the_numbers_of_a_board(value: u32, small: i16, id: Option<u16>) {
        for (written, text) in [
            (Value::Count(value).write(id), value.to_string()),
            (Value::Signed(small).write(id), small.to_string()),
        ] {
            let report = Report { said: Said::State(&text), id };
            prop_assert_eq!(Report::parse(written.as_bytes()), Some(report));
        }
    }

    #[test]
    fn any_id_comes_back(id: u32) {
        let text = String::from_utf8(client_id(id).to_vec()).expect("it is ASCII");
        prop_assert_eq!(of_client_id(&text), Some(id));
    }
}
