//! What a person sees of the tests of rules.

use std::time::Duration;

use super::*;
use crate::home::Thing;
use crate::rules::schedule::{At, Schedule};
use crate::rules::{
    ActionSettings, ClockSettings, Expectation, Given, Subject, Test, TriggerSettings,
};

fn greenhouse() -> RuleSettings {
    let given = |second, payload: &str| {
        Given::message(
            Duration::from_secs(second),
            "home/greenhouse/temperature",
            payload,
        )
    };
    let fan_on = |before| Expectation {
        before,
        ..Expectation::message("home/greenhouse/fan/set", Some("on"))
    };
    RuleSettings {
        when: vec![TriggerSettings {
            subject: Subject::Topic("home/greenhouse/temperature".to_owned()),
            test: Test::Above {
                limit: 28.0,
                until_below: 26.5,
            },
            hold: Duration::from_secs(30),
        }],
        condition: Some("value('home/greenhouse/window') != 'open'".to_owned()),
        then: vec![ActionSettings::Set {
            thing: Thing::new("greenhouse", "fan").topic(),
            to: "on".to_owned(),
        }],
        tests: vec![
            Scenario {
                name: "a short spike does nothing".to_owned(),
                starts: None,
                given: vec![given(0, "29"), given(20, "25")],
                expect: Vec::new(),
                expect_not: vec![fan_on(Some(Duration::from_secs(600)))],
            },
            Scenario {
                name: "at once".to_owned(),
                starts: None,
                given: vec![given(0, "29")],
                expect: vec![fan_on(Some(Duration::from_secs(10)))],
                expect_not: Vec::new(),
            },
        ],
        ..RuleSettings::new("Fan on when hot")
    }
}

fn output(filter: Option<&str>) -> (Report, String) {
    let mut out = Vec::new();
    let report = run_tests(&[greenhouse()], filter, false, &mut out).unwrap();
    (report, String::from_utf8(out).unwrap())
}

#[test]
fn each_test_has_a_line_and_a_failure_its_timeline() {
    let (report, text) = output(None);
    assert_eq!((report.passed(), report.failed()), (1, 1));
    insta::assert_snapshot!(text);
}

#[test]
fn a_filter_chooses() {
    let (report, text) = output(Some("SPIKE"));
    assert_eq!((report.passed(), report.failed()), (1, 0));
    assert!(!text.contains("at once"), "{text}");
    let (report, text) = output(Some("kitchen"));
    assert!(report.suites.is_empty());
    assert_eq!(text, "0 passed, 0 failed\n");
}

/// The test of a rule for half past seven.
fn morning(starts: Option<&str>) -> String {
    let rule = RuleSettings {
        when: Vec::new(),
        clocks: vec![ClockSettings {
            schedule: Schedule::At(At::parse("07:30").unwrap()),
            text: "07:30".to_owned(),
        }],
        condition: None,
        tests: vec![Scenario {
            name: "in the morning".to_owned(),
            starts: starts.map(|starts| starts.parse().unwrap()),
            given: Vec::new(),
            expect: vec![Expectation::message("home/greenhouse/fan/set", Some("on"))],
            expect_not: Vec::new(),
        }],
        ..greenhouse()
    };
    let mut out = Vec::new();
    run_tests(&[rule], None, false, &mut out).unwrap();
    String::from_utf8(out).unwrap()
}

#[test]
fn a_time_that_did_not_come_is_told_with_the_clock() {
    let text = morning(Some("2026-03-29T06:00"));
    assert!(text.contains("  waiting: waiting for 07:30\n"), "{text}");
    let clock = "the test's clock began at 06:00 on Sunday 2026-03-29\n";
    assert!(text.contains(clock), "{text}");
    let text = morning(None);
    assert!(
        text.contains("1970-01-01; `starts` says when it begins"),
        "{text}"
    );
    let text = morning(Some("2026-03-29T07:00"));
    assert!(text.contains("  ok      in the morning"), "{text}");
}

#[test]
fn a_rule_that_cannot_be_run_fails_its_tests_with_the_reason() {
    let mut rule = greenhouse();
    rule.condition = Some("valu(1)".to_owned());
    let mut out = Vec::new();
    let report = run_tests(&[rule], None, true, &mut out).unwrap();
    assert_eq!((report.passed(), report.failed()), (0, 2));
    let text = String::from_utf8(out).unwrap();
    assert!(
        text.contains("cannot be tested: there is no function `valu`"),
        "{text}"
    );
    assert!(text.contains("\x1b[1;31mFAILED\x1b[0m"), "{text}");
}
