//! Hello, maps, silence and rules, power cuts.

#![allow(
    clippy::arithmetic_side_effects,
    clippy::cast_possible_truncation,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test fails by panicking"
)]

mod support;

use hearth_logic::FIRMWARE;
use hearth_wire::board::{
    BoardTopic, EMPTY_MAP, IN_RULE, Kind, Op, ResetCause, Rule, Status, Thing,
};
use hearth_wire::packet::{Packet, Qos};
use proptest::prelude::*;
use support::{Bench, Chip, Drive, map, thing};

fn relay(pin: u8, safe: u16) -> Thing {
    Thing {
        a: safe,
        ..thing(Kind::Relay, pin)
    }
}

fn below(output: u8, input: u8, threshold: i16) -> Rule {
    Rule {
        output,
        input,
        op: Op::Below,
        level: 1,
        threshold,
        hysteresis: 20,
    }
}

/// Without a gateway from now on, for as long.
fn alone(bench: &mut Bench, milliseconds: u32) {
    bench.gateway.is_away = true;
    bench.run(milliseconds);
}

#[test]
fn says_hello_with_subscriptions_map_vitals_and_states() {
    let mut bench = Bench::with(0, &[relay(7, 0), thing(Kind::Analog, 14), relay(8, 0)], &[]);
    bench.gateway.subscriptions.clear();
    bench.send(Packet::Disconnect(None));
    bench.run(100);
    assert_eq!(bench.gateway.connects, 2);
    assert_eq!(bench.gateway.subscriptions, [0x0200, 0x0101, 0x0103]);
    let said: Vec<_> = bench
        .gateway
        .published
        .iter()
        .map(|(id, qos, _)| (*id, *qos))
        .collect();
    assert_eq!(
        said[..2],
        [(0x0201, Qos::AtLeastOnce), (0x0202, Qos::AtMostOnce)]
    );
    let mut states = said[2..].to_vec();
    states.sort_by_key(|(id, _)| *id);
    let (sure, once) = (Qos::AtLeastOnce, Qos::AtMostOnce);
    assert_eq!(states, [(1, sure), (2, once), (3, sure)]);
}

#[test]
fn says_how_it_is_every_half_minute() {
    let mut bench = Bench::started(Chip::default(), ResetCause::BrownOut);
    bench.chip.overruns = 3;
    bench.run(10);
    bench.send_octets(&[9, 9, 0, 3, 1, 1, 0]);
    bench.run(60_090);
    let vitals = bench.vitals();
    assert_eq!(vitals.len(), 3);
    let last = vitals[2];
    assert_eq!((last.min, last.current, last.firmware), (1, 1, FIRMWARE));
    assert_eq!((last.cause, last.uptime), (ResetCause::BrownOut, 60));
    assert_eq!((last.bad_frames, last.overruns), (2, 3));
    assert!(
        last.frames > 60,
        "a ping is answered each second: {}",
        last.frames
    );
}

#[test]
fn a_wanted_map_is_taken_kept_and_said_back() {
    let mut bench = Bench::new(Chip::default());
    bench.run(100);
    assert_eq!(bench.answer(), Some((0, 0, EMPTY_MAP.to_vec())));
    let wanted = map(
        30,
        &[relay(7, 1), thing(Kind::Analog, 14)],
        &[below(1, 2, 300)],
    );
    bench.want(&wanted);
    bench.run(1000);
    assert_eq!(bench.answer(), Some((0, 0, wanted.clone())));
    assert_eq!(bench.chip.drives[7], Drive::Output(true), "its safe level");
    assert!(bench.gateway.subscriptions.contains(&0x0101));
    let writes = bench.chip.eeprom_writes;
    let mut bench = bench.power_cycle(ResetCause::PowerOn);
    assert_eq!(
        bench.chip.drives[7],
        Drive::Output(true),
        "before anybody speaks"
    );
    bench.run(100);
    assert_eq!(bench.answer(), Some((0, 0, wanted.clone())));
    bench.gateway.published.clear();
    bench.want(&wanted);
    bench.run(1000);
    assert_eq!(bench.answer(), Some((0, 0, wanted)));
    assert_eq!(
        bench.chip.eeprom_writes, writes,
        "the same map is not written again"
    );
}

#[test]
fn a_map_that_cannot_be_is_refused_and_the_old_one_stays() {
    let mut bench = Bench::with(0, &[relay(7, 0)], &[]);
    bench.command(1, "on 1");
    let in_force = map(0, &[relay(7, 0)], &[]);
    let broken_rule = map(0, &[relay(7, 0)], &[below(1, 2, 1)]);
    for (wanted, status, slot) in [
        (
            map(0, &[relay(7, 0), relay(7, 0)], &[]),
            Status::UsedTwice,
            2,
        ),
        (map(0, &[relay(1, 0)], &[]), Status::CannotDoIt, 1),
        (broken_rule, Status::NoSuchSlot, IN_RULE | 1),
        (vec![7, 0, 0, 0, 0], Status::UnknownVersion, 0),
        (vec![], Status::Malformed, 0),
    ] {
        bench.want(&wanted);
        bench.run(20);
        assert_eq!(bench.answer(), Some((status as u8, slot, in_force.clone())));
    }
    assert_eq!(bench.chip.drives[7], Drive::Output(true));
}

#[test]
fn what_stays_in_a_new_map_keeps_its_state_and_what_goes_is_let_go() {
    let mut bench = Bench::with(0, &[relay(7, 0), relay(8, 0), thing(Kind::Pwm, 9)], &[]);
    bench.command(1, "on 1");
    bench.command(3, "77 2");
    bench.run(20);
    let things = [relay(7, 0), thing(Kind::Servo, 4), thing(Kind::Digital, 8)];
    bench.want(&map(0, &things, &[]));
    bench.run(1000);
    assert_eq!(bench.chip.drives[7], Drive::Output(true));
    assert_eq!(bench.chip.drives[4], Drive::Servo(0));
    assert_eq!(bench.chip.drives[8], Drive::Input { pull_up: false });
    assert_eq!(bench.chip.drives[9], Drive::Input { pull_up: false });
    bench.command(2, "90 3");
    bench.run(20);
    assert_eq!(bench.said(2).last().map(String::as_str), Some("90 3"));
}

#[test]
fn a_thing_keeps_its_state_when_others_before_it_come_or_go() {
    let counter = thing(Kind::Counter, 2);
    let mut bench = Bench::with(
        0,
        &[thing(Kind::Analog, 14), relay(7, 0), counter, relay(8, 0)],
        &[],
    );
    bench.command(2, "on 1");
    bench.command(4, "on 2");
    for _ in 0..3 {
        bench.chip.forced[2] = Some(true);
        bench.run(10);
        bench.chip.forced[2] = Some(false);
        bench.run(10);
    }
    bench.want(&map(
        0,
        &[relay(8, 0), counter, relay(9, 0), relay(7, 0)],
        &[],
    ));
    bench.run(1000);
    let driven = [7, 8, 9].map(|pin: usize| bench.chip.drives[pin]);
    assert_eq!(driven, [true, true, false].map(Drive::Output));
    let last = |said: Vec<String>| said.last().cloned().unwrap_or_default();
    assert_eq!(
        [1, 2, 3, 4].map(|slot| last(bench.said(slot))),
        ["on", "3", "off", "on"]
    );
}

#[test]
fn a_power_cut_while_a_map_is_written_leaves_the_old_one_or_the_new_one() {
    let (old, new) = (map(5, &[relay(7, 0)], &[]), map(6, &[relay(8, 1)], &[]));
    let mut seen = [0, 0];
    for milliseconds in 0..120 {
        let mut bench = Bench::with(5, &[relay(7, 0)], &[]);
        bench.want(&new);
        bench.run(milliseconds);
        let mut bench = bench.power_cycle(ResetCause::PowerOn);
        bench.run(100);
        let (_, _, map) = bench.answer().expect("it says which");
        assert!(map == old || map == new, "{map:?}");
        seen[usize::from(map == new)] += 1;
    }
    assert!(seen[0] > 10 && seen[1] > 10, "{seen:?}");
}

#[test]
fn damage_of_any_octet_of_the_eeprom_costs_at_most_the_newest_map() {
    let mut bench = Bench::with(5, &[relay(7, 0)], &[]);
    let (old, new) = (map(5, &[relay(7, 0)], &[]), map(6, &[relay(8, 1)], &[]));
    bench.want(&new);
    bench.run(1000);
    for address in 0..256 {
        let mut chip = bench.chip.clone();
        chip.eeprom[address] ^= 0x40;
        let mut bench = Bench::new(chip);
        bench.run(100);
        let (_, _, map) = bench.answer().expect("it says which");
        assert!(map == old || map == new, "{address}: {map:?}");
    }
}

#[test]
fn an_eeprom_that_does_not_keep_is_told_and_the_map_works_until_the_power_goes() {
    let mut bench = Bench::new(Chip::default());
    bench.chip.worn = vec![0x84];
    bench.run(100);
    let wanted = map(0, &[relay(7, 1)], &[]);
    bench.want(&wanted);
    bench.run(1000);
    assert_eq!(bench.answer(), Some((Status::NotKept as u8, 0, wanted)));
    assert_eq!(bench.chip.drives[7], Drive::Output(true));
}

#[test]
fn a_map_that_changes_while_it_is_written_is_written_again() {
    let mut bench = Bench::with(0, &[], &[]);
    bench.want(&map(0, &[relay(7, 0)], &[]));
    bench.run(30);
    let last = map(0, &[relay(8, 0), relay(9, 0)], &[]);
    bench.want(&last);
    bench.run(1000);
    let mut bench = bench.power_cycle(ResetCause::PowerOn);
    bench.run(100);
    assert_eq!(bench.answer(), Some((0, 0, last)));
}

#[test]
fn outputs_become_safe_after_the_silence_and_not_before() {
    let mut bench = Bench::with(5, &[relay(7, 0), relay(8, 1), thing(Kind::Pwm, 9)], &[]);
    bench.command(1, "on 1");
    bench.command(2, "off 2");
    bench.command(3, "99 3");
    bench.run(20_000);
    let drives = [Drive::Output(true), Drive::Output(false), Drive::Pwm(99)];
    assert_eq!(
        bench.chip.drives[7..10],
        drives,
        "a gateway with nothing to say is there"
    );
    alone(&mut bench, 3900);
    assert_eq!(bench.chip.drives[7..10], drives);
    bench.run(1300);
    assert_eq!(
        bench.chip.drives[7..10],
        [Drive::Output(false), Drive::Output(true), Drive::Pwm(0)]
    );
}

#[test]
fn a_map_without_a_silence_keeps_its_outputs_for_ever() {
    let mut bench = Bench::with(0, &[relay(7, 0)], &[]);
    bench.command(1, "on 1");
    alone(&mut bench, 200_000);
    assert_eq!(bench.chip.drives[7], Drive::Output(true));
}

#[test]
fn rules_are_kept_while_the_gateway_is_silent_and_only_then() {
    let rules = [below(1, 2, 300)];
    let mut bench = Bench::with(3, &[relay(7, 0), thing(Kind::Analog, 14)], &rules);
    bench.run(5000);
    assert_eq!(
        bench.chip.drives[7],
        Drive::Output(false),
        "0 is below, but the gateway rules"
    );
    alone(&mut bench, 4000);
    for (counts, on) in [
        (0, true),
        (299, true),
        (319, true),
        (320, false),
        (300, false),
        (299, true),
    ] {
        bench.chip.analog[14] = counts;
        bench.run(50);
        assert_eq!(bench.chip.drives[7], Drive::Output(on), "{counts}");
    }
    bench.gateway.is_away = false;
    bench.run(3000);
    bench.chip.analog[14] = 900;
    bench.run(100);
    assert_eq!(
        bench.chip.drives[7],
        Drive::Output(true),
        "it stays until it is commanded"
    );
    assert_eq!(bench.said(1).last().map(String::as_str), Some("on"));
}

#[test]
fn the_last_rule_that_holds_decides_and_an_unknown_value_holds_nothing() {
    let above = Rule {
        op: Op::Above,
        level: 200,
        threshold: 500,
        ..below(1, 2, 0)
    };
    let cold = Rule {
        level: 50,
        ..below(1, 3, 1000)
    };
    let things = [
        Thing {
            a: 10,
            ..thing(Kind::Pwm, 9)
        },
        thing(Kind::Analog, 14),
        thing(Kind::Ds18b20, 5),
    ];
    let mut bench = Bench::with(3, &things, &[above, cold]);
    alone(&mut bench, 5000);
    assert_eq!(bench.chip.drives[9], Drive::Pwm(10));
    bench.chip.analog[14] = 501;
    bench.run(100);
    assert_eq!(bench.chip.drives[9], Drive::Pwm(200));
    bench.chip.add_sensor(5, 16 * 9);
    bench.run(3000);
    assert_eq!(bench.chip.drives[9], Drive::Pwm(50));
}

#[test]
fn the_board_is_safe_for_weeks_and_back_at_once() {
    let mut bench = Bench::with(3, &[relay(7, 0)], &[]);
    bench.command(1, "on 1");
    bench.run(10);
    bench.gateway.is_away = true;
    bench.run(5000);
    // 60 days, in steps of half a minute: longer than the clock goes round.
    for _ in 0..60 * 2880 {
        bench.now = bench.now.wrapping_add(30_000);
        bench.station.poll(bench.now, &mut bench.chip);
        bench.chip.sent.clear();
        assert_eq!(bench.chip.drives[7], Drive::Output(false));
    }
    assert_eq!(bench.chip.drives[7], Drive::Output(false));
    bench.gateway.is_away = false;
    bench.gateway.session = false;
    bench.run(2500);
    bench.command(1, "on 2");
    bench.run(5000);
    assert_eq!(bench.chip.drives[7], Drive::Output(true));
    assert_eq!(bench.said(1).last().map(String::as_str), Some("on 2"));
}

#[test]
fn starts_safe_after_every_kind_of_reset() {
    let causes = [
        ResetCause::PowerOn,
        ResetCause::External,
        ResetCause::BrownOut,
        ResetCause::Watchdog,
    ];
    for cause in causes {
        let mut bench = Bench::with(
            30,
            &[
                relay(7, 1),
                Thing {
                    a: 120,
                    ..thing(Kind::Servo, 4)
                },
            ],
            &[],
        );
        bench.command(1, "off 1");
        bench.run(10);
        assert_eq!(bench.chip.drives[7], Drive::Output(false));
        let mut bench = bench.power_cycle(cause);
        assert_eq!(
            (bench.chip.drives[7], bench.chip.drives[4]),
            (Drive::Output(true), Drive::Servo(120))
        );
        bench.run(100);
        assert_eq!(bench.vitals()[0].cause, cause);
    }
}

#[test]
fn topics_that_mean_nothing_do_nothing() {
    let mut bench = Bench::with(0, &[relay(7, 0)], &[]);
    for topic in [BoardTopic::State(1), BoardTopic::Map, BoardTopic::Vitals] {
        bench.publish(topic, b"on 1");
    }
    bench.run(100);
    assert_eq!(bench.chip.drives[7], Drive::Output(false));
    assert_eq!(bench.gateway.published, []);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(60))]

    /// Any octets between valid frames: nothing stops the board, and no output moves.
    #[test]
    fn garbage_on_the_line_does_nothing(garbage in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..80), 1..20)) {
        let mut bench = Bench::with(0, &[relay(7, 0), thing(Kind::Servo, 4)], &[]);
        let before = bench.chip.drives;
        for octets in &garbage {
            bench.send_octets(octets);
            bench.run(10);
        }
        prop_assert_eq!(bench.chip.drives, before);
        bench.send_octets(&[0]);
        bench.command(1, "on 17");
        bench.run(3000);
        prop_assert_eq!(bench.said(1).pop(), Some("on 17".to_owned()));
    }

    /// Any octets in the place of payloads and maps.
    #[test]
    fn payloads_of_any_octets_are_survived(payload in prop::collection::vec(any::<u8>(), 0..110), slot in 1..9_u8) {
        let mut bench = Bench::with(3, &[relay(7, 0), thing(Kind::Analog, 14)], &[below(1, 2, 9)]);
        bench.publish(BoardTopic::WantedMap, &payload);
        bench.publish(BoardTopic::Set(slot), &payload);
        bench.run(500);
        alone(&mut bench, 4000);
    }
}
