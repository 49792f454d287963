//! The view of a house, from messages made by hand.

use std::sync::Arc;

use bytes::Bytes;
use proptest::prelude::*;

use super::*;
use crate::broker::Qos;
use crate::home::{Kind, Value};

pub const NOW: UtcMillis = UtcMillis(1_790_000_000_000);

/// A retained message that came `ago` milliseconds before [`NOW`].
pub fn message(topic: &str, payload: impl Into<Bytes>, ago: i64) -> Message {
    Message {
        topic: Arc::from(topic),
        payload: payload.into(),
        qos: Qos::AtMostOnce,
        retain: true,
        received: UtcMillis(NOW.0 - ago),
        properties: Default::default(),
        publisher: Arc::from("\0test"),
    }
}

pub fn house(messages: &[(&str, &str)]) -> House {
    let messages: Vec<_> = messages
        .iter()
        .map(|(t, p)| message(t, p.to_string(), 0))
        .collect();
    build(&messages, &Memory::default(), NOW)
}

/// A greenhouse board with a thermometer, a fan and a dimmer.
pub const ABOUT: &str = r#"{"board":"uno","firmware":"text","port":"/dev/ttyACM0","room":"greenhouse",
 "things":[
  {"name":"t","topic":"home/greenhouse/temperature","kind":"sensor","device_class":"temperature","unit":"°C"},
  {"name":"fan","topic":"home/greenhouse/fan","kind":"switch"},
  {"name":"pwm","topic":"home/greenhouse/dimmer","kind":"number","unit":"%","min":0,"max":50}]}"#;

fn view<'a>(house: &'a House, name: &str) -> &'a ThingView {
    house.thing(&Thing::new("greenhouse", name)).unwrap()
}

#[test]
fn a_boards_things_appear_before_their_first_reading() {
    let house = house(&[
        ("hearth/board/uno/about", ABOUT),
        ("hearth/board/uno/status", "online"),
    ]);
    assert_eq!(house.rooms.len(), 1);
    assert_eq!(house.rooms[0].title, "Greenhouse");
    let names: Vec<_> = house
        .things()
        .map(|view| view.thing.name.as_str())
        .collect();
    assert_eq!(names, ["temperature", "dimmer", "fan"], "measured first");
    assert_eq!(view(&house, "temperature").live.stale, "no reading yet");
    assert_eq!(
        view(&house, "dimmer").control,
        Some(Control::Slider {
            min: 0.0,
            max: 50.0,
            step: 0.1
        })
    );
}

#[test]
fn values_come_in_words_with_their_unit() {
    let house = house(&[
        ("hearth/board/uno/about", ABOUT),
        ("home/greenhouse/temperature", "21.46"),
        ("home/greenhouse/fan", "on"),
        ("home/hall/door", "off"),
        ("home/hall/greeting", "hello"),
    ]);
    let live = &view(&house, "temperature").live;
    assert_eq!((live.text.as_str(), live.unit.as_str()), ("21.5", "°C"));
    assert_eq!(live.stale, "");
    assert_eq!(view(&house, "fan").live.on, Some(true));
    let door = house.thing(&Thing::new("hall", "door")).unwrap();
    assert_eq!(
        (door.live.text.as_str(), door.kind),
        ("closed", Kind::BinarySensor)
    );
    let greeting = house.thing(&Thing::new("hall", "greeting")).unwrap();
    assert_eq!(
        (greeting.live.text.as_str(), greeting.live.unit.as_str()),
        ("hello", "")
    );
}

#[test]
fn a_name_that_contradicts_its_value_gives_no_control() {
    let house = house(&[("home/hall/fan", "1200"), ("home/hall/lamp", "off")]);
    let kind = |name| house.thing(&Thing::new("hall", name)).unwrap().kind;
    assert_eq!(kind("fan"), Kind::Sensor);
    assert_eq!(kind("lamp"), Kind::Switch);
}

#[test]
fn values_grow_stale_with_their_board_and_their_age() {
    let messages = [
        message("hearth/board/uno/about", ABOUT, 0),
        message("hearth/board/uno/status", "offline", 0),
        message("home/greenhouse/temperature", "21", 0),
        message("home/hall/temperature", "20", 601_000),
        message("home/hall/door", "on", 86_400_000),
    ];
    let house = build(&messages, &Memory::default(), NOW);
    assert_eq!(view(&house, "temperature").live.stale, "uno is offline");
    let hall = |name| &house.thing(&Thing::new("hall", name)).unwrap().live.stale;
    assert_eq!(hall("temperature"), "no news");
    assert_eq!(hall("door"), "", "a state may hold for days");
    assert_eq!(house.troubled().count(), 1);
}

#[test]
fn a_command_shows_how_far_it_came() {
    let report = |stage: &str| {
        let report = format!(
            r#"{{"topic":"home/greenhouse/fan","to":"on","at":5,"stage":"{stage}","ms":12}}"#
        );
        let house = house(&[
            ("hearth/board/uno/about", ABOUT),
            ("hearth/board/uno/command/fan", &report),
        ]);
        let live = &view(&house, "fan").live;
        (live.command.clone(), live.stage)
    };
    assert_eq!(
        report("sent"),
        ("Commanded on, waiting for its report".into(), "waiting")
    );
    assert_eq!(
        report("reported"),
        ("Commanded on, reported after 12 ms".into(), "done")
    );
    assert_eq!(
        report("ignored"),
        ("Commanded on, did not obey within 12 ms".into(), "failed")
    );
    assert_eq!(
        report("refused"),
        ("Commanded on, refused".into(), "failed")
    );
}

#[test]
fn a_board_shows_its_fault_and_last_lines() {
    let mut memory = Memory::default();
    for line in 0..20 {
        memory
            .logs
            .push(&message("hearth/board/uno/log", format!("line {line}"), 0));
    }
    assert!(
        !memory
            .logs
            .push(&message("hearth/board/uno/status", "online", 0))
    );
    let messages = [
        message("hearth/board/uno/about", ABOUT, 0),
        message("hearth/board/uno/status", "online", 0),
        message("hearth/board/uno/fault", "1 MB without a line end", 0),
    ];
    let house = build(&messages, &memory, NOW);
    let board = &house.boards[0];
    assert_eq!(board.trouble().unwrap(), "uno: 1 MB without a line end");
    assert_eq!(board.log.len(), 12);
    assert_eq!(board.log.last().unwrap().text, "line 19");
}

#[test]
fn a_version_changes_with_what_its_page_shows() {
    let base = [
        ("hearth/board/uno/about", ABOUT),
        ("home/greenhouse/fan", "on"),
    ];
    let version =
        |extra: &[(&str, &str)], watch| house(&[&base[..], extra].concat()).version(watch);
    let calm = version(&[], Watch::Things);
    assert_eq!(
        version(&[("home/greenhouse/fan", "off")], Watch::Things),
        calm
    );
    assert_ne!(version(&[("home/hall/door", "on")], Watch::Things), calm);
    assert_ne!(
        version(&[("hearth/board/uno/fault", "noise")], Watch::Things),
        calm
    );
    let fault = [("hearth/board/uno/fault", "noise")];
    assert_ne!(version(&fault, Watch::Boards), version(&[], Watch::Boards));
}

#[test]
fn more_things_than_a_page_holds_are_counted() {
    let messages: Vec<_> = (0..MAX_THINGS + 3)
        .map(|n| message(&format!("home/flood/n{n}"), "1", 0))
        .collect();
    let house = build(&messages, &Memory::default(), NOW);
    assert_eq!((house.things().count(), house.left_out), (MAX_THINGS, 3));
}

#[test]
fn hrefs_hold_any_name() {
    let house = house(&[("home/a b/<x>\"é", "1")]);
    let view = house.things().next().unwrap();
    assert_eq!(view.href, "/thing/a%20b/%3Cx%3E%22%C3%A9");
    assert_eq!(view.value, Some(Value::Number(1.0)));
}

proptest! {
    #[test]
    fn any_retained_message_makes_a_house(
        topic in "(home|hearth/board|hearth/rule)/[a-z/<]{0,8}(/(about|status|fault|last|trace|set|command/x))?",
        payload in proptest::collection::vec(any::<u8>(), 0..60),
    ) {
        let message = message(&topic, payload, 0);
        let mut memory = Memory::default();
        memory.push(&message);
        let house = build(&[message], &memory, NOW);
        prop_assert!(house.things().count() <= 1);
    }
}

#[test]
fn bridges_are_listed_with_what_is_wrong() {
    let about = |name: &str, rest: &str| {
        format!(
            r#"{{"bridge":"{name}","address":"mqtts://broker.example:8883","version":"5.0","since":5,{rest}}}"#
        )
    };
    let away = about(
        "b",
        r#""status":"offline","waiting":{"messages":2,"bytes":9},"trouble":"no way""#,
    );
    let here = about(
        "a",
        r#""status":"online","waiting":{"messages":0,"bytes":0}"#,
    );
    let house = house(&[
        ("hearth/bridge/b/about", &away),
        ("hearth/bridge/b/status", "offline"),
        ("hearth/bridge/a/about", &here),
        ("hearth/bridge/c/about", "nonsense"),
    ]);
    let [a, b] = &house.bridges[..] else {
        panic!("{:?}", house.bridges);
    };
    assert!(a.online() && a.waiting().is_none() && a.trouble.is_none());
    assert!(!b.online());
    assert_eq!(b.waiting().as_deref(), Some("2 messages wait"));
    assert_eq!(b.trouble.as_deref(), Some("no way"));
}

#[test]
fn rules_are_listed_with_what_they_say_and_did() {
    let about = |name: &str, button: &str| {
        format!(
            r#"{{"name":"{name}","enabled":true,"button":{button},"listens":["hearth/hook/bell","hearth/hook/+","home/#"]}}"#
        )
    };
    let last = |name: &str, at: u8| format!(r#"{{"rule":"{name}","at":{at},"outcome":"fired"}}"#);
    let house = house(&[
        ("hearth/rule/a/about", &about("A", "\"Night\"")),
        ("hearth/rule/b/about", &about("B", "\"Day\"")),
        ("hearth/rule/b/last", &last("B", 5)),
        ("hearth/rule/c-d/last", &last("C d", 7)),
        ("hearth/rule/e/trace", &last("E", 9)),
        ("hearth/rule/f/about", "nonsense"),
    ]);
    let names: Vec<_> = house.rules.iter().map(|rule| &*rule.name).collect();
    assert_eq!(names, ["C d", "B", "A"], "who last did something first");
    let labels: Vec<_> = house
        .buttons()
        .into_iter()
        .map(|(_, label)| label)
        .collect();
    assert_eq!(labels, ["Day", "Night"]);
    let about = house.rule("B").unwrap().about.as_ref().unwrap();
    assert_eq!(about.hooks().collect::<Vec<_>>(), ["bell"]);
    assert!(about.hears("hearth/hook/any") && !about.hears("hearth/rule/b/press"));
    assert_eq!(house.rule("C d").unwrap().state(), None, "it has not said");
    assert_eq!(house.rule("b").unwrap().state(), Some(State::Ready));
}
