//! Reads `[[rule]]`: what starts it, what it does, how often, and its tests.

mod action;
mod asks;
mod flow;
mod keep;
mod kind;
mod notify;
mod running;
mod scenario;
mod trigger;

#[cfg(test)]
mod tests;

use toml::de::DeValue;

use self::trigger::Triggers;
use super::check::RulePlaces;
use super::item::Item;
use super::problem::{Problem, quoted};
use super::table::Table;
use crate::home::topic::word;
use crate::rules::{ActionSettings, RuleSettings};

/// Every rule of a file, with the places that later problems may speak of.
pub(super) fn read_all(item: Item<'_>) -> Vec<(RuleSettings, RulePlaces)> {
    if !matches!(item.value(), DeValue::Array(_)) {
        item.expected::<()>("a list of tables", "write [[rule]], with two brackets");
        return Vec::new();
    }
    item.list(read_rule).unwrap_or_default()
}

fn read_rule(item: Item<'_>) -> Option<(RuleSettings, RulePlaces)> {
    item.table(title(item), |table| {
        let mut places = RulePlaces::new(item.spot());
        let name = table.required("name", |item| read_name(item, &mut places));
        let mut rule = RuleSettings::new(name.clone().unwrap_or_default());
        running::read_bounds(table, &mut rule);
        let does_something = match table.item("keep") {
            Some(keep) => {
                rule.keep = keep::read(keep, table, &mut places);
                rule.keep.is_some()
            }
            None => read_when_and_then(table, &mut rule, &mut places),
        };
        let tests = table.optional("test", |item| scenario::read_all(item, &rule, &mut places));
        rule.tests = tests.unwrap_or_default();
        (name.is_some() && does_something).then_some((rule, places))
    })?
}

/// Messages call a rule by its name where it has one.
fn title(item: Item<'_>) -> String {
    let name = item
        .value()
        .get("name")
        .and_then(|name| name.get_ref().as_str());
    match name {
        Some(name) => format!("rule {}", quoted(name)),
        None => "this rule".to_owned(),
    }
}

fn read_name(item: Item<'_>, places: &mut RulePlaces) -> Option<String> {
    places.name = item.spot();
    let name = item.text()?;
    if word(&name).is_empty() {
        return item.wrong(
            "a rule's name needs a letter or a digit",
            "its last run is told at the topic hearth/rule/<name>/last",
        );
    }
    Some(name)
}

/// Whether both are there and sound.
fn read_when_and_then(table: &Table<'_>, rule: &mut RuleSettings, places: &mut RulePlaces) -> bool {
    let both = table.has_any(&["when", "then"]);
    if !both {
        let message = format!("{} needs `when` and `then`, or `keep`", table.title());
        table.miss(
            vec!["when", "then", "keep"],
            Problem::at(table.spot(), message),
        );
    }
    let triggers = match both {
        true => table.required_hint("when", WHEN, |item| {
            Some(trigger::read_all(item, &rule.name, places))
        }),
        false => None,
    };
    rule.condition = table.optional("if", |item| read_condition(item, places));
    let then = match both {
        true => table.required_hint("then", THEN, |item| read_then(item, places)),
        false => None,
    };
    not_empty(table, "when");
    not_empty(table, "then");
    running::read(table, rule);
    let is_sound = triggers.is_some() && then.is_some();
    triggers.unwrap_or_else(Triggers::default).put_into(rule);
    rule.then = then.unwrap_or_default();
    is_sound
}

const WHEN: &str = r#"say what it waits for: when = { topic = "…", is = "on" }"#;
const THEN: &str = r#"say what it does: then = [{ set = "home/…/…", to = "on" }]"#;

fn read_condition(item: Item<'_>, places: &mut RulePlaces) -> Option<String> {
    let text = item.text()?;
    places.condition = Some(item.spot());
    Some(text)
}

fn read_then(item: Item<'_>, places: &mut RulePlaces) -> Option<Vec<ActionSettings>> {
    action::read_list(item, 0, places)
}

fn not_empty(table: &Table<'_>, key: &'static str) {
    let list = table.item(key);
    if let Some(item) = list.filter(|item| item.value().as_array().is_some_and(|a| a.is_empty())) {
        let message = format!("{} needs at least one entry in `{key}`", table.title());
        table.error(Problem::at(item.spot(), message));
    }
}
