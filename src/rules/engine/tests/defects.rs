//! What once went wrong, each by name.

use std::collections::BTreeMap;

use super::*;
use crate::rules::rule::{AfterDowntime, KeepSettings, Mode, OnTimeout, Rate};

fn seconds(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

fn comes(topic: &str) -> TriggerSettings {
    trigger(topic, Test::Comes, 0)
}

fn publish(topic: &str, payload: &str) -> ActionSettings {
    ActionSettings::Publish {
        topic: topic.to_owned(),
        payload: payload.to_owned(),
        qos: Qos::AtMostOnce,
        retain: false,
    }
}

fn acting(name: &str, then: Vec<ActionSettings>) -> RuleSettings {
    RuleSettings {
        then,
        ..rule(name, vec![comes("go")], None)
    }
}

fn keeping(condition: Option<&str>) -> RuleSettings {
    RuleSettings {
        keep: Some(KeepSettings {
            thing: Thing::new("pond", "pump"),
            at: "on".to_owned(),
            condition: condition.map(str::to_owned),
            inverted: false,
            otherwise: None,
        }),
        then: Vec::new(),
        ..rule("Keep", vec![], None)
    }
}

fn wait(condition: &str, timeout: u64) -> ActionSettings {
    ActionSettings::WaitFor {
        condition: condition.to_owned(),
        timeout: seconds(timeout),
        on_timeout: OnTimeout::Stop,
    }
}

fn payloads(outcome: &Outcome) -> Vec<&str> {
    outcome.actions.iter().map(|a| &*a.payload).collect()
}

fn rules(settings: &[RuleSettings]) -> Vec<Arc<Rule>> {
    let all = settings.iter().enumerate();
    all.map(|(n, rule)| Arc::new(compile(n, rule).unwrap()))
        .collect()
}

/// How often the engine wakes until then.
fn wakes(engine: &mut Engine, until: u64) -> usize {
    let mut wakes = 0;
    while let Some(due) = engine.next_wake().filter(|due| due.0 <= until) {
        engine.wake(now(due.0));
        wakes += 1;
    }
    wakes
}

#[test]
fn messages_at_odd_times_do_not_multiply_the_looks_at_a_condition() {
    let busy = "age('t') > 1000";
    let waits = acting("Wait", vec![wait(busy, 3600), publish("x", "1")]);
    let mut engine = engine(&[keeping(Some(busy)), waits]);
    engine.start([], now(0));
    say(&mut engine, 1, "go", "1");
    for at in 0..997 {
        say(&mut engine, 2 + at, "t", "1");
    }
    // One look each second, of both rules at once.
    assert_eq!(wakes(&mut engine, 100_000), 100);
}

#[test]
fn what_asks_the_clock_is_looked_at_when_the_minute_changes() {
    let night = keeping(Some("between('00:20', '00:30')"));
    let mut engine = engine(&[night]);
    let at = |moment: u64| clock_at(moment, i64::try_from(moment).unwrap() + 7_000);
    engine.start([], at(0));
    let mut said = Vec::new();
    let mut wakes = 0;
    while let Some(due) = engine.next_wake().filter(|due| due.0 < 1_200_000) {
        let outcome = engine.wake(at(due.0));
        said.extend(outcome.actions.iter().map(|_| due.0));
        wakes += 1;
    }
    assert_eq!(said[0], 1_193_000);
    assert!(wakes < 70, "{wakes}");
}

#[test]
fn a_rule_that_may_not_begin_anew_goes_on() {
    let off = vec![
        publish("x", "begun"),
        ActionSettings::Delay(seconds(60)),
        publish("x", "off"),
    ];
    let rule = RuleSettings {
        mode: Mode::Restart,
        rate: Rate {
            times: 1,
            per: seconds(3600),
        },
        ..acting("Lamp", off)
    };
    let mut engine = engine(&[rule]);
    say(&mut engine, 0, "go", "1");
    assert!(say(&mut engine, 30_000, "go", "1").actions.is_empty());
    assert_eq!(payloads(&engine.wake(now(60_000))), ["off"]);
}

#[test]
fn those_that_waited_for_their_turn_are_counted_too() {
    let rule = RuleSettings {
        mode: Mode::Queued { max: 10 },
        rate: Rate {
            times: 2,
            per: seconds(3600),
        },
        ..acting(
            "Bell",
            vec![publish("x", "1"), ActionSettings::Delay(seconds(1))],
        )
    };
    let mut engine = engine(&[rule]);
    let mut said = 0;
    for _ in 0..5 {
        said += say(&mut engine, 0, "go", "1").actions.len();
    }
    while let Some(due) = engine.next_wake() {
        said += engine.wake(now(due.0)).actions.len();
    }
    assert_eq!(said, 2);
}

#[test]
fn nothing_waits_for_its_turn_in_a_rule_that_tripped() {
    let rule = RuleSettings {
        mode: Mode::Queued { max: 10 },
        ..acting(
            "Echo",
            vec![publish("go", "x"), ActionSettings::Delay(seconds(5))],
        )
    };
    let mut engine = engine(&[rule]);
    say(&mut engine, 0, "go", "1");
    say(&mut engine, 1, "go", "2");
    // Its own words.
    let outcome = say(&mut engine, 2, "go", "x");
    assert!(outcome.traces[0].because.contains("triggers itself"));
    let queue = |engine: &Engine| engine.memories(now(2))["Echo"].queue.len();
    assert_eq!(queue(&engine), 0);
    let outcome = say(&mut engine, 70_000, "go", "3");
    assert_eq!(outcome.actions.len(), 1);
}

#[test]
fn a_turn_comes_though_what_was_waited_for_was_dropped() {
    let rule = RuleSettings {
        mode: Mode::Queued { max: 10 },
        after_downtime: AfterDowntime::Skip,
        ..acting(
            "Bell",
            vec![
                publish("x", "{{ payload }}"),
                ActionSettings::Delay(seconds(5)),
            ],
        )
    };
    let mut engine = engine(std::slice::from_ref(&rule));
    let outcome = say(&mut engine, 0, "go", "1");
    engine.said(&outcome.actions[0], now(0));
    say(&mut engine, 1, "go", "2");
    // Long after the message of the first one has gone out.
    engine.wake(now(2000));
    let memories = engine.memories(now(2000));
    let mut engine = super::engine(&[rule]);
    let later = now(3_600_000);
    engine.resume(memories, Gap::Known, later);
    assert_eq!(payloads(&engine.start([], later)), ["2"]);
}

#[test]
fn a_keep_that_is_turned_on_again_says_its_level_at_once() {
    let mut engine = engine(&[keeping(None)]);
    assert_eq!(engine.start([], now(0)).actions.len(), 1);
    say(&mut engine, 1000, "hearth/rule/keep/set", "disabled");
    assert_eq!(engine.next_wake(), None);
    let outcome = say(&mut engine, 2000, "hearth/rule/keep/set", "enabled");
    assert_eq!(outcome.actions.len(), 1);
    assert_eq!(engine.next_wake(), Some(Moment(7000)));
}

#[test]
fn a_press_of_yesterday_does_not_start_a_rule_that_was_edited() {
    let pressed = |to: &str| acting("Night", vec![publish("x", to)]);
    let mut engine = engine(&[pressed("1")]);
    assert_eq!(say(&mut engine, 0, "go", "1").actions.len(), 1);
    let outcome = engine.replace(rules(&[pressed("2")]), [], now(1000));
    assert_eq!(outcome.actions, []);
    // Nor does what is found at a start.
    let mut engine = super::engine(&[pressed("1")]);
    let found = Event {
        topic: "go",
        payload: b"1",
        received: now(0).utc,
    };
    assert_eq!(engine.start([found], now(5)).actions, []);
}

#[test]
fn silence_is_counted_over_a_change_of_the_rule() {
    let quiet = |name: &str| rule(name, vec![trigger("t", Test::Quiet, 60_000)], None);
    let mut engine = engine(&[quiet("A")]);
    engine.start([], now(0));
    say(&mut engine, 10_000, "t", "1");
    engine.replace(rules(&[quiet("B")]), [], now(40_000));
    assert_eq!(engine.next_wake(), Some(Moment(70_000)));
}

#[test]
fn a_rate_is_counted_over_a_reload() {
    let rule = RuleSettings {
        rate: Rate {
            times: 1,
            per: seconds(3600),
        },
        ..acting("Bell", vec![publish("x", "1")])
    };
    let mut engine = engine(std::slice::from_ref(&rule));
    assert_eq!(say(&mut engine, 0, "go", "1").actions.len(), 1);
    engine.replace(rules(&[rule]), [], now(1000));
    assert_eq!(say(&mut engine, 2000, "go", "1").actions, []);
}

#[test]
fn a_memory_is_handed_out_once_for_thousands_of_topics() {
    let pattern = crate::rules::pattern::Pattern::parse("home/{room}/t").unwrap();
    let hot = TriggerSettings {
        subject: Subject::Matches(pattern),
        test: above(28.0, 28.0),
        hold: seconds(60),
    };
    let mut engine = engine(&[rule("Hot", vec![hot], None)]);
    let topics: Vec<String> = (0..5000).map(|n| format!("home/{n}/t")).collect();
    let found = topics.iter().map(|topic| Event {
        topic,
        payload: b"30",
        received: now(0).utc,
    });
    let outcome = engine.start(found, now(0));
    assert_eq!(outcome.records.len(), 1);
    let memory = outcome.records[0].memory.as_ref().unwrap();
    assert_eq!(memory.triggers.len(), 5000);
}

#[test]
fn what_may_not_have_gone_out_is_remembered_each_for_a_while() {
    let rule = acting(
        "Wait",
        vec![
            publish("x", "{{ payload }}"),
            ActionSettings::Delay(seconds(600)),
        ],
    );
    let rule = RuleSettings {
        mode: Mode::Parallel { max: 10 },
        ..rule
    };
    let mut engine = engine(&[rule]);
    let mut unsaid = BTreeMap::new();
    for at in [0, 200, 250, 400, 450] {
        let outcome = match at {
            0 | 200 => say(&mut engine, at, "go", at.to_string()),
            _ => engine.wake(now(at)),
        };
        for action in &outcome.actions {
            engine.said(action, now(at));
        }
        let memory = &engine.memories(now(at))["Wait"];
        let payloads = memory.unsaid.iter().map(|u| u.payload.to_string());
        unsaid.insert(at, payloads.collect::<Vec<_>>().join(" "));
    }
    let unsaid: Vec<&str> = unsaid.values().map(String::as_str).collect();
    assert_eq!(unsaid, ["0", "0 200", "200", "200", ""]);
}

fn matching(name: &str, pattern: &str) -> RuleSettings {
    let pattern = crate::rules::pattern::Pattern::parse(pattern).unwrap();
    let each = TriggerSettings {
        subject: Subject::Matches(pattern),
        ..comes("")
    };
    RuleSettings {
        then: vec![publish("x", name)],
        ..rule(name, vec![each], None)
    }
}

#[test]
fn a_topic_that_one_rule_names_is_heard_by_the_pattern_of_another() {
    let named = rule("Named", vec![trigger("t/a", Test::Quiet, 60_000)], None);
    let mut engine = engine(&[named, matching("All", "t/{room}")]);
    assert_eq!(say(&mut engine, 0, "t/a", "1").actions.len(), 1);
    assert_eq!(say(&mut engine, 0, "t/a", "1").actions.len(), 1);
    assert_eq!(say(&mut engine, 0, "t/b", "1").actions.len(), 1);
}

#[test]
fn what_one_rule_remembers_of_a_topic_does_not_hide_it_from_another() {
    let waits = RuleSettings {
        then: vec![publish("x", "A"), ActionSettings::Delay(seconds(1))],
        ..matching("A", "t/{room}")
    };
    let both = [waits, matching("B", "t/+")];
    let mut engine = engine(&both);
    let outcome = say(&mut engine, 0, "t/a", "1");
    let memories = outcome.records.into_iter();
    let memories = memories.filter_map(|r| Some((r.rule, r.memory?))).collect();
    let mut engine = super::engine(&both);
    engine.resume(memories, Gap::Known, now(10_000));
    engine.start([], now(10_000));
    engine.wake(now(11_000));
    assert_eq!(payloads(&say(&mut engine, 12_000, "t/a", "1")), ["A", "B"]);
}

#[test]
fn a_new_rule_finds_what_another_ones_pattern_has_brought_in() {
    let pattern = |name: &str| {
        let settings = matching(name, "t/{room}");
        RuleSettings {
            when: vec![TriggerSettings {
                test: above(28.0, 28.0),
                ..settings.when[0].clone()
            }],
            ..settings
        }
    };
    let mut engine = engine(&[pattern("A")]);
    assert_eq!(payloads(&say(&mut engine, 0, "t/a", "30")), ["A"]);
    let outcome = engine.replace(rules(&[pattern("A"), pattern("B")]), [], now(1000));
    assert_eq!(payloads(&outcome), ["B"]);
}
