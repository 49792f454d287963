//! What each kind of thing says, and when.

#![allow(
    clippy::arithmetic_side_effects,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test fails by panicking"
)]

mod support;

use hearth_wire::board::{BoardTopic, Kind, Thing};
use hearth_wire::packet::Qos;
use support::{Bench, Chip, Drive, map, thing};

fn with(thing: Thing) -> Bench {
    Bench::with(0, &[thing], &[])
}

#[test]
fn an_analog_input_is_said_when_it_moves_by_more_than_its_deadband() {
    let mut bench = with(Thing {
        a: 4,
        ..thing(Kind::Analog, 14)
    });
    for (counts, said) in [
        (4, vec![]),
        (5, vec!["5"]),
        (1, vec![]),
        (0, vec!["0"]),
        (1023, vec!["1023"]),
    ] {
        bench.chip.analog[14] = counts;
        bench.run(50);
        assert_eq!(bench.said(1), said, "{counts}");
    }
    assert_eq!(bench.said(2), [""; 0]);
}

#[test]
fn an_analog_input_is_said_at_least_once_in_its_period() {
    let mut bench = with(Thing {
        a: 1023,
        period: 7,
        ..thing(Kind::Analog, 19)
    });
    bench.chip.analog[19] = 512;
    bench.run(10_000);
    let said = bench.said(1);
    assert!((13..=15).contains(&said.len()), "{}", said.len());
    assert!(said.iter().all(|said| said == "512"));
    let sure = bench
        .gateway
        .published
        .iter()
        .filter(|(.., qos, _)| *qos != Qos::AtMostOnce);
    assert_eq!(sure.count(), 0, "sensors are said at QoS 0");
}

#[test]
fn a_contact_is_said_when_it_has_held_for_its_debounce() {
    let mut bench = with(Thing {
        a: 20,
        b: 0b01,
        ..thing(Kind::Digital, 4)
    });
    assert_eq!(bench.chip.drives[4], Drive::Input { pull_up: true });
    for bounce in 0..30 {
        bench.chip.forced[4] = Some(bounce % 2 == 1);
        bench.run(15);
    }
    assert_eq!(bench.said(1), [""; 0]);
    bench.chip.forced[4] = Some(false);
    bench.run(19);
    assert_eq!(bench.said(1), [""; 0]);
    bench.run(12);
    assert_eq!(bench.said(1), ["off"]);
    bench.chip.forced[4] = None;
    bench.run(40);
    assert_eq!(bench.said(1), ["on"]);
}

#[test]
fn a_low_pin_can_mean_on() {
    let mut bench = with(Thing {
        b: 0b11,
        ..thing(Kind::Digital, 4)
    });
    bench.chip.forced[4] = Some(false);
    bench.run(10);
    assert_eq!(bench.said(1), ["on"]);
}

#[test]
fn pulses_are_counted_and_said_not_faster_than_ten_times_a_second() {
    let mut bench = with(Thing {
        a: 2,
        ..thing(Kind::Counter, 2)
    });
    for _ in 0..100 {
        bench.chip.forced[2] = Some(true);
        bench.run(5);
        bench.chip.forced[2] = Some(false);
        bench.run(5);
    }
    bench.run(200);
    let said = bench.said(1);
    assert_eq!(said.last().map(String::as_str), Some("100"));
    assert!(said.len() <= 12, "{}", said.len());
    let numbers: Vec<u32> = said
        .iter()
        .map(|said| said.parse().expect("a number"))
        .collect();
    assert!(numbers.is_sorted());
}

#[test]
fn falling_edges_are_counted_where_low_is_active() {
    let mut bench = with(Thing {
        b: 0b11,
        period: 10,
        ..thing(Kind::Counter, 2)
    });
    bench.chip.forced[2] = Some(false);
    bench.run(5);
    bench.run(2000);
    let said = bench.said(1);
    assert!(
        said.len() >= 2 && said.iter().all(|said| said == "1"),
        "{said:?}"
    );
    bench.chip.forced[2] = Some(true);
    bench.run(1100);
    let said = bench.said(1);
    assert!(
        !said.is_empty() && said.iter().all(|said| said == "1"),
        "{said:?}"
    );
}

#[test]
fn a_thermometer_is_said_in_hundredths_of_a_degree() {
    for (sixteenths, said) in [
        (0x0191, "2506"),
        (-1, "-7"),
        (-880, "-5500"),
        (0, "0"),
        (2000, "12500"),
    ] {
        let mut chip = Chip::default();
        chip.add_sensor(5, sixteenths);
        let mut bench = Bench::new(chip);
        bench.run(50);
        bench.want(&map(0, &[thing(Kind::Ds18b20, 5)], &[]));
        bench.run(3000);
        assert_eq!(bench.said(1), [said], "{sixteenths}");
    }
}

#[test]
fn a_thermometer_that_does_not_answer_is_a_question_mark_until_it_does() {
    let mut bench = with(thing(Kind::Ds18b20, 5));
    bench.run(1000);
    bench.chip.add_sensor(5, 160);
    bench.run(3000);
    assert_eq!(bench.said(1), ["1000"]);
    bench.chip.sensors.clear();
    bench.run(3000);
    assert_eq!(bench.said(1), ["?"]);
    bench.chip.add_sensor(5, 320);
    bench.chip.sensors[0].damage = 0x10;
    bench.run(3000);
    assert_eq!(bench.said(1), [""; 0], "what is damaged is not said");
    bench.chip.sensors[0].damage = 0;
    bench.chip.sensors[0].is_short = true;
    bench.run(3000);
    assert_eq!(bench.said(1), [""; 0], "a short circuit is not 0 degrees");
    bench.chip.sensors[0].is_short = false;
    bench.run(3000);
    assert_eq!(bench.said(1), ["2000"]);
}

#[test]
fn several_thermometers_take_turns() {
    let mut chip = Chip::default();
    chip.add_sensor(5, 160);
    chip.add_sensor(7, 320);
    let mut bench = Bench::new(chip);
    bench.run(50);
    let things = [
        thing(Kind::Ds18b20, 5),
        thing(Kind::Relay, 6),
        thing(Kind::Ds18b20, 7),
    ];
    bench.want(&map(0, &things, &[]));
    bench.run(4000);
    assert_eq!(
        (bench.said(1), bench.said(3)),
        (vec!["1000".into()], vec!["2000".into()])
    );
}

#[test]
fn outputs_obey_and_say_what_they_read_back() {
    let active_low = Thing {
        b: 0b10,
        ..thing(Kind::Relay, 8)
    };
    let things = [
        thing(Kind::Relay, 7),
        active_low,
        thing(Kind::Pwm, 9),
        thing(Kind::Pwm, 11),
    ];
    let mut bench = Bench::with(0, &things, &[]);
    for (slot, command, pin, drive) in [
        (1, "on 17", 7, Drive::Output(true)),
        (1, "on 18", 7, Drive::Output(true)),
        (1, "off 19", 7, Drive::Output(false)),
        (2, "on 20", 8, Drive::Output(false)),
        (2, "off 21", 8, Drive::Output(true)),
        (3, "128 22", 9, Drive::Pwm(128)),
        (4, "255 65535", 11, Drive::Pwm(255)),
        (4, "0", 11, Drive::Pwm(0)),
    ] {
        bench.command(slot, command);
        assert_eq!(bench.chip.drives[pin], drive, "{command}");
        bench.run(5);
        assert_eq!(bench.said(slot), [command]);
    }
    assert_eq!(
        bench.gateway.acknowledged.len(),
        9,
        "the map and every command"
    );
}

#[test]
fn a_servo_obeys() {
    let mut bench = with(Thing {
        a: 90,
        ..thing(Kind::Servo, 4)
    });
    assert_eq!(bench.chip.drives[4], Drive::Servo(90));
    bench.command(1, "180 1");
    bench.run(5);
    assert_eq!(
        (bench.chip.drives[4], bench.said(1)),
        (Drive::Servo(180), vec!["180 1".into()])
    );
}

#[test]
fn a_command_that_cannot_be_is_refused_and_changes_nothing() {
    let things = [
        thing(Kind::Relay, 7),
        thing(Kind::Pwm, 9),
        thing(Kind::Analog, 14),
    ];
    let mut bench = Bench::with(0, &things, &[]);
    let before = bench.chip.drives;
    for (slot, command, said) in [
        (1, "toggle 17", "!bad 17"),
        (1, "1 18", "!bad 18"),
        (2, "256 19", "!bad 19"),
        (2, "on 20", "!bad 20"),
        (3, "5 21", "!slot 21"),
        (4, "on 22", "!slot 22"),
        (8, "on 23", "!slot 23"),
        (1, "", "!bad"),
    ] {
        bench.command(slot, command);
        bench.run(5);
        assert_eq!(bench.said(slot), [said], "{command}");
    }
    assert_eq!(bench.chip.drives, before);
}

#[test]
fn a_pin_that_is_held_down_shows() {
    let mut bench = with(thing(Kind::Relay, 7));
    bench.chip.forced[7] = Some(false);
    bench.command(1, "on 17");
    bench.run(20);
    assert_eq!(bench.said(1), ["off 17"]);
    bench.chip.forced[7] = None;
    bench.run(20);
    assert_eq!(bench.said(1), ["on"]);
}

#[test]
fn a_word_that_gets_lost_is_said_again_with_its_command() {
    let mut bench = with(thing(Kind::Relay, 7));
    bench.gateway.is_away = true;
    bench.command(1, "on 17");
    bench.run(500);
    bench.gateway.is_away = false;
    bench.run(1000);
    assert_eq!(bench.said(1), ["on 17"]);
    // Even over the end of a session.
    bench.gateway.is_away = true;
    bench.command(1, "off 18");
    bench.run(12_000);
    bench.gateway.is_away = false;
    bench.gateway.session = false;
    bench.run(5000);
    assert_eq!(bench.said(1), ["off 18"]);
    assert_eq!(bench.gateway.connects, 2);
}

#[test]
fn a_later_command_overtakes_one_that_is_not_answered() {
    let mut bench = with(thing(Kind::Relay, 7));
    bench.gateway.is_away = true;
    bench.command(1, "on 17");
    bench.run(3);
    bench.command(1, "off 18");
    bench.run(100);
    bench.gateway.is_away = false;
    bench.run(2000);
    assert_eq!(bench.said(1).last().map(String::as_str), Some("off 18"));
}

#[test]
fn a_command_is_answered_within_a_few_milliseconds_beside_eight_busy_things() {
    let mut things: Vec<Thing> = (14..20).map(|pin| thing(Kind::Analog, pin)).collect();
    things.extend([thing(Kind::Relay, 7), thing(Kind::Relay, 8)]);
    let mut bench = Bench::with(0, &things, &[]);
    for round in 0..200_u16 {
        (14..20).for_each(|pin| bench.chip.analog[pin] = round);
        bench.run(1);
        if round % 10 == 0 {
            let command = format!("{} {round}", if round % 20 == 0 { "on" } else { "off" });
            bench.command(8, &command);
            bench.run(4);
            assert_eq!(bench.said(8), [command]);
        }
    }
    assert!(bench.gateway.counts()[&BoardTopic::State(1).id()] > 20);
}
