//! Commands, states and traces in every order.

use super::*;
use crate::home::topic;
use crate::web::house::Memory;
use crate::web::house::tests::{NOW, message};

const LAMP: &str = "home/hall/lamp";

/// Comes `at` milliseconds after the start.
fn live(topic: &str, payload: &str, publisher: &str, at: i64) -> Message {
    Message {
        retain: false,
        publisher: publisher.into(),
        ..message(topic, payload.to_owned(), -at)
    }
}

fn set(to: &str, publisher: &str, at: i64) -> Message {
    live("home/hall/lamp/set", to, publisher, at)
}

fn state(value: &str, at: i64) -> Message {
    live(LAMP, value, "\0board-uno", at)
}

fn trace(rule: &str, at: i64, rest: &str) -> Message {
    let json = format!(
        r#"{{"rule":"{rule}","at":{},"outcome":"fired","because":"{rule} at {at}"{rest}}}"#,
        NOW.0 + at
    );
    live(&topic::rule_trace(rule), &json, "\0rules", at)
}

fn known(messages: &[Message]) -> Known {
    let mut memory = Memory::default();
    messages.iter().for_each(|message| memory.push(message));
    let lamp = Thing::new("hall", "lamp");
    memory.causes.of(&lamp).cloned().unwrap_or_default()
}

fn act(messages: &[Message]) -> Option<Act> {
    known(messages).state.and_then(|state| state.act)
}

const ON: &str = r#","actions":[{"topic":"home/hall/lamp/set","payload":"on"}]"#;

#[test]
fn a_command_and_its_trace_belong_together_in_any_order() {
    let (command, answer) = (set("on", "\0rules", 10), state("on", 50));
    let told = trace("Lamp", 9, ON);
    for order in [
        [&command, &answer, &told],
        [&command, &told, &answer],
        [&told, &command, &answer],
    ] {
        let act = act(&order.map(Message::clone)).unwrap();
        assert_eq!(act.story[0].because, "Lamp at 9", "{order:?}");
    }
    for other in [
        trace("Lamp", 5000, ON),
        trace("Lamp", 9, &ON.replace("on\"", "off\"")),
        trace("Lamp", 9, &ON.replace("lamp", "fan")),
    ] {
        assert!(
            act(&[command.clone(), answer.clone(), other])
                .unwrap()
                .story
                .is_empty()
        );
    }
}

#[test]
fn two_rules_that_do_the_same_at_once_are_told_apart() {
    let known = known(&[
        set("on", "\0rules", 10),
        set("on", "\0rules", 10),
        trace("First", 9, ON),
        trace("Second", 9, ON),
        state("on", 50),
    ]);
    let rule = |act: Option<Act>| act.unwrap().story[0].rule.clone();
    assert_eq!(rule(known.earlier), "First");
    assert_eq!(rule(known.last), "Second");
}

#[test]
fn nobody_outside_passes_for_a_rule() {
    let told = trace("Lamp", 9, ON);
    for publisher in ["rules", "phone", "\0web"] {
        let act = act(&[told.clone(), set("on", publisher, 10), state("on", 50)]).unwrap();
        assert!(act.story.is_empty() && !act.is_of_rule());
        assert_eq!(&*act.publisher, publisher);
    }
}

#[test]
fn a_state_has_a_cause_only_if_it_was_wanted_and_soon() {
    assert!(act(&[set("on", "phone", 0), state("on", 14_000)]).is_some());
    assert!(act(&[set("on", "phone", 0), state("on", 16_000)]).is_none());
    assert!(act(&[set("off", "phone", 0), state("on", 50)]).is_none());
    assert!(act(&[state("on", 0), set("on", "phone", 10), state("on", 50)]).is_none());
    // The first of two commands is answered while the second is on its way.
    let both = [
        set("on", "phone", 0),
        set("off", "panel", 20),
        state("on", 50),
    ];
    assert_eq!(&*act(&both).unwrap().publisher, "phone");
    let found = Message {
        retain: true,
        ..state("on", 50)
    };
    let found = known(&[found]).state.unwrap();
    assert!(!found.is_seen && found.act.is_none());
}

#[test]
fn a_value_said_again_is_the_same_state() {
    let known = known(&[
        state("on", 0),
        state("ON", 1000),
        state("off", 2000),
        state("off", 3000),
    ]);
    assert_eq!(known.state.unwrap().since, NOW + Duration::from_secs(2));
    let kept = [set("on", "phone", 0), state("on", 50), state("on", 60_000)];
    assert!(act(&kept).is_some());
}

#[test]
fn what_goes_on_after_a_wait_is_told_by_what_began_it() {
    let begun =
        r#","run":7,"trigger":{"topic":"home/hall/door"},"actions":[],"steps":["waits 5m"]"#;
    let later = trace("Lamp", 300_000, &format!(r#","run":7{ON}"#));
    let payload = String::from_utf8(later.payload.to_vec()).unwrap();
    let later = Message {
        payload: payload.replace("fired", "done").into(),
        ..later
    };
    let messages = [
        trace("Lamp", 0, begun),
        later,
        set("on", "\0rules", 300_001),
        state("on", 300_050),
    ];
    let story = act(&messages).unwrap().story;
    assert_eq!(
        (&*story[0].because, story[0].trigger.as_deref()),
        ("Lamp at 0", Some("home/hall/door"))
    );
}

#[test]
fn a_chain_is_told_to_its_beginning() {
    let acts = r#","actions":[{"topic":"a/b","payload":"x"}]"#;
    let messages = [
        trace("One", 0, acts),
        trace("Two", 10, acts),
        set("on", "\0rules", 20),
        trace("Lamp", 20, &format!(r#","chain":["Gone","One","Two"]{ON}"#)),
        trace("One", 30, acts),
        state("on", 50),
    ];
    let story = act(&messages).unwrap().story;
    let told: Vec<(&str, &str)> = story
        .iter()
        .map(|one| (&*one.rule, &*one.because))
        .collect();
    assert_eq!(
        told,
        [
            ("Lamp", "Lamp at 20"),
            ("Two", "Two at 10"),
            ("One", "One at 0"),
            ("Gone", "")
        ]
    );
}

#[test]
fn a_rule_that_publishes_the_state_itself_is_its_cause() {
    let told = trace(
        "Lamp",
        10,
        r#","actions":[{"topic":"home/hall/lamp","payload":"on"}]"#,
    );
    let act = act(&[live(LAMP, "on", "\0rules", 10), told]).unwrap();
    assert_eq!(act.story[0].rule, "Lamp");
}

#[test]
fn a_flood_of_things_is_bounded() {
    let mut causes = Causes::default();
    for n in 0..MAX_THINGS + 10 {
        causes.push(&live(&format!("home/flood/n{n}"), "1", "phone", 0));
    }
    assert_eq!(causes.things.len(), MAX_THINGS);
    causes.push(&live("home/flood/n1", "", "phone", 1));
    assert_eq!(
        causes.things.len(),
        MAX_THINGS - 1,
        "one that is gone makes room"
    );
}
