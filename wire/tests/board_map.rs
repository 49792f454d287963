//! Maps: their frozen octets, what is refused and why, and that nothing stops the check.

#![allow(
    clippy::arithmetic_side_effects,
    clippy::cast_possible_truncation,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test fails by panicking"
)]

use hearth_wire::board::{
    EMPTY_MAP, IN_RULE, Kind, MAX_MAP, Map, Op, Refusal, Rule, Status, Thing, encode_map,
};
use proptest::prelude::*;
use proptest::sample::select;

fn thing(kind: Kind, pin: u8) -> Thing {
    Thing {
        kind,
        pin,
        period: 10,
        a: 0,
        b: 0,
    }
}

fn rule(output: u8, input: u8) -> Rule {
    Rule {
        output,
        input,
        op: Op::Below,
        level: 1,
        threshold: 300,
        hysteresis: 20,
    }
}

fn written(things: &[Thing], rules: &[Rule]) -> Vec<u8> {
    let mut buffer = [0xAA; MAX_MAP];
    let length = encode_map(30, things, rules, &mut buffer).expect("there is room");
    buffer[..length].to_vec()
}

fn status(things: &[Thing], rules: &[Rule]) -> (Status, u8) {
    match Map::check(&written(things, rules)) {
        Ok(_) => (Status::InForce, 0),
        Err(Refusal { status, slot }) => (status, slot),
    }
}

#[test]
fn frozen_octets() {
    let things = [
        Thing {
            kind: Kind::Relay,
            pin: 7,
            period: 600,
            a: 1,
            b: 0b10,
        },
        Thing {
            kind: Kind::Analog,
            pin: 14,
            period: 10,
            a: 4,
            b: 0,
        },
    ];
    let rules = [Rule {
        output: 1,
        input: 2,
        op: Op::Above,
        level: 1,
        threshold: -2,
        hysteresis: 300,
    }];
    let octets = [
        1, 0, 30, 2, 1, // version, silence, things, rules
        4, 7, 0x02, 0x58, 0, 1, 0, 2, // relay
        1, 14, 0, 10, 0, 4, 0, 0, // analog
        1, 2, 1, 1, 0xFF, 0xFE, 0x01, 0x2C, // rule
    ];
    assert_eq!(written(&things, &rules), octets);
    let map = Map::check(&octets).expect("it is right");
    assert_eq!(map.silence(), 30);
    assert_eq!(map.things().collect::<Vec<_>>(), things);
    assert_eq!(map.rules().collect::<Vec<_>>(), rules);
    assert_eq!(
        (map.thing(2), map.thing(3), map.thing(0)),
        (Some(things[1]), None, None)
    );
    assert!(things[0].active_low() && !things[0].pull_up());
    assert_eq!((things[0].safe(), things[1].deadband()), (1, 4));
}

#[test]
fn the_empty_map_is_right() {
    let map = Map::check(&EMPTY_MAP).expect("it is right");
    assert_eq!(
        (map.things().count(), map.rules().count(), map.silence()),
        (0, 0, 0)
    );
}

#[test]
fn the_longest_map_fits_in_a_packet_beside_status_and_slot() {
    let things: Vec<Thing> = (2..10).map(|pin| thing(Kind::Relay, pin)).collect();
    assert_eq!(written(&things, &[rule(1, 1); 4]).len(), MAX_MAP);
    const { assert!(MAX_MAP <= 120) };
    let mut buffer = [0; MAX_MAP + 8];
    assert_eq!(
        encode_map(0, &[thing(Kind::Relay, 2); 9], &[], &mut buffer),
        None
    );
    assert_eq!(encode_map(0, &[], &[rule(1, 1); 5], &mut buffer), None);
    assert_eq!(encode_map(0, &things, &[], &mut buffer[..60]), None);
}

#[test]
fn maps_whose_form_is_wrong() {
    let malformed = Err(Refusal {
        status: Status::Malformed,
        slot: 0,
    });
    for octets in [
        &[][..],
        &[1],
        &[1, 0, 0, 0],
        &[1, 0, 0, 1, 0],
        &[1, 0, 0, 0, 0, 0],
        &[1, 0, 0, 0, 1],
    ] {
        assert_eq!(Map::check(octets), malformed, "{octets:?}");
    }
    let mut nine = vec![1, 0, 0, 9, 0];
    nine.resize(5 + 9 * 8, 0);
    assert_eq!(Map::check(&nine), malformed);
    let mut five = vec![1, 0, 0, 0, 5];
    five.resize(5 + 5 * 8, 0);
    assert_eq!(Map::check(&five), malformed);
    let refusal = Refusal {
        status: Status::UnknownVersion,
        slot: 0,
    };
    assert_eq!(Map::check(&[2, 0, 0, 0, 0]), Err(refusal));
    assert_eq!(Map::check(&[0, 0, 0, 0, 0]), Err(refusal));
}

#[test]
fn unknown_kinds_and_ops() {
    for kind in [0, 8, 255] {
        let octets = [1, 0, 0, 1, 0, kind, 2, 0, 0, 0, 0, 0, 0];
        let refusal = Refusal {
            status: Status::UnknownKind,
            slot: 1,
        };
        assert_eq!(Map::check(&octets), Err(refusal));
    }
    let mut octets = written(
        &[thing(Kind::Relay, 2), thing(Kind::Analog, 14)],
        &[rule(1, 2)],
    );
    octets[5 + 16 + 2] = 2;
    let refusal = Refusal {
        status: Status::OutOfRange,
        slot: IN_RULE | 1,
    };
    assert_eq!(Map::check(&octets), Err(refusal));
}

#[test]
fn pins() {
    use Status::*;
    let first = thing(Kind::Digital, 2);
    for (kind, pin, expected) in [
        (Kind::Relay, 20, NoSuchPin),
        (Kind::Relay, 255, NoSuchPin),
        (Kind::Relay, 2, UsedTwice),
        (Kind::Relay, 0, CannotDoIt),
        (Kind::Digital, 1, CannotDoIt),
        (Kind::Analog, 13, CannotDoIt),
        (Kind::Pwm, 4, CannotDoIt),
        (Kind::Pwm, 19, CannotDoIt),
        (Kind::Relay, 19, InForce),
        (Kind::Digital, 3, InForce),
        (Kind::Servo, 13, InForce),
        (Kind::Ds18b20, 14, InForce),
    ] {
        let slot = if expected == InForce { 0 } else { 2 };
        let found = status(&[first, thing(kind, pin)], &[]);
        assert_eq!(found, (expected, slot), "{kind:?} on {pin}");
    }
    for pin in 14..=19 {
        assert_eq!(status(&[thing(Kind::Analog, pin)], &[]), (InForce, 0));
    }
    for pin in [3, 5, 6, 9, 10, 11] {
        assert_eq!(status(&[thing(Kind::Pwm, pin)], &[]), (InForce, 0));
    }
}

#[test]
fn a_servo_takes_the_timer_of_pins_9_and_10_wherever_it_is_in_the_map() {
    let (servo, pwm) = (thing(Kind::Servo, 4), thing(Kind::Pwm, 10));
    assert_eq!(status(&[servo, pwm], &[]), (Status::CannotDoIt, 2));
    assert_eq!(status(&[pwm, servo], &[]), (Status::CannotDoIt, 1));
    assert_eq!(
        status(&[thing(Kind::Pwm, 11), servo], &[]),
        (Status::InForce, 0)
    );
}

#[test]
fn values() {
    for (kind, a, b, right) in [
        (Kind::Analog, 1023, 0, true),
        (Kind::Analog, 1024, 0, false),
        (Kind::Analog, 0, 1, false),
        (Kind::Digital, 65_535, 3, true),
        (Kind::Digital, 0, 4, false),
        (Kind::Counter, 10, 2, true),
        (Kind::Relay, 1, 2, true),
        (Kind::Relay, 2, 0, false),
        (Kind::Relay, 0, 1, false),
        (Kind::Pwm, 255, 0, true),
        (Kind::Pwm, 256, 0, false),
        (Kind::Pwm, 0, 2, false),
        (Kind::Servo, 180, 0, true),
        (Kind::Servo, 181, 0, false),
        (Kind::Ds18b20, 0, 0, true),
        (Kind::Ds18b20, 1, 0, false),
    ] {
        let pin = match kind {
            Kind::Analog => 14,
            _ => 3,
        };
        let found = status(
            &[Thing {
                a,
                b,
                ..thing(kind, pin)
            }],
            &[],
        );
        let expected = if right {
            (Status::InForce, 0)
        } else {
            (Status::OutOfRange, 1)
        };
        assert_eq!(found, expected, "{kind:?} {a} {b}");
    }
}

#[test]
fn a_silence_is_long_enough_for_a_ping_that_is_sent_again() {
    for (silence, right) in [(0, true), (1, false), (2, false), (3, true), (65_535, true)] {
        let mut buffer = [0; MAX_MAP];
        let length = encode_map(silence, &[], &[], &mut buffer).expect("there is room");
        let refusal = Refusal {
            status: Status::OutOfRange,
            slot: 0,
        };
        let found = Map::check(&buffer[..length]).map(|map| map.silence());
        assert_eq!(found, if right { Ok(silence) } else { Err(refusal) });
    }
}

#[test]
fn rules() {
    let things = [
        thing(Kind::Relay, 2),
        thing(Kind::Analog, 14),
        thing(Kind::Servo, 3),
    ];
    let right = rule(1, 2);
    let level = |output, level| Rule {
        output,
        level,
        ..right
    };
    for (second, expected) in [
        (right, Status::InForce),
        (level(3, 180), Status::InForce),
        (level(3, 181), Status::OutOfRange),
        (level(1, 2), Status::OutOfRange),
        (rule(2, 2), Status::NoSuchSlot),
        (rule(1, 1), Status::NoSuchSlot),
        (rule(0, 2), Status::NoSuchSlot),
        (rule(1, 4), Status::NoSuchSlot),
    ] {
        let slot = if expected == Status::InForce {
            0
        } else {
            IN_RULE | 2
        };
        assert_eq!(
            status(&things, &[right, second]),
            (expected, slot),
            "{second:?}"
        );
    }
}

fn any_thing() -> impl Strategy<Value = Thing> {
    (
        select(&Kind::ALL[..]),
        0..22_u8,
        any::<u16>(),
        0..300_u16,
        0..4_u16,
    )
        .prop_map(|(kind, pin, period, a, b)| Thing {
            kind,
            pin,
            period,
            a,
            b,
        })
}

fn any_rule() -> impl Strategy<Value = Rule> {
    let op = select(vec![Op::Below, Op::Above]);
    (
        0..9_u8,
        0..9_u8,
        op,
        any::<u8>(),
        any::<i16>(),
        any::<u16>(),
    )
        .prop_map(|(output, input, op, level, threshold, hysteresis)| Rule {
            output,
            input,
            op,
            level,
            threshold,
            hysteresis,
        })
}

proptest! {
    #[test]
    fn any_octets_are_survived(octets in prop::collection::vec(any::<u8>(), 0..130)) {
        let _ = Map::check(&octets);
    }

    #[test]
    fn what_is_accepted_is_as_it_was_written_and_can_be_done(
        silence: u16,
        things in prop::collection::vec(any_thing(), 0..9),
        rules in prop::collection::vec(any_rule(), 0..5),
    ) {
        let mut buffer = [0; MAX_MAP];
        let length = encode_map(silence, &things, &rules, &mut buffer).expect("there is room");
        if let Ok(map) = Map::check(&buffer[..length]) {
            prop_assert_eq!(map.silence(), silence);
            prop_assert_eq!(map.things().collect::<Vec<_>>(), &things[..]);
            prop_assert_eq!(map.rules().collect::<Vec<_>>(), &rules[..]);
            let mut pins: Vec<u8> = things.iter().map(|thing| thing.pin).collect();
            pins.sort_unstable();
            pins.dedup();
            prop_assert_eq!(pins.len(), things.len());
            prop_assert!(pins.iter().all(|pin| (2..=19).contains(pin)));
            for rule in &rules {
                let kind = map.thing(rule.output).map(|thing| thing.kind);
                prop_assert!(kind.is_some_and(Kind::is_output));
            }
        }
    }
}
