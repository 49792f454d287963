//! Is a rule fit to run? Everything is found before it is: at load, by
//! `hearth check` and `hearth test`.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::compile::compile;
use super::engine::Rule;
use super::rule::{
    ActionSettings, RuleProblem, RuleSettings, Subject, Test, TriggerSettings, Where, topic_problem,
};
use super::{conflict, graph, scenario};
use crate::clock::UtcMillis;
use crate::home::topic;

/// Checks rules: their words, their conditions on sample values, and their
/// own tests on a virtual clock. Empty if all is well.
pub fn check(rules: &[RuleSettings]) -> Vec<RuleProblem> {
    let mut problems = names(rules);
    problems.extend(others(rules));
    for (index, settings) in rules.iter().enumerate() {
        match compile(index, settings) {
            Ok(rule) => problems.extend(failing_tests(index, &Arc::new(rule), settings)),
            Err(mut faults) => problems.append(&mut faults),
        }
    }
    problems.extend(graph::problems(rules));
    problems.extend(conflict::problems(rules));
    problems
}

/// What is wrong with a rule before one looks into its expressions.
pub(super) fn shape(index: usize, settings: &RuleSettings) -> Vec<RuleProblem> {
    let problem = |at, message: String| RuleProblem::new(index, at, message);
    let mut problems = Vec::new();
    if !starts(settings) && settings.keep.is_none() {
        problems
            .push(problem(Where::Name, "this rule has no trigger".to_owned()).hint("add `when`"));
    }
    for (nth, trigger) in settings.when.iter().enumerate() {
        let wrong = wrong_with_trigger(trigger).err();
        problems.extend(wrong.map(|message| problem(Where::When(nth), message)));
    }
    for (nth, clock) in settings.clocks.iter().enumerate() {
        // From which moment one asks does not matter.
        let next = clock
            .schedule
            .next_after(UtcMillis::default(), &settings.place);
        if next.is_none() {
            problems.push(problem(
                Where::Clock(nth),
                format!("{} never comes", clock.text),
            ));
        }
    }
    if settings.then.is_empty() && settings.keep.is_none() {
        problems.push(problem(Where::Name, "this rule does nothing".to_owned()).hint("add `then`"));
    }
    for (nth, action) in settings.actions().enumerate() {
        let wrong = wrong_with_action(action).err();
        problems.extend(wrong.map(|message| problem(Where::Then(nth), message)));
    }
    problems
}

/// Whether anything can make the rule act.
fn starts(settings: &RuleSettings) -> bool {
    settings.at_start || !settings.when.is_empty() || !settings.clocks.is_empty()
}

/// `enable` and `disable` name rules.
fn others(rules: &[RuleSettings]) -> Vec<RuleProblem> {
    let known = |name: &str| {
        rules
            .iter()
            .any(|rule| topic::word(&rule.name) == topic::word(name))
    };
    let mut problems = Vec::new();
    for (index, rule) in rules.iter().enumerate() {
        for (nth, action) in rule.actions().enumerate() {
            let (ActionSettings::Enable(name) | ActionSettings::Disable(name)) = action else {
                continue;
            };
            if known(name) {
                continue;
            }
            let problem = RuleProblem::new(
                index,
                Where::Then(nth),
                format!("there is no rule `{name}`"),
            );
            let near = rules.iter().map(|rule| &rule.name);
            let near = near.min_by_key(|other| strsim::damerau_levenshtein(other, name));
            problems.push(problem.hint(match near {
                Some(near) => format!("did you mean `{near}`?"),
                None => "write the name of a rule".to_owned(),
            }));
        }
    }
    problems
}

/// Two rules of one name would overwrite each other's traces.
fn names(rules: &[RuleSettings]) -> Vec<RuleProblem> {
    let mut first_with: BTreeMap<String, usize> = BTreeMap::new();
    let mut problems = Vec::new();
    for (index, rule) in rules.iter().enumerate() {
        let word = topic::word(&rule.name);
        if word.is_empty() {
            let message = "a rule's name needs a letter or a digit";
            problems.push(RuleProblem::new(index, Where::Name, message));
        } else if let Some(&first) = first_with.get(&word) {
            let message = format!(
                "`{}` and `{}` would share the topic {}",
                rules[first].name,
                rule.name,
                topic::rule_last(&rule.name)
            );
            problems
                .push(RuleProblem::new(index, Where::Name, message).hint("give one another name"));
        } else {
            first_with.insert(word, index);
        }
    }
    problems
}

fn failing_tests(index: usize, rule: &Arc<Rule>, settings: &RuleSettings) -> Vec<RuleProblem> {
    let tests = settings.tests.iter().enumerate();
    tests
        .filter_map(|(nth, test)| {
            let failure = scenario::run(rule, test).err()?;
            let message = format!("the test `{}` fails: {}", test.name, failure.essence());
            let problem = RuleProblem::new(index, Where::Test(nth), message);
            Some(problem.hint("`hearth test` prints what happened, message by message"))
        })
        .collect()
}

fn wrong_with_trigger(trigger: &TriggerSettings) -> Result<(), String> {
    if let Subject::Topic(topic) = &trigger.subject {
        topic_problem(topic)?;
    }
    match trigger.test {
        Test::Above { limit, until_below } => {
            finite(limit)?;
            finite(until_below)?;
            if until_below > limit {
                return Err(format!(
                    "`until_below = {until_below}` lies above `above = {limit}`; it must not"
                ));
            }
        }
        Test::Below { limit, until_above } => {
            finite(limit)?;
            finite(until_above)?;
            if until_above < limit {
                return Err(format!(
                    "`until_above = {until_above}` lies below `below = {limit}`; it must not"
                ));
            }
        }
        Test::Is(_) | Test::IsNot(_) | Test::Changes | Test::Comes => {}
        Test::Quiet if trigger.hold.is_zero() => {
            return Err("`quiet_for` needs a time, such as \"10m\"".to_owned());
        }
        Test::Quiet => {}
    }
    Ok(())
}

fn finite(limit: f64) -> Result<(), String> {
    match limit.is_finite() {
        true => Ok(()),
        false => Err(format!("{limit} is no limit that a value can cross")),
    }
}

fn wrong_with_action(action: &ActionSettings) -> Result<(), String> {
    match action {
        ActionSettings::Set { .. } => Ok(()),
        ActionSettings::Publish { topic, .. } if topic.starts_with('$') => Err(format!(
            "`{topic}` belongs to the broker; nobody else publishes there"
        )),
        ActionSettings::Publish { topic, .. } => topic_problem(topic),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::broker::Qos;
    use crate::home::{Thing, Value};
    use crate::rules::rule::{Expectation, Given, Scenario};

    fn sound() -> RuleSettings {
        RuleSettings {
            when: vec![TriggerSettings {
                subject: Subject::Topic("home/hall/presence".to_owned()),
                test: Test::Is(Value::Switch(true)),
                hold: Duration::ZERO,
            }],
            condition: Some("value('home/hall/lux') < 20".to_owned()),
            then: vec![ActionSettings::Set {
                thing: Thing::new("hall", "lamp").topic(),
                to: "on".to_owned(),
            }],
            ..RuleSettings::new("Lamp")
        }
    }

    fn messages(rules: &[RuleSettings]) -> Vec<String> {
        let line = |p: RuleProblem| {
            format!(
                "{} {:?} {:?} {}",
                p.rule,
                p.at,
                p.within.map(|w| w.range),
                p.message
            )
        };
        check(rules).into_iter().map(line).collect()
    }

    #[test]
    fn a_sound_rule_passes() {
        assert_eq!(messages(&[sound()]), [""; 0]);
    }

    #[test]
    fn names_are_words_and_differ() {
        let (mut twin, mut nameless) = (sound(), sound());
        twin.name = "lamp!".to_owned();
        nameless.name = "…".to_owned();
        assert_eq!(
            messages(&[sound(), twin, nameless]),
            [
                "1 Name None `Lamp` and `lamp!` would share the topic hearth/rule/lamp/last",
                "2 Name None a rule's name needs a letter or a digit",
            ]
        );
    }

    #[test]
    fn every_fault_of_a_rule_is_told() {
        let mut rule = sound();
        rule.when[0].subject = Subject::Topic("home/+/presence".to_owned());
        rule.when.push(TriggerSettings {
            subject: Subject::Topic("t".to_owned()),
            test: Test::Above {
                limit: 20.0,
                until_below: 25.0,
            },
            hold: Duration::ZERO,
        });
        rule.condition = Some("valeu('home/hall/lux') < 20".to_owned());
        rule.then = vec![ActionSettings::Publish {
            topic: "$SYS/x".to_owned(),
            payload: String::new(),
            qos: Qos::AtMostOnce,
            retain: false,
        }];
        assert_eq!(
            messages(&[rule]),
            [
                "0 When(0) None `home/+/presence` stands for many topics; one is needed here",
                "0 When(1) None `until_below = 25` lies above `above = 20`; it must not",
                "0 Then(0) None `$SYS/x` belongs to the broker; nobody else publishes there",
                "0 Condition Some(0..22) there is no function `valeu`",
            ]
        );
    }

    #[test]
    fn a_failing_test_is_a_problem() {
        let mut rule = sound();
        rule.tests.push(Scenario {
            name: "dark".to_owned(),
            starts: None,
            given: vec![Given::message(Duration::ZERO, "home/hall/presence", "on")],
            expect: vec![Expectation::message("home/hall/lamp/set", Some("on"))],
            expect_not: Vec::new(),
        });
        let problems = check(&[rule]);
        assert_eq!(problems.len(), 1);
        assert_eq!(problems[0].at, Where::Test(0));
        assert!(
            problems[0].message.contains("the test `dark` fails"),
            "{}",
            problems[0].message
        );
    }
}
