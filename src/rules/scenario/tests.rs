//! Scenarios that pass, and what a failing one tells.

use super::*;
use crate::home::{Thing, Value};
use crate::rules::compile::compile;
use crate::rules::rule::{
    ActionSettings, Channel, Expectation, Expected, NotifySettings, RuleSettings, Subject, Test,
    TriggerSettings,
};

const TEMPERATURE: &str = "home/greenhouse/temperature";
const FAN: &str = "home/greenhouse/fan/set";

fn fan_rule() -> Arc<Rule> {
    let settings = RuleSettings {
        when: vec![TriggerSettings {
            subject: Subject::Topic(TEMPERATURE.to_owned()),
            test: Test::Above {
                limit: 28.0,
                until_below: 26.5,
            },
            hold: seconds(30),
        }],
        condition: Some("value('home/greenhouse/window') != 'open'".to_owned()),
        then: vec![ActionSettings::Set {
            thing: Thing::new("greenhouse", "fan").topic(),
            to: "on".to_owned(),
        }],
        ..RuleSettings::new("Fan on when hot")
    };
    Arc::new(compile(0, &settings).unwrap())
}

fn seconds(n: u64) -> Duration {
    Duration::from_secs(n)
}

fn given(messages: &[(u64, &str, &str)]) -> Vec<Given> {
    let give =
        |(at, topic, payload): &(u64, &str, &str)| Given::message(seconds(*at), topic, payload);
    messages.iter().map(give).collect()
}

fn fan(payload: &str, after: u64, before: Option<u64>) -> Expectation {
    Expectation {
        after: seconds(after),
        before: before.map(seconds),
        ..Expectation::message(FAN, Some(payload))
    }
}

fn scenario(messages: &[(u64, &str, &str)]) -> Scenario {
    Scenario {
        name: "test".to_owned(),
        starts: None,
        given: given(messages),
        expect: Vec::new(),
        expect_not: Vec::new(),
    }
}

#[test]
fn what_is_expected_happens() {
    let mut test = scenario(&[(0, TEMPERATURE, "29")]);
    test.expect = vec![fan("on", 30, Some(30))];
    test.expect_not = vec![fan("on", 0, Some(29)), fan("off", 0, None)];
    assert_eq!(run(&fan_rule(), &test), Ok(()));
}

#[test]
fn a_short_spike_does_nothing() {
    let mut test = scenario(&[(0, TEMPERATURE, "29"), (20, TEMPERATURE, "25")]);
    test.expect_not = vec![fan("on", 0, Some(600))];
    assert_eq!(run(&fan_rule(), &test), Ok(()));
}

#[test]
fn a_failure_tells_what_was_expected_and_all_that_happened() {
    let mut test = scenario(&[
        // Given in any order.
        (50, TEMPERATURE, "25"),
        (0, "home/greenhouse/window", "shut"),
        (5, TEMPERATURE, "28.4"),
    ]);
    test.expect = vec![fan("off", 0, Some(3600))];
    test.expect_not = vec![fan("on", 0, None)];
    let failure = run(&fan_rule(), &test).unwrap_err();
    let text = failure.to_string();
    assert_eq!(
        text.lines().collect::<Vec<_>>(),
        [
            "expected home/greenhouse/fan/set = off from 0s to 1h, but there was only on at 35s; \
             expected no home/greenhouse/fan/set = on from 0s to 1h50s, but on was sent at 35s",
            " 0s    waiting: waiting for home/greenhouse/temperature to rise above 28 \
             and stay there for 30s",
            " 0s  home/greenhouse/window = shut",
            " 5s  home/greenhouse/temperature = 28.4",
            " 5s    holding: home/greenhouse/temperature was found above 28 (28.4); \
             it must stay there for 30s",
            "35s    fired: home/greenhouse/temperature rose above 28 (28.4) \
             and stayed there for 30s; condition was true",
            "35s    sent home/greenhouse/fan/set = on",
            "50s  home/greenhouse/temperature = 25",
            "50s    waiting: home/greenhouse/temperature came back to 25; ready to fire again",
        ]
    );
}

#[test]
fn a_missing_message_is_said() {
    let mut test = scenario(&[
        (0, "home/greenhouse/window", "open"),
        (1, TEMPERATURE, "29"),
    ]);
    test.expect = vec![Expectation {
        before: Some(seconds(60)),
        ..Expectation::message(FAN, None)
    }];
    let failure = run(&fan_rule(), &test).unwrap_err();
    assert_eq!(
        failure.reasons,
        ["expected message to home/greenhouse/fan/set from 0s to 1m, but nothing was sent there"]
    );
    let last = failure.timeline.last().unwrap();
    assert!(last.what.contains("condition was false"), "{}", last.what);
    assert_eq!(
        failure.essence(),
        "expected message to home/greenhouse/fan/set from 0s to 1m, but nothing was sent there; \
         the rule's last decision, at 31s, was condition false: \
         home/greenhouse/temperature rose above 28 (29) and stayed there for 30s; \
         condition was false, so nothing was done"
    );
}

#[test]
fn a_rule_hears_itself_and_is_stopped() {
    let settings = RuleSettings {
        when: ["on", "off"]
            .map(|state| TriggerSettings {
                subject: Subject::Topic("home/a/b/set".to_owned()),
                test: Test::Is(Value::parse(state)),
                hold: Duration::ZERO,
            })
            .to_vec(),
        then: ["on", "off"]
            .map(|to| ActionSettings::Set {
                thing: Thing::new("a", "b").topic(),
                to: to.to_owned(),
            })
            .to_vec(),
        ..RuleSettings::new("echo")
    };
    let rule = Arc::new(compile(0, &settings).unwrap());
    let mut test = scenario(&[(0, "home/a/b/set", "on")]);
    test.expect = vec![fan("on", 0, None)];
    let failure = run(&rule, &test).unwrap_err();
    let sent = failure
        .timeline
        .iter()
        .filter(|e| e.what.starts_with("  sent"));
    assert_eq!(sent.count(), 2);
    let told = "that was the work of echo, so this rule triggers itself: it is off for 1m";
    assert!(failure.to_string().contains(told), "{failure}");
}

fn told(part: &str, times: Option<usize>) -> Expectation {
    Expectation {
        what: Expected::Notice(part.to_owned()),
        times,
        ..fan("on", 0, None)
    }
}

#[test]
fn a_word_at_a_topic_is_told_to_people_too() {
    let settings = RuleSettings {
        when: vec![TriggerSettings::topic("bell", Test::Comes)],
        then: vec![ActionSettings::Notify(NotifySettings {
            message: "Somebody rings".to_owned(),
            title: None,
            to: Channel::Topic("home-news".to_owned()),
            timeout: seconds(10),
            retries: 3,
        })],
        ..RuleSettings::new("Bell")
    };
    let rule = Arc::new(compile(0, &settings).unwrap());
    let mut test = scenario(&[(0, "bell", "1"), (5, "bell", "1")]);
    test.expect = vec![told("rings", Some(2))];
    assert_eq!(run(&rule, &test), Ok(()));
    test.expect = vec![told("knocks", None), told("rings", Some(1))];
    assert_eq!(
        run(&rule, &test).unwrap_err().reasons,
        [
            "expected notification with `knocks` from 0s to 1h5s, but there was only \
             Somebody rings at 0s, Somebody rings at 5s",
            "expected notification with `rings` from 0s to 1h5s once, but it was sent twice: \
             Somebody rings at 0s, Somebody rings at 5s",
        ]
    );
}

#[test]
fn a_test_that_goes_on_for_too_long_is_given_up() {
    let mut settings = RuleSettings::new("Blink");
    settings.at_start = true;
    settings.then = vec![ActionSettings::Repeat {
        times: 1000,
        condition: None,
        body: vec![ActionSettings::Repeat {
            times: 1000,
            condition: None,
            body: vec![ActionSettings::Delay(seconds(1))],
        }],
    }];
    let rule = Arc::new(compile(0, &settings).unwrap());
    let mut never = Expectation::message("never", None);
    let mut scenario = Scenario {
        name: "blinks".to_owned(),
        starts: None,
        given: Vec::new(),
        expect: Vec::new(),
        expect_not: vec![never.clone()],
    };
    assert_eq!(run(&rule, &scenario), Ok(()));
    never.before = Some(seconds(86_400));
    scenario.expect_not = vec![never];
    let failure = run(&rule, &scenario).unwrap_err();
    assert!(
        failure.reasons[0].starts_with("the test was given up at 6h"),
        "{failure}"
    );
    assert_eq!(failure.reasons.len(), 1);
}
