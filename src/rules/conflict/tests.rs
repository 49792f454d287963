//! Pairs of rules that agree, and pairs that do not.

use super::*;
use crate::home::Thing;

fn keep(name: &str, at: &str, condition: &str) -> RuleSettings {
    RuleSettings {
        keep: Some(KeepSettings {
            thing: Thing::new("pond", "pump"),
            at: at.to_owned(),
            condition: (!condition.is_empty()).then(|| condition.to_owned()),
            inverted: false,
            otherwise: None,
        }),
        ..RuleSettings::new(name)
    }
}

fn said(rules: &[RuleSettings]) -> Vec<String> {
    problems(rules)
        .into_iter()
        .map(|problem| problem.message)
        .collect()
}

fn pair(a: &str, b: &str) -> Vec<String> {
    said(&[keep("A", "on", a), keep("B", "off", b)])
}

#[test]
fn an_example_tells_when_both_hold() {
    let rules = [
        keep(
            "Fill",
            "on",
            "value('level') < 6 && value('mode') == 'auto'",
        ),
        keep("Save", "off", "value('level') > 4"),
    ];
    let problems = problems(&rules);
    assert_eq!(
        problems[0].message,
        "`Fill` keeps home/pond/pump at on and `Save` at off: \
         both hold when level is 5 and mode is auto"
    );
    assert_eq!((problems[0].rule, problems[0].at), (0, Where::Keep));
    let other = (1, "this one keeps it at off".to_owned());
    assert_eq!(problems[0].other, Some(other));
}

#[test]
fn conditions_that_exclude_each_other_are_fine() {
    for (a, b) in [
        ("value('level') < 5", "value('level') >= 5"),
        ("value('level') < 5", "value('level') > 5"),
        (
            "value('mode') == 'auto'",
            "value('mode') in ['hand', 'off']",
        ),
        ("value('x') == 'on'", "value('x') != 'on'"),
        ("between('22:00', '06:00')", "between('06:00', '22:00')"),
        (
            "between('22:00', '06:00') && value('x') == 'on'",
            "hour() == 12",
        ),
        ("value('a') > value('b')", "value('a') < value('b')"),
        ("value('x') != null", "age('x') == null"),
        ("age('x') < 60", "age('x') > 60"),
        ("false", ""),
    ] {
        assert_eq!(pair(a, b), [""; 0], "{a} / {b}");
    }
}

#[test]
fn conditions_that_overlap_are_found() {
    for (a, b) in [
        ("", "value('x') == 'on'"),
        ("value('level') <= 5", "value('level') >= 5"),
        ("value('level') > -3.5", "value('level') < -2.5"),
        ("value('a') > value('b')", "value('b') > 20"),
        ("value('a') - value('b') > 5", "value('a') == 40"),
        ("value('a') + value('b') > 30", "value('a') < 3"),
        ("value('mode').startsWith('aut')", "value('x') == 3"),
        ("age('x') > 60", "value('x') == 'on'"),
        ("value('x') == null", "age('x') == null"),
        (
            "!(value('x') == 'open')",
            "value('x') == 'ajar' ? true : false",
        ),
    ] {
        assert_eq!(pair(a, b).len(), 1, "{a} / {b}");
        assert_eq!(pair(b, a).len(), 1, "{b} / {a}");
    }
    assert!(pair("", "")[0].ends_with("both hold at all times"));
}

#[test]
fn unless_and_otherwise_count() {
    let mut night = keep("Night", "on", "value('mode') == 'night'");
    let day = keep("Day", "off", "value('mode') == 'day'");
    assert_eq!(said(&[night.clone(), day.clone()]), [""; 0]);
    night.keep.as_mut().unwrap().otherwise = Some("dim".to_owned());
    assert_eq!(
        said(&[night.clone(), day.clone()]),
        ["`Night` keeps home/pond/pump at dim and `Day` at off: both hold when mode is day"]
    );
    let keep = night.keep.as_mut().unwrap();
    (keep.otherwise, keep.inverted) = (None, true);
    assert_eq!(said(&[night, day]).len(), 1);
}

#[test]
fn one_level_other_things_and_what_cannot_be_read_are_no_conflict() {
    assert_eq!(said(&[keep("A", "on", ""), keep("B", "ON", "")]), [""; 0]);
    let mut other = keep("B", "off", "");
    other.keep.as_mut().unwrap().thing = Thing::new("pond", "light");
    assert_eq!(said(&[keep("A", "on", ""), other]), [""; 0]);
    assert_eq!(pair("valeu('x') == 1", ""), [""; 0]);
    assert_eq!(said(&[keep("A", "on", "")]), [""; 0]);
}

#[test]
fn every_pair_of_three_is_told() {
    let rules = [keep("A", "1", ""), keep("B", "2", ""), keep("C", "3", "")];
    assert_eq!(said(&rules).len(), 3);
}

/// More combinations than can be tried, and yet an overlap that most of them show.
#[test]
fn many_inputs_are_sampled() {
    let text: Vec<String> = (0..12).map(|n| format!("value('t{n}') > {n}")).collect();
    let either = text.join(" || ");
    assert_eq!(pair(&either, "value('x') != 'off'").len(), 1);
}

#[test]
fn two_times_that_overlap_are_told_with_one() {
    let told = pair(
        "between('22:00', '06:00')",
        "hour() < 7 && value('x') == 'on'",
    );
    assert_eq!(
        told,
        [
            "`A` keeps home/pond/pump at on and `B` at off: both hold when it is 00:00 on Thursday, \
          1 January and x is on"
        ]
    );
}
