//! Rules in a past that the tests make up.

use std::time::Duration;

use super::*;
use crate::home::Value;
use crate::rules::compile::compile;
use crate::rules::schedule::{At, Schedule};
use crate::rules::{ActionSettings, ClockSettings, RuleSettings, Test, TriggerSettings};

mod evening;

const T: &str = "home/greenhouse/temperature";

fn compiled(rules: &[RuleSettings]) -> Replay {
    let compiled = rules.iter().enumerate();
    Replay::new(compiled.map(|(index, rule)| Arc::new(compile(index, rule).unwrap())))
}

fn publish(topic: &str, payload: &str) -> ActionSettings {
    ActionSettings::Publish {
        topic: topic.to_owned(),
        payload: payload.to_owned(),
        qos: crate::broker::Qos::AtMostOnce,
        retain: false,
    }
}

fn rule(name: &str, topic: &str, test: Test, hold: u64, then: ActionSettings) -> RuleSettings {
    RuleSettings {
        when: vec![TriggerSettings {
            hold: Duration::from_secs(hold),
            ..TriggerSettings::topic(topic, test)
        }],
        then: vec![then],
        ..RuleSettings::new(name)
    }
}

fn hot(hold: u64) -> RuleSettings {
    let above = Test::Above {
        limit: 28.0,
        until_below: 26.0,
    };
    let fan = ActionSettings::Set {
        thing: "home/greenhouse/fan".to_owned(),
        to: "on".to_owned(),
    };
    rule("Fan", T, above, hold, fan)
}

fn reading(topic: &str, second: i64, payload: &str) -> Reading {
    Reading {
        topic: topic.to_owned(),
        value: Value::parse(payload),
        at: at(second),
    }
}

/// Seconds from a morning in 2026.
fn at(second: i64) -> UtcMillis {
    UtcMillis(1_780_000_000_000 + second * 1000)
}

fn told(taken: &[Taken]) -> Vec<(i64, &str)> {
    let second = |taken: &Taken| (taken.at.0 - at(0).0) / 1000;
    taken.iter().map(|one| (second(one), &*one.topic)).collect()
}

#[test]
fn hold_times_end_between_readings_and_at_the_end() {
    let mut replay = compiled(&[hot(30)]);
    assert_eq!(replay.listens(), ["hearth/rule/+/set", T]);
    assert_eq!(replay.begin(&[], at(0)), []);
    assert_eq!(replay.take(&reading(T, 10, "29")), []);
    let taken = replay.take(&reading(T, 3600, "25"));
    assert_eq!(told(&taken), [(40, "home/greenhouse/fan/set")]);
    assert_eq!(replay.take(&reading(T, 3700, "30")), []);
    assert_eq!(replay.until(at(3729)), []);
    assert_eq!(
        told(&replay.until(at(3730))),
        [(3730, "home/greenhouse/fan/set")]
    );
}

#[test]
fn the_house_is_found_as_it_was() {
    let mut replay = compiled(&[hot(0)]);
    let taken = replay.begin(&[reading(T, -500, "29")], at(0));
    assert_eq!(told(&taken), [(0, "home/greenhouse/fan/set")]);
}

#[test]
fn rules_hear_each_other_where_nothing_is_recorded_and_history_elsewhere() {
    let on = || Test::Is(Value::Switch(true));
    let mut replay = compiled(&[
        rule("A", "home/a/door", on(), 0, publish("mode", "on")),
        rule("B", "mode", on(), 0, publish("home/a/lamp/set", "on")),
        rule("C", "home/a/lamp/set", on(), 0, publish("log", "lamp")),
    ]);
    replay.begin(&[], at(0));
    let taken = replay.take(&reading("home/a/door", 5, "on"));
    assert_eq!(told(&taken), [(5, "mode"), (5, "home/a/lamp/set")]);
    let taken = replay.take(&reading("home/a/lamp/set", 6, "on"));
    assert_eq!(told(&taken), [(6, "log")]);
}

#[test]
fn rules_that_feed_each_other_come_to_an_end() {
    let mut replay = compiled(&[
        rule("A", "a", Test::Comes, 0, publish("b", "x")),
        rule("B", "b", Test::Comes, 0, publish("a", "x")),
        rule("C", T, Test::Comes, 0, publish("a", "x")),
    ]);
    replay.begin(&[], at(0));
    let taken = replay.take(&reading(T, 1, "20"));
    assert!(
        taken.len() > 2 && taken.len() <= MAX_ECHOES + 1,
        "{}",
        taken.len()
    );
}

#[test]
fn times_of_the_house_come_by_the_virtual_clock() {
    let settings = RuleSettings {
        clocks: vec![ClockSettings {
            schedule: Schedule::At(At::parse("07:30").unwrap()),
            text: "07:30".to_owned(),
        }],
        then: vec![publish("log", "morning")],
        ..RuleSettings::new("Morning")
    };
    let mut replay = compiled(&[settings]);
    replay.begin(&[], at(0));
    let taken = replay.until(at(3 * 86_400));
    assert_eq!(taken.len(), 3);
    assert!(
        taken
            .iter()
            .all(|one| one.at.0 % 86_400_000 == (7 * 60 + 30) * 60_000)
    );
}
