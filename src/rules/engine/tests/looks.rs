//! Conditions that time may change are looked at once a second, not more often.

use super::*;
use crate::rules::rule::{KeepSettings, OnTimeout};

/// How often the rules wake up by themselves within ten seconds, after messages that
/// came at many parts of a second.
fn looks(settings: RuleSettings) -> usize {
    let mut engine = engine(&[settings]);
    engine.start([], now(0));
    say(&mut engine, 0, "home/r/fan", "off");
    for n in 0..50_u64 {
        while let Some(due) = engine.next_wake().filter(|due| due.0 <= n * 137) {
            engine.wake(now(due.0));
        }
        say(&mut engine, n * 137, "t", n.to_string());
    }
    let (from, mut looks) = (50 * 137, 0);
    while let Some(due) = engine.next_wake().filter(|due| due.0 <= from + 10_000) {
        engine.wake(now(due.0));
        looks += 1;
    }
    looks
}

#[test]
fn a_keep_is_looked_at_once_a_second_however_much_is_said() {
    let settings = RuleSettings {
        keep: Some(KeepSettings {
            thing: Thing::new("r", "fan"),
            at: "on".to_owned(),
            condition: Some("value('t') > 1000 && age('t') < 10000".to_owned()),
            inverted: false,
            otherwise: None,
        }),
        ..RuleSettings::new("keep")
    };
    let looks = looks(settings);
    assert!((9..=11).contains(&looks), "{looks} looks");
}

#[test]
fn a_wait_is_looked_at_once_a_second_however_much_is_said() {
    let settings = RuleSettings {
        then: vec![ActionSettings::WaitFor {
            condition: "value('t') > 1000 && age('t') < 10000".to_owned(),
            timeout: Duration::from_secs(3600),
            on_timeout: OnTimeout::Stop,
        }],
        ..rule(
            "wait",
            vec![trigger("t", Test::Is(Value::Number(0.0)), 0)],
            None,
        )
    };
    let looks = looks(settings);
    assert!((9..=11).contains(&looks), "{looks} looks");
}
