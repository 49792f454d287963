//! What a rule remembers over a stop, and over a reading of the rules.

use super::*;
use crate::rules::rule::Mode;

fn written(outcome: &Outcome) -> &Memory {
    let record = outcome.records.last().expect("a record");
    record.memory.as_ref().expect("a memory")
}

fn says(outcome: &Outcome) -> Vec<&str> {
    outcome
        .actions
        .iter()
        .map(|action| &*action.payload)
        .collect()
}

fn said(engine: &mut Engine, at: u64, outcome: &Outcome) {
    for action in &outcome.actions {
        engine.said(action, now(at));
    }
}

fn publish(payload: &str) -> ActionSettings {
    ActionSettings::Publish {
        topic: "act".to_owned(),
        payload: payload.to_owned(),
        qos: Qos::AtLeastOnce,
        retain: false,
    }
}

fn chime() -> RuleSettings {
    RuleSettings {
        mode: Mode::Parallel { max: 9 },
        then: vec![
            publish("{{ payload }}"),
            ActionSettings::Delay(Duration::from_secs(60)),
        ],
        ..rule("chime", vec![trigger("bell", Test::Comes, 0)], None)
    }
}

/// What a rule says belongs to its memory until the broker has it, however long the disk
/// takes and whatever else the rule says meanwhile.
#[test]
fn what_was_not_said_is_remembered_and_what_was_is_not() {
    let mut engine = engine(&[chime()]);
    engine.start([], now(0));
    let first = say(&mut engine, 0, "bell", "1");
    assert_eq!(written(&first).unsaid.len(), 1);
    let second = say(&mut engine, 990, "bell", "2");
    assert_eq!(written(&second).unsaid.len(), 2);
    // The first one is out at last; the second one is still held.
    said(&mut engine, 1000, &first);
    assert!(engine.wake(now(1249)).records.is_empty());
    let outcome = engine.wake(now(1250));
    assert!(!outcome.records[0].sure, "nothing waits for that");
    let unsaid: Vec<_> = written(&outcome)
        .unsaid
        .iter()
        .map(|one| &*one.payload)
        .collect();
    assert_eq!(unsaid, ["2"]);
    // It falls, and starts again much later.
    let memory = written(&outcome).clone();
    let mut engine = super::engine(&[chime()]);
    engine.resume([("chime".into(), memory)].into(), Gap::Known, now(9000));
    let outcome = engine.start([], now(9000));
    assert_eq!(says(&outcome), ["2"]);
    said(&mut engine, 9000, &outcome);
    assert!(written(&engine.wake(now(9250))).unsaid.is_empty());
}

#[test]
fn a_reading_of_the_rules_says_nothing_twice_and_forgets_nothing_unsaid() {
    let mut engine = engine(&[chime()]);
    engine.start([], now(0));
    let first = say(&mut engine, 0, "bell", "1");
    let rules: Vec<_> = engine.rules().cloned().collect();
    let outcome = engine.replace(rules, [], now(10));
    assert!(outcome.actions.is_empty());
    assert_eq!(engine.memories(now(10))["chime"].unsaid.len(), 1);
    said(&mut engine, 20, &first);
    engine.wake(now(270));
    assert!(engine.memories(now(270))["chime"].unsaid.is_empty());
}

#[test]
fn a_silence_is_told_once_whatever_starts_again_meanwhile() {
    let settings = || RuleSettings {
        then: vec![publish("silent")],
        ..rule("alarm", vec![trigger("t", Test::Quiet, 60_000)], None)
    };
    let mut engine = engine(&[settings()]);
    engine.start([], now(0));
    say(&mut engine, 0, "t", "21");
    assert_eq!(says(&engine.wake(now(60_000))), ["silent"]);
    // The rules are read again.
    let rules: Vec<_> = engine.rules().cloned().collect();
    let outcome = engine.replace(rules, [], now(70_000));
    assert!(outcome.actions.is_empty());
    assert!(engine.wake(now(200_000)).actions.is_empty());
    // The gateway starts again, and finds what was said last.
    let memories = engine.memories(now(200_000));
    let found = |at: u64| Event {
        topic: "t",
        payload: b"21",
        received: now(at).utc,
    };
    let restarted = |found: Event<'static>, at: u64| {
        let mut engine = super::engine(&[settings()]);
        engine.resume(memories.clone(), Gap::Known, now(at));
        let outcome = engine.start([found], now(at));
        assert!(outcome.actions.is_empty());
        engine
    };
    let mut same = restarted(found(0), 300_000);
    assert!(same.wake(now(900_000)).actions.is_empty());
    let outcome = say(&mut same, 900_000, "t", "22");
    assert!(outcome.traces[0].because.contains("speaks again"));
    assert_eq!(says(&same.wake(now(960_000))), ["silent"]);
    // Something was said while nobody listened, so this is another silence.
    let mut other = restarted(found(280_000), 300_000);
    assert!(other.wake(now(339_999)).actions.is_empty());
    assert_eq!(says(&other.wake(now(340_000))), ["silent"]);
}

#[test]
fn a_message_that_is_found_does_not_come() {
    let comes = rule("lamp", vec![trigger("t", Test::Comes, 0)], None);
    let mut engine = engine(&[comes]);
    let found = Event {
        topic: "t",
        payload: b"21",
        received: now(0).utc,
    };
    assert!(engine.start([found], now(5)).actions.is_empty());
    assert_eq!(say(&mut engine, 10, "t", "21").actions.len(), 1);
}

/// The first value of a topic makes nothing fire, and is what the next one is compared
/// with: also when the gateway falls in between.
#[test]
fn a_change_right_before_a_fall_is_seen_after_it() {
    let settings = || RuleSettings {
        cooldown: Duration::from_secs(3),
        ..rule("gate", vec![trigger("t", Test::Changes, 0)], None)
    };
    let found = |payload: &'static [u8]| Event {
        topic: "t",
        payload,
        received: now(0).utc,
    };
    let mut live = engine(&[settings()]);
    live.start([], now(0));
    let first = say(&mut live, 0, "t", "1");
    // Or it was there when the rule began.
    let mut begun = engine(&[settings()]);
    let found_first = begun.start([found(b"1")], now(0));
    for outcome in [first, found_first] {
        assert!(outcome.actions.is_empty());
        assert_eq!(outcome.records.len(), 1, "written down once");
        assert!(outcome.records[0].sure);
        let memory = written(&outcome).clone();
        let mut engine = engine(&[settings()]);
        engine.resume([("gate".into(), memory)].into(), Gap::Known, now(90));
        let outcome = engine.start([found(b"2")], now(90));
        assert_eq!(says(&outcome), ["on"]);
    }
    // Said again it is no news, and costs no write.
    assert!(say(&mut live, 10, "t", "1").records.is_empty());
}
