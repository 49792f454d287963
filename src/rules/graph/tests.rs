//! Small houses with and without circles.

use proptest::prelude::*;

use super::*;
use crate::broker::Qos;
use crate::home::{Thing, Value};
use crate::rules::pattern::Pattern;
use crate::rules::{
    ActionSettings, Arm, Channel, KeepSettings, NotifySettings, Subject, Test, TriggerSettings,
};

fn rule(name: &str, when: TriggerSettings, then: Vec<ActionSettings>) -> RuleSettings {
    RuleSettings {
        when: vec![when],
        then,
        ..RuleSettings::new(name)
    }
}

fn on(topic: &str) -> TriggerSettings {
    TriggerSettings::topic(topic, Test::Is(Value::Switch(true)))
}

fn change(topic: &str) -> TriggerSettings {
    TriggerSettings::topic(topic, Test::Changes)
}

fn set(thing: &str, to: &str) -> ActionSettings {
    ActionSettings::Set {
        thing: thing.to_owned(),
        to: to.to_owned(),
    }
}

fn publish(topic: &str, payload: &str) -> ActionSettings {
    ActionSettings::Publish {
        topic: topic.to_owned(),
        payload: payload.to_owned(),
        qos: Qos::AtMostOnce,
        retain: false,
    }
}

fn paths(rules: &[RuleSettings]) -> Vec<String> {
    cycles(rules).into_iter().map(|cycle| cycle.path).collect()
}

#[test]
fn two_rules_that_start_each_other_are_named_with_their_topics() {
    let rules = [
        rule("B", on("home/x/lamp"), vec![publish("y", "1")]),
        rule("C", change("z"), vec![publish("w", "1")]),
        rule("A", change("y"), vec![set("home/x/lamp", "on")]),
    ];
    assert_eq!(
        cycles(&rules),
        [Cycle {
            rules: vec![0, 2],
            path: "`B` publishes y, which `A` waits for; \
                   `A` sets home/x/lamp, which `B` waits for"
                .to_owned(),
        }]
    );
    let problems = problems(&rules);
    assert_eq!(problems.len(), 1);
    assert_eq!((problems[0].rule, problems[0].at), (0, Where::Name));
    assert_eq!(problems[0].other.as_ref().map(|(other, _)| *other), Some(2));
    assert!(
        problems[0]
            .hint
            .as_ref()
            .unwrap()
            .contains("allow_cycle = 1")
    );
}

#[test]
fn a_payload_that_fires_nothing_breaks_the_circle() {
    let off = [
        rule("A", change("y"), vec![set("home/x/lamp", "off")]),
        rule("B", on("home/x/lamp"), vec![publish("y", "1")]),
    ];
    assert_eq!(paths(&off), [""; 0]);
    assert_eq!(lines(&off), ["B → y → A"]);
}

#[test]
fn a_rule_that_allows_it_makes_its_circles_fine_and_no_others() {
    let mut rules = [
        rule("A", change("a"), vec![publish("b", "1")]),
        rule("B", change("b"), vec![publish("a", "1"), publish("c", "1")]),
        rule("C", change("c"), vec![publish("d", "1")]),
        rule("D", change("d"), vec![publish("b", "1")]),
    ];
    rules[0].allow_cycle = 1;
    // One circle of the group is allowed; the other one is not.
    let problem = &problems(&rules)[0];
    assert_eq!((problem.rule, problem.other.as_ref().unwrap().0), (1, 2));
    rules[1].allow_cycle = 1;
    assert_eq!(problems(&rules), []);
    assert_eq!(cycles(&rules).len(), 1);
}

#[test]
fn a_rule_may_feed_itself_by_way_of_anything_it_says() {
    let nested = |action| ActionSettings::Choose {
        arms: vec![Arm {
            condition: "true".to_owned(),
            then: vec![ActionSettings::Repeat {
                times: 2,
                condition: None,
                body: vec![action],
            }],
        }],
        otherwise: Vec::new(),
    };
    let notice = ActionSettings::Notify(NotifySettings {
        message: "hello".to_owned(),
        title: None,
        to: Channel::Topic("home/x/lamp/set".to_owned()),
        timeout: std::time::Duration::ZERO,
        retries: 0,
    });
    let scene = ActionSettings::Scene(vec![(Thing::new("x", "lamp"), "on".to_owned())]);
    let at_set = |action| rule("A", change("home/x/lamp/set"), vec![action]);
    for action in [
        set("home/x/lamp", "on"),
        scene,
        notice,
        publish("home/{{ topic }}/lamp/set", "x"),
    ] {
        assert_eq!(cycles(&[at_set(nested(action))])[0].rules, [0]);
    }
    // The thing answers what it was told, however that was said.
    let at_state = |action| rule("A", on("home/x/lamp"), vec![action]);
    for action in [
        set("home/x/{{ 'lamp' }}", "{{ payload }}"),
        publish("home/x/lamp/set", "on"),
    ] {
        assert_eq!(cycles(&[at_state(action)])[0].rules, [0]);
    }
    assert_eq!(
        paths(&[at_state(set("home/x/lamp", "on"))]),
        ["`A` sets home/x/lamp, which `A` waits for"]
    );
    for action in [
        ActionSettings::Enable("A".to_owned()),
        ActionSettings::Stop,
        publish("home/x/lam", "on"),
    ] {
        assert_eq!(paths(&[at_state(action)]), [""; 0]);
    }
}

#[test]
fn patterns_and_conditions_of_a_keep_listen_and_those_of_an_if_do_not() {
    let trigger = TriggerSettings {
        subject: Subject::Matches(Pattern::parse("home/{room}/lamp").unwrap()),
        ..on("")
    };
    let mut all = rule("All", trigger, vec![publish("mode", "night")]);
    all.condition = Some("value('home/x/pump') == 'on'".to_owned());
    let keep = |condition: &str| RuleSettings {
        keep: Some(KeepSettings {
            thing: Thing::new("x", "pump"),
            at: "on".to_owned(),
            condition: Some(condition.to_owned()),
            inverted: false,
            otherwise: None,
        }),
        ..RuleSettings::new("Pump")
    };
    let lamp = rule("Lamp", on("home/x/pump"), vec![set("home/x/lamp", "on")]);
    let rules = [all.clone(), keep("value('mode') == 'night'"), lamp.clone()];
    assert_eq!(
        paths(&rules),
        ["`All` publishes mode, which `Pump` looks at; \
          `Pump` keeps home/x/pump, which `Lamp` waits for; \
          `Lamp` sets home/x/lamp, which `All` waits for"]
    );
    assert_eq!(
        paths(&[all, keep("value('other') == 'night'"), lamp]),
        [""; 0]
    );
    // It does not look at its own thing's state unless it asks.
    assert_eq!(paths(&[keep("value('mode') == 'night'")]), [""; 0]);
    assert_eq!(paths(&[keep("value('home/x/pump') != 'on'")]).len(), 1);
}

#[test]
fn the_picture_shows_topics_payloads_and_circles() {
    let rules = [
        rule("A \"1\"", change("y"), vec![set("home/x/lamp", "on")]),
        rule("B", on("home/x/lamp"), vec![publish("y", "{{ topic }}")]),
    ];
    insta::assert_snapshot!(dot(&rules));
    assert_eq!(
        lines(&rules),
        ["A \"1\" → home/x/lamp → B", "B → y → A \"1\""]
    );
}

#[test]
fn a_large_house_is_looked_through_at_once() {
    let next = |n: usize| (n + 1) % 3000;
    let ring = |n: usize| {
        rule(
            "R",
            change(&format!("t{n}")),
            vec![publish(&format!("t{}", next(n)), "x")],
        )
    };
    let rules: Vec<RuleSettings> = (0..3000).map(ring).collect();
    assert_eq!(cycles(&rules)[0].rules.len(), 3000);
}

proptest! {
    /// Every circle that is told is one, and where there is one, one is told.
    #[test]
    fn what_is_found_is_what_there_is(links in prop::collection::vec((0..7usize, 0..7usize), 0..14)) {
        let rules: Vec<RuleSettings> = (0..7)
            .map(|n| {
                let says = links.iter().filter(|(from, _)| *from == n);
                let then = says.map(|(_, to)| publish(&format!("t{to}"), "x")).collect();
                rule(&format!("R{n}"), change(&format!("t{n}")), then)
            })
            .collect();
        let found = cycles(&rules);
        for cycle in &found {
            let next = cycle.rules.iter().cycle().skip(1);
            for (from, to) in cycle.rules.iter().zip(next) {
                prop_assert!(links.contains(&(*from, *to)));
            }
        }
        // Rules that nobody starts, or that start nobody, are in no circle.
        let mut left: Vec<usize> = (0..7).collect();
        loop {
            let linked = |rule: &usize| {
                links.iter().any(|(from, to)| from == rule && left.contains(to))
                    && links.iter().any(|(from, to)| to == rule && left.contains(from))
            };
            let kept: Vec<usize> = left.iter().copied().filter(linked).collect();
            if kept.len() == left.len() {
                break;
            }
            left = kept;
        }
        prop_assert_eq!(found.is_empty(), left.is_empty());
    }
}
