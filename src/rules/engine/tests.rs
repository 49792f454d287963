//! The engine, message by message.

use std::time::Duration;

use super::*;
use crate::home::{Thing, Value};
use crate::rules::compile::compile;
use crate::rules::rule::{
    ActionSettings, ClockSettings, RuleSettings, Subject, Test, TriggerSettings,
};
use crate::rules::schedule::{At, Schedule};
use crate::rules::trace::Verdict;

fn now(millis: u64) -> Now {
    Now {
        moment: Moment(millis),
        utc: UtcMillis(1_000_000 + i64::try_from(millis).unwrap()),
    }
}

fn trigger(topic: &str, test: Test, hold_ms: u64) -> TriggerSettings {
    TriggerSettings {
        subject: Subject::Topic(topic.to_owned()),
        test,
        hold: Duration::from_millis(hold_ms),
    }
}

fn above(limit: f64, until_below: f64) -> Test {
    Test::Above { limit, until_below }
}

fn rule(name: &str, when: Vec<TriggerSettings>, condition: Option<&str>) -> RuleSettings {
    RuleSettings {
        when,
        condition: condition.map(str::to_owned),
        then: vec![ActionSettings::Set {
            thing: Thing::new("r", name).topic(),
            to: "on".to_owned(),
        }],
        ..RuleSettings::new(name)
    }
}

fn engine(rules: &[RuleSettings]) -> Engine {
    let compiled = rules.iter().enumerate();
    Engine::new(compiled.map(|(index, rule)| Arc::new(compile(index, rule).unwrap())))
}

fn say(engine: &mut Engine, at: u64, topic: &str, payload: impl AsRef<[u8]>) -> Outcome {
    let event = Event {
        topic,
        payload: payload.as_ref(),
        received: now(at).utc,
    };
    engine.handle(event, now(at))
}

fn sentences(outcome: &Outcome) -> Vec<(Verdict, &str)> {
    let traces = outcome.traces.iter();
    traces.map(|t| (t.outcome, t.because.as_str())).collect()
}

#[test]
fn a_rule_fires_after_its_hold_time_and_says_why() {
    let hot = trigger("t", above(28.0, 26.5), 30_000);
    let mut engine = engine(&[rule("fan", vec![hot], Some("value('window') != 'open'"))]);
    say(&mut engine, 0, "window", "shut");
    say(&mut engine, 0, "t", "27");
    let outcome = say(&mut engine, 1000, "t", "28.4");
    assert_eq!(
        sentences(&outcome),
        [(
            Verdict::Holding,
            "t rose above 28 (28.4); it must stay there for 30s"
        )]
    );
    assert_eq!(engine.next_wake(), Some(Moment(31_000)));
    assert_eq!(engine.wake(now(30_999)), Outcome::default());
    let outcome = engine.wake(now(31_000));
    assert_eq!(
        sentences(&outcome),
        [(
            Verdict::Fired,
            "t rose above 28 (28.4) and stayed there for 30s; condition was true"
        )]
    );
    assert_eq!(outcome.actions.len(), 1);
    assert_eq!(&*outcome.actions[0].topic, "home/r/fan/set");
    let trace = &outcome.traces[0];
    assert_eq!(trace.at, now(31_000).utc);
    assert_eq!(trace.values["window"], "shut");
    assert_eq!(trace.actions[0].payload, "on");
    let cause = trace.trigger.as_ref().unwrap();
    assert_eq!((&cause.before, &cause.after), (&27.0.into(), &28.4.into()));
    assert_eq!(engine.next_wake(), None);
}

#[test]
fn a_false_condition_and_one_that_cannot_be_judged_do_nothing() {
    let on = trigger("p", Test::Is(Value::Switch(true)), 0);
    let mut engine = engine(&[rule("lamp", vec![on], Some("value('lux') < 20"))]);
    let outcome = say(&mut engine, 0, "p", "on");
    assert_eq!(outcome.actions, []);
    assert_eq!(
        sentences(&outcome),
        [(
            Verdict::ConditionFalse,
            "p was found on; condition was false, so nothing was done"
        )]
    );
    assert_eq!(outcome.traces[0].values["lux"], serde_json::Value::Null);
    say(&mut engine, 1, "lux", "unavailable");
    say(&mut engine, 1, "p", "off");
    let outcome = say(&mut engine, 2, "p", "on");
    assert_eq!(outcome.actions, []);
    assert_eq!(
        sentences(&outcome),
        [(
            Verdict::Error,
            "p became on; the condition could not be judged: \
             a text cannot be compared with a number by `<`"
        )]
    );
}

#[test]
fn a_break_ends_the_hold_time() {
    let on = trigger("p", Test::Is(Value::Switch(true)), 1000);
    let mut engine = engine(&[rule("lamp", vec![on], None)]);
    say(&mut engine, 0, "p", "on");
    let outcome = say(&mut engine, 999, "p", "off");
    assert_eq!(
        sentences(&outcome),
        [(Verdict::Waiting, "p came back to off before 1s were over")]
    );
    assert_eq!(engine.next_wake(), None);
    // At the very end the hold time is over before the message counts.
    say(&mut engine, 2000, "p", "on");
    let outcome = say(&mut engine, 3000, "p", "off");
    assert_eq!(outcome.actions.len(), 1);
    assert_eq!(outcome.traces[0].outcome, Verdict::Fired);
}

#[test]
fn the_house_is_taken_in_whole_before_a_rule_looks() {
    let hot = trigger("t", above(28.0, 28.0), 0);
    let change = trigger("t", Test::Changes, 0);
    let mut engine = engine(&[
        rule("fan", vec![hot], Some("value('window') != 'open'")),
        rule("log", vec![change], None),
    ]);
    let found = |topic, payload: &'static str| Event {
        topic,
        payload: payload.as_bytes(),
        received: now(0).utc,
    };
    let outcome = engine.start([found("t", "30"), found("window", "open")], now(5));
    assert_eq!(outcome.actions, []);
    assert_eq!(
        sentences(&outcome),
        [
            (Verdict::Waiting, "waiting for t to rise above 28"),
            (Verdict::Waiting, "waiting for t to change"),
            (
                Verdict::ConditionFalse,
                "t was found above 28 (30); condition was false, so nothing was done"
            ),
        ]
    );
}

#[test]
fn a_retained_value_is_as_old_as_it_is() {
    let on = trigger("p", Test::Is(Value::Switch(true)), 0);
    let mut engine = engine(&[rule("lamp", vec![on], Some("age('lux') > 60"))]);
    let lux = Event {
        topic: "lux",
        payload: b"5",
        received: UtcMillis(now(0).utc.0 - 50_000),
    };
    engine.start([lux], now(0));
    // The wall clock is set an hour ahead; an age is not measured on it.
    let later = |moment| Now {
        moment: Moment(moment),
        utc: UtcMillis(now(moment).utc.0 + 3_600_000),
    };
    let event = |payload| Event {
        topic: "p",
        payload,
        received: later(9000).utc,
    };
    let outcome = engine.handle(event(b"on"), later(9000));
    assert_eq!(outcome.traces[0].values["age('lux')"], 59.0);
    assert_eq!(outcome.traces[0].outcome, Verdict::ConditionFalse);
    engine.handle(event(b"off"), later(10_000));
    let outcome = engine.handle(event(b"on"), later(10_500));
    assert_eq!(outcome.traces[0].values["age('lux')"], 60.5);
    assert_eq!(outcome.traces[0].outcome, Verdict::Fired);
}

#[test]
fn what_is_no_value_is_said_and_changes_nothing() {
    let hot = trigger("t", above(28.0, 28.0), 0);
    let mut engine = engine(&[rule("fan", vec![hot], None)]);
    say(&mut engine, 0, "t", "29");
    let outcome = say(&mut engine, 1, "t", [0xff, 0xfe]);
    assert_eq!(
        sentences(&outcome),
        [(
            Verdict::Error,
            "t sent bytes that are no text (UTF-8); the rule goes on as if it had not come"
        )]
    );
    let outcome = say(&mut engine, 2, "t", vec![b'x'; MAX_VALUE_BYTES + 1]);
    assert!(
        outcome.traces[0]
            .because
            .contains("sent 1025 bytes; a value has at most 1024")
    );
    let outcome = say(&mut engine, 3, "t", "unavailable");
    assert_eq!(
        sentences(&outcome),
        [(
            Verdict::Error,
            "t said unavailable, which is no number; the rule goes on as if it had not come"
        )]
    );
    // Told once, and still fired: no second edge.
    assert_eq!(say(&mut engine, 4, "t", "unavailable"), Outcome::default());
    assert_eq!(say(&mut engine, 5, "t", "29"), Outcome::default());
}

#[test]
fn other_topics_cost_nothing_and_are_not_remembered() {
    let on = trigger("p", Test::Is(Value::Switch(true)), 0);
    let mut engine = engine(&[rule("lamp", vec![on], Some("value('lux') < 20"))]);
    for n in 0..1000 {
        assert_eq!(
            say(&mut engine, n, &format!("other/{n}"), "1"),
            Outcome::default()
        );
    }
    assert_eq!(engine.filters(), ["hearth/rule/+/set", "lux", "p"]);
}

#[test]
fn a_rule_that_feeds_itself_is_held_back() {
    let change = trigger("home/r/echo/set", Test::Changes, 0);
    let mut engine = engine(&[rule("echo", vec![change], None)]);
    let (mut actions, mut complaints) = (0, Vec::new());
    for n in 0..500 {
        let outcome = say(&mut engine, n, "home/r/echo/set", n.to_string());
        actions += outcome.actions.len();
        complaints.extend(
            outcome
                .traces
                .into_iter()
                .filter(|t| t.outcome == Verdict::Error),
        );
    }
    assert_eq!(actions, 50);
    assert_eq!(complaints.len(), 1);
    assert!(
        complaints[0]
            .because
            .contains("already acted 50 times within 1s")
    );
    let outcome = say(&mut engine, 2000, "home/r/echo/set", "x");
    assert_eq!(outcome.actions.len(), 1);
}

mod answers;
mod defects;
mod looks;
mod memory;
mod model;
mod naive;
mod reload;
mod same;

#[test]
fn silence_goes_on_over_a_restart() {
    let quiet = trigger("t", Test::Quiet, 60_000);
    let rules = [rule("Alarm", vec![quiet], None)];
    let mut engine = engine(&rules);
    let found = Event {
        topic: "t",
        payload: b"21",
        received: UtcMillis(now(0).utc.0 - 45_000),
    };
    engine.start([found], now(0));
    assert_eq!(engine.next_wake(), Some(Moment(15_000)));
    let outcome = engine.wake(now(15_000));
    assert_eq!(outcome.actions.len(), 1);
    assert_eq!(outcome.traces[0].because, "t said nothing for 1m");
    let outcome = say(&mut engine, 16_000, "t", "21");
    assert_eq!(
        outcome.traces[0].because,
        "t speaks again (21); ready to fire again"
    );
    // What cannot be read is no silence either.
    let long = "x".repeat(MAX_VALUE_BYTES + 1);
    say(&mut engine, 30_000, "t", &long);
    assert_eq!(engine.next_wake(), Some(Moment(90_000)));
}

/// A rule for half past seven each day, in UTC, at a start of the clock's seventh hour.
fn at_half_past_seven() -> Engine {
    let clock = ClockSettings {
        schedule: Schedule::At(At::parse("07:30").unwrap()),
        text: "07:30".to_owned(),
    };
    let settings = RuleSettings {
        clocks: vec![clock],
        ..rule("Lamp", vec![], None)
    };
    let mut engine = engine(&[settings]);
    let outcome = engine.start([], clock_at(0, 7 * HOUR));
    assert_eq!(outcome.traces[0].because, "waiting for 07:30");
    engine
}

const HOUR: i64 = 3_600_000;

fn clock_at(moment: u64, utc: i64) -> Now {
    Now {
        moment: Moment(moment),
        utc: UtcMillis(utc),
    }
}

#[test]
fn a_clock_that_is_set_back_brings_no_time_twice() {
    let mut engine = at_half_past_seven();
    let half_hour = 1_800_000;
    let outcome = engine.wake(clock_at(half_hour, 7 * HOUR + HOUR / 2));
    assert_eq!(
        (outcome.actions.len(), &*outcome.traces[0].because),
        (1, "it is 07:30")
    );
    for minutes in 0..90 {
        let outcome = engine.wake(clock_at(
            half_hour + minutes * 60_000,
            7 * HOUR + minutes as i64 * 60_000,
        ));
        assert!(outcome.actions.is_empty(), "{minutes}");
    }
    let tomorrow = engine.wake(clock_at(90_000_000, 31 * HOUR + HOUR / 2));
    assert_eq!(tomorrow.actions.len(), 1);
}

#[test]
fn a_time_that_was_slept_through_is_told_and_not_made_up_for() {
    let mut engine = at_half_past_seven();
    // It looks at the clock at least twice a minute, whatever the time is to come.
    assert_eq!(engine.next_wake(), Some(Moment(30_000)));
    let outcome = engine.wake(clock_at(30_000, 9 * HOUR));
    assert!(outcome.actions.is_empty());
    assert!(
        outcome.traces[0]
            .because
            .starts_with("it was 07:30 1h30m ago")
    );
    // A little late is not over.
    let outcome = engine.wake(clock_at(60_000, 31 * HOUR + HOUR / 2 + 59_000));
    assert_eq!(outcome.actions.len(), 1);
}
