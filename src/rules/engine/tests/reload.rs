//! Rules that are read again while they are at work.

use super::*;
use crate::rules::rule::Mode;

const MINUTE: u64 = 60_000;

/// Compiles rules, as they are read again.
fn read(rules: &[RuleSettings]) -> Vec<Arc<Rule>> {
    let compiled = rules.iter().enumerate();
    compiled
        .map(|(index, rule)| Arc::new(compile(index, rule).unwrap()))
        .collect()
}

fn replace(engine: &mut Engine, at: u64, rules: &[RuleSettings]) -> Outcome {
    engine.replace(read(rules), [], now(at))
}

/// The topic and payload of each message.
fn said(outcome: &Outcome) -> Vec<(&str, &str)> {
    let actions = outcome.actions.iter();
    actions.map(|a| (&*a.topic, &*a.payload)).collect()
}

fn open_for_ten_minutes() -> RuleSettings {
    let open = trigger("door", Test::Is(Value::parse("open")), 10 * MINUTE);
    rule("alarm", vec![open], None)
}

/// On at once, off after five minutes.
fn stairs() -> RuleSettings {
    let motion = trigger("motion", Test::Is(Value::Switch(true)), 0);
    let set = |to: &str| ActionSettings::Set {
        thing: "home/r/stairs".to_owned(),
        to: to.to_owned(),
    };
    RuleSettings {
        then: vec![
            set("on"),
            ActionSettings::Delay(Duration::from_millis(5 * MINUTE)),
            set("off"),
        ],
        ..rule("stairs", vec![motion], None)
    }
}

/// A rule that has nothing to do with the others.
fn other() -> RuleSettings {
    rule("other", vec![trigger("else", Test::Comes, 0)], None)
}

#[test]
fn a_hold_time_goes_on() {
    let mut engine = engine(&[open_for_ten_minutes()]);
    say(&mut engine, 0, "door", "open");
    // It is another one in the list now, too.
    let outcome = replace(&mut engine, 9 * MINUTE, &[other(), open_for_ten_minutes()]);
    assert_eq!(said(&outcome), []);
    assert_eq!(engine.next_wake(), Some(Moment(10 * MINUTE)));
    let outcome = engine.wake(now(10 * MINUTE));
    assert_eq!(said(&outcome), [("home/r/alarm/set", "on")]);
    // It has fired, and a further reload is no reason to fire again.
    let outcome = replace(&mut engine, 11 * MINUTE, &[open_for_ten_minutes()]);
    assert_eq!(said(&outcome), []);
    assert_eq!(engine.next_wake(), None);
    assert_eq!(
        said(&say(&mut engine, 12 * MINUTE, "door", "open")),
        [],
        "it is open as before"
    );
}

#[test]
fn a_break_still_ends_a_hold_time_that_went_on() {
    let mut engine = engine(&[open_for_ten_minutes()]);
    say(&mut engine, 0, "door", "open");
    replace(&mut engine, 9 * MINUTE, &[open_for_ten_minutes()]);
    say(&mut engine, 9 * MINUTE + 1, "door", "shut");
    assert_eq!(engine.next_wake(), None);
}

#[test]
fn a_delay_goes_on_and_so_does_the_queue() {
    let queued = RuleSettings {
        mode: Mode::Queued { max: 2 },
        when: vec![trigger("motion", Test::Comes, 0)],
        ..stairs()
    };
    let mut engine = engine(std::slice::from_ref(&queued));
    for second in 0..2 {
        say(&mut engine, second * 1000, "motion", "on");
    }
    let outcome = replace(&mut engine, 3 * MINUTE, &[other(), queued]);
    assert_eq!(said(&outcome), []);
    let outcome = engine.wake(now(5 * MINUTE));
    assert_eq!(
        said(&outcome),
        [("home/r/stairs/set", "off"), ("home/r/stairs/set", "on")]
    );
    assert_eq!(
        said(&engine.wake(now(10 * MINUTE))),
        [("home/r/stairs/set", "off")]
    );
    // All that is left is to forget what has gone out.
    assert_eq!(engine.wake(now(11 * MINUTE)).actions, []);
    assert_eq!(engine.next_wake(), None);
}

#[test]
fn a_changed_rule_begins_anew() {
    let mut engine = engine(&[open_for_ten_minutes(), stairs()]);
    say(&mut engine, 0, "door", "open");
    say(&mut engine, 0, "motion", "on");
    say(&mut engine, MINUTE, "motion", "off");
    let mut longer = open_for_ten_minutes();
    longer.when[0].hold = Duration::from_millis(20 * MINUTE);
    let mut brighter = stairs();
    brighter.then[1] = ActionSettings::Delay(Duration::from_millis(MINUTE));
    let outcome = replace(&mut engine, 4 * MINUTE, &[longer, brighter]);
    assert_eq!(said(&outcome), []);
    // The run that the old rule had begun is gone; the new hold time began at the reload.
    assert_eq!(said(&engine.wake(now(6 * MINUTE))), []);
    assert_eq!(engine.next_wake(), Some(Moment(24 * MINUTE)));
    let outcome = engine.wake(now(24 * MINUTE));
    assert_eq!(said(&outcome), [("home/r/alarm/set", "on")]);
}

#[test]
fn a_removed_rule_is_gone() {
    let mut engine = engine(&[open_for_ten_minutes(), stairs(), other()]);
    say(&mut engine, 0, "door", "open");
    say(&mut engine, 0, "motion", "on");
    let outcome = replace(&mut engine, MINUTE, &[other()]);
    assert_eq!(said(&outcome), []);
    assert_eq!(engine.next_wake(), None);
    assert_eq!(engine.wake(now(20 * MINUTE)), Outcome::default());
    let again = say(&mut engine, 21 * MINUTE, "motion", "on");
    assert_eq!(again, Outcome::default());
    assert!(engine.has("other") && !engine.has("alarm"));
    assert_eq!(engine.filters(), ["else", "hearth/rule/+/set"]);
    // If it is written again, it knows nothing of what it had begun.
    replace(&mut engine, 22 * MINUTE, &[stairs()]);
    assert_eq!(engine.next_wake(), None);
}

#[test]
fn a_new_rule_looks_at_the_values_that_are_there() {
    let hot = trigger("t", above(28.0, 26.5), 0);
    let fan = rule("fan", vec![hot.clone()], Some("value('window') != 'open'"));
    let log = RuleSettings {
        when: vec![hot],
        ..rule("log", Vec::new(), None)
    };
    let mut engine = engine(std::slice::from_ref(&log));
    // The engine knows `t`, which the old rule watches, and is told of `window`.
    say(&mut engine, 0, "t", "30");
    let window = Event {
        topic: "window",
        payload: b"shut",
        received: now(0).utc,
    };
    let outcome = engine.replace(read(&[log, fan]), [window], now(MINUTE));
    assert_eq!(said(&outcome), [("home/r/fan/set", "on")]);
    let told = outcome.traces.iter().map(|t| (&*t.rule, t.outcome));
    let told: Vec<_> = told.collect();
    assert!(told.contains(&("fan", Verdict::Fired)), "{told:?}");
    assert!(!told.contains(&("log", Verdict::Fired)), "{told:?}");
}

#[test]
fn a_rule_that_is_off_stays_off() {
    let mut engine = engine(&[stairs()]);
    say(&mut engine, 0, "hearth/rule/stairs/set", "disabled");
    replace(&mut engine, MINUTE, &[stairs()]);
    assert_eq!(said(&say(&mut engine, 2 * MINUTE, "motion", "on")), []);
    say(&mut engine, 3 * MINUTE, "hearth/rule/stairs/set", "enabled");
    say(&mut engine, 3 * MINUTE, "motion", "off");
    assert_eq!(
        said(&say(&mut engine, 4 * MINUTE, "motion", "on")),
        [("home/r/stairs/set", "on")]
    );
}

/// Why the rule acted.
fn why(outcome: &Outcome) -> Vec<&str> {
    let fired = outcome.traces.iter();
    let fired = fired.filter(|trace| trace.outcome == Verdict::Fired);
    fired.map(|trace| &*trace.because).collect()
}

#[test]
fn a_keep_says_for_how_long_nobody_answered() {
    let keep = crate::rules::rule::KeepSettings {
        thing: Thing::new("r", "lamp"),
        at: "on".to_owned(),
        // Time alone may change it, so it is looked at each second too.
        condition: Some("age('t') < 60".to_owned()),
        inverted: false,
        otherwise: None,
    };
    let settings = RuleSettings {
        keep: Some(keep),
        ..RuleSettings::new("lamp")
    };
    let mut engine = engine(&[settings]);
    engine.start([], now(0));
    let outcome = say(&mut engine, 0, "t", "1");
    let first = "t said 1: home/r/lamp is unknown, and it is to be on";
    assert_eq!(why(&outcome), [first]);
    for (at, waited) in [(5000, "5s"), (15_000, "10s")] {
        let mut outcome = Outcome::default();
        while let Some(next) = engine.next_wake().filter(|next| *next <= Moment(at)) {
            outcome = engine.wake(now(next.0));
        }
        let again = format!("no answer for {waited}: home/r/lamp is unknown, and it is to be on");
        assert_eq!(why(&outcome), [again]);
    }
}
