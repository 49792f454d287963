//! Things that answer a `keep` late: that is no loop; what is one still ends.

use super::*;
use crate::rules::rule::KeepSettings;

const PUMP: &str = "home/r/pump";

fn pump(condition: &str) -> RuleSettings {
    RuleSettings {
        keep: Some(KeepSettings {
            thing: Thing::new("r", "pump"),
            at: "on".to_owned(),
            condition: Some(condition.to_owned()),
            inverted: true,
            otherwise: Some("off".to_owned()),
        }),
        ..RuleSettings::new("Pump")
    }
}

fn says(outcome: &Outcome) -> Vec<&str> {
    let actions = outcome.actions.iter();
    actions.map(|action| &*action.payload).collect()
}

#[test]
fn an_answer_to_what_was_wanted_before_is_no_loop() {
    let mut engine = engine(&[pump("value('dry') == 'on'")]);
    let found = [("dry", "off"), (PUMP, "on")].map(|(topic, payload)| Event {
        topic,
        payload: payload.as_bytes(),
        received: now(0).utc,
    });
    engine.start(found, now(0));
    assert_eq!(says(&say(&mut engine, 1000, "dry", "on")), ["off"]);
    // The pond is full again before the pump has answered.
    assert!(says(&say(&mut engine, 2000, "dry", "off")).is_empty());
    let outcome = say(&mut engine, 3000, PUMP, "off");
    assert_eq!(says(&outcome), ["on"], "{:?}", sentences(&outcome));
    assert!(says(&say(&mut engine, 4000, PUMP, "on")).is_empty());
}

#[test]
fn a_keep_whose_own_word_changes_what_it_wants_trips() {
    let mut engine = engine(&[pump("value('home/r/pump') == 'on'")]);
    assert_eq!(says(&engine.start([], now(0))), ["on"]);
    let outcome = say(&mut engine, 100, PUMP, "on");
    assert!(outcome.actions.is_empty());
    assert!(outcome.traces[0].because.contains("triggers itself"));
}
