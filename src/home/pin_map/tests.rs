//! Maps as people write them, and what they are told.

use hearth_wire::board::{Map, Op};
use proptest::prelude::*;

use super::{MapProblem, PinMap, Plan};
use crate::home::{DeviceClass, Kind};

fn map(json: &str) -> PinMap {
    serde_json::from_str(json).unwrap()
}

fn plan(things: &str, rules: &str) -> Result<Plan, MapProblem> {
    map(&format!(r#"{{"things": [{things}], "rules": [{rules}]}}"#)).plan("hall")
}

fn refusal(things: &str) -> String {
    plan(things, "").unwrap_err().to_string()
}

#[test]
fn a_map_becomes_what_the_board_gets() {
    let plan = plan(
        r#"{"name": "moisture", "kind": "analog", "pin": "A0", "every": 0.5, "scale": [0, 100], "deadband": 1},
           {"name": "door", "kind": "digital", "pin": 2, "pull_up": true, "active_low": true},
           {"name": "pump", "kind": "relay", "pin": "D7", "safe": "on", "room": "garden"},
           {"name": "lamp", "kind": "pwm", "pin": 9, "safe": 50}"#,
        r#""pump on while moisture < 30, until 35", "lamp 100 while door is on""#,
    )
    .unwrap();
    let on_wire = Map::check(&plan.octets).unwrap();
    let things: Vec<_> = on_wire
        .things()
        .map(|t| (t.pin, t.period, t.a, t.b))
        .collect();
    assert_eq!(
        things,
        [(14, 5, 10, 0), (2, 0, 30, 3), (7, 0, 1, 0), (9, 0, 128, 0)]
    );
    let rules: Vec<_> = on_wire.rules().collect();
    assert_eq!(
        (rules[0].output, rules[0].input, rules[0].op),
        (3, 1, Op::Below)
    );
    assert_eq!((rules[0].threshold, rules[0].hysteresis), (307, 51));
    assert_eq!(
        (rules[1].op, rules[1].threshold, rules[1].level),
        (Op::Above, 0, 255)
    );
    assert_eq!(on_wire.silence(), super::SILENCE);
    assert_eq!(plan.slots[2].thing.topic(), "home/garden/pump");
    let abouts: Vec<_> = plan.slots.iter().map(super::Slot::about).collect();
    assert_eq!(
        (abouts[0].device_class, abouts[0].unit.as_deref()),
        (Some(DeviceClass::Moisture), Some("%"))
    );
    assert_eq!(
        (abouts[1].kind, abouts[1].device_class),
        (Kind::BinarySensor, Some(DeviceClass::Door))
    );
    assert_eq!((abouts[3].kind, abouts[3].max), (Kind::Number, Some(100.0)));
}

#[test]
fn numbers_of_the_board_become_quantities() {
    let plan = plan(
        r#"{"name": "battery", "kind": "analog", "pin": "A0"},
           {"name": "level", "kind": "analog", "pin": "A1", "scale": [100, 0]},
           {"name": "water", "kind": "ds18b20", "pin": 4},
           {"name": "fan", "kind": "pwm", "pin": 3},
           {"name": "rain", "kind": "counter", "pin": 2},
           {"name": "window", "kind": "digital", "pin": 5}"#,
        "",
    )
    .unwrap();
    for (slot, said, value) in [
        (0, "1023", Some("5")),
        (0, "511", Some("2.5")),
        (0, "?", None),
        (0, "on", None),
        (1, "0", Some("100")),
        (1, "512", Some("50")),
        (2, "-550", Some("-5.5")),
        (2, "-1", Some("-0.01")),
        (3, "107", Some("42")),
        (4, "4294967295", Some("4294967295")),
        (5, "on", Some("on")),
        (5, "1", None),
    ] {
        assert_eq!(
            plan.slots[slot].value(said).as_deref(),
            value,
            "{slot} {said}"
        );
    }
}

#[test]
fn commands_are_levels_of_the_board_or_say_why_not() {
    let plan = plan(
        r#"{"name": "pump", "kind": "relay", "pin": 7}, {"name": "lamp", "kind": "pwm", "pin": 3},
           {"name": "flap", "kind": "servo", "pin": 8}, {"name": "volt", "kind": "analog", "pin": "A0"}"#,
        "",
    )
    .unwrap();
    let said = |slot: usize, to| plan.slots[slot].command(to);
    assert_eq!(said(0, "ON").as_deref(), Ok("on"));
    assert_eq!(said(0, "7"), Err("pump takes on or off, not 7".to_owned()));
    assert_eq!(said(1, "42").as_deref(), Ok("107"));
    assert_eq!(
        said(1, "101"),
        Err("lamp takes a number from 0 to 100 %".to_owned())
    );
    assert_eq!(said(2, "90").as_deref(), Ok("90"));
    assert_eq!(
        said(2, "on"),
        Err("flap takes a number from 0 to 180 °".to_owned())
    );
    assert_eq!(
        said(3, "1"),
        Err("volt only reports; it takes no commands".to_owned())
    );
}

#[test]
fn every_refusal_names_the_thing_and_says_what_to_do() {
    for (things, said) in [
        (
            r#"{"name": "a", "kind": "relay", "pin": 7}, {"name": "b", "kind": "relay", "pin": "D7"}"#,
            "b: D7 is used by a already",
        ),
        (
            r#"{"name": "a", "kind": "relay", "pin": 1}"#,
            "a: D1 belongs to the serial line to this computer",
        ),
        (
            r#"{"name": "a", "kind": "analog", "pin": 7}"#,
            "a: D7 has no analog converter: use A0 to A5",
        ),
        (
            r#"{"name": "a", "kind": "pwm", "pin": 7}"#,
            "a: D7 has no PWM: use 3, 5, 6, 9, 10 or 11",
        ),
        (
            r#"{"name": "a", "kind": "pwm", "pin": 9}, {"name": "b", "kind": "servo", "pin": 4}"#,
            "a: D9 has no PWM beside a servo: use 3, 5, 6 or 11",
        ),
        (
            r#"{"name": "A b", "kind": "relay", "pin": 7}"#,
            r#"A b: "A b" is no name: use lower-case letters, digits and -, such as a-b"#,
        ),
        (
            r#"{"name": "a", "kind": "analog", "pin": "A0", "safe": 1}"#,
            "a: a is no output and has no safe level",
        ),
        (
            r#"{"name": "a", "kind": "analog", "pin": "A0", "scale": [1, 1]}"#,
            "a: the two ends of a's scale must differ",
        ),
        (
            r#"{"name": "a", "kind": "relay", "pin": 7, "pull_up": true}"#,
            "a: a level or an option that this kind of thing cannot have",
        ),
        (
            r#"{"name": "a", "kind": "relay", "pin": 7}, {"name": "a", "kind": "relay", "pin": 8}"#,
            "a: another thing has this name",
        ),
    ] {
        assert_eq!(refusal(things), said);
    }
    let short = PinMap {
        silence: 2,
        ..PinMap::default()
    };
    assert_eq!(
        short.plan("x").unwrap_err().to_string(),
        "the silence is 0, or at least 3 s"
    );
    let no_pin = serde_json::from_str::<PinMap>(
        r#"{"things": [{"name": "a", "kind": "relay", "pin": "A6"}]}"#,
    );
    assert!(
        no_pin
            .unwrap_err()
            .to_string()
            .starts_with("an Uno has no pin \"A6\"")
    );
}

#[test]
fn rules_that_cannot_be_say_why() {
    let things = r#"{"name": "pump", "kind": "relay", "pin": 7}, {"name": "wet", "kind": "analog", "pin": "A0", "scale": [0, 100]}"#;
    for (rule, said) in [
        ("pump on", "pump on: this is no rule: "),
        (
            "wet on while pump < 3",
            "wet on while pump < 3: wet is no output",
        ),
        (
            "pump on while pump < 3",
            "pump on while pump < 3: pump is no sensor",
        ),
        (
            "pump on while dry < 3",
            "pump on while dry < 3: this map has no dry",
        ),
        (
            "pump 3 while wet < 3",
            "pump 3 while wet < 3: pump takes on or off",
        ),
        (
            "pump on while wet = 3",
            "pump on while wet = 3: this is no condition",
        ),
        (
            "pump on while wet < 3, until 2",
            "pump on while wet < 3, until 2: `until` must lie",
        ),
        (
            "pump on while wet < 1e9",
            "pump on while wet < 1e9: wet is never 1000000000",
        ),
    ] {
        let problem = plan(things, &format!("{rule:?}")).unwrap_err().to_string();
        assert!(problem.starts_with(said), "{problem}");
    }
    let falling = plan(
        r#"{"name": "pump", "kind": "relay", "pin": 7}, {"name": "wet", "kind": "analog", "pin": "A0", "scale": [100, 0]}"#,
        r#""pump on while wet < 30, until 35""#,
    );
    let octets = falling.unwrap().octets;
    let rule = Map::check(&octets).unwrap().rules().next().unwrap();
    assert_eq!(
        (rule.op, rule.threshold, rule.hysteresis),
        (Op::Above, 716, 51)
    );
}

proptest! {
    #[test]
    fn whatever_is_planned_a_board_takes(json in prop::collection::vec(any_thing(), 0..10), silence in any::<u16>()) {
        let map = PinMap { silence, ..map(&format!(r#"{{"things": [{}]}}"#, json.join(","))) };
        match map.plan("room") {
            Ok(plan) => {
                prop_assert!(Map::check(&plan.octets).is_ok());
                prop_assert_eq!(plan.slots.len(), map.things.len());
            }
            Err(problem) => prop_assert!(!problem.reason.is_empty()),
        }
        let again: PinMap = serde_json::from_str(&serde_json::to_string(&map).unwrap()).unwrap();
        prop_assert_eq!(again, map);
    }
}

fn any_thing() -> impl Strategy<Value = String> {
    let kind = prop::sample::select(super::PinKind::ALL.to_vec());
    (kind, 0..20u8, "[a-z]{1,3}", any::<bool>()).prop_map(|(kind, pin, name, low)| {
        let kind = kind.as_str();
        format!(r#"{{"name": "{name}", "kind": "{kind}", "pin": {pin}, "active_low": {low}}}"#)
    })
}
