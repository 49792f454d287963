//! Two rules that keep one thing at different levels at once.
//!
//! Whether they ever do is decided by trying: both expressions are judged on
//! values made from the texts and numbers that they compare with. What is found
//! is a real conflict with its example; what needs values of another kind is not
//! found.

mod samples;

use std::collections::BTreeMap;

use self::samples::{Samples, Seen};
use super::asked::{Asked, Input};
use super::rule::{KeepSettings, RuleProblem, RuleSettings, Where};
use crate::home::Value;

/// Every two rules that keep one thing at two levels.
pub fn problems(rules: &[RuleSettings]) -> Vec<RuleProblem> {
    let mut by_thing: BTreeMap<String, Vec<Keeper<'_>>> = BTreeMap::new();
    for (index, rule) in rules.iter().enumerate() {
        let keeper = rule
            .keep
            .as_ref()
            .and_then(|keep| Keeper::new(index, rule, keep));
        if let Some(keeper) = keeper {
            by_thing
                .entry(keeper.keep.thing.topic())
                .or_default()
                .push(keeper);
        }
    }
    let mut problems = Vec::new();
    for keepers in by_thing.values() {
        for (nth, one) in keepers.iter().enumerate() {
            problems.extend(
                keepers[nth + 1..]
                    .iter()
                    .filter_map(|other| conflict(one, other)),
            );
        }
    }
    problems.sort_by_key(|problem| problem.rule);
    problems
}

/// A rule that keeps something.
#[derive(Debug)]
struct Keeper<'a> {
    rule: usize,
    name: &'a str,
    keep: &'a KeepSettings,
    /// None keeps always.
    asked: Option<Asked>,
    inputs: Vec<Input>,
}

impl<'a> Keeper<'a> {
    /// None if its expression cannot be read, which another check tells.
    fn new(index: usize, rule: &'a RuleSettings, keep: &'a KeepSettings) -> Option<Keeper<'a>> {
        let asked = match &keep.condition {
            Some(text) => Some(Asked::new(text, &rule.place)?),
            None => None,
        };
        Some(Keeper {
            rule: index,
            name: &rule.name,
            keep,
            inputs: asked.iter().flat_map(Asked::inputs).collect(),
            asked,
        })
    }

    /// The level that it wants now, if any; `slots` are the places of its inputs.
    fn level(&self, seen: &Seen<'_>, slots: &[usize]) -> Option<&'a str> {
        let Some(asked) = &self.asked else {
            return Some(&self.keep.at);
        };
        let inputs = self.inputs.iter().zip(slots);
        let answers: Vec<Option<Value>> = inputs
            .map(|(input, slot)| seen.answer(input, *slot))
            .collect();
        match asked.judge(&answers)? != self.keep.inverted {
            true => Some(&self.keep.at),
            false => self.keep.otherwise.as_deref(),
        }
    }

    fn slots(&self, samples: &Samples) -> Vec<usize> {
        self.inputs
            .iter()
            .map(|input| samples.slot(input))
            .collect()
    }

    fn levels(&self) -> impl Iterator<Item = &'a str> {
        let KeepSettings { at, otherwise, .. } = self.keep;
        std::iter::once(at.as_str()).chain(otherwise.as_deref())
    }

    fn text(&self) -> &'a str {
        self.keep.condition.as_deref().unwrap_or_default()
    }
}

fn conflict(one: &Keeper<'_>, other: &Keeper<'_>) -> Option<RuleProblem> {
    let may_differ = one.levels().any(|a| other.levels().any(|b| differ(a, b)));
    if !may_differ {
        return None;
    }
    let inputs = one.inputs.iter().chain(&other.inputs);
    let samples = Samples::new(inputs, [one.text(), other.text()]);
    let slots = (one.slots(&samples), other.slots(&samples));
    let mut found = None;
    samples.any(|seen| {
        // Where one of them wants nothing, the other need not be judged.
        let one_wants = one.level(seen, &slots.0);
        let levels = one_wants.and_then(|a| Some((a, other.level(seen, &slots.1)?)));
        found = levels
            .filter(|(a, b)| differ(a, b))
            .map(|(a, b)| problem(one, other, (a, b), &seen.example()));
        found.is_some()
    });
    found
}

/// `on` and `ON` are one level.
fn differ(a: &str, b: &str) -> bool {
    Value::parse(a) != Value::parse(b)
}

fn problem(
    one: &Keeper<'_>,
    other: &Keeper<'_>,
    (a, b): (&str, &str),
    example: &str,
) -> RuleProblem {
    let when = match example {
        "" => "at all times".to_owned(),
        example => format!("when {example}"),
    };
    let (first, second, thing) = (one.name, other.name, &one.keep.thing);
    RuleProblem {
        rule: one.rule,
        at: Where::Keep,
        within: None,
        other: Some((other.rule, format!("this one keeps it at {b}"))),
        message: format!("`{first}` keeps {thing} at {a} and `{second}` at {b}: both hold {when}"),
        hint: Some(format!(
            "leave that case out in one of them with `while` or `unless`, or let one rule see to \
             {thing} alone, with `otherwise` for its second level"
        )),
    }
}

#[cfg(test)]
mod tests;
